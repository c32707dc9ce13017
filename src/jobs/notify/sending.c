/* SPDX-License-Identifier: MIT
 *
 * Sending. The instance that leads reads queued rows in the order of their ids (messages_take), a
 * page for each kind of delivery whenever half a page is left, and remembers the id it has reached;
 * so a statement costs the same whatever waits behind. What it knows is in memory
 * (message_queue.h): which message of which recipient is next, and which waits for its next try.
 * Results are collected for a moment and stored in one statement (messages_store_results), the only
 * update of a row that was sent. Statements run one at a time.
 *
 * Two instances: messages_take reads nothing without the lease, and records which messages are held
 * (`message_claims`). A claim lasts a minute longer than a message can take. So a new
 * leader does not send what the last one may still be sending; what that one did not finish is sent
 * again after its claim: delivery is at least once. Memory is cleared when the lease is lost.
 *
 * Rows can become ready behind the id that was reached: an admin queues a dead one again, or a
 * transaction commits late. messages_recheck looks at known and forgotten ones, some each second.
 *
 * When a push reaches no device (the app or the device was removed), messages_store_results adds a
 * text message instead, if the message has an SMS template.
 *
 * Bounds: SENDING_SLOTS deliveries under way for each channel, and as many for broadcasts, so that
 * a slow provider or a large broadcast does not delay others; entries and contents by
 * message_queue.h.
 */
#include <stdlib.h>

#include "delivery.h"
#include "reeyo/core/id.h"
#include "reeyo/core/log.h"
#include "reeyo/db/queries/messages.h"
#include "reeyo/http/counters.h"
#include "sending_part.h"

/* Of a statement. A result that would not fit is stored by the next one. */
#define RESULTS_MEMORY (1u << 20)
#define RESULTS_BYTES (64u << 10)
/* Results are stored when there are so many, or the first has waited so long. */
#define RESULTS_MANY 128u
#define RESULTS_WAIT_MS 20
#define TICK_MS 1000
/* While requests are answered, broadcasts begin PACE_SENDS deliveries in each interval: 400 a
 * second, more than providers accept. Without a limit a provider that answers at once takes a
 * fifth of the orders that the machine can place. */
#define PACE_MS 100
#define PACE_SENDS 40u
#define PACE_BUSY 10u /* requests of this loop in an interval */

static void sending_free(struct sending *sending)
{
	message_queue_free(sending->queue);
	free(sending);
}

uint64_t sending_now(const struct sending *sending)
{
	return loop_now(sending->app->loop);
}

bool sending_leads(const struct sending *sending)
{
	return !sending->closing && !sending->forget && periodic_leads(sending->job);
}

static void sending_look(struct sending *sending)
{
	for (unsigned kind = 0; kind < DELIVERY_KINDS; kind++)
		sending->more[kind] = true;
}

/* What this instance knew is outdated when it leads again. */
static void sending_forget(struct sending *sending)
{
	sending->forget = sending->running;
	if (sending->running)
		return; /* after the statement */
	message_queue_clear(sending->queue);
	memset(sending->reached, 0, sizeof(sending->reached));
	memset(sending->rechecked, 0, sizeof(sending->rechecked));
	sending_look(sending);
}

/* --- Statements ------------------------------------------------------------------------------- */

struct db_call *sending_call(
	struct sending *sending, void (*done)(struct db_call *call, const struct db_result *result))
{
	sending->running = true;
	sending->call = (struct db_call){ .lane = DB_WRITE, .done = done, .owner = sending };
	return &sending->call;
}

void sending_statement_ended(struct sending *sending)
{
	sending->running = false;
	arena_free(TAKE_PTR(sending->arena));
	if (sending->forget)
		sending_forget(sending);
}

/* --- Sending ---------------------------------------------------------------------------------- */

