/* SPDX-License-Identifier: MIT
 *
 * Scheduling of calls. A call is rejected (the breaker is open or the queue full), waits in its
 * partner's queue, or runs:
 *
 *   client_call ─┬─ rejected ─────────── completed at the end of the turn
 *                ├─ queue ─┬─ too long ─ completed with E_TIMED_OUT
 *                │         └─ the breaker opens: completed with E_BUSY
 *                └─ running ──────────── completed with curl's result
 *
 * A free slot goes to the queue before the call that used it is completed, so a caller that calls
 * again from `done` queues behind the others. When the breaker opens, waiting calls are rejected:
 * each would only run into the time limit.
 */
#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>

#include "reeyo/core/log.h"
#include "reeyo/partners/counters.h"
#include "transfer.h"

/* Rejected calls completed in one turn. Callers may call again from each `done`; the limit keeps
 * them from blocking the loop. */
#define REJECTED_PER_TURN 64

/* --- Rows ------------------------------------------------------------------------------------- */

static void transfer_row_add(struct transfer_row *row, struct client_transfer *transfer)
{
	transfer->next = NULL;
	transfer->previous = row->last;
	*(row->last ? &row->last->next : &row->first) = transfer;
	row->last = transfer;
}

static void transfer_row_remove(struct transfer_row *row, struct client_transfer *transfer)
{
	*(transfer->previous ? &transfer->previous->next : &row->first) = transfer->next;
	*(transfer->next ? &transfer->next->previous : &row->last) = transfer->previous;
}

static void client_count(const struct client *client, unsigned which, int by)
{
	count_add(loop_counters(client->loop), which, by);
}

/* --- Rejected --------------------------------------------------------------------------------- */

static void call_reject(struct client *client, struct client_call *call, int error)
{
	call->transfer = NULL;
	call->refused = error;
	call->next = NULL;
	*client->rejected_end = call;
	client->rejected_end = &call->next;
	client->hook.wanted = true;
	client_count(client, COUNT_PARTNERS_REFUSED, 1);
}

static void rejected_remove(struct client *client, struct client_call *call)
{
	struct client_call **at = &client->refused;

	while (*at && *at != call)
		at = &(*at)->next;
	if (!*at)
		return;
	*at = call->next;
	if (client->rejected_end == &call->next)
		client->rejected_end = at;
	call->refused = 0;
}

static const char *rejection_reason(int error)
{
	return error == E_BUSY         ? "too many calls, or the service does not respond"
		: error == E_DRAINING  ? "the server is stopping"
		: error == E_TIMED_OUT ? "timed out in the queue"
		: error == E_NO_MEMORY ? "out of memory"
				       : "the request cannot be built";
}

static void rejected_complete(struct client_call *call, int error)
{
	const struct client_answer answer = {
		.error = error, .unsent = true, .why = rejection_reason(error)
	};

	call->done(call, &answer);
}

static void rejected_complete_all(struct turn_hook *hook)
{
	struct client *client = CONTAINER_OF(hook, struct client, hook);

	for (int completed = 0; client->refused && completed < REJECTED_PER_TURN; completed++) {
		struct client_call *call = client->refused;
		int error = call->refused;

		rejected_remove(client, call);
		rejected_complete(call, error);
	}
	hook->wanted = client->refused != NULL;
}

/* --- Running and waiting ---------------------------------------------------------------------- */

static void transfer_start(struct client_transfer *transfer)
{
	struct partner *partner = transfer->partner;
	struct client *client = partner->client;

	if (curl_multi_add_handle(client->multi, transfer->easy)) {
		struct client_call *call = transfer->call;

		breaker_release(&partner->breaker, transfer->trial);
		transfer_free(transfer);
		return call_reject(client, call, E_NO_MEMORY);
	}
	transfer_row_add(&client->running, transfer);
	partner->running++;
	client_count(client, COUNT_PARTNERS_RUNNING, 1);
}

static void queue_add(struct client_transfer *transfer)
{
	struct partner *partner = transfer->partner;

	transfer_row_add(&partner->queue, transfer);
	deadline_start(&partner->waits, &transfer->wait);
	partner->waiting++;
	client_count(partner->client, COUNT_PARTNERS_WAITING, 1);
}

