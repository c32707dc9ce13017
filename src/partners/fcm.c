/* SPDX-License-Identifier: MIT
 *
 * Push messages by Firebase (HTTP v1, messages:send).
 *
 * Calls carry an access token that is valid for an hour. The service account gets it for a signed
 * assertion (an RS256 JWT as the grant). One fetch serves all messages that wait for the token;
 * they are sent in order of arrival. After a 401 the next message fetches a new token. While no
 * token can be fetched, messages stay in their queue and no attempt is counted.
 */
#include <jwt.h>
#include <stdio.h>
#include <stdlib.h>

#include "provider.h"
#include "reeyo/core/clock.h"
#include "reeyo/core/json_writer.h"
#include "reeyo/core/log.h"
#include "reeyo/core/url.h"

#define SCOPE "https://www.googleapis.com/auth/firebase.messaging"
#define GRANT "urn:ietf:params:oauth:grant-type:jwt-bearer"
#define ASSERTION_S INT64_C(3600)
#define EARLY_S INT64_C(120) /* a token is not used in its last seconds */
#define RETRY_S 10           /* pause after a failed fetch */

struct fcm {
	struct notifier *notifier;
	struct partner *partner;
	json_t *account;
	struct client_call call;
	struct outgoing_message *waiting, **end;
	char *token;
	/* loop clock: expiry of the token; earliest time of the next fetch */
	int64_t valid_until_s, retry_at_s;
	bool fetching;
};

static const char *fcm_account_text(const struct fcm *fcm, const char *name)
{
	return json_string_value(json_object_get(fcm->account, name));
}

static int64_t fcm_now_s(void)
{
	return (int64_t)(clock_ms() / 1000);
}

/* --- Messages --------------------------------------------------------------------------------- */

/* How long Firebase and Apple keep the message for a device that is off. */
static void fcm_ttl_write(struct json_writer *json, struct arena *arena, int64_t life_s)
{
	long long ends_s = clock_wall_s() + life_s;

	if (life_s <= 0)
		return;
	json_write_member_object(json, "android");
	json_write_member_string(json, "ttl", arena_printf(arena, "%llds", (long long)life_s));
	json_write_object_end(json);
	json_write_member_object(json, "apns");
	json_write_member_object(json, "headers");
	json_write_member_string(json, "apns-expiration", arena_printf(arena, "%lld", ends_s));
	json_write_object_end(json);
	json_write_object_end(json);
}

static void fcm_message_write(
	struct json_writer *json, const struct outgoing_message *message, struct arena *arena)
{
	json_write_object(json);
	json_write_member_object(json, "message");
	json_write_member_string(json, "token", message->to);
	json_write_member_object(json, "notification");
	json_write_member_string(json, "title", message->content.title);
	json_write_member_string(json, "body", message->content.body);
	json_write_object_end(json);
	json_write_member_raw(json, "data", text_of(message->data ? message->data : "{}"));
	fcm_ttl_write(json, arena, message->life_s);
	json_write_object_end(json);
	json_write_object_end(json);
}

static void fcm_call(struct fcm *fcm, struct outgoing_message *message, struct arena *arena)
{
	struct buf body = buf_in(arena, 1024);
	struct json_writer json = json_write_to(&body);

	fcm_message_write(&json, message, arena);
	message->call.url = arena_printf(arena, "%s/v1/projects/%s/messages:send",
		fcm->notifier->config->fcm_url, fcm_account_text(fcm, "project_id"));
	message->call.headers[0] = "Content-Type: application/json";
	message->call.headers[1] = arena_printf(arena, "Authorization: Bearer %s", fcm->token);
	message->call.body = text_of(json_write_finish(&json));
	if (!message->call.url || !message->call.headers[1] || !message->call.body.at)
		return notifier_done(message, OUTCOME_RETRY, "out of memory");
	notifier_call(message);
}

/* Sends the waiting messages, or fails them when `why` is given. */
static void fcm_waiting_release(struct fcm *fcm, const char *why)
{
	struct outgoing_message *message = TAKE_PTR(fcm->waiting);
	struct outgoing_message *next;

	fcm->end = &fcm->waiting;
	for (; message; message = next) {
		struct arena *arena =
			why ? NULL : arena_new(fcm->notifier->app->pool, NOTIFIER_REQUEST_MEMORY);

		next = message->next;
		if (arena)
			fcm_call(fcm, message, arena);
		else
			notifier_untried(message, why ? why : "out of memory");
		arena_free(arena);
	}
}

