/* SPDX-License-Identifier: MIT
 *
 * Money is whole XAF in int64, never floating point. Rates are basis points (1/100 %). Sums and
 * products are checked: a client can choose quantities, so it can choose to overflow.
 */
#ifndef REEYO_DOMAIN_MONEY_H
#define REEYO_DOMAIN_MONEY_H

#include <stdint.h>

#include "reeyo/core/error.h"

#define BPS_WHOLE 10000

/* n / d rounded half up, for n ≥ 0 and d > 0. */
int64_t round_half_up(int64_t n, int64_t d);
/* bps (0…10000) basis points of amount ≥ 0, rounded half up. Never overflows. */
int64_t money_share(int64_t amount, int64_t bps);
/* 0, or E_ABOVE_MAXIMUM when the result overflows int64. */
int money_add(int64_t a, int64_t b, int64_t *ret) MUST_CHECK;
int money_times(int64_t amount, int64_t count, int64_t *ret) MUST_CHECK;

#endif
