/* SPDX-License-Identifier: MIT
 *
 * The mobile-money gateway (Campay, both dialects; contract §8): collect from a phone, withdraw to
 * a phone, ask what became of it, and check what it tells us. Nothing here knows of wallets or
 * orders, and nothing is stored: who calls has written his intent before, under a reference of ours
 * (`external`) that the gateway keeps with the transaction.
 *
 * The token is fetched once for all calls of a loop that need it, kept until shortly before it
 * ends, and fetched anew once when a call is answered 401.
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
/* 0 or E_NO_MEMORY. Without campay_username it is there and off. */
int gateway_new(struct loop *loop, struct client *client, const struct config *config,
	struct gateway **ret) MUST_CHECK;
/* After its client, which ends the calls that are under way. NULL is allowed. */
void gateway_free(struct gateway *gateway);
/* Credentials are set. */
bool gateway_on(const struct gateway *gateway);
/* … and its breaker is closed: a call would be made. */
bool gateway_up(const struct gateway *gateway);

#define GATEWAY_REFERENCE_SIZE 101 /* of the gateway's; longer ones are none */

enum gateway_state { GATEWAY_PENDING, GATEWAY_SUCCESSFUL, GATEWAY_FAILED };
/* "PENDING", as statements take it. Any thread */
const char *gateway_state_word(enum gateway_state state);

/* A transaction as the gateway tells it. Texts valid during the callback; absent ones TEXT_NONE. */
struct gateway_told {
	enum gateway_state state;
	struct text reference;  /* the gateway's */
	struct text external;   /* ours */
	struct text ussd_code;  /* what the customer dials to confirm (collect) */
	struct text operator;   /* "MTN" or "ORANGE" */
	struct text reason;     /* why it failed, in the gateway's words */
	int64_t amount;         /* XAF; -1: not told, or not a whole number */
};

enum gateway_outcome {
	GATEWAY_TOLD,      /* `told` holds; of collect and withdraw always with a reference */
	GATEWAY_REFUSED,   /* the gateway says no, and did nothing: bad number, too little, unknown
	                    * reference; `why` */
	GATEWAY_UNREACHED, /* it has not done it: E_BUSY, breaker, no connection, no token, 401,
	                    * 429. May be repeated */
	GATEWAY_UNCERTAIN  /* no answer to a request that may have arrived, one that is none, a 409
	                    * (our reference is known), or a 5xx: ask again, do not repeat */
};
struct gateway_answer {
	enum gateway_outcome outcome;
	struct gateway_told told;
	const char *why;        /* for the log and for `failure`; valid during the callback */
};

/* Embedded in its owner, which lives until done; texts that it points to live as long. */
struct gateway_call {
	const char *phone;       /* +237#########: who pays (collect) or gets (withdraw) */
	int64_t amount;          /* XAF, > 0 */
	const char *external;    /* our reference, of at most 40 characters */
	const char *description;
	const char *reference;   /* gateway_ask: the gateway's */
	void (*done)(struct gateway_call *call, const struct gateway_answer *answer);
	void *owner;
	/* the gateway's own */
	struct client_call http;
	struct gateway *gateway;
	struct gateway_call *next;
	const struct gateway_verb *verb;
	unsigned token;          /* serial number of the one it was sent with */
	bool tried_again;
};
/* Each ends in exactly one done, never within. */
void gateway_collect(struct gateway *gateway, struct gateway_call *call);
void gateway_withdraw(struct gateway *gateway, struct gateway_call *call);
/* What became of a transaction, by the gateway's reference. */
void gateway_ask(struct gateway *gateway, struct gateway_call *call);

/* Transactions of some days, as the gateway's side of the books. Campay: POST /history/
 * {start_date, end_date}, asked day by day, since it knows no pages; a day of more than 64 MB (some
 * 50,000 transactions) cannot be read. `external` may be absent there. Embedded in its owner, which
 * lives until done. */
struct gateway_history {
	char from[CLOCK_DAY_SIZE], to[CLOCK_DAY_SIZE]; /* both included */
	/* Once for each transaction, on a thread of the work pool: what it touches, the loop leaves
	 * alone until done. */
	void (*each)(struct gateway_history *history,
		const struct gateway_told *told, bool withdrawal);
	/* Anything but GATEWAY_TOLD: not all of it was told, `why`. GATEWAY_REFUSED: it may have no
	 * history (upstream dialect). GATEWAY_UNREACHED: the gateway may be gone. */
	void (*done)(struct gateway_history *history,
		enum gateway_outcome outcome, const char *why);
	void *owner;
	/* the gateway's own */
	struct gateway_call call;
	struct work work;
	struct gateway_history *next;
	char day[CLOCK_DAY_SIZE];
	char *body;
	size_t len;
	bool sound;
};
void gateway_list(struct gateway *gateway, struct gateway_history *history);

/* What a callback says, when it is the gateway's.
 *
 * signature: of the header; NULL: the member or parameter `signature`. Either 64 hex digits, the
 * HMAC-SHA256 under the app key, or an HS256 token under the webhook key (another algorithm, none
 * included, and one that has expired, are refused; claims named as what the callback says must say
 * the same). Compared in constant time. A key that is not configured believes nothing. raw: the
 * body as it came, or, with body NULL, the query of a GET (or a form). The HMAC is that of the raw
 * bytes; of a query those without the parameter `signature` and its `&`. body: raw as parsed; NULL:
 * raw is a query.
 *
 * 0, E_BAD_SIGNATURE, E_MALFORMED_JSON (no reference and no external_reference in it) or
 * E_NO_MEMORY. The texts of *ret live in the arena. A believed callback is a hint to ask, not a
 * proof: it may be old. Any thread that owns the arena. */
int gateway_heard(const struct config *config, struct arena *arena, const char *signature,
	struct text raw, const json_t *body, struct gateway_told *ret) MUST_CHECK;

#endif
