/* SPDX-License-Identifier: MIT
 *
 * Tags: the text is hashed sixteen bytes at a time by a multiplication whose 128 bits are folded.
 * That takes a twentieth of the time of SipHash, which was a sixth of the server's instructions for
 * an order read.
 */
#include "reeyo/core/tag.h"

#define KEY_A UINT64_C(0x9e3779b97f4a7c15)
#define KEY_B UINT64_C(0xd1b54a32d192ed03)
#define KEY_C UINT64_C(0x8bb84b93962eacc9)

static uint64_t folded_product(uint64_t a, uint64_t b)
{
	unsigned __int128 product = (unsigned __int128)a * b;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* The bytes as little-endian numbers, so that all machines agree. */
static uint64_t bytes_read(const char *at, size_t len)
{
	unsigned char bytes[8] = { 0 };
	uint64_t value = 0;

	memcpy(bytes, at, len);
	for (int i = 7; i >= 0; i--)
		value = value << 8 | bytes[i];
	return value;
}

static uint64_t text_hash(struct text text)
{
	uint64_t hash = KEY_C;
	uint64_t len = text.len;

	for (; text.len >= 16; text.at += 16, text.len -= 16)
		hash = folded_product(
			bytes_read(text.at, 8) ^ KEY_B, bytes_read(text.at + 8, 8) ^ hash);
	if (text.len > 8)
		hash = folded_product(bytes_read(text.at, 8) ^ KEY_B,
			bytes_read(text.at + 8, text.len - 8) ^ hash);
	else if (text.len)
		hash = folded_product(bytes_read(text.at, text.len) ^ KEY_B, KEY_A ^ hash);
	return folded_product(hash ^ KEY_A, len ^ KEY_B);
}

void tag_write(struct text text, char out[TAG_DIGITS + 1])
{
	uint64_t hash = text_hash(text);

	for (int i = TAG_DIGITS - 1; i >= 0; i--, hash >>= 4)
		out[i] = "0123456789abcdef"[hash & 15];
	out[TAG_DIGITS] = '\0';
}
