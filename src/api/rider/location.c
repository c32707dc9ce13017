/* SPDX-License-Identifier: MIT
 *
 * Position reports of riders: one point, or several that a phone collected without network. A
 * report goes to Redis (where all readers look), to the subscribers of the rider's orders, and from
 * time to time to the rider's row. Admission has the rider's facts in memory, so a report needs no
 * read from PostgreSQL.
 */
#include <stdio.h>

#include "reeyo/api/rider.h"
#include "reeyo/auth/admit.h"
#include "reeyo/cache/geo.h"
#include "reeyo/core/clock.h"
#include "reeyo/core/json_writer.h"
#include "reeyo/db/queries/riders.h"
#include "reeyo/jobs/positions.h"
#include "reeyo/service/cache_keys.h"

#define POINTS_MAX 100
#define AHEAD_MS 60000
#define LATITUDE_MAX 85 /* the limit of Redis geo sets */

#define POINT_DETAILS \
	{ "accuracy", FIELD_NUMBER, .min = 0, .max = 1000000, .summary = "m" }, \
		{ "heading", FIELD_NUMBER, .min = -360, .max = 360 }, \
	{ \
		"speed", FIELD_NUMBER, .min = -1, .max = 1000, .summary = "m/s" \
	}

static const struct field point_body[] = {
	{ "lat", FIELD_NUMBER, .required = true, .min = -LATITUDE_MAX, .max = LATITUDE_MAX,
		.aliases = "latitude" },
	{ "lng", FIELD_NUMBER, .required = true, .min = -180, .max = 180, .aliases = "longitude" },
	{ "at", FIELD_TIME, .required = true, .aliases = "occurredAt timestamp" },
	POINT_DETAILS,
	FIELD_END,
};
static const struct field location_body[] = {
	{ "latitude", FIELD_NUMBER, .min = -LATITUDE_MAX, .max = LATITUDE_MAX, .aliases = "lat" },
	{ "longitude", FIELD_NUMBER, .min = -180, .max = 180, .aliases = "lng" },
	{ "location", FIELD_POINT, .aliases = "coordinates",
		.summary = "Instead of latitude and longitude" },
	{ "at", FIELD_TIME, .aliases = "occurredAt timestamp", .summary = "Now when absent" },
	{ "orderId", FIELD_ID },
	{ "points", FIELD_LIST, .min = 1, .max = POINTS_MAX, .of = point_body,
		.summary = "Instead of one point: several, oldest first, at most 30 minutes old. "
			   "Points older than a known one are skipped" },
	POINT_DETAILS,
	FIELD_END,
};

static const struct field location_reply[] = {
	{ "skipped", FIELD_INT, .required = true,
		.summary = "Of several points: how many were older than a known one" },
	FIELD_END,
};

/* The newest point. */
struct report {
	double lat, lng;
	int64_t at_ms;
	bool timed; /* the report has a time */
	/* Of several points: their times, and the newest time this instance knew before. */
	int64_t *times;
	size_t count;
	int64_t known_ms;
};

/* --- Reading ---------------------------------------------------------------------------------- */

/* False when the time is not allowed and the error reply has been sent. A time that is up to
 * AHEAD_MS in the future (the phone's clock is ahead) counts as now. */
static bool report_time_read(
	struct request *rq, const char *field, const char *text, int64_t now, int64_t *ret)
{
	int64_t at;

	if (clock_parse(text, &at) || at < now - RIDER_POINT_MAX_AGE_MS)
		reply_field(rq, field, "must lie within the last 30 minutes",
			"doit se situer dans les 30 dernières minutes");
	else if (at > now + AHEAD_MS)
		reply_field(rq, field, "must not lie in the future",
			"ne doit pas se situer dans le futur");
	else {
		*ret = at < now ? at : now;
		return true;
	}
	return false;
}

static bool report_points_read(struct request *rq, const json_t *points, struct report *report)
{
	int64_t now = clock_wall_ms();
	char field[32];

	report->times = arena_alloc(rq->arena, json_array_size(points) * sizeof(int64_t));
	if (!report->times) {
		reply_error(rq, E_NO_MEMORY);
		return false;
	}
	report->timed = true;
	report->at_ms = INT64_MIN;
	for (size_t i = 0; i < json_array_size(points); i++) {
		const json_t *point = json_array_get(points, i);
		int64_t *at = &report->times[report->count++];

		snprintf(field, sizeof(field), "points[%zu].at", i);
		if (!report_time_read(rq, field, member_text(point, "at"), now, at))
			return false;
		if (*at < report->at_ms)
			continue;
		report->at_ms = *at;
		report->lat = member_number(point, "lat", 0);
		report->lng = member_number(point, "lng", 0);
	}
	return true;
}

