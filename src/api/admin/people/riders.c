/* SPDX-License-Identifier: MIT
 *
 * Riders: the admin lists, reads, approves, suspends and edits them. live.c shows their positions.
 */
#include "admin/audit.h"
#include "admin/fields.h"
#include "admin/list.h"
#include "admin/reply.h"
#include "reeyo/api/admin.h"
#include "reeyo/auth/admit.h"
#include "reeyo/cache/geo.h"
#include "reeyo/core/config.h"
#include "reeyo/db/queries/admin_riders.h"
#include "reeyo/db/queries/order_acts.h"
#include "reeyo/domain/order.h"
#include "reeyo/service/cache_keys.h"

static const char *const vehicle_words[] = { "MOTORCYCLE", "BICYCLE", "CAR", "VAN", NULL };
static const char *const document_type_words[] = { "NATIONAL_ID", "DRIVERS_LICENSE",
	"VEHICLE_REGISTRATION", "PROFILE_PHOTO", "INSURANCE", NULL };
static const char *const decision_words[] = { "APPROVED", "REJECTED", NULL };

static const struct field edit_body[] = {
	{ "firstName", FIELD_TEXT, .min = 2, .max = 50, .aliases = "first_name" },
	{ "lastName", FIELD_TEXT, .min = 2, .max = 50, .aliases = "last_name" },
	{ "phone", FIELD_PHONE },
	{ "email", FIELD_EMAIL, .clearable = true },
	{ "vehicleType", FIELD_ENUM, .words = vehicle_words, .aliases = "vehicle_type" },
	{ "vehiclePlate", FIELD_TEXT, .min = 2, .max = 20,
		.aliases = "vehicle_plate plateNumber vehicleNumber" },
	FIELD_END,
};
static const struct field decision_body[] = {
	{ "document_type", FIELD_ENUM, .required = true, .words = document_type_words,
		.aliases = "documentType type" },
	{ "status", FIELD_ENUM, .required = true, .words = decision_words },
	{ "reason", FIELD_TEXT, .lines = true, .max = 500 },
	FIELD_END,
};
static const struct field documents_body[] = {
	{ "decisions", FIELD_LIST, .required = true, .min = 1, .max = 20, .of = decision_body },
	FIELD_END,
};

/* --- Reading ---------------------------------------------------------------------------------- */

static void admin_riders_list(struct request *rq)
{
	admin_read_accounts(rq, admin_rider_list, approval_filter_words, .approval);
}

static void admin_rider_show(struct request *rq)
{
	admin_read_row(rq, admin_rider_get, .rider_id);
}

static void admin_rider_deliveries(struct request *rq)
{
	admin_orders_reply(rq, (struct admin_order_list){ .rider_id = rq->params[0] });
}

/* --- Approval --------------------------------------------------------------------------------- */

/* The silence limit does not matter here: a rider who may not work is flagged at once. */
static void admin_rider_orders_flagged(struct request *rq, const struct db_result *result)
{
	for (unsigned i = 0; !db_error(result) && i < db_rows(result); i++)
		if (db_bool(result, i, ORDERS_WATCH_RELEASED))
			return cache_invalidate(rq, KEY_ORDERS_ACTIVE, NULL, admin_row_reply);
	admin_row_reply(rq);
}

/* Flags the rider's orders, which another rider must take now. If this fails, the timers do it. */
static void admin_rider_orders_flag(struct request *rq)
{
	const char *states[ORDER_STATUSES];
	unsigned count = order_states_list(
		order_states_before(FOOD, ACT_RELEASE, BY_SYSTEM), states);

	sql_try_write(rq, orders_watch, admin_rider_orders_flagged,
		&(struct orders_watch){ .rider_id = rq->params[0],
			.silence_seconds = (double)rq->app->config->rider_silence / 1000,
			.released_from = { states, count },
			.limit = 100 });
}

static void admin_rider_changed(struct request *rq, const struct db_result *result)
{
	if (!admin_row_keep(rq, result))
		return;
	rider_facts_invalidate_all(rq->app, rq->params[0]);
	if (db_bool(result, 0, ADMIN_RIDER_SET_APPROVAL_WENT_OFFLINE))
		geo_remove(rq->app->cache, rq->params[0]);
	admin_rider_orders_flag(rq);
}

static void admin_rider_update_approval(struct request *rq, const char *approval)
{
	admin_write(rq, admin_rider_set_approval, admin_rider_changed, .rider_id = rq->params[0],
		.approval = approval, .reason = body_text(rq, "reason"),
		.access_life = rq->app->config->access_ttl / 1000);
}

