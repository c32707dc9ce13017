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
static void path_add(struct buf *line, struct text path)
{
	char safe[199];
	size_t len = path.len < sizeof(safe) ? path.len : sizeof(safe);

	for (size_t i = 0; i < len; i++) {
		char c = path.at[i];

		safe[i] = c < 0x20 || c > 0x7e || c == '"' || c == '\\' ? '?' : c;
	}
	buf_add(line, safe, len);
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

/* Texts need no escaping: they are the server's own, or checked. */
static void access_text_add(struct buf *line, struct text name, const char *text)
{
	buf_add_text(line, name);
	buf_add(line, "\"", 1);
	buf_add_string(line, text);
	buf_add(line, "\"", 1);
}

static void access_int_add(struct buf *line, struct text name, int64_t value)
{
	buf_add_text(line, name);
	buf_add_int(line, value);
}

static void access_line_write(struct buf *line, const struct access_record *access)
{
	char now[CLOCK_ISO_SIZE];

	clock_iso(clock_wall_ms(), now);
	buf_add_text(line, TEXT("{\"time\":\""));
	buf_add(line, now, CLOCK_ISO_SIZE - 1);
	buf_add_text(line, TEXT("\",\"level\":\"info\",\"msg\":\"request\""));
	access_text_add(line, TEXT(",\"requestId\":"), access->request_id);
	access_text_add(line, TEXT(",\"method\":"), access->method);
	buf_add_text(line, TEXT(",\"path\":\""));
	path_add(line, access->path);
	buf_add(line, "\"", 1);
	access_text_add(line, TEXT(",\"route\":"), access->route);
	access_int_add(line, TEXT(",\"status\":"), access->status);
	access_int_add(line, TEXT(",\"bytes\":"), (long long)access->bytes);
	access_int_add(line, TEXT(",\"us\":"), (long long)(clock_us() - access->started_us));
	access_text_add(line, TEXT(",\"account\":"), access->account);
	if (access->trace[0])
		access_text_add(line, TEXT(",\"traceId\":"), access->trace);
	buf_add_text(line, TEXT("}\n"));
}

void access_log(struct server *server, const struct access_record *access)
{
	struct buf line;

	if (!server->app->config->access_log || !log_on(LOG_INFO) || access_is_sampled_out(access))
		return;
	if (!server->log && !(server->log = malloc(LOG_ROOM)))
		return;
	if (server->log_len + LOG_LINE > LOG_ROOM)
		access_log_flush(&server->log_hook);
	line = buf_over(server->log + server->log_len, LOG_LINE);
	access_line_write(&line, access);
	if (!line.failed)
		server->log_len += line.len;
	server->log_hook.wanted = true;
}
