/* SPDX-License-Identifier: MIT
 *
 * The access log: one JSON line per request (for a stream when it ends), collected during a turn
 * and written at its end with one write(2). Paths are logged without the query, which may contain
 * phone numbers. Refusals by a rate limit, refused callbacks and health probes (which have no rate
 * limit) are sampled, so that a flood does not fill the disk.
 */
#include <stdio.h>
#include <unistd.h>

#include "exchange.h"

#define LOG_ROOM 65536
#define LOG_LINE 1024

void access_log_flush(struct turn_hook *hook)
{
	struct server *server = CONTAINER_OF(hook, struct server, log_hook);

	if (server->log_len)
		(void)!write(STDERR_FILENO, server->log, server->log_len);
	server->log_len = 0;
}

/* The path is the only text that the client chooses freely: quotes, backslashes, control characters
 * and bytes outside ASCII become '?'. */
static void path_sanitise(struct text path, char out[200])
{
	size_t len = path.len < 199 ? path.len : 199;

	for (size_t i = 0; i < len; i++) {
		char c = path.at[i];

		out[i] = c < 0x20 || c > 0x7e || c == '"' || c == '\\' ? '?' : c;
	}
	out[len] = '\0';
}

struct access_record access_record(const struct exchange *x)
{
	return (struct access_record){
		.path = x->rq.path,
		.request_id = x->rq.request_id,
		.method = method_name(x->rq.method),
		.route = x->rq.route ? x->rq.route->path : "",
		.account = x->rq.caller.id,
		.external = x->rq.route && x->rq.route->external,
		.health = x->rq.route && x->rq.route->health,
		.trace = x->rq.trace.id,
		.started_us = x->started_us,
		.status = x->status,
		.bytes = x->out.len,
	};
}

static const char *access_text_copy(char **at, const char *text, size_t len)
{
	char *to = *at;

	memcpy(to, text, len);
	to[len] = '\0';
	*at += len + 1;
	return to;
}

int access_copy(struct access_record *access, const struct exchange *x)
{
	char *at;

	*access = access_record(x);
	at = access->kept = malloc(access->path.len + strlen(access->request_id) +
		strlen(access->account) + strlen(access->trace) + 4);
	if (!at)
		return E_NO_MEMORY;
	access->path.at = access_text_copy(&at, access->path.at, access->path.len);
	access->request_id = access_text_copy(&at, access->request_id, strlen(access->request_id));
	access->account = access_text_copy(&at, access->account, strlen(access->account));
	access->trace = access_text_copy(&at, access->trace, strlen(access->trace));
	return 0;
}

void access_free(struct access_record *access)
{
	free(access->kept);
	access->kept = NULL;
}

/* True when the line is left out by sampling. */
static bool access_is_sampled_out(const struct access_record *access)
{
	char kind[96];

	if (access->status != 429 && !access->health &&
		!(access->external && access->status >= 400 && access->status < 500))
		return false;
	snprintf(kind, sizeof(kind), "%d %s %s", access->status, access->method, access->route);
	return !log_sample(LOG_INFO, "request", kind);
}

void access_log(struct server *server, const struct access_record *access)
{
	char path[200], now[CLOCK_ISO_SIZE];
	bool traced = access->trace[0];
	int len;

	if (!server->app->config->access_log || !log_on(LOG_INFO) || access_is_sampled_out(access))
		return;
	if (!server->log && !(server->log = malloc(LOG_ROOM)))
		return;
	if (server->log_len + LOG_LINE > LOG_ROOM)
		access_log_flush(&server->log_hook);
	path_sanitise(access->path, path);
	clock_iso(clock_wall_ms(), now);
	len = snprintf(server->log + server->log_len, LOG_LINE,
		"{\"time\":\"%s\",\"level\":\"info\",\"msg\":\"request\",\"requestId\":\"%s\","
		"\"method\":\"%s\",\"path\":\"%s\",\"route\":\"%s\",\"status\":%d,\"bytes\":%zu,"
		"\"us\":%llu,\"account\":\"%s\"%s%s%s}\n",
		now, access->request_id, access->method, path, access->route, access->status,
		access->bytes, (unsigned long long)(clock_us() - access->started_us),
		access->account, traced ? ",\"traceId\":\"" : "", access->trace,
		traced ? "\"" : "");
	if (len > 0 && len < LOG_LINE)
		server->log_len += (size_t)len;
	server->log_hook.wanted = true;
}
