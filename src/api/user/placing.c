/* SPDX-License-Identifier: MIT
 *
 * Placing an order: what is asked (body) → the menu (this loop's catalogue) → the price (domain) →
 * one statement, which checks everything again that may have moved and writes order, payment,
 * idempotency record and event.
 *
 * A quote that fails, or that the statement refuses, may be the fault of a catalogue that is some
 * seconds old: the vendor is then read again and all is tried once more, and only the second
 * refusal reaches the customer.
 */
#include <stdio.h>

#include "placing.h"
#include "reeyo/api/catalog.h"
#include "reeyo/api/settings.h"
#include "reeyo/domain/operator.h"
#include "reeyo/partners/gateway.h"

#define PARCEL_PREPARATION 15

static void shop_found(struct request *rq, int error, const struct shop *shop);

/* What may have moved since the catalogue was read. */
static bool is_stale(int error)
{
	return error == E_PRICE_CHANGED || error == E_ITEM_NOT_FOUND ||
	       error == E_CHOICE_NOT_FOUND ||
	       error == E_ITEM_UNAVAILABLE || error == E_OUT_OF_STOCK ||
	       error == E_VENDOR_OFFLINE || error == E_VENDOR_NOT_FOUND ||
	       error == E_BELOW_MINIMUM || error == E_ABOVE_MAXIMUM || error == E_TOO_FAR;
}

bool tried_again(struct request *rq, int error)
{
	struct placing *placing = rq->state;

	if (placing->parcel || placing->reread || !is_stale(error))
		return false;
	placing->reread = true;
	catalog_forget(rq->app, placing->vendor_id);
	catalog_get(rq, placing->vendor_id, shop_found);
	return true;
}

/* --- FOOD and MART ---------------------------------------------------------------------------- */

static void shop_priced(struct request *rq, const struct shop *shop)
{
	struct placing *placing = rq->state;
	int error = quote_basket(shop, settings_rules(rq->app->settings), placing->lines,
		placing->line_count, placing->to.at, &placing->quote, &placing->fault);

	if (error) {
		if (!tried_again(rq, error))
			refuse_quote(rq, error);
		return;
	}
	placing->preparation_minutes = shop->preparation_minutes;
	placing->counted = false;
	for (size_t i = 0; i < placing->quote.line_count; i++)
		placing->counted |= placing->quote.lines[i].item->stock >= 0;
	order_insert(rq);
}

static void shop_found(struct request *rq, int error, const struct shop *shop)
{
	const char *wanted = body_text(rq, "orderType");

	if (error == E_VENDOR_NOT_FOUND)
		return refuse(rq, error, NULL, NULL);
	if (error)
		return reply_error(rq, error);
	if (wanted && order_type_named(wanted) != (int)shop->type)
		return refuse(rq, E_VALIDATION, "orderType",
			rq->french ? "ne correspond pas à ce vendeur"
		                   : "is not what this vendor sells");
	if (!settings_service_on(rq->app->settings, shop->type))
		return refuse(rq, E_SERVICE_OFF, NULL, NULL);
	shop_priced(rq, shop);
}

/* A variant or add-on as the body names it: "id", or {id or name, quantity}. */
static bool choice_take(const json_t *named, struct basket_choice *ret)
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

/* False when it has replied. */
static bool line_take(struct request *rq, const json_t *body, size_t index)
{
	struct placing *placing = rq->state;
	struct basket_line *line = &placing->lines[index];
	const json_t *variant = member(body, "variantId"), *add_ons = member(body, "addOns");
	size_t count = json_array_size(add_ons);
	struct basket_choice one = { 0 },
			     *kept = arena_alloc(rq->arena, (count + 1) * sizeof(*kept));
	bool right = !variant || (choice_take(variant, &one) && one.quantity == 1);

	*line = (struct basket_line){ .item_id = member_text(body, "itemId"),
		.notes = member_text(body, "notes"),
		.quantity = member_int(body, "quantity", 0),
		.variant = one.id,
		.add_ons = kept };
	placing->fault.line = index;
	for (; kept && right && line->add_on_count < count; line->add_on_count++)
		right = choice_take(json_array_get(add_ons, line->add_on_count),
			&kept[line->add_on_count]);
	if (kept && right)
		return true;
	if (!kept)
		reply_error(rq, E_NO_MEMORY);
	else
		reply_field(rq, line_field(placing, line->add_on_count ? "addOns" : "variantId"),
			"must be an id, or {id,quantity} with a quantity of 1 to 20",
			"doit être un identifiant, ou {id,quantity} avec une quantité de 1 à 20");
	return false;
}

