/* SPDX-License-Identifier: MIT
 *
 * Work that repeats: a round every so many milliseconds, on one instance (the holder of a lease) or
 * on all, unless the last round still runs.
 *
 * A round is a chain of steps, usually statements, one at a time. It ends with exactly one
 * periodic_end. Each step checks its result with periodic_continues, which ends the round after an
 * error and when the job is closing:
 *
 *	static void upkeep_swept(struct db_call *call, const struct db_result *result)
 *	{
 *		struct upkeep *upkeep = call->owner;
 *
 *		if (!periodic_continues(&upkeep->periodic, result))
 *			return;
 *		periodic_end(&upkeep->periodic, db_rows(result) == BATCH);
 *	}
 *
 *	static void upkeep_round(void *job)
 *	{
 *		struct upkeep *upkeep = job;
 *
 *		periodic_run(&upkeep->periodic, upkeep_swept, sweep_expired,
 *			&(struct sweep_expired){ .limit = BATCH });
 *	}
 *
 * The job is freed when it is closed and nothing is under way any more: neither a round nor work
 * that it counted with periodic_hold. periodic_end, periodic_continues (when false) and
 * periodic_release may free it, so return directly after them.
 *
 * All functions: the loop's own thread, or before the loop runs.
 */
#ifndef REEYO_DB_PERIODIC_H
#define REEYO_DB_PERIODIC_H

#include "reeyo/db/db.h"
#include "reeyo/db/leadership.h"

struct periodic_spec {
	const char *lease; /* a row of `leases`; NULL: every instance runs rounds */
	unsigned first_ms; /* until the first round; 0: every_ms */
	unsigned every_ms;
	void (*round)(void *job); /* starts a round */
	void (*ended)(void *job); /* a round has ended: frees its memory; NULL: nothing to do */
	void (*free)(void *job);
};

/* Embedded in its job. */
struct periodic {
	const struct periodic_spec *spec;
	void *job;
	struct loop *loop;
	struct db *db;
	struct leadership *leadership;
	uv_timer_t timer;
	struct db_call call; /* the statement of the round */
	unsigned holds;      /* the timer, the round, and what periodic_hold counts */
	bool running, again, waking, closing;
};

/* spec: a constant. 0 or E_NO_MEMORY: then the caller frees the job. */
int periodic_start(struct periodic *periodic, struct loop *loop, struct db *db,
	const struct periodic_spec *spec, void *job) MUST_CHECK;
/* Ends the work; before the db is closed, and the loop must still turn. The job is freed when
 * nothing is under way, maybe before this returns. */
void periodic_close(struct periodic *periodic);

/* This instance holds the lease (or there is none), and the job is not closing. */
bool periodic_leads(const struct periodic *periodic);
/* The holder of the lease, as in `leases`. Only for a job with a lease. */
const char *periodic_holder(const struct periodic *periodic);
/* Starts a round now, or directly after the one that runs, if this instance leads. */
void periodic_wake(struct periodic *periodic);
/* The same in so many milliseconds, instead of when the next round is due. */
void periodic_wake_in(struct periodic *periodic, unsigned ms);

/* Ends the round. again: the next one starts at once. */
void periodic_end(struct periodic *periodic, bool again);
/* True when the round may go on after this result. False: the round has ended; after an error the
 * next one comes after half to one and a half times every_ms. */
bool periodic_continues(struct periodic *periodic, const struct db_result *result) MUST_CHECK;

/* Counts work beside the round. */
void periodic_hold(struct periodic *periodic);
void periodic_release(struct periodic *periodic);

/* Runs a statement of the round on the write lane; done's call->owner is the job:
 *	periodic_run(&job->periodic, done, name, &(struct name){ … }); */
#define periodic_run(periodic, done, name, ...) \
	db_run((periodic)->db, periodic_call((periodic), (done)), name __VA_OPT__(, ) __VA_ARGS__)
struct db_call *periodic_call(struct periodic *periodic,
	void (*done)(struct db_call *call, const struct db_result *result));

#endif
