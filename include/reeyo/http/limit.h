/* SPDX-License-Identifier: MIT
 *
 * Rate limits (contract, decision 3): by account, phone or device first; by address only as a high
 * backstop, because whole neighbourhoods share one mobile-carrier address.
 *
 * A row names the key of its own limit in .limit_by. The caller cannot choose the key: it is a
 * declared member of the body in canonical form, the token's account, or the account that the
 * handler finds.
 *
 * A guess (a password, a code) takes a token from the limit before it is verified, so that parallel
 * guesses cannot exceed the limit. The token is returned with the reply unless the guess was wrong.
 * So only failures count.
 *
 * Requests that make the server send messages to people who have not asked for them have budgets:
 * per destination, per client network, and per process.
 *
 * Replies carry RateLimit-Policy, RateLimit, the older X-RateLimit-* and, when refused,
 * Retry-After.
 */
#ifndef REEYO_HTTP_LIMIT_H
#define REEYO_HTTP_LIMIT_H

#include "reeyo/http/request.h"

/* A loop's request counters by client address. NULL when out of memory. */
struct address_limits;
struct address_limits *address_limits_new(void);
void address_limits_free(struct address_limits *limits);

/* First step of a request: counts it against its client address. Returns the seconds to wait, or 0
 * when the request is within the limit. Health rows are not counted; callbacks have counters of
 * their own. */
int64_t limit_address(struct request *rq);
/* Step before the body is read: the account's limit. */
void limit_caller(struct request *rq);
/* Step after the body check: the row's own limit, by the key that .limit_by names. */
void limit_body(struct request *rq);

/* For the handler of a row whose .limit_by is "account": counts the row's limit for the account
 * that was found, and calls next; over the limit it replies 429. When no account was found, pass
 * the canonical name that was looked up. */
void limit_count_account(struct request *rq, const char *account, void (*next)(struct request *rq));
/* Keeps the reservations of this request counted: the guess was wrong, or the message is sent.
 * Without this call they are returned with the reply. */
void limit_commit(struct request *rq);
/* Reserves one message to each destination (NULL: none) in every budget, before anything is
 * written, and calls next; over a budget it replies 429. Call limit_commit when the message is
 * sent. */
void limit_messages(
	struct request *rq, const char *phone, const char *email, void (*next)(struct request *rq));
/* Replies 429 with Retry-After. */
void limit_refuse(struct request *rq, int64_t wait_s);

#endif
