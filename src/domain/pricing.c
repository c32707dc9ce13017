/* SPDX-License-Identifier: MIT
 *
 * Quotes. The quantities of one item on several lines count together against its stock.
 */
#include "reeyo/domain/pricing.h"

#include <stdlib.h>
#include <string.h>

#include "reeyo/domain/money.h"

static int item_id_compare(const void *id, const void *item)
{
	return strcmp(id, ((const struct shop_item *)item)->id);
}

const struct shop_item *shop_item(const struct shop *shop, const char *id)
{
	if (!shop->item_count)
		return NULL;
	return bsearch(id, shop->items, shop->item_count, sizeof(*shop->items), item_id_compare);
}

int64_t delivery_fee(
	const struct price_rules *rules, enum order_type type, int64_t metres, struct point to)
{
	for (size_t i = 0; i < rules->zone_count; i++)
		if (polygon_contains(rules->zones[i].corners, rules->zones[i].count, to))
			return rules->zones[i].fee;
	if (rules->flat)
		return rules->flat_fee[type];
	return rules->fee_base + (metres + 999) / 1000 * rules->fee_per_km;
}

/* The quantity of an item on the lines that were added so far. */
static int64_t quoted_quantity(const struct quote *quote, const struct shop_item *item)
{
	int64_t sum = 0;

	for (size_t i = 0; i < quote->line_count; i++)
		if (quote->lines[i].item == item)
			sum += quote->lines[i].quantity;
	return sum;
}

/* Finds a choice by its id, or else by the name in the menu. */
static const struct shop_choice *item_choice_find(
	const struct shop_item *item, bool variant, const char *name)
{
	for (size_t i = 0; i < item->choice_count; i++)
		if (item->choices[i].variant == variant && strcmp(item->choices[i].id, name) == 0)
			return &item->choices[i];
	for (size_t i = 0; i < item->choice_count; i++)
		if (item->choices[i].variant == variant && strcmp(item->choices[i].name, name) == 0)
			return &item->choices[i];
	return NULL;
}

static int quote_choice_add(struct quote *quote, struct quote_line *line, bool variant,
	const struct basket_choice *wanted)
{
	const struct shop_choice *choice = item_choice_find(line->item, variant, wanted->id);
	int64_t price;
	int error;

	if (!choice)
		return E_CHOICE_NOT_FOUND;
	if (wanted->quantity < 1 || wanted->quantity > CHOICE_QUANTITY_MAX ||
		quote->choice_count == ORDER_CHOICES_MAX)
		return E_VALIDATION;
	error = money_times(choice->price, wanted->quantity, &price);
	if (!error)
		error = money_add(line->price, price, &line->price);
	if (error)
		return error;
	quote->choices[quote->choice_count++] = (struct quote_choice){ choice, wanted->quantity };
	line->chosen++;
	return 0;
}

static int quote_choices_add(struct quote *quote, struct quote_line *made,
	const struct basket_line *line, struct quote_fault *fault)
{
	struct basket_choice variant = { line->variant, 1 };
	int error = 0;

	fault->variant = true;
	if (line->variant)
		error = quote_choice_add(quote, made, true, &variant);
	if (error)
		return error;
	fault->variant = false;
	for (fault->choice = 0; fault->choice < line->add_on_count; fault->choice++)
		if ((error = quote_choice_add(quote, made, false, &line->add_ons[fault->choice])))
			return error;
	return 0;
}

static int quote_line_add(struct quote *quote, const struct shop *shop,
	const struct basket_line *line, struct quote_fault *fault)
{
	const struct shop_item *item = shop_item(shop, line->item_id);
	struct quote_line made = { .item = item,
		.notes = line->notes,
		.quantity = line->quantity,
		.first = quote->choice_count };
	int64_t price;
	int error;

	if (line->quantity < 1 || line->quantity > LINE_QUANTITY_MAX)
		return E_VALIDATION;
	if (!item)
		return E_ITEM_NOT_FOUND;
	if (!item->available)
		return E_ITEM_UNAVAILABLE;
	if (item->stock >= 0 && quoted_quantity(quote, item) + line->quantity > item->stock)
		return E_OUT_OF_STOCK;
	made.price = item->price;
	error = quote_choices_add(quote, &made, line, fault);
	if (!error)
		error = money_times(made.price, line->quantity, &price);
	if (!error)
		error = money_add(quote->subtotal, price, &quote->subtotal);
	if (error)
		return error;
	quote->lines[quote->line_count++] = made;
	return 0;
}

