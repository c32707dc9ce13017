/* SPDX-License-Identifier: MIT
 *
 * Checks of a request's head: the route and its parameters, expectations, media types and length.
 */
#include "exchange.h"
#include "reeyo/domain/order.h"

/* Ids in paths have the same alphabet as ids in bodies. Others cannot exist. */
static bool param_is_id(struct text param)
{
	if (param.len < 1 || param.len > 64)
		return false;
	for (size_t i = 0; i < param.len; i++) {
		char c = param.at[i];

		if (!((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
			    c == '_' || c == '.' || c == '-'))
			return false;
	}
	return true;
}

/* A parameter named orderId, or directly below /orders/: an order's id or number. */
static bool param_is_order(const struct exchange *x, unsigned i)
{
	const struct text parent = TEXT("/orders/");
	struct text raw = x->match.params[i];

	return text_is(x->match.names[i], TEXT("orderId")) ||
		(raw.at >= x->rq.path.at + parent.len &&
			memcmp(raw.at - parent.len, parent.at, parent.len) == 0);
}

static int param_read(struct exchange *x, unsigned i)
{
	struct text raw = x->match.params[i];
	char *param = arena_alloc(x->rq.arena, raw.len + 1);
	char number[ORDER_NUMBER_SIZE];
	size_t len;

	if (!param)
		return E_NO_MEMORY;
	len = percent_decode(param, raw, NULL);
	if (param_is_order(x, i) && order_number_normalise((struct text){ param, len }, number)) {
		len = strlen(number);
		param = arena_copy(x->rq.arena, number, len);
	}
	x->rq.params[i] = param;
	if (!param)
		return E_NO_MEMORY;
	return param_is_id((struct text){ param, len }) ? 0 : E_NOT_FOUND;
}

/* The metrics listener serves the absolute paths, with the internal ones; the others serve all
 * paths that are not internal. */
static bool listener_serves(const struct listener *listener, const struct route *route)
{
	return listener->metrics ? route->root : !route->internal;
}

static int route_find(struct exchange *x, enum method method)
{
	struct route_match *match = &x->match;
	int error = 0;

	router_find(x->rq.app->router, method == HEAD ? GET : method, x->rq.path, x->rq.ns, match);
	x->rq.ns = match->ns;
	x->rq.route = match->route;
	if (match->route && !listener_serves(&x->connection->port->listener, match->route)) {
		x->rq.route = match->route = NULL;
		match->allowed = 0;
	}
	if (!match->route)
		return match->allowed ? E_METHOD_NOT_ALLOWED : E_ROUTE_NOT_FOUND;
	for (unsigned i = 0; i < match->count && !error; i++)
		error = param_read(x, i);
	return error;
}

static int expect_check(const struct exchange *x)
{
	return x->head.expect.at && !text_is_nocase(x->head.expect, TEXT("100-continue"))
		? E_EXPECTATION
		: 0;
}

static int media_check(const struct exchange *x)
{
	struct text rest = x->head.content_type;
	struct text type = text_trim(text_cut(&rest, ';'));
	bool empty = !x->head.transfer_encoding.at &&
		(!x->head.content_length.at || text_is(x->head.content_length, TEXT("0")));

	if (empty || !x->rq.route || x->rq.route->external || x->rq.method == GET ||
		x->rq.method == HEAD)
		return 0;
	if (x->head.content_encoding.at &&
		!text_is_nocase(x->head.content_encoding, TEXT("identity")))
		return E_MEDIA_TYPE;
	if (!type.at || type.len == 0 || text_is_nocase(type, TEXT("application/json")) ||
		text_is_nocase(type, TEXT("application/x-www-form-urlencoded")))
		return 0;
	return E_MEDIA_TYPE;
}

/* A request without a length and without chunks has an empty body (RFC 9112, 6.3). */
static int length_check(struct exchange *x)
{
	int64_t length;

	if (x->head.content_length.at &&
		(!text_to_int(x->head.content_length, 0, INT64_MAX, &length) ||
			(size_t)length > body_limit(x)))
		return E_BODY_TOO_LARGE;
	return 0;
}

/* All checks that need no body; returns the first error. */
int head_check(struct exchange *x, enum method method)
{
	int error;

	if (x->rq.path.len + x->query.len > URL_MAX)
		return E_URI_TOO_LONG;
	if (!method)
		return E_NOT_IMPLEMENTED;
	if (!text_is_utf8(x->rq.path))
		return E_BAD_REQUEST;
	if ((error = route_find(x, method)) || (error = expect_check(x)))
		return error;
	if (!head_accepts_json(&x->head) && x->rq.route->shape != REPLY_BARE &&
		!x->rq.route->external && !(x->rq.route->stream && head_accepts_events(&x->head)))
		return E_NOT_ACCEPTABLE;
	if ((error = length_check(x)) || (error = media_check(x)))
		return error;
	return 0;
}
