/* SPDX-License-Identifier: MIT
 *
 * Creates admins from the command line and at start, which is the only way to create the first one.
 * These functions block and hash: never call them on a loop.
 */
#ifndef REEYO_AUTH_ADMIN_CREATE_H
#define REEYO_AUTH_ADMIN_CREATE_H

#include "reeyo/core/config.h"

struct admin_account {
	const char *email;
	const char *name; /* NULL: the e-mail address */
	const char *role; /* "ADMIN", "SUPER_ADMIN" in any case; NULL: SUPER_ADMIN */
	const char *password;
};

/* Creates the admin. If the e-mail address exists, sets that admin's password and role and unlocks
 * the account. Returns 0, E_CONFIG (invalid input, reported on standard error) or the error of the
 * database. *ret_changed: the admin existed. */
int admin_create(const struct config *config, const struct admin_account *admin_account,
	bool *ret_changed) MUST_CHECK;
/* Creates super_admin_email as a super-admin when there is no admin at all. Returns 0 also when
 * there is nothing to do. */
int admin_create_first(const struct config *config) MUST_CHECK;

#endif
