/* SPDX-License-Identifier: MIT
 *
 * The access log: one JSON line per request, gathered during a turn and written at its end with one
 * write(2). Paths without their query, which may hold phone numbers.
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

/* Everything printed is either ours or checked: the path may hold anything, so quotes, backslashes
 * and bytes outside ASCII become '?'. */
static void safe_path(struct text path, char out[200])
{
	size_t len = path.len < 199 ? path.len : 199;

	for (size_t i = 0; i < len; i++) {
		char c = path.at[i];

		out[i] = c < 0x20 || c > 0x7e || c == '"' || c == '\\' ? '?' : c;
	}
	out[len] = '\0';
}

void access_log(struct exchange *x)
{
	struct server *server = x->server;
	char path[200], now[CLOCK_ISO_SIZE];
	bool traced = x->rq.trace.id[0];
	int len;

	if (!server->app->config->access_log || !log_on(LOG_INFO))
		return;
	if (!server->log && !(server->log = malloc(LOG_ROOM)))
		return;
	if (server->log_len + LOG_LINE > LOG_ROOM)
		access_log_flush(&server->log_hook);
	safe_path(x->rq.path, path);
	clock_iso(clock_wall_ms(), now);
	len = snprintf(server->log + server->log_len, LOG_LINE,
		"{\"time\":\"%s\",\"level\":\"info\",\"msg\":\"request\",\"requestId\":\"%s\",\"method\":\"%s\","
		"\"path\":\"%s\",\"route\":\"%s\",\"status\":%d,\"bytes\":%zu,\"us\":%llu,\"account\":\"%s\"%s%s%s}\n",
		now, x->rq.request_id, method_name(x->rq.method), path,
		x->rq.route ? x->rq.route->path : "", x->status, x->out.len,
		(unsigned long long)(clock_us() - x->started_us), x->rq.caller.id,
		traced ? ",\"traceId\":\"" : "", x->rq.trace.id, traced ? "\"" : "");
	if (len > 0 && len < LOG_LINE)
		server->log_len += (size_t)len;
	server->log_hook.wanted = true;
}
