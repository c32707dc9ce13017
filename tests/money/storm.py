# SPDX-License-Identifier: MIT
"""A storm of payments against a gateway that breaks what it can: customers top up and order by mobile money, repeat their
requests with their keys, cancel, read, and get no reply, while the server is killed and started again. Everything a customer does
follows from the seed and his number; what the gateway does from the seed and the order of calls.

In the end time is moved on until nothing waits any more, and both sides are laid beside each other."""

import concurrent.futures
import http.client
import json
import random
import sys
import time

from world.accounts import appoint
from world.audit import audit
from world.client import Api
from world.database import Database
from world.fakes import Fake
from world.payers import APP_KEY, BASKET, PASSWORD, USERNAME, WEBHOOK_KEY
from world.ports import free_port
from world.server import Server, reeyo
from world.tokens import issue

# Of how many intents one is sent more than once, is an order, is cancelled, is looked at; percent.
AGAIN, ORDERS, CANCELS, LOOKS = 15, 30, 20, 30
INTENTS_A_CUSTOMER = 8


class Storm:
    def __init__(self, database_url, count, seed, faults=25, workers=16, kills=0, report=print):
        self.count, self.seed, self.kills, self.workers, self.report = count, seed, kills, workers, report
        self.port = free_port()
        self.gateway = Fake("campay", seed=seed, faults=faults, settle_ms=1000,
                            callback=f"http://127.0.0.1:{self.port}/webhooks/campay")
        self.server = Server(database_url, "", listen=f"127.0.0.1:{self.port}", campay_url=self.gateway.url,
                             campay_username=USERNAME, campay_password=PASSWORD, campay_app_key=APP_KEY,
                             campay_webhook_key=WEBHOOK_KEY, gateway_timeout="3s", gateway_at_once=8, payment_asks=200,
                             access_log="off")
        self.sql = Database(database_url)
        self.answers = {}  # intent number → references that were acknowledged
        self.statuses = {}
        self.down = 0.0

    def value(self, statement, *arguments):
        return next(iter(self.sql(statement, *arguments)[0].values()))

    # --- Customers

    def people(self):
        """As many customers as it takes for none to have twenty that wait."""
        many = self.count // INTENTS_A_CUSTOMER + 1
        self.sql("INSERT INTO users (id, phone, first_name, last_name, password_hash, phone_verified)"
                 " SELECT 'user_storm_' || n, '+23762' || lpad(n::text, 7, '0'), 'Awa', 'Ngono', 'x', true"
                 " FROM generate_series(1, %s) n", many)
        self.sql("INSERT INTO wallets (owner_id, kind) SELECT 'user_storm_' || n, 'USER' FROM generate_series(1, %s) n", many)
        self.sql("INSERT INTO addresses (id, user_id, label, address, city, lat, lng, is_default)"
                 " SELECT 'addr_storm_' || n, 'user_storm_' || n, 'Maison', 'Bonapriso', 'Douala', 4.0301, 9.6948, true"
                 " FROM generate_series(1, %s) n", many)
        self.apis = [Api(self.port, issue("USER", f"user_storm_{n}"), timeout=30) for n in range(1, many + 1)]

    def call(self, api, method, path, **more):
        """Until there is an answer: what was asked with a key may be asked again, and is to be when it is answered 503."""
        end = time.monotonic() + 120
        while True:
            try:
                reply = getattr(api, method)(path, **more)
                self.statuses[reply.status] = self.statuses.get(reply.status, 0) + 1
                if reply.status != 503:
                    return reply
            except (OSError, http.client.HTTPException):
                api.close()
            assert time.monotonic() < end, f"no answer to {method} {path}"
            time.sleep(0.2)

    def one(self, number):
        chance = random.Random(f"{self.seed}:{number}")
        api = self.apis[number % len(self.apis)]
        key = {"Idempotency-Key": f"storm-{self.seed}-{number}"}
        order = chance.random() * 100 < ORDERS
        phone = "+2376" + chance.choice("5789") + f"{chance.randrange(10**7):07d}"
        if order:
            path, body = "orders", {**BASKET, "paymentMethod": "MOBILE_MONEY", "phone": phone}
        else:
            path, body = "wallet/add-funds", {"amount": chance.randrange(100, 500001), "paymentMethod": "MOBILE_MONEY",
                                              "phone": phone}
        times = 1 + (chance.random() * 100 < AGAIN) + (chance.random() * 100 < AGAIN)
        cancels, looks = chance.random() * 100 < CANCELS, chance.random() * 100 < LOOKS
        for _ in range(times):
            reply = self.call(api, "post", path, json=body, headers=key)
            assert reply.status in (201, 400, 409), reply
            if reply.status == 201:
                reference = reply.data["paymentReference" if order else "reference"]
                self.answers.setdefault(number, set()).add(reference)
        if reply.status == 201 and order and cancels:
            self.call(api, "put", f"orders/{reply.data['orderId']}/cancel", json={"reason": "Je ne veux plus"})
        if reply.status == 201 and looks:
            self.call(api, "get", f"wallet/add-funds/{reference}")

    # --- The whole

    def blow(self):
        """All intents, with the server killed now and then."""
        began = time.monotonic()
        moments = [self.count * (n + 1) // (self.kills + 1) for n in range(self.kills)]
        with concurrent.futures.ThreadPoolExecutor(self.workers) as pool:
            tasks = [pool.submit(self.one, number) for number in range(self.count)]
            for done, task in enumerate(concurrent.futures.as_completed(tasks)):
                task.result()
                if moments and done >= moments[0]:
                    moments.pop(0)
                    self.server.kill()
                    self.server.start()
                    self.report(f"  killed and started again after {done} intents")
        self.took = time.monotonic() - began

    def waiting(self):
        return self.value("SELECT count(*) FROM payment_intents WHERE next_check_at <= now()"
                          " OR state IN ('CREATED', 'PENDING') AND created_at < now() - interval '16 minutes'")

    def calm(self, rounds=100, seconds=240):
        """Moves time on until asking has changed nothing three times: asks break, too."""
        self.sql("UPDATE payment_intents SET created_at = created_at - interval '17 minutes'"
                 " WHERE state IN ('CREATED', 'PENDING')")
        still = 0
        for number in range(rounds):
            states = self.states()
            self.sql("UPDATE payment_intents SET next_check_at = now() WHERE next_check_at IS NOT NULL")
            end = time.monotonic() + seconds
            while self.waiting():
                assert time.monotonic() < end, f"{self.waiting()} payments are not queried"
                time.sleep(0.1)
            time.sleep(2)  # what was asked last is answered
            self.report(f"  round {number + 1}: {self.states()}")
            still = still + 1 if states == self.states() else 0
            if still == 3 and "EXPIRED" not in states:
                return

    def decide(self):
        """An admin decides what came in another amount than was asked for, this way and that."""
        console = appoint(self.server, self.sql).api
        for number, row in enumerate(self.sql("SELECT id FROM payment_intents WHERE state = 'MISMATCH' ORDER BY id")):
            reply = console.post(f"payments/{row['id']}/resolve", json={
                "outcome": ("BOOKED", "SETTLED_OUTSIDE")[number % 2], "notes": "Storm"})
            assert reply.status == 200, reply

    def states(self):
        return {row["state"]: row["n"] for row in self.sql(
            "SELECT state, count(*) AS n FROM payment_intents GROUP BY 1 ORDER BY 1")}

    def theirs(self):
        """{our reference: (status, amount)} as the gateway has them, past the server."""
        return {row["external_reference"]: (row["status"], row["amount"])
                for row in self.gateway.api.get("/_transactions").json}

    def verdict(self):
        theirs = self.theirs()
        ours = {row["id"]: row for row in self.sql("SELECT * FROM payment_intents")}
        paid = {name for name, row in ours.items() if theirs.get(name) == ("SUCCESSFUL", row["amount"])}
        credited = {name for name, row in ours.items() if row["state"] == "SUCCEEDED"}
        acknowledged = {name for names in self.answers.values() for name in names}
        done = reeyo("reconcile", "--json", environment={
            "REEYO_" + key.upper(): str(value) for key, value in self.server.configuration.items()
            if key.startswith(("campay_", "database_url"))}, timeout=120)
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        assert lines, done.stderr
        return {
            "seed": self.seed, "intents": self.count, "rows": len(ours), "states": self.states(),
            "late": sum(row["late"] for row in ours.values()), "answers": self.statuses,
            "at_the_gateway": len(theirs), "seconds": round(self.took, 1),
            "credited_twice": self.value("SELECT count(*) FROM (SELECT FROM ledger WHERE from_kind = 'CLEARING'"
                                         " AND reference ^@ 'pay_' GROUP BY reference HAVING count(*) > 1) t"),
            "credited_without_success": len(credited - paid), "paid_and_not_credited": len(paid - credited),
            "acknowledged_and_lost": len(acknowledged - set(ours)),
            "two_of_one_key": sum(len(names) > 1 for names in self.answers.values()),
            "reconcile": {**lines[-1], "code": done.returncode},
            "unexplained": [line for line in lines[:-1] if not line["explained"]][:5],
            "audit": [row["check"] for row in audit(self.server.configuration["database_url"]).values() if row],
        }

    def run(self):
        try:
            self.server.start()
            self.people()
            self.blow()
            self.calm()
            self.decide()
            return self.verdict()
        finally:
            self.sql.close()
            self.server.close()
            self.gateway.stop()


def sound(verdict):
    """Whether nothing is lost, doubled or unexplained."""
    return not (verdict["credited_twice"] or verdict["credited_without_success"] or verdict["paid_and_not_credited"]
                or verdict["acknowledged_and_lost"] or verdict["two_of_one_key"] or verdict["reconcile"]["code"] or verdict["unexplained"]
                or verdict["audit"])


def main(arguments):
    import argparse

    from world.server import binary
    from world.stores import Databases, Stores

    parser = argparse.ArgumentParser(description="Payments against a gateway that breaks what it can.")
    parser.add_argument("--count", type=int, default=10000)
    parser.add_argument("--seed", type=int, default=None, help="of an earlier run, to play it again")
    parser.add_argument("--faults", type=int, default=25, help="percent of the gateway's answers that go wrong")
    parser.add_argument("--kills", type=int, default=3, help="how often the server is killed meanwhile")
    parser.add_argument("--workers", type=int, default=16)
    asked = parser.parse_args(arguments)
    seed = asked.seed if asked.seed is not None else random.SystemRandom().randrange(1, 10**6)
    print(f"seed {seed}: {asked.count} intents, {asked.faults} % faults, {asked.kills} kills", flush=True)
    own = Stores()
    try:
        own.postgres_start()
        databases = Databases(own.database_url(), binary())
        verdict = Storm(databases.fresh(), asked.count, seed, asked.faults, asked.workers, asked.kills,
                        lambda line: print(line, flush=True)).run()
    finally:
        own.close()
    print(json.dumps(verdict, indent=1, default=str))
    print("sound" if sound(verdict) else "NOT SOUND")
    return 0 if sound(verdict) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
