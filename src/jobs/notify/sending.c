/* SPDX-License-Identifier: MIT
 *
 * Sending, as two statements that take turns: messages_take hands over rows that are due,
 * messages_end writes down what became of them; one at a time. A row is its taker's for TAKEN_S,
 * which leaves a minute beside what a letter may take at most, so it is sent by one copy at a time;
 * a copy that dies in between has it sent again: at least once.
 *
 * A push that reaches no device (the app is gone, the device was removed) leaves a text message in
 * its place, where there is a wording for one: messages_end makes its row.
 *
 * Order: the statement hands over only the earliest open row of a recipient and channel. Bounds:
 * ROOM letters under way of each channel, and as many of broadcasts, so that a slow provider or a
 * large broadcast holds up nobody else.
 */
#include "sending.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#include "reeyo/core/log.h"
#include "reeyo/db/db.h"
#include "reeyo/partners/post.h"

#define ROOM 32u
#define TAKEN_S "150"
_Static_assert(POST_LETTER_S + 60 <= 150,
	"a row must be its taker's for longer than its letters take");
#define DEVICES_MAX 10
#define MESSAGE_MEMORY 65536
#define BATCH_MEMORY (1u << 20)
#define END_BYTES (64u << 10) /* one statement writes down no more; the next the rest */
#define KINDS (CHANNELS * 2u)

enum { TAKEN_ID, TAKEN_KIND, TAKEN_RECIPIENT, TAKEN_CHANNEL,
	TAKEN_BULK, TAKEN_TEMPLATE, TAKEN_PARAMS, TAKEN_DATA,
	TAKEN_LANGUAGE, TAKEN_TRIES, TAKEN_LIFE, TAKEN_ADDRESS, TAKEN_PROVEN, TAKEN_OF };

/* A message on its way; stands in its arena. */
struct parcel {
	struct sending *sending;
	struct arena *arena;
	struct parcel *next, *previous; /* under way, or done */
	int64_t id, tries;
	unsigned kind;                  /* of KINDS: whose room it takes */
	struct letter letters[DEVICES_MAX];
	bool gone[DEVICES_MAX];
	unsigned count, waiting;
	bool texts;                     /* a text message may go in its place */
	bool nowhere;                   /* it has no address */
	bool tried;                     /* a provider was asked */
	enum letter_end end;
	int64_t retry_after_s;
	const char *why;
};

struct list {
	struct parcel *first;
};

struct sending {
	struct app *app;
	const struct lead *lead;
	struct db_call call;
	/* under way; ended; in the statement that is running */
	struct list sent_out, done, written;
	unsigned under_way[KINDS];
	struct arena *batch;                 /* parameters of the statement that is running */
	bool running, again, closing;
};

static void step(struct sending *sending);

/* --- Lists ------------------------------------------------------------------------------------ */

static void list_add(struct list *list, struct parcel *parcel)
{
	parcel->previous = NULL;
	parcel->next = list->first;
	if (list->first)
		list->first->previous = parcel;
	list->first = parcel;
}

static void list_take(struct list *list, struct parcel *parcel)
{
	if (parcel->previous)
		parcel->previous->next = parcel->next;
	else
		list->first = parcel->next;
	if (parcel->next)
		parcel->next->previous = parcel->previous;
}

static void list_move(struct list *from, struct list *to)
{
	while (from->first) {
		struct parcel *parcel = from->first;

		list_take(from, parcel);
		list_add(to, parcel);
	}
}

static void list_free(struct list *list)
{
	while (list->first) {
		struct parcel *parcel = list->first;

		list_take(list, parcel);
		parcel->sending->under_way[parcel->kind]--;
		for (unsigned i = 0; i < parcel->count; i++)
			post_cancel(&parcel->letters[i]);
		arena_free(parcel->arena);
	}
}

/* --- What became of a message ----------------------------------------------------------------- */

static void parcel_done(struct parcel *parcel, enum letter_end end, const char *why)
{
	struct sending *sending = parcel->sending;

	parcel->end = end;
	parcel->why = why ? arena_printf(parcel->arena, "%s", why) : NULL;
	list_take(&sending->sent_out, parcel);
	list_add(&sending->done, parcel);
}

