/* SPDX-License-Identifier: MIT
 *
 * The phones that may be woken by a push: a token belongs to the account that gave it last.
 */
#include "reeyo/api/user.h"

#include "reeyo/http/request.h"

static const char *const platforms[] = { "ANDROID", "IOS", "WEB", NULL };

static const struct field add_body[] = {
	{ "token", FIELD_TEXT, .required = true, .min = 1, .max = 1024, .also = "deviceToken" },
	{ "platform", FIELD_ENUM, .words = platforms },
	FIELD_END
};
static const struct field remove_body[] = {
	{ "token", FIELD_TEXT, .min = 1, .max = 1024, .also = "deviceToken",
		.does = "Without it every device of the account is forgotten" },
	FIELD_END
};

static void added(struct request *rq, const struct db_result *result)
{
	(void)result;
	reply_message(rq, "Device registered", "Appareil enregistré");
}

static void add_device(struct request *rq)
{
	sql_write(rq, device_add, added, rq->caller.id, body_text(rq, "token"), body_text(rq, "platform"));
}

static void removed(struct request *rq, const struct db_result *result)
{
	(void)result;
	reply_message(rq, "Device forgotten", "Appareil oublié");
}

static void remove_device(struct request *rq)
{
	sql_write(rq, device_remove, removed, rq->caller.id, body_text(rq, "token"));
}

const struct route user_device_routes[] = {
	{ POST, "/auth/device-token", .who = CUSTOMER, .always = true, .body = add_body,
		.shape = REPLY_MESSAGE, .run = add_device, .does = "Send pushes to this device" },
	{ DELETE, "/auth/device-token", .who = CUSTOMER, .always = true, .body = remove_body,
		.shape = REPLY_MESSAGE, .run = remove_device, .does = "Send no more pushes to this device" },
	ROUTE_END
};
