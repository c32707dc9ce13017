/* SPDX-License-Identifier: MIT
 *
 * The draft of an order: reads the body of POST /orders, and prices it from a vendor's menu.
 */
#include "order_draft.h"

#include <stdio.h>

#include "reeyo/api/settings.h"
#include "reeyo/core/json_writer.h"
#include "reeyo/domain/operator.h"
#include "reeyo/partners/gateway.h"

#define PARCEL_PREPARATION 15

/* --- FOOD and MART ---------------------------------------------------------------------------- */

/* A variant or add-on of the body: "id", or {id or name, quantity}. */
static bool body_choice_read(const json_t *named, struct basket_choice *ret)
{
	const json_t *quantity = member(named, "quantity");
	const char *id = json_string_value(named);

	if (!id)
		id = member_text(named, "id");
	if (!id)
		id = member_text(named, "name");
	*ret = (struct basket_choice){ .id = id, .quantity = member_int(named, "quantity", 1) };
	return id && (!quantity || json_is_integer(quantity)) && ret->quantity >= 1 &&
		ret->quantity <= CHOICE_QUANTITY_MAX;
}

/* False when it has sent an error. */
static bool body_line_read(struct request *rq, const json_t *body, size_t index)
{
	struct order_draft *draft = rq->state;
	struct basket_line *line = &draft->lines[index];
	const json_t *variant = member(body, "variantId"), *add_ons = member(body, "addOns");
	size_t count = json_array_size(add_ons);
	struct basket_choice one = { 0 },
			     *kept = arena_alloc(rq->arena, (count + 1) * sizeof(*kept));
	bool right = !variant || (body_choice_read(variant, &one) && one.quantity == 1);

	*line = (struct basket_line){ .item_id = member_text(body, "itemId"),
		.notes = member_text(body, "notes"),
		.quantity = member_int(body, "quantity", 0),
		.variant = one.id,
		.add_ons = kept };
	draft->fault.line = index;
	for (; kept && right && line->add_on_count < count; line->add_on_count++)
		right = body_choice_read(
			json_array_get(add_ons, line->add_on_count), &kept[line->add_on_count]);
	if (kept && right)
		return true;
	if (!kept)
		reply_error(rq, E_NO_MEMORY);
	else
		reply_field(rq,
			draft_line_field(draft, line->add_on_count ? "addOns" : "variantId"),
			"must be an id, or {id,quantity} with a quantity of 1 to 20",
			"doit être un identifiant, ou {id,quantity} avec une quantité de 1 à 20");
	return false;
}

static bool basket_read(struct request *rq)
{
	struct order_draft *draft = rq->state;
	const json_t *items = member(rq->body, "items");

	draft->vendor_id = body_text(rq, "vendorId");
	if (!draft->vendor_id || !items) {
		reply_field(rq, draft->vendor_id ? "items" : "vendorId", "is required",
			"est obligatoire");
		return false;
	}
	draft->line_count = json_array_size(items);
	draft->lines = arena_alloc(rq->arena, draft->line_count * sizeof(*draft->lines));
	if (!draft->lines) {
		reply_error(rq, E_NO_MEMORY);
		return false;
	}
	for (size_t i = 0; i < draft->line_count; i++)
		if (!body_line_read(rq, json_array_get(items, i), i))
			return false;
	return delivery_location_read(rq, &draft->to);
}

bool draft_check_shop(struct request *rq, const struct shop *shop)
{
	const char *wanted = body_text(rq, "orderType");

	if (wanted && order_type_parse(wanted) != (int)shop->type)
		draft_refuse(rq, E_VALIDATION, "orderType",
			rq->french ? "ne correspond pas à ce vendeur"
				   : "is not what this vendor sells");
	else if (!settings_service_on(rq->app->settings, shop->type))
		draft_refuse(rq, E_SERVICE_OFF, NULL, NULL);
	else
		return true;
	return false;
}

int draft_price_basket(struct request *rq, const struct shop *shop)
{
	struct order_draft *draft = rq->state;
	int error = quote_basket(shop, settings_rules(rq->app->settings), draft->lines,
		draft->line_count, draft->to.at, &draft->quote, &draft->fault);

	if (error)
		return error;
	draft->preparation_minutes = shop->preparation_minutes;
	draft->limited = false;
	for (size_t i = 0; i < draft->quote.line_count; i++)
		draft->limited |= draft->quote.lines[i].item->stock >= 0;
	return 0;
}

/* --- PACKAGE ---------------------------------------------------------------------------------- */

static const char *body_package_json(struct request *rq, const json_t *details)
{
	struct buf out = buf_in(rq->arena, 256);
	struct json_writer json = json_write_to(&out);

	json_write_object(&json);
	json_write_member_string(&json, "category", member_text(details, "category"));
	json_write_member_double(&json, "weight", member_number(details, "weight", 0));
	json_write_member_string(&json, "description", member_text(details, "description"));
	json_write_member_bool(&json, "isFragile", member_bool(details, "isFragile", false));
	json_write_object_end(&json);
	return json_write_finish(&json);
}

