/* SPDX-License-Identifier: MIT
 *
 * The counters of live events.
 */
#ifndef REEYO_LIVE_COUNTERS_H
#define REEYO_LIVE_COUNTERS_H

#include "reeyo/core/counter.h"

/* clang-format off */
#define LIVE_COUNTERS(X) \
	X(EVENTS_RELAYED, "reeyo_events_relayed_total", "", \
		"Events that this instance, as the leader, made visible to readers") \
	X(EVENTS_RECEIVED, "reeyo_events_heard_total", "", \
		"Events received, counted by each loop") \
	X(EVENTS_DELIVERED, "reeyo_events_delivered_total", "", "Events written to streams") \
	X(RELAY_LAG, "reeyo_relay_lag_milliseconds", "", \
		"Age of the oldest event that the last step made visible, or that waits") \
	X(RELAY_GAP, "reeyo_relay_gap_milliseconds", "", \
		"Age of the oldest event that waits for an earlier one whose transaction has not " \
		"ended") \
	X(RELAY_LEADS, "reeyo_relay_leads", "", "1 while this instance relays events")
/* clang-format on */

COUNTERS_DECLARE(live, COUNTERS_LIVE, LIVE_COUNTERS);

#endif
