/* SPDX-License-Identifier: MIT
 *
 * Upkeep: see the header. One statement is under way at a time, so that it is never more than a
 * ripple to what serves clients.
 */
#include "reeyo/jobs/upkeep.h"

#include <stdlib.h>

#include "reeyo/core/memory.h"

#define EVERY_MS 60000
#define BATCH 1000
#define BATCH_TEXT "1000"

/* One after the other, each until it finds less than a batch. */
static const enum query sweeps[] = { QUERY_sweep_expired,
	QUERY_sweep_webhooks, QUERY_sweep_messages };

struct upkeep {
	struct db *db;
	uv_timer_t timer;
	struct db_call call;
	unsigned sweep; /* under way */
	bool running, timer_open, closing;
};

static void upkeep_step(struct upkeep *upkeep);

static void upkeep_end(struct upkeep *upkeep)
{
	if (!upkeep->running && !upkeep->timer_open)
		free(upkeep);
}

static void step_done(struct db_call *call, const struct db_result *result)
{
	struct upkeep *upkeep = call->owner;
	bool full = !db_error(result) && db_rows(result) && db_int(result, 0, 0) >= BATCH;

	upkeep->running = false;
	if (upkeep->closing)
		return upkeep_end(upkeep);
	if (!full) /* what failed is tried again in a minute */
		upkeep->sweep++;
	if (upkeep->sweep < COUNT_OF(sweeps))
		upkeep_step(upkeep);
}

static void upkeep_step(struct upkeep *upkeep)
{
	upkeep->running = true;
	upkeep->call = (struct db_call){ .query = sweeps[upkeep->sweep], .lane = DB_WRITE,
		.count = 1, .params = { BATCH_TEXT }, .done = step_done, .owner = upkeep };
	db_submit(upkeep->db, &upkeep->call);
}

static void due(uv_timer_t *timer)
{
	struct upkeep *upkeep = timer->data;

	if (upkeep->running)
		return;
	upkeep->sweep = 0;
	upkeep_step(upkeep);
}

int upkeep_new(struct loop *loop, struct db *db, struct upkeep **ret)
{
	struct upkeep *upkeep = calloc(1, sizeof(*upkeep));

	if (!upkeep)
		return E_NO_MEMORY;
	upkeep->db = db;
	upkeep->timer.data = upkeep;
	if (uv_timer_init(loop_uv(loop), &upkeep->timer)) {
		free(upkeep);
		return E_NO_MEMORY;
	}
	upkeep->timer_open = true;
	uv_timer_start(&upkeep->timer, due, EVERY_MS, EVERY_MS);
	*ret = upkeep;
	return 0;
}

static void timer_closed(uv_handle_t *handle)
{
	struct upkeep *upkeep = handle->data;

	upkeep->timer_open = false;
	upkeep_end(upkeep);
}

void upkeep_close(struct upkeep *upkeep)
{
	if (!upkeep)
		return;
	upkeep->closing = true;
	uv_close((uv_handle_t *)&upkeep->timer, timer_closed);
}
