/* SPDX-License-Identifier: MIT
 *
 * The trace a request belongs to, as W3C Trace Context (traceparent) and AWS load balancers
 * (X-Amzn-Trace-Id) write it. We record no spans of our own: the trace's id goes into the log, and
 * what we call or publish is told the same trace.
 */
#ifndef REEYO_CORE_TRACE_H
#define REEYO_CORE_TRACE_H

#include <stdbool.h>

#include "reeyo/core/text.h"

struct trace {
	char id[33];     /* 32 lower-case hex digits; empty: no trace */
	char parent[17]; /* the caller's span, 16 digits; empty when it named none */
	bool sampled;    /* the caller records this trace */
};

/* Reads the trace of a request from its two headers, either absent. A valid traceparent wins; what
 * is not valid counts as absent, as the standard says. False (and *ret without an id) when there is
 * none. */
bool trace_read(struct trace *ret, struct text traceparent, struct text amazon);
/* A trace that begins here, with a random id, not sampled. Any thread, after sodium_init. */
void trace_new(struct trace *ret);

/* The header values for a call made on behalf of a trace: the same id, and a new span as the parent
 * of whatever the callee does. The trace must have an id. */
#define TRACE_PARENT_SIZE 56
void trace_parent(const struct trace *trace, char out[TRACE_PARENT_SIZE]);
#define TRACE_AMAZON_SIZE 75
void trace_amazon(const struct trace *trace, char out[TRACE_AMAZON_SIZE]);

#endif
