/* SPDX-License-Identifier: MIT
 *
 * The hash of a basket. Two orders with the same hash within a short time are a double tap.
 */
#include <sodium.h>
#include <stdio.h>

#include "order_draft.h"

static void hash_add(crypto_hash_sha256_state *state, const char *text)
{
	/* The NUL separates neighbouring values. */
	crypto_hash_sha256_update(
		state, (const unsigned char *)(text ? text : ""), (text ? strlen(text) : 0) + 1);
}

/* True for the same item with the same choices in the same order. */
static bool lines_equal(
	const struct quote *quote, const struct quote_line *a, const struct quote_line *b)
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

/* The quantity of a line's item on all equal lines; 0 when an earlier line has counted it. */
static int64_t line_quantity_once(const struct quote *quote, size_t line)
{
	int64_t sum = 0;

	for (size_t i = 0; i < quote->line_count; i++) {
		if (!lines_equal(quote, &quote->lines[i], &quote->lines[line]))
			continue;
		if (i < line)
			return 0;
		sum += quote->lines[i].quantity;
	}
	return sum;
}

static void hash_add_counted(crypto_hash_sha256_state *state, const char *id, int64_t quantity)
{
	char number[24];

	snprintf(number, sizeof(number), "%lld", (long long)quantity);
	hash_add(state, id);
	hash_add(state, number);
}

static void line_hash(const struct quote *quote, const struct quote_line *line, int64_t quantity,
	unsigned char hash[crypto_hash_sha256_BYTES])
{
	crypto_hash_sha256_state state;

	crypto_hash_sha256_init(&state);
	hash_add_counted(&state, line->item->id, quantity);
	for (size_t i = 0; i < line->chosen; i++)
		hash_add_counted(&state, quote->choices[line->first + i].choice->id,
			quote->choices[line->first + i].quantity);
	crypto_hash_sha256_final(&state, hash);
}

/* The order of the lines does not matter: each line is hashed and the hashes are added up. */
static void hash_add_lines(crypto_hash_sha256_state *state, const struct quote *quote)
{
	unsigned char sum[crypto_hash_sha256_BYTES] = { 0 }, one[crypto_hash_sha256_BYTES];

	for (size_t i = 0; i < quote->line_count; i++) {
		int64_t quantity = line_quantity_once(quote, i);

		if (!quantity)
			continue;
		line_hash(quote, &quote->lines[i], quantity, one);
		sodium_add(sum, one, sizeof(sum));
	}
	crypto_hash_sha256_update(state, sum, sizeof(sum));
}

static void hash_add_location(
	crypto_hash_sha256_state *state, const struct order_location *location)
{
	char at[64];

	if (!location)
		return;
	snprintf(at, sizeof(at), "%.6f %.6f", location->at.lat, location->at.lng);
	hash_add(state, at);
	hash_add(state, location->text);
}

void basket_hash(const char *vendor_id, const struct quote *quote,
	const struct order_location *from, const struct order_location *to, const char *other,
	char hex[65])
{
	crypto_hash_sha256_state state;
	unsigned char hash[crypto_hash_sha256_BYTES];

	crypto_hash_sha256_init(&state);
	hash_add(&state, vendor_id);
	hash_add_lines(&state, quote);
	hash_add_location(&state, from);
	hash_add_location(&state, to);
	hash_add(&state, other);
	crypto_hash_sha256_final(&state, hash);
	sodium_bin2hex(hex, 65, hash, sizeof(hash));
}
