/* SPDX-License-Identifier: MIT
 *
 * Cache-aside with a healthy Redis: what is stored, who loads, and that no reader gets an old value
 * after an invalidation.
 */
#include <pthread.h>
#include <zlib.h>

#include "reeyo/cache/counters.h"
#include "rig.h"

static struct server server;
static struct store store;

static void set_up(void)
{
	memset(&server, 0, sizeof(server));
	memset(&store, 0, sizeof(store));
	store.size = 10000;
	server_start(&server);
}

static void tear_down(void)
{
	server_end(&server);
}

static bool key_holds(const char *key, const char *prefix)
{
	char command[128];
	redisReply *reply;
	bool holds;

	snprintf(command, sizeof(command), "GET %s", key);
	reply = server_ask(&server, command);
	ck_assert_ptr_nonnull(reply);
	holds = prefix ? reply->type == REDIS_REPLY_STRING &&
			strncmp(reply->str, prefix, strlen(prefix)) == 0
		       : reply->type == REDIS_REPLY_NIL;
	freeReplyObject(reply);
	return holds;
}

static void redis_do(const char *command)
{
	freeReplyObject(server_ask(&server, command));
}

START_TEST(a_loaded_value_is_read_back_whole)
{
	struct rig rig;
	char first[65536], inflated[65536], tag[24];
	z_stream z = { 0 };
	size_t len;

	rig_open(&rig, server.url, &store);
	rig_up(&rig);
	rig_read_one(&rig, "vendor_1", 0);
	len = rig.last.plain.len;
	memcpy(first, rig.plain, len);
	memcpy(tag, rig.last.etag, sizeof(tag));
	RIG_UNTIL(&rig, key_holds("menu:vendor_1", "R1 "));
	rig_read_one(&rig, "vendor_1", 0);
	ck_assert_uint_eq(store.loads, 1);
	ck_assert_uint_eq(rig_count(&rig, COUNT_CACHE_HITS), 1);
	ck_assert_uint_eq(rig.last.plain.len, len);
	ck_assert_mem_eq(rig.plain, first, len);
	ck_assert_str_eq(rig.last.etag, tag);
	ck_assert_uint_eq(strlen(tag), 18);
	ck_assert_uint_lt(rig.last.gzip.len, len);
	ck_assert_int_eq(inflateInit2(&z, 31), Z_OK);
	z.next_in = (unsigned char *)rig.gzip;
	z.avail_in = (uInt)rig.last.gzip.len;
	z.next_out = (unsigned char *)inflated;
	z.avail_out = sizeof(inflated);
	ck_assert_int_eq(inflate(&z, Z_FINISH), Z_STREAM_END);
	ck_assert_uint_eq(z.total_out, len);
	ck_assert_mem_eq(inflated, first, len);
	inflateEnd(&z);
	rig_close(&rig);
}
END_TEST

START_TEST(each_kind_has_its_own_time_to_live)
{
	static const struct {
		const struct cache_kind *kind;
		const char *key;
		int seconds;
	} kinds[] = { { KEY_VENDOR, "vendor:x", 300 }, { KEY_MENU, "menu:x", 600 },
		{ KEY_ORDERS_ACTIVE, "orders:active", 30 } };
	struct rig rig;

	rig_open(&rig, server.url, &store);
	rig_up(&rig);
	for (size_t i = 0; i < COUNT_OF(kinds); i++) {
		char command[64];
		redisReply *reply;

		rig_read(&rig, kinds[i].kind, "x", 0);
		RIG_UNTIL(&rig, rig.done == i + 1);
		RIG_UNTIL(&rig, key_holds(kinds[i].key, "R1 "));
		snprintf(command, sizeof(command), "PTTL %s", kinds[i].key);
		reply = server_ask(&server, command);
		ck_assert_int_le(reply->integer, kinds[i].seconds * 1000);
		ck_assert_int_gt(reply->integer, kinds[i].seconds * 1000 - PATIENCE_MS);
		freeReplyObject(reply);
	}
	rig_close(&rig);
}
END_TEST

