/* SPDX-License-Identifier: MIT
 *
 * Inside the HTTP layer: the server of a loop, a connection, and an exchange, which is a request
 * with everything that handlers need not see. libmicrohttpd's types stay in this folder.
 *
 * An exchange's life: HEAD (headers complete) → BODY (bytes arrive) → RUN (steps and handler; the
 * connection is suspended while something is awaited) → SENT (a response was queued) → freed in the
 * completed callback, or, when a continuation is still under way then, by the last release.
 */
#ifndef REEYO_SRC_HTTP_EXCHANGE_H
#define REEYO_SRC_HTTP_EXCHANGE_H

#include <microhttpd.h>
#include <netinet/in.h>

#include "reeyo/core/clock.h"
#include "reeyo/core/config.h"
#include "reeyo/core/log.h"
#include "framing.h"
#include "reeyo/http/server.h"

#define REPLY_HEADERS_MAX 16

struct exchange;
struct stream;

/* Headers the server itself looks at, gathered in one pass. Texts live in MHD's pool. */
struct head {
	struct text host, content_length, transfer_encoding, content_type, content_encoding;
	struct text accept, accept_encoding, accept_language, authorization, origin, if_none_match;
	struct text request_id, idempotency_key, expect, forwarded_for, forwarded_proto;
	struct text traceparent, amazon_trace;
	struct text preflight_method;
	enum err fault;             /* what the audit found: 400 and close, or 0 */
	const char *fault_why;
};

/* One listener's daemon. */
struct port {
	struct MHD_Daemon *daemon;
	struct server *server;
	struct listener listener;
	uv_poll_t poll;
	bool polling;
};

struct server {
	struct app *app;
	struct server_steps steps;
	struct port *ports;
	unsigned port_count;
	struct turn_hook hook;      /* runs the daemons once at the end of a turn */
	struct turn_hook log_hook;  /* writes the turn's access log lines in one go */
	struct deadline_list header, keepalive, body, run, send;
	struct deadline_list pause; /* requests that wait for nothing but time */
	char *log;
	size_t log_len;
	uint64_t body_bytes;        /* held for bodies by all exchanges of this loop */
	uint64_t parse_since_ns, parse_ns; /* a window of time, and what parsing took of it */
	struct exchange *parse_first, **parse_last; /* those that wait to be parsed */
	struct deadline_list parse_window;
	struct deadline parse_pause; /* runs while they wait for the next window */
	struct exchange *exchanges; /* all whose reply is still to come */
	struct stream *streams;
	unsigned stream_count;
	struct deadline_list parting; /* connections that end: a stream's as the process does, a
	                               * refused one's */
	struct deadline_list stall;
	struct deadline stalls;     /* runs while a daemon asks for runs that do nothing */
	uint64_t progress;          /* counts bytes in and out, connections opened and closed */
	struct connection **sockets; /* by file descriptor */
	size_t socket_count;
	unsigned running;           /* exchanges from their headers to their last byte */
	unsigned connections;
	struct deadline_list linger;
	struct deadline lingers;
	bool draining;
	void (*drained)(void *arg);
	void *drained_arg;
};

/* One client connection, from accept to close. */
struct connection {
	struct port *port;
	struct deadline deadline;   /* in exactly one of the server's lists, or in none */
	struct exchange *exchange;  /* the one under way */
	struct stream *stream;      /* what its last request has become; NULL mostly */
	int fd;
	bool idle;                  /* between two requests */
	bool refused;               /* an answer was written past libmicrohttpd: it only ends */
	size_t drained;             /* bytes read and thrown away since then */
	struct framing framing;
	unsigned answered;          /* requests that were answered; wraps */
	char *target;               /* of the request that framing refuses; NULL: unknown */
	char address[INET6_ADDRSTRLEN];
};

enum stage { STAGE_HEAD, STAGE_BODY, STAGE_RUN, STAGE_SENT };

struct reply_header {
	const char *name, *value;
};

struct exchange {
	struct request rq;          /* first: a request is its exchange */
	struct server *server;
	struct connection *connection;
	struct MHD_Connection *mhd;
	struct head head;
	const char *uri;            /* as sent */
	struct text authority;      /* of a target in absolute form, else absent */
	struct text query;
	uint64_t started_us;
	enum stage stage;
	unsigned step;
	struct exchange *next, *previous; /* in server->exchanges */
	struct exchange *parse_next; /* in server->parse_first */
	unsigned held;              /* continuations under way */
	struct deadline pause;
	void (*paused)(struct request *rq);
	bool suspended;
	bool inside;                /* MHD's access handler is on the stack */
	bool replied;               /* a reply is decided: everything later is ignored */
	bool gone;                  /* MHD has completed it */
	bool close;                 /* Connection: close after the reply */
	bool discard;               /* the body is read and thrown away */
	int early;                  /* error found before the body; answered once the body is
	                             * over */
	struct route_match match;

	char *body;
	size_t body_len, body_room, discarded;
	bool body_heap;

	int status;
	const char *content_type;
	struct text out;
	const char *encoding;       /* "gzip", "br" or NULL */
	const char *etag;
	int64_t until_ms;           /* what it says holds no longer, of the wall clock; 0: no such
	                             * end */
	struct stream *stream;      /* the answer is a stream */
	struct limit_taken *taken;  /* what limits have reserved for it */
	int64_t wait_s;             /* early is E_TOO_MANY_REQUESTS: until then */
	struct reply_header headers[REPLY_HEADERS_MAX];
	unsigned header_count;
};

