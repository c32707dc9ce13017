/* SPDX-License-Identifier: MIT
 *
 * Sending alternates between two statements, one at a time: messages_claim claims rows that are
 * due, messages_store_results stores their results. A claim lasts CLAIM_S, a minute longer than a
 * message can take, so one instance at a time sends a row. When an instance dies in between, the
 * row is sent again: delivery is at least once.
 *
 * When a push reaches no device (the app or the device was removed), messages_store_results adds a
 * text message instead, if the message has an SMS template.
 *
 * Order: only the oldest queued row of a recipient and channel is claimed. Bounds: SLOTS deliveries
 * under way for each channel, and as many for broadcasts, so that a slow provider or a large
 * broadcast does not delay others.
 */
#include "sending.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#include "reeyo/core/log.h"
#include "reeyo/db/db.h"
#include "reeyo/partners/notifier.h"

#define SLOTS 32u
#define CLAIM_S "150"
_Static_assert(NOTIFIER_SEND_MAX_S + 60 <= 150, "a claim must last longer than a message can take");
#define DEVICES_MAX 10
#define MESSAGE_MEMORY 65536
#define BATCH_MEMORY (1u << 20)
#define END_BYTES (64u << 10) /* of results in one statement; the next stores the rest */
#define KINDS (CHANNELS * 2u)

enum {
	ROW_ID,
	ROW_KIND,
	ROW_RECIPIENT,
	ROW_CHANNEL,
	ROW_BULK,
	ROW_TEMPLATE,
	ROW_PARAMS,
	ROW_DATA,
	ROW_LANGUAGE,
	ROW_TRIES,
	ROW_LIFE,
	ROW_ADDRESS,
	ROW_ADDRESS_PROVEN,
	ROW_EXAMINED
};

/* A row that is being sent; allocated in its own arena. */
struct delivery {
	struct sending *sending;
	struct arena *arena;
	struct delivery *next, *previous; /* in one of the lists */
	int64_t id, tries;
	unsigned kind; /* below KINDS: whose slot it uses */
	struct letter letters[DEVICES_MAX];
	bool gone[DEVICES_MAX];
	unsigned count, waiting;
	bool sms_instead;    /* a text message may replace it */
	bool no_address;     /* the recipient has no address */
	bool provider_asked; /* a provider received a request */
	enum send_outcome outcome;
	int64_t retry_after_s;
	const char *reason;
};

struct delivery_list {
	struct delivery *first;
};

struct sending {
	struct app *app;
	const struct leadership *leadership;
	struct db_call call;
	/* being sent; with a result; results in the statement that is running */
	struct delivery_list under_way, ended, storing;
	unsigned slots_used[KINDS];
	struct arena *batch; /* parameters of the statement that is running */
	bool running, again, closing;
};

static void sending_step(struct sending *sending);

/* --- Lists ------------------------------------------------------------------------------------ */

static void delivery_list_add(struct delivery_list *list, struct delivery *delivery)
{
	delivery->previous = NULL;
	delivery->next = list->first;
	if (list->first)
		list->first->previous = delivery;
	list->first = delivery;
}

static void delivery_list_remove(struct delivery_list *list, struct delivery *delivery)
{
	if (delivery->previous)
		delivery->previous->next = delivery->next;
	else
		list->first = delivery->next;
	if (delivery->next)
		delivery->next->previous = delivery->previous;
}

static void delivery_list_move(struct delivery_list *from, struct delivery_list *to)
{
	while (from->first) {
		struct delivery *delivery = from->first;

		delivery_list_remove(from, delivery);
		delivery_list_add(to, delivery);
	}
}

static void delivery_list_free(struct delivery_list *list)
{
	while (list->first) {
		struct delivery *delivery = list->first;

		delivery_list_remove(list, delivery);
		delivery->sending->slots_used[delivery->kind]--;
		for (unsigned i = 0; i < delivery->count; i++)
			notifier_cancel(&delivery->letters[i]);
		arena_free(delivery->arena);
	}
}

/* --- Results ---------------------------------------------------------------------------------- */

static void delivery_ended(struct delivery *delivery, enum send_outcome outcome, const char *reason)
{
	struct sending *sending = delivery->sending;

	delivery->outcome = outcome;
	delivery->reason = reason ? arena_printf(delivery->arena, "%s", reason) : NULL;
	delivery_list_remove(&sending->under_way, delivery);
	delivery_list_add(&sending->ended, delivery);
}

