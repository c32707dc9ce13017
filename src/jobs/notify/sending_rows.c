/* SPDX-License-Identifier: MIT
 *
 * Reads queued rows; see sending.c.
 */
#include <stdio.h>

#include "reeyo/core/log.h"
#include "reeyo/db/queries/messages.h"
#include "sending_part.h"

/* A minute longer than a message can take. */
#define CLAIM_S (NOTIFIER_SEND_MAX_S + 60)
#define HELD_MAX 4096u
#define TAKE_MEMORY (128u << 10)
#define RECHECK_ROWS 500

/* The channels and bulks of all kinds, as parallel arrays of a statement. */
struct kind_arrays {
	const char *channels[DELIVERY_KINDS];
	bool bulks[DELIVERY_KINDS];
};

static void kind_arrays_set(struct kind_arrays *arrays)
{
	for (unsigned kind = 0; kind < DELIVERY_KINDS; kind++) {
		arrays->channels[kind] = channel_name(delivery_kind_channel(kind));
		arrays->bulks[kind] = delivery_kind_is_bulk(kind);
	}
}

/* --- Reading ---------------------------------------------------------------------------------- */

/* Reads the kind of a row. False: this version does not know it. */
static bool row_kind(const struct db_result *result, unsigned row, unsigned channel, unsigned bulk,
	unsigned *ret)
{
	return delivery_kind_of(db_text(result, row, channel), db_bool(result, row, bulk), ret);
}

static void row_take(struct sending *sending, const struct db_result *result, unsigned row)
{
	uint64_t now = sending_now(sending);
	int64_t id = db_int(result, row, MESSAGES_TAKE_ID);
	struct queued_message *entry;
	struct delivery *delivery;
	unsigned kind;

	if (!row_kind(result, row, MESSAGES_TAKE_CHANNEL, MESSAGES_TAKE_BULK, &kind))
		return;
	if (id > sending->reached[kind]) {
		sending->reached[kind] = id;
		sending->asked[kind]--;
	}
	entry = message_queue_add(sending->queue, kind,
		db_text(result, row, MESSAGES_TAKE_RECIPIENT), id,
		now + (uint64_t)db_int(result, row, MESSAGES_TAKE_WAIT_MS), now);
	if (!entry || !message_queue_wants_content(entry, now))
		return; /* without memory: messages_recheck finds it */
	delivery = delivery_new(sending->app, kind, result, row);
	if (delivery)
		message_queue_fill(sending->queue, entry, delivery, now);
}

/* A kind that returned all rows it was asked for may have more. */
static void take_ended(struct sending *sending, bool ok)
{
	for (unsigned kind = 0; kind < DELIVERY_KINDS; kind++)
		sending->more[kind] |= sending->asked[kind] == 0 || !ok;
	message_queue_wanted_done(
		sending->queue, sending->wanted, sending->wanted_count, ok, sending_now(sending));
	sending->wanted_count = 0;
	sending_statement_ended(sending);
}

static void rows_taken(struct db_call *call, const struct db_result *result)
{
	struct sending *sending = call->owner;
	bool ok = !db_error(result) && sending_leads(sending) &&
		db_bool(result, 0, MESSAGES_TAKE_LEADS);

	for (unsigned row = 0; ok && row < db_rows(result); row++)
		if (!db_is_null(result, row, MESSAGES_TAKE_ID))
			row_take(sending, result, row);
	take_ended(sending, ok);
	if (ok || sending->closing)
		sending_step(sending);
}

/* Half a page at least, so that statements are few and full. */
static int64_t kind_rows_wanted(const struct sending *sending, unsigned kind)
{
	unsigned room = message_queue_room(sending->queue, kind);

	return sending->more[kind] && room >= QUEUE_CONTENTS_MAX / 2 ? room : 0;
}

/* Whether there is anything to read. Channels whose provider does not answer wait. */
static bool take_prepare(struct sending *sending)
{
	bool any = false;

	for (unsigned kind = 0; kind < DELIVERY_KINDS; kind++) {
		bool may = sending_kind_available(sending, kind);
		int64_t rows = may ? kind_rows_wanted(sending, kind) : 0;

		sending->asked[kind] = rows ? rows : -1;
		sending->more[kind] &= !rows;
		any |= rows > 0;
		if (may)
			sending->wanted_count += message_queue_wanted(sending->queue, kind,
				sending->wanted + sending->wanted_count,
				SENDING_WANTED_MAX - sending->wanted_count);
	}
	return any || sending->wanted_count;
}