/* Of several devices one that got it counts; else one that may get it yet. */
static enum letter_end better_of(enum letter_end a, enum letter_end b)
{
	static const int rank[] = { [OUTCOME_SENT] = 3, [OUTCOME_RETRY] = 2,
		[OUTCOME_DEAD] = 1, [OUTCOME_SKIPPED] = 0 };

	return rank[a] >= rank[b] ? a : b;
}

static void letter_done(struct letter *letter, const struct receipt *receipt)
{
	struct parcel *parcel = letter->owner;
	struct sending *sending = parcel->sending;

	parcel->gone[letter - parcel->letters] = receipt->gone;
	parcel->end = better_of(parcel->end, receipt->outcome);
	parcel->tried |= !receipt->untried;
	if (receipt->retry_after_s > parcel->retry_after_s)
		parcel->retry_after_s = receipt->retry_after_s;
	if (receipt->why)
		parcel->why = arena_printf(parcel->arena, "%s", receipt->why);
	if (--parcel->waiting > 0)
		return;
	parcel_done(parcel, parcel->end, parcel->end == OUTCOME_SENT ? NULL : parcel->why);
	step(sending);
}

static const char *state_of(const struct parcel *parcel)
{
	switch (parcel->end) {
	case OUTCOME_SENT:
		return "SENT";
	case OUTCOME_SKIPPED:
		return "SKIPPED";
	case OUTCOME_RETRY:
		return parcel->tries < MESSAGE_TRIES || !parcel->tried ? "QUEUED" : "DEAD";
	default:
		return "DEAD";
	}
}

static enum counter counter_of(const char *state)
{
	return state[0] == 'Q' ? COUNT_MESSAGES_RETRIED : state[0] == 'D' ? COUNT_MESSAGES_DEAD :
		state[1] == 'E' ? COUNT_MESSAGES_SENT : COUNT_MESSAGES_SKIPPED;
}

static void end_add(struct buf *out, const struct parcel *parcel)
{
	const char *state = state_of(parcel), *before = "";

	count_one(loop_counters(parcel->sending->app->loop), counter_of(state));
	buf_printf(out, "%c{\"id\":%lld,\"tries\":%lld,\"state\":\"%s\",\"wait\":%lld",
		out->len ? ',' : '[', (long long)parcel->id, (long long)parcel->tries, state,
		(long long)message_wait_ms((unsigned)parcel->tries, parcel->retry_after_s,
			randombytes_uniform(1000)));
	if (parcel->end == OUTCOME_RETRY && !parcel->tried)
		buf_add_string(out, ",\"untried\":true");
	if (parcel->texts && (state[0] == 'D' || parcel->nowhere))
		buf_add_string(out, ",\"text\":true");
	if (parcel->why) {
		buf_add_string(out, ",\"error\":");
		buf_add_json(out, text_of(parcel->why));
	}
	buf_add_string(out, ",\"gone\":[");
	for (unsigned i = 0; i < parcel->count; i++)
		if (parcel->gone[i]) {
			buf_add_string(out, before);
			buf_add_json(out, text_of(parcel->letters[i].to));
			before = ",";
		}
	buf_add_string(out, "]}");
}

static void statement_over(struct sending *sending)
{
	sending->running = false;
	arena_free(TAKE_PTR(sending->batch));
	if (sending->closing) {
		list_free(&sending->written);
		free(sending);
	}
}

/* What could not be written down is told again with the next. */
static void ended(struct db_call *call, const struct db_result *result)
{
	struct sending *sending = call->owner;
	bool failed = db_error(result) != 0, closing = sending->closing;

	if (failed && !closing)
		list_move(&sending->written, &sending->done);
	else
		list_free(&sending->written);
	statement_over(sending);
	if (!failed && !closing)
		step(sending);
}

