/* SPDX-License-Identifier: MIT
 *
 * A transaction in the gateway's JSON: in responses, in its history and in callbacks.
 */
#ifndef REEYO_SRC_PARTNERS_TRANSACTION_H
#define REEYO_SRC_PARTNERS_TRANSACTION_H

#include "reeyo/partners/gateway.h"

/* The texts point into the document. */
struct gateway_transaction transaction_read(const json_t *transaction);
/* A whole number of francs, as a number (1000, 1000.0) or a text ("1000", "1000.00"); -1 for
 * anything else. */
int64_t transaction_amount(const json_t *amount);
/* Whether a row of the history is a withdrawal. */
bool transaction_is_withdrawal(const json_t *transaction);

#endif
