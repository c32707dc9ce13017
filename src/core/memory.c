/* SPDX-License-Identifier: MIT
 *
 * Arenas, and the texts built in them.
 *
 * An arena is a chain of blocks; memory is taken from the newest. Blocks of the usual size come
 * from the loop's pool and return to it; larger blocks come from malloc and are freed. The arena
 * itself is at the start of its first block.
 */
#include "reeyo/core/memory.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdio.h>

/* Holds a typical request (its exchange, parsed body, reply) in one block. */
#define BLOCK_SIZE 8192u
#define ALIGNMENT alignof(max_align_t)

struct block {
	struct block *next;
	size_t size; /* with this header */
	alignas(max_align_t) char bytes[];
};

struct arena_pool {
	struct block *free;
	size_t kept, keep;
};

struct disposer {
	struct disposer *next;
	void (*dispose)(void *);
	void *what;
};

struct arena {
	struct arena_pool *pool;
	struct block *blocks; /* newest first */
	char *at, *end;
	size_t taken, limit;
	struct disposer *disposers;
};

struct arena_pool *arena_pool_new(size_t keep_bytes)
{
	struct arena_pool *pool = calloc(1, sizeof(*pool));

	if (pool)
		pool->keep = keep_bytes;
	return pool;
}

void arena_pool_free(struct arena_pool *pool)
{
	if (!pool)
		return;
	while (pool->free) {
		struct block *next = pool->free->next;

		free(pool->free);
		pool->free = next;
	}
	free(pool);
}

static struct block *block_take(struct arena_pool *pool, size_t size)
{
	struct block *block = pool->free;

	if (size == BLOCK_SIZE && block) {
		pool->free = block->next;
		pool->kept -= BLOCK_SIZE;
		return block;
	}
	block = malloc(size);
	if (block)
		block->size = size;
	return block;
}

static void block_give(struct arena_pool *pool, struct block *block)
{
	if (block->size != BLOCK_SIZE || pool->kept + BLOCK_SIZE > pool->keep) {
		free(block);
		return;
	}
	block->next = pool->free;
	pool->free = block;
	pool->kept += BLOCK_SIZE;
}

struct arena *arena_new(struct arena_pool *pool, size_t limit)
{
	struct block *block = block_take(pool, BLOCK_SIZE);
	struct arena *arena;

	if (!block)
		return NULL;
	block->next = NULL;
	arena = (struct arena *)block->bytes;
	*arena = (struct arena){
		.pool = pool,
		.blocks = block,
		.at = block->bytes + (sizeof(*arena) + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT,
		.end = (char *)block + BLOCK_SIZE,
		.taken = BLOCK_SIZE,
		.limit = limit,
	};
	return arena;
}

void arena_free(struct arena *arena)
{
	struct arena_pool *pool;
	struct block *block;

	if (!arena)
		return;
	for (struct disposer *d = arena->disposers; d; d = d->next)
		d->dispose(d->what);
	pool = arena->pool;
	block = arena->blocks;
	while (block) {
		struct block *next = block->next;

		block_give(pool, block);
		block = next;
	}
}

/* Adds a block with room for `size`. The rest of the old block is wasted, unless the new block is
 * larger than usual: then it holds only this allocation and the old block stays in use. */
static void *arena_grow(struct arena *arena, size_t size)
{
	size_t whole = size + sizeof(struct block);
	struct block *block;

	if (whole < BLOCK_SIZE)
		whole = BLOCK_SIZE;
	if (whole < size || arena->taken > arena->limit || whole > arena->limit - arena->taken)
		return NULL;
	block = block_take(arena->pool, whole);
	if (!block)
		return NULL;
	arena->taken += whole;
	block->next = arena->blocks;
	arena->blocks = block;
	if (whole == BLOCK_SIZE) {
		arena->at = block->bytes + size;
		arena->end = (char *)block + whole;
	}
	return block->bytes;
}

void *arena_alloc(struct arena *arena, size_t size)
{
	size_t rounded = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
	char *at = arena->at;

	if (rounded < size)
		return NULL;
	if (rounded > (size_t)(arena->end - at))
		return arena_grow(arena, rounded);
	arena->at += rounded;
	return at;
}

void *arena_zalloc(struct arena *arena, size_t size)
{
	void *at = arena_alloc(arena, size);

	return at ? memset(at, 0, size) : NULL;
}

char *arena_copy(struct arena *arena, const char *at, size_t len)
{
	char *copy = arena_alloc(arena, len + 1);

	if (!copy)
		return NULL;
	if (len)
		memcpy(copy, at, len);
	copy[len] = '\0';
	return copy;
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
	char small[256];
	va_list args;
	char *out;
	int len;

	va_start(args, format);
	len = vsnprintf(small, sizeof(small), format, args);
	va_end(args);
	if (len < 0)
		return NULL;
	if ((size_t)len < sizeof(small))
		return arena_copy(arena, small, (size_t)len);
	out = arena_alloc(arena, (size_t)len + 1);
	if (!out)
		return NULL;
	va_start(args, format);
	vsnprintf(out, (size_t)len + 1, format, args);
	va_end(args);
	return out;
}

int arena_dispose(struct arena *arena, void (*dispose)(void *), void *what)
{
	struct disposer *disposer = arena_alloc(arena, sizeof(*disposer));

	if (!disposer)
		return E_NO_MEMORY;
	*disposer = (struct disposer){ arena->disposers, dispose, what };
	arena->disposers = disposer;
	return 0;
}

size_t arena_size(const struct arena *arena)
{
	return arena->taken;
}

size_t arena_left(const struct arena *arena)
{
	return arena->taken < arena->limit ? arena->limit - arena->taken : 0;
}

void arena_charge(struct arena *arena, size_t size)
{
	arena->taken = size > SIZE_MAX - arena->taken ? SIZE_MAX : arena->taken + size;
}

/* --- Texts that grow -------------------------------------------------------------------------- */

struct buf buf_in(struct arena *arena, size_t expect)
{
	struct buf buf = { .arena = arena, .room = expect + 1 };