static void admin_rider_approve(struct request *rq)
{
	admin_rider_update_approval(rq, "APPROVED");
}

static void admin_rider_reject(struct request *rq)
{
	admin_rider_update_approval(rq, "REJECTED");
}

static void admin_rider_suspend(struct request *rq)
{
	admin_rider_update_approval(rq, "SUSPENDED");
}

/* --- Documents -------------------------------------------------------------------------------- */

static void admin_rider_documents_decided(struct request *rq, const struct db_result *result)
{
	struct text missing = db_rows(result) ? db_text(result, 0, ADMIN_RIDER_DOCUMENTS_MISSING)
					      : TEXT_NONE;

	if (missing.at)
		return reply_field(rq, "decisions",
			arena_printf(rq->arena, "%.*s was not handed in", TEXT_ARGS(missing)),
			arena_printf(rq->arena, "%.*s n'a pas été remis", TEXT_ARGS(missing)));
	admin_reply_row(rq, result);
}

static void admin_rider_verify_documents(struct request *rq)
{
	admin_write(rq, admin_rider_documents, admin_rider_documents_decided,
		.rider_id = rq->params[0], .decisions = arg_json(rq, member(rq->body, "decisions")),
		.admin_id = rq->caller.id);
}

/* --- Changes ---------------------------------------------------------------------------------- */

static void admin_rider_edited(struct request *rq, const struct db_result *result)
{
	if (db_error(result))
		return admin_reply_conflict(rq, result);
	admin_reply_row(rq, result);
}

static void admin_rider_edit(struct request *rq)
{
	admin_try_write(rq, admin_rider_edit, admin_rider_edited, .rider_id = rq->params[0],
		.first_name = body_text(rq, "firstName"), .last_name = body_text(rq, "lastName"),
		.phone = body_text(rq, "phone"), .email = arg_change(rq, "email"),
		.vehicle_type = body_text(rq, "vehicleType"),
		.plate = body_text(rq, "vehiclePlate"));
}

const struct route admin_rider_routes[] = {
	{ GET, "/riders", .operation = "listRiders", .permission = "riders.read",
		.query = account_query, .reply = admin_rider_fields, .shape = REPLY_PAGE,
		.run = admin_riders_list, .summary = "Riders, newest first" },
	{ GET, "/riders/:id", .operation = "getRider", .permission = "riders.read",
		.reply = admin_rider_fields, .errors = { E_NOT_FOUND }, .run = admin_rider_show,
		.summary = "One rider" },
	{ GET, "/riders/:id/deliveries", .operation = "listOrdersOfRider",
		.permission = "riders.read", .query = page_fields, .reply = admin_order_fields,
		.shape = REPLY_PAGE, .run = admin_rider_deliveries,
		.summary = "A rider's orders, newest first" },
	{ POST, "/riders/:id/approve", .operation = "approveRider", .permission = "riders.approve",
		.any_write = true, .body = empty_body, .reply = admin_rider_fields,
		.errors = { E_NOT_FOUND }, .run = admin_rider_approve, .audit = "rider.approve",
		.summary = "Approve and activate a rider; also lifts a suspension" },
	{ POST, "/riders/:id/reject", .operation = "rejectRider", .permission = "riders.approve",
		.any_write = true, .body = reason_body, .reply = admin_rider_fields,
		.errors = { E_NOT_FOUND }, .run = admin_rider_reject, .audit = "rider.reject",
		.summary = "Reject a rider's application" },
	{ POST, "/riders/:id/verify-documents", .operation = "verifyRiderDocuments",
		.permission = "riders.approve", .any_write = true, .body = documents_body,
		.reply = admin_rider_fields, .errors = { E_NOT_FOUND },
		.run = admin_rider_verify_documents, .audit = "rider.documents",
		.summary = "Decide about documents; the rider's approval does not change" },
	{ POST, "/riders/:id/suspend", .operation = "suspendRider", .permission = "riders.suspend",
		.any_write = true, .body = reason_body, .reply = admin_rider_fields,
		.errors = { E_NOT_FOUND }, .run = admin_rider_suspend, .audit = "rider.suspend",
		.summary =
			"Suspend a rider: offline and logged out. Orders not yet picked up go to "
			"other riders; orders picked up need attention" },
	{ PATCH, "/riders/:id", .operation = "updateRider", .permission = "riders.write",
		.any_write = true, .body = edit_body, .reply = admin_rider_fields,
		.errors = { E_NOT_FOUND, E_PHONE_TAKEN, E_EMAIL_TAKEN }, .run = admin_rider_edit,
		.audit = "rider.edit", .summary = "Change a rider's details" },
	ROUTE_END,
};
