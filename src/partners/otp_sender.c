/* SPDX-License-Identifier: MIT
 *
 * One-time codes: sent at once and never stored. A failed one is tried again a few times. A code
 * that comes late is useless, so it is dropped after that, and when too many wait.
 */
#include <stdlib.h>

#include "provider.h"
#include "reeyo/core/log.h"

#define CODE_MESSAGES_MAX 256
#define CODE_MESSAGE_MEMORY 16384

static const unsigned waits_ms[] = { 1000, 4000, 15000 };
#define CODE_MESSAGE_TRIES (COUNT_OF(waits_ms) + 1)

struct code_message {
	struct outgoing_message message;
	struct deadline wait;
	struct otp_sender *sender;
	struct arena *arena;
	struct code_message *next, *previous;
	unsigned tries;
};

struct otp_sender {
	struct notifier *notifier;
	struct code_message *all;
	unsigned count;
	struct deadline_list waits[COUNT_OF(waits_ms)];
};

static void code_message_free(struct code_message *code)
{
	struct otp_sender *sender = code->sender;

	deadline_stop(&code->wait);
	if (code->previous)
		code->previous->next = code->next;
	else
		sender->all = code->next;
	if (code->next)
		code->next->previous = code->previous;
	sender->count--;
	arena_free(code->arena); /* contains code */
}

static void code_message_done(struct outgoing_message *message, const struct send_result *result)
{
	struct code_message *code = CONTAINER_OF(message, struct code_message, message);

	if (result->outcome == OUTCOME_RETRY && ++code->tries < CODE_MESSAGE_TRIES)
		return deadline_start(&code->sender->waits[code->tries - 1], &code->wait);
	if (result->outcome == OUTCOME_RETRY || result->outcome == OUTCOME_DEAD)
		log_line(LOG_WARN, "a one-time code was not sent",
			LOG_T("channel", channel_suffix(message->channel)),
			LOG_T("why", result->why));
	code_message_free(code);
}

static void code_message_resend(struct deadline *deadline)
{
	struct code_message *code = CONTAINER_OF(deadline, struct code_message, wait);

	notifier_send(code->sender->notifier, &code->message);
}

static struct code_message *code_message_new(struct otp_sender *sender)
{
	struct arena *arena = sender->count < CODE_MESSAGES_MAX
		? arena_new(sender->notifier->app->pool, CODE_MESSAGE_MEMORY)
		: NULL;
	struct code_message *code = arena ? ARENA_NEW(arena, struct code_message) : NULL;

	if (!code) {
		arena_free(arena);
		return NULL;
	}
	code->arena = arena;
	code->sender = sender;
	code->next = sender->all;
	if (sender->all)
		sender->all->previous = code;
	sender->all = code;
	sender->count++;
	return code;
}

static json_t *code_message_params(const char *const *pairs)
{
	json_t *params = json_object();

	for (; params && pairs[0]; pairs += 2)
		json_object_set_new(params, pairs[0], json_string(pairs[1]));
	return params;
}

void notifier_send_code(struct notifier *notifier, enum message_kind message, enum channel channel,
	enum language language, const char *to, const char *const *params)
{
	json_auto_t *values = code_message_params(params);
	struct code_message *code = code_message_new(notifier->otp_sender);

	if (!code || !values) {
		log_refusal(
			LOG_WARN, "a one-time code was dropped: too many wait", "one-time code");
		if (code)
			code_message_free(code);
		return;
	}
	code->message = (struct outgoing_message){ .channel = channel,
		.done = code_message_done,
		.log_as = channel == CHANNEL_MAIL ? "e-mail" : channel_suffix(channel),
		.to = arena_copy(code->arena, to, strlen(to)) };
	if (!code->message.to ||
		templates_render(notifier->templates, code->arena, message, channel, language,
			values, &code->message.content))
		return code_message_free(code);
	notifier_send(notifier, &code->message);
}

int otp_sender_open(struct notifier *notifier)
{
	struct otp_sender *sender = calloc(1, sizeof(*sender));

	if (!sender)
		return E_NO_MEMORY;
	sender->notifier = notifier;
	for (size_t i = 0; i < COUNT_OF(waits_ms); i++)
		deadline_list_init(
			&sender->waits[i], notifier->app->loop, waits_ms[i], code_message_resend);
	notifier->otp_sender = sender;
	return 0;
}

void otp_sender_close(struct notifier *notifier)
{
	struct otp_sender *sender = notifier->otp_sender;

	if (!sender)
		return;
	while (sender->all) {
		notifier_cancel(&sender->all->message);
		code_message_free(sender->all);
	}
	for (size_t i = 0; i < COUNT_OF(waits_ms); i++)
		deadline_list_close(&sender->waits[i]);
	free(sender);
}
