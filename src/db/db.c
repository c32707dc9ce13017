/* SPDX-License-Identifier: MIT
 *
 * The database connections of a loop: chooses the lane of a call, completes calls that no lane can
 * take, and reports when the loop is ready.
 */
#include "lane.h"

#include <stdlib.h>
#include <string.h>

#include "params.h"
#include "reeyo/core/clock.h"
#include "reeyo/core/log.h"
#include "reeyo/core/memory.h"
#include "reeyo/db/counters.h"

/* Connections of one process (scaling guide: maxSockets 50). */
#define CONNECTIONS_MAX 50
/* A lane without any reply for this long after the statement timeout is considered dead. */
#define STALL_EXTRA_MS 2000

/* The first lane of each kind makes a loop ready. The others connect later, to leave the processors
 * to the first ones (measured with two loops and 18 lanes in all: ready after 215 ms; 232 ms when
 * all connect at once). */
#define OTHERS_AFTER_MS 100

/* --- Choosing a lane -------------------------------------------------------------------------- */

static unsigned lane_load(const struct lane *lane)
{
	return lane->waiting.count + lane->in_flight.count;
}

/* Reads of one turn collect on one lane until its group is full: see lane.c. */
static bool lane_gathers(const struct lane *lane)
{
	return lane->kind == DB_READ && lane->state == LANE_UP && lane->waiting.count > 0 &&
		lane->waiting.count < READ_GROUP &&
		lane_load(lane) < (unsigned)lane->db->config->db_lane_depth;
}

static struct lane *least_loaded(struct db *db, enum db_lane kind)
{
	struct lane *best = NULL;

	for (unsigned i = 0; i < db->counts[kind]; i++) {
		struct lane *lane = &db->lanes[kind][i];

		if (lane_gathers(lane))
			return lane;
		if (lane->state == LANE_UP && (!best || lane_load(lane) < lane_load(best)))
			best = lane;
	}
	return best;
}

/* The lane of the call's owner while one of the owner's calls is in flight there, else the least
 * loaded lane. */
static struct lane *lane_choose(
	struct db *db, const struct db_call *call, const struct affinity_slot *slot)
{
	struct lane *lane;

	if (slot && slot->in_flight && slot->lane->state == LANE_UP)
		return slot->lane;
	lane = least_loaded(db, call->lane);
	if (!lane && call->lane == DB_READ)
		lane = least_loaded(db, DB_WRITE); /* the primary replaces a replica that is down */
	return lane;
}

static struct affinity_slot *affinity_slot(struct db *db, const struct db_call *call)
{
	/* Fibonacci hashing: the callers' hashes need not be uniform in every bit */
	uint32_t mixed = call->affinity * 2654435769u;

	return call->affinity ? &db->affinity[call->lane][mixed / (UINT32_MAX / AFFINITY_SLOTS + 1)]
			      : NULL;
}

static void affinity_take(struct db_call *call, struct affinity_slot *slot, struct lane *lane)
{
	if (!slot || (slot->in_flight && slot->lane != lane))
		return;
	slot->lane = lane;
	slot->in_flight++;
	call->slot = slot;
}

void affinity_give(struct db_call *call)
{
	if (call->slot)
		call->slot->in_flight--;
	call->slot = NULL;
}

/* --- Submitting ------------------------------------------------------------------------------- */

static void db_call_refuse(struct db *db, struct db_call *call, int error)
{
	call->refused = error;
	queue_push(&db->refused, call);
	db->flush.wanted = true;
	count_one(loop_counters(db->loop), COUNT_DB_REFUSED);
}

static void db_call_queue(struct db *db, struct db_call *call)
{
	struct affinity_slot *slot = affinity_slot(db, call);
	struct lane *lane = db->closing ? NULL : lane_choose(db, call, slot);

	call->slot = NULL;
	call->sent_us = 0;
	if (!lane || lane_load(lane) >= (unsigned)db->config->db_lane_depth)
		return db_call_refuse(db, call, lane ? E_BUSY : E_STORE_DOWN);
	affinity_take(call, slot, lane);
	queue_push(&lane->waiting, call);
	count_one(loop_counters(db->loop), COUNT_DB_STATEMENTS);
	count_one(loop_counters(db->loop), COUNT_DB_IN_FLIGHT);
	db->flush.wanted = true;
}

void db_submit(struct db *db, struct db_call *call)
{
	call->tries = 0;
	db_call_queue(db, call);
}

static void *params_memory_arena(void *arg, size_t size)
{
	return arena_alloc(arg, size);
}

static void *params_memory_call(void *arg, size_t size)
{
	struct db_call *call = arg;

	return call->memory = malloc(size);
}

int db_fill(struct db_call *call, struct arena *arena, enum query query, const void *params)
{
	const struct query_text *statement = &embedded_queries[query];

	call->query = query;
	call->count = statement->param_count;
	call->memory = NULL;
	return params_write(statement, params, call->params,
		arena ? params_memory_arena : params_memory_call, arena ? (void *)arena : call);
}

void db_run_query(struct db *db, struct db_call *call, enum query query, const void *params)
{
	int error = db_fill(call, NULL, query, params);

	if (!error)
		return db_submit(db, call);
	call->tries = 0;
	call->slot = NULL;
	db_call_refuse(db, call, error);
}

/* done may free the call or submit it again with other parameters. */
static void db_call_complete(struct db_call *call, const struct db_result *result)
{
	void *memory = call->memory;

	call->memory = NULL;
	call->done(call, result);
	free(memory);
}

