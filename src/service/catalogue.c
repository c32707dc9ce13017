/* SPDX-License-Identifier: MIT
 *
 * The catalogue of one loop. An entry is in the table while it can be used: loading (lookups wait
 * in its list) or loaded. Forgetting a vendor removes its entry from the table. An entry that is in
 * use (`pins`) or loading is freed when that ends: lookups that already wait still get a result,
 * and later lookups cause a new load.
 */
#include "reeyo/service/catalogue.h"

#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "reeyo/core/clock.h"
#include "reeyo/db/db.h"
#include "reeyo/db/queries/catalogue.h"
#include "reeyo/domain/hours.h"
#include "reeyo/loop/loop.h"

struct catalogue_entry {
	char id[68];
	struct catalogue *catalogue;
	struct db_call call;
	bool loading, listed;
	unsigned pins;
	uint64_t loaded_ms; /* when its statement was sent */
	struct catalogue_lookup *waiting, **last;
	struct shop shop;
	struct hours hours;
	int utc_offset_minutes; /* of the business time zone, when it was loaded */
	size_t size;
	UT_hash_handle hh;
};

struct catalogue {
	struct app *app;
	struct catalogue_entry *entries; /* oldest load first */
	unsigned count;
	size_t size; /* bytes of all entries in the table */
};

int catalogue_new(struct app *app, struct catalogue **ret)
{
	struct catalogue *catalogue = calloc(1, sizeof(*catalogue));

	if (!catalogue)
		return E_NO_MEMORY;
	catalogue->app = app;
	*ret = catalogue;
	return 0;
}

static void catalogue_entry_free(struct catalogue_entry *entry)
{
	free(entry->shop.items);
	free(entry);
}

static void catalogue_entry_unlist(struct catalogue_entry *entry)
{
	if (entry->listed) {
		HASH_DEL(entry->catalogue->entries, entry);
		entry->catalogue->count--;
		entry->catalogue->size -= entry->size;
		entry->listed = false;
	}
	if (!entry->loading && entry->pins == 0)
		catalogue_entry_free(entry);
}

void catalogue_free(struct catalogue *catalogue)
{
	if (!catalogue)
		return;
	while (catalogue->entries)
		catalogue_entry_unlist(catalogue->entries);
	free(catalogue);
}

void catalogue_forget(struct app *app, const char *vendor_id)
{
	struct catalogue_entry *entry;

	HASH_FIND_STR(app->catalogue->entries, vendor_id, entry);
	if (entry)
		catalogue_entry_unlist(entry);
}

/* --- Loading ---------------------------------------------------------------------------------- */

/* Copies a text to *space and moves *space behind it. NULL stays NULL. */
static const char *shop_text_copy(char **space, const char *text)
{
	size_t size = text ? strlen(text) + 1 : 0;
	char *kept = *space;

	if (!text)
		return NULL;
	memcpy(kept, text, size);
	*space += size;
	return kept;
}

/* The order statement gets ids inside one text parameter, so they must need no quotes. Writes to
 * the menu create only such ids. */
static bool choice_id_is_safe(const char *id)
{
	return id && *id &&
		id[strspn(id,
			"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
			"0123456789_-.")] == '\0';
}

static const char *row_text(const json_t *row, const char *name)
{
	return json_string_value(json_object_get(row, name));
}

/* -1: not a number. */
static int64_t row_int(const json_t *row, const char *name)
{
	const json_t *value = json_object_get(row, name);

	return json_is_integer(value) ? json_integer_value(value) : -1;
}

/* A choice without a safe id, a name or a price cannot be ordered and is skipped. */
static void shop_choices_read(struct shop_item *item, const json_t *list, bool variant,
	struct shop_choice **next, char **space)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *row = json_array_get(list, i);
		const char *id = row_text(row, "id"), *name = row_text(row, "name");
		int64_t price = row_int(row, "price");

		if (!choice_id_is_safe(id) || !name || price < 0)
			continue;
		*(*next)++ = (struct shop_choice){ .id = shop_text_copy(space, id),
			.name = shop_text_copy(space, name),
			.price = price,
			.variant = variant };
		item->choice_count++;
	}
}

