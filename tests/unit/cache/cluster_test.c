/* SPDX-License-Identifier: MIT
 *
 * The cache over a Redis Cluster of three nodes: keys find their node, redirections are followed,
 * and a lost node affects only its own keys.
 */
#include "link.h"
#include "reeyo/cache/counters.h"
#include "rig.h"

#define NODES 3
#define KEYS 60

static struct server node[NODES];
static struct store store;
static char bus_port[NODES][12];
static char url[256];

/* Formats a command for one node and ignores the reply. */
static void node_do(int n, const char *format, ...)
{
	char command[256];
	va_list args;
	redisReply *reply;

	va_start(args, format);
	vsnprintf(command, sizeof(command), format, args);
	va_end(args);
	reply = server_ask(&node[n], command);
	ck_assert_ptr_nonnull(reply);
	ck_assert_msg(reply->type != REDIS_REPLY_ERROR, "%s: %s", command, reply->str);
	freeReplyObject(reply);
}

static bool node_says(int n, const char *command, const char *what)
{
	redisReply *reply = server_ask(&node[n], command);
	bool matches = reply && reply->str && strstr(reply->str, what);

	freeReplyObject(reply);
	return matches;
}

static long long node_keys(int n)
{
	redisReply *reply = server_ask(&node[n], "DBSIZE");
	long long keys = reply->integer;

	freeReplyObject(reply);
	return keys;
}

static void node_id(int n, char out[48])
{
	redisReply *reply = server_ask(&node[n], "CLUSTER MYID");

	snprintf(out, 48, "%s", reply->str);
	freeReplyObject(reply);
}

static void node_start(int n)
{
	node[n].port = node[n].port ? node[n].port : free_port();
	if (!bus_port[n][0])
		snprintf(bus_port[n], sizeof(bus_port[n]), "%d", free_port());
	node[n].extra[0] = "--cluster-enabled";
	node[n].extra[1] = "yes";
	node[n].extra[2] = "--cluster-port";
	node[n].extra[3] = bus_port[n];
	node[n].extra[4] = "--cluster-require-full-coverage";
	node[n].extra[5] = "no";
	node[n].extra[6] = "--cluster-node-timeout";
	node[n].extra[7] = "60000";
	server_start(&node[n]);
}

static void set_up(void)
{
	uint64_t end = clock_ms() + PATIENCE_MS;

	memset(&store, 0, sizeof(store));
	memset(node, 0, sizeof(node));
	memset(bus_port, 0, sizeof(bus_port));
	for (int n = 0; n < NODES; n++) {
		node_start(n);
		node_do(n, "CLUSTER ADDSLOTSRANGE %d %d", n * 5461,
			n == 2 ? 16383 : n * 5461 + 5460);
		/* Nodes of one epoch agree on the owner of slots only after some time. */
		node_do(n, "CLUSTER SET-CONFIG-EPOCH %d", n + 1);
		if (n)
			node_do(n, "CLUSTER MEET 127.0.0.1 %d %s", node[0].port, bus_port[0]);
	}
	for (int n = 0; n < NODES; n++)
		while (!node_says(n, "CLUSTER INFO", "cluster_state:ok") ||
			!node_says(n, "CLUSTER INFO", "cluster_slots_ok:16384")) {
			ck_assert(clock_ms() < end);
			usleep(10000);
		}
	snprintf(url, sizeof(url), "redis-cluster://127.0.0.1:%d,127.0.0.1:%d", node[1].port,
		node[0].port);
}

static void tear_down(void)
{
	for (int n = 0; n < NODES; n++)
		server_end(&node[n]);
}

static void id_of(int i, char out[16])
{
	snprintf(out, 16, "v%d", i);
}

static void read_all(struct rig *rig)
{
	char id[16];

	for (int i = 0; i < KEYS; i++) {
		id_of(i, id);
		rig_read_one(rig, id, 0);
	}
}

START_TEST(slots_are_those_of_the_specification)
{
	ck_assert_uint_eq(cluster_slot(TEXT("123456789")), 0x31c3);
	ck_assert_uint_eq(
		cluster_slot(TEXT("{user1000}.following")), cluster_slot(TEXT("user1000")));
	ck_assert_uint_eq(
		cluster_slot(TEXT("{geo:riders}:seen")), cluster_slot(TEXT("geo:riders")));
	ck_assert_uint_eq(cluster_slot(TEXT("foo{}{bar}")), cluster_slot(TEXT("foo{}{bar}")));
	ck_assert_uint_ne(cluster_slot(TEXT("foo{}{bar}")), cluster_slot(TEXT("bar")));
	ck_assert_uint_eq(cluster_slot(TEXT("foo{{bar}}zap")), cluster_slot(TEXT("{bar")));
	ck_assert_uint_eq(cluster_slot(TEXT("foo{bar}{zap}")), cluster_slot(TEXT("bar")));
}
END_TEST

