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

static const char *json_fault_message(struct exchange *x, const struct json_fault *fault)
{
	if (fault->error == E_BODY_TOO_LARGE)
		return arena_printf(x->rq.arena,
			x->rq.french ? "Le corps contient trop de valeurs : %d au plus"
				     : "The body holds too many values: %d at most",
			JSON_VALUES_MAX);
	return arena_printf(x->rq.arena,
		x->rq.french ? "Le corps n'est pas du JSON valide : ligne %d, colonne %d : %s"
			     : "The body is not valid JSON: line %d, column %d: %s",
		fault->line, fault->column, fault->why);
}

static void json_fault_reply(struct exchange *x, const struct json_fault *fault)
{
	const char *place = arena_printf(
		x->rq.arena, "line %d, column %d", fault->line, fault->column);
	struct buf details = buf_in(x->rq.arena, 96);
	struct json_writer json = json_write_to(&details);

	details_begin(&json, x->rq.ns);
	if (x->rq.ns == NS_ADMIN) {
		details_add(&json, x->rq.ns, "body", place);
	} else {
		json_write_object(&json);
		json_write_member_string(&json, "field", "body");
		json_write_member_string(&json, "message", place);
		json_write_member_object(&json, "position");
		json_write_member_int(&json, "line", fault->line);
		json_write_member_int(&json, "column", fault->column);
		json_write_member_int(&json, "offset", (long long)fault->offset);
		json_write_object_end(&json);
		json_write_object_end(&json);
	}
	details_end(&json, x->rq.ns);
	reply_error_with(&x->rq, fault->error, json_fault_message(x, fault), buf_text(&details));
}

static json_t *body_parse_json(struct exchange *x)
{
	struct json_fault fault;
	json_t *body = json_read_object(x->rq.arena, (struct text){ x->body, x->body_len }, &fault);

	if (!body)
		json_fault_reply(x, &fault);
	return body;
}

/* Absent when out of memory. */
static struct text form_value(struct arena *arena, struct text raw)
{
	char *out = arena_alloc(arena, raw.len + 1);

	return out ? (struct text){ out, form_decode(out, raw) } : TEXT_NONE;
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
		key = form_value(arena, text_cut(&value, '='));
		content = form_value(arena, value);
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

	if (!object)
		reply_error_with(&x->rq, E_BAD_REQUEST,
			arena_printf(x->rq.arena, "The parameters are not well-formed: %s", why),
			TEXT_NONE);
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

static void faults_reply(struct exchange *x, const struct field_fault *faults, unsigned count)
{
	struct buf details = buf_in(x->rq.arena, 512);
	struct json_writer json = json_write_to(&details);
	bool french = x->rq.french;

	details_begin(&json, x->rq.ns);
	for (unsigned i = 0; i < count; i++)
		details_add(&json, x->rq.ns, faults[i].field,
			french ? faults[i].message_fr : faults[i].message);
	details_end(&json, x->rq.ns);
	reply_error_with(&x->rq, E_VALIDATION,
		arena_printf(x->rq.arena, "%s: %s", faults[0].field,
			french ? faults[0].message_fr : faults[0].message),
		buf_text(&details));
}

static bool table_requires(const struct field *table)
{
	for (; table && table->name; table++)
		if (table->required)
			return true;
	return false;
}

/* A read without parameters has neither query nor body: both stay NULL, which every reader takes
 * for an empty object. */
static bool request_is_bare(const struct exchange *x)
{
	return (x->rq.method == GET || x->rq.method == HEAD) && !x->query.len &&
		!x->rq.route->body && !table_requires(x->rq.route->query);
}

bool body_check(struct exchange *x)
{
	const struct route *route = x->rq.route;
	struct field_fault faults[FIELD_FAULTS_MAX];
	unsigned how = (body_is_form(x) ? FIELDS_TEXTS : 0) | (route->created ? FIELDS_NEW : 0);
	unsigned count;

	if (request_is_bare(x))
		return true;
	if (!(x->rq.query = form_parse(x, x->query)) || !(x->rq.body = body_parse(x)))
		return false;
	count = route->query ? field_check(route->query, x->rq.query, FIELDS_TEXTS, faults) : 0;
	if (!count && route->body)
		count = field_check(route->body, x->rq.body, how, faults);
	if (count)
		faults_reply(x, faults, count);
	return count == 0;
}
