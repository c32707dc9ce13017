/* SPDX-License-Identifier: MIT
 *
 * Statements of sql/queries: a file holds statements, each after a line "-- name: order_get",
 * perhaps a line
 * "-- columns: id, status" behind it; comments above the first one are for readers only. In a
 * statement's text `:order_id` is a parameter; see include/reeyo/db/params.h for what the generated
 * struct has for it. What stands in quotes or comments is left alone.
 *
 * Columns with types, "-- columns: total bigint, orders order_row[]", are read in binary; each has
 * a type then. A type is one of SQL or a record (records.c), or a list of it.
 */
#include "embed.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define NAMES_MAX 1000
#define PARAMS_MAX 48 /* DB_MAX_PARAMS */
#define WORD_MAX 64

static char *names[NAMES_MAX];
static unsigned name_count;

struct param {
	char name[WORD_MAX];
	const char *type; /* of enum param_type; NULL: no cast seen */
	bool optional;
};

/* The statement that is being read. */
static struct {
	char name[WORD_MAX];
	char columns[2000]; /* names, comma separated */
	char types[4000];   /* constants of enum db_type, comma separated; "": read as text */
	char text[64 * 1024];
	size_t len;
	struct param params[PARAMS_MAX];
	unsigned count;
	bool numbered; /* has $1 */
	unsigned line;
} statement;

/* Where the parts of the output are gathered: the enum, the parameters and the statements. */
static FILE *names_out, *params_out, *texts_out, *header_out;

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

/* --- Types ------------------------------------------------------------------------------------ */

static const struct {
	const char *sql, *type;
} types[] = {
	{ "bigint[]", "INTEGERS" },
	{ "integer[]", "INTEGERS" },
	{ "int[]", "INTEGERS" },
	{ "boolean[]", "BOOLEANS" },
	{ "double[]", "DOUBLES" },
	{ "float[]", "DOUBLES" },
	{ "float8[]", "DOUBLES" },
	{ "bigint", "INTEGER" },
	{ "integer", "INTEGER" },
	{ "int", "INTEGER" },
	{ "smallint", "INTEGER" },
	{ "double", "DOUBLE" },
	{ "float", "DOUBLE" },
	{ "float8", "DOUBLE" },
	{ "numeric", "DOUBLE" },
	{ "real", "DOUBLE" },
	{ "boolean", "BOOLEAN" },
};

/* The type that a cast gives: the text behind "::". */
static const char *type_of(const char *cast)
{
	char word[WORD_MAX];
	size_t len = 0;

	while (is_word(cast[len]) && len < WORD_MAX - 3)
		len++;
	memcpy(word, cast, len);
	if (strncmp(cast + len, " precision", 10) == 0)
		cast += 10;
	if (strncmp(cast + len, "[]", 2) == 0) {
		memcpy(word + len, "[]", 2);
		len += 2;
	}
	word[len] = '\0';
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (strcmp(types[i].sql, word) == 0)
			return types[i].type;
	return word[len - 1] == ']' ? "TEXTS" : "TEXT";
}

/* How a member of the type is declared: "int64_t %s". */
static const char *declaration(const struct param *param)
{
	static const struct {
		const char *type, *plain, *optional;
	} members[] = {
		{ "TEXT", "const char *%s", NULL },
		{ "INTEGER", "int64_t %s", "const int64_t *%s" },
		{ "DOUBLE", "double %s", "const double *%s" },
		{ "BOOLEAN", "bool %s", "const bool *%s" },
		{ "TEXTS", "struct db_texts %s", NULL },
		{ "INTEGERS", "struct db_ints %s", NULL },
		{ "DOUBLES", "struct db_doubles %s", NULL },
		{ "BOOLEANS", "struct db_bools %s", NULL },
	};

	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
		if (strcmp(members[i].type, param->type) == 0)
			return param->optional ? members[i].optional : members[i].plain;
	return NULL;
}

