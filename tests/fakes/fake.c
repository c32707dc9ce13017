/* SPDX-License-Identifier: MIT
 *
 * The common part of the fakes: listens, reads requests, applies faults, responds. See fake.h.
 */
#include "fake.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "frame.h"

#define BODY_MOST (1u << 20)
#define CONNECTIONS_MOST 2000u
#define STACK_SIZE (256u << 10)

/* A request from its headers to its response. */
struct fake_exchange {
	struct MHD_Connection *connection;
	char *body, *path, *query;
	size_t len;
	bool headers_read; /* the headers are read */
	bool too_large;
	bool reset;         /* drop the response and reset the connection */
	int status_instead; /* respond with this status instead; 0: no */
	enum MHD_Result result;
};

static const struct fake *fake;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct {
	const char *port, *seed, *faults;
} common = { "0", "1", "0" };

void fake_lock(void)
{
	pthread_mutex_lock(&mutex);
}

void fake_unlock(void)
{
	pthread_mutex_unlock(&mutex);
}

/* --- Responses -------------------------------------------------------------------------------- */

static void connection_break(struct fake_exchange *x)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
		x->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct linger now = { 1, 0 };

	setsockopt(info->connect_fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	x->result = MHD_NO;
}

/* Retry-After of a 429 or 503: the fault's value, else 1 s. */
static void retry_after_add(struct MHD_Response *response, const json_t *fault)
{
	json_int_t seconds = json_integer_value(json_object_get(fault, "retry_after"));
	char text[24];

	snprintf(text, sizeof(text), "%lld", (long long)(seconds > 0 ? seconds : 1));
	MHD_add_response_header(response, "Retry-After", text);
}

void fake_reply_text(struct fake_request *rq, int status, const char *type, const char *text)
{
	struct fake_exchange *x = rq->exchange;
	struct MHD_Response *response;

	if (x->reset)
		return connection_break(x);
	if (x->status_instead) {
		status = x->status_instead;
		text = "{\"message\":\"by order of the script\"}";
	}
	response = MHD_create_response_from_buffer(
		strlen(text), (void *)(uintptr_t)text, MHD_RESPMEM_MUST_COPY);
	MHD_add_response_header(response, "Content-Type", type);
	if (status == 429 || status == 503)
		retry_after_add(response, rq->fault);
	x->result = MHD_queue_response(x->connection, (unsigned)status, response);
	MHD_destroy_response(response);
}

void fake_reply(struct fake_request *rq, int status, json_t *body)
{
	char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;

	fake_reply_text(rq, status, "application/json", text ? text : "");
	free(text);
	json_decref(body);
}

const char *fake_header(const struct fake_request *rq, const char *name)
{
	const char *value = MHD_lookup_connection_value(
		rq->exchange->connection, MHD_HEADER_KIND, name);

	return value ? value : "";
}

bool fake_fault_is(const struct fake_request *rq, const char *name)
{
	const char *fault = json_string_value(json_object_get(rq->fault, "fault"));

	return fault && strcmp(fault, name) == 0;
}

/* --- Forms ------------------------------------------------------------------------------------ */

static char *form_decode(const char *at, size_t len)
{
	char *out = malloc(len + 1), *to = out, hex[3] = "";

	for (size_t i = 0; i < len; i++) {
		if (at[i] == '%' && i + 2 < len) {
			memcpy(hex, at + i + 1, 2);
			*to++ = (char)strtoul(hex, NULL, 16);
			i += 2;
		} else {
			*to++ = at[i];
			if (at[i] == '+')
				to[-1] = ' ';
		}
	}
	*to = '\0';
	return out;
}

char *fake_form(const char *form, const char *name)
{
	size_t len = strlen(name), end;

	for (const char *at = form; at && *at; at = *(at + end) ? at + end + 1 : NULL) {
		end = strcspn(at, "&");
		if (end > len && strncmp(at, name, len) == 0 && at[len] == '=')
			return form_decode(at + len + 1, end - len - 1);
	}
	return NULL;
}

/* --- Requests --------------------------------------------------------------------------------- */

