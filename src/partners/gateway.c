/* SPDX-License-Identifier: MIT
 *
 * Calls to the mobile-money gateway. A gateway_operation describes each kind of request in both
 * dialects. When there is no valid token, calls wait for it; the first of them fetches it:
 *
 *   call ─┬─ token ──── sent ─┬─ first 401: discard the token, wait for the next one
 *         └─ waits ─┐         └─ completed
 *          fetched ─┘
 *
 * What the caller may do next depends on whether the request had an effect. So a response counts as
 * a refusal only when it clearly is one; everything else is GATEWAY_UNCERTAIN.
 */
#include "reeyo/partners/gateway.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "operation.h"
#include "reeyo/core/clock.h"
#include "reeyo/core/log.h"
#include "transaction.h"

#define WAITING_MOST 512
#define FAILURES 5
#define PAUSE_MS 10000
#define TOKEN_SIZE 4096
#define URL_SIZE 512
/* A token is replaced this long before it expires, or after 90 % of its lifetime if that is later.
 */
#define TOKEN_MARGIN_MS 60000
#define TOKEN_LIFE_MAX_S INT64_C(2592000)
/* Lifetime of a token without an expiry. */
#define TOKEN_LIFE_MS (30 * INT64_C(60000))

struct gateway {
	struct loop *loop;
	struct client *client;
	const struct config *config;
	struct partner *partner, *token_partner;
	enum dialect dialect;
	struct client_call fetch;
	bool fetching;
	char authorization[TOKEN_SIZE + 32]; /* the header; empty: no token */
	unsigned token;                      /* its serial number */
	uint64_t token_ends_ms;
	struct gateway_call *waiting, **waiting_end;
	struct gateway_history *reading; /* parsed by the work pool */
};

/* --- Completion ------------------------------------------------------------------------------- */

void gateway_complete(struct gateway_call *call, enum gateway_outcome outcome, const char *why)
{
	const struct gateway_answer answer = {
		.outcome = outcome, .why = why, .transaction = { .amount = -1 }
	};

	call->done(call, &answer);
}

/* For a status other than 2xx. */
static enum gateway_outcome outcome_from_status(long status)
{
	if (status == 401 || status == 429)
		return GATEWAY_UNREACHED;
	return status < 400 || status >= 500 || status == 408 || status == 409 ? GATEWAY_UNCERTAIN
									       : GATEWAY_REFUSED;
}

/* The gateway's error message; it uses several member names. */
static const char *error_message_in(const json_t *json)
{
	static const char *const names[] = { "message", "detail", "error", "reason" };

	for (size_t i = 0; i < COUNT_OF(names); i++) {
		const char *words = json_string_value(json_object_get(json, names[i]));

		if (words)
			return words;
	}
	return "the gateway refused without giving a reason";
}

static void response_complete(struct gateway_call *call, const struct client_answer *http)
{
	json_t *json = json_loadb(http->body.at, http->body.len, 0, NULL);
	struct gateway_answer answer = { .outcome = GATEWAY_ANSWERED,
		.transaction = transaction_read(json) };

	if (http->status < 200 || http->status > 299) {
		answer.outcome = outcome_from_status(http->status);
		answer.why = error_message_in(json);
	} else if (!answer.transaction.reference.at) {
		answer.outcome = GATEWAY_UNCERTAIN;
		answer.why = NO_TRANSACTION;
	}
	call->done(call, &answer);
	json_decref(json);
}

/* --- Sending ---------------------------------------------------------------------------------- */

static void gateway_call_send_or_wait(struct gateway *gateway, struct gateway_call *call);

/* Does nothing when another call has replaced the token already. */
static void token_discard(struct gateway *gateway, unsigned token)
{
	if (gateway->token == token)
		gateway->authorization[0] = '\0';
}

