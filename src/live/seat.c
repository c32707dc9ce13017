/* SPDX-License-Identifier: MIT
 *
 * Who listens: a stream, or a poll that waits. A seat is in its rooms from before it reads what it
 * has missed, so nothing falls between the two: what is said meanwhile is only noted (`missed`),
 * and read from the table as well.
 *
 *  catching up: read a page after `last` → send it → (a full page, or something was missed
 *  meanwhile: again) → live live: events come from the hub; an id that was sent is not sent again;
 *  when the stream is full: catching up
 *
 * A page is read when the client has taken all before it, so a slow client costs a full queue and a
 * page at most, and hears everything at his own pace; one who takes nothing from one ping to the
 * next is cut.
 */
#include <stdio.h>
#include <stdlib.h>
#include <uthash.h>

#include "hub.h"
#include "reeyo/auth/token.h"
#include "reeyo/core/clock.h"
#include "reeyo/core/log.h"

#define PAGE 50
#define PAGE_TEXT "50"
#define POLL_PAGE 1000
#define POLL_PAGE_TEXT "1000"
#define FROM_NOW "9223372036854775807" /* after every id: only where it ends is asked */
static const char ping[] = ": ping\n\n";

/* A read of what was missed: lives until its statement has ended, also without its seat. */
struct missing {
	struct db_call call;
	struct seat *seat; /* NULL: gone */
	char after[24];
	char rooms[];      /* "{a,b}" */
};

struct seat {
	struct hub *hub;
	struct stream *stream;   /* a stream's; NULL: a poll's */
	struct request *rq;      /* a poll's */
	struct missing *missing; /* under way */
	struct deadline ping;
	uint64_t serial;         /* of the seat, in the house */
	uint64_t heard;          /* serial of the last event told */
	int64_t last;            /* id of the last event sent; HUB_NOW: not known yet */
	uint64_t due_ms;         /* a poll's end */
	bool catching, missed, most;
	struct place places[HUB_ROOMS_MAX];
	struct tenant *tenant;
	struct seat *older, *newer;      /* of the same account, under the house's mutex */
	struct seat *next_poll, *previous_poll;
	struct caller caller;
};

/* --- Accounts --------------------------------------------------------------------------------- */

struct tenant {
	UT_hash_handle hh;
	struct seat *oldest, *newest;
	unsigned count;
	char account[ID_SIZE];
};

struct eviction {
	struct message message;
	struct hub *hub;
	struct seat *seat;
	uint64_t serial;
	char account[ID_SIZE];
};

static void seat_close(struct seat *seat);

static struct tenant *tenant_find(struct hub_house *house, const char *account)
{
	struct tenant *tenant = NULL;

	HASH_FIND_STR(house->tenants, account, tenant);
	return tenant;
}

/* The seat may have gone while the message was under way. */
static void evicted(struct message *message)
{
	struct eviction *eviction = CONTAINER_OF(message, struct eviction, message);
	struct hub_house *house = eviction->hub->house;
	struct tenant *tenant;
	bool there = false;

	uv_mutex_lock(&house->mutex);
	tenant = tenant_find(house, eviction->account);
	for (struct seat *seat = tenant ? tenant->oldest : NULL; seat; seat = seat->newer)
		there |= seat == eviction->seat && seat->serial == eviction->serial;
	uv_mutex_unlock(&house->mutex);
	if (there)
		seat_close(eviction->seat);
	free(eviction);
}

static void evict(struct seat *seat, const char *account)
{
	struct eviction *eviction = calloc(1, sizeof(*eviction));

	if (!eviction)
		return;
	eviction->message.run = evicted;
	eviction->hub = seat->hub;
	eviction->seat = seat;
	eviction->serial = seat->serial;
	memcpy(eviction->account, account, strlen(account) + 1);
	loop_post(seat->hub->app->loop, &eviction->message);
}

