/* SPDX-License-Identifier: MIT
 *
 * The gateway's history, one day at a time. The gateway has no paging, so one day is the smallest
 * request; HISTORY_MAX limits its size in memory. Parsing a day of 50,000 transactions (57 MB)
 * takes about a second, so the work pool does it. It parses row by row: one JSON document of the
 * day would need more than twice its length in addition.
 *
 *   request a day ─ response ─ parsed by the pool ─┬─ next day
 *                                                  └─ done
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "operation.h"
#include "reeyo/core/clock.h"
#include "transaction.h"

#define HISTORY_MAX (64u << 20)

/* --- Parsing (on a thread of the pool) -------------------------------------------------------- */

struct cursor {
	const char *at, *end;
};

static bool json_is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool cursor_skip(struct cursor *cursor, char what)
{
	while (cursor->at < cursor->end && json_is_space(*cursor->at))
		cursor->at++;
	if (cursor->at == cursor->end || *cursor->at != what)
		return false;
	cursor->at++;
	return true;
}

/* NULL: no valid JSON value. */
static json_t *cursor_value(struct cursor *cursor)
{
	json_error_t error;
	json_t *json = json_loadb(cursor->at, (size_t)(cursor->end - cursor->at),
		JSON_DISABLE_EOF_CHECK | JSON_DECODE_ANY, &error);

	if (json)
		cursor->at += error.position;
	return json;
}

static bool history_row_read(struct gateway_history *history, struct cursor *cursor)
{
	json_auto_t *row = cursor_value(cursor);
	struct gateway_transaction transaction = transaction_read(row);

	if (row)
		history->each(history, &transaction, transaction_is_withdrawal(row));
	return row != NULL;
}

static bool history_list_read(struct gateway_history *history, struct cursor *cursor)
{
	if (!cursor_skip(cursor, '['))
		return false;
	if (cursor_skip(cursor, ']'))
		return true;
	do {
		if (!history_row_read(history, cursor))
			return false;
	} while (cursor_skip(cursor, ','));
	return cursor_skip(cursor, ']');
}

static bool history_member_read(
	struct gateway_history *history, struct cursor *cursor, bool *listed)
{
	json_auto_t *name = cursor_value(cursor);
	json_auto_t *other = NULL;

	if (!json_is_string(name) || !cursor_skip(cursor, ':'))
		return false;
	if (strcmp(json_string_value(name), "data") == 0)
		return *listed = history_list_read(history, cursor);
	other = cursor_value(cursor);
	return other != NULL;
}

/* A list, or an object with a list in `data`. */
static void history_day_parse(struct work *work)
{
	struct gateway_history *history = CONTAINER_OF(work, struct gateway_history, work);
	struct cursor cursor = { history->body, history->body + history->len };
	bool listed = false;

	if (!cursor_skip(&cursor, '{')) {
		history->valid = history_list_read(history, &cursor);
		return;
	}
	while (history_member_read(history, &cursor, &listed))
		if (!cursor_skip(&cursor, ','))
			break;
	history->valid = listed && cursor_skip(&cursor, '}');
}

/* --- Day by day ------------------------------------------------------------------------------- */

static void history_day_request(struct gateway *gateway, struct gateway_history *history);

static void history_day_parsed(struct work *work)
{
	struct gateway_history *history = CONTAINER_OF(work, struct gateway_history, work);
	bool last = strcmp(history->day, history->to) >= 0;

	free(TAKE_PTR(history->body));
	if (!gateway_history_parsed(history))
		return history->done(history, GATEWAY_UNREACHED, "the server is stopping");
	if (!history->valid)
		return history->done(history, GATEWAY_UNCERTAIN, NO_TRANSACTION);
	if (last)
		return history->done(history, GATEWAY_ANSWERED, NULL);
	if (clock_day_add(history->day, 1, history->day))
		return history->done(history, GATEWAY_UNCERTAIN, "days are written YYYY-MM-DD");
	history_day_request(history->call.gateway, history);
}

static void history_day_received(struct gateway_call *call, const struct client_answer *answer)
{
	struct gateway_history *history = CONTAINER_OF(call, struct gateway_history, call);

	history->len = answer->body.len;
	history->body = client_body_take(answer);
	history->work = (struct work){ .run = history_day_parse, .done = history_day_parsed };
	if (!history->body)
		return gateway_complete(call, GATEWAY_UNCERTAIN, NO_TRANSACTION);
	if (gateway_history_parse(call->gateway, history) == 0)
		return;
	free(TAKE_PTR(history->body));
	gateway_complete(call, GATEWAY_UNREACHED, "the work pool is too busy to read the history");
}

static void history_day_failed(struct gateway_call *call, const struct gateway_answer *answer)
{
	struct gateway_history *history = CONTAINER_OF(call, struct gateway_history, call);

	history->done(history, answer->outcome, answer->why);
}

static json_t *history_day_body(const struct gateway_call *call)
{
	const struct gateway_history *history = CONTAINER_OF(call, struct gateway_history, call);

	return json_pack("{s:s, s:s}", "start_date", history->day, "end_date", history->day);
}

/* The upstream dialect does not document a history: it is requested, and a refusal is reported as
 * GATEWAY_REFUSED. */
static const struct gateway_operation verb_day = { "POST", { "/history/", "/history" },
	history_day_body, history_day_received, HISTORY_MAX,
	"a day of the history is larger than 64 MB" };

static void history_day_request(struct gateway *gateway, struct gateway_history *history)
{
	history->call.done = history_day_failed;
	gateway_start(gateway, &history->call, &verb_day);
}

void gateway_history_read(struct gateway *gateway, struct gateway_history *history)
{
	snprintf(history->day, sizeof(history->day), "%s", history->from);
	history_day_request(gateway, history);
}
