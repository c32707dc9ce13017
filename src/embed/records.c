/* SPDX-License-Identifier: MIT
 *
 * Records of sql/queries: values of one row that statements return together, in binary.
 *
 *   -- record: order_row
 *   -- members: id text, total bigint,
 *   -- members: city text = coalesce(o.city, v.city)
 *   -- record: order_user_row
 *   -- members: order_row.*, verification_code text
 *
 * In a statement `@order_row(o)` is ROW(…) of the members: a member is the column of this name of
 * the row o, or the expression behind its =. `other.*` takes over the members of an earlier record.
 * For C there are the constants ORDER_ROW_ID, … (from 1) and record_order_row: see
 * include/reeyo/db/record.h.
 */
#include "embed.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define RECORDS_MAX 100
#define MEMBERS_MAX 96 /* DB_RECORD_MAX */
#define WORD_MAX 64

struct record_member {
	char name[WORD_MAX];
	const char *type;
	const char *expression; /* NULL: the column of this name */
};
static struct record {
	char name[WORD_MAX];
	struct record_member members[MEMBERS_MAX];
	unsigned count;
} records[RECORDS_MAX];
static unsigned record_count;

/* --- Types ------------------------------------------------------------------------------------ */

const char *result_type(const char *sql)
{
	static const struct {
		const char *sql, *type;
	} types[] = {
		{ "text", "DB_TYPE_TEXT" },
		{ "bigint", "DB_TYPE_BIGINT" },
		{ "integer", "DB_TYPE_INTEGER" },
		{ "double precision", "DB_TYPE_DOUBLE" },
		{ "boolean", "DB_TYPE_BOOLEAN" },
		{ "timestamptz", "DB_TYPE_TIME" },
		{ "json", "DB_TYPE_JSON" },
	};

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (strcmp(types[i].sql, sql) == 0)
			return types[i].type;
	return NULL;
}

static const struct record *record_find(const char *name)
{
	for (unsigned i = 0; i < record_count; i++)
		if (strcmp(records[i].name, name) == 0)
			return &records[i];
	return NULL;
}

const char *result_record_type(const char *name)
{
	size_t len = strlen(name);
	char word[WORD_MAX];

	if (len > 2 && len < WORD_MAX && strcmp(name + len - 2, "[]") == 0) {
		snprintf(word, sizeof(word), "%.*s", (int)len - 2, name);
		return record_find(word) ? "DB_TYPE_RECORDS" : NULL;
	}
	return record_find(name) ? "DB_TYPE_RECORD" : NULL;
}

/* --- Reading ---------------------------------------------------------------------------------- */

static char *word_trim(char *text)
{
	size_t len;

	text += strspn(text, " \t");
	for (len = strlen(text); len && isspace((unsigned char)text[len - 1]); len--)
		;
	text[len] = '\0';
	return text;
}

/* Cuts at the first comma that is outside quotes and parentheses; NULL without one. */
static char *members_cut(char *text)
{
	int depth = 0;
	bool quoted = false;

	for (; *text; text++) {
		quoted ^= *text == '\'';
		depth += quoted ? 0 : (*text == '(') - (*text == ')');
		if (*text == ',' && !quoted && depth == 0) {
			*text = '\0';
			return text + 1;
		}
	}
	return NULL;
}

static struct record_member *member_new(const char *path, unsigned line, struct record *record)
{
	if (record->count == MEMBERS_MAX)
		die(path, line, "too many members", record->name);
	return &record->members[record->count++];
}

static void members_take_over(
	const char *path, unsigned line, struct record *record, const char *name)
{
	const struct record *other = record_find(name);

	if (!other || other == record)
		die(path, line, "there is no such record before this one", name);
	for (unsigned i = 0; i < other->count; i++)
		*member_new(path, line, record) = other->members[i];
}

