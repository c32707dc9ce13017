/* SPDX-License-Identifier: MIT
 *
 * Private to the common part of the fakes.
 */
#ifndef REEYO_TESTS_FAKES_FRAME_H
#define REEYO_TESTS_FAKES_FRAME_H

#include "fake.h"

/* later.c: threads for delayed work. */
void later_start(uint64_t seed);
void later_stop(void);
/* Waits for the next held_go, or until the fake stops. */
void held_wait(void);
void held_go(void);

/* script.c: faults by path, and the log. Each takes and gives up its own lock. */
void script_chances(const char *const *chances, unsigned percent);
/* NULL, or an error message. */
const char *script_add(const json_t *script);
/* The next fault of a path (the caller's reference), or NULL. */
json_t *script_take(const char *path);
void script_clear(void);
void log_add(json_t *entry);
/* The entries of a path, all of them when it is NULL. A new reference. */
json_t *log_read(const char *path);

/* taken.c: a copy of the messages for the caller; clear them. */
json_t *taken_read(void);
void taken_clear(void);

#endif
