/* SPDX-License-Identifier: MIT
 *
 * The framing scanner: what it accepts and refuses, however the bytes arrive. Each row is scanned
 * as a whole, byte by byte, and in two pieces split at every place.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../suite.h"
#include "framing.h"
#include "reeyo/core/error.h"

#define MEMORY 8192
#define GET_LINE "GET /a HTTP/1.1\r\n"
#define POST_LINE "POST /a HTTP/1.1\r\nHost: x\r\n"
#define CHUNKED POST_LINE "Transfer-Encoding: chunked\r\n\r\n"

struct row {
	const char *bytes;
	size_t len;
	int fault;
};
#define ROW(literal, error) \
	{ \
		literal, sizeof(literal) - 1, error \
	}

static const struct row rows[] = {
	ROW(GET_LINE "Host: x\r\n\r\n", 0),
	ROW("\r\n\r\n" GET_LINE "Host: x\r\n\r\n", 0),
	ROW("GET /a HTTP/1.0\r\n\r\n", 0),
	ROW(POST_LINE "Content-Length: 2\r\n\r\n{}" GET_LINE "\r\n", 0),
	ROW(POST_LINE "content-LENGTH:\t 2\r\n\r\n{}", 0),
	ROW(POST_LINE "Content-Length: 0\r\n\r\n", 0),
	ROW(CHUNKED "2\r\n{}\r\n0\r\n\r\n" GET_LINE "\r\n", 0),
	ROW(CHUNKED "A;name=\"v\";x\r\n0123456789\r\n000\r\nX-Trailer: y\r\n\r\n", 0),
	ROW(GET_LINE "X-Empty:\r\nX-Blank: \t\r\nX: a\tb c\r\n\r\n", 0),
	ROW(GET_LINE "X: caf\xc3\xa9\r\n\r\n", 0),
	ROW("GET http://h/p?q HTTP/1.1\r\n\r\n", 0),

	ROW("\x16\x03\x01\x02", E_BAD_REQUEST),
	ROW("\r\n\r\n\r\n\r\n\r\n\r\n", E_BAD_REQUEST),
	ROW("\rGET", E_BAD_REQUEST),
	ROW("\n" GET_LINE, E_BAD_REQUEST),
	ROW(" GET /a HTTP/1.1\r\n\r\n", E_BAD_REQUEST),
	ROW("GET  /a HTTP/1.1\r\n\r\n", E_BAD_REQUEST),
	ROW("GET /a  HTTP/1.1\r\n\r\n", E_BAD_REQUEST),
	ROW("GET /a b HTTP/1.1\r\n\r\n", E_BAD_REQUEST),
	ROW("GET /a\tHTTP/1.1\r\n\r\n", E_BAD_REQUEST),
	ROW("GET /a\x7f HTTP/1.1\r\n\r\n", E_BAD_REQUEST),
	ROW("GET /a\0b HTTP/1.1\r\n\r\n", E_BAD_REQUEST),
	ROW("GET /a HTTP/1.1 \r\n\r\n", E_BAD_REQUEST),
	ROW("GET /a HTTP/1.1\n\r\n", E_BAD_REQUEST),
	ROW("GET /a HTTP/1.1\r\r\n\r\n", E_BAD_REQUEST),
	ROW("GET /a http/1.1\r\n\r\n", E_BAD_REQUEST),
	ROW("GET /a HTTP/1.11\r\n\r\n", E_BAD_REQUEST),
	ROW("GET /a HTTP/11\r\n\r\n", E_BAD_REQUEST),
	ROW("GET /a\r\n\r\n", E_BAD_REQUEST),
	ROW("GET /a HTTP/2.0\r\n\r\n", E_HTTP_VERSION),
	ROW("GET /a HTTP/0.9\r\n\r\n", E_HTTP_VERSION),
	ROW("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", E_HTTP_VERSION),
	ROW("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA /a HTTP/1.1\r\n\r\n", E_NOT_IMPLEMENTED),

	ROW(GET_LINE "Host: x\n\r\n", E_BAD_REQUEST),
	ROW(GET_LINE "Host: x\r\n\n", E_BAD_REQUEST),
	ROW(GET_LINE "\n", E_BAD_REQUEST),
	ROW(GET_LINE "X: a\rb\r\n\r\n", E_BAD_REQUEST),
	ROW(GET_LINE "X: a\r\r\n\r\n", E_BAD_REQUEST),
	ROW(GET_LINE "X: a\0b\r\n\r\n", E_BAD_REQUEST),
	ROW(GET_LINE "X: a\0\n\r\n", E_BAD_REQUEST),
	ROW(GET_LINE "X: a\x0b\r\n\r\n", E_BAD_REQUEST),
	ROW(GET_LINE "X: a\r\n b\r\n\r\n", E_BAD_REQUEST),
	ROW(GET_LINE " X: a\r\n\r\n", E_BAD_REQUEST),
	ROW(GET_LINE "X : a\r\n\r\n", E_BAD_REQUEST),
	ROW(GET_LINE "X\r\n\r\n", E_BAD_REQUEST),
	ROW(GET_LINE ": a\r\n\r\n", E_BAD_REQUEST),
	ROW(GET_LINE "X\0: a\r\n\r\n", E_BAD_REQUEST),
	ROW(GET_LINE "X\xc3: a\r\n\r\n", E_BAD_REQUEST),

	ROW(POST_LINE "Content-Length: 2 \r\n\r\n{}", E_BAD_REQUEST),
	ROW(POST_LINE "Content-Length: 2\0\r\n\r\n{}", E_BAD_REQUEST),
	ROW(POST_LINE "Content-Length: \r\n\r\n", E_BAD_REQUEST),
	ROW(POST_LINE "Content-Length:\r\n\r\n", E_BAD_REQUEST),
	ROW(POST_LINE "Content-Length: +2\r\n\r\n", E_BAD_REQUEST),
	ROW(POST_LINE "Content-Length: -2\r\n\r\n", E_BAD_REQUEST),
	ROW(POST_LINE "Content-Length: 0x2\r\n\r\n", E_BAD_REQUEST),
	ROW(POST_LINE "Content-Length: 2, 2\r\n\r\n", E_BAD_REQUEST),
	ROW(POST_LINE "Content-Length: 2\r\nContent-Length: 2\r\n\r\n", E_BAD_REQUEST),
	ROW(POST_LINE "Content-Length: 9999999999999999999\r\n\r\n", E_BODY_TOO_LARGE),
	ROW(POST_LINE "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n", E_BAD_REQUEST),
	ROW(POST_LINE "Transfer-Encoding: chunked\r\nContent-Length: 2\r\n", E_BAD_REQUEST),
	ROW(POST_LINE "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
		E_BAD_REQUEST),
	ROW(POST_LINE "Transfer-Encoding: chunked \r\n\r\n", E_BAD_REQUEST),
	ROW(POST_LINE "Transfer-Encoding: chunked\x0b\r\n\r\n", E_BAD_REQUEST),
	ROW(POST_LINE "Transfer-Encoding: \x0b"
		      "chunked\r\n\r\n",
		E_BAD_REQUEST),
	ROW(POST_LINE "Transfer-Encoding: gzip, chunked\r\n\r\n", E_BAD_REQUEST),
	ROW(POST_LINE "Transfer-Encoding: chunke\r\n\r\n", E_BAD_REQUEST),
	ROW(POST_LINE "Transfer-Encoding:\r\n\r\n", E_BAD_REQUEST),
	ROW("POST /a HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", E_BAD_REQUEST),

	ROW(CHUNKED "\r\n", E_BAD_REQUEST),
	ROW(CHUNKED ";x\r\n", E_BAD_REQUEST),
	ROW(CHUNKED "x\r\n", E_BAD_REQUEST),
	ROW(CHUNKED "-2\r\n", E_BAD_REQUEST),
	ROW(CHUNKED "0x2\r\n", E_BAD_REQUEST),
	ROW(CHUNKED "2\n{}\r\n", E_BAD_REQUEST),
	ROW(CHUNKED "2 \r\n{}\r\n", E_BAD_REQUEST),
	ROW(CHUNKED "2;a\rb\r\n", E_BAD_REQUEST),
	ROW(CHUNKED "2;a\0\r\n", E_BAD_REQUEST),
	ROW(CHUNKED "2\r\n{}\n", E_BAD_REQUEST),
	ROW(CHUNKED "2\r\n{}}\r\n", E_BAD_REQUEST),
	ROW(CHUNKED "2\r\n{}\r\n0\r\n\n", E_BAD_REQUEST),
	ROW(CHUNKED "0\r\nX: a\n\r\n", E_BAD_REQUEST),
	ROW(CHUNKED "0000000000000002\r\n{}", E_BODY_TOO_LARGE),
	ROW(CHUNKED "ffffffffffffffffff\r\n", E_BODY_TOO_LARGE),
};

static int scanned(const struct row *row, size_t cut)
{
	struct framing framing;

	framing_init(&framing, MEMORY);
	framing_scan(&framing, row->bytes, cut);
	if (!framing.fault)
		framing_scan(&framing, row->bytes + cut, row->len - cut);
	return framing.fault;
}

START_TEST(a_request_is_accepted_or_refused_however_its_bytes_arrive)
{
	const struct row *row = &rows[_i];
	struct framing framing;

	for (size_t cut = 0; cut <= row->len; cut++)
		ck_assert_msg(scanned(row, cut) == row->fault, "row %d cut at %zu: %d", _i, cut,
			scanned(row, cut));
	framing_init(&framing, MEMORY);
	for (size_t i = 0; i < row->len && !framing.fault; i++)
		framing_scan(&framing, row->bytes + i, 1);
	ck_assert_int_eq(framing.fault, row->fault);
}
END_TEST

START_TEST(the_requests_before_a_faulty_one_are_passed_on)
{
	static const char good[] = CHUNKED "2\r\n{}\r\n0\r\n\r\n" GET_LINE "Host: x\r\n\r\n";
	static const char bad[] = GET_LINE "X : y\r\n\r\n";
	char both[512];
	struct framing framing;

	framing_init(&framing, MEMORY);
	snprintf(both, sizeof(both), "%s%s", good, bad);
	ck_assert_uint_eq(framing_scan(&framing, both, strlen(both)), sizeof(good) - 1);
	ck_assert_int_eq(framing.fault, E_BAD_REQUEST);
	ck_assert_uint_eq(framing.target_len, 2);
	ck_assert(strncmp(framing.target, "/a", 2) == 0);
}
END_TEST

/* The fault of `head`, then `unit` again and again, before the whole exceeds `most` bytes. */
static int fault_of_endless(const char *head, const char *unit, size_t most)
{
	struct framing framing;

	framing_init(&framing, MEMORY);
	framing_scan(&framing, head, strlen(head));
	for (size_t sent = 0; sent < most && !framing.fault; sent += strlen(unit))
		framing_scan(&framing, unit, strlen(unit));
	return framing.fault;
}

