/* SPDX-License-Identifier: MIT
 *
 * Error replies: the envelope or RFC 9457 form, with the code of the namespace, and the headers
 * that a status requires.
 */
#include <stdio.h>

#include "exchange.h"

#define PROBLEM_TYPE "application/problem+json; charset=utf-8"

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
	reply_decide(
		x, x->status, problem ? PROBLEM_TYPE : JSON_TYPE, (struct text){ out, body.len });
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
