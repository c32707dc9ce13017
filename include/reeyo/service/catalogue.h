/* SPDX-License-Identifier: MIT
 *
 * Vendors and their menus for pricing orders: parsed once, kept by each loop for at most
 * CATALOGUE_LIFE_MS.
 *
 * A kept price may be old. This is safe because the statement that writes an order compares every
 * price, every stock and the vendor with the database. When they differ, the caller forgets the
 * vendor here, looks it up again and tries once more, so an old price is never charged.
 */
#ifndef REEYO_SERVICE_CATALOGUE_H
#define REEYO_SERVICE_CATALOGUE_H

#include "reeyo/core/error.h"
#include "reeyo/domain/pricing.h"
#include "reeyo/loop/app.h"

#define CATALOGUE_LIFE_MS 5000
#define CATALOGUE_VENDORS 1024
#define CATALOGUE_BYTES (32u << 20)

struct catalogue;
int catalogue_new(struct app *app, struct catalogue **ret) MUST_CHECK;
/* Call after db_close, when no load is under way. NULL is allowed. */
void catalogue_free(struct catalogue *catalogue);

/* One lookup. Belongs to the caller and must live until done is called. */
struct catalogue_lookup {
	/* shop is valid during this call only; NULL with an error: E_VENDOR_NOT_FOUND (unknown or
	 * not approved), or why it could not be read. The lookup may be reused or freed here. */
	void (*done)(struct catalogue_lookup *lookup, int error, const struct shop *shop);
	void *owner; /* the caller's */
	/* private */
	struct catalogue_lookup *next;
};
/* Finds a vendor and its menu. Calls done exactly once: before it returns when the loop has the
 * vendor, otherwise when it has been read; however many lookups wait, one statement for each vendor
 * is under way. Loop thread. */
void catalogue_get(struct app *app, const char *vendor_id, struct catalogue_lookup *lookup);
/* The next catalogue_get reads the vendor from the database. */
void catalogue_forget(struct app *app, const char *vendor_id);

#endif
