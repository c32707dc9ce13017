/* SPDX-License-Identifier: MIT
 *
 * Shared by the cache tests: a redis-server of their own in a temporary folder (on a unix socket,
 * and optionally on a TCP port), a loop with a cache, and a store whose loads take time.
 */
#ifndef REEYO_TEST_CACHE_RIG_H
#define REEYO_TEST_CACHE_RIG_H

#include <check.h>
#include <fcntl.h>
#include <hiredis/hiredis.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "reeyo/cache/cache.h"
#include "reeyo/core/clock.h"
#include "reeyo/core/log.h"
#include "reeyo/core/memory.h"

/* Only ends a test that hangs. */
#define PATIENCE_MS 20000

/* --- Redis ------------------------------------------------------------------------------------ */

struct server {
	char dir[64], socket[96], url[112];
	int port; /* 0: unix socket only */
	const char *extra[8];
	pid_t pid;
};

static inline bool have_redis_server(void)
{
	return system("redis-server --version >/dev/null 2>&1") == 0;
}

static inline int free_port(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t len = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert(bind(fd, (struct sockaddr *)&at, len) == 0);
	ck_assert(getsockname(fd, (struct sockaddr *)&at, &len) == 0);
	close(fd);
	return ntohs(at.sin_port);
}

/* Sends one command over a separate blocking connection. The caller frees the reply. */
static inline redisReply *server_ask(const struct server *server, const char *command)
{
	redisContext *c = redisConnectUnix(server->socket);
	redisReply *reply = c && !c->err ? redisCommand(c, command) : NULL;

	if (c)
		redisFree(c);
	return reply;
}

static inline void server_exec(const struct server *server)
{
	const char *argv[32] = { "redis-server", "--unixsocket", server->socket, "--dir",
		server->dir, "--daemonize", "no", "--logfile", "/dev/null", "--save", "" };
	int n = 11;
	char port[12];

	snprintf(port, sizeof(port), "%d", server->port);
	argv[n++] = "--port";
	argv[n++] = port;
	for (int i = 0; i < 8 && server->extra[i]; i++)
		argv[n++] = server->extra[i];
	argv[n] = NULL;
	prctl(PR_SET_PDEATHSIG, SIGKILL); /* a failed test ends without its tear-down */
	execvp("redis-server", (char **)(uintptr_t)argv);
	_exit(127);
}

static inline bool server_answers(const struct server *server)
{
	redisReply *reply = server_ask(server, "PING");
	bool answers = reply &&
		(reply->type == REDIS_REPLY_STATUS || strncmp(reply->str, "NOAUTH", 6) == 0);

	freeReplyObject(reply);
	return answers;
}

static inline void server_start(struct server *server)
{
	uint64_t end = clock_ms() + PATIENCE_MS;

	if (!server->dir[0]) {
		char dir[] = "/tmp/reeyo-cache-XXXXXX";

		ck_assert_ptr_nonnull(mkdtemp(dir));
		memcpy(server->dir, dir, sizeof(dir));
		snprintf(server->socket, sizeof(server->socket), "%s/redis.sock", dir);
		snprintf(server->url, sizeof(server->url), "unix://%s/redis.sock", dir);
	}
	server->pid = fork();
	ck_assert_int_ge(server->pid, 0);
	if (server->pid == 0)
		server_exec(server);
	while (!server_answers(server)) {
		ck_assert_msg(clock_ms() < end, "redis-server does not start");
		usleep(2000);
	}
}

static inline void server_signal(const struct server *server, int number)
{
	ck_assert_int_eq(kill(server->pid, number), 0);
}

static inline void server_kill(struct server *server)
{
	if (server->pid <= 0)
		return;
	kill(server->pid, SIGCONT);
	kill(server->pid, SIGKILL);
	waitpid(server->pid, NULL, 0);
	unlink(server->socket);
	server->pid = 0;
}

static inline void server_end(struct server *server)
{
	char command[96];

	server_kill(server);
	snprintf(command, sizeof(command), "rm -r %.63s", server->dir);
	ck_assert(strncmp(server->dir, "/tmp/reeyo-cache-", 17) == 0);
	ck_assert_int_eq(system(command), 0);
	server->dir[0] = '\0';
}

