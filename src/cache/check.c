/* SPDX-License-Identifier: MIT
 *
 * Is Redis there? Asked once, blocking, by the command line.
 */
#include <hiredis/hiredis.h>
#include <string.h>

#include "address.h"
#include "reeyo/cache/cache.h"

static const struct timeval patience = { .tv_sec = 3 };

static bool answered(redisContext *redis, int count, const char **words)
{
	redisReply *reply = redisCommandArgv(redis, count, words, NULL);
	bool fine = reply && reply->type == REDIS_REPLY_STATUS;

	if (reply)
		freeReplyObject(reply);
	return fine;
}

static bool greeted(redisContext *redis, const struct redis_address *address)
{
	if (!address->password[0])
		return true;
	if (address->user[0])
		return answered(redis, 3,
			(const char *[]){ "AUTH", address->user, address->password });
	return answered(redis, 2, (const char *[]){ "AUTH", address->password });
}

int cache_check(const char *url)
{
	struct redis_address address;
	redisContext *redis;
	int error = address_parse(url, &address);

	if (error)
		return error;
	redis = address.path[0] ? redisConnectUnixWithTimeout(address.path, patience) :
		redisConnectWithTimeout(address.host[0].name, address.host[0].port, patience);
	if (!redis)
		return E_NO_MEMORY;
	if (redis->err || redisSetTimeout(redis, patience) != REDIS_OK ||
		!greeted(redis, &address) || !answered(redis, 1, (const char *[]){ "PING" }))
		error = E_STORE_DOWN;
	redisFree(redis);
	return error;
}
