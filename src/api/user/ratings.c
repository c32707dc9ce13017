/* SPDX-License-Identifier: MIT
 *
 * Ratings of delivered orders (of the vendor and the rider), and disputes.
 */
#include "reeyo/db/queries/ratings.h"
#include "reeyo/api/order_acts.h"
#include "reeyo/api/order_fields.h"
#include "reeyo/api/pages.h"
#include "reeyo/api/reply_objects.h"
#include "reeyo/api/user.h"
#include "reeyo/service/cache_keys.h"

/* --- What comes in ---------------------------------------------------------------------------- */

static const struct field stars_body[] = {
	{ "rating", FIELD_INT, .required = true, .min = 1, .max = 5, .aliases = "stars" },
	{ "review", FIELD_TEXT, .lines = true, .max = 1000, .aliases = "comment" },
	FIELD_END,
};
static const struct field rate_body[] = {
	{ "rating", FIELD_INT, .min = 1, .max = 5, .aliases = "stars",
		.summary = "Rates the vendor; for a PACKAGE the rider" },
	{ "review", FIELD_TEXT, .lines = true, .max = 1000, .aliases = "comment" },
	{ "vendorRating", FIELD_OBJECT, .of = stars_body },
	{ "riderRating", FIELD_OBJECT, .of = stars_body },
	FIELD_END,
};
static const struct field ratings_body[] = {
	{ "orderId", FIELD_ID, .required = true },
	{ "vendorRating", FIELD_OBJECT, .of = stars_body },
	{ "riderRating", FIELD_OBJECT, .of = stars_body },
	FIELD_END,
};
static const struct field dispute_body[] = {
	{ "orderId", FIELD_ID, .required = true, .aliases = "orderNumber" },
	{ "category", FIELD_TEXT, .required = true, .min = 2, .max = 50 },
	{ "subject", FIELD_TEXT, .required = true, .min = 3, .max = 150 },
	{ "description", FIELD_TEXT, .lines = true, .required = true, .min = 3, .max = 2000 },
	FIELD_END,
};

/* --- What goes out ---------------------------------------------------------------------------- */

static const struct field stars_reply[] = {
	{ "stars", FIELD_INT, .required = true },
	{ "rating", FIELD_INT, .required = true },
	{ "review", FIELD_TEXT, .nullable = true },
	{ "ratedAt", FIELD_TIME, .required = true },
	FIELD_END,
};
static const struct field ratings_reply[] = {
	{ "orderId", FIELD_ID, .required = true },
	{ "vendorRating", FIELD_OBJECT, .nullable = true, .of = stars_reply },
	{ "riderRating", FIELD_OBJECT, .nullable = true, .of = stars_reply },
	FIELD_END,
};
static const struct field pagination_fields[] = { PAGINATION_FIELDS("totalDisputes"), FIELD_END };
static const struct field disputes_fields[] = {
	{ "disputes", FIELD_LIST, .required = true, .of = dispute_fields },
	{ "pagination", FIELD_OBJECT, .required = true, .of = pagination_fields },
	FIELD_END,
};

/* --- Stars ------------------------------------------------------------------------------------ */

static void rating_reply(struct request *rq)
{
	reply_data(rq, *(struct text *)rq->state);
}

/* The average of a vendor is part of its public data. */
static void rating_written(struct request *rq, const struct db_result *result, unsigned column)
{
	struct text reply = db_text(result, 0, column);
	struct text vendor = db_text(result, 0, ORDER_RATE_VENDOR_ID);
	struct text *kept = ARENA_NEW(rq->arena, struct text);

	if (!kept || !(kept->at = arena_copy(rq->arena, reply.at, reply.len)))
		return reply_error(rq, E_NO_MEMORY);
	kept->len = reply.len;
	rq->state = kept;
	if (!vendor.at)
		return rating_reply(rq);
	cache_invalidate(
		rq, KEY_VENDOR, arena_copy(rq->arena, vendor.at, vendor.len), rating_reply);
}

static void rating_outcome(struct request *rq, const struct db_result *result, unsigned column)
{
	struct text outcome = db_text(result, 0, ORDER_RATE_OUTCOME);

	if (text_is(outcome, TEXT("RATED")))
		return rating_written(rq, result, column);
	if (text_is(outcome, TEXT("VENDOR_NOT_FOUND")))
		return reply_field(rq, "vendorRating", "a parcel has no vendor",
			"un colis n'a pas de vendeur");
	reply_error(rq, error_from_name(outcome.at, outcome.len));
}

static void order_rated(struct request *rq, const struct db_result *result)
{
	rating_outcome(rq, result, ORDER_RATE_ORDER);
}

static void rating_added(struct request *rq, const struct db_result *result)
{
	rating_outcome(rq, result, ORDER_RATE_RATINGS);
}

