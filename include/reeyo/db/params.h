/* SPDX-License-Identifier: MIT
 *
 * Types of statement parameters, used by the structs that the build makes from sql/queries: for
 * each file X.sql a header reeyo/db/queries/X.h with, for each statement, `struct <statement>` (one
 * member for each `:name` in its SQL) and an enum of its columns, `<STATEMENT>_<COLUMN>`, from its
 * line
 * `-- columns:`.
 *
 * The cast behind a name in the SQL decides the member's type:
 *
 *   :a::text, timestamptz, json, … or no cast   const char *      NULL is SQL NULL
 *   :a::bigint, integer                          int64_t
 *   :a::double precision, numeric, …             double
 *   :a::boolean                                  bool
 *   :a?::bigint (double precision, boolean)      const int64_t * (…)   NULL is SQL NULL
 *   :a::text[] (and others not named here)       struct db_texts
 *   :a::bigint[], integer[]                      struct db_ints
 *   :a::double precision[]                       struct db_doubles
 *   :a::boolean[]                                struct db_bools
 *
 * Arrays: `at` NULL is SQL NULL; otherwise `count` elements, none for an empty array. An element of
 * db_texts that is NULL is a NULL in the array. Values are copied when the call is filled, except
 * texts that are no arrays: they must stay alive until the call is completed.
 */
#ifndef REEYO_DB_PARAMS_H
#define REEYO_DB_PARAMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct db_texts {
	const char *const *at;
	size_t count;
};
struct db_ints {
	const int64_t *at;
	size_t count;
};
struct db_doubles {
	const double *at;
	size_t count;
};
struct db_bools {
	const bool *at;
	size_t count;
};

#endif
