/* SPDX-License-Identifier: MIT
 *
 * What payment gateways call: root paths, the same below each namespace, and those that only
 * admins' clients know.
 */
#ifndef REEYO_API_CALLBACKS_H
#define REEYO_API_CALLBACKS_H

#include "reeyo/http/route.h"

extern const struct route callback_root_routes[]; /* absolute paths */
extern const struct route callback_routes[];
extern const struct route admin_callback_routes[];

#endif
