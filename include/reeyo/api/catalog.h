/* SPDX-License-Identifier: MIT
 *
 * Vendors and their menus for pricing orders: parsed once, kept by each loop for at most
 * CATALOG_LIFE_MS.
 *
 * A kept price may be old. This is safe because the statement that writes an order compares every
 * price, every stock and the vendor with the database. When they differ, the handler forgets the
 * vendor here, reads it again and tries once more, so an old price is never charged.
 */
#ifndef REEYO_API_CATALOG_H
#define REEYO_API_CATALOG_H

#include "reeyo/domain/pricing.h"
#include "reeyo/http/request.h"

#define CATALOG_LIFE_MS 5000
#define CATALOG_VENDORS 1024
#define CATALOG_BYTES (32u << 20)

int catalogs_new(struct app *app, struct catalogs **ret) MUST_CHECK;
/* Subscribes to vendor changes made by other instances, to forget those vendors. Call once, when
 * the hub exists. */
void catalogs_listen(struct catalogs *catalogs);
/* Call after db_close, when no load is under way. NULL is allowed. */
void catalogs_free(struct catalogs *catalogs);

/* shop is valid during this call only. error: E_VENDOR_NOT_FOUND (unknown or not approved), or
 * why it could not be read. However many requests wait, one statement per vendor is under way. */
typedef void catalog_done(struct request *rq, int error, const struct shop *shop);
void catalog_get(struct request *rq, const char *vendor_id, catalog_done *done);
/* The next catalog_get reads it from the database. */
void catalog_forget(struct app *app, const char *vendor_id);

#endif
