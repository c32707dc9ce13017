/* SPDX-License-Identifier: MIT
 *
 * Prices and splits: the contract's worked examples, every limit from both sides, and properties
 * over random orders (the seed is printed; REEYO_TEST_SEED repeats a run).
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../suite.h"
#include "reeyo/domain/money.h"
#include "reeyo/domain/pricing.h"

/* One degree of latitude is 111,194.93 m on our sphere. */
#define DEGREES(metres) ((metres) / 111194.92664455873)

static const struct shop_choice choices[] = {
	{ .id = "big", .name = "Grand", .price = 1000, .variant = true },
	{ .id = "hot", .name = "Piment", .price = 0 },
	{ .id = "egg", .name = "big", .price = 250 }, /* named as another is called */
	{ .id = "gold", .name = "Or", .price = INT64_MAX / 2 },
};
static struct shop_item items[] = {
	{ .id = "item_1",
		.name = "Ndolé",
		.price = 2500,
		.stock = -1,
		.available = true,
		.choice_count = 4,
		.choices = choices },
	{ .id = "item_2", .name = "Poulet DG", .price = 5000, .stock = 5, .available = true },
	{ .id = "item_3", .name = "Eru", .price = 3000, .stock = -1, .available = false },
	{ .id = "item_4", .name = "Gold", .price = INT64_MAX / 2, .stock = -1, .available = true },
	{ .id = "item_5", .name = "Water", .price = 100, .stock = -1, .available = true },
};
static struct shop shop;
static struct price_rules rules;
static struct quote quote;
static struct quote_fault fault;

static void setup(void)
{
	shop = (struct shop){ .vendor_id = "vendor_123",
		.type = FOOD,
		.orderable = true,
		.commission_bps = -1,
		.item_count = sizeof(items) / sizeof(items[0]),
		.items = items };
	rules = (struct price_rules){ .fee_base = 1000,
		.fee_per_km = 200,
		.free_delivery_from = 10000,
		.flat_fee = { 1500, 2000, 0 },
		.min_order = 500,
		.min_service = { 2000, 5000, 0 },
		.max_order = 500000,
		.max_distance_m = 50000,
		.package_base = 2000,
		.package_per_km = 500,
		.package_fragile = 1000,
		.package_per_kg = 200,
		.package_free_grams = 10000,
		.package_max_grams = 50000,
		.commission_bps = { 1500, 1000, 2000 },
		.waived_fee_paid = true };
}

static int order(const char *item, int64_t quantity, double metres)
{
	return quote_basket(&shop, &rules,
		&(struct basket_line){ .item_id = item, .quantity = quantity }, 1,
		(struct point){ DEGREES(metres), 0 }, &quote, &fault);
}

START_TEST(three_and_a_half_kilometres_cost_1800)
{
	ck_assert_int_eq(order("item_1", 1, 3500), 0);
	ck_assert_int_eq(quote.distance_m, 3500);
	ck_assert_int_eq(quote.subtotal, 2500);
	ck_assert_int_eq(quote.delivery_fee, 1800);
	ck_assert_int_eq(quote.total, 4300);
}
END_TEST

START_TEST(started_kilometres_count_whole)
{
	static const struct {
		int metres, fee;
	} rows[] = { { 0, 1000 }, { 1, 1200 }, { 1000, 1200 }, { 1001, 1400 }, { 50000, 11000 } };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ck_assert_int_eq(order("item_1", 1, rows[i].metres), 0);
		ck_assert_int_eq(quote.delivery_fee, rows[i].fee);
	}
	ck_assert_int_eq(order("item_1", 1, 50001), E_TOO_FAR);
	ck_assert_int_eq(fault.limit, 50000);
}
END_TEST

START_TEST(delivery_is_free_from_the_threshold_on)
{
	ck_assert_int_eq(order("item_5", 99, 2000), 0);
	ck_assert_int_eq(quote.delivery_fee, 1400);
	ck_assert_int_eq(quote.split.subsidy, 0);
	ck_assert_int_eq(order("item_5", 100, 2000), 0);
	ck_assert_int_eq(quote.subtotal, 10000);
	ck_assert_int_eq(quote.delivery_fee, 0);
	ck_assert_int_eq(quote.total, 10000);
	ck_assert_int_eq(quote.split.subsidy, 1400);
	rules.waived_fee_paid = false;
	ck_assert_int_eq(order("item_5", 100, 2000), 0);
	ck_assert_int_eq(quote.split.subsidy, 0);
	rules.free_delivery_from = -1;
	ck_assert_int_eq(order("item_5", 100, 2000), 0);
	ck_assert_int_eq(quote.delivery_fee, 1400);
}
END_TEST

