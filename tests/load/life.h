/* SPDX-License-Identifier: MIT
 *
 * The requests of one order's life. The first places the order; its reply gives the order's id and
 * delivery code, which replace the marks in the requests after it. A mark is as long as its value,
 * so Content-Length stays right.
 */
#ifndef LOAD_LIFE_H
#define LOAD_LIFE_H

#include <stdbool.h>
#include <stddef.h>

#define ORDER_MARK "@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@"
#define CODE_MARK "~~~~"

enum { LIFE_TEXT = 8192 }; /* a longer first reply, or a longer request, is an error */

struct life {
	unsigned step; /* of the request under way; 0: the first */
	size_t reply_len;
	char order[sizeof(ORDER_MARK)], code[sizeof(CODE_MARK)];
	char reply[LIFE_TEXT], request[LIFE_TEXT];
};

void life_start(struct life *life);
/* Adds a part of a reply's body; only the first reply is kept. */
void life_reply_add(struct life *life, const char *part, size_t len);
/* Goes on to the next step. False: the first reply has no order id. */
bool life_continue(struct life *life);
/* The request of the present step, with the values in place of the marks; NULL: too long. */
const char *life_request(struct life *life, const char *bytes, size_t len);

#endif
