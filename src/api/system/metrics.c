/* SPDX-License-Identifier: MIT
 *
 * /metrics, on the metrics listener: the counters of this instance, and the platform's active
 * orders by status. The orders come from the cache key `orders:active`, so that many instances that
 * are scraped every few seconds query the database once in 30 s.
 */
#include <stdio.h>

#include "reeyo/api/system.h"
#include "reeyo/http/request.h"
#include "reeyo/service/cache_keys.h"
#include "reeyo/telemetry/metrics.h"

/* data: {"PENDING":3,"PREPARING":1,…} */
static void active_orders_write(struct buf *out, const struct cache_value *value)
{
	json_auto_t *body = json_loadb(value->plain.at, value->plain.len, 0, NULL);
	const char *help = "Orders not yet delivered or cancelled, by status";
	const char *status;
	json_t *count;
	char labels[64];

	json_object_foreach(json_object_get(body, "data"), status, count)
	{
		snprintf(labels, sizeof(labels), "status=\"%s\"", status);
		metric_write(out, "reeyo_orders_active", labels, help, json_integer_value(count));
		help = NULL;
	}
}

static void metrics_reply(struct request *rq, int error, const struct cache_value *value)
{
	struct buf out = buf_in(rq->arena, 8192);
	char *text;

	metrics_write(rq->app->metrics, &out);
	if (!error)
		active_orders_write(&out, value);
	text = buf_string(&out);
	if (!text)
		return reply_error(rq, E_NO_MEMORY);
	reply_bare(rq, 200, "text/plain; version=0.0.4; charset=utf-8",
		(struct text){ text, out.len });
}

/* When the database does not answer, only the order counts are missing. */
static void metrics_get(struct request *rq)
{
	cache_get_or_query(rq, KEY_ORDERS_ACTIVE, NULL, QUERY_orders_active_count, metrics_reply);
}

const struct route system_metrics_routes[] = {
	{ GET, "/metrics", .operation = "getMetrics", .root = true, .internal = true,
		.during_maintenance = true, .access = ANYONE, .shape = REPLY_BARE,
		.run = metrics_get,
		.summary = "Counters of this instance in Prometheus' text format" },
	ROUTE_END,
};
