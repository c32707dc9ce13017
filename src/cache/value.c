/* SPDX-License-Identifier: MIT
 *
 * The form of cached values; see the header.
 */
#include "value.h"

#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>

#include "reeyo/core/id.h"
#include "reeyo/core/tag.h"

/* A smaller body fits into one packet anyway, and an account (700 bytes) would be compressed each
 * time it is stored, which is often. A larger body would block the loop for too long. */
#define GZIP_FROM 1024u
#define GZIP_MAX (256u * 1024)
/* For a body that is made once per process. */
#define GZIP_ONCE_MAX (4u * 1024 * 1024)
#define GZIP_LEVEL 4
#define HEAD_MAX 96

/* Writes the gzipped body into out. Returns its length, or 0 when that saves nothing. */
static size_t gzip_into(struct text plain, size_t longest, char *out)
{
	z_stream z = { 0 };
	int end;

	if (plain.len < GZIP_FROM || plain.len > longest ||
		deflateInit2(&z, GZIP_LEVEL, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		return 0;
	z.next_in = (unsigned char *)(uintptr_t)plain.at;
	z.avail_in = (uInt)plain.len;
	z.next_out = (unsigned char *)out;
	z.avail_out = (uInt)plain.len - 1;
	end = deflate(&z, Z_FINISH);
	deflateEnd(&z);
	return end == Z_STREAM_END ? z.total_out : 0;
}

static void stored_value_set(
	struct cache_value *value, const char *tag, const char *body, size_t plain, size_t gzip)
{
	value->plain = (struct text){ body, plain };
	value->gzip = gzip ? (struct text){ body + plain, gzip } : TEXT_NONE;
	value->etag[0] = '"';
	memcpy(value->etag + 1, tag, TAG_DIGITS);
	value->etag[TAG_DIGITS + 1] = '"';
	value->etag[TAG_DIGITS + 2] = '\0';
	value->shared = NULL;
}

static size_t value_head_write(
	char out[HEAD_MAX], const char *tag, size_t plain, size_t gzip, int64_t until_ms)
{
	size_t len = (size_t)snprintf(out, HEAD_MAX, "R1 %s %zu %zu", tag, plain, gzip);

	if (until_ms)
		len += (size_t)snprintf(out + len, HEAD_MAX - len, " %lld", (long long)until_ms);
	out[len] = '\n';
	return len + 1;
}

static struct stored *stored_make(struct text plain, size_t longest, int64_t until_ms)
{
	size_t room = HEAD_MAX + plain.len * 2;
	struct stored *stored = malloc(sizeof(*stored) + room), *fit;
	char tag[TAG_DIGITS + 1], head[HEAD_MAX];
	size_t gzip, len;

	if (!stored)
		return NULL;
	tag_write(plain, tag);
	memcpy(stored->bytes + HEAD_MAX, plain.at, plain.len);
	gzip = gzip_into(plain, longest, stored->bytes + HEAD_MAX + plain.len);
	len = value_head_write(head, tag, plain.len, gzip, until_ms);
	fit = realloc(stored, sizeof(*stored) + HEAD_MAX + plain.len + gzip);
	stored = fit ? fit : stored;
	memcpy(stored->bytes + HEAD_MAX - len, head, len);
	stored->wire = (struct text){ stored->bytes + HEAD_MAX - len, len + plain.len + gzip };
	stored_value_set(&stored->value, tag, stored->bytes + HEAD_MAX, plain.len, gzip);
	stored->value.until_ms = until_ms;
	return stored;
}

struct stored *stored_new(struct text plain, int64_t until_ms)
{
	return stored_make(plain, GZIP_MAX, until_ms);
}

struct cache_value *cache_value_new(struct text plain)
{
	struct stored *stored = stored_make(plain, GZIP_ONCE_MAX, 0);

	return stored ? &stored->value : NULL; /* its first member, so free() works */
}

/* --- Sharing ---------------------------------------------------------------------------------- */

struct cache_bytes {
	unsigned references;
	char at[];
};

static struct cache_bytes *cache_bytes_new(const struct cache_value *value)
{
	struct cache_bytes *bytes = malloc(sizeof(*bytes) + value->plain.len + value->gzip.len);

	if (!bytes)
		return NULL;
	bytes->references = 1;
	memcpy(bytes->at, value->plain.at, value->plain.len);
	if (value->gzip.at)
		memcpy(bytes->at + value->plain.len, value->gzip.at, value->gzip.len);
	return bytes;
}

struct cache_bytes *cache_value_keep(const struct cache_value *value, struct cache_value *ret)
{
	struct cache_bytes *bytes;

	if (!value->shared || (!*value->shared && !(*value->shared = cache_bytes_new(value))))
		return NULL;
	bytes = *value->shared;
	bytes->references++;
	*ret = *value;
	ret->shared = NULL;
	ret->plain.at = bytes->at;
	if (value->gzip.at)
		ret->gzip.at = bytes->at + value->plain.len;
	return bytes;
}

void cache_bytes_drop(struct cache_bytes *bytes)
{
	if (bytes && --bytes->references == 0)
		free(bytes);
}

/* --- Reading ---------------------------------------------------------------------------------- */

static bool etag_valid(struct text tag)
{
	return tag.len == TAG_DIGITS && strspn(tag.at, "0123456789abcdef") >= TAG_DIGITS;
}

enum held stored_parse(struct text wire, struct cache_value *ret)
{
	static const struct text value = TEXT("R1 "), lease = TEXT("L1 ");
	struct text rest = wire, head, tag, plain, gzip;
	int64_t plain_len, gzip_len, until_ms = 0;

	if (wire.len == LEASE_LENGTH && text_starts(wire, lease))
		return HELD_LEASE;
	if (!text_starts(wire, value))
		return HELD_OTHER;
	head = text_cut(&rest, '\n');
	if (!rest.at)
		return HELD_OTHER;
	head = (struct text){ head.at + value.len, head.len - value.len };
	tag = text_cut(&head, ' ');
	plain = text_cut(&head, ' ');
	gzip = text_cut(&head, ' ');
	if (!etag_valid(tag) || !text_to_int(plain, 0, VALUE_MAX, &plain_len) ||
		!text_to_int(gzip, 0, VALUE_MAX, &gzip_len) ||
		(head.at && !text_to_int(head, 1, INT64_MAX, &until_ms)) ||
		(size_t)(plain_len + gzip_len) != rest.len)
		return HELD_OTHER;
	stored_value_set(ret, tag.at, rest.at, (size_t)plain_len, (size_t)gzip_len);
	ret->until_ms = until_ms;
	return HELD_VALUE;
}

void lease_new(char out[LEASE_LENGTH + 1])
{
	memcpy(out, "L1 ", 3);
	id_hex(out + 3, 16);
}
