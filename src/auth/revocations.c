/* SPDX-License-Identifier: MIT
 *
 * Revocations of one loop: told by its own handlers, by the process's other loops (messages), and
 * read from the table `revocations` once a second, so that every copy knows within about a second.
 *
 * The rows are followed by their number. Numbers are given before the commit, so a row can appear
 * after one with a higher number: each poll therefore asks again from the highest number that was
 * known at least LAG_MS ago, which is longer than any statement may take. Rows seen twice change
 * nothing.
 */
#include "reeyo/auth/token.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reeyo/core/clock.h"
#include "reeyo/core/log.h"
#include "revoked_set.h"

#define POLL_MS 1000
#define LAG_MS 15000
#define ENTRIES_MAX (1u << 20)
#define ROWS_A_POLL 2000 /* LIMIT of the statement */

struct revocations {
	struct app *app;
	struct revoked_set *set;
	uv_timer_t timer;
	bool following, asking, closing;
	struct db_call call;
	char from[24];           /* its parameter */
	int64_t newest;          /* highest number seen */
	int64_t mark, next_mark; /* highest number seen LAG_MS ago, and at marked_ms */
	uint64_t marked_ms;
};

struct revocation_message {
	struct message message;
	struct revocations *to;
	char subject[ID_SIZE];
	int64_t before_ms;
};

int revocations_new(struct app *app, struct revocations **ret)
{
	struct revocations *revocations = calloc(1, sizeof(*revocations));
	int err;

	if (!revocations)
		return E_NO_MEMORY;
	revocations->app = app;
	err = revoked_set_new(ENTRIES_MAX, app->config->access_ttl, &revocations->set);
	if (!err && uv_timer_init(loop_uv(app->loop), &revocations->timer)) {
		revoked_set_free(revocations->set);
		err = E_NO_MEMORY;
	}
	if (err) {
		free(revocations);
		return err;
	}
	revocations->timer.data = revocations;
	*ret = revocations;
	return 0;
}

static void destroy(struct revocations *revocations)
{
	revoked_set_free(revocations->set);
	free(revocations);
}

static void timer_closed(uv_handle_t *handle)
{
	struct revocations *revocations = handle->data;

	revocations->following = false;
	if (!revocations->asking)
		destroy(revocations);
}

void revocations_free(struct revocations *revocations)
{
	if (!revocations)
		return;
	revocations->closing = true;
	revocations->following = true; /* until the timer has closed */
	uv_close((uv_handle_t *)&revocations->timer, timer_closed);
}

/* --- Following the database ------------------------------------------------------------------- */

static void ask(struct revocations *revocations);

static void marks_move(struct revocations *revocations)
{
	uint64_t now = clock_ms();

	if (now - revocations->marked_ms < LAG_MS)
		return;
	revocations->mark = revocations->next_mark;
	revocations->next_mark = revocations->newest;
	revocations->marked_ms = now;
}

static void rows_take(struct revocations *revocations, const struct db_result *result)
{
	int64_t now = clock_wall_ms();

	for (unsigned row = 0; row < db_rows(result); row++) {
		struct text subject = db_text(result, row, 1);
		int64_t number = db_int(result, row, 0);
		char copy[ID_SIZE];

		if (number > revocations->newest)
			revocations->newest = number;
		if (subject.len == 0 || subject.len >= sizeof(copy))
			continue;
		memcpy(copy, subject.at, subject.len);
		copy[subject.len] = '\0';
		revoked_set_add(revocations->set, copy, db_int(result, row, 2), now);
	}
}

static void asked(struct db_call *call, const struct db_result *result)
{
	struct revocations *revocations = call->owner;
	bool more = false;

	revocations->asking = false;
	if (revocations->closing) {
		if (!revocations->following)
			destroy(revocations);
		return;
	}
	if (db_error(result))
		return; /* logged by db; asked again in a second */
	rows_take(revocations, result);
	more = db_rows(result) == ROWS_A_POLL;
	if (more) {
		/* A full page: everything up to its end is old, go on behind it at once. */
		int64_t last = db_int(result, db_rows(result) - 1, 0);

		if (last > revocations->mark)
			revocations->mark = last;
		ask(revocations);
		return;
	}
	marks_move(revocations);
}

static void ask(struct revocations *revocations)
{
	if (revocations->asking || revocations->closing)
		return;
	snprintf(revocations->from, sizeof(revocations->from), "%lld",
		(long long)revocations->mark);
	revocations->call = (struct db_call){
		.query = QUERY_revocations_since,
		.lane = DB_WRITE,
		.count = 1,
		.params = { revocations->from },
		.done = asked,
		.owner = revocations,
	};
	revocations->asking = true;
	db_submit(revocations->app->db, &revocations->call);
}

static void second_over(uv_timer_t *timer)
{
	ask(timer->data);
}

void revocations_follow(struct revocations *revocations)
{
	revocations->marked_ms = clock_ms();
	uv_timer_start(&revocations->timer, second_over, 0, POLL_MS);
}

/* --- Telling ---------------------------------------------------------------------------------- */

static void message_take(struct message *message)
{
	struct revocation_message *told = CONTAINER_OF(message, struct revocation_message, message);

	revoked_set_add(told->to->set, told->subject, told->before_ms, clock_wall_ms());
	free(told);
}

static void tell(struct app *app, const char *subject, int64_t before_ms)
{
	struct revocation_message *told = calloc(1, sizeof(*told));

	if (!told)
		return; /* that loop reads it from the database in a second */
	told->message.run = message_take;
	told->to = app->revocations;
	memcpy(told->subject, subject, strlen(subject) + 1);
	told->before_ms = before_ms;
	loop_post(app->loop, &told->message);
}

void tokens_revoke(struct app *app, const char *subject, int64_t before_ms)
{
	if (strlen(subject) >= ID_SIZE)
		return;
	revoked_set_add(app->revocations->set, subject, before_ms, clock_wall_ms());
	for (struct app **other = app->all; other && *other; other++)
		if (*other != app && (*other)->revocations)
			tell(*other, subject, before_ms);
}

bool token_revoked(const struct app *app, const struct caller *caller)
{
	const struct revoked_set *set = app->revocations->set;

	return revoked_set_has(set, caller->session, caller->issued_ms) ||
		revoked_set_has(set, caller->id, caller->issued_ms);
}
