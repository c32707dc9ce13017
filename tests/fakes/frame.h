/* SPDX-License-Identifier: MIT
 *
 * Inside the frame: what its files share.
 */
#ifndef REEYO_TESTS_FAKES_FRAME_H
#define REEYO_TESTS_FAKES_FRAME_H

#include "fake.h"

/* later.c: threads that do things later. */
void later_start(uint64_t seed);
void later_stop(void);
/* Waits for the next held_go, or the end of the fake. */
void held_wait(void);
void held_go(void);

/* script.c: faults by path, and the log. Each takes and gives up its own lock. */
void script_chances(const char *const *chances, unsigned percent);
/* NULL, or what was added is wrong. */
const char *script_add(const json_t *script);
/* The next fault of a path (the caller's reference), or NULL. */
json_t *script_take(const char *path);
void script_forget(void);
void log_add(json_t *entry);
/* The entries of a path, all of them when it is NULL. A new reference. */
json_t *log_read(const char *path);

/* taken.c: a copy of what was taken, for the caller; and none of it any more. */
json_t *taken_read(void);
void taken_forget(void);

#endif
