/* SPDX-License-Identifier: MIT
 *
 * The SQL files that the build embeds in the binary.
 */
#ifndef REEYO_SRC_DB_EMBEDDED_H
#define REEYO_SRC_DB_EMBEDDED_H

/* In the order of enum query; ends with a NULL name. */
struct query_text {
	const char *name, *text;
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
	const char *name, *needs, *does, *text;
};
extern const struct audit_check embedded_checks[];

#endif