/* --- Parameters ------------------------------------------------------------------------------- */

static unsigned statement_param_find(const char *path, const char *name, size_t len)
{
	for (unsigned i = 0; i < statement.count; i++)
		if (strlen(statement.params[i].name) == len &&
			strncmp(statement.params[i].name, name, len) == 0)
			return i;
	if (statement.count == PARAMS_MAX || len >= WORD_MAX)
		die(path, statement.line, "too many parameters, or too long a name",
			statement.name);
	memcpy(statement.params[statement.count].name, name, len);
	return statement.count++;
}

/* Records what follows a name in the SQL: "?", a cast. Returns the length of "?". */
static size_t statement_param_note(const char *path, struct param *param, const char *behind)
{
	size_t len = *behind == '?';
	const char *type = strncmp(behind + len, "::", 2) == 0 ? type_of(behind + len + 2) : NULL;

	param->optional |= len > 0;
	if (type && param->type && strcmp(type, param->type) != 0)
		die(path, statement.line, "a parameter is cast to two types", param->name);
	if (type)
		param->type = type;
	return len;
}

/* The length of what is to be left alone at `at`: a quoted text or name, a comment; 0: nothing. */
static size_t opaque(const char *at)
{
	const char *end;

	if (at[0] == '-' && at[1] == '-')
		return strcspn(at, "\n");
	if (at[0] != '\'' && at[0] != '"')
		return 0;
	end = strchr(at + 1, at[0]);
	return end ? (size_t)(end - at) + 1 : strlen(at);
}

/* Writes the ROW(…) that @record(alias) stands for; returns the length of what it replaces. */
static size_t record_write_at(const char *path, const char *at, FILE *out)
{
	char name[WORD_MAX], row[WORD_MAX];
	int len = 0;

	if (sscanf(at, "@%63[a-z0-9_](%63[a-z0-9_])%n", name, row, &len) != 2 || !len ||
		!record_expand(name, row, out))
		die(path, statement.line, "@ is followed by a record and, in parentheses, a row",
			statement.name);
	return (size_t)len;
}

static bool begins_param(const char *text, size_t at)
{
	return text[at] == ':' && islower((unsigned char)text[at + 1]) &&
		(at == 0 || (text[at - 1] != ':' && text[at - 1] != ']' && !is_word(text[at - 1])));
}

/* The statement's text with $1, $2 … for its names. */
static void text_rewrite(const char *path, FILE *out)
{
	const char *text = statement.text;

	for (size_t at = 0, len; at < statement.len;) {
		if ((len = opaque(text + at))) {
			fwrite(text + at, 1, len, out);
			at += len;
		} else if (text[at] == '@' && islower((unsigned char)text[at + 1])) {
			at += record_write_at(path, text + at, out);
		} else if (begins_param(text, at)) {
			unsigned i;

			for (len = 1; is_word(text[at + len]);)
				len++;
			i = statement_param_find(path, text + at + 1, len - 1);
			len += statement_param_note(path, &statement.params[i], text + at + len);
			fprintf(out, "$%u", i + 1);
			at += len;
		} else {
			statement.numbered |= text[at] == '$' &&
				isdigit((unsigned char)text[at + 1]);
			fputc(text[at++], out);
		}
	}
}

static void statement_params_write(const char *path)
{
	const struct param *params = statement.params;

	fprintf(header_out, "\nstruct %s {\n", statement.name);
	for (unsigned i = 0; i < statement.count; i++) {
		const char *member = declaration(&params[i]);

		if (!member)
			die(path, statement.line, "texts and arrays may be NULL without ?",
				params[i].name);
		fputc('\t', header_out);
		fprintf(header_out, member, params[i].name);
		fputs(";\n", header_out);
	}
	fputs("};\n", header_out);
	fprintf(params_out, "static const struct query_param params_%s[] = {\n", statement.name);
	for (unsigned i = 0; i < statement.count; i++)
		fprintf(params_out, "{ offsetof(struct %s, %s), PARAM_%s, %s },\n", statement.name,
			params[i].name, params[i].type, params[i].optional ? "true" : "false");
	fputs("};\n", params_out);
}

