/* SPDX-License-Identifier: MIT
 *
 * The framing scanner: a state machine with one function per state, called with one byte. Long
 * runs of bytes (targets, values, bodies) are consumed in one step. See the header.
 */
#include "framing.h"

#include <assert.h>
#include <string.h>

#include "reeyo/core/error.h"
#include "reeyo/core/text.h"

/* Memory that libmicrohttpd 0.9.75 uses for each header and each cookie besides their bytes. */
#define FIELD_COST 64
/* Empty lines before a request line that are skipped (RFC 9112, 2.2, asks for one). */
#define EMPTY_LINES_MAX 4
#define METHOD_MAX 32
#define VERSION_LEN 8
#define LENGTH_DIGITS_MAX 18
#define CHUNK_DIGITS_MAX 15

enum state {
	START,
	START_LF,
	METHOD,
	TARGET,
	VERSION,
	LINE_LF,
	NAME,
	BLANK,
	VALUE,
	VALUE_LF,
	LENGTH,
	CODING,
	END_LF,
	BODY,
	CHUNK_SIZE,
	CHUNK_EXTENSION,
	CHUNK_LF,
	CHUNK,
	CHUNK_CR,
	CHUNK_END_LF,
	STATE_COUNT
};

/* Headers that the scanner must recognise, by their bit in `known`. */
enum { KNOWN_LENGTH = 1, KNOWN_CODING = 2, KNOWN_COOKIE = 4, KNOWN_ALL = 7 };
static const struct {
	const char *name;
	size_t len;
} known_names[] = { { "content-length", 14 }, { "transfer-encoding", 17 }, { "cookie", 6 } };

static const char chunked_word[] = "chunked";

static void framing_fault(struct framing *f, int error, const char *why)
{
	if (f->fault)
		return;
	f->fault = error;
	f->why = why;
}

static void framing_go(struct framing *f, enum state state)
{
	f->state = (uint8_t)state;
	f->line = 0;
}

static void framing_charge(struct framing *f, size_t bytes)
{
	f->cost += bytes;
	if (f->cost + ANSWER_ROOM > f->memory)
		framing_fault(f, E_HEADERS_TOO_LARGE, "The request's head is too large");
}

/* Letters, digits and !#$%&'*+-.^_`|~ (RFC 9110, 5.6.2): a bit for each character, 64 to a word. */
static bool is_token_char(unsigned char c)
{
	static const uint64_t token[4] = { UINT64_C(0x03ff6cfa00000000),
		UINT64_C(0x57ffffffc7fffffe) };

	return token[c >> 6] >> (c & 63) & 1;
}

static bool is_digit(unsigned char c)
{
	return c >= '0' && c <= '9';
}

static unsigned char framing_lower(unsigned char c)
{
	return c >= 'A' && c <= 'Z' ? (unsigned char)(c + 32) : c;
}

/* Allowed in a target. Bytes from 0x80 on are allowed; the reader of the text checks UTF-8. */
static bool is_target_char(unsigned char c)
{
	return c > ' ' && c != 0x7f;
}

static bool is_value_char(unsigned char c)
{
	return is_target_char(c) || c == ' ' || c == '\t';
}

/* --- Request line ----------------------------------------------------------------------------- */

static void request_begin(struct framing *f)
{
	f->cost = 0;
	f->left = 0;
	f->trailer = f->length = f->chunked = f->coded = f->old = false;
	f->next = 0;
	framing_go(f, START);
}

static void on_method(struct framing *f, unsigned char c)
{
	framing_charge(f, 1);
	if (c == ' ' && f->line)
		return framing_go(f, TARGET);
	if (!is_token_char(c))
		return framing_fault(f, E_BAD_REQUEST, "The request line has no valid method");
	if (++f->line > METHOD_MAX)
		framing_fault(f, E_NOT_IMPLEMENTED, "The method is unknown");
}

static void on_start(struct framing *f, unsigned char c)
{
	if (c == '\r')
		return (void)(f->state = START_LF);
	framing_go(f, METHOD);
	on_method(f, c);
}

