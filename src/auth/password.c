/* SPDX-License-Identifier: MIT
 *
 * Passwords on the work pool. A task is one job of the pool and the requests that wait for it: one
 * for a new hash, and for a verification as many as asked for the very same triple (account, stored
 * hash, password) while the memory of verified log-ins is on. A task copies what it needs, so a
 * request that is answered early (its deadline) leaves nothing dangling.
 */
#include "reeyo/auth/password.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "digest.h"
#include "hash_memory.h"
#include "login_memory.h"
#include "reeyo/core/clock.h"
#include "reeyo/core/log.h"

#define BUSY_RETRY_S 1
#define IDLE_TRIM_MS 10000 /* kept hash memory is given back after so long without a log-in */

typedef void verified(struct request *rq, bool right, const char *rehash);
typedef void hashed(struct request *rq, const char *hash);

struct waiter {
	struct request *rq;
	hashed *hashed;     /* of a new hash */
	verified *verified; /* of a verification */
	struct waiter *next;
};

struct task {
	struct work work;
	struct hasher *hasher;
	struct waiter *waiters;
	struct task *next; /* running verifications that can be joined */
	struct digest_cost cost;
	struct login_proof proof;
	bool joinable, verifies, unknown; /* unknown: there is no stored hash to compare with */
	bool right, made;                 /* results; made: `hash` holds a new PHC string */
	char hash[PASSWORD_HASH_SIZE];
	char stored[PASSWORD_HASH_SIZE];
	char password[];
};

struct hasher {
	struct loop *loop;
	struct digest_cost cost;
	struct login_memory *memory; /* NULL: off */
	struct task *running;        /* joinable tasks */
	unsigned tasks;
	struct deadline_list idle;
	struct deadline idle_since;
	bool closing;
};

static void idle(struct deadline *deadline)
{
	(void)deadline;
	hash_memory_trim();
}

int hasher_new(struct loop *loop, const struct config *config, struct hasher **ret)
{
	struct hasher *hasher = calloc(1, sizeof(*hasher));

	if (!hasher)
		return E_NO_MEMORY;
	if (config->login_memory && login_memory_new(&hasher->memory)) {
		free(hasher);
		return E_NO_MEMORY;
	}
	hasher->loop = loop;
	hasher->cost = (struct digest_cost){
		.memory = (size_t)config->argon2_memory,
		.passes = (unsigned long long)config->argon2_passes,
	};
	deadline_list_init(&hasher->idle, loop, IDLE_TRIM_MS, idle);
	*ret = hasher;
	return 0;
}

static void hasher_destroy(struct hasher *hasher)
{
	login_memory_free(hasher->memory);
	free(hasher);
}

/* Tasks on the pool still come back to the loop: the last of them frees the rest. */
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

static void task_run(struct work *work)
{
	struct task *task = CONTAINER_OF(work, struct task, work);

	if (!task->verifies) {
		task->made = digest_make(&task->cost, task->password, task->hash) == 0;
		return;
	}
	if (task->unknown) {
		digest_waste(&task->cost, task->password);
		return;
	}
	task->right = digest_check(&task->cost, task->stored, task->password);
	if (task->right && digest_is_old(&task->cost, task->stored))
		task->made = digest_make(&task->cost, task->password, task->hash) == 0;
}

/* --- On the loop ------------------------------------------------------------------------------ */

static void task_free(struct task *task)
{
	sodium_memzero(task->password, strlen(task->password));
	free(task);
}

static void task_unlink(struct task *task)
{
	struct task **at = &task->hasher->running;

	while (*at && *at != task)
		at = &(*at)->next;
	if (*at)
		*at = task->next;
}

static void waiter_tell(const struct waiter *waiter, const struct task *task)
{
	const char *made = task->made ? task->hash : NULL;

	if (!request_release(waiter->rq))
		return;
	if (task->verifies)
		waiter->verified(waiter->rq, task->right, made);
	else
		waiter->hashed(waiter->rq, made);
}

/* The waiters are taken one by one, and each is in the arena of its request, which telling it may
 * end. */
