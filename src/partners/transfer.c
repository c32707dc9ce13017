/* SPDX-License-Identifier: MIT
 *
 * One call as curl runs it. HTTP/1.1, so that a lost connection affects one call only; no
 * redirects, no proxies from the environment, certificates verified.
 *
 * curl calls request_starting right before it sends a request. `sent` is set there, so an error
 * before that means that nothing was sent. curl calls it again when it repeats a request because a
 * reused connection was closed. Only a GET is repeated: the service may have processed any other
 * request already.
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "transfer.h"

#define ANSWER_MOST (64u << 10)
#define HEADERS_MOST (64u << 10)
#define CONNECT_MS 5000
#define RETRY_AFTER_MOST_S 86400

/* --- curl's callbacks ------------------------------------------------------------------------- */

static bool answer_grow(struct client_transfer *transfer, size_t need)
{
	size_t room = transfer->room ? transfer->room : 1024;
	char *larger;

	while (room < need)
		room *= 2;
	if (room == transfer->room)
		return true;
	larger = realloc(transfer->answer, room);
	if (!larger) {
		transfer->no_memory = true;
		return false;
	}
	transfer->answer = larger;
	transfer->room = room;
	return true;
}

/* status_only: when the whole body has arrived, the connection stays usable; otherwise the transfer
 * ends at the first byte. */
static bool body_complete(const struct client_transfer *transfer, size_t len)
{
	curl_off_t whole = -1;

	curl_easy_getinfo(transfer->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &whole);
	return whole == (curl_off_t)len;
}

static size_t body_received(char *at, size_t one, size_t len, void *owner)
{
	struct client_transfer *transfer = owner;

	(void)one;
	if (transfer->status_only)
		return body_complete(transfer, len) ? len : 0;
	if (len > transfer->most - transfer->len) {
		transfer->too_large = true;
		return 0;
	}
	if (!answer_grow(transfer, transfer->len + len + 1))
		return 0;
	memcpy(transfer->answer + transfer->len, at, len);
	transfer->len += len;
	transfer->answer[transfer->len] = '\0';
	return len;
}

static size_t header_received(char *at, size_t one, size_t len, void *owner)
{
	struct client_transfer *transfer = owner;

	(void)at;
	(void)one;
	transfer->header_bytes += len;
	if (transfer->header_bytes <= HEADERS_MOST)
		return len;
	transfer->too_large = true;
	return 0;
}

static bool socket_address_public(const struct curl_sockaddr *address)
{
	const void *at = &((const struct sockaddr_in *)&address->addr)->sin_addr;
	char text[INET6_ADDRSTRLEN];

	if (address->family == AF_INET6)
		at = &((const struct sockaddr_in6 *)&address->addr)->sin6_addr;
	else if (address->family != AF_INET)
		return false;
	return inet_ntop(address->family, at, text, sizeof(text)) && address_public(text);
}

static curl_socket_t socket_create(void *owner, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct client_transfer *transfer = owner;

	(void)purpose;
	if (!transfer->public_only || socket_address_public(address))
		return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
	transfer->address_refused = true;
	return CURL_SOCKET_BAD;
}

/* A reused connection may come from a call without public_only, so its address is checked here
 * too. */
static int request_starting(void *owner, char *address, char *local, int port, int local_port)
{
	struct client_transfer *transfer = owner;

	(void)local;
	(void)port;
	(void)local_port;
	if (transfer->sent && !transfer->repeatable)
		return CURL_PREREQFUNC_ABORT;
	if (transfer->public_only && !address_public(address)) {
		transfer->address_refused = true;
		return CURL_PREREQFUNC_ABORT;
	}
	transfer->sent = true;
	return CURL_PREREQFUNC_OK;
}

/* --- curl's options --------------------------------------------------------------------------- */

static bool headers_copy(struct client_transfer *transfer, const struct client_call *call)
{
	struct curl_slist *more = curl_slist_append(NULL, "Expect:");

	for (unsigned i = 0; more && i < CLIENT_HEADERS && call->headers[i]; i++) {
		transfer->headers = more;
		more = curl_slist_append(transfer->headers, call->headers[i]);
	}
	if (!more)
		return false;
	transfer->headers = more;
	return curl_easy_setopt(transfer->easy, CURLOPT_HTTPHEADER, transfer->headers) == CURLE_OK;
}

