/* SPDX-License-Identifier: MIT
 *
 * Messages: see the header. A round reads a page of events after the lease's position with whom
 * they concern (messages_ahead), decides by the table of causes, renders what is shown in the app,
 * and writes it all down while moving the position (messages_make, a compare-and-set: a copy that
 * was held up makes nothing twice). Broadcasts are made page by page beside that (broadcast_page).
 * Sending is sending.c's.
 */
#include "reeyo/jobs/messages.h"

#include <stdio.h>
#include <stdlib.h>

#include "reeyo/core/clock.h"
#include "reeyo/core/log.h"
#include "reeyo/db/db.h"
#include "reeyo/domain/cause.h"
#include "reeyo/live/hub.h"
#include "reeyo/db/lead.h"
#include "reeyo/partners/post.h"
#include "sending.h"

#define EVERY_MS 1000
/* rounds are at least so long apart, so that a busy system has fewer and fuller ones */
#define SOON_MS 50
#define PAGE 200
#define PAGE_TEXT "200"
#define PAGE_MEMORY (16u << 20)
/* a second: more than providers take, and a statement of some 50 ms */
#define BROADCAST_PAGE "1000"

enum { AT_POSITION, AT_NEXT, AT_COUNT, AT_ID, AT_TYPE, AT_AGE, AT_PAYLOAD, AT_FACTS, AT_PEOPLE };
enum { PERSON_ID, PERSON_LANGUAGE, PERSON_NAME, PERSON_DEVICE, PERSON_EMAIL, PERSON_COLUMNS };

/* What one round writes, in its arena. */
struct round {
	struct arena *arena;
	struct buf messages, notes; /* JSON arrays, without the closing bracket */
	char position[24], next[24];
	bool full;
};

struct messages {
	struct app *app;
	struct lead *lead;
	struct sending *sending;
	uv_timer_t timer;
	struct hub_listener listener;
	struct db_call call, broadcast;
	struct round round;
	char *types;                /* of causes, as text[] */
	uint64_t broadcast_at;      /* not before; of the loop's clock */
	bool running, broadcasting, soon, timer_open, closing;
};

/* --- What an event says ----------------------------------------------------------------------- */

/* One event and whom it concerns. */
struct telling {
	struct messages *messages;
	const struct db_result *result;
	unsigned row;
	json_t *payload, *facts;
};

static struct text person(const struct telling *telling, enum whom whom, unsigned column)
{
	return db_text(telling->result, telling->row, AT_PEOPLE + whom * PERSON_COLUMNS + column);
}

static bool person_has(const struct telling *telling, enum whom whom, unsigned column)
{
	return db_bool(telling->result, telling->row, AT_PEOPLE + whom * PERSON_COLUMNS + column);
}

/* What the app needs to open the right page: {"type", "orderId", …}, all texts. */
static char *data_of(const struct telling *telling, const char *type, struct arena *arena)
{
	static const char *const ids[] = { "orderId", "transactionId", "payoutId", "disputeId" };
	struct buf out = buf_in(arena, 128);

	buf_add_string(&out, "{\"type\":");
	buf_add_json(&out, text_of(type));
	for (size_t i = 0; i < COUNT_OF(ids); i++) {
		const char *id = json_string_value(json_object_get(telling->payload, ids[i]));

		if (!id)
			continue;
		buf_printf(&out, ",\"%s\":", ids[i]);
		buf_add_json(&out, text_of(id));
	}
	buf_add_string(&out, "}");
	return buf_string(&out);
}

static void message_add(struct round *round, const struct telling *telling,
	const struct cause *cause, enum channel channel, const char *params, const char *data)
{
	struct buf *out = &round->messages;

	buf_printf(out, "%c{\"event\":%lld,\"kind\":\"%s\",\"recipient\":", out->len ? ',' : '[',
		(long long)db_int(telling->result, telling->row, AT_ID), whom_name(cause->whom));
	buf_add_json(out, person(telling, cause->whom, PERSON_ID));
	buf_printf(out,
		",\"channel\":\"%s\",\"template\":\"%s\",\"params\":%s,\"data\":%s,\"language\":",
		channel_name(channel), message_name(cause->message), params, data);
	buf_add_json(out, person(telling, cause->whom, PERSON_LANGUAGE));
	buf_printf(out, ",\"life\":%lld}",
		(long long)cause->life_s -
			(long long)db_int(telling->result, telling->row, AT_AGE));
}

static void note_add(struct round *round, const struct cause *cause, struct text id,
	const struct said *said, const char *data)
{
	struct buf *out = &round->notes;
	char now[CLOCK_ISO_SIZE];

	clock_iso(clock_wall_ms(), now);
	buf_printf(out, "%c{\"room\":\"%s:%.*s\",\"payload\":{\"type\":\"%s\",\"title\":",
		out->len ? ',' : '[', whom_room(cause->whom), TEXT_ARGS(id), cause->notes);
	buf_add_json(out, text_of(said->title));
	buf_add_string(out, ",\"body\":");
	buf_add_json(out, text_of(said->body));
	buf_printf(out, ",\"data\":%s,\"timestamp\":\"%s\"}}", data, now);
}

