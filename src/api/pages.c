/* SPDX-License-Identifier: MIT
 *
 * Pagination inside `data`.
 */
#include "reeyo/api/pages.h"

static void pagination_add(struct buf *out, const char *total_name, struct page page, int64_t total)
{
	int64_t pages = (total + page.limit - 1) / page.limit;

	buf_printf(out,
		"\"currentPage\":%lld,\"totalPages\":%lld,\"%s\":%lld,"
		"\"hasNext\":%s,\"hasPrev\":%s}",
		(long long)page.page, (long long)pages, total_name, (long long)total,
		page.page < pages ? "true" : "false", page.page > 1 ? "true" : "false");
}

static void page_end(struct request *rq, struct buf *out, struct page page, int64_t total)
{
	char *json = buf_string(out);

	if (!json)
		return reply_error(rq, E_NO_MEMORY);
	reply_page(rq, (struct text){ json, out->len }, page, total);
}

static struct buf rows_begin(struct request *rq, const char *name, struct text rows)
{
	struct buf out = buf_in(rq->arena, rows.len + 300);

	buf_printf(&out, "{\"%s\":", name);
	buf_add_text(&out, rows);
	return out;
}

void reply_nested_page(struct request *rq, const char *name, const char *total_name,
	struct text rows, struct page page, int64_t total)
{
	struct buf out = rows_begin(rq, name, rows);

	buf_add_string(&out, ",\"pagination\":{");
	pagination_add(&out, total_name, page, total);
	buf_add_string(&out, "}");
	page_end(rq, &out, page, total);
}

void reply_full_page(struct request *rq, const char *name, const char *total_name, struct text rows,
	struct page page, int64_t total)
{
	struct buf out = rows_begin(rq, name, rows);

	buf_printf(&out,
		",\"total\":%lld,\"pagination\":{\"page\":%lld,\"limit\":%lld,\"total\":%lld,",
		(long long)total, (long long)page.page, (long long)page.limit, (long long)total);
	pagination_add(&out, total_name, page, total);
	buf_add_string(&out, "}");
	page_end(rq, &out, page, total);
}