START_TEST(a_zone_has_its_own_fee_and_flat_mode_a_flat_one)
{
	struct point square[] = { { -1, -1 }, { -1, 1 }, { DEGREES(3000), 1 },
		{ DEGREES(3000), -1 } };
	struct zone zone = { .corners = square, .count = 4, .fee = 700 };

	rules.zones = &zone;
	rules.zone_count = 1;
	ck_assert_int_eq(order("item_1", 1, 2900), 0);
	ck_assert_int_eq(quote.delivery_fee, 700);
	ck_assert_int_eq(order("item_1", 1, 3100), 0);
	ck_assert_int_eq(quote.delivery_fee, 1800);
	rules.flat = true;
	ck_assert_int_eq(order("item_1", 1, 3100), 0);
	ck_assert_int_eq(quote.delivery_fee, 1500);
	ck_assert_int_eq(order("item_1", 1, 2900), 0);
	ck_assert_int_eq(quote.delivery_fee, 700);
}
END_TEST

START_TEST(the_service_fee_is_a_share_of_the_subtotal)
{
	rules.service_fee_bps = 250;
	ck_assert_int_eq(order("item_1", 3, 500), 0);
	ck_assert_int_eq(quote.service_fee, 188); /* 187.5 */
	ck_assert_int_eq(quote.total, 7500 + 1200 + 188);
	ck_assert_int_eq(
		quote.split.vendor + quote.split.rider + quote.split.platform, quote.total);
}
END_TEST

START_TEST(the_minimum_is_the_largest_of_three)
{
	ck_assert_int_eq(order("item_5", 19, 500), E_BELOW_MINIMUM);
	ck_assert_int_eq(fault.limit, 2000);
	ck_assert_int_eq(fault.found, 1900);
	ck_assert_int_eq(order("item_5", 20, 500), 0);
	shop.min_order = 2600;
	ck_assert_int_eq(order("item_1", 1, 500), E_BELOW_MINIMUM);
	ck_assert_int_eq(fault.limit, 2600);
	shop.min_order = 100;
	rules.min_order = 3000;
	ck_assert_int_eq(order("item_1", 1, 500), E_BELOW_MINIMUM);
	shop.type = MART;
	ck_assert_int_eq(order("item_5", 49, 500), E_BELOW_MINIMUM);
	ck_assert_int_eq(fault.limit, 5000);
	ck_assert_int_eq(order("item_5", 50, 500), 0);
}
END_TEST

static int choose(const char *variant, size_t count, const struct basket_choice *add_ons)
{
	struct basket_line line = { .item_id = "item_1",
		.quantity = 2,
		.variant = variant,
		.add_on_count = count,
		.add_ons = add_ons };

	return quote_basket(&shop, &rules, &line, 1, shop.at, &quote, &fault);
}

START_TEST(choices_are_added_to_the_price_of_each_unit)
{
	struct basket_choice add_ons[] = { { "hot", 1 }, { "egg", 3 } };

	ck_assert_int_eq(choose("big", 2, add_ons), 0);
	ck_assert_int_eq(quote.lines[0].price, 2500 + 1000 + 3 * 250);
	ck_assert_int_eq(quote.subtotal, 2 * quote.lines[0].price);
	ck_assert_uint_eq(quote.lines[0].chosen, 3);
	ck_assert_ptr_eq(quote.choices[0].choice, &choices[0]);
	ck_assert_int_eq(quote.choices[2].quantity, 3);
	ck_assert_int_eq(choose(NULL, 0, NULL), 0);
	ck_assert_int_eq(quote.subtotal, 5000);
}
END_TEST