static void queue_remove(struct client_transfer *transfer)
{
	struct partner *partner = transfer->partner;

	transfer_row_remove(&partner->queue, transfer);
	deadline_stop(&transfer->wait);
	partner->waiting--;
	client_count(partner->client, COUNT_PARTNERS_WAITING, -1);
}

/* Completed at the end of the turn, so that the caller's code is not re-entered. */
static void queue_reject(struct client_transfer *transfer, int error)
{
	struct client_call *call = transfer->call;
	struct client *client = transfer->partner->client;

	queue_remove(transfer);
	transfer_free(transfer);
	call_reject(client, call, error);
}

static void queue_timed_out(struct deadline *deadline)
{
	queue_reject(CONTAINER_OF(deadline, struct client_transfer, wait), E_TIMED_OUT);
}

/* Starts queued calls while there are slots and the breaker allows it. */
static void partner_advance(struct partner *partner)
{
	while (partner->queue.first && partner->running < partner->limits.at_once &&
		!partner->client->closing) {
		struct client_transfer *transfer = partner->queue.first;

		if (!breaker_admit(
			    &partner->breaker, loop_now(partner->client->loop), &transfer->trial)) {
			queue_reject(transfer, E_BUSY);
			continue;
		}
		queue_remove(transfer);
		transfer_start(transfer);
	}
}

static void slot_release(struct client_transfer *transfer)
{
	struct partner *partner = transfer->partner;

	transfer_row_remove(&partner->client->running, transfer);
	partner->running--;
	client_count(partner->client, COUNT_PARTNERS_RUNNING, -1);
}

/* --- The breaker ------------------------------------------------------------------------------ */

static void breaker_record(struct client_transfer *transfer, bool failed)
{
	struct partner *partner = transfer->partner;
	struct breaker *breaker = &partner->breaker;
	bool was_closed = breaker->state == BREAKER_CLOSED;

	client_count(partner->client, failed ? COUNT_PARTNERS_FAILED : COUNT_PARTNERS_ANSWERED, 1);
	if (failed)
		breaker_failed(breaker, transfer->trial, loop_now(partner->client->loop),
			randombytes_uniform(1000));
	else
		breaker_succeeded(breaker, transfer->trial);
	if (was_closed == (breaker->state == BREAKER_CLOSED))
		return;
	client_count(partner->client, COUNT_PARTNERS_BREAKER_OPEN, was_closed ? 1 : -1);
	log_line(was_closed ? LOG_WARN : LOG_INFO,
		was_closed ? "a service does not respond" : "a service responds again",
		LOG_T("service", partner->name));
}

/* A refused address or a lack of memory is no failure of the service. */
static void result_record(struct client_transfer *transfer, const struct client_answer *answer)
{
	if (answer->error == E_NOT_OWNER || answer->error == E_NO_MEMORY)
		breaker_release(&transfer->partner->breaker, transfer->trial);
	else
		breaker_record(transfer,
			(answer->error && answer->error != E_BODY_TOO_LARGE) ||
				answer->status >= 500);
}

/* --- Ends ------------------------------------------------------------------------------------- */

static void transfer_complete(struct client_transfer *transfer, const struct client_answer *answer)
{
	struct client_call *call = transfer->call;

	call->transfer = NULL;
	call->done(call, answer);
	transfer_free(transfer);
}

void transfer_ended(struct client_transfer *transfer, CURLcode result)
{
	struct client_answer answer = transfer_answer(transfer, result);

	answer.transfer = transfer;
	slot_release(transfer);
	result_record(transfer, &answer);
	partner_advance(transfer->partner);
	transfer_complete(transfer, &answer);
}

char *client_body_take(const struct client_answer *answer)
{
	return answer->transfer ? TAKE_PTR(answer->transfer->answer) : NULL;
}

