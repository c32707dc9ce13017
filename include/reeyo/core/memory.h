/* SPDX-License-Identifier: MIT
 *
 * Memory with a visible owner. A request allocates from its arena, which is freed as a whole.
 * Locals marked auto_free are freed when they leave scope.
 */
#ifndef REEYO_CORE_MEMORY_H
#define REEYO_CORE_MEMORY_H

#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include "reeyo/core/error.h"
#include "reeyo/core/text.h"

/* char *x auto_free = NULL; frees on scope exit. */
static inline void memory_free_cleanup(void *at)
{
	free(*(void **)at);
}
#define auto_free __attribute__((cleanup(memory_free_cleanup)))

/* Transfers ownership of the pointer: the variable is NULL afterwards, so its cleanup does nothing.
 */
#define TAKE_PTR(p) \
	({ \
		__typeof__(p) taken_ = (p); \
		(p) = NULL; \
		taken_; \
	})

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define CONTAINER_OF(at, type, member) ((type *)((char *)(at)-offsetof(type, member)))

/* A bump allocator for memory that lives as long as one request. Blocks come from the loop's pool,
 * so a request in steady state does not call malloc. Loop thread only. */
struct arena;
struct arena_pool;

/* A pool that keeps at most keep_bytes of free blocks for reuse. NULL when out of memory. */
struct arena_pool *arena_pool_new(size_t keep_bytes);
void arena_pool_free(struct arena_pool *pool);

/* A new arena; it lives inside its own first block. limit: the most bytes this arena may take, so
 * that a client cannot make it grow further. NULL when out of memory. */
struct arena *arena_new(struct arena_pool *pool, size_t limit);
/* Runs the disposers, newest first, and returns the blocks to the pool. NULL is allowed. */
void arena_free(struct arena *arena);

/* Returns size bytes, aligned for any type, not cleared. NULL when the limit or the memory is
 * exhausted. */
void *arena_alloc(struct arena *arena, size_t size) __attribute__((malloc, alloc_size(2)));
/* Like arena_alloc, with the bytes set to zero. */
void *arena_zalloc(struct arena *arena, size_t size) __attribute__((malloc, alloc_size(2)));
#define ARENA_NEW(arena, type) ((type *)arena_zalloc((arena), sizeof(type)))
/* A NUL-terminated copy. NULL when exhausted. */
char *arena_copy(struct arena *arena, const char *at, size_t len);
char *arena_printf(struct arena *arena, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* dispose(what) runs when the arena is freed. E_NO_MEMORY when exhausted (not registered). */
int arena_dispose(struct arena *arena, void (*dispose)(void *), void *what) MUST_CHECK;
/* Bytes taken from the pool so far, including charged bytes. */
size_t arena_size(const struct arena *arena);
/* Bytes that may still be taken before the limit. */
size_t arena_left(const struct arena *arena);
/* Counts memory that was allocated elsewhere and lives as long as the arena against its limit. */
void arena_charge(struct arena *arena, size_t size);

/* Text that grows inside an arena, or in the caller's memory of a fixed size. After a failed append
 * `failed` stays set and every further append does nothing, so the caller checks once, at the end.
 */
struct buf {
	struct arena *arena;
	char *at;
	size_t len, room;
	bool failed;
};

/* An empty buffer with room for `expect` bytes. */
struct buf buf_in(struct arena *arena, size_t expect);
/* An empty buffer in the caller's memory: what does not fit (with a NUL) makes it fail. */
struct buf buf_over(char *at, size_t room);
void buf_add(struct buf *buf, const char *at, size_t len);
void buf_add_text(struct buf *buf, struct text text);
void buf_add_string(struct buf *buf, const char *string);
void buf_add_int(struct buf *buf, long long value);
void buf_printf(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A JSON string with its quotes, escaped as PostgreSQL's to_json escapes; the input must be UTF-8.
 */
void buf_add_json(struct buf *buf, struct text text);
/* The text so far, NUL-terminated. NULL when an append failed. */
char *buf_string(struct buf *buf);
/* The same with its length; absent when an append failed. */
struct text buf_text(struct buf *buf);

#endif
