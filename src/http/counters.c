/* SPDX-License-Identifier: MIT
 *
 * The counters of the HTTP layer.
 */
#include "reeyo/http/counters.h"

COUNTERS_DEFINE(http, COUNTERS_HTTP, HTTP_COUNTERS, "reeyo_http_response_seconds",
	"From the request line to the response");