void db_retry(struct lane *lane, struct db_call *call)
{
	count_add(loop_counters(lane->db->loop), COUNT_DB_IN_FLIGHT, -1);
	call->tries++;
	db_call_queue(lane->db, call);
}

void db_completed(struct lane *lane, struct db_call *call, const struct db_result *result)
{
	struct db *db = lane->db;
	struct counters *counters = loop_counters(db->loop);

	count_add(counters, COUNT_DB_IN_FLIGHT, -1);
	affinity_give(call);
	if (result->error)
		count_one(counters, COUNT_DB_ERRORS);
	if (call->sent_us)
		histogram_add(&counters->histogram[COUNTERS_DB], clock_us() - call->sent_us);
	db_call_complete(call, result);
	if (lane->waiting.count)
		db->flush.wanted = true; /* the report lane sends one at a time */
}

static void refused_complete(struct db *db)
{
	unsigned count =
		db->refused.count; /* calls refused during this loop wait for the next turn */

	while (count--) {
		struct db_call *call = queue_pop(&db->refused);
		struct db_result result = { .error = call->refused, .detail = "" };

		db_call_complete(call, &result);
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
	lane_lose(CONTAINER_OF(deadline, struct lane, stall),
		"no answer from the database for too long");
}

struct deadline_list *db_stalls(struct lane *lane)
{
	return lane->kind == DB_REPORT ? &lane->db->report_stalls : &lane->db->stalls;
}

/* --- Ready ------------------------------------------------------------------------------------ */

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

static void db_report_ready(struct db *db)
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
	db_report_ready(db);
}

bool db_serves(const struct db *db)
{
	return atomic_load(&db->serves);
}

void db_lane_down(struct lane *lane)
{
	atomic_store(&lane->db->serves, db_ready(lane->db));
}

void db_lane_up(struct lane *lane)
{
	atomic_store(&lane->db->serves, db_ready(lane->db));
	count_one(loop_counters(lane->db->loop), COUNT_DB_LANES_UP);
	db_report_ready(lane->db);
}

void db_schema_verified(struct db *db)
{
	if (db->schema_verified)
		return;
	db->schema_verified = true;
	for (int kind = 0; kind < DB_LANES; kind++)
		for (unsigned i = 0; i < db->counts[kind]; i++)
			if (db->lanes[kind][i].state == LANE_DOWN)
				lane_connect_after(&db->lanes[kind][i],
					kind != DB_WRITE && i == 0 ? 0 : OTHERS_AFTER_MS);
}

/* --- Life ------------------------------------------------------------------------------------- */

/* The number of lanes of each kind. One loop per core is our default, so it must not fail because
 * of too many connections: each loop gets fewer lanes. With a configured number of loops, too many
 * connections are an error. */
static int lanes_count(const struct config *config, unsigned counts[DB_LANES])
{
	unsigned loops = (unsigned)(config->loops ? config->loops : loops_default());
	unsigned write = (unsigned)config->db_write_lanes, read = (unsigned)config->db_read_lanes;

	while (!config->loops && loops * (write + read + 1) > CONNECTIONS_MAX && write + read > 2)
		(*(write >= read ? &write : &read))--;
	if (loops * (write + read + 1) > CONNECTIONS_MAX) {
		log_line(LOG_ERROR,
			"too many database connections: loops × (db_write_lanes + db_read_lanes "
			"+ 1) may be at most 50",
			LOG_I("loops", loops), LOG_I("connections", loops * (write + read + 1)));
		return E_CONFIG;
	}
	counts[DB_WRITE] = write;
	counts[DB_READ] = read;
	counts[DB_REPORT] = 1;
	return 0;
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
	const char *replica = db->replica ? config->replica_url : config->database_url;
	unsigned counts[DB_LANES];
	int error;

	if ((error = lanes_count(config, counts)) ||
		(error = target_read(&db->targets[DB_READ], replica, config, DB_READ)) ||
		(error = target_read(
			 &db->targets[DB_WRITE], config->database_url, config, DB_WRITE)) ||
		(error = target_read(&db->targets[DB_REPORT], replica, config, DB_REPORT)) ||
		(error = lanes_start(db, DB_WRITE, counts[DB_WRITE])) ||
		(error = lanes_start(db, DB_READ, counts[DB_READ])))
		return error;
	return lanes_start(db, DB_REPORT, counts[DB_REPORT]);
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
	deadline_list_init(&db->stalls, loop,
		(uint64_t)config->db_statement_timeout + STALL_EXTRA_MS, lane_stalled);
	deadline_list_init(&db->report_stalls, loop,
		(uint64_t)config->db_report_timeout + STALL_EXTRA_MS, lane_stalled);
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
	if (!db)
		return;
	db->closing = true;
	for (int kind = 0; kind < DB_LANES; kind++)
		for (unsigned i = 0; i < db->counts[kind]; i++)
			lane_close(&db->lanes[kind][i]);
	while (db->refused.count)
		refused_complete(db);
	loop_unhook(db->loop, PHASE_FLUSH, &db->flush);
	deadline_list_close(&db->stalls);
	deadline_list_close(&db->report_stalls);
	while (db->open_handles)
		uv_run(loop_uv(db->loop), UV_RUN_ONCE);
	for (int kind = 0; kind < DB_LANES; kind++) {
		free(db->lanes[kind]);
		target_free(&db->targets[kind]);
	}
	free(db);
}

/* FNV-1a; never 0 for an account. */
uint32_t db_affinity(const char *account_id)
{
	uint32_t hash = 2166136261u;

	if (!account_id || !*account_id)
		return 0;
	for (const char *c = account_id; *c; c++)
		hash = (hash ^ (unsigned char)*c) * 16777619u;
	return hash | 1;
}
