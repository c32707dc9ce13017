/* SPDX-License-Identifier: MIT
 *
 * The frame of the fakes: stand-ins for services of others, each a program of its own that speaks
 * real HTTP on loopback. A fake says what its service does in one function; the frame listens,
 * keeps a log of what was asked, plays the faults that a test has written down for a path (or draws
 * them by chance from a seed), and does things later.
 *
 * Every connection has a thread, so an answer may sleep. Functions may be called from any thread;
 * what a fake keeps it guards with fake_lock.
 */
#ifndef REEYO_TESTS_FAKES_FAKE_H
#define REEYO_TESTS_FAKES_FAKE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fake_request {
	const char *method;
	const char *path;      /* without query and without a slash at its end */
	const char *query;     /* raw; "" when there is none */
	const char *body;      /* NUL-terminated */
	size_t body_len;
	const json_t *json;    /* the body as JSON, or NULL */
	const json_t *fault;   /* of this request, when the frame knows nothing of its name; NULL:
	                        * none */
	struct fake_exchange *exchange; /* the frame's own */
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
	/* Forgets everything (POST /_reset, and at the end). NULL: there is nothing but what the
	 * frame keeps. */
	void (*reset)(void);
	const struct fake_flag *flags;   /* its own, until one without a name; NULL: none */
	/* Faults drawn with --faults PERCENT, as in a script:
	 * {"path":"/x","fault":"slow","ms":500}, until NULL. */
	const char *const *chances;
};

/* main() of a fake: `--port N` (0: a free one), `--seed N`, `--faults PERCENT` and its own flags.
 * Prints `listening PORT` and runs until SIGTERM. */
int fake_main(const struct fake *fake, int argc, char **argv);

/* --- An answer -------------------------------------------------------------------------------- */

/* Takes the reference of `body` (NULL: none). */
void fake_reply(struct fake_request *rq, int status, json_t *body);
void fake_reply_text(struct fake_request *rq, int status, const char *type, const char *text);
/* For the answer to come; "" when absent. Valid until the reply. */
const char *fake_header(const struct fake_request *rq, const char *name);
/* A member of a form body, or of the query; NULL when absent. The caller frees it. */
char *fake_form(const char *form, const char *name);
/* Whether this request's fault is that, of those the frame does not know. */
bool fake_fault_is(const struct fake_request *rq, const char *fault);

/* Keeps what was sent, for GET /_taken; takes the reference. */
void fake_take(json_t *what);

/* --- State, time and chance ------------------------------------------------------------------- */

void fake_lock(void);
void fake_unlock(void);
/* Sleeps; ends early when the fake ends. */
void fake_sleep(int ms);
/* Calls does(what) after so long on a thread of the frame's; at the end of the fake what is left is
 * forgotten by drop. */
void fake_later(int ms, void (*does)(void *what), void (*drop)(void *what), void *what);
/* Makes a call: status, or 0 without an answer. header: one more header line, or NULL. body NULL: a
 * GET. */
long fake_call(const char *url, const char *header, const char *body);
/* 0 … below-1, from the seed. */
unsigned fake_chance(unsigned below);

/* --- Signing ---------------------------------------------------------------------------------- */

/* Hex HMAC-SHA256. */
void fake_hmac(const char *key, const char *data, size_t len, char out[65]);
/* An HS256 token of the claims; the caller frees it. */
char *fake_jwt(const char *key, const json_t *claims);

#endif