START_TEST(a_thousand_readers_who_miss_together_cause_one_load)
{
	struct rig rig;

	store.delay_ms = 30;
	rig_open(&rig, server.url, &store);
	rig_up(&rig);
	for (int i = 0; i < 500; i++)
		rig_read(&rig, KEY_MENU, "busy", 0);
	for (int i = 0; i < 500; i++) {
		rig_read(&rig, KEY_MENU, "busy", 0);
		if (i % 20 == 0)
			rig_turn(&rig);
	}
	RIG_UNTIL(&rig, rig.done == 1000);
	ck_assert_uint_eq(rig.errors, 0);
	ck_assert_uint_eq(store.loads, 1);
	rig_close(&rig);
}
END_TEST

static atomic_int copies_done;

static void *miss_together(void *arg)
{
	pthread_barrier_t *start = arg;
	struct rig rig;

	rig_open(&rig, server.url, &store);
	rig_up(&rig);
	pthread_barrier_wait(start);
	for (int i = 0; i < 200; i++)
		rig_read(&rig, KEY_MENU, "shared", 0);
	RIG_UNTIL(&rig, rig.done == 200);
	ck_assert_uint_eq(rig.errors, 0);
	atomic_fetch_add(&copies_done, 1); /* readers complete before the value is stored */
	RIG_UNTIL(&rig, copies_done == 2);
	rig_close(&rig);
	return NULL;
}

START_TEST(two_instances_that_miss_together_cause_one_load)
{
	pthread_t threads[2];
	pthread_barrier_t start;

	copies_done = 0;
	pthread_barrier_init(&start, NULL, 2);
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, miss_together, &start), 0);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	ck_assert_uint_eq(store.loads, 1);
	pthread_barrier_destroy(&start);
}
END_TEST

START_TEST(a_slow_reader_does_not_store_a_value_older_than_a_write)
{
	struct rig rig;

	store.delay_ms = 50;
	rig_open(&rig, server.url, &store);
	rig_up(&rig);
	rig_read(&rig, KEY_MENU, "m", 0); /* will load version 0 */
	RIG_UNTIL(&rig, store.loads == 1);
	store.version = 1;
	rig_drop(&rig, "m");
	ck_assert_uint_eq(rig.done, 0);
	rig_read(&rig, KEY_MENU, "m",
		1); /* began after the invalidation: must not share the old load */
	RIG_UNTIL(&rig, rig.done == 2);
	ck_assert_uint_eq(store.loads, 2);
	RIG_UNTIL(&rig, key_holds("menu:m", "R1 "));
	rig_read_one(&rig, "m", 1);
	ck_assert_uint_eq(store.loads, 2);
	ck_assert_uint_eq(rig_count(&rig, COUNT_CACHE_LEASES_VOIDED), 1);
	rig_close(&rig);
}
END_TEST

START_TEST(a_late_reader_waits_for_the_store_and_reloads_when_it_is_refused)
{
	struct rig rig;

	store.delay_ms = 60;
	rig_open(&rig, server.url, &store);
	rig_up(&rig);
	rig_read(&rig, KEY_MENU, "m", 0);
	RIG_UNTIL(&rig, store.loads == 1);
	rig_read(&rig, KEY_MENU, "m", 0); /* finds our lease, waits until the value is stored */
	rig_wait(&rig, 20);
	store.version = 1;
	redis_do("DEL menu:m"); /* invalidation by another instance */
	RIG_UNTIL(&rig, rig.done == 2);
	ck_assert_int_eq(rig.last_version, 1);
	ck_assert_uint_eq(store.loads, 2);
	rig_close(&rig);
}
END_TEST

struct between {
	struct turn_hook hook;
	struct rig *rig;
};

static long long gets_answered(void)
{
	redisReply *reply = server_ask(&server, "INFO commandstats");
	const char *at = strstr(reply->str, "cmdstat_get:calls=");
	long long calls = at ? atoll(at + strlen("cmdstat_get:calls=")) : 0;

	freeReplyObject(reply);
	return calls;
}

/* Runs after the turn's commands are written and before any reply is read. */
static void written_elsewhere(struct turn_hook *hook)
{
	struct between *between = CONTAINER_OF(hook, struct between, hook);

	while (gets_answered() < 2)
		usleep(1000);
	store.version = 1;
	redis_do("DEL menu:m");
	rig_read(between->rig, KEY_MENU, "m", 1);
}

