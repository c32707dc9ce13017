/* SPDX-License-Identifier: MIT
 *
 * Which call is made when. A call is refused (the breaker is open, the queue full), waits in its
 * partner's queue, or runs:
 *
 *   client_call ─┬─ refused ──────────── told at the end of the turn
 *                ├─ queue ─┬─ too long ─ told E_TIMED_OUT
 *                │         └─ the breaker opens: told E_BUSY
 *                └─ running ──────────── told what curl says
 *
 * A slot that becomes free goes to the queue before the call that left it is told, so a caller that
 * calls again at once stands behind those that wait. What waits for a service that has just stopped
 * answering is refused: each would take the whole time limit to learn the same.
 */
#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>

#include "reeyo/core/log.h"
#include "transfer.h"

/* Refusals told before the hook comes round again: whoever calls again from each does not hold the
 * loop. */
#define TELL_AT_ONCE 64

/* --- Rows ------------------------------------------------------------------------------------- */

static void row_add(struct transfer_row *row, struct client_transfer *transfer)
{
	transfer->next = NULL;
	transfer->previous = row->last;
	*(row->last ? &row->last->next : &row->first) = transfer;
	row->last = transfer;
}

static void row_remove(struct transfer_row *row, struct client_transfer *transfer)
{
	*(transfer->previous ? &transfer->previous->next : &row->first) = transfer->next;
	*(transfer->next ? &transfer->next->previous : &row->last) = transfer->previous;
}

static void count(const struct client *client, enum counter which, int by)
{
	count_add(loop_counters(client->loop), which, by);
}

/* --- Refused ---------------------------------------------------------------------------------- */

static void call_refuse(struct client *client, struct client_call *call, int error)
{
	call->transfer = NULL;
	call->refused = error;
	call->next = NULL;
	*client->refused_end = call;
	client->refused_end = &call->next;
	client->hook.wanted = true;
	count(client, COUNT_PARTNERS_REFUSED, 1);
}

static void refused_forget(struct client *client, struct client_call *call)
{
	struct client_call **at = &client->refused;

	while (*at && *at != call)
		at = &(*at)->next;
	if (!*at)
		return;
	*at = call->next;
	if (client->refused_end == &call->next)
		client->refused_end = at;
	call->refused = 0;
}

static const char *refused_why(int error)
{
	return error == E_BUSY		? "too many calls, or the service does not answer" :
		error == E_DRAINING	? "the server stops" :
		error == E_TIMED_OUT	? "waited too long for its turn" :
		error == E_NO_MEMORY	? "out of memory" :
					  "it cannot be written";
}

static void tell_refused(struct client_call *call, int error)
{
	const struct client_answer answer = { .error = error, .unsent = true,
		.why = refused_why(error) };

	call->done(call, &answer);
}

static void refused_tell(struct turn_hook *hook)
{
	struct client *client = CONTAINER_OF(hook, struct client, hook);

	for (int told = 0; client->refused && told < TELL_AT_ONCE; told++) {
		struct client_call *call = client->refused;
		int error = call->refused;

		refused_forget(client, call);
		tell_refused(call, error);
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

		breaker_untold(&partner->breaker, transfer->trial);
		transfer_free(transfer);
		return call_refuse(client, call, E_NO_MEMORY);
	}
	row_add(&client->running, transfer);
	partner->running++;
	count(client, COUNT_PARTNERS_RUNNING, 1);
}

static void wait_add(struct client_transfer *transfer)
{
	struct partner *partner = transfer->partner;

	row_add(&partner->queue, transfer);
	deadline_start(&partner->waits, &transfer->wait);
	partner->waiting++;
	count(partner->client, COUNT_PARTNERS_WAITING, 1);
}

static void wait_remove(struct client_transfer *transfer)
{
	struct partner *partner = transfer->partner;

	row_remove(&partner->queue, transfer);
	deadline_stop(&transfer->wait);
	partner->waiting--;
	count(partner->client, COUNT_PARTNERS_WAITING, -1);
}

/* Told at the end of the turn, so that whoever has caused it is not entered again. */
static void wait_refuse(struct client_transfer *transfer, int error)
{
	struct client_call *call = transfer->call;
	struct client *client = transfer->partner->client;

	wait_remove(transfer);
	transfer_free(transfer);
	call_refuse(client, call, error);
}

static void waited_too_long(struct deadline *deadline)
{
	wait_refuse(CONTAINER_OF(deadline, struct client_transfer, wait), E_TIMED_OUT);
}

/* The queue moves as far as slots and the breaker let it. */
static void partner_advance(struct partner *partner)
{
	while (partner->queue.first && partner->running < partner->limits.at_once &&
		!partner->client->closing) {
		struct client_transfer *transfer = partner->queue.first;

		if (!breaker_admits(&partner->breaker,
			loop_now(partner->client->loop), &transfer->trial)) {
			wait_refuse(transfer, E_BUSY);
			continue;
		}
		wait_remove(transfer);
		transfer_start(transfer);
	}
}

/* Leaves curl's hands and the slot. */
static void slot_leave(struct client_transfer *transfer)
{
	struct partner *partner = transfer->partner;

	row_remove(&partner->client->running, transfer);
	partner->running--;
	count(partner->client, COUNT_PARTNERS_RUNNING, -1);
}

