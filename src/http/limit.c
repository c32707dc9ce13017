/* SPDX-License-Identifier: MIT
 *
 * Rate limits of requests: see the header. Counting by name happens in Redis (cache/limiter), so
 * that all copies count together; the backstop by address is counted in the loop, without a round
 * trip.
 */
#include <sodium.h>
#include <stddef.h>
#include <stdio.h>

#include "exchange.h"
#include "network.h"
#include "reeyo/http/limit.h"

#define HOUR_MS 3600000
#define NAME_SIZE 96 /* of struct limit_use */

void limit_refuse(struct request *rq, int64_t wait_s)
{
	count_one(loop_counters(rq->app->loop), COUNT_RATE_LIMITED);
	reply_retry_after(rq, wait_s);
	reply_error(rq, E_TOO_MANY_REQUESTS);
}

/* --- Addresses -------------------------------------------------------------------------------- */

/* One slot per hash: two networks in one slot take turns, each starting afresh. That errs on the
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

/* Seconds to wait, or 0 when one more request of the network is fine. */
static int64_t network_use(struct address_limits *limits, const struct network *network,
	bool callback, int64_t limit, uint64_t now)
{
	unsigned char counted[sizeof(network->at) + 2];
	struct address_slot *slot;
	uint64_t hash;

	memcpy(counted, network->at, sizeof(network->at));
	counted[sizeof(network->at)] = (unsigned char)network->bits;
	counted[sizeof(network->at) + 1] = callback;
	crypto_shorthash((unsigned char *)&hash, counted, sizeof(counted), limits->key);
	slot = &limits->slots[hash % ADDRESS_SLOTS];
	if (slot->hash != hash || now - slot->since_ms >= ADDRESS_WINDOW_MS)
		*slot = (struct address_slot){ hash, now, 0 };
	if (++slot->count <= limit)
		return 0;
	return (int64_t)(ADDRESS_WINDOW_MS - (now - slot->since_ms)) / 1000 + 1;
}

/* Gateways call from few addresses and often, so callbacks have a bound of their own; a flood of
 * them takes nothing from the other clients of an address. */
int64_t limit_address(struct request *rq)
{
	const struct config *config = rq->app->config;
	bool callback = rq->route && rq->route->foreign;
	int64_t limit = callback ? config->rate_callback : config->rate_address, wait_s = 0;
	struct network networks[NETWORKS_MAX];
	unsigned count;

	if (!config->rate_limit || !rq->app->addresses ||
		(rq->route && (rq->route->health || rq->route->internal)))
		return 0;
	count = networks_of(request_address(rq), networks);
	for (unsigned i = 0; i < count && !wait_s; i++)
		wait_s = network_use(rq->app->addresses, &networks[i], callback,
			i ? limit * NETWORK_WIDE_FACTOR : limit, loop_now(rq->app->loop));
	return wait_s;
}

/* --- Names ------------------------------------------------------------------------------------ */

struct want {
	char name[NAME_SIZE];
	const char *policy;    /* in the headers */
	int64_t limit, window_ms;
	bool here;             /* counted in this process */
};
#define WANTS_MAX (NETWORKS_MAX + 3)

/* What is taken one after the other, all of it or (by the reply of the refusal) nothing. */
struct chain {
	struct limit_use use;
	struct request *rq;
	void (*next)(struct request *rq);
	bool reserves;         /* what was taken is given back with the reply */
	bool quiet;            /* a client need not know what is left for all */
	unsigned count, at;
	struct want wants[WANTS_MAX];
};

/* A reservation, in the arena of its request. */
struct limit_taken {
	struct limit_taken *next;
	const struct want *want;
	bool here;
};

static void header_set(struct exchange *x, const char *name, const char *value)
{
	for (unsigned i = 0; i < x->header_count; i++)
		if (strcmp(x->headers[i].name, name) == 0) {
			if (value)
				x->headers[i].value = value;
			return;
		}
	reply_header(&x->rq, name, value);
}

/* Of several limits the last that was looked at is told. */
static void limit_headers(struct request *rq, const struct want *want,
	const struct limit_result *result)
{
	struct exchange *x = exchange_of(rq);

	header_set(x, "RateLimit-Policy",
		arena_printf(rq->arena, "\"%s\";q=%lld;w=%lld", want->policy,
			(long long)want->limit, (long long)(want->window_ms / 1000)));
	header_set(x, "RateLimit",
		arena_printf(rq->arena, "\"%s\";r=%lld;t=%lld", want->policy,
			(long long)result->remaining, (long long)result->reset_s));
	header_set(x, "X-RateLimit-Limit", arg_int(rq, want->limit));
	header_set(x, "X-RateLimit-Remaining", arg_int(rq, result->remaining));
	header_set(x, "X-RateLimit-Reset", arg_int(rq, clock_wall_s() + result->reset_s));
}

