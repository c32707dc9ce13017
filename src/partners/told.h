/* SPDX-License-Identifier: MIT
 *
 * What the gateway says of a transaction, read from its JSON: in answers, in its history, in
 * callbacks.
 */
#ifndef REEYO_PARTNERS_TOLD_H
#define REEYO_PARTNERS_TOLD_H

#include "reeyo/partners/gateway.h"

/* Texts point into the document. */
struct gateway_told told_read(const json_t *transaction);
/* A whole number of francs, as a number (1000, 1000.0) or a text ("1000", "1000.00"); -1 for
 * anything else. */
int64_t told_amount(const json_t *amount);
/* Whether a row of the history is money that went out. */
bool told_withdrawal(const json_t *transaction);

#endif
