/* SPDX-License-Identifier: MIT
 *
 * The customer's wallet.
 */
#include "reeyo/api/money.h"
#include "reeyo/api/user.h"

const struct route user_wallet_routes[] = {
	{ GET, "/wallet", .also = "/wallet/balance", .who = CUSTOMER, .reply = wallet_fields,
		.errors = { E_ACCOUNT_NOT_FOUND }, .run = wallet_show,
		.does = "The wallet's balances" },
	{ GET, "/wallet/transactions", .who = CUSTOMER, .query = transactions_query,
		.reply = transactions_fields, .run = wallet_list_transactions,
		.does = "The wallet's transactions, newest first" },
	ROUTE_END
};
