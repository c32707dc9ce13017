/* SPDX-License-Identifier: MIT
 *
 * The price of an order (contract §2.2), computed from the menu and the settings. A price sent by a
 * client is never used. The functions are pure: the same shop, rules and basket give the same
 * quote.
 */
#ifndef REEYO_DOMAIN_PRICING_H
#define REEYO_DOMAIN_PRICING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "reeyo/domain/geometry.h"
#include "reeyo/domain/order.h"
#include "reeyo/domain/split.h"

#define ORDER_LINES_MAX 50
#define LINE_QUANTITY_MAX 999
#define LINE_CHOICES_MAX 20   /* add-ons of a line */
#define ORDER_CHOICES_MAX 200 /* of all lines together */
#define CHOICE_QUANTITY_MAX 20

/* An area with its own delivery fee. */
struct zone {
	struct point *corners;
	size_t count;
	int64_t fee;
};

/* The price rules of the settings. Money in XAF, rates in basis points. */
struct price_rules {
	int64_t fee_base, fee_per_km;
	int64_t free_delivery_from; /* free delivery from this subtotal; negative: never */
	bool flat;                  /* delivery_fee_mode "flat": flat_fee replaces the formula */
	int64_t flat_fee[ORDER_TYPES];
	int64_t service_fee_bps;
	int64_t min_order, min_service[ORDER_TYPES], max_order;
	int64_t max_distance_m;
	int64_t package_base, package_per_km, package_fragile, package_per_kg, package_free_grams;
	int64_t package_max_grams;
	int64_t commission_bps[ORDER_TYPES], rider_cut_bps;
	bool hours_enforced;  /* outside its business hours a vendor counts as offline */
	bool waived_fee_paid; /* the platform pays the rider the fee that free delivery waives */
	const struct zone *zones;
	size_t zone_count;
};

/* A variant or add-on of an item. The price is added to the price of the item. */
struct shop_choice {
	const char *id, *name;
	int64_t price;
	bool variant; /* at most one per line; otherwise an add-on */
};

/* A vendor and its menu, read at the same moment. Items are sorted by id (bytewise). */
struct shop_item {
	const char *id, *name, *image; /* image may be NULL */
	int64_t price;
	int64_t stock; /* negative: unlimited */
	bool available;
	size_t choice_count;
	const struct shop_choice *choices;
};
struct shop {
	const char *vendor_id;
	enum order_type type;   /* FOOD or MART */
	bool orderable;         /* approved and online */
	bool open;              /* by its business hours, when it was read */
	int64_t min_order;      /* 0: no minimum of its own */
	int64_t commission_bps; /* negative: the rate of the service applies */
	struct point at;
	int64_t preparation_minutes;
	size_t item_count;
	struct shop_item *items;
};
/* NULL when the menu has no such item. */
const struct shop_item *shop_item(const struct shop *shop, const char *id);

struct basket_choice {
	const char *id; /* or its name */
	int64_t quantity;
};
struct basket_line {
	const char *item_id, *notes; /* notes may be NULL */
	int64_t quantity;
	const char *variant; /* id or name; NULL: no variant */
	size_t add_on_count;
	const struct basket_choice *add_ons;
};
struct quote_choice {
	const struct shop_choice *choice;
	int64_t quantity; /* per unit of the item */
};
struct quote_line {
	const struct shop_item *item;
	const char *notes;
	int64_t quantity;
	int64_t price;        /* of one unit, with its choices */
	size_t first, chosen; /* range in quote.choices; the variant comes before the add-ons */
};

struct quote {
	enum order_type type;
	size_t line_count;
	struct quote_line lines[ORDER_LINES_MAX];
	size_t choice_count;
	int64_t distance_m;
	int64_t subtotal, delivery_fee, service_fee, discount, total;
	int64_t waived_fee; /* free delivery: the fee that the platform pays the rider */
	int64_t commission_bps, rider_cut_bps; /* the rates of `split` */
	int64_t vendor_commission_bps;         /* the vendor's own rate; negative: none */
	int64_t minimum;                       /* the smallest subtotal allowed */
	struct split split;
	struct quote_choice choices[ORDER_CHOICES_MAX]; /* last, so that it is not cleared */
};

/* Where and why a quote failed, for the error message. */
struct quote_fault {
	size_t line;  /* index in the basket, for errors of items */
	bool variant; /* E_CHOICE_NOT_FOUND: the variant; false: the add-on at index `choice` */
	size_t choice;
	int64_t limit; /* for E_BELOW_MINIMUM, E_ABOVE_MAXIMUM, E_TOO_FAR (metres) */
	int64_t found;
};

/* Quotes FOOD and MART. Returns 0 or E_VENDOR_OFFLINE, E_VALIDATION (lines or quantities out of
 * range), E_ITEM_NOT_FOUND, E_CHOICE_NOT_FOUND, E_ITEM_UNAVAILABLE, E_OUT_OF_STOCK,
 * E_BELOW_MINIMUM, E_ABOVE_MAXIMUM, E_TOO_FAR; *fault is then set. */
int quote_basket(const struct shop *shop, const struct price_rules *rules,
	const struct basket_line *lines, size_t count, struct point to, struct quote *ret,
	struct quote_fault *fault) MUST_CHECK;

struct parcel {
	struct point from, to;
	int64_t grams;
	bool fragile;
};
/* Quotes PACKAGE. Returns 0 or E_VALIDATION (weight), E_TOO_FAR; *fault is then set. */
int quote_parcel(const struct parcel *parcel, const struct price_rules *rules, struct quote *ret,
	struct quote_fault *fault) MUST_CHECK;

/* The delivery fee of FOOD and MART before free delivery: of the zone, flat, or by distance. */
int64_t delivery_fee(
	const struct price_rules *rules, enum order_type type, int64_t metres, struct point to);
/* Minutes from order to delivery: preparation, 5 to find a rider, and the ride at 24 km/h. */
int64_t delivery_minutes(int64_t preparation_minutes, int64_t metres);

#endif