START_TEST(no_part_of_a_request_may_be_endless)
{
	ck_assert_int_eq(fault_of_endless("GET /", "a", URL_MAX + 1), E_URI_TOO_LONG);
	ck_assert_int_eq(fault_of_endless("GET /?", "a=1&", URL_MAX + 4), E_URI_TOO_LONG);
	ck_assert_int_eq(fault_of_endless(GET_LINE "X: ", "a", MEMORY), E_HEADERS_TOO_LARGE);
	ck_assert_int_eq(fault_of_endless(GET_LINE, "X: y\r\n", MEMORY / 8), E_HEADERS_TOO_LARGE);
	ck_assert_int_eq(fault_of_endless(GET_LINE "X:", " ", MEMORY), E_HEADERS_TOO_LARGE);
	ck_assert_int_eq(fault_of_endless(GET_LINE, "X", MEMORY), E_HEADERS_TOO_LARGE);
	ck_assert_int_eq(
		fault_of_endless(GET_LINE "Cookie: ", "a=1;", MEMORY / 16), E_HEADERS_TOO_LARGE);
	ck_assert_int_eq(fault_of_endless(CHUNKED "2;", "x", CHUNK_LINE_MAX + 1), E_BAD_REQUEST);
	ck_assert_int_eq(fault_of_endless(CHUNKED, "0", 32), E_BODY_TOO_LARGE);
	ck_assert_int_eq(
		fault_of_endless(CHUNKED "0\r\n", "X: y\r\n", MEMORY / 8), E_HEADERS_TOO_LARGE);
	ck_assert_int_eq(fault_of_endless(CHUNKED, "1\r\na\r\n", 1 << 20), 0);
}
END_TEST

