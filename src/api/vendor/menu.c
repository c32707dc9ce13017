/* SPDX-License-Identifier: MIT
 *
 * The vendor's menu: under /inventory and, for the older app, under /menu. An item of another
 * vendor is 403, an unknown one 404. With the setting `menu.approval_required`, new items and new
 * prices wait for the approval of an admin.
 */
#include "item.h"
#include "reeyo/api/reply_objects.h"
#include "reeyo/api/settings.h"
#include "reeyo/api/vendor.h"
#include "shop.h"

/* Items in one statement of a bulk change, which holds the locks of all of them together. */
#define BULK_BATCH 25

static const struct field list_query[] = {
	{ "category", FIELD_TEXT, .max = 50 },
	{ "available", FIELD_BOOL, .aliases = "isAvailable" },
	{ "search", FIELD_TEXT, .max = 100, .summary = "In names and descriptions" },
	FIELD_END,
};
static const struct field stock_body[] = {
	{ "quantity", FIELD_INT, .max = 1000000, .aliases = "stock",
		.summary = "Required while stock is counted" },
	{ "tracked", FIELD_BOOL, .summary = "false: stops counting stock" },
	{ "unit", FIELD_TEXT, .max = 20, .clearable = true },
	FIELD_END,
};
static const struct field available_body[] = {
	{ "available", FIELD_BOOL, .required = true, .aliases = "isAvailable is_available" },
	FIELD_END,
};
static const struct field bulk_body[] = {
	{ "itemIds", FIELD_LIST, .required = true, .min = 1, .max = MENU_ITEMS_MAX,
		.each = FIELD_ID },
	{ "available", FIELD_BOOL, .required = true, .aliases = "isAvailable is_available" },
	FIELD_END,
};

static const struct field list_fields[] = {
	{ "items", FIELD_LIST, .required = true, .of = item_fields },
	{ "total", FIELD_INT, .required = true },
	FIELD_END,
};
static const struct field categories_fields[] = {
	{ "categories", FIELD_LIST, .required = true, .each = FIELD_TEXT },
	{ "total", FIELD_INT, .required = true },
	FIELD_END,
};
static const struct field bulk_fields[] = {
	{ "updated", FIELD_INT, .required = true,
		.summary = "How many of the items belong to the vendor" },
	FIELD_END,
};

static const char *menu_approval_param(struct request *rq)
{
	return settings_flag(rq->app->settings, SETTING_MENU_APPROVAL) ? "t" : "f";
}

/* --- Adding and reading ----------------------------------------------------------------------- */

static void item_added(struct request *rq, const struct db_result *result)
{
	struct text outcome = db_text(result, 0, 0);
	struct shop_reply reply = { .data = db_text(result, 0, 1) };

	if (text_is(outcome, TEXT("ITEM_LIMIT")))
		return reply_error(rq, E_ITEM_LIMIT);
	if (!text_is(outcome, TEXT("CREATED")))
		return reply_error(rq, E_ACCOUNT_GONE);
	if (menu_approval_param(rq)[0] == 't') {
		reply.english = "The item is shown once it has been approved";
		reply.french = "L'article sera visible une fois approuvé";
	}
	reply_menu_changed(rq, reply);
}

static void add_item(struct request *rq)
{
	const char *item = item_body_read(rq);

	if (item)
		sql_write_positional(rq, item_insert, item_added, request_id_new(rq, "item_"),
			rq->caller.id, item, menu_approval_param(rq), request_id_new(rq, "mrq_"),
			body_text(rq, "changeReason"));
}

static void reply_first_column(struct request *rq, const struct db_result *result)
{
	reply_data(rq, db_text(result, 0, 0));
}

static void list_items(struct request *rq)
{
	const char *available = NULL;

	if (member(rq->query, "available"))
		available = member_bool(rq->query, "available", false) ? "t" : "f";
	sql_read_positional(rq, item_list, reply_first_column, rq->caller.id,
		query_text(rq, "category"), available, query_text(rq, "search"));
}

static void list_item_categories(struct request *rq)
{
	sql_read_positional(rq, item_categories, reply_first_column, rq->caller.id);
}

static void item_shown(struct request *rq, const struct db_result *result)
{
	if (db_rows(result) == 0)
		return reply_error(rq, E_ITEM_NOT_FOUND);
	if (!db_bool(result, 0, 0))
		return reply_error(rq, E_ITEM_NOT_OWNER);
	reply_data(rq, db_text(result, 0, 1));
}

