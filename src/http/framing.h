/* SPDX-License-Identifier: MIT
 *
 * The framing of HTTP/1 requests: where each one begins and ends. The scanner reads the bytes of a
 * connection before libmicrohttpd parses them, as they arrive and in pieces of any size, and accepts
 * only what RFC 9112 lets no two parsers read differently: CRLF at the end of each line, one space
 * between the parts of the request line, no control characters, no folded headers, one length, chunk
 * lines of bounded length. So libmicrohttpd never meets a request that it would refuse in its own
 * words, read differently from us, or wait for without end.
 *
 * It also counts what a request takes of the connection's memory, which libmicrohttpd shares between
 * the request's head and the head of the answer: a request that would leave no room for an answer
 * is refused before a handler runs.
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
/* Room kept for the head of an answer, in bytes. The longest of ours takes 2,693: the log-in of an
 * admin with the longest e-mail, from a page with the longest host name, with two cookies and
 * rate-limit headers. */
#define ANSWER_ROOM 2816

struct framing {
	uint64_t left;      /* bytes of the body, or of the chunk, still to come */
	size_t memory;      /* the connection's memory pool, in bytes */
	size_t cost;        /* what the current request takes of it so far */
	unsigned requests;  /* whole ones so far; wraps */
	unsigned line;      /* bytes of the part that is being read */
	uint8_t state, next;
	uint8_t known;      /* headers whose name the current line may still be, as bits */
	uint8_t match;      /* letters of "chunked" that were read */
	bool trailer, length, chunked, coded, old; /* coded: Transfer-Encoding, old: HTTP/1.0 */
	int fault;          /* enum err, or 0: nothing more is read of this connection */
	const char *why;    /* what is wrong, in English; static */
	const char *target; /* of the last request, inside the bytes just scanned; NULL: not there */
	size_t target_len;
};

void framing_init(struct framing *framing, size_t memory);
/* Reads the next len bytes. Returns how many may be passed on: all of them, or after a fault
 * (framing->fault is set) those before the request that is at fault, 0 when it began earlier. */
size_t framing_scan(struct framing *framing, const char *at, size_t len);
/* True when the first byte of a request has arrived and its last has not. */
bool framing_begun(const struct framing *framing);
/* True while the target goes on in the bytes to come. */
bool framing_in_target(const struct framing *framing);

#endif
