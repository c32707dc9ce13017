/* SPDX-License-Identifier: MIT
 *
 * The catalogue of one loop. An entry is in the table while it can be used: loading (requests wait
 * in its list) or loaded. Forgetting a vendor removes its entry from the table. An entry that is in
 * use (`pins`) or loading is freed when that ends: requests that already wait still get a result,
 * and later requests cause a new load.
 */
#include "reeyo/api/catalog.h"

#include <uthash.h>

#include "reeyo/core/log.h"
#include "reeyo/live/hub.h"
#include "reeyo/loop/loop.h"

struct waiter {
	struct request *rq;
	catalog_done *done;
	struct waiter *next;
};

struct entry {
	char id[68];
	struct catalogs *catalogs;
	struct db_call call;
	bool loading, listed;
	unsigned pins;
	uint64_t loaded_ms; /* when its statement was sent */
	uint64_t life_ms;   /* from then; shorter when the vendor opens or closes earlier */
	struct waiter *waiters, **last;
	struct shop shop;
	size_t size;
	UT_hash_handle hh;
};

struct catalogs {
	struct app *app;
	struct hub_listener listener;
	struct entry *entries; /* oldest load first */
	unsigned count;
	size_t size; /* bytes of all entries in the table */
};

int catalogs_new(struct app *app, struct catalogs **ret)
{
	struct catalogs *catalogs = calloc(1, sizeof(*catalogs));

	if (!catalogs)
		return E_NO_MEMORY;
	catalogs->app = app;
	*ret = catalogs;
	return 0;
}

static void catalog_entry_free(struct entry *entry)
{
	free(entry->shop.items);
	free(entry);
}

static void catalog_entry_unlist(struct entry *entry)
{
	if (entry->listed) {
		HASH_DEL(entry->catalogs->entries, entry);
		entry->catalogs->count--;
		entry->catalogs->size -= entry->size;
		entry->listed = false;
	}
	if (!entry->loading && entry->pins == 0)
		catalog_entry_free(entry);
}

void catalogs_free(struct catalogs *catalogs)
{
	if (!catalogs)
		return;
	while (catalogs->entries)
		catalog_entry_unlist(catalogs->entries);
	free(catalogs);
}

void catalog_forget(struct app *app, const char *vendor_id)
{
	struct entry *entry;

	HASH_FIND_STR(app->catalogs->entries, vendor_id, entry);
	if (entry)
		catalog_entry_unlist(entry);
}

/* A vendor was changed, approved or suspended, maybe by another instance. */
static void vendor_changed_received(struct hub_listener *listener, const struct event *event)
{
	struct catalogs *catalogs = CONTAINER_OF(listener, struct catalogs, listener);
	char id[ID_SIZE];

	if (!text_is(event->type, TEXT("vendor_changed")) || event->aggregate.len >= sizeof(id))
		return;
	memcpy(id, event->aggregate.at, event->aggregate.len);
	id[event->aggregate.len] = '\0';
	catalog_forget(catalogs->app, id);
}

void catalogs_listen(struct catalogs *catalogs)
{
	catalogs->listener.on_event = vendor_changed_received;
	if (catalogs->app->hub)
		hub_add_listener(catalogs->app->hub, &catalogs->listener);
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

/* A choice without a safe id, a name or a price cannot be ordered and is skipped. */
static void shop_choices_read(struct shop_item *item, const json_t *list, bool variant,
	struct shop_choice **next, char **space)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *row = json_array_get(list, i);
		const char *id = member_text(row, "id"), *name = member_text(row, "name");
		int64_t price = member_int(row, "price", -1);

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
		.id = shop_text_copy(space, member_text(row, "id")),
		.name = shop_text_copy(space, member_text(row, "name")),
		.image = shop_text_copy(space, member_text(row, "image")),
		.price = member_int(row, "price", -1),
		.stock = member_int(row, "stock", -1),
		.available = member_bool(row, "available", false),
		.choices = *next,
	};
	shop_choices_read(item, member(row, "variants"), true, next, space);
	shop_choices_read(item, member(row, "addOns"), false, next, space);
	return item->id && item->name && item->price >= 0;
}

static size_t shop_choice_count(const json_t *rows)
{
	size_t sum = 0;

	for (size_t i = 0; i < json_array_size(rows); i++) {
		const json_t *row = json_array_get(rows, i);

		sum += json_array_size(member(row, "variants")) +
			json_array_size(member(row, "addOns"));
	}
	return sum;
}

/* Items, their choices and all their texts in one block. The texts of the parsed JSON are never
 * longer than the JSON. */
static int shop_items_read(struct entry *entry, struct text json)
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

