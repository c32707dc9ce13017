/* SPDX-License-Identifier: MIT
 *
 * Error replies: the envelope or RFC 9457 form, with the code of the namespace, and the headers
 * that a status requires.
 */
#include <stdio.h>

#include "exchange.h"

#define PROBLEM_TYPE "application/problem+json; charset=utf-8"

/* A path that is not UTF-8 cannot be in JSON. */
static struct text error_path(const struct exchange *x)
{
	return text_is_utf8(x->rq.path) ? x->rq.path : TEXT("/");
}

static void error_problem(struct exchange *x, struct json_writer *json, const struct error_row *row,
	const char *message, struct text details)
{
	json_write_object(json);
	json_write_member_string(json, "type", "about:blank");
	json_write_member_int(json, "status", x->status);
	json_write_member_string(json, "title", x->rq.french ? row->french : row->english);
	json_write_member_string(json, "detail", message);
	json_write_member_string(json, "code", row->code[x->rq.ns]);
	json_write_member_text(json, "instance", error_path(x));
	if (details.at)
		json_write_member_raw(json, "errors", details);
	json_write_member_string(json, "requestId", x->rq.request_id);
	json_write_object_end(json);
}

static void error_envelope(struct exchange *x, struct json_writer *json,
	const struct error_row *row, const char *message, struct text details)
{
	char now[CLOCK_ISO_SIZE];

	clock_iso(clock_wall_ms(), now);
	json_write_object(json);
	json_write_member_bool(json, "success", false);
	json_write_member_object(json, "error");
	json_write_member_string(json, "code", row->code[x->rq.ns]);
	json_write_member_string(json, "message", message);
	if (details.at)
		json_write_member_raw(json, "details", details);
	json_write_object_end(json);
	json_write_member_string(json, "timestamp", now);
	json_write_member_text(json, "path", error_path(x));
	json_write_member_string(json, "requestId", x->rq.request_id);
	json_write_object_end(json);
}

static void allow_header_add(struct exchange *x)
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
static void error_headers_add(struct exchange *x, int error)
{
	bool has_retry = false;

	for (unsigned i = 0; i < x->header_count; i++)
		has_retry |= strcmp(x->headers[i].name, "Retry-After") == 0;
	if (x->status == 503 && !has_retry && error != E_SERVICE_OFF)
		reply_header(&x->rq, "Retry-After", "1");
	if (x->status == 401)
		reply_header(&x->rq, "WWW-Authenticate", "Bearer realm=\"reeyo\"");
	if (error == E_METHOD_NOT_ALLOWED)
		allow_header_add(x);
	if (error == E_BODY_TOO_LARGE || error == E_URI_TOO_LONG)
		x->close = true;
}

void reply_error_with(struct request *rq, int error, const char *message, struct text details)
{
	struct exchange *x = exchange_of(rq);
	const struct error_row *row = error_row(error);
	bool problem = head_wants_problem(&x->head);
	struct json_writer json;
	struct buf body;

	if (!reply_begin(x))
		return;
	if (!message)
		message = rq->french ? row->french : row->english;
	x->status = error_status(error, rq->ns);
	error_headers_add(x, error);
	body = buf_in(rq->arena, 512 + details.len);
	json = json_write_to(&body);
	(problem ? error_problem : error_envelope)(x, &json, row, message, details);
	if (!json_write_finish(&json))
		return reply_out_of_memory(x);
	reply_decide(x, x->status, problem ? PROBLEM_TYPE : JSON_TYPE, buf_text(&body));
}

void reply_error(struct request *rq, int error)
{
	reply_error_with(rq, error, NULL, TEXT_NONE);
}

/* --- Validation ------------------------------------------------------------------------------- */

void details_begin(struct json_writer *json, enum name_space ns)
{
	if (ns != NS_ADMIN)
		return json_write_array(json);
	json_write_object(json);
	json_write_member_object(json, "fields");
}

void details_add(
	struct json_writer *json, enum name_space ns, const char *field, const char *message)
{
	if (ns == NS_ADMIN) {
		json_write_member_array(json, field);
		json_write_string(json, message);
		json_write_array_end(json);
		return;
	}
	json_write_object(json);
	json_write_member_string(json, "field", field);
	json_write_member_string(json, "message", message);
	json_write_object_end(json);
}

void details_end(struct json_writer *json, enum name_space ns)
{
	if (ns != NS_ADMIN)
		return json_write_array_end(json);
	json_write_object_end(json);
	json_write_object_end(json);
}

void reply_field(struct request *rq, const char *field, const char *english, const char *french)
{
	const char *message = rq->french ? french : english;
	struct buf details = buf_in(rq->arena, 256);
	struct json_writer json = json_write_to(&details);

	details_begin(&json, rq->ns);
	details_add(&json, rq->ns, field, message);
	details_end(&json, rq->ns);
	reply_error_with(rq, E_VALIDATION, arena_printf(rq->arena, "%s: %s", field, message),
		buf_text(&details));
}
