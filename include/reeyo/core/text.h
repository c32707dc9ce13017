/* SPDX-License-Identifier: MIT
 *
 * Text as a pointer and a length. It does not own its memory: parts of a request, a configuration
 * line or a database row are passed on without copying.
 */
#ifndef REEYO_CORE_TEXT_H
#define REEYO_CORE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct text {
	const char *at; /* NULL means absent */
	size_t len;
};

#define TEXT(literal) ((struct text){ "" literal, sizeof(literal) - 1 })
#define TEXT_NONE ((struct text){ NULL, 0 })
/* For printf: printf("%.*s", TEXT_ARGS(t)). */
#define TEXT_ARGS(t) (int)(t).len, (t).at ? (t).at : ""

static inline struct text text_of(const char *string)
{
	return (struct text){ string, string ? strlen(string) : 0 };
}

static inline bool text_is(struct text a, struct text b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

/* ASCII case is ignored. */
bool text_is_nocase(struct text a, struct text b);
bool text_starts(struct text text, struct text prefix);
/* Without leading and trailing ASCII white space. */
struct text text_trim(struct text text);
/* Cuts at the first `mark`: returns the text before it and leaves the text after it in *rest.
 * Without a mark returns everything and leaves *rest absent. */
struct text text_cut(struct text *rest, char mark);
/* A whole signed decimal number in [min, max]; false (and *ret untouched) for anything else. */
bool text_to_int(struct text text, int64_t min, int64_t max, int64_t *ret);
/* A finite decimal number, e.g. "4.05"; false (and *ret untouched) for anything else. */
bool text_to_double(struct text text, double *ret);
/* Writes a finite double as the shortest decimal that reads back as the same double, in the form in
 * which PostgreSQL prints it: 4.05, 1e+15, -0. Returns the length; no NUL is added. */
#define DOUBLE_TEXT_SIZE 32
size_t double_to_text(double value, char out[DOUBLE_TEXT_SIZE]);
/* How many bytes at the start are certainly neither below `least` (at most 0x80) nor DEL. Reads
 * eight bytes at a time and stops before the first eight that have such a byte, or that are not
 * complete; the caller reads on from there one by one. */
size_t text_visible_run(struct text text, unsigned char least);
/* Well-formed UTF-8 without NUL. */
bool text_is_utf8(struct text text);
/* Copies the whole text, NUL-terminated. False, with *out untouched, when it does not fit or is not
 * UTF-8. For references: a truncated reference would name something else. */
bool text_copy_whole(char *out, size_t size, struct text text);
/* Copies as much as fits, NUL-terminated and valid UTF-8. For text that people read. */
void text_copy_truncated(char *out, size_t size, struct text text);
/* Number of code points of well-formed UTF-8. */
size_t text_length(struct text text);
/* The Levenshtein distance of two short texts (up to 128 bytes each; longer gives SIZE_MAX). */
size_t text_distance(struct text a, struct text b);
/* Value of a hexadecimal digit in either case; -1 for any other character. */
int hex_digit_value(char c);
/* Decodes %XX (not +) and ends the result with a NUL. `out` has room for from.len + 1 bytes and may
 * be from.at. An invalid escape stays as it is, and *ret_valid becomes false (NULL: not needed).
 * Returns the length; the result may contain NULs. */
size_t percent_decode(char *out, struct text from, bool *ret_valid);
/* The same for a value of a form or a query, in which + is a space. */
size_t form_decode(char *out, struct text from);
/* True when both have the same bytes. The time does not depend on where they differ. */
bool text_is_secret(struct text a, struct text b);

#endif
