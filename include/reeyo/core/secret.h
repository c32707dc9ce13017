/* SPDX-License-Identifier: MIT
 *
 * Passwords inside addresses of stores: what may be shown of an address, and of what a library says
 * about one.
 */
#ifndef REEYO_CORE_SECRET_H
#define REEYO_CORE_SECRET_H

#include <stddef.h>

/* What may be shown of a store's address, cut to size: of a URL everything but its passwords, of a
 * libpq string of key=value pairs "…". A password may hold an unescaped @: it ends at the last one.
 * Where that leaves a doubt, more is hidden. Any thread. */
void secret_masked(const char *address, char *out, size_t size);
/* Replaces in text, which a library said about the address, whatever may be a part of its password.
 * Libraries quote the address at will, for instance "cret@host" of u:se@cret@host. Any thread. */
void secret_scrub(const char *address, char *text);

#endif
