/* SPDX-License-Identifier: MIT
 *
 * Outgoing messages: see the header. One path for all channels; the differences are in `providers`.
 */
#include "reeyo/partners/notifier.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "provider.h"
#include "reeyo/core/log.h"

static const struct provider *const providers[] = { &provider_twilio, &provider_sendgrid,
	&provider_fcm, &provider_sns };

/* Enough at once for 150 messages a second when the provider answers in 200 ms. After a few
 * failures in a row nothing is sent to it for 10 s; messages of that time have used no try. */
static const struct partner_limits limits = {
	.at_once = 32, .waiting = 256, .timeout_ms = 30000, .failures = 8, .pause_ms = 10000
};

static const char *channel_provider_word(const struct config *config, enum channel channel)
{
	const char *const words[] = { [CHANNEL_SMS] = config->sms,
		[CHANNEL_MAIL] = config->mail,
		[CHANNEL_PUSH] = config->push };

	return words[channel];
}

/* --- Without a provider ----------------------------------------------------------------------- */

/* Enough to distinguish two test phones, but not an address. */
static void outgoing_address_mask(const struct outgoing_message *message, char out[64])
{
	size_t len = strlen(message->to);
	const char *domain = strchr(message->to, '@');

	if (message->channel == CHANNEL_MAIL)
		snprintf(out, 64, "…%s", domain ? domain : "");
	else
		snprintf(out, 64, "…%s", len > 2 ? message->to + len - 2 : "");
}

void notifier_log(enum channel channel, const char *to, const struct rendered *content,
	const char *name, const char *skipped)
{
	log_line(LOG_INFO, name ? name : "message", LOG_T("channel", channel_suffix(channel)),
		LOG_T("to", to), LOG_T("subject", content->title), LOG_T("text", content->body),
		LOG_T("skipped", skipped));
}

static void outgoing_skip(struct notifier *notifier, struct outgoing_message *message)
{
	const char *word = channel_provider_word(notifier->config, message->channel);
	bool logs = strcmp(word, "log") == 0;
	char to[64];

	outgoing_address_mask(message, to);
	if (strcmp(word, "off") == 0)
		return notifier_done(message, OUTCOME_SKIPPED, "off");
	if (notifier->shows[message->channel])
		notifier_log(message->channel, to, &message->content, message->log_as,
			logs ? NULL : "no credentials");
	else
		log_line(LOG_WARN, "message skipped",
			LOG_T("channel", channel_suffix(message->channel)),
			LOG_T("why", logs ? "no provider" : "no credentials"));
	notifier_done(message,
		logs && notifier->shows[message->channel] ? OUTCOME_SENT : OUTCOME_SKIPPED,
		logs ? "no provider" : "no credentials");
}

/* --- Messages ----------------------------------------------------------------------------------
 */

void notifier_untried(struct outgoing_message *message, const char *why)
{
	message->notifier = NULL;
	message->done(message,
		&(struct send_result){ .outcome = OUTCOME_RETRY, .untried = true, .why = why });
}

void notifier_done(struct outgoing_message *message, enum send_outcome outcome, const char *why)
{
	message->notifier = NULL;
	message->done(message,
		&(struct send_result){
			.outcome = outcome, .why = outcome == OUTCOME_SENT ? NULL : why });
}

/* When the provider refuses our credentials the message is retried: we can fix them. */
static enum send_outcome outgoing_outcome(
	const struct provider *provider, const struct client_answer *answer, bool *ret_gone)
{
	if (answer->error || answer->status >= 500 || answer->status == 408 ||
		answer->status == 429)
		return OUTCOME_RETRY;
	if (answer->status / 100 == 2)
		return OUTCOME_SENT;
	if (provider->gone && provider->gone(answer)) {
		*ret_gone = true;
		return OUTCOME_DEAD;
	}
	if (answer->status == 401 || answer->status == 403 ||
		(provider->passing && provider->passing(answer)))
		return OUTCOME_RETRY;
	return OUTCOME_DEAD;
}

/* The reason of a failure, for the row and the log: only a status and a code. */
static void outgoing_reason_write(
	const struct provider *provider, const struct client_answer *answer, char why[64])
{
	json_auto_t *json = answer->error ? NULL
					  : json_loadb(answer->body.at, answer->body.len, 0, NULL);
	char code[CODE_MAX] = "";

	if (answer->error) {
		snprintf(why, 64, "%s", answer->why ? answer->why : "no answer");
		return;
	}
	if (provider->code)
		provider->code(answer, json, code);
	for (const char *c = code; *c; c++)
		if (!isalnum((unsigned char)*c) && !strchr("_-.", *c))
			code[0] = '\0';
	snprintf(why, 64, "status %ld%s%.*s", answer->status, code[0] ? ", " : "", CODE_MAX, code);
}