/* Both ends of a parcel need a contact. False when it has sent an error. */
static bool body_contact_check(struct request *rq, const char *name)
{
	static const char *const contact[] = { "contactName", "contactPhone" };
	const json_t *address = member(rq->body, name);
	char field[64];

	if (!address) {
		reply_field(rq, name, "is required", "est obligatoire");
		return false;
	}
	for (size_t i = 0; i < COUNT_OF(contact); i++) {
		if (member_text(address, contact[i]))
			continue;
		snprintf(field, sizeof(field), "%s.%s", name, contact[i]);
		reply_field(rq, field, "is required", "est obligatoire");
		return false;
	}
	return true;
}

/* A weight above zero never becomes 0 g. */
static int64_t grams(double kilograms)
{
	int64_t grams = (int64_t)(kilograms * 1000 + 0.5);

	return grams > 0 ? grams : 1;
}

static bool parcel_read(struct request *rq)
{
	struct order_draft *draft = rq->state;
	const json_t *details = member(rq->body, "packageDetails");

	if (!details) {
		reply_field(rq, "packageDetails", "is required", "est obligatoire");
		return false;
	}
	if (!body_contact_check(rq, "pickupAddress") ||
		!body_contact_check(rq, "deliveryAddress") ||
		!body_location_read(rq, "pickupAddress", &draft->from) ||
		!body_location_read(rq, "deliveryAddress", &draft->to))
		return false;
	draft->package = body_package_json(rq, details);
	draft->preparation_minutes = PARCEL_PREPARATION;
	if (!settings_service_on(rq->app->settings, PACKAGE))
		draft_refuse(rq, E_SERVICE_OFF, NULL, NULL);
	else if (!draft->package)
		reply_error(rq, E_NO_MEMORY);
	else
		return true;
	return false;
}

int draft_price_parcel(struct request *rq)
{
	struct order_draft *draft = rq->state;
	const json_t *details = member(rq->body, "packageDetails");
	struct parcel parcel = { .from = draft->from.at,
		.to = draft->to.at,
		.grams = grams(member_number(details, "weight", 0)),
		.fragile = member_bool(details, "isFragile", false) };

	return quote_parcel(
		&parcel, settings_rules(rq->app->settings), &draft->quote, &draft->fault);
}

/* --- The payment ------------------------------------------------------------------------------ */

static void draft_refuse_method(struct request *rq)
{
	struct buf message = buf_in(rq->arena, 160);
	const char *comma = rq->french ? " n'est pas encore disponible ; utilisez "
				       : " is not available yet; use ";
	const char *asked = body_text(rq, "paymentMethod");

	buf_add_string(&message, asked ? asked : payment_method_words[PAY_WALLET]);
	for (enum payment_method method = PAY_WALLET; method < PAYMENT_METHODS; method++) {
		if (!settings_method_on(rq->app->settings, method))
			continue;
		buf_add_string(&message, comma);
		buf_add_string(&message, payment_method_words[method]);
		comma = rq->french ? " ou " : " or ";
	}
	draft_refuse(rq, E_PAYMENT_DOWN, "paymentMethod", buf_string(&message));
}

/* Finds the phone that pays. False when it has sent an error. */
static bool draft_payer_find(struct request *rq)
{
	struct order_draft *draft = rq->state;

	draft->phone = body_text(rq, "phone");
	if (!draft->phone)
		draft->phone = member_text(rq->account, "phone");
	if (!gateway_available(rq->app->gateway))
		draft_refuse(rq, E_PAYMENT_DOWN, NULL, NULL);
	else if (!draft->phone || !phone_is_mobile_money(draft->phone))
		draft_refuse(rq, E_VALIDATION, "phone",
			rq->french ? "n'est pas un numéro que le mobile money dessert"
				   : "is not a number that mobile money reaches");
	else
		return true;
	return false;
}

bool draft_read(struct request *rq)
{
	struct order_draft *draft = rq->state;
	const char *type = body_text(rq, "orderType"), *method = body_text(rq, "paymentMethod");

	draft->parcel = type ? order_type_parse(type) == PACKAGE
			     : member(rq->body, "packageDetails") && !member(rq->body, "vendorId");
	draft->method = method ? (enum payment_method)payment_method_parse(method) : PAY_WALLET;
	if (!settings_method_on(rq->app->settings, draft->method)) {
		draft_refuse_method(rq);
		return false;
	}
	if (draft->method == PAY_MOBILE_MONEY && !draft_payer_find(rq))
		return false;
	return draft->parcel ? parcel_read(rq) : basket_read(rq);
}
