# SPDX-License-Identifier: MIT
"""Clients that keep calling while something breaks, and what they were told."""

import threading
import time


class Traffic:
    """Each client runs act(api, n) over and over on a kept-alive connection of its own. What it
    returns (a Reply) or raises is kept as (when, status or exception, reply)."""

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
            try:
                reply = self.act(api, number * 1_000_000 + turn)
                self.seen.append((time.monotonic(), reply.status, reply))
            except OSError as fault:
                self.seen.append((time.monotonic(), fault, None))
                time.sleep(0.02)
            except Exception as fault:  # http.client has a family of its own
                self.seen.append((time.monotonic(), fault, None))
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
                thread.join(60)

    def wait_for(self, count, seconds=60):
        """Until so many more answers have come."""
        goal = len(self.seen) + count
        end = time.monotonic() + seconds
        while len(self.seen) < goal:
            assert time.monotonic() < end, f"only {len(self.seen)} answers: {self.seen[-3:]}"
            time.sleep(0.01)

    def statuses(self, since=0.0, until=float("inf")):
        return {status if isinstance(status, int) else repr(status)
                for when, status, _ in self.seen if since <= when <= until}
