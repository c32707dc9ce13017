/* SPDX-License-Identifier: MIT
 *
 * Acts on orders: the request side of service/order_transition.h.
 */
#ifndef REEYO_API_ORDER_ACTS_H
#define REEYO_API_ORDER_ACTS_H

#include "reeyo/domain/order.h"
#include "reeyo/http/request.h"

/* What to do. Texts must live as long as the request; NULL: absent. */
struct order_act_request {
	enum order_act act;
	enum order_actor by;     /* BY_ADMIN may touch any order, others their own */
	const char *order;       /* id or number */
	const char *rider_id;    /* ACT_ASSIGN: the rider to assign */
	const char *note;        /* note, or the reason (ACT_REJECT, ACT_RELEASE, ACT_CANCEL) */
	const char *photo;       /* ACT_PICK_UP, ACT_COMPLETE */
	const char *occurred_at; /* RFC 3339; NULL: now */
	const char *location;    /* JSON {"lat":…,"lng":…} */
	const char *code;        /* ACT_COMPLETE: the delivery code */
	int64_t minutes;         /* ACT_ACCEPT: preparation; 0: the vendor's average */
	const char *audit;       /* BY_ADMIN: the entry for admin_audit_add */
	enum vendor_pay pay;     /* ACT_CANCEL BY_ADMIN: whether the vendor is paid */
	const char *reply;       /* the body that done sends, stored for replay by key; NULL: the
				  * Order */
};

/* The order after the transition; valid during the call. */
struct order_moved {
	const char *id; /* of the order; lives as long as the request */
};
typedef void order_act_done(struct request *rq, const struct order_moved *moved);

/* Moves the order and calls done (NULL: replies with the Order). A repetition calls done as the
 * first time did. Errors of the transition are sent to the client. On an .idempotent row a key
 * replays the first reply, so a done that sends anything else than the Order must set `reply`.
 * rq->state stays the handler's. */
void order_act(struct request *rq, const struct order_act_request *act, order_act_done *done);

/* Replies E_IDEMPOTENCY_RUNNING: the continuation of a request_replay that finds nothing. */
void reply_idempotency_running(struct request *rq);
/* For a sql_try_write whose first column is an outcome. Writes the outcome into *ret. False when a
 * reply was sent: an error, or for a key that was used in the meantime (REPLAY) the reply of that
 * first request, which is complete before the statement of the second one can fail. */
bool outcome_or_reply(struct request *rq, const struct db_result *result, struct text *ret);

/* The fields that the body of every act may have, and its location as JSON (NULL: absent). */
#define ACT_FIELDS \
	{ "occurredAt", FIELD_TIME, \
		.summary = \
			"Time of the act: at most 30 minutes ago, not before the previous act" }, \
	{ \
		"location", FIELD_POINT, .aliases = "coordinates", \
					 .summary = "Location of the act" \
	}
const char *act_location(struct request *rq);

#endif
