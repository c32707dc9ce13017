/* SPDX-License-Identifier: MIT
 *
 * Web addresses; see the header.
 */
#include "reeyo/core/url.h"

#include <curl/curl.h>
#include <stdio.h>

#include "reeyo/core/memory.h"
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

/* NULL when it is no web address. */
static CURLU *url_open(struct text url)
{
	__attribute__((cleanup(url_close))) CURLU *parsed = NULL;
	char copy[URL_LENGTH_MAX + 1];

	if (url.len == 0 || url.len > URL_LENGTH_MAX || !url_is_clean(url) ||
		!url_has_authority(url))
		return NULL;
	snprintf(copy, sizeof(copy), "%.*s", TEXT_ARGS(url));
	parsed = curl_url();
	if (!parsed || curl_url_set(parsed, CURLUPART_URL, copy, 0) != CURLUE_OK ||
		!url_has(parsed, CURLUPART_HOST) || url_has(parsed, CURLUPART_USER) ||
		url_has(parsed, CURLUPART_PASSWORD))
		return NULL;
	return TAKE_PTR(parsed);
}

bool url_is_web(struct text url)
{
	__attribute__((cleanup(url_close))) CURLU *parsed = url_open(url);

	return parsed != NULL;
}

/* libcurl decodes a percent-encoded host, and accepts an empty port and port 0. */
static bool url_authority_is_plain(struct text url)
{
	struct text rest = url, authority, port;
	int64_t number;

	text_cut(&rest, '/');
	text_cut(&rest, '/');
	authority = (struct text){ rest.at, 0 };
	while (authority.len < rest.len && !strchr("/?#", authority.at[authority.len]))
		authority.len++;
	if (memchr(authority.at, '%', authority.len))
		return false;
	port = authority;
	while (port.len && port.at[port.len - 1] != ':' && port.at[port.len - 1] != ']')
		port.len--;
	if (!port.len || port.at[port.len - 1] == ']')
		return true;
	port = (struct text){ authority.at + port.len, authority.len - port.len };
	return text_to_int(port, 1, 65535, &number);
}

static bool url_host_copy(CURLU *url, char ret_host[URL_HOST_SIZE])
{
	char *host = NULL;
	struct text text;

	if (curl_url_get(url, CURLUPART_HOST, &host, 0) != CURLUE_OK)
		return false;
	text = text_of(host);
	if (text.len > 2 && text.at[0] == '[')
		text = (struct text){ text.at + 1, text.len - 2 };
	snprintf(ret_host, URL_HOST_SIZE, "%.*s", TEXT_ARGS(text));
	curl_free(host);
	return text.len < URL_HOST_SIZE;
}

bool url_parse_web(struct text url, struct url_parts *ret)
{
	__attribute__((cleanup(url_close))) CURLU *parsed = url_open(url);

	if (!parsed || !url_authority_is_plain(url) || !url_host_copy(parsed, ret->host))
		return false;
	ret->https = text_is_nocase((struct text){ url.at, 8 }, TEXT("https://"));
	ret->fragment = memchr(url.at, '#', url.len) != NULL;
	return true;
}
