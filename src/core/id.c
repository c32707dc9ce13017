/* SPDX-License-Identifier: MIT
 *
 * Identifiers. Within one millisecond the random part of a thread's ULIDs counts up, so that the
 * ids of one loop sort in the order in which they were made.
 */
#include "reeyo/core/id.h"

#include <sodium.h>
#include <string.h>

#include "reeyo/core/clock.h"

static const char crockford[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/* One system call for this many bytes; an id needs 16 of them in each millisecond. */
#define RANDOM_POOL 512

/* Random bytes of the kernel, fetched many at a time. Bytes that were taken are erased. */
static void random_take(void *out, size_t len)
{
	static _Thread_local unsigned char pool[RANDOM_POOL];
	static _Thread_local size_t left;

	if (left < len) {
		randombytes_buf(pool, sizeof(pool));
		left = sizeof(pool);
	}
	left -= len;
	memcpy(out, pool + left, len);
	sodium_memzero(pool + left, len);
}

struct ulid_state {
	uint64_t ms;
	uint64_t high, low; /* 80 random bits: 16 and 64 */
};

static void ulid_next(struct ulid_state *state)
{
	uint64_t now = (uint64_t)clock_wall_ms();

	if (now > state->ms) {
		state->ms = now;
		random_take(&state->high, sizeof(state->high));
		random_take(&state->low, sizeof(state->low));
		state->high &= 0xffff;
	} else if (++state->low == 0) {
		state->high = (state->high + 1) & 0xffff;
	}
}

void id_new(char out[ID_SIZE], const char *prefix)
{
	static _Thread_local struct ulid_state state;
	size_t len = strnlen(prefix, ID_SIZE - ID_ULID_LENGTH - 1);
	unsigned __int128 value;

	ulid_next(&state);
	memcpy(out, prefix, len);
	value = ((unsigned __int128)(state.ms & 0xffffffffffffu) << 80) |
		((unsigned __int128)state.high << 64) | state.low;
	for (size_t i = ID_ULID_LENGTH; i-- > 0; value >>= 5)
		out[len + i] = crockford[(unsigned)value & 31u];
	out[len + ID_ULID_LENGTH] = '\0';
}

void id_order_number(char out[ORDER_NUMBER_SIZE], char letter)
{
	static const char readable[] = "23456789BCDFGHJKMNPQRSTVWXZ";
	const uint64_t letters = sizeof(readable) - 1;
	uint64_t random;

	/* 27^10 is 2^47.5, so the bias is below 1 in 80,000. */
	random_take(&random, sizeof(random));
	out[0] = letter;
	out[1] = '-';
	for (size_t i = 2; i < ORDER_NUMBER_SIZE - 1; i++, random /= letters)
		out[i] = readable[random % letters];
	out[ORDER_NUMBER_SIZE - 1] = '\0';
}

/* 250 is the largest multiple of ten in a byte; bytes above it would favour the first digits. */
static char random_digit(void)
{
	unsigned char byte;

	do
		random_take(&byte, 1);
	while (byte >= 250);
	return (char)('0' + byte % 10);
}

void id_digits(char *out, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		out[i] = random_digit();
	out[n] = '\0';
}

void id_hex(char *out, size_t n)
{
	unsigned char bytes[64];

	for (; n > 0; out += 2 * (n < sizeof(bytes) ? n : sizeof(bytes)),
		n -= n < sizeof(bytes) ? n : sizeof(bytes)) {
		size_t part = n < sizeof(bytes) ? n : sizeof(bytes);

		random_take(bytes, part);
		sodium_bin2hex(out, 2 * part + 1, bytes, part);
	}
}
