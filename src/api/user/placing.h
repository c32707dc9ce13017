/* SPDX-License-Identifier: MIT
 *
 * The draft of an order, which the files of POST /orders share: placing.c reads and prices it,
 * order_write.c writes it, refusal.c sends its errors.
 */
#ifndef REEYO_API_USER_PLACING_H
#define REEYO_API_USER_PLACING_H

#include "order.h"
#include "reeyo/service/catalogue.h"

struct order_draft {
	struct catalogue_lookup lookup;
	bool parcel;
	enum payment_method method;
	const char *vendor_id;
	struct basket_line *lines;
	size_t line_count;
	struct order_location from, to; /* from: PACKAGE only */
	const char *package;            /* its JSON */
	const char *basket;             /* hash; NULL when the rule does not apply */
	int64_t preparation_minutes;
	bool reread; /* the vendor was read again */
	bool renumbered;
	bool counted;      /* an item has limited stock, so the menu changes */
	const char *phone; /* MOBILE_MONEY: the phone that pays */
	char id[ID_SIZE], entry[ID_SIZE], intent[ID_SIZE], number[ORDER_NUMBER_SIZE], code[5];
	const char *shown;      /* the lines as JSON */
	const char *columns[4]; /* their items, quantities, prices and choices, as arrays */
	struct text order;
	struct quote quote;
	struct quote_fault fault;
	/* the error */
	int refusal;
	const char *field, *message;
	char field_at[64];
};

/* Sends an error. field and message may be NULL: the default message of the error. */
void draft_refuse(struct request *rq, int error, const char *field, const char *message);
/* Sends an error of quote_basket or quote_parcel; draft->fault has the line and the limit. */
void draft_refuse_quote(struct request *rq, int error);
/* "items[2].itemId" for the line of draft->fault. Valid until the next call. */
const char *draft_line_field(struct order_draft *draft, const char *member_name);

/* Writes the quoted draft, and replies. */
void order_insert(struct request *rq);
/* True when an old catalogue can cause the error: the vendor is then read again and the order is
 * tried once more. */
bool draft_retry(struct request *rq, int error);

#endif
