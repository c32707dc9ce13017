/* SPDX-License-Identifier: MIT
 *
 * The locations of an order: from its body, or from the stored addresses of the account
 * (rq->account, the cached profile).
 */
#include <stdio.h>

#include "order_draft.h"
#include "reeyo/core/json_writer.h"

/* Reads {lat,lng} from `coordinates`, or from the address itself. */
static bool address_point_read(const json_t *address, struct point *ret)
{
	const json_t *point = member(address, "coordinates");

	if (!point)
		point = address;
	if (!member(point, "lat") || !member(point, "lng"))
		return false;
	ret->lat = member_number(point, "lat", 0);
	ret->lng = member_number(point, "lng", 0);
	return true;
}

/* Writes a member only when it has a value. */
static void member_write(struct json_writer *json, const char *name, const char *value)
{
	if (value)
		json_write_member_string(json, name, value);
}

static const char *location_json(
	struct request *rq, const json_t *address, const struct order_location *location)
{
	static const char *const texts[] = { "addressId", "label", "city", "contactName",
		"contactPhone" };
	struct buf out = buf_in(rq->arena, 320);
	struct json_writer json = json_write_to(&out);

	json_write_object(&json);
	json_write_member_string(&json, "address", location->text);
	json_write_member_string(&json, "fullAddress", location->text);
	for (size_t i = 0; i < COUNT_OF(texts); i++)
		member_write(&json, texts[i], member_text(address, texts[i]));
	json_write_member_object(&json, "coordinates");
	json_write_member_double(&json, "lat", location->at.lat);
	json_write_member_double(&json, "lng", location->at.lng);
	json_write_object_end(&json);
	member_write(&json, "instructions", location->instructions);
	json_write_object_end(&json);
	return json_write_finish(&json);
}

/* Returns NULL, or the name of the missing field. ret->json is NULL when memory is out. */
static const char *location_from_address(
	struct request *rq, const json_t *address, struct order_location *ret)
{
	ret->text = member_text(address, "fullAddress");
	if (!ret->text)
		ret->text = member_text(address, "address");
	if (!ret->text || !*ret->text)
		return "fullAddress";
	if (!address_point_read(address, &ret->at))
		return "coordinates";
	ret->instructions = member_text(address, "instructions");
	ret->json = location_json(rq, address, ret);
	return NULL;
}

static bool location_check(struct request *rq, const char *name, const char *missing,
	const struct order_location *location)
{
	char field[80];

	if (missing) {
		snprintf(field, sizeof(field), "%s.%s", name, missing);
		reply_field(rq, field, "is required", "est obligatoire");
		return false;
	}
	if (!location->json)
		reply_error(rq, E_NO_MEMORY);
	return location->json != NULL;
}

bool body_location_read(struct request *rq, const char *name, struct order_location *ret)
{
	return location_check(
		rq, name, location_from_address(rq, member(rq->body, name), ret), ret);
}

/* The stored address with this id; NULL id: the default address. NULL when there is none. */
static const json_t *account_address_find(struct request *rq, const char *id)
{
	const json_t *addresses = member(rq->account, "addresses");

	for (size_t i = 0; i < json_array_size(addresses); i++) {
		const json_t *address = json_array_get(addresses, i);
		const char *its = member_text(address, "addressId");

		if (id ? its && strcmp(its, id) == 0 : member_bool(address, "isDefault", false))
			return address;
	}
	return NULL;
}

static bool account_location_read(struct request *rq, const char *id, struct order_location *ret)
{
	const json_t *address = account_address_find(rq, id);

	if (address)
		return location_check(
			rq, "deliveryAddress", location_from_address(rq, address, ret), ret);
	if (id)
		reply_error(rq, E_ADDRESS_NOT_FOUND);
	else
		reply_field(rq, "deliveryAddress",
			"is required: send deliveryAddress or deliveryAddressId, or set a default "
			"address",
			"est obligatoire : envoyez deliveryAddress ou deliveryAddressId, ou "
			"choisissez une adresse "
			"par défaut");
	return false;
}

bool delivery_location_read(struct request *rq, struct order_location *ret)
{
	const json_t *given = member(rq->body, "deliveryAddress");
	const char *id = body_text(rq, "deliveryAddressId");

	if (id)
		return account_location_read(rq, id, ret);
	if (!given)
		return account_location_read(rq, NULL, ret);
	id = member_text(given, "addressId");
	if (id && !member(given, "fullAddress") && !member(given, "coordinates"))
		return account_location_read(rq, id, ret);
	return body_location_read(rq, "deliveryAddress", ret);
}
