/* SPDX-License-Identifier: MIT
 *
 * The Rider object in replies.
 */
#ifndef REEYO_API_RIDER_RIDER_H
#define REEYO_API_RIDER_RIDER_H

#include "reeyo/http/field.h"

extern const struct field rider_fields[]; /* Rider */

#endif
