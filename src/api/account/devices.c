/* SPDX-License-Identifier: MIT
 *
 * How an account is told things: the phones that may be woken by a push (a token belongs to the
 * account that gave it last, and goes with that session), and the languages there are.
 */
#include "account.h"

const char *const language_words[] = { "en", "fr", NULL };
static const char *const platforms[] = { "ANDROID", "IOS", "WEB", NULL };

const struct field add_device_body[] = {
	{ "token", FIELD_TEXT, .required = true, .min = 1, .max = 1024, .also = "deviceToken" },
	{ "platform", FIELD_ENUM, .words = platforms },
	FIELD_END
};
const struct field remove_device_body[] = {
	{ "token", FIELD_TEXT, .min = 1, .max = 1024, .also = "deviceToken",
		.does = "Without it every device of the account is forgotten" },
	FIELD_END
};

static void added(struct request *rq, const struct db_result *result)
{
	(void)result;
	reply_message(rq, "Device registered", "Appareil enregistré");
}

void account_add_device(struct request *rq)
{
	sql_write(rq, device_add, added, account_kind(rq)->name, rq->caller.id,
		body_text(rq, "token"), body_text(rq, "platform"), rq->caller.session);
}

static void removed(struct request *rq, const struct db_result *result)
{
	(void)result;
	reply_message(rq, "Device forgotten", "Appareil oublié");
}

void account_remove_device(struct request *rq)
{
	sql_write(rq, device_remove, removed, account_kind(rq)->name,
		rq->caller.id, body_text(rq, "token"));
}