/* "name type" or "name type = expression" or "record.*". */
static void member_add(const char *path, unsigned line, struct record *record, char *text)
{
	char *expression = strchr(text, '='), *type, *dot = strchr(text, '.');
	struct record_member *member;

	if (dot && strcmp(dot, ".*") == 0) {
		*dot = '\0';
		return members_take_over(path, line, record, text);
	}
	if (expression)
		*expression++ = '\0';
	text = word_trim(text);
	type = text + strcspn(text, " ");
	if (!*type || (size_t)(type - text) >= WORD_MAX)
		die(path, line, "a member has a name and a type", text);
	*type++ = '\0';
	member = member_new(path, line, record);
	snprintf(member->name, sizeof(member->name), "%s", text);
	member->type = result_type(word_trim(type));
	member->expression = expression ? strdup(word_trim(expression)) : NULL;
	if (!member->type)
		die(path, line, "a member has no such type", type);
}

static void record_begin(const char *path, unsigned line, const char *name)
{
	if (!*name || strlen(name) >= WORD_MAX || record_find(name))
		die(path, line, "a record has a name of its own", name);
	if (record_count == RECORDS_MAX)
		die(path, line, "too many records", NULL);
	snprintf(records[record_count++].name, WORD_MAX, "%s", name);
}

void records_read(const char *path)
{
	FILE *file = open_or_die(path, "r");
	char line[8192], *rest;
	unsigned number = 0;
	bool open = false;

	while (fgets(line, sizeof(line), file)) {
		number++;
		if ((rest = line_after(line, "-- record:"))) {
			record_begin(path, number, rest);
			open = true;
		} else if ((rest = line_after(line, "-- members:"))) {
			if (!open)
				die(path, number, "-- members: follows -- record:", rest);
			for (char *next; rest; rest = next) {
				next = members_cut(rest);
				rest = word_trim(rest);
				if (*rest)
					member_add(path, number, &records[record_count - 1], rest);
			}
		} else {
			open = false;
		}
	}
	fclose(file);
}

/* --- Writing ---------------------------------------------------------------------------------- */

bool record_expand(const char *name, const char *row, FILE *out)
{
	const struct record *record = record_find(name);

	if (!record)
		return false;
	fputs("ROW(", out);
	for (unsigned i = 0; i < record->count; i++) {
		const struct record_member *member = &record->members[i];

		fputs(i ? ", " : "", out);
		if (member->expression)
			fputs(member->expression, out);
		else
			fprintf(out, "%s.%s", row, member->name);
	}
	fputs(")", out);
	return true;
}

static void record_write(const struct record *record, FILE *header, FILE *source)
{
	fputs("\nenum {\n", header);
	fprintf(source, "static const struct db_member members_%s[] = {\n", record->name);
	for (unsigned i = 0; i < record->count; i++) {
		fputc('\t', header);
		upper_write(record->name, strlen(record->name), header);
		fputc('_', header);
		upper_write(record->members[i].name, strlen(record->members[i].name), header);
		fprintf(header, "%s,\n", i ? "" : " = 1");
		fprintf(source, "{ \"%s\", %s },\n", record->members[i].name,
			record->members[i].type);
	}
	fprintf(header, "};\nextern const struct db_record_type record_%s;\n", record->name);
	fprintf(source, "};\nconst struct db_record_type record_%s = { \"%s\", members_%s, %u };\n",
		record->name, record->name, record->name, record->count);
}

void records_write(const char *folder, FILE *source)
{
	struct output output;
	FILE *header;
	char to[4096];

	output_begin(&output, &header);
	fputs("/* Made by the build from sql/queries. */\n#ifndef REEYO_DB_RECORDS_H\n"
	      "#define REEYO_DB_RECORDS_H\n\n#include \"reeyo/db/record.h\"\n",
		header);
	fputs("#include \"reeyo/db/records.h\"\n", source);
	for (unsigned i = 0; i < record_count; i++)
		record_write(&records[i], header, source);
	fputs("\n#endif\n", header);
	snprintf(to, sizeof(to), "%s/records.h", folder);
	output_end(&output, to);
}
