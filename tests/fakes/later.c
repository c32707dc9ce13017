/* SPDX-License-Identifier: MIT
 *
 * Delayed work, outgoing calls, random numbers: a heap of due work and a few threads that run it.
 */
#include <curl/curl.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "frame.h"

#define THREADS 16
#define CALL_S 10L

struct due {
	uint64_t at_ms;
	void (*does)(void *what);
	void (*drop)(void *what);
	void *what;
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed;
static pthread_t threads[THREADS];
static struct due *heap;
static size_t count, room;
static bool ending;
static unsigned releases; /* number of held_go calls */
static uint64_t state;

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void wait_until(uint64_t ms)
{
	struct timespec until = { (time_t)(ms / 1000), (long)(ms % 1000) * 1000000 };

	pthread_cond_timedwait(&changed, &mutex, &until);
}

/* --- The heap --------------------------------------------------------------------------------- */

static void swap(size_t a, size_t b)
{
	struct due due = heap[a];

	heap[a] = heap[b];
	heap[b] = due;
}

static void heap_add(struct due due)
{
	if (count == room) {
		room = room ? room * 2 : 256;
		heap = realloc(heap, room * sizeof(*heap));
		if (!heap)
			abort();
	}
	heap[count] = due;
	for (size_t i = count++; i && heap[i].at_ms < heap[(i - 1) / 2].at_ms; i = (i - 1) / 2)
		swap(i, (i - 1) / 2);
}

static struct due heap_take(void)
{
	struct due first = heap[0];
	size_t i = 0, least = 0;

	heap[0] = heap[--count];
	do {
		i = least;
		for (size_t child = 2 * i + 1; child <= 2 * i + 2 && child < count; child++)
			if (heap[child].at_ms < heap[least].at_ms)
				least = child;
		swap(i, least);
	} while (i != least);
	return first;
}

/* --- Threads ---------------------------------------------------------------------------------- */

static void *thread(void *arg)
{
	pthread_mutex_lock(&mutex);
	while (!ending) {
		if (!count) {
			pthread_cond_wait(&changed, &mutex);
		} else if (heap[0].at_ms > now_ms()) {
			wait_until(heap[0].at_ms);
		} else {
			struct due due = heap_take();

			pthread_mutex_unlock(&mutex);
			due.does(due.what);
			pthread_mutex_lock(&mutex);
		}
	}
	pthread_mutex_unlock(&mutex);
	return arg;
}

void later_start(uint64_t seed)
{
	pthread_condattr_t monotonic;

	state = seed * 0x9e3779b97f4a7c15u + 1;
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&changed, &monotonic);
	curl_global_init(CURL_GLOBAL_DEFAULT);
	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, thread, NULL);
}

/* Before the listener stops, so that sleeping responses wake. */
void later_stop(void)
{
	pthread_mutex_lock(&mutex);
	ending = true;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&mutex);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	for (size_t i = 0; i < count; i++)
		heap[i].drop(heap[i].what);
	free(heap);
	heap = NULL;
	count = room = 0;
}

void fake_later(int ms, void (*does)(void *what), void (*drop)(void *what), void *what)
{
	struct due due = { now_ms() + (uint64_t)ms, does, drop, what };
	bool late;

	pthread_mutex_lock(&mutex);
	late = ending;
	if (!late) {
		heap_add(due);
		pthread_cond_signal(&changed);
	}
	pthread_mutex_unlock(&mutex);
	if (late)
		drop(what);
}

void fake_sleep(int ms)
{
	uint64_t until = now_ms() + (uint64_t)ms;

	pthread_mutex_lock(&mutex);
	while (!ending && now_ms() < until)
		wait_until(until);
	pthread_mutex_unlock(&mutex);
}

void held_wait(void)
{
	unsigned before;

	pthread_mutex_lock(&mutex);
	before = releases;
	while (!ending && before == releases)
		pthread_cond_wait(&changed, &mutex);
	pthread_mutex_unlock(&mutex);
}

void held_go(void)
{
	pthread_mutex_lock(&mutex);
	releases++;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&mutex);
}

unsigned fake_chance(unsigned below)
{
	uint64_t drawn;

	pthread_mutex_lock(&mutex);
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	drawn = state >> 11;
	pthread_mutex_unlock(&mutex);
	return (unsigned)(drawn % below);
}

/* --- Calls ------------------------------------------------------------------------------------ */

static size_t ignore(char *at, size_t one, size_t len, void *arg)
{
	(void)at;
	(void)arg;
	return one * len;
}

long fake_call(const char *url, const char *header, const char *body)
{
	struct curl_slist *headers = curl_slist_append(NULL, "Expect:");
	CURL *easy = curl_easy_init();
	long status = 0;

	if (body)
		headers = curl_slist_append(headers, "Content-Type: application/json");
	if (header)
		headers = curl_slist_append(headers, header);
	curl_easy_setopt(easy, CURLOPT_URL, url);
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(easy, CURLOPT_PROXY, "");
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_TIMEOUT, CALL_S);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, ignore);
	if (body)
		curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body);
	if (curl_easy_perform(easy) == CURLE_OK)
		curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_cleanup(easy);
	curl_slist_free_all(headers);
	return status;
}
