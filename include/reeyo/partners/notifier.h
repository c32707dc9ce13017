/* SPDX-License-Identifier: MIT
 *
 * Outgoing messages: text messages, e-mails and push messages, through the providers that the
 * configuration names (`sms`, `mail`, `push`).
 *
 * Every message ends with exactly one of four outcomes. Without a provider, or without its
 * credentials, it is logged and skipped; that is not an error for the caller. In production neither
 * addresses nor texts are logged.
 *
 * All functions: the loop's own thread.
 */
#ifndef REEYO_PARTNERS_NOTIFIER_H
#define REEYO_PARTNERS_NOTIFIER_H

#include "reeyo/domain/message.h"
#include "reeyo/loop/app.h"
#include "reeyo/partners/client.h"
#include "reeyo/partners/templates.h"

struct notifier;
/* templates: must outlive it. Needs app->client, app->pool and app->config. 0, E_NO_MEMORY, or
 * E_CONFIG (a service account that cannot be read; logged). */
int notifier_new(
	struct app *app, const struct templates *templates, struct notifier **ret) MUST_CHECK;
/* Before the client is freed; messages under way are dropped. Its timers must still close, so the
 * loop must turn once. NULL is allowed. */
void notifier_free(struct notifier *notifier);
const struct templates *notifier_templates(const struct notifier *notifier);
/* Messages of this channel are sent to a provider whose credentials are set, or logged in
 * development. */
bool notifier_channel_enabled(const struct notifier *notifier, enum channel channel);
/* The channels that are enabled, as BY_ flags. */
unsigned notifier_channels(const struct notifier *notifier);
/* Messages of this channel are only logged: it reaches nobody, so there is nothing to repeat. */
bool notifier_channel_logs(const struct notifier *notifier, enum channel channel);
/* Logs a message of such a channel. to: who would have received it; name: NULL: "message". */
void notifier_log(enum channel channel, const char *to, const struct rendered *content,
	const char *name, const char *skipped);
/* False while the provider does not answer: a queue should wait. */
bool notifier_channel_available(const struct notifier *notifier, enum channel channel);

/* --- Messages ----------------------------------------------------------------------------------
 */

enum send_outcome {
	OUTCOME_SENT,   /* the provider accepted it */
	OUTCOME_RETRY,  /* no answer, 5xx, 429, or our credentials are refused */
	OUTCOME_DEAD,   /* it can never be sent: a bad number, an unregistered device */
	OUTCOME_SKIPPED /* no provider is configured */
};

/* The seconds from notifier_send to the outcome, at most: the token of Firebase, the queue and the
 * request take up to 30 s each. */
#define NOTIFIER_SEND_MAX_S 90

struct send_result {
	enum send_outcome outcome;
	bool gone;             /* DEAD, and the address is invalid: delete it */
	bool untried;          /* RETRY, and the provider received no request */
	int64_t retry_after_s; /* RETRY: not before that; 0: at any time */
	const char *why;       /* not SENT: for the log and the row, without address or text; valid
				* during done */
};

/* One message to one address. Embedded in its owner; it and its texts must live until done. */
struct outgoing_message {
	enum channel channel;
	const char *to; /* +237#########, an e-mail address, a device's token */
	struct rendered content;
	const char *data;   /* push: a JSON object of texts, or NULL */
	int64_t life_s;     /* push: the provider drops it afterwards; 0: never */
	const char *log_as; /* name in the log in development; NULL: "message" */
	void (*done)(struct outgoing_message *message, const struct send_result *send_result);
	void *owner;
	/* private */
	struct notifier *notifier;
	struct client_call call;
	struct outgoing_message *next;
};
/* done may be called before it returns. */
void notifier_send(struct notifier *notifier, struct outgoing_message *message);
/* Cancels it: done is not called. */
void notifier_cancel(struct outgoing_message *message);

/* --- One-time codes --------------------------------------------------------------------------- */

/* Sends a message that must neither wait in a queue nor be stored (one-time codes): now, and again
 * after 1, 4 and 15 s while the outcome is RETRY; at most 256 of a loop wait for that. Failures are
 * logged only. params: words of the message and their values, in pairs, ending with NULL. */
void notifier_send_code(struct notifier *notifier, enum message_kind message, enum channel channel,
	enum language language, const char *to, const char *const *params);

#endif
