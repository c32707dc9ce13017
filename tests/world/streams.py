# SPDX-License-Identifier: MIT
"""A client of event streams."""

import json
import queue
import socket
import threading
import time
import urllib.parse

from .waiting import PATIENCE


class Event:
    def __init__(self, kind, ident, data, at):
        self.type, self.id, self.data, self.at = kind, ident, data, at

    def __repr__(self):
        return f"<{self.id} {self.type} {self.data}>"


class Stream:
    """GET …/events, read by a thread: .next() is the next event, .retries the retry times that the server sent, .ended is set at
    the end. A path that does not begin with / is below /api/v1/."""

    def __init__(self, port, token, path="events", last=None, headers=None, query=None, host="127.0.0.1",
                 timeout=2 * PATIENCE):
        if not path.startswith("/"):
            path = "/api/v1/" + path
        if query:
            path += "?" + urllib.parse.urlencode(query)
        self.socket = socket.create_connection((host, port), timeout=timeout)
        lines = [f"GET {path} HTTP/1.1", "Host: x", f"Authorization: Bearer {token}",
                 "Accept: text/event-stream"]
        if last is not None:
            lines.append(f"Last-Event-ID: {last}")
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        self.socket.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        self.file = self.socket.makefile("rb")
        self.events = queue.Queue()
        self.retries, self.pings, self.last = [], 0, last
        self.opened, self.ended = threading.Event(), threading.Event()
        self.status, self.headers, self.clean = None, {}, False
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()
        assert self.opened.wait(timeout), "no answer"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _run(self):
        try:
            self._head()
            self.opened_ok = self.status == 200
            if self.opened_ok:
                self._body()
        except OSError:
            pass
        except ValueError:
            pass  # the file was closed by close()
        finally:
            self.opened.set()
            self.ended.set()

    def _head(self):
        self.status = int(self.file.readline().split()[1])
        while line := self.file.readline().strip():
            name, _, value = line.decode().partition(":")
            self.headers[name.lower()] = value.strip()

    def _chunks(self):
        while True:
            size = self.file.readline().strip()
            if not size:
                return
            size = int(size, 16)
            yield self.file.read(size)
            self.file.readline()
            if size == 0:
                self.clean = True
                return

    def _body(self):
        text = b""
        for chunk in self._chunks():
            text += chunk
            while b"\n\n" in text:
                frame, text = text.split(b"\n\n", 1)
                self._frame(frame.decode())

    def _frame(self, frame):
        kind, ident, data = None, None, []
        for line in frame.split("\n"):
            name, _, value = line.partition(": ")
            if line.startswith(":"):
                self.pings += 1
            elif name == "retry":
                self.retries.append(int(value))
                self.opened.set()
            elif name == "id":
                ident = int(value)
            elif name == "event":
                kind = value
            elif name == "data":
                data.append(value)
        if kind:
            if ident is not None:
                self.last = ident
            self.events.put(Event(kind, ident, json.loads("\n".join(data)), time.monotonic()))

    def next(self, seconds=PATIENCE):
        """The next event."""
        try:
            return self.events.get(timeout=seconds)
        except queue.Empty:
            raise AssertionError(f"no event in {seconds} s; ended: {self.ended.is_set()}") from None

    def take(self, count, seconds=PATIENCE):
        end = time.monotonic() + seconds
        return [self.next(max(0.1, end - time.monotonic())) for _ in range(count)]

    def until(self, kind, seconds=PATIENCE):
        """The next event of this type; earlier ones are dropped."""
        end = time.monotonic() + seconds
        while True:
            event = self.next(max(0.1, end - time.monotonic()))
            if event.type == kind:
                return event

    def quiet(self):
        """True when every received event was taken."""
        return self.events.empty()

    def close(self):
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.thread.join(PATIENCE)
        self.socket.close()
