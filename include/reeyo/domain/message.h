/* SPDX-License-Identifier: MIT
 *
 * The messages to people: the channels of each, and the words its templates may use. The templates
 * are files of config/messages/{en,fr}, NAME.CHANNEL. Pure: any thread.
 *
 * In a template, {word} is replaced by a value. [ … ] is left out when one of the values in it is
 * missing (or is an amount of 0). The file of a mail begins with a line "Subject: …", that of a
 * push with "Title: …", and an empty line; both lines may use words too.
 */
#ifndef REEYO_DOMAIN_MESSAGE_H
#define REEYO_DOMAIN_MESSAGE_H

#include <jansson.h>
#include <stdbool.h>

#include "reeyo/core/error.h"
#include "reeyo/core/memory.h"

enum channel { CHANNEL_SMS, CHANNEL_MAIL, CHANNEL_PUSH, CHANNELS };
#define BY_SMS (1u << CHANNEL_SMS)
#define BY_MAIL (1u << CHANNEL_MAIL)
#define BY_PUSH (1u << CHANNEL_PUSH)
const char *channel_name(enum channel channel);   /* "SMS", as in rows */
const char *channel_suffix(enum channel channel); /* "sms", of its files and in logs */
bool channel_named(struct text name, enum channel *ret);

enum language { LANGUAGE_EN, LANGUAGE_FR, LANGUAGES };
const char *language_name(enum language language); /* "en", "fr" */
enum language language_named(struct text name);    /* French unless it is "en" */

/* Name; name of its files and in rows; channels; words. A star marks a text written by other
 * people, or by the recipient before the address was verified. It is left out when the address is
 * not verified, so templates for SMS and mail put such words in [ … ]. */
#define REEYO_MESSAGES(X) \
	X(CODE, "code", BY_SMS | BY_MAIL, "code") \
	X(PASSWORD_CODE, "password_code", BY_SMS | BY_MAIL, "code") \
	X(WELCOME, "welcome", BY_MAIL, "name*") \
	X(WELCOME_PARTNER, "welcome_partner", BY_MAIL, "name*") \
	X(ACCOUNT_APPROVED, "account_approved", BY_PUSH | BY_SMS | BY_MAIL, "name*") \
	X(ACCOUNT_REJECTED, "account_rejected", BY_PUSH | BY_SMS | BY_MAIL, "name* reason") \
	X(ORDER_PLACED, "order_placed", BY_PUSH | BY_MAIL, "name* orderNumber vendorName* total") \
	X(ORDER_ACCEPTED, "order_accepted", BY_PUSH | BY_SMS, \
		"orderNumber vendorName* preparationTime") \
	X(ORDER_REJECTED, "order_rejected", BY_PUSH | BY_SMS, \
		"orderNumber vendorName* reason* refundAmount") \
	X(ORDER_CANCELLED, "order_cancelled", BY_PUSH | BY_SMS, \
		"orderNumber reason* refundAmount") \
	X(ORDER_LAPSED, "order_lapsed", BY_PUSH | BY_SMS, "orderNumber refundAmount") \
	X(ORDER_GONE, "order_gone", BY_PUSH, "orderNumber reason*") \
	X(ORDER_READY, "order_ready", BY_PUSH, "orderNumber vendorName*") \
	X(RIDER_ASSIGNED, "rider_assigned", BY_PUSH, "orderNumber riderName*") \
	X(ORDER_GIVEN, "order_given", BY_PUSH, "orderNumber pickup*") \
	X(ORDER_WITHDRAWN, "order_withdrawn", BY_PUSH, "orderNumber") \
	X(ORDER_PICKED_UP, "order_picked_up", BY_PUSH | BY_SMS, "orderNumber riderName*") \
	X(RIDER_ARRIVED, "rider_arrived", BY_PUSH | BY_SMS, "orderNumber riderName*") \
	X(ORDER_DELIVERED, "order_delivered", BY_PUSH | BY_SMS, "orderNumber") \
	X(NEW_ORDER, "new_order", BY_PUSH | BY_SMS, "orderNumber total") \
	X(PICKUP_READY, "pickup_ready", BY_PUSH, "orderNumber vendorName*") \
	X(DELIVERY_REQUEST, "delivery_request", BY_PUSH, \
		"orderNumber pickup* dropoff* deliveryFee") \
	X(PAYMENT_RECEIVED, "payment_received", BY_PUSH | BY_SMS, "amount reference orderNumber") \
	X(PAYMENT_FAILED, "payment_failed", BY_PUSH | BY_SMS, "amount reference orderNumber") \
	X(PAYMENT_DIFFERS, "payment_differs", BY_PUSH | BY_SMS, \
		"amount paidAmount reference orderNumber") \
	X(REFUND_ISSUED, "refund_issued", BY_PUSH | BY_SMS, "amount orderNumber") \
	X(PAYOUT_APPROVED, "payout_approved", BY_PUSH | BY_SMS | BY_MAIL, \
		"name* amount fee netAmount") \
	X(PAYOUT_REJECTED, "payout_rejected", BY_PUSH | BY_SMS | BY_MAIL, "name* amount reason") \
	X(PAYOUT_COMPLETED, "payout_completed", BY_PUSH | BY_SMS, \
		"amount fee netAmount transactionReference") \
	X(PAYOUT_FAILED, "payout_failed", BY_PUSH | BY_SMS, "amount reason") \
	X(DISPUTE_RESOLVED, "dispute_resolved", BY_PUSH | BY_MAIL, \
		"name* orderNumber resolution refundAmount") \
	X(DISPUTE_REJECTED, "dispute_rejected", BY_PUSH | BY_MAIL, "name* orderNumber reason") \
	X(BROADCAST, "broadcast", BY_PUSH, "title body")

