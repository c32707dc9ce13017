/* SPDX-License-Identifier: MIT
 *
 * Placing an order: what is asked (body) → the menu (this loop's catalogue) → the price (domain) → one statement,
 * which checks everything again that may have moved and writes order, payment, idempotency record and event.
 *
 * A quote that fails, or that the statement refuses, may be the fault of a catalogue that is some seconds old: the vendor is
 * then read again and all is tried once more, and only the second refusal reaches the customer. Before any refusal an
 * Idempotency-Key is looked up: the first request with it may have been served, and its answer is this one's.
 */
#include <stdio.h>

#include "order.h"
#include "reeyo/api/catalog.h"
#include "reeyo/api/settings.h"

#define PARCEL_PREPARATION 15

struct placing {
	bool parcel;
	enum payment_method method;
	const char *vendor_id;
	struct basket_line *lines;
	size_t line_count;
	struct spot from, to;          /* from: PACKAGE only */
	const char *package;           /* its JSON */
	const char *basket;            /* hash; NULL when the rule does not apply */
	int64_t preparation_minutes;
	bool reread;                   /* the vendor has been read again */
	bool renumbered;
	bool key_asked;
	bool counted;                  /* some line's stock is counted, so the menu has changed */
	char id[ID_SIZE], entry[ID_SIZE], number[ORDER_NUMBER_SIZE], code[5];
	const char *shown;             /* the lines as kept and shown */
	const char *columns[3];        /* their items, quantities and prices, as arrays */
	struct text order;
	struct quote quote;
	struct quote_fault fault;
	/* what stands in the way */
	int refusal;
	const char *field, *message;
	char field_at[64];
};

static void shop_found(struct request *rq, int error, const struct shop *shop);

/* --- Refusing ---------------------------------------------------------------------------------------- */

static void refusal_reply(struct request *rq)
{
	struct placing *placing = rq->state;
	const struct error_row *row = error_row(placing->refusal);
	struct buf details = buf_in(rq->arena, 256);

	if (!placing->field)
		return reply_error_with(rq, placing->refusal, placing->message, TEXT_NONE);
	buf_add_string(&details, "[{\"field\":");
	buf_add_json(&details, text_of(placing->field));
	buf_add_string(&details, ",\"message\":");
	buf_add_json(&details,
		text_of(placing->message ? placing->message : rq->french ? row->french : row->english));
	buf_add_string(&details, "}]");
	reply_error_with(rq, placing->refusal, placing->message, text_of(buf_string(&details)));
}

static void key_found(struct request *rq, const struct db_result *result)
{
	struct placing *placing = rq->state;

	if (db_rows(result) == 0 && placing->refusal)
		return refusal_reply(rq);
	if (db_rows(result) == 0)
		return reply_error(rq, E_IDEMPOTENCY_RUNNING);
	if (!text_is(db_text(result, 0, 0), text_of(rq->fingerprint)))
		return reply_error(rq, E_IDEMPOTENCY_MISMATCH);
	reply_replayed(rq, (int)db_int(result, 0, 1), db_text(result, 0, 2));
}

/* On the primary: the record may be a moment old. */
static void key_ask(struct request *rq)
{
	sql_write(rq, idempotency_get, key_found, rq->caller.id, rq->idempotency_key);
}

/* field and message may be NULL: the error's own words. */
static void refuse(struct request *rq, int error, const char *field, const char *message)
{
	struct placing *placing = rq->state;

	placing->refusal = error;
	placing->field = field;
	placing->message = message;
	if (rq->idempotency_key && !placing->key_asked) {
		placing->key_asked = true;
		return key_ask(rq);
	}
	refusal_reply(rq);
}

static const char *line_field(struct placing *placing, const char *member_name)
{
	snprintf(placing->field_at, sizeof(placing->field_at), "items[%zu].%s", placing->fault.line, member_name);
	return placing->field_at;
}

static const char *words(struct request *rq, const char *english, const char *french)
{
	const struct quote_fault *fault = &((struct placing *)rq->state)->fault;

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	return arena_printf(rq->arena, rq->french ? french : english, (long long)fault->limit,
		(long long)fault->found);
#pragma GCC diagnostic pop
}

