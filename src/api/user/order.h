/* SPDX-License-Identifier: MIT
 *
 * Declarations shared by the files of the customer's orders.
 */
#ifndef REEYO_API_USER_ORDER_H
#define REEYO_API_USER_ORDER_H

#include "reeyo/domain/pricing.h"
#include "reeyo/http/request.h"

extern const struct field order_place_body[]; /* body of POST /orders, for every type of order */

/* A pickup or delivery location of an order. */
struct order_location {
	struct point at;
	const char *text;         /* the address */
	const char *instructions; /* may be NULL */
	const char *json;         /* as stored and returned with the order */
};
/* The delivery location: deliveryAddressId, or deliveryAddress (complete, or the id of a stored
 * one), or the default address of the account. False when it has sent an error. */
bool delivery_location_read(struct request *rq, struct order_location *ret);
/* A complete address of the body. False when it has sent an error. */
bool body_location_read(struct request *rq, const char *name, struct order_location *ret);

/* POST /orders. */
void place_order(struct request *rq);

/* Hashes vendor, lines, locations and `other`. The order of the lines does not matter. from may be
 * NULL. */
void basket_hash(const char *vendor_id, const struct quote *quote,
	const struct order_location *from, const struct order_location *to, const char *other,
	char hex[65]);

#endif
