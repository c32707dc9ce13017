/* SPDX-License-Identifier: MIT
 *
 * Web addresses; see the header.
 */
#include "reeyo/core/url.h"

#include <curl/curl.h>
#include <stdio.h>

#include "reeyo/core/unicode.h"

static void url_close(CURLU **url)
{
	curl_url_cleanup(*url);
}

static bool url_has(CURLU *url, CURLUPart part)
{
	char *value = NULL;
	bool has = curl_url_get(url, part, &value, 0) == CURLUE_OK && value && *value;

	curl_free(value);
	return has;
}

/* No characters that an address must escape, or that end an address in HTML. */
static bool url_is_clean(struct text url)
{
	for (size_t i = 0; i < url.len; i++)
		if (url.at[i] == ' ' || strchr("\"'<>\\^`{|}", url.at[i]))
			return false;
	return !unicode_has_control(url, false) && unicode_trim(url).len == url.len;
}

/* libcurl accepts "http:/host" and "http:///host"; browsers interpret these differently. */
static bool url_has_authority(struct text url)
{
	size_t scheme = text_is_nocase(
				(struct text){ url.at, url.len < 7 ? url.len : 7 }, TEXT("http://"))
		? 7
		: 8;

	return url.len > scheme &&
		(scheme == 7 || text_is_nocase((struct text){ url.at, 8 }, TEXT("https://"))) &&
		url.at[scheme] != '/';
}

bool url_is_web(struct text url)
{
	__attribute__((cleanup(url_close))) CURLU *parsed = NULL;
	char copy[URL_LENGTH_MAX + 1];

	if (url.len == 0 || url.len > URL_LENGTH_MAX || !url_is_clean(url) ||
		!url_has_authority(url))
		return false;
	snprintf(copy, sizeof(copy), "%.*s", TEXT_ARGS(url));
	parsed = curl_url();
	return parsed && curl_url_set(parsed, CURLUPART_URL, copy, 0) == CURLUE_OK &&
		url_has(parsed, CURLUPART_HOST) && !url_has(parsed, CURLUPART_USER) &&
		!url_has(parsed, CURLUPART_PASSWORD);
}
