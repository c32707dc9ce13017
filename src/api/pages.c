/* SPDX-License-Identifier: MIT
 *
 * Pagination inside `data`.
 */
#include "reeyo/api/pages.h"

void reply_nested_page(struct request *rq, const char *name, const char *total_name,
	struct text rows, struct page page, int64_t total)
{
	int64_t pages = (total + page.limit - 1) / page.limit;
	struct buf out = buf_in(rq->arena, rows.len + 200);
	char *json;

	buf_printf(&out, "{\"%s\":", name);
	buf_add_text(&out, rows);
	buf_printf(&out,
		",\"pagination\":{\"currentPage\":%lld,\"totalPages\":%lld,\"%s\":%lld,\"hasNext\":"
		"%s,"
		"\"hasPrev\":%s}}",
		(long long)page.page, (long long)pages, total_name, (long long)total,
		page.page < pages ? "true" : "false", page.page > 1 ? "true" : "false");
	json = buf_string(&out);
	if (!json)
		return reply_error(rq, E_NO_MEMORY);
	reply_page(rq, (struct text){ json, out.len }, page, total);
}
