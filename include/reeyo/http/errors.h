/* SPDX-License-Identifier: MIT
 *
 * The reply for an error: HTTP status, code for each namespace (existing apps compare these codes)
 * and message in English and French. The table is src/http/error_table.c.
 */
#ifndef REEYO_HTTP_ERRORS_H
#define REEYO_HTTP_ERRORS_H

#include "reeyo/core/error.h"

/* The four API namespaces; struct error_row has a code for each. */
enum name_space { NS_USER, NS_RIDER, NS_VENDOR, NS_ADMIN, NS_COUNT };

struct error_row {
	int status;                 /* HTTP status */
	const char *code[NS_COUNT]; /* the code that clients of each namespace know */
	const char *english;
	const char *french;
};

/* The row of an error; an unknown value gives the row of E_INTERNAL. Any thread. */
const struct error_row *error_row(int err);

/* HTTP status of an error in a namespace: usually the status of the row. Existing clients need some
 * exceptions: a wrong current password is 400 for vendors and admins (a 401 would make the console
 * refresh its token), and a late cancel is 409 for admins. Any thread. */
int error_status(int err, enum name_space ns);

#endif