	buf.at = arena_alloc(arena, buf.room);
	buf.failed = !buf.at;
	return buf;
}

struct buf buf_over(char *at, size_t room)
{
	return (struct buf){ .at = at, .room = room };
}

/* Makes room for `more` bytes and a NUL; false when memory is exhausted. */
static bool buf_reserve(struct buf *buf, size_t more)
{
	size_t room = buf->room;
	char *larger;

	if (buf->failed)
		return false;
	if (buf->len + more + 1 <= room)
		return true;
	if (!buf->arena) {
		buf->failed = true;
		return false;
	}
	while (room < buf->len + more + 1)
		room = room * 2 + 64;
	larger = arena_alloc(buf->arena, room);
	if (!larger) {
		buf->failed = true;
		return false;
	}
	memcpy(larger, buf->at, buf->len);
	buf->at = larger;
	buf->room = room;
	return true;
}

void buf_add(struct buf *buf, const char *at, size_t len)
{
	if (!len || !buf_reserve(buf, len))
		return;
	memcpy(buf->at + buf->len, at, len);
	buf->len += len;
}

void buf_add_text(struct buf *buf, struct text text)
{
	buf_add(buf, text.at, text.len);
}

void buf_add_string(struct buf *buf, const char *string)
{
	buf_add(buf, string, strlen(string));
}

void buf_add_int(struct buf *buf, long long value)
{
	unsigned long long rest = value < 0 ? -(unsigned long long)value
					    : (unsigned long long)value;
	char digits[24];
	size_t at = sizeof(digits);

	do
		digits[--at] = (char)('0' + rest % 10);
	while (rest /= 10);
	if (value < 0)
		digits[--at] = '-';
	buf_add(buf, digits + at, sizeof(digits) - at);
}

void buf_printf(struct buf *buf, const char *format, ...)
{
	size_t room = buf->failed ? 0 : buf->room - buf->len;
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(room ? buf->at + buf->len : NULL, room, format, args);
	va_end(args);
	if (len < 0 || !buf_reserve(buf, (size_t)len))
		return;
	if ((size_t)len >= room) { /* it did not fit; now it does */
		va_start(args, format);
		vsnprintf(buf->at + buf->len, (size_t)len + 1, format, args);
		va_end(args);
	}
	buf->len += (size_t)len;
}

/* The letter of a short escape (\n); 0 when the character has none. */
static char json_escape_letter(unsigned char c)
{
	switch (c) {
	case '"':
	case '\\':
		return (char)c;
	case '\b':
		return 'b';
	case '\f':
		return 'f';
	case '\n':
		return 'n';
	case '\r':
		return 'r';
	case '\t':
		return 't';
	default:
		return 0;
	}
}

static void buf_add_escape(struct buf *buf, unsigned char c)
{
	const char escape[2] = { '\\', json_escape_letter(c) };

	if (escape[1])
		buf_add(buf, escape, sizeof(escape));
	else
		buf_printf(buf, "\\u%04x", c);
}

/* A byte of each of eight. */
#define EIGHT(byte) (UINT64_C(0x0101010101010101) * (byte))

/* True when one of eight bytes is zero. (A byte above a zero byte may be found too, which does not
 * matter.) */
static bool has_zero_byte(uint64_t eight)
{
	return ((eight - EIGHT(0x01)) & ~eight & EIGHT(0x80)) != 0;
}

static bool is_plain(unsigned char c)
{
	return c >= 0x20 && c != '"' && c != '\\';
}

static bool are_plain(const char *at)
{
	uint64_t eight;

	memcpy(&eight, at, sizeof(eight));
	return !has_zero_byte(eight & EIGHT(0xe0)) && !has_zero_byte(eight ^ EIGHT('"')) &&
		!has_zero_byte(eight ^ EIGHT('\\'));
}

/* How many bytes from the front need no escape. Most texts need none, so eight are looked at
 * together. */
static size_t plain_length(struct text text)
{
	size_t len = 0;

	while (len + sizeof(uint64_t) <= text.len && are_plain(text.at + len))
		len += sizeof(uint64_t);
	while (len < text.len && is_plain((unsigned char)text.at[len]))
		len++;
	return len;
}

void buf_add_json(struct buf *buf, struct text text)
{
	size_t plain = plain_length(text);

	if (!buf_reserve(buf, text.len + 2))
		return;
	buf_add(buf, "\"", 1);
	for (; plain < text.len; plain = plain_length(text)) {
		buf_add(buf, text.at, plain);
		buf_add_escape(buf, (unsigned char)text.at[plain]);
		text = (struct text){ text.at + plain + 1, text.len - plain - 1 };
	}
	buf_add(buf, text.at, plain);
	buf_add(buf, "\"", 1);
}

char *buf_string(struct buf *buf)
{
	if (buf->failed)
		return NULL;
	buf->at[buf->len] = '\0';
	return buf->at;
}

struct text buf_text(struct buf *buf)
{
	const char *at = buf_string(buf);

	return at ? (struct text){ at, buf->len } : TEXT_NONE;
}
