/* SPDX-License-Identifier: MIT
 *
 * What the vendor's writes to its shop share: forgetting what they changed before they are
 * answered.
 */
#ifndef REEYO_API_VENDOR_SHOP_H
#define REEYO_API_VENDOR_SHOP_H

#include "reeyo/http/request.h"

/* What is answered once the old is forgotten. */
struct shop_reply {
	struct text data;             /* finished JSON; absent: null */
	const char *english, *french; /* message; NULL: none */
	int error;                    /* instead of all that: part was written, the rest failed */
};

/* Forgets the caller's menu here and in the cache, then replies. data is copied. */
void reply_menu_changed(struct request *rq, struct shop_reply reply);
/* The same for what everybody sees of the vendor itself: also what orders are priced from. */
void reply_vendor_changed(struct request *rq, struct shop_reply reply);

/* The members of a checked body that are named (NULL-terminated), as JSON text for a statement.
 * NULL when memory is out. */
const char *body_members(struct request *rq, const char *const *names);

#endif
