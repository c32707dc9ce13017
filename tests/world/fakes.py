# SPDX-License-Identifier: MIT
"""Runs the programs of tests/fakes: starts them on a free port, scripts their faults, reads their log, and checks at the end, as
for a server, the exit code 0 and that there is no sanitizer report."""

import http.server
import pathlib
import subprocess
import threading
import time

from .client import Api
from .server import bare_environment, binary, reports_since
from .serving import Serving
from .waiting import PATIENCE


class Fake:
    """Fake("campay", webhook="http://…"): flags as keywords, underscores for hyphens."""

    def __init__(self, name, **flags):
        program = pathlib.Path(binary()).parent / "tests" / f"fake_{name}"
        arguments = [word for flag, value in flags.items()
                     for word in (f"--{flag.replace('_', '-')}", str(value))]
        self.began = time.time()
        self.process = subprocess.Popen([str(program), *arguments], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, env=bare_environment(),
                                        start_new_session=True)
        line = self.process.stdout.readline().decode()
        assert line.startswith("listening "), f"fake_{name} did not start: {line!r}"
        self.port = int(line.split()[1])
        self.url = f"http://127.0.0.1:{self.port}"
        self.api = Api(self.port)

    def script(self, path, *faults):
        """Faults of the next requests of a path, in order: a name, or a name with its members:
        script("/collect", "reset", ("slow", {"ms": 500}))."""
        written = [{"fault": fault} if isinstance(fault, str) else {"fault": fault[0], **fault[1]}
                   for fault in faults]
        reply = self.api.post("/_script", json={"path": path, "faults": written})
        assert reply.status == 200, reply.body

    def go(self):
        """Releases the requests that a fault "held" keeps."""
        self.api.post("/_go")

    def log(self, path=None):
        """The requests, oldest first: .method .path .query .headers .body."""
        return self.api.get("/_log" + (f"?path={path}" if path else "")).json

    def taken(self):
        """The messages it accepted, oldest first."""
        return self.api.get("/_taken").json

    def reset(self):
        self.api.post("/_reset")

    def stop(self):
        if self.process is None:
            return
        self.api.close()
        self.process.terminate()
        code = self.process.wait(PATIENCE)
        self.process.stdout.close()
        self.process = None
        assert code == 0, f"a fake ended with code {code}"
        found = reports_since(self.began)
        assert not found, "\n".join(path.read_text(errors="replace") for path in found)


class Campay(Fake):
    """The mobile-money gateway. callback: the address of its callbacks; further flags are those of
    fake_campay.c: sign="jwt", settle_ms=200, seed=7, faults=30 …"""

    def __init__(self, callback="", settle_ms=300, **flags):
        super().__init__("campay", callback=callback, settle_ms=settle_ms, **flags)

    def keys(self, dialect="campay"):
        """The configuration of a server that uses this gateway."""
        return {"campay_url": self.url, "campay_dialect": dialect, "campay_username": "reeyo",
                "campay_password": "campay-password", "campay_app_key": "campay-app-key",
                "campay_webhook_key": "campay-webhook-key"}

    def transactions(self, **members):
        """Transactions with these members, e.g. transactions(external_reference="pay_…"), oldest first."""
        return [one for one in self.api.get("/_transactions").json
                if all(one[name] == value for name, value in members.items())]

    def decide(self, reference, status, **members):
        """Sets the status of the transaction with our reference; False when the gateway does not have it yet."""
        return self.api.post("/_decide", json={"external_reference": reference, "status": status, **members}).status == 200

    def callback(self, reference, **members):
        """Sends a callback now; status=, amount=, sign=, signature="forged" or "none" change it. Returns the
        status of the reply."""
        return self.api.post("/_callback", json={"reference": reference, **members}).json["status"]


class Listener:
    """An HTTP server that records each request as (method, path, headers, body) in .requests and answers with .status."""

    def __init__(self):
        self.requests, self.status = [], 200
        listener = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                listener.requests.append((self.command, self.path, self.headers, body))
                self.send_response(listener.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            do_POST = do_GET

            def log_message(self, *_):
                pass

        self.http = Serving(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        self.thread = threading.Thread(target=self.http.serve_forever, daemon=True)
        self.thread.start()

    def close(self):
        self.http.shutdown()
        self.http.server_close()
        self.thread.join()