/* A null member counts as absent. */
static const json_t *rating_member(const struct request *rq, const char *name)
{
	const json_t *value = member(rq->body, name);

	return json_is_null(value) ? NULL : value;
}

static void rating_write(struct request *rq, const char *order, sql_done *done)
{
	const json_t *plain = rating_member(rq, "rating");
	const json_t *vendor = rating_member(rq, "vendorRating");
	const json_t *rider = rating_member(rq, "riderRating");

	if (!plain && !vendor && !rider)
		return reply_field(rq, "vendorRating", "rate the vendor, the rider or both",
			"notez le vendeur, le livreur ou les deux");
	sql_write(rq, order_rate, done,
		&(struct order_rate){ .order = order,
			.user_id = rq->caller.id,
			.stars = plain ? optional_int(rq, rq->body, "rating") : NULL,
			.review = body_text(rq, "review"),
			.vendor_stars = optional_int(rq, vendor, "rating"),
			.vendor_review = member_text(vendor, "review"),
			.rider_stars = optional_int(rq, rider, "rating"),
			.rider_review = member_text(rider, "review") });
}

static void order_rate_post(struct request *rq)
{
	rating_write(rq, rq->params[0], order_rated);
}

static void rating_post(struct request *rq)
{
	rating_write(rq, body_text(rq, "orderId"), rating_added);
}

/* --- Disputes --------------------------------------------------------------------------------- */

static void dispute_opened(struct request *rq, const struct db_result *result)
{
	struct text outcome;

	if (db_error(result) == E_CONFLICT_ROW) /* another was opened at the same time */
		return reply_error(rq, E_DISPUTE_OPEN);
	if (!outcome_or_reply(rq, result, &outcome))
		return;
	if (!text_is(outcome, TEXT("OPENED")))
		return reply_error(rq, error_from_name(outcome.at, outcome.len));
	reply_data(rq, db_text(result, 0, DISPUTE_OPEN_DISPUTE));
}

static void dispute_post(struct request *rq)
{
	const char *id = request_id_new(rq, "dsp_");
	char *ticket = arena_alloc(rq->arena, ORDER_NUMBER_SIZE);

	if (!id || !ticket)
		return reply_error(rq, E_NO_MEMORY);
	id_order_number(ticket, 'T');
	sql_try_write(rq, dispute_open, dispute_opened,
		&(struct dispute_open){ .id = id,
			.ticket_number = ticket,
			.user_id = rq->caller.id,
			.order = body_text(rq, "orderId"),
			.category = body_text(rq, "category"),
			.subject = body_text(rq, "subject"),
			.description = body_text(rq, "description"),
			.key = rq->idempotency_key,
			.fingerprint = rq->fingerprint });
}

static void customer_disputes_listed(struct request *rq, const struct db_result *result)
{
	reply_nested_page(rq, "disputes", "totalDisputes",
		db_text(result, 0, DISPUTE_LIST_DISPUTES), request_page(rq, 20),
		db_int(result, 0, DISPUTE_LIST_TOTAL));
}

static void customer_disputes_list(struct request *rq)
{
	struct page page = request_page(rq, 20);

	sql_read(rq, dispute_list, customer_disputes_listed,
		&(struct dispute_list){
			.user_id = rq->caller.id, .limit = page.limit, .offset = page.offset });
}

const struct route user_rating_routes[] = {
	{ POST, "/orders/:orderId/rate", .operation = "rateOrder", .access = CUSTOMER,
		.any_write = true, .body = rate_body, .reply = order_fields,
		.errors = { E_ORDER_NOT_FOUND, E_ORDER_NOT_OWNER, E_CANNOT_RATE },
		.run = order_rate_post,
		.summary = "Rate a delivered order; a second rating replaces the first" },
	{ POST, "/ratings", .operation = "createRating", .access = CUSTOMER, .created = true,
		.body = ratings_body, .reply = ratings_reply,
		.errors = { E_ORDER_NOT_FOUND, E_ORDER_NOT_OWNER, E_CANNOT_RATE },
		.run = rating_post, .summary = "Rate the vendor, the rider or both" },
	{ POST, "/disputes", .operation = "openDispute", .access = CUSTOMER, .created = true,
		.idempotent = true, .body = dispute_body, .reply = dispute_fields,
		.errors = { E_ORDER_NOT_FOUND, E_ORDER_NOT_OWNER, E_DISPUTE_OPEN },
		.run = dispute_post,
		.summary = "Open a dispute about an own order; one per category at a time" },
	{ GET, "/disputes", .operation = "listDisputes", .access = CUSTOMER, .query = page_fields,
		.reply = disputes_fields, .run = customer_disputes_list,
		.summary = "The customer's disputes, newest first" },
	ROUTE_END,
};