/* --- The breaker ------------------------------------------------------------------------------ */

static void breaker_tell(struct client_transfer *transfer, bool failed)
{
	struct partner *partner = transfer->partner;
	struct breaker *breaker = &partner->breaker;
	bool was_closed = breaker->state == BREAKER_CLOSED;

	count(partner->client, failed ? COUNT_PARTNERS_FAILED : COUNT_PARTNERS_ANSWERED, 1);
	if (failed)
		breaker_failed(breaker, transfer->trial, loop_now(partner->client->loop),
			randombytes_uniform(1000));
	else
		breaker_answered(breaker, transfer->trial);
	if (was_closed == (breaker->state == BREAKER_CLOSED))
		return;
	count(partner->client, COUNT_PARTNERS_BREAKER_OPEN, was_closed ? 1 : -1);
	log_line(was_closed ? LOG_WARN : LOG_INFO,
		was_closed ? "a service does not answer" : "a service answers again",
		LOG_T("service", partner->name));
}

/* An address that may not be called, and want of memory, say nothing of the service. */
static void result_count(struct client_transfer *transfer, const struct client_answer *answer)
{
	if (answer->error == E_NOT_OWNER || answer->error == E_NO_MEMORY)
		breaker_untold(&transfer->partner->breaker, transfer->trial);
	else
		breaker_tell(transfer, (answer->error &&
			answer->error != E_BODY_TOO_LARGE) || answer->status >= 500);
}

/* --- Ends ------------------------------------------------------------------------------------- */

static void call_tell(struct client_transfer *transfer, const struct client_answer *answer)
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
	slot_leave(transfer);
	result_count(transfer, &answer);
	partner_advance(transfer->partner);
	call_tell(transfer, &answer);
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
		return refused_forget(partner->client, call);
	if (!transfer)
		return;
	call->transfer = NULL;
	if (deadline_runs(&transfer->wait)) {
		wait_remove(transfer);
	} else {
		curl_multi_remove_handle(partner->client->multi, transfer->easy);
		slot_leave(transfer);
		breaker_untold(&partner->breaker, transfer->trial);
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
		return call_refuse(client, call, E_DRAINING);
	if (!partner_up(partner) || (waits && partner->waiting >= partner->limits.waiting))
		return call_refuse(client, call, E_BUSY);
	transfer = call->transfer = transfer_new(call);
	if (!transfer)
		return call_refuse(client, call, E_NO_MEMORY);
	if (waits)
		return wait_add(transfer);
	breaker_admits(&partner->breaker, loop_now(client->loop), &trial);
	transfer->trial = trial;
	transfer_start(transfer);
}

void client_refuse(struct client *client, struct client_call *call, int error)
{
	call_refuse(client, call, error);
}

/* --- Partners --------------------------------------------------------------------------------- */

struct partner *partner_new(struct client *client, const char *name,
	const struct partner_limits *limits)
{
	struct partner *partner = calloc(1, sizeof(*partner));

	if (!partner)
		return NULL;
	partner->name = name;
	partner->limits = *limits;
	partner->client = client;
	partner->breaker = (struct breaker){ .limit = limits->failures,
		.pause_ms = limits->pause_ms };
	deadline_list_init(&partner->waits, client->loop, limits->timeout_ms, waited_too_long);
	partner->next = client->partners;
	client->partners = partner;
	return partner;
}

bool partner_up(const struct partner *partner)
{
	return breaker_up(&partner->breaker, loop_now(partner->client->loop));
}

static void partner_free(struct partner *partner)
{
	if (partner->breaker.state != BREAKER_CLOSED)
		count(partner->client, COUNT_PARTNERS_BREAKER_OPEN, -1);
	deadline_list_close(&partner->waits);
	free(partner);
}

/* --- Life ------------------------------------------------------------------------------------- */

static void curl_start(void)
{
	curl_global_init(CURL_GLOBAL_DEFAULT);
}

int client_new(struct loop *loop, struct client **ret)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct client *client = calloc(1, sizeof(*client));

	pthread_once(&once, curl_start);
	if (!client)
		return E_NO_MEMORY;
	client->loop = loop;
	client->refused_end = &client->refused;
	client->hook.run = refused_tell;
	if (sockets_open(client)) {
		free(client);
		return E_NO_MEMORY;
	}
	loop_hook(loop, PHASE_SERVE, &client->hook);
	*ret = client;
	return 0;
}

static void running_cut(struct client *client)
{
	struct client_transfer *transfer = client->running.first;
	struct client_answer answer = { .error = E_DRAINING, .why = refused_why(E_DRAINING) };

	curl_multi_remove_handle(client->multi, transfer->easy);
	slot_leave(transfer);
	answer.unsent = !transfer->sent;
	call_tell(transfer, &answer);
}

void client_free(struct client *client)
{
	if (!client)
		return;
	client->closing = true;
	while (client->running.first)
		running_cut(client);
	for (struct partner *partner = client->partners; partner; partner = partner->next)
		while (partner->queue.first)
			wait_refuse(partner->queue.first, E_DRAINING);
	while (client->refused)
		refused_tell(&client->hook);
	loop_unhook(client->loop, PHASE_SERVE, &client->hook);
	while (client->partners) {
		struct partner *partner = client->partners;

		client->partners = partner->next;
		partner_free(partner);
	}
	sockets_close(client);
}
