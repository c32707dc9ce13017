/* SPDX-License-Identifier: MIT
 *
 * An order on its way from the body to the row, as the files that place it share it: placing.c
 * (what is asked, and its price), order_write.c (the statement and what comes of it), refusal.c
 * (what stands in the way).
 */
#ifndef REEYO_API_USER_PLACING_H
#define REEYO_API_USER_PLACING_H

#include "order.h"

struct placing {
	bool parcel;
	enum payment_method method;
	const char *vendor_id;
	struct basket_line *lines;
	size_t line_count;
	struct spot from, to; /* from: PACKAGE only */
	const char *package;  /* its JSON */
	const char *basket;   /* hash; NULL when the rule does not apply */
	int64_t preparation_minutes;
	bool reread; /* the vendor has been read again */
	bool renumbered;
	bool counted; /* some line's stock is counted, so the menu has changed */
	const char *phone; /* MOBILE_MONEY: who pays */
	char id[ID_SIZE], entry[ID_SIZE], intent[ID_SIZE], number[ORDER_NUMBER_SIZE], code[5];
	const char *shown;      /* the lines as kept and shown */
	const char *columns[4]; /* their items, quantities, prices and choices, as arrays */
	struct text order;
	struct quote quote;
	struct quote_fault fault;
	/* what stands in the way */
	int refusal;
	const char *field, *message;
	char field_at[64];
};

/* Refuses with an error; field and message may be NULL: the error's own words. */
void refuse(struct request *rq, int error, const char *field, const char *message);
/* The same for what quote_basket or quote_parcel said; placing->fault tells which line and limit.
 */
void refuse_quote(struct request *rq, int error);
/* "items[2].itemId": the line of placing->fault. Valid until the next call. */
const char *line_field(struct placing *placing, const char *member_name);

/* Writes what has been quoted, and replies. */
void order_insert(struct request *rq);
/* True when the error may be the fault of an old catalogue: the vendor is being read again, and
 * everything will be tried once more. */
bool tried_again(struct request *rq, int error);

#endif
