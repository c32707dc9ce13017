/* SPDX-License-Identifier: MIT
 *
 * Addresses on the web, as libcurl reads them: what shows or calls one later reads the same.
 */
#ifndef REEYO_CORE_URL_H
#define REEYO_CORE_URL_H

#include "reeyo/core/text.h"

#define URL_LENGTH_MAX 2048

/* An absolute http or https address with a host, without user, password, blanks, controls and
 * quotes, of at most URL_LENGTH_MAX bytes. Any thread. */
bool url_is_web(struct text url);

#endif
