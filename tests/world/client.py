# SPDX-License-Identifier: MIT
"""HTTP clients for tests: Api for well-formed JSON calls, Wire for arbitrary bytes."""

import http.client
import json as jsonlib
import select
import socket
import threading
import urllib.parse

from .waiting import PATIENCE

UNSET = object()


class Reply:
    """Status, headers (case-insensitive) and body of one response."""

    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body

    @property
    def json(self):
        return jsonlib.loads(self.body)

    @property
    def data(self):
        """The `data` of a success envelope."""
        document = self.json
        assert document["success"] is True, f"{self.status} {document}"
        return document["data"]

    @property
    def error(self):
        document = self.json
        assert document["success"] is False, f"{self.status} {document}"
        return document["error"]

    @property
    def code(self):
        return self.error["code"]

    def __repr__(self):
        return f"<{self.status} {self.body[:500]!r}>"


class Api:
    """Calls of one caller. A path that does not begin with / is below /api/v1/. Each thread has
    its own persistent connection."""

    def __init__(self, port, token=None, host="127.0.0.1", timeout=PATIENCE, headers=None):
        self.host, self.port, self.token, self.timeout = host, port, token, timeout
        self.headers = dict(headers or {})
        self.local = threading.local()

    def as_(self, token):
        """The same server, called with another token."""
        return Api(self.port, token, self.host, self.timeout, self.headers)

    def _connection(self):
        kept = getattr(self.local, "connection", None)
        if kept is not None and kept.sock is not None and select.select([kept.sock], [], [], 0)[0]:
            self.close()    # the server has closed it while it was idle
        if getattr(self.local, "connection", None) is None:
            self.local.connection = http.client.HTTPConnection(
                self.host, self.port, timeout=self.timeout)
        return self.local.connection

    def close(self):
        connection = getattr(self.local, "connection", None)
        if connection is not None:
            connection.close()
            self.local.connection = None

    def request(self, method, path, json=UNSET, body=None, token=UNSET, headers=None, query=None):
        if not path.startswith("/"):
            path = "/api/v1/" + path
        if query:
            path += "?" + urllib.parse.urlencode(query)
        sent = dict(self.headers)
        token = self.token if token is UNSET else token
        if token:
            sent["Authorization"] = "Bearer " + token
        if json is not UNSET:
            body = jsonlib.dumps(json).encode()
            sent["Content-Type"] = "application/json"
        elif body is not None and not isinstance(body, bytes):
            body = body.encode()
        sent.update(headers or {})
        if body is None and method in ("POST", "PUT", "PATCH"):
            sent.setdefault("Content-Length", "0")
        return self._send(method, path, body, sent)

    def _send(self, method, path, body, headers):
        kept = getattr(self.local, "connection", None) is not None
        connection = self._connection()
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
        except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
            self.close()
            if not kept or method not in ("GET", "HEAD", "OPTIONS"):
                raise
            return self._send(method, path, body, headers)  # the server had closed the idle connection
        except Exception:
            self.close()
            raise
        reply = Reply(answer.status, answer.headers, answer.read())
        if answer.will_close:
            self.close()
        return reply

    def get(self, path, **more):
        return self.request("GET", path, **more)

    def head(self, path, **more):
        return self.request("HEAD", path, **more)

    def options(self, path, **more):
        return self.request("OPTIONS", path, **more)

    def post(self, path, **more):
        return self.request("POST", path, **more)

    def put(self, path, **more):
        return self.request("PUT", path, **more)

    def patch(self, path, **more):
        return self.request("PATCH", path, **more)

    def delete(self, path, **more):
        return self.request("DELETE", path, **more)


class Wire:
    """A connection that sends exactly the bytes it is given."""

    def __init__(self, port, host="127.0.0.1", timeout=PATIENCE):
        self.socket = socket.create_connection((host, port), timeout=timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.file = self.socket.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def send(self, data):
        self.socket.sendall(data if isinstance(data, bytes) else data.encode())
        return self

    def _line(self):
        line = self.file.readline(65536)
        if not line:
            raise EOFError("the server closed the connection")
        return line.rstrip(b"\r\n")

    def read(self, method="GET"):
        """The next response; 100 Continue counts as one."""
        status = int(self._line().split()[1])
        headers = http.client.parse_headers(self.file)
        if method == "HEAD" or status in (204, 304) or status < 200:
            return Reply(status, headers, b"")
        if headers.get("Transfer-Encoding", "").lower() == "chunked":
            return Reply(status, headers, self._chunks())
        if "Content-Length" in headers:
            return Reply(status, headers, self.file.read(int(headers["Content-Length"])))
        return Reply(status, headers, self.file.read())

    def _chunks(self):
        body = b""
        while True:
            size = int(self._line().split(b";")[0], 16)
            body += self.file.read(size)
            self._line()
            if size == 0:
                return body

    def rest(self, seconds=PATIENCE):
        """Everything until the server closes; None when it does not."""
        self.socket.settimeout(seconds)
        try:
            return self.file.read()
        except ConnectionResetError:
            return b""
        except TimeoutError:
            return None

    def closed(self, seconds=PATIENCE):
        """True when the server closes within this time and sends nothing more."""
        self.socket.settimeout(seconds)
        try:
            return self.file.read(1) == b""
        except ConnectionResetError:
            return True
        except TimeoutError:
            return False

    def close(self):
        self.file.close()
        self.socket.close()
