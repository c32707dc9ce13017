/* SPDX-License-Identifier: MIT
 *
 * Replies: the envelope, errors with the codes of the namespace, ETag and 304, encodings, and the
 * caching, security and CORS headers.
 *
 * A reply is decided once (`replied`), built in the request's arena, and queued by MHD's access
 * handler, immediately or after the connection has been resumed.
 */
#include <stdio.h>
#include <sodium.h>

#include "exchange.h"

#define JSON_TYPE "application/json; charset=utf-8"
#define PROBLEM_TYPE "application/problem+json; charset=utf-8"

/* True for the first reply of a request; later ones are ignored. */
static bool reply_begin(struct exchange *x)
{
	if (x->replied)
		return false;
	x->replied = true;
	limit_return_reservations(x);
	return true;
}

static void reply_decide(struct exchange *x, int status, const char *type, struct text body)
{
	x->status = status;
	x->content_type = type;
	x->out = body;
	exchange_resume(x);
}

/* A constant reply for when there is no memory for another one. */
static void reply_out_of_memory(struct exchange *x)
{
	reply_decide(x, 503, JSON_TYPE, TEXT(
		"{\"success\":false,\"error\":{\"code\":\"SERVICE_UNAVAILABLE\","
		"\"message\":\"The server is out of memory, try again shortly\"}}"));
}

/* --- Success ---------------------------------------------------------------------------------- */

static void buf_add_message(struct buf *buf, const char *message)
{
	if (!message)
		return;
	buf_add_string(buf, ",\"message\":");
	buf_add_json(buf, text_of(message));
}

struct text envelope(struct arena *arena, const char *message, struct text json)
{
	struct buf body = buf_in(arena, json.len + 64 + (message ? strlen(message) : 0));
	char *out;

	buf_add_string(&body, "{\"success\":true");
	buf_add_message(&body, message);
	buf_add_string(&body, ",\"data\":");
	buf_add_text(&body, json.at ? json : TEXT("null"));
	buf_add_string(&body, "}");
	out = buf_string(&body);
	return out ? (struct text){ out, body.len } : TEXT_NONE;
}

static void reply_body(struct request *rq, struct text body)
{
	struct exchange *x = exchange_of(rq);

	if (!reply_begin(x))
		return;
	if (!body.at)
		return reply_out_of_memory(x);
	reply_decide(x, rq->route && rq->route->created ? 201 : 200, JSON_TYPE, body);
}

void reply_data(struct request *rq, struct text json)
{
	reply_body(rq, envelope(rq->arena, NULL, json));
}

void reply_data_message(struct request *rq, const char *english, const char *french,
	struct text json)
{
	reply_body(rq, envelope(rq->arena, rq->french ? french : english, json));
}

void reply_message(struct request *rq, const char *english, const char *french)
{
	reply_data_message(rq, english, french, TEXT_NONE);
}

void reply_page(struct request *rq, struct text json, struct page page, int64_t total)
{
	int64_t pages = (total + page.limit - 1) / page.limit;
	struct buf body = buf_in(rq->arena, json.len + 256);
	char *out;

	buf_add_string(&body, "{\"success\":true,\"data\":");
	buf_add_text(&body, json.at ? json : TEXT("[]"));
	buf_printf(&body,
		",\"meta\":{\"page\":%lld,\"limit\":%lld,\"pageSize\":%lld,\"total\":%lld,"
		"\"totalPages\":%lld,\"hasNext\":%s,\"hasPrev\":%s}}",
		(long long)page.page, (long long)page.limit, (long long)page.limit,
		(long long)total, (long long)pages, page.page < pages ? "true" : "false",
		page.page > 1 ? "true" : "false");
	out = buf_string(&body);
	reply_body(rq, out ? (struct text){ out, body.len } : TEXT_NONE);
}

void reply_bare(struct request *rq, int status, const char *content_type, struct text body)
{
	struct exchange *x = exchange_of(rq);
	char *copy;

	if (!reply_begin(x))
		return;
	copy = arena_copy(rq->arena, body.at ? body.at : "", body.len);
	if (!copy)
		return reply_out_of_memory(x);
	reply_decide(x, status, content_type, (struct text){ copy, body.len });
}

void reply_replayed(struct request *rq, int status, struct text body)
{
	reply_header(rq, "Idempotency-Replayed", "true");
	reply_bare(rq, status, JSON_TYPE, body);
}

static bool etag_matches(struct text list, const char *etag)
{
	size_t len = strlen(etag);

	while (list.at) {
		struct text one = text_trim(text_cut(&list, ','));

		if (text_is(one, TEXT("*")))
			return true;
		if (text_starts(one, TEXT("W/")))
			one = (struct text){ one.at + 2, one.len - 2 };
		/* the tag of an encoded body has a suffix inside its quotes */
		if (one.len >= len && memcmp(one.at, etag, len - 1) == 0 &&
			(one.at[len - 1] == '"' || one.at[len - 1] == '-'))
			return true;
	}
	return false;
}

