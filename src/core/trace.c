/* SPDX-License-Identifier: MIT
 *
 * Trace headers. Amazon's id is the same 32 digits, split after the eighth ("1-" time "-" random).
 * We store the W3C form and can write both.
 */
#include "reeyo/core/trace.h"

#include <stdio.h>

#include "reeyo/core/id.h"

#define ID_DIGITS 32
#define SPAN_DIGITS 16

/* Copies n hex digits, not all zero, to out in lower case, NUL-terminated; false for anything
 * else. capitals: upper case is accepted. */
static bool hex_copy(const char *at, size_t n, bool capitals, char *out)
{
	bool any = false;

	for (size_t i = 0; i < n; i++) {
		char c = at[i];

		if (capitals && c >= 'A' && c <= 'F')
			c = (char)(c + 32);
		if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
			return false;
		any |= c != '0';
		out[i] = c;
	}
	out[n] = '\0';
	return any;
}

/* Lower case only: traceparent does not allow capitals. */
static int trace_hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Two lower-case hex digits, or -1. */
static int hex_byte_read(const char *at)
{
	int high = trace_hex_digit(at[0]), low = trace_hex_digit(at[1]);

	return high < 0 || low < 0 ? -1 : high * 16 + low;
}

/* "00-<32>-<16>-<2>". A later version may continue after another dash; version ff is invalid. */
static bool traceparent_read(struct trace *ret, struct text value)
{
	int version = value.len >= 55 ? hex_byte_read(value.at) : -1;
	int flags = value.len >= 55 ? hex_byte_read(value.at + 53) : -1;
	struct trace trace;

	if (version < 0 || version == 0xff || flags < 0 || (version == 0 && value.len != 55) ||
		(value.len > 55 && value.at[55] != '-'))
		return false;
	if (value.at[2] != '-' || value.at[35] != '-' || value.at[52] != '-' ||
		!hex_copy(value.at + 3, ID_DIGITS, false, trace.id) ||
		!hex_copy(value.at + 36, SPAN_DIGITS, false, trace.parent))
		return false;
	trace.sampled = flags & 1;
	*ret = trace;
	return true;
}

/* "1-<8>-<24>" */
static bool amazon_root_read(char id[ID_DIGITS + 1], struct text value)
{
	char digits[ID_DIGITS];

	if (value.len != 35 || memcmp(value.at, "1-", 2) != 0 || value.at[10] != '-')
		return false;
	memcpy(digits, value.at + 2, 8);
	memcpy(digits + 8, value.at + 11, 24);
	return hex_copy(digits, ID_DIGITS, true, id);
}

/* "Root=…;Parent=…;Sampled=1" in any order; other fields are skipped. */
static bool amazon_trace_read(struct trace *ret, struct text value)
{
	struct trace trace = { 0 };

	while (value.at) {
		struct text field = text_trim(text_cut(&value, ';'));
		struct text content = field, name = text_cut(&content, '=');

		if (text_is_nocase(name, TEXT("Root"))) {
			if (!amazon_root_read(trace.id, content))
				return false;
		} else if (text_is_nocase(name, TEXT("Parent")) && content.len == SPAN_DIGITS) {
			if (!hex_copy(content.at, SPAN_DIGITS, true, trace.parent))
				trace.parent[0] = '\0';
		} else if (text_is_nocase(name, TEXT("Sampled"))) {
			trace.sampled = text_is(content, TEXT("1"));
		}
	}
	if (!trace.id[0])
		return false;
	*ret = trace;
	return true;
}

bool trace_read(struct trace *ret, struct text traceparent, struct text amazon)
{
	*ret = (struct trace){ 0 };
	return traceparent_read(ret, traceparent) || amazon_trace_read(ret, amazon);
}

void trace_new(struct trace *ret)
{
	*ret = (struct trace){ 0 };
	id_hex(ret->id, ID_DIGITS / 2);
}

void trace_parent(const struct trace *trace, char out[TRACE_PARENT_SIZE])
{
	char span[SPAN_DIGITS + 1];

	id_hex(span, SPAN_DIGITS / 2);
	snprintf(out, TRACE_PARENT_SIZE, "00-%.32s-%.16s-%s", trace->id, span,
		trace->sampled ? "01" : "00");
}

void trace_amazon(const struct trace *trace, char out[TRACE_AMAZON_SIZE])
{
	char span[SPAN_DIGITS + 1];

	id_hex(span, SPAN_DIGITS / 2);
	snprintf(out, TRACE_AMAZON_SIZE, "Root=1-%.8s-%.24s;Parent=%.16s;Sampled=%d", trace->id,
		trace->id + 8, span, trace->sampled);
}
