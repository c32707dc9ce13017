/* SPDX-License-Identifier: MIT
 *
 * Bounds how many subscribers one account has in the process. A subscriber of another loop is
 * closed by a message to its loop.
 */
#include <stdlib.h>
#include <uthash.h>

#include "subscriber.h"

struct account_subscribers {
	UT_hash_handle hh;
	struct subscriber *oldest, *newest;
	unsigned count;
	char id[ID_SIZE];
};

struct eviction {
	struct message message;
	struct hub *hub;
	struct subscriber *subscriber;
	uint64_t serial;
	char account[ID_SIZE];
};

static struct account_subscribers *account_find(struct hub_shared *shared, const char *id)
{
	struct account_subscribers *account = NULL;

	HASH_FIND_STR(shared->accounts, id, account);
	return account;
}

static struct account_subscribers *account_find_or_add(struct hub_shared *shared, const char *id)
{
	struct account_subscribers *account = account_find(shared, id);

	if (account)
		return account;
	account = calloc(1, sizeof(*account));
	if (!account)
		return NULL;
	memcpy(account->id, id, strlen(id) + 1);
	HASH_ADD_STR(shared->accounts, id, account);
	return account;
}

/* --- Eviction --------------------------------------------------------------------------------- */

/* The subscriber may have gone while the message was under way. */
static bool eviction_is_valid(const struct eviction *eviction)
{
	const struct account_subscribers *account = account_find(
		eviction->hub->shared, eviction->account);

	for (struct subscriber *one = account ? account->oldest : NULL; one; one = one->newer)
		if (one == eviction->subscriber && one->serial == eviction->serial)
			return true;
	return false;
}

static void eviction_run(struct message *message)
{
	struct eviction *eviction = CONTAINER_OF(message, struct eviction, message);
	uv_mutex_t *mutex = &eviction->hub->shared->mutex;
	bool valid;

	uv_mutex_lock(mutex);
	valid = eviction_is_valid(eviction);
	uv_mutex_unlock(mutex);
	if (valid)
		subscriber_close(eviction->subscriber);
	free(eviction);
}

static void eviction_post(struct subscriber *subscriber, const char *account)
{
	struct eviction *eviction = calloc(1, sizeof(*eviction));

	if (!eviction)
		return;
	eviction->message.run = eviction_run;
	eviction->hub = subscriber->hub;
	eviction->subscriber = subscriber;
	eviction->serial = subscriber->serial;
	memcpy(eviction->account, account, strlen(account) + 1);
	loop_post(subscriber->hub->app->loop, &eviction->message);
}

static void account_evict_excess(const struct account_subscribers *account, int64_t max)
{
	struct subscriber *oldest = account->oldest;

	for (unsigned count = account->count; count > max && oldest; count--) {
		eviction_post(oldest, account->id);
		oldest = oldest->newer;
	}
}

/* --- Membership ------------------------------------------------------------------------------- */

static void account_append(struct account_subscribers *account, struct subscriber *subscriber)
{
	subscriber->account = account;
	subscriber->older = account->newest;
	*(account->newest ? &account->newest->newer : &account->oldest) = subscriber;
	account->newest = subscriber;
	account->count++;
}

int account_join(struct subscriber *subscriber)
{
	struct hub_shared *shared = subscriber->hub->shared;
	struct account_subscribers *account;

	uv_mutex_lock(&shared->mutex);
	account = account_find_or_add(shared, subscriber->caller.id);
	if (account) {
		subscriber->serial = ++shared->serial;
		account_append(account, subscriber);
		account_evict_excess(account, shared->config->streams_per_account);
	}
	uv_mutex_unlock(&shared->mutex);
	return account ? 0 : E_NO_MEMORY;
}

void account_leave(struct subscriber *subscriber)
{
	struct hub_shared *shared = subscriber->hub->shared;
	struct account_subscribers *account = subscriber->account;
	struct subscriber *older, *newer;

	if (!account)
		return;
	uv_mutex_lock(&shared->mutex);
	older = subscriber->older;
	newer = subscriber->newer;
	*(older ? &older->newer : &account->oldest) = newer;
	*(newer ? &newer->older : &account->newest) = older;
	if (--account->count == 0) {
		HASH_DEL(shared->accounts, account);
		free(account);
	}
	uv_mutex_unlock(&shared->mutex);
}