void reply_cached(struct request *rq, const struct cache_value *value)
{
	struct exchange *x = exchange_of(rq);
	const char *encoding = value->gzip.at ? head_encoding(&x->head, true) : NULL;
	struct text body = encoding ? value->gzip : value->plain;
	char *copy;

	if (!reply_begin(x))
		return;
	x->etag = arena_copy(rq->arena, value->etag, strlen(value->etag));
	x->until_ms = value->until_ms;
	if (x->head.if_none_match.at && etag_matches(x->head.if_none_match, value->etag))
		return reply_decide(x, 304, JSON_TYPE, TEXT_NONE);
	copy = arena_copy(rq->arena, body.at, body.len);
	if (!copy)
		return reply_out_of_memory(x);
	x->encoding = encoding;
	reply_decide(x, 200, JSON_TYPE, (struct text){ copy, body.len });
}

/* --- Errors ----------------------------------------------------------------------------------- */

static void error_problem(struct exchange *x, struct buf *body, const struct error_row *row,
	const char *message, struct text details)
{
	buf_printf(body, "{\"type\":\"about:blank\",\"status\":%d,\"title\":", x->status);
	buf_add_json(body, text_of(x->rq.french ? row->french : row->english));
	buf_add_string(body, ",\"detail\":");
	buf_add_json(body, text_of(message));
	buf_add_string(body, ",\"code\":");
	buf_add_json(body, text_of(row->code[x->rq.ns]));
	buf_add_string(body, ",\"instance\":");
	buf_add_json(body, x->rq.path);
	if (details.at) {
		buf_add_string(body, ",\"errors\":");
		buf_add_text(body, details);
	}
	buf_add_string(body, ",\"requestId\":");
	buf_add_json(body, text_of(x->rq.request_id));
	buf_add_string(body, "}");
}

static void error_envelope(struct exchange *x, struct buf *body, const struct error_row *row,
	const char *message, struct text details)
{
	char now[CLOCK_ISO_SIZE];

	clock_iso(clock_wall_ms(), now);
	buf_add_string(body, "{\"success\":false,\"error\":{\"code\":");
	buf_add_json(body, text_of(row->code[x->rq.ns]));
	buf_add_string(body, ",\"message\":");
	buf_add_json(body, text_of(message));
	if (details.at) {
		buf_add_string(body, ",\"details\":");
		buf_add_text(body, details);
	}
	buf_printf(body, "},\"timestamp\":\"%s\",\"path\":", now);
	buf_add_json(body, text_is_utf8(x->rq.path) ? x->rq.path : TEXT("/"));
	buf_add_string(body, ",\"requestId\":");
	buf_add_json(body, text_of(x->rq.request_id));
	buf_add_string(body, "}");
}

static void allow_header(struct exchange *x)
{
	static const enum method all[] = { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS };
	unsigned allowed = x->match.allowed | OPTIONS | (x->match.allowed & GET ? HEAD : 0);
	struct buf list = buf_in(x->rq.arena, 64);

	for (size_t i = 0; i < COUNT_OF(all); i++)
		if (allowed & all[i]) {
			buf_add_string(&list, list.len ? ", " : "");
			buf_add_string(&list, method_name(all[i]));
		}
	reply_header(&x->rq, "Allow", buf_string(&list));
}

/* Headers that a status requires. */
static void error_headers(struct exchange *x, int error)
{
	bool has_retry = false;

	for (unsigned i = 0; i < x->header_count; i++)
		has_retry |= strcmp(x->headers[i].name, "Retry-After") == 0;
	if (x->status == 503 && !has_retry && error != E_SERVICE_OFF)
		reply_header(&x->rq, "Retry-After", "1");
	if (x->status == 401)
		reply_header(&x->rq, "WWW-Authenticate", "Bearer realm=\"reeyo\"");
	if (error == E_METHOD_NOT_ALLOWED)
		allow_header(x);
	if (error == E_BODY_TOO_LARGE || error == E_URI_TOO_LONG)
		x->close = true;
}

void reply_error_with(struct request *rq, int error, const char *message, struct text details)
{
	struct exchange *x = exchange_of(rq);
	const struct error_row *row = error_row(error);
	bool problem = head_wants_problem(&x->head);
	struct buf body;
	char *out;

	if (!reply_begin(x))
		return;
	if (!message)
		message = rq->french ? row->french : row->english;
	x->status = error_status(error, rq->ns);
	body = buf_in(rq->arena, 512 + details.len);
	error_headers(x, error);
	if (problem)
		error_problem(x, &body, row, message, details);
	else
		error_envelope(x, &body, row, message, details);
	out = buf_string(&body);
	if (!out)
		return reply_out_of_memory(x);
	reply_decide(x, x->status, problem ? PROBLEM_TYPE : JSON_TYPE,
		(struct text){ out, body.len });
}

