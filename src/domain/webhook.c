/* SPDX-License-Identifier: MIT
 *
 * Webhooks: see the header.
 */
#include "reeyo/domain/webhook.h"

#include <stddef.h>

const char *const webhook_types[WEBHOOK_TYPE_COUNT + 1] = {
	"new_order",
	"order_accepted",
	"order_ready_for_pickup",
	"order_status_update",
	"order_delivered",
	"order_rejected",
	"order_cancelled",
	"payment_received",
	"payment_failed",
	"refund_issued",
	"dispute_resolved",
	"dispute_rejected",
	"payout_requested",
	"payout_approved",
	"payout_rejected",
	"payout_completed",
	"payout_failed",
	"cash_handed_in",
};

bool webhook_type_offered(struct text type)
{
	for (const char *const *word = webhook_types; *word; word++)
		if (text_is(type, text_of(*word)))
			return true;
	return false;
}

int64_t webhook_backoff_s(unsigned tries, int64_t retry_after_s)
{
	static const int64_t waits[WEBHOOK_TRIES_MAX - 1] = { 5, 5 * 60, 30 * 60, 2 * 3600,
		5 * 3600, 10 * 3600, 14 * 3600, 20 * 3600, 24 * 3600 };
	const int64_t retry_after_max_s = 24 * 3600;

	if (tries < 1 || tries >= WEBHOOK_TRIES_MAX)
		return -1;
	if (retry_after_s > retry_after_max_s)
		retry_after_s = retry_after_max_s;
	return retry_after_s > waits[tries - 1] ? retry_after_s : waits[tries - 1];
}

/* --- URLs ------------------------------------------------------------------------------------- */

static bool text_is_printable_ascii(struct text text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.at[i] <= ' ' || text.at[i] > '~')
			return false;
	return true;
}

bool webhook_url_parse(const char *url, bool plain, char ret_host[URL_HOST_SIZE])
{
	struct url_parts parts;

	if (!text_is_printable_ascii(text_of(url)) || !url_parse_web(text_of(url), &parts) ||
		(!parts.https && !plain) || parts.fragment)
		return false;
	memcpy(ret_host, parts.host, URL_HOST_SIZE);
	return true;
}
