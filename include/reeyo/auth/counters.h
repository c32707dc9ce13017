/* SPDX-License-Identifier: MIT
 *
 * The counters of authentication.
 */
#ifndef REEYO_AUTH_COUNTERS_H
#define REEYO_AUTH_COUNTERS_H

#include "reeyo/core/counter.h"

/* clang-format off */
#define AUTH_COUNTERS(X) \
	X(AUTH_LOGINS, "reeyo_auth_logins_total", "result=\"ok\"", "Log-ins by result") \
	X(AUTH_LOGIN_FAILURES, "reeyo_auth_logins_total", "result=\"failed\"", "") \
	X(AUTH_HASHES, "reeyo_auth_hashes_total", "", "Passwords hashed with argon2id") \
	X(AUTH_LOGINS_CACHED, "reeyo_auth_logins_remembered_total", "", \
		"Log-ins verified by the cache of log-ins") \
	X(AUTH_TOKENS_CACHED, "reeyo_auth_tokens_remembered_total", "", \
		"Tokens verified by the cache of tokens")
/* clang-format on */

COUNTERS_DECLARE(auth, COUNTERS_AUTH, AUTH_COUNTERS);

#endif