/* --- The token -------------------------------------------------------------------------------- */

static void fcm_token_received(struct client_call *call, const struct client_answer *answer)
{
	struct fcm *fcm = call->owner;
	json_auto_t *json = answer->error ? NULL
					  : json_loadb(answer->body.at, answer->body.len, 0, NULL);
	const char *token = json_string_value(json_object_get(json, "access_token"));
	int64_t life_s = json_integer_value(json_object_get(json, "expires_in"));

	fcm->fetching = false;
	fcm->retry_at_s = fcm_now_s() + RETRY_S;
	if (answer->error || answer->status != 200 || !token) {
		log_line(LOG_ERROR, "no access token for push messages",
			LOG_I("status", answer->status), LOG_T("why", answer->why));
		return fcm_waiting_release(fcm, "no token");
	}
	free(fcm->token);
	fcm->token = strdup(token);
	fcm->valid_until_s = fcm_now_s() + (life_s > 2 * EARLY_S ? life_s - EARLY_S : life_s / 2);
	fcm_waiting_release(fcm, fcm->token ? NULL : "out of memory");
}

/* The signed assertion; the caller frees it. */
static char *fcm_assertion(const struct fcm *fcm)
{
	const char *key = fcm_account_text(fcm, "private_key");
	int64_t wall_s = clock_wall_s();
	char *encoded = NULL;
	jwt_t *jwt = NULL;

	if (jwt_new(&jwt))
		return NULL;
	if (jwt_set_alg(jwt, JWT_ALG_RS256, (const unsigned char *)key, (int)strlen(key)) == 0 &&
		jwt_add_grant(jwt, "iss", fcm_account_text(fcm, "client_email")) == 0 &&
		jwt_add_grant(jwt, "scope", SCOPE) == 0 &&
		jwt_add_grant(jwt, "aud", fcm_account_text(fcm, "token_uri")) == 0 &&
		jwt_add_grant_int(jwt, "iat", (long)wall_s) == 0 &&
		jwt_add_grant_int(jwt, "exp", (long)(wall_s + ASSERTION_S)) == 0)
		encoded = jwt_encode_str(jwt);
	jwt_free(jwt);
	return encoded;
}

static void fcm_token_fetch(struct fcm *fcm)
{
	struct arena *arena = arena_new(fcm->notifier->app->pool, 64u << 10);
	char *assertion = fcm_assertion(fcm);
	struct buf form;

	if (!arena || !assertion) {
		arena_free(arena);
		free(assertion);
		return fcm_waiting_release(fcm, "no token");
	}
	form = buf_in(arena, 2048);
	form_add(&form, "grant_type", GRANT);
	form_add(&form, "assertion", assertion);
	free(assertion);
	fcm->call = (struct client_call){ .partner = fcm->partner,
		.method = "POST",
		.url = fcm_account_text(fcm, "token_uri"),
		.headers = { "Content-Type: application/x-www-form-urlencoded" },
		.body = text_of(buf_string(&form)),
		.done = fcm_token_received,
		.owner = fcm };
	fcm->fetching = true;
	client_call(fcm->notifier->app->client, &fcm->call);
	arena_free(arena);
}

/* --- The provider ----------------------------------------------------------------------------- */

static bool fcm_configured(const struct config *config)
{
	return config->fcm_account[0];
}

static void fcm_send(
	struct notifier *notifier, struct outgoing_message *message, struct arena *arena)
{
	struct fcm *fcm = notifier->fcm;

	if (fcm->token && fcm_now_s() < fcm->valid_until_s)
		return fcm_call(fcm, message, arena);
	message->next = NULL;
	*fcm->end = message;
	fcm->end = &message->next;
	if (!fcm->fetching)
		fcm_token_fetch(fcm);
}

void fcm_cancel(struct outgoing_message *message)
{
	struct fcm *fcm = message->notifier->fcm;

	for (struct outgoing_message **at = fcm ? &fcm->waiting : NULL; at && *at;
		at = &(*at)->next)
		if (*at == message) {
			*at = message->next;
			if (!*at)
				fcm->end = at;
			return;
		}
}

/* The app was uninstalled, the token belongs to another app, or it never was a token. For the last
 * the error code is not enough: it is INVALID_ARGUMENT for any malformed message. */