static void outgoing_answered(struct client_call *call, const struct client_answer *answer)
{
	struct outgoing_message *message = call->owner;
	struct notifier *notifier = message->notifier;
	const struct provider *provider = notifier->provider[message->channel];
	struct send_result result = { .retry_after_s = answer->retry_after_s,
		.untried = answer->error == E_BUSY };
	char why[64];

	result.outcome = outgoing_outcome(provider, answer, &result.gone);
	if (answer->status == 401 && provider->unauthorised)
		provider->unauthorised(notifier, answer);
	outgoing_reason_write(provider, answer, why);
	if (result.outcome != OUTCOME_SENT) {
		result.why = why;
		log_line(answer->status == 401 || answer->status == 403 ? LOG_ERROR : LOG_INFO,
			"message not accepted", LOG_T("channel", channel_suffix(message->channel)),
			LOG_T("why", why));
	}
	message->notifier = NULL;
	message->done(message, &result);
}

void notifier_call(struct outgoing_message *message)
{
	message->call.partner = message->notifier->partner[message->channel];
	message->call.done = outgoing_answered;
	message->call.owner = message;
	client_call(message->notifier->app->client, &message->call);
}

void notifier_send(struct notifier *notifier, struct outgoing_message *message)
{
	const struct provider *provider = notifier->provider[message->channel];
	struct arena *arena;

	message->notifier = notifier;
	message->call = (struct client_call){ .method = "POST" };
	if (!provider)
		return outgoing_skip(notifier, message);
	arena = arena_new(notifier->app->pool, NOTIFIER_REQUEST_MEMORY);
	if (!arena)
		return notifier_done(message, OUTCOME_RETRY, "out of memory");
	provider->send(notifier, message, arena);
	arena_free(arena);
}

void notifier_cancel(struct outgoing_message *message)
{
	if (!message->notifier)
		return;
	if (message->call.done)
		client_cancel(&message->call);
	else
		fcm_cancel(message);
	message->notifier = NULL;
}

/* --- Requests --------------------------------------------------------------------------------- */

void form_add(struct buf *form, const char *name, const char *value)
{
	static const char unreserved[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~";

	buf_printf(form, "%s%s=", form->len ? "&" : "", name);
	for (; *value; value++)
		if (strchr(unreserved, *value))
			buf_add(form, value, 1);
		else
			buf_printf(form, "%%%02X", (unsigned char)*value);
}

bool answer_has(const struct client_answer *answer, const char *word)
{
	return answer->body.at && memmem(answer->body.at, answer->body.len, word, strlen(word));
}

/* --- Life ------------------------------------------------------------------------------------- */

static int notifier_channel_open(struct notifier *notifier, enum channel channel)
{
	const char *word = channel_provider_word(notifier->config, channel);
	bool first = loop_index(notifier->app->loop) == 0;

	for (size_t i = 0; i < COUNT_OF(providers); i++)
		if (providers[i]->channel == channel && strcmp(providers[i]->word, word) == 0 &&
			providers[i]->ready(notifier->config))
			notifier->provider[channel] = providers[i];
	notifier->shows[channel] = strcmp(notifier->config->environment, "production") != 0;
	if (!notifier->provider[channel]) {
		if (first && !notifier->shows[channel])
			log_line(LOG_WARN,
				"messages of this channel are skipped: no provider, or "
				"no credentials",
				LOG_T("channel", channel_suffix(channel)));
		return 0;
	}
	notifier->partner[channel] = partner_new(
		notifier->app->client, notifier->provider[channel]->word, &limits);
	return notifier->partner[channel] ? 0 : E_NO_MEMORY;
}

int notifier_new(struct app *app, const struct templates *templates, struct notifier **ret)
{
	struct notifier *notifier = calloc(1, sizeof(*notifier));
	int error = notifier ? 0 : E_NO_MEMORY;

	if (error)
		return error;
	notifier->app = app;
	notifier->config = app->config;
	notifier->templates = templates;
	for (unsigned i = 0; i < CHANNELS && !error; i++)
		error = notifier_channel_open(notifier, (enum channel)i);
	if (!error && notifier->provider[CHANNEL_PUSH] == &provider_fcm)
		error = fcm_open(notifier);
	if (!error)
		error = otp_sender_open(notifier);
	if (error) {
		notifier_free(notifier);
		return error;
	}
	*ret = notifier;
	return 0;
}

void notifier_free(struct notifier *notifier)
{
	if (!notifier)
		return;
	otp_sender_close(notifier);
	fcm_close(notifier);
	free(notifier);
}

const struct templates *notifier_templates(const struct notifier *notifier)
{
	return notifier->templates;
}

bool notifier_channel_enabled(const struct notifier *notifier, enum channel channel)
{
	return notifier->provider[channel] || notifier_channel_logs(notifier, channel);
}

bool notifier_channel_logs(const struct notifier *notifier, enum channel channel)
{
	return notifier->shows[channel] &&
		strcmp(channel_provider_word(notifier->config, channel), "log") == 0;
}

unsigned notifier_channels(const struct notifier *notifier)
{
	unsigned enabled = 0;

	for (unsigned channel = 0; channel < CHANNELS; channel++)
		if (notifier_channel_enabled(notifier, (enum channel)channel))
			enabled |= 1u << channel;
	return enabled;
}

bool notifier_channel_available(const struct notifier *notifier, enum channel channel)
{
	const struct provider *provider = notifier->provider[channel];

	return !provider ||
		(partner_available(notifier->partner[channel]) &&
			(!provider->up || provider->up(notifier)));
}
