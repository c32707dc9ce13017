/* SPDX-License-Identifier: MIT
 *
 * The working memory of argon2id, kept between hashes instead of mapped and unmapped for each hash.
 */
#ifndef REEYO_AUTH_HASH_MEMORY_H
#define REEYO_AUTH_HASH_MEMORY_H

#include <stddef.h>

/* Until hash_memory_return, the next mapping of at most `size` bytes that libsodium makes on this
 * thread uses kept memory. Any thread; call lend and return in pairs around one hash. If no memory
 * is available, libsodium maps its own. */
void hash_memory_lend(size_t size);
void hash_memory_return(void);
/* Unmaps the kept memory that is not lent. Any thread. */
void hash_memory_trim(void);
/* Number of hashes so far that used kept memory; always 0 in a build without it. Any thread. */
unsigned long hash_memory_reuses(void);

#endif
