/* SPDX-License-Identifier: MIT
 *
 * Pay-outs: requests of owners, decisions of admins, and the gateway's part: send and check.
 * domain/payout_state.h has the rules. Each function reads the facts of a row, decides, and applies
 * the decision while the row is unchanged; otherwise it reads and decides again.
 *
 * The structs are embedded in their owner and must live until done, which is called exactly once,
 * never within the function. The texts that they point to must live as long.
 *
 * All functions: the loop's own thread.
 */
#ifndef REEYO_SERVICE_PAYOUTS_H
#define REEYO_SERVICE_PAYOUTS_H

#include "reeyo/core/id.h"
#include "reeyo/db/db.h"
#include "reeyo/domain/payout_state.h"
#include "reeyo/loop/app.h"
#include "reeyo/partners/gateway.h"

/* --- A row ------------------------------------------------------------------------------------ */

/* A pay-out as a statement read it. The texts of `facts` are in the buffers, so that a row must be
 * copied by payout_row_copy. */
struct payout_row {
	struct payout_facts facts;
	char id[ID_SIZE], version[24], kind[8], destination[64];
	char gateway_reference[GATEWAY_REFERENCE_SIZE], transaction_reference[512],
		discrepancy[1024], first_approved_by[ID_SIZE], first_resolved_by[ID_SIZE];
};
/* Reads a row of payout_read, payouts_send, payouts_due or payouts_take. */
void payout_row_read(struct payout_row *row, const struct db_result *result, unsigned n);
/* Copies a row; its texts then are in the copy's buffers. */
void payout_row_copy(struct payout_row *to, const struct payout_row *from);

/* --- Requests of owners ----------------------------------------------------------------------- */

struct payout_order {
	const char *kind, *owner_id; /* VENDOR or RIDER */
	int64_t amount;
	/* JSON of the bank details and their account number; NULL: the stored ones */
	const char *bank_details, *account_number;
	const char *idempotency_key, *fingerprint; /* NULL: none */
	/* error: 0; E_ACCOUNT_GONE, E_SUSPENDED, E_PHONE_UNVERIFIED (riders), E_PAYOUT_MINIMUM
	 * (see `limit`), E_PAYOUT_ACCOUNT (no destination), E_PAYOUT_SHORT, E_PAYOUT_MANY, or of
	 * the database. payout: JSON; TEXT_NONE without an error: the key was used already, and its
	 * reply is to be replayed. Valid during the call. */
	void (*done)(struct payout_order *order, int error, struct text payout);
	void *owner;
	int64_t limit;     /* E_PAYOUT_MINIMUM: the smallest amount, or … */
	bool limit_is_fee; /* … the fee, which the amount must exceed */
	/* private to the service */
	struct app *app;
	struct db_call statement;
	int64_t fee;
	char id[ID_SIZE], entry[ID_SIZE], phone[16];
	char *stored; /* bank details and account number */
};
void payout_request(struct app *app, struct payout_order *order);
/* The smallest pay-out, in XAF. */
int64_t payout_minimum(const struct app *app);

/* --- Decisions of admins ---------------------------------------------------------------------- */

struct payout_review {
	const char *payout_id;
	const char *kind; /* the pay-out must be of this kind; NULL: any */
	struct payout_act act;
	const char *reason; /* of a rejection, for the owner */
	const char *notes;
	const char *audit; /* JSON, as admin_audit_add takes it */
	/* error: 0, E_PAYOUT_NOT_FOUND, one of payout_rule, E_CONFLICT_ROW (it keeps changing), or
	 * of the database. payout: the console's JSON; valid during the call. */
	void (*done)(struct payout_review *review, int error, struct text payout);
	void *owner;
	bool other_kind; /* with E_PAYOUT_NOT_FOUND: it exists, but is not of this kind */
	/* private to the service */
	struct app *app;
	struct db_call statement;
	struct payout_row row;
	unsigned tries;
};
void payout_decide_by_admin(struct app *app, struct payout_review *review);

/* --- The gateway ------------------------------------------------------------------------------ */

struct payout_call {
	struct payout_row row; /* set before the call */
	void (*done)(struct payout_call *call);
	void *owner;
	bool abandoned; /* set by the owner when it closes: nothing more is recorded */
	/* private to the service */
	struct app *app;
	struct gateway_call gateway;
	struct db_call statement;
	struct payout_answer answer;
	struct payout_decision decision;
	bool sends;
	unsigned tries;
	char reference[GATEWAY_REFERENCE_SIZE], why[200];
};
/* Sends a pay-out of payouts_send. */
void payout_send(struct app *app, struct payout_call *call);
/* Queries a pay-out of payouts_take by its reference. */
void payout_check(struct app *app, struct payout_call *call);
/* Records the result of a search in the history. */
void payout_record(struct app *app, struct payout_call *call, const struct payout_answer *answer);

/* A valid callback named a pay-out (external reference `payout_…`): it is checked within a second
 * by the leading instance. gateway_reference may be absent. */
void payout_note_callback(struct app *app, const char *payout_id, struct text gateway_reference);

#endif