/* The account's oldest seat beyond its limit is told to go; each newcomer sends one away. */
static int tenant_join(struct seat *seat)
{
	struct hub_house *house = seat->hub->house;
	const char *account = seat->caller.id;
	struct tenant *tenant;
	struct seat *out;

	uv_mutex_lock(&house->mutex);
	tenant = tenant_find(house, account);
	if (!tenant && (tenant = calloc(1, sizeof(*tenant)))) {
		memcpy(tenant->account, account, strlen(account) + 1);
		HASH_ADD_STR(house->tenants, account, tenant);
	}
	if (tenant) {
		seat->serial = ++house->serial;
		seat->tenant = tenant;
		seat->older = tenant->newest;
		*(tenant->newest ? &tenant->newest->newer : &tenant->oldest) = seat;
		tenant->newest = seat;
		tenant->count++;
		out = tenant->oldest;
		for (unsigned over = tenant->count;
			over > house->config->streams_per_account && out; over--) {
			evict(out, account);
			out = out->newer;
		}
	}
	uv_mutex_unlock(&house->mutex);
	return tenant ? 0 : E_NO_MEMORY;
}

static void tenant_leave(struct seat *seat)
{
	struct hub_house *house = seat->hub->house;
	struct tenant *tenant = seat->tenant;

	if (!tenant)
		return;
	uv_mutex_lock(&house->mutex);
	*(seat->older ? &seat->older->newer : &tenant->oldest) = seat->newer;
	*(seat->newer ? &seat->newer->older : &tenant->newest) = seat->older;
	if (--tenant->count == 0) {
		HASH_DEL(house->tenants, tenant);
		free(tenant);
	}
	uv_mutex_unlock(&house->mutex);
}

/* --- A seat ----------------------------------------------------------------------------------- */

static void seat_free(struct seat *seat)
{
	if (seat->missing)
		seat->missing->seat = NULL;
	deadline_stop(&seat->ping);
	for (unsigned i = 0; i < HUB_ROOMS_MAX; i++)
		room_leave(seat->hub->rooms, &seat->places[i]);
	tenant_leave(seat);
	seat->hub->seats--;
	atomic_fetch_sub(&seat->hub->house->seats, 1);
	free(seat);
}

static int seat_new(struct request *rq, const struct hub_wish *wish, struct seat **ret)
{
	struct hub *hub = rq->app->hub;
	struct seat *seat;
	int error = 0;

	if (!hub || hub->draining)
		return E_DRAINING;
	if (!atomic_load(&hub->house->known))
		return E_STORE_DOWN;
	if (atomic_load(&hub->house->seats) >= (uint64_t)hub->house->config->streams_max)
		return E_BUSY;
	seat = calloc(1, sizeof(*seat));
	if (!seat)
		return E_NO_MEMORY;
	seat->hub = hub;
	seat->caller = rq->caller;
	seat->last = wish->after;
	seat->most = wish->most;
	hub->seats++;
	atomic_fetch_add(&hub->house->seats, 1);
	for (unsigned i = 0; i < wish->count && !error; i++)
		error = room_join(hub->rooms, wish->rooms[i], &seat->places[i], seat);
	if (!error)
		error = tenant_join(seat);
	if (error) {
		seat_free(seat);
		return error;
	}
	*ret = seat;
	return 0;
}

bool seat_first(struct seat *seat, uint64_t serial)
{
	bool first = seat->heard != serial;

	seat->heard = serial;
	return first;
}

/* --- What was missed -------------------------------------------------------------------------- */

static void missing_taken(struct seat *seat, const struct db_result *result);

static void missing_read(struct db_call *call, const struct db_result *result)
{
	struct missing *missing = call->owner;
	struct seat *seat = missing->seat;

	if (seat) {
		seat->missing = NULL;
		missing_taken(seat, result);
	}
	free(missing);
}

