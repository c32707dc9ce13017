/* SPDX-License-Identifier: MIT
 *
 * Runs during the build, and turns files into C:
 *   reeyo_embed sql queries.h embedded.c FILE.sql…
 *   reeyo_embed texts ARRAY out.c FILE…       each as { "folder/name", text } of ARRAY
 * What is made includes "embedded.h" of the layer that it becomes part of.
 *
 * A file in …/queries/ holds statements, each after a line "-- name: order_get"; comments above the
 * first one are for readers only. A file in …/schema/ is NNNN_name.sql; a file in …/functions/ or
 * …/demo/ is taken whole; a file in …/audit/ holds checks, each a line "-- check: name", perhaps
 * "-- needs: table", a sentence in comments and a statement. Mistakes are reported as file:line and
 * fail the build. An output that would be the same is left alone: changing a statement's text does
 * not recompile whoever only uses its name.
 */
#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAMES_MAX 1000

static char *names[NAMES_MAX];
static unsigned name_count;
static int newest_version;

/* A file of the output, kept in memory until it is known to differ from what is there. */
struct output {
	FILE *stream;
	char *text;
	size_t len;
};
static struct output header_out, source_out;
static FILE *header, *source;

static void die(const char *file, unsigned line, const char *why, const char *what)
{
	fprintf(stderr, "%s:%u: %s%s%s\n", file, line, why, what ? ": " : "", what ? what : "");
	exit(1);
}

static FILE *open_or_die(const char *path, const char *mode)
{
	FILE *file = fopen(path, mode);

	if (!file) {
		perror(path);
		exit(1);
	}
	return file;
}

static void output_begin(struct output *output, FILE **stream)
{
	*stream = output->stream = open_memstream(&output->text, &output->len);
	if (!*stream) {
		perror("memory");
		exit(1);
	}
}

static bool output_is(const struct output *output, const char *path)
{
	FILE *file = fopen(path, "r");
	bool same = file != NULL;
	size_t at = 0;

	for (int c; same && (c = getc(file)) != EOF; at++)
		same = at < output->len && (char)c == output->text[at];
	if (file)
		fclose(file);
	return same && at == output->len;
}

static void output_end(struct output *output, const char *path)
{
	FILE *file;

	fclose(output->stream);
	if (!output_is(output, path)) {
		file = open_or_die(path, "w");
		if (fwrite(output->text, 1, output->len, file) != output->len || fclose(file)) {
			perror(path);
			exit(1);
		}
	}
	free(output->text);
}

static void write_literal(const char *line)
{
	fputs("\n\t\"", source);
	for (const char *c = line; *c; c++) {
		if (*c == '\n')
			fputs("\\n", source);
		else if (*c == '"' || *c == '\\')
			fprintf(source, "\\%c", *c);
		else if (*c == '\t')
			fputs("\\t", source);
		else
			fputc(*c, source);
	}
	fputs("\"", source);
}

/* "-- name: order_get" gives "order_get", anything else NULL. */
static char *name_of(char *line)
{
	char *at = line;

	if (strncmp(at, "-- name:", 8) != 0)
		return NULL;
	at += 8;
	while (isspace((unsigned char)*at))
		at++;
	at[strcspn(at, " \t\r\n")] = '\0';
	return at;
}

