/* SPDX-License-Identifier: MIT
 *
 * Writing an order: the statement's parameters, and what its outcomes mean.
 */
#include "placing.h"
#include "reeyo/api/money.h"
#include "reeyo/api/order_acts.h"
#include "reeyo/api/settings.h"
#include "reeyo/domain/operator.h"
#include "reeyo/jobs/payments.h"

static void order_send(struct request *rq);

/* The line of an item that the statement has named. */
static size_t line_of(const struct placing *placing, struct text item)
{
	for (size_t i = 0; i < placing->line_count; i++)
		if (text_is(text_of(placing->lines[i].item_id), item))
			return i;
	return 0;
}

/* --- What is written -------------------------------------------------------------------------- */

/* An order that the gateway has, or may have, is placed, and paid or ended later. One that it
 * refused or never saw has ended, and its key may be used again. */
static void collected(void *arg, enum payment_end end, struct text payment)
{
	struct request *rq = arg;
	const struct placing *placing = rq->state;

	if (!request_release(rq))
		return;
	if (end == PAYMENT_REFUSED)
		return reply_payment_refused(rq, payment);
	if (end == PAYMENT_UNREACHED)
		return reply_error(rq, E_PAYMENT_DOWN);
	reply_data(rq, placing->order);
}

static void collect(struct request *rq)
{
	const struct placing *placing = rq->state;

	request_hold(rq);
	if (!payment_collect(rq->app->payments, placing->intent, placing->phone,
		placing->quote.total, collected, rq))
		collected(rq, PAYMENT_OPEN, TEXT_NONE);
}

static void finish(struct request *rq)
{
	struct placing *placing = rq->state;
	struct counters *counters = loop_counters(rq->app->loop);

	count_one(counters, COUNT_ORDERS_PLACED);
	count_add(counters, COUNT_PAYMENTS_STARTED,
		placing->method == PAY_MOBILE_MONEY || placing->method == PAY_CARD);
	if (placing->method == PAY_MOBILE_MONEY)
		return collect(rq);
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
	if (error == E_PAYMENTS_WAIT)
		return reply_payments_wait(rq, text_of(db_error_detail(result)));
	if (error)
		return reply_error(rq, error);
	if (text_is(outcome, TEXT("REPLAY")))
		return request_replay(rq, reply_running);
	if (text_is(outcome, TEXT("DUPLICATE_ORDER")))
		return sql_write(rq, basket_get, first_found, rq->caller.id, placing->basket);
	if (!text_is(outcome, TEXT("PLACED")))
		return order_refused(rq,
			error_named(outcome.at, outcome.len), db_text(result, 0, 2));
	placing->order = db_text(result, 0, 1);
	placing->order.at = arena_copy(rq->arena, placing->order.at, placing->order.len);
	if (placing->counted)
		return uncached(rq, KEY_MENU, placing->vendor_id, drop_active);
	drop_active(rq);
}

/* --- What is sent ----------------------------------------------------------------------------- */

static void text_or_null(struct buf *out, const char *name, const char *value)
{
	buf_printf(out, ",\"%s\":", name);
	if (value)
		buf_add_json(out, text_of(value));
	else
		buf_add_string(out, "null");
}

static void choices_show(struct buf *out, const struct quote_choice *chosen, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		buf_add_string(out, i ? ",{\"id\":" : ",\"options\":[{\"id\":");
		buf_add_json(out, text_of(chosen[i].choice->id));
		text_or_null(out, "name", chosen[i].choice->name);
		buf_printf(out, ",\"price\":%lld,\"quantity\":%lld}",
			(long long)chosen[i].choice->price, (long long)chosen[i].quantity);
	}
	if (count)
		buf_add_string(out, "]");
}

/* What was chosen as item_price reads it: "v:var_1*1;a:add_2*3", a text of an array. */
static void choices_name(struct buf *out, const struct quote_choice *chosen, size_t count)
{
	for (size_t i = 0; i < count; i++)
		buf_printf(out, "%s%c:%s*%lld", i ? ";" : "\"",
			chosen[i].choice->variant ? 'v' : 'a',
			chosen[i].choice->id, (long long)chosen[i].quantity);
	buf_add_string(out, count ? "\"" : "NULL");
}

static void line_show(struct buf *out, const struct quote *quote, const struct quote_line *line)
{
	buf_printf(out, "{\"itemId\":\"%s\"", line->item->id);
	text_or_null(out, "name", line->item->name);
	buf_printf(out, ",\"quantity\":%lld,\"price\":%lld", (long long)line->quantity,
		(long long)line->price);
	text_or_null(out, "notes", line->notes);
	text_or_null(out, "specialInstructions", line->notes);
	text_or_null(out, "image", line->item->image);
	choices_show(out, &quote->choices[line->first], line->chosen);
	buf_add_string(out, "}");
}

