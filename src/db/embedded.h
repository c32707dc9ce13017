/* SPDX-License-Identifier: MIT
 *
 * The SQL files that the build embeds in the binary.
 */
#ifndef REEYO_SRC_DB_EMBEDDED_H
#define REEYO_SRC_DB_EMBEDDED_H

#include <stdbool.h>

#include "reeyo/db/record.h"

/* A parameter of a statement: where it stands in the statement's struct and what stands there. */
enum param_type {
	PARAM_TEXT,     /* const char * */
	PARAM_INTEGER,  /* int64_t */
	PARAM_DOUBLE,   /* double */
	PARAM_BOOLEAN,  /* bool */
	PARAM_TEXTS,    /* struct db_texts */
	PARAM_INTEGERS, /* struct db_ints */
	PARAM_DOUBLES,  /* struct db_doubles */
	PARAM_BOOLEANS  /* struct db_bools */
};
struct query_param {
	unsigned short offset;
	unsigned char type; /* enum param_type */
	bool optional;      /* of a number or boolean: a pointer to it stands there */
};

/* In the order of enum query; ends with a NULL name. */
struct query_text {
	const char *name, *text;
	const struct query_param *params; /* param_count of them */
	unsigned param_count;
	const char *columns; /* as declared: "id,status"; NULL: not declared */
	/* Of the columns, when they are read in binary; NULL: all are read as text. */
	const enum db_type *types;
};
extern const struct query_text embedded_queries[];

/* Schema files ascending by version; functions and demo files by name, with version 0. Each list
 * ends with a NULL name. */
struct sql_file {
	int version;
	const char *name, *text;
};
extern const struct sql_file embedded_schema[];
extern const struct sql_file embedded_functions[];
extern const struct sql_file embedded_demo[];

/* The checks of `reeyo audit`, in the order of the files; ends with a NULL name. needs: the table
 * that the check needs, or ""; without the table the check is skipped. text: see sql/audit. */
struct audit_check {
	const char *name, *needs, *summary, *text;
};
extern const struct audit_check embedded_checks[];

#endif
