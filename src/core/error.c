/* SPDX-License-Identifier: MIT
 *
 * The names of errors as text.
 */
#include "reeyo/core/error.h"

#include <string.h>

static const char *const error_names[] = { [ERR_INDEX_OK] = "OK",
#define X(name) [ERR_INDEX_##name] = #name,
	REEYO_ERRORS(X)
#undef X
};

const char *error_name(int err)
{
	return error_names[err >= 0 || err <= -ERR_INDEX_COUNT ? ERR_INDEX_INTERNAL : -err];
}

int error_from_name(const char *name, size_t len)
{
	for (int i = 1; i < ERR_INDEX_COUNT; i++)
		if (strlen(error_names[i]) == len && memcmp(error_names[i], name, len) == 0)
			return -i;
	return E_INTERNAL;
}
