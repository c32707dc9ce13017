/* SPDX-License-Identifier: MIT
 *
 * After a vendor's write: removes the vendor from this loop's catalogue, invalidates the cache key,
 * then replies.
 */
#include "shop.h"

#include "reeyo/service/cache_keys.h"
#include "reeyo/service/catalogue.h"

static void shop_change_reply(struct request *rq)
{
	const struct shop_reply *reply = rq->state;

	if (reply->error)
		reply_error(rq, reply->error);
	else if (!reply->english)
		reply_data(rq, reply->data);
	else if (reply->data.at)
		reply_data_message(rq, reply->english, reply->french, reply->data);
	else
		reply_message(rq, reply->english, reply->french);
}

static void shop_invalidate(
	struct request *rq, const struct cache_kind *kind, struct shop_reply reply)
{
	struct shop_reply *kept = ARENA_NEW(rq->arena, struct shop_reply);

	if (kept)
		*kept = reply;
	if (kept && reply.data.at)
		kept->data.at = arena_copy(rq->arena, reply.data.at, reply.data.len);
	if (!kept || (reply.data.at && !kept->data.at))
		return reply_error(rq, E_NO_MEMORY);
	rq->state = kept;
	catalogue_forget(rq->app, rq->caller.id);
	cache_invalidate(rq, kind, rq->caller.id, shop_change_reply);
}

void reply_menu_changed(struct request *rq, struct shop_reply reply)
{
	shop_invalidate(rq, KEY_MENU, reply);
}

void reply_vendor_changed(struct request *rq, struct shop_reply reply)
{
	shop_invalidate(rq, KEY_VENDOR, reply);
}

const char *body_members(struct request *rq, const char *const *names)
{
	json_auto_t *chosen = json_object();
	char *text auto_free = NULL;

	for (; *names; names++) {
		json_t *value = member(rq->body, *names);

		if (value && json_object_set(chosen, *names, value))
			return NULL;
	}
	text = json_dumps(chosen, JSON_COMPACT);
	return text ? arena_copy(rq->arena, text, strlen(text)) : NULL;
}
