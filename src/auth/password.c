/* SPDX-License-Identifier: MIT
 *
 * Passwords on the work pool. A task is one job of the pool and the requests that wait for it. A
 * new hash has one waiter. A verification has one waiter for each request with the same triple
 * (account, stored hash, password) while the cache of verified log-ins is on. A task copies its
 * input, so a request that is answered early (its deadline) leaves no dangling pointer.
 */
#include "reeyo/auth/password.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "digest.h"
#include "hash_memory.h"
#include "login_cache.h"
#include "reeyo/auth/counters.h"
#include "reeyo/core/clock.h"
#include "reeyo/core/log.h"

#define BUSY_RETRY_S 1
#define IDLE_TRIM_MS 10000 /* time without a log-in after which kept hash memory is unmapped */

typedef void verified(struct request *rq, bool right, const char *rehash);
typedef void hashed(struct request *rq, const char *hash);

struct hash_waiter {
	struct request *rq;
	hashed *hashed;     /* set for a new hash */
	verified *verified; /* set for a verification */
	struct hash_waiter *next;
};

struct hash_task {
	struct work work;
	struct hasher *hasher;
	struct hash_waiter *waiters;
	struct hash_task *next; /* running verifications that can be joined */
	struct digest_cost cost;
	struct login_proof proof;
	bool joinable, verifies, unknown; /* unknown: there is no stored hash */
	bool right, made;                 /* results; made: `hash` holds a new PHC string */
	char hash[PASSWORD_HASH_SIZE];
	char stored[PASSWORD_HASH_SIZE];
	char password[];
};

struct hasher {
	struct loop *loop;
	struct digest_cost cost;
	struct login_cache *logins; /* NULL: off */
	struct hash_task *running;  /* joinable tasks */
	unsigned tasks;
	struct deadline_list idle;
	struct deadline idle_since;
	bool closing;
};

static void hasher_idle_due(struct deadline *deadline)
{
	(void)deadline;
	hash_memory_trim();
}

int hasher_new(struct loop *loop, const struct config *config, struct hasher **ret)
{
	struct hasher *hasher = calloc(1, sizeof(*hasher));

	if (!hasher)
		return E_NO_MEMORY;
	if (config->login_memory && login_cache_new(&hasher->logins)) {
		free(hasher);
		return E_NO_MEMORY;
	}
	hasher->loop = loop;
	hasher->cost = (struct digest_cost){
		.memory = (size_t)config->argon2_memory,
		.passes = (unsigned long long)config->argon2_passes,
	};
	deadline_list_init(&hasher->idle, loop, IDLE_TRIM_MS, hasher_idle_due);
	*ret = hasher;
	return 0;
}

static void hasher_destroy(struct hasher *hasher)
{
	login_cache_free(hasher->logins);
	free(hasher);
}

/* Tasks on the pool still return to the loop; the last of them frees the hasher. */
void hasher_free(struct hasher *hasher)
{
	if (!hasher)
		return;
	deadline_list_close(&hasher->idle);
	hash_memory_trim();
	if (hasher->tasks > 0)
		hasher->closing = true;
	else
		hasher_destroy(hasher);
}

/* --- On the pool ------------------------------------------------------------------------------ */

static void hash_task_run(struct work *work)
{
	struct hash_task *task = CONTAINER_OF(work, struct hash_task, work);

	if (!task->verifies) {
		task->made = digest_create(&task->cost, task->password, task->hash) == 0;
		return;
	}
	if (task->unknown) {
		digest_dummy_verify(&task->cost, task->password);
		return;
	}
	task->right = digest_verify(&task->cost, task->stored, task->password);
	if (task->right && digest_is_outdated(&task->cost, task->stored))
		task->made = digest_create(&task->cost, task->password, task->hash) == 0;
}

/* --- On the loop ------------------------------------------------------------------------------ */

static void hash_task_free(struct hash_task *task)
{
	sodium_memzero(task->password, strlen(task->password));
	free(task);
}

static void hash_task_unlink(struct hash_task *task)
{
	struct hash_task **at = &task->hasher->running;

	while (*at && *at != task)
		at = &(*at)->next;
	if (*at)
		*at = task->next;
}

static void hash_waiter_complete(const struct hash_waiter *waiter, const struct hash_task *task)
{
	const char *made = task->made ? task->hash : NULL;

	if (!request_release(waiter->rq))
		return;
	if (task->verifies)
		waiter->verified(waiter->rq, task->right, made);
	else
		waiter->hashed(waiter->rq, made);
}

/* Takes the waiters one by one. Each lives in the arena of its request, and completing it may free
 * that request. */