/* --- The store behind the cache --------------------------------------------------------------- */

struct store {
	atomic_int version; /* version that a statement starting now reads */
	atomic_uint loads;
	unsigned delay_ms; /* how long a statement takes */
	int error;         /* result of loads */
	bool random;       /* a random delay up to delay_ms */
	size_t size;       /* minimum size of the body */
};

struct load {
	uv_timer_t timer;
	struct cache_read *read;
	struct store *store;
	int version;
};

static inline struct text store_body(const struct store *store, int version, char *out, size_t room)
{
	size_t len = (size_t)snprintf(
		out, room, "{\"success\":true,\"data\":{\"v\":%d,\"pad\":\"", version);

	while (len < store->size && len + 16 < room)
		len += (size_t)snprintf(out + len, room - len, "%zu,", len);
	len += (size_t)snprintf(out + len, room - len, "\"}}");
	return (struct text){ out, len };
}

static inline int body_version(const struct cache_value *value)
{
	int version = -1;

	ck_assert(sscanf(value->plain.at, "{\"success\":true,\"data\":{\"v\":%d", &version) == 1);
	return version;
}

static inline void load_closed(uv_handle_t *handle)
{
	free(handle->data);
}

static inline void load_done(uv_timer_t *timer)
{
	struct load *load = timer->data;
	struct store *store = load->store;
	char body[65536];

	uv_close((uv_handle_t *)timer, load_closed);
	if (store->error == E_NOT_FOUND)
		cache_missing(load->read);
	else if (store->error)
		cache_failed(load->read, store->error);
	else
		cache_loaded(load->read, store_body(store, load->version, body, sizeof(body)));
}

static inline void store_load(uv_loop_t *uv, struct store *store, struct cache_read *read)
{
	struct load *load = calloc(1, sizeof(*load));
	unsigned delay = store->delay_ms;

	if (store->random)
		delay = (unsigned)rand() % (delay + 1);
	load->read = read;
	load->store = store;
	load->version = atomic_load(&store->version);
	load->timer.data = load;
	atomic_fetch_add(&store->loads, 1);
	uv_timer_init(uv, &load->timer);
	uv_timer_start(&load->timer, load_done, delay, 0);
}

/* --- Keys ------------------------------------------------------------------------------------- */

static const struct cache_kind rig_kinds[] = {
	{ TEXT("menu:"), .ttl_s = 600 },
	{ TEXT("vendor:"), .ttl_s = 300 },
	{ TEXT("orders:active"), .ttl_s = 30, .single = true },
};
#define KEY_MENU (&rig_kinds[0])
#define KEY_VENDOR (&rig_kinds[1])
#define KEY_ORDERS_ACTIVE (&rig_kinds[2])

static const struct cache_layout rig_layout = { .kinds = rig_kinds,
	.count = 3,
	.positions = TEXT("geo:riders"),
	.position_ttl_ms = 30000,
	.point_max_age_ms = 1800000 };

/* --- A loop with a cache ---------------------------------------------------------------------- */

struct rig {
	struct config config;
	struct loop *loop;
	struct cache *cache;
	struct store *store;
	uv_timer_t tick; /* so that a turn never waits for long */
	unsigned done, errors;
	int last_version, last_error;
	struct cache_value last;
	char plain[65536], gzip[65536];
};

struct reader {
	struct cache_read read;
	struct rig *rig;
	struct store *store;
	int least; /* a result of an older version is stale */
};

static inline void tick(uv_timer_t *timer)
{
	(void)timer;
}

/* Time limit of commands. Tests that are not about time-outs must not get one on a busy machine. */
static int64_t rig_timeout_ms = PATIENCE_MS;

static inline void rig_open(struct rig *rig, const char *url, struct store *store)
{
	memset(rig, 0, sizeof(*rig));
	rig->config.redis_url = url;
	rig->config.redis_timeout = rig_timeout_ms;
	rig->store = store;
	ck_assert_int_eq(loop_new(0, &rig->loop), 0);
	ck_assert_int_eq(cache_new(rig->loop, &rig->config, &rig_layout, &rig->cache), 0);
	uv_timer_init(loop_uv(rig->loop), &rig->tick);
	uv_timer_start(&rig->tick, tick, 1, 1);
}

