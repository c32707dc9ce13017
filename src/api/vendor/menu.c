/* SPDX-License-Identifier: MIT
 *
 * The vendor's menu: under /inventory and, for the older app, under /menu. An item of another
 * vendor is 403, an unknown one 404. With the setting `menu.approval_required`, new items and new
 * prices wait for the approval of an admin.
 */
#include "reeyo/db/queries/menu.h"
#include "item.h"
#include "reeyo/api/reply_objects.h"
#include "reeyo/api/vendor.h"
#include "reeyo/core/json_writer.h"
#include "reeyo/http/request.h"
#include "reeyo/service/settings.h"
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

static bool menu_needs_approval(const struct request *rq)
{
	return settings_flag(rq->app->settings, SETTING_MENU_APPROVAL);
}

/* --- Adding and reading ----------------------------------------------------------------------- */

static void item_added(struct request *rq, const struct db_result *result)
{
	struct text outcome = db_text(result, 0, ITEM_INSERT_OUTCOME);
	struct shop_reply reply = { .data = db_text(result, 0, ITEM_INSERT_ITEM) };

	if (text_is(outcome, TEXT("ITEM_LIMIT")))
		return reply_error(rq, E_ITEM_LIMIT);
	if (!text_is(outcome, TEXT("CREATED")))
		return reply_error(rq, E_ACCOUNT_GONE);
	if (menu_needs_approval(rq)) {
		reply.english = "The item is shown once it has been approved";
		reply.french = "L'article sera visible une fois approuvé";
	}
	reply_menu_changed(rq, reply);
}

static void add_item(struct request *rq)
{
	const char *item = item_body_read(rq);

	if (item)
		sql_write(rq, item_insert, item_added,
			&(struct item_insert){ .item_id = request_id_new(rq, "item_"),
				.vendor_id = rq->caller.id,
				.item = item,
				.needs_approval = menu_needs_approval(rq),
				.request_id = request_id_new(rq, "mrq_"),
				.reason = body_text(rq, "changeReason") });
}

static void reply_first_column(struct request *rq, const struct db_result *result)
{
	reply_data(rq, db_text(result, 0, 0));
}

static void list_items(struct request *rq)
{
	sql_read(rq, item_list, reply_first_column,
		&(struct item_list){ .vendor_id = rq->caller.id,
			.category = query_text(rq, "category"),
			.available = optional_bool(rq, rq->query, "available"),
			.search = query_text(rq, "search") });
}

static void list_item_categories(struct request *rq)
{
	sql_read(rq, item_categories, reply_first_column,
		&(struct item_categories){ .vendor_id = rq->caller.id });
}

static void item_shown(struct request *rq, const struct db_result *result)
{
	if (db_rows(result) == 0)
		return reply_error(rq, E_ITEM_NOT_FOUND);
	if (!db_bool(result, 0, ITEM_GET_IS_OWNER))
		return reply_error(rq, E_ITEM_NOT_OWNER);
	reply_data(rq, db_text(result, 0, ITEM_GET_ITEM));
}

static void get_item(struct request *rq)
{
	sql_read(rq, item_get, item_shown,
		&(struct item_get){ .vendor_id = rq->caller.id, .item_id = rq->params[0] });
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
	struct shop_reply reply = { .data = db_text(result, 0, ITEM_UPDATE_ITEM) };

	if (!item_write_accepted(rq, db_text(result, 0, ITEM_UPDATE_OUTCOME)))
		return;
	if (db_bool(result, 0, ITEM_UPDATE_REQUESTED)) {
		reply.english = "The price changes once it has been approved";
		reply.french = "Le prix changera une fois approuvé";
	}
	reply_menu_changed(rq, reply);
}

static void item_change_write(struct request *rq, const char *changes)
{
	sql_write(rq, item_update, item_changed,
		&(struct item_update){ .vendor_id = rq->caller.id,
			.item_id = rq->params[0],
			.changes = changes,
			.needs_approval = menu_needs_approval(rq),
			.request_id = request_id_new(rq, "mrq_"),
			.reason = body_text(rq, "changeReason") });
}

static void change_item(struct request *rq)
{
	const char *changes = item_body_read(rq);

	if (changes)
		item_change_write(rq, changes);
}

/* Writes the named members of the body. */
static void item_change_members(struct request *rq, const char *const *members)
{
	const char *changes = body_members(rq, members);

	if (!changes)
		return reply_error(rq, E_NO_MEMORY);
	item_change_write(rq, changes);
}

static void change_item_stock(struct request *rq)
{
	static const char *const members[] = { "stock", "unit", NULL };
	bool tracked = member_bool(rq->body, "tracked", true);
	json_t *quantity = member(rq->body, "quantity");

	if (tracked && !quantity)
		return reply_field(rq, "quantity", "is required", "est obligatoire");
	if (json_object_set(rq->body, "stock", tracked ? quantity : json_null()))
		return reply_error(rq, E_NO_MEMORY);
	item_change_members(rq, members);
}

static void change_item_availability(struct request *rq)
{
	static const char *const members[] = { "available", NULL };

	item_change_members(rq, members);
}

static void item_deleted(struct request *rq, const struct db_result *result)
{
	if (item_write_accepted(rq, db_text(result, 0, ITEM_DELETE_OUTCOME)))
		reply_menu_changed(rq,
			(struct shop_reply){ .english = "The item has been deleted",
				.french = "L'article a été supprimé" });
}

static void delete_item(struct request *rq)
{
	sql_write(rq, item_delete, item_deleted,
		&(struct item_delete){ .vendor_id = rq->caller.id, .item_id = rq->params[0] });
}

/* --- Changing many ---------------------------------------------------------------------------- */

struct bulk {
	const char **ids;   /* of the body, each once */
	size_t count, next; /* those before next have been sent */
	int64_t updated;
};

static void bulk_send(struct request *rq);

static void bulk_reply(struct request *rq, int error)
{
	const struct bulk *bulk = rq->state;
	const char *data = json_int_object(rq->arena, "updated", bulk->updated);

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
	bulk->updated += db_int(result, 0, ITEMS_SET_AVAILABLE_CHANGED);
	bulk_send(rq);
}

static void bulk_send(struct request *rq)
{
	struct bulk *bulk = rq->state;
	const char *const *batch = bulk->ids + bulk->next;
	size_t count = bulk->count - bulk->next;

	if (!count)
		return bulk_reply(rq, 0);
	if (count > BULK_BATCH)
		count = BULK_BATCH;
	bulk->next += count;
	sql_try_write(rq, items_set_available, bulk_written,
		&(struct items_set_available){ .vendor_id = rq->caller.id,
			.item_ids = { batch, count },
			.available = member_bool(rq->body, "available", false) });
}

static bool bulk_has(const struct bulk *bulk, const char *id)
{
	for (size_t i = 0; i < bulk->count; i++)
		if (strcmp(bulk->ids[i], id) == 0)
			return true;
	return false;
}

/* NULL: out of memory. */
static struct bulk *bulk_read(struct request *rq)
{
	struct db_texts ids = member_texts(rq, rq->body, "itemIds");
	struct bulk *bulk = ARENA_NEW(rq->arena, struct bulk);

	if (!ids.at || !bulk)
		return NULL;
	bulk->ids = arena_alloc(rq->arena, ids.count * sizeof(*bulk->ids));
	for (size_t i = 0; bulk->ids && i < ids.count; i++)
		if (!bulk_has(bulk, ids.at[i]))
			bulk->ids[bulk->count++] = ids.at[i];
	return bulk->ids ? bulk : NULL;
}

static void change_items_availability(struct request *rq)
{
	rq->state = bulk_read(rq);
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