static void refuse_quote(struct request *rq, int error)
{
	struct placing *placing = rq->state;

	switch (error) {
	case E_BELOW_MINIMUM:
		return refuse(rq, error, "items", words(rq, "The minimum order is %lld XAF, this one is %lld XAF",
			"La commande minimum est de %lld XAF, celle-ci est de %lld XAF"));
	case E_ABOVE_MAXIMUM:
		return refuse(rq, error, "items", words(rq, "An order can be at most %lld XAF",
			"Une commande peut être de %lld XAF au plus"));
	case E_TOO_FAR:
		return refuse(rq, error, "deliveryAddress.coordinates",
			words(rq, "Delivery is possible up to %lld m, this is %lld m away",
				"La livraison est possible jusqu'à %lld m, ceci est à %lld m"));
	case E_ITEM_NOT_FOUND:
	case E_ITEM_UNAVAILABLE:
		return refuse(rq, error, line_field(placing, "itemId"), NULL);
	case E_OUT_OF_STOCK:
		return refuse(rq, error, line_field(placing, "quantity"), NULL);
	case E_VALIDATION:
		return refuse(rq, error, placing->parcel ? "packageDetails.weight" : line_field(placing, "quantity"),
			rq->french ? "est hors limites" : "is out of range");
	default:
		return refuse(rq, error, NULL, NULL);
	}
}

/* The line of an item that the statement has named. */
static size_t line_of(const struct placing *placing, struct text item)
{
	for (size_t i = 0; i < placing->line_count; i++)
		if (text_is(text_of(placing->lines[i].item_id), item))
			return i;
	return 0;
}

/* --- What is written ----------------------------------------------------------------------------------- */

static void finish(struct request *rq)
{
	struct placing *placing = rq->state;

	count_one(loop_counters(rq->app->loop), COUNT_ORDERS_PLACED);
	reply_data(rq, placing->order);
}

static void drop_active(struct request *rq)
{
	uncached(rq, KEY_ORDERS_ACTIVE, NULL, finish);
}

static void first_found(struct request *rq, const struct db_result *result)
{
	struct buf details = buf_in(rq->arena, 128);

	if (db_rows(result) == 0)
		return reply_error(rq, E_DUPLICATE_ORDER);
	buf_add_string(&details, "{\"orderId\":");
	buf_add_json(&details, db_text(result, 0, 0));
	buf_add_string(&details, ",\"orderNumber\":");
	buf_add_json(&details, db_text(result, 0, 1));
	buf_add_string(&details, "}");
	reply_error_with(rq, E_DUPLICATE_ORDER, NULL, text_of(buf_string(&details)));
}

/* The error an outcome names; E_INTERNAL when it is none. */
static int outcome_error(struct text outcome)
{
	for (int i = 1; i < ERR_INDEX_COUNT; i++)
		if (text_is(outcome, text_of(error_row(-i)->name)))
			return -i;
	return E_INTERNAL;
}

/* What may have moved since the catalogue was read. */
static bool is_stale(int error)
{
	return error == E_PRICE_CHANGED || error == E_ITEM_NOT_FOUND || error == E_ITEM_UNAVAILABLE ||
	       error == E_OUT_OF_STOCK || error == E_VENDOR_OFFLINE || error == E_VENDOR_NOT_FOUND ||
	       error == E_BELOW_MINIMUM || error == E_ABOVE_MAXIMUM || error == E_TOO_FAR;
}

/* True when the vendor is being read again and everything tried once more. */
static bool tried_again(struct request *rq, int error)
{
	struct placing *placing = rq->state;

	if (placing->parcel || placing->reread || !is_stale(error))
		return false;
	placing->reread = true;
	catalog_forget(rq->app, placing->vendor_id);
	catalog_get(rq, placing->vendor_id, shop_found);
	return true;
}

static void order_refused(struct request *rq, int error, struct text item)
{
	struct placing *placing = rq->state;

	if (tried_again(rq, error))
		return;
	placing->fault.line = line_of(placing, item);
	if (error == E_PRICE_CHANGED)
		return refuse(rq, error, line_field(placing, "itemId"), NULL);
	refuse_quote(rq, error);
}

static void order_send(struct request *rq);

static void placed(struct request *rq, const struct db_result *result)
{
	struct placing *placing = rq->state;
	int error = db_error(result);
	struct text outcome = error ? TEXT_NONE : db_text(result, 0, 0);

	if (error == E_CONFLICT_ROW && !placing->renumbered) {
		placing->renumbered = true; /* once in 2·10^14: the number was taken */
		return order_send(rq);
	}
	if (error == E_LOCK_TIMEOUT && rq->idempotency_key)
		error = E_IDEMPOTENCY_RUNNING;
	if (error == E_OUT_OF_STOCK)
		return order_refused(rq, error, text_of(db_error_detail(result)));
	if (error == E_WALLET_SHORT)
		return refuse(rq, error, NULL, NULL);
	if (error)
		return reply_error(rq, error);
	if (text_is(outcome, TEXT("REPLAY")))
		return key_ask(rq);
	if (text_is(outcome, TEXT("DUPLICATE_ORDER")))
		return sql_write(rq, basket_get, first_found, rq->caller.id, placing->basket);
	if (!text_is(outcome, TEXT("PLACED")))
		return order_refused(rq, outcome_error(outcome), db_text(result, 0, 2));
	placing->order = db_text(result, 0, 1);
	placing->order.at = arena_copy(rq->arena, placing->order.at, placing->order.len);
	if (placing->counted)
		return uncached(rq, KEY_MENU, placing->vendor_id, drop_active);
	drop_active(rq);
}