static void end_submit(struct sending *sending)
{
	struct buf out = buf_in(sending->batch, 4096);
	const char *ends;

	while (sending->done.first && out.len < END_BYTES) {
		struct parcel *parcel = sending->done.first;

		list_take(&sending->done, parcel);
		list_add(&sending->written, parcel);
		end_add(&out, parcel);
	}
	buf_add_string(&out, "]");
	ends = buf_string(&out);
	if (!ends) {
		log_line(LOG_ERROR, "no memory for what became of messages");
		list_move(&sending->written, &sending->done);
		return statement_over(sending);
	}
	sending->call = (struct db_call){ .query = QUERY_messages_end, .lane = DB_WRITE, .count = 1,
		.params = { ends }, .done = ended, .owner = sending };
	db_submit(sending->app->db, &sending->call);
}

/* --- Taking ----------------------------------------------------------------------------------- */

/* E_NO_MEMORY; *ret is NULL where the column is. */
static int copied(struct arena *arena, const struct db_result *result, unsigned row,
	unsigned column, const char **ret)
{
	struct text text = db_text(result, row, column);

	*ret = text.at ? arena_copy(arena, text.at, text.len) : NULL;
	return text.at && !*ret ? E_NO_MEMORY : 0;
}

static int letter_add(struct parcel *parcel, const struct letter *like, const char *to)
{
	struct letter *letter = &parcel->letters[parcel->count];

	*letter = *like;
	letter->to = arena_copy(parcel->arena, to, strlen(to));
	parcel->count += letter->to ? 1 : 0;
	return letter->to ? 0 : E_NO_MEMORY;
}

/* The letters, one for each address. E_NOT_FOUND: nobody knows this message any more;
 * E_NO_MEMORY. */
static int letters_write(struct parcel *parcel, const struct db_result *result,
	unsigned row, enum channel channel)
{
	json_auto_t *addresses = json_loads(db_text(result, row, TAKEN_ADDRESS).at, 0, NULL);
	json_auto_t *params = json_loads(db_text(result, row, TAKEN_PARAMS).at, 0, NULL);
	const struct wordings *wordings = post_wordings(parcel->sending->app->post);
	enum language language = language_named(db_text(result, row, TAKEN_LANGUAGE));
	struct letter like = { .channel = channel, .life_s = db_int(result, row, TAKEN_LIFE),
		.done = letter_done, .owner = parcel };
	enum message_kind message;
	int error;

	if (!message_named(db_text(result, row, TAKEN_TEMPLATE), &message))
		return E_NOT_FOUND;
	/* The address may be a stranger's, whom somebody wants to send a text of his own. */
	if (!db_bool(result, row, TAKEN_PROVEN))
		message_params_impersonal(message, params);
	error = wordings_say(wordings, parcel->arena, message, channel,
		language, params, &like.said);
	if (!error)
		error = copied(parcel->arena, result, row, TAKEN_DATA, &like.data);
	for (size_t i = 0; i < json_array_size(addresses) &&
		parcel->count < DEVICES_MAX && !error; i++) {
		const char *to = json_string_value(json_array_get(addresses, i));

		error = to ? letter_add(parcel, &like, to) : 0;
	}
	return error;
}

static void parcel_nowhere(struct parcel *parcel)
{
	parcel->nowhere = true;
	parcel_done(parcel, OUTCOME_SKIPPED, "no address");
}

static void parcel_send(struct parcel *parcel, const struct db_result *result,
	unsigned row, enum channel channel)
{
	struct post *post = parcel->sending->app->post;
	unsigned count;
	int error;

	if (db_int(result, row, TAKEN_LIFE) <= 0)
		return parcel_done(parcel, OUTCOME_SKIPPED, "too late");
	if (db_is_null(result, row, TAKEN_ADDRESS))
		return parcel_nowhere(parcel);
	error = letters_write(parcel, result, row, channel);
	if (error == E_NOT_FOUND)
		return parcel_done(parcel, OUTCOME_DEAD, "no such template");
	if (error)
		return parcel_done(parcel, OUTCOME_RETRY, "out of memory");
	count = parcel->waiting = parcel->count;
	parcel->end = OUTCOME_SKIPPED;
	if (!count)
		return parcel_nowhere(parcel);
	for (unsigned i = 0; i < count; i++)
		post_send(post, &parcel->letters[i]);
}

