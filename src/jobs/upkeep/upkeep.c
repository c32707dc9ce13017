/* SPDX-License-Identifier: MIT
 *
 * Upkeep: see the header. One statement runs at a time, so that clients hardly notice it.
 */
#include "reeyo/jobs/upkeep.h"

#include <stdlib.h>

#include "reeyo/db/periodic.h"
#include "reeyo/db/queries/messages.h"
#include "reeyo/db/queries/operations.h"
#include "reeyo/db/queries/webhooks.h"

#define BATCH 1000

/* The statements run one after the other, each until it deletes less than a batch. */
enum sweep { SWEEP_EXPIRED, SWEEP_WEBHOOKS, SWEEP_MESSAGES, SWEEPS };

struct upkeep {
	struct periodic periodic;
	enum sweep sweep; /* under way */
};

static void upkeep_sweep(struct upkeep *upkeep);

/* The count is the first column of each. A failed statement runs again in a minute. */
static void upkeep_swept(struct db_call *call, const struct db_result *result)
{
	struct upkeep *upkeep = call->owner;
	bool full = !db_error(result) && db_int(result, 0, 0) >= BATCH;

	if (upkeep->periodic.closing)
		return periodic_end(&upkeep->periodic, false);
	if (!full)
		upkeep->sweep++;
	upkeep_sweep(upkeep);
}

static void upkeep_sweep(struct upkeep *upkeep)
{
	struct periodic *periodic = &upkeep->periodic;

	switch (upkeep->sweep) {
	case SWEEP_EXPIRED:
		return periodic_run(periodic, upkeep_swept, sweep_expired,
			&(struct sweep_expired){ .limit = BATCH });
	case SWEEP_WEBHOOKS:
		return periodic_run(periodic, upkeep_swept, sweep_webhooks,
			&(struct sweep_webhooks){ .limit = BATCH });
	case SWEEP_MESSAGES:
		return periodic_run(periodic, upkeep_swept, sweep_messages,
			&(struct sweep_messages){ .limit = BATCH });
	case SWEEPS:
		return periodic_end(periodic, false);
	}
}

static void upkeep_round(void *job)
{
	struct upkeep *upkeep = job;

	upkeep->sweep = SWEEP_EXPIRED;
	upkeep_sweep(upkeep);
}

int upkeep_new(struct loop *loop, struct db *db, struct upkeep **ret)
{
	static const struct periodic_spec spec = {
		.every_ms = 60000, .round = upkeep_round, .free = free
	};
	struct upkeep *upkeep = calloc(1, sizeof(*upkeep));

	if (!upkeep)
		return E_NO_MEMORY;
	if (periodic_start(&upkeep->periodic, loop, db, &spec, upkeep)) {
		free(upkeep);
		return E_NO_MEMORY;
	}
	*ret = upkeep;
	return 0;
}

void upkeep_close(struct upkeep *upkeep)
{
	if (upkeep)
		periodic_close(&upkeep->periodic);
}
