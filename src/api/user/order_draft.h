/* SPDX-License-Identifier: MIT
 *
 * The draft of an order: the body of POST /orders, priced. order_place.c runs it; what it calls is
 * here, by file:
 *   order_draft.c     reads the body and prices it
 *   order_location.c  the addresses in it
 *   order_lines.c     its lines as they are stored
 *   order_basket.c    the hash that finds duplicates
 *   order_refusal.c   the error replies
 */
#ifndef REEYO_API_USER_ORDER_DRAFT_H
#define REEYO_API_USER_ORDER_DRAFT_H

#include "reeyo/domain/pricing.h"
#include "reeyo/http/request.h"
#include "reeyo/service/catalogue.h"

/* A pickup or delivery location of an order. */
struct order_location {
	struct point at;
	const char *text;         /* the address */
	const char *instructions; /* may be NULL */
	const char *json;         /* as stored and returned with the order */
};

/* rq->state while an order is placed. */
struct order_draft {
	bool parcel;
	enum payment_method method;
	const char *phone; /* MOBILE_MONEY: the phone that pays */
	const char *vendor_id;
	struct basket_line *lines;
	size_t line_count;
	struct order_location from, to; /* from: PACKAGE only */
	const char *package;            /* its details as JSON */
	int64_t preparation_minutes;
	bool limited;       /* an item has limited stock, so the menu changes */
	struct quote quote; /* points into the catalogue: valid only until the handler returns */
	struct quote_fault fault;
	/* the error */
	int refusal;
	const char *field, *message;
	char field_at[64];
	/* order_place.c */
	struct catalogue_lookup lookup;
	bool reread, renumbered;
	char id[ID_SIZE], entry[ID_SIZE], intent[ID_SIZE], number[ORDER_NUMBER_SIZE], code[5];
	char basket[65]; /* hash; "": duplicates are not looked for */
	struct text order;
};

/* Reads the body into the draft (rq->state). False when it has sent an error. */
bool draft_read(struct request *rq);
/* Checks that a vendor sells what the draft wants. False when it has sent an error. */
bool draft_check_shop(struct request *rq, const struct shop *shop);
/* Sets draft->quote. 0, or an error of quote_basket or quote_parcel; the reply is the caller's. */
int draft_price_basket(struct request *rq, const struct shop *shop);
int draft_price_parcel(struct request *rq);

/* The delivery location: deliveryAddressId, or deliveryAddress (complete, or the id of a stored
 * one), or the default address of the account. False when it has sent an error. */
bool delivery_location_read(struct request *rq, struct order_location *ret);
/* A complete address of the body. False when it has sent an error. */
bool body_location_read(struct request *rq, const char *name, struct order_location *ret);

/* The lines of a quote as JSON, as stored and returned. NULL when memory is out. */
const char *order_lines_json(struct request *rq, const struct quote *quote);
/* The choices of a line in the format of the SQL function item_price ("v:var_1*1;a:add_2*3"); NULL
 * without any. False when memory is out. */
bool order_line_choices(struct request *rq, const struct quote *quote,
	const struct quote_line *line, const char **ret);

/* Hashes vendor, lines, locations and `other`. The order of the lines does not matter. from may be
 * NULL. */
void basket_hash(const char *vendor_id, const struct quote *quote,
	const struct order_location *from, const struct order_location *to, const char *other,
	char hex[65]);

/* Sends an error. field and message may be NULL: the default message of the error. */
void draft_refuse(struct request *rq, int error, const char *field, const char *message);
/* Sends an error of quote_basket or quote_parcel; draft->fault has the line and the limit. */
void draft_refuse_quote(struct request *rq, int error);
/* "items[2].itemId" for the line of draft->fault. Valid until the next call. */
const char *draft_line_field(struct order_draft *draft, const char *member_name);

#endif