static void sending_delivery_done(struct delivery *delivery)
{
	struct sending *sending = delivery->owner;

	sending->slots_used[delivery->kind]--;
	delivery_list_remove(&sending->under_way, delivery);
	delivery_list_add(&sending->ended, delivery);
	if (!delivery->again)
		message_queue_end(sending->queue, delivery->entry, sending_now(sending));
	if (!deadline_runs(&sending->result_wait))
		deadline_start(&sending->result_waits, &sending->result_wait);
	sending_step(sending);
}

static void entry_send(struct sending *sending, struct queued_message *entry)
{
	struct delivery *delivery = entry->content;

	delivery->entry = entry;
	delivery->done = sending_delivery_done;
	delivery->owner = sending;
	sending->slots_used[delivery->kind]++;
	delivery_list_add(&sending->under_way, delivery);
	delivery_send(delivery);
}

bool sending_kind_available(const struct sending *sending, unsigned kind)
{
	return notifier_channel_available(sending->app->notifier, delivery_kind_channel(kind));
}

static void pace_update(struct sending *sending)
{
	struct sending_pace *pace = &sending->pace;
	uint64_t now = sending_now(sending), ms = now - pace->since_ms;
	uint64_t answered = loop_counters(sending->app->loop)->value[COUNT_HTTP_1XX_2XX];

	if (ms < PACE_MS)
		return;
	*pace = (struct sending_pace){ .since_ms = now,
		.answered = answered,
		.busy = (answered - pace->answered) * PACE_MS >= PACE_BUSY * ms };
}

/* Whether a broadcast may begin another delivery; if not, sending_step comes when it may. */
static bool pace_allows(struct sending *sending, unsigned kind)
{
	if (!delivery_kind_is_bulk(kind))
		return true;
	pace_update(sending);
	if (!sending->pace.busy || sending->pace.begun < PACE_SENDS)
		return true;
	if (!deadline_runs(&sending->pace_wait))
		deadline_start(&sending->pace_waits, &sending->pace_wait);
	return false;
}

static void kind_send(struct sending *sending, unsigned kind)
{
	struct queued_message *entry;

	while (sending->slots_used[kind] < SENDING_SLOTS && sending_kind_available(sending, kind) &&
		pace_allows(sending, kind) &&
		(entry = message_queue_take(sending->queue, kind, sending_now(sending)))) {
		sending->pace.begun += delivery_kind_is_bulk(kind);
		entry_send(sending, entry);
	}
}

/* A delivery may be done before its start returns: then this is called again within itself. */
static void ready_send(struct sending *sending)
{
	if (sending->sends || !sending_leads(sending))
		return;
	sending->sends = true;
	for (unsigned kind = 0; kind < DELIVERY_KINDS; kind++)
		kind_send(sending, kind);
	sending->sends = false;
}

/* --- Storing results -------------------------------------------------------------------------- */

static void result_done(struct sending *sending, struct delivery *delivery)
{
	uint64_t now = sending_now(sending), due = now + (uint64_t)delivery->wait_ms;

	if (delivery->sms_instead)
		sending->more[CHANNEL_SMS] = true;
	if (delivery->again)
		message_queue_park(sending->queue, delivery->entry,
			due < delivery->until_ms ? due : delivery->until_ms);
	else
		message_queue_remove(sending->queue, delivery->entry, now);
}

/* Results that could not be stored are stored by a later statement. */
static void results_stored(struct db_call *call, const struct db_result *result)
{
	struct sending *sending = call->owner;
	bool failed = db_error(result) != 0;

	if (failed && !sending->closing)
		delivery_list_move(&sending->storing, &sending->ended);
	while (sending->storing.first) {
		struct delivery *delivery = sending->storing.first;

		delivery_list_remove(&sending->storing, delivery);
		result_done(sending, delivery);
	}
	sending_statement_ended(sending);
	if (!failed || sending->closing)
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
	sending->results_due = sending->ended.first != NULL;
	if (!results) {
		log_line(LOG_ERROR, "no memory for the results of messages");
		delivery_list_move(&sending->storing, &sending->ended);
		sending_statement_ended(sending);
		return sending->closing ? sending_free(sending) : (void)0;
	}
	db_run(sending->app->db, sending_call(sending, results_stored), messages_store_results,
		&(struct messages_store_results){ .results = results });
}

