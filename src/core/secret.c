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
/* A shorter piece of a password reveals nothing, and it occurs in many words. */
#define PIECE_MIN 3

/* The part after "scheme://"; NULL when the address is not a URL. */
static const char *url_authority(const char *address)
{
	size_t scheme = strspn(
		address, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-.");

	return scheme && strncmp(address + scheme, "://", 3) == 0 ? address + scheme + 3 : NULL;
}

static const char *last_at_sign(const char *from, const char *to)
{
	return memrchr(from, '@', (size_t)(to - from));
}

/* Finds the password of a URL; false when there is no password before the query. An @ after the
 * first ? may belong to the query or to the password: then everything up to the end is hidden. */
static bool url_password(const char *authority, const char **ret_from, const char **ret_to)
{
	const char *end = authority + strlen(authority);
	const char *query = authority + strcspn(authority, "?");
	const char *at = last_at_sign(authority, query);
	const char *colon;

	if (last_at_sign(query, end))
		at = end;
	if (!at)
		return false;
	colon = memchr(authority, ':', (size_t)(at - authority));
	if (!colon)
		return false;
	*ret_from = colon + 1;
	*ret_to = at;
	return true;
}

static void masked_add(struct text *out, size_t size, const char *from, size_t len)
{
	char *to = (char *)(uintptr_t)out->at + out->len;

	if (len >= size - out->len)
		len = size - out->len - 1;
	memcpy(to, from, len);
	to[len] = '\0';
	out->len += len;
}

void secret_mask(const char *address, char *out, size_t size)
{
	const char *authority = url_authority(address), *from, *to, *rest = address, *word;
	struct text shown = { out, 0 };

	out[0] = '\0';
	if (!authority) {
		snprintf(out, size, "%s", address[0] ? MASK : "(none)");
		return;
	}
	if (url_password(authority, &from, &to)) {
		masked_add(&shown, size, address, (size_t)(from - address));
		masked_add(&shown, size, MASK, strlen(MASK));
		rest = to;
	}
	for (word = strcasestr(rest, PASSWORD); word; word = strcasestr(rest, PASSWORD)) {
		word += strlen(PASSWORD);
		masked_add(&shown, size, rest, (size_t)(word - rest));
		masked_add(&shown, size, MASK, strlen(MASK));
		rest = word + strcspn(word, "&");
	}
	masked_add(&shown, size, rest, strlen(rest));
}

/* --- Scrubbing -------------------------------------------------------------------------------- */

/* The longest piece of the secret that the text begins with. */
static size_t secret_piece_length(const char *text, const char *from, const char *to)
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

static void secret_scrub_span(char *text, const char *from, const char *to)
{
	size_t least = (size_t)(to - from) < PIECE_MIN ? (size_t)(to - from) : PIECE_MIN;

	while (from < to && *text) {
		size_t piece = secret_piece_length(text, from, to);

		if (piece < least)
			piece = 0;
		memset(text, '*', piece);
		text += piece ? piece : 1;
	}
}

/* A well-formed value ends where the next pair begins. Any other value may reach to the end. */
static const char *secret_pair_end(const char *value)
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
	const char *authority = url_authority(address), *from, *to;
	const char *word = address;

	if (authority && url_password(authority, &from, &to))
		secret_scrub_span(text, from, to);
	while ((word = strcasestr(word, "password"))) {
		word += strlen("password");
		from = word + strspn(word, " \t=");
		secret_scrub_span(
			text, from, authority ? from + strcspn(from, "&") : secret_pair_end(from));
	}
}
