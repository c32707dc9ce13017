/* SPDX-License-Identifier: MIT
 *
 * A loop's database: which lane a call takes, what happens when none can take it, and who is told.
 */
#include "lane.h"

#include <stdlib.h>
#include <string.h>

#include "reeyo/core/clock.h"
#include "reeyo/core/log.h"
#include "reeyo/core/memory.h"

/* Connections of one process (scaling guide: maxSockets 50). */
#define CONNECTIONS_MAX 50
/* A lane that has answered nothing for this much longer than a statement may take is dead. */
#define STALL_EXTRA_MS 2000

/* --- Choosing a lane ---------------------------------------------------------------------------- */

static unsigned lane_load(const struct lane *lane)
{
	return lane->waiting.count + lane->in_flight.count;
}

static struct lane *least_loaded(struct db *db, enum db_lane kind)
{
	struct lane *best = NULL;

	for (unsigned i = 0; i < db->counts[kind]; i++) {
		struct lane *lane = &db->lanes[kind][i];

		if (lane->state == LANE_UP && (!best || lane_load(lane) < lane_load(best)))
			best = lane;
	}
	return best;
}

/* The lane of the call's owner while any call of his is in flight there, else the least loaded. */
static struct lane *lane_choose(struct db *db, struct db_call *call)
{
	struct affinity_slot *slot = &db->affinity[call->affinity % AFFINITY_SLOTS];
	struct lane *lane;

	if (call->affinity && slot->in_flight && slot->lane->state == LANE_UP && slot->lane->kind == call->lane)
		return slot->lane;
	lane = least_loaded(db, call->lane);
	if (!lane && call->lane != DB_WRITE)
		lane = least_loaded(db, DB_WRITE); /* the primary stands in for a replica */
	return lane;
}

static void affinity_take(struct db *db, struct db_call *call, struct lane *lane)
{
	struct affinity_slot *slot = &db->affinity[call->affinity % AFFINITY_SLOTS];

	if (!call->affinity)
		return;
	if (slot->in_flight && slot->lane != lane) {
		call->affinity = 0; /* its lane is down: this call goes without */
		return;
	}
	slot->lane = lane;
	slot->in_flight++;
}

static void affinity_give(struct db *db, struct db_call *call)
{
	struct affinity_slot *slot = &db->affinity[call->affinity % AFFINITY_SLOTS];

	if (call->affinity && slot->in_flight)
		slot->in_flight--;
}

/* --- Submitting --------------------------------------------------------------------------------- */

void db_refuse(struct db *db, struct db_call *call, int error)
{
	call->refused = error;
	queue_push(&db->refused, call);
	db->flush.wanted = true;
}

void db_submit(struct db *db, struct db_call *call)
{
	struct lane *lane = db->closing ? NULL : lane_choose(db, call);

	if (!lane || lane_load(lane) >= (unsigned)db->config->db_lane_depth) {
		count_one(loop_counters(db->loop), COUNT_DB_REFUSED);
		return db_refuse(db, call, lane ? E_BUSY : E_STORE_DOWN);
	}
	affinity_take(db, call, lane);
	queue_push(&lane->waiting, call);
	count_one(loop_counters(db->loop), COUNT_DB_STATEMENTS);
	count_one(loop_counters(db->loop), COUNT_DB_IN_FLIGHT);
	db->flush.wanted = true;
}

/* A call left its lane: with its result, or (call NULL) to be submitted again. */
void db_completed(struct lane *lane, struct db_call *call, const struct db_result *result)
{
	struct db *db = lane->db;
	struct counters *counters = loop_counters(db->loop);

	count_add(counters, COUNT_DB_IN_FLIGHT, -1);
	if (!call)
		return;
	affinity_give(db, call);
	if (result->error)
		count_one(counters, COUNT_DB_ERRORS);
	if (call->sent_us)
		histogram_add(&counters->db, clock_us() - call->sent_us);
	call->done(call, result);
	if (lane->waiting.count)
		db->flush.wanted = true; /* the report lane sends one at a time */
}

static void refused_complete(struct db *db)
{
	unsigned count = db->refused.count; /* those refused by what runs here wait for the next turn */

	while (count--) {
		struct db_call *call = queue_pop(&db->refused);
		struct db_result result = { .error = call->refused, .detail = "" };

		call->done(call, &result);
	}
}

static void db_flush(struct turn_hook *hook)
{
	struct db *db = CONTAINER_OF(hook, struct db, flush);

	for (int kind = 0; kind < DB_LANES; kind++)
		for (unsigned i = 0; i < db->counts[kind]; i++)
			if (db->lanes[kind][i].waiting.count)
				lane_flush(&db->lanes[kind][i]);
	refused_complete(db);
}

