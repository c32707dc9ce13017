/* SPDX-License-Identifier: MIT
 *
 * A breaker: counts failures in a row and stops the asking for a while. Closed: all calls are made.
 * Open: none. Once the pause is over one call is made to try; its result closes the breaker or
 * opens it again. Time is the caller's.
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

/* Whether a call may be made. *ret_trial: it is the one that tries, and must end in one of the
 * three below. */
bool breaker_admits(struct breaker *breaker, uint64_t now_ms, bool *ret_trial);
/* Whether breaker_admits would say yes; changes nothing. */
bool breaker_up(const struct breaker *breaker, uint64_t now_ms);
void breaker_answered(struct breaker *breaker, bool trial);
/* jitter: 0 to 999, from a random source; moves the pause by up to a fifth either way. */
void breaker_failed(struct breaker *breaker, bool trial, uint64_t now_ms, unsigned jitter);
/* The call ended without telling anything of the service (cancelled). */
void breaker_untold(struct breaker *breaker, bool trial);

#endif
