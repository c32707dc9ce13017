/* SPDX-License-Identifier: MIT
 *
 * A step of an order, by whoever: seen, decided (domain/order.h), done in one statement that checks
 * that the order is still as it was seen, and followed by what caches must forget. A step that
 * somebody else's step came before is decided anew on what the order is then.
 */
#ifndef REEYO_API_ORDER_ACTS_H
#define REEYO_API_ORDER_ACTS_H

#include "reeyo/domain/order.h"
#include "reeyo/http/request.h"

/* What is done. Texts live as long as the request; NULL: absent. */
struct order_act_request {
	enum order_act act;
	enum order_actor by;     /* BY_ADMIN may touch any order, others their own */
	const char *order;       /* id or number */
	const char *rider_id;    /* ACT_ASSIGN: who gets it */
	const char *note;        /* note, or the reason (ACT_REJECT, ACT_RELEASE, ACT_CANCEL) */
	const char *photo;       /* ACT_PICK_UP, ACT_COMPLETE */
	const char *occurred_at; /* RFC 3339: when it was done, if not now */
	const char *place;       /* where, JSON {"lat":…,"lng":…} */
	const char *code;        /* ACT_COMPLETE: the delivery code */
	int64_t minutes;         /* ACT_ACCEPT: preparation; 0: the vendor's usual */
	enum vendor_pay pay;     /* ACT_CANCEL BY_ADMIN: whether the vendor is paid */
	const char *answer;      /* the body that done will send, to replay by key; NULL: the
	                          * Order's */
};

/* The order after the step; valid during the call. */
struct order_moved {
	struct text order; /* the Order object, as the namespace's clients see it */
	const char *id;    /* lives as long as the request */
};
typedef void order_act_done(struct request *rq, const struct order_moved *moved);

/* Does it and calls done (NULL: replies with the Order). An act that the same actor has done
 * before, and whose effect still holds, is done: done is called, and nothing happens again.
 * Whatever else stands in the way is answered with the caller's codes: E_ORDER_NOT_FOUND,
 * E_ORDER_NOT_OWNER, E_ORDER_TAKEN, E_RIDER_OFFLINE, E_RIDER_NOT_FOUND, E_RIDER_NOT_READY,
 * E_WRONG_DELIVERY_CODE, E_VALIDATION (occurredAt, and a vendorPaid where there is no vendor) and
 * those of order_next. On an .idempotent row a key replays the first answer, so a done that sends
 * anything but the plain Order must say what (answer). rq->state is in use until done is called,
 * and NULL then. */
void order_act(struct request *rq, const struct order_act_request *act, order_act_done *done);

/* E_IDEMPOTENCY_RUNNING, as what follows when request_replay finds nothing. */
void reply_running(struct request *rq);
/* After a sql_try_write whose first column is its outcome: false when it has been answered, with an
 * error or, to a key that was used meanwhile (REPLAY), with what was answered then. A statement
 * fails for a twin that was faster by a breath only once that one has been answered. */
bool outcome_take(struct request *rq, const struct db_result *result, struct text *ret);

/* What every body of an act may hold, and the place of it as JSON (NULL: none). */
#define ACT_FIELDS \
	{ "occurredAt", FIELD_TIME, \
		.does = "When it was done: at most 30 minutes ago, not before the previous act" }, \
	{ "location", FIELD_POINT, .also = "coordinates", .does = "Where it was done" }
const char *act_place(struct request *rq);

#endif
