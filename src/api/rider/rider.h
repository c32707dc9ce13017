/* SPDX-License-Identifier: MIT
 *
 * The rider's account as its routes show it.
 */
#ifndef REEYO_API_RIDER_RIDER_H
#define REEYO_API_RIDER_RIDER_H

#include "reeyo/http/field.h"

extern const struct field rider_fields[]; /* Rider, as replies show it */

#endif
