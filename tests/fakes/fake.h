/* SPDX-License-Identifier: MIT
 *
 * The common part of the fakes. A fake is a program that replaces another company's service and
 * speaks real HTTP on loopback. It implements the service in one function. This part listens, logs
 * requests, applies the faults that a test sets for a path (or draws them at random from a seed),
 * and runs delayed work.
 *
 * Every connection has a thread, so a response may sleep. Functions may be called from any thread;
 * fake_lock guards the state of a fake.
 */
#ifndef REEYO_TESTS_FAKES_FAKE_H
#define REEYO_TESTS_FAKES_FAKE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fake_request {
	const char *method;
	const char *path;  /* without query and without a slash at its end */
	const char *query; /* raw; "" when there is none */
	const char *body;  /* NUL-terminated */
	size_t body_len;
	const json_t *json;             /* the body as JSON, or NULL */
	const json_t *fault;            /* of this request, when it is not a common fault; NULL:
					 * none */
	struct fake_exchange *exchange; /* private to fake.c */
};

/* A command-line flag `--name VALUE`. */
struct fake_flag {
	const char *name;
	const char **value;
	const char *help;
};

struct fake {
	const char *name;
	/* Answers one request, by exactly one fake_reply. */
	void (*answer)(struct fake_request *rq);
	/* Clears all state (POST /_reset, and at the end). NULL: there is no state but what the
	 * frame keeps. */
	void (*reset)(void);
	const struct fake_flag *flags; /* its own flags; ends with a NULL name; NULL: none */
	/* Faults drawn with --faults PERCENT, as in a script:
	 * {"path":"/x","fault":"slow","ms":500}, until NULL. */
	const char *const *chances;
};

/* main() of a fake: `--port N` (0: a free one), `--seed N`, `--faults PERCENT` and its own flags.
 * Prints `listening PORT` and runs until SIGTERM. */
int fake_main(const struct fake *fake, int argc, char **argv);

/* --- Responses -------------------------------------------------------------------------------- */

/* Takes the reference of `body` (NULL: none). */
void fake_reply(struct fake_request *rq, int status, json_t *body);
void fake_reply_text(struct fake_request *rq, int status, const char *type, const char *text);
/* A request header; "" when absent. Valid until the reply. */
const char *fake_header(const struct fake_request *rq, const char *name);
/* A member of a form body, or of the query; NULL when absent. The caller frees it. */
char *fake_form(const char *form, const char *name);
/* Whether this request has that fault; not for the common faults. */
bool fake_fault_is(const struct fake_request *rq, const char *fault);

/* Keeps a message for GET /_taken; takes the reference. */
void fake_take(json_t *what);

/* --- State, time, randomness ------------------------------------------------------------------ */

void fake_lock(void);
void fake_unlock(void);
/* Sleeps; returns early when the fake stops. */
void fake_sleep(int ms);
/* Calls does(what) after a delay, on another thread. When the fake stops, drop(what) is called
 * instead for the rest. */
void fake_later(int ms, void (*does)(void *what), void (*drop)(void *what), void *what);
/* Sends a request: the status, or 0 without a response. header: one more header line, or NULL. body
 * NULL: a GET. */
long fake_call(const char *url, const char *header, const char *body);
/* A random number, 0 … below-1, from the seed. */
unsigned fake_chance(unsigned below);

/* --- Signing ---------------------------------------------------------------------------------- */

/* Hex HMAC-SHA256. */
void fake_hmac(const char *key, const char *data, size_t len, char out[65]);
/* An HS256 token of the claims; the caller frees it. */
char *fake_jwt(const char *key, const json_t *claims);

#endif
