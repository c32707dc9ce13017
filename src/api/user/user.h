/* SPDX-License-Identifier: MIT
 *
 * The customer's account as its routes show it.
 */
#ifndef REEYO_API_USER_USER_H
#define REEYO_API_USER_USER_H

#include "reeyo/http/request.h"

extern const struct field user_fields[];    /* User, as replies show it */
extern const struct field address_fields[]; /* Address, as replies show it */

#endif
