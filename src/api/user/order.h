/* SPDX-License-Identifier: MIT
 *
 * What the files of the customer's orders share.
 */
#ifndef REEYO_API_USER_ORDER_H
#define REEYO_API_USER_ORDER_H

#include "reeyo/domain/pricing.h"
#include "reeyo/http/request.h"

extern const struct field
	place_fields[]; /* body of POST /orders: what any kind of order may hold */

/* A place of an order: where, and what is kept and shown of it. */
struct spot {
	struct point at;
	const char *text;         /* the address */
	const char *instructions; /* may be NULL */
	const char *json;         /* as the order shows it */
};
/* Where the order goes: deliveryAddressId, or deliveryAddress (whole, or just the id of a kept
 * one), or the account's default. False when it has replied. */
bool spot_of_delivery(struct request *rq, struct spot *ret);
/* An address of the body that must be whole. False when it has replied. */
bool spot_in_body(struct request *rq, const char *name, struct spot *ret);

/* POST /orders. */
void place_order(struct request *rq);

/* The same basket has the same hash, in whatever order its lines come: vendor, lines, place,
 * method. hex: 65 bytes. */
void basket_hash(const char *vendor_id, const struct quote *quote, const struct spot *from,
	const struct spot *to, const char *rest, char hex[65]);

#endif
