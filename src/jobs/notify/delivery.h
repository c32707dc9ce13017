/* SPDX-License-Identifier: MIT
 *
 * A row of `messages` that is being sent: one outgoing message for each address of its recipient,
 * and one result. Private to src/jobs/notify.
 */
#ifndef REEYO_SRC_JOBS_DELIVERY_H
#define REEYO_SRC_JOBS_DELIVERY_H

#include "reeyo/core/json_writer.h"
#include "reeyo/db/db.h"
#include "reeyo/partners/notifier.h"

#define DEVICES_MAX 10

/* Kinds of deliveries that are bounded separately: each channel, and each channel of broadcasts. */
#define DELIVERY_KINDS (CHANNELS * 2u)
static inline enum channel delivery_kind_channel(unsigned kind)
{
	return (enum channel)(kind % CHANNELS);
}
static inline bool delivery_kind_is_bulk(unsigned kind)
{
	return kind >= CHANNELS;
}

/* Allocated in its own arena. */
struct delivery {
	struct app *app;
	struct arena *arena;
	struct delivery *next, *previous; /* in one of its owner's lists */
	int64_t id, tries;
	unsigned kind;
	struct outgoing_message messages[DEVICES_MAX];
	bool gone[DEVICES_MAX]; /* this address is invalid */
	unsigned count, waiting;
	bool sms_instead;    /* a text message may replace it */
	bool no_address;     /* the recipient has no address */
	bool provider_asked; /* a provider received a request */
	enum send_outcome outcome;
	int64_t retry_after_s;
	const char *reason;
	void (*done)(struct delivery *delivery);
	void *owner;
};

/* A row of messages_claim. NULL when out of memory, or when this version does not know its
 * channel. */
struct delivery *delivery_new(struct app *app, const struct db_result *result, unsigned row);
/* Cancels what is under way. */
void delivery_free(struct delivery *delivery);
/* Sends it. done is called once, when it has a result; maybe before this returns. */
void delivery_send(struct delivery *delivery, const struct db_result *result, unsigned row);
/* Appends its result as an element of the parameter of messages_store_results, and counts it. */
void delivery_result_write(struct json_writer *json, const struct delivery *delivery);

/* Lists of deliveries. */
struct delivery_list {
	struct delivery *first;
};
void delivery_list_add(struct delivery_list *list, struct delivery *delivery);
void delivery_list_remove(struct delivery_list *list, struct delivery *delivery);
/* Moves all. */
void delivery_list_move(struct delivery_list *from, struct delivery_list *to);

#endif