static void chain_take(struct chain *chain);

static void chain_taken(struct limit_use *use, const struct limit_result *result)
{
	struct chain *chain = CONTAINER_OF(use, struct chain, use);
	const struct want *want = &chain->wants[chain->at];
	struct exchange *x = exchange_of(chain->rq);
	struct limit_taken *taken;

	if (!request_release(chain->rq))
		return;
	if (!chain->quiet || !result->allowed)
		limit_headers(chain->rq, want, result);
	if (!result->allowed && want->here)
		log_refusal(LOG_WARN, "codes for strangers have used up this process's budget",
			"rate_messages", LOG_I("limit", want->limit));
	if (!result->allowed)
		return limit_refuse(chain->rq, result->reset_s);
	if (chain->reserves) {
		taken = ARENA_NEW(chain->rq->arena, struct limit_taken);
		if (!taken)
			return reply_error(chain->rq, E_NO_MEMORY);
		*taken = (struct limit_taken){ x->taken, want, use->here };
		x->taken = taken;
	}
	chain->at++;
	chain_take(chain);
}

static void chain_take(struct chain *chain)
{
	const struct want *want = &chain->wants[chain->at];

	if (chain->at == chain->count)
		return chain->next(chain->rq);
	chain->use = (struct limit_use){ .limit = want->limit, .window_ms = want->window_ms,
		.cost = 1, .here = want->here, .done = chain_taken };
	memcpy(chain->use.name, want->name, sizeof(want->name));
	request_hold(chain->rq);
	limit_use(chain->rq->app->cache, &chain->use);
}

/* NULL when memory is out, and that has been answered. */
static struct chain *chain_new(struct request *rq, bool reserves, void (*next)(struct request *rq))
{
	struct chain *chain = ARENA_NEW(rq->arena, struct chain);

	if (!chain) {
		reply_error(rq, E_NO_MEMORY);
		return NULL;
	}
	chain->rq = rq;
	chain->next = next;
	chain->reserves = reserves;
	return chain;
}

/* "rule:subject"; a long subject (an e-mail may have 254 characters) is counted by its hash. */
static void name_make(char name[NAME_SIZE], const char *rule, const char *subject)
{
	unsigned char hash[16];
	char digits[2 * sizeof(hash) + 1];

	if (strlen(subject) > 64) {
		crypto_generichash(hash, sizeof(hash), (const unsigned char *)subject,
			strlen(subject), NULL, 0);
		subject = sodium_bin2hex(digits, sizeof(digits), hash, sizeof(hash));
	}
	snprintf(name, NAME_SIZE, "%s:%s", rule, subject);
}

static struct want *chain_want(struct chain *chain, const char *rule, const char *subject,
	int64_t limit, int64_t window_ms)
{
	struct want *want = &chain->wants[chain->count++];

	*want = (struct want){ .policy = rule, .limit = limit, .window_ms = window_ms };
	name_make(want->name, rule, subject);
	return want;
}

/* --- Giving back ------------------------------------------------------------------------------ */

static void given_back(struct limit_use *use, const struct limit_result *result)
{
	(void)result;
	free(use);
}

void limit_settle(struct exchange *x)
{
	for (struct limit_taken *taken = x->taken; taken; taken = taken->next) {
		struct limit_use *use = calloc(1, sizeof(*use));

		if (!use)
			break; /* what is not given back runs out with its window */
		memcpy(use->name, taken->want->name, sizeof(use->name));
		use->limit = taken->want->limit;
		use->window_ms = taken->want->window_ms;
		use->here = taken->here;
		use->cost = -1;
		use->done = given_back;
		limit_use(x->rq.app->cache, use);
	}
	x->taken = NULL;
}

void limit_spend(struct request *rq)
{
	exchange_of(rq)->taken = NULL;
}

/* --- Rules of rows ---------------------------------------------------------------------------- */

static const struct rule {
	const char *name;
	size_t limit;          /* where the configuration has it */
	int64_t window_ms;     /* 0: rate_window */
	bool guess;
} rules[LIMIT_COUNT] = {
	[LIMIT_REGISTER] = { "register", offsetof(struct config, rate_register), HOUR_MS, false },
	[LIMIT_CODE] = { "code", offsetof(struct config, rate_code), 0, false },
	[LIMIT_LOGIN] = { "login", offsetof(struct config, rate_login), 0, true },
	[LIMIT_PASSWORD] = { "password", offsetof(struct config, rate_login), 0, true },
	[LIMIT_VERIFY] = { "verify", offsetof(struct config, rate_login), 0, true },
	[LIMIT_RESET] = { "reset", offsetof(struct config, rate_reset), 0, true },
};