static void place_basket(struct request *rq)
{
	struct placing *placing = rq->state;
	const json_t *items = member(rq->body, "items");

	placing->vendor_id = body_text(rq, "vendorId");
	if (!placing->vendor_id)
		return reply_field(rq, "vendorId", "is required", "est obligatoire");
	if (!items)
		return reply_field(rq, "items", "is required", "est obligatoire");
	placing->line_count = json_array_size(items);
	placing->lines = arena_alloc(rq->arena, placing->line_count * sizeof(*placing->lines));
	if (!placing->lines)
		return reply_error(rq, E_NO_MEMORY);
	for (size_t i = 0; i < placing->line_count; i++)
		if (!line_take(rq, json_array_get(items, i), i))
			return;
	if (spot_of_delivery(rq, &placing->to))
		catalog_get(rq, placing->vendor_id, shop_found);
}

/* --- PACKAGE ---------------------------------------------------------------------------------- */

static const char *package_json(struct request *rq, const json_t *details)
{
	struct buf out = buf_in(rq->arena, 256);

	buf_printf(&out, "{\"category\":\"%s\",\"weight\":%.10g,\"description\":",
		member_text(details, "category"), member_number(details, "weight", 0));
	buf_add_json(&out, text_of(member_text(details, "description")));
	buf_printf(&out, ",\"isFragile\":%s}",
		member_bool(details, "isFragile", false) ? "true" : "false");
	return buf_string(&out);
}

/* A parcel's two ends need somebody to meet. */
static bool contact_given(struct request *rq, const char *name)
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

/* No weight above zero is nothing. */
static int64_t grams_of(double kilograms)
{
	int64_t grams = (int64_t)(kilograms * 1000 + 0.5);

	return grams > 0 ? grams : 1;
}

static void place_parcel(struct request *rq)
{
	struct placing *placing = rq->state;
	const json_t *details = member(rq->body, "packageDetails");
	struct parcel parcel;
	int error;

	if (!details)
		return reply_field(rq, "packageDetails", "is required", "est obligatoire");
	if (!contact_given(rq, "pickupAddress") || !contact_given(rq, "deliveryAddress") ||
		!spot_in_body(rq, "pickupAddress", &placing->from) ||
		!spot_in_body(rq, "deliveryAddress", &placing->to))
		return;
	if (!settings_service_on(rq->app->settings, PACKAGE))
		return refuse(rq, E_SERVICE_OFF, NULL, NULL);
	parcel = (struct parcel){ .from = placing->from.at,
		.to = placing->to.at,
		.grams = grams_of(member_number(details, "weight", 0)),
		.fragile = member_bool(details, "isFragile", false) };
	error = quote_parcel(
		&parcel, settings_rules(rq->app->settings), &placing->quote, &placing->fault);
	if (error)
		return refuse_quote(rq, error);
	placing->package = package_json(rq, details);
	placing->preparation_minutes = PARCEL_PREPARATION;
	if (!placing->package)
		return reply_error(rq, E_NO_MEMORY);
	order_insert(rq);
}

/* --- The beginning ---------------------------------------------------------------------------- */

static void refuse_method(struct request *rq)
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
	refuse(rq, E_PAYMENT_DOWN, "paymentMethod", buf_string(&message));
}

/* Whose phone is asked to pay; false when it has replied. */
static bool payer_found(struct request *rq)
{
	struct placing *placing = rq->state;

	placing->phone = body_text(rq, "phone");
	if (!placing->phone)
		placing->phone = member_text(rq->account, "phone");
	if (!gateway_up(rq->app->gateway))
		refuse(rq, E_PAYMENT_DOWN, NULL, NULL);
	else if (!placing->phone || !phone_has_money(placing->phone))
		refuse(rq, E_VALIDATION, "phone",
			rq->french ? "n'est pas un numéro que le mobile money dessert"
			           : "is not a number that mobile money reaches");
	else
		return true;
	return false;
}

void place_order(struct request *rq)
{
	struct placing *placing = ARENA_NEW(rq->arena, struct placing);
	const char *type = body_text(rq, "orderType"), *method = body_text(rq, "paymentMethod");

	if (!placing)
		return reply_error(rq, E_NO_MEMORY);
	rq->state = placing;
	placing->parcel =
		type ? order_type_named(type) == PACKAGE
	             : member(rq->body, "packageDetails") && !member(rq->body, "vendorId");
	placing->method = method ? (enum payment_method)payment_method_named(method) : PAY_WALLET;
	if (!settings_method_on(rq->app->settings, placing->method))
		return refuse_method(rq);
	if (placing->method == PAY_MOBILE_MONEY && !payer_found(rq))
		return;
	if (placing->parcel)
		place_parcel(rq);
	else
		place_basket(rq);
}
