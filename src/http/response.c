/* SPDX-License-Identifier: MIT
 *
 * Responses: a decided reply becomes libmicrohttpd's response with ETag and 304, encoding, and the
 * caching, security and CORS headers.
 */
#include <sodium.h>
#include <stdio.h>

#include "exchange.h"
#include "reeyo/http/counters.h"

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
	return !x->rq.route || x->rq.route->access != ANYONE || !x->etag;
}

static void cache_headers_add(struct exchange *x, struct MHD_Response *response)
{
	bool shared = x->rq.route && x->status < 400 && method_is_read(x) && x->rq.route->max_age;
	char value[64];
	const char *tag;

	if (shared)
		snprintf(value, sizeof(value), "public, max-age=%u", reply_max_age(x));
	MHD_add_response_header(response, "Cache-Control",
		shared                         ? value
			: reply_is_personal(x) ? "no-store"
					       : "no-cache");
	if (x->etag && (tag = etag_encoded(x)))
		MHD_add_response_header(response, "ETag", tag);
	MHD_add_response_header(response, "Vary",
		shared ? "Accept-Encoding, Accept, Origin"
		       : "Accept-Encoding, Accept, Accept-Language, Authorization, Origin");
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

static void security_headers_add(const struct exchange *x, struct MHD_Response *response)
{
	struct reply_header all[3];
	unsigned count = security_headers(x, all);

	for (unsigned i = 0; i < count; i++)
		MHD_add_response_header(response, all[i].name, all[i].value);
}

static void content_headers_add(struct exchange *x, struct MHD_Response *response)
{
	if (x->out.len)
		MHD_add_response_header(response, "Content-Type", x->content_type);
	if (x->encoding)
		MHD_add_response_header(response, "Content-Encoding", x->encoding);
	if (x->rq.request_id[0])
		MHD_add_response_header(response, "X-Request-Id", x->rq.request_id);
	security_headers_add(x, response);
	for (unsigned i = 0; i < x->header_count; i++)
		MHD_add_response_header(response, x->headers[i].name, x->headers[i].value);
}

void reply_count(struct exchange *x)
{
	struct counters *counters = loop_counters(x->server->app->loop);
	unsigned which = x->status >= 500 ? COUNT_HTTP_5XX
		: x->status >= 400        ? COUNT_HTTP_4XX
		: x->status >= 300        ? COUNT_HTTP_3XX
					  : COUNT_HTTP_1XX_2XX;

	count_one(counters, which);
	histogram_add(&counters->histogram[COUNTERS_HTTP], clock_us() - x->started_us);
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
	security_headers_add(x, response);
	cors_headers_add(x, response);
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
	response = MHD_create_response_from_buffer(
		x->out.len, (void *)x->out.at, MHD_RESPMEM_PERSISTENT);
	if (!response)
		return MHD_NO;
	content_headers_add(x, response);
	cache_headers_add(x, response);
	cors_headers_add(x, response);
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
