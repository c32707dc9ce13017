/* SPDX-License-Identifier: MIT
 *
 * Live events, as a stream of server-sent events or by polling: one's own (`/events`) and those of
 * one order.
 *
 * `?wait` or `?after` asks for JSON: what was said after that id, waited for when there is nothing
 * yet. Without them the answer is a stream, which goes on after the id of Last-Event-ID.
 */
#include "reeyo/api/events.h"

#include "reeyo/live/hub.h"

static const struct field event_query[] = {
	{ "orderId", FIELD_ID, .does = "An order to hear of as well: its id or number" },
	{ "after", FIELD_INT, .min = 0, .max = INT64_MAX,
		.does = "Answer in JSON: what was said after this id; from now on "
			"when only wait is given" },
	{ "wait", FIELD_INT, .min = 0, .max = 30,
		.does = "Answer in JSON: seconds to wait for news, 0 when absent" },
	{ "lastEventId", FIELD_INT, .min = 0, .max = INT64_MAX,
		.does = "As the header Last-Event-ID" },
	FIELD_END
};
static const struct field order_event_query[] = {
	{ "after", FIELD_INT, .min = 0, .max = INT64_MAX, .does = "As of /events" },
	{ "wait", FIELD_INT, .min = 0, .max = 30, .does = "As of /events" },
	{ "lastEventId", FIELD_INT, .min = 0, .max = INT64_MAX,
		.does = "As the header Last-Event-ID" },
	FIELD_END
};
static const struct field event_fields[] = {
	{ "id", FIELD_INT, .required = true },
	{ "type", FIELD_TEXT, .required = true },
	{ "aggregate", FIELD_TEXT, .required = true, .does = "The id of what changed" },
	{ "at", FIELD_TIME, .required = true },
	{ "data", FIELD_OBJECT, .required = true, .does = "As `data:` in the stream" },
	FIELD_END
};
static const struct field poll_fields[] = {
	{ "events", FIELD_LIST, .required = true, .of = event_fields },
	{ "last", FIELD_INT, .required = true, .does = "Ask again after this id" },
	{ "reset", FIELD_BOOL, .does = "Events have been lost since: read everything again" },
	FIELD_END
};

/* --- What to hear ----------------------------------------------------------------------------- */

/* Where a stream goes on; a header that is no number is none. */
static int64_t resume_after(struct request *rq)
{
	const char *header = request_header(rq, "Last-Event-ID");
	int64_t after = HUB_NOW;

	if (!header || !text_to_int(text_trim(text_of(header)), 0, INT64_MAX, &after))
		after = member_int(rq->query, "lastEventId", HUB_NOW);
	return after;
}

static void hear(struct request *rq, struct hub_wish *wish)
{
	if (member(rq->query, "after") || member(rq->query, "wait")) {
		wish->after = member_int(rq->query, "after", HUB_NOW);
		return hub_poll(rq, wish, (unsigned)member_int(rq->query, "wait", 0));
	}
	if (rq->method == HEAD)
		return reply_bare(rq, 200, "text/event-stream", TEXT_NONE);
	wish->after = resume_after(rq);
	hub_stream(rq, wish);
}

/* NULL: memory is out. */
static struct hub_wish *wish_of(struct request *rq)
{
	struct hub_wish *wish = rq->state;

	if (!wish)
		rq->state = wish = ARENA_NEW(rq->arena, struct hub_wish);
	return wish;
}

static void room_add(struct hub_wish *wish, const char *name)
{
	if (name)
		wish->rooms[wish->count++] = name;
}

/* One's own room and one's audience. */
static void own_rooms(struct request *rq, struct hub_wish *wish)
{
	static const char *const audience[NS_COUNT] = { [NS_USER] = "users", [NS_RIDER] = "riders",
		[NS_VENDOR] = "vendors", [NS_ADMIN] = "admin" };

	wish->most = rq->ns == NS_ADMIN;
	if (rq->ns != NS_ADMIN)
		room_add(wish,
			arena_printf(rq->arena, "%s:%s", name_space_name(rq->ns), rq->caller.id));
	room_add(wish, audience[rq->ns]);
}

/* --- An order --------------------------------------------------------------------------------- */

/* Columns of order_party: who must be the caller; admins may hear of any. */
static bool takes_part(const struct request *rq, const struct db_result *result)
{
	static const unsigned column[NS_COUNT] = { [NS_USER] = 1, [NS_VENDOR] = 2, [NS_RIDER] = 3 };

	return rq->ns == NS_ADMIN ||
		text_is(db_text(result, 0, column[rq->ns]), text_of(rq->caller.id));
}

static void party_found(struct request *rq, const struct db_result *result)
{
	struct hub_wish *wish = wish_of(rq);

	if (!wish)
		return reply_error(rq, E_NO_MEMORY);
	if (db_rows(result) == 0)
		return reply_error(rq, E_ORDER_NOT_FOUND);
	if (!takes_part(rq, result))
		return reply_error(rq, E_ORDER_NOT_OWNER);
	room_add(wish, arena_printf(rq->arena, "order:%.*s", TEXT_ARGS(db_text(result, 0, 0))));
	hear(rq, wish);
}

/* From the primary: a replica may not know an order that was placed a moment ago. */
static void party_find(struct request *rq, const char *order)
{
	sql_run(rq, rq->app->config->replica_url[0] ? DB_WRITE : DB_READ, QUERY_order_party,
		false, party_found, 1, &order);
}

/* --- Handlers --------------------------------------------------------------------------------- */

static void hear_own(struct request *rq)
{
	struct hub_wish *wish = wish_of(rq);

	if (!wish)
		return reply_error(rq, E_NO_MEMORY);
	own_rooms(rq, wish);
	if (query_text(rq, "orderId"))
		return party_find(rq, query_text(rq, "orderId"));
	hear(rq, wish);
}

static void hear_order(struct request *rq)
{
	party_find(rq, rq->params[0]);
}

#define EVENT_ROUTES(caller) \
	{ GET, "/events", .who = caller, .query = event_query, \
		.reply = poll_fields, .stream = true, \
		.errors = { E_ORDER_NOT_FOUND, E_ORDER_NOT_OWNER, E_BUSY }, .run = hear_own, \
		.does = "Hear what happens: server-sent events, or JSON with ?wait" }, \
	{ GET, "/orders/:orderId/events", .who = caller, \
		.query = order_event_query, .reply = poll_fields, .stream = true, \
		.errors = { E_ORDER_NOT_FOUND, E_ORDER_NOT_OWNER, E_BUSY }, .run = hear_order, \
		.does = "Hear what happens to one order" }, \
	ROUTE_END

const struct route user_event_routes[] = { EVENT_ROUTES(CUSTOMER) };
const struct route vendor_event_routes[] = { EVENT_ROUTES(VENDOR_ACCOUNT) };
const struct route rider_event_routes[] = { EVENT_ROUTES(RIDER_ACCOUNT) };
const struct route admin_event_routes[] = { EVENT_ROUTES(ADMIN) };
