/* SPDX-License-Identifier: MIT
 *
 * Sampling of log lines that any client can cause: see log_refusal in the header. There is one
 * table for the process, so the limit applies to the process; its mutex is held for a short look-up
 * only. Kinds that do not fit into the table share one entry, so many kinds cannot make the log
 * grow.
 */
#include <pthread.h>
#include <string.h>

#include "reeyo/core/clock.h"
#include "reeyo/core/log.h"
#include "reeyo/core/memory.h"

#define KINDS_MAX 128
#define KIND_SIZE 96

struct sample {
	const char *message; /* NULL: free */
	char kind[KIND_SIZE];
	enum log_level level;
	uint64_t since_ms;
	int64_t written, repeated;
};

static struct {
	pthread_mutex_t lock;
	struct sample samples[KINDS_MAX];
} table = { .lock = PTHREAD_MUTEX_INITIALIZER };

static void sample_write(struct sample *sample)
{
	if (sample->repeated && log_on(sample->level))
		log_write(sample->level, sample->message,
			(const struct log_field[]){ LOG_T("kind", sample->kind),
				LOG_I("repeated", sample->repeated), { .key = NULL } });
	sample->message = NULL;
}

static bool sample_is(const struct sample *sample, const char *message, const char *kind)
{
	return sample->message && strcmp(sample->message, message) == 0 &&
		strncmp(sample->kind, kind, KIND_SIZE - 1) == 0;
}

/* The entry of these lines, or a free one, or the last one, which all further kinds share. */
static struct sample *sample_find(const char *message, const char *kind)
{
	struct sample *empty = NULL;

	for (size_t i = 0; i < KINDS_MAX - 1; i++) {
		if (sample_is(&table.samples[i], message, kind))
			return &table.samples[i];
		if (!empty && !table.samples[i].message)
			empty = &table.samples[i];
	}
	return empty ? empty : &table.samples[KINDS_MAX - 1];
}

bool log_sample(enum log_level level, const char *message, const char *kind)
{
	uint64_t now = clock_ms();
	struct sample *sample;
	bool write;

	pthread_mutex_lock(&table.lock);
	sample = sample_find(message, kind);
	if (sample->message && now - sample->since_ms >= LOG_SAMPLE_MS)
		sample_write(sample);
	if (!sample->message) {
		*sample = (struct sample){ .message = message, .level = level, .since_ms = now };
		memcpy(sample->kind, kind, strnlen(kind, KIND_SIZE - 1));
	}
	write = sample->written < LOG_SAMPLE_LINES;
	if (write)
		sample->written++;
	else
		sample->repeated++;
	pthread_mutex_unlock(&table.lock);
	return write;
}

void log_sample_flush(bool all)
{
	uint64_t now = clock_ms();

	pthread_mutex_lock(&table.lock);
	for (size_t i = 0; i < KINDS_MAX; i++)
		if (table.samples[i].message &&
			(all || now - table.samples[i].since_ms >= LOG_SAMPLE_MS))
			sample_write(&table.samples[i]);
	pthread_mutex_unlock(&table.lock);
}
