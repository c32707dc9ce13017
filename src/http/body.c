/* SPDX-License-Identifier: MIT
 *
 * Bodies and queries: collected up to a limit, parsed once, and validated against the route's
 * tables. JSON errors name the position. An empty body is read as {}, because existing clients send
 * writes without a body.
 */
#include <stdio.h>

#include "exchange.h"
#include "json.h"

/* Limit for the bodies of all clients of one loop together, in bytes. */
#define BODY_BYTES_PER_LOOP (32u << 20)

/* --- Collecting ------------------------------------------------------------------------------- */

size_t body_limit(const struct exchange *x)
{
	const struct route *route = x->rq.route;

	return route && route->body_limit ? route->body_limit
					  : (size_t)x->rq.app->config->body_limit;
}

static int body_grow(struct exchange *x, size_t need)
{
	size_t room = x->body_room ? x->body_room : 512; /* from 1024 bytes on malloc first merges
							  * free chunks, which is slow */
	char *larger;

	while (room < need)
		room *= 2;
	if (x->server->body_bytes + room > BODY_BYTES_PER_LOOP)
		return E_BUSY;
	larger = x->body_heap ? realloc(x->body, room) : malloc(room);
	if (!larger)
		return E_NO_MEMORY;
	x->server->body_bytes += room - x->body_room;
	x->body = larger;
	x->body_heap = true;
	x->body_room = room;
	return 0;
}

int body_collect(struct exchange *x, const char *at, size_t len)
{
	int error;

	if (len > body_limit(x) - x->body_len)
		return E_BODY_TOO_LARGE;
	if (x->body_len + len + 1 > x->body_room && (error = body_grow(x, x->body_len + len + 1)))
		return error;
	memcpy(x->body + x->body_len, at, len);
	x->body_len += len;
	return 0;
}

void body_free(struct exchange *x)
{
	if (!x->body_heap)
		return;
	x->server->body_bytes -= x->body_room;
	free(x->body);
	x->body = NULL;
	x->body_heap = false;
}

struct text request_raw(struct request *rq)
{
	const struct exchange *x = exchange_of(rq);

	return rq->method == GET || rq->method == HEAD ? x->query
						       : (struct text){ x->body, x->body_len };
}

/* --- Parsing ---------------------------------------------------------------------------------- */

static void json_fault_reply(struct exchange *x, const struct json_fault *fault)
{
	struct buf message = buf_in(x->rq.arena, 192);
	struct buf details = buf_in(x->rq.arena, 96);

	if (fault->error == E_BODY_TOO_LARGE)
		buf_printf(&message,
			x->rq.french ? "Le corps contient trop de valeurs : %d au plus"
				     : "The body holds too many values: %d at most",
			JSON_VALUES_MAX);
	else
		buf_printf(&message,
			x->rq.french
				? "Le corps n'est pas du JSON valide : ligne %d, colonne %d : %s"
				: "The body is not valid JSON: line %d, column %d: %s",
			fault->line, fault->column, fault->why);
	if (x->rq.ns == NS_ADMIN)
		buf_printf(&details, "{\"fields\":{\"body\":[\"line %d, column %d\"]}}",
			fault->line, fault->column);
	else
		buf_printf(&details,
			"[{\"field\":\"body\",\"message\":\"line %d, column %d\","
			"\"position\":{\"line\":%d,\"column\":%d,\"offset\":%zu}}]",
			fault->line, fault->column, fault->line, fault->column, fault->offset);
	reply_error_with(&x->rq, fault->error, buf_string(&message), text_of(buf_string(&details)));
}

static json_t *body_parse_json(struct exchange *x)
{
	struct json_fault fault;
	json_t *body = json_read_object(x->rq.arena, (struct text){ x->body, x->body_len }, &fault);

	if (!body)
		json_fault_reply(x, &fault);
	return body;
}

/* '+' is a space in forms and queries. Absent when out of memory. */
static struct text form_decode(struct arena *arena, struct text raw)
{
	char *out = arena_copy(arena, raw.at ? raw.at : "", raw.len);

	for (char *c = out; c && *c; c++)
		if (*c == '+')
			*c = ' ';
	return out ? (struct text){ out, MHD_http_unescape(out) } : TEXT_NONE;
}

/* "a=1&b=2" as an object of strings. NULL with the reason in *ret_why when a name appears twice,
 * the text is not UTF-8, or there are more than 100 pairs. */