static void take_run(struct sending *sending, int64_t *held)
{
	int64_t counts[DELIVERY_KINDS], wanted[SENDING_WANTED_MAX];
	struct kind_arrays kinds;

	kind_arrays_set(&kinds);
	for (unsigned kind = 0; kind < DELIVERY_KINDS; kind++)
		counts[kind] = sending->asked[kind] > 0 ? sending->asked[kind] : 0;
	for (unsigned i = 0; i < sending->wanted_count; i++)
		wanted[i] = sending->wanted[i]->id;
	db_run(sending->app->db, sending_call(sending, rows_taken), messages_take,
		&(struct messages_take){ .holder = sending->holder,
			.channels = { kinds.channels, DELIVERY_KINDS },
			.bulks = { kinds.bulks, DELIVERY_KINDS },
			.afters = { sending->reached, DELIVERY_KINDS },
			.counts = { counts, DELIVERY_KINDS },
			.ids = { wanted, sending->wanted_count },
			.held = { held, message_queue_held(sending->queue, held, HELD_MAX) },
			.claim_s = CLAIM_S });
}

void sending_rows_take(struct sending *sending)
{
	int64_t *held;

	if (!take_prepare(sending))
		return;
	sending->arena = arena_new(sending->app->pool, TAKE_MEMORY);
	held = sending->arena ? arena_alloc(sending->arena, HELD_MAX * sizeof(*held)) : NULL;
	if (!held)
		return take_ended(sending, false);
	snprintf(sending->holder, sizeof(sending->holder), "%s", periodic_holder(sending->job));
	take_run(sending, held);
}

/* --- Rechecking ------------------------------------------------------------------------------- */

static void row_recheck(
	struct sending *sending, const struct db_result *result, unsigned row, unsigned *rows)
{
	uint64_t now = sending_now(sending);
	unsigned kind;

	if (!row_kind(result, row, MESSAGES_RECHECK_CHANNEL, MESSAGES_RECHECK_BULK, &kind))
		return;
	rows[kind]++;
	sending->rechecked[kind] = db_int(result, row, MESSAGES_RECHECK_ID);
	if (!message_queue_add(sending->queue, kind,
		    db_text(result, row, MESSAGES_RECHECK_RECIPIENT), sending->rechecked[kind],
		    now + (uint64_t)db_int(result, row, MESSAGES_RECHECK_WAIT_MS), now))
		log_line(LOG_ERROR, "no memory for a queued message");
}

static void rows_rechecked(struct db_call *call, const struct db_result *result)
{
	struct sending *sending = call->owner;
	unsigned rows[DELIVERY_KINDS] = { 0 };
	bool ok = !db_error(result) && sending_leads(sending);

	for (unsigned row = 0; ok && row < db_rows(result); row++)
		row_recheck(sending, result, row, rows);
	for (unsigned kind = 0; ok && kind < DELIVERY_KINDS; kind++)
		if (rows[kind] < RECHECK_ROWS)
			sending->rechecked[kind] = 0; /* from the start */
	sending_statement_ended(sending);
	if (ok || sending->closing)
		sending_step(sending);
}

bool sending_rows_recheck(struct sending *sending)
{
	struct kind_arrays kinds;
	bool any = false;

	sending->recheck_due = false;
	for (unsigned kind = 0; kind < DELIVERY_KINDS; kind++)
		any |= sending->reached[kind] > 0;
	if (!any)
		return false;
	kind_arrays_set(&kinds);
	db_run(sending->app->db, sending_call(sending, rows_rechecked), messages_recheck,
		&(struct messages_recheck){ .holder = sending->holder,
			.channels = { kinds.channels, DELIVERY_KINDS },
			.bulks = { kinds.bulks, DELIVERY_KINDS },
			.afters = { sending->rechecked, DELIVERY_KINDS },
			.lasts = { sending->reached, DELIVERY_KINDS },
			.limit = RECHECK_ROWS });
	return true;
}
