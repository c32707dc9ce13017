/* SPDX-License-Identifier: MIT
 *
 * States and methods of pay-outs.
 */
#include "reeyo/domain/payout.h"

#include <stddef.h>

const char *const payout_status_words[] = { "PENDING", "APPROVED", "PROCESSING", "COMPLETED",
	"FAILED", "REJECTED", NULL };
const char *const payout_method_words[] = { "MOBILE_MONEY", "BANK_TRANSFER", NULL };
