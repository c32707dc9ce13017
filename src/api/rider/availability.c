/* SPDX-License-Identifier: MIT
 *
 * A rider's availability: going online and offline, the present status, the day's activity.
 */
#include "reeyo/db/queries/availability.h"
#include "reeyo/api/rider.h"
#include "reeyo/auth/admit.h"
#include "reeyo/cache/geo.h"
#include "reeyo/core/clock.h"
#include "reeyo/jobs/positions.h"

static const char *const online_words[] = { "online", "offline", NULL };

static const struct field status_body[] = {
	{ "isOnline", FIELD_BOOL, .required = true, .aliases = "available online" },
	FIELD_END,
};
static const struct field online_body[] = {
	{ "available", FIELD_BOOL, .aliases = "isOnline online", .summary = "true when absent" },
	{ "location", FIELD_POINT, .aliases = "coordinates" },
	FIELD_END,
};

static const struct field changed_fields[] = {
	{ "riderId", FIELD_ID, .required = true },
	{ "isOnline", FIELD_BOOL, .required = true },
	{ "status", FIELD_ENUM, .required = true, .words = online_words },
	FIELD_END,
};
static const struct field position_fields[] = {
	{ "latitude", FIELD_NUMBER, .required = true },
	{ "longitude", FIELD_NUMBER, .required = true },
	{ "lat", FIELD_NUMBER, .required = true },
	{ "lng", FIELD_NUMBER, .required = true },
	{ "timestamp", FIELD_TIME, .nullable = true },
	{ "updatedAt", FIELD_TIME, .nullable = true },
	FIELD_END,
};
static const struct field status_fields[] = {
	{ "riderId", FIELD_ID, .required = true },
	{ "isOnline", FIELD_BOOL, .required = true },
	{ "status", FIELD_ENUM, .required = true, .words = online_words },
	{ "availability", FIELD_TEXT, .required = true,
		.summary = "OFFLINE, ONLINE, or BUSY while you carry an order" },
	{ "currentLocation", FIELD_OBJECT, .nullable = true, .of = position_fields },
	{ "lastOnline", FIELD_TIME, .nullable = true },
	{ "verificationStatus", FIELD_TEXT, .required = true },
	{ "approvalStatus", FIELD_TEXT, .required = true },
	{ "accountStatus", FIELD_TEXT, .required = true },
	FIELD_END,
};
static const struct field activity_fields[] = {
	{ "riderId", FIELD_ID, .required = true },
	{ "date", FIELD_DATE, .required = true },
	{ "isOnline", FIELD_BOOL, .required = true },
	{ "totalDeliveries", FIELD_INT, .required = true },
	{ "completedDeliveries", FIELD_INT, .required = true },
	{ "rating", FIELD_NUMBER, .required = true },
	{ "todayDeliveries", FIELD_INT, .required = true },
	{ "todayEarnings", FIELD_MONEY, .required = true },
	{ "onlineHours", FIELD_NUMBER, .required = true },
	FIELD_END,
};

/* --- Online, offline -------------------------------------------------------------------------- */

/* 0, or why the rider cannot go online. */
static int online_refusal(struct text outcome)
{
	return text_is(outcome, TEXT("CHANGED")) ? 0 : error_from_name(outcome.at, outcome.len);
}

static void online_reply(struct request *rq, const struct db_result *result, bool online)
{
	int error = online_refusal(db_text(result, 0, RIDER_SET_ONLINE_OUTCOME));

	if (error)
		return reply_error(rq, error);
	rider_facts_invalidate_all(rq->app, rq->caller.id);
	if (online)
		return reply_data_message(rq, "You are now online", "Vous êtes maintenant en ligne",
			db_text(result, 0, RIDER_SET_ONLINE_RIDER));
	geo_remove(rq->app->cache, rq->caller.id);
	reply_data_message(rq, "You are now offline", "Vous êtes maintenant hors ligne",
		db_text(result, 0, RIDER_SET_ONLINE_RIDER));
}

