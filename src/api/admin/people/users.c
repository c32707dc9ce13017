/* SPDX-License-Identifier: MIT
 *
 * Customers as the console reads, suspends and deletes them. What is remembered of the account
 * (`user:{id}`) is gone before the admin hears of success, so a suspension counts from the
 * customer's next request on.
 */
#include "admin/act.h"
#include "reeyo/api/admin.h"
#include "reeyo/api/session.h"

static const char *const status_words[] = { "ACTIVE", "INACTIVE", "SUSPENDED", NULL };
static const char *const user_words[][2] = {
	{ "ACTIVE", "ACTIVE" }, { "INACTIVE", "INACTIVE" }, { "SUSPENDED", "SUSPENDED" },
	{ "DELETED", "DELETED" }, { NULL, NULL },
};
static const struct field status_body[] = {
	{ "status", FIELD_ENUM, .required = true, .words = status_words },
	{ "reason", FIELD_TEXT, .lines = true, .max = 500 },
	FIELD_END
};

/* --- Reading ---------------------------------------------------------------------------------- */

static void list_users(struct request *rq)
{
	struct page page = request_page(rq, 20);
	const char *status, *search = query_text(rq, "search");

	if (!status_take(rq, user_words, &status))
		return;
	sql_read(rq, admin_user_list, admin_listed, status, search && search[0] ? search : NULL,
		arg_int(rq, page.limit), arg_int(rq, page.offset));
}

static void get_user(struct request *rq)
{
	sql_read(rq, admin_user_get, admin_shown, rq->params[0]);
}

static void user_orders(struct request *rq)
{
	orders_of(rq, NULL, NULL, NULL, rq->params[0]);
}

/* --- Acts ------------------------------------------------------------------------------------- */

static void changed(struct request *rq, const struct db_result *result)
{
	if (act_done(rq, result))
		uncached(rq, KEY_USER, rq->params[0], act_reply);
}

static void judge(struct request *rq, const char *status, const char *act)
{
	sql_write(rq, admin_user_judge, changed, rq->params[0], status, body_text(rq, "reason"),
		session_access_life(rq), rq->caller.id, act, act_details(rq), rq->request_id);
}

static void suspend(struct request *rq)
{
	judge(rq, "SUSPENDED", "user.suspend");
}

static void unsuspend(struct request *rq)
{
	judge(rq, "ACTIVE", "user.unsuspend");
}

static void set_status(struct request *rq)
{
	judge(rq, body_text(rq, "status"), "user.status");
}

static void delete_user(struct request *rq)
{
	judge(rq, "DELETED", "user.delete");
}

const struct route admin_user_routes[] = {
	{ GET, "/users", .who = ADMIN, .query = account_query, .reply = admin_user_fields,
		.shape = REPLY_PAGE, .run = list_users, .does = "Customers, newest first" },
	{ GET, "/users/:id", .who = ADMIN, .reply = admin_user_fields, .errors = { E_NOT_FOUND },
		.run = get_user, .does = "One customer with his stats" },
	{ GET, "/users/:id/orders", .who = ADMIN, .query = page_fields, .reply = admin_order_fields,
		.shape = REPLY_PAGE, .run = user_orders,
		.does = "A customer's orders, newest first" },
	{ POST, "/users/:id/suspend", .who = ADMIN, .any_write = true, .body = reason_body,
		.reply = admin_user_fields, .errors = { E_NOT_FOUND }, .run = suspend,
		.does = "Suspend a customer and end his sessions" },
	{ POST, "/users/:id/unsuspend", .also = "/users/:id/activate", .who = ADMIN,
		.any_write = true, .body = no_body, .reply = admin_user_fields,
		.errors = { E_NOT_FOUND }, .run = unsuspend, .does = "Lift a suspension" },
	{ PATCH, "/users/:id/status", .who = ADMIN, .any_write = true, .body = status_body,
		.reply = admin_user_fields, .errors = { E_NOT_FOUND }, .run = set_status,
		.does = "Give a customer another status" },
	{ DELETE, "/users/:id", .who = ADMIN, .reply = admin_user_fields, .errors = { E_NOT_FOUND },
		.run = delete_user,
		.does = "Delete a customer: the row stays, his phone and e-mail are free again" },
	ROUTE_END
};
