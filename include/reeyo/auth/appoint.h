/* SPDX-License-Identifier: MIT
 *
 * Making admins from the command line and at start: the only way to the first one. These functions
 * block and hash: never on a loop.
 */
#ifndef REEYO_AUTH_APPOINT_H
#define REEYO_AUTH_APPOINT_H

#include "reeyo/core/config.h"

struct appointment {
	const char *email;
	const char *name;     /* NULL: the e-mail */
	const char *role;     /* "ADMIN", "SUPER_ADMIN" in any case; NULL: SUPER_ADMIN */
	const char *password;
};

/* Makes the admin, or gives the one with that e-mail this password and role, and unlocks him. 0,
 * E_CONFIG (something is not as it must be; said on standard error), or why the database could not.
 * *ret_changed: there was one. */
int admin_appoint(const struct config *config, const struct appointment *appointment,
	bool *ret_changed) MUST_CHECK;
/* Makes super_admin_email a super-admin while there is no admin at all. Nothing to do is a
 * success. */
int admin_appoint_first(const struct config *config) MUST_CHECK;

#endif
