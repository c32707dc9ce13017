/* SPDX-License-Identifier: MIT
 *
 * Rate limits (contract, decision 3): by account, phone or device first; by address only as a high
 * backstop, because whole neighbourhoods share one mobile-carrier address.
 *
 * What a row's own limit counts is said by the row (.limit_by), in words that the caller cannot
 * choose: declared members of the body in their canonical form, the token's account, or the account
 * that the handler finds.
 *
 * A guess (a password, a code) is reserved before it is judged, so that many at once are no more
 * than the limit, and given back with the reply unless it was wrong. So only failures count.
 *
 * What makes the server send messages to somebody who has not asked for them has budgets of its
 * own: of the destination, of the client's network, and of this process.
 *
 * Answered with RateLimit-Policy, RateLimit, the older X-RateLimit-* and, when refused,
 * Retry-After.
 */
#ifndef REEYO_HTTP_LIMIT_H
#define REEYO_HTTP_LIMIT_H

#include "reeyo/http/request.h"

/* A loop's table of client addresses. NULL when out of memory. */
struct address_limits;
struct address_limits *address_limits_new(void);
void address_limits_free(struct address_limits *limits);

/* Step of the server before anything else: counts the request against its address. Seconds to wait,
 * or 0 when it may go on. Health rows are not counted, callbacks apart from the rest. */
int64_t limit_address(struct request *rq);
/* Step before the body is looked at: the account's limit. */
void limit_caller(struct request *rq);
/* Step after the body check: the row's own limit, of whom .limit_by names. */
void limit_body(struct request *rq);

/* For the handler of a row whose .limit_by is "account": counts the row's limit for the account
 * that was found (or for the name it was looked for by, canonical, when there is none), and goes on
 * with next; else answers 429. */
void limit_found(struct request *rq, const char *account, void (*next)(struct request *rq));
/* What is reserved for this request stays counted: the guess was wrong, the message is sent.
 * Without it everything is given back with the reply. */
void limit_spend(struct request *rq);
/* Reserves a message to each of the two (NULL: none) in every budget, before anything is written,
 * and goes on with next; else answers 429. limit_spend when it is sent. */
void limit_messages(struct request *rq, const char *phone, const char *email,
	void (*next)(struct request *rq));
/* Answers 429 with Retry-After. */
void limit_refuse(struct request *rq, int64_t wait_s);

#endif
