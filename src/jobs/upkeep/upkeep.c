/* SPDX-License-Identifier: MIT
 *
 * Upkeep: see the header. One statement runs at a time, so that clients hardly notice it.
 */
#include "reeyo/jobs/upkeep.h"

#include <stdlib.h>

#include "reeyo/core/memory.h"

#define EVERY_MS 60000
#define BATCH 1000
#define BATCH_TEXT "1000"

/* Run one after the other, each until it deletes less than a batch. */
static const enum query sweeps[] = { QUERY_sweep_expired, QUERY_sweep_webhooks,
	QUERY_sweep_messages };

struct upkeep {
	struct db *db;
	uv_timer_t timer;
	struct db_call call;
	unsigned sweep; /* under way */
	bool running, timer_open, closing;
};

static void upkeep_step(struct upkeep *upkeep);

static void upkeep_free_if_idle(struct upkeep *upkeep)
{
	if (!upkeep->running && !upkeep->timer_open)
		free(upkeep);
}

static void upkeep_step_done(struct db_call *call, const struct db_result *result)
{
	struct upkeep *upkeep = call->owner;
	bool full = !db_error(result) && db_rows(result) && db_int(result, 0, 0) >= BATCH;

	upkeep->running = false;
	if (upkeep->closing)
		return upkeep_free_if_idle(upkeep);
	if (!full) /* a failed one runs again in a minute */
		upkeep->sweep++;
	if (upkeep->sweep < COUNT_OF(sweeps))
		upkeep_step(upkeep);
}

static void upkeep_step(struct upkeep *upkeep)
{
	upkeep->running = true;
	upkeep->call = (struct db_call){ .query = sweeps[upkeep->sweep],
		.lane = DB_WRITE,
		.count = 1,
		.params = { BATCH_TEXT },
		.done = upkeep_step_done,
		.owner = upkeep };
	db_submit(upkeep->db, &upkeep->call);
}

static void upkeep_tick(uv_timer_t *timer)
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
	uv_timer_start(&upkeep->timer, upkeep_tick, EVERY_MS, EVERY_MS);
	*ret = upkeep;
	return 0;
}

static void upkeep_timer_closed(uv_handle_t *handle)
{
	struct upkeep *upkeep = handle->data;

	upkeep->timer_open = false;
	upkeep_free_if_idle(upkeep);
}

void upkeep_close(struct upkeep *upkeep)
{
	if (!upkeep)
		return;
	upkeep->closing = true;
	uv_close((uv_handle_t *)&upkeep->timer, upkeep_timer_closed);
}
