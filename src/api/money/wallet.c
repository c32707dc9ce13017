/* SPDX-License-Identifier: MIT
 *
 * Reads a wallet and its transactions. Orders, refunds, top-ups and pay-outs move money, each in
 * its own statement.
 */
#include "reeyo/db/queries/wallet.h"
#include "reeyo/api/money.h"
#include "reeyo/api/pages.h"

static const char *const transaction_types[] = { "CREDIT", "DEBIT", NULL };
static const char *const transaction_categories[] = { "ORDER_PAYMENT", "ORDER_COMMISSION",
	"DELIVERY_FEE", "PAYOUT", "REFUND", "WALLET_TOPUP", NULL };

const struct field wallet_fields[] = { { "availableBalance", FIELD_MONEY, .required = true,
					       .summary = "The amount that can be spent" },
	{ "pendingBalance", FIELD_MONEY, .required = true, .summary = "Held for pay-outs" },
	{ "totalEarned", FIELD_MONEY, .required = true },
	{ "totalSpent", FIELD_MONEY, .required = true },
	{ "totalWithdrawn", FIELD_MONEY, .required = true },
	{ "currency", FIELD_TEXT, .required = true },
	{ "balance", FIELD_MONEY, .required = true, .summary = "Same as availableBalance" },
	{ "cashInHand", FIELD_MONEY, .summary = "Riders only: cash collected and not handed in" },
	{ "withdrawable", FIELD_MONEY,
		.summary = "Riders only: the available balance less cash in hand" },
	{ "updatedAt", FIELD_TIME, .required = true }, FIELD_END };
static const struct field transaction_fields[] = {
	{ "transactionId", FIELD_ID, .required = true },
	{ "type", FIELD_ENUM, .required = true, .words = transaction_types },
	{ "category", FIELD_ENUM, .required = true, .words = transaction_categories },
	{ "amount", FIELD_MONEY, .required = true },
	{ "currency", FIELD_TEXT, .required = true },
	{ "orderId", FIELD_ID, .nullable = true },
	{ "description", FIELD_TEXT, .required = true },
	{ "balanceBefore", FIELD_MONEY, .nullable = true },
	{ "balanceAfter", FIELD_MONEY, .nullable = true },
	{ "reference", FIELD_TEXT, .nullable = true },
	{ "status", FIELD_TEXT, .required = true },
	{ "createdAt", FIELD_TIME, .required = true },
	{ "timestamp", FIELD_TIME, .required = true, .summary = "Same as createdAt" },
	FIELD_END,
};
static const struct field pagination_fields[] = { FULL_PAGINATION_FIELDS("totalTransactions"),
	FIELD_END };
const struct field transactions_fields[] = {
	{ "transactions", FIELD_LIST, .required = true, .of = transaction_fields },
	{ "pagination", FIELD_OBJECT, .required = true, .of = pagination_fields },
	{ "total", FIELD_INT, .required = true },
	FIELD_END,
};
const struct field transactions_query[] = {
	PAGE_FIELDS,
	{ "type", FIELD_ENUM, .words = transaction_types },
	{ "category", FIELD_ENUM, .words = transaction_categories },
	FIELD_END,
};

static void wallet_read(struct request *rq, const struct db_result *result)
{
	if (db_rows(result) == 0)
		return reply_error(rq, E_ACCOUNT_NOT_FOUND);
	reply_data(rq, db_text(result, 0, WALLET_GET_WALLET));
}

void get_wallet(struct request *rq)
{
	sql_read(rq, wallet_get, wallet_read, &(struct wallet_get){ .owner_id = rq->caller.id });
}

static void transactions_read(struct request *rq, const struct db_result *result)
{
	reply_full_page(rq, "transactions", "totalTransactions",
		db_text(result, 0, WALLET_TRANSACTIONS_TRANSACTIONS), request_page(rq, 50),
		db_int(result, 0, WALLET_TRANSACTIONS_TOTAL));
}

void list_wallet_transactions(struct request *rq)
{
	struct page page = request_page(rq, 50);

	sql_read(rq, wallet_transactions, transactions_read,
		&(struct wallet_transactions){ .owner_id = rq->caller.id,
			.type = query_text(rq, "type"),
			.category = query_text(rq, "category"),
			.limit = page.limit,
			.offset = page.offset });
}
