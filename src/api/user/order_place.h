/* SPDX-License-Identifier: MIT
 *
 * POST /orders.
 */
#ifndef REEYO_API_USER_ORDER_PLACE_H
#define REEYO_API_USER_ORDER_PLACE_H

#include "reeyo/http/request.h"

void place_order(struct request *rq);

#endif
