/* SPDX-License-Identifier: MIT
 *
 * Leases: see the header. A lease is valid from the moment its renewal was sent, and ends here half
 * a second before it ends in the table, so that clocks need not agree.
 */
#include "reeyo/db/lead.h"

#include <stdio.h>
#include <stdlib.h>

#include "reeyo/core/id.h"
#include "reeyo/core/log.h"

#define RENEW_MS 1000
#define MARGIN_MS 500

struct lead {
	struct loop *loop;
	struct db *db;
	const char *name;
	void (*gained)(void *arg);
	void *arg;
	uv_timer_t timer;
	struct db_call call;
	uint64_t sent_ms, until_ms;
	char holder[ID_SIZE], seconds[8];
	bool running, timer_open, closing;
};

static void lead_free_if_idle(struct lead *lead)
{
	if (!lead->running && !lead->timer_open)
		free(lead);
}

bool lead_held(const struct lead *lead)
{
	return loop_now(lead->loop) < lead->until_ms;
}

static void lead_renewed(struct db_call *call, const struct db_result *result)
{
	struct lead *lead = call->owner;
	bool held = lead_held(lead);

	lead->running = false;
	if (lead->closing)
		return lead_free_if_idle(lead);
	if (db_error(result))
		return; /* the lease stays valid until its time is over */
	lead->until_ms = db_rows(result) ? lead->sent_ms + LEAD_S * 1000 - MARGIN_MS : 0;
	if (held || !lead_held(lead))
		return;
	log_line(LOG_INFO, "leading", LOG_T("lease", lead->name));
	if (lead->gained)
		lead->gained(lead->arg);
}

static void lead_renew(uv_timer_t *timer)
{
	struct lead *lead = timer->data;

	if (lead->running || lead->closing)
		return;
	lead->running = true;
	lead->sent_ms = loop_now(lead->loop);
	lead->call = (struct db_call){ .query = QUERY_lease_take, .lane = DB_WRITE, .count = 3,
		.params = { lead->name, lead->holder, lead->seconds },
		.done = lead_renewed, .owner = lead };
	db_submit(lead->db, &lead->call);
}

int lead_new(struct loop *loop, struct db *db, const char *name, void (*gained)(void *arg),
	void *arg, struct lead **ret)
{
	struct lead *lead = calloc(1, sizeof(*lead));

	if (!lead)
		return E_NO_MEMORY;
	lead->loop = loop;
	lead->db = db;
	lead->name = name;
	lead->gained = gained;
	lead->arg = arg;
	lead->timer.data = lead;
	id_new(lead->holder, "instance_");
	snprintf(lead->seconds, sizeof(lead->seconds), "%d", LEAD_S);
	if (uv_timer_init(loop_uv(loop), &lead->timer)) {
		free(lead);
		return E_NO_MEMORY;
	}
	lead->timer_open = true;
	uv_timer_start(&lead->timer, lead_renew, 10, RENEW_MS);
	*ret = lead;
	return 0;
}

static void lead_timer_closed(uv_handle_t *handle)
{
	struct lead *lead = handle->data;

	lead->timer_open = false;
	lead_free_if_idle(lead);
}

void lead_close(struct lead *lead)
{
	if (!lead)
		return;
	lead->closing = true;
	lead->until_ms = 0;
	uv_close((uv_handle_t *)&lead->timer, lead_timer_closed);
}
