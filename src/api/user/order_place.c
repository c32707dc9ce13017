/* SPDX-License-Identifier: MIT
 *
 * Placing an order: the body (order_draft.c) → the menu (catalogue of this loop) → the price
 * (domain) → one statement, which checks again everything that may have changed and writes the
 * order, the payment, the idempotency record and the event.
 *
 * The catalogue can be some seconds old. When the quote fails or the statement rejects it for a
 * reason that may come from old data, the vendor is read again and the order is tried once more.
 * Only the second error reaches the customer.
 */
#include "order_place.h"

#include "order_draft.h"
#include "reeyo/api/money.h"
#include "reeyo/api/order_acts.h"
#include "reeyo/api/settings.h"
#include "reeyo/core/json_writer.h"
#include "reeyo/db/queries/orders.h"
#include "reeyo/domain/operator.h"
#include "reeyo/service/cache_keys.h"
#include "reeyo/service/counters.h"
#include "reeyo/service/payments.h"

static void shop_found(struct request *rq, int error, const struct shop *shop);

/* --- Old data --------------------------------------------------------------------------------- */

static void shop_looked_up(struct catalogue_lookup *lookup, int error, const struct shop *shop)
{
	struct request *rq = lookup->owner;

	if (request_release(rq))
		shop_found(rq, error, shop);
}

static void shop_find(struct request *rq)
{
	struct order_draft *draft = rq->state;

	draft->lookup = (struct catalogue_lookup){ .done = shop_looked_up, .owner = rq };
	request_hold(rq);
	catalogue_get(rq->app, draft->vendor_id, &draft->lookup);
}

/* Whether an old catalogue can cause the error. */
static bool error_may_be_stale(int error)
{
	return error == E_PRICE_CHANGED || error == E_ITEM_NOT_FOUND ||
		error == E_CHOICE_NOT_FOUND || error == E_ITEM_UNAVAILABLE ||
		error == E_OUT_OF_STOCK || error == E_VENDOR_OFFLINE ||
		error == E_VENDOR_NOT_FOUND || error == E_BELOW_MINIMUM ||
		error == E_ABOVE_MAXIMUM || error == E_TOO_FAR || error == E_CONFLICT;
}

