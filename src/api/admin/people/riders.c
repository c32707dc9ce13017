/* SPDX-License-Identifier: MIT
 *
 * Riders as the console reads, approves, suspends and edits them. Where they are is live.c's.
 */
#include "admin/act.h"
#include "reeyo/api/admin.h"
#include "reeyo/api/session.h"
#include "reeyo/auth/admit.h"
#include "reeyo/cache/geo.h"
#include "reeyo/core/config.h"
#include "reeyo/domain/order.h"

static const char *const vehicle_words[] = { "MOTORCYCLE", "BICYCLE", "CAR", "VAN", NULL };
static const char *const document_words[] = { "NATIONAL_ID", "DRIVERS_LICENSE",
	"VEHICLE_REGISTRATION", "PROFILE_PHOTO", "INSURANCE", NULL };
static const char *const decision_words[] = { "APPROVED", "REJECTED", NULL };

static const struct field edit_body[] = {
	{ "firstName", FIELD_TEXT, .min = 2, .max = 50, .also = "first_name" },
	{ "lastName", FIELD_TEXT, .min = 2, .max = 50, .also = "last_name" },
	{ "phone", FIELD_PHONE },
	{ "email", FIELD_EMAIL, .clearable = true },
	{ "vehicleType", FIELD_ENUM, .words = vehicle_words, .also = "vehicle_type" },
	{ "vehiclePlate", FIELD_TEXT, .min = 2, .max = 20,
		.also = "vehicle_plate plateNumber vehicleNumber" },
	FIELD_END
};
static const struct field decision_body[] = {
	{ "document_type", FIELD_ENUM, .required = true, .words = document_words,
		.also = "documentType type" },
	{ "status", FIELD_ENUM, .required = true, .words = decision_words },
	{ "reason", FIELD_TEXT, .lines = true, .max = 500 },
	FIELD_END
};
static const struct field documents_body[] = {
	{ "decisions", FIELD_LIST, .required = true, .min = 1, .max = 20, .of = decision_body },
	FIELD_END
};

/* --- Reading ---------------------------------------------------------------------------------- */

static void list_riders(struct request *rq)
{
	struct page page = request_page(rq, 20);
	const char *status, *search = query_text(rq, "search");

	if (!status_take(rq, approval_words, &status))
		return;
	sql_read(rq, admin_rider_list, admin_listed, status, search && search[0] ? search : NULL,
		arg_int(rq, page.limit), arg_int(rq, page.offset));
}

static void get_rider(struct request *rq)
{
	sql_read(rq, admin_rider_get, admin_shown, rq->params[0]);
}

static void deliveries(struct request *rq)
{
	orders_of(rq, NULL, NULL, rq->params[0], NULL);
}

/* --- Acts ------------------------------------------------------------------------------------- */

/* How long a rider may be silent does not matter here: one who may not work is seen to at once. */
static void orders_watched(struct request *rq, const struct db_result *result)
{
	for (unsigned i = 0; !db_error(result) && i < db_rows(result); i++)
		if (db_bool(result, i, 2))
			return uncached(rq, KEY_ORDERS_ACTIVE, NULL, act_reply);
	act_reply(rq);
}

/* What he carries waits for somebody else now. Should this fail, the timers do it. */
static void orders_watch(struct request *rq)
{
	char *states = arena_alloc(rq->arena, ORDER_STATES_SIZE);

	if (!states)
		return act_reply(rq);
	order_states_text(order_states_before(FOOD, ACT_RELEASE, BY_SYSTEM), states);
	sql_try_write(rq, orders_watch, orders_watched, rq->params[0],
		arg_int(rq, rq->app->config->rider_silence / 1000), states, "100");
}

static void changed(struct request *rq, const struct db_result *result)
{
	if (!act_done(rq, result))
		return;
	rider_facts_changed(rq->app, rq->params[0]);
	if (db_bool(result, 0, 2))
		geo_forget(rq->app->cache, rq->params[0]);
	orders_watch(rq);
}

static void judge(struct request *rq, const char *approval, const char *act)
{
	sql_write(rq, admin_rider_judge, changed, rq->params[0], approval, body_text(rq, "reason"),
		session_access_life(rq), rq->caller.id, act, act_details(rq), rq->request_id);
}

