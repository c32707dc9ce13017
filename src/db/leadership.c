/* SPDX-License-Identifier: MIT
 *
 * Leases: see the header. A lease is valid from the moment its renewal was sent, and ends here half
 * a second before it ends in the table, so that clocks need not agree.
 */
#include "reeyo/db/leadership.h"

#include <stdlib.h>

#include "reeyo/core/id.h"
#include "reeyo/core/log.h"
#include "reeyo/db/queries/leases.h"

#define RENEW_MS 1000
#define MARGIN_MS 500

struct leadership {
	struct loop *loop;
	struct db *db;
	const char *name;
	void (*gained)(void *arg);
	void *arg;
	uv_timer_t timer;
	struct db_call call;
	uint64_t sent_ms, until_ms;
	char holder[ID_SIZE];
	bool running, timer_open, closing;
};

static void leadership_free_if_idle(struct leadership *leadership)
{
	if (!leadership->running && !leadership->timer_open)
		free(leadership);
}

bool leadership_held(const struct leadership *leadership)
{
	return loop_now(leadership->loop) < leadership->until_ms;
}

const char *leadership_holder(const struct leadership *leadership)
{
	return leadership->holder;
}

static void leadership_renewed(struct db_call *call, const struct db_result *result)
{
	struct leadership *leadership = call->owner;
	bool held = leadership_held(leadership);

	leadership->running = false;
	if (leadership->closing)
		return leadership_free_if_idle(leadership);
	if (db_error(result))
		return; /* the lease stays valid until its time is over */
	leadership->until_ms =
		db_rows(result) ? leadership->sent_ms + LEADERSHIP_S * 1000 - MARGIN_MS : 0;
	if (held || !leadership_held(leadership))
		return;
	log_line(LOG_INFO, "leading", LOG_T("lease", leadership->name));
	if (leadership->gained)
		leadership->gained(leadership->arg);
}

static void leadership_renew(uv_timer_t *timer)
{
	struct leadership *leadership = timer->data;

	if (leadership->running || leadership->closing)
		return;
	leadership->running = true;
	leadership->sent_ms = loop_now(leadership->loop);
	leadership->call = (struct db_call){
		.lane = DB_WRITE, .done = leadership_renewed, .owner = leadership
	};
	db_run(leadership->db, &leadership->call, lease_take,
		&(struct lease_take){ .lease = leadership->name,
			.holder = leadership->holder,
			.seconds = LEADERSHIP_S });
}

int leadership_new(struct loop *loop, struct db *db, const char *name, void (*gained)(void *arg),
	void *arg, struct leadership **ret)
{
	struct leadership *leadership = calloc(1, sizeof(*leadership));

	if (!leadership)
		return E_NO_MEMORY;
	leadership->loop = loop;
	leadership->db = db;
	leadership->name = name;
	leadership->gained = gained;
	leadership->arg = arg;
	leadership->timer.data = leadership;
	id_new(leadership->holder, "instance_");
	if (uv_timer_init(loop_uv(loop), &leadership->timer)) {
		free(leadership);
		return E_NO_MEMORY;
	}
	leadership->timer_open = true;
	uv_timer_start(&leadership->timer, leadership_renew, 10, RENEW_MS);
	*ret = leadership;
	return 0;
}

static void leadership_timer_closed(uv_handle_t *handle)
{
	struct leadership *leadership = handle->data;

	leadership->timer_open = false;
	leadership_free_if_idle(leadership);
}

void leadership_close(struct leadership *leadership)
{
	if (!leadership)
		return;
	leadership->closing = true;
	leadership->until_ms = 0;
	uv_close((uv_handle_t *)&leadership->timer, leadership_timer_closed);
}
