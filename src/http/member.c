/* SPDX-License-Identifier: MIT
 *
 * Reads a validated request: members of its body and query, headers, pages, and texts for SQL
 * parameters.
 */
#include <stdio.h>

#include "exchange.h"
#include "network.h"
#include "reeyo/core/id.h"

const struct field page_fields[] = { PAGE_FIELDS, FIELD_END };

json_t *member(const json_t *object, const char *name)
{
	return json_object_get(object, name);
}

const char *member_text(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

int64_t member_int(const json_t *object, const char *name, int64_t fallback)
{
	const json_t *value = json_object_get(object, name);

	return json_is_integer(value) ? json_integer_value(value) : fallback;
}

double member_number(const json_t *object, const char *name, double fallback)
{
	const json_t *value = json_object_get(object, name);

	return json_is_number(value) ? json_number_value(value) : fallback;
}

bool member_bool(const json_t *object, const char *name, bool fallback)
{
	const json_t *value = json_object_get(object, name);

	return json_is_boolean(value) ? json_is_true(value) : fallback;
}

const char *request_header(struct request *rq, const char *name)
{
	struct exchange *x = exchange_of(rq);

	return x->mhd ? MHD_lookup_connection_value(x->mhd, MHD_HEADER_KIND, name) : NULL;
}

static bool proxy_is_trusted(const struct exchange *x)
{
	struct text list = text_of(x->rq.app->config->trusted_proxies);

	while (list.at)
		if (text_is(text_trim(text_cut(&list, ',')), text_of(x->connection->address)))
			return true;
	return false;
}

/* The last address of X-Forwarded-For is the one that our own proxy has added. */
const char *request_address(struct request *rq)
{
	struct exchange *x = exchange_of(rq);
	struct text list = x->head.forwarded_for;
	struct network networks[NETWORKS_MAX];
	struct text last = TEXT_NONE;
	const char *named;

	if (!x->connection)
		return "";
	if (!list.at || !proxy_is_trusted(x))
		return x->connection->address;
	while (list.at)
		last = text_trim(text_cut(&list, ','));
	named = last.len && last.len < INET6_ADDRSTRLEN ? arena_copy(rq->arena, last.at, last.len)
							: NULL;
	return named && networks_of(named, networks) ? named : x->connection->address;
}

const int64_t *optional_int(struct request *rq, const json_t *object, const char *name)
{
	int64_t *value = member(object, name) ? arena_alloc(rq->arena, sizeof(*value)) : NULL;

	if (value)
		*value = member_int(object, name, 0);
	return value;
}

const double *optional_number(struct request *rq, const json_t *object, const char *name)
{
	double *value = member(object, name) ? arena_alloc(rq->arena, sizeof(*value)) : NULL;

	if (value)
		*value = member_number(object, name, 0);
	return value;
}

const bool *optional_bool(struct request *rq, const json_t *object, const char *name)
{
	static const bool values[] = { false, true };

	(void)rq;
	return member(object, name) ? &values[member_bool(object, name, false)] : NULL;
}

struct db_texts member_texts(struct request *rq, const json_t *object, const char *name)
{
	const json_t *list = member(object, name);
	size_t count = json_array_size(list);
	const char **texts = list ? arena_alloc(rq->arena, (count + 1) * sizeof(*texts)) : NULL;

	for (size_t i = 0; texts && i < count; i++)
		texts[i] = json_string_value(json_array_get(list, i));
	return (struct db_texts){ texts, texts ? count : 0 };
}

const char *arg_json(struct request *rq, const json_t *value)
{
	char *text auto_free = value
		? json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(15))
		: NULL;

	return text ? arena_copy(rq->arena, text, strlen(text)) : NULL;
}

const char *arg_change(struct request *rq, const char *name)
{
	const json_t *value = member(rq->body, name);

	if (!value || json_is_string(value))
		return json_string_value(value);
	return json_is_null(value) ? "" : arg_json(rq, value);
}

const char *request_id_new(struct request *rq, const char *prefix)
{
	char *id = arena_alloc(rq->arena, ID_SIZE);

	if (id)
		id_new(id, prefix);
	return id;
}

struct page request_page(struct request *rq, int64_t fallback_limit)
{
	struct page page = {
		.page = member_int(rq->query, "page", 1),
		.limit = member_int(rq->query, "limit", fallback_limit),
	};

	if (page.limit > 100)
		page.limit = 100;
	page.offset = (page.page - 1) * page.limit;
	return page;
}
