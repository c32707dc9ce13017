/* SPDX-License-Identifier: MIT
 *
 * Permissions of the admin namespace. A permission is a word such as "payouts.decide"; the row of a
 * route names the word that its caller needs. A role is a set of permissions; one constant table
 * has both (permission.c).
 */
#ifndef REEYO_AUTH_PERMISSION_H
#define REEYO_AUTH_PERMISSION_H

#include <stdbool.h>

#include "reeyo/http/route.h"

/* The lowest role that holds the permission: ADMIN or SUPER_ADMIN; ACCESS_UNSET for an unknown
 * word. For router_new. Any thread. */
enum access permission_access(const char *word);
/* True when the role holds the permission; false for an unknown word. Any thread. */
bool permission_granted(enum access role, const char *word);

#endif
