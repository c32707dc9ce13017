/* SPDX-License-Identifier: MIT
 *
 * Inside the gateway: what its files share. gateway.c sends calls and keeps the token, history.c
 * reads the gateway's list of a day, told.c and heard.c what it says of one transaction.
 */
#ifndef REEYO_PARTNERS_VERB_H
#define REEYO_PARTNERS_VERB_H

#include "reeyo/partners/gateway.h"

enum dialect { CAMPAY, UPSTREAM, DIALECTS };

struct gateway_verb {
	const char *method;
	const char *path[DIALECTS]; /* {}: the gateway's reference */
	json_t *(*body)(const struct gateway_call *call); /* NULL: none */
	/* A 2xx that names no transaction: takes it over and ends the call. NULL: it names one. */
	void (*take)(struct gateway_call *call, const struct client_answer *answer);
	size_t max_answer;
	const char *too_large; /* why a longer one cannot be read */
};

/* Why an answer is GATEWAY_UNCERTAIN that is none. */
#define NOTHING_SAID "the gateway's answer says nothing"

void gateway_begin(struct gateway *gateway, struct gateway_call *call,
	const struct gateway_verb *verb);
void gateway_tell(struct gateway_call *call, enum gateway_outcome outcome, const char *why);

/* A day of the history is read by the work pool, which may take longer than the gateway lives. */
int gateway_work(struct gateway *gateway, struct gateway_history *history) MUST_CHECK;
/* It has been read. False: the gateway is gone. */
bool gateway_worked(struct gateway_history *history);

#endif
