/* SPDX-License-Identifier: MIT
 *
 * Private to the gateway. gateway.c sends calls and keeps the token, history.c reads the history
 * day by day, transaction.c parses a transaction, callback.c verifies callbacks.
 */
#ifndef REEYO_SRC_PARTNERS_OPERATION_H
#define REEYO_SRC_PARTNERS_OPERATION_H

#include "reeyo/partners/gateway.h"

enum dialect { CAMPAY, UPSTREAM, DIALECTS };

struct gateway_operation {
	const char *method;
	const char *path[DIALECTS];                       /* {}: the gateway's reference */
	json_t *(*body)(const struct gateway_call *call); /* NULL: none */
	/* Handles a 2xx response that is not one transaction, and completes the call. NULL: the
	 * response is one transaction. */
	void (*take)(struct gateway_call *call, const struct client_answer *answer);
	size_t max_answer;
	const char *too_large; /* the reason given for a longer response */
};

/* The reason given for an unreadable response. */
#define NO_TRANSACTION "the gateway's response contains no transaction"

void gateway_start(
	struct gateway *gateway, struct gateway_call *call, const struct gateway_operation *verb);
void gateway_complete(struct gateway_call *call, enum gateway_outcome outcome, const char *why);

/* Parses a day of the history on the work pool, which may outlive the gateway. */
int gateway_history_parse(struct gateway *gateway, struct gateway_history *history) MUST_CHECK;
/* The day is parsed. False: the gateway was freed meanwhile. */
bool gateway_history_parsed(struct gateway_history *history);

#endif
