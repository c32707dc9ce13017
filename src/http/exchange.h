/* SPDX-License-Identifier: MIT
 *
 * Inside the HTTP layer: the server of a loop, a connection, and an exchange, which is a request
 * with the state that handlers do not see. libmicrohttpd's types stay in this folder.
 *
 * Stages of an exchange: HEAD (headers complete) → BODY (bytes arrive) → RUN (steps and handler;
 * the connection is suspended while the request waits) → SENT (a response is queued) → freed in
 * the completed callback, or by the last release when a continuation is still running.
 */
#ifndef REEYO_SRC_HTTP_EXCHANGE_H
#define REEYO_SRC_HTTP_EXCHANGE_H

#include <microhttpd.h>
#include <netinet/in.h>
#include <sys/uio.h>

#include "framing.h"
#include "reeyo/core/clock.h"
#include "reeyo/core/config.h"
#include "reeyo/core/json_writer.h"
#include "reeyo/core/log.h"
#include "reeyo/http/server.h"

#define REPLY_HEADERS_MAX 16
/* The header lines of a usual reply fit without growing. */
#define LINES_ROOM 512

struct exchange;
struct stream;

/* Headers that the server itself reads, collected in one pass. Texts live in MHD's pool. */
struct head {
	struct text host, content_length, transfer_encoding, content_type, content_encoding;
	struct text accept, accept_encoding, accept_language, authorization, origin, if_none_match;
	struct text request_id, idempotency_key, expect, forwarded_for, forwarded_proto;
	struct text traceparent, amazon_trace;
	struct text preflight_method;
	enum err fault; /* error of the header check: 400 and close, or 0 */
	const char *fault_why;
};

/* One listener's daemon. */
struct port {
	struct MHD_Daemon *daemon;
	struct server *server;
	struct listener listener;
	uv_poll_t poll;
	bool polling;
	int epoll;   /* the daemon's */
	bool active; /* its epoll has events to report */
};

struct server {
	struct app *app;
	struct server_steps steps;
	struct port *ports;
	unsigned port_count;
	struct turn_hook hook;     /* runs the daemons once at the end of a turn */
	struct turn_hook log_hook; /* writes the turn's access log lines in one go */
	struct deadline_list header, keepalive, body, run, send;
	struct deadline_list pause; /* requests in request_pause */
	char *log;
	size_t log_len;
	uint64_t body_bytes;               /* memory of the bodies of all exchanges of this loop */
	uint64_t parse_since_ns, parse_ns; /* start of the window, and parse time used in it */
	struct exchange *parse_first, **parse_last; /* queue of large bodies to be parsed */
	struct deadline_list parse_window;
	struct deadline parse_pause; /* runs while the queue waits for the next window */
	struct exchange *exchanges;  /* all that have not been answered yet */
	struct stream *streams;
	unsigned stream_count;
	struct deadline_list closing; /* connections that are closing: of streams during drain, and
				       * of refused requests */
	struct deadline_list stall;
	struct deadline stall_timer; /* runs while a daemon asks for runs that make no progress */
	uint64_t progress;           /* counts reads, writes, connections opened and closed */
	struct connection **sockets; /* by file descriptor */
	size_t socket_count;
	unsigned running; /* exchanges from their headers to their last byte */
	unsigned connections;
	struct deadline_list linger;
	struct deadline linger_timer;
	bool draining;
	void (*drained)(void *arg);
	void *drained_arg;
};

/* What is known of a connection's socket without asking the kernel; see watch.c. */
struct watch {
	void *reported; /* the library's pointer for its events */
	bool started;   /* in epoll */
	bool paused;    /* events are not reported: the connection is suspended */
	bool missed;    /* there was an event in the pause */
	bool drained;   /* nothing to read until the next event */
	bool ended;     /* the client sends no more */
};

/* One client connection, from accept to close. */
struct connection {
	struct port *port;
	struct deadline deadline;  /* in at most one of the server's lists */
	struct exchange *exchange; /* the current one */
	struct stream *stream;     /* the stream that the last request opened, or NULL */
	int fd;
	bool idle;      /* between two requests */
	bool refused;   /* a refusal was written past libmicrohttpd; the connection is
			 * closing */
	size_t drained; /* bytes read and discarded since then */
	struct framing framing;
	struct watch watch;
	struct text
		lines;    /* header lines of the reply that is being sent, as far as not sent yet */
	char *lines_kept; /* their memory, when they outlive the exchange */
	unsigned answered; /* requests answered; wraps */
	char *target;      /* of the request that the scanner refuses; NULL: unknown */
	char address[INET6_ADDRSTRLEN];
};

enum stage { STAGE_HEAD, STAGE_BODY, STAGE_RUN, STAGE_SENT };

struct reply_header {
	const char *name, *value;
};

