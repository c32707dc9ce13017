/* SPDX-License-Identifier: MIT
 *
 * The words of orders: as the API returns them, and the other spellings that clients send.
 */
#include "reeyo/domain/order.h"

#include <ctype.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

struct spelling {
	const char *word;
	int means;
};

const char *const order_type_words[] = { "FOOD", "MART", "PACKAGE", NULL };
const char *const order_status_words[] = { "PENDING", "ACCEPTED", "PREPARING", "READY_FOR_PICKUP",
	"RIDER_ASSIGNED", "RIDER_AT_PICKUP", "IN_TRANSIT", "RIDER_AT_DELIVERY", "DELIVERED",
	"CANCELLED", NULL };
const char *const order_act_words[] = { "ACCEPT", "REJECT", "PREPARE", "READY", "ASSIGN", "RELEASE",
	"ARRIVE_PICKUP", "PICK_UP", "ARRIVE_DELIVERY", "COMPLETE", "CANCEL", "EXPIRE",
	"FAIL_PAYMENT", NULL };
const char *const order_actor_words[] = { "USER", "VENDOR", "RIDER", "ADMIN", "SYSTEM", NULL };
const char *const payment_method_words[] = { "WALLET", "MOBILE_MONEY", "CASH", "CARD", NULL };

static const struct spelling type_spellings[] = { { "RESTAURANT", FOOD }, { "OTHER", FOOD },
	{ "GROCERY", MART }, { "PHARMACY", MART }, { "PACKAGES", PACKAGE }, { "PARCEL", PACKAGE },
	{ NULL, 0 } };
static const struct spelling status_spellings[] = { { "CONFIRMED", ACCEPTED },
	{ "READY", READY_FOR_PICKUP }, { "RIDER_ARRIVED", RIDER_AT_PICKUP },
	{ "PICKED_UP", IN_TRANSIT }, { "ARRIVED", RIDER_AT_DELIVERY }, { "COMPLETED", DELIVERED },
	{ "FUNDS_DISTRIBUTED", DELIVERED }, { "REJECTED", CANCELLED }, { "REFUNDED", CANCELLED },
	{ NULL, 0 } };
static const struct spelling method_spellings[] = { { "CAMPAY", PAY_MOBILE_MONEY },
	{ "MTN_MOMO", PAY_MOBILE_MONEY }, { "ORANGE_MONEY", PAY_MOBILE_MONEY }, { NULL, 0 } };

static int word_parse(const char *word, const char *const *words, const struct spelling *aliases)
{
	if (!word)
		return -1;
	for (int i = 0; words[i]; i++)
		if (strcasecmp(words[i], word) == 0)
			return i;
	for (; aliases->word; aliases++)
		if (strcasecmp(aliases->word, word) == 0)
			return aliases->means;
	return -1;
}

int order_type_parse(const char *word)
{
	return word_parse(word, order_type_words, type_spellings);
}

int order_status_parse(const char *word)
{
	return word_parse(word, order_status_words, status_spellings);
}

int payment_method_parse(const char *word)
{
	return word_parse(word, payment_method_words, method_spellings);
}

char order_number_letter(enum order_type type)
{
	return "FSP"[type];
}

bool order_number_normalise(struct text spelled, char out[ORDER_NUMBER_SIZE])
{
	const size_t digits = ORDER_NUMBER_SIZE - 3;
	struct text text = text_trim(spelled);
	char number[ORDER_NUMBER_SIZE] = { 0 };

	if (text.len && text.at[0] == '#')
		text = text_trim((struct text){ text.at + 1, text.len - 1 });
	if (text.len < digits + 1 || !strchr("FSPfsp", text.at[0]))
		return false;
	number[0] = (char)toupper((unsigned char)text.at[0]);
	number[1] = '-';
	text.at += text.at[1] == '-' ? 2 : 1;
	text.len -= text.at[-1] == '-' ? 2 : 1;
	if (text.len != digits)
		return false;
	for (size_t i = 0; i < digits; i++) {
		if (!isalnum((unsigned char)text.at[i]))
			return false;
		number[2 + i] = (char)toupper((unsigned char)text.at[i]);
	}
	memcpy(out, number, sizeof(number));
	return true;
}

bool order_states_parse(const char *word, unsigned *ret)
{
	int status = order_status_parse(word);

	if (status >= 0)
		*ret = STATE(status);
	else if (word && strcasecmp(word, "ACTIVE") == 0)
		*ret = STATES_ACTIVE;
	else
		return false;
	return true;
}

unsigned order_states_list(unsigned states, const char *out[ORDER_STATUSES])
{
	unsigned count = 0;

	for (unsigned i = 0; i < ORDER_STATUSES; i++)
		if (states & STATE(i))
			out[count++] = order_status_words[i];
	return count;
}