static bool shop_item_read(
	struct shop_item *item, const json_t *row, struct shop_choice **next, char **space)
{
	*item = (struct shop_item){
		.id = shop_text_copy(space, row_text(row, "id")),
		.name = shop_text_copy(space, row_text(row, "name")),
		.image = shop_text_copy(space, row_text(row, "image")),
		.price = row_int(row, "price"),
		.stock = row_int(row, "stock"),
		.available = json_is_true(json_object_get(row, "available")),
		.choices = *next,
	};
	shop_choices_read(item, json_object_get(row, "variants"), true, next, space);
	shop_choices_read(item, json_object_get(row, "addOns"), false, next, space);
	return item->id && item->name && item->price >= 0;
}

static size_t shop_choice_count(const json_t *rows)
{
	size_t sum = 0;

	for (size_t i = 0; i < json_array_size(rows); i++) {
		const json_t *row = json_array_get(rows, i);

		sum += json_array_size(json_object_get(row, "variants")) +
			json_array_size(json_object_get(row, "addOns"));
	}
	return sum;
}

/* Items, their choices and all their texts in one block. The texts of the parsed JSON are never
 * longer than the JSON. */
static int shop_items_read(struct catalogue_entry *entry, struct text json)
{
	json_auto_t *rows = json_loadb(json.at, json.len, 0, NULL);
	struct shop *shop = &entry->shop;
	size_t count = json_array_size(rows), choices = shop_choice_count(rows);
	size_t size = count * sizeof(*shop->items) + choices * sizeof(struct shop_choice) +
		json.len;
	struct shop_choice *next;
	char *space;

	if (!json_is_array(rows))
		return E_INTERNAL;
	entry->size = sizeof(*entry) + size;
	shop->items = malloc(size);
	if (!shop->items)
		return E_NO_MEMORY;
	next = (struct shop_choice *)(shop->items + count);
	space = (char *)(next + choices);
	for (size_t i = 0; i < count; i++)
		if (!shop_item_read(&shop->items[shop->item_count++], json_array_get(rows, i),
			    &next, &space))
			return E_INTERNAL;
	return 0;
}

/* A day that is malformed is closed. */
static void shop_hours_read(struct catalogue_entry *entry, struct text json)
{
	json_auto_t *hours = json_loadb(json.at, json.len, 0, NULL);
	const char *malformed;
	bool valid = hours_read(hours, &entry->hours, &malformed);

	(void)valid;
}

/* A vendor that is not approved is not found. */
static int shop_read(struct catalogue_entry *entry, const struct db_result *result)
{
	struct shop *shop = &entry->shop;

	if (db_rows(result) == 0 ||
		!text_is(db_text(result, 0, SHOP_GET_APPROVAL_STATUS), TEXT("APPROVED")))
		return E_VENDOR_NOT_FOUND;
	shop->vendor_id = entry->id;
	shop->type = text_is(db_text(result, 0, SHOP_GET_SERVICE_TYPE), TEXT("MART")) ? MART : FOOD;
	shop->orderable = db_bool(result, 0, SHOP_GET_IS_ONLINE);
	shop->at = (struct point){ db_double(result, 0, SHOP_GET_LAT),
		db_double(result, 0, SHOP_GET_LNG) };
	shop->min_order = db_int(result, 0, SHOP_GET_MIN_ORDER_AMOUNT);
	shop->preparation_minutes = db_int(result, 0, SHOP_GET_PREPARATION_MINUTES);
	shop->commission_bps = db_is_null(result, 0, SHOP_GET_COMMISSION_BPS)
		? -1
		: db_int(result, 0, SHOP_GET_COMMISSION_BPS);
	shop_hours_read(entry, db_text(result, 0, SHOP_GET_BUSINESS_HOURS));
	entry->utc_offset_minutes = (int)db_int(result, 0, SHOP_GET_UTC_OFFSET_MINUTES);
	return shop_items_read(entry, db_text(result, 0, SHOP_GET_ITEMS));
}

