/* SPDX-License-Identifier: MIT
 *
 * What a provider is to the post: a word of the configuration, and the request for a letter.
 */
#ifndef REEYO_SRC_PARTNERS_PROVIDER_H
#define REEYO_SRC_PARTNERS_PROVIDER_H

#include "reeyo/partners/post.h"

struct fcm;

#define LETTER_MEMORY (256u << 10)
#define CODE_MAX 40

struct provider {
	const char *word; /* of `sms`, `mail` or `push` */
	enum channel channel;
	bool (*ready)(const struct config *config); /* its credentials are set */
	/* Makes the request, ending in post_call or post_done. arena: of this letter, gone on
	 * return. */
	void (*send)(struct post *post, struct letter *letter, struct arena *arena);
	/* A refusal that means the address itself; NULL: none does. */
	bool (*gone)(const struct client_answer *answer);
	/* A 4xx that may change by itself, beyond 408 and 429; NULL: none. */
	bool (*passing)(const struct client_answer *answer);
	/* A call was answered 401; NULL: nothing to do about it. */
	void (*unauthorised)(struct post *post, const struct client_answer *answer);
	/* Writes what the provider calls its refusal; leaves `out` when it does not say. json: of
	 * the answer, or NULL. */
	void (*code)(const struct client_answer *answer, const json_t *json, char out[CODE_MAX]);
	/* More than the provider itself must answer, and does; NULL: no more. */
	bool (*up)(const struct post *post);
};
extern const struct provider provider_twilio, provider_sendgrid, provider_fcm, provider_sns;

struct post {
	struct app *app;
	const struct config *config;
	const struct wordings *wordings;
	const struct provider *provider[CHANNELS]; /* NULL: none, or without credentials */
	struct partner *partner[CHANNELS];
	bool shows[CHANNELS];                      /* texts may be logged: development */
	struct fcm *fcm;
	struct prompts *prompts;
};

/* Ends a letter that was never offered to the provider: to be sent again, and no try of it. */
void post_untried(struct letter *letter, const char *why);
/* Sends letter->call (method, url, headers, body, authorisation filled in), and then ends the
 * letter by the answer. */
void post_call(struct letter *letter);
void post_done(struct letter *letter, enum letter_end outcome, const char *why);

/* Appends name=value to an urlencoded form. */
void form_add(struct buf *form, const char *name, const char *value);
/* The answer's text holds a word. */
bool answer_has(const struct client_answer *answer, const char *word);

/* fcm.c: reads the account; E_CONFIG is logged. Without fcm_account: nothing. */
int fcm_open(struct post *post) MUST_CHECK;
void fcm_close(struct post *post);
/* A letter that waits for the token no longer does. */
void fcm_forget(struct letter *letter);
/* prompt.c */
int prompts_open(struct post *post) MUST_CHECK;
void prompts_close(struct post *post);

#endif
