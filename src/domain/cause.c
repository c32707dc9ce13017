/* SPDX-License-Identifier: MIT
 *
 * Events and what people are told of them: see the header. Types of notifications are those of the
 * contract (§1), and one for each message that it asks for without naming a type.
 */
#include "reeyo/domain/cause.h"

#include "reeyo/core/memory.h"

#define MINUTE 60u
#define HOUR (60u * MINUTE)
#define DAY (24u * HOUR)

const struct cause causes[] = {
	{ "user_registered", .whom = TO_USER, .message = MESSAGE_WELCOME, .life_s = 3 * DAY },
	{ "vendor_registered", .whom = TO_VENDOR, .message = MESSAGE_WELCOME_PARTNER,
		.life_s = 3 * DAY },
	{ "rider_registered", .whom = TO_RIDER, .message = MESSAGE_WELCOME_PARTNER,
		.life_s = 3 * DAY },

#define JUDGED(event, to) \
	{ event, "approval", "APPROVED", to, MESSAGE_ACCOUNT_APPROVED, \
		"ACCOUNT_APPROVED", 3 * DAY }, \
	{ event, "approval", "REJECTED", to, MESSAGE_ACCOUNT_REJECTED, "ACCOUNT_REJECTED", 3 * DAY }
	JUDGED("vendor_changed", TO_VENDOR),
	JUDGED("rider_changed", TO_RIDER),
#undef JUDGED

	{ "new_order", .whom = TO_USER, .message = MESSAGE_ORDER_PLACED, .notes = "ORDER_PLACED",
		.life_s = 12 * HOUR },
	{ "new_order", .whom = TO_VENDOR, .message = MESSAGE_NEW_ORDER, .notes = "ORDER_PLACED",
		.life_s = 30 * MINUTE },
	{ "order_accepted", .whom = TO_USER, .message = MESSAGE_ORDER_ACCEPTED,
		.notes = "ORDER_ACCEPTED", .life_s = HOUR },
	{ "order_rejected", .whom = TO_USER, .message = MESSAGE_ORDER_REJECTED,
		.notes = "ORDER_REJECTED", .life_s = 12 * HOUR },
	/* payment_failed says why it ends */
	{ "order_cancelled", "by", "PAYMENT", .whom = TO_USER, .life_s = 12 * HOUR,
		.silent = true },
	{ "order_cancelled", "by", "SYSTEM", TO_USER, MESSAGE_ORDER_LAPSED, "ORDER_CANCELLED",
		12 * HOUR },
	{ "order_cancelled", .whom = TO_USER, .message = MESSAGE_ORDER_CANCELLED,
		.notes = "ORDER_CANCELLED", .life_s = 12 * HOUR },
	{ "order_cancelled", "known", "yes", TO_VENDOR, MESSAGE_ORDER_GONE, "ORDER_CANCELLED",
		HOUR },
	{ "order_cancelled", .whom = TO_RIDER, .message = MESSAGE_ORDER_GONE,
		.notes = "ORDER_CANCELLED", .life_s = HOUR },
	{ "order_status_update", "status", "READY_FOR_PICKUP", TO_USER, MESSAGE_ORDER_READY,
		"ORDER_READY", HOUR },
	{ "rider_assigned", .whom = TO_USER, .message = MESSAGE_RIDER_ASSIGNED,
		.notes = "RIDER_ASSIGNED", .life_s = HOUR },
	/* a rider who took it himself knows */
	{ "rider_assigned", "by", "ADMIN", TO_RIDER, MESSAGE_ORDER_GIVEN, "RIDER_ASSIGNED", HOUR },
	{ "rider_unassigned", .whom = TO_RIDER, .message = MESSAGE_ORDER_WITHDRAWN,
		.notes = "ORDER_CANCELLED", .life_s = HOUR },
	{ "order_status_update", "status", "IN_TRANSIT", TO_USER, MESSAGE_ORDER_PICKED_UP,
		"ORDER_PICKED_UP", HOUR },
	{ "order_status_update", "status", "RIDER_AT_DELIVERY", TO_USER, MESSAGE_RIDER_ARRIVED,
		"RIDER_ARRIVED", 30 * MINUTE },
	{ "order_delivered", .whom = TO_USER, .message = MESSAGE_ORDER_DELIVERED,
		.notes = "ORDER_DELIVERED", .life_s = 12 * HOUR },

	{ "order_ready_for_pickup", .whom = TO_RIDER, .message = MESSAGE_PICKUP_READY,
		.notes = "ORDER_READY", .life_s = HOUR },
	{ "delivery_request", .whom = TO_RIDER, .message = MESSAGE_DELIVERY_REQUEST,
		.life_s = MINUTE },

	{ "payment_received", .whom = TO_USER, .message = MESSAGE_PAYMENT_RECEIVED,
		.notes = "PAYMENT_RECEIVED", .life_s = 3 * DAY },
	{ "payment_failed", "cause", "ANOTHER_AMOUNT", TO_USER, MESSAGE_PAYMENT_DIFFERS,
		"PAYMENT_FAILED", 3 * DAY },
	{ "payment_failed", .whom = TO_USER, .message = MESSAGE_PAYMENT_FAILED,
		.notes = "PAYMENT_FAILED", .life_s = 12 * HOUR },
	/* dispute_resolved says it with the rest */
	{ "refund_issued", "disputeId", .whom = TO_USER, .life_s = 3 * DAY, .silent = true },
	{ "refund_issued", .whom = TO_USER, .message = MESSAGE_REFUND_ISSUED,
		.notes = "REFUND_ISSUED", .life_s = 3 * DAY },
	{ "dispute_resolved", .whom = TO_USER, .message = MESSAGE_DISPUTE_RESOLVED,
		.notes = "DISPUTE_RESOLVED", .life_s = 3 * DAY },
	{ "dispute_rejected", .whom = TO_USER, .message = MESSAGE_DISPUTE_REJECTED,
		.notes = "DISPUTE_REJECTED", .life_s = 3 * DAY },

#define PAYOUT(event, MESSAGE, type) \
	{ event, .whom = TO_VENDOR, .message = MESSAGE, .notes = type, .life_s = 3 * DAY }, \
	{ event, .whom = TO_RIDER, .message = MESSAGE, .notes = type, .life_s = 3 * DAY }
	PAYOUT("payout_approved", MESSAGE_PAYOUT_APPROVED, "PAYOUT_APPROVED"),
	PAYOUT("payout_rejected", MESSAGE_PAYOUT_REJECTED, "PAYOUT_REJECTED"),
	PAYOUT("payout_completed", MESSAGE_PAYOUT_COMPLETED, "PAYOUT_COMPLETED"),
	PAYOUT("payout_failed", MESSAGE_PAYOUT_FAILED, "PAYOUT_FAILED"),
#undef PAYOUT
	{ .event = NULL },
};

static const struct {
	const char *name, *room;
} whoms[] = {
	[TO_USER] = { "USER", "user" },
	[TO_VENDOR] = { "VENDOR", "vendor" },
	[TO_RIDER] = { "RIDER", "rider" },
};

const char *whom_name(enum whom whom)
{
	return whoms[whom].name;
}

const char *whom_room(enum whom whom)
{
	return whoms[whom].room;
}

bool cause_holds(const struct cause *cause, unsigned count, json_t *const sources[])
{
	if (!cause->when)
		return true;
	for (unsigned i = 0; i < count; i++) {
		const char *value = json_string_value(json_object_get(sources[i], cause->when));

		if (value)
			return !cause->is || strcmp(value, cause->is) == 0;
	}
	return false;
}

unsigned message_channels(enum message_kind message, struct reach reach)
{
	bool texts = message_goes_by(message, CHANNEL_SMS);
	bool push = message_goes_by(message, CHANNEL_PUSH) && reach.device &&
		(reach.push_on || !texts || !reach.sms_on);
	bool mail = message_goes_by(message, CHANNEL_MAIL) && reach.email;

	return (push ? BY_PUSH : texts ? BY_SMS : 0) | (mail ? BY_MAIL : 0);
}
