/* SPDX-License-Identifier: MIT
 *
 * What the gateway says of a transaction: see the header. It writes numbers now as numbers, now as
 * text. A state that we do not know is PENDING: nothing is booked for it, and it is asked for
 * again.
 */
#include "told.h"

/* Up to here a double holds every whole number. */
#define EXACT_MOST 9007199254740992.0

const char *gateway_state_word(enum gateway_state state)
{
	static const char *const words[] = { [GATEWAY_PENDING] = "PENDING",
		[GATEWAY_SUCCESSFUL] = "SUCCESSFUL", [GATEWAY_FAILED] = "FAILED" };

	return words[state];
}

static struct text member(const json_t *object, const char *name)
{
	const json_t *value = json_object_get(object, name);

	if (!json_is_string(value) || !json_string_length(value))
		return TEXT_NONE;
	return (struct text){ json_string_value(value), json_string_length(value) };
}

static int64_t amount_of_text(struct text text)
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

int64_t told_amount(const json_t *amount)
{
	double real = json_real_value(amount);

	if (json_is_string(amount))
		return amount_of_text((struct text){ json_string_value(amount),
			json_string_length(amount) });
	if (json_is_integer(amount) && json_integer_value(amount) >= 0)
		return json_integer_value(amount);
	if (json_is_real(amount) && real >= 0 && real < EXACT_MOST && real == (double)(int64_t)real)
		return (int64_t)real;
	return -1;
}

static enum gateway_state told_state(struct text word)
{
	if (text_is_nocase(word, TEXT("SUCCESSFUL")))
		return GATEWAY_SUCCESSFUL;
	return text_is_nocase(word, TEXT("FAILED")) ? GATEWAY_FAILED : GATEWAY_PENDING;
}

static struct text told_operator(struct text word)
{
	if (text_is_nocase(word, TEXT("MTN")))
		return TEXT("MTN");
	return text_is_nocase(word, TEXT("ORANGE")) ? TEXT("ORANGE") : TEXT_NONE;
}

bool told_withdrawal(const json_t *transaction)
{
	struct text endpoint = member(transaction, "endpoint");

	return told_amount(json_object_get(transaction, "debit")) > 0 ||
		text_is(endpoint, TEXT("withdraw")) || text_is(endpoint, TEXT("disburse"));
}

struct gateway_told told_read(const json_t *transaction)
{
	struct gateway_told told = {
		.state = told_state(member(transaction, "status")),
		.reference = member(transaction, "reference"),
		.external = member(transaction, "external_reference"),
		.ussd_code = member(transaction, "ussd_code"),
		.operator = told_operator(member(transaction, "operator")),
		.reason = member(transaction, "reason"),
		.amount = told_amount(json_object_get(transaction, "amount")),
	};

	if (!told.external.at)
		told.external = member(transaction, "external_user");
	if (!told.reference.at)
		told.reference = member(transaction, "reference_uuid");
	return told;
}