START_TEST(a_choice_is_found_by_id_or_else_by_name_within_its_kind)
{
	struct basket_choice name = { "Piment", 1 }, egg = { "big", 1 }, none = { "Grand", 1 };

	ck_assert_int_eq(choose("Grand", 1, &name), 0);
	ck_assert_ptr_eq(quote.choices[1].choice, &choices[1]);
	ck_assert_int_eq(choose("big", 1, &egg), 0);
	ck_assert_ptr_eq(quote.choices[0].choice, &choices[0]);
	ck_assert_ptr_eq(quote.choices[1].choice, &choices[2]);
	ck_assert_int_eq(choose("hot", 0, NULL), E_CHOICE_NOT_FOUND);
	ck_assert(fault.variant);
	ck_assert_int_eq(choose(NULL, 1, &none), E_CHOICE_NOT_FOUND);
	ck_assert(!fault.variant);
	ck_assert_uint_eq(fault.choice, 0);
}
END_TEST

START_TEST(choices_have_limits_and_their_sum_does_not_overflow)
{
	struct basket_choice many = { "egg", CHOICE_QUANTITY_MAX + 1 },
			     gold[] = { { "gold", 1 }, { "gold", 1 } };
	struct basket_choice eggs[LINE_CHOICES_MAX];
	struct basket_line lines[ORDER_CHOICES_MAX / LINE_CHOICES_MAX + 1];

	ck_assert_int_eq(choose(NULL, 1, &many), E_VALIDATION);
	ck_assert_int_eq(choose(NULL, 2, gold), E_ABOVE_MAXIMUM);
	for (size_t i = 0; i < LINE_CHOICES_MAX; i++)
		eggs[i] = (struct basket_choice){ "egg", 1 };
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		lines[i] = (struct basket_line){ .item_id = "item_1",
			.quantity = 1,
			.add_on_count = LINE_CHOICES_MAX,
			.add_ons = eggs };
	ck_assert_int_eq(quote_basket(&shop, &rules, lines, ORDER_CHOICES_MAX / LINE_CHOICES_MAX,
				 shop.at, &quote, &fault),
		0);
	ck_assert_int_eq(quote_basket(&shop, &rules, lines,
				 ORDER_CHOICES_MAX / LINE_CHOICES_MAX + 1, shop.at, &quote, &fault),
		E_VALIDATION);
}
END_TEST

START_TEST(the_maximum_applies_and_sums_never_overflow)
{
	struct basket_line gold[] = { { .item_id = "item_4", .quantity = 1 },
		{ .item_id = "item_4", .quantity = 1 }, { .item_id = "item_4", .quantity = 1 } };

	ck_assert_int_eq(order("item_1", 200, 500), 0);
	ck_assert_int_eq(quote.subtotal, 500000);
	ck_assert_int_eq(order("item_1", 201, 500), E_ABOVE_MAXIMUM);
	ck_assert_int_eq(order("item_4", 1, 500), E_ABOVE_MAXIMUM);
	ck_assert_int_eq(order("item_4", 999, 500), E_ABOVE_MAXIMUM);
	ck_assert_int_eq(
		quote_basket(&shop, &rules, gold, 3, shop.at, &quote, &fault), E_ABOVE_MAXIMUM);
}
END_TEST

START_TEST(lines_and_quantities_have_bounds)
{
	struct basket_line lines[ORDER_LINES_MAX + 1];

	for (size_t i = 0; i <= ORDER_LINES_MAX; i++)
		lines[i] = (struct basket_line){ .item_id = "item_5", .quantity = 1 };
	ck_assert_int_eq(order("item_1", 0, 500), E_VALIDATION);
	ck_assert_int_eq(order("item_1", -1, 500), E_VALIDATION);
	ck_assert_int_eq(order("item_1", LINE_QUANTITY_MAX + 1, 500), E_VALIDATION);
	ck_assert_int_eq(order("item_1", INT64_MAX, 500), E_VALIDATION);
	ck_assert_int_eq(
		quote_basket(&shop, &rules, lines, 0, shop.at, &quote, &fault), E_VALIDATION);
	ck_assert_int_eq(quote_basket(&shop, &rules, lines, 50, shop.at, &quote, &fault), 0);
	ck_assert_uint_eq(quote.line_count, 50);
	ck_assert_int_eq(
		quote_basket(&shop, &rules, lines, 51, shop.at, &quote, &fault), E_VALIDATION);
}
END_TEST