static json_t *params_of(const struct telling *telling, const struct cause *cause)
{
	struct text name = person(telling, cause->whom, PERSON_NAME);
	json_t *own = json_pack("{s:s%}", "name", name.at ? name.at : "", (int)name.len);
	json_t *params = own ? message_params(cause->message, 3,
		(json_t *[]){ telling->payload, telling->facts, own }) : NULL;

	json_decref(own);
	return params;
}

/* False when memory is out: the round is given up, and begins again. */
static bool tell(const struct telling *telling, const struct cause *cause)
{
	struct round *round = &telling->messages->round;
	const struct post *post = telling->messages->app->post;
	json_auto_t *params = params_of(telling, cause);
	char *params_text auto_free = params ? json_dumps(params, JSON_COMPACT) : NULL;
	const char *data = data_of(telling,
		cause->notes ? cause->notes : cause->event, round->arena);
	unsigned channels = message_channels(cause->message, (struct reach){
		.device = person_has(telling, cause->whom, PERSON_DEVICE),
		.email = person_has(telling, cause->whom, PERSON_EMAIL),
		.push_on = post_on(post, CHANNEL_PUSH), .sms_on = post_on(post, CHANNEL_SMS) });
	struct said said;

	if (!params_text || !data)
		return false;
	for (unsigned channel = 0; channel < CHANNELS; channel++)
		if (channels & 1u << channel)
			message_add(round, telling, cause,
				(enum channel)channel, params_text, data);
	if (!cause->notes)
		return true;
	if (wordings_say(post_wordings(post), round->arena, cause->message, CHANNEL_PUSH,
		language_named(person(telling, cause->whom, PERSON_LANGUAGE)), params, &said))
		return false;
	note_add(round, cause, person(telling, cause->whom, PERSON_ID), &said, data);
	return true;
}

static bool event_tell(const struct telling *telling)
{
	int64_t age_s = db_int(telling->result, telling->row, AT_AGE);
	json_t *sources[] = { telling->payload, telling->facts };
	unsigned told = 0;

	for (const struct cause *cause = causes; cause->event; cause++) {
		if (told & 1u << cause->whom || age_s > cause->life_s ||
			!person(telling, cause->whom, PERSON_ID).at ||
			!text_is(db_text(telling->result, telling->row, AT_TYPE),
				text_of(cause->event)) || !cause_holds(cause, 2, sources))
			continue;
		told |= 1u << cause->whom;
		if (!cause->silent && !tell(telling, cause))
			return false;
	}
	return true;
}

static bool page_tell(struct messages *messages, const struct db_result *result)
{
	bool done = true;

	for (unsigned row = 0; done && row < db_rows(result); row++) {
		struct telling telling = { .messages = messages, .result = result, .row = row };

		if (db_is_null(result, row, AT_ID))
			continue;
		telling.payload = json_loads(db_text(result, row, AT_PAYLOAD).at, 0, NULL);
		telling.facts = db_is_null(result, row, AT_FACTS) ? NULL :
			json_loads(db_text(result, row, AT_FACTS).at, 0, NULL);
		done = event_tell(&telling);
		json_decref(telling.facts);
		json_decref(telling.payload);
	}
	return done;
}

/* --- Rounds ----------------------------------------------------------------------------------- */

static void messages_end(struct messages *messages)
{
	if (messages->running || messages->broadcasting || messages->timer_open)
		return;
	free(messages->types);
	free(messages);
}

static void round_start(struct messages *messages);

static void round_end(struct messages *messages, bool more)
{
	arena_free(TAKE_PTR(messages->round.arena));
	messages->running = false;
	if (messages->closing)
		messages_end(messages);
	else if (more)
		round_start(messages);
}

static void ask(struct messages *messages, enum query query,
	void (*done)(struct db_call *call, const struct db_result *result), unsigned count,
	const char *const *params)
{
	messages->call = (struct db_call){ .query = query, .lane = DB_WRITE, .count = count,
		.done = done, .owner = messages };
	memcpy(messages->call.params, params, count * sizeof(*params));
	db_submit(messages->app->db, &messages->call);
}

static void made(struct db_call *call, const struct db_result *result)
{
	struct messages *messages = call->owner;
	bool moved = !messages->closing && !db_error(result) && db_rows(result);

	if (moved && db_int(result, 0, 0) > 0)
		sending_wake(messages->sending);
	round_end(messages, moved && messages->round.full);
}

static const char *array_end(struct buf *array)
{
	buf_add_string(array, array->len ? "]" : "[]");
	return buf_string(array);
}

static void round_write(struct messages *messages, const struct db_result *result)
{
	struct round *round = &messages->round;
	const char *rows, *notes;

	snprintf(round->position, sizeof(round->position), "%lld",
		(long long)db_int(result, 0, AT_POSITION));
	snprintf(round->next, sizeof(round->next), "%lld", (long long)db_int(result, 0, AT_NEXT));
	round->full = db_int(result, 0, AT_COUNT) == PAGE;
	round->messages = buf_in(round->arena, 4096);
	round->notes = buf_in(round->arena, 4096);
	if (!page_tell(messages, result) || !(rows = array_end(&round->messages)) ||
		!(notes = array_end(&round->notes))) {
		log_line(LOG_ERROR, "no memory for the messages of a page of events");
		return round_end(messages, false);
	}
	ask(messages, QUERY_messages_make, made, 4,
		(const char *[]){ round->position, round->next, rows, notes });
}

