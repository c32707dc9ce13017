/* SPDX-License-Identifier: MIT
 *
 * The rules for an item. A variant is one of several forms of the item (the customer chooses at
 * most one); an add-on is an extra (any number, each several times). The price of each is added to
 * the price of the item, for each unit ordered. The server gives both ids, so a choice keeps its
 * identity when its name or price changes.
 */
#include "item.h"

#include <stdio.h>

#include "shop.h"

#define PRICE_MAX 10000000
#define CHOICES_MAX 20
#define STOCK_MAX 1000000

#define CHOICE_FIELDS \
	{ "id", FIELD_ID, .aliases = "variantId addOnId", \
		.summary = "The server creates one when absent" }, \
		{ "name", FIELD_TEXT, .required = true, .min = 1, .max = 100 }, \
	{ \
		"price", FIELD_MONEY, .required = true, .max = PRICE_MAX, \
				      .summary = "Added to the item's price" \
	}

static const struct field variant_body[] = {
	CHOICE_FIELDS,
	{ "options", FIELD_LIST, .max = CHOICES_MAX, .each = FIELD_TEXT, .each_max = 100,
		.summary = "What it consists of, for display" },
	FIELD_END,
};
static const struct field add_on_body[] = { CHOICE_FIELDS, FIELD_END };

#define ITEM_MEMBERS(must) \
	{ "name", FIELD_TEXT, .required = must, .min = 3, .max = 100 }, \
		{ "description", FIELD_TEXT, .lines = true, .min = 10, .max = 500, \
			.clearable = !(must) }, \
		{ "category", FIELD_TEXT, .required = must, .min = 2, .max = 50 }, \
		{ "price", FIELD_MONEY, .required = must, .min = 100, .max = PRICE_MAX }, \
		{ "originalPrice", FIELD_MONEY, .clearable = !(must), .max = PRICE_MAX, \
			.summary = "Shown struck through" }, \
		{ "preparationTime", FIELD_INT, .required = must, .min = 1, .max = 120, \
			.summary = "Minutes" }, \
		{ "available", FIELD_BOOL, .aliases = "isAvailable is_available" }, \
		{ "stock", FIELD_INT, .clearable = !(must), .max = STOCK_MAX, \
			.summary = "Absent or null: not counted" }, \
		{ "unit", FIELD_TEXT, .max = 20, .clearable = !(must) }, \
		{ "images", FIELD_LIST, .max = 5, .each = FIELD_URL }, \
		{ "tags", FIELD_LIST, .max = 10, .each = FIELD_TEXT, .each_max = 30 }, \
		{ "variants", FIELD_LIST, .max = CHOICES_MAX, .of = variant_body }, \
		{ "addOns", FIELD_LIST, .max = CHOICES_MAX, .of = add_on_body, \
			.aliases = "addons add_ons" }, \
	{ \
		"changeReason", FIELD_TEXT, .lines = true, .max = 500, .aliases = "change_reason", \
					    .summary = "For the admin, when approval is required" \
	}

const struct field item_add_fields[] = { ITEM_MEMBERS(true), FIELD_END };
const struct field item_change_fields[] = { ITEM_MEMBERS(false), FIELD_END };

static const char *const item_members[] = { "name", "description", "category", "price",
	"originalPrice", "preparationTime", "available", "stock", "unit", "images", "tags",
	"variants", "addOns", NULL };

/* True when an earlier choice of the list has the same id. */
static bool choice_id_is_repeated(const json_t *list, size_t index, const char *id)
{
	for (size_t i = 0; i < index; i++)
		if (strcmp(member_text(json_array_get(list, i), "id"), id) == 0)
			return true;
	return false;
}

/* One choice with an id and its known members only. NULL: out of memory. */
static json_t *choice_copy(const json_t *given, const char *prefix)
{
	const char *id = member_text(given, "id");
	json_t *options = member(given, "options");
	char made[ID_SIZE];
	json_t *choice;

	if (!id)
		id_new(made, prefix);
	choice = json_pack("{s:s,s:s,s:I}", "id", id ? id : made, "name",
		member_text(given, "name"), "price", (json_int_t)member_int(given, "price", 0));
	if (choice && options && json_object_set(choice, "options", options)) {
		json_decref(choice);
		return NULL;
	}
	return choice;
}

static bool choices_check(struct request *rq, const char *name, const char *prefix)
{
	json_t *list = member(rq->body, name);
	char field[64];

	for (size_t i = 0; i < json_array_size(list); i++) {
		json_t *choice = choice_copy(json_array_get(list, i), prefix);

		if (!choice || json_array_set_new(list, i, choice)) {
			reply_error(rq, E_NO_MEMORY);
			return false;
		}
		if (!choice_id_is_repeated(list, i, member_text(choice, "id")))
			continue;
		snprintf(field, sizeof(field), "%s[%zu].id", name, i);
		reply_field(
			rq, field, "stands twice in the list", "figure deux fois dans la liste");
		return false;
	}
	return true;
}

const char *item_body_read(struct request *rq)
{
	const char *item;

	if (!choices_check(rq, "variants", "var_") || !choices_check(rq, "addOns", "add_"))
		return NULL;
	item = body_members(rq, item_members);
	if (!item)
		reply_error(rq, E_NO_MEMORY);
	return item;
}