void reply_error(struct request *rq, int error)
{
	reply_error_with(rq, error, NULL, TEXT_NONE);
}

void reply_field(struct request *rq, const char *field, const char *english, const char *french)
{
	const char *message = rq->french ? french : english;
	struct buf details = buf_in(rq->arena, 256);
	struct buf whole = buf_in(rq->arena, 256);

	buf_add_string(&details, rq->ns == NS_ADMIN ? "{\"fields\":{" : "[{\"field\":");
	buf_add_json(&details, text_of(field));
	buf_add_string(&details, rq->ns == NS_ADMIN ? ":[" : ",\"message\":");
	buf_add_json(&details, text_of(message));
	buf_add_string(&details, rq->ns == NS_ADMIN ? "]}}" : "}]");
	buf_printf(&whole, "%s: %s", field, message);
	reply_error_with(rq, E_VALIDATION, buf_string(&whole), text_of(buf_string(&details)));
}

/* --- Headers ---------------------------------------------------------------------------------- */

void reply_header(struct request *rq, const char *name, const char *value)
{
	struct exchange *x = exchange_of(rq);

	if (value && x->header_count < REPLY_HEADERS_MAX)
		x->headers[x->header_count++] = (struct reply_header){ name, value };
}

void reply_retry_after(struct request *rq, int64_t seconds)
{
	reply_header(rq, "Retry-After", arg_int(rq, seconds > 0 ? seconds : 1));
}

/* --- Queueing --------------------------------------------------------------------------------- */

static bool method_is_read(const struct exchange *x)
{
	return x->rq.method == GET || x->rq.method == HEAD;
}

/* Sets a tag on any JSON that a client may request again: a 304 saves a lot on slow networks. */
static void etag_set(struct exchange *x)
{
	static const unsigned char key[crypto_shorthash_KEYBYTES] = "reeyo etag key.";
	unsigned char hash[crypto_shorthash_BYTES];
	char hex[2 * crypto_shorthash_BYTES + 1];
	struct buf tag;

	if (x->etag || x->status != 200 || !method_is_read(x) || x->out.len == 0 ||
		x->content_type[0] != 'a')
		return;
	crypto_shorthash(hash, (const unsigned char *)x->out.at, x->out.len, key);
	sodium_bin2hex(hex, sizeof(hex), hash, sizeof(hash));
	tag = buf_in(x->rq.arena, 24);
	buf_printf(&tag, "\"%s\"", hex);
	x->etag = buf_string(&tag);
	if (x->etag && x->head.if_none_match.at && etag_matches(x->head.if_none_match, x->etag)) {
		x->status = 304;
		x->out = TEXT_NONE;
	}
}

static void reply_encode(struct exchange *x)
{
	const char *encoding;
	struct text smaller;

	if (x->encoding || x->out.len < (size_t)x->rq.app->config->compress_from)
		return;
	encoding = head_encoding(&x->head, false);
	if (!encoding)
		return;
	smaller = compress_text(x->rq.arena, encoding, x->out);
	if (!smaller.at)
		return;
	x->out = smaller;
	x->encoding = encoding;
}

/* A strong tag identifies one representation, so the tags of encoded bodies contain the
 * encoding. */
static const char *etag_encoded(struct exchange *x)
{
	struct buf tag;

	if (!x->encoding)
		return x->etag;
	tag = buf_in(x->rq.arena, 32);
	buf_printf(&tag, "%.*s-%s\"", (int)strlen(x->etag) - 1, x->etag, x->encoding);
	return buf_string(&tag);
}

void reply_until(struct request *rq, int64_t wall_ms)
{
	exchange_of(rq)->until_ms = wall_ms;
}

/* Seconds for which a public reply may be cached. */
static unsigned reply_max_age(const struct exchange *x)
{
	int64_t left_s = x->until_ms ? (x->until_ms - clock_wall_ms()) / 1000 : INT64_MAX;

	if (left_s < 0)
		left_s = 0;
	return left_s < x->rq.route->max_age ? (unsigned)left_s : x->rq.route->max_age;
}

/* True for anything but a public document: no cache may store it, not even the browser's. The
 * client program may still keep it and revalidate it with its ETag. */
static bool reply_is_personal(const struct exchange *x)
{
	return !x->rq.route || x->rq.route->who != ANYONE || !x->etag;
}

