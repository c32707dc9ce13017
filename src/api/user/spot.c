/* SPDX-License-Identifier: MIT
 *
 * Where an order goes, from its body and the addresses the account keeps (rq->account, the cached
 * profile).
 */
#include <stdio.h>

#include "order.h"

/* Coordinates in any spelling: {lat,lng} of `coordinates`, or flat. */
static bool point_take(const json_t *address, struct point *ret)
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

static void text_add(struct buf *out, const char *name, const char *value)
{
	if (!value)
		return;
	buf_printf(out, ",\"%s\":", name);
	buf_add_json(out, text_of(value));
}

static const char *spot_json(struct request *rq, const json_t *address, const struct spot *spot)
{
	static const char *const texts[] = { "addressId", "label", "city", "contactName",
		"contactPhone" };
	struct buf out = buf_in(rq->arena, 320);

	buf_add_string(&out, "{\"address\":");
	buf_add_json(&out, text_of(spot->text));
	text_add(&out, "fullAddress", spot->text);
	for (size_t i = 0; i < COUNT_OF(texts); i++)
		text_add(&out, texts[i], member_text(address, texts[i]));
	buf_printf(
		&out, ",\"coordinates\":{\"lat\":%.10g,\"lng\":%.10g}", spot->at.lat, spot->at.lng);
	text_add(&out, "instructions", spot->instructions);
	buf_add_string(&out, "}");
	return buf_string(&out);
}

/* 0, or what is missing: NULL json is out of memory. */
static const char *spot_read(struct request *rq, const json_t *address, struct spot *ret)
{
	ret->text = member_text(address, "fullAddress");
	if (!ret->text)
		ret->text = member_text(address, "address");
	if (!ret->text || !*ret->text)
		return "fullAddress";
	if (!point_take(address, &ret->at))
		return "coordinates";
	ret->instructions = member_text(address, "instructions");
	ret->json = spot_json(rq, address, ret);
	return NULL;
}

static bool spot_reply(
	struct request *rq, const char *name, const char *missing, const struct spot *spot)
{
	char field[80];

	if (missing) {
		snprintf(field, sizeof(field), "%s.%s", name, missing);
		reply_field(rq, field, "is required", "est obligatoire");
		return false;
	}
	if (!spot->json)
		reply_error(rq, E_NO_MEMORY);
	return spot->json != NULL;
}

bool spot_in_body(struct request *rq, const char *name, struct spot *ret)
{
	return spot_reply(rq, name, spot_read(rq, member(rq->body, name), ret), ret);
}

/* The account's address of that id; NULL id: the default one. */
static const json_t *address_kept(struct request *rq, const char *id)
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

static bool spot_kept(struct request *rq, const char *id, struct spot *ret)
{
	const json_t *address = address_kept(rq, id);

	if (address)
		return spot_reply(rq, "deliveryAddress", spot_read(rq, address, ret), ret);
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

bool spot_of_delivery(struct request *rq, struct spot *ret)
{
	const json_t *given = member(rq->body, "deliveryAddress");
	const char *id = body_text(rq, "deliveryAddressId");

	if (id)
		return spot_kept(rq, id, ret);
	if (!given)
		return spot_kept(rq, NULL, ret);
	id = member_text(given, "addressId");
	if (id && !member(given, "fullAddress") && !member(given, "coordinates"))
		return spot_kept(rq, id, ret);
	return spot_in_body(rq, "deliveryAddress", ret);
}
