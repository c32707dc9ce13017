/* SPDX-License-Identifier: MIT
 *
 * Callbacks of payment gateways. A believed one is a hint and no proof: it may be old, or come
 * twice. So it is remembered with the payment or pay-out it names (whose it is, the prefix of our
 * reference says), answered, and the gateway asked what is true.
 */
#include "reeyo/api/callbacks.h"

#include "reeyo/core/log.h"
#include "reeyo/http/request.h"
#include "reeyo/jobs/payments.h"
#include "reeyo/jobs/payouts.h"
#include "reeyo/partners/gateway.h"

#define ASK_AGAIN_S 5

static const struct field callback_fields[] = {
	{ "reference", FIELD_ANY, .does = "The gateway's" },
	{ "external_reference", FIELD_ANY, .does = "Ours" },
	{ "status", FIELD_ANY, .does = "PENDING, SUCCESSFUL or FAILED; what counts is what the "
		"gateway says when asked" },
	{ "amount", FIELD_ANY },
	{ "operator", FIELD_ANY },
	{ "signature", FIELD_ANY, .does = "When no header has it" },
	FIELD_END
};

static void thank(struct request *rq)
{
	reply_message(rq, "Received", "Reçu");
}

/* --- Campay ----------------------------------------------------------------------------------- */

static void remembered(struct request *rq, const struct db_result *result)
{
	const char *id = rq->state;
	struct text reference = TEXT_NONE;

	if (db_error(result) && db_error(result) != E_CONFLICT_ROW)
		return reply_error(rq, db_error(result)); /* the gateway calls again */
	if (db_error(result))
		log_line(LOG_ERROR, "a callback names the transaction of another payment",
			LOG_T("payment", id));
	else if (db_rows(result))
		reference = db_text(result, 0, 1);
	else
		log_refusal(LOG_WARN, "a callback names a payment that does not exist",
			rq->route->path, LOG_T("payment", id));
	/* The poller asks if this does not: the row says when. */
	if (reference.len && db_bool(result, 0, 2) && gateway_up(rq->app->gateway))
		(void)!payment_ask(rq->app->payments, id,
			arena_copy(rq->arena, reference.at, reference.len), NULL, NULL);
	thank(rq);
}

static const char *kept(struct request *rq, struct text text)
{
	return text.len ? arena_copy(rq->arena, text.at, text.len) : NULL;
}

/* NULL: what it says has it as a member. */
static const char *signature_of(struct request *rq)
{
	const char *header = request_header(rq, "X-Campay-Signature");

	return header ? header : request_header(rq, "X-Signature");
}

static void disbelieve(struct request *rq, int error)
{
	count_one(loop_counters(rq->app->loop), COUNT_CALLBACKS_REFUSED);
	log_refusal(LOG_WARN, "a callback is not the gateway's", error_row(error)->name,
		LOG_T("address", request_address(rq)));
	reply_error(rq, error);
}

static void campay(struct request *rq)
{
	struct text raw = request_raw(rq);
	bool is_json = rq->method == POST && text_starts(text_trim(raw), TEXT("{"));
	const char *id, *reference;
	struct gateway_told told;
	int error = gateway_heard(rq->app->config, rq->arena, signature_of(rq), raw,
		is_json ? rq->body : NULL, &told);

	if (!error && told.reference.len >= GATEWAY_REFERENCE_SIZE)
		error = E_MALFORMED_JSON;
	if (error)
		return disbelieve(rq, error);
	count_one(loop_counters(rq->app->loop), COUNT_CALLBACKS);
	id = kept(rq, told.external);
	reference = kept(rq, told.reference);
	if (!id) {
		log_refusal(LOG_WARN, "a callback names nothing of ours", rq->route->path,
			LOG_T("reference", reference ? reference : ""));
		return thank(rq);
	}
	if (text_starts(told.external, TEXT("payout_"))) {
		payout_heard(rq->app, id, told.reference);
		return thank(rq);
	}
	rq->state = (void *)(uintptr_t)id;
	sql_try_write(rq, payment_heard, remembered, id, reference,
		arg_int(rq, gateway_up(rq->app->gateway) ? ASK_AGAIN_S : 0));
}

/* --- Others ----------------------------------------------------------------------------------- */

/* Gateways that nothing is paid through yet: what they send is in the log, without its contents. */
static void only_logged(struct request *rq)
{
	log_refusal(LOG_INFO, "a callback of a gateway that is not in use", rq->route->path,
		LOG_I("bytes", (long long)request_raw(rq).len));
	thank(rq);
}

#define CAMPAY_ROWS(path_, root_) \
	{ POST, path_, .root = root_, .who = ANYONE, .always = true, .foreign = true, \
		.body = callback_fields, .body_limit = 16384, .shape = REPLY_MESSAGE, \
		.errors = { E_BAD_SIGNATURE, E_MALFORMED_JSON }, .run = campay, \
		.does = "The mobile-money gateway tells how a payment went on" }, \
	{ GET, path_, .root = root_, .who = ANYONE, .always = true, \
		.foreign = true, .query = callback_fields, .shape = REPLY_MESSAGE, \
		.errors = { E_BAD_SIGNATURE, E_MALFORMED_JSON }, .run = campay, \
		.does = "The same, in the query" }

const struct route callback_root_routes[] = {
	CAMPAY_ROWS("/webhooks/campay", true),
	ROUTE_END
};

const struct route callback_routes[] = {
	CAMPAY_ROWS("/webhooks/campay", false),
	ROUTE_END
};

const struct route admin_callback_routes[] = {
	CAMPAY_ROWS("/payouts/webhooks/campay", false),
	{ POST, "/payouts/webhooks/notchpay", .who = ANYONE, .always = true, .foreign = true,
		.body_limit = 16384, .shape = REPLY_MESSAGE,
		.run = only_logged, .does = "NotchPay: logged" },
	{ POST, "/payouts/webhooks/mpesa", .also = "/payouts/webhooks/mpesa/timeout", .who = ANYONE,
		.always = true, .foreign = true, .body_limit = 16384, .shape = REPLY_MESSAGE,
		.run = only_logged, .does = "M-Pesa: logged" },
	ROUTE_END
};
