/* SPDX-License-Identifier: MIT
 *
 * Webhooks: see the header.
 */
#include "reeyo/domain/webhook.h"

#include <stddef.h>

#define WEBHOOK_TYPES(FIRST, X) \
	FIRST("new_order") \
	X("order_accepted") \
	X("order_ready_for_pickup") \
	X("order_status_update") \
	X("order_delivered") \
	X("order_rejected") \
	X("order_cancelled") \
	X("payment_received") \
	X("payment_failed") \
	X("refund_issued") \
	X("dispute_resolved") \
	X("dispute_rejected") \
	X("payout_requested") \
	X("payout_approved") \
	X("payout_rejected") \
	X("payout_completed") \
	X("payout_failed") \
	X("cash_handed_in")

const char *const webhook_types[] = {
#define ENTRY(type) type,
	WEBHOOK_TYPES(ENTRY, ENTRY) NULL
};
#define FIRST(type) type
#define NEXT(type) "," type
const char webhook_types_array[] = "{" WEBHOOK_TYPES(FIRST, NEXT) "}";

bool webhook_type_offered(struct text type)
{
	for (const char *const *word = webhook_types; *word; word++)
		if (text_is(type, text_of(*word)))
			return true;
	return false;
}

int64_t webhook_backoff_s(unsigned tries)
{
	static const int64_t waits[WEBHOOK_TRIES_MAX - 1] = { 5, 5 * 60, 30 * 60, 2 * 3600,
		5 * 3600, 10 * 3600, 14 * 3600, 20 * 3600, 24 * 3600 };

	return tries >= 1 && tries < WEBHOOK_TRIES_MAX ? waits[tries - 1] : -1;
}

/* --- URLs ------------------------------------------------------------------------------------- */

static bool is_host_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		c == '.' || c == '-' || c == '_';
}

static bool webhook_host_copy(
	struct text host, bool (*fits)(char c), char ret_host[WEBHOOK_HOST_SIZE])
{
	if (host.len == 0 || host.len >= WEBHOOK_HOST_SIZE)
		return false;
	for (size_t i = 0; i < host.len; i++)
		if (!fits(host.at[i]))
			return false;
	memcpy(ret_host, host.at, host.len);
	ret_host[host.len] = '\0';
	return true;
}

static bool is_ipv6_char(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') ||
		c == ':' || c == '.';
}

/* host, host:port, [address] or [address]:port. "@" is allowed nowhere, so a user is refused. */
static bool webhook_authority_parse(struct text authority, char ret_host[WEBHOOK_HOST_SIZE])
{
	bool bracket = authority.len && authority.at[0] == '[';
	struct text rest = authority, host;
	int64_t port;

	if (bracket) {
		rest = (struct text){ authority.at + 1, authority.len - 1 };
		host = text_cut(&rest, ']');
		if (!rest.at || (rest.len && rest.at[0] != ':'))
			return false;
		rest = rest.len ? (struct text){ rest.at + 1, rest.len - 1 } : TEXT_NONE;
	} else {
		host = text_cut(&rest, ':');
	}
	if (rest.at && !text_to_int(rest, 1, 65535, &port))
		return false;
	return webhook_host_copy(host, bracket ? is_ipv6_char : is_host_char, ret_host);
}

bool webhook_url_parse(const char *url, bool plain, char ret_host[WEBHOOK_HOST_SIZE])
{
	struct text rest = text_of(url), scheme = TEXT("https://");
	size_t len = 0;

	if (plain && text_starts(rest, TEXT("http://")))
		scheme = TEXT("http://");
	if (rest.len > WEBHOOK_URL_MAX || !text_starts(rest, scheme))
		return false;
	for (size_t i = 0; i < rest.len; i++)
		if (rest.at[i] <= ' ' || rest.at[i] > '~' || rest.at[i] == '#' ||
			rest.at[i] == '\\')
			return false;
	rest = (struct text){ rest.at + scheme.len, rest.len - scheme.len };
	while (len < rest.len && rest.at[len] != '/' && rest.at[len] != '?')
		len++;
	return webhook_authority_parse((struct text){ rest.at, len }, ret_host);
}
