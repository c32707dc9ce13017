/* SPDX-License-Identifier: MIT
 *
 * Vendors as the console reads, approves, suspends and edits them. After a write the vendor's
 * cached public row and menu are gone before the admin hears of success, so what he decided is what
 * customers see.
 */
#include <math.h>

#include "admin/act.h"
#include "reeyo/api/admin.h"
#include "reeyo/api/catalog.h"
#include "reeyo/api/session.h"
#include "reeyo/domain/operator.h"

static const struct field feature_body[] = {
	{ "featured", FIELD_BOOL, .required = true, .also = "is_featured isFeatured" },
	FIELD_END
};
static const struct field commission_body[] = {
	{ "commissionRate", FIELD_NUMBER, .required = true, .min = 0, .max = 1,
		.also = "commission_rate", .does = "A fraction, 0 to 1" },
	FIELD_END
};
static const struct field edit_body[] = {
	{ "businessName", FIELD_TEXT, .min = 3, .max = 100, .also = "business_name name" },
	{ "ownerName", FIELD_TEXT, .min = 2, .max = 100, .also = "owner_name" },
	{ "phone", FIELD_PHONE },
	{ "email", FIELD_EMAIL },
	{ "address", FIELD_TEXT, .min = 3, .max = 200 },
	{ "city", FIELD_TEXT, .max = 80 },
	{ "description", FIELD_TEXT, .lines = true, .max = 1000, .clearable = true },
	{ "mobileMoneyNumber", FIELD_TEXT, .max = 34, .clearable = true,
		.also = "mobile_money_number",
		.does = "Where pay-outs go, before the bank account; empty: there no longer" },
	{ "mobileMoneyProvider", FIELD_TEXT, .max = 40, .clearable = true,
		.also = "mobile_money_provider" },
	{ "bankName", FIELD_TEXT, .max = 100, .also = "bank_name" },
	{ "bankAccountNumber", FIELD_TEXT, .min = 4, .max = 34, .also = "bank_account_number" },
	{ "bankAccountName", FIELD_TEXT, .max = 100, .also = "bank_account_name" },
	FIELD_END
};

/* --- Reading ---------------------------------------------------------------------------------- */

static void list_vendors(struct request *rq)
{
	struct page page = request_page(rq, 20);
	const char *status, *search = query_text(rq, "search");

	if (!status_take(rq, approval_words, &status))
		return;
	sql_read(rq, admin_vendor_list, admin_listed, status, search && search[0] ? search : NULL,
		arg_int(rq, page.limit), arg_int(rq, page.offset));
}

static void get_vendor(struct request *rq)
{
	sql_read(rq, admin_vendor_get, admin_shown, rq->params[0]);
}

static void vendor_orders(struct request *rq)
{
	orders_of(rq, NULL, rq->params[0], NULL, NULL);
}

static void vendor_items(struct request *rq)
{
	sql_read(rq, admin_vendor_items, admin_shown, rq->params[0]);
}

/* --- Acts ------------------------------------------------------------------------------------- */

static void menu_dropped(struct request *rq)
{
	uncached(rq, KEY_VENDOR, ((struct act *)rq->state)->subject, act_reply);
}

static void changed(struct request *rq, const struct db_result *result)
{
	if (!act_done(rq, result))
		return;
	catalog_forget(rq->app, rq->params[0]);
	uncached(rq, KEY_MENU, rq->params[0], menu_dropped);
}

static void judge(struct request *rq, const char *approval, const char *act)
{
	sql_write(rq, admin_vendor_judge, changed, rq->params[0], approval, body_text(rq, "reason"),
		session_access_life(rq), rq->caller.id, act, act_details(rq), rq->request_id);
}

static void approve(struct request *rq)
{
	judge(rq, "APPROVED", "vendor.approve");
}

static void reject(struct request *rq)
{
	judge(rq, "REJECTED", "vendor.reject");
}

static void suspend(struct request *rq)
{
	judge(rq, "SUSPENDED", "vendor.suspend");
}

/* --- Changes ---------------------------------------------------------------------------------- */

static void edited(struct request *rq, const struct db_result *result)
{
	if (db_error(result))
		return act_fail(rq, result);
	changed(rq, result);
}

/* The bank fields of the body under their stored names; NULL when there are none. */
static const char *bank_of(struct request *rq)
{
	static const char *const names[][2] = { { "bankName", "bankName" },
		{ "bankAccountNumber", "accountNumber" }, { "bankAccountName", "accountName" } };
	struct buf out = buf_in(rq->arena, 160);

	for (size_t i = 0; i < COUNT_OF(names); i++) {
		const char *value = body_text(rq, names[i][0]);

		if (!value)
			continue;
		buf_printf(&out, "%s\"%s\":", out.len ? "," : "{", names[i][1]);
		buf_add_json(&out, text_of(value));
	}
	if (!out.len)
		return NULL;
	buf_add_string(&out, "}");
	return buf_string(&out);
}

