# SPDX-License-Identifier: MIT
"""Random business events against a real server, 16 at a time, all from one seed.

    python3 tests/money/events.py --events 1000000 --seed 42 [--kills 100] [--workers 16] [--binary build/release/reeyo]

Worker k's n-th event is the same in every run of a seed: its kind and five numbers, drawn before anything is looked at. The numbers
choose among what there is at that moment (which order is under way depends on what the others did), so outcomes
interleave while what was chosen does not; the digest printed at the end is of what was chosen.
"""

import argparse
import collections
import contextlib
import hashlib
import json
import os
import pathlib
import random
import re
import sys
import time

if __package__ in (None, ""):
    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from money.model import Model, Order  # noqa: E402
from money.wire import Lost, Wires, request  # noqa: E402

# In a thousand.
WEIGHTS = {
    "place": 215, "advance": 500, "cancel": 45, "reject": 25, "admin_cancel": 15, "release": 10, "rate": 20,
    "top_up": 25, "top_up_momo": 10, "payout": 25, "payout_decide": 25, "dispute": 10, "dispute_decide": 10, "hand_in": 15,
    "again": 20, "wrong": 25, "look": 2, "grow_old": 3,
}
# What a kind needs the server to serve; without it the event is one of "advance".
NEEDS = {"top_up": "/wallet/add-funds", "top_up_momo": "momo", "payout": "/payouts/request", "payout_decide": "/payouts/:id/approve",
         "dispute_decide": "/disputes/:id/resolve", "hand_in": "/riders/:id/cash-handins"}
MOST_OPEN = 250
SETTLE_MS = 1200  # of the gateway: later than the server leaves a callback to the answer of its own call
STATUS = re.compile(rb'"status":"(\w+)"')
TO = {"fullAddress": "Rue Njo-Njo, Bonapriso", "coordinates": {"lat": 4.0301, "lng": 9.6948}}
PARCEL = {"orderType": "PACKAGE",
          "pickupAddress": {"fullAddress": "Rue Joffre, Akwa", "coordinates": {"lat": 4.0503, "lng": 9.6960},
                            "contactName": "Rose Etame", "contactPhone": "+237690000777"},
          "deliveryAddress": {**TO, "contactName": "Awa Ngono", "contactPhone": "+237690000778"}}


class Run:
    """One run of a seed on a server. kills: how often it dies meanwhile."""

    def __init__(self, server, seed, events, workers=16, kills=0, momo=False, log=None):
        self.server, self.seed, self.events, self.workers, self.kills = server, seed, events, workers, kills
        self.log = log or (lambda line: None)
        self.model = Model(server)
        self.served = served()
        if momo:
            self.served.add("momo")
        self.done = self.lost = self.killed = self.repeated = 0
        self.answers = collections.Counter()
        self.digests = [hashlib.sha256() for _ in range(workers)]     # of what each worker has done
        self.chance = random.Random(f"{seed}/kills")
        self.began = self.kill_at = None

    def go(self):
        """Runs, and gives what happened. The model proves it: see prove()."""
        self.began = time.monotonic()
        self._next_kill()
        wires = Wires(lambda: self.server.port)
        wires.run([Worker(self, n).script() for n in range(self.workers)], self._tick)
        seconds = time.monotonic() - self.began
        return {"seed": self.seed, "events": self.done, "seconds": round(seconds, 1), "rate": round(self.done / seconds, 1),
                "orders": len(self.model.orders), "delivered": len(self.model.delivered), "kills": self.killed,
                "unanswered": self.lost, "repeats": self.repeated, "digest": self.digest(),
                "answers": {f"{kind} {status}": n for (kind, status), n in sorted(self.answers.items())}}

    def digest(self):
        return together(self.digests)

    def prove(self):
        """The books as they are: payments and pay-outs that wait for somebody are part of them."""
        assert self.digest() == chosen(self.seed, self.events, self.workers), "not what the seed chooses"
        if "momo" in self.served:
            self.model.settle()
        self.model.prove()

    # --- Kills -----------------------------------------------------------------------------------------------

    def _next_kill(self):
        """At random among the events: some time between now and twice the even distance."""
        left = self.kills - self.killed
        self.kill_at = self.done + 1 + self.chance.random() * 2 * (self.events - self.done) / (left + 1) if left > 0 else None

    def _tick(self):
        if self.kill_at is not None and self.done >= self.kill_at:
            self.server.kill()
            self.killed += 1
            self.server.start()
            self._next_kill()
            self.log(f"killed {self.killed} times, {self.done} events")


