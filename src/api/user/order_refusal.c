/* SPDX-License-Identifier: MIT
 *
 * The error replies of POST /orders, with the field that caused the error.
 */
#include <stdio.h>

#include "order_draft.h"
#include "reeyo/core/json_writer.h"

/* [{"field":…,"message":…}] */
static struct text refusal_details(struct request *rq, const struct order_draft *draft)
{
	const struct error_row *row = error_row(draft->refusal);
	const char *message = draft->message;
	struct buf out = buf_in(rq->arena, 256);
	struct json_writer json = json_write_to(&out);

	if (!message)
		message = rq->french ? row->french : row->english;
	json_write_array(&json);
	json_write_object(&json);
	json_write_member_string(&json, "field", draft->field);
	json_write_member_string(&json, "message", message);
	json_write_object_end(&json);
	json_write_array_end(&json);
	return text_of(json_write_finish(&json));
}

static void draft_refusal_reply(struct request *rq)
{
	struct order_draft *draft = rq->state;

	if (!draft->field)
		return reply_error_with(rq, draft->refusal, draft->message, TEXT_NONE);
	if (draft->refusal == E_VALIDATION) /* its message is useless without the field */
		return reply_field(rq, draft->field, draft->message, draft->message);
	reply_error_with(rq, draft->refusal, draft->message, refusal_details(rq, draft));
}

void draft_refuse(struct request *rq, int error, const char *field, const char *message)
{
	struct order_draft *draft = rq->state;

	draft->refusal = error;
	draft->field = field;
	draft->message = message;
	draft_refusal_reply(rq);
}

const char *draft_line_field(struct order_draft *draft, const char *member_name)
{
	snprintf(draft->field_at, sizeof(draft->field_at), "items[%zu].%s", draft->fault.line,
		member_name);
	return draft->field_at;
}

/* "items[2].variantId", "items[2].addOns[1]" */
static const char *draft_choice_field(struct order_draft *draft)
{
	const struct quote_fault *fault = &draft->fault;

	if (fault->variant)
		return draft_line_field(draft, "variantId");
	snprintf(draft->field_at, sizeof(draft->field_at), "items[%zu].addOns[%zu]", fault->line,
		fault->choice);
	return draft->field_at;
}

static const char *quote_limit_message(struct request *rq, const char *english, const char *french)
{
	const struct quote_fault *fault = &((struct order_draft *)rq->state)->fault;

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	return arena_printf(rq->arena, rq->french ? french : english, (long long)fault->limit,
		(long long)fault->found);
#pragma GCC diagnostic pop
}

void draft_refuse_quote(struct request *rq, int error)
{
	struct order_draft *draft = rq->state;

	switch (error) {
	case E_BELOW_MINIMUM:
		return draft_refuse(rq, error, "items",
			quote_limit_message(rq,
				"The minimum order is %lld XAF, this one is %lld XAF",
				"La commande minimum est de %lld XAF, celle-ci est de %lld XAF"));
	case E_ABOVE_MAXIMUM:
		return draft_refuse(rq, error, "items",
			quote_limit_message(rq, "An order can be at most %lld XAF",
				"Une commande peut être de %lld XAF au plus"));
	case E_TOO_FAR:
		return draft_refuse(rq, error, "deliveryAddress.coordinates",
			quote_limit_message(rq,
				"Delivery is possible up to %lld m, this is %lld m away",
				"La livraison est possible jusqu'à %lld m, ceci est à %lld m"));
	case E_ITEM_NOT_FOUND:
	case E_ITEM_UNAVAILABLE:
		return draft_refuse(rq, error, draft_line_field(draft, "itemId"), NULL);
	case E_CHOICE_NOT_FOUND:
		return draft_refuse(rq, error, draft_choice_field(draft), NULL);
	case E_OUT_OF_STOCK:
		return draft_refuse(rq, error, draft_line_field(draft, "quantity"), NULL);
	case E_VALIDATION:
		return draft_refuse(rq, error,
			draft->parcel ? "packageDetails.weight"
				: draft->lines[draft->fault.line].add_on_count
				? draft_line_field(draft, "addOns")
				: draft_line_field(draft, "quantity"),
			rq->french ? "est hors limites" : "is out of range");
	default:
		return draft_refuse(rq, error, NULL, NULL);
	}
}