const char *limit_rule_name(enum limit_rule rule)
{
	return rules[rule].name;
}

static void limit_count(struct request *rq, const char *subject, void (*next)(struct request *rq))
{
	const struct config *config = rq->app->config;
	const struct rule *rule = &rules[rq->route->limit];
	struct chain *chain;

	if (!config->rate_limit)
		return next(rq);
	chain = chain_new(rq, rule->guess, next);
	if (!chain)
		return;
	chain_want(chain, rule->name, subject,
		*(const int64_t *)((const char *)config + rule->limit),
		rule->window_ms ? rule->window_ms : config->rate_window);
	chain_take(chain);
}

void limit_found(struct request *rq, const char *account, void (*next)(struct request *rq))
{
	limit_count(rq, account, next);
}

/* The caller's network, as text. */
static const char *network_of(struct request *rq)
{
	struct network networks[NETWORKS_MAX];
	char *name = arena_alloc(rq->arena, NETWORK_NAME_SIZE);

	if (!name || !networks_of(request_address(rq), networks))
		return NULL;
	network_name(&networks[0], name);
	return name;
}

static const char *subject_named(struct request *rq, struct text word)
{
	const struct server_steps *steps = &exchange_of(rq)->server->steps;

	if (text_is(word, TEXT("address")))
		return network_of(rq);
	if (!text_is(word, TEXT("caller")))
		return member_text(rq->body, arena_copy(rq->arena, word.at, word.len));
	if (!rq->caller.id[0] && steps->identify)
		(void)!steps->identify(rq);
	return rq->caller.id[0] ? rq->caller.id : NULL;
}

static void limit_device(struct request *rq)
{
	const char *device = request_header(rq, "X-Device-Id");

	if (!device || !device[0] || strlen(device) > 64)
		return request_next(rq);
	limit_count(rq, arena_printf(rq->arena, "device:%s", device), request_next);
}

void limit_body(struct request *rq)
{
	struct text words = text_of(rq->route->limit_by);
	const char *subject = NULL;

	if (!rq->app->config->rate_limit || text_is(words, TEXT("account")))
		return request_next(rq);
	while (words.at && !subject)
		subject = subject_named(rq, text_cut(&words, ' '));
	if (!subject) /* the handler refuses a request that names nobody */
		return request_next(rq);
	limit_count(rq, subject, rq->route->limit == LIMIT_REGISTER ? limit_device : request_next);
}

void limit_caller(struct request *rq)
{
	const struct config *config = rq->app->config;
	bool admin = rq->caller.role == ADMIN || rq->caller.role == SUPER_ADMIN;
	struct chain *chain;

	if (!config->rate_limit || !rq->caller.id[0])
		return request_next(rq);
	chain = chain_new(rq, false, request_next);
	if (!chain)
		return;
	chain_want(chain, "account", rq->caller.id,
		admin ? config->rate_admin : config->rate_account, config->rate_window);
	chain_take(chain);
}

/* --- Messages --------------------------------------------------------------------------------- */

/* The narrow budgets first: what one destination or network is refused takes nothing from all. */
void limit_messages(struct request *rq, const char *phone, const char *email,
	void (*next)(struct request *rq))
{
	const struct config *config = rq->app->config;
	struct network networks[NETWORKS_MAX];
	unsigned count = networks_of(request_address(rq), networks);
	char name[NETWORK_NAME_SIZE];
	struct chain *chain;

	if (!config->rate_limit)
		return next(rq);
	chain = chain_new(rq, true, next);
	if (!chain)
		return;
	chain->quiet = true;
	if (phone)
		chain_want(chain, "messages-to", phone, config->rate_messages_to, HOUR_MS);
	if (email)
		chain_want(chain, "messages-to", email, config->rate_messages_to, HOUR_MS);
	for (unsigned i = 0; i < count; i++) {
		network_name(&networks[i], name);
		chain_want(chain, "messages-from", name,
			config->rate_messages_address * (i ? NETWORK_WIDE_FACTOR : 1), HOUR_MS);
	}
	chain_want(chain, "messages", "all", config->rate_messages, HOUR_MS)->here = true;
	chain_take(chain);
}