static void read_ahead(struct db_call *call, const struct db_result *result)
{
	struct messages *messages = call->owner;

	if (messages->closing || db_error(result) || !db_rows(result) ||
		db_int(result, 0, AT_NEXT) == db_int(result, 0, AT_POSITION))
		return round_end(messages, false);
	round_write(messages, result);
}

static void round_start(struct messages *messages)
{
	if (messages->running || messages->closing || !lead_held(messages->lead))
		return;
	messages->round = (struct round){ .arena = arena_new(messages->app->pool, PAGE_MEMORY) };
	if (!messages->round.arena)
		return;
	messages->running = true;
	ask(messages, QUERY_messages_ahead, read_ahead, 2,
		(const char *[]){ messages->types, PAGE_TEXT });
}

/* --- Broadcasts ------------------------------------------------------------------------------- */

static void page_made(struct db_call *call, const struct db_result *result)
{
	struct messages *messages = call->owner;

	messages->broadcasting = false;
	if (messages->closing)
		return messages_end(messages);
	if (!db_error(result) && db_rows(result))
		sending_wake(messages->sending);
}

/* At most once a second, however often it is called. */
static void broadcast_next(struct messages *messages)
{
	uint64_t now = uv_now(loop_uv(messages->app->loop));

	if (messages->broadcasting || messages->closing || now < messages->broadcast_at ||
		!lead_held(messages->lead))
		return;
	messages->broadcasting = true;
	messages->broadcast_at = now + EVERY_MS;
	messages->broadcast = (struct db_call){ .query = QUERY_broadcast_page, .lane = DB_WRITE,
		.count = 1, .params = { BROADCAST_PAGE }, .done = page_made, .owner = messages };
	db_submit(messages->app->db, &messages->broadcast);
}

/* --- When ------------------------------------------------------------------------------------- */

static void due(uv_timer_t *timer)
{
	struct messages *messages = timer->data;

	messages->soon = false;
	sending_wake(messages->sending);
	round_start(messages);
	broadcast_next(messages);
}

static bool is_cause(struct text type)
{
	for (const struct cause *cause = causes; cause->event; cause++)
		if (text_is(type, text_of(cause->event)))
			return true;
	return false;
}

static void heard(struct hub_listener *listener, const struct event *event)
{
	struct messages *messages = CONTAINER_OF(listener, struct messages, listener);

	if (messages->soon || messages->closing ||
		!lead_held(messages->lead) || !is_cause(event->type))
		return;
	messages->soon = true;
	uv_timer_start(&messages->timer, due, SOON_MS, EVERY_MS);
}

void messages_listen(struct messages *messages)
{
	messages->listener.hear = heard;
	if (messages->app->hub)
		hub_listen(messages->app->hub, &messages->listener);
}

/* --- Life ------------------------------------------------------------------------------------- */

static void led(void *arg)
{
	due(&((struct messages *)arg)->timer);
}

/* {order_accepted,…}, each type once or more. */
static char *types_new(void)
{
	size_t size = 3;
	char *types, *at;

	for (const struct cause *cause = causes; cause->event; cause++)
		size += strlen(cause->event) + 1;
	types = at = malloc(size);
	if (!types)
		return NULL;
	*at++ = '{';
	for (const struct cause *cause = causes; cause->event; cause++)
		at += snprintf(at, size - (size_t)(at - types), "%s%s",
			cause == causes ? "" : ",", cause->event);
	memcpy(at, "}", 2);
	return types;
}

int messages_new(struct app *app, struct messages **ret)
{
	struct messages *messages = calloc(1, sizeof(*messages));
	int error;

	if (!messages)
		return E_NO_MEMORY;
	messages->app = app;
	messages->timer.data = messages;
	messages->types = types_new();
	error = messages->types ?
		lead_new(app->loop, app->db, "messages", led, messages, &messages->lead) :
		E_NO_MEMORY;
	if (!error)
		error = sending_new(app, messages->lead, &messages->sending);
	if (error || uv_timer_init(loop_uv(app->loop), &messages->timer)) {
		sending_close(messages->sending);
		lead_close(messages->lead);
		messages_end(messages);
		return E_NO_MEMORY;
	}
	messages->timer_open = true;
	uv_timer_start(&messages->timer, due, EVERY_MS, EVERY_MS);
	*ret = messages;
	return 0;
}

static void timer_closed(uv_handle_t *handle)
{
	struct messages *messages = handle->data;

	messages->timer_open = false;
	messages_end(messages);
}

void messages_close(struct messages *messages)
{
	if (!messages)
		return;
	messages->closing = true;
	sending_close(TAKE_PTR(messages->sending));
	lead_close(messages->lead);
	uv_close((uv_handle_t *)&messages->timer, timer_closed);
}
