/* SPDX-License-Identifier: MIT
 *
 * Periodic work; see the header.
 */
#include "reeyo/db/periodic.h"

#include <sodium.h>
#include <string.h>

static void periodic_round(struct periodic *periodic)
{
	periodic->running = true;
	periodic->again = false;
	periodic_hold(periodic);
	periodic->spec->round(periodic->job);
}

bool periodic_leads(const struct periodic *periodic)
{
	return !periodic->closing &&
		(!periodic->leadership || leadership_held(periodic->leadership));
}

const char *periodic_holder(const struct periodic *periodic)
{
	return leadership_holder(periodic->leadership);
}

void periodic_wake(struct periodic *periodic)
{
	if (!periodic_leads(periodic))
		return;
	if (periodic->running)
		periodic->again = true;
	else
		periodic_round(periodic);
}

void periodic_end(struct periodic *periodic, bool again)
{
	if (periodic->spec->ended)
		periodic->spec->ended(periodic->job);
	again |= periodic->again;
	periodic->running = periodic->again = false;
	if (again && periodic_leads(periodic))
		periodic_round(periodic);
	periodic_release(periodic);
}

/* After a failed round the next one comes at a random time around the usual one: jobs that start in
 * the same turn would otherwise meet again each time, and a short queue would always refuse the
 * same ones. */
static void periodic_retry(struct periodic *periodic)
{
	unsigned every_ms = periodic->spec->every_ms;

	if (!periodic->closing && !periodic->waking)
		periodic_wake_in(periodic, every_ms / 2 + randombytes_uniform(every_ms));
}

bool periodic_continues(struct periodic *periodic, const struct db_result *result)
{
	if (!periodic->closing && !db_error(result))
		return true;
	periodic->again = false;
	periodic_retry(periodic);
	periodic_end(periodic, false);
	return false;
}

struct db_call *periodic_call(struct periodic *periodic,
	void (*done)(struct db_call *call, const struct db_result *result))
{
	periodic->call = (struct db_call){ .lane = DB_WRITE, .done = done, .owner = periodic->job };
	return &periodic->call;
}

/* --- Life ------------------------------------------------------------------------------------- */

void periodic_hold(struct periodic *periodic)
{
	periodic->holds++;
}

void periodic_release(struct periodic *periodic)
{
	if (--periodic->holds == 0)
		periodic->spec->free(periodic->job);
}

static void periodic_tick(uv_timer_t *timer)
{
	struct periodic *periodic = timer->data;
	bool requested = periodic->waking;

	periodic->waking = false; /* the round may ask for the next one */
	if (!periodic->running || requested)
		periodic_wake(periodic);
}

static void periodic_leadership_gained(void *arg)
{
	periodic_wake(arg);
}

void periodic_wake_in(struct periodic *periodic, unsigned ms)
{
	if (periodic->closing)
		return;
	periodic->waking = true;
	uv_timer_start(&periodic->timer, periodic_tick, ms, periodic->spec->every_ms);
}

int periodic_start(struct periodic *periodic, struct loop *loop, struct db *db,
	const struct periodic_spec *spec, void *job)
{
	*periodic = (struct periodic){ .spec = spec, .job = job, .loop = loop, .db = db };
	if (spec->lease &&
		leadership_new(loop, db, spec->lease, periodic_leadership_gained, periodic,
			&periodic->leadership))
		return E_NO_MEMORY;
	if (uv_timer_init(loop_uv(loop), &periodic->timer)) {
		leadership_close(periodic->leadership);
		return E_NO_MEMORY;
	}
	periodic->timer.data = periodic;
	periodic_hold(periodic);
	periodic_wake_in(periodic, spec->first_ms ? spec->first_ms : spec->every_ms);
	return 0;
}

static void periodic_timer_closed(uv_handle_t *handle)
{
	periodic_release(handle->data);
}

void periodic_close(struct periodic *periodic)
{
	periodic->closing = true;
	leadership_close(periodic->leadership);
	uv_close((uv_handle_t *)&periodic->timer, periodic_timer_closed);
}
