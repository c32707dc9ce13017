/* SPDX-License-Identifier: MIT
 *
 * Customers: the admin lists, reads, suspends and deletes them. The cached account (`user:{id}`) is
 * invalidated before the reply, so a suspension applies from the customer's next request.
 */
#include "admin/act.h"
#include "reeyo/api/admin.h"
#include "reeyo/api/session.h"
#include "reeyo/service/cache_keys.h"

static const char *const status_words[] = { "ACTIVE", "INACTIVE", "SUSPENDED", NULL };
static const char *const user_filter_words[][2] = {
	{ "ACTIVE", "ACTIVE" },
	{ "INACTIVE", "INACTIVE" },
	{ "SUSPENDED", "SUSPENDED" },
	{ "DELETED", "DELETED" },
	{ NULL, NULL },
};
static const struct field status_body[] = {
	{ "status", FIELD_ENUM, .required = true, .words = status_words },
	{ "reason", FIELD_TEXT, .lines = true, .max = 500 },
	FIELD_END,
};

/* --- Reading ---------------------------------------------------------------------------------- */

static void admin_users_list(struct request *rq)
{
	struct page page = request_page(rq, 20);
	const char *status, *search = query_text(rq, "search");

	if (!status_filter_parse(rq, user_filter_words, &status))
		return;
	sql_read_positional(rq, admin_user_list, admin_reply_page, status,
		search && search[0] ? search : NULL, arg_int(rq, page.limit),
		arg_int(rq, page.offset));
}

static void admin_user_show(struct request *rq)
{
	sql_read_positional(rq, admin_user_get, admin_reply_row, rq->params[0]);
}

static void admin_user_orders(struct request *rq)
{
	admin_orders_reply(rq, NULL, NULL, NULL, rq->params[0]);
}

/* --- Writes ----------------------------------------------------------------------------------- */

static void admin_user_changed(struct request *rq, const struct db_result *result)
{
	if (admin_row_keep(rq, result))
		cache_invalidate(rq, KEY_USER, rq->params[0], admin_row_reply);
}

static void admin_user_update_status(struct request *rq, const char *status, const char *act)
{
	sql_write_positional(rq, admin_user_set_status, admin_user_changed, rq->params[0], status,
		body_text(rq, "reason"), session_access_life(rq), rq->caller.id, act,
		audit_details(rq), rq->request_id);
}

static void admin_user_suspend(struct request *rq)
{
	admin_user_update_status(rq, "SUSPENDED", "user.suspend");
}

static void admin_user_unsuspend(struct request *rq)
{
	admin_user_update_status(rq, "ACTIVE", "user.unsuspend");
}

static void admin_user_set_status(struct request *rq)
{
	admin_user_update_status(rq, body_text(rq, "status"), "user.status");
}

static void admin_user_delete(struct request *rq)
{
	admin_user_update_status(rq, "DELETED", "user.delete");
}

const struct route admin_user_routes[] = {
	{ GET, "/users", .operation = "listCustomers", .access = ADMIN, .query = account_query,
		.reply = admin_user_fields, .shape = REPLY_PAGE, .run = admin_users_list,
		.summary = "Customers, newest first" },
	{ GET, "/users/:id", .operation = "getCustomer", .access = ADMIN,
		.reply = admin_user_fields, .errors = { E_NOT_FOUND }, .run = admin_user_show,
		.summary = "One customer with statistics" },
	{ GET, "/users/:id/orders", .operation = "listCustomerOrders", .access = ADMIN,
		.query = page_fields, .reply = admin_order_fields, .shape = REPLY_PAGE,
		.run = admin_user_orders, .summary = "A customer's orders, newest first" },
	{ POST, "/users/:id/suspend", .operation = "suspendCustomer", .access = ADMIN,
		.any_write = true, .body = reason_body, .reply = admin_user_fields,
		.errors = { E_NOT_FOUND }, .run = admin_user_suspend,
		.summary = "Suspend a customer and end all sessions" },
	{ POST, "/users/:id/unsuspend", .operation = "unsuspendCustomer",
		.aliases = "/users/:id/activate", .access = ADMIN, .any_write = true,
		.body = empty_body, .reply = admin_user_fields, .errors = { E_NOT_FOUND },
		.run = admin_user_unsuspend, .summary = "Lift a suspension" },
	{ PATCH, "/users/:id/status", .operation = "setCustomerStatus", .access = ADMIN,
		.any_write = true, .body = status_body, .reply = admin_user_fields,
		.errors = { E_NOT_FOUND }, .run = admin_user_set_status,
		.summary = "Set the status of a customer" },
	{ DELETE, "/users/:id", .operation = "deleteCustomer", .access = ADMIN,
		.reply = admin_user_fields, .errors = { E_NOT_FOUND }, .run = admin_user_delete,
		.summary = "Delete a customer: the row stays; the phone and e-mail can be used "
			   "again" },
	ROUTE_END,
};