static enum MHD_Result header_logged(
	void *owner, enum MHD_ValueKind kind, const char *name, const char *value)
{
	(void)kind;
	json_object_set_new(owner, name, json_string(value ? value : ""));
	return MHD_YES;
}

static void request_log(const struct fake_request *rq)
{
	json_t *headers = json_object();

	MHD_get_connection_values(
		rq->exchange->connection, MHD_HEADER_KIND, header_logged, headers);
	log_add(json_pack("{s:s, s:s, s:s, s:o, s:s}", "method", rq->method, "path", rq->path,
		"query", rq->query, "headers", headers, "body", rq->body));
}

static void state_clear(void)
{
	script_clear();
	taken_clear();
	if (fake->reset)
		fake->reset();
}

/* The control paths. */
static void request_answer_control(struct fake_request *rq)
{
	const char *wrong;
	char *path;

	if (strcmp(rq->path, "/_log") == 0) {
		path = fake_form(rq->query, "path");
		fake_reply(rq, 200, log_read(path));
		free(path);
	} else if (strcmp(rq->path, "/_taken") == 0) {
		fake_reply(rq, 200, taken_read());
	} else if (strcmp(rq->path, "/_reset") == 0) {
		state_clear();
		fake_reply(rq, 200, json_object());
	} else if (strcmp(rq->path, "/_go") == 0) {
		held_go();
		fake_reply(rq, 200, json_object());
	} else if (strcmp(rq->path, "/_script") == 0) {
		wrong = script_add(rq->json);
		fake_reply(rq, wrong ? 400 : 200,
			json_pack("{s:s}", "message", wrong ? wrong : "written down"));
	} else {
		fake->answer(rq); /* the fake's own control path, such as GET /_transactions */
	}
}

/* Applies the common faults; the fake handles others. True: the request is answered. */
static bool fault_apply(struct fake_request *rq)
{
	struct fake_exchange *x = rq->exchange;
	int status = (int)json_integer_value(json_object_get(rq->fault, "status"));

	if (fake_fault_is(rq, "slow")) {
		fake_sleep((int)json_integer_value(json_object_get(rq->fault, "ms")));
	} else if (fake_fault_is(rq, "held")) {
		held_wait();
	} else if (fake_fault_is(rq, "status")) {
		fake_reply(rq, status, json_incref(json_object_get(rq->fault, "body")));
		return true;
	} else if (fake_fault_is(rq, "reset")) {
		connection_break(x);
		return true;
	} else if (fake_fault_is(rq, "reset-after")) {
		x->reset = true;
	} else if (fake_fault_is(rq, "status-after")) {
		x->status_instead = status;
	} else {
		return false;
	}
	rq->fault = NULL;
	return false;
}

static enum MHD_Result request_answer(struct fake_exchange *x, const char *method)
{
	struct fake_request rq = { .method = method,
		.path = x->path,
		.query = x->query,
		.body = x->body ? x->body : "",
		.body_len = x->len,
		.exchange = x };
	json_t *json = x->len ? json_loadb(x->body, x->len, 0, NULL) : NULL, *fault = NULL;

	rq.json = json;
	x->result = MHD_NO;
	if (strncmp(rq.path, "/_", 2) == 0) {
		request_answer_control(&rq);
	} else {
		request_log(&rq);
		rq.fault = fault = script_take(rq.path);
		if (!fault || !fault_apply(&rq))
			fake->answer(&rq);
	}
	json_decref(fault);
	json_decref(json);
	return x->result;
}

/* The request line is read: the raw target with its query. */
static void *request_begins(void *owner, const char *uri, struct MHD_Connection *connection)
{
	struct fake_exchange *x = calloc(1, sizeof(*x));
	size_t len = strcspn(uri, "?");

	(void)owner;
	x->connection = connection;
	x->query = strdup(uri[len] ? uri + len + 1 : "");
	while (len > 1 && uri[len - 1] == '/')
		len--;
	x->path = strndup(uri, len);
	return x;
}

