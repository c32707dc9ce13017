/* SPDX-License-Identifier: MIT
 *
 * A loop's memory of riders: sets of four, found by a hash of the id. Each set counts what was
 * forgotten in it, so that facts read before a change are not kept after it.
 */
#ifndef REEYO_AUTH_RIDER_MEMORY_H
#define REEYO_AUTH_RIDER_MEMORY_H

#include "reeyo/auth/admit.h"

/* The facts of a rider read at most RIDER_FACTS_LIFE_MS before now; NULL: none. Valid until the
 * next call. */
const struct rider_facts *rider_recall(const struct rider_memory *memory, const char *rider,
	uint64_t now_ms);
/* A number to take before reading the facts that are to be remembered. */
uint64_t rider_reading(const struct rider_memory *memory, const char *rider);
/* Remembers, unless something of that set was forgotten since `reading`. Out of memory it simply
 * does not. */
void rider_remember(struct rider_memory *memory, const char *rider, const struct rider_facts *facts,
	uint64_t reading, uint64_t now_ms);
void rider_forget(struct rider_memory *memory, const char *rider);

#endif
