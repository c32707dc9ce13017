/* SPDX-License-Identifier: MIT
 *
 * Push messages by Firebase (HTTP v1, messages:send).
 *
 * Its calls carry a token of an hour, which the service account gets for a signed statement of who
 * it is (an RS256 JWT as the grant). It is fetched once for all letters that need it, which wait in
 * the order in which they came; a call that is answered 401 makes the next letter fetch another.
 * While it cannot be got letters wait in their queue and spend no try.
 */
#include <jwt.h>
#include <stdio.h>
#include <stdlib.h>

#include "provider.h"
#include "reeyo/core/clock.h"
#include "reeyo/core/log.h"

#define SCOPE "https://www.googleapis.com/auth/firebase.messaging"
#define GRANT "urn:ietf:params:oauth:grant-type:jwt-bearer"
#define STATEMENT_S 3600
#define EARLY_S 120 /* before its end a token is not used any more */
#define REST_S 10   /* after none was got */

struct fcm {
	struct post *post;
	struct partner *partner;
	json_t *account;
	struct client_call call;
	struct letter *waiting, **end;
	char *token;
	/* on the loop's clock: it is good until then; none is asked for before then */
	int64_t until_s, rest_s;
	bool fetching;
};

static const char *account_text(const struct fcm *fcm, const char *name)
{
	return json_string_value(json_object_get(fcm->account, name));
}

static int64_t now_s(void)
{
	return (int64_t)(clock_ms() / 1000);
}

/* --- Letters ---------------------------------------------------------------------------------- */

/* How long Firebase and Apple keep it for a device that is off. */
static void add_life(struct buf *body, int64_t life_s)
{
	if (life_s <= 0)
		return;
	buf_printf(body,
		",\"android\":{\"ttl\":\"%llds\"},"
		"\"apns\":{\"headers\":{\"apns-expiration\":\"%lld\"}}",
		(long long)life_s, (long long)(clock_wall_s() + life_s));
}

static void letter_call(struct fcm *fcm, struct letter *letter, struct arena *arena)
{
	struct buf body = buf_in(arena, 1024);

	buf_add_string(&body, "{\"message\":{\"token\":");
	buf_add_json(&body, text_of(letter->to));
	buf_add_string(&body, ",\"notification\":{\"title\":");
	buf_add_json(&body, text_of(letter->said.title));
	buf_add_string(&body, ",\"body\":");
	buf_add_json(&body, text_of(letter->said.body));
	buf_add_string(&body, "},\"data\":");
	buf_add_string(&body, letter->data ? letter->data : "{}");
	add_life(&body, letter->life_s);
	buf_add_string(&body, "}}");
	letter->call.url = arena_printf(arena, "%s/v1/projects/%s/messages:send",
		fcm->post->config->fcm_url, account_text(fcm, "project_id"));
	letter->call.headers[0] = "Content-Type: application/json";
	letter->call.headers[1] = arena_printf(arena, "Authorization: Bearer %s", fcm->token);
	letter->call.body = text_of(buf_string(&body));
	if (!letter->call.url || !letter->call.headers[1] || !letter->call.body.at)
		return post_done(letter, OUTCOME_RETRY, "out of memory");
	post_call(letter);
}

/* With a token those who waited go on; without one they are told why. */
static void waiting_go(struct fcm *fcm, const char *why)
{
	struct letter *letter = TAKE_PTR(fcm->waiting);
	struct letter *next;

	fcm->end = &fcm->waiting;
	for (; letter; letter = next) {
		struct arena *arena = why ? NULL : arena_new(fcm->post->app->pool, LETTER_MEMORY);

		next = letter->next;
		if (arena)
			letter_call(fcm, letter, arena);
		else
			post_untried(letter, why ? why : "out of memory");
		arena_free(arena);
	}
}

/* --- The token -------------------------------------------------------------------------------- */

static void token_got(struct client_call *call, const struct client_answer *answer)
{
	struct fcm *fcm = call->owner;
	json_auto_t *told = answer->error ? NULL :
		json_loadb(answer->body.at, answer->body.len, 0, NULL);
	const char *token = json_string_value(json_object_get(told, "access_token"));
	int64_t life_s = json_integer_value(json_object_get(told, "expires_in"));

	fcm->fetching = false;
	fcm->rest_s = now_s() + REST_S;
	if (answer->error || answer->status != 200 || !token) {
		log_line(LOG_ERROR, "no token for push messages", LOG_I("status", answer->status),
			LOG_T("why", answer->why));
		return waiting_go(fcm, "no token");
	}
	free(fcm->token);
	fcm->token = strdup(token);
	fcm->until_s = now_s() + (life_s > 2 * EARLY_S ? life_s - EARLY_S : life_s / 2);
	waiting_go(fcm, fcm->token ? NULL : "out of memory");
}

/* The statement, signed; the caller frees it. */
static char *statement(const struct fcm *fcm)
{
	const char *key = account_text(fcm, "private_key");
	int64_t wall_s = clock_wall_s();
	char *made = NULL;
	jwt_t *jwt = NULL;

	if (jwt_new(&jwt))
		return NULL;
	if (jwt_set_alg(jwt, JWT_ALG_RS256, (const unsigned char *)key, (int)strlen(key)) == 0 &&
		jwt_add_grant(jwt, "iss", account_text(fcm, "client_email")) == 0 &&
		jwt_add_grant(jwt, "scope", SCOPE) == 0 &&
		jwt_add_grant(jwt, "aud", account_text(fcm, "token_uri")) == 0 &&
		jwt_add_grant_int(jwt, "iat", (long)wall_s) == 0 &&
		jwt_add_grant_int(jwt, "exp", (long)(wall_s + STATEMENT_S)) == 0)
		made = jwt_encode_str(jwt);
	jwt_free(jwt);
	return made;
}

