/* SPDX-License-Identifier: MIT
 *
 * Structured logs: one JSON object a line on standard error, written with one write(2). No
 * secrets, no phone numbers: whoever logs decides what is said, this file only formats.
 */
#ifndef REEYO_CORE_LOG_H
#define REEYO_CORE_LOG_H

#include <stdbool.h>
#include <stdint.h>

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR, LOG_OFF };

/* Anything below is not written. Any thread, at any time (SIGHUP changes it). */
void log_set_level(enum log_level level);
bool log_on(enum log_level level);
/* "debug", "info", "warn", "error", "off"; -1 for anything else. */
int log_level_named(const char *name);

/* One key and value of a line; the list ends with LOG_END. */
struct log_field {
	const char *key; /* NULL ends the list */
	enum { LOG_TEXT, LOG_INT, LOG_REAL, LOG_BOOL } kind;
	union {
		const char *text; /* NULL is left out */
		int64_t integer;
		double real;
	};
};
#define LOG_T(k, v) { .key = (k), .kind = LOG_TEXT, .text = (v) }
#define LOG_I(k, v) { .key = (k), .kind = LOG_INT, .integer = (v) }
#define LOG_R(k, v) { .key = (k), .kind = LOG_REAL, .real = (v) }
#define LOG_B(k, v) { .key = (k), .kind = LOG_BOOL, .integer = (v) }

/* log_line(LOG_WARN, "lane lost", LOG_T("why", text), LOG_I("lane", 2)). Lines are cut at 4 KB.
 * Any thread. */
#define log_line(level, message, ...) \
	do { \
		if (log_on(level)) \
			log_write((level), (message), (const struct log_field[]){ \
				__VA_ARGS__ __VA_OPT__(,) { .key = NULL } }); \
	} while (0)
void log_write(enum log_level level, const char *message, const struct log_field *fields);

/* --- Refusals --------------------------------------------------------------------------------- */

/* Lines that anybody can cause as often as he likes (a bad signature, a limit that is reached). Of
 * equal ones, which is the same message and the same `kind`, the first LOG_SAMPLE_LINES in
 * LOG_SAMPLE_MS are written; the others are counted, and one line says "repeated": how many, when
 * the time is over. message is a constant; kind says what is equal, never who did it. Any
 * thread. */
#define LOG_SAMPLE_LINES 5
#define LOG_SAMPLE_MS 10000u
#define log_refusal(level, message, kind, ...) \
	do { \
		if (log_on(level) && log_sample((level), (message), (kind))) \
			log_write((level), (message), (const struct log_field[]){ \
				LOG_T("kind", (kind)), \
				__VA_ARGS__ __VA_OPT__(,) { .key = NULL } }); \
	} while (0)
/* Whether one more of these lines is written; it is counted when not. */
bool log_sample(enum log_level level, const char *message, const char *kind);
/* Writes the counts whose time is over, or all of them. */
void log_sample_flush(bool all);

#endif
