/* SPDX-License-Identifier: MIT
 *
 * What Reeyo says to people: each message once, on which channels, and which words its texts may
 * hold. The texts ("wordings") are files of config/messages/{en,fr}, NAME.CHANNEL. Pure: any
 * thread.
 *
 * A wording holds {word} for a value and [ … ] around what is left out when one of the values in it
 * is missing (or is no money at all). A mail's file begins with a line "Subject: …", a push's with
 * "Title: …", and an empty line; both may hold words too.
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
const char *channel_suffix(enum channel channel); /* "sms", of its files */
bool channel_named(struct text name, enum channel *ret);

enum language { LANGUAGE_EN, LANGUAGE_FR, LANGUAGES };
const char *language_name(enum language language); /* "en", "fr" */
enum language language_named(struct text name);    /* French for whatever is not "en" */

/* Name, file and row name, channels, words. A star: a text that other people wrote, or the owner
 * himself before he proved his address. It is left out where the address is not proven, so such
 * words stand in [ … ] in what goes by SMS or mail. */
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
/* The message has a wording for the channel. */
bool message_goes_by(enum message_kind message, enum channel channel);

/* Takes the starred words out of a message's params. */
void message_params_impersonal(enum message_kind message, json_t *params);

/* What a message of these facts needs: the words of its texts, each from the first source that has
 * it. A new object, NULL when memory is out. Sources may be NULL. */
json_t *message_params(enum message_kind message, unsigned count, json_t *const sources[]);

/* Tries of a message, the first included. */
#define MESSAGE_TRIES 8
/* How long a message waits after its try number `tries`, in ms: longer after each, three hours in
 * all; at least as long as the provider asks (at most an hour). permille: a random number below
 * 1000, so that many do not come at once. */
int64_t message_wait_ms(unsigned tries, int64_t retry_after_s, unsigned permille);

/* A text for one message, channel and language; its parts point into the file. */
struct wording {
	struct text title; /* subject; absent of SMS */
	struct text body;
};
/* Takes a file apart and checks it; E_CONFIG with what is wrong in fault. */
#define WORDING_FAULT 128
int wording_parse(enum message_kind message, enum channel channel, struct text file,
	struct wording *ret, char fault[WORDING_FAULT]) MUST_CHECK;
/* Appends a checked text with its values put in. A long value is cut, so that what is said fits
 * into a text message or a push: what somebody wrote as a reason may be far longer. */
void wording_fill(struct buf *out, struct text text, const json_t *params, enum channel channel);

#endif
