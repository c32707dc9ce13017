/* SPDX-License-Identifier: MIT
 *
 * Rounding and checked sums of whole XAF.
 */
#include "reeyo/domain/money.h"

int64_t round_half_up(int64_t n, int64_t d)
{
	int64_t rest = n % d;

	return n / d + (rest >= d - rest ? 1 : 0); /* 2·rest could overflow, d - rest cannot */
}

int64_t money_share(int64_t amount, int64_t bps)
{
	/* Whole multiples of BPS_WHOLE divide exactly; only the remainder is rounded. */
	return amount / BPS_WHOLE * bps + round_half_up(amount % BPS_WHOLE * bps, BPS_WHOLE);
}

int money_add(int64_t a, int64_t b, int64_t *ret)
{
	int64_t sum;

	if (__builtin_add_overflow(a, b, &sum))
		return E_ABOVE_MAXIMUM;
	*ret = sum;
	return 0;
}

int money_times(int64_t amount, int64_t count, int64_t *ret)
{
	int64_t product;

	if (__builtin_mul_overflow(amount, count, &product))
		return E_ABOVE_MAXIMUM;
	*ret = product;
	return 0;
}