static void name_add(const char *file, unsigned line, const char *name)
{
	if (!*name || strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") != strlen(name))
		die(file, line, "a statement's name is lower-case letters, digits and _", name);
	for (unsigned i = 0; i < name_count; i++)
		if (strcmp(names[i], name) == 0)
			die(file, line, "two statements have this name", name);
	if (name_count == NAMES_MAX)
		die(file, line, "too many statements", NULL);
	names[name_count++] = strdup(name);
	fprintf(header, "\tQUERY_%s,\n", name);
}

static bool is_blank(const char *line)
{
	while (isspace((unsigned char)*line))
		line++;
	return *line == '\0' || strncmp(line, "--", 2) == 0;
}

static void queries_embed(const char *path)
{
	FILE *file = open_or_die(path, "r");
	char line[8192];
	bool open = false, any = false;
	unsigned number = 0;

	while (fgets(line, sizeof(line), file)) {
		char *name = (number++, name_of(line));

		if (strlen(line) == sizeof(line) - 1)
			die(path, number, "this line is too long", NULL);
		if (name) {
			if (open && !any)
				die(path, number, "the statement before this one is empty", NULL);
			name_add(path, number, name);
			fprintf(source, "%s\n{ \"%s\",", open ? " }," : "", name);
			open = true;
			any = false;
		} else if (is_blank(line)) {
			continue;
		} else if (!open) {
			die(path, number, "SQL before the first -- name: line", NULL);
		} else {
			any = true;
			write_literal(line);
		}
	}
	if (open && !any)
		die(path, number, "the last statement is empty", NULL);
	if (open)
		fputs(" },\n", source);
	fclose(file);
}

/* What stands after a comment's first word ("-- check: x" gives "x" for "-- check:"), NULL when it
 * does not begin so. */
static char *after(char *line, const char *word)
{
	char *at = line + strlen(word);

	if (strncmp(line, word, strlen(word)) != 0)
		return NULL;
	at += strspn(at, " ");
	at[strcspn(at, "\r\n")] = '\0';
	return at;
}

/* { "name", "needs", "sentence", "text" }: the sentence is what comes in comments before the
 * statement. */
static void checks_embed(const char *path)
{
	FILE *file = open_or_die(path, "r");
	char line[8192], name[64], needs[64] = "", *rest;
	enum { OUTSIDE, HEAD, SENTENCE, TEXT } at = OUTSIDE;
	unsigned number = 0;

	while (fgets(line, sizeof(line), file)) {
		number++;
		if ((rest = after(line, "-- check:"))) {
			if (at == HEAD || at == SENTENCE)
				die(path, number, "the check before this one is empty", NULL);
			if (at == TEXT)
				fputs(" },\n", source);
			snprintf(name, sizeof(name), "%s", rest);
			needs[0] = '\0';
			at = HEAD;
		} else if (at == HEAD && (rest = after(line, "-- needs:"))) {
			snprintf(needs, sizeof(needs), "%s", rest);
		} else if ((at == HEAD || at == SENTENCE) && (rest = after(line, "--"))) {
			if (at == HEAD)
				fprintf(source, "{ \"%s\", \"%s\",", name, needs);
			write_literal(at == HEAD ? "" : " ");
			write_literal(rest);
			at = SENTENCE;
		} else if (at == HEAD && !is_blank(line)) {
			die(path, number, "a check says in a sentence what it proves", name);
		} else if (!is_blank(line) && at != OUTSIDE) {
			if (at == SENTENCE)
				fputc(',', source);
			write_literal(line);
			at = TEXT;
		}
	}
	if (at != TEXT)
		die(path, number, "the last check is empty", NULL);
	fputs(" },\n", source);
	fclose(file);
}

static void file_embed(const char *path)
{
	FILE *file = open_or_die(path, "r");
	char line[8192];

	while (fgets(line, sizeof(line), file))
		write_literal(line);
	fclose(file);
}

/* "…/0002_accounts.sql" as { 2, "accounts", text }; "…/demo/small.sql" as { 0, "small", text }. */
static void whole_embed(const char *path, bool numbered)
{
	const char *base = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
	char name[128];
	int version = 0;

	if (numbered) {
		version = atoi(base);
		if (version <= 0 || strspn(base, "0123456789") != 4 || base[4] != '_')
			die(path, 1, "a schema file is named NNNN_name.sql", NULL);
		if (version <= newest_version)
			die(path, 1, "two schema files have this version", NULL);
		newest_version = version;
		base += 5;
	}
	snprintf(name, sizeof(name), "%.*s", (int)strcspn(base, "."), base);
	fprintf(source, "{ %d, \"%s\", \"\"", version, name);
	file_embed(path);
	fputs(" },\n", source);
}

static void group(int argc, char **argv, const char *folder, const char *array,
	void (*embed)(const char *path))
{
	fprintf(source, "\nconst struct %s[] = {\n", array);
	for (int i = 0; i < argc; i++)
		if (strstr(argv[i], folder))
			embed(argv[i]);
	fputs("{ 0 } };\n", source);
}

static void schema_embed(const char *path)
{
	whole_embed(path, true);
}

static void plain_embed(const char *path)
{
	whole_embed(path, false);
}

static int sql_embed(const char *header_path, const char *source_path, int argc, char **argv)
{
	output_begin(&header_out, &header);
	output_begin(&source_out, &source);
	fputs("/* Made by the build from sql/queries. */\n#ifndef REEYO_DB_QUERIES_H\n"
	      "#define REEYO_DB_QUERIES_H\n\nenum query {\n",
		header);
	fputs("/* Made by the build from sql/. */\n#include \"embedded.h\"\n", source);
	group(argc, argv, "/queries/", "query_text embedded_queries", queries_embed);
	group(argc, argv, "/sql/schema/", "sql_file embedded_schema", schema_embed);
	group(argc, argv, "/sql/functions/", "sql_file embedded_functions", plain_embed);
	group(argc, argv, "/demo/", "sql_file embedded_demo", plain_embed);
	group(argc, argv, "/sql/audit/", "audit_check embedded_checks", checks_embed);
	fputs("\tQUERY_COUNT\n};\n\n#endif\n", header);
	output_end(&header_out, header_path);
	output_end(&source_out, source_path);
	return 0;
}

/* "…/en/code.sms" as "en/code.sms". */
static const char *last_two(const char *path)
{
	const char *at = path + strlen(path);

	for (int slashes = 0; at > path; at--)
		if (at[-1] == '/' && ++slashes == 2)
			break;
	return at;
}

static int texts_embed(const char *array, const char *source_path, int argc, char **argv)
{
	output_begin(&source_out, &source);
	fprintf(source,
		"/* Made by the build. */\n#include \"embedded.h\"\n\n"
		"const struct embedded_text %s[] = {\n", array);
	for (int i = 0; i < argc; i++) {
		fprintf(source, "{ \"%s\", \"\"", last_two(argv[i]));
		file_embed(argv[i]);
		fputs(" },\n", source);
	}
	fputs("{ 0 } };\n", source);
	output_end(&source_out, source_path);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc > 4 && strcmp(argv[1], "sql") == 0)
		return sql_embed(argv[2], argv[3], argc - 4, argv + 4);
	if (argc > 4 && strcmp(argv[1], "texts") == 0)
		return texts_embed(argv[2], argv[3], argc - 4, argv + 4);
	return 2;
}
