/* SPDX-License-Identifier: MIT
 *
 * The lines of an order, as they are stored and returned, and their choices for the statement.
 */
#include "order_draft.h"
#include "reeyo/core/json_writer.h"

static void choice_write(struct json_writer *json, const struct quote_choice *chosen)
{
	json_write_object(json);
	json_write_member_string(json, "id", chosen->choice->id);
	json_write_member_string(json, "name", chosen->choice->name);
	json_write_member_int(json, "price", chosen->choice->price);
	json_write_member_int(json, "quantity", chosen->quantity);
	json_write_object_end(json);
}

static void line_write(
	struct json_writer *json, const struct quote *quote, const struct quote_line *line)
{
	json_write_object(json);
	json_write_member_string(json, "itemId", line->item->id);
	json_write_member_string(json, "name", line->item->name);
	json_write_member_int(json, "quantity", line->quantity);
	json_write_member_int(json, "price", line->price);
	json_write_member_string(json, "notes", line->notes);
	json_write_member_string(json, "specialInstructions", line->notes);
	json_write_member_string(json, "image", line->item->image);
	if (line->chosen) {
		json_write_member_array(json, "options");
		for (size_t i = 0; i < line->chosen; i++)
			choice_write(json, &quote->choices[line->first + i]);
		json_write_array_end(json);
	}
	json_write_object_end(json);
}

const char *order_lines_json(struct request *rq, const struct quote *quote)
{
	struct buf out = buf_in(rq->arena, 256 * (quote->line_count + 1));
	struct json_writer json = json_write_to(&out);

	json_write_array(&json);
	for (size_t i = 0; i < quote->line_count; i++)
		line_write(&json, quote, &quote->lines[i]);
	json_write_array_end(&json);
	return json_write_finish(&json);
}

bool order_line_choices(struct request *rq, const struct quote *quote,
	const struct quote_line *line, const char **ret)
{
	const struct quote_choice *chosen = &quote->choices[line->first];
	struct buf out;

	*ret = NULL;
	if (!line->chosen)
		return true;
	out = buf_in(rq->arena, 64 * line->chosen);
	for (size_t i = 0; i < line->chosen; i++)
		buf_printf(&out, "%s%c:%s*%lld", i ? ";" : "",
			chosen[i].choice->variant ? 'v' : 'a', chosen[i].choice->id,
			(long long)chosen[i].quantity);
	*ret = buf_string(&out);
	return *ret != NULL;
}
