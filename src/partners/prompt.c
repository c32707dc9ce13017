/* SPDX-License-Identifier: MIT
 *
 * Sends one-time codes at once, without storing them. Each has its own memory and is retried a few
 * times. A late code is useless, so it is dropped after the last retry, and when too many wait.
 */
#include <stdlib.h>

#include "provider.h"
#include "reeyo/core/log.h"

#define OTP_SENDS_MAX 256
#define OTP_SEND_MEMORY 16384

static const unsigned retry_ms[] = { 1000, 4000, 15000 };
#define TRIES (COUNT_OF(retry_ms) + 1)

struct otp_send {
	struct letter letter;
	struct deadline wait;
	struct prompts *sender;
	struct arena *arena;
	struct otp_send *next, *previous;
	unsigned tries;
};

struct prompts {
	struct post *post;
	struct otp_send *all;
	unsigned count;
	struct deadline_list waits[COUNT_OF(retry_ms)];
};

static void otp_send_free(struct otp_send *send)
{
	struct prompts *sender = send->sender;

	deadline_stop(&send->wait);
	if (send->previous)
		send->previous->next = send->next;
	else
		sender->all = send->next;
	if (send->next)
		send->next->previous = send->previous;
	sender->count--;
	arena_free(send->arena); /* contains the struct itself */
}

static void otp_send_done(struct letter *letter, const struct receipt *receipt)
{
	struct otp_send *send = CONTAINER_OF(letter, struct otp_send, letter);

	if (receipt->outcome == OUTCOME_RETRY && ++send->tries < TRIES)
		return deadline_start(&send->sender->waits[send->tries - 1], &send->wait);
	if (receipt->outcome == OUTCOME_RETRY || receipt->outcome == OUTCOME_DEAD)
		log_line(LOG_WARN, "a one-time code was not sent",
			LOG_T("channel", channel_suffix(letter->channel)),
			LOG_T("why", receipt->why));
	otp_send_free(send);
}

static void otp_retry_due(struct deadline *deadline)
{
	struct otp_send *send = CONTAINER_OF(deadline, struct otp_send, wait);

	post_send(send->sender->post, &send->letter);
}

static struct otp_send *otp_send_new(struct prompts *sender)
{
	struct arena *arena = sender->count < OTP_SENDS_MAX ?
		arena_new(sender->post->app->pool, OTP_SEND_MEMORY) : NULL;
	struct otp_send *send = arena ? ARENA_NEW(arena, struct otp_send) : NULL;

	if (!send) {
		arena_free(arena);
		return NULL;
	}
	send->arena = arena;
	send->sender = sender;
	send->next = sender->all;
	if (sender->all)
		sender->all->previous = send;
	sender->all = send;
	sender->count++;
	return send;
}

static json_t *otp_params(const char *const *pairs)
{
	json_t *params = json_object();

	for (; params && pairs[0]; pairs += 2)
		json_object_set_new(params, pairs[0], json_string(pairs[1]));
	return params;
}

void post_tell(struct post *post, enum message_kind message, enum channel channel,
	enum language language, const char *to, const char *const *params)
{
	json_auto_t *values = otp_params(params);
	struct otp_send *send = otp_send_new(post->prompts);

	if (!send || !values) {
		log_refusal(LOG_WARN, "a one-time code was dropped: too many are waiting",
			"one-time code");
		if (send)
			otp_send_free(send);
		return;
	}
	send->letter = (struct letter){ .channel = channel, .done = otp_send_done,
		.log_as = channel == CHANNEL_MAIL ? "e-mail" : channel_suffix(channel),
		.to = arena_copy(send->arena, to, strlen(to)) };
	if (!send->letter.to || wordings_say(post->wordings, send->arena, message, channel,
		language, values, &send->letter.said))
		return otp_send_free(send);
	post_send(post, &send->letter);
}

int prompts_open(struct post *post)
{
	struct prompts *sender = calloc(1, sizeof(*sender));

	if (!sender)
		return E_NO_MEMORY;
	sender->post = post;
	for (size_t i = 0; i < COUNT_OF(retry_ms); i++)
		deadline_list_init(&sender->waits[i], post->app->loop, retry_ms[i], otp_retry_due);
	post->prompts = sender;
	return 0;
}

void prompts_close(struct post *post)
{
	struct prompts *sender = post->prompts;

	if (!sender)
		return;
	while (sender->all) {
		post_cancel(&sender->all->letter);
		otp_send_free(sender->all);
	}
	for (size_t i = 0; i < COUNT_OF(retry_ms); i++)
		deadline_list_close(&sender->waits[i]);
	free(sender);
}
