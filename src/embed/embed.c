/* SPDX-License-Identifier: MIT
 *
 * Runs during the build, and turns files into C:
 *   reeyo_embed sql FOLDER embedded.c FILE.sql…
 *       FOLDER/queries.h, FOLDER/queries/<file>.h and embedded.c
 *   reeyo_embed texts ARRAY out.c FILE…
 *       each as { "folder/name", text } of ARRAY
 * What is made includes "embedded.h" of the layer that it becomes part of.
 *
 * A file in …/queries/ holds statements: see queries.c. A file in …/schema/ is NNNN_name.sql; a
 * file in …/functions/ or …/demo/ is taken whole; a file in …/audit/ holds checks, each a line "--
 * check: name", perhaps "-- needs: table", a sentence in comments and a statement. Mistakes are
 * reported as file:line and fail the build.
 */
#include "embed.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static int newest_version;
static FILE *source;

void die(const char *file, unsigned line, const char *why, const char *what)
{
	fprintf(stderr, "%s:%u: %s%s%s\n", file, line, why, what ? ": " : "", what ? what : "");
	exit(1);
}

FILE *open_or_die(const char *path, const char *mode)
{
	FILE *file = fopen(path, mode);

	if (!file) {
		perror(path);
		exit(1);
	}
	return file;
}

void output_begin(struct output *output, FILE **stream)
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

void output_end(struct output *output, const char *path)
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

void output_append(struct output *output, FILE *stream)
{
	fclose(output->stream);
	fwrite(output->text, 1, output->len, stream);
	free(output->text);
}

void literal_write(const char *text, FILE *out)
{
	fputs("\n\t\"", out);
	for (const char *c = text; *c; c++) {
		if (*c == '\n')
			fputs(c[1] ? "\\n\"\n\t\"" : "\\n", out);
		else if (*c == '"' || *c == '\\')
			fprintf(out, "\\%c", *c);
		else if (*c == '\t')
			fputs("\\t", out);
		else
			fputc(*c, out);
	}
	fputs("\"", out);
}

bool line_is_blank(const char *line)
{
	while (isspace((unsigned char)*line))
		line++;
	return *line == '\0' || strncmp(line, "--", 2) == 0;
}

char *line_after(char *line, const char *word)
{
	char *at = line + strlen(word);
	size_t len;

	if (strncmp(line, word, strlen(word)) != 0)
		return NULL;
	at += strspn(at, " ");
	len = strcspn(at, "\r\n");
	while (len && isspace((unsigned char)at[len - 1]))
		len--;
	at[len] = '\0';
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
		if ((rest = line_after(line, "-- check:"))) {
			if (at == HEAD || at == SENTENCE)
				die(path, number, "the check before this one is empty", NULL);
			if (at == TEXT)
				fputs(" },\n", source);
			snprintf(name, sizeof(name), "%s", rest);
			needs[0] = '\0';
			at = HEAD;
		} else if (at == HEAD && (rest = line_after(line, "-- needs:"))) {
			snprintf(needs, sizeof(needs), "%s", rest);
		} else if ((at == HEAD || at == SENTENCE) && (rest = line_after(line, "--"))) {
			if (at == HEAD)
				fprintf(source, "{ \"%s\", \"%s\",", name, needs);
			literal_write(at == HEAD ? "" : " ", source);
			literal_write(rest, source);
			at = SENTENCE;
		} else if (at == HEAD && !line_is_blank(line)) {
			die(path, number, "a check needs a sentence of what it proves", name);
		} else if (!line_is_blank(line) && at != OUTSIDE) {
			if (at == SENTENCE)
				fputc(',', source);
			literal_write(line, source);
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
		literal_write(line, source);
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

static int sql_embed(const char *folder, const char *source_path, int argc, char **argv)
{
	struct output source_out;

	output_begin(&source_out, &source);
	fputs("/* Made by the build from sql/. */\n#include <stddef.h>\n\n#include \"embedded.h\"\n",
		source);
	queries_embed(folder, source, argc, argv);
	group(argc, argv, "/sql/schema/", "sql_file embedded_schema", schema_embed);
	group(argc, argv, "/sql/functions/", "sql_file embedded_functions", plain_embed);
	group(argc, argv, "/demo/", "sql_file embedded_demo", plain_embed);
	group(argc, argv, "/sql/audit/", "audit_check embedded_checks", checks_embed);
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
	struct output source_out;

	output_begin(&source_out, &source);
	fprintf(source,
		"/* Made by the build. */\n#include \"embedded.h\"\n\n"
		"const struct embedded_text %s[] = {\n",
		array);
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
