/* SPDX-License-Identifier: MIT
 *
 * Request headers: collected in one pass. Requests that two servers may understand differently,
 * although the framing scanner (framing.c) accepts them, are refused with 400 and the connection is
 * closed: a missing Host, or a second header of a name that may appear once. A list in several
 * headers is read as one list (RFC 9110, 5.3).
 */
#include <limits.h>

#include "exchange.h"

/* How a second header of the same name is treated. */
enum repeated { REPEATED_FAULT, REPEATED_LIST, REPEATED_IGNORED };

struct known_header {
	struct text name;
	size_t member;
	enum repeated repeated;
};

#define KNOWN(n, m, r) \
	{ \
		{ n, sizeof(n) - 1 }, offsetof(struct head, m), REPEATED_##r \
	}
static const struct known_header known_headers[] = {
	KNOWN("Host", host, FAULT),
	KNOWN("Accept", accept, LIST),
	KNOWN("Expect", expect, FAULT),
	KNOWN("Origin", origin, FAULT),
	KNOWN("Content-Type", content_type, FAULT),
	KNOWN("X-Request-Id", request_id, IGNORED),
	KNOWN("Authorization", authorization, FAULT),
	KNOWN("If-None-Match", if_none_match, LIST),
	KNOWN("traceparent", traceparent, IGNORED),
	KNOWN("Content-Length", content_length, FAULT),
	KNOWN("X-Amzn-Trace-Id", amazon_trace, IGNORED),
	KNOWN("Accept-Encoding", accept_encoding, LIST),
	KNOWN("Accept-Language", accept_language, LIST),
	KNOWN("Idempotency-Key", idempotency_key, FAULT),
	KNOWN("X-Forwarded-For", forwarded_for, LIST),
	KNOWN("X-Forwarded-Proto", forwarded_proto, IGNORED),
	KNOWN("Content-Encoding", content_encoding, FAULT),
	KNOWN("Transfer-Encoding", transfer_encoding, FAULT),
	KNOWN("Access-Control-Request-Method", preflight_method, IGNORED),
};

static void head_fault(struct head *head, const char *why)
{
	if (head->fault)
		return;
	head->fault = E_BAD_REQUEST;
	head->fault_why = why;
}

static void head_join(struct exchange *x, struct text *at, struct text more)
{
	struct buf both = buf_in(x->rq.arena, at->len + more.len + 2);
	char *out;

	buf_add_text(&both, *at);
	buf_add_string(&both, ", ");
	buf_add_text(&both, more);
	out = buf_string(&both);
	if (out)
		*at = (struct text){ out, both.len };
}

static void head_set(struct exchange *x, const struct known_header *row, struct text value)
{
	struct text *at = (struct text *)((char *)&x->head + row->member);

	if (!at->at)
		*at = value;
	else if (row->repeated == REPEATED_LIST)
		head_join(x, at, value);
	else if (row->repeated == REPEATED_FAULT)
		head_fault(&x->head, "A header that may appear once appears twice");
}

static enum MHD_Result head_visit(void *cls, enum MHD_ValueKind kind, const char *name,
	size_t name_len, const char *value, size_t value_len)
{
	struct exchange *x = cls;
	struct text key = { name, name_len };
	struct text content = { value ? value : "", value ? value_len : 0 };

	(void)kind;
	for (size_t i = 0; i < COUNT_OF(known_headers); i++) {
		const struct known_header *row = &known_headers[i];

		if (row->name.len == name_len && text_is_nocase(row->name, key)) {
			head_set(x, row, text_trim(content));
			break;
		}
	}
	return MHD_YES;
}

/* GET http://host/path: the host of the target replaces the Host header (RFC 9112, 3.2.2). */
static void head_absolute(struct exchange *x)
{
	if (!x->authority.at)
		return;
	if (x->authority.len == 0 || memchr(x->authority.at, '@', x->authority.len))
		head_fault(&x->head, "The request target names no valid host");
	if (x->head.host.at)
		x->head.host = x->authority;
}

void head_read(struct exchange *x, const char *version)
{
	struct head *head = &x->head;

	MHD_get_connection_values_n(x->mhd, MHD_HEADER_KIND, head_visit, x);
	if (strcmp(version, "HTTP/1.0") != 0 && !head->host.at)
		head_fault(head, "HTTP/1.1 needs a Host header");
	head_absolute(x);
}

bool head_is_tls(const struct head *head)
{
	return text_is_nocase(head->forwarded_proto, TEXT("https"));
}

/* --- Negotiation ------------------------------------------------------------------------------ */

/* The q parameter ("q=0.5") in thousandths; 1000 when absent. */
static int quality_read(struct text params)
{
	while (params.at) {
		struct text one = text_trim(text_cut(&params, ';'));
		double value;

		if (one.len > 2 && (one.at[0] == 'q' || one.at[0] == 'Q') && one.at[1] == '=')
			return text_to_double((struct text){ one.at + 2, one.len - 2 }, &value) &&
					value >= 0 && value <= 1
				? (int)(value * 1000)
				: 0;
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

/* The quality of a language and its place in the list. */
struct preference {
	int quality, place; /* quality -1: not in the list */
};

static void preference_raise(struct preference *preference, int quality, int place)
{
	if (quality > preference->quality)
		*preference = (struct preference){ quality, place };
}

/* Compares "fr" and "en" with any region ("fr-CM"): the higher quality wins, then the earlier
 * place. "*" applies to a language that is not in the list. Without a preference it is English. */
bool head_wants_french(const struct head *head)
{
	struct text list = head->accept_language;
	struct preference french = { -1, 0 }, english = { -1, 0 }, any = { -1, 0 };

	for (int place = 0; list.at; place++) {
		struct text params = text_cut(&list, ',');
		struct text tag = text_trim(text_cut(&params, ';'));
		struct text language = text_cut(&tag, '-');
		int quality = quality_read(params);

		if (text_is_nocase(language, TEXT("fr")))
			preference_raise(&french, quality, place);
		else if (text_is_nocase(language, TEXT("en")))
			preference_raise(&english, quality, place);
		else if (text_is(language, TEXT("*")))
			preference_raise(&any, quality, place);
	}
	any.place = INT_MAX; /* after every language that is in the list */
	if (french.quality < 0)
		french = any;
	if (english.quality < 0)
		english = any;
	return french.quality > 0 &&
		(french.quality > english.quality ||
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
