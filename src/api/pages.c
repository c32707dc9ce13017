/* SPDX-License-Identifier: MIT
 *
 * Pagination inside `data`.
 */
#include "reeyo/api/pages.h"

#include "reeyo/core/json_writer.h"

static void pagination_members(
	struct json_writer *json, const char *total_name, struct page page, int64_t total)
{
	int64_t pages = (total + page.limit - 1) / page.limit;

	json_write_member_int(json, "currentPage", page.page);
	json_write_member_int(json, "totalPages", pages);
	json_write_member_int(json, total_name, total);
	json_write_member_bool(json, "hasNext", page.page < pages);
	json_write_member_bool(json, "hasPrev", page.page > 1);
}

static void page_reply(
	struct request *rq, struct json_writer *json, struct page page, int64_t total)
{
	json_write_object_end(json);
	json_write_object_end(json);
	if (!json_write_finish(json))
		return reply_error(rq, E_NO_MEMORY);
	reply_page(rq, buf_text(json->out), page, total);
}

void reply_nested_page(struct request *rq, const char *name, const char *total_name,
	struct text rows, struct page page, int64_t total)
{
	struct buf out = buf_in(rq->arena, rows.len + 300);
	struct json_writer json = json_write_to(&out);

	json_write_object(&json);
	json_write_member_raw(&json, name, rows);
	json_write_member_object(&json, "pagination");
	pagination_members(&json, total_name, page, total);
	page_reply(rq, &json, page, total);
}

void reply_full_page(struct request *rq, const char *name, const char *total_name, struct text rows,
	struct page page, int64_t total)
{
	struct buf out = buf_in(rq->arena, rows.len + 300);
	struct json_writer json = json_write_to(&out);

	json_write_object(&json);
	json_write_member_raw(&json, name, rows);
	json_write_member_int(&json, "total", total);
	json_write_member_object(&json, "pagination");
	json_write_member_int(&json, "page", page.page);
	json_write_member_int(&json, "limit", page.limit);
	json_write_member_int(&json, "total", total);
	pagination_members(&json, total_name, page, total);
	page_reply(rq, &json, page, total);
}