void client_cancel(struct client_call *call)
{
	struct client_transfer *transfer = call->transfer;
	struct partner *partner = call->partner;

	if (call->refused)
		return rejected_remove(partner->client, call);
	if (!transfer)
		return;
	call->transfer = NULL;
	if (deadline_runs(&transfer->wait)) {
		queue_remove(transfer);
	} else {
		curl_multi_remove_handle(partner->client->multi, transfer->easy);
		slot_release(transfer);
		breaker_release(&partner->breaker, transfer->trial);
	}
	transfer_free(transfer);
	partner_advance(partner);
}

/* --- Calls ------------------------------------------------------------------------------------ */

void client_call(struct client *client, struct client_call *call)
{
	struct partner *partner = call->partner;
	struct client_transfer *transfer;
	bool trial = false, waits = partner->running >= partner->limits.at_once;

	call->transfer = NULL;
	call->refused = 0;
	if (client->closing)
		return call_reject(client, call, E_DRAINING);
	if (!partner_available(partner) || (waits && partner->waiting >= partner->limits.waiting))
		return call_reject(client, call, E_BUSY);
	transfer = call->transfer = transfer_new(call);
	if (!transfer)
		return call_reject(client, call, E_NO_MEMORY);
	if (waits)
		return queue_add(transfer);
	breaker_admit(&partner->breaker, loop_now(client->loop), &trial);
	transfer->trial = trial;
	transfer_start(transfer);
}

void client_fail(struct client *client, struct client_call *call, int error)
{
	call_reject(client, call, error);
}

/* --- Partners --------------------------------------------------------------------------------- */

struct partner *partner_new(
	struct client *client, const char *name, const struct partner_limits *limits)
{
	struct partner *partner = calloc(1, sizeof(*partner));

	if (!partner)
		return NULL;
	partner->name = name;
	partner->limits = *limits;
	partner->client = client;
	partner->breaker =
		(struct breaker){ .limit = limits->failures, .pause_ms = limits->pause_ms };
	deadline_list_init(&partner->waits, client->loop, limits->timeout_ms, queue_timed_out);
	partner->next = client->partners;
	client->partners = partner;
	return partner;
}

bool partner_available(const struct partner *partner)
{
	return breaker_would_admit(&partner->breaker, loop_now(partner->client->loop));
}

static void partner_free(struct partner *partner)
{
	if (partner->breaker.state != BREAKER_CLOSED)
		client_count(partner->client, COUNT_PARTNERS_BREAKER_OPEN, -1);
	deadline_list_close(&partner->waits);
	free(partner);
}

/* --- Life ------------------------------------------------------------------------------------- */

static void curl_init_once(void)
{
	curl_global_init(CURL_GLOBAL_DEFAULT);
}

int client_new(struct loop *loop, struct client **ret)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct client *client = calloc(1, sizeof(*client));

	pthread_once(&once, curl_init_once);
	if (!client)
		return E_NO_MEMORY;
	client->loop = loop;
	client->rejected_end = &client->refused;
	client->hook.run = rejected_complete_all;
	if (sockets_open(client)) {
		free(client);
		return E_NO_MEMORY;
	}
	loop_hook(loop, PHASE_SERVE, &client->hook);
	*ret = client;
	return 0;
}

static void running_abort(struct client *client)
{
	struct client_transfer *transfer = client->running.first;
	struct client_answer answer = { .error = E_DRAINING, .why = rejection_reason(E_DRAINING) };

	curl_multi_remove_handle(client->multi, transfer->easy);
	slot_release(transfer);
	answer.unsent = !transfer->sent;
	transfer_complete(transfer, &answer);
}

void client_free(struct client *client)
{
	if (!client)
		return;
	client->closing = true;
	while (client->running.first)
		running_abort(client);
	for (struct partner *partner = client->partners; partner; partner = partner->next)
		while (partner->queue.first)
			queue_reject(partner->queue.first, E_DRAINING);
	while (client->refused)
		rejected_complete_all(&client->hook);
	loop_unhook(client->loop, PHASE_SERVE, &client->hook);
	while (client->partners) {
		struct partner *partner = client->partners;

		client->partners = partner->next;
		partner_free(partner);
	}
	sockets_close(client);
}