START_TEST(a_request_with_room_for_its_response_is_accepted_whatever_follows)
{
	static const char line[] = GET_LINE "X: ";
	size_t len = MEMORY - ANSWER_ROOM - 64 - sizeof(line) - 4;
	struct framing framing;
	char *head = malloc(len + 64);

	framing_init(&framing, MEMORY);
	memcpy(head, line, sizeof(line) - 1);
	memset(head + sizeof(line) - 1, 'a', len);
	memcpy(head + sizeof(line) - 1 + len, "\r\n\r\n", 4);
	framing_scan(&framing, head, sizeof(line) - 1 + len + 4);
	ck_assert_int_eq(framing.fault, 0);
	framing_scan(&framing, head, sizeof(line) - 1 + len + 4);
	ck_assert_int_eq(framing.fault, 0);
	free(head);
}
END_TEST

/* The fault of a request whose line holds `byte` at a place of its target, or of a value. */
static int fault_of_byte(const char *head, size_t place, unsigned char byte)
{
	static const char after[] = " HTTP/1.1\r\nHost: x\r\n\r\n";
	char request[128];
	size_t len = strlen(head);
	struct row row = { request, len + 24 + sizeof(after) - 1, 0 };

	memcpy(request, head, len);
	memset(request + len, 'x', 24);
	request[len + place] = (char)byte;
	memcpy(request + len + 24, after, sizeof(after) - 1);
	return scanned(&row, row.len);
}

/* Long runs are scanned eight bytes at a time. */
START_TEST(a_byte_is_judged_alike_at_every_place)
{
	unsigned char byte = (unsigned char)_i;
	bool visible = byte > ' ' && byte != 0x7f;

	for (size_t place = 0; place < 24; place++) {
		ck_assert_int_eq(fault_of_byte("GET /", place, byte), visible ? 0 : E_BAD_REQUEST);
		ck_assert_int_eq(fault_of_byte(GET_LINE "X: ", place, byte),
			visible || byte == ' ' || byte == '\t' ? 0 : E_BAD_REQUEST);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("http/framing");
	TCase *tests = tcase_create("framing");

	tcase_add_loop_test(tests, a_request_is_accepted_or_refused_however_its_bytes_arrive, 0,
		(int)(sizeof(rows) / sizeof(*rows)));
	tcase_add_test(tests, the_requests_before_a_faulty_one_are_passed_on);
	tcase_add_test(tests, no_part_of_a_request_may_be_endless);
	tcase_add_test(tests, a_request_with_room_for_its_response_is_accepted_whatever_follows);
	tcase_add_loop_test(tests, a_byte_is_judged_alike_at_every_place, 0, 256);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
