/* SPDX-License-Identifier: MIT
 *
 * The hash by which a double tap is told from a second order.
 */
#include <sodium.h>
#include <stdio.h>

#include "order.h"

static void add(crypto_hash_sha256_state *state, const char *text)
{
	/* With its NUL, so that neighbours cannot run into each other. */
	crypto_hash_sha256_update(
		state, (const unsigned char *)(text ? text : ""), (text ? strlen(text) : 0) + 1);
}

/* One line's item and how many of it all lines together hold; 0 when an earlier line has told it.
 */
static int64_t quantity_once(const struct quote *quote, size_t line)
{
	int64_t sum = 0;

	for (size_t i = 0; i < quote->line_count; i++) {
		if (quote->lines[i].item != quote->lines[line].item)
			continue;
		if (i < line)
			return 0;
		sum += quote->lines[i].quantity;
	}
	return sum;
}

/* Lines have no order, so each is hashed alone and the hashes are added up, byte by byte. */
static void add_lines(crypto_hash_sha256_state *state, const struct quote *quote)
{
	unsigned char sum[crypto_hash_sha256_BYTES] = { 0 }, one[crypto_hash_sha256_BYTES];
	char line[128];

	for (size_t i = 0; i < quote->line_count; i++) {
		int64_t quantity = quantity_once(quote, i);
		int len;

		if (!quantity)
			continue;
		len = snprintf(line, sizeof(line), "%s %lld", quote->lines[i].item->id,
			(long long)quantity);
		crypto_hash_sha256(one, (const unsigned char *)line, (unsigned long long)len);
		sodium_add(sum, one, sizeof(sum));
	}
	crypto_hash_sha256_update(state, sum, sizeof(sum));
}

static void add_spot(crypto_hash_sha256_state *state, const struct spot *spot)
{
	char at[64];

	if (!spot)
		return;
	snprintf(at, sizeof(at), "%.6f %.6f", spot->at.lat, spot->at.lng);
	add(state, at);
	add(state, spot->text);
}

void basket_hash(const char *vendor_id, const struct quote *quote, const struct spot *from,
	const struct spot *to, const char *rest, char hex[65])
{
	crypto_hash_sha256_state state;
	unsigned char hash[crypto_hash_sha256_BYTES];

	crypto_hash_sha256_init(&state);
	add(&state, vendor_id);
	add_lines(&state, quote);
	add_spot(&state, from);
	add_spot(&state, to);
	add(&state, rest);
	crypto_hash_sha256_final(&state, hash);
	sodium_bin2hex(hex, 65, hash, sizeof(hash));
}
