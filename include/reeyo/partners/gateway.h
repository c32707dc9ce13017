/* SPDX-License-Identifier: MIT
 *
 * The mobile-money gateway (Campay, both dialects; contract §8): collect from a phone, withdraw to
 * a phone, query a transaction, and verify callbacks. It does not know wallets or orders and
 * stores nothing. The caller first writes its intent to the database under our reference
 * (`external`), which the gateway keeps with the transaction.
 *
 * All calls of a loop share one token. It is kept until shortly before it expires, and replaced
 * once when the gateway answers a call with 401.
 *
 * All functions: the loop's own thread, unless they say otherwise.
 */
#ifndef REEYO_PARTNERS_GATEWAY_H
#define REEYO_PARTNERS_GATEWAY_H

#include <jansson.h>

#include "reeyo/core/clock.h"
#include "reeyo/core/memory.h"
#include "reeyo/partners/client.h"

struct gateway;
/* 0 or E_NO_MEMORY. Without campay_username the gateway is not configured and refuses
 * all calls. */
int gateway_new(struct loop *loop, struct client *client, const struct config *config,
	struct gateway **ret) MUST_CHECK;
/* After client_free, which completes the calls in progress. NULL is allowed. */
void gateway_free(struct gateway *gateway);
/* Whether credentials are set. */
bool gateway_configured(const struct gateway *gateway);
/* Whether it is configured and its breaker is closed, so that a call would be sent. */
bool gateway_available(const struct gateway *gateway);

#define GATEWAY_REFERENCE_SIZE 101 /* of the gateway's reference; longer ones are ignored */

enum gateway_state { GATEWAY_PENDING, GATEWAY_SUCCESSFUL, GATEWAY_FAILED };

/* A transaction as the gateway reports it. Texts are valid during the callback; absent ones are
 * TEXT_NONE. */
struct gateway_transaction {
	enum gateway_state state;
	struct text reference; /* the gateway's */
	struct text external;  /* ours */
	struct text ussd_code; /* the code that the customer dials to confirm (collect) */
	struct text operator;  /* "MTN" or "ORANGE" */
	struct text reason;    /* why it failed, as the gateway writes it */
	int64_t amount;        /* XAF; -1: absent, or not a whole number */
};

enum gateway_outcome {
	GATEWAY_ANSWERED,  /* `transaction` is set; after collect and withdraw it has a reference */
	GATEWAY_REFUSED,   /* the gateway rejected the request and did nothing: bad number, amount
			    * too small, unknown reference; see `why` */
	GATEWAY_UNREACHED, /* the gateway did not process it: E_BUSY, breaker open, no connection,
			    * no token, 401, 429. May be repeated */
	GATEWAY_UNCERTAIN  /* the request may have been processed: no response, an unreadable one,
			    * 409 (our reference exists already) or 5xx. Query, do not repeat */
};
struct gateway_answer {
	enum gateway_outcome outcome;
	struct gateway_transaction transaction;
	const char *why; /* for the log and the column `failure`; valid during the callback */
};

/* Embedded in its owner. The owner and the texts must live until done. */
struct gateway_call {
	const char *phone;    /* +237#########: the payer (collect) or the payee (withdraw) */
	int64_t amount;       /* XAF, > 0 */
	const char *external; /* our reference, at most 40 characters */
	const char *description;
	const char *reference; /* gateway_query: the gateway's reference */
	void (*done)(struct gateway_call *call, const struct gateway_answer *answer);
	void *owner;
	/* private to the gateway */
	struct client_call http;
	struct gateway *gateway;
	struct gateway_call *next;
	const struct gateway_operation *verb;
	unsigned token; /* serial number of the token that it was sent with */
	bool tried_again;
};
/* Each calls done exactly once, never within the function. */
void gateway_collect(struct gateway *gateway, struct gateway_call *call);
void gateway_withdraw(struct gateway *gateway, struct gateway_call *call);
/* Queries a transaction by the gateway's reference. */
void gateway_query(struct gateway *gateway, struct gateway_call *call);

/* The gateway's transactions of some days. Campay: POST /history/ {start_date, end_date}. It has no
 * paging, so one request reads one day; a day of more than 64 MB (about 50,000 transactions) cannot
 * be read. `external` may be absent. Embedded in its owner, which must live until done. */
struct gateway_history {
	char from[CLOCK_DAY_SIZE], to[CLOCK_DAY_SIZE]; /* both included */
	/* Called for each transaction on a thread of the work pool. The loop must not use the data
	 * that it writes until done. */
	void (*each)(struct gateway_history *history, const struct gateway_transaction *transaction,
		bool withdrawal);
	/* Any outcome but GATEWAY_ANSWERED: the history is incomplete, see `why`. GATEWAY_REFUSED:
	 * the gateway may have no history (upstream dialect). GATEWAY_UNREACHED: the gateway object
	 * may have been freed. */
	void (*done)(
		struct gateway_history *history, enum gateway_outcome outcome, const char *why);
	void *owner;
	/* private to the gateway */
	struct gateway_call call;
	struct work work;
	struct gateway_history *next;
	char day[CLOCK_DAY_SIZE];
	char *body;
	size_t len;
	bool valid;
};
void gateway_history_read(struct gateway *gateway, struct gateway_history *history);

/* Verifies the signature of a callback and reads its transaction.
 *
 * signature: of the header; NULL: the member or parameter `signature` is used. It is either 64 hex
 * digits, the HMAC-SHA256 with the app key, or a JWT (HS256) signed with the webhook key. Other
 * algorithms (`none` too) and expired tokens are refused; claims with the name of a member of the
 * callback must equal it. Compared in constant time. When the key is not configured, no signature
 * is valid. raw: the body as received, or, with body NULL, the query of a GET (or a form). The HMAC
 * covers the raw bytes; of a query those without the parameter `signature` and its `&`. body: raw
 * as parsed; NULL: raw is a query.
 *
 * 0, E_BAD_SIGNATURE, E_MALFORMED_JSON (no reference and no external_reference in it) or
 * E_NO_MEMORY. The texts of *ret live in the arena. A valid callback may be old, so it is only a
 * reason to query the gateway. Any thread that owns the arena. */
int gateway_callback_verify(const struct config *config, struct arena *arena, const char *signature,
	struct text raw, const json_t *body, struct gateway_transaction *ret) MUST_CHECK;

#endif
