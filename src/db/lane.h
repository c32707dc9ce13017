/* SPDX-License-Identifier: MIT
 *
 * Private parts of the database layer: the lanes of a loop. libpq's types stay in this folder.
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

/* The state of a statement in a lane's session. */
enum { STATEMENT_UNKNOWN, STATEMENT_PREPARING, STATEMENT_PREPARED };

/* A connection in pipeline mode: calls wait in `waiting` until the end of the turn, then in
 * `in_flight` until the Sync after them is answered. */
struct lane {
	struct db *db;
	enum db_lane kind;
	unsigned number;
	enum lane_state state;
	PGconn *pg;
	struct lane_watch *watch;    /* a separate allocation: libuv releases it one turn later */
	struct resolving *resolving; /* host names being resolved for this attempt */
	uv_timer_t timer;            /* connecting: the time limit; down: the next attempt */
	struct deadline stall;       /* runs while calls are in flight and no answer arrives */
	unsigned attempts;
	struct call_queue waiting, in_flight;
	PGresult *result;                /* of the first call in flight, until it is complete */
	unsigned syncs;                  /* read lanes: groups whose Sync has not been answered */
	unsigned char *statement_states; /* one per statement */
	unsigned prepared;               /* statements whose Parse was answered, while connecting */
	bool wants_write;
	bool prepare_failure_logged; /* the failure is logged once per connection */
};

/* The largest number of reads that share one Sync. */
#define READ_GROUP 16

struct lane_watch {
	uv_poll_t poll;
	struct lane *lane;
};

/* Where the lanes of a kind connect to: libpq parameters, and the hosts in order. */
#define TARGET_HOSTS 8
struct target {
	char **keys, **values;
	unsigned count;
	struct target_host {
		char *name, *port; /* port "": the default */
		bool resolve;      /* a host name, not an address or the folder of a socket */
	} hosts[TARGET_HOSTS];
	unsigned host_count; /* 0: libpq connects without our help (one host, not a name) */
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
	struct affinity_slot affinity[DB_LANES]
				     [AFFINITY_SLOTS]; /* by the kind that the call requested */
	struct turn_hook flush;
	struct deadline_list stalls, report_stalls;
	struct call_queue refused; /* completed at the end of the turn, never sent */
	void (*ready)(void *arg);
	void *ready_arg;
	unsigned open_handles;
	bool replica;
	bool schema_verified; /* the schema fits: all lanes may connect */
	bool closing;
	atomic_bool serves; /* db_ready, for other threads */
};

/* Like db_new, with the statements of a test instead of the embedded ones. */
int db_new_with(struct loop *loop, const struct config *config, const struct query_text *texts,
	unsigned count, struct db **ret) MUST_CHECK;

/* lane.c */
int lane_start(struct lane *lane) MUST_CHECK;
/* Sends the waiting calls. */
void lane_flush(struct lane *lane);
void lane_close(struct lane *lane);

/* lost.c */
void lane_connect(struct lane *lane);
void lane_connect_after(struct lane *lane, uint64_t wait_ms);
/* Closes the connection. Calls in flight are tried again or completed, and the timer for the next
 * attempt is started. */
void lane_lose(struct lane *lane, const char *why);
/* Closes the connection and stops every wait for it. */
void lane_drop(struct lane *lane);

/* connect.c */
int target_read(struct target *target, const char *url, const struct config *config,
	enum db_lane kind) MUST_CHECK;
void target_free(struct target *target);
/* Starts connecting; ends with lane_connected or lane_lose. */
void connect_begin(struct lane *lane);
void connect_continue(struct lane *lane);
/* Cancels a host look-up that is still running. */
void connect_cancel(struct lane *lane);

/* lane.c, called by connect.c */
void lane_connected(struct lane *lane);
void lane_watch(struct lane *lane, int events, uv_poll_cb happened);
void lane_unwatch(struct lane *lane);

/* db.c */
/* A call left its lane with a result: completes it. */
void db_completed(struct lane *lane, struct db_call *call, const struct db_result *result);
/* A call left its lost lane: sends it once more on another. */
void db_retry(struct lane *lane, struct db_call *call);
/* The call no longer binds its owner to its lane. */
void affinity_give(struct db_call *call);
void db_lane_up(struct lane *lane);
/* The first write lane has prepared every statement. */
void db_schema_verified(struct db *db);
void db_lane_down(struct lane *lane);
struct deadline_list *db_stalls(struct lane *lane);

/* result.c */
/* True after a deadlock or a conflict: the statement was rolled back and may run again. */
bool result_is_retryable(const PGresult *pg);
/* Sets error and detail from pg. name: the statement, for the log. */
void result_classify(struct db_result *result, const char *name);
/* True when the connection cannot be used after this error: shutdown, no longer the primary, or
 * statements that must be prepared again. */
bool result_ends_connection(const PGresult *pg, enum db_lane kind);

#endif
