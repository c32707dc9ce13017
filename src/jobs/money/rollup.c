/* SPDX-License-Identifier: MIT
 *
 * Roll-ups of the ledger. The statement decides up to where entries are final
 * (ledger_settled_until). It processes at most a week per call, so that a call stays short after a
 * long pause.
 */
#include "reeyo/jobs/rollup.h"

#include <stdlib.h>

#define FIRST_MS 5000
#define EVERY_MS 60000

struct rollup {
	struct db *db;
	uv_timer_t timer;
	struct db_call call;
	bool running, timer_open, closing;
};

static void rollup_step(struct rollup *rollup);

static void rollup_end(struct rollup *rollup)
{
	if (!rollup->running && !rollup->timer_open)
		free(rollup);
}

static void rollup_step_done(struct db_call *call, const struct db_result *result)
{
	struct rollup *rollup = call->owner;
	bool more = !db_error(result) && db_rows(result) && !db_bool(result, 0, 0);

	rollup->running = false;
	if (rollup->closing)
		return rollup_end(rollup);
	if (more)
		rollup_step(rollup);
}

static void rollup_step(struct rollup *rollup)
{
	rollup->running = true;
	rollup->call = (struct db_call){ .query = QUERY_ledger_roll_up,
		.lane = DB_WRITE,
		.done = rollup_step_done,
		.owner = rollup };
	db_submit(rollup->db, &rollup->call);
}

static void rollup_due(uv_timer_t *timer)
{
	struct rollup *rollup = timer->data;

	if (!rollup->running)
		rollup_step(rollup);
}

int rollup_new(struct loop *loop, struct db *db, struct rollup **ret)
{
	struct rollup *rollup = calloc(1, sizeof(*rollup));

	if (!rollup)
		return E_NO_MEMORY;
	rollup->db = db;
	rollup->timer.data = rollup;
	if (uv_timer_init(loop_uv(loop), &rollup->timer)) {
		free(rollup);
		return E_NO_MEMORY;
	}
	rollup->timer_open = true;
	uv_timer_start(&rollup->timer, rollup_due, FIRST_MS, EVERY_MS);
	*ret = rollup;
	return 0;
}

static void rollup_timer_closed(uv_handle_t *handle)
{
	struct rollup *rollup = handle->data;

	rollup->timer_open = false;
	rollup_end(rollup);
}

void rollup_close(struct rollup *rollup)
{
	if (!rollup)
		return;
	rollup->closing = true;
	uv_close((uv_handle_t *)&rollup->timer, rollup_timer_closed);
}
