/* SPDX-License-Identifier: MIT
 *
 * Replies to the vendor's writes to its shop: they invalidate the cached data before they reply.
 */
#ifndef REEYO_API_VENDOR_SHOP_H
#define REEYO_API_VENDOR_SHOP_H

#include "reeyo/http/request.h"

/* The reply that is sent after the invalidation. */
struct shop_reply {
	struct text data;             /* finished JSON; NULL: none */
	const char *english, *french; /* message; NULL: none */
	int error; /* instead of the rest: a statement failed after a part was written */
};

/* Invalidates the caller's menu in this loop and in the cache, then replies. data is copied. */
void reply_menu_changed(struct request *rq, struct shop_reply reply);
/* The same for the public vendor object. Both also drop the data that orders are priced from. */
void reply_vendor_changed(struct request *rq, struct shop_reply reply);

/* The members of a checked body with these names (NULL-terminated), as JSON text for a statement.
 * NULL: out of memory. */
const char *body_members(struct request *rq, const char *const *names);

#endif