static void on_start_lf(struct framing *f, unsigned char c)
{
	if (c != '\n' || ++f->line > EMPTY_LINES_MAX)
		return framing_fault(f, E_BAD_REQUEST, "There is no request line");
	f->state = START;
}

static void on_target(struct framing *f, unsigned char c)
{
	framing_charge(f, 1);
	if (c == ' ' && f->line)
		framing_go(f, VERSION);
	else
		framing_fault(f, E_BAD_REQUEST,
			"The request target is empty or holds a control character");
}

static void on_version(struct framing *f, unsigned char c)
{
	static const char one[] = "HTTP/1.";

	framing_charge(f, 1);
	if (f->line == VERSION_LEN && c == '\r')
		return framing_go(f, LINE_LF);
	if (f->line < 5                ? c != (unsigned char)one[f->line]
			: f->line == 6 ? c != '.'
				       : f->line >= VERSION_LEN || !is_digit(c))
		return framing_fault(
			f, E_BAD_REQUEST, "The request line has no HTTP version at its end");
	if (f->line == 5 && c != '1')
		return framing_fault(
			f, E_HTTP_VERSION, "Only HTTP/1.1 and HTTP/1.0 are understood");
	f->old |= f->line == 7 && c == '0';
	f->line++;
}

static void on_line_lf(struct framing *f, unsigned char c)
{
	framing_charge(f, 1);
	if (c != '\n')
		return framing_fault(f, E_BAD_REQUEST, "A line does not end with CRLF");
	framing_go(f, NAME);
	f->known = KNOWN_ALL;
}

/* --- Headers and trailers --------------------------------------------------------------------- */

static void header_name_end(struct framing *f)
{
	for (size_t i = 0; i < sizeof(known_names) / sizeof(*known_names); i++)
		if (f->line != known_names[i].len)
			f->known &= (uint8_t) ~(1u << i);
	if (f->trailer)
		f->known = 0;
	if (f->known & KNOWN_LENGTH && (f->length || f->coded))
		return framing_fault(f, E_BAD_REQUEST,
			f->coded ? "Content-Length and Transfer-Encoding exclude each other"
				 : "Content-Length appears twice");
	if (f->known & KNOWN_CODING && (f->length || f->coded))
		return framing_fault(f, E_BAD_REQUEST,
			f->length ? "Content-Length and Transfer-Encoding exclude each other"
				  : "Transfer-Encoding appears twice");
	if (f->known & KNOWN_CODING && f->old)
		return framing_fault(f, E_BAD_REQUEST, "HTTP/1.0 has no Transfer-Encoding");
	f->length |= (f->known & KNOWN_LENGTH) != 0;
	f->coded |= (f->known & KNOWN_CODING) != 0;
	framing_charge(f, f->known & KNOWN_COOKIE ? 2 * FIELD_COST : FIELD_COST);
	framing_go(f, BLANK);
}

/* Only called for a byte that is not allowed in a name; name_bytes_take consumes the rest. */
static void on_name(struct framing *f, unsigned char c)
{
	framing_charge(f, 1);
	if (c == '\r' && !f->line)
		return framing_go(f, END_LF);
	if (c == ':' && f->line)
		return header_name_end(f);
	framing_fault(f, E_BAD_REQUEST,
		!f->line && (c == ' ' || c == '\t')
			? "A header continues on the next line"
			: "A header name has a character that is not allowed");
}

static void on_length(struct framing *f, unsigned char c)
{
	framing_charge(f, 1);
	if (c == '\r' && f->line)
		return framing_go(f, VALUE_LF);
	if (!is_digit(c))
		return framing_fault(f, E_BAD_REQUEST, "Content-Length is not a number");
	if (++f->line > LENGTH_DIGITS_MAX)
		return framing_fault(f, E_BODY_TOO_LARGE, "The body is too large");
	f->left = f->left * 10 + (uint64_t)(c - '0');
}

static void on_coding(struct framing *f, unsigned char c)
{
	framing_charge(f, 1);
	if (c == '\r' && f->line == sizeof(chunked_word) - 1) {
		f->chunked = true;
		return framing_go(f, VALUE_LF);
	}
	if (f->line >= sizeof(chunked_word) - 1 ||
		framing_lower(c) != (unsigned char)chunked_word[f->line])
		return framing_fault(
			f, E_BAD_REQUEST, "Only the transfer encoding chunked is understood");
	f->line++;
}

