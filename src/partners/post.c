/* SPDX-License-Identifier: MIT
 *
 * Outgoing messages: see the header. One path for all channels; the differences are in `providers`.
 */
#include "reeyo/partners/post.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "provider.h"
#include "reeyo/core/log.h"

static const struct provider *const providers[] = { &provider_twilio, &provider_sendgrid,
	&provider_fcm, &provider_sns };

/* Enough at once for 150 messages a second when the provider answers in 200 ms. After a few
 * failures in a row nothing is sent to it for 10 s; messages of that time have used no try. */
static const struct partner_limits limits = { .at_once = 32, .waiting = 256, .timeout_ms = 30000,
	.failures = 8, .pause_ms = 10000 };

static const char *channel_provider_word(const struct config *config, enum channel channel)
{
	const char *const words[] = { [CHANNEL_SMS] = config->sms, [CHANNEL_MAIL] = config->mail,
		[CHANNEL_PUSH] = config->push };

	return words[channel];
}

/* --- Without a provider ----------------------------------------------------------------------- */

/* Enough to distinguish two test phones, but not an address. */
static void letter_address_mask(const struct letter *letter, char out[64])
{
	size_t len = strlen(letter->to);
	const char *domain = strchr(letter->to, '@');

	if (letter->channel == CHANNEL_MAIL)
		snprintf(out, 64, "…%s", domain ? domain : "");
	else
		snprintf(out, 64, "…%s", len > 2 ? letter->to + len - 2 : "");
}

static void letter_skip(struct post *post, struct letter *letter)
{
	const char *word = channel_provider_word(post->config, letter->channel);
	bool logs = strcmp(word, "log") == 0;
	char to[64];

	letter_address_mask(letter, to);
	if (strcmp(word, "off") == 0)
		return post_done(letter, OUTCOME_SKIPPED, "off");
	if (post->shows[letter->channel])
		log_line(LOG_INFO, letter->log_as ? letter->log_as : "message",
			LOG_T("channel", channel_suffix(letter->channel)), LOG_T("to", to),
			LOG_T("subject", letter->said.title), LOG_T("text", letter->said.body),
			LOG_T("skipped", logs ? NULL : "no credentials"));
	else
		log_line(LOG_WARN, "message skipped",
			LOG_T("channel", channel_suffix(letter->channel)),
			LOG_T("why", logs ? "no provider" : "no credentials"));
	post_done(letter, logs && post->shows[letter->channel] ? OUTCOME_SENT : OUTCOME_SKIPPED,
		logs ? "no provider" : "no credentials");
}

/* --- Letters ---------------------------------------------------------------------------------- */

void post_untried(struct letter *letter, const char *why)
{
	letter->post = NULL;
	letter->done(letter,
		&(struct send_result){ .outcome = OUTCOME_RETRY, .untried = true, .why = why });
}

void post_done(struct letter *letter, enum letter_end outcome, const char *why)
{
	letter->post = NULL;
	letter->done(letter, &(struct send_result){ .outcome = outcome,
		.why = outcome == OUTCOME_SENT ? NULL : why });
}

/* When the provider refuses our credentials the message is retried: we can fix them. */
static enum letter_end letter_outcome(const struct provider *provider,
	const struct client_answer *answer, bool *ret_gone)
{
	if (answer->error || answer->status >= 500 ||
		answer->status == 408 || answer->status == 429)
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
static void letter_reason_write(const struct provider *provider,
	const struct client_answer *answer, char why[64])
{
	json_auto_t *json = answer->error ? NULL :
		json_loadb(answer->body.at, answer->body.len, 0, NULL);
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

static void letter_answered(struct client_call *call, const struct client_answer *answer)
{
	struct letter *letter = call->owner;
	struct post *post = letter->post;
	const struct provider *provider = post->provider[letter->channel];
	struct send_result result = { .retry_after_s = answer->retry_after_s,
		.untried = answer->error == E_BUSY };
	char why[64];

	result.outcome = letter_outcome(provider, answer, &result.gone);
	if (answer->status == 401 && provider->unauthorised)
		provider->unauthorised(post, answer);
	letter_reason_write(provider, answer, why);
	if (result.outcome != OUTCOME_SENT) {
		result.why = why;
		log_line(answer->status == 401 || answer->status == 403 ? LOG_ERROR : LOG_INFO,
			"message not accepted",
			LOG_T("channel", channel_suffix(letter->channel)), LOG_T("why", why));
	}
	letter->post = NULL;
	letter->done(letter, &result);
}

void post_call(struct letter *letter)
{
	letter->call.partner = letter->post->partner[letter->channel];
	letter->call.done = letter_answered;
	letter->call.owner = letter;
	client_call(letter->post->app->client, &letter->call);
}

void post_send(struct post *post, struct letter *letter)
{
	const struct provider *provider = post->provider[letter->channel];
	struct arena *arena;

	letter->post = post;
	letter->call = (struct client_call){ .method = "POST" };
	if (!provider)
		return letter_skip(post, letter);
	arena = arena_new(post->app->pool, LETTER_MEMORY);
	if (!arena)
		return post_done(letter, OUTCOME_RETRY, "out of memory");
	provider->send(post, letter, arena);
	arena_free(arena);
}

void post_cancel(struct letter *letter)
{
	if (!letter->post)
		return;
	if (letter->call.done)
		client_cancel(&letter->call);
	else
		fcm_forget(letter);
	letter->post = NULL;
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

static int post_channel_open(struct post *post, enum channel channel)
{
	const char *word = channel_provider_word(post->config, channel);
	bool first = loop_index(post->app->loop) == 0;

	for (size_t i = 0; i < COUNT_OF(providers); i++)
		if (providers[i]->channel == channel && strcmp(providers[i]->word, word) == 0 &&
			providers[i]->ready(post->config))
			post->provider[channel] = providers[i];
	post->shows[channel] = strcmp(post->config->environment, "production") != 0;
	if (!post->provider[channel]) {
		if (first && !post->shows[channel])
			log_line(LOG_WARN, "messages of this channel are skipped: no provider, or "
				"no credentials", LOG_T("channel", channel_suffix(channel)));
		return 0;
	}
	post->partner[channel] = partner_new(post->app->client,
		post->provider[channel]->word, &limits);
	return post->partner[channel] ? 0 : E_NO_MEMORY;
}

int post_new(struct app *app, const struct wordings *wordings, struct post **ret)
{
	struct post *post = calloc(1, sizeof(*post));
	int error = post ? 0 : E_NO_MEMORY;

	if (error)
		return error;
	post->app = app;
	post->config = app->config;
	post->wordings = wordings;
	for (unsigned i = 0; i < CHANNELS && !error; i++)
		error = post_channel_open(post, (enum channel)i);
	if (!error && post->provider[CHANNEL_PUSH] == &provider_fcm)
		error = fcm_open(post);
	if (!error)
		error = prompts_open(post);
	if (error) {
		post_free(post);
		return error;
	}
	*ret = post;
	return 0;
}

void post_free(struct post *post)
{
	if (!post)
		return;
	prompts_close(post);
	fcm_close(post);
	free(post);
}

const struct wordings *post_wordings(const struct post *post)
{
	return post->wordings;
}

bool post_on(const struct post *post, enum channel channel)
{
	return post->provider[channel] ||
		(post->shows[channel] && strcmp(channel_provider_word(post->config, channel),
			"log") == 0);
}

bool post_up(const struct post *post, enum channel channel)
{
	const struct provider *provider = post->provider[channel];

	return !provider ||
		(partner_up(post->partner[channel]) && (!provider->up || provider->up(post)));
}
