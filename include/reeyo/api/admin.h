/* SPDX-License-Identifier: MIT
 *
 * The route tables of the admin namespace.
 */
#ifndef REEYO_API_ADMIN_H
#define REEYO_API_ADMIN_H

#include "reeyo/http/route.h"

#endif