static void cache_headers(struct exchange *x, struct MHD_Response *response)
{
	bool shared = x->rq.route && x->status < 400 && method_is_read(x) && x->rq.route->max_age;
	char value[64];
	const char *tag;

	if (shared)
		snprintf(value, sizeof(value), "public, max-age=%u", reply_max_age(x));
	MHD_add_response_header(response, "Cache-Control",
		shared ? value : reply_is_personal(x) ? "no-store" : "no-cache");
	if (x->etag && (tag = etag_encoded(x)))
		MHD_add_response_header(response, "ETag", tag);
	MHD_add_response_header(response, "Vary",
		shared ? "Accept-Encoding, Accept, Origin" :
		      "Accept-Encoding, Accept, Accept-Language, Authorization, Origin");
}

/* Headers of every reply. HSTS only when the client came by TLS, as the proxy in front of us
 * reports (RFC 6797, 7.2). */
static unsigned security_headers(const struct exchange *x, struct reply_header ret[3])
{
	ret[0] = (struct reply_header){ "X-Content-Type-Options", "nosniff" };
	ret[1] = (struct reply_header){ "X-Frame-Options", "SAMEORIGIN" };
	ret[2] = (struct reply_header){ "Strict-Transport-Security", "max-age=31536000" };
	return head_is_tls(&x->head) ? 3 : 2;
}

void security_headers_write(struct exchange *x, struct buf *head)
{
	struct reply_header all[3];
	unsigned count = security_headers(x, all);

	for (unsigned i = 0; i < count; i++)
		buf_printf(head, "%s: %s\r\n", all[i].name, all[i].value);
}

static void security_add(const struct exchange *x, struct MHD_Response *response)
{
	struct reply_header all[3];
	unsigned count = security_headers(x, all);

	for (unsigned i = 0; i < count; i++)
		MHD_add_response_header(response, all[i].name, all[i].value);
}

static void plain_headers(struct exchange *x, struct MHD_Response *response)
{
	if (x->out.len)
		MHD_add_response_header(response, "Content-Type", x->content_type);
	if (x->encoding)
		MHD_add_response_header(response, "Content-Encoding", x->encoding);
	if (x->rq.request_id[0])
		MHD_add_response_header(response, "X-Request-Id", x->rq.request_id);
	security_add(x, response);
	for (unsigned i = 0; i < x->header_count; i++)
		MHD_add_response_header(response, x->headers[i].name, x->headers[i].value);
}

void reply_count(struct exchange *x)
{
	struct counters *counters = loop_counters(x->server->app->loop);
	enum counter which = x->status >= 500 ? COUNT_HTTP_5XX :
			     x->status >= 400 ? COUNT_HTTP_4XX :
			     x->status >= 300 ? COUNT_HTTP_3XX :
						COUNT_HTTP_1XX_2XX;

	count_one(counters, which);
	histogram_add(&counters->response, clock_us() - x->started_us);
}

void reply_stream(struct exchange *x, struct stream *stream)
{
	x->replied = true;
	x->status = 200;
	x->stream = stream;
	exchange_resume(x);
}

/* X-Accel-Buffering keeps nginx from buffering the stream. */
static enum MHD_Result stream_queue(struct exchange *x)
{
	struct MHD_Response *response = stream_response(x->stream);
	enum MHD_Result result;

	if (!response)
		return MHD_NO;
	MHD_add_response_header(response, "Content-Type", "text/event-stream");
	MHD_add_response_header(response, "Cache-Control", "no-store");
	MHD_add_response_header(response, "X-Accel-Buffering", "no");
	MHD_add_response_header(response, "X-Request-Id", x->rq.request_id);
	security_add(x, response);
	cors_headers(x, response);
	reply_count(x);
	x->stage = STAGE_SENT;
	deadline_stop(&x->connection->deadline);
	result = MHD_queue_response(x->mhd, (unsigned)x->status, response);
	MHD_destroy_response(response);
	return result;
}

enum MHD_Result reply_queue(struct exchange *x)
{
	struct MHD_Response *response;
	enum MHD_Result result;

	if (x->stream)
		return stream_queue(x);

	etag_set(x);
	reply_encode(x);
	response = MHD_create_response_from_buffer(x->out.len, (void *)(uintptr_t)x->out.at,
		MHD_RESPMEM_PERSISTENT);
	if (!response)
		return MHD_NO;
	plain_headers(x, response);
	cache_headers(x, response);
	cors_headers(x, response);
	if (x->close || x->server->draining)
		MHD_add_response_header(response, "Connection", "close");
	reply_count(x);
	x->stage = STAGE_SENT;
	exchange_unlist(x);
	if (x->connection)
		deadline_start(&x->server->send, &x->connection->deadline);
	result = MHD_queue_response(x->mhd, (unsigned)x->status, response);
	MHD_destroy_response(response);
	return result;
}
