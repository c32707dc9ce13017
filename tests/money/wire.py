# SPDX-License-Identifier: MIT
"""Many callers at once from one thread: each a generator that yields a request and is sent its reply, on a kept
connection of its own. Raw sockets: a call costs the driver some 60 microseconds, so that the server is what is driven."""

import select
import socket
import time


class Lost(Exception):
    """The connection went before the reply was there: what was asked may or may not have happened."""


class Reply:
    __slots__ = ("status", "body", "replayed")

    def __init__(self, status, body, replayed):
        self.status, self.body, self.replayed = status, body, replayed


def request(method, path, token, body=None, key=None):
    """The bytes of a request. body: JSON text."""
    head = f"{method} {path} HTTP/1.1\r\nHost: reeyo\r\nAuthorization: Bearer {token}\r\n"
    if key:
        head += f"Idempotency-Key: {key}\r\n"
    if body is None and method != "GET":
        body = "{}"
    if body is None:
        return (head + "\r\n").encode()
    data = body.encode()
    return (head + f"Content-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n").encode() + data


class Caller:
    """A generator's connection. Its script yields bytes and gets a Reply, or Lost is thrown into it."""
    __slots__ = ("wires", "script", "socket", "sent", "buffer", "need", "head")

    def __init__(self, wires, script):
        self.wires, self.script = wires, script
        self.socket = self.sent = None
        self.buffer, self.need, self.head = b"", 0, 0

    def step(self, reply=None, lost=False):
        """Lets the script go on until it waits for its next reply; False when it has ended."""
        while True:
            try:
                asked = self.script.throw(Lost()) if lost else self.script.send(reply)
            except StopIteration:
                self.close()
                return False
            if self.send(asked):
                return True
            lost, reply = True, None

    def send(self, data):
        try:
            if self.socket is None:
                self.open()
            self.socket.sendall(data)
            return True
        except OSError:
            self.close()
            time.sleep(0.01)                                # the server is starting: no connection yet
            return False

    def open(self):
        made = socket.create_connection(("127.0.0.1", self.wires.port()), timeout=30)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket = made
        self.buffer, self.need = b"", 0
        self.wires.poll.register(made.fileno(), select.EPOLLIN)
        self.wires.callers[made.fileno()] = self

    def close(self):
        if self.socket is not None:
            self.wires.callers.pop(self.socket.fileno(), None)
            try:
                self.wires.poll.unregister(self.socket.fileno())
            except OSError:
                pass
            self.socket.close()
            self.socket = None

    def read(self):
        """What has come; a Reply when it is whole, None when more is to come. OSError, EOFError: lost."""
        data = self.socket.recv(65536)
        if not data:
            raise EOFError
        self.buffer = self.buffer + data if self.buffer else data
        if not self.need:
            end = self.buffer.find(b"\r\n\r\n")
            if end < 0:
                return None
            head = self.buffer[:end].lower()
            at = head.find(b"content-length:")
            length = int(head[at + 15:].split(b"\r", 1)[0]) if at > 0 else 0
            self.head = end
            self.need = end + 4 + length
        if len(self.buffer) < self.need:
            return None
        head, body = self.buffer[:self.head], self.buffer[self.head + 4:self.need]
        self.buffer, self.need = b"", 0
        if b"connection: close" in head.lower():
            self.close()
        return Reply(int(head[9:12]), body, b"dempotency-replayed: true" in head.lower())


class Wires:
    """port(): where the server is now."""

    def __init__(self, port):
        self.port = port
        self.poll = select.epoll()
        self.callers = {}

    def run(self, scripts, tick=None):
        """Until every script has ended; tick() is called some ten times a second."""
        callers = [Caller(self, script) for script in scripts]
        alive = sum(caller.step() for caller in callers)
        next_tick = time.monotonic()
        while alive:
            for fd, _ in self.poll.poll(0.1):
                caller = self.callers.get(fd)
                if caller is None:
                    continue
                try:
                    reply = caller.read()
                    if reply is None:
                        continue
                    lost = False
                except (OSError, EOFError):
                    caller.close()
                    reply, lost = None, True
                alive -= not caller.step(reply, lost)
            if tick and time.monotonic() > next_tick:
                next_tick = time.monotonic() + 0.1
                tick()