static size_t rooms_write(const struct seat *seat, char *into)
{
	size_t len = 1;

	if (into)
		into[0] = '{';
	for (unsigned i = 0; i < HUB_ROOMS_MAX; i++) {
		const char *name = place_name(&seat->places[i]);
		size_t size = name ? strlen(name) : 0;

		if (!name)
			continue;
		if (into && len > 1)
			into[len] = ',';
		len += len > 1;
		if (into)
			memcpy(into + len, name, size);
		len += size;
	}
	if (into)
		memcpy(into + len, "}", 2);
	return len + 2;
}

/* false: out of memory. */
static bool missing_ask(struct seat *seat)
{
	const struct config *config = seat->hub->app->config;
	struct missing *missing = calloc(1, sizeof(*missing) + rooms_write(seat, NULL));

	if (!missing)
		return false;
	rooms_write(seat, missing->rooms);
	if (seat->last == HUB_NOW)
		snprintf(missing->after, sizeof(missing->after), FROM_NOW);
	else
		snprintf(missing->after, sizeof(missing->after), "%lld", (long long)seat->last);
	missing->seat = seat;
	seat->missing = missing;
	seat->missed = false;
	missing->call = (struct db_call){
		.query = seat->most ? QUERY_events_missed_by_most : QUERY_events_missed,
		/* a replica may lag behind what was told */
		.lane = config->replica_url[0] ? DB_WRITE : DB_READ,
		.count = 3,
		.params = { missing->after, missing->rooms,
			seat->stream ? PAGE_TEXT : POLL_PAGE_TEXT },
		.done = missing_read,
		.owner = missing,
	};
	db_submit(seat->hub->app->db, &missing->call);
	return true;
}

enum missed_column { MISSED_OLDEST, MISSED_NEWEST, MISSED_ID, MISSED_AGGREGATE, MISSED_TYPE,
	MISSED_PAYLOAD, MISSED_AT };

/* The id is of events that are kept no more, or of another database: what happened since cannot be
 * told. */
static bool is_lost(const struct seat *seat, const struct db_result *result)
{
	return (seat->last > 0 && seat->last < db_int(result, 0, MISSED_OLDEST) - 1) ||
	       seat->last > db_int(result, 0, MISSED_NEWEST);
}

/* --- Streams ---------------------------------------------------------------------------------- */

static void stream_live(struct seat *seat, bool more)
{
	if (!more && !seat->missed) {
		seat->catching = false;
		return;
	}
	if (!missing_ask(seat))
		stream_cut(seat->stream);
}

static struct shared *page_make(const struct db_result *result, size_t *ret_len)
{
	size_t size = sizeof(struct shared);
	struct shared *page;
	char *at;

	for (unsigned row = 0; row < db_rows(result); row++)
		size += wire_size(&(struct event){ .type = db_text(result, row, MISSED_TYPE),
			.payload = db_text(result, row, MISSED_PAYLOAD) });
	page = malloc(size);
	if (!page)
		return NULL;
	atomic_init(&page->references, 1);
	at = (char *)(page + 1);
	for (unsigned row = 0; row < db_rows(result); row++)
		at = wire_write(at, &(struct event){ .id = db_int(result, row, MISSED_ID),
			.type = db_text(result, row, MISSED_TYPE),
			.payload = db_text(result, row, MISSED_PAYLOAD) });
	*ret_len = (size_t)(at - (char *)(page + 1));
	return page;
}

static void page_send(struct seat *seat, const struct db_result *result)
{
	unsigned rows = db_rows(result);
	size_t len;
	struct shared *page = page_make(result, &len);

	if (!page)
		return stream_cut(seat->stream);
	seat->last = db_int(result, rows - 1, MISSED_ID);
	if (stream_send(seat->stream, page, (char *)(page + 1), len))
		count_add(loop_counters(seat->hub->app->loop), COUNT_EVENTS_DELIVERED, rows);
	shared_drop(page);
}

