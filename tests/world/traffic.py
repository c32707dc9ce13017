# SPDX-License-Identifier: MIT
"""Clients that keep calling while something breaks, and what they were told."""

import http.client
import threading
import time

from .waiting import PATIENCE, until


class Traffic:
    """Each client runs act(api, n) over and over on a kept-alive connection of its own. What it
    returns (a Reply), or what broke the connection, is kept as (when it began, status or exception, reply)."""

    def __init__(self, server, act, clients=8, pause=0.0, token=None):
        self.server, self.act, self.pause, self.token = server, act, pause, token
        self.seen = []
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._client, args=(n,)) for n in range(clients)]

    def _client(self, number):
        api = self.server.api(self.token)
        turn = 0
        while not self._stop.is_set():
            turn += 1
            began = time.monotonic()
            try:
                reply = self.act(api, number * 1_000_000 + turn)
                self.seen.append((began, reply.status, reply))
            except (OSError, http.client.HTTPException) as fault:
                self.seen.append((began, fault, None))
                time.sleep(0.02)
            if self.pause:
                time.sleep(self.pause)
        api.close()

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        self._stop.set()
        for thread in self._threads:
            if thread.is_alive():
                thread.join(2 * PATIENCE)
                assert not thread.is_alive(), "a client has had no answer for minutes"

    def wait_for(self, count, seconds=PATIENCE):
        """Until so many more answers have come."""
        goal = len(self.seen) + count

        def come():
            assert any(thread.is_alive() for thread in self._threads), f"every client is dead: {self.seen[-3:]}"
            return len(self.seen) >= goal
        until(come, seconds, f"{count} more answers")

    def statuses(self, since=0.0):
        """Of what was asked from that moment on."""
        return {status if isinstance(status, int) else repr(status)
                for when, status, _ in self.seen if since <= when}