static void get_item(struct request *rq)
{
	sql_read_positional(rq, item_get, item_shown, rq->caller.id, rq->params[0]);
}

/* --- Changing one ----------------------------------------------------------------------------- */

/* False when the write was refused and the error reply has been sent. */
static bool item_write_accepted(struct request *rq, struct text outcome)
{
	if (text_is(outcome, TEXT("ITEM_NOT_OWNER")))
		reply_error(rq, E_ITEM_NOT_OWNER);
	else if (text_is(outcome, TEXT("ITEM_NOT_FOUND")))
		reply_error(rq, E_ITEM_NOT_FOUND);
	else
		return true;
	return false;
}

static void item_changed(struct request *rq, const struct db_result *result)
{
	struct shop_reply reply = { .data = db_text(result, 0, 1) };

	if (!item_write_accepted(rq, db_text(result, 0, 0)))
		return;
	if (db_bool(result, 0, 2)) {
		reply.english = "The price changes once it has been approved";
		reply.french = "Le prix changera une fois approuvé";
	}
	reply_menu_changed(rq, reply);
}

static void item_change_write(struct request *rq, const char *changes)
{
	sql_write_positional(rq, item_update, item_changed, rq->caller.id, rq->params[0], changes,
		menu_approval_param(rq), request_id_new(rq, "mrq_"), body_text(rq, "changeReason"));
}

static void change_item(struct request *rq)
{
	const char *changes = item_body_read(rq);

	if (changes)
		item_change_write(rq, changes);
}

static void change_item_stock(struct request *rq)
{
	static const char *const members[] = { "stock", "unit", NULL };
	bool tracked = member_bool(rq->body, "tracked", true);
	json_t *quantity = member(rq->body, "quantity");
	const char *changes;

	if (tracked && !quantity)
		return reply_field(rq, "quantity", "is required", "est obligatoire");
	if (json_object_set(rq->body, "stock", tracked ? quantity : json_null()))
		return reply_error(rq, E_NO_MEMORY);
	changes = body_members(rq, members);
	if (!changes)
		return reply_error(rq, E_NO_MEMORY);
	item_change_write(rq, changes);
}

static void change_item_availability(struct request *rq)
{
	item_change_write(rq,
		member_bool(rq->body, "available", false) ? "{\"available\":true}"
							  : "{\"available\":false}");
}

static void item_deleted(struct request *rq, const struct db_result *result)
{
	if (item_write_accepted(rq, db_text(result, 0, 0)))
		reply_menu_changed(rq,
			(struct shop_reply){ .english = "The item has been deleted",
				.french = "L'article a été supprimé" });
}

static void delete_item(struct request *rq)
{
	sql_write_positional(rq, item_delete, item_deleted, rq->caller.id, rq->params[0]);
}

/* --- Changing many ---------------------------------------------------------------------------- */

struct bulk {
	size_t next; /* index of the next id of the body to send */
	int64_t updated;
};

static void bulk_send(struct request *rq);

/* An id that an earlier element of the list has too; it counts once. */
static bool bulk_id_is_repeated(const json_t *ids, size_t index)
{
	const char *id = json_string_value(json_array_get(ids, index));

	for (size_t i = 0; i < index; i++)
		if (strcmp(json_string_value(json_array_get(ids, i)), id) == 0)
			return true;
	return false;
}

/* The next batch as an SQL array of texts. NULL: no ids remain, or out of memory (then
 * *ret_remaining is true). */
static const char *bulk_batch_next(struct request *rq, bool *ret_remaining)
{
	struct bulk *bulk = rq->state;
	const json_t *ids = member(rq->body, "itemIds");
	struct buf out = buf_in(rq->arena, BULK_BATCH * (ID_SIZE + 3));
	unsigned count = 0;

	buf_add_string(&out, "{");
	for (; bulk->next < json_array_size(ids) && count < BULK_BATCH; bulk->next++) {
		if (bulk_id_is_repeated(ids, bulk->next))
			continue;
		buf_printf(&out, "%s\"%s\"", count++ ? "," : "",
			json_string_value(json_array_get(ids, bulk->next)));
	}
	buf_add_string(&out, "}");
	*ret_remaining = count > 0;
	return count ? buf_string(&out) : NULL;
}