START_TEST(a_reader_does_not_share_a_reply_older_than_its_read)
{
	struct between between = { .hook.run = written_elsewhere };
	struct rig rig;

	rig_open(&rig, server.url, &store);
	between.rig = &rig;
	rig_up(&rig);
	loop_hook(rig.loop, PHASE_FLUSH, &between.hook);
	rig_read_one(&rig, "m", 0);
	RIG_UNTIL(&rig, rig_count(&rig, COUNT_CACHE_LOADS) == 1);
	rig_wait(&rig, 50); /* the value is stored */
	rig_read(&rig, KEY_MENU, "m", 0);
	between.hook.wanted = true;
	RIG_UNTIL(&rig, rig.done == 3);
	ck_assert_uint_eq(store.loads, 2);
	loop_unhook(rig.loop, PHASE_FLUSH, &between.hook);
	rig_close(&rig);
}
END_TEST

START_TEST(a_failed_load_releases_the_lease)
{
	struct rig rig;

	store.error = E_STORE_DOWN;
	rig_open(&rig, server.url, &store);
	rig_up(&rig);
	rig_read_one(&rig, "m", 0);
	ck_assert_int_eq(rig.last_error, E_STORE_DOWN);
	RIG_UNTIL(&rig, key_holds("menu:m", NULL));
	store.error = E_NOT_FOUND;
	rig_read_one(&rig, "m", 0);
	ck_assert_int_eq(rig.last_error, E_NOT_FOUND);
	RIG_UNTIL(&rig, key_holds("menu:m", NULL));
	store.error = 0;
	rig_read_one(&rig, "m", 0);
	ck_assert_int_eq(rig.last_error, 0);
	rig_close(&rig);
}
END_TEST

START_TEST(a_lease_of_a_dead_owner_delays_readers_only_briefly)
{
	struct rig rig;

	redisContext *c = redisConnectUnix(server.socket);

	freeReplyObject(
		redisCommand(c, "SET menu:m %s PX 60000", "L1 00000000000000000000000000000000"));
	redisFree(c);
	rig_open(&rig, server.url, &store);
	rig_up(&rig);
	for (int i = 0; i < 10; i++)
		rig_read(&rig, KEY_MENU, "m", 0);
	RIG_UNTIL(&rig, rig.done == 10);
	ck_assert_uint_eq(rig.errors, 0);
	ck_assert_uint_ge(rig_count(&rig, COUNT_CACHE_LEASE_WAITS), 10);
	ck_assert(key_holds("menu:m", "L1 0000")); /* loaded without a lease: nothing is stored */
	rig_close(&rig);
}
END_TEST

START_TEST(a_value_stored_by_another_instance_ends_the_wait)
{
	struct rig rig, other;

	store.delay_ms = 40;
	rig_open(&rig, server.url, &store);
	rig_open(&other, server.url, &store);
	rig_up(&rig);
	rig_up(&other);
	rig_read(&other, KEY_MENU, "m", 0);
	RIG_UNTIL(&other, store.loads == 1);
	rig_read(&rig, KEY_MENU, "m", 0);
	while (!rig.done) {
		uv_run(loop_uv(other.loop), UV_RUN_NOWAIT);
		rig_turn(&rig);
	}
	ck_assert_uint_eq(store.loads, 1);
	RIG_UNTIL(&other, other.done == 1);
	ck_assert_str_eq(rig.last.etag, other.last.etag);
	rig_close(&rig);
	rig_close(&other);
}
END_TEST

START_TEST(a_foreign_value_under_our_key_is_replaced)
{
	struct rig rig;

	redis_do("SET menu:a garbage");
	redis_do("LPUSH menu:b list");
	redis_do("SET menu:c R1");
	rig_open(&rig, server.url, &store);
	rig_up(&rig);
	for (int i = 0; i < 3; i++) {
		char id[2] = { (char)('a' + i), '\0' }, key[16];

		rig_read_one(&rig, id, 0);
		ck_assert_int_eq(rig.last_error, 0);
		snprintf(key, sizeof(key), "menu:%s", id);
		RIG_UNTIL(&rig, key_holds(key, "R1 "));
	}
	rig_close(&rig);
}
END_TEST

