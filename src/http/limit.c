/* SPDX-License-Identifier: MIT
 *
 * Rate limits of requests: see the header. Accounts, phones and devices are counted in Redis
 * (cache/limiter), so that all instances count together. The backstop by address is counted in the
 * loop, without a round trip.
 */
#include <sodium.h>
#include <stddef.h>
#include <stdio.h>

#include "exchange.h"
#include "network.h"
#include "reeyo/http/counters.h"
#include "reeyo/http/limit.h"

#define HOUR_MS 3600000
#define NAME_SIZE 96 /* of limit_use.name */

void limit_refuse(struct request *rq, int64_t wait_s)
{
	count_one(loop_counters(rq->app->loop), COUNT_RATE_LIMITED);
	reply_retry_after(rq, wait_s);
	reply_error(rq, E_TOO_MANY_REQUESTS);
}

/* --- Addresses -------------------------------------------------------------------------------- */

/* One slot per hash. Two networks in one slot replace each other's counter. This errs in favour of
 * the client, as a backstop should. */
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

/* Counts one request of the network. Seconds to wait, or 0 when it is within the limit. */
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

/* Gateways call often and from few addresses, so callbacks have a limit of their own. A flood of
 * callbacks does not use up the limit of the other clients of an address. */
int64_t limit_address(struct request *rq)
{
	const struct config *config = rq->app->config;
	bool callback = rq->route && rq->route->external;
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

/* --- Quotas ----------------------------------------------------------------------------------- */

struct quota {
	char name[NAME_SIZE];
	const char *policy; /* its name in the headers */
	int64_t limit, window_ms;
	bool local; /* counted in this process, not in Redis */
};
#define QUOTAS_MAX (NETWORKS_MAX + 3)

/* Quotas that are taken one after the other. When one is exhausted, the refusal returns those taken
 * before. */
struct quota_chain {
	struct limit_use use;
	struct request *rq;
	void (*next)(struct request *rq);
	bool reserves; /* what is taken is a reservation, returned with the reply */
	bool quiet;    /* no headers unless refused */
	unsigned count, at;
	struct quota quotas[QUOTAS_MAX];
};

/* A reservation, in the arena of its request. */
struct reservation {
	struct reservation *next;
	const struct quota *quota;
	bool local;
};

static void header_replace(struct exchange *x, const char *name, const char *value)
{
	for (unsigned i = 0; i < x->header_count; i++)
		if (strcmp(x->headers[i].name, name) == 0) {
			if (value)
				x->headers[i].value = value;
			return;
		}
	reply_header(&x->rq, name, value);
}

static void header_replace_int(struct exchange *x, const char *name, int64_t value)
{
	header_replace(x, name, arena_printf(x->rq.arena, "%lld", (long long)value));
}

/* With several quotas the headers show the last one that was counted. */
static void limit_headers(
	struct request *rq, const struct quota *quota, const struct limit_result *result)
{
	struct exchange *x = exchange_of(rq);

	header_replace(x, "RateLimit-Policy",
		arena_printf(rq->arena, "\"%s\";q=%lld;w=%lld", quota->policy,
			(long long)quota->limit, (long long)(quota->window_ms / 1000)));
	header_replace(x, "RateLimit",
		arena_printf(rq->arena, "\"%s\";r=%lld;t=%lld", quota->policy,
			(long long)result->remaining, (long long)result->reset_s));
	header_replace_int(x, "X-RateLimit-Limit", quota->limit);
	header_replace_int(x, "X-RateLimit-Remaining", result->remaining);
	header_replace_int(x, "X-RateLimit-Reset", clock_wall_s() + result->reset_s);
}

static void quota_take(struct quota_chain *chain);

static void quota_taken(struct limit_use *use, const struct limit_result *result)
{
	struct quota_chain *chain = CONTAINER_OF(use, struct quota_chain, use);
	const struct quota *quota = &chain->quotas[chain->at];
	struct exchange *x = exchange_of(chain->rq);
	struct reservation *reservation;

	if (!request_release(chain->rq))
		return;
	if (!chain->quiet || !result->allowed)
		limit_headers(chain->rq, quota, result);
	if (!result->allowed && quota->local)
		log_refusal(LOG_WARN,
			"this process's budget of messages (rate_messages) is used up",
			"rate_messages", LOG_I("limit", quota->limit));
	if (!result->allowed)
		return limit_refuse(chain->rq, result->reset_s);
	if (chain->reserves) {
		reservation = ARENA_NEW(chain->rq->arena, struct reservation);
		if (!reservation)
			return reply_error(chain->rq, E_NO_MEMORY);
		*reservation = (struct reservation){ x->reservations, quota, use->local };
		x->reservations = reservation;
	}
	chain->at++;
	quota_take(chain);
}

static void quota_take(struct quota_chain *chain)
{
	const struct quota *quota = &chain->quotas[chain->at];

	if (chain->at == chain->count)
		return chain->next(chain->rq);
	chain->use = (struct limit_use){ .limit = quota->limit,
		.window_ms = quota->window_ms,
		.cost = 1,
		.local = quota->local,
		.done = quota_taken };
	memcpy(chain->use.name, quota->name, sizeof(quota->name));
	request_hold(chain->rq);
	limit_use(chain->rq->app->cache, &chain->use);
}

/* NULL when out of memory, which has been replied. */
static struct quota_chain *quota_chain_new(
	struct request *rq, bool reserves, void (*next)(struct request *rq))
{
	struct quota_chain *chain = ARENA_NEW(rq->arena, struct quota_chain);

	if (!chain) {
		reply_error(rq, E_NO_MEMORY);
		return NULL;
	}
	chain->rq = rq;
	chain->next = next;
	chain->reserves = reserves;
	return chain;
}

/* "rule:subject"; a long subject (an e-mail may have 254 characters) is replaced by its hash. */
static void quota_name(char name[NAME_SIZE], const char *rule, const char *subject)
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

static struct quota *quota_add(struct quota_chain *chain, const char *rule, const char *subject,
	int64_t limit, int64_t window_ms)
{
	struct quota *quota = &chain->quotas[chain->count++];

	*quota = (struct quota){ .policy = rule, .limit = limit, .window_ms = window_ms };
	quota_name(quota->name, rule, subject);
	return quota;
}

/* --- Reservations ----------------------------------------------------------------------------- */

static void reservation_returned(struct limit_use *use, const struct limit_result *result)
{
	(void)result;
	free(use);
}

void limit_return_reservations(struct exchange *x)
{
	for (struct reservation *each = x->reservations; each; each = each->next) {
		struct limit_use *use = calloc(1, sizeof(*use));

		if (!use)
			break; /* a reservation that is not returned expires with its window */
		memcpy(use->name, each->quota->name, sizeof(use->name));
		use->limit = each->quota->limit;
		use->window_ms = each->quota->window_ms;
		use->local = each->local;
		use->cost = -1;
		use->done = reservation_returned;
		limit_use(x->rq.app->cache, use);
	}
	x->reservations = NULL;
}

void limit_commit(struct request *rq)
{
	exchange_of(rq)->reservations = NULL;
}

/* --- Rules of rows ---------------------------------------------------------------------------- */

static const struct rule {
	const char *name;
	size_t limit;      /* offset in the configuration */
	int64_t window_ms; /* 0: rate_window */
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

static void limit_route(struct request *rq, const char *subject, void (*next)(struct request *rq))
{
	const struct config *config = rq->app->config;
	const struct rule *rule = &rules[rq->route->limit];
	struct quota_chain *chain;

	if (!config->rate_limit)
		return next(rq);
	chain = quota_chain_new(rq, rule->guess, next);
	if (!chain)
		return;
	quota_add(chain, rule->name, subject,
		*(const int64_t *)((const char *)config + rule->limit),
		rule->window_ms ? rule->window_ms : config->rate_window);
	quota_take(chain);
}

void limit_count_account(struct request *rq, const char *account, void (*next)(struct request *rq))
{
	limit_route(rq, account, next);
}

/* The narrowest network of the client, as text. */
static const char *client_network(struct request *rq)
{
	struct network networks[NETWORKS_MAX];
	char *name = arena_alloc(rq->arena, NETWORK_NAME_SIZE);

	if (!name || !networks_of(request_address(rq), networks))
		return NULL;
	network_name(&networks[0], name);
	return name;
}

static const char *limit_subject(struct request *rq, struct text word)
{
	const struct server_steps *steps = &exchange_of(rq)->server->steps;

	if (text_is(word, TEXT("address")))
		return client_network(rq);
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
	limit_route(rq, arena_printf(rq->arena, "device:%s", device), request_next);
}

void limit_body(struct request *rq)
{
	struct text words = text_of(rq->route->limit_by);
	const char *subject = NULL;

	if (!rq->app->config->rate_limit || text_is(words, TEXT("account")))
		return request_next(rq);
	while (words.at && !subject)
		subject = limit_subject(rq, text_cut(&words, ' '));
	if (!subject) /* the handler refuses a request without any of them */
		return request_next(rq);
	limit_route(rq, subject, rq->route->limit == LIMIT_REGISTER ? limit_device : request_next);
}

void limit_caller(struct request *rq)
{
	const struct config *config = rq->app->config;
	bool admin = rq->caller.role == ADMIN || rq->caller.role == SUPER_ADMIN;
	struct quota_chain *chain;

	if (!config->rate_limit || !rq->caller.id[0])
		return request_next(rq);
	chain = quota_chain_new(rq, false, request_next);
	if (!chain)
		return;
	quota_add(chain, "account", rq->caller.id,
		admin ? config->rate_admin : config->rate_account, config->rate_window);
	quota_take(chain);
}

/* --- Messages --------------------------------------------------------------------------------- */

/* The narrow budgets come first: a destination or network that is over its budget does not use up
 * the budget of all. */
void limit_messages(
	struct request *rq, const char *phone, const char *email, void (*next)(struct request *rq))
{
	const struct config *config = rq->app->config;
	struct network networks[NETWORKS_MAX];
	unsigned count = networks_of(request_address(rq), networks);
	char name[NETWORK_NAME_SIZE];
	struct quota_chain *chain;

	if (!config->rate_limit)
		return next(rq);
	chain = quota_chain_new(rq, true, next);
	if (!chain)
		return;
	chain->quiet = true; /* the client need not know the budgets of others */
	if (phone)
		quota_add(chain, "messages-to", phone, config->rate_messages_to, HOUR_MS);
	if (email)
		quota_add(chain, "messages-to", email, config->rate_messages_to, HOUR_MS);
	for (unsigned i = 0; i < count; i++) {
		network_name(&networks[i], name);
		quota_add(chain, "messages-from", name,
			config->rate_messages_address * (i ? NETWORK_WIDE_FACTOR : 1), HOUR_MS);
	}
	quota_add(chain, "messages", "all", config->rate_messages, HOUR_MS)->local = true;
	quota_take(chain);
}
