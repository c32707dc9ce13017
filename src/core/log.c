/* SPDX-License-Identifier: MIT
 *
 * Log lines are built on the stack and written with one write(2), so that lines of different
 * threads do not mix.
 */
#include "reeyo/core/log.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "reeyo/core/clock.h"
#include "reeyo/core/text.h"

static int threshold = LOG_INFO;

static const char *const names[] = { "debug", "info", "warn", "error", "off" };

void log_set_level(enum log_level level)
{
	__atomic_store_n(&threshold, (int)level, __ATOMIC_RELAXED);
}

bool log_on(enum log_level level)
{
	return (int)level >= __atomic_load_n(&threshold, __ATOMIC_RELAXED);
}

int log_level_from_name(const char *name)
{
	for (int i = 0; i <= LOG_OFF; i++)
		if (strcmp(names[i], name) == 0)
			return i;
	return -1;
}

struct line {
	char at[4096];
	size_t len;
};

#define LINE_ROOM (sizeof(((struct line *)0)->at) - 8) /* the end of the object always fits */

static void log_line_printf(struct line *line, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
static void log_line_printf(struct line *line, const char *format, ...)
{
	size_t room = LINE_ROOM - line->len;
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(line->at + line->len, room, format, args);
	va_end(args);
	if (len > 0 && (size_t)len < room)
		line->len += (size_t)len; /* text that does not fit is left out completely */
}

/* Replaces bytes that would break the line or the JSON. Truncates a long text between
 * characters. */
static void log_line_text(struct line *line, const char *text)
{
	bool utf8 = text_is_utf8(text_of(text));
	char safe[1024];
	size_t n = 0;

	for (const char *c = text; *c && n < sizeof(safe) - 5; c++) {
		if (*c == '"' || *c == '\\')
			safe[n++] = '\\';
		safe[n++] = (unsigned char)*c < 0x20       ? ' '
			: (unsigned char)*c < 0x80 || utf8 ? *c
							   : '?';
		if (utf8)
			while (((unsigned char)c[1] & 0xc0) == 0x80)
				safe[n++] = *++c;
	}
	safe[n] = '\0';
	log_line_printf(line, "\"%s\"", safe);
}

static void log_line_field(struct line *line, const struct log_field *field)
{
	size_t before = line->len;

	if (field->kind == LOG_TEXT && !field->text)
		return;
	log_line_printf(line, ",\"%s\":", field->key);
	if (line->len == before)
		return;
	switch (field->kind) {
	case LOG_TEXT:
		log_line_text(line, field->text);
		break;
	case LOG_INT:
		log_line_printf(line, "%lld", (long long)field->integer);
		break;
	case LOG_REAL:
		if (isfinite(field->real))
			log_line_printf(line, "%.6g", field->real);
		else
			log_line_printf(line, "null");
		break;
	case LOG_BOOL:
		log_line_printf(line, "%s", field->integer ? "true" : "false");
		break;
	}
	if (line->at[line->len - 1] == ':')
		line->len = before; /* the value did not fit */
}

void log_write(enum log_level level, const char *message, const struct log_field *fields)
{
	struct line line = { .len = 0 };
	char now[CLOCK_ISO_SIZE];

	clock_iso(clock_wall_ms(), now);
	log_line_printf(&line, "{\"time\":\"%s\",\"level\":\"%s\",\"msg\":", now, names[level]);
	log_line_text(&line, message);
	for (const struct log_field *field = fields; field->key; field++)
		log_line_field(&line, field);
	memcpy(line.at + line.len, "}\n", 2);
	(void)!write(STDERR_FILENO, line.at, line.len + 2);
}