static json_t *form_parse_pairs(struct arena *arena, struct text all, const char **ret_why)
{
	json_t *object = json_object();
	unsigned count = 0;

	*ret_why = "memory is short";
	while (object && all.at && all.len) {
		struct text value = text_cut(&all, '&');
		struct text key, content;

		if (value.len == 0)
			continue;
		key = form_decode(arena, text_cut(&value, '='));
		content = form_decode(arena, value);
		if (++count > 100)
			*ret_why = "too many parameters";
		else if (!key.at || !content.at)
			*ret_why = "memory is short";
		else if (!text_is_utf8(key) || !text_is_utf8(content))
			*ret_why = "a parameter is not UTF-8, or holds a NUL";
		else if (json_object_get(object, key.at))
			*ret_why = "a parameter appears twice";
		else if (json_object_set_new(
				 object, key.at, json_stringn(content.at, content.len)) == 0)
			continue;
		json_decref(object);
		return NULL;
	}
	return object;
}

static json_t *form_parse(struct exchange *x, struct text all)
{
	const char *why;
	json_t *object = form_parse_pairs(x->rq.arena, all, &why);

	if (!object) {
		struct buf message = buf_in(x->rq.arena, 96);

		buf_printf(&message, "The parameters are not well-formed: %s", why);
		reply_error_with(&x->rq, E_BAD_REQUEST, buf_string(&message), TEXT_NONE);
	}
	return object;
}

/* `curl -d '{…}'` sends JSON with the Content-Type of a form. A form never starts with a brace. */
static bool body_is_form(const struct exchange *x)
{
	struct text rest = x->head.content_type;

	return !text_starts(text_trim((struct text){ x->body, x->body_len }), TEXT("{")) &&
		(x->rq.route->external ||
			text_is_nocase(text_trim(text_cut(&rest, ';')),
				TEXT("application/x-www-form-urlencoded")));
}

static json_t *body_parse(struct exchange *x)
{
	bool form = body_is_form(x);
	struct text body = { x->body, x->body_len };

	if (x->rq.method == GET || x->rq.method == HEAD || text_trim(body).len == 0)
		return json_object();
	if (form)
		return form_parse(x, body);
	return body_parse_json(x);
}

/* --- Checking --------------------------------------------------------------------------------- */

static void fault_write(struct exchange *x, struct buf *details, const struct field_fault *fault)
{
	const char *message = x->rq.french ? fault->message_fr : fault->message;

	if (x->rq.ns == NS_ADMIN) {
		buf_add_json(details, text_of(fault->field));
		buf_add_string(details, ":[");
		buf_add_json(details, text_of(message));
		buf_add_string(details, "]");
		return;
	}
	buf_add_string(details, "{\"field\":");
	buf_add_json(details, text_of(fault->field));
	buf_add_string(details, ",\"message\":");
	buf_add_json(details, text_of(message));
	buf_add_string(details, "}");
}

static void faults_reply(struct exchange *x, const struct field_fault *faults, unsigned count)
{
	bool admin = x->rq.ns == NS_ADMIN;
	struct buf details = buf_in(x->rq.arena, 512);
	struct buf message = buf_in(x->rq.arena, 256);

	buf_add_string(&details, admin ? "{\"fields\":{" : "[");
	for (unsigned i = 0; i < count; i++) {
		if (i)
			buf_add_string(&details, ",");
		fault_write(x, &details, &faults[i]);
	}
	buf_add_string(&details, admin ? "}}" : "]");
	buf_printf(&message, "%s: %s", faults[0].field,
		x->rq.french ? faults[0].message_fr : faults[0].message);
	reply_error_with(&x->rq, E_VALIDATION, buf_string(&message), text_of(buf_string(&details)));
}

bool body_check(struct exchange *x)
{
	const struct route *route = x->rq.route;
	struct field_fault faults[FIELD_FAULTS_MAX];
	unsigned how = (body_is_form(x) ? FIELDS_TEXTS : 0) | (route->created ? FIELDS_NEW : 0);
	unsigned count;

	if (!(x->rq.query = form_parse(x, x->query)) || !(x->rq.body = body_parse(x)))
		return false;
	count = route->query ? field_check(route->query, x->rq.query, FIELDS_TEXTS, faults) : 0;
	if (!count && route->body)
		count = field_check(route->body, x->rq.body, how, faults);
	if (count)
		faults_reply(x, faults, count);
	return count == 0;
}