static void bulk_reply(struct request *rq, int error)
{
	const struct bulk *bulk = rq->state;
	const char *data = arena_printf(rq->arena, "{\"updated\":%lld}", (long long)bulk->updated);

	reply_menu_changed(rq,
		(struct shop_reply){ .data = text_of(data),
			.error = error ? error
				: data ? 0
				       : E_NO_MEMORY,
			.english = "The items have been changed",
			.french = "Les articles ont été modifiés" });
}

/* When a batch fails, the reply still invalidates what earlier batches wrote. */
static void bulk_written(struct request *rq, const struct db_result *result)
{
	struct bulk *bulk = rq->state;

	if (db_error(result))
		return bulk_reply(rq, db_error(result));
	bulk->updated += db_int(result, 0, 0);
	bulk_send(rq);
}

static void bulk_send(struct request *rq)
{
	bool remaining;
	const char *batch = bulk_batch_next(rq, &remaining);

	if (!batch)
		return bulk_reply(rq, remaining ? E_NO_MEMORY : 0);
	sql_try_write_positional(rq, items_set_available, bulk_written, rq->caller.id, batch,
		member_bool(rq->body, "available", false) ? "t" : "f");
}

static void change_items_availability(struct request *rq)
{
	rq->state = ARENA_NEW(rq->arena, struct bulk);
	if (!rq->state)
		return reply_error(rq, E_NO_MEMORY);
	bulk_send(rq);
}

#define ITEM_ERRORS \
	{ \
		E_ITEM_NOT_FOUND, E_ITEM_NOT_OWNER \
	}

const struct route vendor_menu_routes[] = {
	{ POST, "/inventory/items", .operation = "createItem", .aliases = "/menu",
		.access = VENDOR_ACCOUNT, .body = item_add_fields, .reply = item_fields,
		.created = true, .errors = { E_ITEM_LIMIT, E_ACCOUNT_GONE }, .run = add_item,
		.summary = "Add an item to the menu" },
	{ GET, "/inventory/items", .operation = "listItems", .aliases = "/menu /inventory",
		.access = VENDOR_ACCOUNT, .query = list_query, .reply = list_fields,
		.run = list_items, .summary = "The items of the menu, by name" },
	{ GET, "/inventory/categories", .operation = "listItemCategories", .access = VENDOR_ACCOUNT,
		.reply = categories_fields, .run = list_item_categories,
		.summary = "The categories of the menu" },
	{ GET, "/inventory/items/:itemId", .operation = "getItem", .aliases = "/menu/:itemId",
		.access = VENDOR_ACCOUNT, .reply = item_fields, .errors = ITEM_ERRORS,
		.run = get_item, .summary = "One item" },
	{ PUT, "/inventory/items/:itemId", .operation = "updateItem", .aliases = "/menu/:itemId",
		.access = VENDOR_ACCOUNT, .any_write = true, .body = item_change_fields,
		.reply = item_fields, .errors = ITEM_ERRORS, .run = change_item,
		.summary = "Change an item" },
	{ PUT, "/inventory/:itemId", .operation = "setItemStock", .access = VENDOR_ACCOUNT,
		.any_write = true, .body = stock_body, .reply = item_fields, .errors = ITEM_ERRORS,
		.run = change_item_stock, .summary = "Set an item's stock" },
	{ PATCH, "/inventory/items/:itemId/availability", .operation = "setItemAvailability",
		.aliases = "/menu/:itemId/availability", .access = VENDOR_ACCOUNT,
		.any_write = true, .body = available_body, .reply = item_fields,
		.errors = ITEM_ERRORS, .run = change_item_availability,
		.summary = "Make an item available or unavailable" },
	{ DELETE, "/inventory/items/:itemId", .operation = "deleteItem", .aliases = "/menu/:itemId",
		.access = VENDOR_ACCOUNT, .shape = REPLY_MESSAGE, .errors = ITEM_ERRORS,
		.run = delete_item, .summary = "Delete an item from the menu" },
	{ POST, "/inventory/bulk-update", .operation = "setItemsAvailability",
		.aliases = "/menu/bulk", .access = VENDOR_ACCOUNT, .any_write = true,
		.body = bulk_body, .reply = bulk_fields, .run = change_items_availability,
		.summary = "Make many items available or unavailable; other vendors' items are "
			   "skipped" },
	ROUTE_END,
};
