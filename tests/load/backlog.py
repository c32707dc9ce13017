# SPDX-License-Identifier: MIT
#
# The row `backlog`: a broadcast of a million push messages is sent to a stand-in of Firebase, alone and
# beside orders.
import contextlib
import statistics
import time
import urllib.request

from life import provider_flags
from rows import ROUNDS, Rate, absolute, ratio_of
from stack import free_port

FAKES = ("twilio", "sendgrid", "fcm")
QUEUED = 1_000_000
BESIDE = 0.9     # orders placed beside it, of those placed alone


def add_devices(session):
    """Orders cause the same messages with and without the backlog."""
    session("INSERT INTO device_tokens (token, account_id, role) SELECT 'device_' || id, id, 'USER' FROM users"
            " WHERE id LIKE 'user\\_bench\\_%%' ON CONFLICT DO NOTHING")


def queue_messages(session, count):
    """Messages of a broadcast to customers in turn."""
    session("INSERT INTO messages (kind, recipient, channel, bulk, template, params, data, language, until)"
            " SELECT 'USER', u.id, 'PUSH', true, 'broadcast', '{\"title\":\"Promo\",\"body\":\"Livraison gratuite\"}',"
            "        '{\"type\":\"BROADCAST\"}', 'fr', now() + interval '1 day'"
            "   FROM generate_series(1, %s / (SELECT count(*) FROM users WHERE id LIKE 'user\\_bench\\_%%')) turn,"
            "        (SELECT id FROM users WHERE id LIKE 'user\\_bench\\_%%' ORDER BY id) u ORDER BY turn, u.id", count)
    session("VACUUM ANALYZE messages")


class Sent:
    """Counts the messages that a server has sent: `flags` for its start; a second, while a with block runs, as `rate`."""

    def __init__(self):
        self.port = free_port()
        self.flags = ("--listen.metrics", f"127.0.0.1:{self.port}")
        self.rate = None

    def count(self):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=30) as reply:
            return next(float(line.rpartition(b" ")[2]) for line in reply
                        if line.startswith(b'reeyo_messages_total{end="sent"}'))

    def wait(self):
        end = time.monotonic() + 30
        while not self.count() and time.monotonic() < end:
            time.sleep(0.1)

    def __enter__(self):
        self.before, self.since = self.count(), time.monotonic()
        return self

    def __exit__(self, *_):
        self.rate = Rate((self.count() - self.before) / (time.monotonic() - self.since))


def alone(world, server, messages):
    before = server.cpu_s()
    with messages:
        time.sleep(world.seconds)
    messages.rate.cpu_us = (server.cpu_s() - before) * 1e6 / (messages.rate * world.seconds or 1)
    return messages.rate


def beside(world, server, path, messages):
    with messages:
        orders = world.rate(server, path, 64, (201,))
    return orders, messages.rate


def backlog(world):
    stack, path = world.stack, world.orders_placed()
    for name in ("placed", "backlog"):
        stack.copy(name)
        with stack.session(name) as session:
            add_devices(session)
    with contextlib.ExitStack() as running:
        queue_messages(running.enter_context(stack.session("backlog")), QUEUED)
        flags = provider_flags(*(running.enter_context(stack.fake(name)) for name in FAKES))
        drained, orders, both, slowed = [], [], [], []
        for _ in range(ROUNDS):
            with stack.server(*flags, database="placed") as server:
                world.visit(server, path, (201,))
                orders.append(world.rate(server, path, 64, (201,)))
            messages = Sent()
            with stack.server(*flags, *messages.flags, database="backlog") as server:
                world.visit(server, path, (201,))
                messages.wait()
                for rates, rate in zip((both, slowed), beside(world, server, path, messages)):
                    rates.append(rate)
                drained.append(alone(world, server, messages))
    row = absolute("backlog", f"a broadcast of {QUEUED:,} messages: sent a second, alone", statistics.median(drained), None, "/s",
                   at_least=True)
    row.cpu_us = statistics.median(rate.cpu_us for rate in drained)
    return [row, absolute("backlog_beside", "… beside orders", statistics.median(slowed), None, "/s", at_least=True),
            ratio_of("backlog_orders", "orders placed beside it, against orders placed alone", both, orders, BESIDE)]


ROWS = {"backlog": backlog}
