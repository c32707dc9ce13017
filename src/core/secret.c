/* SPDX-License-Identifier: MIT
 *
 * Passwords inside addresses: see the header.
 */
#include "reeyo/core/secret.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "reeyo/core/text.h"

#define MASK "…"
#define PASSWORD "password="
/* A shorter piece of a password says nothing, and stands in every other word. */
#define PIECE_MIN 3

/* Behind "scheme://"; NULL when the address is not a URL. */
static const char *authority_of(const char *address)
{
	size_t scheme = strspn(address,
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-.");

	return scheme && strncmp(address + scheme, "://", 3) == 0 ? address + scheme + 3 : NULL;
}

static const char *last_at(const char *from, const char *to)
{
	return memrchr(from, '@', (size_t)(to - from));
}

/* Where the password of a URL begins and ends; false when there is none before the query. A @
 * behind the first ? belongs to the query or to the password: then everything to the end is
 * hidden. */
static bool password_of(const char *authority, const char **ret_from, const char **ret_to)
{
	const char *end = authority + strlen(authority);
	const char *query = authority + strcspn(authority, "?");
	const char *at = last_at(authority, query);
	const char *colon;

	if (last_at(query, end))
		query = at = end;
	if (!at)
		return false;
	colon = memchr(authority, ':', (size_t)(at - authority));
	if (!colon)
		return false;
	*ret_from = colon + 1;
	*ret_to = at;
	return true;
}

static void add(struct text *out, size_t size, const char *from, size_t len)
{
	char *to = (char *)(uintptr_t)out->at + out->len;

	if (len >= size - out->len)
		len = size - out->len - 1;
	memcpy(to, from, len);
	to[len] = '\0';
	out->len += len;
}

void secret_masked(const char *address, char *out, size_t size)
{
	const char *authority = authority_of(address), *from, *to, *rest = address, *word;
	struct text shown = { out, 0 };

	out[0] = '\0';
	if (!authority) {
		snprintf(out, size, "%s", address[0] ? MASK : "(none)");
		return;
	}
	if (password_of(authority, &from, &to)) {
		add(&shown, size, address, (size_t)(from - address));
		add(&shown, size, MASK, strlen(MASK));
		rest = to;
	}
	for (word = strcasestr(rest, PASSWORD); word; word = strcasestr(rest, PASSWORD)) {
		word += strlen(PASSWORD);
		add(&shown, size, rest, (size_t)(word - rest));
		add(&shown, size, MASK, strlen(MASK));
		rest = word + strcspn(word, "&");
	}
	add(&shown, size, rest, strlen(rest));
}

/* --- Scrubbing -------------------------------------------------------------------------------- */

/* The longest piece of the secret that the text begins with. */
static size_t piece_at(const char *text, const char *from, const char *to)
{
	size_t longest = 0;

	for (const char *start = from; start < to; start++) {
		size_t len = 0;

		while (start + len < to && text[len] && text[len] == start[len])
			len++;
		if (len > longest)
			longest = len;
	}
	return longest;
}

static void scrub_span(char *text, const char *from, const char *to)
{
	size_t least = (size_t)(to - from) < PIECE_MIN ? (size_t)(to - from) : PIECE_MIN;

	while (from < to && *text) {
		size_t piece = piece_at(text, from, to);

		if (piece < least)
			piece = 0;
		memset(text, '*', piece);
		text += piece ? piece : 1;
	}
}

/* A value that is well formed ends where the next pair begins; any other may go on to the end. */
static const char *pair_end(const char *value)
{
	const char *end = value + strcspn(value, " \t\n");

	for (const char *rest = end + strspn(end, " \t\n"); *rest;) {
		size_t word = strcspn(rest, " \t\n");

		if (!memchr(rest, '=', word))
			return value + strlen(value);
		rest += word;
		rest += strspn(rest, " \t\n");
	}
	return value[0] == '\'' ? value + strlen(value) : end;
}

void secret_scrub(const char *address, char *text)
{
	const char *authority = authority_of(address), *from, *to;
	const char *word = address;

	if (authority && password_of(authority, &from, &to))
		scrub_span(text, from, to);
	while ((word = strcasestr(word, "password"))) {
		word += strlen("password");
		from = word + strspn(word, " \t=");
		scrub_span(text, from, authority ? from + strcspn(from, "&") : pair_end(from));
	}
}