/* The lines as they are kept and shown, and as arrays for the statement to check. Into texts of the
 * request at once: the quote points into the catalogue, which may be another when an answer comes.
 */
static bool lines_write(struct request *rq)
{
	struct placing *placing = rq->state;
	const struct quote *quote = &placing->quote;
	struct buf shown = buf_in(rq->arena, 256 * (quote->line_count + 1)), columns[4];

	for (int i = 0; i < 4; i++) {
		columns[i] = buf_in(rq->arena, 32 * (quote->line_count + 1));
		buf_add_string(&columns[i], "{");
	}
	buf_add_string(&shown, "[");
	for (size_t i = 0; i < quote->line_count; i++) {
		const struct quote_line *line = &quote->lines[i];
		const char *comma = i ? "," : "";

		buf_add_string(&shown, comma);
		line_show(&shown, quote, line);
		buf_printf(&columns[0], "%s\"%s\"", comma, line->item->id);
		buf_printf(&columns[1], "%s%lld", comma, (long long)line->quantity);
		buf_printf(&columns[2], "%s%lld", comma, (long long)line->price);
		buf_add_string(&columns[3], comma);
		choices_name(&columns[3], &quote->choices[line->first], line->chosen);
	}
	buf_add_string(&shown, "]");
	placing->shown = buf_string(&shown);
	for (int i = 0; i < 4; i++) {
		buf_add_string(&columns[i], "}");
		placing->columns[i] = buf_string(&columns[i]);
	}
	return placing->shown && placing->columns[0] && placing->columns[1] &&
		placing->columns[2] && placing->columns[3];
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
		basket_hash(placing->vendor_id, &placing->quote,
			placing->parcel ? &placing->from : NULL, &placing->to, rest, hex);
	return hex && rest ? hex : NULL;
}

static const char *instructions_of(struct request *rq)
{
	const char *given = body_text(rq, "deliveryInstructions");

	return given ? given : ((struct placing *)rq->state)->to.instructions;
}

/* A name for each of the statement's parameters would be longer than the statement: their numbers
 * are its own. */
static void order_send(struct request *rq)
{
	struct placing *placing = rq->state;
	const struct quote *quote = &placing->quote;
	const struct spot *from = &placing->from, *to = &placing->to;
	bool parcel = placing->parcel, mobile = placing->method == PAY_MOBILE_MONEY;
	bool billed = mobile || placing->method == PAY_CARD;

	id_new(placing->id, "ord_");
	id_new(placing->entry, "txn_");
	id_new(placing->intent, "pay_");
	id_order_number(placing->number, order_letter(quote->type));
	sql_try_write(rq, order_insert, placed,
		/* 1 */ placing->id, placing->number, order_type_words[quote->type], rq->caller.id,
		/* 5 */ placing->vendor_id, placing->shown, placing->columns[0],
		placing->columns[1],
		/* 9 */ placing->columns[2], arg_int(rq, quote->subtotal),
		arg_int(rq, quote->delivery_fee),
		/* 12 */ arg_int(rq, quote->service_fee), arg_int(rq, quote->discount),
		arg_int(rq, quote->total),
		/* 15 */ arg_int(rq, quote->waived_fee),
		/* 16 */
		arg_int(rq, settings_rules(rq->app->settings)->commission_bps[quote->type]),
		/* 17 */ arg_double(rq, (double)quote->distance_m / 1000),
		payment_method_words[placing->method],
		/* 19 */ to->json, to->text, arg_double(rq, to->at.lat), arg_double(rq, to->at.lng),
		/* 23 */ instructions_of(rq), body_text(rq, "notes"),
		/* 25 */ parcel ? from->json : NULL, parcel ? from->text : NULL,
		/* 27 */ parcel ? arg_double(rq, from->at.lat) : NULL,
		parcel ? arg_double(rq, from->at.lng) : NULL,
		/* 29 */ placing->package,
		/* 30 */
		arg_int(rq, delivery_minutes(placing->preparation_minutes, quote->distance_m)),
		/* 31 */ placing->code[0] ? placing->code : NULL, placing->entry,
		rq->idempotency_key,
		/* 34 */ rq->fingerprint, placing->basket, window_seconds(rq),
		/* 37 */ placing->columns[3], billed ? placing->intent : NULL,
		mobile ? placing->phone : NULL,
		/* 40 */ mobile ? phone_operator(placing->phone) : NULL);
}

void order_insert(struct request *rq)
{
	struct placing *placing = rq->state;

	placing->basket = basket_of(rq);
	if (settings_flag(rq->app->settings, "delivery.verification_code", false) &&
		!placing->code[0])
		id_digits(placing->code, 4);
	if (!lines_write(rq))
		return reply_error(rq, E_NO_MEMORY);
	order_send(rq);
}
