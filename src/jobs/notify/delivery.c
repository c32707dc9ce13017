/* SPDX-License-Identifier: MIT
 *
 * Deliveries: see the header.
 */
#include "delivery.h"

#include <sodium.h>

#include "reeyo/db/queries/messages.h"
#include "reeyo/jobs/counters.h"

#define DELIVERY_MEMORY 65536

/* --- Lists ------------------------------------------------------------------------------------ */

void delivery_list_add(struct delivery_list *list, struct delivery *delivery)
{
	delivery->previous = NULL;
	delivery->next = list->first;
	if (list->first)
		list->first->previous = delivery;
	list->first = delivery;
	list->count++;
}

void delivery_list_remove(struct delivery_list *list, struct delivery *delivery)
{
	if (delivery->previous)
		delivery->previous->next = delivery->next;
	else
		list->first = delivery->next;
	if (delivery->next)
		delivery->next->previous = delivery->previous;
	list->count--;
}

void delivery_list_move(struct delivery_list *from, struct delivery_list *to)
{
	while (from->first) {
		struct delivery *delivery = from->first;

		delivery_list_remove(from, delivery);
		delivery_list_add(to, delivery);
	}
}

/* --- Results ---------------------------------------------------------------------------------- */

struct delivery_state {
	const char *name; /* of the row */
	unsigned counter;
};

static struct delivery_state delivery_state(const struct delivery *delivery)
{
	bool again = delivery->tries < MESSAGE_TRIES_MAX || !delivery->provider_asked;

	if (delivery->outcome == OUTCOME_SENT)
		return (struct delivery_state){ "SENT", COUNT_MESSAGES_SENT };
	if (delivery->outcome == OUTCOME_SKIPPED)
		return (struct delivery_state){ "SKIPPED", COUNT_MESSAGES_SKIPPED };
	if (delivery->outcome == OUTCOME_RETRY && again)
		return (struct delivery_state){ "QUEUED", COUNT_MESSAGES_RETRIED };
	return (struct delivery_state){ "DEAD", COUNT_MESSAGES_DEAD };
}

/* A broadcast has no text message. */
static bool delivery_may_be_sms(const struct delivery *delivery)
{
	enum message_kind message;

	return delivery->kind == CHANNEL_PUSH && message_named(delivery->template, &message) &&
		message_has_channel(message, CHANNEL_SMS) &&
		notifier_channel_enabled(delivery->app->notifier, CHANNEL_SMS);
}

/* A try without a request does not count. */
static void delivery_end(struct delivery *delivery, enum send_outcome outcome, const char *reason)
{
	struct delivery_state state;
	bool untried = outcome == OUTCOME_RETRY && !delivery->provider_asked;

	delivery->outcome = outcome;
	delivery->reason = reason ? arena_printf(delivery->arena, "%s", reason) : NULL;
	delivery->tries++;
	state = delivery_state(delivery);
	count_one(loop_counters(delivery->app->loop), state.counter);
	delivery->state = state.name;
	delivery->again = state.counter == COUNT_MESSAGES_RETRIED;
	delivery->wait_ms = message_backoff_ms(
		(unsigned)delivery->tries, delivery->retry_after_s, randombytes_uniform(1000));
	delivery->sms_instead = (state.counter == COUNT_MESSAGES_DEAD || delivery->no_address) &&
		delivery_may_be_sms(delivery);
	delivery->tries -= untried;
	delivery->done(delivery);
}

/* With several devices, one that received it counts; else one that still may. */
static enum send_outcome outcome_better_of(enum send_outcome a, enum send_outcome b)
{
	static const int rank[] = {
		[OUTCOME_SENT] = 3, [OUTCOME_RETRY] = 2, [OUTCOME_DEAD] = 1, [OUTCOME_SKIPPED] = 0
	};

	return rank[a] >= rank[b] ? a : b;
}

static void delivery_message_done(
	struct outgoing_message *message, const struct send_result *result)
{
	struct delivery *delivery = message->owner;

	delivery->gone[message - delivery->messages] = result->gone;
	delivery->outcome = outcome_better_of(delivery->outcome, result->outcome);
	delivery->provider_asked |= !result->untried;
	if (result->retry_after_s > delivery->retry_after_s)
		delivery->retry_after_s = result->retry_after_s;
	if (result->why)
		delivery->reason = arena_printf(delivery->arena, "%s", result->why);
	if (--delivery->waiting == 0)
		delivery_end(delivery, delivery->outcome,
			delivery->outcome == OUTCOME_SENT ? NULL : delivery->reason);
}

void delivery_result_write(struct json_writer *json, const struct delivery *delivery)
{
	json_write_object(json);
	json_write_member_int(json, "id", delivery->id);
	json_write_member_int(json, "tries", delivery->tries);
	json_write_member_string(json, "state", delivery->state);
	json_write_member_int(json, "wait", delivery->wait_ms);
	json_write_member_bool(json, "text", delivery->sms_instead);
	json_write_member_string(json, "error", delivery->reason);
	json_write_member_array(json, "gone");
	for (unsigned i = 0; i < delivery->count; i++)
		if (delivery->gone[i])
			json_write_string(json, delivery->messages[i].to);
	json_write_array_end(json);
	json_write_object_end(json);
}

/* --- Sending ---------------------------------------------------------------------------------- */

static int delivery_message_add(
	struct delivery *delivery, const struct outgoing_message *like, const char *to)
{
	struct outgoing_message *message = &delivery->messages[delivery->count];

	*message = *like;
	message->to = arena_copy(delivery->arena, to, strlen(to));
	delivery->count += message->to ? 1 : 0;
	return message->to ? 0 : E_NO_MEMORY;
}