/* --- What is sent ---------------------------------------------------------------------------------------- */

static void text_or_null(struct buf *out, const char *name, const char *value)
{
	buf_printf(out, ",\"%s\":", name);
	if (value)
		buf_add_json(out, text_of(value));
	else
		buf_add_string(out, "null");
}

static void line_show(struct buf *out, const struct quote_line *line)
{
	buf_printf(out, "{\"itemId\":\"%s\"", line->item->id);
	text_or_null(out, "name", line->item->name);
	buf_printf(out, ",\"quantity\":%lld,\"price\":%lld", (long long)line->quantity,
		(long long)line->item->price);
	text_or_null(out, "notes", line->notes);
	text_or_null(out, "specialInstructions", line->notes);
	text_or_null(out, "image", line->item->image);
	buf_add_string(out, "}");
}

/* The lines as they are kept and shown, and as arrays for the statement to check. Into texts of the request at
 * once: the quote points into the catalogue, which may be another when an answer comes. */
static bool lines_write(struct request *rq)
{
	struct placing *placing = rq->state;
	const struct quote *quote = &placing->quote;
	struct buf shown = buf_in(rq->arena, 256 * (quote->line_count + 1)), columns[3];

	for (int i = 0; i < 3; i++) {
		columns[i] = buf_in(rq->arena, 32 * (quote->line_count + 1));
		buf_add_string(&columns[i], "{");
	}
	buf_add_string(&shown, "[");
	for (size_t i = 0; i < quote->line_count; i++) {
		const struct quote_line *line = &quote->lines[i];
		const char *comma = i ? "," : "";

		buf_add_string(&shown, comma);
		line_show(&shown, line);
		buf_printf(&columns[0], "%s\"%s\"", comma, line->item->id);
		buf_printf(&columns[1], "%s%lld", comma, (long long)line->quantity);
		buf_printf(&columns[2], "%s%lld", comma, (long long)line->item->price);
	}
	buf_add_string(&shown, "]");
	placing->shown = buf_string(&shown);
	for (int i = 0; i < 3; i++) {
		buf_add_string(&columns[i], "}");
		placing->columns[i] = buf_string(&columns[i]);
	}
	return placing->shown && placing->columns[0] && placing->columns[1] && placing->columns[2];
}

static const char *window_seconds(struct request *rq)
{
	int64_t window = rq->app->config->duplicate_window;

	return arg_int(rq, window < 1000 ? 1 : window / 1000);
}

static const char *basket_of(struct request *rq)
{
	struct placing *placing = rq->state;
	const char *rest;
	char *hex;

	if (rq->idempotency_key || rq->app->config->duplicate_window == 0)
		return NULL;
	hex = arena_alloc(rq->arena, 65);
	rest = arena_printf(rq->arena, "%s %s", payment_method_words[placing->method],
		placing->package ? placing->package : "");
	if (hex && rest)
		basket_hash(placing->vendor_id, &placing->quote, placing->parcel ? &placing->from : NULL,
			&placing->to, rest, hex);
	return hex && rest ? hex : NULL;
}

static const char *instructions_of(struct request *rq)
{
	const char *given = body_text(rq, "deliveryInstructions");

	return given ? given : ((struct placing *)rq->state)->to.instructions;
}

