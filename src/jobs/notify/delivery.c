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
}

void delivery_list_remove(struct delivery_list *list, struct delivery *delivery)
{
	if (delivery->previous)
		delivery->previous->next = delivery->next;
	else
		list->first = delivery->next;
	if (delivery->next)
		delivery->next->previous = delivery->previous;
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

static void delivery_end(struct delivery *delivery, enum send_outcome outcome, const char *reason)
{
	delivery->outcome = outcome;
	delivery->reason = reason ? arena_printf(delivery->arena, "%s", reason) : NULL;
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

void delivery_result_write(struct json_writer *json, const struct delivery *delivery)
{
	struct delivery_state state = delivery_state(delivery);

	count_one(loop_counters(delivery->app->loop), state.counter);
	json_write_object(json);
	json_write_member_int(json, "id", delivery->id);
	json_write_member_int(json, "tries", delivery->tries);
	json_write_member_string(json, "state", state.name);
	json_write_member_int(json, "wait",
		message_backoff_ms((unsigned)delivery->tries, delivery->retry_after_s,
			randombytes_uniform(1000)));
	json_write_member_bool(
		json, "untried", delivery->outcome == OUTCOME_RETRY && !delivery->provider_asked);
	json_write_member_bool(json, "text",
		delivery->sms_instead &&
			(state.counter == COUNT_MESSAGES_DEAD || delivery->no_address));
	json_write_member_string(json, "error", delivery->reason);
	json_write_member_array(json, "gone");
	for (unsigned i = 0; i < delivery->count; i++)
		if (delivery->gone[i])
			json_write_string(json, delivery->messages[i].to);
	json_write_array_end(json);
	json_write_object_end(json);
}

/* --- Sending ---------------------------------------------------------------------------------- */

/* 0 or E_NO_MEMORY. *ret is NULL when the column is NULL. */
static int delivery_column_copy(struct delivery *delivery, const struct db_result *result,
	unsigned row, unsigned column, const char **ret)
{
	struct text text = db_text(result, row, column);

	*ret = text.at ? arena_copy(delivery->arena, text.at, text.len) : NULL;
	return text.at && !*ret ? E_NO_MEMORY : 0;
}

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
static int delivery_render(struct delivery *delivery, const struct db_result *result, unsigned row,
	struct rendered *ret)
{
	json_auto_t *params = json_loads(db_text(result, row, MESSAGES_CLAIM_PARAMS).at, 0, NULL);
	enum message_kind message;

	if (!message_named(db_text(result, row, MESSAGES_CLAIM_TEMPLATE), &message))
		return E_NOT_FOUND;
	/* The address may belong to a stranger: somebody could send them a text of their own. */
	if (!db_bool(result, row, MESSAGES_CLAIM_VERIFIED))
		message_params_strip_personal(message, params);
	return templates_render(notifier_templates(delivery->app->notifier), delivery->arena,
		message, delivery_kind_channel(delivery->kind),
		language_named(db_text(result, row, MESSAGES_CLAIM_LANGUAGE)), params, ret);
}

/* Makes one message for each address. Errors as above. */
static int delivery_messages_make(
	struct delivery *delivery, const struct db_result *result, unsigned row)
{
	json_auto_t *addresses = json_loads(
		db_text(result, row, MESSAGES_CLAIM_ADDRESSES).at, 0, NULL);
	struct outgoing_message like = { .channel = delivery_kind_channel(delivery->kind),
		.life_s = db_int(result, row, MESSAGES_CLAIM_LIFE_S),
		.done = delivery_message_done,
		.owner = delivery };
	int error = delivery_render(delivery, result, row, &like.content);

	if (!error)
		error = delivery_column_copy(
			delivery, result, row, MESSAGES_CLAIM_DATA, &like.data);
	for (size_t i = 0;
		i < json_array_size(addresses) && delivery->count < DEVICES_MAX && !error; i++) {
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

void delivery_send(struct delivery *delivery, const struct db_result *result, unsigned row)
{
	struct notifier *notifier = delivery->app->notifier;
	unsigned count;
	int error;

	if (db_int(result, row, MESSAGES_CLAIM_LIFE_S) <= 0)
		return delivery_end(delivery, OUTCOME_SKIPPED, "too late");
	if (db_is_null(result, row, MESSAGES_CLAIM_ADDRESSES))
		return delivery_end_without_address(delivery);
	error = delivery_messages_make(delivery, result, row);
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

/* A broadcast has no text message. */
static bool delivery_may_be_sms(const struct delivery *delivery, struct text template)
{
	enum message_kind message;

	return delivery->kind == CHANNEL_PUSH && message_named(template, &message) &&
		message_has_channel(message, CHANNEL_SMS) &&
		notifier_channel_enabled(delivery->app->notifier, CHANNEL_SMS);
}

struct delivery *delivery_new(struct app *app, const struct db_result *result, unsigned row)
{
	struct arena *arena = arena_new(app->pool, DELIVERY_MEMORY);
	struct delivery *delivery = arena ? ARENA_NEW(arena, struct delivery) : NULL;
	enum channel channel;

	if (!delivery || !channel_named(db_text(result, row, MESSAGES_CLAIM_CHANNEL), &channel)) {
		arena_free(arena);
		return NULL;
	}
	delivery->app = app;
	delivery->arena = arena;
	delivery->id = db_int(result, row, MESSAGES_CLAIM_ID);
	delivery->tries = db_int(result, row, MESSAGES_CLAIM_TRIES);
	delivery->kind = channel + (db_bool(result, row, MESSAGES_CLAIM_BULK) ? CHANNELS : 0);
	delivery->sms_instead = delivery_may_be_sms(
		delivery, db_text(result, row, MESSAGES_CLAIM_TEMPLATE));
	return delivery;
}

void delivery_free(struct delivery *delivery)
{
	for (unsigned i = 0; i < delivery->count; i++)
		notifier_cancel(&delivery->messages[i]);
	arena_free(delivery->arena);
}
