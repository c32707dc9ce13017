/* SPDX-License-Identifier: MIT
 *
 * Wallets and pay-outs, of all who have them. The handlers are the same in every namespace; whose
 * money is meant follows from the caller.
 */
#ifndef REEYO_API_MONEY_H
#define REEYO_API_MONEY_H

#include "reeyo/http/request.h"

/* --- Fields ----------------------------------------------------------------------------------- */

extern const struct field wallet_fields[];
extern const struct field transactions_query[]; /* page, limit, type, category */
extern const struct field transactions_fields[];
extern const struct field payout_body[];        /* amount, bankDetails */
extern const struct field payout_fields[];
extern const struct field payouts_fields[];
extern const struct field payout_balance_fields[];

/* --- Replies of whoever asks for a payment ---------------------------------------------------- */

/* 20 of the customer's wait already; waited: how many seconds the oldest has, as text. */
void reply_payments_wait(struct request *rq, struct text waited);
/* The gateway refused: with its reason, and what it was to pay. payment: as it is recorded, may be
 * absent. */
void reply_payment_refused(struct request *rq, struct text payment);

/* --- Acts: .run of rows ----------------------------------------------------------------------- */

void wallet_show(struct request *rq);
void wallet_list_transactions(struct request *rq);
void payout_ask(struct request *rq);
void payouts_show(struct request *rq);
void payout_show(struct request *rq);         /* :payoutId */
void payout_show_balance(struct request *rq);

#endif
