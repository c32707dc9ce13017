/* SPDX-License-Identifier: MIT
 *
 * What is said at once and never written down: one-time codes. A prompt is a letter of its own
 * memory, tried again a few times; a code is of no use when it comes late, so it is dropped after
 * that, and when too many wait.
 */
#include <stdlib.h>

#include "provider.h"
#include "reeyo/core/log.h"

#define PROMPTS_MAX 256
#define PROMPT_MEMORY 16384

static const unsigned waits_ms[] = { 1000, 4000, 15000 };
#define TRIES (COUNT_OF(waits_ms) + 1)

struct prompt {
	struct letter letter;
	struct deadline wait;
	struct prompts *prompts;
	struct arena *arena;
	struct prompt *next, *previous;
	unsigned tries;
};

struct prompts {
	struct post *post;
	struct prompt *all;
	unsigned count;
	struct deadline_list waits[COUNT_OF(waits_ms)];
};

static void prompt_free(struct prompt *prompt)
{
	struct prompts *prompts = prompt->prompts;

	deadline_stop(&prompt->wait);
	if (prompt->previous)
		prompt->previous->next = prompt->next;
	else
		prompts->all = prompt->next;
	if (prompt->next)
		prompt->next->previous = prompt->previous;
	prompts->count--;
	arena_free(prompt->arena); /* which it stands in */
}

static void told(struct letter *letter, const struct receipt *receipt)
{
	struct prompt *prompt = CONTAINER_OF(letter, struct prompt, letter);

	if (receipt->outcome == OUTCOME_RETRY && ++prompt->tries < TRIES)
		return deadline_start(&prompt->prompts->waits[prompt->tries - 1], &prompt->wait);
	if (receipt->outcome == OUTCOME_RETRY || receipt->outcome == OUTCOME_DEAD)
		log_line(LOG_WARN, "a one-time code was not sent",
			LOG_T("channel", channel_suffix(letter->channel)),
			LOG_T("why", receipt->why));
	prompt_free(prompt);
}

static void wait_over(struct deadline *deadline)
{
	struct prompt *prompt = CONTAINER_OF(deadline, struct prompt, wait);

	post_send(prompt->prompts->post, &prompt->letter);
}

static struct prompt *prompt_new(struct prompts *prompts)
{
	struct arena *arena = prompts->count < PROMPTS_MAX ?
		arena_new(prompts->post->app->pool, PROMPT_MEMORY) : NULL;
	struct prompt *prompt = arena ? ARENA_NEW(arena, struct prompt) : NULL;

	if (!prompt) {
		arena_free(arena);
		return NULL;
	}
	prompt->arena = arena;
	prompt->prompts = prompts;
	prompt->next = prompts->all;
	if (prompts->all)
		prompts->all->previous = prompt;
	prompts->all = prompt;
	prompts->count++;
	return prompt;
}

static json_t *params_of(const char *const *pairs)
{
	json_t *params = json_object();

	for (; params && pairs[0]; pairs += 2)
		json_object_set_new(params, pairs[0], json_string(pairs[1]));
	return params;
}

void post_tell(struct post *post, enum message_kind message, enum channel channel,
	enum language language, const char *to, const char *const *params)
{
	json_auto_t *values = params_of(params);
	struct prompt *prompt = prompt_new(post->prompts);

	if (!prompt || !values) {
		log_refusal(LOG_WARN, "a one-time code was dropped: too many wait",
			"one-time code");
		if (prompt)
			prompt_free(prompt);
		return;
	}
	prompt->letter = (struct letter){ .channel = channel, .done = told,
		.log_as = channel == CHANNEL_MAIL ? "e-mail" : channel_suffix(channel),
		.to = arena_copy(prompt->arena, to, strlen(to)) };
	if (!prompt->letter.to || wordings_say(post->wordings, prompt->arena, message, channel,
		language, values, &prompt->letter.said))
		return prompt_free(prompt);
	post_send(post, &prompt->letter);
}

int prompts_open(struct post *post)
{
	struct prompts *prompts = calloc(1, sizeof(*prompts));

	if (!prompts)
		return E_NO_MEMORY;
	prompts->post = post;
	for (size_t i = 0; i < COUNT_OF(waits_ms); i++)
		deadline_list_init(&prompts->waits[i], post->app->loop, waits_ms[i], wait_over);
	post->prompts = prompts;
	return 0;
}

void prompts_close(struct post *post)
{
	struct prompts *prompts = post->prompts;

	if (!prompts)
		return;
	while (prompts->all) {
		post_cancel(&prompts->all->letter);
		prompt_free(prompts->all);
	}
	for (size_t i = 0; i < COUNT_OF(waits_ms); i++)
		deadline_list_close(&prompts->waits[i]);
	free(prompts);
}
