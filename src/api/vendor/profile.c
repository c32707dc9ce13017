/* SPDX-License-Identifier: MIT
 *
 * The vendor's profile and settings. Each write updates the vendor's row, invalidates the public
 * vendor object and replies with the vendor as it sees itself.
 */
#include "hours.h"
#include "location.h"
#include "reeyo/api/account.h"
#include "reeyo/api/reply_objects.h"
#include "reeyo/api/vendor.h"
#include "reeyo/core/json_writer.h"
#include "reeyo/db/queries/shop.h"
#include "shop.h"

#define MINIMUM_MAX 500000

static const struct field profile_body[] = {
	{ "businessName", FIELD_TEXT, .min = 3, .max = 100, .aliases = "business_name" },
	{ "ownerName", FIELD_TEXT, .min = 2, .max = 100, .aliases = "owner_name" },
	{ "phone", FIELD_PHONE, .aliases = "phoneNumber",
		.summary = "A new number must be verified again" },
	{ "description", FIELD_TEXT, .lines = true, .max = 500, .clearable = true },
	{ "logo", FIELD_URL, .clearable = true },
	{ "coverImage", FIELD_URL, .clearable = true, .aliases = "cover_image" },
	SHOP_LOCATION_FIELDS,
	{ "minOrderAmount", FIELD_MONEY, .max = MINIMUM_MAX, .clearable = true,
		.aliases = "min_order_amount" },
	{ "deliveryRadius", FIELD_NUMBER, .clearable = true, .above = true, .max = 100,
		.aliases = "delivery_radius", .summary = "km" },
	{ "averagePreparationTime", FIELD_INT, .min = 1, .max = 120,
		.aliases = "average_preparation_time", .summary = "Minutes" },
	{ "tags", FIELD_LIST, .max = 10, .each = FIELD_TEXT, .each_max = 30 },
	{ "isHighDemand", FIELD_BOOL, .aliases = "is_high_demand" },
	LANGUAGE_FIELD,
	FIELD_END,
};
static const struct field hours_body[] = {
	{ "businessHours", FIELD_OBJECT, .of = day_fields, .aliases = "business_hours hours",
		.summary = "A day that is not given is closed; without any day it is "
			   "always open; the days may also be members of the body" },
	FIELD_END,
};
static const struct field online_body[] = {
	{ "isOnline", FIELD_BOOL, .required = true, .aliases = "available online is_online" },
	FIELD_END,
};
static const struct field bank_body[] = {
	{ "bankDetails", FIELD_OBJECT, .of = bank_fields, .aliases = "bank_details",
		.summary = "Its members may also be members of the body" },
	FIELD_END,
};
static const struct field document_fields[] = {
	{ "businessLicense", FIELD_URL, .aliases = "business_license" },
	{ "taxId", FIELD_URL, .aliases = "tax_id" },
	{ "ownerIdCard", FIELD_URL, .aliases = "owner_id_card" },
	FIELD_END,
};
static const struct field documents_body[] = {
	{ "documents", FIELD_OBJECT, .of = document_fields,
		.summary = "Its members may also be members of the body" },
	FIELD_END,
};

static void vendor_changed(struct request *rq, const struct db_result *result)
{
	if (db_error(result))
		return account_fail(rq, result);
	if (db_rows(result) == 0)
		return reply_error(rq, E_ACCOUNT_GONE);
	reply_vendor_changed(
		rq, (struct shop_reply){ .data = db_text(result, 0, VENDOR_UPDATE_VENDOR) });
}

/* changes: JSON; NULL: out of memory. */
static void vendor_change_write(struct request *rq, const char *changes)
{
	if (!changes)
		return reply_error(rq, E_NO_MEMORY);
	sql_try_write(rq, vendor_update, vendor_changed,
		&(struct vendor_update){ .vendor_id = rq->caller.id, .changes = changes });
}

/* value: JSON. */
static void vendor_change_member(struct request *rq, const char *name, const char *value)
{
	struct buf out = buf_in(rq->arena, 256);
	struct json_writer json = json_write_to(&out);

	json_write_object(&json);
	json_write_member_raw(&json, name, text_of(value));
	json_write_object_end(&json);
	vendor_change_write(rq, json_write_finish(&json));
}

/* The object `name` of the body, or the body itself when the object's members stand there directly.
 * NULL when the error reply has been sent. */
static json_t *body_object(struct request *rq, const char *name, const struct field *table)
{
	json_t *object = member(rq->body, name);
	struct field_fault faults[FIELD_FAULTS_MAX];

	if (object)
		return object;
	if (field_check(table, rq->body, 0, faults)) {
		reply_field(rq, faults[0].field, faults[0].message, faults[0].message_fr);
		return NULL;
	}
	return rq->body;
}

static void vendor_change_object(
	struct request *rq, const char *name, const json_t *object, const struct field *table)
{
	const char *json;

	if (object_take(rq, object, table, &json))
		vendor_change_member(rq, name, json);
}

/* --- Profile ---------------------------------------------------------------------------------- */

/* Sets a member of the body, or deletes it for NULL. False: out of memory. */
static bool body_set(struct request *rq, const char *name, const char *value)
{
	if (value)
		return json_object_set_new(rq->body, name, json_string(value)) == 0;
	json_object_del(rq->body, name);
	return true;
}

