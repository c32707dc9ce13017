/* SPDX-License-Identifier: MIT
 *
 * gzip and brotli for bodies that are made per request. The levels are fast because the body is
 * used once. (Cached bodies are stored with their gzip form.)
 */
#include <brotli/encode.h>
#include <zlib.h>

#include "exchange.h"

/* At these levels 10 KB of menu JSON costs about a tenth of a millisecond. */
#define GZIP_LEVEL 2
#define BROTLI_QUALITY 3
/* A larger body is sent uncompressed: compressing it would block the loop. */
#define COMPRESS_MAX (512u << 10)

static struct text gzip_text(struct arena *arena, struct text plain)
{
	z_stream stream = { .next_in = (Bytef *)plain.at, .avail_in = (uInt)plain.len };
	size_t room = plain.len;
	char *out = arena_alloc(arena, room);
	int done;

	if (!out ||
		deflateInit2(&stream, GZIP_LEVEL, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) !=
			Z_OK)
		return TEXT_NONE;
	stream.next_out = (Bytef *)out;
	stream.avail_out = (uInt)room;
	done = deflate(&stream, Z_FINISH);
	deflateEnd(&stream);
	return done == Z_STREAM_END ? (struct text){ out, room - stream.avail_out } : TEXT_NONE;
}

static struct text brotli_text(struct arena *arena, struct text plain)
{
	size_t room = plain.len;
	char *out = arena_alloc(arena, room);

	if (!out ||
		!BrotliEncoderCompress(BROTLI_QUALITY, BROTLI_DEFAULT_WINDOW, BROTLI_MODE_TEXT,
			plain.len, (const uint8_t *)plain.at, &room, (uint8_t *)out))
		return TEXT_NONE;
	return (struct text){ out, room };
}

struct text compress_text(struct arena *arena, const char *encoding, struct text plain)
{
	if (plain.len > COMPRESS_MAX)
		return TEXT_NONE;
	return strcmp(encoding, "br") == 0 ? brotli_text(arena, plain) : gzip_text(arena, plain);
}
