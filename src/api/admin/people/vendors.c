/* SPDX-License-Identifier: MIT
 *
 * Vendors: the admin lists, reads, approves, suspends and edits them. The vendor's cached public
 * row and menu are invalidated before the reply, so customers see the change at once.
 */
#include <math.h>

#include "admin/audit.h"
#include "admin/fields.h"
#include "admin/list.h"
#include "admin/reply.h"
#include "reeyo/api/admin.h"
#include "reeyo/core/config.h"
#include "reeyo/core/json_writer.h"
#include "reeyo/db/queries/admin_vendors.h"
#include "reeyo/domain/operator.h"
#include "reeyo/service/cache_keys.h"
#include "reeyo/service/catalogue.h"

static const struct field feature_body[] = {
	{ "featured", FIELD_BOOL, .required = true, .aliases = "is_featured isFeatured" },
	FIELD_END,
};
static const struct field commission_body[] = {
	{ "commissionRate", FIELD_NUMBER, .required = true, .min = 0, .max = 1,
		.aliases = "commission_rate", .summary = "A fraction, 0 to 1" },
	FIELD_END,
};
static const struct field edit_body[] = {
	{ "businessName", FIELD_TEXT, .min = 3, .max = 100, .aliases = "business_name name" },
	{ "ownerName", FIELD_TEXT, .min = 2, .max = 100, .aliases = "owner_name" },
	{ "phone", FIELD_PHONE },
	{ "email", FIELD_EMAIL },
	{ "address", FIELD_TEXT, .min = 3, .max = 200 },
	{ "city", FIELD_TEXT, .max = 80 },
	{ "description", FIELD_TEXT, .lines = true, .max = 1000, .clearable = true },
	{ "mobileMoneyNumber", FIELD_TEXT, .max = 34, .clearable = true,
		.aliases = "mobile_money_number",
		.summary = "Pay-outs go here and not to the bank account; empty: removed" },
	{ "mobileMoneyProvider", FIELD_TEXT, .max = 40, .clearable = true,
		.aliases = "mobile_money_provider" },
	{ "bankName", FIELD_TEXT, .max = 100, .aliases = "bank_name" },
	{ "bankAccountNumber", FIELD_TEXT, .min = 4, .max = 34, .aliases = "bank_account_number" },
	{ "bankAccountName", FIELD_TEXT, .max = 100, .aliases = "bank_account_name" },
	FIELD_END,
};

/* --- Reading ---------------------------------------------------------------------------------- */

static void admin_vendors_list(struct request *rq)
{
	admin_read_accounts(rq, admin_vendor_list, approval_filter_words, .approval);
}

static void admin_vendor_show(struct request *rq)
{
	admin_read_row(rq, admin_vendor_get, .vendor_id);
}

static void admin_vendor_orders(struct request *rq)
{
	admin_orders_reply(rq, (struct admin_order_list){ .vendor_id = rq->params[0] });
}

static void admin_vendor_menu(struct request *rq)
{
	admin_read_row(rq, admin_vendor_items, .vendor_id);
}

/* --- Approval --------------------------------------------------------------------------------- */

static void admin_vendor_menu_invalidated(struct request *rq)
{
	cache_invalidate(rq, KEY_VENDOR, ((struct kept_row *)rq->state)->subject, admin_row_reply);
}

static void admin_vendor_changed(struct request *rq, const struct db_result *result)
{
	if (!admin_row_keep(rq, result))
		return;
	catalogue_forget(rq->app, rq->params[0]);
	cache_invalidate(rq, KEY_MENU, rq->params[0], admin_vendor_menu_invalidated);
}

static void admin_vendor_update_approval(struct request *rq, const char *approval)
{
	admin_write(rq, admin_vendor_set_approval, admin_vendor_changed, .vendor_id = rq->params[0],
		.approval = approval, .reason = body_text(rq, "reason"),
		.access_life = rq->app->config->access_ttl / 1000);
}

static void admin_vendor_approve(struct request *rq)
{
	admin_vendor_update_approval(rq, "APPROVED");
}

static void admin_vendor_reject(struct request *rq)
{
	admin_vendor_update_approval(rq, "REJECTED");
}

static void admin_vendor_suspend(struct request *rq)
{
	admin_vendor_update_approval(rq, "SUSPENDED");
}

/* --- Changes ---------------------------------------------------------------------------------- */

static void admin_vendor_edited(struct request *rq, const struct db_result *result)
{
	if (db_error(result))
		return admin_reply_conflict(rq, result);
	admin_vendor_changed(rq, result);
}

/* The bank members of the body under their stored names, as JSON; NULL when there are none. */
static const char *bank_details_json(struct request *rq)
{
	static const char *const names[][2] = { { "bankName", "bankName" },
		{ "bankAccountNumber", "accountNumber" }, { "bankAccountName", "accountName" } };
	struct buf out = buf_in(rq->arena, 160);
	struct json_writer json = json_write_to(&out);
	bool any = false;

	json_write_object(&json);
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		const char *value = body_text(rq, names[i][0]);

		if (value)
			json_write_member_string(&json, names[i][1], value);
		any = any || value;
	}
	json_write_object_end(&json);
	return any ? json_write_finish(&json) : NULL;
}