/* Only called for a byte that is not allowed in a value, or its end; value_bytes_take consumes the
 * rest. */
static void on_value(struct framing *f, unsigned char c)
{
	framing_charge(f, 1);
	if (c == '\r')
		return framing_go(f, VALUE_LF);
	framing_fault(f, E_BAD_REQUEST, "A header holds a control character");
}

static void on_blank(struct framing *f, unsigned char c)
{
	if (c == ' ' || c == '\t')
		return framing_charge(f, 1);
	framing_go(f, f->known & KNOWN_LENGTH ? LENGTH : f->known & KNOWN_CODING ? CODING : VALUE);
	if (f->state == LENGTH)
		on_length(f, c);
	else if (f->state == CODING)
		on_coding(f, c);
	else if (!is_value_char(c))
		on_value(f, c);
	else
		framing_charge(f, 1);
}

static void on_end_lf(struct framing *f, unsigned char c)
{
	framing_charge(f, 1);
	if (c != '\n')
		return framing_fault(f, E_BAD_REQUEST, "A line does not end with CRLF");
	if (f->trailer || (!f->chunked && !f->left))
		return framing_go(f, START);
	framing_go(f, f->chunked ? CHUNK_SIZE : BODY);
}

/* --- Chunks ----------------------------------------------------------------------------------- */

static void on_chunk_size(struct framing *f, unsigned char c)
{
	int digit = hex_digit_value((char)c);

	if (digit >= 0) {
		if (++f->line > CHUNK_DIGITS_MAX)
			return framing_fault(f, E_BODY_TOO_LARGE, "A chunk is too large");
		f->left = f->left * 16 + (uint64_t)digit;
		return;
	}
	if (!f->line || (c != '\r' && c != ';'))
		return framing_fault(f, E_BAD_REQUEST, "A chunk has no valid size");
	f->state = c == ';' ? CHUNK_EXTENSION : CHUNK_LF;
}

static void on_chunk_extension(struct framing *f, unsigned char c)
{
	if (c == '\r')
		return (void)(f->state = CHUNK_LF);
	if (!is_value_char(c))
		return framing_fault(
			f, E_BAD_REQUEST, "A chunk extension holds a control character");
	if (++f->line > CHUNK_LINE_MAX)
		framing_fault(f, E_BAD_REQUEST, "A chunk line is too long");
}

static void on_chunk_lf(struct framing *f, unsigned char c)
{
	if (c != '\n')
		return framing_fault(f, E_BAD_REQUEST, "A line does not end with CRLF");
	f->trailer = f->left == 0;
	framing_go(f, f->trailer ? NAME : CHUNK);
	f->known = 0;
}

static void on_chunk_cr(struct framing *f, unsigned char c)
{
	if (c != '\r')
		return framing_fault(f, E_BAD_REQUEST, "A chunk is longer than its size");
	f->state = CHUNK_END_LF;
}

static void on_chunk_end_lf(struct framing *f, unsigned char c)
{
	if (c != '\n')
		return framing_fault(f, E_BAD_REQUEST, "A line does not end with CRLF");
	framing_go(f, CHUNK_SIZE);
}

/* --- Scanning --------------------------------------------------------------------------------- */

static void (*const on_byte[STATE_COUNT])(struct framing *, unsigned char) = {
	[START] = on_start,
	[START_LF] = on_start_lf,
	[METHOD] = on_method,
	[TARGET] = on_target,
	[VERSION] = on_version,
	[LINE_LF] = on_line_lf,
	[NAME] = on_name,
	[BLANK] = on_blank,
	[VALUE] = on_value,
	[VALUE_LF] = on_line_lf,
	[LENGTH] = on_length,
	[CODING] = on_coding,
	[END_LF] = on_end_lf,
	[CHUNK_SIZE] = on_chunk_size,
	[CHUNK_EXTENSION] = on_chunk_extension,
	[CHUNK_LF] = on_chunk_lf,
	[CHUNK_CR] = on_chunk_cr,
	[CHUNK_END_LF] = on_chunk_end_lf,
};

