/* SPDX-License-Identifier: MIT
 *
 * Sending alternates between two statements, one at a time: messages_claim claims rows that are
 * due, messages_store_results stores their results. A claim lasts CLAIM_S, a minute longer than a
 * message can take, so one instance at a time sends a row. When an instance dies in between, the
 * row is sent again: delivery is at least once.
 *
 * When a push reaches no device (the app or the device was removed), messages_store_results adds a
 * text message instead, if the message has an SMS template.
 *
 * Order: only the oldest queued row of a recipient and channel is claimed. Bounds: SLOTS deliveries
 * under way for each channel, and as many for broadcasts, so that a slow provider or a large
 * broadcast does not delay others.
 */
#include "sending.h"

#include <stdlib.h>

#include "delivery.h"
#include "reeyo/core/log.h"
#include "reeyo/db/queries/messages.h"

#define SLOTS 32u
#define CLAIM_S (NOTIFIER_SEND_MAX_S + 60)
#define RESULTS_MEMORY (1u << 20)
#define RESULTS_BYTES (64u << 10) /* in one statement; the next stores the rest */

struct sending {
	struct app *app;
	const struct periodic *job;
	struct db_call call;
	/* being sent; with a result; results in the statement that is running */
	struct delivery_list under_way, ended, storing;
	unsigned slots_used[DELIVERY_KINDS];
	struct arena *arena; /* of the results that are being stored */
	bool running, again, closing;
};

static void sending_step(struct sending *sending);

static void sending_list_free(struct sending *sending, struct delivery_list *list)
{
	while (list->first) {
		struct delivery *delivery = list->first;

		delivery_list_remove(list, delivery);
		sending->slots_used[delivery->kind]--;
		delivery_free(delivery);
	}
}

static void sending_delivery_done(struct delivery *delivery)
{
	struct sending *sending = delivery->owner;

	delivery_list_remove(&sending->under_way, delivery);
	delivery_list_add(&sending->ended, delivery);
	sending_step(sending);
}

static void sending_statement_ended(struct sending *sending)
{
	sending->running = false;
	arena_free(TAKE_PTR(sending->arena));
	if (sending->closing) {
		sending_list_free(sending, &sending->storing);
		free(sending);
	}
}

/* --- Storing results -------------------------------------------------------------------------- */

/* Results that could not be stored are stored by the next statement. */
static void results_stored(struct db_call *call, const struct db_result *result)
{
	struct sending *sending = call->owner;
	bool failed = db_error(result) != 0, closing = sending->closing;

	if (failed && !closing)
		delivery_list_move(&sending->storing, &sending->ended);
	else
		sending_list_free(sending, &sending->storing);
	sending_statement_ended(sending);
	if (!failed && !closing)
		sending_step(sending);
}

/* Moves results to `storing` and writes them as JSON. NULL when out of memory. */
static const char *results_write(struct sending *sending)
{
	struct buf out = buf_in(sending->arena, 4096);
	struct json_writer json = json_write_to(&out);

	json_write_array(&json);
	while (sending->ended.first && out.len < RESULTS_BYTES) {
		struct delivery *delivery = sending->ended.first;

		delivery_list_remove(&sending->ended, delivery);
		delivery_list_add(&sending->storing, delivery);
		delivery_result_write(&json, delivery);
	}
	json_write_array_end(&json);
	return json_write_finish(&json);
}

static void results_submit(struct sending *sending)
{
	const char *results;

	sending->arena = arena_new(sending->app->pool, RESULTS_MEMORY);
	results = sending->arena ? results_write(sending) : NULL;
	if (!results) {
		log_line(LOG_ERROR, "no memory for the results of messages");
		delivery_list_move(&sending->storing, &sending->ended);
		return sending_statement_ended(sending);
	}
	sending->call =
		(struct db_call){ .lane = DB_WRITE, .done = results_stored, .owner = sending };
	db_run(sending->app->db, &sending->call, messages_store_results,
		&(struct messages_store_results){ .results = results });
}

/* --- Claiming --------------------------------------------------------------------------------- */

static void row_send(struct sending *sending, const struct db_result *result, unsigned row)
{
	struct delivery *delivery = delivery_new(sending->app, result, row);

	if (!delivery)
		return; /* claimed again when the claim has expired */
	delivery->done = sending_delivery_done;
	delivery->owner = sending;
	sending->slots_used[delivery->kind]++;
	delivery_list_add(&sending->under_way, delivery);
	delivery_send(delivery, result, row);
}

static void rows_claimed(struct db_call *call, const struct db_result *result)
{
	struct sending *sending = call->owner;
	bool ok = !sending->closing && !db_error(result);

	for (unsigned row = 0; ok && row < db_rows(result); row++)
		if (!db_is_null(result, row, MESSAGES_CLAIM_ID))
			row_send(sending, result, row);
	sending->again |= ok && db_int(result, 0, MESSAGES_CLAIM_EXAMINED) > 0;
	sending_statement_ended(sending);
	if (ok)
		sending_step(sending);
}

static int64_t slots_free(const struct sending *sending, unsigned kind)
{
	return notifier_channel_available(sending->app->notifier, delivery_kind_channel(kind))
		? SLOTS - sending->slots_used[kind]
		: 0;
}

static void rows_claim_submit(struct sending *sending)
{
	const char *channels[DELIVERY_KINDS];
	bool bulks[DELIVERY_KINDS], any = false;
	int64_t slots[DELIVERY_KINDS];

	sending->again = false;
	for (unsigned kind = 0; kind < DELIVERY_KINDS; kind++) {
		channels[kind] = channel_name(delivery_kind_channel(kind));
		bulks[kind] = delivery_kind_is_bulk(kind);
		slots[kind] = slots_free(sending, kind);
		any |= slots[kind] > 0;
	}
	if (!any)
		return sending_statement_ended(sending);
	sending->call =
		(struct db_call){ .lane = DB_WRITE, .done = rows_claimed, .owner = sending };
	db_run(sending->app->db, &sending->call, messages_claim,
		&(struct messages_claim){ .channels = { channels, DELIVERY_KINDS },
			.bulks = { bulks, DELIVERY_KINDS },
			.slots = { slots, DELIVERY_KINDS },
			.claim_s = CLAIM_S,
			.behind_s = MESSAGE_BEHIND_S });
}

/* Results are stored first: that frees slots, and makes the recipient's next message due. */
static void sending_step(struct sending *sending)
{
	if (sending->running || sending->closing)
		return;
	if (!sending->ended.first && (!sending->again || !periodic_leads(sending->job)))
		return;
	sending->running = true;
	if (sending->ended.first) {
		sending->again = true;
		results_submit(sending);
	} else {
		rows_claim_submit(sending);
	}
}

/* --- Life ------------------------------------------------------------------------------------- */

void sending_wake(struct sending *sending)
{
	sending->again = true;
	sending_step(sending);
}

int sending_new(struct app *app, const struct periodic *job, struct sending **ret)
{
	struct sending *sending = calloc(1, sizeof(*sending));

	if (!sending)
		return E_NO_MEMORY;
	sending->app = app;
	sending->job = job;
	*ret = sending;
	return 0;
}

void sending_close(struct sending *sending)
{
	if (!sending)
		return;
	sending->closing = true;
	sending_list_free(sending, &sending->under_way);
	sending_list_free(sending, &sending->ended);
	if (!sending->running)
		free(sending);
}