static void response_received(struct client_call *http, const struct client_answer *answer)
{
	struct gateway_call *call = CONTAINER_OF(http, struct gateway_call, http);
	const struct gateway_operation *verb = call->verb;

	if (answer->error)
		return gateway_complete(call,
			answer->unsent ? GATEWAY_UNREACHED : GATEWAY_UNCERTAIN,
			answer->error == E_BODY_TOO_LARGE && verb->too_large ? verb->too_large
									     : answer->why);
	if (answer->status == 401) {
		token_discard(call->gateway, call->token);
		if (!call->tried_again) {
			call->tried_again = true;
			return gateway_call_send_or_wait(call->gateway, call);
		}
	}
	if (verb->take && answer->status >= 200 && answer->status <= 299)
		return verb->take(call, answer);
	response_complete(call, answer);
}

/* Percent-encodes all but letters, digits, '-' and '_': a reference comes from outside. */
static size_t reference_escape(char *out, size_t room, const char *reference)
{
	size_t len = 0;

	for (; *reference && len + 4 < room; reference++) {
		bool plain = (*reference >= '0' && *reference <= '9') ||
			(*reference >= 'a' && *reference <= 'z') ||
			(*reference >= 'A' && *reference <= 'Z') || *reference == '-' ||
			*reference == '_';

		len += (size_t)snprintf(
			out + len, room - len, plain ? "%c" : "%%%02X", (unsigned char)*reference);
	}
	return len;
}

/* The base URL without a trailing slash, then the path. */
static void gateway_url_write(
	const struct gateway *gateway, const char *path, const char *reference, char out[URL_SIZE])
{
	const char *base = gateway->config->campay_url;
	size_t len = strlen(base);

	while (len && base[len - 1] == '/')
		len--;
	len = (size_t)snprintf(
		out, URL_SIZE, "%.*s", (int)(len < URL_SIZE / 2 ? len : URL_SIZE / 2), base);
	for (; *path && len + 1 < URL_SIZE; path++)
		if (*path == '{')
			len += reference_escape(out + len, URL_SIZE - len - 4, reference);
		else if (*path != '}')
			out[len++] = *path;
	out[len] = '\0';
}

static void gateway_request_send(
	struct gateway *gateway, struct client_call *http, const char *url, const json_t *body)
{
	char *text auto_free = body ? json_dumps(body, JSON_COMPACT) : NULL;
	char key[300];
	unsigned headers = 0;

	http->url = url;
	http->body = text_of(text);
	if (text)
		http->headers[headers++] = "Content-Type: application/json";
	if (gateway->dialect == UPSTREAM) {
		snprintf(key, sizeof(key), "X-API-KEY: %s", gateway->config->campay_app_key);
		http->headers[headers++] = key;
	}
	if (http != &gateway->fetch)
		http->headers[headers++] = gateway->authorization;
	client_call(gateway->client, http);
}

static void gateway_call_send(struct gateway *gateway, struct gateway_call *call)
{
	const struct gateway_operation *verb = call->verb;
	json_t *body = verb->body ? verb->body(call) : NULL;
	char url[URL_SIZE];

	call->token = gateway->token;
	call->http = (struct client_call){ .partner = gateway->partner,
		.method = verb->method,
		.max_answer = verb->max_answer,
		.done = response_received };
	if (verb->body && !body)
		return client_fail(gateway->client, &call->http, E_INTERNAL);
	gateway_url_write(gateway, verb->path[gateway->dialect], call->reference, url);
	gateway_request_send(gateway, &call->http, url, body);
	json_decref(body);
}

/* --- The token -------------------------------------------------------------------------------- */

static struct gateway_call *gateway_waiting_detach(struct gateway *gateway)
{
	struct gateway_call *all = gateway->waiting;

	gateway->waiting = NULL;
	gateway->waiting_end = &gateway->waiting;
	return all;
}

static void gateway_waiting_send(struct gateway *gateway)
{
	for (struct gateway_call *call = gateway_waiting_detach(gateway), *next; call;
		call = next) {
		next = call->next;
		gateway_call_send(gateway, call);
	}
}

static void gateway_waiting_fail(struct gateway *gateway, const char *why)
{
	for (struct gateway_call *call = gateway_waiting_detach(gateway), *next; call;
		call = next) {
		next = call->next;
		gateway_complete(call, GATEWAY_UNREACHED, why);
	}
}

