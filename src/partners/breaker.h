/* SPDX-License-Identifier: MIT
 *
 * Circuit breaker: counts consecutive failures and stops calls for a while. Closed: all calls are
 * sent. Open: none is. After the pause one trial call is sent; its result closes the breaker or
 * opens it again. The caller supplies the time.
 */
#ifndef REEYO_PARTNERS_BREAKER_H
#define REEYO_PARTNERS_BREAKER_H

#include <stdbool.h>
#include <stdint.h>

enum breaker_state { BREAKER_CLOSED, BREAKER_OPEN, BREAKER_TRYING };

struct breaker {
	enum breaker_state state;
	unsigned limit, pause_ms; /* limit 0: never opens */
	unsigned failures;
	uint64_t until_ms;
};

/* Whether a call may be sent. *ret_trial: it is the trial call, which must end in one of the last
 * three functions. */
bool breaker_admit(struct breaker *breaker, uint64_t now_ms, bool *ret_trial);
/* Whether breaker_admit would return true; changes nothing. */
bool breaker_would_admit(const struct breaker *breaker, uint64_t now_ms);
void breaker_succeeded(struct breaker *breaker, bool trial);
/* jitter: 0 to 999, random; changes the pause by up to 20 % in either direction. */
void breaker_failed(struct breaker *breaker, bool trial, uint64_t now_ms, unsigned jitter);
/* The call ended without a result (cancelled). */
void breaker_release(struct breaker *breaker, bool trial);

#endif
