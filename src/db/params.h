/* SPDX-License-Identifier: MIT
 *
 * How the members of a statement's parameter struct become the texts that PostgreSQL takes.
 */
#ifndef REEYO_SRC_DB_PARAMS_H
#define REEYO_SRC_DB_PARAMS_H

#include <stddef.h>

struct query_text;

/* Writes the struct `from` of a statement into values[0 … statement->param_count - 1]. Numbers and
 * arrays are written into memory that take(arg, size) gives, in one piece; it is asked only when
 * there are any. Returns 0, E_NO_MEMORY when take returns NULL, E_INTERNAL (logged) when the
 * statement takes parameters and `from` is NULL. */
int params_write(const struct query_text *statement, const void *from, const char **values,
	void *(*take)(void *arg, size_t size), void *arg);

#endif
