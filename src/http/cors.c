/* SPDX-License-Identifier: MIT
 *
 * Browsers: which origins may call (configuration allowed_origins), and the reply to a preflight. A
 * request without an Origin header comes from no browser, or from the same site, and is allowed.
 */
#include "exchange.h"

/* "https://", a host name of 253 characters and ":65535". A longer origin cannot exist, and its
 * echo would not fit into the room reserved for a response's head. */
#define ORIGIN_MAX 267

static bool origin_is_own(const struct head *head)
{
	struct text rest = head->origin;

	if (text_starts(rest, TEXT("https://")))
		rest = (struct text){ rest.at + 8, rest.len - 8 };
	else if (text_starts(rest, TEXT("http://")))
		rest = (struct text){ rest.at + 7, rest.len - 7 };
	else
		return false;
	return head->host.len && text_is_nocase(rest, head->host);
}

enum origin_class { ORIGIN_FOREIGN, ORIGIN_ANY, ORIGIN_OWN, ORIGIN_LISTED };

/* The class of the Origin header: listed by name, the server's own, allowed by `*` (without
 * credentials), or foreign. */
static enum origin_class origin_classify(const struct exchange *x)
{
	struct text list = text_of(x->rq.app->config->allowed_origins);
	enum origin_class class = origin_is_own(&x->head) ? ORIGIN_OWN : ORIGIN_FOREIGN;

	if (x->head.origin.len > ORIGIN_MAX)
		return ORIGIN_FOREIGN;
	while (list.at) {
		struct text one = text_trim(text_cut(&list, ','));

		if (one.len && text_is_nocase(one, x->head.origin))
			return ORIGIN_LISTED;
		if (text_is(one, TEXT("*")) && class == ORIGIN_FOREIGN)
			class = ORIGIN_ANY;
	}
	return class;
}

bool request_origin_listed(struct request *rq)
{
	const struct exchange *x = exchange_of(rq);

	return x->head.origin.at && origin_classify(x) == ORIGIN_LISTED;
}

static void options_reply(struct exchange *x)
{
	struct route_match match;
	unsigned all = GET | POST | PUT | PATCH | DELETE;

	router_find(x->rq.app->router, 0, x->rq.path, x->rq.ns, &match);
	if (match.allowed)
		all = match.allowed;
	if (x->head.preflight_method.at) {
		reply_header(&x->rq, "Access-Control-Allow-Methods",
			"GET, POST, PUT, PATCH, DELETE, OPTIONS");
		reply_header(&x->rq, "Access-Control-Allow-Headers",
			"Content-Type, Authorization, Idempotency-Key, Accept-Language, "
			"X-Request-Id, X-Device-Id, If-None-Match, Last-Event-ID");
		reply_header(&x->rq, "Access-Control-Max-Age", "86400");
	}
	struct buf allow = buf_in(x->rq.arena, 64);
	static const enum method each[] = { GET, POST, PUT, PATCH, DELETE };

	for (size_t i = 0; i < COUNT_OF(each); i++)
		if (all & each[i])
			buf_printf(&allow, "%s%s, ", method_name(each[i]),
				each[i] == GET ? ", HEAD" : "");
	buf_add_string(&allow, "OPTIONS");
	reply_header(&x->rq, "Allow", buf_string(&allow));
	reply_bare(&x->rq, 204, "text/plain", TEXT(""));
}

/* Routes for the systems of others: no web page calls them, so their Origin is ignored. */
static bool route_is_external(const struct exchange *x)
{
	struct route_match match = { 0 };

	if (x->rq.method)
		router_find(x->rq.app->router, x->rq.method == HEAD ? GET : x->rq.method,
			x->rq.path, x->rq.ns, &match);
	return match.route && match.route->external;
}

bool cors_check(struct exchange *x)
{
	if (x->head.origin.at && origin_classify(x) == ORIGIN_FOREIGN && !route_is_external(x)) {
		reply_error(&x->rq, E_CORS_ORIGIN);
		return false;
	}
	if (x->rq.method == OPTIONS) {
		options_reply(x);
		return false;
	}
	return true;
}

void cors_lines_write(struct exchange *x, struct buf *lines)
{
	struct text origin = x->head.origin;
	enum origin_class class = origin.at ? origin_classify(x) : ORIGIN_FOREIGN;

	if (class == ORIGIN_FOREIGN)
		return;
	buf_add_text(lines, TEXT("Access-Control-Allow-Origin: "));
	buf_add_text(lines, class == ORIGIN_ANY ? TEXT("*") : origin);
	if (class != ORIGIN_ANY)
		buf_add_text(lines, TEXT("\r\nAccess-Control-Allow-Credentials: true"));
	buf_add_text(lines,
		TEXT("\r\nAccess-Control-Expose-Headers: X-Request-Id, ETag, Retry-After, RateLimit, "
		     "RateLimit-Policy, Idempotency-Replayed\r\n"));
}
