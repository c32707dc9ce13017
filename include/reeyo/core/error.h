/* SPDX-License-Identifier: MIT
 *
 * The names of all errors. Fallible functions return 0 or one of these (all negative), and an error
 * means the same in every layer. Status, code and message of an error for clients are in
 * http/errors.h.
 */
#ifndef REEYO_CORE_ERROR_H
#define REEYO_CORE_ERROR_H

#include <stddef.h>

#define MUST_CHECK __attribute__((warn_unused_result))

/* clang-format off */
#define REEYO_ERRORS(X) \
	/* the process itself */ \
	X(INTERNAL) X(NO_MEMORY) X(BUSY) X(STORE_DOWN) X(TIMED_OUT) X(DRAINING) X(MAINTENANCE) \
	X(CONFIG) X(CONFLICT_ROW) X(LOCK_TIMEOUT) \
	/* HTTP */ \
	X(BAD_REQUEST) X(MALFORMED_JSON) X(VALIDATION) X(ROUTE_NOT_FOUND) X(METHOD_NOT_ALLOWED) \
	X(NOT_ACCEPTABLE) X(REQUEST_TIMEOUT) X(BODY_TOO_LARGE) X(URI_TOO_LONG) X(MEDIA_TYPE) \
	X(EXPECTATION) X(TOO_MANY_REQUESTS) X(HEADERS_TOO_LARGE) X(NOT_IMPLEMENTED) \
	X(HTTP_VERSION) X(CORS_ORIGIN) X(IDEMPOTENCY_MISMATCH) X(IDEMPOTENCY_RUNNING) \
	/* identity */ \
	X(NO_TOKEN) X(BAD_TOKEN) X(TOKEN_EXPIRED) X(ACCOUNT_GONE) X(WRONG_ROLE) X(NOT_OWNER) \
	X(BAD_CREDENTIALS) X(WRONG_PASSWORD) X(BAD_RESET_TOKEN) X(BAD_REFRESH) X(SUSPENDED) \
	X(INACTIVE) X(PHONE_UNVERIFIED) X(NOT_APPROVED) X(OTP_ALREADY) X(OTP_NONE) \
	X(OTP_EXPIRED) X(OTP_WRONG) X(PHONE_TAKEN) X(EMAIL_TAKEN) \
	/* missing objects */ \
	X(NOT_FOUND) X(ACCOUNT_NOT_FOUND) X(VENDOR_NOT_FOUND) X(ADDRESS_NOT_FOUND) \
	X(ORDER_NOT_FOUND) X(ORDER_NOT_OWNER) X(ITEM_NOT_FOUND) X(ITEM_NOT_OWNER) \
	/* orders */ \
	X(VENDOR_OFFLINE) X(BELOW_MINIMUM) X(ABOVE_MAXIMUM) X(TOO_FAR) X(CANNOT_CANCEL) \
	X(CANNOT_ACCEPT) X(CANNOT_REJECT) X(CANNOT_READY) X(CANNOT_MOVE) X(CANNOT_RATE) \
	X(ORDER_TAKEN) X(WRONG_DELIVERY_CODE) X(RIDER_OFFLINE) X(RIDER_NOT_FOUND) \
	X(RIDER_NOT_READY) X(ITEM_LIMIT) X(CONFLICT) X(ITEM_UNAVAILABLE) X(CHOICE_NOT_FOUND) \
	X(OUT_OF_STOCK) X(PRICE_CHANGED) X(DUPLICATE_ORDER) X(WALLET_SHORT) X(SERVICE_OFF) \
	X(PAYMENT_DOWN) X(SMS_DOWN) \
	/* money */ \
	X(BAD_AMOUNT) X(PAYMENT_NOT_FOUND) X(PAYMENT_REFUSED) X(PAYMENTS_WAIT) \
	X(PAYMENT_DECIDED) X(BAD_SIGNATURE) X(PAYOUT_MINIMUM) X(PAYOUT_SHORT) X(PAYOUT_ACCOUNT) \
	X(PAYOUT_NOT_FOUND) X(PAYOUT_NOT_OWNER) X(PAYOUT_DECIDED) X(NO_TROUBLE) \
	X(TROUBLE_OTHER) X(SAME_ADMIN) X(REFUND_UNDELIVERED) X(PAYOUT_MANY) X(HANDIN_OTHER) \
	X(CASH_OVER) X(DISPUTE_OPEN) X(DISPUTE_DECIDED) X(REFUND_OVER)
/* clang-format on */

/* Position of each error in a table; enum err has its negative. */
enum err_index {
	ERR_INDEX_OK,
#define X(name) ERR_INDEX_##name,
	REEYO_ERRORS(X)
#undef X
		ERR_INDEX_COUNT
};

/* 0 is success, every error is negative: `if (err < 0)` and `if (err)` mean the same. */
enum err {
	E_OK = 0,
#define X(name) E_##name = -ERR_INDEX_##name,
	REEYO_ERRORS(X)
#undef X
};

/* The name of an error without E_, for logs and for words that statements return; an unknown value
 * gives "INTERNAL". Any thread. */
const char *error_name(int err);
/* The error with this name of `len` bytes, without E_, as statements return it; E_INTERNAL for an
 * unknown name. Any thread. */
int error_from_name(const char *name, size_t len);

#endif