static bool fcm_address_gone(const struct client_answer *answer)
{
	return answer_has(answer, "UNREGISTERED") || answer_has(answer, "SENDER_ID_MISMATCH") ||
		(answer->status == 400 &&
			(answer_has(answer, "registration token is not a valid") ||
				answer_has(answer, "message.token")));
}

/* THIRD_PARTY_AUTH_ERROR concerns Firebase's credentials at Apple, so our token stays valid. */
static void fcm_unauthorised(struct notifier *notifier, const struct client_answer *answer)
{
	if (!answer_has(answer, "THIRD_PARTY_AUTH_ERROR"))
		notifier->fcm->valid_until_s = notifier->fcm->retry_at_s = 0;
}

/* {"error":{"status","details":[{"errorCode"}]}}: `status` is Google's generic code. */
static void fcm_error_code(
	const struct client_answer *answer, const json_t *json, char out[CODE_MAX])
{
	const json_t *error = json_object_get(json, "error"), *detail;
	const char *word = json_string_value(json_object_get(error, "status"));
	size_t i;

	(void)answer;
	json_array_foreach(json_object_get(error, "details"), i, detail)
	{
		const char *detailed = json_string_value(json_object_get(detail, "errorCode"));

		word = detailed ? detailed : word;
	}
	if (word)
		snprintf(out, CODE_MAX, "%s", word);
}

static bool fcm_available(const struct notifier *notifier)
{
	const struct fcm *fcm = notifier->fcm;

	return (fcm->token && fcm_now_s() < fcm->valid_until_s) ||
		(partner_available(fcm->partner) && fcm_now_s() >= fcm->retry_at_s);
}

const struct provider provider_fcm = { .word = "fcm",
	.channel = CHANNEL_PUSH,
	.ready = fcm_configured,
	.send = fcm_send,
	.gone = fcm_address_gone,
	.unauthorised = fcm_unauthorised,
	.code = fcm_error_code,
	.up = fcm_available };

static bool fcm_can_sign(const struct fcm *fcm)
{
	char *assertion auto_free = fcm_assertion(fcm);

	return assertion != NULL;
}

/* 0, or E_CONFIG, logged. */
static int fcm_account_check(const struct fcm *fcm)
{
	static const char *const needed[] = { "project_id", "client_email", "private_key",
		"token_uri" };
	const struct config *config = fcm->notifier->config;
	struct url_parts uri = { 0 };
	const char *fault = NULL, *missing = NULL;

	for (size_t i = 0; i < COUNT_OF(needed) && !missing; i++)
		if (!fcm_account_text(fcm, needed[i]))
			missing = needed[i];
	if (missing)
		fault = "fcm_account: cannot be read or is not a service account";
	else if (!url_is_web(text_of(fcm_account_text(fcm, "token_uri"))) ||
		!url_parse_web(text_of(fcm_account_text(fcm, "token_uri")), &uri))
		fault = "fcm_account: token_uri is not a web address";
	else if (!uri.https && strcmp(config->environment, "production") == 0)
		fault = "fcm_account: token_uri must be https in production";
	else if (!fcm_can_sign(fcm))
		fault = "fcm_account: private_key cannot sign";
	if (!fault)
		return 0;
	log_line(LOG_ERROR, fault, LOG_T("file", config->fcm_account), LOG_T("missing", missing));
	return E_CONFIG;
}

int fcm_open(struct notifier *notifier)
{
	static const struct partner_limits limits = {
		.at_once = 1, .waiting = 4, .timeout_ms = 30000, .failures = 3, .pause_ms = 5000
	};
	struct fcm *fcm = calloc(1, sizeof(*fcm));
	int error;

	notifier->fcm = fcm;
	if (!fcm)
		return E_NO_MEMORY;
	fcm->notifier = notifier;
	fcm->end = &fcm->waiting;
	fcm->account = json_load_file(notifier->config->fcm_account, JSON_REJECT_DUPLICATES, NULL);
	error = fcm_account_check(fcm);
	if (error)
		return error;
	fcm->partner = partner_new(notifier->app->client, "fcm-token", &limits);
	return fcm->partner ? 0 : E_NO_MEMORY;
}

void fcm_close(struct notifier *notifier)
{
	struct fcm *fcm = notifier->fcm;

	if (!fcm)
		return;
	if (fcm->fetching)
		client_cancel(&fcm->call);
	json_decref(fcm->account);
	free(fcm->token);
	free(fcm);
}