/* Completes a lookup. The entry must be pinned: done may forget it or look it up again. */
static void lookup_complete(
	struct catalogue_lookup *lookup, struct catalogue_entry *entry, int error)
{
	if (!error)
		entry->shop.open = entry->shop.orderable &&
			hours_open(&entry->hours, clock_wall_ms(), entry->utc_offset_minutes);
	lookup->done(lookup, error, error ? NULL : &entry->shop);
}

static void lookups_complete(struct catalogue_entry *entry, int error)
{
	struct catalogue_lookup *lookup = entry->waiting;

	entry->waiting = NULL;
	while (lookup) {
		struct catalogue_lookup *next = lookup->next; /* done may free the lookup */

		lookup_complete(lookup, entry, error);
		lookup = next;
	}
}

static void catalogue_loaded(struct db_call *call, const struct db_result *result)
{
	struct catalogue_entry *entry = call->owner;
	int error = db_error(result);

	if (!error)
		error = shop_read(entry, result);
	entry->loading = false;
	if (entry->listed)
		entry->catalogue->size += entry->size;
	entry->pins++;
	lookups_complete(entry, error);
	entry->pins--;
	if (error || !entry->listed)
		catalogue_entry_unlist(entry);
}

static void catalogue_load(struct catalogue_entry *entry)
{
	entry->loading = true;
	entry->loaded_ms = loop_now(entry->catalogue->app->loop);
	/* From the primary: after a price change, a replica that lags would return the old price
	 * again. */
	entry->call =
		(struct db_call){ .lane = DB_WRITE, .done = catalogue_loaded, .owner = entry };
	db_run(entry->catalogue->app->db, &entry->call, shop_get,
		&(struct shop_get){ .vendor_id = entry->id });
}

/* Removes the oldest entries that are not in use until one more fits. */
static void catalogue_evict(struct catalogue *catalogue)
{
	struct catalogue_entry *entry = catalogue->entries;

	while (entry &&
		(catalogue->count >= CATALOGUE_VENDORS || catalogue->size > CATALOGUE_BYTES)) {
		struct catalogue_entry *next = entry->hh.next;

		if (!entry->loading && entry->pins == 0)
			catalogue_entry_unlist(entry);
		entry = next;
	}
}

static struct catalogue_entry *catalogue_entry_new(
	struct catalogue *catalogue, const char *vendor_id)
{
	struct catalogue_entry *entry;

	catalogue_evict(catalogue);
	if (catalogue->count >= CATALOGUE_VENDORS)
		return NULL;
	entry = calloc(1, sizeof(*entry));
	if (!entry)
		return NULL;
	memcpy(entry->id, vendor_id, strnlen(vendor_id, sizeof(entry->id) - 1));
	entry->catalogue = catalogue;
	entry->last = &entry->waiting;
	entry->listed = true;
	/* The analyzer loses track of the table's links and takes a freed entry to be in it. */
	HASH_ADD_STR(catalogue->entries, id, entry); /* NOLINT(clang-analyzer-unix.Malloc) */
	catalogue->count++;
	return entry;
}

/* The entry of a vendor that has not expired; NULL: no such entry. */
static struct catalogue_entry *catalogue_entry_find(
	struct catalogue *catalogue, const char *vendor_id)
{
	struct catalogue_entry *entry;

	HASH_FIND_STR(catalogue->entries, vendor_id, entry);
	if (entry && !entry->loading &&
		loop_now(catalogue->app->loop) - entry->loaded_ms >= CATALOGUE_LIFE_MS) {
		catalogue_entry_unlist(entry);
		return NULL;
	}
	return entry;
}

void catalogue_get(struct app *app, const char *vendor_id, struct catalogue_lookup *lookup)
{
	struct catalogue_entry *entry = catalogue_entry_find(app->catalogue, vendor_id);

	if (entry && !entry->loading) {
		entry->pins++;
		lookup_complete(lookup, entry, 0);
		entry->pins--;
		if (!entry->listed)
			catalogue_entry_unlist(entry);
		return;
	}
	if (!entry) {
		entry = catalogue_entry_new(app->catalogue, vendor_id);
		if (!entry)
			return lookup->done(lookup, E_BUSY, NULL);
		catalogue_load(entry);
	}
	lookup->next = NULL;
	*entry->last = lookup;
	entry->last = &lookup->next;
}
