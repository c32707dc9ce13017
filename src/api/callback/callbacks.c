/* SPDX-License-Identifier: MIT
 *
 * Callbacks of payment gateways. A valid callback may be old or come twice, so it is only a hint.
 * It is noted with the payment or pay-out that it names (the prefix of our reference shows which),
 * the reply is sent, and the gateway is queried for the actual state.
 */
#include "reeyo/api/callbacks.h"

#include "reeyo/api/counters.h"
#include "reeyo/core/log.h"
#include "reeyo/db/queries/payments.h"
#include "reeyo/domain/payment_state.h"
#include "reeyo/http/request.h"
#include "reeyo/partners/gateway.h"
#include "reeyo/service/payments.h"
#include "reeyo/service/payouts.h"

static const struct field callback_fields[] = {
	{ "reference", FIELD_ANY, .summary = "The gateway's reference" },
	{ "external_reference", FIELD_ANY, .summary = "Our reference" },
	{ "status", FIELD_ANY,
		.summary = "PENDING, SUCCESSFUL or FAILED; only a query "
			   "of the gateway is decisive" },
	{ "amount", FIELD_ANY },
	{ "operator", FIELD_ANY },
	{ "signature", FIELD_ANY, .summary = "When it is not in a header" },
	FIELD_END,
};

static void reply_received(struct request *rq)
{
	reply_message(rq, "Received", "Reçu");
}

/* --- Campay ----------------------------------------------------------------------------------- */

/* A callback that names a payment. */
struct callback {
	const char *payment_id;
};

/* If this query fails, the poller queries when the row is due. */
static void callback_query(
	struct request *rq, const char *payment_id, const struct db_result *result)
{
	struct text reference = db_text(result, 0, PAYMENT_NOTE_CALLBACK_GATEWAY_REFERENCE);
	const struct payment_ref payment = { .id = payment_id,
		.reference = arena_copy(rq->arena, reference.at, reference.len),
		.amount = db_int(result, 0, PAYMENT_NOTE_CALLBACK_AMOUNT),
		.age_s = db_int(result, 0, PAYMENT_NOTE_CALLBACK_AGE_S) };

	if (reference.len && db_bool(result, 0, PAYMENT_NOTE_CALLBACK_QUERY) &&
		gateway_available(rq->app->gateway))
		(void)!payment_check(rq->app, &payment, NULL, NULL);
}

static void callback_noted(struct request *rq, const struct db_result *result)
{
	const char *id = ((const struct callback *)rq->state)->payment_id;

	if (db_error(result) && db_error(result) != E_CONFLICT_ROW)
		return reply_error(rq, db_error(result)); /* the gateway repeats the callback */
	if (db_error(result))
		log_line(LOG_ERROR,
			"a callback names a transaction that belongs to another payment",
			LOG_T("payment", id));
	else if (db_rows(result))
		callback_query(rq, id, result);
	else
		log_refusal(LOG_WARN, "a callback names a payment that does not exist",
			rq->route->path, LOG_T("payment", id));
	reply_received(rq);
}

static const char *text_copy_or_null(struct request *rq, struct text text)
{
	return text.len ? arena_copy(rq->arena, text.at, text.len) : NULL;
}

/* NULL: the signature is a member of the callback. */
static const char *callback_signature(struct request *rq)
{
	const char *header = request_header(rq, "X-Campay-Signature");

	return header ? header : request_header(rq, "X-Signature");
}

static void reply_callback_refused(struct request *rq, int error)
{
	count_one(loop_counters(rq->app->loop), COUNT_CALLBACKS_REFUSED);
	log_refusal(LOG_WARN, "a callback has no valid signature", error_name(error),
		LOG_T("address", request_address(rq)));
	reply_error(rq, error);
}

