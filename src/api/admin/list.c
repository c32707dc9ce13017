/* SPDX-License-Identifier: MIT
 *
 * Lists of the admin namespace; see list.h.
 */
#include "list.h"

#include <strings.h>

#include "reeyo/service/settings.h"

const struct field account_query[] = {
	{ "search", FIELD_TEXT, .max = 100, .aliases = "q",
		.summary = "Searched in names, phones and e-mails" },
	{ "status", FIELD_TEXT, .max = 40,
		.summary = "A status in either spelling; ALL or absent: any" },
	PAGE_FIELDS,
	FIELD_END,
};

const char *const approval_filter_words[][2] = {
	{ "PENDING", "PENDING" },
	{ "PENDING_APPROVAL", "PENDING" },
	{ "PENDING_VERIFICATION", "PENDING" },
	{ "APPROVED", "APPROVED" },
	{ "ACTIVE", "APPROVED" },
	{ "REJECTED", "REJECTED" },
	{ "SUSPENDED", "SUSPENDED" },
	{ NULL, NULL },
};

void admin_reply_page(struct request *rq, const struct db_result *result)
{
	reply_page(rq, db_text(result, 0, PAGE_ROWS), request_page(rq, 20),
		db_int(result, 0, PAGE_TOTAL));
}

void admin_reply_page_of(struct request *rq, const struct db_result *result)
{
	if (db_rows(result) == 0)
		return reply_error(rq, E_NOT_FOUND);
	admin_reply_page(rq, result);
}

bool word_filter_parse(
	struct request *rq, const char *name, const char *const (*words)[2], const char **ret)
{
	const char *given = query_text(rq, name);

	*ret = NULL;
	if (!given || !given[0] || strcasecmp(given, "ALL") == 0)
		return true;
	for (; (*words)[0]; words++)
		if (strcasecmp(given, (*words)[0]) == 0) {
			*ret = (*words)[1];
			return true;
		}
	reply_field(rq, name, "is not one of its words", "n'est pas l'un de ses mots");
	return false;
}

bool status_filter_parse(struct request *rq, const char *const (*words)[2], const char **ret)
{
	return word_filter_parse(rq, "status", words, ret);
}

const char *query_nonempty(struct request *rq, const char *name)
{
	const char *given = query_text(rq, name);

	return given && given[0] ? given : NULL;
}

bool account_filter_parse(
	struct request *rq, const char *const (*words)[2], struct account_filter *ret)
{
	ret->search = query_nonempty(rq, "search");
	return status_filter_parse(rq, words, &ret->status);
}

const char *query_day_time(struct request *rq, const char *name, const char *clock)
{
	const char *zone = settings_text(rq->app->settings, SETTING_TIME_ZONE);
	const char *day = query_text(rq, name);

	return day ? arena_printf(rq->arena, "%s %s %s", day, clock, zone) : NULL;
}

void admin_orders_reply(struct request *rq, struct admin_order_list filter)
{
	struct page page = request_page(rq, 20);

	filter.limit = page.limit;
	filter.offset = page.offset;
	sql_read(rq, admin_order_list, admin_reply_page, &filter);
}