static void approve(struct request *rq)
{
	judge(rq, "APPROVED", "rider.approve");
}

static void reject(struct request *rq)
{
	judge(rq, "REJECTED", "rider.reject");
}

static void suspend(struct request *rq)
{
	judge(rq, "SUSPENDED", "rider.suspend");
}

/* --- Documents -------------------------------------------------------------------------------- */

static void decided(struct request *rq, const struct db_result *result)
{
	struct text missing = db_rows(result) ? db_text(result, 0, 1) : TEXT_NONE;

	if (missing.at)
		return reply_field(rq, "decisions",
			arena_printf(rq->arena, "%.*s was not handed in", TEXT_ARGS(missing)),
			arena_printf(rq->arena, "%.*s n'a pas été remis", TEXT_ARGS(missing)));
	admin_shown(rq, result);
}

/* The checked list as JSON text. */
static const char *decisions_of(struct request *rq)
{
	char *text = json_dumps(member(rq->body, "decisions"), JSON_COMPACT);
	const char *copy = text ? arena_copy(rq->arena, text, strlen(text)) : NULL;

	free(text);
	return copy;
}

static void verify_documents(struct request *rq)
{
	sql_write(rq, admin_rider_documents, decided, rq->params[0], decisions_of(rq),
		rq->caller.id, "rider.documents", act_details(rq), rq->request_id);
}

/* --- Changes ---------------------------------------------------------------------------------- */

static void edited(struct request *rq, const struct db_result *result)
{
	if (db_error(result))
		return act_fail(rq, result);
	admin_shown(rq, result);
}

static void edit(struct request *rq)
{
	sql_try_write(rq, admin_rider_edit, edited, rq->params[0], body_text(rq, "firstName"),
		body_text(rq, "lastName"), body_text(rq, "phone"), arg_change(rq, "email"),
		body_text(rq, "vehicleType"), body_text(rq, "vehiclePlate"), rq->caller.id,
		"rider.edit", act_details(rq), rq->request_id);
}

const struct route admin_rider_routes[] = {
	{ GET, "/riders", .who = ADMIN, .query = account_query, .reply = admin_rider_fields,
		.shape = REPLY_PAGE, .run = list_riders, .does = "Riders, newest first" },
	{ GET, "/riders/:id", .who = ADMIN, .reply = admin_rider_fields, .errors = { E_NOT_FOUND },
		.run = get_rider, .does = "One rider" },
	{ GET, "/riders/:id/deliveries", .who = ADMIN, .query = page_fields,
		.reply = admin_order_fields, .shape = REPLY_PAGE, .run = deliveries,
		.does = "A rider's orders, newest first" },
	{ POST, "/riders/:id/approve", .who = ADMIN, .any_write = true, .body = no_body,
		.reply = admin_rider_fields, .errors = { E_NOT_FOUND }, .run = approve,
		.does = "Approve a rider and make him active; also lifts a suspension" },
	{ POST, "/riders/:id/reject", .who = ADMIN, .any_write = true, .body = reason_body,
		.reply = admin_rider_fields, .errors = { E_NOT_FOUND }, .run = reject,
		.does = "Reject a rider's application" },
	{ POST, "/riders/:id/verify-documents", .who = ADMIN, .any_write = true,
		.body = documents_body, .reply = admin_rider_fields, .errors = { E_NOT_FOUND },
		.run = verify_documents,
		.does = "Decide about documents; the rider's approval stays as it is" },
	{ POST, "/riders/:id/suspend", .who = ADMIN, .any_write = true, .body = reason_body,
		.reply = admin_rider_fields, .errors = { E_NOT_FOUND }, .run = suspend,
		.does = "Suspend a rider: offline and logged out; what he has not picked up goes "
			"to others, and what he has needs attention" },
	{ PATCH, "/riders/:id", .who = ADMIN, .any_write = true, .body = edit_body,
		.reply = admin_rider_fields,
		.errors = { E_NOT_FOUND, E_PHONE_TAKEN, E_EMAIL_TAKEN },
		.run = edit, .does = "Change a rider's particulars" },
	ROUTE_END
};