def choices(seed, number, events, workers):
    """What worker `number` of `workers` does, in turn: (kind, five numbers)."""
    chance, kinds, weights = random.Random(f"{seed}/{number}"), list(WEIGHTS), list(WEIGHTS.values())
    for _ in range(events // workers + (number < events % workers)):
        yield chance.choices(kinds, weights)[0], [chance.random() for _ in range(5)]


def note(digest, kind, numbers):
    digest.update(f"{kind}{numbers}".encode())


def together(digests):
    return hashlib.sha256(b"".join(each.digest() for each in digests)).hexdigest()[:16]


def chosen(seed, events, workers=16):
    """The digest of all that a seed chooses."""
    digests = [hashlib.sha256() for _ in range(workers)]
    for number, digest in enumerate(digests):
        for kind, numbers in choices(seed, number, events, workers):
            note(digest, kind, numbers)
    return together(digests)


def served():
    """The paths that the binary serves."""
    from world.server import reeyo
    rows = json.loads(reeyo("routes", "--json").stdout)
    return {row["path"] for row in rows} | {alias for row in rows for alias in row["aliases"]}


def cut(numbers, low, high):
    """A whole number from low to high."""
    return low + int(numbers * (high - low + 1))


class Worker:
    def __init__(self, run, number):
        self.run, self.model, self.number = run, run.model, number
        self.serial = 0
        self.last = None                                   # (bytes, status, id) of what may be repeated

    def script(self):
        run = self.run
        for kind, numbers in choices(run.seed, self.number, run.events, run.workers):
            note(run.digests[self.number], kind, numbers)
            if kind in NEEDS and NEEDS[kind] not in run.served:
                kind = "advance"
            yield from getattr(self, kind)(*numbers)
            run.done += 1

    # --- Asking ----------------------------------------------------------------------------------------------

    def key(self):
        self.serial += 1
        return f"{self.run.seed}-{self.number}-{self.serial}"

    def ask(self, kind, method, path, who, body=None, key=None):
        """The reply. A request without a reply is repeated: with its key, if it has one, so it has one effect."""
        data = request(method, "/api/v1/" + path, who.token, json.dumps(body) if body is not None else None, key)
        for _ in range(400):
            try:
                reply = yield data
            except Lost:
                self.run.lost += 1
                continue
            if reply.status == 503 or (reply.status == 409 and b"IDEMPOTENCY_RUNNING" in reply.body):
                self.run.repeated += 1
                continue
            break
        else:
            raise AssertionError(f"no answer to {data!r}")
        self.run.answers[kind, reply.status] += 1
        if reply.status >= 500:
            self.model.wrong.append((kind, path, reply.status, reply.body[:300]))
        if key and reply.status < 300:
            self.last = data, reply.status, reply.body
        return reply

    def data(self, reply):
        return json.loads(reply.body)["data"]

    def pick(self, some, number):
        return some[int(number * len(some))]

    # --- Orders ----------------------------------------------------------------------------------------------

    def place(self, a, b, c, d, e):
        if len(self.model.open) >= MOST_OPEN:
            yield from self.advance(a, b, c, d, e)
            return
        buyer, shop = self.pick(self.model.customers, a), None
        methods = ["WALLET"] * 55 + ["CASH"] * 30
        if "/wallet/add-funds" in self.run.served:
            methods += ["CARD"] * 7
        if "momo" in self.run.served:
            methods += ["MOBILE_MONEY"] * 8
        body = {"paymentMethod": self.pick(methods, b)}
        if c < 0.15:
            body |= PARCEL | {"packageDetails": {"category": "PARCEL", "weight": cut(d, 1, 15), "description": "Books",
                                                 "isFragile": e < 0.2}}
        else:
            shop = self.pick(self.model.shops, (c - 0.15) / 0.85)
            lines = [{"itemId": shop.items[cut(d, 0, 2)], "quantity": cut(e, 3, 9)}]
            if e * 7 % 1 < 0.3:
                lines.append({"itemId": shop.items[(cut(d, 0, 2) + 1) % 3], "quantity": 1})
            body |= {"vendorId": shop.id, "items": lines, "deliveryAddress": TO}
        if body["paymentMethod"] == "MOBILE_MONEY":
            body["phone"] = "+237670112233"
        if body["paymentMethod"] == "CARD":
            body["paymentToken"] = "tok_sandbox"
        reply = yield from self.ask("place", "POST", "orders", buyer, body, self.key())
        if reply.status != 201:
            return
        data = self.data(reply)
        order = Order(data["orderId"], buyer, shop, data["orderType"], data["paymentMethod"], data["total"])
        self.model.ack("order", order.id, buyer.id, order.total)
        self.model.placed(order)

    def target(self, number):
        """Any active order: more often an old one, or none would end."""
        some = self.model.open
        return some[int(number * number * len(some))] if some else None

    def step(self, kind, order, method, path, who, body, expected, keyed=True):
        """One act on an order. When it is refused the order is not as we think: look."""
        reply = yield from self.ask(kind, method, path, who, body, self.key() if keyed else None)
        if reply.status == 200:
            found = STATUS.search(reply.body) if expected is None else None
            state = found.group(1).decode() if found else expected
            self.model.ack("step", order.id, state)
            self.model.moved(order, state)
            return True
        if b"RIDER_5000" in reply.body:                    # silent for 300 s
            yield from self.ask("online", "PATCH", "rider/availability/status", who, {"isOnline": True})
        yield from self.look_at(order)
        return False

    def look_at(self, order):
        reply = yield from self.ask("look", "GET", f"orders/{order.id}", order.buyer)
        if reply.status == 200:
            data = self.data(reply)
            order.rider = next((r for r in self.model.riders if r.id == data["riderId"]), None)
            self.model.moved(order, data["status"])

    def advance(self, a, b, c, d, e):
        """The next thing that happens to an order when all goes well, done by the account in charge."""
        order = self.target(a)
        if order is None:
            yield from self.place(b, c, d, e, a)
            return
        keyed = self.run.kills > 0 or e < 0.5
        at = f"orders/{order.id}"
        if order.state == "PENDING" and order.shop:
            yield from self.step("accept", order, "PUT", f"vendor/{at}/accept", order.shop, {"preparationTime": 20}, None, keyed)
        elif order.state == "ACCEPTED" and b < 0.35:
            yield from self.step("preparing", order, "POST", f"vendor/{at}/preparing", order.shop, {}, None, keyed)
        elif order.state in ("ACCEPTED", "PREPARING") and b < 0.7:
            yield from self.step("ready", order, "PUT", f"vendor/{at}/ready", order.shop, {}, None, keyed)
        elif order.rider is None or order.state in ("PENDING", "ACCEPTED", "PREPARING", "READY_FOR_PICKUP"):
            yield from self.take(order, at, c, d, keyed)
        elif order.state == "RIDER_ASSIGNED" and b < 0.5:
            yield from self.step("arrive", order, "POST", f"rider/{at}/arrive-pickup", order.rider, {}, None, keyed)
        elif order.state in ("RIDER_ASSIGNED", "RIDER_AT_PICKUP"):
            yield from self.step("pick up", order, "POST", f"rider/{at}/confirm-pickup", order.rider, {}, None, keyed)
        elif order.state == "IN_TRANSIT" and b < 0.4:
            yield from self.step("arrive", order, "POST", f"rider/{at}/arrive-delivery", order.rider, {}, None, keyed)
        else:
            yield from self.step("complete", order, "POST", f"rider/{at}/complete", order.rider, {}, None, keyed)

    def take(self, order, at, c, d, keyed):
        rider = self.pick(self.model.riders, c)
        if d < 0.1 and order.state != "PENDING":
            done = yield from self.step("assign", order, "POST", f"admin/{at}/assign-rider", self.model.admins[0],
                                        {"riderId": rider.id}, "RIDER_ASSIGNED", False)
        else:
            done = yield from self.step("take", order, "POST", f"rider/{at}/accept", rider, {}, None, keyed)
        if done:
            order.rider = rider

    def cancel(self, a, b, c, d, e):
        """At any state: allowed early, refused late."""
        order = self.target(a)
        if order:
            yield from self.step("cancel", order, "PUT", f"orders/{order.id}/cancel", order.buyer,
                                 {"reason": "Changed my mind"}, None)

    def reject(self, a, b, c, d, e):
        order = self.target(a)
        if order and order.shop:
            yield from self.step("reject", order, "PUT", f"vendor/orders/{order.id}/reject", order.shop,
                                 {"reason": "Sold out"}, None)

    def admin_cancel(self, a, b, c, d, e):
        order = self.target(a)
        if order:
            yield from self.step("admin cancel", order, "POST", f"admin/orders/{order.id}/cancel", self.pick(self.model.admins, b),
                                 {"reason": "The street is closed"}, "CANCELLED", False)

    def release(self, a, b, c, d, e):
        """A rider gives an order back, or does not want it."""
        order = self.target(a)
        if order:
            rider = order.rider or self.pick(self.model.riders, b)
            yield from self.ask("release", "PUT", f"rider/orders/{order.id}/reject", rider, {"reason": "A flat tyre"}, self.key())
            yield from self.look_at(order)

    def rate(self, a, b, c, d, e):
        if not self.model.delivered:
            return
        order = self.pick(self.model.delivered, a)
        reply = yield from self.ask("rate", "POST", f"orders/{order.id}/rate", order.buyer, {"rating": cut(b, 1, 5)})
        if reply.status == 200:
            self.model.ack("rating", order.id)

    # --- Money -----------------------------------------------------------------------------------------------

    def top_up(self, a, b, c, d, e):
        buyer, amount = self.pick(self.model.customers, a), cut(b, 100, 50000)
        reply = yield from self.ask("top up", "POST", "wallet/add-funds", buyer,
                                       {"amount": amount, "paymentMethod": "CARD", "paymentToken": "tok_sandbox"}, self.key())
        if reply.status == 201:
            self.model.ack("topup", self.data(reply)["transactionId"], buyer.id, amount)

    def top_up_momo(self, a, b, c, d, e):
        buyer, amount = self.pick(self.model.customers, a), cut(b, 100, 50000)
        reply = yield from self.ask("top up by phone", "POST", "wallet/add-funds", buyer,
                                       {"amount": amount, "paymentMethod": "MOBILE_MONEY", "phone": "+237670112233"}, self.key())
        if reply.status == 201:
            self.model.ack("asked", self.data(reply)["transactionId"], buyer.id, amount)

    def payout(self, a, b, c, d, e):
        kind = "vendor" if c < 0.5 else "rider"
        owner = self.pick(self.model.shops if kind == "vendor" else self.model.riders, a)
        amount = cut(b, 5000, 40000)
        reply = yield from self.ask("payout", "POST", f"{kind}/payouts/request", owner, {"amount": amount}, self.key())
        if reply.status == 201:
            payout = self.data(reply)["payoutId"]
            self.model.ack("payout", payout, owner.id, amount)
            self.model.payouts.append(payout)

    def payout_decide(self, a, b, c, d, e):
        if not self.model.payouts:
            return
        place = int(a * len(self.model.payouts))
        payout = self.model.payouts[place]
        if d < 0.8:                                        # now and then it is left for another to decide again
            self.model.payouts[place] = self.model.payouts[-1]
            self.model.payouts.pop()
        verb, body = ("reject", {"reason": "Wrong number"}) if b < 0.3 else (
            "approve", {"transactionReference": f"bank-{self.key()}"} if c < 0.7 else {})
        reply = yield from self.ask(f"payout {verb}", "POST", f"admin/payouts/{payout}/{verb}",
                                       self.pick(self.model.admins, e), body)
        if reply.status == 200:
            self.model.ack("payout_decided", payout, "REJECTED" if verb == "reject" else "APPROVED")

    def dispute(self, a, b, c, d, e):
        if not self.model.delivered:
            return
        order = self.pick(self.model.delivered, a)
        reply = yield from self.ask("dispute", "POST", "disputes", order.buyer, {
            "orderId": order.id, "category": "MISSING_ITEMS", "subject": "Half of it", "description": "Half of it was missing"},
            self.key())
        if reply.status == 201:
            dispute = self.data(reply)["id"]
            self.model.ack("dispute", dispute)
            self.model.disputes.append((dispute, order))

    def dispute_decide(self, a, b, c, d, e):
        if not self.model.disputes:
            return
        place = int(a * len(self.model.disputes))
        dispute, order = self.model.disputes[place]
        if d < 0.8:
            self.model.disputes[place] = self.model.disputes[-1]
            self.model.disputes.pop()
        refund = 0 if b < 0.3 else cut(c, 1, order.total + order.total // 4)       # too much, at times
        verb, body = ("reject", {"reason": "Everything was there"}) if b < 0.2 else ("resolve", {"resolution": "Given back"})
        if verb == "resolve" and refund:
            body["refundAmount"] = refund
        reply = yield from self.ask(f"dispute {verb}", "POST", f"admin/disputes/{dispute}/{verb}",
                                       self.pick(self.model.admins, e), body, self.key())
        if reply.status == 200:
            self.model.ack("decided", dispute, "REJECTED" if verb == "reject" else "RESOLVED", refund)

    def hand_in(self, a, b, c, d, e):
        rider, amount = self.pick(self.model.riders, a), cut(b, 500, 30000)
        reply = yield from self.ask("hand in", "POST", f"admin/riders/{rider.id}/cash-handins", self.model.admins[0],
                                       {"amount": amount, "reference": f"till-{self.key()}"})
        if reply.status == 201:
            self.model.ack("handin", rider.id, "", amount)

    # --- What must not count twice, or at all --------------------------------------------------------------------

    def again(self, a, b, c, d, e):
        """Repeats the last request with a key: the same reply, and no effect."""
        if self.last is None:
            return
        data, status, body = self.last
        try:
            reply = yield data
        except Lost:
            self.run.lost += 1
            return
        self.run.answers["again", reply.status] += 1
        if reply.status not in (status, 503, 429) or (reply.status == status and first_id(reply.body) != first_id(body)):
            self.model.wrong.append(("again", data[:200], status, reply.status, reply.body[:300]))

    def wrong(self, a, b, c, d, e):
        """Requests that must be refused: invalid amounts, and other accounts' objects."""
        buyer, _other = self.pick(self.model.customers, a), self.pick(self.model.customers, a + 0.5 if a < 0.5 else a - 0.5)
        shop, order = self.pick(self.model.shops, b), self.target(c)
        amount = self.pick([-5000, 0, 100.5, 2 ** 63, "5000", None], d)
        choices = [("POST", "wallet/add-funds", buyer, {"amount": amount, "paymentMethod": "CARD", "paymentToken": "t"}),
                   ("POST", "vendor/payouts/request", shop, {"amount": amount}),
                   ("POST", f"admin/riders/{self.model.riders[0].id}/cash-handins", self.model.admins[0],
                    {"amount": amount, "reference": "wrong"}),
                   ("POST", "orders", buyer, {"vendorId": shop.id, "items": [{"itemId": shop.items[0], "quantity": -1}]}),
                   ("POST", "orders", buyer, {"vendorId": shop.id, "items": [{"itemId": "item_none", "quantity": 1}]}),
                   ("POST", "admin/payouts/payout_none/approve", buyer, {})]
        if order:
            choices += [("PUT", f"orders/{order.id}/cancel", self.another(order.buyer, self.model.customers), {"reason": "Not mine"}),
                        ("PUT", f"vendor/orders/{order.id}/accept", self.another(order.shop, self.model.shops), {}),
                        ("POST", f"rider/orders/{order.id}/complete", self.another(order.rider, self.model.riders), {})]
        method, path, who, body = self.pick(choices, e)
        reply = yield from self.ask("wrong", method, path, who, body)
        if reply.status == 200 and path.endswith("/complete"):   # it was given to him in between
            self.model.ack("step", order.id, "DELIVERED")
            self.model.moved(order, "DELIVERED")
        elif not 400 <= reply.status < 500:
            self.model.wrong.append((path, body, reply.status, reply.body[:300]))

    def another(self, one, some):
        """Anybody of them but this one."""
        return some[1] if one is some[0] else some[0]

    def look(self, a, b, c, d, e):
        buyer = self.pick(self.model.customers, a)
        reply = yield from self.ask("look", "GET", "wallet", buyer)
        if reply.status == 200 and self.data(reply)["availableBalance"] < 0:
            self.model.wrong.append(("wallet below zero", buyer.id, reply.body))

    def grow_old(self, a, b, c, d, e):
        """Nobody accepts an order for half an hour: the timer ends it."""
        order = self.target(a)
        if order and order.state == "PENDING":
            self.model.sql(
                "UPDATE orders SET created_at = created_at - interval '31 minutes', timeline = replace(timeline::text,"
                " timeline -> -1 ->> 'timestamp', iso(now() - interval '31 minutes'))::json"
                " WHERE id = %s AND status = 'PENDING'", order.id)
        return
        yield                                              # it asks nothing of the server


def first_id(body):
    found = re.search(rb'"(?:orderId|transactionId|payoutId|id)":"([^"]+)"', body)
    return found and found.group(1)


# --- The program ---------------------------------------------------------------------------------------------------

def main():
    ask = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    ask.add_argument("--events", type=int, default=1_000_000)
    ask.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10 ** 6))
    ask.add_argument("--workers", type=int, default=16)
    ask.add_argument("--kills", type=int, default=0)
    ask.add_argument("--binary", default=os.environ.get("REEYO_BINARY", "build/release/reeyo"))
    chosen = ask.parse_args()
    os.environ["REEYO_BINARY"] = str(pathlib.Path(chosen.binary).resolve())
    from world.fakes import Campay
    from world.ports import free_port
    from world.server import Server
    from world.stores import Databases, Stores
    print(f"seed {chosen.seed}: {chosen.events} events, {chosen.workers} at a time, {chosen.kills} kills", flush=True)
    with contextlib.ExitStack() as stack:
        stores = stack.enter_context(contextlib.closing(Stores()))
        stores.postgres_start()
        stores.redis_start()
        databases = Databases(stores.database_url(), os.environ["REEYO_BINARY"], throwaway=True)
        port = free_port()
        campay = Campay(callback=f"http://127.0.0.1:{port}/webhooks/campay", settle_ms=SETTLE_MS)
        stack.callback(campay.stop)
        server = Server(databases.fresh(), stores.redis_url, rate_limit="off", listen=f"127.0.0.1:{port}", loops=1,
                        db_write_lanes=8, access_log="off", payment_asks=200, **campay.keys())
        stack.callback(server.kill)                        # also when something is wrong
        server.start()
        run = Run(server, chosen.seed, chosen.events, chosen.workers, chosen.kills, momo=True,
                  log=lambda line: print(line, flush=True))
        result = run.go()
        print(json.dumps(result, indent=1), flush=True)
        began = time.monotonic()
        run.prove()
        print(f"proved in {time.monotonic() - began:.1f} s: the audit is clean, and what was acknowledged is there once", flush=True)
        server.close()


if __name__ == "__main__":
    main()