/* A name for each of the statement's parameters would be longer than the statement: their numbers are its own. */
static void order_send(struct request *rq)
{
	struct placing *placing = rq->state;
	const struct quote *quote = &placing->quote;
	const struct spot *from = &placing->from, *to = &placing->to;
	bool parcel = placing->parcel;

	id_new(placing->id, "ord_");
	id_new(placing->entry, "txn_");
	id_order_number(placing->number, order_letter(quote->type));
	sql_try_write(rq, order_insert, placed,
		/* 1 */ placing->id, placing->number, order_type_words[quote->type], rq->caller.id,
		/* 5 */ placing->vendor_id, placing->shown, placing->columns[0], placing->columns[1],
		/* 9 */ placing->columns[2], arg_int(rq, quote->subtotal), arg_int(rq, quote->delivery_fee),
		/* 12 */ arg_int(rq, quote->service_fee), arg_int(rq, quote->discount), arg_int(rq, quote->total),
		/* 15 */ arg_int(rq, quote->waived_fee),
		/* 16 */ arg_int(rq, settings_rules(rq->app->settings)->commission_bps[quote->type]),
		/* 17 */ arg_double(rq, (double)quote->distance_m / 1000), payment_method_words[placing->method],
		/* 19 */ to->json, to->text, arg_double(rq, to->at.lat), arg_double(rq, to->at.lng),
		/* 23 */ instructions_of(rq), body_text(rq, "notes"),
		/* 25 */ parcel ? from->json : NULL, parcel ? from->text : NULL,
		/* 27 */ parcel ? arg_double(rq, from->at.lat) : NULL, parcel ? arg_double(rq, from->at.lng) : NULL,
		/* 29 */ placing->package,
		/* 30 */ arg_int(rq, delivery_minutes(placing->preparation_minutes, quote->distance_m)),
		/* 31 */ placing->code[0] ? placing->code : NULL, placing->entry, rq->idempotency_key,
		/* 34 */ rq->fingerprint, placing->basket, window_seconds(rq));
}

static void order_insert(struct request *rq)
{
	struct placing *placing = rq->state;

	placing->basket = basket_of(rq);
	if (settings_flag(rq->app->settings, "delivery.verification_code", false) && !placing->code[0])
		id_digits(placing->code, 4);
	if (!lines_write(rq))
		return reply_error(rq, E_NO_MEMORY);
	order_send(rq);
}

/* --- FOOD and MART ------------------------------------------------------------------------------------------ */

static void shop_priced(struct request *rq, const struct shop *shop)
{
	struct placing *placing = rq->state;
	int error = quote_basket(shop, settings_rules(rq->app->settings), placing->lines, placing->line_count,
		placing->to.at, &placing->quote, &placing->fault);

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
			rq->french ? "ne correspond pas à ce vendeur" : "is not what this vendor sells");
	if (!settings_service_on(rq->app->settings, shop->type))
		return refuse(rq, E_SERVICE_OFF, NULL, NULL);
	shop_priced(rq, shop);
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
	for (size_t i = 0; i < placing->line_count; i++) {
		const json_t *line = json_array_get(items, i);

		placing->lines[i] = (struct basket_line){ .item_id = member_text(line, "itemId"),
			.notes = member_text(line, "notes"), .quantity = member_int(line, "quantity", 0) };
	}
	if (spot_of_delivery(rq, &placing->to))
		catalog_get(rq, placing->vendor_id, shop_found);
}

/* --- PACKAGE -------------------------------------------------------------------------------------------------- */

static const char *package_json(struct request *rq, const json_t *details)
{
	struct buf out = buf_in(rq->arena, 256);

	buf_printf(&out, "{\"category\":\"%s\",\"weight\":%.10g,\"description\":", member_text(details, "category"),
		member_number(details, "weight", 0));
	buf_add_json(&out, text_of(member_text(details, "description")));
	buf_printf(&out, ",\"isFragile\":%s}", member_bool(details, "isFragile", false) ? "true" : "false");
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
	parcel = (struct parcel){ .from = placing->from.at, .to = placing->to.at,
		.grams = grams_of(member_number(details, "weight", 0)),
		.fragile = member_bool(details, "isFragile", false) };
	error = quote_parcel(&parcel, settings_rules(rq->app->settings), &placing->quote, &placing->fault);
	if (error)
		return refuse_quote(rq, error);
	placing->package = package_json(rq, details);
	placing->preparation_minutes = PARCEL_PREPARATION;
	if (!placing->package)
		return reply_error(rq, E_NO_MEMORY);
	order_insert(rq);
}

/* --- The beginning ----------------------------------------------------------------------------------------------- */

static void refuse_method(struct request *rq)
{
	struct buf message = buf_in(rq->arena, 160);
	const char *comma = rq->french ? " n'est pas encore disponible ; utilisez " : " is not available yet; use ";
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

void place_order(struct request *rq)
{
	struct placing *placing = ARENA_NEW(rq->arena, struct placing);
	const char *type = body_text(rq, "orderType"), *method = body_text(rq, "paymentMethod");

	if (!placing)
		return reply_error(rq, E_NO_MEMORY);
	rq->state = placing;
	placing->parcel = type ? order_type_named(type) == PACKAGE :
				 member(rq->body, "packageDetails") && !member(rq->body, "vendorId");
	placing->method = method ? (enum payment_method)payment_method_named(method) : PAY_WALLET;
	if (!settings_method_on(rq->app->settings, placing->method))
		return refuse_method(rq);
	if (placing->parcel)
		place_parcel(rq);
	else
		place_basket(rq);
}