static inline void rig_turn(struct rig *rig)
{
	uv_run(loop_uv(rig->loop), UV_RUN_ONCE);
}

#define RIG_UNTIL(rig, what) \
	do { \
		uint64_t end_ = clock_ms() + PATIENCE_MS; \
		while (!(what)) { \
			ck_assert_msg(clock_ms() < end_, "never came true: %s", #what); \
			rig_turn(rig); \
		} \
	} while (0)

static inline void rig_wait(struct rig *rig, uint64_t ms)
{
	uint64_t end = clock_ms() + ms;

	while (clock_ms() < end)
		rig_turn(rig);
}

static inline void rig_up(struct rig *rig)
{
	RIG_UNTIL(rig, cache_up(rig->cache));
}

static inline void rig_close(struct rig *rig)
{
	cache_close(rig->cache);
	uv_close((uv_handle_t *)&rig->tick, NULL);
	for (int i = 0; i < 20; i++)
		uv_run(loop_uv(rig->loop), UV_RUN_NOWAIT);
	loop_free(rig->loop);
}

static inline uint64_t rig_count(const struct rig *rig, unsigned which)
{
	return loop_counters(rig->loop)->value[which];
}

static inline void reader_load(struct cache_read *read)
{
	struct reader *reader = CONTAINER_OF(read, struct reader, read);

	store_load(loop_uv(reader->rig->loop), reader->store, read);
}

static inline void reader_done(struct cache_read *read, int error, const struct cache_value *value)
{
	struct reader *reader = CONTAINER_OF(read, struct reader, read);
	struct rig *rig = reader->rig;

	rig->done++;
	rig->errors += error != 0;
	rig->last_error = error;
	if (!error) {
		rig->last = *value;
		rig->last_version = body_version(value);
		memcpy(rig->plain, value->plain.at, value->plain.len);
		if (value->gzip.at)
			memcpy(rig->gzip, value->gzip.at, value->gzip.len);
		ck_assert_msg(rig->last_version >= reader->least,
			"stale: %d after %d was acknowledged", rig->last_version, reader->least);
	}
	free(reader);
}

/* Starts a read that frees itself. */
static inline void rig_read(
	struct rig *rig, const struct cache_kind *kind, const char *id, int least)
{
	struct reader *reader = calloc(1, sizeof(*reader));

	reader->rig = rig;
	reader->store = rig->store;
	reader->least = least;
	reader->read.kind = kind;
	if (id)
		snprintf(reader->read.id, sizeof(reader->read.id), "%s", id);
	reader->read.load = reader_load;
	reader->read.done = reader_done;
	cache_get(rig->cache, &reader->read);
}

/* Reads and waits for the result. */
static inline void rig_read_one(struct rig *rig, const char *id, int least)
{
	unsigned before = rig->done;

	rig_read(rig, KEY_MENU, id, least);
	RIG_UNTIL(rig, rig->done == before + 1);
}

static inline void rig_set(void *arg)
{
	*(bool *)arg = true;
}

static inline void rig_drop(struct rig *rig, const char *id)
{
	bool dropped = false;

	cache_key_invalidate(rig->cache, KEY_MENU, id, rig_set, &dropped);
	RIG_UNTIL(rig, dropped);
}

/* --- Running ---------------------------------------------------------------------------------- */

static inline int run_tests(const char *name, void (*add)(TCase *))
{
	Suite *suite = suite_create(name);
	TCase *tests = tcase_create(name);
	SRunner *runner;
	int failed;

	if (!have_redis_server()) {
		puts("skipped: no redis-server");
		return 77;
	}
	signal(SIGPIPE, SIG_IGN);
	log_set_level(getenv("REEYO_TEST_LOG") ? LOG_DEBUG : LOG_OFF);
	tcase_set_timeout(tests, 120);
	add(tests);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#endif