struct exchange {
	struct request rq; /* first: a request is its exchange */
	struct server *server;
	struct connection *connection;
	struct MHD_Connection *mhd;
	struct head head;
	const char *uri;       /* as sent */
	struct text authority; /* from a target in absolute form, else absent */
	struct text query;
	uint64_t started_us;
	enum stage stage;
	unsigned step;
	struct exchange *next, *previous; /* in server->exchanges */
	struct exchange *parse_next;      /* in server->parse_first */
	unsigned held;                    /* pending continuations */
	struct deadline pause;
	void (*paused)(struct request *rq);
	bool suspended;
	bool inside;     /* MHD's access handler is on the stack */
	bool replied;    /* the reply is decided; any later reply is ignored */
	bool gone;       /* MHD has completed it */
	bool close;      /* Connection: close after the reply */
	bool discard;    /* the body is read and discarded */
	int early_error; /* error found in the head; replied after the body has been
			  * read */
	struct route_match match;

	char *body;
	size_t body_len, body_room, discarded;
	bool body_heap;

	int status;
	const char *content_type;
	struct text out;
	const char *encoding; /* "gzip", "br" or NULL */
	const char *etag;
	int64_t until_ms;      /* end of the body's validity (wall clock); 0: unlimited */
	struct stream *stream; /* set when the reply is a stream */
	struct reservation *reservations; /* in rate limits */
	int64_t wait_s;                   /* Retry-After when early_error is E_TOO_MANY_REQUESTS */
	struct reply_header headers[REPLY_HEADERS_MAX];
	unsigned header_count;
	char lines[LINES_ROOM]; /* the reply's header lines, unless they are longer */
};

static inline struct exchange *exchange_of(struct request *rq)
{
	return (struct exchange *)rq;
}

/* listener.c: opens a listening socket. first: also checks that no other program has the port.
 * Port 0 is replaced by the assigned one. 0 or E_CONFIG (logged). */
int listener_open(struct listener *listener, bool first, int backlog, int *ret_fd) MUST_CHECK;

/* connection.c: libmicrohttpd's callbacks. cls is the struct port. */
void connection_notify(void *cls, struct MHD_Connection *mhd, void **context,
	enum MHD_ConnectionNotificationCode code);
void *connection_uri(void *cls, const char *uri, struct MHD_Connection *mhd);
size_t connection_path(void *cls, struct MHD_Connection *mhd, char *path);
enum MHD_Result connection_access(void *cls, struct MHD_Connection *mhd, const char *url,
	const char *method, const char *version, const char *upload, size_t *upload_len,
	void **context);
void connection_completed(void *cls, struct MHD_Connection *mhd, void **context,
	enum MHD_RequestTerminationCode code);
/* Deadlines: of the head, the body or the sending, and of the handler. */
void connection_expired(struct deadline *deadline);
void connection_run_expired(struct deadline *deadline);

/* intake.c: runs a daemon; its sockets are read through the framing scanner. */
void intake_run(struct port *port);
/* Registers a connection until intake_remove. 0 or E_NO_MEMORY. */
int intake_add(struct connection *connection) MUST_CHECK;
void intake_remove(struct connection *connection);
/* While a thread runs a daemon: its port, and the connection of a socket. Else, and for other
 * sockets, NULL. */
struct port *intake_port(void);
struct connection *connection_by_socket(int fd);

/* splice.c: our header lines in the library's response heads. */
/* The next response head that is sent on this connection gets these lines, each with its CRLF.
 * copy: they outlive the exchange; else their memory stays valid until head_lines_clear. 0 or
 * E_NO_MEMORY. */
int head_lines_set(struct connection *connection, struct text lines, bool copy) MUST_CHECK;
void head_lines_clear(struct connection *connection);
/* Sends like sendmsg: a response head, whose end is the end of at[0], and perhaps its body. Returns
 * the number of bytes sent of `at`, or -1 with errno. */
ssize_t head_send(struct connection *connection, const struct iovec *at, size_t count, int flags);

/* watch.c: keeps the sockets of connections in epoll while they are suspended. */
/* A read of the socket has returned bytes. */
void watch_received(struct connection *connection, bool less_than_asked);
/* True when a read would find nothing. */
bool watch_is_drained(const struct connection *connection);
/* Its request has been answered. */
void watch_answered(struct connection *connection);
/* The connection closes. */
void watch_stop(struct connection *connection);

/* refuse.c: replies to the request that is still arriving and closes the connection. why: message
 * in English, NULL for the error's own. A reply that is decided already is sent instead. What the
 * client still sends is read and discarded until it closes, for a bounded time. Further calls do
 * nothing. */
void connection_refuse(struct connection *connection, int error, const char *why);

/* head.c: collects and checks the headers. */
void head_read(struct exchange *x, const char *version);
/* Whether the client came by TLS to the proxy in front of us. Any client can send this header, so
 * it only decides what that client itself is sent. */
bool head_is_tls(const struct head *head);
bool head_accepts_json(const struct head *head);
bool head_accepts_events(const struct head *head);
bool head_wants_problem(const struct head *head);
bool head_wants_french(const struct head *head);
/* Chooses "br", "gzip" or NULL; only_gzip when no other form is available. */
const char *head_encoding(const struct head *head, bool only_gzip);
/* Quality 0…1000 of `name` in an Accept-like list, -1 when it is absent. */
int quality_of(struct text list, struct text name);

