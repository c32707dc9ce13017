/* SPDX-License-Identifier: MIT
 *
 * The framing of HTTP/1 requests: where each one begins and ends. The scanner reads the bytes of
 * a connection before libmicrohttpd parses them, as they arrive and in pieces of any size. It
 * accepts only requests that no two parsers can read differently (RFC 9112): CRLF at the end of
 * each line, one space between the parts of the request line, no control characters, no folded
 * headers, one length, chunk lines of bounded length. So libmicrohttpd never gets a request that it
 * would refuse with its own error page, read differently from us, or wait for forever.
 *
 * It also counts the connection memory that a request uses. libmicrohttpd shares that memory
 * between the request's head and the response's head. A request that would leave no room for a
 * response is refused before a handler runs.
 *
 * Pure: no I/O, no allocation. One struct per connection.
 */
#ifndef REEYO_SRC_HTTP_FRAMING_H
#define REEYO_SRC_HTTP_FRAMING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Longest request target, in bytes: more is 414. */
#define URL_MAX 4096
/* Longest chunk line (size and extensions) without its CRLF, in bytes. */
#define CHUNK_LINE_MAX 256
/* Room reserved for the head of a response, in bytes. The longest one, an admin log-in with a very
 * long e-mail, from a page with a very long host name, with two cookies and rate-limit headers,
 * takes 2,720. */
#define ANSWER_ROOM 2816

struct framing {
	uint64_t left;     /* bytes of the body, or of the chunk, that have not arrived */
	size_t memory;     /* the connection's memory pool, in bytes */
	size_t cost;       /* memory used by the current request so far */
	unsigned requests; /* complete ones so far; wraps */
	unsigned line;     /* bytes of the current part */
	uint8_t state, next;
	uint8_t known; /* bits of the known headers that the current name still matches */
	bool trailer, length, chunked, coded, old; /* coded: Transfer-Encoding, old: HTTP/1.0 */
	int fault;          /* enum err, or 0; after a fault the connection is not read further */
	const char *why;    /* description of the fault, in English; static */
	const char *target; /* of the last request, inside the bytes just scanned, or NULL */
	size_t target_len;
};

void framing_init(struct framing *framing, size_t memory);
/* Reads the next len bytes. Returns how many may be passed on: all of them, or after a fault
 * (framing->fault is set) those before the faulty request, 0 when it began in earlier bytes. */
size_t framing_scan(struct framing *framing, const char *at, size_t len);
/* True when a request has started to arrive and is not complete. */
bool framing_begun(const struct framing *framing);
/* True when the target is not complete yet. */
bool framing_in_target(const struct framing *framing);

#endif
