/* SPDX-License-Identifier: MIT
 *
 * The counters of the HTTP layer.
 */
#ifndef REEYO_HTTP_COUNTERS_H
#define REEYO_HTTP_COUNTERS_H

#include "reeyo/core/counter.h"

/* clang-format off */
#define HTTP_COUNTERS(X) \
	X(HTTP_1XX_2XX, "reeyo_http_responses_total", "class=\"2xx\"", \
		"Responses by status class") \
	X(HTTP_3XX, "reeyo_http_responses_total", "class=\"3xx\"", "") \
	X(HTTP_4XX, "reeyo_http_responses_total", "class=\"4xx\"", "") \
	X(HTTP_5XX, "reeyo_http_responses_total", "class=\"5xx\"", "") \
	X(HTTP_DEADLINES, "reeyo_http_deadlines_total", "", \
		"Connections closed because a deadline passed") \
	X(HTTP_REFUSED, "reeyo_http_refused_total", "", "Requests refused by the header check") \
	X(RATE_LIMITED, "reeyo_rate_limited_total", "", "Requests refused by a rate limit") \
	X(STREAMS_OPEN, "reeyo_streams_open", "", "Open event streams") \
	X(STREAMS_CUT, "reeyo_streams_cut_total", "", \
		"Event streams closed because their client read too slowly") \
	X(CONNECTIONS, "reeyo_http_connections", "", "Open client connections") \
	X(REQUESTS_RUNNING, "reeyo_http_requests_running", "", "Requests in flight")
/* clang-format on */

COUNTERS_DECLARE(http, COUNTERS_HTTP, HTTP_COUNTERS);

#endif