/* body.c */
/* Largest body in bytes: the route's own limit, else the configuration's. */
size_t body_limit(const struct exchange *x);
/* Appends bytes; 0, E_BODY_TOO_LARGE, E_NO_MEMORY, E_BUSY. */
int body_collect(struct exchange *x, const char *at, size_t len);
void body_free(struct exchange *x);
/* Parses body and query and validates both against the route's tables; false: a reply is
 * decided. */
bool body_check(struct exchange *x);

/* idempotency.c: reads the key of a validated request and makes its fingerprint. False: the key is
 * not valid and that is replied, or out of memory. */
bool idempotency_read(struct exchange *x);

/* cors.c: false when the exchange has been answered (foreign origin, preflight). */
bool cors_check(struct exchange *x);
/* Appends the header lines for a page of an allowed origin. */
void cors_lines_write(struct exchange *x, struct buf *lines);

/* precheck.c: all checks of the head that need no body; returns the first error, or 0. */
int head_check(struct exchange *x, enum method method);

/* reply.c */
#define JSON_TYPE "application/json; charset=utf-8"
/* True for the first reply of a request; later ones are ignored. */
bool reply_begin(struct exchange *x);
/* Decides the reply, after reply_begin. */
void reply_decide(struct exchange *x, int status, const char *type, struct text body);
/* Decides a constant reply, for when there is no memory for another one. */
void reply_out_of_memory(struct exchange *x);
/* True when the If-None-Match list contains the tag, in any encoding. */
bool etag_matches(struct text list, const char *etag);

/* reply_error.c: the details of a validation error, in the shape of the namespace. */
void details_begin(struct json_writer *json, enum name_space ns);
void details_add(
	struct json_writer *json, enum name_space ns, const char *field, const char *message);
void details_end(struct json_writer *json, enum name_space ns);

/* response.c */
/* Counts a decided reply. */
void reply_count(struct exchange *x);
/* Appends the header lines of every reply: request id, security, and those that the handler has
 * set. HSTS only when the client came by TLS, as the proxy in front of us reports (RFC 6797,
 * 7.2). */
void common_lines_write(struct exchange *x, struct buf *lines);
/* Makes this stream the reply. */
void reply_stream(struct exchange *x, struct stream *stream);
/* Builds MHD's response and queues it; returns what MHD's access handler returns. */
enum MHD_Result reply_queue(struct exchange *x);

/* limit.c: called when a reply is decided; returns the reservations that were not spent. */
void limit_return_reservations(struct exchange *x);

/* compress.c: the encoded body, in the arena; absent when it is not smaller. */
struct text compress_text(struct arena *arena, const char *encoding, struct text plain);

/* exchange.c */
struct exchange *exchange_new(
	struct connection *connection, struct MHD_Connection *mhd, const char *uri);
void exchange_completed(struct exchange *x);
void exchange_free(struct exchange *x);
/* Window in which the parsing of large bodies may use its share of a loop's time. */
#define PARSE_WINDOW_MS 10
/* Parses queued bodies as long as their share of time lasts; all of them when the server closes. */
void parse_queue_run(struct server *server, bool all);
/* Sets the request id: the client's X-Request-Id when it is valid, else a new one. */
void request_id_set(struct exchange *x);
/* Ends the exchange after its stream has been queued. It is freed when nothing holds it. */
void exchange_end_streaming(struct exchange *x);
/* Removes it from the server's list of unanswered exchanges. */
void exchange_unlist(struct exchange *x);
/* Sends the decided reply: the access handler on the stack queues it, else the connection is
 * resumed. */
void exchange_resume(struct exchange *x);
/* The pause of request_pause has ended. */
void exchange_pause_ended(struct deadline *deadline);
/* Called by MHD's access handler in each stage. */
enum MHD_Result exchange_head(struct exchange *x, const char *method, const char *version);
enum MHD_Result exchange_body(struct exchange *x, const char *at, size_t *len);

/* stream.c */
/* MHD's response that reads from the stream; NULL when out of memory. */
struct MHD_Response *stream_response(struct stream *stream);
/* MHD has completed the stream: its queue was sent, or the connection has ended. */
void stream_completed(struct stream *stream);
void streams_drain(struct server *server);
void streams_cut(struct server *server);

/* log.c: the access log line of a finished exchange or stream. */
struct access_record {
	struct text path;
	const char *request_id, *method, *route, *account, *trace;
	uint64_t started_us;
	int status;
	bool external, health;
	size_t bytes;
	char *kept; /* memory of the texts, when the record outlives the exchange */
};
struct access_record access_record(const struct exchange *x);
/* The same with copies of the texts. 0 or E_NO_MEMORY. */
int access_copy(struct access_record *access, const struct exchange *x) MUST_CHECK;
void access_free(struct access_record *access);
void access_log(struct server *server, const struct access_record *access);
void access_log_flush(struct turn_hook *hook);

#endif
