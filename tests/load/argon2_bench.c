/* SPDX-License-Identifier: MIT
 *
 * Measures argon2id alone: verifications per second by libsodium on all cores. The reference for
 * the server's log-ins. Prints one JSON object.
 *
 *     argon2_bench MEMORY_BYTES PASSES THREADS SECONDS
 *     argon2_bench hash MEMORY_BYTES PASSES PASSWORD     prints a stored hash, for the accounts
 */
#include <pthread.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char password[] = "Test123!@#";
static char stored[crypto_pwhash_STRBYTES];
static atomic_bool stop;

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void *verify_until_stopped(void *arg)
{
	long *done = arg;

	while (!atomic_load(&stop)) {
		if (crypto_pwhash_str_verify(stored, password, strlen(password)) != 0)
			abort();
		++*done;
	}
	return NULL;
}

static int print_hash(const char *memory, const char *passes, const char *text)
{
	if (crypto_pwhash_str_alg(stored, text, strlen(text), strtoull(passes, NULL, 10),
		    strtoul(memory, NULL, 10), crypto_pwhash_ALG_ARGON2ID13) != 0)
		return 1;
	puts(stored);
	return 0;
}

int main(int argc, char **argv)
{
	enum { MAX_THREADS = 256 };
	pthread_t threads[MAX_THREADS];
	long done[MAX_THREADS][8] = { 0 }; /* one cache line each */
	long total = 0;

	if (argc != 5 || sodium_init() < 0) {
		fprintf(stderr, "usage: argon2_bench MEMORY_BYTES PASSES THREADS SECONDS\n");
		return 2;
	}
	if (strcmp(argv[1], "hash") == 0)
		return print_hash(argv[2], argv[3], argv[4]);
	size_t memory = strtoul(argv[1], NULL, 10);
	unsigned long long passes = strtoull(argv[2], NULL, 10);
	long count = strtol(argv[3], NULL, 10);
	double seconds = strtod(argv[4], NULL);

	if (count < 1 || count > MAX_THREADS)
		return 2;
	if (crypto_pwhash_str_alg(stored, password, strlen(password), passes, memory,
		    crypto_pwhash_ALG_ARGON2ID13) != 0)
		return 1;
	double started = now_s();
	for (long i = 0; i < count; i++)
		if (pthread_create(&threads[i], NULL, verify_until_stopped, done[i]) != 0)
			return 1;
	usleep((useconds_t)(seconds * 1e6));
	atomic_store(&stop, true);
	for (long i = 0; i < count; i++) {
		pthread_join(threads[i], NULL);
		total += done[i][0];
	}
	double took = now_s() - started;
	printf("{\"hashes\":%ld,\"seconds\":%.3f,\"rate\":%.2f}\n", total, took,
		(double)total / took);
	return 0;
}