enum message_kind {
#define X(name, ...) MESSAGE_##name,
	REEYO_MESSAGES(X)
#undef X
		MESSAGES
};

const char *message_name(enum message_kind message);
bool message_named(struct text name, enum message_kind *ret);
/* The message is sent through the channel, so it has a template for it. */
bool message_has_channel(enum message_kind message, enum channel channel);
unsigned message_channels(enum message_kind message); /* all of them, as BY_ flags */

/* Removes the starred words from the params of a message. */
void message_params_strip_personal(enum message_kind message, json_t *params);

/* The values of a message's words, each from the first source that has it. A new object, NULL when
 * out of memory. Sources may be NULL. */
json_t *message_params(enum message_kind message, unsigned count, json_t *const sources[]);

/* Seconds by which a message behind another of its recipient is postponed, at least. */
#define MESSAGE_BEHIND_S 60
/* Seconds after which a broadcast, or a dead message that an admin queued again, is useless. */
#define MESSAGE_BROADCAST_LIFE_S 86400
#define MESSAGE_REQUEUED_LIFE_S 86400
/* Tries of a message, including the first. */
#define MESSAGE_TRIES_MAX 8
/* How long a message waits after its try number `tries`, in ms: longer after each try, three hours
 * in total; at least as long as the provider requests (at most an hour). permille: a random number
 * below 1000, which spreads the retries of many messages. */
int64_t message_backoff_ms(unsigned tries, int64_t retry_after_s, unsigned permille);

/* The template of a message, channel and language; its parts point into the file. */
struct message_template {
	struct text title; /* or subject; TEXT_NONE for SMS */
	struct text body;
};
/* Splits a file into its parts and checks them. E_CONFIG with a description in fault. */
#define TEMPLATE_FAULT 128
int template_parse(enum message_kind message, enum channel channel, struct text file,
	struct message_template *ret, char fault[TEMPLATE_FAULT]) MUST_CHECK;
/* Appends a checked text with its values. A long value (such as a reason that a person wrote) is
 * cut, so that the result fits into a text message or a push. */
void template_fill(struct buf *out, struct text text, const json_t *params, enum channel channel);

#endif