static void reset_send(struct seat *seat, int64_t newest)
{
	enum { ROOM = 96 };
	struct shared *shared = malloc(sizeof(*shared) + ROOM);
	int len;

	seat->last = newest;
	if (!shared)
		return stream_cut(seat->stream);
	atomic_init(&shared->references, 1);
	len = snprintf((char *)(shared + 1), ROOM,
		"id: %lld\nevent: reset\ndata: {\"last\":%lld}\n\n",
		(long long)newest, (long long)newest);
	stream_send(seat->stream, shared, (char *)(shared + 1), (size_t)len);
	shared_drop(shared);
}

static void stream_missing(struct seat *seat, const struct db_result *result)
{
	if (db_error(result))
		return stream_cut(seat->stream); /* he comes back with the same id */
	if (is_lost(seat, result)) {
		reset_send(seat, db_int(result, 0, MISSED_NEWEST));
		return stream_live(seat, false);
	}
	if (db_is_null(result, 0, MISSED_ID))
		return stream_live(seat, false);
	seat->missed |= db_rows(result) == PAGE;
	page_send(seat, result); /* and goes on in stream_emptied */
}

static void stream_emptied(struct stream *stream, void *owner)
{
	struct seat *seat = owner;

	(void)stream;
	if (seat->catching && !seat->missing)
		stream_live(seat, false);
}

static void stream_ended(void *owner)
{
	seat_free(owner);
}

void seat_pinged(struct deadline *deadline)
{
	struct seat *seat = CONTAINER_OF(deadline, struct seat, ping);
	struct app *app = seat->hub->app;

	deadline_start(&seat->hub->pings, &seat->ping);
	if (stream_stuck(seat->stream))
		stream_cut(seat->stream);
	else if (seat->caller.expires_s <= clock_wall_s() || token_revoked(app, &seat->caller))
		stream_finish(seat->stream, false);
	else if (!stream_full(seat->stream))
		stream_send(seat->stream, NULL, ping, sizeof(ping) - 1);
}

void hub_stream(struct request *rq, const struct hub_wish *wish)
{
	static const struct stream_calls calls = { stream_emptied, stream_ended };
	struct seat *seat;
	int error = seat_new(rq, wish, &seat);

	if (error)
		return reply_error(rq, error);
	seat->catching = wish->after != HUB_NOW;
	error = stream_open(rq, &calls, seat, &seat->stream);
	if (error) {
		seat_free(seat);
		return reply_error(rq, error);
	}
	deadline_start(&seat->hub->pings, &seat->ping);
	if (seat->catching && !missing_ask(seat))
		stream_cut(seat->stream);
}

/* --- Polls ------------------------------------------------------------------------------------ */

static void poll_leave(struct seat *seat)
{
	if (seat->previous_poll)
		seat->previous_poll->next_poll = seat->next_poll;
	else
		seat->hub->polls = seat->next_poll;
	if (seat->next_poll)
		seat->next_poll->previous_poll = seat->previous_poll;
}

/* result NULL: nothing was said. */
static void poll_reply(struct request *rq, const struct db_result *result, int64_t last, bool reset)
{
	struct buf out = buf_in(rq->arena, 256);
	unsigned rows = result && !db_is_null(result, 0, MISSED_ID) ? db_rows(result) : 0;

	buf_add_string(&out, "{\"events\":[");
	for (unsigned row = 0; row < rows; row++) {
		buf_printf(&out, "%s{\"id\":%lld,\"type\":", row ? "," : "",
			(long long)db_int(result, row, MISSED_ID));
		buf_add_json(&out, db_text(result, row, MISSED_TYPE));
		buf_add_string(&out, ",\"aggregate\":");
		buf_add_json(&out, db_text(result, row, MISSED_AGGREGATE));
		buf_add_string(&out, ",\"at\":");
		buf_add_json(&out, db_text(result, row, MISSED_AT));
		buf_add_string(&out, ",\"data\":");
		buf_add_text(&out, db_text(result, row, MISSED_PAYLOAD));
		buf_add_string(&out, "}");
	}
	buf_printf(&out, "],\"last\":%lld%s}", (long long)last, reset ? ",\"reset\":true" : "");
	if (!buf_string(&out))
		return reply_error(rq, E_NO_MEMORY);
	reply_data(rq, (struct text){ out.at, out.len });
}

