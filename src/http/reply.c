/* SPDX-License-Identifier: MIT
 *
 * Replies of success: the envelope, pages, cached and raw bodies. Errors are in reply_error.c.
 *
 * A reply is decided once (`replied`), built in the request's arena, and queued by MHD's access
 * handler, immediately or after the connection has been resumed.
 */
#include <stdio.h>

#include "exchange.h"

bool reply_begin(struct exchange *x)
{
	if (x->replied)
		return false;
	x->replied = true;
	limit_return_reservations(x);
	return true;
}

void reply_decide(struct exchange *x, int status, const char *type, struct text body)
{
	x->status = status;
	x->content_type = type;
	x->out = body;
	exchange_resume(x);
}

void reply_out_of_memory(struct exchange *x)
{
	reply_decide(x, 503, JSON_TYPE,
		TEXT("{\"success\":false,\"error\":{\"code\":\"SERVICE_UNAVAILABLE\","
		     "\"message\":\"The server is out of memory, try again shortly\"}}"));
}

/* --- Success ---------------------------------------------------------------------------------- */

struct text success_body(struct arena *arena, const char *message, struct text data)
{
	struct buf body = buf_in(arena, data.len + 64 + (message ? strlen(message) : 0));
	struct json_writer json = json_write_to(&body);

	json_write_object(&json);
	json_write_member_bool(&json, "success", true);
	if (message)
		json_write_member_string(&json, "message", message);
	json_write_member_raw(&json, "data", data);
	json_write_object_end(&json);
	json_write_finish(&json);
	return buf_text(&body);
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
	reply_body(rq, success_body(rq->arena, NULL, json));
}

void reply_data_message(
	struct request *rq, const char *english, const char *french, struct text json)
{
	reply_body(rq, success_body(rq->arena, rq->french ? french : english, json));
}

void reply_message(struct request *rq, const char *english, const char *french)
{
	reply_data_message(rq, english, french, TEXT_NONE);
}

void reply_page(struct request *rq, struct text data, struct page page, int64_t total)
{
	int64_t pages = (total + page.limit - 1) / page.limit;
	struct buf body = buf_in(rq->arena, data.len + 256);
	struct json_writer json = json_write_to(&body);

	json_write_object(&json);
	json_write_member_bool(&json, "success", true);
	json_write_member_raw(&json, "data", data.at ? data : TEXT("[]"));
	json_write_member_object(&json, "meta");
	json_write_member_int(&json, "page", page.page);
	json_write_member_int(&json, "limit", page.limit);
	json_write_member_int(&json, "pageSize", page.limit);
	json_write_member_int(&json, "total", total);
	json_write_member_int(&json, "totalPages", pages);
	json_write_member_bool(&json, "hasNext", page.page < pages);
	json_write_member_bool(&json, "hasPrev", page.page > 1);
	json_write_object_end(&json);
	json_write_object_end(&json);
	reply_body(rq, buf_text(&body));
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

bool etag_matches(struct text list, const char *etag)
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

static void cached_bytes_drop(void *bytes)
{
	cache_bytes_drop(bytes);
}

/* The body of a cached value, valid as long as the request; absent when out of memory. */
static struct text cached_body(struct arena *arena, const struct cache_value *value, bool gzip)
{
	struct cache_value kept;
	struct cache_bytes *bytes = cache_value_keep(value, &kept);
	struct text body = gzip ? value->gzip : value->plain;
	char *copy;

	if (bytes && arena_dispose(arena, cached_bytes_drop, bytes) == 0)
		return gzip ? kept.gzip : kept.plain;
	cache_bytes_drop(bytes);
	copy = arena_copy(arena, body.at, body.len);
	return copy ? (struct text){ copy, body.len } : TEXT_NONE;
}

void reply_cached(struct request *rq, const struct cache_value *value)
{
	struct exchange *x = exchange_of(rq);
	const char *encoding = value->gzip.at ? head_encoding(&x->head, true) : NULL;
	struct text body;

	if (!reply_begin(x))
		return;
	x->etag = arena_copy(rq->arena, value->etag, strlen(value->etag));
	x->until_ms = value->until_ms;
	if (x->head.if_none_match.at && etag_matches(x->head.if_none_match, value->etag))
		return reply_decide(x, 304, JSON_TYPE, TEXT_NONE);
	body = cached_body(rq->arena, value, encoding != NULL);
	if (!body.at)
		return reply_out_of_memory(x);
	x->encoding = encoding;
	reply_decide(x, 200, JSON_TYPE, body);
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
	reply_header(rq, "Retry-After",
		arena_printf(rq->arena, "%lld", (long long)(seconds > 0 ? seconds : 1)));
}

void reply_until(struct request *rq, int64_t wall_ms)
{
	exchange_of(rq)->until_ms = wall_ms;
}