static inline struct exchange *exchange_of(struct request *rq)
{
	return (struct exchange *)rq;
}

/* intake.c: a run of a daemon, whose sockets are read through the framing scanner. */
void intake_run(struct port *port);
/* From a connection's beginning to its end. 0 or E_NO_MEMORY. */
int intake_add(struct connection *connection) MUST_CHECK;
void intake_remove(struct connection *connection);

/* refuse.c: answers the request that is arriving (why: in English, NULL takes the error's words;
 * a reply that is decided already is sent instead) and ends the connection: what the client still
 * sends is read and thrown away until it closes, for a bounded time. Once; then harmless. */
void connection_refuse(struct connection *connection, int error, const char *why);

/* head.c: gathers and audits the headers. */
void head_read(struct exchange *x, const char *version);
/* Whether the client spoke TLS to the proxy in front of us. It is told the client alone, so anybody
 * may claim it. */
bool head_is_tls(const struct head *head);
bool head_accepts_json(const struct head *head);
bool head_accepts_events(const struct head *head);
bool head_wants_problem(const struct head *head);
bool head_wants_french(const struct head *head);
/* Picks "br", "gzip" or NULL; only_gzip when just that form is at hand. */
const char *head_encoding(const struct head *head, bool only_gzip);
/* Quality 0…1000 of `name` in an Accept-like list, -1 when it is not named. */
int quality_of(struct text list, struct text name);

/* body.c */
/* Most bytes of a body: the route's own limit, else the configuration's. */
size_t body_limit(const struct exchange *x);
/* Takes bytes; 0, E_BODY_TOO_LARGE, E_NO_MEMORY, E_BUSY. */
int body_collect(struct exchange *x, const char *at, size_t len);
void body_free(struct exchange *x);
/* Parses body and query and checks both against the route's tables; false: a reply is decided. */
bool body_check(struct exchange *x);

/* idempotency.c: takes the key of a checked request. False: it is unusable and that has been
 * answered, or there is no memory for it. */
bool idempotency_read(struct exchange *x);

/* cors.c: false when the exchange has been answered (foreign origin, preflight). */
bool cors_admits(struct exchange *x);
void cors_headers(struct exchange *x, struct MHD_Response *response);

/* reply.c */
/* Counts a decided reply. */
void reply_count(struct exchange *x);
/* The security headers as lines of a head. */
void reply_each_security(struct exchange *x, struct buf *head);
/* Decides that the answer is this stream. */
void reply_stream(struct exchange *x, struct stream *stream);
/* Builds MHD's response and queues it; what MHD's access handler returns. */
enum MHD_Result reply_queue(struct exchange *x);

/* limit.c: a reply is decided, so what is reserved and not spent is given back. */
void limit_settle(struct exchange *x);

/* compress.c: the body in another encoding, in the arena; absent when it does not shrink. */
struct text compress_text(struct arena *arena, const char *encoding, struct text plain);

/* exchange.c */
struct exchange *exchange_new(struct connection *connection, struct MHD_Connection *mhd,
	const char *uri);
void exchange_completed(struct exchange *x);
void exchange_free(struct exchange *x);
/* Length of the windows in which parsing large bodies takes a share of a loop's time. */
#define PARSE_WINDOW_MS 10
/* Goes on with those whose body waits to be parsed, as many as their share of time allows; all
 * of them when the server closes. */
void exchanges_parse(struct server *server, bool all);
/* The client's X-Request-Id where it is usable, else a fresh one. */
void request_id_set(struct exchange *x);
/* Its answer is a stream that has been queued: the exchange is over, and freed when nothing holds
 * it. */
void exchange_streams(struct exchange *x);
/* Takes it off the server's list of those that wait for their reply. */
void exchange_forget(struct exchange *x);
/* Makes the decided reply leave: queued by the access handler on the stack, or by resuming. */
void exchange_answered(struct exchange *x);
/* The pause of an exchange is over. */
void exchange_paused(struct deadline *deadline);
/* Called by MHD's access handler in each stage. */
enum MHD_Result exchange_head(struct exchange *x, const char *method, const char *version);
enum MHD_Result exchange_body(struct exchange *x, const char *at, size_t *len);

/* stream.c */
/* MHD's response that reads from the stream; NULL when out of memory. */
struct MHD_Response *stream_response(struct stream *stream);
/* The client is gone, or the stream has ended. */
void stream_completed(struct stream *stream);
void streams_drain(struct server *server);
void streams_cut(struct server *server);

/* log.c: the access log line of a finished exchange or stream. */
struct access {
	struct text path;
	const char *request_id, *method, *route, *account, *trace;
	uint64_t started_us;
	int status;
	bool foreign, health;
	size_t bytes;
	char *kept; /* the texts, when they outlive the exchange */
};
struct access access_of(const struct exchange *x);
/* The same with texts of its own. 0 or E_NO_MEMORY. */
int access_keep(struct access *access, const struct exchange *x) MUST_CHECK;
void access_free(struct access *access);
void access_log(struct server *server, const struct access *access);
void access_log_flush(struct turn_hook *hook);

#endif