START_TEST(keys_are_distributed_over_the_nodes_and_found_again)
{
	struct rig rig;

	rig_open(&rig, url, &store);
	rig_up(&rig);
	read_all(&rig);
	ck_assert_uint_eq(store.loads, KEYS);
	RIG_UNTIL(&rig, node_keys(0) + node_keys(1) + node_keys(2) == KEYS);
	for (int n = 0; n < NODES; n++)
		ck_assert_int_gt(node_keys(n), 0);
	read_all(&rig);
	ck_assert_uint_eq(store.loads, KEYS);
	ck_assert_uint_eq(rig_count(&rig, COUNT_CACHE_HITS), KEYS);
	store.version = 1;
	rig_drop(&rig, "v1");
	rig_read_one(&rig, "v1", 1);
	ck_assert_uint_eq(rig.errors, 0);
	rig_close(&rig);
}
END_TEST

/* Moves v0 to another node: during the move the old node replies ASK, afterwards MOVED. */
START_TEST(ask_and_moved_are_followed)
{
	unsigned slot = cluster_slot(TEXT("menu:v0"));
	int from = slot < 5461 ? 0 : slot < 10922 ? 1 : 2, to = (from + 1) % NODES;
	char from_id[48], to_id[48];
	struct rig rig;

	rig_open(&rig, url, &store);
	rig_up(&rig);
	rig_read_one(&rig, "v0", 0);
	RIG_UNTIL(&rig, node_keys(from) == 1);
	node_id(from, from_id);
	node_id(to, to_id);
	node_do(to, "CLUSTER SETSLOT %u IMPORTING %s", slot, from_id);
	node_do(from, "CLUSTER SETSLOT %u MIGRATING %s", slot, to_id);
	node_do(from, "MIGRATE 127.0.0.1 %d menu:v0 0 5000", node[to].port);
	rig_read_one(&rig, "v0", 0);
	ck_assert_uint_eq(store.loads, 1);
	ck_assert_uint_eq(rig_count(&rig, COUNT_CACHE_HITS), 1);
	node_do(to, "CLUSTER SETSLOT %u NODE %s", slot, to_id);
	node_do(from, "CLUSTER SETSLOT %u NODE %s", slot, to_id);
	rig_read_one(&rig, "v0", 0);
	ck_assert_msg(store.loads == 1, "loaded again; the nodes have %lld, %lld, %lld keys",
		node_keys(0), node_keys(1), node_keys(2));
	ck_assert_uint_eq(rig_count(&rig, COUNT_CACHE_HITS), 2);
	store.version = 1;
	rig_drop(&rig, "v0");
	rig_read_one(&rig, "v0", 1);
	ck_assert_uint_eq(rig.errors, 0);
	ck_assert_uint_eq(rig_count(&rig, COUNT_CACHE_ERRORS), 0);
	rig_close(&rig);
}
END_TEST

START_TEST(a_lost_node_affects_only_its_own_keys)
{
	unsigned loads, own;
	struct rig rig;

	rig_open(&rig, url, &store);
	rig_up(&rig);
	read_all(&rig);
	RIG_UNTIL(&rig, node_keys(0) + node_keys(1) + node_keys(2) == KEYS);
	own = (unsigned)node_keys(2);
	server_kill(&node[2]);
	RIG_UNTIL(&rig, !cache_up(rig.cache));
	loads = store.loads;
	read_all(&rig);
	ck_assert_uint_eq(store.loads, loads + own);
	ck_assert_uint_eq(rig.errors, 0);
	node_start(2);
	rig_up(&rig);
	read_all(&rig);
	RIG_UNTIL(&rig, node_says(2, "CLUSTER INFO", "cluster_state:ok"));
	RIG_UNTIL(&rig, (read_all(&rig), node_keys(2) == own));
	ck_assert_uint_eq(rig.errors, 0);
	rig_close(&rig);
}
END_TEST

static void add(TCase *tests)
{
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, keys_are_distributed_over_the_nodes_and_found_again);
	tcase_add_test(tests, ask_and_moved_are_followed);
	tcase_add_test(tests, a_lost_node_affects_only_its_own_keys);
	tcase_add_test(tests, slots_are_those_of_the_specification);
}

int main(void)
{
	return run_tests("cluster", add);
}
