/* SPDX-License-Identifier: MIT
 *
 * Payments by mobile money: one loop's calls to the gateway. The state is in the table
 * payment_intents; nothing here must survive. Each function calls the gateway, records the answer
 * with all its effects, and then calls done. The answer is recorded even when the caller stopped
 * waiting.
 *
 * All functions: the loop's own thread.
 */
#ifndef REEYO_JOBS_PAYMENTS_H
#define REEYO_JOBS_PAYMENTS_H

#include "reeyo/core/error.h"
#include "reeyo/core/text.h"
#include "reeyo/loop/app.h"

/* Functions of the layer above. */
struct payment_needs {
	/* counted stock was restored */
	void (*menu_changed)(struct app *app, const char *vendor_id);
};

/* Sets app->payments; before the app's requests. 0 or E_NO_MEMORY. */
int payments_new(struct app *app, const struct payment_needs *needs) MUST_CHECK;
/* Stops recording; before the gateway is closed. NULL is allowed. */
void payments_close(struct payments *payments);
/* After the db is closed. NULL is allowed. */
void payments_free(struct payments *payments);

/* The result for the caller. */
enum payment_end {
	PAYMENT_RECORDED,  /* the gateway answered, and `payment` is the current payment */
	PAYMENT_REFUSED,   /* refused and failed */
	PAYMENT_UNREACHED, /* the gateway cannot have received it, and it failed: the request may be
			    * repeated */
	PAYMENT_OPEN       /* not known: no certain answer, or none within 8 s; the poller
			    * continues */
};
/* payment: its JSON when recorded; valid during the call. Called at most once, never within the
 * function. */
typedef void payment_done(void *arg, enum payment_end end, struct text payment);

/* Asks the gateway to collect. The payment must be written already. Texts are copied. False: out of
 * memory, done is not called. done may be NULL. */
bool payment_collect(struct payments *payments, const char *id, const char *phone, int64_t amount,
	payment_done *done, void *arg) MUST_CHECK;
/* Queries the payment by the gateway's reference. Ends as PAYMENT_RECORDED, PAYMENT_REFUSED (it
 * failed) or PAYMENT_OPEN. False also for an invalid reference. */
bool payment_ask(struct payments *payments, const char *id, const char *reference,
	payment_done *done, void *arg) MUST_CHECK;
/* Records that the gateway never received it. */
void payment_missed(struct payments *payments, const char *id);
/* Operations in progress. */
unsigned payments_running(const struct payments *payments);
/* Invalidates caches after an order ended because it was not paid. vendor_id may be NULL. */
void payment_order_ended(struct payments *payments, const char *vendor_id);

#endif