static bool body_set_number(struct request *rq, const char *name, const double *value)
{
	return body_set(rq, name, value ? arena_printf(rq->arena, "%.17g", *value) : NULL);
}

static void change_vendor_profile(struct request *rq)
{
	static const char *const members[] = { "businessName", "ownerName", "phone", "description",
		"logo", "coverImage", "address", "city", "lat", "lng", "minOrderAmount",
		"deliveryRadius", "averagePreparationTime", "tags", "isHighDemand", "language",
		NULL };
	struct shop_location location;

	if (!shop_location_read(rq, false, &location))
		return;
	if (!body_set(rq, "address", location.address) || !body_set(rq, "city", location.city) ||
		!body_set_number(rq, "lat", location.lat) ||
		!body_set_number(rq, "lng", location.lng))
		return reply_error(rq, E_NO_MEMORY);
	vendor_change_write(rq, body_members(rq, members));
}

static void add_vendor_documents(struct request *rq)
{
	json_t *documents = body_object(rq, "documents", document_fields);
	bool any = false;

	if (!documents)
		return;
	for (const struct field *field = document_fields; field->name; field++)
		any |= member(documents, field->name) != NULL;
	if (!any)
		return reply_field(rq, "documents",
			"must have businessLicense, taxId or ownerIdCard",
			"doit contenir businessLicense, taxId ou ownerIdCard");
	vendor_change_object(rq, "documents", documents, document_fields);
}

/* --- Settings --------------------------------------------------------------------------------- */

static void change_business_hours(struct request *rq)
{
	const json_t *given = body_object(rq, "businessHours", day_fields);
	const char *hours;

	if (!given)
		return;
	if (given == rq->body && !hours_has_any_day(given))
		return reply_field(rq, "businessHours", "is required", "est obligatoire");
	if (hours_body_read(rq, given, &hours))
		vendor_change_member(rq, "businessHours", hours);
}

static void change_bank_details(struct request *rq)
{
	static const char *const needed[] = { "accountName", "accountNumber" };
	const json_t *bank = body_object(rq, "bankDetails", bank_fields);

	for (size_t i = 0; bank && i < COUNT_OF(needed); i++)
		if (!member(bank, needed[i]))
			return reply_field(rq, needed[i], "is required", "est obligatoire");
	if (bank)
		vendor_change_object(rq, "bankDetails", bank, bank_fields);
}

static void online_changed(struct request *rq, const struct db_result *result)
{
	struct text outcome = db_text(result, 0, VENDOR_SET_ONLINE_OUTCOME);

	if (text_is(outcome, TEXT("NOT_APPROVED")))
		return reply_error(rq, E_NOT_APPROVED);
	if (!text_is(outcome, TEXT("CHANGED")))
		return reply_error(rq, E_ACCOUNT_GONE);
	reply_vendor_changed(
		rq, (struct shop_reply){ .data = db_text(result, 0, VENDOR_SET_ONLINE_VENDOR) });
}

static void change_online_status(struct request *rq)
{
	sql_write(rq, vendor_set_online, online_changed,
		&(struct vendor_set_online){ .vendor_id = rq->caller.id,
			.online = member_bool(rq->body, "isOnline", false) });
}

const struct route vendor_profile_routes[] = {
	{ PUT, "/auth/profile", .operation = "updateVendorProfile", .aliases = "/profile",
		.access = VENDOR_ACCOUNT, .any_write = true, .body = profile_body,
		.reply = vendor_self_fields, .errors = { E_PHONE_TAKEN, E_ACCOUNT_GONE },
		.run = change_vendor_profile,
		.summary = "Change the profile; members that are absent stay" },
	{ POST, "/profile/documents", .operation = "submitVendorDocuments",
		.access = VENDOR_ACCOUNT, .any_write = true, .body = documents_body,
		.reply = vendor_self_fields, .errors = { E_ACCOUNT_GONE },
		.run = add_vendor_documents,
		.summary = "Add documents, by the URLs of their images" },
	{ PUT, "/settings/hours", .operation = "setBusinessHours",
		.aliases = "/settings/business-hours /profile/hours", .access = VENDOR_ACCOUNT,
		.any_write = true, .body = hours_body, .reply = vendor_self_fields,
		.errors = { E_ACCOUNT_GONE }, .run = change_business_hours,
		.summary = "Set the business hours" },
	{ PATCH, "/settings/online-status", .operation = "setVendorAvailability",
		.aliases = "/profile/status", .access = VENDOR_ACCOUNT, .any_write = true,
		.body = online_body, .reply = vendor_self_fields,
		.errors = { E_NOT_APPROVED, E_ACCOUNT_GONE }, .run = change_online_status,
		.summary = "Go online (take orders) or offline" },
	{ PUT, "/settings/bank-details", .operation = "setBankDetails", .access = VENDOR_ACCOUNT,
		.any_write = true, .body = bank_body, .reply = vendor_self_fields,
		.errors = { E_ACCOUNT_GONE }, .run = change_bank_details,
		.summary = "Set the account that pay-outs go to" },
	ROUTE_END,
};
