/* SPDX-License-Identifier: MIT
 *
 * The counters of orders, payments and pay-outs.
 */
#ifndef REEYO_SERVICE_COUNTERS_H
#define REEYO_SERVICE_COUNTERS_H

#include "reeyo/core/counter.h"

/* clang-format off */
#define SERVICE_COUNTERS(X) \
	X(ORDERS_PLACED, "reeyo_orders_placed_total", "", "Orders placed") \
	X(ORDERS_CANCELLED, "reeyo_orders_cancelled_total", "", "Orders cancelled") \
	X(PAYMENTS_STARTED, "reeyo_payments_total", "outcome=\"started\"", \
		"Payments by mobile money and card, by outcome") \
	X(PAYMENTS_SUCCEEDED, "reeyo_payments_total", "outcome=\"succeeded\"", "") \
	X(PAYMENTS_FAILED, "reeyo_payments_total", "outcome=\"failed\"", "") \
	X(PAYMENTS_EXPIRED, "reeyo_payments_total", "outcome=\"expired\"", "") \
	X(PAYMENTS_MISMATCHED, "reeyo_payments_total", "outcome=\"mismatched\"", "") \
	X(PAYMENTS_LATE, "reeyo_payments_late_total", "", \
		"Payments that succeeded after they had expired or failed") \
	X(PAYMENT_QUERIES, "reeyo_payment_asks_total", "", \
		"Queries of the gateway for the status of a payment") \
	X(PAYOUTS_COMPLETED, "reeyo_payouts_total", "outcome=\"completed\"", \
		"Pay-outs to phones by the report of the gateway") \
	X(PAYOUTS_FAILED, "reeyo_payouts_total", "outcome=\"failed\"", "") \
	X(PAYOUTS_LATE, "reeyo_payouts_total", "outcome=\"late\"", "") \
	X(PAYOUTS_TROUBLED, "reeyo_payouts_total", "outcome=\"trouble\"", "")
/* clang-format on */

COUNTERS_DECLARE(service, COUNTERS_SERVICE, SERVICE_COUNTERS);

#endif