/* Columns: see catalog_get. A vendor that is not approved is not found. */
static int shop_read(struct entry *entry, const struct db_result *result)
{
	struct shop *shop = &entry->shop;

	if (db_rows(result) == 0 || !text_is(db_text(result, 0, 1), TEXT("APPROVED")))
		return E_VENDOR_NOT_FOUND;
	shop->vendor_id = entry->id;
	shop->type = text_is(db_text(result, 0, 0), TEXT("MART")) ? MART : FOOD;
	shop->orderable = db_bool(result, 0, 2);
	shop->at = (struct point){ db_double(result, 0, 3), db_double(result, 0, 4) };
	shop->min_order = db_int(result, 0, 6);
	shop->preparation_minutes = db_int(result, 0, 7);
	shop->commission_bps = db_is_null(result, 0, 8) ? -1 : db_int(result, 0, 8);
	shop->open = db_bool(result, 0, 11);
	if (!db_is_null(result, 0, 12) && db_int(result, 0, 12) < CATALOG_LIFE_MS)
		entry->life_ms = (uint64_t)db_int(result, 0, 12);
	return shop_items_read(entry, db_text(result, 0, 10));
}

/* The entry is pinned, because a waiter may forget it or request it again. */
static void waiters_complete(struct entry *entry, int error)
{
	struct waiter *waiter = entry->waiters;

	entry->waiters = NULL;
	while (waiter) {
		struct waiter *next = waiter->next; /* its request, which owns it, may end now */

		if (request_release(waiter->rq))
			waiter->done(waiter->rq, error, error ? NULL : &entry->shop);
		waiter = next;
	}
}

static void catalog_loaded(struct db_call *call, const struct db_result *result)
{
	struct entry *entry = call->owner;
	int error = db_error(result);

	if (!error)
		error = shop_read(entry, result);
	entry->loading = false;
	if (entry->listed)
		entry->catalogs->size += entry->size;
	entry->pins++;
	waiters_complete(entry, error);
	entry->pins--;
	if (error || !entry->listed)
		catalog_entry_unlist(entry);
}

static void catalog_load(struct entry *entry)
{
	entry->loading = true;
	entry->loaded_ms = loop_now(entry->catalogs->app->loop);
	entry->life_ms = CATALOG_LIFE_MS;
	entry->call = (struct db_call){
		.query = QUERY_catalog_get,
		/* From the primary: after a price change, a replica that lags would return the old
		   price again. */
		.lane = DB_WRITE,
		.count = 1,
		.params = { entry->id },
		.done = catalog_loaded,
		.owner = entry,
	};
	db_submit(entry->catalogs->app->db, &entry->call);
}

/* Removes the oldest entries that are not in use until one more fits. */
static void catalog_evict(struct catalogs *catalogs)
{
	struct entry *entry = catalogs->entries;

	while (entry && (catalogs->count >= CATALOG_VENDORS || catalogs->size > CATALOG_BYTES)) {
		struct entry *next = entry->hh.next;

		if (!entry->loading && entry->pins == 0)
			catalog_entry_unlist(entry);
		entry = next;
	}
}

static struct entry *catalog_entry_new(struct catalogs *catalogs, const char *vendor_id)
{
	struct entry *entry;

	catalog_evict(catalogs);
	if (catalogs->count >= CATALOG_VENDORS)
		return NULL;
	entry = calloc(1, sizeof(*entry));
	if (!entry)
		return NULL;
	memcpy(entry->id, vendor_id, strnlen(vendor_id, sizeof(entry->id) - 1));
	entry->catalogs = catalogs;
	entry->listed = true;
	HASH_ADD_STR(catalogs->entries, id, entry);
	catalogs->count++;
	return entry;
}

static void waiter_add(struct entry *entry, struct request *rq, catalog_done *done)
{
	struct waiter *waiter = arena_alloc(rq->arena, sizeof(*waiter));

	if (!waiter)
		return done(rq, E_NO_MEMORY, NULL);
	*waiter = (struct waiter){ .rq = rq, .done = done };
	if (!entry->waiters)
		entry->last = &entry->waiters;
	*entry->last = waiter;
	entry->last = &waiter->next;
	request_hold(rq);
}

void catalog_get(struct request *rq, const char *vendor_id, catalog_done *done)
{
	struct catalogs *catalogs = rq->app->catalogs;
	struct entry *entry;

	HASH_FIND_STR(catalogs->entries, vendor_id, entry);
	if (entry && !entry->loading &&
		loop_now(catalogs->app->loop) - entry->loaded_ms >= entry->life_ms) {
		catalog_entry_unlist(entry);
		entry = NULL;
	}
	if (entry && !entry->loading) {
		entry->pins++;
		done(rq, 0, &entry->shop);
		entry->pins--;
		if (!entry->listed)
			catalog_entry_unlist(entry);
		return;
	}
	if (!entry) {
		entry = catalog_entry_new(catalogs, vendor_id);
		if (!entry)
			return done(rq, E_BUSY, NULL);
		catalog_load(entry);
	}
	waiter_add(entry, rq, done);
}
