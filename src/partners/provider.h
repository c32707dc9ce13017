/* SPDX-License-Identifier: MIT
 *
 * The interface between notifier.c and the message providers.
 */
#ifndef REEYO_SRC_PARTNERS_PROVIDER_H
#define REEYO_SRC_PARTNERS_PROVIDER_H

#include "reeyo/partners/notifier.h"

struct fcm;

#define NOTIFIER_REQUEST_MEMORY (256u << 10)
#define CODE_MAX 40

struct provider {
	const char *word; /* of `sms`, `mail` or `push` */
	enum channel channel;
	bool (*ready)(const struct config *config); /* whether its credentials are set */
	/* Builds the request and calls notifier_call or notifier_done. arena: freed on return. */
	void (*send)(
		struct notifier *notifier, struct outgoing_message *message, struct arena *arena);
	/* Whether a refusal means that the address is invalid for good; NULL: never. */
	bool (*gone)(const struct client_answer *answer);
	/* Whether a 4xx other than 408 and 429 is transient; NULL: never. */
	bool (*passing)(const struct client_answer *answer);
	/* Called after a 401; NULL: nothing to do. */
	void (*unauthorised)(struct notifier *notifier, const struct client_answer *answer);
	/* Writes the provider's error code, or leaves `out` unchanged. json: of the response, or
	 * NULL. */
	void (*code)(const struct client_answer *answer, const json_t *json, char out[CODE_MAX]);
	/* Whether other services that it needs are available; NULL: it needs none. */
	bool (*up)(const struct notifier *notifier);
};
extern const struct provider provider_twilio, provider_sendgrid, provider_fcm, provider_sns;

struct notifier {
	struct app *app;
	const struct config *config;
	const struct templates *templates;
	const struct provider *provider[CHANNELS]; /* NULL: not configured */
	struct partner *partner[CHANNELS];
	bool shows[CHANNELS]; /* log the texts (development) */
	struct fcm *fcm;
	struct otp_sender *otp_sender;
};

/* Ends a message that was not sent to the provider: RETRY, and no attempt is counted. */
void notifier_untried(struct outgoing_message *message, const char *why);
/* Sends message->call (its method, url, headers, body and credentials are set), then ends the
 * message by the response. */
void notifier_call(struct outgoing_message *message);
void notifier_done(struct outgoing_message *message, enum send_outcome outcome, const char *why);

/* Appends name=value to an urlencoded form. */
void form_add(struct buf *form, const char *name, const char *value);
/* Whether the response's body contains a word. */
bool answer_has(const struct client_answer *answer, const char *word);

/* fcm.c: reads the service account; E_CONFIG is logged. Does nothing without fcm_account. */
int fcm_open(struct notifier *notifier) MUST_CHECK;
void fcm_close(struct notifier *notifier);
/* Removes a message from those that wait for the token. */
void fcm_cancel(struct outgoing_message *message);
/* otp_sender.c */
int otp_sender_open(struct notifier *notifier) MUST_CHECK;
void otp_sender_close(struct notifier *notifier);

#endif
