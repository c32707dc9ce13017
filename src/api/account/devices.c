/* SPDX-License-Identifier: MIT
 *
 * How an account receives messages: the devices that get push messages (a token belongs to the
 * account that registered it last, and is removed with its session), and the languages.
 */
#include "account.h"

const char *const language_words[] = { "en", "fr", NULL };
static const char *const platforms[] = { "ANDROID", "IOS", "WEB", NULL };

const struct field add_device_body[] = {
	{ "token", FIELD_TEXT, .required = true, .min = 1, .max = 1024, .aliases = "deviceToken" },
	{ "platform", FIELD_ENUM, .words = platforms },
	FIELD_END,
};
const struct field remove_device_body[] = {
	{ "token", FIELD_TEXT, .min = 1, .max = 1024, .aliases = "deviceToken",
		.summary = "Without it every device of the account is forgotten" },
	FIELD_END,
};

static void device_added(struct request *rq, const struct db_result *result)
{
	(void)result;
	reply_message(rq, "Device registered", "Appareil enregistré");
}

void account_add_device(struct request *rq)
{
	sql_write(rq, device_add, device_added,
		&(struct device_add){ .kind = account_kind(rq)->name,
			.account_id = rq->caller.id,
			.token = body_text(rq, "token"),
			.platform = body_text(rq, "platform"),
			.session_id = rq->caller.session });
}

static void device_removed(struct request *rq, const struct db_result *result)
{
	(void)result;
	reply_message(rq, "Device forgotten", "Appareil oublié");
}

void account_remove_device(struct request *rq)
{
	sql_write(rq, device_remove, device_removed,
		&(struct device_remove){ .kind = account_kind(rq)->name,
			.account_id = rq->caller.id,
			.token = body_text(rq, "token") });
}