static void poll_end(struct seat *seat, const struct db_result *result, bool reset)
{
	struct request *rq = seat->rq;
	int64_t last = seat->last < 0 ? 0 : seat->last;
	int error = result ? db_error(result) : 0;

	poll_leave(seat);
	seat_free(seat);
	if (!request_release(rq))
		return;
	if (error)
		reply_error(rq, error);
	else
		poll_reply(rq, result, last, reset);
}

static void poll_missing(struct seat *seat, const struct db_result *result)
{
	bool lost = !db_error(result) && is_lost(seat, result);

	if (db_error(result))
		return poll_end(seat, result, false);
	if (seat->last == HUB_NOW || lost)
		seat->last = db_int(result, 0, MISSED_NEWEST);
	if (lost)
		return poll_end(seat, NULL, true);
	if (!db_is_null(result, 0, MISSED_ID)) {
		seat->last = db_int(result, db_rows(result) - 1, MISSED_ID);
		return poll_end(seat, result, false);
	}
	if (seat->due_ms <= loop_now(seat->hub->app->loop))
		return poll_end(seat, NULL, false);
	seat->catching = false;
	if (seat->missed && !missing_ask(seat))
		poll_end(seat, NULL, false);
}

void polls_answer(struct hub *hub, bool all)
{
	uint64_t now = loop_now(hub->app->loop);
	struct seat *next;

	for (struct seat *seat = hub->polls; seat; seat = next) {
		next = seat->next_poll;
		if (all || (seat->due_ms <= now && !seat->missing))
			poll_end(seat, NULL, false);
	}
}

void hub_poll(struct request *rq, const struct hub_wish *wish, unsigned wait_s)
{
	struct seat *seat;
	int error = seat_new(rq, wish, &seat);

	if (error)
		return reply_error(rq, error);
	seat->rq = rq;
	seat->due_ms = loop_now(seat->hub->app->loop) + wait_s * 1000ull;
	seat->catching = true;
	seat->next_poll = seat->hub->polls;
	if (seat->next_poll)
		seat->next_poll->previous_poll = seat;
	seat->hub->polls = seat;
	request_hold(rq);
	request_unhurried(rq);
	if (!missing_ask(seat))
		poll_end(seat, NULL, false);
}

/* --- Both ------------------------------------------------------------------------------------- */

static void missing_taken(struct seat *seat, const struct db_result *result)
{
	if (seat->stream)
		stream_missing(seat, result);
	else
		poll_missing(seat, result);
}

static void seat_close(struct seat *seat)
{
	if (seat->stream)
		stream_finish(seat->stream, false);
	else
		poll_end(seat, NULL, false);
}

/* A poll is answered from the table: it is asked at once. */
static void poll_hear(struct seat *seat)
{
	if (seat->missing)
		seat->missed = true;
	else if (!missing_ask(seat))
		poll_end(seat, NULL, false);
}

void seat_hear(struct seat *seat, struct batch *batch, const struct batch_event *said)
{
	int64_t id = said->event.id;

	if (!seat->stream)
		return id ? poll_hear(seat) : (void)0;
	if (id && seat->catching) {
		seat->missed = true;
		return;
	}
	if (id && id <= seat->last)
		return;
	if (stream_full(seat->stream)) {
		if (id)
			seat->catching = seat->missed = true;
		return;
	}
	if (id)
		seat->last = id;
	if (stream_send(seat->stream, &batch->shared, said->wire.at, said->wire.len))
		count_one(loop_counters(seat->hub->app->loop), COUNT_EVENTS_DELIVERED);
}
