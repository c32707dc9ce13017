/* SPDX-License-Identifier: MIT
 *
 * The customer's addresses. The first one becomes the default. Making another one the default
 * replaces it.
 */
#include "reeyo/api/user.h"

#include "reeyo/api/account.h"
#include "reeyo/db/queries/addresses.h"
#include "user.h"

#define POINT_FIELDS \
	{ "coordinates", FIELD_POINT, .aliases = "location" }, \
		{ "lat", FIELD_NUMBER, .min = -90, .max = 90, .aliases = "latitude", \
			.summary = "Instead of coordinates" }, \
	{ \
		"lng", FIELD_NUMBER, .min = -180, .max = 180, .aliases = "longitude" \
	}

static const struct field add_body[] = {
	{ "label", FIELD_TEXT, .required = true, .min = 1, .max = 50 },
	{ "address", FIELD_TEXT, .required = true, .min = 3, .max = 200,
		.aliases = "fullAddress street" },
	{ "city", FIELD_TEXT, .required = true, .min = 2, .max = 80 },
	POINT_FIELDS,
	{ "instructions", FIELD_TEXT, .lines = true, .max = 500 },
	{ "isDefault", FIELD_BOOL, .summary = "Make this the default" },
	FIELD_END,
};
static const struct field change_body[] = {
	{ "label", FIELD_TEXT, .min = 1, .max = 50 },
	{ "address", FIELD_TEXT, .min = 3, .max = 200, .aliases = "fullAddress street" },
	{ "city", FIELD_TEXT, .min = 2, .max = 80 },
	POINT_FIELDS,
	{ "instructions", FIELD_TEXT, .lines = true, .max = 500, .clearable = true },
	{ "isDefault", FIELD_BOOL, .summary = "Make this the default" },
	FIELD_END,
};

/* The object of the body that has the point, in either spelling; NULL without a point. */
static const json_t *address_point(struct request *rq)
{
	const json_t *point = member(rq->body, "coordinates");

	if (!point)
		point = rq->body;
	return member(point, "lat") && member(point, "lng") ? point : NULL;
}

static void addresses_listed(struct request *rq, const struct db_result *result)
{
	if (db_rows(result) == 0)
		return reply_error(rq, E_ACCOUNT_GONE);
	reply_data(rq, db_text(result, 0, ADDRESS_LIST_ADDRESSES));
}

static void list_addresses(struct request *rq)
{
	sql_read(rq, address_list, addresses_listed,
		&(struct address_list){ .user_id = rq->caller.id });
}

static void address_added(struct request *rq, const struct db_result *result)
{
	if (db_rows(result) == 0)
		return reply_field(rq, "address", "there are too many addresses, delete one first",
			"trop d'adresses, supprimez-en une d'abord");
	account_reply(rq, db_text(result, 0, ADDRESS_ADD_USER));
}

static void add_address(struct request *rq)
{
	const json_t *point = address_point(rq);
	struct address_add address = { .user_id = rq->caller.id,
		.address_id = request_id_new(rq, "addr_"),
		.label = body_text(rq, "label"),
		.address = body_text(rq, "address"),
		.city = body_text(rq, "city"),
		.lat = member_number(point, "lat", 0),
		.lng = member_number(point, "lng", 0),
		.instructions = body_text(rq, "instructions"),
		.is_default = member_bool(rq->body, "isDefault", false) };

	if (!point)
		return reply_field(
			rq, "coordinates", "is required: {lat,lng}", "est obligatoire : {lat,lng}");
	if (!address.address_id)
		return reply_error(rq, E_NO_MEMORY);
	sql_write(rq, address_add, address_added, &address);
}

static void address_changed(struct request *rq, const struct db_result *result)
{
	if (db_rows(result) == 0)
		return reply_error(rq, E_ADDRESS_NOT_FOUND);
	account_reply(rq, db_text(result, 0, ADDRESS_CHANGE_USER));
}

static void change_address(struct request *rq)
{
	const json_t *point = address_point(rq);

	sql_write(rq, address_change, address_changed,
		&(struct address_change){ .user_id = rq->caller.id,
			.address_id = rq->params[0],
			.label = body_text(rq, "label"),
			.address = body_text(rq, "address"),
			.city = body_text(rq, "city"),
			.lat = optional_number(rq, point, "lat"),
			.lng = optional_number(rq, point, "lng"),
			.instructions = arg_change(rq, "instructions"),
			.is_default = member_bool(rq->body, "isDefault", false) });
}

/* Deleting a missing address succeeds. */
static void address_deleted(struct request *rq, const struct db_result *result)
{
	account_reply(rq, db_text(result, 0, ADDRESS_DELETE_USER));
}

static void delete_address(struct request *rq)
{
	sql_write(rq, address_delete, address_deleted,
		&(struct address_delete){ .user_id = rq->caller.id, .address_id = rq->params[0] });
}

const struct route user_address_routes[] = {
	{ GET, "/auth/addresses", .operation = "listAddresses", .access = CUSTOMER,
		.during_maintenance = true, .reply = address_fields, .shape = REPLY_ARRAY,
		.run = list_addresses, .errors = { E_ACCOUNT_GONE },
		.summary = "The account's addresses, the default one first" },
	{ POST, "/auth/addresses", .operation = "createAddress", .access = CUSTOMER,
		.during_maintenance = true, .body = add_body, .reply = user_fields, .created = true,
		.run = add_address, .errors = { E_ACCOUNT_GONE },
		.summary = "Add an address; the first one is the default" },
	{ PUT, "/auth/addresses/:addressId", .operation = "updateAddress", .access = CUSTOMER,
		.during_maintenance = true, .any_write = true, .body = change_body,
		.reply = user_fields, .run = change_address,
		.errors = { E_ADDRESS_NOT_FOUND, E_ACCOUNT_GONE }, .summary = "Change an address" },
	{ DELETE, "/auth/addresses/:addressId", .operation = "deleteAddress", .access = CUSTOMER,
		.during_maintenance = true, .reply = user_fields, .run = delete_address,
		.errors = { E_ACCOUNT_GONE },
		.summary = "Delete an address; another becomes the default" },
	ROUTE_END,
};
