/* SPDX-License-Identifier: MIT
 *
 * Roll-ups of the ledger. The statement decides up to where entries are final
 * (ledger_settled_until). It processes at most a week per call, so that a call stays short after a
 * long pause.
 */
#include "reeyo/jobs/rollup.h"

#include <stdlib.h>

#include "reeyo/db/periodic.h"
#include "reeyo/db/queries/rollups.h"

struct rollup {
	struct periodic periodic;
};

static void rollup_done(struct db_call *call, const struct db_result *result)
{
	struct rollup *rollup = call->owner;

	if (periodic_continues(&rollup->periodic, result))
		periodic_end(&rollup->periodic, !db_bool(result, 0, LEDGER_ROLL_UP_DONE));
}

static void rollup_round(void *job)
{
	struct rollup *rollup = job;

	periodic_run(&rollup->periodic, rollup_done, ledger_roll_up);
}

int rollup_new(struct loop *loop, struct db *db, struct rollup **ret)
{
	static const struct periodic_spec spec = {
		.first_ms = 5000, .every_ms = 60000, .round = rollup_round, .free = free
	};
	struct rollup *rollup = calloc(1, sizeof(*rollup));

	if (!rollup)
		return E_NO_MEMORY;
	if (periodic_start(&rollup->periodic, loop, db, &spec, rollup)) {
		free(rollup);
		return E_NO_MEMORY;
	}
	*ret = rollup;
	return 0;
}

void rollup_close(struct rollup *rollup)
{
	if (rollup)
		periodic_close(&rollup->periodic);
}