static void hash_task_done(struct work *work)
{
	struct hash_task *task = CONTAINER_OF(work, struct hash_task, work);
	struct hasher *hasher = task->hasher;
	struct hash_waiter *waiter;

	count_one(loop_counters(hasher->loop), COUNT_AUTH_HASHES);
	if (task->joinable)
		hash_task_unlink(task);
	/* A re-hash replaces the stored hash, so an entry for the old one would never be found. */
	if (hasher->logins && task->right && !task->made)
		login_cache_add(hasher->logins, &task->proof, clock_ms());
	while ((waiter = task->waiters)) {
		struct hash_waiter copy = *waiter;

		task->waiters = copy.next;
		hash_waiter_complete(&copy, task);
	}
	hash_task_free(task);
	hasher->tasks--;
	if (!hasher->closing)
		deadline_start(&hasher->idle, &hasher->idle_since);
	else if (hasher->tasks == 0)
		hasher_destroy(hasher);
}

static struct hash_task *hash_task_new(struct hasher *hasher, const char *password)
{
	size_t len = strlen(password);
	struct hash_task *task = calloc(1, sizeof(*task) + len + 1);

	if (!task)
		return NULL;
	task->hasher = hasher;
	task->cost = hasher->cost;
	task->work.run = hash_task_run;
	task->work.done = hash_task_done;
	memcpy(task->password, password, len + 1);
	return task;
}

static int hash_task_join(
	struct hash_task *task, struct request *rq, const struct hash_waiter *what)
{
	struct hash_waiter *waiter = ARENA_NEW(rq->arena, struct hash_waiter);

	if (!waiter)
		return E_NO_MEMORY;
	*waiter = *what;
	waiter->rq = rq;
	waiter->next = task->waiters;
	task->waiters = waiter;
	request_hold(rq);
	return 0;
}

static void password_reply_busy(struct request *rq, int err)
{
	reply_retry_after(rq, BUSY_RETRY_S);
	reply_error(rq, err);
}

/* Submits the task to the pool for rq. */
static void hash_task_start(
	struct hash_task *task, struct request *rq, const struct hash_waiter *waiter)
{
	struct hasher *hasher = task->hasher;
	int err = loop_work(hasher->loop, &task->work);

	if (!err) {
		hasher->tasks++;
		if (task->joinable) {
			task->next = hasher->running;
			hasher->running = task;
		}
		/* If there is no memory for a waiter, the result is discarded. */
		err = hash_task_join(task, rq, waiter);
	} else {
		hash_task_free(task);
	}
	if (err)
		password_reply_busy(rq, err);
}

void password_hash(struct request *rq, const char *password, hashed *done)
{
	struct hash_task *task = hash_task_new(rq->app->hasher, password);

	if (!task)
		return password_reply_busy(rq, E_NO_MEMORY);
	hash_task_start(task, rq, &(struct hash_waiter){ .hashed = done });
}

static struct hash_task *hash_task_find(
	const struct hasher *hasher, const struct login_proof *proof)
{
	struct hash_task *task = hasher->running;

	while (task && sodium_memcmp(task->proof.mac, proof->mac, sizeof(proof->mac)) != 0)
		task = task->next;
	return task;
}

/* True when a verification of the same triple is cached or running; the result comes from there. */
static bool password_verify_shared(
	struct request *rq, const struct login_proof *proof, verified *done)
{
	struct hasher *hasher = rq->app->hasher;
	struct hash_task *task;
	int err;

	if (login_cache_has(hasher->logins, proof, clock_ms())) {
		count_one(loop_counters(hasher->loop), COUNT_AUTH_LOGINS_CACHED);
		done(rq, true, NULL);
		return true;
	}
	task = hash_task_find(hasher, proof);
	if (!task)
		return false;
	count_one(loop_counters(hasher->loop), COUNT_AUTH_LOGINS_CACHED);
	err = hash_task_join(task, rq, &(struct hash_waiter){ .verified = done });
	if (err)
		password_reply_busy(rq, err);
	return true;
}

void password_verify(struct request *rq, const char *account, const char *hash,
	const char *password, verified *done)
{
	struct hasher *hasher = rq->app->hasher;
	struct login_proof proof = { .mac = { 0 } };
	bool known = hash && strlen(hash) < PASSWORD_HASH_SIZE;
	struct hash_task *task;

	if (hasher->logins && known) {
		login_proof(hasher->logins, account, hash, password, &proof);
		if (password_verify_shared(rq, &proof, done))
			return;
	}
	task = hash_task_new(hasher, password);
	if (!task)
		return password_reply_busy(rq, E_NO_MEMORY);
	task->verifies = true;
	task->unknown = !known;
	task->joinable = hasher->logins && known;
	task->proof = proof;
	if (known)
		memcpy(task->stored, hash, strlen(hash) + 1);
	hash_task_start(task, rq, &(struct hash_waiter){ .verified = done });
}
