/* SPDX-License-Identifier: MIT
 *
 * The steps of a request: route → limits → authentication and role (before the body, so that
 * callers without a token cannot make the server store one) → body → rate limit → body check →
 * idempotent replay → admission → handler → reply.
 *
 * MHD closes a connection whose response is queued in the first call of the access handler. So an
 * error in the head is stored (`early_error`) and replied after the body has been read, unless the
 * framing is invalid or the body is too large.
 */
#include <strings.h>

#include "exchange.h"
#include "reeyo/http/counters.h"
#include "reeyo/http/limit.h"

/* The body of a refused request is read up to this size, so that the connection stays usable. */
#define DISCARD_MAX 65536

static void step_next(struct exchange *x);

static struct text request_id_valid(struct exchange *x)
{
	struct text given = x->head.request_id;

	for (size_t i = 0; i < given.len; i++) {
		char c = given.at[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
			    c == '-' || c == '_' || c == '.'))
			return TEXT_NONE;
	}
	return given.len >= 1 && given.len <= 64 ? given : TEXT_NONE;
}

void request_id_set(struct exchange *x)
{
	struct text given = request_id_valid(x);
	char fresh[ID_SIZE];

	if (given.at) {
		x->rq.request_id = arena_copy(x->rq.arena, given.at, given.len);
	} else {
		id_new(fresh, "req_");
		x->rq.request_id = arena_copy(x->rq.arena, fresh, strlen(fresh));
	}
	if (!x->rq.request_id)
		x->rq.request_id = "";
}

/* "/path?query", or in absolute form "http://authority/path?query", as proxies send it. */
static void target_split(struct exchange *x)
{
	struct text rest = text_of(x->uri);

	if (strncasecmp(x->uri, "http://", 7) == 0 || strncasecmp(x->uri, "https://", 8) == 0) {
		const char *host = strstr(x->uri, "://") + 3;
		size_t len = strcspn(host, "/?");

		x->authority = (struct text){ host, len };
		rest = text_of(host + len);
	}
	x->rq.path = text_cut(&rest, '?');
	x->query = rest;
	if (x->rq.path.len == 0)
		x->rq.path = TEXT("/");
}

struct exchange *exchange_new(
	struct connection *connection, struct MHD_Connection *mhd, const char *uri)
{
	struct server *server = connection->port->server;
	struct arena *arena = arena_new(
		server->app->pool, (size_t)server->app->config->request_memory);
	struct exchange *x = arena ? ARENA_NEW(arena, struct exchange) : NULL;

	if (!x) {
		arena_free(arena);
		return NULL;
	}
	x->rq.app = server->app;
	x->rq.arena = arena;
	x->rq.request_id = "";
	x->rq.ns = connection->port->listener.bare;
	x->server = server;
	x->connection = connection;
	x->mhd = mhd;
	x->started_us = clock_us();
	x->uri = arena_copy(arena, uri, strlen(uri));
	if (!x->uri) {
		arena_free(arena);
		return NULL;
	}
	target_split(x);
	return x;
}

static void exchange_register(struct exchange *x)
{
	struct server *server = x->server;

	x->next = server->exchanges;
	if (x->next)
		x->next->previous = x;
	server->exchanges = x;
	server->running++;
	count_one(loop_counters(server->app->loop), COUNT_REQUESTS_RUNNING);
}

void exchange_unlist(struct exchange *x)
{
	if (x->previous)
		x->previous->next = x->next;
	else if (x->server->exchanges == x)
		x->server->exchanges = x->next;
	if (x->next)
		x->next->previous = x->previous;
	x->next = x->previous = NULL;
}

void exchange_free(struct exchange *x)
{
	body_free(x);
	if (x->rq.body)
		json_decref(x->rq.body);
	if (x->rq.query)
		json_decref(x->rq.query);
	arena_free(x->rq.arena);
}

static void exchange_detach(struct exchange *x)
{
	deadline_stop(&x->pause);
	if (!x->replied) /* the client left without learning whether the guess was right */
		limit_return_reservations(x);
	x->gone = true;
	x->replied = true;
	x->mhd = NULL;
	x->connection = NULL;
	exchange_unlist(x);
	if (x->stage != STAGE_HEAD) {
		x->server->running--;
		count_add(loop_counters(x->server->app->loop), COUNT_REQUESTS_RUNNING, -1);
	}
}

void exchange_end_streaming(struct exchange *x)
{
	exchange_detach(x);
	if (x->held == 0)
		exchange_free(x);
	else
		body_free(x);
}