static void task_done(struct work *work)
{
	struct task *task = CONTAINER_OF(work, struct task, work);
	struct hasher *hasher = task->hasher;
	struct waiter *waiter;

	count_one(loop_counters(hasher->loop), COUNT_AUTH_HASHES);
	if (task->joinable)
		task_unlink(task);
	/* A re-hash changes the stored hash at once; a memory of the old one would be of no use. */
	if (hasher->memory && task->right && !task->made)
		login_remember(hasher->memory, &task->proof, clock_ms());
	while ((waiter = task->waiters)) {
		struct waiter copy = *waiter;

		task->waiters = copy.next;
		waiter_tell(&copy, task);
	}
	task_free(task);
	hasher->tasks--;
	if (!hasher->closing)
		deadline_start(&hasher->idle, &hasher->idle_since);
	else if (hasher->tasks == 0)
		hasher_destroy(hasher);
}

static struct task *task_new(struct hasher *hasher, const char *password)
{
	size_t len = strlen(password);
	struct task *task = calloc(1, sizeof(*task) + len + 1);

	if (!task)
		return NULL;
	task->hasher = hasher;
	task->cost = hasher->cost;
	task->work.run = task_run;
	task->work.done = task_done;
	memcpy(task->password, password, len + 1);
	return task;
}

static int task_join(struct task *task, struct request *rq, const struct waiter *what)
{
	struct waiter *waiter = ARENA_NEW(rq->arena, struct waiter);

	if (!waiter)
		return E_NO_MEMORY;
	*waiter = *what;
	waiter->rq = rq;
	waiter->next = task->waiters;
	task->waiters = waiter;
	request_hold(rq);
	return 0;
}

static void refuse_busy(struct request *rq, int err)
{
	reply_retry_after(rq, BUSY_RETRY_S);
	reply_error(rq, err);
}

/* Takes the task to the pool for rq. */
static void task_start(struct task *task, struct request *rq, const struct waiter *waiter)
{
	struct hasher *hasher = task->hasher;
	int err = loop_work(hasher->loop, &task->work);

	if (!err) {
		hasher->tasks++;
		if (task->joinable) {
			task->next = hasher->running;
			hasher->running = task;
		}
		/* Without memory for a waiter the work is done for nobody. */
		err = task_join(task, rq, waiter);
	} else {
		task_free(task);
	}
	if (err)
		refuse_busy(rq, err);
}

void password_hash(struct request *rq, const char *password, hashed *done)
{
	struct task *task = task_new(rq->app->hasher, password);

	if (!task)
		return refuse_busy(rq, E_NO_MEMORY);
	task_start(task, rq, &(struct waiter){ .hashed = done });
}

static struct task *running_with(const struct hasher *hasher, const struct login_proof *proof)
{
	struct task *task = hasher->running;

	while (task && sodium_memcmp(task->proof.mac, proof->mac, sizeof(proof->mac)) != 0)
		task = task->next;
	return task;
}

/* True when a verification of the same triple is remembered or running: the answer comes from
 * there. */
static bool answered_elsewhere(struct request *rq, const struct login_proof *proof, verified *done)
{
	struct hasher *hasher = rq->app->hasher;
	struct task *task;
	int err;

	if (login_remembered(hasher->memory, proof, clock_ms())) {
		count_one(loop_counters(hasher->loop), COUNT_AUTH_LOGINS_REMEMBERED);
		done(rq, true, NULL);
		return true;
	}
	task = running_with(hasher, proof);
	if (!task)
		return false;
	count_one(loop_counters(hasher->loop), COUNT_AUTH_LOGINS_REMEMBERED);
	err = task_join(task, rq, &(struct waiter){ .verified = done });
	if (err)
		refuse_busy(rq, err);
	return true;
}

void password_verify(struct request *rq, const char *account, const char *hash,
	const char *password, verified *done)
{
	struct hasher *hasher = rq->app->hasher;
	struct login_proof proof = { .mac = { 0 } };
	bool known = hash && strlen(hash) < PASSWORD_HASH_SIZE;
	struct task *task;

	if (hasher->memory && known) {
		login_proof(hasher->memory, account, hash, password, &proof);
		if (answered_elsewhere(rq, &proof, done))
			return;
	}
	task = task_new(hasher, password);
	if (!task)
		return refuse_busy(rq, E_NO_MEMORY);
	task->verifies = true;
	task->unknown = !known;
	task->joinable = hasher->memory && known;
	task->proof = proof;
	if (known)
		memcpy(task->stored, hash, strlen(hash) + 1);
	task_start(task, rq, &(struct waiter){ .verified = done });
}