START_TEST(items_must_exist_be_available_and_be_in_stock)
{
	struct basket_line lines[] = { { .item_id = "item_2", .quantity = 3 },
		{ .item_id = "item_1", .quantity = 1 },
		{ .item_id = "item_2", .notes = "hot", .quantity = 3 } };

	ck_assert_int_eq(order("item_9", 1, 500), E_ITEM_NOT_FOUND);
	ck_assert_int_eq(order("item_3", 1, 500), E_ITEM_UNAVAILABLE);
	ck_assert_int_eq(order("item_2", 5, 500), 0);
	ck_assert_int_eq(order("item_2", 6, 500), E_OUT_OF_STOCK);
	/* Two lines of one item count together. */
	ck_assert_int_eq(
		quote_basket(&shop, &rules, lines, 3, shop.at, &quote, &fault), E_OUT_OF_STOCK);
	ck_assert_uint_eq(fault.line, 2);
	lines[2].quantity = 2;
	ck_assert_int_eq(quote_basket(&shop, &rules, lines, 3, shop.at, &quote, &fault), 0);
	ck_assert_int_eq(quote.subtotal, 27500);
	shop.orderable = false;
	ck_assert_int_eq(order("item_1", 1, 500), E_VENDOR_OFFLINE);
	shop.orderable = true;
	rules.hours_enforced = true;
	ck_assert_int_eq(order("item_1", 1, 500), E_VENDOR_OFFLINE);
	shop.open = true;
	ck_assert_int_eq(order("item_1", 1, 500), 0);
	shop.item_count = 0;
	ck_assert_int_eq(order("item_1", 1, 500), E_ITEM_NOT_FOUND);
}
END_TEST

static int64_t parcel_fee(double metres, int64_t grams, bool fragile)
{
	struct parcel parcel = { .to = { DEGREES(metres), 0 }, .grams = grams, .fragile = fragile };
	int error = quote_parcel(&parcel, &rules, &quote, &fault);

	ck_assert(error || quote.delivery_fee == quote.total);
	ck_assert(error || quote.split.rider + quote.split.platform == quote.total);
	return error ? error : quote.total;
}

START_TEST(a_parcel_is_priced_by_distance_weight_and_fragility)
{
	ck_assert_int_eq(parcel_fee(0, 1, false), 2000);
	ck_assert_int_eq(parcel_fee(6000, 2000, false), 5000);
	ck_assert_int_eq(quote.split.commission, 1000);
	ck_assert_int_eq(quote.split.rider, 4000);
	ck_assert_int_eq(parcel_fee(1, 1000, false), 2001); /* half a franc rounds up */
	ck_assert_int_eq(parcel_fee(6000, 10000, true), 6000);
	ck_assert_int_eq(parcel_fee(6000, 10002, false), 5000); /* 0.4 francs */
	ck_assert_int_eq(parcel_fee(6000, 10003, false), 5001); /* 0.6 francs */
	ck_assert_int_eq(parcel_fee(50000, 50000, true), 2000 + 25000 + 1000 + 8000);
	ck_assert_int_eq(parcel_fee(6000, 50001, false), E_VALIDATION);
	ck_assert_int_eq(parcel_fee(6000, 0, false), E_VALIDATION);
	ck_assert_int_eq(parcel_fee(50001, 1000, false), E_TOO_FAR);
}
END_TEST

START_TEST(the_split_of_the_contract_s_examples)
{
	struct split split = split_order(&(struct split_terms){ .type = FOOD,
		.subtotal = 10000,
		.delivery_fee = 1500,
		.total = 11500,
		.commission_bps = 1500 });

	ck_assert_int_eq(split.platform, 1500);
	ck_assert_int_eq(split.vendor, 8500);
	ck_assert_int_eq(split.rider, 1500);
	split = split_order(&(struct split_terms){ .type = PACKAGE,
		.delivery_fee = 5000,
		.total = 5000,
		.commission_bps = 2000,
		.rider_cut_bps = 1000 });
	ck_assert_int_eq(split.platform, 1000);
	ck_assert_int_eq(split.rider, 4000);
	ck_assert_int_eq(split.vendor, 0);
	/* a vendor's own rate replaces that of the service, also when it is 0 */
	shop.commission_bps = 0;
	ck_assert_int_eq(order("item_1", 1, 500), 0);
	ck_assert_int_eq(quote.split.commission, 0);
}
END_TEST

