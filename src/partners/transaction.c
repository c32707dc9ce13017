/* SPDX-License-Identifier: MIT
 *
 * Parses a transaction of the gateway. It writes numbers as JSON numbers or as text. An unknown
 * status counts as PENDING: nothing is booked, and the gateway is queried again later.
 */
#include "transaction.h"

/* A double holds every whole number below this. */
#define EXACT_MOST 9007199254740992.0

static struct text transaction_text(const json_t *object, const char *name)
{
	const json_t *value = json_object_get(object, name);

	if (!json_is_string(value) || !json_string_length(value))
		return TEXT_NONE;
	return (struct text){ json_string_value(value), json_string_length(value) };
}

static int64_t amount_from_text(struct text text)
{
	struct text decimals = text;
	int64_t amount = -1;

	text = text_cut(&decimals, '.');
	while (decimals.len && decimals.at[decimals.len - 1] == '0')
		decimals.len--;
	if (decimals.len || !text_to_int(text, 0, INT64_MAX, &amount))
		return -1;
	return amount;
}

int64_t transaction_amount(const json_t *amount)
{
	double real = json_real_value(amount);

	if (json_is_string(amount))
		return amount_from_text(
			(struct text){ json_string_value(amount), json_string_length(amount) });
	if (json_is_integer(amount) && json_integer_value(amount) >= 0)
		return json_integer_value(amount);
	if (json_is_real(amount) && real >= 0 && real < EXACT_MOST && real == (double)(int64_t)real)
		return (int64_t)real;
	return -1;
}

static enum gateway_state transaction_state(struct text word)
{
	if (text_is_nocase(word, TEXT("SUCCESSFUL")))
		return GATEWAY_SUCCESSFUL;
	return text_is_nocase(word, TEXT("FAILED")) ? GATEWAY_FAILED : GATEWAY_PENDING;
}

static struct text transaction_operator(struct text word)
{
	if (text_is_nocase(word, TEXT("MTN")))
		return TEXT("MTN");
	return text_is_nocase(word, TEXT("ORANGE")) ? TEXT("ORANGE") : TEXT_NONE;
}

bool transaction_is_withdrawal(const json_t *transaction)
{
	struct text endpoint = transaction_text(transaction, "endpoint");

	return transaction_amount(json_object_get(transaction, "debit")) > 0 ||
		text_is(endpoint, TEXT("withdraw")) || text_is(endpoint, TEXT("disburse"));
}

struct gateway_transaction transaction_read(const json_t *transaction)
{
	struct gateway_transaction ret = {
		.state = transaction_state(transaction_text(transaction, "status")),
		.reference = transaction_text(transaction, "reference"),
		.external = transaction_text(transaction, "external_reference"),
		.ussd_code = transaction_text(transaction, "ussd_code"),
		.operator= transaction_operator(transaction_text(transaction, "operator")),
		.reason = transaction_text(transaction, "reason"),
		.amount = transaction_amount(json_object_get(transaction, "amount")),
	};

	if (!ret.external.at)
		ret.external = transaction_text(transaction, "external_user");
	if (!ret.reference.at)
		ret.reference = transaction_text(transaction, "reference_uuid");
	return ret;
}