/* Consumes bytes of a body or a chunk. */
static size_t body_bytes_take(struct framing *f, size_t len)
{
	size_t taken = f->left < len ? (size_t)f->left : len;

	f->left -= taken;
	if (!f->left)
		framing_go(f, f->state == BODY ? START : CHUNK_CR);
	return taken;
}

/* Consumes the visible bytes of a target. */
static size_t target_bytes_take(struct framing *f, const char *at, size_t len)
{
	size_t n = text_visible_run((struct text){ at, len }, ' ' + 1);

	while (n < len && is_target_char((unsigned char)at[n]))
		n++;
	if (!f->line)
		f->target = at;
	f->line += (unsigned)n;
	f->target_len = f->line;
	if (f->line > URL_MAX)
		framing_fault(f, E_URI_TOO_LONG, "The address is too long");
	framing_charge(f, n);
	return n;
}

/* True when n more bytes of a name are those of a known name. */
static bool name_goes_on(size_t known, size_t line, const char *at, size_t n)
{
	if (line + n > known_names[known].len)
		return false;
	for (size_t i = 0; i < n; i++)
		if (framing_lower((unsigned char)at[i]) !=
			(unsigned char)known_names[known].name[line + i])
			return false;
	return true;
}

/* Consumes the bytes of a header's name. */
static size_t name_bytes_take(struct framing *f, const char *at, size_t len)
{
	size_t n = 0;

	while (n < len && is_token_char((unsigned char)at[n]))
		n++;
	for (size_t i = 0; f->known && i < sizeof(known_names) / sizeof(*known_names); i++)
		if (f->known >> i & 1 && !name_goes_on(i, f->line, at, n))
			f->known &= (uint8_t) ~(1u << i);
	f->line += (unsigned)n;
	framing_charge(f, n);
	return n;
}

/* Consumes the bytes of a header's value. libmicrohttpd stores cookies a second time, one by
 * one. */
static size_t value_bytes_take(struct framing *f, const char *at, size_t len)
{
	size_t n = text_visible_run((struct text){ at, len }, ' '), cookies = 0;

	while (n < len && is_value_char((unsigned char)at[n]))
		n++;
	for (size_t i = 0; f->known & KNOWN_COOKIE && i < n; i++)
		cookies += at[i] == ';';
	framing_charge(f, f->known & KNOWN_COOKIE ? 2 * n + cookies * FIELD_COST : n);
	return n;
}

/* Consumes a run of bytes; 0 when the state reads single bytes. */
static size_t byte_run_take(struct framing *f, const char *at, size_t len)
{
	switch (f->state) {
	case BODY:
	case CHUNK:
		return body_bytes_take(f, len);
	case TARGET:
		return target_bytes_take(f, at, len);
	case NAME:
		return name_bytes_take(f, at, len);
	case VALUE:
		return value_bytes_take(f, at, len);
	default:
		return 0;
	}
}

void framing_init(struct framing *framing, size_t memory)
{
	*framing = (struct framing){ .memory = memory };
	request_begin(framing);
}

bool framing_begun(const struct framing *framing)
{
	return framing->state != START && framing->state != START_LF;
}

bool framing_in_target(const struct framing *framing)
{
	return framing->state == TARGET;
}

size_t framing_scan(struct framing *f, const char *at, size_t len)
{
	size_t begin = 0, i = 0;

	f->target = NULL;
	while (i < len && !f->fault) {
		size_t taken = byte_run_take(f, at + i, len - i);

		if (!taken) {
			assert(on_byte[f->state]); /* BODY and CHUNK always take bytes */
			on_byte[f->state](f, (unsigned char)at[i++]);
		}
		i += taken;
		if (f->state != START || f->line || f->fault)
			continue;
		framing_charge(f, len - i); /* bytes of the next requests use the same memory */
		if (f->fault)
			break;
		request_begin(f);
		f->requests++;
		f->target = NULL;
		begin = i;
	}
	return f->fault ? begin : len;
}
