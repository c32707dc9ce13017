/* SPDX-License-Identifier: MIT
 *
 * Request headers: gathered in one pass, and audited, because libmicrohttpd 0.9.75 lets through
 * what makes two servers disagree about where a request ends (RFC 9112, 6.3 and 11.2): several
 * Content-Length or Host fields, or Content-Length beside Transfer-Encoding. Any of these is 400
 * and the end of the connection.
 */
#include <limits.h>

#include "exchange.h"

struct known {
	struct text name;
	size_t member;
	bool once; /* a second field of this name is a fault */
};

#define KNOWN(n, m, o) { { n, sizeof(n) - 1 }, offsetof(struct head, m), o }
static const struct known known[] = {
	KNOWN("Host", host, true),
	KNOWN("Accept", accept, false),
	KNOWN("Expect", expect, true),
	KNOWN("Origin", origin, true),
	KNOWN("Content-Type", content_type, true),
	KNOWN("X-Request-Id", request_id, false),
	KNOWN("Authorization", authorization, true),
	KNOWN("If-None-Match", if_none_match, false),
	KNOWN("traceparent", traceparent, false),
	KNOWN("Content-Length", content_length, true),
	KNOWN("X-Amzn-Trace-Id", amazon_trace, false),
	KNOWN("Accept-Encoding", accept_encoding, false),
	KNOWN("Accept-Language", accept_language, false),
	KNOWN("Idempotency-Key", idempotency_key, true),
	KNOWN("X-Forwarded-For", forwarded_for, false),
	KNOWN("Content-Encoding", content_encoding, true),
	KNOWN("Transfer-Encoding", transfer_encoding, true),
	KNOWN("Access-Control-Request-Method", preflight_method, false),
};

static void head_fault(struct head *head, const char *why)
{
	if (head->fault)
		return;
	head->fault = E_BAD_REQUEST;
	head->fault_why = why;
}

static bool name_is_token(struct text name)
{
	static const char others[] = "!#$%&'*+-.^_`|~";

	for (size_t i = 0; i < name.len; i++) {
		unsigned char c = (unsigned char)name.at[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
			    (c && strchr(others, c))))
			return false;
	}
	return name.len > 0;
}

static void head_take(struct head *head, const struct known *row, struct text value)
{
	struct text *at = (struct text *)((char *)head + row->member);

	if (at->at && row->once)
		head_fault(head, "A header that may appear once appears twice");
	else if (!at->at)
		*at = value;
}

static enum MHD_Result head_field(void *cls, enum MHD_ValueKind kind, const char *name,
	size_t name_len, const char *value, size_t value_len)
{
	struct head *head = cls;
	struct text key = { name, name_len };
	struct text content = { value ? value : "", value ? value_len : 0 };

	(void)kind;
	head->count++;
	head->bytes += name_len + value_len + 4;
	if (!name_is_token(key))
		head_fault(head, "A header name has a character that is not allowed");
	if (content.len && memchr(content.at, '\0', content.len))
		head_fault(head, "A header holds a NUL");
	for (size_t i = 0; i < COUNT_OF(known); i++)
		if (known[i].name.len == name_len && text_is_nocase(known[i].name, key)) {
			head_take(head, &known[i], text_trim(content));
			break;
		}
	return MHD_YES;
}

static bool digits_only(struct text text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.at[i] < '0' || text.at[i] > '9')
			return false;
	return text.len > 0 && text.len <= 18;
}

static bool target_is_clean(const char *uri)
{
	for (const unsigned char *c = (const unsigned char *)uri; *c; c++)
		if (*c <= ' ' || *c == 0x7f)
			return false;
	return true;
}

void head_read(struct exchange *x, const char *version)
{
	struct head *head = &x->head;

	MHD_get_connection_values_n(x->mhd, MHD_HEADER_KIND, head_field, head);
	if (!target_is_clean(x->uri))
		head_fault(head, "The request target holds a space or a control character");
	if (strcmp(version, "HTTP/1.1") == 0 && !head->host.at)
		head_fault(head, "HTTP/1.1 needs a Host header");
	if (head->content_length.at && head->transfer_encoding.at)
		head_fault(head, "Content-Length and Transfer-Encoding exclude each other");
	if (head->content_length.at && !digits_only(head->content_length))
		head_fault(head, "Content-Length is not a number");
	if (head->transfer_encoding.at && !text_is_nocase(head->transfer_encoding, TEXT("chunked")))
		head_fault(head, "Only the transfer encoding chunked is understood");
	if (head->transfer_encoding.at && strcmp(version, "HTTP/1.0") == 0)
		head_fault(head, "HTTP/1.0 has no Transfer-Encoding");
}

