/* SPDX-License-Identifier: MIT
 *
 * Inside the database layer: a loop's lanes. libpq's types stay in this folder.
 */
#ifndef REEYO_SRC_DB_LANE_H
#define REEYO_SRC_DB_LANE_H

#include <libpq-fe.h>
#include <stdatomic.h>

#include "embedded.h"
#include "reeyo/db/db.h"

struct db_result {
	PGresult *pg; /* NULL when the call never reached the server or its answer was lost */
	int error;
	const char *detail; /* of a pg error: lives in pg */
};

/* First in, first out, through db_call.next. */
struct call_queue {
	struct db_call *first, **last;
	unsigned count;
};
/* queue.c */
void queue_init(struct call_queue *queue);
void queue_push(struct call_queue *queue, struct db_call *call);
struct db_call *queue_pop(struct call_queue *queue);

enum lane_state { LANE_DOWN, LANE_CONNECTING, LANE_PREPARING, LANE_UP, LANE_CLOSED };

/* What a lane's session knows of a statement. */
enum { STATEMENT_UNKNOWN, STATEMENT_ASKED, STATEMENT_KNOWN };

/* A connection in pipeline mode: calls wait in `waiting` until the end of the turn, then in
 * `in_flight` until the Sync after them is answered. */
struct lane {
	struct db *db;
	enum db_lane kind;
	unsigned number;
	enum lane_state state;
	PGconn *pg;
	struct lane_watch *watch;    /* its own allocation: libuv is done with it a turn later */
	struct resolving *resolving; /* host names being looked up for this try */
	uv_timer_t timer;            /* connecting: its limit; down: the next try */
	struct deadline stall;       /* no answer for too long while calls are in flight */
	unsigned attempts;
	struct call_queue waiting, in_flight;
	PGresult *result;  /* of the first in flight, until it is complete */
	unsigned syncs;    /* of a read lane: groups whose Sync is still to be answered */
	unsigned char *known; /* of each statement */
	unsigned prepared; /* statements whose Parse has been answered while it connects */
	bool wants_write;
	bool prepare_told; /* that preparing fails was logged */
};

/* So many reads share one Sync at most. */
#define READ_GROUP 16

struct lane_watch {
	uv_poll_t poll;
	struct lane *lane;
};

/* Where a kind of lane connects to: libpq parameters, and the hosts in their order. */
#define TARGET_HOSTS 8
struct target {
	char **keys, **values;
	unsigned count;
	struct target_host {
		char *name, *port; /* port "": the default */
		bool resolve;      /* a name, not an address or a socket's folder */
	} hosts[TARGET_HOSTS];
	unsigned host_count; /* 0: libpq can do it without our help (one host, no name) */
};

#define AFFINITY_SLOTS 256
struct affinity_slot {
	struct lane *lane;
	unsigned in_flight;
};

struct db {
	struct loop *loop;
	const struct config *config;
	const struct query_text *texts;
	unsigned text_count;
	struct target targets[DB_LANES];
	struct lane *lanes[DB_LANES];
	unsigned counts[DB_LANES];
	struct affinity_slot affinity[DB_LANES][AFFINITY_SLOTS]; /* by the kind a call asked for */
	struct turn_hook flush;
	struct deadline_list stalls, report_stalls;
	struct call_queue refused; /* completed at the end of the turn without being sent */
	void (*ready)(void *arg);
	void *ready_arg;
	unsigned open_handles;
	bool replica;
	bool proved; /* the schema fits: all lanes connect */
	bool closing;
	atomic_bool serves; /* db_ready, for other threads */
};

/* As db_new, with the statements of a test instead of the product's. */
int db_new_with(struct loop *loop, const struct config *config, const struct query_text *texts,
	unsigned count, struct db **ret) MUST_CHECK;

/* lane.c */
int lane_start(struct lane *lane) MUST_CHECK;
/* Sends what waits. */
void lane_flush(struct lane *lane);
void lane_close(struct lane *lane);

/* lost.c */
void lane_connect(struct lane *lane);
void lane_connect_after(struct lane *lane, uint64_t wait_ms);
/* Closes the connection: what is in flight is tried again or completed, and a new try is timed. */
void lane_lose(struct lane *lane, const char *why);
/* Lets go of the connection and of every wait for it. */
void lane_drop(struct lane *lane);

/* connect.c */
int target_read(struct target *target, const char *url, const struct config *config,
	enum db_lane kind) MUST_CHECK;
void target_free(struct target *target);
/* Starts connecting; done in lane_connected or lane_lose. */
void connect_begin(struct lane *lane);
void connect_go_on(struct lane *lane);
/* Forgets a look-up that is still running. */
void connect_forget(struct lane *lane);

/* lane.c, called by connect.c */
void lane_connected(struct lane *lane);
void lane_watch(struct lane *lane, int events, uv_poll_cb happened);
void lane_unwatch(struct lane *lane);

/* db.c */
/* A call left its lane with its result. */
void db_completed(struct lane *lane, struct db_call *call, const struct db_result *result);
/* A call left its lost lane and is to go out once more on another. */
void db_try_again(struct lane *lane, struct db_call *call);
/* A call no longer keeps its owner to its lane. */
void affinity_give(struct db_call *call);
void db_lane_up(struct lane *lane);
/* The first write lane has prepared every statement. */
void db_proved(struct db *db);
void db_lane_down(struct lane *lane);
struct deadline_list *db_stalls(struct lane *lane);

/* result.c */
/* Ended for a deadlock or a conflict: it did nothing, and may be run again. */
bool result_is_undone(const PGresult *pg);
/* Fills error and detail from pg. name: of the statement, for the log. */
void result_judge(struct db_result *result, const char *name);
/* The connection is of no more use after this error: shutdown, no longer the primary, or statements
 * that have to be prepared again. */
bool result_ends_connection(const PGresult *pg, enum db_lane kind);

#endif