static void offline_set(struct request *rq, const struct db_result *result)
{
	online_reply(rq, result, false);
}

static void geo_result_ignored(void *owner, int error, int64_t known_ms)
{
	(void)owner;
	(void)error;
	(void)known_ms;
}

/* A location in the body counts as the first position report. */
static void online_set(struct request *rq, const struct db_result *result)
{
	const json_t *point = member(rq->body, "location");
	double lat = member_number(point, "lat", 0), lng = member_number(point, "lng", 0);
	int64_t now = clock_wall_ms();

	if (point && online_refusal(db_text(result, 0, RIDER_SET_ONLINE_OUTCOME)) == 0) {
		positions_record(rq->app->positions, rq->caller.id, lat, lng, now);
		if (geo_store(rq->app->cache, rq->caller.id, lat, lng, INT64_MAX, now,
			    geo_result_ignored, NULL))
			geo_result_ignored(NULL, 0, INT64_MIN); /* the rider's row has the point */
	}
	online_reply(rq, result, true);
}

static void rider_online_write(struct request *rq, bool online)
{
	const json_t *point = online ? member(rq->body, "location") : NULL;

	sql_write(rq, rider_set_online, online ? online_set : offline_set,
		&(struct rider_set_online){ .rider_id = rq->caller.id,
			.online = online,
			.lat = optional_number(rq, point, "lat"),
			.lng = optional_number(rq, point, "lng"),
			.phone_optional = rq->app->config->skip_phone_verify });
}

static void set_rider_status(struct request *rq)
{
	rider_online_write(rq, member_bool(rq->body, "isOnline", false));
}

static void go_online(struct request *rq)
{
	double lat = member_number(member(rq->body, "location"), "lat", 0);

	if (lat < -85 || lat > 85)
		return reply_field(
			rq, "location", "lies too near to a pole", "est trop proche d'un pôle");
	rider_online_write(rq, member_bool(rq->body, "available", true));
}

static void go_offline(struct request *rq)
{
	rider_online_write(rq, false);
}

/* --- Status and activity ---------------------------------------------------------------------- */

static void rider_object_read(struct request *rq, const struct db_result *result)
{
	if (db_rows(result) == 0)
		return reply_error(rq, E_ACCOUNT_GONE);
	reply_data(rq, db_text(result, 0, 0));
}

/* From the primary: apps read the status right after a change. */
static void get_rider_status(struct request *rq)
{
	sql_read_primary(rq, rider_availability_get, rider_object_read,
		&(struct rider_availability_get){ .rider_id = rq->caller.id });
}

static void get_rider_activity(struct request *rq)
{
	sql_read(rq, rider_activity, rider_object_read,
		&(struct rider_activity){ .rider_id = rq->caller.id });
}

const struct route rider_availability_routes[] = {
	{ PATCH, "/availability/status", .operation = "setRiderAvailability", .access = RIDER_READY,
		.any_write = true, .body = status_body, .reply = changed_fields,
		.run = set_rider_status, .summary = "Go online or offline" },
	{ GET, "/availability/status", .operation = "getRiderAvailability", .access = RIDER_ACCOUNT,
		.reply = status_fields, .run = get_rider_status,
		.summary = "Your status, last position and account state" },
	{ PUT, "/availability/online", .operation = "goOnline", .access = RIDER_READY,
		.any_write = true, .body = online_body, .reply = changed_fields, .run = go_online,
		.summary = "Go online, optionally with your position" },
	{ PUT, "/availability/offline", .operation = "goOffline", .access = RIDER_ACCOUNT,
		.any_write = true, .reply = changed_fields, .errors = { E_RIDER_NOT_FOUND },
		.run = go_offline, .summary = "Go offline; you keep the orders that you carry" },
	{ GET, "/availability/activity", .operation = "getRiderActivity", .access = RIDER_ACCOUNT,
		.reply = activity_fields, .run = get_rider_activity,
		.summary = "Your activity today" },
	ROUTE_END,
};
