/* SPDX-License-Identifier: MIT
 *
 * Revocations of one loop. They come from the loop's own handlers, from other loops of the process
 * (messages), and once a second from the table `revocations`, so that every instance knows them
 * within about one second.
 *
 * Rows are read in order of their number. Numbers are assigned before the commit, so a row can
 * become visible after a row with a higher number. Each poll therefore starts at the highest number
 * that was known LAG_MS ago or earlier, which is longer than any statement may take. Reading a row
 * twice changes nothing.
 */
#include "reeyo/auth/token.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reeyo/core/clock.h"
#include "reeyo/core/log.h"
#include "reeyo/db/periodic.h"
#include "reeyo/db/queries/sessions.h"
#include "revoked_set.h"

#define LAG_MS 15000
#define ENTRIES_MAX (1u << 20)
#define ROWS_PER_POLL 2000

struct revocations {
	struct app *app;
	struct revoked_set *set;
	struct periodic periodic;
	bool polling;
	int64_t newest;          /* highest number read */
	int64_t mark, next_mark; /* highest number read LAG_MS ago, and at marked_ms */
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
	if (err) {
		free(revocations);
		return err;
	}
	*ret = revocations;
	return 0;
}

static void revocations_destroy(void *job)
{
	struct revocations *revocations = job;

	revoked_set_free(revocations->set);
	free(revocations);
}

void revocations_free(struct revocations *revocations)
{
	if (!revocations)
		return;
	if (revocations->polling)
		periodic_close(&revocations->periodic);
	else
		revocations_destroy(revocations);
}

/* --- Reading the database --------------------------------------------------------------------- */

static void revocations_move_marks(struct revocations *revocations)
{
	uint64_t now = clock_ms();

	if (now - revocations->marked_ms < LAG_MS)
		return;
	revocations->mark = revocations->next_mark;
	revocations->next_mark = revocations->newest;
	revocations->marked_ms = now;
}

static void revocations_add_rows(struct revocations *revocations, const struct db_result *result)
{
	int64_t now = clock_wall_ms();

	for (unsigned row = 0; row < db_rows(result); row++) {
		struct text subject = db_text(result, row, REVOCATIONS_SINCE_SUBJECT);
		int64_t number = db_int(result, row, REVOCATIONS_SINCE_NUMBER);
		char copy[ID_SIZE];

		if (number > revocations->newest)
			revocations->newest = number;
		if (subject.len == 0 || subject.len >= sizeof(copy))
			continue;
		memcpy(copy, subject.at, subject.len);
		copy[subject.len] = '\0';
		revoked_set_add(revocations->set, copy,
			db_int(result, row, REVOCATIONS_SINCE_BEFORE_MS), now);
	}
}

/* db logs errors; the next poll tries again. */
static void revocations_read(struct db_call *call, const struct db_result *result)
{
	struct revocations *revocations = call->owner;
	unsigned rows = db_rows(result);
	int64_t last;

	if (!periodic_continues(&revocations->periodic, result))
		return;
	revocations_add_rows(revocations, result);
	if (rows < ROWS_PER_POLL) {
		revocations_move_marks(revocations);
		return periodic_end(&revocations->periodic, false);
	}
	/* A full page: its rows are old, so continue after it at once. */
	last = db_int(result, rows - 1, REVOCATIONS_SINCE_NUMBER);
	if (last > revocations->mark)
		revocations->mark = last;
	periodic_end(&revocations->periodic, true);
}

static void revocations_poll(void *job)
{
	struct revocations *revocations = job;

	periodic_run(&revocations->periodic, revocations_read, revocations_since,
		&(struct revocations_since){ .after = revocations->mark, .limit = ROWS_PER_POLL });
}

void revocations_start(struct revocations *revocations)
{
	static const struct periodic_spec spec = {
		.every_ms = 1000, .round = revocations_poll, .free = revocations_destroy
	};
	struct app *app = revocations->app;

	revocations->marked_ms = clock_ms();
	if (periodic_start(&revocations->periodic, app->loop, app->db, &spec, revocations)) {
		log_line(LOG_ERROR, "no memory for polling revocations");
		return;
	}
	revocations->polling = true;
	periodic_wake(&revocations->periodic);
}

/* --- Other loops of the process --------------------------------------------------------------- */

static void revocation_received(struct message *message)
{
	struct revocation_message *sent = CONTAINER_OF(message, struct revocation_message, message);

	revoked_set_add(sent->to->set, sent->subject, sent->before_ms, clock_wall_ms());
	free(sent);
}

static void revocation_send(struct app *app, const char *subject, int64_t before_ms)
{
	struct revocation_message *message = calloc(1, sizeof(*message));

	if (!message)
		return; /* that loop reads it from the database within a second */
	message->message.run = revocation_received;
	message->to = app->revocations;
	memcpy(message->subject, subject, strlen(subject) + 1);
	message->before_ms = before_ms;
	loop_post(app->loop, &message->message);
}

void tokens_revoke(struct app *app, const char *subject, int64_t before_ms)
{
	if (strlen(subject) >= ID_SIZE)
		return;
	revoked_set_add(app->revocations->set, subject, before_ms, clock_wall_ms());
	for (struct app **other = app->all; other && *other; other++)
		if (*other != app && (*other)->revocations)
			revocation_send(*other, subject, before_ms);
}

bool token_revoked(const struct app *app, const struct caller *caller)
{
	const struct revoked_set *set = app->revocations->set;

	return revoked_set_has(set, caller->session, caller->issued_ms) ||
		revoked_set_has(set, caller->id, caller->issued_ms);
}