/* Lifetime of a token: expires_in in seconds, or expires_at as a time (text, or a number in seconds
 * or milliseconds). */
static int64_t token_life_ms(const json_t *json)
{
	const json_t *at = json_object_get(json, "expires_at");
	int64_t in_s = transaction_amount(json_object_get(json, "expires_in")),
		moment = transaction_amount(at);

	if (in_s > 0)
		return (in_s < TOKEN_LIFE_MAX_S ? in_s : TOKEN_LIFE_MAX_S) * 1000;
	if (moment > 0)
		return (moment < 100000000000 ? moment * 1000 : moment) - clock_wall_ms();
	if (json_is_string(at) && clock_parse(json_string_value(at), &moment) == 0)
		return moment - clock_wall_ms();
	return TOKEN_LIFE_MS;
}

static bool token_store(struct gateway *gateway, const json_t *json)
{
	const char *token = json_string_value(json_object_get(json, "token"));
	int64_t life = token_life_ms(json), margin = life / 10;

	if (!token || !*token || strlen(token) > TOKEN_SIZE || strpbrk(token, "\r\n") || life <= 0)
		return false;
	margin = margin < TOKEN_MARGIN_MS ? margin : TOKEN_MARGIN_MS;
	snprintf(gateway->authorization, sizeof(gateway->authorization), "Authorization: %s %s",
		gateway->dialect == UPSTREAM ? "Bearer" : "Token", token);
	gateway->token++;
	gateway->token_ends_ms = loop_now(gateway->loop) + (uint64_t)(life - margin);
	return true;
}

static void token_fetched(struct client_call *http, const struct client_answer *answer)
{
	struct gateway *gateway = CONTAINER_OF(http, struct gateway, fetch);
	json_t *json = answer->error ? NULL
				     : json_loadb(answer->body.at, answer->body.len, 0, NULL);
	bool kept = answer->status >= 200 && answer->status <= 299 && token_store(gateway, json);

	json_decref(json);
	gateway->fetching = false;
	if (kept)
		return gateway_waiting_send(gateway);
	if (answer->error != E_DRAINING)
		log_line(LOG_WARN, "the gateway returned no token", LOG_I("status", answer->status),
			LOG_T("why", answer->why));
	gateway_waiting_fail(
		gateway, answer->error ? answer->why : "the gateway returned no token");
}

static void gateway_token_fetch(struct gateway *gateway)
{
	static const char *const path[DIALECTS] = { "/token/", "/auth/token" };
	json_t *body = json_pack("{s:s, s:s}", "username", gateway->config->campay_username,
		"password", gateway->config->campay_password);
	char url[URL_SIZE];

	gateway->fetching = true;
	gateway_url_write(gateway, path[gateway->dialect], "", url);
	gateway->fetch = (struct client_call){
		.partner = gateway->token_partner, .method = "POST", .done = token_fetched
	};
	gateway_request_send(gateway, &gateway->fetch, url, body);
	json_decref(body);
}

static void token_wait(struct gateway *gateway, struct gateway_call *call)
{
	call->next = NULL;
	*gateway->waiting_end = call;
	gateway->waiting_end = &call->next;
	if (!gateway->fetching)
		gateway_token_fetch(gateway);
}

static bool token_valid(const struct gateway *gateway)
{
	return gateway->authorization[0] && loop_now(gateway->loop) < gateway->token_ends_ms;
}

static void gateway_call_send_or_wait(struct gateway *gateway, struct gateway_call *call)
{
	if (token_valid(gateway))
		gateway_call_send(gateway, call);
	else
		token_wait(gateway, call);
}

/* --- Verbs ------------------------------------------------------------------------------------ */

static json_t *transfer_body(const struct gateway_call *call, const char *party)
{
	char amount[24];

	snprintf(amount, sizeof(amount), "%lld", (long long)call->amount);
	/* external_user too, because rows of the history may omit external_reference. */
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "amount", amount, "currency", "XAF",
		party, call->phone + (call->phone[0] == '+'), "description", call->description,
		"external_reference", call->external, "external_user", call->external);
}