/* With several devices, one that received it counts; else one that still may. */
static enum send_outcome outcome_better_of(enum send_outcome a, enum send_outcome b)
{
	static const int rank[] = {
		[OUTCOME_SENT] = 3, [OUTCOME_RETRY] = 2, [OUTCOME_DEAD] = 1, [OUTCOME_SKIPPED] = 0
	};

	return rank[a] >= rank[b] ? a : b;
}

static void delivery_letter_done(struct letter *letter, const struct send_result *result)
{
	struct delivery *delivery = letter->owner;
	struct sending *sending = delivery->sending;

	delivery->gone[letter - delivery->letters] = result->gone;
	delivery->outcome = outcome_better_of(delivery->outcome, result->outcome);
	delivery->provider_asked |= !result->untried;
	if (result->retry_after_s > delivery->retry_after_s)
		delivery->retry_after_s = result->retry_after_s;
	if (result->why)
		delivery->reason = arena_printf(delivery->arena, "%s", result->why);
	if (--delivery->waiting > 0)
		return;
	delivery_ended(delivery, delivery->outcome,
		delivery->outcome == OUTCOME_SENT ? NULL : delivery->reason);
	sending_step(sending);
}

static const char *delivery_state(const struct delivery *delivery)
{
	switch (delivery->outcome) {
	case OUTCOME_SENT:
		return "SENT";
	case OUTCOME_SKIPPED:
		return "SKIPPED";
	case OUTCOME_RETRY:
		return delivery->tries < MESSAGE_TRIES_MAX || !delivery->provider_asked ? "QUEUED"
											: "DEAD";
	default:
		return "DEAD";
	}
}

static enum counter delivery_counter(const char *state)
{
	return state[0] == 'Q'    ? COUNT_MESSAGES_RETRIED
		: state[0] == 'D' ? COUNT_MESSAGES_DEAD
		: state[1] == 'E' ? COUNT_MESSAGES_SENT
				  : COUNT_MESSAGES_SKIPPED;
}

static void result_add(struct buf *out, const struct delivery *delivery)
{
	const char *state = delivery_state(delivery), *before = "";

	count_one(loop_counters(delivery->sending->app->loop), delivery_counter(state));
	buf_printf(out, "%c{\"id\":%lld,\"tries\":%lld,\"state\":\"%s\",\"wait\":%lld",
		out->len ? ',' : '[', (long long)delivery->id, (long long)delivery->tries, state,
		(long long)message_backoff_ms((unsigned)delivery->tries, delivery->retry_after_s,
			randombytes_uniform(1000)));
	if (delivery->outcome == OUTCOME_RETRY && !delivery->provider_asked)
		buf_add_string(out, ",\"untried\":true");
	if (delivery->sms_instead && (state[0] == 'D' || delivery->no_address))
		buf_add_string(out, ",\"text\":true");
	if (delivery->reason) {
		buf_add_string(out, ",\"error\":");
		buf_add_json(out, text_of(delivery->reason));
	}
	buf_add_string(out, ",\"gone\":[");
	for (unsigned i = 0; i < delivery->count; i++)
		if (delivery->gone[i]) {
			buf_add_string(out, before);
			buf_add_json(out, text_of(delivery->letters[i].to));
			before = ",";
		}
	buf_add_string(out, "]}");
}

static void sending_statement_ended(struct sending *sending)
{
	sending->running = false;
	arena_free(TAKE_PTR(sending->batch));
	if (sending->closing) {
		delivery_list_free(&sending->storing);
		free(sending);
	}
}

/* Results that could not be stored are stored by the next statement. */
static void results_stored(struct db_call *call, const struct db_result *result)
{
	struct sending *sending = call->owner;
	bool failed = db_error(result) != 0, closing = sending->closing;

	if (failed && !closing)
		delivery_list_move(&sending->storing, &sending->ended);
	else
		delivery_list_free(&sending->storing);
	sending_statement_ended(sending);
	if (!failed && !closing)
		sending_step(sending);
}

