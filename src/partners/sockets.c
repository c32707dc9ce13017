/* SPDX-License-Identifier: MIT
 *
 * curl's multi socket interface on a libuv loop: curl says which sockets and which moment it waits
 * for, the loop says when they come. A connection that is kept for the next call is not watched, so
 * a client without calls costs nothing.
 */
#include <stdlib.h>

#include "transfer.h"

/* Connections kept open for the next call, of all services together. */
#define KEPT_CONNECTIONS 64

struct watch {
	uv_poll_t poll;
	struct client *client;
	curl_socket_t socket;
};

/* A `done` may make and cancel calls: each message is taken out before its call is told. */
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

static void act(struct client *client, curl_socket_t socket, int what)
{
	int running;

	curl_multi_socket_action(client->multi, socket, what, &running);
	results_take(client);
}

/* A broken connection is for curl to find out by reading: told of it, curl would not know whether
 * to try another. */
static void socket_ready(uv_poll_t *poll, int status, int events)
{
	struct watch *watch = poll->data;
	int what = status < 0 ? CURL_CSELECT_IN | CURL_CSELECT_OUT : 0;

	if (events & UV_READABLE)
		what |= CURL_CSELECT_IN;
	if (events & UV_WRITABLE)
		what |= CURL_CSELECT_OUT;
	act(watch->client, watch->socket, what);
}

static void watch_closed(uv_handle_t *handle)
{
	free(handle->data);
}

static struct watch *watch_new(struct client *client, curl_socket_t socket)
{
	struct watch *watch = calloc(1, sizeof(*watch));

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

/* Without memory for a watch its call ends by its time limit. */
static int socket_wanted(CURL *easy, curl_socket_t socket, int what, void *owner, void *assigned)
{
	struct client *client = owner;
	struct watch *watch = assigned;

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		if (watch)
			uv_close((uv_handle_t *)&watch->poll, watch_closed);
		curl_multi_assign(client->multi, socket, NULL);
		return 0;
	}
	if (!watch && !(watch = watch_new(client, socket)))
		return 0;
	uv_poll_start(&watch->poll,
		(what & CURL_POLL_IN ? UV_READABLE : 0) | (what & CURL_POLL_OUT ? UV_WRITABLE : 0),
		socket_ready);
	return 0;
}

static void time_over(uv_timer_t *timer)
{
	act(timer->data, CURL_SOCKET_TIMEOUT, 0);
}

/* 0 ms means soon, never within: curl is not entered from its own callback. */
static int timer_wanted(CURLM *multi, long ms, void *owner)
{
	struct client *client = owner;

	(void)multi;
	if (ms < 0)
		uv_timer_stop(&client->timer);
	else
		uv_timer_start(&client->timer, time_over, (uint64_t)ms, 0);
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
	curl_multi_setopt(client->multi, CURLMOPT_SOCKETFUNCTION, socket_wanted);
	curl_multi_setopt(client->multi, CURLMOPT_SOCKETDATA, client);
	curl_multi_setopt(client->multi, CURLMOPT_TIMERFUNCTION, timer_wanted);
	curl_multi_setopt(client->multi, CURLMOPT_TIMERDATA, client);
	curl_multi_setopt(client->multi, CURLMOPT_MAXCONNECTS, (long)KEPT_CONNECTIONS);
	return 0;
}

static void timer_closed(uv_handle_t *handle)
{
	free(handle->data);
}

void sockets_close(struct client *client)
{
	curl_multi_cleanup(client->multi);
	client->multi = NULL;
	uv_close((uv_handle_t *)&client->timer, timer_closed);
}
