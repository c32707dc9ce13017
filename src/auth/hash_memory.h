/* SPDX-License-Identifier: MIT
 *
 * The working memory of argon2id, kept between hashes instead of mapped and unmapped for each.
 */
#ifndef REEYO_AUTH_HASH_MEMORY_H
#define REEYO_AUTH_HASH_MEMORY_H

#include <stddef.h>

/* Until hash_memory_back, the next mapping of at most `size` bytes that libsodium makes on this
 * thread is taken from kept memory. Any thread; lend and back come in pairs around one hash. A
 * failure to get memory is silent: libsodium then maps its own. */
void hash_memory_lend(size_t size);
void hash_memory_back(void);
/* Gives what is kept and not lent back to the system. Any thread. */
void hash_memory_trim(void);
/* Hashes that worked in kept memory so far: 0 for ever in a build without it. Any thread. */
unsigned long hash_memory_reuses(void);

#endif