static void results_submit(struct sending *sending)
{
	struct buf out = buf_in(sending->batch, 4096);
	const char *ends;

	while (sending->ended.first && out.len < END_BYTES) {
		struct delivery *delivery = sending->ended.first;

		delivery_list_remove(&sending->ended, delivery);
		delivery_list_add(&sending->storing, delivery);
		result_add(&out, delivery);
	}
	buf_add_string(&out, "]");
	ends = buf_string(&out);
	if (!ends) {
		log_line(LOG_ERROR, "no memory for the results of messages");
		delivery_list_move(&sending->storing, &sending->ended);
		return sending_statement_ended(sending);
	}
	sending->call = (struct db_call){ .query = QUERY_messages_store_results,
		.lane = DB_WRITE,
		.count = 1,
		.params = { ends },
		.done = results_stored,
		.owner = sending };
	db_submit(sending->app->db, &sending->call);
}

/* --- Claiming --------------------------------------------------------------------------------- */

/* 0 or E_NO_MEMORY. *ret is NULL when the column is NULL. */
static int message_column_copy(struct arena *arena, const struct db_result *result, unsigned row,
	unsigned column, const char **ret)
{
	struct text text = db_text(result, row, column);

	*ret = text.at ? arena_copy(arena, text.at, text.len) : NULL;
	return text.at && !*ret ? E_NO_MEMORY : 0;
}

static int delivery_letter_add(struct delivery *delivery, const struct letter *like, const char *to)
{
	struct letter *letter = &delivery->letters[delivery->count];

	*letter = *like;
	letter->to = arena_copy(delivery->arena, to, strlen(to));
	delivery->count += letter->to ? 1 : 0;
	return letter->to ? 0 : E_NO_MEMORY;
}

/* Makes one letter for each address. E_NOT_FOUND: this version has no such message; E_NO_MEMORY. */
static int delivery_letters_make(struct delivery *delivery, const struct db_result *result,
	unsigned row, enum channel channel)
{
	json_auto_t *addresses = json_loads(db_text(result, row, ROW_ADDRESS).at, 0, NULL);
	json_auto_t *params = json_loads(db_text(result, row, ROW_PARAMS).at, 0, NULL);
	const struct templates *templates = notifier_templates(delivery->sending->app->notifier);
	enum language language = language_named(db_text(result, row, ROW_LANGUAGE));
	struct letter like = { .channel = channel,
		.life_s = db_int(result, row, ROW_LIFE),
		.done = delivery_letter_done,
		.owner = delivery };
	enum message_kind message;
	int error;

	if (!message_named(db_text(result, row, ROW_TEMPLATE), &message))
		return E_NOT_FOUND;
	/* The address may belong to a stranger: somebody could send them a text of their own. */
	if (!db_bool(result, row, ROW_ADDRESS_PROVEN))
		message_params_strip_personal(message, params);
	error = templates_render(
		templates, delivery->arena, message, channel, language, params, &like.said);
	if (!error)
		error = message_column_copy(delivery->arena, result, row, ROW_DATA, &like.data);
	for (size_t i = 0;
		i < json_array_size(addresses) && delivery->count < DEVICES_MAX && !error; i++) {
		const char *to = json_string_value(json_array_get(addresses, i));

		error = to ? delivery_letter_add(delivery, &like, to) : 0;
	}
	return error;
}

static void delivery_has_no_address(struct delivery *delivery)
{
	delivery->no_address = true;
	delivery_ended(delivery, OUTCOME_SKIPPED, "no address");
}

static void delivery_send(struct delivery *delivery, const struct db_result *result, unsigned row,
	enum channel channel)
{
	struct notifier *notifier = delivery->sending->app->notifier;
	unsigned count;
	int error;

	if (db_int(result, row, ROW_LIFE) <= 0)
		return delivery_ended(delivery, OUTCOME_SKIPPED, "too late");
	if (db_is_null(result, row, ROW_ADDRESS))
		return delivery_has_no_address(delivery);
	error = delivery_letters_make(delivery, result, row, channel);
	if (error == E_NOT_FOUND)
		return delivery_ended(delivery, OUTCOME_DEAD, "no such template");
	if (error)
		return delivery_ended(delivery, OUTCOME_RETRY, "out of memory");
	count = delivery->waiting = delivery->count;
	delivery->outcome = OUTCOME_SKIPPED;
	if (!count)
		return delivery_has_no_address(delivery);
	for (unsigned i = 0; i < count; i++)
		notifier_send(notifier, &delivery->letters[i]);
}