static void lane_stalled(struct deadline *deadline)
{
	lane_lose(CONTAINER_OF(deadline, struct lane, stall), "no answer from the database for too long");
}

/* --- Ready -------------------------------------------------------------------------------------- */

bool db_ready(const struct db *db)
{
	for (int kind = 0; kind < DB_LANES; kind++) {
		bool up = false;

		for (unsigned i = 0; i < db->counts[kind]; i++)
			up |= db->lanes[kind][i].state == LANE_UP;
		if (!up && !(kind == DB_READ && db->replica) && kind != DB_REPORT)
			return false;
	}
	return true;
}

static void ready_tell(struct db *db)
{
	void (*ready)(void *) = db->ready;

	if (!ready || !db_ready(db))
		return;
	db->ready = NULL;
	ready(db->ready_arg);
}

void db_on_ready(struct db *db, void (*ready)(void *arg), void *arg)
{
	db->ready = ready;
	db->ready_arg = arg;
	ready_tell(db);
}

void db_lane_up(struct lane *lane)
{
	count_one(loop_counters(lane->db->loop), COUNT_DB_LANES_UP);
	ready_tell(lane->db);
}

/* --- Life --------------------------------------------------------------------------------------- */

static int connections_check(const struct config *config)
{
	int64_t loops = config->loops ? config->loops : uv_available_parallelism();
	int64_t all = loops * (config->db_write_lanes + config->db_read_lanes + 1);

	if (all <= CONNECTIONS_MAX)
		return 0;
	log_line(LOG_ERROR, "too many database connections: loops × (db_write_lanes + db_read_lanes + 1) may be 50",
		LOG_I("connections", all));
	return E_CONFIG;
}

static int lanes_start(struct db *db, enum db_lane kind, unsigned count)
{
	db->lanes[kind] = calloc(count, sizeof(struct lane));
	if (!db->lanes[kind])
		return E_NO_MEMORY;
	for (unsigned i = 0; i < count; i++) {
		struct lane *lane = &db->lanes[kind][i];

		lane->db = db;
		lane->kind = kind;
		lane->number = i;
		db->counts[kind]++;
		if (lane_start(lane))
			return E_NO_MEMORY;
	}
	return 0;
}

static int db_start(struct db *db)
{
	const struct config *config = db->config;
	const char *replica = config->replica_url[0] ? config->replica_url : config->database_url;
	int error;

	if ((error = connections_check(config)) ||
		(error = target_read(&db->targets[DB_READ], replica, config, DB_READ)) ||
		(error = target_read(&db->targets[DB_WRITE], config->database_url, config, DB_WRITE)) ||
		(error = target_read(&db->targets[DB_REPORT], replica, config, DB_REPORT)) ||
		(error = lanes_start(db, DB_WRITE, (unsigned)config->db_write_lanes)) ||
		(error = lanes_start(db, DB_READ, (unsigned)config->db_read_lanes)))
		return error;
	return lanes_start(db, DB_REPORT, 1);
}

int db_new_with(struct loop *loop, const struct config *config, const struct query_text *texts,
	unsigned count, struct db **ret)
{
	struct db *db = calloc(1, sizeof(*db));
	int error;

	if (!db)
		return E_NO_MEMORY;
	db->loop = loop;
	db->config = config;
	db->texts = texts;
	db->text_count = count;
	db->replica = config->replica_url[0] != '\0';
	db->flush.run = db_flush;
	queue_init(&db->refused);
	loop_hook(loop, PHASE_FLUSH, &db->flush);
	deadline_list_init(&db->stalls, loop, (uint64_t)config->db_statement_timeout + STALL_EXTRA_MS,
		lane_stalled);
	error = db_start(db);
	if (error) {
		db_close(db);
		return error;
	}
	*ret = db;
	return 0;
}

int db_new(struct loop *loop, const struct config *config, struct db **ret)
{
	return db_new_with(loop, config, embedded_queries, QUERY_COUNT, ret);
}

void db_close(struct db *db)
{
	struct db_call *call;

	if (!db)
		return;
	db->closing = true;
	for (int kind = 0; kind < DB_LANES; kind++)
		for (unsigned i = 0; i < db->counts[kind]; i++)
			lane_close(&db->lanes[kind][i]);
	while ((call = queue_pop(&db->refused))) {
		struct db_result result = { .error = call->refused, .detail = "" };

		call->done(call, &result);
	}
	loop_unhook(db->loop, PHASE_FLUSH, &db->flush);
	deadline_list_close(&db->stalls);
	while (db->open_handles)
		uv_run(loop_uv(db->loop), UV_RUN_ONCE);
	for (int kind = 0; kind < DB_LANES; kind++) {
		free(db->lanes[kind]);
		target_free(&db->targets[kind]);
	}
	free(db);
}
