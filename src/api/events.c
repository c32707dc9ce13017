/* SPDX-License-Identifier: MIT
 *
 * Live events, as a stream of server-sent events or by polling: the caller's own (`/events`) and
 * those of one order.
 *
 * `?wait` or `?after` requests JSON: the events after that id; when there are none yet, the reply
 * waits for the next one. Otherwise the reply is a stream, which resumes after Last-Event-ID.
 */
#include "reeyo/api/events.h"

#include "reeyo/db/queries/events.h"
#include "reeyo/live/hub.h"

static const struct field event_query[] = {
	{ "orderId", FIELD_ID, .summary = "Also the events of this order: its id or number" },
	{ "after", FIELD_INT, .min = 0, .max = INT64_MAX,
		.summary = "Reply in JSON: the events after this id; from now on "
			   "when only wait is given" },
	{ "wait", FIELD_INT, .min = 0, .max = 30,
		.summary = "Reply in JSON: seconds to wait for an event, 0 when absent" },
	{ "lastEventId", FIELD_INT, .min = 0, .max = INT64_MAX,
		.summary = "Same as the header Last-Event-ID" },
	FIELD_END,
};
static const struct field order_event_query[] = {
	{ "after", FIELD_INT, .min = 0, .max = INT64_MAX, .summary = "Same as in /events" },
	{ "wait", FIELD_INT, .min = 0, .max = 30, .summary = "Same as in /events" },
	{ "lastEventId", FIELD_INT, .min = 0, .max = INT64_MAX,
		.summary = "Same as the header Last-Event-ID" },
	FIELD_END,
};
static const struct field event_fields[] = {
	{ "id", FIELD_INT, .required = true },
	{ "type", FIELD_TEXT, .required = true },
	{ "aggregate", FIELD_TEXT, .required = true, .summary = "The id of what changed" },
	{ "at", FIELD_TIME, .required = true },
	{ "data", FIELD_OBJECT, .required = true, .summary = "Same as `data:` in the stream" },
	FIELD_END,
};
static const struct field poll_fields[] = {
	{ "events", FIELD_LIST, .required = true, .of = event_fields },
	{ "last", FIELD_INT, .required = true, .summary = "Poll again after this id" },
	{ "reset", FIELD_BOOL, .summary = "Events were lost since: read everything again" },
	FIELD_END,
};

/* --- What to subscribe to --------------------------------------------------------------------- */

/* The event id after which a stream resumes. A header that is not a number is ignored. */
static int64_t events_resume_id(struct request *rq)
{
	const char *header = request_header(rq, "Last-Event-ID");
	int64_t after = HUB_NOW;

	if (!header || !text_to_int(text_trim(text_of(header)), 0, INT64_MAX, &after))
		after = member_int(rq->query, "lastEventId", HUB_NOW);
	return after;
}

static void events_subscribe(struct request *rq, struct subscription_request *wanted)
{
	if (member(rq->query, "after") || member(rq->query, "wait")) {
		wanted->after = member_int(rq->query, "after", HUB_NOW);
		return hub_poll(rq, wanted, (unsigned)member_int(rq->query, "wait", 0));
	}
	if (rq->method == HEAD)
		return reply_bare(rq, 200, "text/event-stream", TEXT_NONE);
	wanted->after = events_resume_id(rq);
	hub_stream(rq, wanted);
}

/* NULL: out of memory. */
static struct subscription_request *events_request(struct request *rq)
{
	struct subscription_request *wanted = rq->state;

	if (!wanted)
		rq->state = wanted = ARENA_NEW(rq->arena, struct subscription_request);
	return wanted;
}

static void events_room_add(struct subscription_request *wanted, const char *name)
{
	if (name)
		wanted->rooms[wanted->count++] = name;
}

