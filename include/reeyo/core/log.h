/* SPDX-License-Identifier: MIT
 *
 * Structured logs: one JSON object per line on standard error, written with one write(2). This
 * file only formats: callers must not pass secrets or phone numbers.
 */
#ifndef REEYO_CORE_LOG_H
#define REEYO_CORE_LOG_H

#include <stdbool.h>
#include <stdint.h>

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR, LOG_OFF };

/* Lines below the level are not written. Any thread, at any time (SIGHUP changes the level). */
void log_set_level(enum log_level level);
bool log_on(enum log_level level);
/* "debug", "info", "warn", "error", "off"; -1 for anything else. */
int log_level_from_name(const char *name);

/* One key and value of a line; a NULL key ends the list. */
struct log_field {
	const char *key; /* NULL ends the list */
	enum { LOG_TEXT, LOG_INT, LOG_REAL, LOG_BOOL } kind;
	union {
		const char *text; /* NULL is left out */
		int64_t integer;
		double real;
	};
};
#define LOG_T(k, v) \
	{ \
		.key = (k), .kind = LOG_TEXT, .text = (v) \
	}
#define LOG_I(k, v) \
	{ \
		.key = (k), .kind = LOG_INT, .integer = (v) \
	}
#define LOG_R(k, v) \
	{ \
		.key = (k), .kind = LOG_REAL, .real = (v) \
	}
#define LOG_B(k, v) \
	{ \
		.key = (k), .kind = LOG_BOOL, .integer = (v) \
	}

/* log_line(LOG_WARN, "lane lost", LOG_T("why", text), LOG_I("lane", 2)). A line holds at most 4 KB;
 * fields that do not fit are left out.
 * Any thread. */
#define log_line(level, message, ...) \
	do { \
		if (log_on(level)) \
			log_write((level), (message), \
				(const struct log_field[]){ \
					__VA_ARGS__ __VA_OPT__(, ){ .key = NULL } }); \
	} while (0)
void log_write(enum log_level level, const char *message, const struct log_field *fields);

/* --- Sampled lines
 * --------------------------------------------------------------------------------- */

/* For lines that any client can cause as often as it likes (a bad signature, a reached limit).
 * Lines with the same message and the same `kind` count as equal: the first LOG_SAMPLE_LINES within
 * LOG_SAMPLE_MS are written, the others are counted. When the time is over, one line gives their
 * number as "repeated". message is a constant. kind must not identify a client. Any thread. */
#define LOG_SAMPLE_LINES 5
#define LOG_SAMPLE_MS 10000u
#define log_refusal(level, message, kind, ...) \
	do { \
		if (log_on(level) && log_sample((level), (message), (kind))) \
			log_write((level), (message), \
				(const struct log_field[]){ LOG_T("kind", (kind)), \
					__VA_ARGS__ __VA_OPT__(, ){ .key = NULL } }); \
	} while (0)
/* True when this line is to be written; otherwise it is counted. */
bool log_sample(enum log_level level, const char *message, const char *kind);
/* Writes the counts whose time is over; all: every count. */
void log_sample_flush(bool all);

#endif