/* --- Steps ------------------------------------------------------------------------------------ */

static void claim_released(struct db_call *call, const struct db_result *result)
{
	(void)result; /* after an error the claim ends by itself */
	sending_free(call->owner);
}

/* The last steps: the results, then the claim. */
static void sending_end(struct sending *sending)
{
	if (sending->ended.first)
		return results_submit(sending);
	if (!sending->holder[0])
		return sending_free(sending);
	db_run(sending->app->db, sending_call(sending, claim_released), messages_release,
		&(struct messages_release){ .holder = sending->holder,
			.ids = { sending->cancelled, sending->cancelled_count } });
}

static bool results_are_due(const struct sending *sending)
{
	return sending->ended.first &&
		(sending->results_due || sending->ended.count >= RESULTS_MANY);
}

/* Sends what is ready, and starts the next statement. */
void sending_step(struct sending *sending)
{
	if (sending->sends)
		return;
	ready_send(sending);
	if (sending->running)
		return;
	if (sending->closing)
		return sending_end(sending);
	if (results_are_due(sending))
		return results_submit(sending);
	if (!sending_leads(sending) || (sending->recheck_due && sending_rows_recheck(sending)))
		return;
	sending_rows_take(sending);
}

static void results_waited(struct deadline *deadline)
{
	struct sending *sending = CONTAINER_OF(deadline, struct sending, result_wait);

	sending->results_due = true;
	sending_step(sending);
}

static void pace_waited(struct deadline *deadline)
{
	sending_step(CONTAINER_OF(deadline, struct sending, pace_wait));
}

static void sending_tick(struct deadline *deadline)
{
	struct sending *sending = CONTAINER_OF(deadline, struct sending, tick);

	deadline_start(&sending->ticks, &sending->tick);
	if (!periodic_leads(sending->job))
		sending_forget(sending);
	message_queue_tick(sending->queue, sending_now(sending));
	sending->recheck_due = sending->results_due = true;
	sending_step(sending);
}

/* --- Life ------------------------------------------------------------------------------------- */

void sending_wake(struct sending *sending)
{
	sending_look(sending);
	sending_step(sending);
}

static void content_free(void *content)
{
	delivery_free(content);
}

int sending_new(struct app *app, const struct periodic *job, struct sending **ret)
{
	struct sending *sending = calloc(1, sizeof(*sending));

	if (!sending)
		return E_NO_MEMORY;
	sending->app = app;
	sending->job = job;
	sending->queue = message_queue_new(DELIVERY_KINDS, content_free);
	if (!sending->queue) {
		free(sending);
		return E_NO_MEMORY;
	}
	deadline_list_init(&sending->result_waits, app->loop, RESULTS_WAIT_MS, results_waited);
	deadline_list_init(&sending->pace_waits, app->loop, PACE_MS, pace_waited);
	deadline_list_init(&sending->ticks, app->loop, TICK_MS, sending_tick);
	deadline_start(&sending->ticks, &sending->tick);
	*ret = sending;
	return 0;
}

/* Whether it was sent is unknown. */
static void deliveries_cancel(struct sending *sending)
{
	while (sending->under_way.first) {
		struct delivery *delivery = sending->under_way.first;

		sending->cancelled[sending->cancelled_count++] = delivery->id;
		delivery_list_remove(&sending->under_way, delivery);
		message_queue_remove(sending->queue, delivery->entry, sending_now(sending));
	}
}

void sending_close(struct sending *sending)
{
	if (!sending)
		return;
	sending->closing = true;
	deadline_list_close(&sending->result_waits);
	deadline_list_close(&sending->pace_waits);
	deadline_list_close(&sending->ticks);
	deliveries_cancel(sending);
	if (!sending->running)
		sending_end(sending);
}
