/* SPDX-License-Identifier: MIT
 *
 * Customers: the admin lists, reads, suspends and deletes them. The cached account (`user:{id}`) is
 * invalidated before the reply, so a suspension applies from the customer's next request.
 */
#include "admin/audit.h"
#include "admin/fields.h"
#include "admin/list.h"
#include "admin/reply.h"
#include "reeyo/api/admin.h"
#include "reeyo/core/config.h"
#include "reeyo/db/queries/admin_users.h"
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
	admin_read_accounts(rq, admin_user_list, user_filter_words, .status);
}

static void admin_user_show(struct request *rq)
{
	admin_read_row(rq, admin_user_get, .user_id);
}

static void admin_user_orders(struct request *rq)
{
	admin_orders_reply(rq, (struct admin_order_list){ .user_id = rq->params[0] });
}

/* --- Writes ----------------------------------------------------------------------------------- */

static void admin_user_changed(struct request *rq, const struct db_result *result)
{
	if (admin_row_keep(rq, result))
		cache_invalidate(rq, KEY_USER, rq->params[0], admin_row_reply);
}

static void admin_user_update_status(struct request *rq, const char *status)
{
	admin_write(rq, admin_user_set_status, admin_user_changed, .user_id = rq->params[0],
		.status = status, .reason = body_text(rq, "reason"),
		.access_life = rq->app->config->access_ttl / 1000);
}

static void admin_user_suspend(struct request *rq)
{
	admin_user_update_status(rq, "SUSPENDED");
}

static void admin_user_unsuspend(struct request *rq)
{
	admin_user_update_status(rq, "ACTIVE");
}

static void admin_user_set_status(struct request *rq)
{
	admin_user_update_status(rq, body_text(rq, "status"));
}

static void admin_user_delete(struct request *rq)
{
	admin_user_update_status(rq, "DELETED");
}

const struct route admin_user_routes[] = {
	{ GET, "/users", .operation = "listCustomers", .permission = "users.read",
		.query = account_query, .reply = admin_user_fields, .shape = REPLY_PAGE,
		.run = admin_users_list, .summary = "Customers, newest first" },
	{ GET, "/users/:id", .operation = "getCustomer", .permission = "users.read",
		.reply = admin_user_fields, .errors = { E_NOT_FOUND }, .run = admin_user_show,
		.summary = "One customer with statistics" },
	{ GET, "/users/:id/orders", .operation = "listCustomerOrders", .permission = "users.read",
		.query = page_fields, .reply = admin_order_fields, .shape = REPLY_PAGE,
		.run = admin_user_orders, .summary = "A customer's orders, newest first" },
	{ POST, "/users/:id/suspend", .operation = "suspendCustomer",
		.permission = "users.set_status", .any_write = true, .body = reason_body,
		.reply = admin_user_fields, .errors = { E_NOT_FOUND }, .run = admin_user_suspend,
		.audit = "user.suspend", .summary = "Suspend a customer and end all sessions" },
	{ POST, "/users/:id/unsuspend", .operation = "unsuspendCustomer",
		.aliases = "/users/:id/activate", .permission = "users.set_status",
		.any_write = true, .body = empty_body, .reply = admin_user_fields,
		.errors = { E_NOT_FOUND }, .run = admin_user_unsuspend, .audit = "user.unsuspend",
		.summary = "Lift a suspension" },
	{ PATCH, "/users/:id/status", .operation = "setCustomerStatus",
		.permission = "users.set_status", .any_write = true, .body = status_body,
		.reply = admin_user_fields, .errors = { E_NOT_FOUND }, .run = admin_user_set_status,
		.audit = "user.status", .summary = "Set the status of a customer" },
	{ DELETE, "/users/:id", .operation = "deleteCustomer", .permission = "users.delete",
		.reply = admin_user_fields, .errors = { E_NOT_FOUND }, .run = admin_user_delete,
		.audit = "user.delete",
		.summary = "Delete a customer: the row stays; the phone and e-mail can be used "
			   "again" },
	ROUTE_END,
};