static bool request_set(CURL *easy, const struct client_call *call)
{
	bool get = strcmp(call->method, "GET") == 0;

	if (curl_easy_setopt(easy, CURLOPT_URL, call->url))
		return false;
	if (get && !call->body.at)
		return !curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
	return !curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->body.len) &&
		!curl_easy_setopt(
			easy, CURLOPT_COPYPOSTFIELDS, call->body.at ? call->body.at : "") &&
		!curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, call->method);
}

static bool credentials_set(CURL *easy, const struct client_call *call)
{
	if (!call->user)
		return true;
	return !curl_easy_setopt(easy, CURLOPT_USERNAME, call->user) &&
		!curl_easy_setopt(easy, CURLOPT_PASSWORD, call->password ? call->password : "") &&
		(!call->aws_sigv4 || !curl_easy_setopt(easy, CURLOPT_AWS_SIGV4, call->aws_sigv4));
}

static void limits_set(CURL *easy, const struct partner_limits *limits)
{
	long timeout = (long)limits->timeout_ms;

	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, timeout);
	curl_easy_setopt(
		easy, CURLOPT_CONNECTTIMEOUT_MS, timeout < CONNECT_MS ? timeout : (long)CONNECT_MS);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	/* Do not wait for a resolver thread that is still running. */
	curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
}

static void protocol_set(CURL *easy)
{
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(easy, CURLOPT_PROXY, "");
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
	curl_easy_setopt(easy, CURLOPT_USERAGENT, "Reeyo/" REEYO_VERSION);
}

static void callbacks_set(struct client_transfer *transfer)
{
	CURL *easy = transfer->easy;

	curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->why);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, body_received);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, header_received);
	curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, socket_create);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, transfer);
	curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, request_starting);
	curl_easy_setopt(easy, CURLOPT_PREREQDATA, transfer);
}

struct client_transfer *transfer_new(struct client_call *call)
{
	struct client_transfer *transfer = calloc(1, sizeof(*transfer));

	if (!transfer)
		return NULL;
	transfer->call = call;
	transfer->partner = call->partner;
	transfer->most = call->max_answer ? call->max_answer : ANSWER_MOST;
	transfer->public_only = call->public_only;
	transfer->status_only = call->status_only;
	transfer->repeatable = strcmp(call->method, "GET") == 0;
	transfer->easy = curl_easy_init();
	if (!transfer->easy || !request_set(transfer->easy, call) ||
		!headers_copy(transfer, call) || !credentials_set(transfer->easy, call)) {
		transfer_free(transfer);
		return NULL;
	}
	limits_set(transfer->easy, &call->partner->limits);
	protocol_set(transfer->easy);
	callbacks_set(transfer);
	return transfer;
}

void transfer_free(struct client_transfer *transfer)
{
	if (!transfer)
		return;
	curl_easy_cleanup(transfer->easy);
	curl_slist_free_all(transfer->headers);
	free(transfer->answer);
	free(transfer);
}

/* --- Results ---------------------------------------------------------------------------------- */

static int result_error(const struct client_transfer *transfer, CURLcode result)
{
	if (result == CURLE_OK)
		return 0;
	if (transfer->too_large)
		return E_BODY_TOO_LARGE;
	if (transfer->no_memory || result == CURLE_OUT_OF_MEMORY)
		return E_NO_MEMORY;
	if (transfer->address_refused && !transfer->sent)
		return E_NOT_OWNER;
	return result == CURLE_OPERATION_TIMEDOUT ? E_TIMED_OUT : E_STORE_DOWN;
}

static int64_t retry_after_seconds(const struct client_transfer *transfer, long status)
{
	curl_off_t seconds = 0;

	if (status != 429 && status != 503)
		return 0;
	curl_easy_getinfo(transfer->easy, CURLINFO_RETRY_AFTER, &seconds);
	return seconds < RETRY_AFTER_MOST_S ? (int64_t)seconds : RETRY_AFTER_MOST_S;
}

struct client_answer transfer_answer(const struct client_transfer *transfer, CURLcode result)
{
	struct client_answer answer = { .error = result_error(transfer, result) };
	long status = 0;

	answer.unsent = !transfer->sent;
	curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
	if (transfer->status_only && status >= 200)
		answer.error = 0;
	if (!answer.error || answer.error == E_BODY_TOO_LARGE) {
		answer.status = status;
		answer.retry_after_s = retry_after_seconds(transfer, status);
	}
	if (answer.error)
		answer.why = transfer->why[0] ? transfer->why : curl_easy_strerror(result);
	else
		answer.body = transfer->answer ? (struct text){ transfer->answer, transfer->len }
					       : TEXT("");
	return answer;
}
