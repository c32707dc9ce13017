/* SPDX-License-Identifier: MIT
 *
 * Riders: the admin lists, reads, approves, suspends and edits them. live.c shows their positions.
 */
#include "admin/act.h"
#include "reeyo/api/admin.h"
#include "reeyo/api/session.h"
#include "reeyo/auth/admit.h"
#include "reeyo/cache/geo.h"
#include "reeyo/core/config.h"
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
	struct page page = request_page(rq, 20);
	const char *status, *search = query_text(rq, "search");

	if (!status_filter_parse(rq, approval_filter_words, &status))
		return;
	sql_read_positional(rq, admin_rider_list, admin_reply_page, status,
		search && search[0] ? search : NULL, arg_int(rq, page.limit),
		arg_int(rq, page.offset));
}

static void admin_rider_show(struct request *rq)
{
	sql_read_positional(rq, admin_rider_get, admin_reply_row, rq->params[0]);
}

static void admin_rider_deliveries(struct request *rq)
{
	admin_orders_reply(rq, NULL, NULL, rq->params[0], NULL);
}

/* --- Approval --------------------------------------------------------------------------------- */

/* Column 2: orders:active has changed. The silence limit does not matter here: a rider who may not
 * work is flagged at once. */
static void admin_rider_orders_flagged(struct request *rq, const struct db_result *result)
{
	for (unsigned i = 0; !db_error(result) && i < db_rows(result); i++)
		if (db_bool(result, i, 2))
			return cache_invalidate(rq, KEY_ORDERS_ACTIVE, NULL, admin_row_reply);
	admin_row_reply(rq);
}

/* Flags the rider's orders, which another rider must take now. If this fails, the timers do it. */
static void admin_rider_orders_flag(struct request *rq)
{
	char *states = arena_alloc(rq->arena, ORDER_STATES_SIZE);

	if (!states)
		return admin_row_reply(rq);
	order_states_text(order_states_before(FOOD, ACT_RELEASE, BY_SYSTEM), states);
	sql_try_write_positional(rq, orders_watch, admin_rider_orders_flagged, rq->params[0],
		arg_int(rq, rq->app->config->rider_silence / 1000), states, "100");
}

static void admin_rider_changed(struct request *rq, const struct db_result *result)
{
	if (!admin_row_keep(rq, result))
		return;
	rider_facts_invalidate_all(rq->app, rq->params[0]);
	if (db_bool(result, 0, 2))
		geo_remove(rq->app->cache, rq->params[0]);
	admin_rider_orders_flag(rq);
}

static void admin_rider_update_approval(struct request *rq, const char *approval, const char *act)
{
	sql_write_positional(rq, admin_rider_set_approval, admin_rider_changed, rq->params[0],
		approval, body_text(rq, "reason"), session_access_life(rq), rq->caller.id, act,
		audit_details(rq), rq->request_id);
}

static void admin_rider_approve(struct request *rq)
{
	admin_rider_update_approval(rq, "APPROVED", "rider.approve");
}

static void admin_rider_reject(struct request *rq)
{
	admin_rider_update_approval(rq, "REJECTED", "rider.reject");
}

static void admin_rider_suspend(struct request *rq)
{
	admin_rider_update_approval(rq, "SUSPENDED", "rider.suspend");
}

/* --- Documents -------------------------------------------------------------------------------- */

static void admin_rider_documents_decided(struct request *rq, const struct db_result *result)
{
	struct text missing = db_rows(result) ? db_text(result, 0, 1) : TEXT_NONE;

	if (missing.at)
		return reply_field(rq, "decisions",
			arena_printf(rq->arena, "%.*s was not handed in", TEXT_ARGS(missing)),
			arena_printf(rq->arena, "%.*s n'a pas été remis", TEXT_ARGS(missing)));
	admin_reply_row(rq, result);
}

/* The checked list of the body as JSON text. */
static const char *document_decisions_json(struct request *rq)
{
	char *text = json_dumps(member(rq->body, "decisions"), JSON_COMPACT);
	const char *copy = text ? arena_copy(rq->arena, text, strlen(text)) : NULL;

	free(text);
	return copy;
}

static void admin_rider_verify_documents(struct request *rq)
{
	sql_write_positional(rq, admin_rider_documents, admin_rider_documents_decided,
		rq->params[0], document_decisions_json(rq), rq->caller.id, "rider.documents",
		audit_details(rq), rq->request_id);
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
	sql_try_write_positional(rq, admin_rider_edit, admin_rider_edited, rq->params[0],
		body_text(rq, "firstName"), body_text(rq, "lastName"), body_text(rq, "phone"),
		arg_change(rq, "email"), body_text(rq, "vehicleType"),
		body_text(rq, "vehiclePlate"), rq->caller.id, "rider.edit", audit_details(rq),
		rq->request_id);
}

const struct route admin_rider_routes[] = {
	{ GET, "/riders", .operation = "listRiders", .access = ADMIN, .query = account_query,
		.reply = admin_rider_fields, .shape = REPLY_PAGE, .run = admin_riders_list,
		.summary = "Riders, newest first" },
	{ GET, "/riders/:id", .operation = "getRider", .access = ADMIN, .reply = admin_rider_fields,
		.errors = { E_NOT_FOUND }, .run = admin_rider_show, .summary = "One rider" },
	{ GET, "/riders/:id/deliveries", .operation = "listOrdersOfRider", .access = ADMIN,
		.query = page_fields, .reply = admin_order_fields, .shape = REPLY_PAGE,
		.run = admin_rider_deliveries, .summary = "A rider's orders, newest first" },
	{ POST, "/riders/:id/approve", .operation = "approveRider", .access = ADMIN,
		.any_write = true, .body = empty_body, .reply = admin_rider_fields,
		.errors = { E_NOT_FOUND }, .run = admin_rider_approve,
		.summary = "Approve and activate a rider; also lifts a suspension" },
	{ POST, "/riders/:id/reject", .operation = "rejectRider", .access = ADMIN,
		.any_write = true, .body = reason_body, .reply = admin_rider_fields,
		.errors = { E_NOT_FOUND }, .run = admin_rider_reject,
		.summary = "Reject a rider's application" },
	{ POST, "/riders/:id/verify-documents", .operation = "verifyRiderDocuments",
		.access = ADMIN, .any_write = true, .body = documents_body,
		.reply = admin_rider_fields, .errors = { E_NOT_FOUND },
		.run = admin_rider_verify_documents,
		.summary = "Decide about documents; the rider's approval does not change" },
	{ POST, "/riders/:id/suspend", .operation = "suspendRider", .access = ADMIN,
		.any_write = true, .body = reason_body, .reply = admin_rider_fields,
		.errors = { E_NOT_FOUND }, .run = admin_rider_suspend,
		.summary =
			"Suspend a rider: offline and logged out. Orders not yet picked up go to "
			"other riders; orders picked up need attention" },
	{ PATCH, "/riders/:id", .operation = "updateRider", .access = ADMIN, .any_write = true,
		.body = edit_body, .reply = admin_rider_fields,
		.errors = { E_NOT_FOUND, E_PHONE_TAKEN, E_EMAIL_TAKEN }, .run = admin_rider_edit,
		.summary = "Change a rider's details" },
	ROUTE_END,
};