static int64_t any(int64_t below)
{
	return (int64_t)(((uint64_t)random() << 31 | (uint64_t)random()) % (uint64_t)below);
}

START_TEST(parts_always_sum_to_the_total)
{
	for (int i = 0; i < 200000; i++) {
		struct split_terms terms = { .type = (enum order_type)any(3),
			.commission_bps = any(10001) };
		struct split split;
		int64_t service_fee = 0;

		terms.delivery_fee = any(50000);
		if (terms.type != PACKAGE) {
			terms.subtotal = any(1000000);
			service_fee = any(100000);
			terms.rider_cut_bps = any(10001);
			terms.waived_fee = any(2) ? any(12000) : 0;
		}
		terms.total = terms.subtotal + terms.delivery_fee + service_fee;
		split = split_order(&terms);
		ck_assert_int_eq(split.vendor + split.rider + split.platform, terms.total);
		ck_assert(split.vendor >= 0 && split.rider >= 0 && split.platform >= 0);
		ck_assert(split.subsidy >= 0 && split.subsidy <= terms.waived_fee);
	}
}
END_TEST

START_TEST(a_quote_never_costs_less_than_its_items)
{
	for (int i = 0; i < 20000; i++) {
		struct basket_line lines[8];
		size_t count = (size_t)any(8) + 1;
		int64_t sum = 0;
		int error;

		for (size_t n = 0; n < count; n++) {
			const struct shop_item *item = &items[any(2) ? 0 : 4];

			lines[n] = (struct basket_line){ .item_id = item->id,
				.quantity = any(40) + 1 };
			sum += item->price * lines[n].quantity;
		}
		rules.service_fee_bps = any(1001);
		error = quote_basket(&shop, &rules, lines, count,
			(struct point){ DEGREES((double)any(60000)), 0 }, &quote, &fault);
		ck_assert(!error || error == E_BELOW_MINIMUM || error == E_ABOVE_MAXIMUM ||
			error == E_TOO_FAR);
		if (error)
			continue;
		ck_assert_int_eq(quote.subtotal, sum);
		ck_assert_int_eq(quote.total, sum + quote.delivery_fee + quote.service_fee);
		ck_assert_int_eq(
			quote.split.vendor + quote.split.rider + quote.split.platform, quote.total);
	}
}
END_TEST

int main(void)
{
	const char *given = getenv("REEYO_TEST_SEED");
	unsigned seed = given ? (unsigned)strtoul(given, NULL, 10) : (unsigned)time(NULL);
	Suite *suite = suite_create("pricing");
	TCase *tests = tcase_create("pricing");

	printf("seed %u\n", seed);
	srandom(seed);
	tcase_add_checked_fixture(tests, setup, NULL);
	tcase_add_test(tests, three_and_a_half_kilometres_cost_1800);
	tcase_add_test(tests, started_kilometres_count_whole);
	tcase_add_test(tests, delivery_is_free_from_the_threshold_on);
	tcase_add_test(tests, a_zone_has_its_own_fee_and_flat_mode_a_flat_one);
	tcase_add_test(tests, the_service_fee_is_a_share_of_the_subtotal);
	tcase_add_test(tests, the_minimum_is_the_largest_of_three);
	tcase_add_test(tests, choices_are_added_to_the_price_of_each_unit);
	tcase_add_test(tests, a_choice_is_found_by_id_or_else_by_name_within_its_kind);
	tcase_add_test(tests, choices_have_limits_and_their_sum_does_not_overflow);
	tcase_add_test(tests, the_maximum_applies_and_sums_never_overflow);
	tcase_add_test(tests, lines_and_quantities_have_bounds);
	tcase_add_test(tests, items_must_exist_be_available_and_be_in_stock);
	tcase_add_test(tests, a_parcel_is_priced_by_distance_weight_and_fragility);
	tcase_add_test(tests, the_split_of_the_contract_s_examples);
	tcase_add_test(tests, parts_always_sum_to_the_total);
	tcase_add_test(tests, a_quote_never_costs_less_than_its_items);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
