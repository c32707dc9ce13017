# SPDX-License-Identifier: MIT
"""A mobile-money gateway that the test controls: the test plans the reply to each call and sets the status of each transfer. For
situations that a separate program cannot be stopped in."""

import http.server
import itertools
import json
import threading

from .serving import Serving
from .waiting import PATIENCE


class Till:
    """.url; .plan(*steps) for the next withdrawals: "ok", "refuse", "reset", "reset-after", 500, "500-after", or a
    threading.Event that the answer waits for (the transfer is done before). .transfers: {reference: row};
    .set_status(reference, status) sets the status in queries and history. .dumb: queries and history fail; .another: a row
    that is the reply to withdrawals instead of their own."""

    def __init__(self):
        self.lock = threading.Lock()
        self.numbers = itertools.count(1)
        self.transfers, self.steps, self.calls = {}, [], []
        self.status, self.names, self.down = "PENDING", True, False
        self.dumb, self.another = False, None
        till = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *words):
                pass

            def do_GET(self):
                till.answer(self)
            do_POST = do_GET
        self.server = Serving(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def plan(self, *steps):
        self.steps.extend(steps)

    def set_status(self, reference, status, **more):
        with self.lock:
            self.transfers[reference].update(status=status, **more)

    def sent(self, payout):
        """The references under which a pay-out was sent."""
        with self.lock:
            return [row["reference"] for row in self.transfers.values() if row["external_reference"] == payout]

    def bodies(self, path):
        with self.lock:
            return [body for called, body in self.calls if called == path]

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    # --- Replies ---------------------------------------------------------------------------------------

    def answer(self, call):
        body = json.loads(call.rfile.read(int(call.headers.get("Content-Length") or 0)) or b"{}")
        path = "/" + call.path.strip("/").split("/")[0]
        with self.lock:
            self.calls.append((path, body))
        if self.down:
            return self.reset(call)
        if path == "/token":
            return self.reply(call, {"token": "t", "expires_in": 3600})
        if path == "/withdraw":
            return self.withdraw(call, body)
        if self.dumb:
            return self.reply(call, {}, 500)
        with self.lock:
            if path == "/history":
                rows = [row if self.names else {k: v for k, v in row.items() if k != "external_reference"}
                        for row in self.transfers.values()]
                return self.reply(call, {"data": [row | {"endpoint": "withdraw", "debit": row["amount"]} for row in rows]})
            row = self.transfers.get(call.path.strip("/").split("/")[1])
        self.reply(call, row or {"message": "unknown"}, 200 if row else 404)

    def withdraw(self, call, body):
        step = self.steps.pop(0) if self.steps else "ok"
        if step == "reset":
            return self.reset(call)
        if step == 500:
            return self.reply(call, {}, 500)
        if step == "refuse":
            return self.reply(call, {"message": "No such wallet"}, 400)
        with self.lock:
            reference = f"cam-{next(self.numbers)}"
            row = self.transfers[reference] = {
                "reference": reference, "external_reference": body["external_reference"], "amount": int(body["amount"]),
                "currency": "XAF", "status": self.status, "operator": "MTN", "to": body["to"]}
        if step == "reset-after":
            return self.reset(call)
        if step == "500-after":
            return self.reply(call, {}, 500)
        if isinstance(step, threading.Event):
            step.wait(2 * PATIENCE)
        self.reply(call, self.another or row)

    def reply(self, call, body, status=200):
        raw = json.dumps(body).encode()
        try:
            call.send_response(status)
            call.send_header("Content-Type", "application/json")
            call.send_header("Content-Length", str(len(raw)))
            call.end_headers()
            call.wfile.write(raw)
        except OSError:
            pass  # the caller is gone

    def reset(self, call):
        call.close_connection = True
        call.connection.close()