static void receive_campay(struct request *rq)
{
	struct text raw = request_raw(rq);
	bool is_json = rq->method == POST && text_starts(text_trim(raw), TEXT("{"));
	const char *id, *reference;
	struct gateway_transaction transaction;
	struct callback *callback;
	int error = gateway_callback_verify(rq->app->config, rq->arena, callback_signature(rq), raw,
		is_json ? rq->body : NULL, &transaction);

	if (!error && transaction.reference.len >= GATEWAY_REFERENCE_SIZE)
		error = E_MALFORMED_JSON;
	if (error)
		return reply_callback_refused(rq, error);
	count_one(loop_counters(rq->app->loop), COUNT_CALLBACKS);
	id = text_copy_or_null(rq, transaction.external);
	reference = text_copy_or_null(rq, transaction.reference);
	if (!id) {
		log_refusal(LOG_WARN, "a callback has no reference of ours", rq->route->path,
			LOG_T("reference", reference ? reference : ""));
		return reply_received(rq);
	}
	if (text_starts(transaction.external, TEXT("payout_"))) {
		payout_note_callback(rq->app, id, transaction.reference);
		return reply_received(rq);
	}
	callback = ARENA_NEW(rq->arena, struct callback);
	if (!callback)
		return reply_error(rq, E_NO_MEMORY);
	callback->payment_id = id;
	rq->state = callback;
	sql_try_write(rq, payment_note_callback, callback_noted,
		&(struct payment_note_callback){ .payment_id = id,
			.reference = reference,
			.gap_s = PAYMENT_CALLBACK_GAP_S,
			.check_s = gateway_available(rq->app->gateway) ? PAYMENT_CALLBACK_CHECK_S
								       : 0 });
}

/* --- Others ----------------------------------------------------------------------------------- */

/* Gateways not in use: their callbacks are logged without the content. */
static void receive_unused(struct request *rq)
{
	log_refusal(LOG_INFO, "a callback of a gateway that is not in use", rq->route->path,
		LOG_I("bytes", (long long)request_raw(rq).len));
	reply_received(rq);
}

#define CAMPAY_ROWS(path_, root_, post_, get_) \
	{ POST, (path_), .operation = (post_), .root = (root_), .access = ANYONE, \
		.during_maintenance = true, .external = true, .body = callback_fields, \
		.body_limit = 16384, .shape = REPLY_MESSAGE, \
		.errors = { E_BAD_SIGNATURE, E_MALFORMED_JSON }, .run = receive_campay, \
		.summary = "The mobile-money gateway reports a payment's state" }, \
	{ \
		GET, (path_), .operation = (get_), .root = (root_), .access = ANYONE, \
			      .during_maintenance = true, .external = true, \
			      .query = callback_fields, .shape = REPLY_MESSAGE, \
			      .errors = { E_BAD_SIGNATURE, E_MALFORMED_JSON }, \
			      .run = receive_campay, .summary = "Same, in the query" \
	}

const struct route callback_root_routes[] = {
	CAMPAY_ROWS(
		"/webhooks/campay", true, "receiveCampayCallback", "receiveCampayQueryCallback"),
	ROUTE_END,
};

const struct route callback_routes[] = {
	CAMPAY_ROWS("/webhooks/campay", false, "receiveNamespaceCampayCallback",
		"receiveNamespaceCampayQueryCallback"),
	ROUTE_END,
};

const struct route admin_callback_routes[] = {
	CAMPAY_ROWS("/payouts/webhooks/campay", false, "receivePayoutCampayCallback",
		"receivePayoutCampayQueryCallback"),
	{ POST, "/payouts/webhooks/notchpay", .operation = "receiveNotchPayCallback",
		.access = ANYONE, .during_maintenance = true, .external = true, .body_limit = 16384,
		.shape = REPLY_MESSAGE, .run = receive_unused, .summary = "NotchPay: logged" },
	{ POST, "/payouts/webhooks/mpesa", .operation = "receiveMpesaCallback",
		.aliases = "/payouts/webhooks/mpesa/timeout", .access = ANYONE,
		.during_maintenance = true, .external = true, .body_limit = 16384,
		.shape = REPLY_MESSAGE, .run = receive_unused, .summary = "M-Pesa: logged" },
	ROUTE_END,
};
