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

#define URL_HOST_SIZE 256
struct url_parts {
	bool https, fragment;
	char host[URL_HOST_SIZE]; /* as for a DNS lookup: without brackets; IP addresses in their
				   * normal form */
};
/* The parts of an address for which url_is_web is true. False also when the host is longer than 255
 * bytes or percent-encoded, and when a port is 0 or empty. ret is then undefined. Any thread. */
bool url_parse_web(struct text url, struct url_parts *ret);

#endif
