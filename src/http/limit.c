/* SPDX-License-Identifier: MIT
 *
 * Rate limits of requests: see the header. Counting by name happens in Redis (cache/limiter), so
 * that all copies count together; the backstop by address is counted in the loop, without a round
 * trip.
 */
#include <sodium.h>
#include <stdio.h>

#include "exchange.h"
#include "reeyo/http/limit.h"

/* --- Addresses -------------------------------------------------------------------------------- */

/* One slot per hash: two addresses in one slot take turns, each starting afresh. That errs on the
 * client's side, as a backstop should. */
#define ADDRESS_SLOTS 8192u
#define ADDRESS_WINDOW_MS 60000u

struct address_slot {
	uint64_t hash, since_ms;
	int64_t count;
};

struct address_limits {
	unsigned char key[crypto_shorthash_KEYBYTES];
	struct address_slot slots[ADDRESS_SLOTS];
};

struct address_limits *address_limits_new(void)
{
	struct address_limits *limits = calloc(1, sizeof(*limits));

	if (limits)
		crypto_shorthash_keygen(limits->key);
	return limits;
}

void address_limits_free(struct address_limits *limits)
{
	free(limits);
}

/* Seconds to wait, or 0 when one more request is fine. */
static int64_t address_use(struct request *rq)
{
	struct address_limits *limits = rq->app->addresses;
	const char *address = request_address(rq);
	uint64_t now = loop_now(rq->app->loop), hash;
	struct address_slot *slot;

	if (!limits || !address)
		return 0;
	crypto_shorthash((unsigned char *)&hash, (const unsigned char *)address, strlen(address),
		limits->key);
	slot = &limits->slots[hash % ADDRESS_SLOTS];
	if (slot->hash != hash || now - slot->since_ms >= ADDRESS_WINDOW_MS)
		*slot = (struct address_slot){ hash, now, 0 };
	if (++slot->count <= rq->app->config->rate_address)
		return 0;
	return (int64_t)(ADDRESS_WINDOW_MS - (now - slot->since_ms)) / 1000 + 1;
}

/* --- Names ------------------------------------------------------------------------------------ */

struct limit_wait {
	struct limit_use use;
	struct request *rq;
	void (*next)(struct request *rq);
};

static void limit_headers(struct request *rq, const struct limit_use *use,
	const struct limit_result *result)
{
	reply_header(rq, "RateLimit-Policy",
		arena_printf(rq->arena, "\"account\";q=%lld;w=%lld", (long long)use->limit,
			(long long)(use->window_ms / 1000)));
	reply_header(rq, "RateLimit",
		arena_printf(rq->arena, "\"account\";r=%lld;t=%lld", (long long)result->remaining,
			(long long)result->reset_s));
	reply_header(rq, "X-RateLimit-Limit", arg_int(rq, use->limit));
	reply_header(rq, "X-RateLimit-Remaining", arg_int(rq, result->remaining));
	reply_header(rq, "X-RateLimit-Reset", arg_int(rq, clock_wall_s() + result->reset_s));
}

static void limit_refused(struct request *rq, int64_t wait_s)
{
	count_one(loop_counters(rq->app->loop), COUNT_RATE_LIMITED);
	reply_retry_after(rq, wait_s);
	reply_error(rq, E_TOO_MANY_REQUESTS);
}

static void limit_used(struct limit_use *use, const struct limit_result *result)
{
	struct limit_wait *wait = CONTAINER_OF(use, struct limit_wait, use);
	struct request *rq = wait->rq;

	if (!request_release(rq))
		return;
	if (!result->allowed || use->cost)
		limit_headers(rq, use, result);
	if (!result->allowed)
		return limit_refused(rq, result->reset_s);
	wait->next(rq);
}

void limit_named(struct request *rq, const char *name, int64_t limit, int64_t window_ms,
	int64_t cost, void (*next)(struct request *rq))
{
	struct limit_wait *wait;

	if (!rq->app->config->rate_limit)
		return next(rq);
	wait = ARENA_NEW(rq->arena, struct limit_wait);
	if (!wait)
		return reply_error(rq, E_NO_MEMORY);
	memcpy(wait->use.name, name, strnlen(name, sizeof(wait->use.name) - 1));
	wait->use.limit = limit;
	wait->use.window_ms = window_ms;
	wait->use.cost = cost;
	wait->use.done = limit_used;
	wait->rq = rq;
	wait->next = next;
	request_hold(rq);
	limit_use(rq->app->cache, &wait->use);
}

/* --- Steps ------------------------------------------------------------------------------------ */

void limit_caller(struct request *rq)
{
	const struct config *config = rq->app->config;
	bool admin = rq->caller.role == ADMIN || rq->caller.role == SUPER_ADMIN;
	char name[96];
	int64_t wait_s;

	if (!config->rate_limit || rq->route->root)
		return request_next(rq);
	wait_s = address_use(rq);
	if (wait_s)
		return limit_refused(rq, wait_s);
	if (!rq->caller.id[0])
		return request_next(rq);
	snprintf(name, sizeof(name), "account:%s", rq->caller.id);
	limit_named(rq, name, admin ? config->rate_admin : config->rate_account,
		config->rate_window, 1, request_next);
}

/* Who is behind a request that has no account yet: the phone, else the e-mail, else the vendor it
 * names, else the address. */
static void limit_subject(struct request *rq, const char *rule, char name[96])
{
	const char *subject = member_text(rq->body, "phone");

	if (!subject)
		subject = member_text(rq->body, "email");
	if (!subject)
		subject = member_text(rq->body, "vendorId");
	if (!subject && rq->caller.id[0])
		subject = rq->caller.id;
	snprintf(name, 96, "%s:%s", rule, subject ? subject : request_address(rq));
}

static void limit_device(struct request *rq)
{
	const char *device = request_header(rq, "X-Device-Id");
	char name[96];

	if (!device || !device[0] || strlen(device) > 64)
		return request_next(rq);
	snprintf(name, sizeof(name), "register:device:%s", device);
	limit_named(rq, name, rq->app->config->rate_register, 3600000, 1, request_next);
}

void limit_body(struct request *rq)
{
	char name[96];

	switch (rq->route->limit) {
	case LIMIT_REGISTER:
		limit_subject(rq, "register", name);
		return limit_named(rq, name, rq->app->config->rate_register, 3600000, 1,
			limit_device);
	case LIMIT_CODE:
		limit_subject(rq, "code", name);
		return limit_named(rq, name, 5, 900000, 1, request_next);
	default:
		return request_next(rq);
	}
}
