/* SPDX-License-Identifier: MIT
 *
 * Responses: a decided reply becomes libmicrohttpd's response with ETag and 304, encoding, and the
 * caching, security and CORS headers.
 */
#include "exchange.h"
#include "reeyo/core/tag.h"
#include "reeyo/http/counters.h"

static bool method_is_read(const struct exchange *x)
{
	return x->rq.method == GET || x->rq.method == HEAD;
}

/* Sets a tag on any JSON that a client may request again: a 304 saves a lot on slow networks. */
static void etag_set(struct exchange *x)
{
	char *tag;

	if (x->etag || x->status != 200 || !method_is_read(x) || x->out.len == 0 ||
		x->content_type[0] != 'a')
		return;
	tag = arena_alloc(x->rq.arena, TAG_DIGITS + 3);
	if (!tag)
		return;
	tag_write(x->out, tag + 1);
	tag[0] = tag[TAG_DIGITS + 1] = '"';
	tag[TAG_DIGITS + 2] = '\0';
	x->etag = tag;
	if (x->head.if_none_match.at && etag_matches(x->head.if_none_match, x->etag)) {
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

static void line_add(struct buf *lines, struct text name, const char *value)
{
	buf_add_text(lines, name);
	buf_add_string(lines, value);
	buf_add(lines, "\r\n", 2);
}

static void cache_lines_write(struct exchange *x, struct buf *lines)
{
	bool shared = x->rq.route && x->status < 400 && method_is_read(x) && x->rq.route->max_age;
	const char *tag;

	if (shared) {
		buf_add_text(lines, TEXT("Cache-Control: public, max-age="));
		buf_add_int(lines, reply_max_age(x));
		buf_add_text(lines, TEXT("\r\nVary: Accept-Encoding, Accept, Origin\r\n"));
	} else {
		buf_add_text(lines,
			reply_is_personal(x) ? TEXT("Cache-Control: no-store")
					     : TEXT("Cache-Control: no-cache"));
		buf_add_text(lines,
			TEXT("\r\nVary: Accept-Encoding, Accept, Accept-Language, Authorization, "
			     "Origin\r\n"));
	}
	if (x->etag && (tag = etag_encoded(x)))
		line_add(lines, TEXT("ETag: "), tag);
}

/* No value may begin a header of its own. */
static bool value_is_line(const char *value)
{
	return value[0] && !value[strcspn(value, "\r\n")];
}

void common_lines_write(struct exchange *x, struct buf *lines)
{
	if (x->rq.request_id[0])
		line_add(lines, TEXT("X-Request-Id: "), x->rq.request_id);
	buf_add_text(
		lines, TEXT("X-Content-Type-Options: nosniff\r\nX-Frame-Options: SAMEORIGIN\r\n"));
	if (head_is_tls(&x->head))
		buf_add_text(lines, TEXT("Strict-Transport-Security: max-age=31536000\r\n"));
	for (unsigned i = 0; i < x->header_count; i++) {
		if (!value_is_line(x->headers[i].value))
			continue;
		buf_add_string(lines, x->headers[i].name);
		line_add(lines, TEXT(": "), x->headers[i].value);
	}
}

static void reply_lines_write(struct exchange *x, struct buf *lines)
{
	if (x->out.len)
		line_add(lines, TEXT("Content-Type: "), x->content_type);
	if (x->encoding)
		line_add(lines, TEXT("Content-Encoding: "), x->encoding);
	cache_lines_write(x, lines);
	common_lines_write(x, lines);
	cors_lines_write(x, lines);
}

/* X-Accel-Buffering keeps nginx from buffering the stream. */
static void stream_lines_write(struct exchange *x, struct buf *lines)
{
	buf_add_text(lines,
		TEXT("Content-Type: text/event-stream\r\nCache-Control: no-store\r\n"
		     "X-Accel-Buffering: no\r\n"));
	common_lines_write(x, lines);
	cors_lines_write(x, lines);
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

/* The library writes the status line and the headers about the connection and the length. */
static enum MHD_Result response_queue(
	struct exchange *x, struct MHD_Response *response, struct text lines)
{
	enum MHD_Result result = MHD_NO;

	if (response && lines.at && !head_lines_set(x->connection, lines, x->stream != NULL))
		result = MHD_queue_response(x->mhd, (unsigned)x->status, response);
	if (response)
		MHD_destroy_response(response);
	return result;
}

/* Starts in memory that the exchange has from the start, so that a reply which says that memory is
 * short can still be sent. */
static struct buf lines_begin(struct exchange *x)
{
	return (struct buf){ .arena = x->rq.arena, .at = x->lines, .room = sizeof(x->lines) };
}

static enum MHD_Result stream_queue(struct exchange *x)
{
	struct MHD_Response *response = stream_response(x->stream);
	struct buf lines = lines_begin(x);

	stream_lines_write(x, &lines);
	reply_count(x);
	x->stage = STAGE_SENT;
	deadline_stop(&x->connection->deadline);
	return response_queue(x, response, buf_text(&lines));
}

enum MHD_Result reply_queue(struct exchange *x)
{
	struct MHD_Response *response;
	struct buf lines;

	if (x->stream)
		return stream_queue(x);
	etag_set(x);
	reply_encode(x);
	response = MHD_create_response_from_buffer(
		x->out.len, (void *)x->out.at, MHD_RESPMEM_PERSISTENT);
	lines = lines_begin(x);
	reply_lines_write(x, &lines);
	if (response && (x->close || x->server->draining))
		MHD_add_response_header(response, "Connection", "close");
	reply_count(x);
	x->stage = STAGE_SENT;
	exchange_unlist(x);
	if (x->connection)
		deadline_start(&x->server->send, &x->connection->deadline);
	return response_queue(x, response, buf_text(&lines));
}