static json_t *collect_body(const struct gateway_call *call)
{
	return transfer_body(call, "from");
}

static json_t *withdraw_body(const struct gateway_call *call)
{
	return transfer_body(call, "to");
}

static const struct gateway_operation verb_collect = { "POST", { "/collect/", "/collect" },
	collect_body };
static const struct gateway_operation verb_withdraw = { "POST", { "/withdraw/", "/disburse" },
	withdraw_body };
static const struct gateway_operation verb_ask = { "GET",
	{ "/transaction/{}/", "/transaction/{}" } };

void gateway_start(
	struct gateway *gateway, struct gateway_call *call, const struct gateway_operation *verb)
{
	call->gateway = gateway;
	call->verb = verb;
	call->tried_again = false;
	gateway_call_send_or_wait(gateway, call);
}

void gateway_collect(struct gateway *gateway, struct gateway_call *call)
{
	gateway_start(gateway, call, &verb_collect);
}

void gateway_withdraw(struct gateway *gateway, struct gateway_call *call)
{
	gateway_start(gateway, call, &verb_withdraw);
}

void gateway_query(struct gateway *gateway, struct gateway_call *call)
{
	gateway_start(gateway, call, &verb_ask);
}

/* --- History ---------------------------------------------------------------------------------- */

int gateway_history_parse(struct gateway *gateway, struct gateway_history *history)
{
	int error = loop_work(gateway->loop, &history->work);

	if (error)
		return error;
	history->next = gateway->reading;
	gateway->reading = history;
	return 0;
}

bool gateway_history_parsed(struct gateway_history *history)
{
	struct gateway_history **at;

	if (!history->call.gateway)
		return false;
	for (at = &history->call.gateway->reading; *at != history; at = &(*at)->next)
		;
	*at = history->next;
	return true;
}

/* --- Life ------------------------------------------------------------------------------------- */

/* Without credentials there are no slots, so every call is refused. */
static int gateway_partners_new(struct gateway *gateway)
{
	unsigned at_once = gateway_configured(gateway) ? (unsigned)gateway->config->gateway_at_once
						       : 0;
	struct partner_limits limits = { .at_once = at_once,
		.waiting = at_once ? WAITING_MOST : 0,
		.timeout_ms = (unsigned)gateway->config->gateway_timeout,
		.failures = FAILURES,
		.pause_ms = PAUSE_MS };

	gateway->partner = partner_new(gateway->client, "gateway", &limits);
	/* A partner of its own: the token call must not queue behind the calls that wait for it. */
	limits.at_once = at_once ? 1 : 0;
	limits.waiting = 0;
	gateway->token_partner = partner_new(gateway->client, "gateway token", &limits);
	return gateway->partner && gateway->token_partner ? 0 : E_NO_MEMORY;
}

int gateway_new(
	struct loop *loop, struct client *client, const struct config *config, struct gateway **ret)
{
	struct gateway *gateway = calloc(1, sizeof(*gateway));

	if (!gateway)
		return E_NO_MEMORY;
	gateway->loop = loop;
	gateway->client = client;
	gateway->config = config;
	gateway->dialect = strcmp(config->campay_dialect, "upstream") == 0 ? UPSTREAM : CAMPAY;
	gateway->waiting_end = &gateway->waiting;
	if (gateway_partners_new(gateway)) {
		free(gateway);
		return E_NO_MEMORY;
	}
	*ret = gateway;
	return 0;
}

void gateway_free(struct gateway *gateway)
{
	if (!gateway)
		return;
	for (struct gateway_history *history = gateway->reading; history; history = history->next)
		history->call.gateway = NULL;
	free(gateway);
}

bool gateway_configured(const struct gateway *gateway)
{
	return gateway->config->campay_username[0] != '\0';
}

bool gateway_available(const struct gateway *gateway)
{
	return gateway_configured(gateway) && partner_available(gateway->partner) &&
		(token_valid(gateway) || partner_available(gateway->token_partner));
}
