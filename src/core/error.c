/* SPDX-License-Identifier: MIT
 *
 * The error table, and the few statuses that a namespace's existing clients need to differ.
 */
#include "reeyo/core/error.h"

#include <string.h>

static const struct error_row rows[] = { [ERR_INDEX_OK] = { "OK", 200, { "", "", "", "" }, "", "" },
#define X(name, status, user, rider, vendor, admin, english, french) \
	[ERR_INDEX_##name] = { #name, status, { user, rider, vendor, admin }, english, french },
	REEYO_ERRORS(X)
#undef X
};

const struct error_row *error_row(int err)
{
	if (err >= 0 || err <= -ERR_INDEX_COUNT)
		return &rows[ERR_INDEX_INTERNAL];
	return &rows[-err];
}

int error_from_name(const char *name, size_t len)
{
	for (int i = 1; i < ERR_INDEX_COUNT; i++)
		if (strlen(rows[i].name) == len && memcmp(rows[i].name, name, len) == 0)
			return -i;
	return E_INTERNAL;
}

int error_status(int err, enum name_space ns)
{
	if (err == E_WRONG_PASSWORD && (ns == NS_VENDOR || ns == NS_ADMIN))
		return 400;
	if (ns == NS_ADMIN && strcmp(error_row(err)->code[NS_ADMIN], "ORDER_INVALID_STATUS") == 0)
		return 409;
	return error_row(err)->status;
}
