/* SPDX-License-Identifier: MIT
 *
 * The messages that a fake accepted.
 */
#include <pthread.h>

#include "frame.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static json_t *taken;

void fake_take(json_t *what)
{
	pthread_mutex_lock(&mutex);
	if (!taken)
		taken = json_array();
	json_array_append_new(taken, what);
	pthread_mutex_unlock(&mutex);
}

json_t *taken_read(void)
{
	json_t *all;

	pthread_mutex_lock(&mutex);
	all = taken ? json_deep_copy(taken) : json_array();
	pthread_mutex_unlock(&mutex);
	return all;
}

void taken_clear(void)
{
	pthread_mutex_lock(&mutex);
	json_decref(taken);
	taken = NULL;
	pthread_mutex_unlock(&mutex);
}