/* --- Negotiation ------------------------------------------------------------------------------ */

/* "q=0.5" among the parameters, in thousandths; 1000 when there is none. */
static int quality_read(struct text params)
{
	while (params.at) {
		struct text one = text_trim(text_cut(&params, ';'));
		double value;

		if (one.len > 2 && (one.at[0] == 'q' || one.at[0] == 'Q') && one.at[1] == '=')
			return text_to_double((struct text){ one.at + 2, one.len - 2 }, &value) &&
					       value >= 0 && value <= 1 ?
				       (int)(value * 1000) :
				       0;
	}
	return 1000;
}

int quality_of(struct text list, struct text name)
{
	while (list.at) {
		struct text one = text_cut(&list, ',');
		struct text params = one;
		struct text value = text_trim(text_cut(&params, ';'));

		if (text_is_nocase(value, name))
			return quality_read(params);
	}
	return -1;
}

bool head_accepts_events(const struct head *head)
{
	return quality_of(head->accept, TEXT("text/event-stream")) > 0;
}

bool head_accepts_json(const struct head *head)
{
	struct text list = head->accept;
	int q;

	if (!list.at || list.len == 0)
		return true;
	if (head_wants_problem(head))
		return true;
	if ((q = quality_of(list, TEXT("application/json"))) >= 0)
		return q > 0;
	if ((q = quality_of(list, TEXT("application/*"))) >= 0)
		return q > 0;
	return quality_of(list, TEXT("*/*")) > 0;
}

bool head_wants_problem(const struct head *head)
{
	return head->accept.at && quality_of(head->accept, TEXT("application/problem+json")) > 0;
}

/* How much a language is wanted, and how early in the list that was said. */
struct wanted {
	int quality, place; /* quality -1: not named */
};

static void wanted_raise(struct wanted *wanted, int quality, int place)
{
	if (quality > wanted->quality)
		*wanted = (struct wanted){ quality, place };
}

/* The better of "fr" and "en" with any region ("fr-CM"); of two that are wanted alike the one named
 * first. "*" stands for whichever is not named; without a preference it is English. */
bool head_wants_french(const struct head *head)
{
	struct text list = head->accept_language;
	struct wanted french = { -1, 0 }, english = { -1, 0 }, any = { -1, 0 };

	for (int place = 0; list.at; place++) {
		struct text params = text_cut(&list, ',');
		struct text tag = text_trim(text_cut(&params, ';'));
		struct text language = text_cut(&tag, '-');
		int quality = quality_read(params);

		if (text_is_nocase(language, TEXT("fr")))
			wanted_raise(&french, quality, place);
		else if (text_is_nocase(language, TEXT("en")))
			wanted_raise(&english, quality, place);
		else if (text_is(language, TEXT("*")))
			wanted_raise(&any, quality, place);
	}
	any.place = INT_MAX; /* what is named goes before it */
	if (french.quality < 0)
		french = any;
	if (english.quality < 0)
		english = any;
	return french.quality > 0 && (french.quality > english.quality ||
		(french.quality == english.quality && french.place < english.place));
}

const char *head_encoding(const struct head *head, bool only_gzip)
{
	struct text list = head->accept_encoding;
	int any, gzip, brotli;

	if (!list.at)
		return NULL;
	any = quality_of(list, TEXT("*"));
	gzip = quality_of(list, TEXT("gzip"));
	brotli = quality_of(list, TEXT("br"));
	if (gzip < 0)
		gzip = any;
	if (brotli < 0)
		brotli = any;
	if (only_gzip)
		return gzip > 0 ? "gzip" : NULL;
	if (brotli > 0 && brotli >= gzip)
		return "br";
	return gzip > 0 ? "gzip" : NULL;
}
