/* SPDX-License-Identifier: MIT
 *
 * Idempotency-Key: the stored reply of an earlier request is looked up here, before admission,
 * maintenance or the handler can refuse the request. The first reply is sent again, or 422 when the
 * key belongs to another request. The statement that writes also stores the key and its reply. So
 * when two requests with one key run in parallel, the database lets one of them win; the other one
 * looks the reply up again.
 *
 * Two requests are the same when route, path and query parameters, and the declared members of the
 * body are equal in canonical form. The bytes may differ.
 */
#include <math.h>
#include <sodium.h>
#include <stdlib.h>

#include "exchange.h"
#include "reeyo/db/queries/operations.h"

/* --- Fingerprint ------------------------------------------------------------------------------ */

static json_t *canonical_copy(const struct field *table, const json_t *object);

/* 1.0 becomes 1. */
static json_t *number_canonical(const json_t *number)
{
	double real = json_number_value(number);

	if (json_is_real(number) && real == floor(real) && fabs(real) < 9007199254740992.0)
		return json_integer((json_int_t)real);
	return json_deep_copy(number);
}

static json_t *canonical_list(const struct field *of, const json_t *list)
{
	json_t *copy = json_array();
	int full = !copy;

	for (size_t i = 0; !full && i < json_array_size(list); i++)
		full = json_array_append_new(copy, canonical_copy(of, json_array_get(list, i)));
	if (!full)
		return copy;
	json_decref(copy);
	return NULL;
}

/* A copy of all members of an object that no table describes. */
static json_t *canonical_object(const json_t *object)
{
	json_t *copy = json_object();
	const char *name;
	json_t *value;
	int full = !copy;

	for (void *at = json_object_iter((json_t *)object); !full && at;
		at = json_object_iter_next((json_t *)object, at)) {
		name = json_object_iter_key(at);
		value = canonical_copy(NULL, json_object_iter_value(at));
		full = json_object_set_new(copy, name, value);
	}
	if (!full)
		return copy;
	json_decref(copy);
	return NULL;
}

/* A copy with the members that the table declares (NULL: all members) and canonical numbers. NULL
 * when out of memory. */
static json_t *canonical_copy(const struct field *table, const json_t *object)
{
	json_t *copy;
	int full;

	if (json_is_array(object))
		return canonical_list(table, object);
	if (!json_is_object(object))
		return json_is_number(object) ? number_canonical(object) : json_deep_copy(object);
	if (!table)
		return canonical_object(object);
	copy = json_object();
	full = !copy;
	for (; !full && table->name; table++) {
		const json_t *value = json_object_get(object, table->name);

		if (value)
			full = json_object_set_new(
				copy, table->name, canonical_copy(table->of, value));
	}
	if (!full)
		return copy;
	json_decref(copy);
	return NULL;
}

static void fingerprint_add_word(crypto_hash_sha256_state *state, const char *word)
{
	crypto_hash_sha256_update(state, (const unsigned char *)word, strlen(word) + 1);
}

/* False when out of memory. */
static bool fingerprint_add_members(
	crypto_hash_sha256_state *state, const struct field *table, const json_t *object)
{
	static const struct field nothing[] = { FIELD_END };
	json_auto_t *declared = canonical_copy(table ? table : nothing, object);
	char *text = declared ? json_dumps(declared, JSON_COMPACT | JSON_SORT_KEYS) : NULL;

	if (text)
		fingerprint_add_word(state, text);
	free(text);
	return text != NULL;
}

static bool fingerprint_set(struct request *rq)
{
	const struct route *route = rq->route;
	crypto_hash_sha256_state state;
	unsigned char hash[crypto_hash_sha256_BYTES];

	crypto_hash_sha256_init(&state);
	fingerprint_add_word(&state, name_space_name(rq->ns));
	fingerprint_add_word(&state, method_name(route->method));
	fingerprint_add_word(&state, route->path);
	for (int i = 0; i < ROUTE_PARAMS && rq->params[i]; i++)
		fingerprint_add_word(&state, rq->params[i]);
	if (!fingerprint_add_members(&state, route->query, rq->query) ||
		!fingerprint_add_members(&state, route->body, rq->body))
		return false;
	crypto_hash_sha256_final(&state, hash);
	sodium_bin2hex(rq->fingerprint, sizeof(rq->fingerprint), hash, sizeof(hash));
	return true;
}

bool idempotency_read(struct exchange *x)
{
	struct text key = x->head.idempotency_key;

	if (!x->rq.route->idempotent || !key.at)
		return true;
	if (key.len >= 2 && key.at[0] == '"' && key.at[key.len - 1] == '"')
		key = (struct text){ key.at + 1, key.len - 2 }; /* a structured-field string */
	for (size_t i = 0; i < key.len; i++)
		if (key.at[i] < 0x21 || key.at[i] > 0x7e)
			key.len = 0;
	if (key.len < 1 || key.len > 128) {
		reply_field(&x->rq, "Idempotency-Key", "must be 1 to 128 visible characters",
			"doit compter 1 à 128 caractères visibles");
		return false;
	}
	x->rq.idempotency_key = arena_copy(x->rq.arena, key.at, key.len);
	return x->rq.idempotency_key && fingerprint_set(&x->rq);
}

/* --- Replay ----------------------------------------------------------------------------------- */

struct replay {
	void (*none)(struct request *rq);
	void *state; /* rq->state of the handler */
};

static void replay_found(struct request *rq, const struct db_result *result)
{
	const struct replay *replay = rq->state;

	if (db_rows(result) == 0) {
		rq->state = replay->state;
		return replay->none(rq);
	}
	if (!text_is(db_text(result, 0, IDEMPOTENCY_GET_FINGERPRINT), text_of(rq->fingerprint)))
		return reply_error(rq, E_IDEMPOTENCY_MISMATCH);
	reply_replayed(rq, (int)db_int(result, 0, IDEMPOTENCY_GET_STATUS),
		db_text(result, 0, IDEMPOTENCY_GET_BODY));
}

void request_replay(struct request *rq, void (*none)(struct request *rq))
{
	struct replay *replay;

	if (!rq->idempotency_key)
		return none(rq);
	replay = ARENA_NEW(rq->arena, struct replay);
	if (!replay)
		return reply_error(rq, E_NO_MEMORY);
	*replay = (struct replay){ .none = none, .state = rq->state };
	rq->state = replay;
	/* on the primary: a replica may not have the record yet */
	sql_read_primary(rq, idempotency_get, replay_found,
		&(struct idempotency_get){
			.account_id = rq->caller.id, .key = rq->idempotency_key });
}