/* None, or one that mobile money reaches: anything else would be paid as if it were a bank
 * account. */
static bool mobile_holds(const char *number)
{
	char phone[14];

	return !number || !number[0] || (phone_normalise(number, phone) && phone_has_money(phone));
}

static void edit(struct request *rq)
{
	if (!mobile_holds(body_text(rq, "mobileMoneyNumber")))
		return reply_field(rq, "mobileMoneyNumber",
			"must be a mobile-money number, such as +237670000001",
			"doit être un numéro mobile money, comme +237670000001");
	sql_try_write(rq, admin_vendor_edit, edited, rq->params[0], body_text(rq, "businessName"),
		body_text(rq, "ownerName"), body_text(rq, "phone"), body_text(rq, "email"),
		body_text(rq, "address"), body_text(rq, "city"), arg_change(rq, "description"),
		arg_change(rq, "mobileMoneyNumber"),
		arg_change(rq, "mobileMoneyProvider"), bank_of(rq),
		NULL, NULL, rq->caller.id, "vendor.edit", act_details(rq), rq->request_id);
}

static void set_one(struct request *rq, const char *featured, const char *bps, const char *act)
{
	sql_try_write(rq, admin_vendor_edit, edited, rq->params[0], NULL, NULL, NULL, NULL,
		NULL, NULL, NULL, NULL, NULL, NULL, featured, bps, rq->caller.id, act,
		act_details(rq), rq->request_id);
}

static void feature(struct request *rq)
{
	set_one(rq, member_bool(rq->body, "featured", false) ? "t" : "f", NULL, "vendor.feature");
}

static void set_commission(struct request *rq)
{
	double rate = member_number(rq->body, "commissionRate", 0);

	set_one(rq, NULL, arg_int(rq, llround(rate * 10000)), "vendor.commission");
}

const struct route admin_vendor_routes[] = {
	{ GET, "/vendors", .who = ADMIN, .query = account_query, .reply = admin_vendor_fields,
		.shape = REPLY_PAGE, .run = list_vendors, .does = "Vendors, newest first" },
	{ GET, "/vendors/:id", .who = ADMIN, .reply = admin_vendor_fields,
		.errors = { E_NOT_FOUND }, .run = get_vendor, .does = "One vendor with its stats" },
	{ GET, "/vendors/:id/orders", .who = ADMIN, .query = page_fields,
		.reply = admin_order_fields, .shape = REPLY_PAGE, .run = vendor_orders,
		.does = "A vendor's orders, newest first" },
	{ GET, "/vendors/:id/menu-items", .who = ADMIN, .reply = admin_item_fields,
		.shape = REPLY_ARRAY, .errors = { E_NOT_FOUND }, .run = vendor_items,
		.does = "A vendor's whole menu" },
	{ POST, "/vendors/:id/approve", .who = ADMIN, .any_write = true, .body = no_body,
		.reply = admin_vendor_fields, .errors = { E_NOT_FOUND }, .run = approve,
		.does = "Approve a vendor; also lifts a suspension" },
	{ POST, "/vendors/:id/reject", .who = ADMIN, .any_write = true, .body = reason_body,
		.reply = admin_vendor_fields, .errors = { E_NOT_FOUND }, .run = reject,
		.does = "Reject a vendor's application" },
	{ POST, "/vendors/:id/suspend", .who = ADMIN, .any_write = true, .body = reason_body,
		.reply = admin_vendor_fields, .errors = { E_NOT_FOUND }, .run = suspend,
		.does = "Suspend a vendor: offline, logged out and no longer listed" },
	{ PATCH, "/vendors/:id/feature", .who = ADMIN, .any_write = true, .body = feature_body,
		.reply = admin_vendor_fields, .errors = { E_NOT_FOUND }, .run = feature,
		.does = "Feature a vendor, or no longer" },
	{ PATCH, "/vendors/:id/commission", .who = ADMIN,
		.any_write = true, .body = commission_body,
		.reply = admin_vendor_fields, .errors = { E_NOT_FOUND }, .run = set_commission,
		.does = "A commission of the vendor's own, which goes before the service's" },
	{ PATCH, "/vendors/:id", .who = ADMIN, .any_write = true, .body = edit_body,
		.reply = admin_vendor_fields,
		.errors = { E_NOT_FOUND, E_PHONE_TAKEN, E_EMAIL_TAKEN },
		.run = edit, .does = "Change a vendor's particulars" },
	ROUTE_END
};