/* The room of the caller and the room of all accounts of its kind. */
static void events_own_rooms(struct request *rq, struct subscription_request *wanted)
{
	static const char *const audience[NS_COUNT] = { [NS_USER] = "users",
		[NS_RIDER] = "riders",
		[NS_VENDOR] = "vendors",
		[NS_ADMIN] = "admin" };

	wanted->scan = rq->ns == NS_ADMIN;
	if (rq->ns != NS_ADMIN)
		events_room_add(wanted,
			arena_printf(rq->arena, "%s:%s", name_space_name(rq->ns), rq->caller.id));
	events_room_add(wanted, audience[rq->ns]);
}

/* --- An order --------------------------------------------------------------------------------- */

/* Columns of order_participants: the account that the caller must be. Admins may follow any order.
 */
static bool order_party_is_caller(const struct request *rq, const struct db_result *result)
{
	static const unsigned column[NS_COUNT] = { [NS_USER] = ORDER_PARTICIPANTS_USER_ID,
		[NS_VENDOR] = ORDER_PARTICIPANTS_VENDOR_ID,
		[NS_RIDER] = ORDER_PARTICIPANTS_RIDER_ID };

	return rq->ns == NS_ADMIN ||
		text_is(db_text(result, 0, column[rq->ns]), text_of(rq->caller.id));
}

static void order_party_read(struct request *rq, const struct db_result *result)
{
	struct subscription_request *wanted = events_request(rq);

	if (!wanted)
		return reply_error(rq, E_NO_MEMORY);
	if (db_rows(result) == 0)
		return reply_error(rq, E_ORDER_NOT_FOUND);
	if (!order_party_is_caller(rq, result))
		return reply_error(rq, E_ORDER_NOT_OWNER);
	events_room_add(wanted,
		arena_printf(rq->arena, "order:%.*s",
			TEXT_ARGS(db_text(result, 0, ORDER_PARTICIPANTS_ID))));
	events_subscribe(rq, wanted);
}

/* From the primary: a replica may lag behind and not have an order placed a moment ago. */
static void order_party_get(struct request *rq, const char *order)
{
	const struct order_participants params = { .order = order };

	if (rq->app->config->replica_url[0])
		sql_read_primary(rq, order_participants, order_party_read, &params);
	else
		sql_read(rq, order_participants, order_party_read, &params);
}

/* --- Handlers --------------------------------------------------------------------------------- */

static void stream_own_events(struct request *rq)
{
	struct subscription_request *wanted = events_request(rq);

	if (!wanted)
		return reply_error(rq, E_NO_MEMORY);
	events_own_rooms(rq, wanted);
	if (query_text(rq, "orderId"))
		return order_party_get(rq, query_text(rq, "orderId"));
	events_subscribe(rq, wanted);
}

static void stream_order_events(struct request *rq)
{
	order_party_get(rq, rq->params[0]);
}

/* caller: the member .access or .permission. */
#define EVENT_ROUTES(caller, own, of_order) \
	{ GET, "/events", .operation = own, caller, .query = event_query, .reply = poll_fields, \
		.stream = true, .errors = { E_ORDER_NOT_FOUND, E_ORDER_NOT_OWNER, E_BUSY }, \
		.run = stream_own_events, \
		.summary = "Stream live events: server-sent events, or JSON with ?wait" }, \
		{ GET, "/orders/:orderId/events", .operation = of_order, caller, \
			.query = order_event_query, .reply = poll_fields, .stream = true, \
			.errors = { E_ORDER_NOT_FOUND, E_ORDER_NOT_OWNER, E_BUSY }, \
			.run = stream_order_events, .summary = "Stream the events of one order" }, \
		ROUTE_END

const struct route user_event_routes[] = { EVENT_ROUTES(.access = CUSTOMER, "streamCustomerEvents",
	"streamCustomerOrderEvents") };
const struct route vendor_event_routes[] = { EVENT_ROUTES(.access = VENDOR_ACCOUNT,
	"streamVendorEvents", "streamVendorOrderEvents") };
const struct route rider_event_routes[] = { EVENT_ROUTES(.access = RIDER_ACCOUNT,
	"streamRiderEvents", "streamRiderOrderEvents") };
const struct route admin_event_routes[] = { EVENT_ROUTES(.permission = "events.read",
	"streamAdminEvents", "streamAdminOrderEvents") };
