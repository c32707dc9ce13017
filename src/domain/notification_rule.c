/* SPDX-License-Identifier: MIT
 *
 * The notification rules; see the header. Types of notifications are those of the contract (§1),
 * and one for each message that the contract requires without naming a type.
 */
#include "reeyo/domain/notification_rule.h"

#include "reeyo/core/memory.h"

#define MINUTE 60u
#define HOUR (60u * MINUTE)
#define DAY (24u * HOUR)

const struct notification_rule notification_rules[] = {
	{ "user_registered", .recipient = TO_USER, .message = MESSAGE_WELCOME, .life_s = 3 * DAY },
	{ "vendor_registered", .recipient = TO_VENDOR, .message = MESSAGE_WELCOME_PARTNER,
		.life_s = 3 * DAY },
	{ "rider_registered", .recipient = TO_RIDER, .message = MESSAGE_WELCOME_PARTNER,
		.life_s = 3 * DAY },

#define APPROVAL(event, to) \
	{ event, "approval", "APPROVED", to, MESSAGE_ACCOUNT_APPROVED, "ACCOUNT_APPROVED", \
		3 * DAY }, \
	{ \
		event, "approval", "REJECTED", to, MESSAGE_ACCOUNT_REJECTED, "ACCOUNT_REJECTED", \
			3 * DAY \
	}
	APPROVAL("vendor_changed", TO_VENDOR),
	APPROVAL("rider_changed", TO_RIDER),
#undef APPROVAL

	{ "new_order", .recipient = TO_USER, .message = MESSAGE_ORDER_PLACED,
		.notification = "ORDER_PLACED", .life_s = 12 * HOUR },
	{ "new_order", .recipient = TO_VENDOR, .message = MESSAGE_NEW_ORDER,
		.notification = "ORDER_PLACED", .life_s = 30 * MINUTE },
	{ "order_accepted", .recipient = TO_USER, .message = MESSAGE_ORDER_ACCEPTED,
		.notification = "ORDER_ACCEPTED", .life_s = HOUR },
	{ "order_rejected", .recipient = TO_USER, .message = MESSAGE_ORDER_REJECTED,
		.notification = "ORDER_REJECTED", .life_s = 12 * HOUR },
	/* payment_failed states the reason */
	{ "order_cancelled", "by", "PAYMENT", .recipient = TO_USER, .life_s = 12 * HOUR,
		.silent = true },
	{ "order_cancelled", "by", "SYSTEM", TO_USER, MESSAGE_ORDER_LAPSED, "ORDER_CANCELLED",
		12 * HOUR },
	{ "order_cancelled", .recipient = TO_USER, .message = MESSAGE_ORDER_CANCELLED,
		.notification = "ORDER_CANCELLED", .life_s = 12 * HOUR },
	{ "order_cancelled", "known", "yes", TO_VENDOR, MESSAGE_ORDER_GONE, "ORDER_CANCELLED",
		HOUR },
	{ "order_cancelled", .recipient = TO_RIDER, .message = MESSAGE_ORDER_GONE,
		.notification = "ORDER_CANCELLED", .life_s = HOUR },
	{ "order_status_update", "status", "READY_FOR_PICKUP", TO_USER, MESSAGE_ORDER_READY,
		"ORDER_READY", HOUR },
	{ "rider_assigned", .recipient = TO_USER, .message = MESSAGE_RIDER_ASSIGNED,
		.notification = "RIDER_ASSIGNED", .life_s = HOUR },
	/* a rider who accepted the order needs no message */
	{ "rider_assigned", "by", "ADMIN", TO_RIDER, MESSAGE_ORDER_GIVEN, "RIDER_ASSIGNED", HOUR },
	{ "rider_unassigned", .recipient = TO_RIDER, .message = MESSAGE_ORDER_WITHDRAWN,
		.notification = "ORDER_CANCELLED", .life_s = HOUR },
	{ "order_status_update", "status", "IN_TRANSIT", TO_USER, MESSAGE_ORDER_PICKED_UP,
		"ORDER_PICKED_UP", HOUR },
	{ "order_status_update", "status", "RIDER_AT_DELIVERY", TO_USER, MESSAGE_RIDER_ARRIVED,
		"RIDER_ARRIVED", 30 * MINUTE },
	{ "order_delivered", .recipient = TO_USER, .message = MESSAGE_ORDER_DELIVERED,
		.notification = "ORDER_DELIVERED", .life_s = 12 * HOUR },

	{ "order_ready_for_pickup", .recipient = TO_RIDER, .message = MESSAGE_PICKUP_READY,
		.notification = "ORDER_READY", .life_s = HOUR },
	{ "delivery_request", .recipient = TO_RIDER, .message = MESSAGE_DELIVERY_REQUEST,
		.life_s = MINUTE },

	{ "payment_received", .recipient = TO_USER, .message = MESSAGE_PAYMENT_RECEIVED,
		.notification = "PAYMENT_RECEIVED", .life_s = 3 * DAY },
	{ "payment_failed", "cause", "ANOTHER_AMOUNT", TO_USER, MESSAGE_PAYMENT_DIFFERS,
		"PAYMENT_FAILED", 3 * DAY },
	{ "payment_failed", .recipient = TO_USER, .message = MESSAGE_PAYMENT_FAILED,
		.notification = "PAYMENT_FAILED", .life_s = 12 * HOUR },
	/* dispute_resolved names the refund too */
	{ "refund_issued", "disputeId", .recipient = TO_USER, .life_s = 3 * DAY, .silent = true },
	{ "refund_issued", .recipient = TO_USER, .message = MESSAGE_REFUND_ISSUED,
		.notification = "REFUND_ISSUED", .life_s = 3 * DAY },
	{ "dispute_resolved", .recipient = TO_USER, .message = MESSAGE_DISPUTE_RESOLVED,
		.notification = "DISPUTE_RESOLVED", .life_s = 3 * DAY },
	{ "dispute_rejected", .recipient = TO_USER, .message = MESSAGE_DISPUTE_REJECTED,
		.notification = "DISPUTE_REJECTED", .life_s = 3 * DAY },

#define PAYOUT(event, MESSAGE, type) \
	{ event, .recipient = TO_VENDOR, .message = MESSAGE, .notification = type, \
		.life_s = 3 * DAY }, \
	{ \
		event, .recipient = TO_RIDER, .message = MESSAGE, .notification = type, \
		       .life_s = 3 * DAY \
	}
	PAYOUT("payout_approved", MESSAGE_PAYOUT_APPROVED, "PAYOUT_APPROVED"),
	PAYOUT("payout_rejected", MESSAGE_PAYOUT_REJECTED, "PAYOUT_REJECTED"),
	PAYOUT("payout_completed", MESSAGE_PAYOUT_COMPLETED, "PAYOUT_COMPLETED"),
	PAYOUT("payout_failed", MESSAGE_PAYOUT_FAILED, "PAYOUT_FAILED"),
#undef PAYOUT
	{ .event = NULL },
};