/* True without a number, or with one that mobile money can pay. Any other value would be paid as a
 * bank account. */
static bool mobile_money_valid(const char *number)
{
	char phone[14];

	return !number || !number[0] ||
		(phone_normalise(number, phone) && phone_is_mobile_money(phone));
}

static void admin_vendor_edit(struct request *rq)
{
	if (!mobile_money_valid(body_text(rq, "mobileMoneyNumber")))
		return reply_field(rq, "mobileMoneyNumber",
			"must be a mobile-money number, such as +237670000001",
			"doit être un numéro mobile money, comme +237670000001");
	admin_try_write(rq, admin_vendor_edit, admin_vendor_edited, .vendor_id = rq->params[0],
		.business_name = body_text(rq, "businessName"),
		.owner_name = body_text(rq, "ownerName"), .phone = body_text(rq, "phone"),
		.email = body_text(rq, "email"), .address = body_text(rq, "address"),
		.city = body_text(rq, "city"), .description = arg_change(rq, "description"),
		.mobile_money_number = arg_change(rq, "mobileMoneyNumber"),
		.mobile_money_provider = arg_change(rq, "mobileMoneyProvider"),
		.bank_details = bank_details_json(rq));
}

static void admin_vendor_feature(struct request *rq)
{
	admin_write(rq, admin_vendor_edit, admin_vendor_changed, .vendor_id = rq->params[0],
		.featured = optional_bool(rq, rq->body, "featured"));
}

static void admin_vendor_set_commission(struct request *rq)
{
	int64_t bps = llround(member_number(rq->body, "commissionRate", 0) * 10000);

	admin_write(rq, admin_vendor_edit, admin_vendor_changed, .vendor_id = rq->params[0],
		.commission_bps = &bps);
}

const struct route admin_vendor_routes[] = {
	{ GET, "/vendors", .operation = "listAdminVendors", .permission = "vendors.read",
		.query = account_query, .reply = admin_vendor_fields, .shape = REPLY_PAGE,
		.run = admin_vendors_list, .summary = "Vendors, newest first" },
	{ GET, "/vendors/:id", .operation = "getAdminVendor", .permission = "vendors.read",
		.reply = admin_vendor_fields, .errors = { E_NOT_FOUND }, .run = admin_vendor_show,
		.summary = "One vendor with statistics" },
	{ GET, "/vendors/:id/orders", .operation = "listOrdersOfVendor",
		.permission = "vendors.read", .query = page_fields, .reply = admin_order_fields,
		.shape = REPLY_PAGE, .run = admin_vendor_orders,
		.summary = "A vendor's orders, newest first" },
	{ GET, "/vendors/:id/menu-items", .operation = "listItemsOfVendor",
		.permission = "vendors.read", .reply = admin_item_fields, .shape = REPLY_ARRAY,
		.errors = { E_NOT_FOUND }, .run = admin_vendor_menu,
		.summary = "All items of a vendor's menu" },
	{ POST, "/vendors/:id/approve", .operation = "approveVendor",
		.permission = "vendors.approve", .any_write = true, .body = empty_body,
		.reply = admin_vendor_fields, .errors = { E_NOT_FOUND },
		.run = admin_vendor_approve, .audit = "vendor.approve",
		.summary = "Approve a vendor; also lifts a suspension" },
	{ POST, "/vendors/:id/reject", .operation = "rejectVendor", .permission = "vendors.approve",
		.any_write = true, .body = reason_body, .reply = admin_vendor_fields,
		.errors = { E_NOT_FOUND }, .run = admin_vendor_reject, .audit = "vendor.reject",
		.summary = "Reject a vendor's application" },
	{ POST, "/vendors/:id/suspend", .operation = "suspendVendor",
		.permission = "vendors.suspend", .any_write = true, .body = reason_body,
		.reply = admin_vendor_fields, .errors = { E_NOT_FOUND },
		.run = admin_vendor_suspend, .audit = "vendor.suspend",
		.summary = "Suspend a vendor: offline, logged out, removed from the lists" },
	{ PATCH, "/vendors/:id/feature", .operation = "featureVendor",
		.permission = "vendors.write", .any_write = true, .body = feature_body,
		.reply = admin_vendor_fields, .errors = { E_NOT_FOUND },
		.run = admin_vendor_feature, .audit = "vendor.feature",
		.summary = "Feature a vendor, or stop featuring it" },
	{ PATCH, "/vendors/:id/commission", .operation = "setVendorCommission",
		.permission = "vendors.write", .any_write = true, .body = commission_body,
		.reply = admin_vendor_fields, .errors = { E_NOT_FOUND },
		.run = admin_vendor_set_commission, .audit = "vendor.commission",
		.summary = "Set the vendor's own commission, used in place of the service's" },
	{ PATCH, "/vendors/:id", .operation = "updateVendor", .permission = "vendors.write",
		.any_write = true, .body = edit_body, .reply = admin_vendor_fields,
		.errors = { E_NOT_FOUND, E_PHONE_TAKEN, E_EMAIL_TAKEN }, .run = admin_vendor_edit,
		.audit = "vendor.edit", .summary = "Change a vendor's details" },
	ROUTE_END,
};
