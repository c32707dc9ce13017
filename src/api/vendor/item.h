/* SPDX-License-Identifier: MIT
 *
 * An item as the vendor writes it.
 */
#ifndef REEYO_API_VENDOR_ITEM_H
#define REEYO_API_VENDOR_ITEM_H

#include "reeyo/http/request.h"

#define MENU_ITEMS_MAX 500

extern const struct field item_add_fields[];    /* body of a new item */
extern const struct field item_change_fields[]; /* body of a change: any of them */

/* The checked body as the JSON that item_add and item_change take: variants and add-ons have ids
 * and nothing but what we know of. NULL when it has replied. */
const char *item_take(struct request *rq);

#endif
