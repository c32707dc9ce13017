/* SPDX-License-Identifier: MIT
 *
 * Wallets and pay-outs. The handlers are the same in every namespace; the caller is the owner.
 */
#ifndef REEYO_API_MONEY_H
#define REEYO_API_MONEY_H

#include "reeyo/http/request.h"

/* --- Fields ----------------------------------------------------------------------------------- */

extern const struct field wallet_fields[];
extern const struct field transactions_query[]; /* page, limit, type, category */
extern const struct field transactions_fields[];
extern const struct field payout_body[]; /* amount, bankDetails */
extern const struct field payout_fields[];
extern const struct field payouts_fields[];
extern const struct field payout_balance_fields[];

/* --- Replies to requests that start a payment --------------------------------------------------
 */

/* The customer has 20 unpaid payments. waited: age of the oldest in seconds, as text. */
void reply_payments_pending(struct request *rq, struct text waited);
/* The end of payment_collect: replies when the payment failed. False: it did not fail. payment: as
 * recorded; may be absent. */
bool reply_payment_failed(struct request *rq, int error, struct text payment);

/* --- Handlers, for .run of routes --------------------------------------------------------------
 */

void get_wallet(struct request *rq);
void list_wallet_transactions(struct request *rq);
void request_payout(struct request *rq);
void list_owner_payouts(struct request *rq);
void get_owner_payout(struct request *rq); /* :payoutId */
void get_owner_payout_balance(struct request *rq);

#endif