void exchange_completed(struct exchange *x)
{
	bool logged = x->stage != STAGE_HEAD && !x->stream;
	struct access_record access = access_record(x);

	exchange_detach(x);
	if (logged)
		access_log(x->server, &access);
	if (x->held == 0)
		exchange_free(x);
	else
		body_free(x);
}

void request_disable_deadline(struct request *rq)
{
	struct exchange *x = exchange_of(rq);

	if (x->connection)
		deadline_stop(&x->connection->deadline);
}

void request_pause(struct request *rq, void (*next)(struct request *rq))
{
	struct exchange *x = exchange_of(rq);

	x->paused = next;
	deadline_start(&x->server->pause, &x->pause);
}

void exchange_pause_ended(struct deadline *deadline)
{
	struct exchange *x = CONTAINER_OF(deadline, struct exchange, pause);

	if (!x->replied)
		x->paused(&x->rq);
}

void request_hold(struct request *rq)
{
	exchange_of(rq)->held++;
}

bool request_release(struct request *rq)
{
	struct exchange *x = exchange_of(rq);

	x->held--;
	if (x->gone && x->held == 0) {
		exchange_free(x);
		return false;
	}
	return !x->replied;
}

void exchange_resume(struct exchange *x)
{
	if (x->inside || !x->suspended)
		return; /* the access handler that is running queues it */
	x->suspended = false;
	x->server->hook.wanted = true;
	MHD_resume_connection(x->mhd);
}

/* --- Head ------------------------------------------------------------------------------------- */

/* True when the refusal is sent without reading the body: it is too large, or the client waits for
 * 100 Continue. */
static bool refuses_without_body(const struct exchange *x)
{
	int64_t length = 0;

	if (x->head.expect.at)
		return true;
	if (x->head.transfer_encoding.at)
		return false; /* read up to DISCARD_MAX, see body_discard */
	return x->head.content_length.at &&
		(!text_to_int(x->head.content_length, 0, INT64_MAX, &length) ||
			length > DISCARD_MAX);
}

static struct text nearest_details(struct exchange *x)
{
	const char *near = router_nearest(x->rq.app->router, x->rq.path, x->rq.ns);
	struct buf details = buf_in(x->rq.arena, 128);
	struct json_writer json = json_write_to(&details);

	if (!near)
		return TEXT_NONE;
	json_write_object(&json);
	json_write_member_string(&json, "nearest", near);
	json_write_object_end(&json);
	return buf_text(&details);
}

static void early_error_reply(struct exchange *x)
{
	if (x->early_error == E_TOO_MANY_REQUESTS)
		return limit_refuse(&x->rq, x->wait_s);
	reply_error_with(&x->rq, x->early_error, NULL,
		x->early_error == E_ROUTE_NOT_FOUND ? nearest_details(x) : TEXT_NONE);
}

/* When the client waits for 100 Continue, the reply goes through libmicrohttpd, which then does not
 * send 100 Continue. */
static enum MHD_Result head_refuse(struct exchange *x)
{
	x->close = true;
	if (!x->replied)
		early_error_reply(x);
	if (x->head.expect.at)
		return reply_queue(x);
	connection_refuse(x->connection, x->early_error, NULL);
	return MHD_YES;
}

enum MHD_Result exchange_head(struct exchange *x, const char *method, const char *version)
{
	x->stage = STAGE_BODY;
	exchange_register(x);
	head_read(x, version);
	request_id_set(x);
	trace_read(&x->rq.trace, x->head.traceparent, x->head.amazon_trace);
	x->rq.french = head_wants_french(&x->head);
	x->rq.method = method_parse(method);
	if (x->head.fault) {
		connection_refuse(x->connection, x->head.fault, x->head.fault_why);
		return MHD_YES;
	}
	x->early_error = head_check(x, x->rq.method);
	x->wait_s = limit_address(&x->rq); /* refused requests count too */
	if (x->wait_s)
		x->early_error = E_TOO_MANY_REQUESTS;
	else if (!cors_check(x))
		x->discard = true;
	if (!x->early_error && !x->replied && x->server->steps.authenticate &&
		x->rq.route->access != ANYONE)
		x->server->steps.authenticate(&x->rq);
	if (x->early_error || x->replied) {
		x->discard = true;
		if (refuses_without_body(x))
			return head_refuse(x);
	}
	deadline_start(&x->server->body, &x->connection->deadline);
	return MHD_YES;
}

