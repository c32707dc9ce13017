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

/* The same item with the same choices, in the same order. */
static bool same(const struct quote *quote, const struct quote_line *a, const struct quote_line *b)
{
	if (a->item != b->item || a->chosen != b->chosen)
		return false;
	for (size_t i = 0; i < a->chosen; i++) {
		const struct quote_choice *one = &quote->choices[a->first + i];
		const struct quote_choice *other = &quote->choices[b->first + i];

		if (one->choice != other->choice || one->quantity != other->quantity)
			return false;
	}
	return true;
}

/* One line's item and how many of it all lines together hold; 0 when an earlier line has told it.
 */
static int64_t quantity_once(const struct quote *quote, size_t line)
{
	int64_t sum = 0;

	for (size_t i = 0; i < quote->line_count; i++) {
		if (!same(quote, &quote->lines[i], &quote->lines[line]))
			continue;
		if (i < line)
			return 0;
		sum += quote->lines[i].quantity;
	}
	return sum;
}

static void add_counted(crypto_hash_sha256_state *state, const char *id, int64_t quantity)
{
	char number[24];

	snprintf(number, sizeof(number), "%lld", (long long)quantity);
	add(state, id);
	add(state, number);
}

static void line_hash(const struct quote *quote, const struct quote_line *line, int64_t quantity,
	unsigned char hash[crypto_hash_sha256_BYTES])
{
	crypto_hash_sha256_state state;

	crypto_hash_sha256_init(&state);
	add_counted(&state, line->item->id, quantity);
	for (size_t i = 0; i < line->chosen; i++)
		add_counted(&state, quote->choices[line->first + i].choice->id,
			quote->choices[line->first + i].quantity);
	crypto_hash_sha256_final(&state, hash);
}

/* Lines have no order, so each is hashed alone and the hashes are added up, byte by byte. */
static void add_lines(crypto_hash_sha256_state *state, const struct quote *quote)
{
	unsigned char sum[crypto_hash_sha256_BYTES] = { 0 }, one[crypto_hash_sha256_BYTES];

	for (size_t i = 0; i < quote->line_count; i++) {
		int64_t quantity = quantity_once(quote, i);

		if (!quantity)
			continue;
		line_hash(quote, &quote->lines[i], quantity, one);
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
