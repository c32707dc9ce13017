/* SPDX-License-Identifier: MIT
 *
 * Why an order is not placed, in words and with the field that a developer has to look at.
 */
#include <stdio.h>

#include "placing.h"

static void refusal_reply(struct request *rq)
{
	struct placing *placing = rq->state;
	const struct error_row *row = error_row(placing->refusal);
	struct buf details = buf_in(rq->arena, 256);

	if (!placing->field)
		return reply_error_with(rq, placing->refusal, placing->message, TEXT_NONE);
	if (placing->refusal == E_VALIDATION) /* its words say nothing without the field */
		return reply_field(rq, placing->field, placing->message, placing->message);
	buf_add_string(&details, "[{\"field\":");
	buf_add_json(&details, text_of(placing->field));
	buf_add_string(&details, ",\"message\":");
	buf_add_json(&details, text_of(placing->message ? placing->message :
		rq->french ? row->french : row->english));
	buf_add_string(&details, "}]");
	reply_error_with(rq, placing->refusal, placing->message, text_of(buf_string(&details)));
}

void refuse(struct request *rq, int error, const char *field, const char *message)
{
	struct placing *placing = rq->state;

	placing->refusal = error;
	placing->field = field;
	placing->message = message;
	refusal_reply(rq);
}

const char *line_field(struct placing *placing, const char *member_name)
{
	snprintf(placing->field_at, sizeof(placing->field_at), "items[%zu].%s", placing->fault.line,
		member_name);
	return placing->field_at;
}

/* "items[2].variantId", "items[2].addOns[1]" */
static const char *choice_field(struct placing *placing)
{
	const struct quote_fault *fault = &placing->fault;

	if (fault->variant)
		return line_field(placing, "variantId");
	snprintf(placing->field_at, sizeof(placing->field_at), "items[%zu].addOns[%zu]",
		fault->line, fault->choice);
	return placing->field_at;
}

static const char *words(struct request *rq, const char *english, const char *french)
{
	const struct quote_fault *fault = &((struct placing *)rq->state)->fault;

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	return arena_printf(rq->arena, rq->french ? french : english, (long long)fault->limit,
		(long long)fault->found);
#pragma GCC diagnostic pop
}

void refuse_quote(struct request *rq, int error)
{
	struct placing *placing = rq->state;

	switch (error) {
	case E_BELOW_MINIMUM:
		return refuse(rq, error, "items",
			words(rq, "The minimum order is %lld XAF, this one is %lld XAF",
				"La commande minimum est de %lld XAF, celle-ci est de %lld XAF"));
	case E_ABOVE_MAXIMUM:
		return refuse(rq, error, "items",
			words(rq, "An order can be at most %lld XAF",
				"Une commande peut être de %lld XAF au plus"));
	case E_TOO_FAR:
		return refuse(rq, error, "deliveryAddress.coordinates",
			words(rq, "Delivery is possible up to %lld m, this is %lld m away",
				"La livraison est possible jusqu'à %lld m, ceci est à %lld m"));
	case E_ITEM_NOT_FOUND:
	case E_ITEM_UNAVAILABLE:
		return refuse(rq, error, line_field(placing, "itemId"), NULL);
	case E_CHOICE_NOT_FOUND:
		return refuse(rq, error, choice_field(placing), NULL);
	case E_OUT_OF_STOCK:
		return refuse(rq, error, line_field(placing, "quantity"), NULL);
	case E_VALIDATION:
		return refuse(rq, error,
			placing->parcel ? "packageDetails.weight"
			: placing->lines[placing->fault.line].add_on_count
				? line_field(placing, "addOns")
				: line_field(placing, "quantity"),
			rq->french ? "est hors limites" : "is out of range");
	default:
		return refuse(rq, error, NULL, NULL);
	}
}
