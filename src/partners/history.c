/* SPDX-License-Identifier: MIT
 *
 * The gateway's history, a day at a time: it lists whole days and knows no pages, so one day is the
 * least that can be asked for, and HISTORY_MOST bounds what is held of it. A day of 50,000
 * transactions (57 MB) is a second's reading, so the work pool does that, row by row: as one
 * document it would take more than twice its length besides.
 *
 *   day ─ asked ─ taken ─ read by the pool ─┬─ the next day
 *                                           └─ done
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reeyo/core/clock.h"
#include "told.h"
#include "verb.h"

#define HISTORY_MOST (64u << 20)

/* --- Reading (on a thread of the pool) -------------------------------------------------------- */

struct reader {
	const char *at, *end;
};

static bool took(struct reader *reader, char what)
{
	while (reader->at < reader->end && memchr(" \t\r\n", *reader->at, 4))
		reader->at++;
	if (reader->at == reader->end || *reader->at != what)
		return false;
	reader->at++;
	return true;
}

/* NULL: there is none, or it is broken. */
static json_t *value(struct reader *reader)
{
	json_error_t error;
	json_t *json = json_loadb(reader->at, (size_t)(reader->end - reader->at),
		JSON_DISABLE_EOF_CHECK | JSON_DECODE_ANY, &error);

	if (json)
		reader->at += error.position;
	return json;
}

static bool row_tell(struct gateway_history *history, struct reader *reader)
{
	json_auto_t *row = value(reader);
	struct gateway_told told = told_read(row);

	if (row)
		history->each(history, &told, told_withdrawal(row));
	return row != NULL;
}

static bool list_tell(struct gateway_history *history, struct reader *reader)
{
	if (!took(reader, '['))
		return false;
	if (took(reader, ']'))
		return true;
	do {
		if (!row_tell(history, reader))
			return false;
	} while (took(reader, ','));
	return took(reader, ']');
}

static bool member_tell(struct gateway_history *history, struct reader *reader, bool *listed)
{
	json_auto_t *name = value(reader);
	json_auto_t *other = NULL;

	if (!json_is_string(name) || !took(reader, ':'))
		return false;
	if (strcmp(json_string_value(name), "data") == 0)
		return *listed = list_tell(history, reader);
	other = value(reader);
	return other != NULL;
}

/* A list, or one in `data`. */
static void day_read(struct work *work)
{
	struct gateway_history *history = CONTAINER_OF(work, struct gateway_history, work);
	struct reader reader = { history->body, history->body + history->len };
	bool listed = false;

	if (!took(&reader, '{')) {
		history->sound = list_tell(history, &reader);
		return;
	}
	while (member_tell(history, &reader, &listed))
		if (!took(&reader, ','))
			break;
	history->sound = listed && took(&reader, '}');
}

/* --- Day by day ------------------------------------------------------------------------------- */

static void day_ask(struct gateway *gateway, struct gateway_history *history);

static void day_end(struct work *work)
{
	struct gateway_history *history = CONTAINER_OF(work, struct gateway_history, work);
	bool last = strcmp(history->day, history->to) >= 0;

	free(TAKE_PTR(history->body));
	if (!gateway_worked(history))
		return history->done(history, GATEWAY_UNREACHED, "the server stops");
	if (!history->sound)
		return history->done(history, GATEWAY_UNCERTAIN, NOTHING_SAID);
	if (last)
		return history->done(history, GATEWAY_TOLD, NULL);
	if (clock_day(history->day, 1, history->day))
		return history->done(history, GATEWAY_UNCERTAIN, "days are written YYYY-MM-DD");
	day_ask(history->call.gateway, history);
}

static void day_take(struct gateway_call *call, const struct client_answer *answer)
{
	struct gateway_history *history = CONTAINER_OF(call, struct gateway_history, call);

	history->len = answer->body.len;
	history->body = client_body_take(answer);
	history->work = (struct work){ .run = day_read, .done = day_end };
	if (!history->body)
		return gateway_tell(call, GATEWAY_UNCERTAIN, NOTHING_SAID);
	if (gateway_work(call->gateway, history) == 0)
		return;
	free(TAKE_PTR(history->body));
	gateway_tell(call, GATEWAY_UNREACHED, "the work pool is too busy to read the history");
}

/* There is no list of that day. */
static void day_refused(struct gateway_call *call, const struct gateway_answer *answer)
{
	struct gateway_history *history = CONTAINER_OF(call, struct gateway_history, call);

	history->done(history, answer->outcome, answer->why);
}

static json_t *day_body(const struct gateway_call *call)
{
	const struct gateway_history *history = CONTAINER_OF(call, struct gateway_history, call);

	return json_pack("{s:s, s:s}", "start_date", history->day, "end_date", history->day);
}

/* Nobody says that the upstream dialect has a history: it is asked, and a refusal is told as
 * one. */
static const struct gateway_verb verb_day = { "POST", { "/history/", "/history" }, day_body,
	day_take, HISTORY_MOST, "a day of the history is larger than 64 MB" };

static void day_ask(struct gateway *gateway, struct gateway_history *history)
{
	history->call.done = day_refused;
	gateway_begin(gateway, &history->call, &verb_day);
}

void gateway_list(struct gateway *gateway, struct gateway_history *history)
{
	snprintf(history->day, sizeof(history->day), "%s", history->from);
	day_ask(gateway, history);
}
