/* SPDX-License-Identifier: MIT
 *
 * Endpoints that payment gateways call: at the root, below each namespace, and below admin only.
 */
#ifndef REEYO_API_CALLBACKS_H
#define REEYO_API_CALLBACKS_H

#include "reeyo/http/route.h"

extern const struct route callback_root_routes[]; /* absolute paths */
extern const struct route callback_routes[];
extern const struct route admin_callback_routes[];

#endif
