# SPDX-License-Identifier: MIT
"""The server of a partner: receives webhooks, answers as configured, and verifies signatures independently."""

import base64
import hashlib
import hmac
import http.server
import json
import threading

from .serving import Serving
from .waiting import PATIENCE, until


class Taken:
    """One received request."""

    def __init__(self, path, headers, body):
        self.path, self.headers, self.body = path, {k.lower(): v for k, v in headers.items()}, body
        self.id = self.headers.get("webhook-id")

    @property
    def json(self):
        return json.loads(self.body)

    def signed_by(self, secret):
        """True when one of its signatures was made with the secret: HMAC-SHA256 of "id.timestamp.body"."""
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
        head = f"{self.id}.{self.headers['webhook-timestamp']}.".encode()
        mac = base64.b64encode(hmac.new(key, head + self.body, hashlib.sha256).digest()).decode()
        return f"v1,{mac}" in self.headers["webhook-signature"].split(" ")


class Receiver:
    """answers: {path: (status, headers)}, 204 for others; held: paths without an answer until let_go(); unfinished:
    {path: (headers, bytes)}: the start of a 200 whose end does not come until let_go()."""

    def __init__(self):
        self.taken, self.answers, self.held, self.unfinished = [], {}, {}, {}
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                receiver.taken.append(Taken(self.path, dict(self.headers), body))
                if self.path in receiver.unfinished:
                    self.begin(*receiver.unfinished[self.path])
                if self.path in receiver.held:
                    receiver.held[self.path].wait(2 * PATIENCE)
                if self.path in receiver.unfinished:
                    self.close_connection = True
                    return
                status, headers = receiver.answers.get(self.path, (204, {}))
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                if status != 204:
                    self.send_header("Content-Length", "0")
                self.end_headers()

            def begin(self, headers, part):
                self.send_response(200)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(part)

            def log_message(self, *_):
                pass

        self.http = Serving(("127.0.0.1", 0), Handler)
        self.port = self.http.server_address[1]
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def url(self, path="/in", host="127.0.0.1", scheme="http"):
        return f"{scheme}://{host}:{self.port}{path}"

    def hold(self, path):
        self.held[path] = threading.Event()

    def let_go(self, path):
        self.held.pop(path).set()

    def at(self, path):
        return [one for one in list(self.taken) if one.path == path]

    def wait(self, path, count=1, seconds=PATIENCE):
        """Waits for `count` requests at this path and returns them."""
        until(lambda: len(self.at(path)) >= count, seconds, f"{count} requests at {path}")
        return self.at(path)

    def close(self):
        for path in list(self.held):
            self.let_go(path)
        self.http.shutdown()
        self.http.server_close()