/* --- Body ------------------------------------------------------------------------------------- */

static enum MHD_Result body_discard(struct exchange *x, size_t taken)
{
	x->discarded += taken;
	if (x->discarded <= DISCARD_MAX)
		return MHD_YES;
	connection_refuse(x->connection, x->early_error ? x->early_error : E_BODY_TOO_LARGE, NULL);
	return MHD_YES;
}

enum MHD_Result exchange_body(struct exchange *x, const char *at, size_t *len)
{
	if (x->connection->refused) {
		bool more = *len > 0;

		*len = 0;
		return more ? MHD_YES : MHD_NO;
	}
	if (*len) {
		size_t taken = *len;
		int error;

		*len = 0;
		if (x->discard)
			return body_discard(x, taken);
		error = body_collect(x, at, taken);
		if (error) {
			x->early_error = error;
			x->discard = true;
			x->close = true;
		}
		return MHD_YES;
	}
	x->stage = STAGE_RUN;
	deadline_start(&x->server->run, &x->connection->deadline);
	if (!x->replied && x->early_error)
		early_error_reply(x);
	if (!x->replied)
		step_next(x);
	if (x->replied)
		return reply_queue(x);
	x->suspended = true;
	MHD_suspend_connection(x->mhd);
	return MHD_YES;
}

/* --- Steps ------------------------------------------------------------------------------------ */

enum { STEP_LIMIT, STEP_CHECK, STEP_LIMIT_BODY, STEP_REPLAY, STEP_ADMIT, STEP_RUN };

static void step_check_body(struct exchange *x)
{
	if (body_check(x) && idempotency_read(x))
		return step_next(x);
	if (!x->replied)
		reply_error(&x->rq, E_NO_MEMORY);
}

/* Small bodies are parsed immediately. All larger ones together get a fifth of a loop's time, so
 * that clients with large bodies wait for each other and do not delay other clients (64 KB of the
 * costliest JSON take 1 ms). */
#define PARSE_SMALL 2048
#define PARSE_WINDOW_NS (PARSE_WINDOW_MS * UINT64_C(1000000))
#define PARSE_SHARE_NS (PARSE_WINDOW_NS / 5)

static bool parse_time_left(struct server *server)
{
	uint64_t now = uv_hrtime();

	if (now - server->parse_since_ns >= PARSE_WINDOW_NS) {
		server->parse_since_ns = now;
		server->parse_ns = 0;
	}
	return server->parse_ns < PARSE_SHARE_NS;
}

static void step_check_large_body(struct exchange *x)
{
	struct server *server = x->server;
	uint64_t began = uv_hrtime();

	step_check_body(x);
	server->parse_ns += uv_hrtime() - began;
}

static void parse_enqueue(struct exchange *x)
{
	struct server *server = x->server;

	if (!server->parse_first)
		server->parse_last = &server->parse_first;
	x->parse_next = NULL;
	*server->parse_last = x;
	server->parse_last = &x->parse_next;
	if (!deadline_runs(&server->parse_pause))
		deadline_start(&server->parse_window, &server->parse_pause);
	request_hold(&x->rq);
}

void parse_queue_run(struct server *server, bool all)
{
	struct exchange *x;

	while ((x = server->parse_first) && (all || parse_time_left(server))) {
		server->parse_first = x->parse_next;
		if (request_release(&x->rq))
			step_check_large_body(x);
	}
	if (server->parse_first && !deadline_runs(&server->parse_pause))
		deadline_start(&server->parse_window, &server->parse_pause);
}

static void step_next(struct exchange *x)
{
	const struct server_steps *steps = &x->server->steps;

	switch (x->step++) {
	case STEP_LIMIT:
		return limit_caller(&x->rq);
	case STEP_CHECK:
		if (x->body_len <= PARSE_SMALL)
			return step_check_body(x);
		if (x->server->parse_first || !parse_time_left(x->server))
			return parse_enqueue(x);
		return step_check_large_body(x);
	case STEP_LIMIT_BODY:
		return limit_body(&x->rq);
	case STEP_REPLAY:
		return request_replay(&x->rq, request_next);
	case STEP_ADMIT:
		if (steps->admit)
			return steps->admit(&x->rq);
		return step_next(x);
	default:
		x->rq.route->run(&x->rq);
	}
}

void request_next(struct request *rq)
{
	struct exchange *x = exchange_of(rq);

	if (!x->replied)
		step_next(x);
}
