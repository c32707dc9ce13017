/* SPDX-License-Identifier: MIT
 *
 * Faults set by a test for a path, random faults, and the log of requests.
 */
#include <pthread.h>
#include <string.h>

#include "frame.h"

/* The log keeps the newest entries. */
#define LOG_MOST 4000

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static json_t *queues;  /* path → array of faults */
static json_t *entries; /* ring: entry number n is at n % LOG_MOST */
static size_t logged;
static const char *const *drawn;
static unsigned drawn_percent;

/* "/collect/" and "/collect" are the same path. */
static void path_trim(const char *path, char *out, size_t size)
{
	size_t len = strlen(path);

	while (len > 1 && path[len - 1] == '/')
		len--;
	if (len >= size)
		len = size - 1;
	memcpy(out, path, len);
	out[len] = '\0';
}

const char *script_add(const json_t *script)
{
	const char *path = json_string_value(json_object_get(script, "path"));
	const json_t *faults = json_object_get(script, "faults");
	char key[256];
	json_t *queue, *fault;
	size_t i;

	if (!path || !json_is_array(faults))
		return "a script is {\"path\": \"/x\", \"faults\": [{\"fault\": "
		       "\"slow\", \"ms\": 500}, ...]}";
	json_array_foreach(faults, i,
		fault) if (!json_is_string(json_object_get(fault,
				   "fault"))) return "a fault is {\"fault\": \"name\", ...}";
	path_trim(path, key, sizeof(key));
	pthread_mutex_lock(&mutex);
	if (!queues)
		queues = json_object();
	queue = json_object_get(queues, key);
	if (!queue)
		json_object_set_new(queues, key, queue = json_array());
	json_array_foreach(faults, i, fault) json_array_append(queue, fault);
	pthread_mutex_unlock(&mutex);
	return NULL;
}

void script_chances(const char *const *chances, unsigned percent)
{
	drawn = chances;
	drawn_percent = percent;
}

/* "/transaction" also matches "/transaction/REFERENCE". */
static bool path_below(const char *path, const char *above)
{
	size_t len = strlen(above);

	return strncmp(path, above, len) == 0 && (path[len] == '\0' || path[len] == '/');
}

/* One of the path's random faults, each with the same probability. */
static json_t *draw(const char *path)
{
	json_t *one, *picked = NULL;
	unsigned count = 0;

	if (!drawn || !drawn_percent || fake_chance(100) >= drawn_percent)
		return NULL;
	for (const char *const *chance = drawn; *chance; chance++) {
		one = json_loads(*chance, 0, NULL);
		if (path_below(path, json_string_value(json_object_get(one, "path"))) &&
			fake_chance(++count) == 0) {
			json_decref(picked);
			picked = json_incref(one);
		}
		json_decref(one);
	}
	return picked;
}

json_t *script_take(const char *path)
{
	json_t *fault = NULL, *queue;
	const char *of;

	pthread_mutex_lock(&mutex);
	json_object_foreach(queues, of, queue)
	{
		if (fault || !path_below(path, of) || !json_array_size(queue))
			continue;
		fault = json_incref(json_array_get(queue, 0));
		json_array_remove(queue, 0);
	}
	pthread_mutex_unlock(&mutex);
	return fault ? fault : draw(path);
}

void log_add(json_t *entry)
{
	pthread_mutex_lock(&mutex);
	if (!entries)
		entries = json_array();
	if (json_array_size(entries) < LOG_MOST)
		json_array_append_new(entries, entry);
	else
		json_array_set_new(entries, logged % LOG_MOST, entry);
	logged++;
	pthread_mutex_unlock(&mutex);
}

json_t *log_read(const char *path)
{
	json_t *found = json_array(), *entry;
	const char *of;

	pthread_mutex_lock(&mutex);
	for (size_t n = logged > LOG_MOST ? logged - LOG_MOST : 0; n < logged; n++) {
		entry = json_array_get(entries, n % LOG_MOST);
		of = json_string_value(json_object_get(entry, "path"));
		if (!path || path_below(of, path))
			json_array_append(found, entry);
	}
	pthread_mutex_unlock(&mutex);
	return found;
}

void script_clear(void)
{
	pthread_mutex_lock(&mutex);
	json_decref(queues);
	json_decref(entries);
	queues = entries = NULL;
	logged = 0;
	pthread_mutex_unlock(&mutex);
}
