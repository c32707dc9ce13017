/* SPDX-License-Identifier: MIT
 *
 * One blocking check of Redis, for the command line.
 */
#include <hiredis/hiredis.h>
#include <string.h>

#include "address.h"
#include "reeyo/cache/cache.h"

static const struct timeval check_timeout = { .tv_sec = 3 };

static bool status_replied(redisContext *redis, int count, const char **words)
{
	redisReply *reply = redisCommandArgv(redis, count, words, NULL);
	bool fine = reply && reply->type == REDIS_REPLY_STATUS;

	if (reply)
		freeReplyObject(reply);
	return fine;
}

static bool logged_in(redisContext *redis, const struct redis_address *address)
{
	if (!address->password[0])
		return true;
	if (address->user[0])
		return status_replied(
			redis, 3, (const char *[]){ "AUTH", address->user, address->password });
	return status_replied(redis, 2, (const char *[]){ "AUTH", address->password });
}

int cache_check(const char *url)
{
	struct redis_address address;
	redisContext *redis;
	int error = address_parse(url, &address);

	if (error)
		return error;
	redis = address.path[0] ? redisConnectUnixWithTimeout(address.path, check_timeout)
				: redisConnectWithTimeout(address.host[0].name,
					  address.host[0].port, check_timeout);
	if (!redis)
		return E_NO_MEMORY;
	if (redis->err || redisSetTimeout(redis, check_timeout) != REDIS_OK ||
		!logged_in(redis, &address) ||
		!status_replied(redis, 1, (const char *[]){ "PING" }))
		error = E_STORE_DOWN;
	redisFree(redis);
	return error;
}