/* --- Columns ---------------------------------------------------------------------------------- */

void upper_write(const char *word, size_t len, FILE *out)
{
	for (size_t i = 0; i < len; i++)
		fputc(toupper((unsigned char)word[i]), out);
}

static void columns_write(void)
{
	fputs("\nenum {\n", header_out);
	for (const char *at = statement.columns; *at;) {
		size_t len = strcspn(at, ",");

		fputc('\t', header_out);
		upper_write(statement.name, strlen(statement.name), header_out);
		fputc('_', header_out);
		upper_write(at, len, header_out);
		fputs(",\n", header_out);
		at += len + (at[len] == ',');
	}
	fputs("};\n", header_out);
}

static void list_append(const char *path, char *list, size_t size, const char *word)
{
	size_t len = strlen(list);

	if (len + strlen(word) + 2 > size)
		die(path, statement.line, "too many columns", word);
	snprintf(list + len, size - len, "%s%s", len ? "," : "", word);
}

/* "total" or "total bigint". */
static void column_add(const char *path, char *text)
{
	size_t len = strcspn(text, " ");
	const char *type = text + len + strspn(text + len, " ");
	const char *known = result_type(type);
	bool first = !statement.columns[0];

	if (!known)
		known = result_record_type(type);
	if (strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_") != len || len == 0 ||
		(*type && !known))
		die(path, statement.line, "a column has a name and perhaps a type", text);
	if (!first && (statement.types[0] != '\0') != (*type != '\0'))
		die(path, statement.line, "either all columns have types or none", text);
	text[len] = '\0';
	list_append(path, statement.columns, sizeof(statement.columns), text);
	if (known)
		list_append(path, statement.types, sizeof(statement.types), known);
}

/* --- Statements ------------------------------------------------------------------------------- */