/* 0; E_NOT_FOUND: this version has no such message; E_NO_MEMORY. */
static int delivery_render(struct delivery *delivery, struct rendered *ret)
{
	json_auto_t *params = json_loads(delivery->params, 0, NULL);
	enum message_kind message;

	if (!message_named(delivery->template, &message))
		return E_NOT_FOUND;
	/* The address may belong to a stranger: somebody could send them a text of their own. */
	if (!delivery->verified)
		message_params_strip_personal(message, params);
	return templates_render(notifier_templates(delivery->app->notifier), delivery->arena,
		message, delivery_kind_channel(delivery->kind), language_named(delivery->language),
		params, ret);
}

/* Makes one message for each address. Errors as above. */
static int delivery_messages_make(struct delivery *delivery, uint64_t now)
{
	json_auto_t *addresses = json_loads(delivery->addresses, 0, NULL);
	size_t size = json_array_size(addresses);
	struct outgoing_message like = { .channel = delivery_kind_channel(delivery->kind),
		.data = delivery->data,
		.life_s = (int64_t)((delivery->until_ms - now + 999) / 1000),
		.done = delivery_message_done,
		.owner = delivery };
	int error = delivery_render(delivery, &like.content);

	if (size > DEVICES_MAX)
		size = DEVICES_MAX;
	delivery->messages = arena_zalloc(delivery->arena, sizeof(like) * (size + 1));
	if (!error && !delivery->messages)
		error = E_NO_MEMORY;
	for (size_t i = 0; i < size && !error; i++) {
		const char *to = json_string_value(json_array_get(addresses, i));

		error = to ? delivery_message_add(delivery, &like, to) : 0;
	}
	return error;
}

static void delivery_end_without_address(struct delivery *delivery)
{
	delivery->no_address = true;
	delivery_end(delivery, OUTCOME_SKIPPED, "no address");
}

void delivery_send(struct delivery *delivery)
{
	struct notifier *notifier = delivery->app->notifier;
	uint64_t now = loop_now(delivery->app->loop);
	unsigned count;
	int error;

	if (now >= delivery->until_ms)
		return delivery_end(delivery, OUTCOME_SKIPPED, "too late");
	if (!delivery->addresses)
		return delivery_end_without_address(delivery);
	error = delivery_messages_make(delivery, now);
	if (error == E_NOT_FOUND)
		return delivery_end(delivery, OUTCOME_DEAD, "no such template");
	if (error)
		return delivery_end(delivery, OUTCOME_RETRY, "out of memory");
	count = delivery->waiting = delivery->count;
	delivery->outcome = OUTCOME_SKIPPED;
	if (!count)
		return delivery_end_without_address(delivery);
	for (unsigned i = 0; i < count; i++)
		notifier_send(notifier, &delivery->messages[i]);
}

/* --- Life ------------------------------------------------------------------------------------- */

bool delivery_kind_of(struct text channel, bool bulk, unsigned *ret)
{
	enum channel known;

	if (!channel_named(channel, &known))
		return false;
	*ret = known + (bulk ? CHANNELS : 0);
	return true;
}

/* NULL and *failed when out of memory; NULL when the column is NULL. */
static const char *delivery_column_copy(const struct delivery *delivery,
	const struct db_result *result, unsigned row, unsigned column, bool *failed)
{
	struct text text = db_text(result, row, column);
	const char *copy = text.at ? arena_copy(delivery->arena, text.at, text.len) : NULL;

	*failed |= text.at && !copy;
	return copy;
}

/* False when out of memory. */
static bool delivery_columns_copy(
	struct delivery *delivery, const struct db_result *result, unsigned row)
{
	bool failed = false;

	delivery->template = text_of(
		delivery_column_copy(delivery, result, row, MESSAGES_TAKE_TEMPLATE, &failed));
	delivery->language = text_of(
		delivery_column_copy(delivery, result, row, MESSAGES_TAKE_LANGUAGE, &failed));
	delivery->params = delivery_column_copy(
		delivery, result, row, MESSAGES_TAKE_PARAMS, &failed);
	delivery->data = delivery_column_copy(delivery, result, row, MESSAGES_TAKE_DATA, &failed);
	delivery->addresses = delivery_column_copy(
		delivery, result, row, MESSAGES_TAKE_ADDRESSES, &failed);
	return !failed;
}

struct delivery *delivery_new(
	struct app *app, unsigned kind, const struct db_result *result, unsigned row)
{
	struct arena *arena = arena_new(app->pool, DELIVERY_MEMORY);
	struct delivery *delivery = arena ? ARENA_NEW(arena, struct delivery) : NULL;

	if (delivery)
		delivery->arena = arena;
	if (!delivery || !delivery_columns_copy(delivery, result, row)) {
		arena_free(arena);
		return NULL;
	}
	delivery->app = app;
	delivery->kind = kind;
	delivery->id = db_int(result, row, MESSAGES_TAKE_ID);
	delivery->tries = db_int(result, row, MESSAGES_TAKE_TRIES);
	delivery->verified = db_bool(result, row, MESSAGES_TAKE_VERIFIED);
	delivery->until_ms = loop_now(app->loop) +
		(uint64_t)db_int(result, row, MESSAGES_TAKE_LIFE_MS);
	return delivery;
}

void delivery_free(struct delivery *delivery)
{
	if (!delivery)
		return;
	for (unsigned i = 0; i < delivery->count; i++)
		notifier_cancel(&delivery->messages[i]);
	arena_free(delivery->arena);
}