/* A broadcast has no text message. */
static bool delivery_may_be_sms(const struct delivery *delivery, struct text template)
{
	enum message_kind message;

	return delivery->kind == CHANNEL_PUSH && message_named(template, &message) &&
		message_has_channel(message, CHANNEL_SMS) &&
		notifier_channel_enabled(delivery->sending->app->notifier, CHANNEL_SMS);
}

static void delivery_start(struct sending *sending, const struct db_result *result, unsigned row)
{
	struct arena *arena = arena_new(sending->app->pool, MESSAGE_MEMORY);
	struct delivery *delivery = arena ? ARENA_NEW(arena, struct delivery) : NULL;
	enum channel channel;

	if (!delivery || !channel_named(db_text(result, row, ROW_CHANNEL), &channel)) {
		arena_free(arena); /* claimed again when the claim has expired */
		return;
	}
	delivery->sending = sending;
	delivery->arena = arena;
	delivery->id = db_int(result, row, ROW_ID);
	delivery->tries = db_int(result, row, ROW_TRIES);
	delivery->kind = channel + (db_bool(result, row, ROW_BULK) ? CHANNELS : 0);
	delivery->sms_instead = delivery_may_be_sms(delivery, db_text(result, row, ROW_TEMPLATE));
	sending->slots_used[delivery->kind]++;
	delivery_list_add(&sending->under_way, delivery);
	delivery_send(delivery, result, row, channel);
}

static void rows_claimed(struct db_call *call, const struct db_result *result)
{
	struct sending *sending = call->owner;
	bool go = !sending->closing && !db_error(result);

	for (unsigned row = 0; go && row < db_rows(result); row++)
		if (!db_is_null(result, row, ROW_ID))
			delivery_start(sending, result, row);
	sending->again |= go && db_int(result, 0, ROW_EXAMINED) > 0;
	sending_statement_ended(sending);
	if (go)
		sending_step(sending);
}

static bool free_slots_write(struct sending *sending, struct buf *out)
{
	bool any = false;

	for (unsigned i = 0; i < KINDS; i++) {
		unsigned room = notifier_channel_available(
					sending->app->notifier, (enum channel)(i % CHANNELS))
			? SLOTS - sending->slots_used[i]
			: 0;

		buf_printf(out, "%c%u", i ? ',' : '{', room);
		any |= room > 0;
	}
	buf_add_string(out, "}");
	return any;
}

static void rows_claim_submit(struct sending *sending)
{
	struct buf rooms = buf_in(sending->batch, 64);

	sending->again = false;
	if (!free_slots_write(sending, &rooms))
		return sending_statement_ended(sending);
	sending->call = (struct db_call){ .query = QUERY_messages_claim,
		.lane = DB_WRITE,
		.count = 4,
		.params = { "{SMS,MAIL,PUSH,SMS,MAIL,PUSH}", "{f,f,f,t,t,t}", buf_string(&rooms),
			CLAIM_S },
		.done = rows_claimed,
		.owner = sending };
	db_submit(sending->app->db, &sending->call);
}

/* Results are stored first: that frees slots, and makes the recipient's next message due. */
static void sending_step(struct sending *sending)
{
	if (sending->running || sending->closing)
		return;
	if (!sending->ended.first && (!sending->again || !leadership_held(sending->leadership)))
		return;
	sending->batch = arena_new(sending->app->pool, BATCH_MEMORY);
	if (!sending->batch)
		return;
	sending->running = true;
	if (sending->ended.first) {
		sending->again = true;
		results_submit(sending);
	} else {
		rows_claim_submit(sending);
	}
}

/* --- Life ------------------------------------------------------------------------------------- */

void sending_wake(struct sending *sending)
{
	sending->again = true;
	sending_step(sending);
}

int sending_new(struct app *app, const struct leadership *leadership, struct sending **ret)
{
	struct sending *sending = calloc(1, sizeof(*sending));

	if (!sending)
		return E_NO_MEMORY;
	sending->app = app;
	sending->leadership = leadership;
	*ret = sending;
	return 0;
}

void sending_close(struct sending *sending)
{
	if (!sending)
		return;
	sending->closing = true;
	delivery_list_free(&sending->under_way);
	delivery_list_free(&sending->ended);
	if (!sending->running)
		free(sending);
}