static enum MHD_Result request_part(void *owner, struct MHD_Connection *connection,
	const char *path, const char *method, const char *version, const char *data, size_t *len,
	void **at)
{
	struct fake_exchange *x = *at;

	(void)owner;
	(void)connection;
	(void)path;
	(void)version;
	if (!x->headers_read) {
		x->headers_read = true;
		return MHD_YES;
	}
	if (!*len)
		return x->too_large ? MHD_NO : request_answer(x, method);
	x->too_large = x->too_large || x->len + *len > BODY_MOST;
	if (!x->too_large) {
		x->body = realloc(x->body, x->len + *len + 1);
		memcpy(x->body + x->len, data, *len);
		x->len += *len;
		x->body[x->len] = '\0';
	}
	*len = 0;
	return MHD_YES;
}

static void request_over(void *owner, struct MHD_Connection *connection, void **at,
	enum MHD_RequestTerminationCode code)
{
	struct fake_exchange *x = *at;

	(void)owner;
	(void)connection;
	(void)code;
	if (!x)
		return;
	free(x->path);
	free(x->query);
	free(x->body);
	free(x);
	*at = NULL;
}

/* --- The program ------------------------------------------------------------------------------ */

static const struct fake_flag common_flags[] = { { "port", &common.port, "0: a free one" },
	{ "seed", &common.seed, "of what happens by chance" },
	{ "faults", &common.faults, "so many requests in a hundred go wrong by chance" },
	{ NULL, NULL, NULL } };

static bool flag_set(const struct fake_flag *flags, const char *name, const char *value)
{
	for (; flags && flags->name; flags++)
		if (strcmp(flags->name, name) == 0) {
			*flags->value = value;
			return true;
		}
	return false;
}

static void flags_print(const struct fake_flag *flags)
{
	for (; flags && flags->name; flags++)
		fprintf(stderr, "  --%s VALUE  %s (%s)\n", flags->name, flags->help, *flags->value);
}

static bool flags_read(int argc, char **argv)
{
	for (int i = 1; i < argc; i += 2) {
		if (strncmp(argv[i], "--", 2) == 0 && i + 1 < argc &&
			(flag_set(common_flags, argv[i] + 2, argv[i + 1]) ||
				flag_set(fake->flags, argv[i] + 2, argv[i + 1])))
			continue;
		fprintf(stderr, "%s: a stand-in for tests\n", fake->name);
		flags_print(common_flags);
		flags_print(fake->flags);
		return false;
	}
	return true;
}

static struct MHD_Daemon *listen_on(uint16_t port)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	return MHD_start_daemon(
		MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL,
		port, NULL, NULL, request_part, NULL, MHD_OPTION_SOCK_ADDR, &address,
		MHD_OPTION_NOTIFY_COMPLETED, request_over, NULL, MHD_OPTION_URI_LOG_CALLBACK,
		request_begins, NULL, MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS_MOST,
		MHD_OPTION_THREAD_STACK_SIZE, (size_t)STACK_SIZE, MHD_OPTION_LISTEN_BACKLOG_SIZE,
		1024u, MHD_OPTION_END);
}

int fake_main(const struct fake *what, int argc, char **argv)
{
	struct MHD_Daemon *daemon;
	sigset_t ends;
	int number;

	fake = what;
	if (!flags_read(argc, argv))
		return 2;
	/* Blocked before the first thread, so that only sigwait gets them. */
	sigemptyset(&ends);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SIGINT);
	pthread_sigmask(SIG_BLOCK, &ends, NULL);
	signal(SIGPIPE, SIG_IGN);
	script_chances(fake->chances, (unsigned)strtoul(common.faults, NULL, 10));
	later_start(strtoull(common.seed, NULL, 10));
	daemon = listen_on((uint16_t)strtoul(common.port, NULL, 10));
	if (!daemon) {
		fprintf(stderr, "%s: port %s cannot be listened on\n", fake->name, common.port);
		return 1;
	}
	printf("listening %u\n", MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT)->port);
	fflush(stdout);
	sigwait(&ends, &number);
	later_stop();
	MHD_stop_daemon(daemon);
	state_clear();
	return 0;
}
