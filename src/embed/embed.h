/* SPDX-License-Identifier: MIT
 *
 * What the files of the build's embedding program share.
 */
#ifndef REEYO_SRC_EMBED_EMBED_H
#define REEYO_SRC_EMBED_EMBED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* A file of the output, kept in memory until it is known to differ from what is there. */
struct output {
	FILE *stream;
	char *text;
	size_t len;
};
void output_begin(struct output *output, FILE **stream);
/* Writes the file, unless it has this text already: what includes it is then not compiled again. */
void output_end(struct output *output, const char *path);
/* Writes what was gathered to another stream. */
void output_append(struct output *output, FILE *stream);

/* Reports a mistake as file:line and ends the build. what: NULL or what it is about. */
_Noreturn void die(const char *file, unsigned line, const char *why, const char *what);
FILE *open_or_die(const char *path, const char *mode);

/* What stands after the word that a comment line begins with ("-- name: x" gives "x" for
 * "-- name:"), without white space around it; NULL when the line does not begin so. Changes the
 * line. */
char *line_after(char *line, const char *word);
/* Nothing but white space or a comment. */
bool line_is_blank(const char *line);
/* A C string literal, a line of it for each line of the text. */
void literal_write(const char *text, FILE *out);

void upper_write(const char *word, size_t len, FILE *out);

/* --- Records: see records.c ------------------------------------------------------------------- */

void records_read(const char *path);
/* The constants to folder/records.h, the descriptions to source. */
void records_write(const char *folder, FILE *source);
/* Writes ROW(…) of a record of the row with this alias; false when there is no such record. */
bool record_expand(const char *name, const char *row, FILE *out);
/* The constant of enum db_type for an SQL type ("double precision"); NULL for any other text. */
const char *result_type(const char *sql);
/* The same for the name of a record or, with [], a list of it. */
const char *result_record_type(const char *name);

/* --- Statements: see queries.c ---------------------------------------------------------------- */

/* Statements: the enum of their names to folder/queries.h, their parameters and columns to
 * folder/queries/<file>.h, and their texts to source. Of the paths it takes those in sql/queries/.
 */
void queries_embed(const char *folder, FILE *source, int count, char **paths);

#endif