static void token_fetch(struct fcm *fcm)
{
	struct arena *arena = arena_new(fcm->post->app->pool, 64u << 10);
	char *signed_ = statement(fcm);
	struct buf form;

	if (!arena || !signed_) {
		arena_free(arena);
		free(signed_);
		return waiting_go(fcm, "no token");
	}
	form = buf_in(arena, 2048);
	form_add(&form, "grant_type", GRANT);
	form_add(&form, "assertion", signed_);
	free(signed_);
	fcm->call = (struct client_call){ .partner = fcm->partner, .method = "POST",
		.url = account_text(fcm, "token_uri"),
		.headers = { "Content-Type: application/x-www-form-urlencoded" },
		.body = text_of(buf_string(&form)), .done = token_got, .owner = fcm };
	fcm->fetching = true;
	client_call(fcm->post->app->client, &fcm->call);
	arena_free(arena);
}

/* --- The provider ----------------------------------------------------------------------------- */

static bool ready(const struct config *config)
{
	return config->fcm_account[0];
}

static void letter_send(struct post *post, struct letter *letter, struct arena *arena)
{
	struct fcm *own = post->fcm;

	if (own->token && now_s() < own->until_s)
		return letter_call(own, letter, arena);
	letter->next = NULL;
	*own->end = letter;
	own->end = &letter->next;
	if (!own->fetching)
		token_fetch(own);
}

void fcm_forget(struct letter *letter)
{
	struct fcm *own = letter->post->fcm;

	for (struct letter **at = own ? &own->waiting : NULL; at && *at; at = &(*at)->next)
		if (*at == letter) {
			*at = letter->next;
			if (!*at)
				own->end = at;
			return;
		}
}

/* A device that has uninstalled the app or belongs to another one, or a text that never was its
 * token. Of the last the error code is no sign: it is INVALID_ARGUMENT for a message that is badly
 * made, too. */
static bool gone(const struct client_answer *answer)
{
	return answer_has(answer, "UNREGISTERED") || answer_has(answer, "SENDER_ID_MISMATCH") ||
		(answer->status == 400 &&
			(answer_has(answer, "registration token is not a valid") ||
				answer_has(answer, "message.token")));
}

/* Apple not believing Firebase is no fault of the token, which all other pushes need. */
static void unauthorised(struct post *post, const struct client_answer *answer)
{
	if (!answer_has(answer, "THIRD_PARTY_AUTH_ERROR"))
		post->fcm->until_s = post->fcm->rest_s = 0;
}

/* {"error":{"status","details":[{"errorCode"}]}}: the status is that of any service of Google. */
static void code(const struct client_answer *answer, const json_t *json, char out[CODE_MAX])
{
	const json_t *error = json_object_get(json, "error"), *detail;
	const char *word = json_string_value(json_object_get(error, "status"));
	size_t i;

	(void)answer;
	json_array_foreach (json_object_get(error, "details"), i, detail) {
		const char *own = json_string_value(json_object_get(detail, "errorCode"));

		word = own ? own : word;
	}
	if (word)
		snprintf(out, CODE_MAX, "%s", word);
}

static bool up(const struct post *post)
{
	const struct fcm *own = post->fcm;

	return (own->token && now_s() < own->until_s) ||
		(partner_up(own->partner) && now_s() >= own->rest_s);
}

const struct provider provider_fcm = { .word = "fcm", .channel = CHANNEL_PUSH, .ready = ready,
	.send = letter_send, .gone = gone, .unauthorised = unauthorised, .code = code, .up = up };

int fcm_open(struct post *post)
{
	static const char *const needed[] = { "project_id", "client_email",
		"private_key", "token_uri" };
	static const struct partner_limits limits = { .at_once = 1, .waiting = 4,
		.timeout_ms = 30000, .failures = 3, .pause_ms = 5000 };
	struct fcm *own = calloc(1, sizeof(*own));
	char *probe;

	post->fcm = own;
	if (!own)
		return E_NO_MEMORY;
	own->post = post;
	own->end = &own->waiting;
	own->account = json_load_file(post->config->fcm_account, JSON_REJECT_DUPLICATES, NULL);
	for (size_t i = 0; i < COUNT_OF(needed); i++)
		if (!account_text(own, needed[i])) {
			log_line(LOG_ERROR,
				"fcm_account: it cannot be read, or is no service account",
				LOG_T("file", post->config->fcm_account),
				LOG_T("missing", needed[i]));
			return E_CONFIG;
		}
	if (strcmp(post->config->environment, "production") == 0 &&
		strncasecmp(account_text(own, "token_uri"), "https://", 8) != 0) {
		log_line(LOG_ERROR, "fcm_account: in production its token_uri must be https",
			LOG_T("file", post->config->fcm_account));
		return E_CONFIG;
	}
	probe = statement(own);
	if (!probe) {
		log_line(LOG_ERROR, "fcm_account: its private_key cannot sign",
			LOG_T("file", post->config->fcm_account));
		return E_CONFIG;
	}
	free(probe);
	own->partner = partner_new(post->app->client, "fcm-token", &limits);
	return own->partner ? 0 : E_NO_MEMORY;
}

void fcm_close(struct post *post)
{
	struct fcm *own = post->fcm;

	if (!own)
		return;
	if (own->fetching)
		client_cancel(&own->call);
	json_decref(own->account);
	free(own->token);
	free(own);
}
