/* SPDX-License-Identifier: MIT
 *
 * curl's multi socket interface on a libuv loop: curl names the sockets and the time-out it waits
 * for, and the loop reports them. A connection kept for the next call is not polled, so a client
 * without calls costs nothing.
 */
#include <stdlib.h>

#include "transfer.h"

/* Connections kept open for reuse, for all services together. */
#define KEPT_CONNECTIONS 64

struct socket_watch {
	uv_poll_t poll;
	struct client *client;
	curl_socket_t socket;
};

/* A `done` may start and cancel calls, so each message is removed before its call is completed. */
static void results_take(struct client *client)
{
	struct client_transfer *transfer;
	CURLMsg *message;
	CURLcode result;
	int left;

	while ((message = curl_multi_info_read(client->multi, &left))) {
		if (message->msg != CURLMSG_DONE)
			continue;
		result = message->data.result;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&transfer);
		curl_multi_remove_handle(client->multi, transfer->easy);
		transfer_ended(transfer, result);
	}
}

static void socket_action(struct client *client, curl_socket_t socket, int what)
{
	int running;

	curl_multi_socket_action(client->multi, socket, what, &running);
	results_take(client);
}

/* On a poll error curl is not given CURL_CSELECT_ERR: it finds the broken connection when it reads,
 * and then knows whether it may retry on another connection. */
static void socket_ready(uv_poll_t *poll, int status, int events)
{
	struct socket_watch *watch = poll->data;
	int what = status < 0 ? CURL_CSELECT_IN | CURL_CSELECT_OUT : 0;

	if (events & UV_READABLE)
		what |= CURL_CSELECT_IN;
	if (events & UV_WRITABLE)
		what |= CURL_CSELECT_OUT;
	socket_action(watch->client, watch->socket, what);
}

static void socket_watch_closed(uv_handle_t *handle)
{
	free(handle->data);
}

static struct socket_watch *socket_watch_new(struct client *client, curl_socket_t socket)
{
	struct socket_watch *watch = calloc(1, sizeof(*watch));

	if (!watch)
		return NULL;
	watch->client = client;
	watch->socket = socket;
	watch->poll.data = watch;
	if (uv_poll_init_socket(loop_uv(client->loop), &watch->poll, socket)) {
		free(watch);
		return NULL;
	}
	curl_multi_assign(client->multi, socket, watch);
	return watch;
}

/* When memory for a watch is missing, the call ends by its time limit. */
static int curl_socket_changed(
	CURL *easy, curl_socket_t socket, int what, void *owner, void *assigned)
{
	struct client *client = owner;
	struct socket_watch *watch = assigned;

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		if (watch)
			uv_close((uv_handle_t *)&watch->poll, socket_watch_closed);
		curl_multi_assign(client->multi, socket, NULL);
		return 0;
	}
	if (!watch && !(watch = socket_watch_new(client, socket)))
		return 0;
	uv_poll_start(&watch->poll,
		(what & CURL_POLL_IN ? UV_READABLE : 0) | (what & CURL_POLL_OUT ? UV_WRITABLE : 0),
		socket_ready);
	return 0;
}

static void curl_timer_fired(uv_timer_t *timer)
{
	socket_action(timer->data, CURL_SOCKET_TIMEOUT, 0);
}

/* 0 ms means the next turn: curl must not be re-entered from its own callback. */
static int curl_timer_changed(CURLM *multi, long ms, void *owner)
{
	struct client *client = owner;

	(void)multi;
	if (ms < 0)
		uv_timer_stop(&client->timer);
	else
		uv_timer_start(&client->timer, curl_timer_fired, (uint64_t)ms, 0);
	return 0;
}

int sockets_open(struct client *client)
{
	client->multi = curl_multi_init();
	if (!client->multi)
		return E_NO_MEMORY;
	if (uv_timer_init(loop_uv(client->loop), &client->timer)) {
		curl_multi_cleanup(client->multi);
		return E_NO_MEMORY;
	}
	client->timer.data = client;
	curl_multi_setopt(client->multi, CURLMOPT_SOCKETFUNCTION, curl_socket_changed);
	curl_multi_setopt(client->multi, CURLMOPT_SOCKETDATA, client);
	curl_multi_setopt(client->multi, CURLMOPT_TIMERFUNCTION, curl_timer_changed);
	curl_multi_setopt(client->multi, CURLMOPT_TIMERDATA, client);
	curl_multi_setopt(client->multi, CURLMOPT_MAXCONNECTS, (long)KEPT_CONNECTIONS);
	return 0;
}

static void client_timer_closed(uv_handle_t *handle)
{
	free(handle->data);
}

void sockets_close(struct client *client)
{
	curl_multi_cleanup(client->multi);
	client->multi = NULL;
	uv_close((uv_handle_t *)&client->timer, client_timer_closed);
}
