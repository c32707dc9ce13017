/* SPDX-License-Identifier: MIT
 *
 * Writing an order: the parameters of the statement and the handling of its outcomes.
 */
#include "placing.h"
#include "reeyo/api/money.h"
#include "reeyo/api/order_acts.h"
#include "reeyo/api/settings.h"
#include "reeyo/domain/operator.h"
#include "reeyo/service/cache_keys.h"
#include "reeyo/service/payments.h"

static void order_send(struct request *rq);

/* The line of the item that the statement reported. */
static size_t draft_line_find(const struct order_draft *draft, struct text item)
{
	for (size_t i = 0; i < draft->line_count; i++)
		if (text_is(text_of(draft->lines[i].item_id), item))
			return i;
	return 0;
}

/* --- After the write -------------------------------------------------------------------------- */

/* When the gateway has the payment, or may have it, the order is placed and is paid or cancelled
 * later. When the gateway refused or never received the payment, the order is already cancelled and
 * its key may be used again. */
static void order_payment_started(void *arg, int error, struct text payment)
{
	struct request *rq = arg;
	const struct order_draft *draft = rq->state;

	if (request_release(rq) && !reply_payment_failed(rq, error, payment))
		reply_data(rq, draft->order);
}

static void order_payment_start(struct request *rq)
{
	const struct order_draft *draft = rq->state;

	request_hold(rq);
	if (!payment_collect(rq->app, draft->intent, draft->phone, draft->quote.total,
		    order_payment_started, rq))
		order_payment_started(rq, 0, TEXT_NONE);
}

static void order_placed(struct request *rq)
{
	struct order_draft *draft = rq->state;
	struct counters *counters = loop_counters(rq->app->loop);

	count_one(counters, COUNT_ORDERS_PLACED);
	count_add(counters, COUNT_PAYMENTS_STARTED,
		draft->method == PAY_MOBILE_MONEY || draft->method == PAY_CARD);
	if (draft->method == PAY_MOBILE_MONEY)
		return order_payment_start(rq);
	reply_data(rq, draft->order);
}

static void order_invalidate_active(struct request *rq)
{
	cache_invalidate(rq, KEY_ORDERS_ACTIVE, NULL, order_placed);
}

static void duplicate_order_found(struct request *rq, const struct db_result *result)
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
	struct order_draft *draft = rq->state;

	if (draft_retry(rq, error))
		return;
	draft->fault.line = draft_line_find(draft, item);
	if (error == E_PRICE_CHANGED)
		return draft_refuse(rq, error, draft_line_field(draft, "itemId"), NULL);
	draft_refuse_quote(rq, error);
}

static void order_inserted(struct request *rq, const struct db_result *result)
{
	struct order_draft *draft = rq->state;
	int error = db_error(result);
	struct text outcome = error ? TEXT_NONE : db_text(result, 0, 0);

	if (error == E_CONFLICT_ROW && !draft->renumbered) {
		draft->renumbered = true; /* the number was taken: 1 in 2·10^14 */
		return order_send(rq);
	}
	if (error == E_LOCK_TIMEOUT && rq->idempotency_key)
		error = E_IDEMPOTENCY_RUNNING;
	if (error == E_OUT_OF_STOCK)
		return order_refused(rq, error, text_of(db_error_detail(result)));
	if (error == E_WALLET_SHORT)
		return draft_refuse(rq, error, NULL, NULL);
	if (error == E_PAYMENTS_WAIT)
		return reply_payments_pending(rq, text_of(db_error_detail(result)));
	if (error)
		return reply_error(rq, error);
	if (text_is(outcome, TEXT("REPLAY")))
		return request_replay(rq, reply_idempotency_running);
	if (text_is(outcome, TEXT("DUPLICATE_ORDER")))
		return sql_write_positional(
			rq, basket_get, duplicate_order_found, rq->caller.id, draft->basket);
	if (!text_is(outcome, TEXT("PLACED")))
		return order_refused(
			rq, error_from_name(outcome.at, outcome.len), db_text(result, 0, 2));
	draft->order = db_text(result, 0, 1);
	draft->order.at = arena_copy(rq->arena, draft->order.at, draft->order.len);
	if (draft->counted)
		return cache_invalidate(rq, KEY_MENU, draft->vendor_id, order_invalidate_active);
	order_invalidate_active(rq);
}

/* --- The parameters --------------------------------------------------------------------------- */

static void json_add_text_or_null(struct buf *out, const char *name, const char *value)
{
	buf_printf(out, ",\"%s\":", name);
	if (value)
		buf_add_json(out, text_of(value));
	else
		buf_add_string(out, "null");
}

static void choices_json(struct buf *out, const struct quote_choice *chosen, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		buf_add_string(out, i ? ",{\"id\":" : ",\"options\":[{\"id\":");
		buf_add_json(out, text_of(chosen[i].choice->id));
		json_add_text_or_null(out, "name", chosen[i].choice->name);
		buf_printf(out, ",\"price\":%lld,\"quantity\":%lld}",
			(long long)chosen[i].choice->price, (long long)chosen[i].quantity);
	}
	if (count)
		buf_add_string(out, "]");
}

/* What was chosen as item_price reads it: "v:var_1*1;a:add_2*3", a text of an array. */
static void choices_array(struct buf *out, const struct quote_choice *chosen, size_t count)
{
	for (size_t i = 0; i < count; i++)
		buf_printf(out, "%s%c:%s*%lld", i ? ";" : "\"",
			chosen[i].choice->variant ? 'v' : 'a', chosen[i].choice->id,
			(long long)chosen[i].quantity);
	buf_add_string(out, count ? "\"" : "NULL");
}