static void name_add(const char *path, const char *name)
{
	if (!*name || strlen(name) >= WORD_MAX ||
		strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") != strlen(name))
		die(path, statement.line, "a statement's name is lower-case letters, digits and _",
			name);
	for (unsigned i = 0; i < name_count; i++)
		if (strcmp(names[i], name) == 0)
			die(path, statement.line, "two statements have this name", name);
	if (name_count == NAMES_MAX)
		die(path, statement.line, "too many statements", NULL);
	names[name_count++] = strdup(name);
	fprintf(names_out, "\tQUERY_%s,\n", name);
}

/* The names and types of the columns, as the last members of a struct query_text. */
static void statement_columns_write(void)
{
	if (!statement.columns[0])
		fputs("NULL, NULL },\n", texts_out);
	else if (!statement.types[0])
		fprintf(texts_out, "\"%s\", NULL },\n", statement.columns);
	else
		fprintf(texts_out, "\"%s\", (const enum db_type[]){ %s } },\n", statement.columns,
			statement.types);
}

static void statement_end(const char *path)
{
	char *rewritten = NULL;
	size_t len = 0;
	FILE *out;

	if (!statement.name[0])
		return;
	if (!statement.len)
		die(path, statement.line, "this statement is empty", statement.name);
	out = open_memstream(&rewritten, &len);
	text_rewrite(path, out);
	fclose(out);
	if (statement.numbered)
		die(path, statement.line, "a parameter has a name (:order_id), not a number",
			statement.name);
	for (unsigned i = 0; i < statement.count; i++)
		if (!statement.params[i].type)
			statement.params[i].type = "TEXT";
	fprintf(texts_out, "{ \"%s\",", statement.name);
	literal_write(rewritten, texts_out);
	free(rewritten);
	if (statement.count)
		fprintf(texts_out, ",\n\tparams_%s, %u, ", statement.name, statement.count);
	else
		fputs(",\n\tNULL, 0, ", texts_out);
	statement_columns_write();
	if (statement.count)
		statement_params_write(path);
	if (statement.columns[0])
		columns_write();
}

static void statement_begin(const char *path, unsigned line, const char *name)
{
	memset(&statement, 0, sizeof(statement));
	statement.line = line;
	name_add(path, name);
	snprintf(statement.name, sizeof(statement.name), "%s", name);
}

static void columns_add(const char *path, unsigned line, char *list)
{
	if (!statement.name[0] || statement.len)
		die(path, line, "-- columns: stands between -- name: and the statement", list);
	for (char *one; (one = strsep(&list, ","));)
		if (*(one += strspn(one, " ")))
			column_add(path, one);
}

static void text_add(const char *path, unsigned line, const char *text)
{
	size_t len = strlen(text);

	if (!statement.name[0])
		die(path, line, "SQL before the first -- name: line", NULL);
	if (statement.len + len + 1 > sizeof(statement.text))
		die(path, line, "this statement is too long", statement.name);
	memcpy(statement.text + statement.len, text, len + 1);
	statement.len += len;
}

static void file_read(const char *path)
{
	FILE *file = open_or_die(path, "r");
	char line[8192], *rest;
	unsigned number = 0;

	statement.name[0] = '\0';
	while (fgets(line, sizeof(line), file)) {
		number++;
		if (strlen(line) == sizeof(line) - 1)
			die(path, number, "this line is too long", NULL);
		if ((rest = line_after(line, "-- name:"))) {
			statement_end(path);
			statement_begin(path, number, rest);
		} else if ((rest = line_after(line, "-- columns:"))) {
			columns_add(path, number, rest);
		} else if (!line_is_blank(line)) {
			text_add(path, number, line);
		}
	}
	statement_end(path);
	fclose(file);
}

/* folder/queries/<file>.h of sql/queries/<file>.sql. */
static void header_embed(const char *folder, const char *path)
{
	const char *base = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
	int len = (int)strcspn(base, ".");
	struct output output;
	char to[4096];

	snprintf(to, sizeof(to), "%s/queries/%.*s.h", folder, len, base);
	output_begin(&output, &header_out);
	fprintf(header_out,
		"/* Made by the build from sql/queries/%s. */\n#ifndef REEYO_DB_QUERIES_", base);
	upper_write(base, (size_t)len, header_out);
	fputs("_H\n#define REEYO_DB_QUERIES_", header_out);
	upper_write(base, (size_t)len, header_out);
	fputs("_H\n\n#include \"reeyo/db/params.h\"\n", header_out);
	fprintf(params_out, "#include \"reeyo/db/queries/%.*s.h\"\n", len, base);
	file_read(path);
	fputs("\n#endif\n", header_out);
	output_end(&output, to);
}

void queries_embed(const char *folder, FILE *source, int count, char **paths)
{
	struct output names_output, params_output, texts_output;
	char to[4096];

	output_begin(&names_output, &names_out);
	output_begin(&params_output, &params_out);
	output_begin(&texts_output, &texts_out);
	fputs("/* Made by the build from sql/queries. */\n#ifndef REEYO_DB_QUERIES_H\n"
	      "#define REEYO_DB_QUERIES_H\n\nenum query {\n",
		names_out);
	for (int i = 0; i < count; i++)
		if (strstr(paths[i], "/sql/queries/"))
			records_read(paths[i]);
	for (int i = 0; i < count; i++)
		if (strstr(paths[i], "/sql/queries/"))
			header_embed(folder, paths[i]);
	fputs("\tQUERY_COUNT\n};\n\n#endif\n", names_out);
	snprintf(to, sizeof(to), "%s/queries.h", folder);
	output_end(&names_output, to);
	records_write(folder, source);
	output_append(&params_output, source);
	fputs("\nconst struct query_text embedded_queries[] = {\n", source);
	output_append(&texts_output, source);
	fputs("{ 0 } };\n", source);
}