static const struct {
	const char *name, *room;
} recipients[] = {
	[TO_USER] = { "USER", "user" },
	[TO_VENDOR] = { "VENDOR", "vendor" },
	[TO_RIDER] = { "RIDER", "rider" },
};

const char *recipient_name(enum recipient recipient)
{
	return recipients[recipient].name;
}

const char *recipient_room(enum recipient recipient)
{
	return recipients[recipient].room;
}

bool notification_rule_matches(
	const struct notification_rule *rule, unsigned count, json_t *const sources[])
{
	if (!rule->when)
		return true;
	for (unsigned i = 0; i < count; i++) {
		const char *value = json_string_value(json_object_get(sources[i], rule->when));

		if (value)
			return !rule->equals || strcmp(value, rule->equals) == 0;
	}
	return false;
}

/* The first of the channels that is possible. */
static unsigned way_choose(unsigned channels, struct reach reach, struct message_ways *ways)
{
	unsigned addressed = channels & reach.addresses, possible = addressed & reach.providers;

	if (possible)
		return possible & BY_PUSH ? BY_PUSH : possible;
	ways->no_provider += addressed != 0;
	ways->no_address += channels && !addressed;
	return 0;
}

struct message_ways message_ways(enum message_kind message, struct reach reach)
{
	struct message_ways ways = { 0 };
	unsigned has = message_channels(message);

	ways.channels = way_choose(has & (BY_PUSH | BY_SMS), reach, &ways);
	ways.channels |= way_choose(has & BY_MAIL, reach, &ways);
	return ways;
}
