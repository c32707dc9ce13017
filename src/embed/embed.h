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

/* Statements: the enum of their names to folder/queries.h, their parameters and columns to
 * folder/queries/<file>.h, and their texts to source. Of the paths it takes those in sql/queries/.
 */
void queries_embed(const char *folder, FILE *source, int count, char **paths);

#endif
