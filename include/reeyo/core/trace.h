/* SPDX-License-Identifier: MIT
 *
 * The trace that a request belongs to, in the formats of W3C Trace Context (traceparent) and of AWS
 * load balancers (X-Amzn-Trace-Id). We record no spans of our own: the trace id goes into the log
 * and is passed on with outgoing calls and published events.
 */
#ifndef REEYO_CORE_TRACE_H
#define REEYO_CORE_TRACE_H

#include <stdbool.h>

#include "reeyo/core/text.h"

struct trace {
	char id[33];     /* 32 lower-case hex digits; empty: no trace */
	char parent[17]; /* the caller's span, 16 hex digits; empty: unknown */
	bool sampled;    /* the caller records this trace */
};

/* Reads the trace of a request from its two headers; either may be absent. A valid traceparent has
 * priority. An invalid header counts as absent, as the standard requires. Without a trace returns
 * false and *ret has no id. */
bool trace_read(struct trace *ret, struct text traceparent, struct text amazon);
/* Begins a trace with a random id, not sampled. Any thread, after sodium_init. */
void trace_new(struct trace *ret);

/* The header values for a call that belongs to a trace: the same id, and a new span that becomes
 * the parent of the callee's spans. The trace must have an id. */
#define TRACE_PARENT_SIZE 56
void trace_parent(const struct trace *trace, char out[TRACE_PARENT_SIZE]);
#define TRACE_AMAZON_SIZE 75
void trace_amazon(const struct trace *trace, char out[TRACE_AMAZON_SIZE]);

#endif
