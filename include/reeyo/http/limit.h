/* SPDX-License-Identifier: MIT
 *
 * Rate limits (contract, decision 3): by account, phone or device first; by address only as a high
 * backstop, because whole neighbourhoods share one mobile-carrier address. Log-in failures are
 * counted where log-ins are judged.
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

/* Step of the server before the body is looked at: the address's backstop, then the account's
 * limit. */
void limit_caller(struct request *rq);
/* Step after the body check: what route->limit counts by phone, account or device. */
void limit_body(struct request *rq);

/* Counts one use of `name` against `limit` in a window and goes on with next when it is allowed;
 * otherwise answers 429. cost 0 only looks, without counting. */
void limit_named(struct request *rq, const char *name, int64_t limit, int64_t window_ms,
	int64_t cost, void (*next)(struct request *rq));

#endif
