/* SPDX-License-Identifier: MIT
 *
 * What sending.c and sending_rows.c share. Private to these two.
 */
#ifndef REEYO_SRC_JOBS_SENDING_PART_H
#define REEYO_SRC_JOBS_SENDING_PART_H

#include "delivery.h"
#include "message_queue.h"
#include "reeyo/core/id.h"
#include "sending.h"

/* Deliveries under way of a kind. */
#define SENDING_SLOTS 32u
/* Messages without content that one statement reads. */
#define SENDING_WANTED_MAX 256u

/* Broadcasts beside requests: what was begun in the present interval. */
struct sending_pace {
	uint64_t since_ms, answered; /* answered: requests by then */
	unsigned begun;
	bool busy; /* requests were answered in the last interval */
};

struct sending {
	struct app *app;
	const struct periodic *job;
	struct message_queue *queue;
	struct db_call call;
	/* being sent; with a result; results in the statement that is running */
	struct delivery_list under_way, ended, storing;
	unsigned slots_used[DELIVERY_KINDS];
	/* of each kind: the last id that was read; up to where it was rechecked; rows that the
	 * running messages_take may still return; there may be more */
	int64_t reached[DELIVERY_KINDS], rechecked[DELIVERY_KINDS], asked[DELIVERY_KINDS];
	bool more[DELIVERY_KINDS];
	struct queued_message *wanted[SENDING_WANTED_MAX]; /* whose content is being read */
	unsigned wanted_count;
	struct sending_pace pace;
	struct deadline_list result_waits, pace_waits, ticks;
	struct deadline result_wait, pace_wait, tick;
	struct arena *arena; /* of the statement that is running */
	bool running, results_due, recheck_due, forget, sends, closing;
	/* when closing: what was cancelled */
	char holder[ID_SIZE];
	int64_t cancelled[SENDING_SLOTS * DELIVERY_KINDS];
	unsigned cancelled_count;
};

uint64_t sending_now(const struct sending *sending);
/* This instance leads, and what it knows is not outdated. */
bool sending_leads(const struct sending *sending);
/* The provider of the kind's channel answers. */
bool sending_kind_available(const struct sending *sending, unsigned kind);
/* Sends what is ready, and starts the next statement. */
void sending_step(struct sending *sending);

/* The call of the next statement; statements run one at a time. */
struct db_call *sending_call(struct sending *sending,
	void (*done)(struct db_call *call, const struct db_result *result));
void sending_statement_ended(struct sending *sending);

/* --- sending_rows.c --------------------------------------------------------------------------- */

/* Reads new rows and missing contents, if any are wanted. */
void sending_rows_take(struct sending *sending);
/* Looks at rows that were read before. False: there are none. */
bool sending_rows_recheck(struct sending *sending);

#endif
