/* SPDX-License-Identifier: MIT
 *
 * Messages out: text messages, e-mails and push messages through whoever the configuration names
 * (`sms`, `mail`, `push`).
 *
 * A letter ends in exactly one of four ways. Without a provider, or without its credentials, it is
 * logged and skipped: that is never an error of whoever sends. In production neither addresses nor
 * texts come into the log.
 *
 * All functions: the loop's own thread.
 */
#ifndef REEYO_PARTNERS_POST_H
#define REEYO_PARTNERS_POST_H

#include "reeyo/domain/message.h"
#include "reeyo/loop/app.h"
#include "reeyo/partners/client.h"
#include "reeyo/partners/wordings.h"

struct post;
/* The wordings live as long as the post; app->client, app->pool and app->config are there. 0,
 * E_NO_MEMORY, or E_CONFIG (a service account that cannot be read; logged). */
int post_new(struct app *app, const struct wordings *wordings, struct post **ret) MUST_CHECK;
/* Before the client is freed; letters under way are forgotten. Its timers must still close, so the
 * loop must turn once.
 * NULL is allowed. */
void post_free(struct post *post);
const struct wordings *post_wordings(const struct post *post);
/* Letters of this channel go somewhere: to a provider whose credentials are set, or to
 * development's log. */
bool post_on(const struct post *post, enum channel channel);
/* … and now: false while the provider does not answer, so that a queue had better wait. */
bool post_up(const struct post *post, enum channel channel);

/* --- Letters ---------------------------------------------------------------------------------- */

enum letter_end {
	OUTCOME_SENT,    /* the provider has taken it */
	OUTCOME_RETRY,   /* no answer, 5xx, 429, or our credentials are refused */
	OUTCOME_DEAD,    /* it will never be taken: a bad number, an unregistered device */
	OUTCOME_SKIPPED  /* there is no provider */
};

/* A letter has ended so many seconds after post_send: Firebase's token, its turn and its call take
 * at most 30 s each. */
#define POST_LETTER_S 90

struct receipt {
	enum letter_end outcome;
	bool gone;             /* DEAD, and so is the address: forget it */
	bool untried;          /* RETRY, and the provider was not even asked */
	int64_t retry_after_s; /* RETRY: not before; 0: whenever */
	const char *why;       /* not SENT: for the log and the row, without address or text; valid
	                        * during done */
};

/* Embedded in its owner; it and its texts live until done. */
struct letter {
	enum channel channel;
	const char *to;        /* +237#########, an e-mail address, a device's token */
	struct said said;
	const char *data;      /* push: a JSON object of texts, or NULL */
	int64_t life_s;        /* push: of no use to anybody afterwards; 0: always of use */
	const char *log_as;    /* what development's log calls it; NULL: "message" */
	void (*done)(struct letter *letter, const struct receipt *receipt);
	void *owner;
	/* the post's own */
	struct post *post;
	struct client_call call;
	struct letter *next;
};
/* done may come within. */
void post_send(struct post *post, struct letter *letter);
/* Forgets it: done is not called. */
void post_cancel(struct letter *letter);

/* --- At once ---------------------------------------------------------------------------------- */

/* Says something that must neither wait nor be written down (one-time codes): sent now, and again
 * after 1, 4 and 15 s while the outcome is RETRY; at most 256 of a loop wait for that. Never an
 * error of the caller. params: words and texts of the message, in pairs, ending with NULL. */
void post_tell(struct post *post, enum message_kind message, enum channel channel,
	enum language language, const char *to, const char *const *params);

#endif
