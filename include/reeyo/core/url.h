/* SPDX-License-Identifier: MIT
 *
 * Web addresses, parsed by libcurl, which also makes the calls to them.
 */
#ifndef REEYO_CORE_URL_H
#define REEYO_CORE_URL_H

#include "reeyo/core/text.h"

#define URL_LENGTH_MAX 2048

/* True for an absolute http or https address with a host, of at most URL_LENGTH_MAX bytes, without
 * user, password, blanks, control characters and quotes. Any thread. */
bool url_is_web(struct text url);

#endif
