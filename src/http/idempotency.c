/* SPDX-License-Identifier: MIT
 *
 * Idempotency-Key: whether a request has been answered before is decided once, here, before
 * anything may refuse it (admission, maintenance, whatever stands in the handler's way now): the
 * first answer is sent again, or the key was used for another request. The statement that writes
 * keeps key and answer together with what it does, and so is the judge between two that come at
 * once; the one that loses asks here again.
 *
 * The same request is the same route, path and query parameters, and members of the body that the
 * route declares, in canonical form: not the same bytes.
 */
#include <math.h>
#include <sodium.h>
#include <stdlib.h>

#include "exchange.h"

/* --- What is asked ---------------------------------------------------------------------------- */

static json_t *declared_object(const struct field *table, const json_t *object);

/* 1.0 and 1 are one number. */
static json_t *number_plain(const json_t *number)
{
	double real = json_number_value(number);

	if (json_is_real(number) && real == floor(real) && fabs(real) < 9007199254740992.0)
		return json_integer((json_int_t)real);
	return json_deep_copy(number);
}

static json_t *declared_list(const struct field *of, const json_t *list)
{
	json_t *copy = json_array();
	int full = !copy;

	for (size_t i = 0; !full && i < json_array_size(list); i++)
		full = json_array_append_new(copy, declared_object(of, json_array_get(list, i)));
	if (!full)
		return copy;
	json_decref(copy);
	return NULL;
}

/* All members of an object that no table describes. */
static json_t *whole_object(const json_t *object)
{
	json_t *copy = json_object();
	const char *name;
	json_t *value;
	int full = !copy;

	for (void *at = json_object_iter((json_t *)object); !full && at;
		at = json_object_iter_next((json_t *)object, at)) {
		name = json_object_iter_key(at);
		value = declared_object(NULL, json_object_iter_value(at));
		full = json_object_set_new(copy, name, value);
	}
	if (!full)
		return copy;
	json_decref(copy);
	return NULL;
}

/* A new value with what the table declares of it (NULL: all of it), numbers in one form. NULL when
 * memory is out. */
static json_t *declared_object(const struct field *table, const json_t *object)
{
	json_t *copy;
	int full;

	if (json_is_array(object))
		return declared_list(table, object);
	if (!json_is_object(object))
		return json_is_number(object) ? number_plain(object) : json_deep_copy(object);
	if (!table)
		return whole_object(object);
	copy = json_object();
	full = !copy;
	for (; !full && table->name; table++) {
		const json_t *value = json_object_get(object, table->name);

		if (value)
			full = json_object_set_new(copy, table->name,
				declared_object(table->of, value));
	}
	if (!full)
		return copy;
	json_decref(copy);
	return NULL;
}

static void hash_word(crypto_hash_sha256_state *state, const char *word)
{
	crypto_hash_sha256_update(state, (const unsigned char *)word, strlen(word) + 1);
}

/* False when memory is out. */
static bool hash_members(crypto_hash_sha256_state *state, const struct field *table,
	const json_t *object)
{
	static const struct field nothing[] = { FIELD_END };
	json_auto_t *declared = declared_object(table ? table : nothing, object);
	char *text = declared ? json_dumps(declared, JSON_COMPACT | JSON_SORT_KEYS) : NULL;

	if (text)
		hash_word(state, text);
	free(text);
	return text != NULL;
}

static bool fingerprint_set(struct request *rq)
{
	const struct route *route = rq->route;
	crypto_hash_sha256_state state;
	unsigned char hash[crypto_hash_sha256_BYTES];

	crypto_hash_sha256_init(&state);
	hash_word(&state, name_space_name(rq->ns));
	hash_word(&state, method_name(route->method));
	hash_word(&state, route->path);
	for (int i = 0; i < ROUTE_PARAMS && rq->params[i]; i++)
		hash_word(&state, rq->params[i]);
	if (!hash_members(&state, route->query, rq->query) ||
		!hash_members(&state, route->body, rq->body))
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
		key = (struct text){ key.at + 1, key.len - 2 }; /* a structured-field string is fine
		                                                 * too */
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

/* --- What was answered ------------------------------------------------------------------------ */

struct replay {
	void (*none)(struct request *rq);
	void *state; /* the handler's */
};

static void answer_read(struct request *rq, const struct db_result *result)
{
	const struct replay *replay = rq->state;

	if (db_rows(result) == 0) {
		rq->state = replay->state;
		return replay->none(rq);
	}
	if (!text_is(db_text(result, 0, 0), text_of(rq->fingerprint)))
		return reply_error(rq, E_IDEMPOTENCY_MISMATCH);
	reply_replayed(rq, (int)db_int(result, 0, 1), db_text(result, 0, 2));
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
	/* on the primary: the record may be a moment old */
	sql_write(rq, idempotency_get, answer_read, rq->caller.id, rq->idempotency_key);
}