/* True when the vendor is read again and the order is tried once more. */
static bool order_retry(struct request *rq, int error)
{
	struct order_draft *draft = rq->state;

	if (draft->parcel || draft->reread || !error_may_be_stale(error))
		return false;
	draft->reread = true;
	catalogue_forget(rq->app, draft->vendor_id);
	shop_find(rq);
	return true;
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

static void placed_menu_invalidated(struct request *rq)
{
	cache_invalidate(rq, KEY_ORDERS_ACTIVE, NULL, order_placed);
}

static void order_keep(struct request *rq, struct text order)
{
	struct order_draft *draft = rq->state;

	draft->order = (struct text){ arena_copy(rq->arena, order.at, order.len), order.len };
	if (!draft->order.at)
		return reply_error(rq, E_NO_MEMORY);
	if (draft->limited)
		return cache_invalidate(rq, KEY_MENU, draft->vendor_id, placed_menu_invalidated);
	placed_menu_invalidated(rq);
}

/* --- Refusals of the statement ---------------------------------------------------------------- */

static void duplicate_order_found(struct request *rq, const struct db_result *result)
{
	struct buf out = buf_in(rq->arena, 128);
	struct json_writer json = json_write_to(&out);

	if (db_rows(result) == 0)
		return reply_error(rq, E_DUPLICATE_ORDER);
	json_write_object(&json);
	json_write_member_text(&json, "orderId", db_text(result, 0, BASKET_GET_ORDER_ID));
	json_write_member_text(&json, "orderNumber", db_text(result, 0, BASKET_GET_ORDER_NUMBER));
	json_write_object_end(&json);
	reply_error_with(rq, E_DUPLICATE_ORDER, NULL, text_of(json_write_finish(&json)));
}

/* The line of the item that the statement reported. */
static size_t draft_line_find(const struct order_draft *draft, struct text item)
{
	for (size_t i = 0; i < draft->line_count; i++)
		if (text_is(text_of(draft->lines[i].item_id), item))
			return i;
	return 0;
}

static void order_refused(struct request *rq, int error, struct text item)
{
	struct order_draft *draft = rq->state;

	if (order_retry(rq, error))
		return;
	draft->fault.line = draft_line_find(draft, item);
	if (error == E_PRICE_CHANGED)
		return draft_refuse(rq, error, draft_line_field(draft, "itemId"), NULL);
	draft_refuse_quote(rq, error);
}

static void order_outcome(struct request *rq, const struct db_result *result)
{
	struct order_draft *draft = rq->state;
	struct text outcome = db_text(result, 0, ORDER_INSERT_OUTCOME);

	if (text_is(outcome, TEXT("PLACED")))
		return order_keep(rq, db_text(result, 0, ORDER_INSERT_ORDER));
	if (text_is(outcome, TEXT("REPLAY")))
		return request_replay(rq, reply_idempotency_running);
	if (text_is(outcome, TEXT("DUPLICATE_ORDER")))
		return sql_read_primary(rq, basket_get, duplicate_order_found,
			&(struct basket_get){ .user_id = rq->caller.id, .basket = draft->basket });
	order_refused(rq, error_from_name(outcome.at, outcome.len),
		db_text(result, 0, ORDER_INSERT_DETAIL));
}

static void order_write(struct request *rq);

/* The number was taken: 1 in 2·10^14. The quote is made again, because it pointed into the
 * catalogue. */
static void order_renumber(struct request *rq)
{
	struct order_draft *draft = rq->state;

	draft->renumbered = true;
	if (draft->parcel)
		return order_write(rq);
	shop_find(rq);
}

static void order_inserted(struct request *rq, const struct db_result *result)
{
	int error = db_error(result);

	switch (error) {
	case 0:
		return order_outcome(rq, result);
	case E_CONFLICT_ROW:
		if (!((struct order_draft *)rq->state)->renumbered)
			return order_renumber(rq);
		return reply_error(rq, error);
	case E_LOCK_TIMEOUT:
		return reply_error(rq, rq->idempotency_key ? E_IDEMPOTENCY_RUNNING : error);
	case E_OUT_OF_STOCK:
		return order_refused(rq, error, text_of(db_error_detail(result)));
	case E_WALLET_SHORT:
		return draft_refuse(rq, error, NULL, NULL);
	case E_PAYMENTS_WAIT:
		return reply_payments_pending(rq, text_of(db_error_detail(result)));
	default:
		return reply_error(rq, error);
	}
}

/* --- The write -------------------------------------------------------------------------------- */

static int64_t duplicate_window_seconds(const struct request *rq)
{
	int64_t window = rq->app->config->duplicate_window;

	return window < 1000 ? 1 : window / 1000;
}

/* False when memory is out. */
static bool draft_basket_set(struct request *rq)
{
	struct order_draft *draft = rq->state;
	const char *other;

	if (rq->idempotency_key || rq->app->config->duplicate_window == 0)
		return true;
	other = arena_printf(rq->arena, "%s %s", payment_method_words[draft->method],
		draft->package ? draft->package : "");
	if (other)
		basket_hash(draft->vendor_id, &draft->quote, draft->parcel ? &draft->from : NULL,
			&draft->to, other, draft->basket);
	return other != NULL;
}

static void draft_ids_set(struct request *rq)
{
	struct order_draft *draft = rq->state;

	id_new(draft->id, "ord_");
	id_new(draft->entry, "txn_");
	id_new(draft->intent, "pay_");
	id_order_number(draft->number, order_number_letter(draft->quote.type));
	if (settings_flag(rq->app->settings, SETTING_DELIVERY_CODE) && !draft->code[0])
		id_digits(draft->code, 4);
}

/* The lines of a quote as columns of arrays. */
struct line_columns {
	const char *item_ids[ORDER_LINES_MAX], *choices[ORDER_LINES_MAX];
	int64_t quantities[ORDER_LINES_MAX], prices[ORDER_LINES_MAX];
};

static bool line_columns_set(
	struct request *rq, const struct quote *quote, struct line_columns *ret)
{
	for (size_t i = 0; i < quote->line_count; i++) {
		const struct quote_line *line = &quote->lines[i];

		ret->item_ids[i] = line->item->id;
		ret->quantities[i] = line->quantity;
		ret->prices[i] = line->price;
		if (!order_line_choices(rq, quote, line, &ret->choices[i]))
			return false;
	}
	return true;
}

static void order_insert_run(
	struct request *rq, const char *lines, const struct line_columns *columns)
{
	struct order_draft *draft = rq->state;
	const struct quote *quote = &draft->quote;
	const struct order_location *from = draft->parcel ? &draft->from : NULL, *to = &draft->to;
	bool mobile = draft->method == PAY_MOBILE_MONEY;
	size_t count = quote->line_count;
	const char *instructions = body_text(rq, "deliveryInstructions");

	sql_try_write(rq, order_insert, order_inserted,
		&(struct order_insert){ .id = draft->id,
			.number = draft->number,
			.type = order_type_words[quote->type],
			.user_id = rq->caller.id,
			.vendor_id = draft->vendor_id,
			.lines = lines,
			.item_ids = { columns->item_ids, count },
			.quantities = { columns->quantities, count },
			.prices = { columns->prices, count },
			.choices = { columns->choices, count },
			.subtotal = quote->subtotal,
			.delivery_fee = quote->delivery_fee,
			.service_fee = quote->service_fee,
			.discount = quote->discount,
			.total = quote->total,
			.waived_fee = quote->waived_fee,
			.vendor_commission_bps = quote->vendor_commission_bps >= 0
				? &quote->vendor_commission_bps
				: NULL,
			.commission_bps = quote->commission_bps,
			.rider_cut_bps = quote->rider_cut_bps,
			.commission = quote->split.commission,
			.vendor_share = quote->split.vendor,
			.rider_earnings = quote->split.rider + quote->split.subsidy,
			.distance_km = (double)quote->distance_m / 1000,
			.method = payment_method_words[draft->method],
			.delivery_json = to->json,
			.delivery_text = to->text,
			.delivery_lat = to->at.lat,
			.delivery_lng = to->at.lng,
			.instructions = instructions ? instructions : to->instructions,
			.notes = body_text(rq, "notes"),
			.pickup_json = from ? from->json : NULL,
			.pickup_text = from ? from->text : NULL,
			.pickup_lat = from ? &from->at.lat : NULL,
			.pickup_lng = from ? &from->at.lng : NULL,
			.package = draft->package,
			.minutes = delivery_minutes(draft->preparation_minutes, quote->distance_m),
			.code = draft->code[0] ? draft->code : NULL,
			.entry = draft->entry,
			.key = rq->idempotency_key,
			.fingerprint = rq->fingerprint,
			.basket = draft->basket[0] ? draft->basket : NULL,
			.window_seconds = duplicate_window_seconds(rq),
			.intent = mobile || draft->method == PAY_CARD ? draft->intent : NULL,
			.phone = mobile ? draft->phone : NULL,
			.operator = mobile ? phone_operator(draft->phone) : NULL });
}

static void order_write(struct request *rq)
{
	const struct order_draft *draft = rq->state;
	const char *lines = order_lines_json(rq, &draft->quote);
	struct line_columns columns;

	if (!lines || !line_columns_set(rq, &draft->quote, &columns) || !draft_basket_set(rq))
		return reply_error(rq, E_NO_MEMORY);
	draft_ids_set(rq);
	order_insert_run(rq, lines, &columns);
}

/* --- The beginning ---------------------------------------------------------------------------- */

static void shop_found(struct request *rq, int error, const struct shop *shop)
{
	if (error == E_VENDOR_NOT_FOUND)
		return draft_refuse(rq, error, NULL, NULL);
	if (error)
		return reply_error(rq, error);
	if (!draft_check_shop(rq, shop))
		return;
	error = draft_price_basket(rq, shop);
	if (!error)
		return order_write(rq);
	if (!order_retry(rq, error))
		draft_refuse_quote(rq, error);
}

static void place_parcel(struct request *rq)
{
	int error = draft_price_parcel(rq);

	if (error)
		return draft_refuse_quote(rq, error);
	order_write(rq);
}

void place_order(struct request *rq)
{
	struct order_draft *draft = ARENA_NEW(rq->arena, struct order_draft);

	if (!draft)
		return reply_error(rq, E_NO_MEMORY);
	rq->state = draft;
	if (!draft_read(rq))
		return;
	if (draft->parcel)
		return place_parcel(rq);
	shop_find(rq);
}
