/* SPDX-License-Identifier: MIT
 *
 * Circuit breaker. Calls that started before it opened may end while it is open. They do not change
 * it, because their results are older than the failures that opened it.
 */
#include "breaker.h"

bool breaker_would_admit(const struct breaker *breaker, uint64_t now_ms)
{
	return breaker->state == BREAKER_CLOSED ||
		(breaker->state == BREAKER_OPEN && now_ms >= breaker->until_ms);
}

bool breaker_admit(struct breaker *breaker, uint64_t now_ms, bool *ret_trial)
{
	if (!breaker_would_admit(breaker, now_ms))
		return false;
	*ret_trial = breaker->state == BREAKER_OPEN;
	if (*ret_trial)
		breaker->state = BREAKER_TRYING;
	return true;
}

void breaker_succeeded(struct breaker *breaker, bool trial)
{
	if (breaker->state != BREAKER_CLOSED && !trial)
		return;
	breaker->state = BREAKER_CLOSED;
	breaker->failures = 0;
}

void breaker_failed(struct breaker *breaker, bool trial, uint64_t now_ms, unsigned jitter)
{
	if (!breaker->limit || (breaker->state != BREAKER_CLOSED && !trial))
		return;
	if (!trial && ++breaker->failures < breaker->limit)
		return;
	breaker->state = BREAKER_OPEN;
	breaker->until_ms = now_ms + breaker->pause_ms - breaker->pause_ms / 5 +
		(uint64_t)breaker->pause_ms * 2 / 5 * jitter / 1000;
}

/* The next call may be the trial, without a pause. */
void breaker_release(struct breaker *breaker, bool trial)
{
	if (trial)
		breaker->state = BREAKER_OPEN;
}
