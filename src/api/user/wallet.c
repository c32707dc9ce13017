/* SPDX-License-Identifier: MIT
 *
 * The customer's wallet.
 */
#include "reeyo/api/money.h"
#include "reeyo/api/user.h"

const struct route user_wallet_routes[] = {
	{ GET, "/wallet", .operation = "getWallet", .aliases = "/wallet/balance",
		.access = CUSTOMER, .reply = wallet_fields, .errors = { E_ACCOUNT_NOT_FOUND },
		.run = get_wallet, .summary = "The wallet's balances" },
	{ GET, "/wallet/transactions", .operation = "listWalletTransactions", .access = CUSTOMER,
		.query = transactions_query, .reply = transactions_fields,
		.run = list_wallet_transactions,
		.summary = "The wallet's transactions, newest first" },
	ROUTE_END,
};
