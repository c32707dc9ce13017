/* SPDX-License-Identifier: MIT
 *
 * Payments by mobile money: one loop's calls to the gateway. The state is in the table
 * payment_intents; nothing here must survive. An operation calls the gateway, records the answer
 * with all its effects (money, order, events, caches), and then calls done. It is recorded even
 * when the caller stopped waiting.
 *
 * All functions: the loop's own thread.
 */
#ifndef REEYO_SERVICE_PAYMENTS_H
#define REEYO_SERVICE_PAYMENTS_H

#include "reeyo/core/error.h"
#include "reeyo/core/text.h"
#include "reeyo/loop/app.h"

/* Sets app->payments; before the app's requests. 0 or E_NO_MEMORY. */
int payments_new(struct app *app) MUST_CHECK;
/* Stops recording; before the gateway is closed. NULL is allowed. */
void payments_close(struct payments *payments);
/* After the db is closed. NULL is allowed. */
void payments_free(struct payments *payments);
/* Operations in progress. */
unsigned payments_running(const struct payments *payments);

/* payment: the current payment as JSON, valid during the call; TEXT_NONE: not known, because the
 * gateway gave no certain answer, or none within 8 s; the poller continues. error: 0;
 * E_PAYMENT_REFUSED: it failed; E_PAYMENT_DOWN: the gateway cannot have received it, and it failed,
 * so that the request may be repeated. Called at most once, never within the function. */
typedef void payment_done(void *arg, int error, struct text payment);

/* Asks the gateway to collect a payment, which must be written already. The texts are copied.
 * False: out of memory, done is not called. done may be NULL. */
bool payment_collect(struct app *app, const char *payment_id, const char *phone, int64_t amount,
	payment_done *done, void *arg) MUST_CHECK;

/* A payment as a statement read it. */
struct payment_ref {
	const char *id;
	const char *reference; /* the gateway's; NULL: unknown */
	int64_t amount, age_s;
};
/* Queries the gateway for a payment with a reference. False also for a reference that is too long.
 */
bool payment_check(struct app *app, const struct payment_ref *payment, payment_done *done,
	void *arg) MUST_CHECK;
/* Records that a payment never reached the gateway. */
void payment_fail_unsent(struct app *app, const struct payment_ref *payment);

#endif
