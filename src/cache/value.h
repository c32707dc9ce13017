/* SPDX-License-Identifier: MIT
 *
 * What a cache key holds in Redis: a finished body with its ETag and its gzipped form, or a lease.
 *
 *   value:  "R1 <16 hex of the tag> <plain length> <gzip length>[ <until_ms>]\n" plain gzip
 *   lease:  "L1 <32 hex>"
 */
#ifndef REEYO_CACHE_VALUE_H
#define REEYO_CACHE_VALUE_H

#include "reeyo/cache/cache.h"

/* Larger bodies are sent but not stored. */
#define VALUE_MAX (4u * 1024 * 1024)
/* "L1 " and 32 hexadecimal digits. */
#define LEASE_LENGTH 35

struct stored {
	struct cache_value value; /* points into wire */
	struct text wire;         /* as stored in Redis */
	char bytes[];
};

enum held { HELD_VALUE, HELD_LEASE, HELD_OTHER };

/* Prepares a body for sending and storing: one allocation, which the caller frees with free(). NULL
 * when out of memory. */
struct stored *stored_new(struct text plain, int64_t until_ms);
/* Parses what a key holds; for HELD_VALUE *ret points into wire. HELD_OTHER: not written by us. */
enum held stored_parse(struct text wire, struct cache_value *ret);
/* A new unique lease. */
void lease_new(char out[LEASE_LENGTH + 1]);

#endif