static int64_t larger(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static int quote_fault_set(struct quote_fault *fault, int error, int64_t found, int64_t limit)
{
	fault->found = found;
	fault->limit = limit;
	return error;
}

static int quote_limits_check(
	const struct price_rules *rules, const struct quote *quote, struct quote_fault *fault)
{
	if (quote->subtotal < quote->minimum)
		return quote_fault_set(fault, E_BELOW_MINIMUM, quote->subtotal, quote->minimum);
	if (quote->subtotal > rules->max_order)
		return quote_fault_set(fault, E_ABOVE_MAXIMUM, quote->subtotal, rules->max_order);
	if (quote->distance_m > rules->max_distance_m)
		return quote_fault_set(fault, E_TOO_FAR, quote->distance_m, rules->max_distance_m);
	return 0;
}

/* Computes fees, total and split. The subtotal is within the limits here, so nothing overflows. */
static void quote_sum(const struct shop *shop, const struct price_rules *rules, struct point to,
	struct quote *quote)
{
	int64_t fee = delivery_fee(rules, quote->type, quote->distance_m, to);
	bool waived = rules->free_delivery_from >= 0 &&
		quote->subtotal >= rules->free_delivery_from;

	quote->delivery_fee = waived ? 0 : fee;
	quote->waived_fee = waived && rules->waived_fee_paid ? fee : 0;
	quote->service_fee = money_share(quote->subtotal, rules->service_fee_bps);
	quote->total = quote->subtotal + quote->delivery_fee + quote->service_fee;
	quote->vendor_commission_bps = shop->commission_bps;
	quote->commission_bps = shop->commission_bps >= 0 ? shop->commission_bps
							  : rules->commission_bps[quote->type];
	quote->rider_cut_bps = rules->rider_cut_bps;
	quote->split = split_order(&(struct split_terms){ .type = quote->type,
		.subtotal = quote->subtotal,
		.delivery_fee = quote->delivery_fee,
		.total = quote->total,
		.commission_bps = quote->commission_bps,
		.rider_cut_bps = quote->rider_cut_bps,
		.waived_fee = quote->waived_fee });
}

int quote_basket(const struct shop *shop, const struct price_rules *rules,
	const struct basket_line *lines, size_t count, struct point to, struct quote *ret,
	struct quote_fault *fault)
{
	int error;

	*fault = (struct quote_fault){ 0 };
	memset(ret, 0, offsetof(struct quote, choices));
	ret->type = shop->type;
	if (!shop->orderable || (rules->hours_enforced && !shop->open))
		return E_VENDOR_OFFLINE;
	if (count < 1 || count > ORDER_LINES_MAX)
		return E_VALIDATION;
	for (; fault->line < count; fault->line++)
		if ((error = quote_line_add(ret, shop, &lines[fault->line], fault)))
			return error;
	ret->distance_m = distance_m(shop->at, to);
	ret->minimum = larger(
		rules->min_order, larger(rules->min_service[shop->type], shop->min_order));
	error = quote_limits_check(rules, ret, fault);
	if (!error)
		quote_sum(shop, rules, to, ret);
	return error;
}

int quote_parcel(const struct parcel *parcel, const struct price_rules *rules, struct quote *ret,
	struct quote_fault *fault)
{
	int64_t heavy = parcel->grams - rules->package_free_grams;

	*fault = (struct quote_fault){ 0 };
	memset(ret, 0, offsetof(struct quote, choices));
	ret->type = PACKAGE;
	ret->distance_m = distance_m(parcel->from, parcel->to);
	if (parcel->grams < 1 || parcel->grams > rules->package_max_grams)
		return quote_fault_set(
			fault, E_VALIDATION, parcel->grams, rules->package_max_grams);
	if (ret->distance_m > rules->max_distance_m)
		return quote_fault_set(fault, E_TOO_FAR, ret->distance_m, rules->max_distance_m);
	ret->delivery_fee = rules->package_base +
		round_half_up(ret->distance_m * rules->package_per_km, 1000) +
		(parcel->fragile ? rules->package_fragile : 0) +
		(heavy > 0 ? round_half_up(heavy * rules->package_per_kg, 1000) : 0);
	ret->total = ret->delivery_fee;
	ret->vendor_commission_bps = -1;
	ret->commission_bps = rules->commission_bps[PACKAGE];
	ret->rider_cut_bps = rules->rider_cut_bps;
	ret->split = split_order(&(struct split_terms){ .type = PACKAGE,
		.delivery_fee = ret->delivery_fee,
		.total = ret->total,
		.commission_bps = ret->commission_bps,
		.rider_cut_bps = ret->rider_cut_bps });
	return 0;
}

int64_t delivery_minutes(int64_t preparation_minutes, int64_t metres)
{
	return preparation_minutes + 5 + (metres + 399) / 400;
}