static bool report_point_read(struct request *rq, struct report *report)
{
	const json_t *point = member(rq->body, "location");
	const char *at = body_text(rq, "at");
	int64_t now = clock_wall_ms();

	if (!point && (!member(rq->body, "latitude") || !member(rq->body, "longitude"))) {
		reply_field(rq, member(rq->body, "latitude") ? "longitude" : "latitude",
			"is required", "est obligatoire");
		return false;
	}
	report->lat = point ? member_number(point, "lat", 0)
			    : member_number(rq->body, "latitude", 0);
	report->lng = point ? member_number(point, "lng", 0)
			    : member_number(rq->body, "longitude", 0);
	if (report->lat < -LATITUDE_MAX || report->lat > LATITUDE_MAX) {
		reply_field(rq, "location", "lies too near to a pole", "est trop proche d'un pôle");
		return false;
	}
	report->timed = at != NULL;
	report->at_ms = now;
	return !at || report_time_read(rq, "at", at, now, &report->at_ms);
}

/* --- Storing ---------------------------------------------------------------------------------- */

/* Points in order: each that is older than the newest so far is skipped. */
static unsigned report_points_skipped(const struct report *report, int64_t known_ms)
{
	unsigned skipped = 0;

	for (size_t i = 0; i < report->count; i++)
		if (report->times[i] < known_ms)
			skipped++;
		else
			known_ms = report->times[i];
	return skipped;
}

static void reply_report(struct request *rq, int64_t known_ms)
{
	const struct report *report = rq->state;

	if (!report->count)
		return reply_message(rq, "Location updated", "Position mise à jour");
	if (known_ms < report->known_ms)
		known_ms = report->known_ms;
	reply_data_message(rq, "Location updated", "Position mise à jour",
		text_of(json_int_object(
			rq->arena, "skipped", report_points_skipped(report, known_ms))));
}

/* The newest point of the report is older than a known one. */
static void reply_older(struct request *rq, int64_t known_ms)
{
	if (((const struct report *)rq->state)->count)
		return reply_report(rq, known_ms);
	reply_field(rq, "at", "must not lie before the last report",
		"ne doit pas précéder le dernier relevé");
}

static void report_publish(struct request *rq, int64_t known_ms)
{
	const struct report *report = rq->state;

	positions_record(
		rq->app->positions, rq->caller.id, report->lat, report->lng, report->at_ms);
	positions_publish(
		rq->app, rq->caller.id, rq->rider, report->lat, report->lng, report->at_ms);
	reply_report(rq, known_ms);
}

/* Without Redis the report still counts: readers use the rider's row. */
static void report_stored(void *owner, int error, int64_t known_ms)
{
	struct request *rq = owner;

	if (!request_release(rq))
		return;
	if (error == E_VALIDATION)
		return reply_older(rq, known_ms);
	report_publish(rq, known_ms);
}

static void geo_answer_ignored(void *owner, int error, int64_t known_ms)
{
	(void)owner;
	(void)error;
	(void)known_ms;
}

/* A report without a time cannot be refused, so the reply does not wait for Redis. */
static void report_store(struct request *rq)
{
	const struct report *report = rq->state;

	if (!report->timed) {
		bool sent = geo_store(rq->app->cache, rq->caller.id, report->lat, report->lng,
				    INT64_MAX, report->at_ms, geo_answer_ignored, NULL) == 0;

		(void)sent; /* else readers use the rider's row */
		return report_publish(rq, INT64_MIN);
	}
	if (report->known_ms > report->at_ms)
		return reply_older(rq, report->known_ms);
	request_hold(rq);
	if (geo_store(rq->app->cache, rq->caller.id, report->lat, report->lng, report->at_ms,
		    report->at_ms, report_stored, rq) == 0)
		return;
	if (request_release(rq))
		report_publish(rq, INT64_MIN);
}

/* The facts in memory say offline, but the rider may have gone online through another instance a
 * moment ago. */
static void rider_online_checked(struct request *rq, const struct db_result *result)
{
	if (db_rows(result) == 0 || !db_bool(result, 0, RIDER_FACTS_GET_IS_ONLINE))
		return reply_error(rq, E_RIDER_OFFLINE);
	rider_facts_invalidate_all(rq->app, rq->caller.id);
	report_store(rq);
}

static void report_location(struct request *rq)
{
	struct report *report = ARENA_NEW(rq->arena, struct report);
	const json_t *points = member(rq->body, "points");

	if (!report)
		return reply_error(rq, E_NO_MEMORY);
	if (!(points ? report_points_read(rq, points, report) : report_point_read(rq, report)))
		return;
	report->known_ms = positions_last_ms(rq->app->positions, rq->caller.id);
	rq->state = report;
	if (rq->rider->is_online)
		return report_store(rq);
	sql_read_primary(rq, rider_facts_get, rider_online_checked,
		&(struct rider_facts_get){ .rider_id = rq->caller.id });
}

const struct route rider_location_routes[] = {
	{ POST, "/availability/location", .operation = "reportPosition",
		.aliases = "/location/update", .access = RIDER_READY, .any_write = true,
		.body = location_body, .reply = location_reply, .shape = REPLY_MESSAGE,
		.errors = { E_RIDER_OFFLINE }, .run = report_location,
		.summary =
			"Report your position: one point, or several collected without network" },
	ROUTE_END,
};
