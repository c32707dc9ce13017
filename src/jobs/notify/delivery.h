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
/* The kind of a row. False: this version does not know its channel. */
bool delivery_kind_of(struct text channel, bool bulk, unsigned *ret) MUST_CHECK;

struct queued_message;
/* Allocated in its own arena, with copies of what it needs of the row. */
struct delivery {
	struct app *app;
	struct arena *arena;
	struct queued_message *entry;     /* its owner's */
	struct delivery *next, *previous; /* in one of its owner's lists */
	int64_t id, tries; /* tries: before this one, until it ends; then with this one */
	unsigned kind;
	struct text template, language;
	const char *params, *data, *addresses; /* JSON; NULL: none */
	bool verified;                         /* the recipient has verified the address */
	uint64_t until_ms;                 /* time of the loop's clock after which it is too late */
	struct outgoing_message *messages; /* one for each address */
	bool gone[DEVICES_MAX];            /* this address is invalid */
	unsigned count, waiting;
	bool no_address;     /* the recipient has no address */
	bool provider_asked; /* a provider received a request */
	enum send_outcome outcome;
	int64_t retry_after_s;
	const char *reason;
	/* after it has ended */
	const char *state; /* of the row */
	bool again;        /* it is QUEUED again, after wait_ms */
	bool sms_instead;  /* a text message is queued in its place */
	int64_t wait_ms;
	void (*done)(struct delivery *delivery);
	void *owner;
};

/* A row of messages_take, of a known kind. NULL when out of memory. */
struct delivery *delivery_new(
	struct app *app, unsigned kind, const struct db_result *result, unsigned row);
/* Cancels what is under way. NULL is allowed. */
void delivery_free(struct delivery *delivery);
/* Sends it. done is called once, when it has a result; maybe before this returns. */
void delivery_send(struct delivery *delivery);
/* Appends its result as an element of the parameter of messages_store_results. */
void delivery_result_write(struct json_writer *json, const struct delivery *delivery);

/* Lists of deliveries. */
struct delivery_list {
	struct delivery *first;
	unsigned count;
};
void delivery_list_add(struct delivery_list *list, struct delivery *delivery);
void delivery_list_remove(struct delivery_list *list, struct delivery *delivery);
/* Moves all. */
void delivery_list_move(struct delivery_list *from, struct delivery_list *to);

#endif