static void line_json(struct buf *out, const struct quote *quote, const struct quote_line *line)
{
	buf_printf(out, "{\"itemId\":\"%s\"", line->item->id);
	json_add_text_or_null(out, "name", line->item->name);
	buf_printf(out, ",\"quantity\":%lld,\"price\":%lld", (long long)line->quantity,
		(long long)line->price);
	json_add_text_or_null(out, "notes", line->notes);
	json_add_text_or_null(out, "specialInstructions", line->notes);
	json_add_text_or_null(out, "image", line->item->image);
	choices_json(out, &quote->choices[line->first], line->chosen);
	buf_add_string(out, "}");
}

/* Writes the lines as JSON (stored and returned) and as arrays (checked by the statement). They are
 * copied now because the quote points into the catalogue, which may be replaced before the
 * statement answers. */
static bool draft_lines_write(struct request *rq)
{
	struct order_draft *draft = rq->state;
	const struct quote *quote = &draft->quote;
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
		line_json(&shown, quote, line);
		buf_printf(&columns[0], "%s\"%s\"", comma, line->item->id);
		buf_printf(&columns[1], "%s%lld", comma, (long long)line->quantity);
		buf_printf(&columns[2], "%s%lld", comma, (long long)line->price);
		buf_add_string(&columns[3], comma);
		choices_array(&columns[3], &quote->choices[line->first], line->chosen);
	}
	buf_add_string(&shown, "]");
	draft->shown = buf_string(&shown);
	for (int i = 0; i < 4; i++) {
		buf_add_string(&columns[i], "}");
		draft->columns[i] = buf_string(&columns[i]);
	}
	return draft->shown && draft->columns[0] && draft->columns[1] && draft->columns[2] &&
		draft->columns[3];
}

static const char *duplicate_window_seconds(struct request *rq)
{
	int64_t window = rq->app->config->duplicate_window;

	return arg_int(rq, window < 1000 ? 1 : window / 1000);
}

static const char *draft_basket_hash(struct request *rq)
{
	struct order_draft *draft = rq->state;
	const char *rest;
	char *hex;

	if (rq->idempotency_key || rq->app->config->duplicate_window == 0)
		return NULL;
	hex = arena_alloc(rq->arena, 65);
	rest = arena_printf(rq->arena, "%s %s", payment_method_words[draft->method],
		draft->package ? draft->package : "");
	if (hex && rest)
		basket_hash(draft->vendor_id, &draft->quote, draft->parcel ? &draft->from : NULL,
			&draft->to, rest, hex);
	return hex && rest ? hex : NULL;
}

static const char *draft_instructions(struct request *rq)
{
	const char *given = body_text(rq, "deliveryInstructions");

	return given ? given : ((struct order_draft *)rq->state)->to.instructions;
}

static void order_send(struct request *rq)
{
	struct order_draft *draft = rq->state;
	const struct quote *quote = &draft->quote;
	const struct order_location *from = &draft->from, *to = &draft->to;
	bool parcel = draft->parcel, mobile = draft->method == PAY_MOBILE_MONEY;
	bool billed = mobile || draft->method == PAY_CARD;

	id_new(draft->id, "ord_");
	id_new(draft->entry, "txn_");
	id_new(draft->intent, "pay_");
	id_order_number(draft->number, order_number_letter(quote->type));
	sql_try_write_positional(rq, order_insert, order_inserted,
		/* 1 */ draft->id, draft->number, order_type_words[quote->type], rq->caller.id,
		/* 5 */ draft->vendor_id, draft->shown, draft->columns[0], draft->columns[1],
		/* 9 */ draft->columns[2], arg_int(rq, quote->subtotal),
		arg_int(rq, quote->delivery_fee),
		/* 12 */ arg_int(rq, quote->service_fee), arg_int(rq, quote->discount),
		arg_int(rq, quote->total),
		/* 15 */ arg_int(rq, quote->waived_fee),
		/* 16 */
		arg_int(rq, settings_rules(rq->app->settings)->commission_bps[quote->type]),
		/* 17 */ arg_double(rq, (double)quote->distance_m / 1000),
		payment_method_words[draft->method],
		/* 19 */ to->json, to->text, arg_double(rq, to->at.lat), arg_double(rq, to->at.lng),
		/* 23 */ draft_instructions(rq), body_text(rq, "notes"),
		/* 25 */ parcel ? from->json : NULL, parcel ? from->text : NULL,
		/* 27 */ parcel ? arg_double(rq, from->at.lat) : NULL,
		parcel ? arg_double(rq, from->at.lng) : NULL,
		/* 29 */ draft->package,
		/* 30 */
		arg_int(rq, delivery_minutes(draft->preparation_minutes, quote->distance_m)),
		/* 31 */ draft->code[0] ? draft->code : NULL, draft->entry, rq->idempotency_key,
		/* 34 */ rq->fingerprint, draft->basket, duplicate_window_seconds(rq),
		/* 37 */ draft->columns[3], billed ? draft->intent : NULL,
		mobile ? draft->phone : NULL,
		/* 40 */ mobile ? phone_operator(draft->phone) : NULL);
}

void order_insert(struct request *rq)
{
	struct order_draft *draft = rq->state;

	draft->basket = draft_basket_hash(rq);
	if (settings_flag(rq->app->settings, SETTING_DELIVERY_CODE) && !draft->code[0])
		id_digits(draft->code, 4);
	if (!draft_lines_write(rq))
		return reply_error(rq, E_NO_MEMORY);
	order_send(rq);
}
