/* SPDX-License-Identifier: MIT
 *
 * Hides the passwords inside addresses of databases and Redis, in the address itself and in error
 * messages that quote it.
 */
#ifndef REEYO_CORE_SECRET_H
#define REEYO_CORE_SECRET_H

#include <stddef.h>

/* Writes the address into out, cut to size, without its passwords. A URL keeps everything else; a
 * libpq string of key=value pairs becomes "…". A password may contain an unescaped @: it ends at
 * the last @. When it is not clear where the password ends, more is hidden. Any thread. */
void secret_mask(const char *address, char *out, size_t size);
/* Replaces everything in text that may be a part of the address's password. text: an error message
 * of a library about this address. Libraries quote parts of the address, for instance "cret@host"
 * of u:se@cret@host. Any thread. */
void secret_scrub(const char *address, char *text);

#endif
