/* SPDX-License-Identifier: MIT
 *
 * The route tables of live events: the same routes in every namespace, for its kind of account.
 */
#ifndef REEYO_API_EVENTS_H
#define REEYO_API_EVENTS_H

#include "reeyo/http/route.h"

extern const struct route user_event_routes[];
extern const struct route vendor_event_routes[];
extern const struct route rider_event_routes[];
extern const struct route admin_event_routes[];

#endif