/* --- Readers and writers racing --------------------------------------------------------------- */

#define RACE_KEYS 3
#define RACE_READS 20000

static struct race {
	struct store store[RACE_KEYS];
	atomic_int acknowledged[RACE_KEYS];
	pthread_barrier_t start;
} race;

struct race_write {
	atomic_int *acknowledged;
	int version;
	bool *busy;
};

static void write_acknowledged(void *arg)
{
	struct race_write *write = arg;

	atomic_store(write->acknowledged, write->version);
	*write->busy = false;
	free(write);
}

/* Only one instance writes a key at a time, as with row locks: key n belongs to instance n % 2. */
static void race_write(struct rig *rig, int key, bool *busy)
{
	struct race_write *write = malloc(sizeof(*write));
	char id[2] = { (char)('0' + key), '\0' };

	*busy = true;
	write->acknowledged = &race.acknowledged[key];
	write->busy = busy;
	write->version = atomic_fetch_add(&race.store[key].version, 1) + 1;
	cache_key_invalidate(rig->cache, KEY_MENU, id, write_acknowledged, write);
}

static void *race_run(void *arg)
{
	int self = (int)(intptr_t)arg;
	bool busy[RACE_KEYS] = { false };
	unsigned seed = (unsigned)self + 1, asked = 0;
	struct rig rig;

	rig_open(&rig, server.url, &race.store[0]);
	rig_up(&rig);
	pthread_barrier_wait(&race.start);
	while (asked < RACE_READS) {
		int key = rand_r(&seed) % RACE_KEYS;
		char id[2] = { (char)('0' + key), '\0' };

		rig.store = &race.store[key];
		for (unsigned n = (unsigned)rand_r(&seed) % 4; n > 0; n--, asked++)
			rig_read(&rig, KEY_MENU, id, atomic_load(&race.acknowledged[key]));
		if (key % 2 == self && !busy[key] && rand_r(&seed) % 8 == 0)
			race_write(&rig, key, &busy[key]);
		uv_run(loop_uv(rig.loop), UV_RUN_NOWAIT);
	}
	RIG_UNTIL(&rig, rig.done == asked && !busy[0] && !busy[1] && !busy[2]);
	ck_assert_uint_eq(rig.errors, 0);
	ck_assert_uint_gt(rig_count(&rig, COUNT_CACHE_HITS), 0);
	rig_close(&rig);
	return NULL;
}

START_TEST(no_reader_gets_a_value_older_than_its_read)
{
	pthread_t threads[2];

	for (int i = 0; i < RACE_KEYS; i++) {
		race.store[i].delay_ms = 3;
		race.store[i].random = true;
		race.store[i].size = 600;
	}
	pthread_barrier_init(&race.start, NULL, 2);
	for (intptr_t i = 0; i < 2; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, race_run, (void *)i), 0);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	pthread_barrier_destroy(&race.start);
	ck_assert_int_gt(race.acknowledged[0], 10);
}
END_TEST

static void add(TCase *tests)
{
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, a_loaded_value_is_read_back_whole);
	tcase_add_test(tests, each_kind_has_its_own_time_to_live);
	tcase_add_test(tests, a_thousand_readers_who_miss_together_cause_one_load);
	tcase_add_test(tests, two_instances_that_miss_together_cause_one_load);
	tcase_add_test(tests, a_slow_reader_does_not_store_a_value_older_than_a_write);
	tcase_add_test(tests, a_late_reader_waits_for_the_store_and_reloads_when_it_is_refused);
	tcase_add_test(tests, a_reader_does_not_share_a_reply_older_than_its_read);
	tcase_add_test(tests, a_failed_load_releases_the_lease);
	tcase_add_test(tests, a_lease_of_a_dead_owner_delays_readers_only_briefly);
	tcase_add_test(tests, a_value_stored_by_another_instance_ends_the_wait);
	tcase_add_test(tests, a_foreign_value_under_our_key_is_replaced);
	tcase_add_test(tests, no_reader_gets_a_value_older_than_its_read);
}

int main(void)
{
	return run_tests("aside", add);
}
