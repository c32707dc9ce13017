# SPDX-License-Identifier: MIT
"""Clients that keep calling while something fails, and the replies they received."""

import http.client
import threading
import time

from .waiting import PATIENCE, until


class Traffic:
    """Each client repeats act(api, n) on its own persistent connection. The result (a Reply), or the error of the
    connection, is recorded as (start time, status or exception, reply)."""

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
                assert not thread.is_alive(), "a client has waited minutes for a reply"

    def wait_for(self, count, seconds=PATIENCE):
        """Waits for this many more replies."""
        goal = len(self.seen) + count

        def come():
            assert any(thread.is_alive() for thread in self._threads), f"every client is dead: {self.seen[-3:]}"
            return len(self.seen) >= goal
        until(come, seconds, f"{count} more answers")

    def statuses(self, since=0.0):
        """The statuses of the requests since that time."""
        return {status if isinstance(status, int) else repr(status)
                for when, status, _ in self.seen if since <= when}
