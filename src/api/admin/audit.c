/* SPDX-License-Identifier: MIT
 *
 * The audit entry of a request; see audit.h.
 */
#include "audit.h"

#include "reeyo/core/json_writer.h"

static struct text audit_details(struct request *rq)
{
	json_auto_t *details = json_object();

	for (const struct field *field = rq->route->body; field && field->name; field++) {
		json_t *value = member(rq->body, field->name);

		if (value && field->kind != FIELD_SECRET && field->kind != FIELD_PASSWORD)
			json_object_set(details, field->name, value);
	}
	return text_of(arg_json(rq, details));
}

const char *audit_entry(struct request *rq)
{
	struct buf out = buf_in(rq->arena, 256);
	struct json_writer json = json_write_to(&out);

	json_write_object(&json);
	json_write_member_string(&json, "adminId", rq->caller.id);
	json_write_member_string(&json, "act", rq->route->audit);
	json_write_member_raw(&json, "details", audit_details(rq));
	json_write_member_string(&json, "requestId", rq->request_id);
	json_write_object_end(&json);
	return json_write_finish(&json);
}