/* A broadcast is for the apps only. */
static bool may_be_text(const struct parcel *parcel, struct text template)
{
	enum message_kind message;

	return parcel->kind == CHANNEL_PUSH && message_named(template, &message) &&
		message_goes_by(message, CHANNEL_SMS) &&
		post_on(parcel->sending->app->post, CHANNEL_SMS);
}

static void parcel_take(struct sending *sending, const struct db_result *result, unsigned row)
{
	struct arena *arena = arena_new(sending->app->pool, MESSAGE_MEMORY);
	struct parcel *parcel = arena ? ARENA_NEW(arena, struct parcel) : NULL;
	enum channel channel;

	if (!parcel || !channel_named(db_text(result, row, TAKEN_CHANNEL), &channel)) {
		arena_free(arena); /* taken again in a while */
		return;
	}
	parcel->sending = sending;
	parcel->arena = arena;
	parcel->id = db_int(result, row, TAKEN_ID);
	parcel->tries = db_int(result, row, TAKEN_TRIES);
	parcel->kind = channel + (db_bool(result, row, TAKEN_BULK) ? CHANNELS : 0);
	parcel->texts = may_be_text(parcel, db_text(result, row, TAKEN_TEMPLATE));
	sending->under_way[parcel->kind]++;
	list_add(&sending->sent_out, parcel);
	parcel_send(parcel, result, row, channel);
}

static void taken(struct db_call *call, const struct db_result *result)
{
	struct sending *sending = call->owner;
	bool go = !sending->closing && !db_error(result);

	for (unsigned row = 0; go && row < db_rows(result); row++)
		if (!db_is_null(result, row, TAKEN_ID))
			parcel_take(sending, result, row);
	sending->again |= go && db_int(result, 0, TAKEN_OF) > 0;
	statement_over(sending);
	if (go)
		step(sending);
}

static bool rooms_write(struct sending *sending, struct buf *out)
{
	bool any = false;

	for (unsigned i = 0; i < KINDS; i++) {
		unsigned room = post_up(sending->app->post, (enum channel)(i % CHANNELS)) ?
			ROOM - sending->under_way[i] : 0;

		buf_printf(out, "%c%u", i ? ',' : '{', room);
		any |= room > 0;
	}
	buf_add_string(out, "}");
	return any;
}

static void take_submit(struct sending *sending)
{
	struct buf rooms = buf_in(sending->batch, 64);

	sending->again = false;
	if (!rooms_write(sending, &rooms))
		return statement_over(sending);
	sending->call = (struct db_call){ .query = QUERY_messages_take, .lane = DB_WRITE,
		.count = 4, .params = { "{SMS,MAIL,PUSH,SMS,MAIL,PUSH}", "{f,f,f,t,t,t}",
			buf_string(&rooms), TAKEN_S },
		.done = taken, .owner = sending };
	db_submit(sending->app->db, &sending->call);
}

/* What has ended is written down first: it makes room, and lets the next of the same recipient
 * go. */
static void step(struct sending *sending)
{
	if (sending->running || sending->closing)
		return;
	if (!sending->done.first && (!sending->again || !lead_held(sending->lead)))
		return;
	sending->batch = arena_new(sending->app->pool, BATCH_MEMORY);
	if (!sending->batch)
		return;
	sending->running = true;
	if (sending->done.first) {
		sending->again = true;
		end_submit(sending);
	} else {
		take_submit(sending);
	}
}

/* --- Life ------------------------------------------------------------------------------------- */

void sending_wake(struct sending *sending)
{
	sending->again = true;
	step(sending);
}

int sending_new(struct app *app, const struct lead *lead, struct sending **ret)
{
	struct sending *sending = calloc(1, sizeof(*sending));

	if (!sending)
		return E_NO_MEMORY;
	sending->app = app;
	sending->lead = lead;
	*ret = sending;
	return 0;
}

void sending_close(struct sending *sending)
{
	if (!sending)
		return;
	sending->closing = true;
	list_free(&sending->sent_out);
	list_free(&sending->done);
	if (!sending->running)
		free(sending);
}
