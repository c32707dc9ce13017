/* SPDX-License-Identifier: MIT
 *
 * Payments by mobile money, as one loop deals with the gateway for them. The rows say what is
 * (table payment_intents); nothing here must survive. Each function asks the gateway, records what
 * it says by the payment's id, with everything that follows, and only then calls done: whoever
 * waited may be gone by then, and the record is made all the same.
 *
 * All functions: the loop's own thread.
 */
#ifndef REEYO_JOBS_PAYMENTS_H
#define REEYO_JOBS_PAYMENTS_H

#include "reeyo/core/error.h"
#include "reeyo/core/text.h"
#include "reeyo/loop/app.h"

/* What payments need of the layer above them. */
struct payment_needs {
	/* counted stock has gone back */
	void (*menu_changed)(struct app *app, const char *vendor_id);
};

/* Sets app->payments; before the app's requests. 0 or E_NO_MEMORY. */
int payments_new(struct app *app, const struct payment_needs *needs) MUST_CHECK;
/* Nothing more is recorded; before the gateway is closed. NULL is allowed. */
void payments_close(struct payments *payments);
/* After the db is closed. NULL is allowed. */
void payments_free(struct payments *payments);

/* How an errand ends for who waits. */
enum payment_end {
	PAYMENT_RECORDED,  /* the gateway has said something, and `payment` is what the payment is
	                    * now */
	PAYMENT_REFUSED,   /* it was refused, and has failed */
	PAYMENT_UNREACHED, /* the gateway cannot have seen it, and it has failed: the same may be
	                    * tried again */
	PAYMENT_OPEN       /* not known: no certain answer, or none within 8 s; the poller finds
	                    * out */
};
/* payment: its JSON when recorded; valid during the call. At most one call, never within. */
typedef void payment_done(void *arg, enum payment_end end, struct text payment);

/* Asks the gateway to collect. The payment is written already. Texts are copied. False: out of
 * memory, done is not called. done may be NULL. */
bool payment_collect(struct payments *payments, const char *id, const char *phone, int64_t amount,
	payment_done *done, void *arg) MUST_CHECK;
/* Asks the gateway what became of it. reference: the gateway's. Ends as PAYMENT_RECORDED,
 * PAYMENT_REFUSED (it failed) or PAYMENT_OPEN. False also of a reference that is none. */
bool payment_ask(struct payments *payments, const char *id, const char *reference,
	payment_done *done, void *arg) MUST_CHECK;
/* Records that the gateway never got it. */
void payment_missed(struct payments *payments, const char *id);
/* Errands under way. */
unsigned payments_running(const struct payments *payments);
/* An order has ended because it was not paid: what caches must forget. vendor_id: NULL when there
 * is none. */
void payment_order_ended(struct payments *payments, const char *vendor_id);

#endif
