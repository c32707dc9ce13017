/* SPDX-License-Identifier: MIT
 *
 * Vendors and their menus as orders are priced from: parsed once, kept by each loop for at most
 * CATALOG_LIFE_MS.
 *
 * That is safe although a price may have changed meanwhile, because the statement that writes an
 * order compares every price, every stock and the vendor again, with what the database holds then.
 * When that fails the handler forgets the vendor here, reads it again and tries once more: no old
 * price is ever charged.
 */
#ifndef REEYO_API_CATALOG_H
#define REEYO_API_CATALOG_H

#include "reeyo/domain/pricing.h"
#include "reeyo/http/request.h"

#define CATALOG_LIFE_MS 5000
#define CATALOG_VENDORS 1024
#define CATALOG_BYTES (32u << 20)

int catalogs_new(struct app *app, struct catalogs **ret) MUST_CHECK;
/* From now on vendors that change on other copies are forgotten too; once, when the hub is
 * there. */
void catalogs_listen(struct catalogs *catalogs);
/* After db_close: nothing is being loaded any more. NULL is allowed. */
void catalogs_free(struct catalogs *catalogs);

/* shop is valid for this call only. error: E_VENDOR_NOT_FOUND (not there, or not listed), or why it
 * could not be read. One statement per vendor is under way at a time, however many ask. */
typedef void catalog_done(struct request *rq, int error, const struct shop *shop);
void catalog_get(struct request *rq, const char *vendor_id, catalog_done *done);
/* The next catalog_get reads it from the database. */
void catalog_forget(struct app *app, const char *vendor_id);

#endif
