/* SPDX-License-Identifier: MIT
 *
 * An item in the bodies that a vendor sends.
 */
#ifndef REEYO_API_VENDOR_ITEM_H
#define REEYO_API_VENDOR_ITEM_H

#include "reeyo/http/request.h"

#define MENU_ITEMS_MAX 500

extern const struct field item_add_fields[];    /* body of a new item */
extern const struct field item_change_fields[]; /* body of a change: any of its members */

/* The checked body as the JSON parameter of the statements item_insert and item_update: variants
 * and add-ons have ids and known members only. NULL when the error reply has been sent. */
const char *item_body_read(struct request *rq);

#endif
