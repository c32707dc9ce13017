# SPDX-License-Identifier: MIT
"""The state known from the replies, and the checks that the database must pass in the end."""

import io
import itertools

from world.accounts import appoint, hire, open_shop, register
from world.audit import books_balance, top_up
from world.database import Database
from world.waiting import until

MOMO = {"accountName": "Rose Etame", "accountNumber": "670 11 22 33", "bankName": "MTN MoMo"}
BANK = {"accountName": "Rose Etame", "accountNumber": "10005 00001 12345", "bankName": "Afriland"}
PURSE = 50_000_000


class Order:
    """An order that was acknowledged. state, rider: as last reported."""
    __slots__ = ("id", "buyer", "shop", "kind", "method", "total", "state", "rider", "where")

    def __init__(self, id, buyer, shop, kind, method, total):
        self.id, self.buyer, self.shop, self.kind, self.method, self.total = id, buyer, shop, kind, method, total
        self.state, self.rider, self.where = "PENDING", None, -1


class Model:
    """The accounts, the active orders, and every acknowledged event. server: on its own database."""

    def __init__(self, server, customers=48, food=7, mart=3, riders=24):
        self.server = server
        self.url = server.configuration["database_url"]
        self.sql = Database(self.url)
        for key in ("services.mart.enabled", "services.packages.enabled"):
            self.sql("UPDATE settings SET value = 'true' WHERE key = %s", key)
        self.customers = [register(server) for _ in range(customers)]
        for customer in self.customers:
            top_up(self.sql, customer.id, PURSE)
        self.shops = [open_shop(server, self.sql, items=3, price=900 + 700 * n, bank_details=(MOMO, BANK)[n % 2],
                                service_type="FOOD" if n < food else "MART", stock=10 ** 8 if n % 3 == 0 else None)
                      for n in range(food + mart)]
        self.riders = [hire(server, self.sql, is_online=True, bank_details=(MOMO, BANK)[n % 2]) for n in range(riders)]
        self.admins = [appoint(server, self.sql), appoint(server, self.sql, role="SUPER_ADMIN")]
        self.open, self.orders, self.delivered = [], {}, []
        self.payouts, self.disputes = [], []              # open ones: (id, kind)
        self.acks = []                                    # (what, id, detail, amount)
        self.wrong = []                                   # answers that must not be
        self.numbers = itertools.count(1)

    # --- Orders under way: a list from which any is taken by its place ---------------------------------------

    def placed(self, order):
        self.orders[order.id] = order
        order.where = len(self.open)
        self.open.append(order)

    def moved(self, order, state):
        order.state = state
        if state in ("DELIVERED", "CANCELLED") and order.where >= 0:
            last = self.open.pop()
            if last is not order:
                self.open[order.where], last.where = last, order.where
            order.where = -1
            if state == "DELIVERED":
                self.delivered.append(order)

    def ack(self, what, id, detail="", amount=0):
        self.acks.append((what, id, detail, amount))

    # --- In the end -------------------------------------------------------------------------------------------

    def differences(self):
        """Acknowledged events that the database lacks or has twice: [(what, rows)]."""
        self._load_acks()
        found = []
        payouts = self.sql("SELECT to_regclass('payouts') IS NOT NULL AS there")[0]["there"]
        for what, statement in (CHECKS | (PAYOUT_CHECKS if payouts else {})).items():
            rows = self.sql(statement)
            if rows:
                found.append((what, len(rows), [tuple(row.values()) for row in rows[:3]]))
        return found

    def _load_acks(self):
        self.sql("CREATE TEMP TABLE IF NOT EXISTS acked (what text, id text, detail text, amount bigint)")
        self.sql("CREATE TEMP TABLE IF NOT EXISTS people (id text PRIMARY KEY, kind text, began bigint)")
        self.sql("TRUNCATE acked, people")
        text = io.StringIO("".join(f"{what}\t{id}\t{detail}\t{amount}\n" for what, id, detail, amount in self.acks))
        people = io.StringIO("".join(
            f"{who.id}\t{kind}\t{PURSE if kind == 'USER' else 0}\n" for kind, group in
            (("USER", self.customers), ("VENDOR", self.shops), ("RIDER", self.riders)) for who in group))
        with self.sql.connection.cursor() as cursor:
            cursor.copy_expert("COPY acked FROM STDIN", text)
            cursor.copy_expert("COPY people FROM STDIN", people)
        self.sql("ANALYZE acked")

    def settle(self, seconds=120):
        """Waits until the gateway has ended all its transactions; payments that never reached it stay open."""
        until(lambda: not self.sql("SELECT FROM payment_intents WHERE state = 'PENDING' UNION ALL SELECT FROM payouts"
                                   " WHERE status = 'PROCESSING' AND gateway_reference IS NOT NULL LIMIT 1"), seconds=seconds,
              what="the gateway's answers")

    def prove(self):
        """Asserts all checks; call it when no request is running."""
        assert not self.wrong, self.wrong[:5]
        books_balance(self.url)
        assert self.sql("SELECT sum(amount) FROM ledger_entries")[0]["sum"] in (0, None)
        differences = self.differences()
        assert not differences, differences


# Each statement returns violations. acked: the replies that the driver got; people: the accounts and their opening balances.
CHECKS = {
    "an acknowledged order is there as it was acknowledged":
        "SELECT a.* FROM acked a LEFT JOIN orders o ON o.id = a.id AND o.user_id = a.detail AND o.total = a.amount"
        " WHERE a.what = 'order' AND o.id IS NULL",
    "an order is there once for each that was acknowledged":
        "SELECT o.id FROM orders o JOIN people p ON p.id = o.user_id"
        " WHERE NOT EXISTS (SELECT FROM acked a WHERE a.what = 'order' AND a.id = o.id)",
    "an acknowledged step is in its order's timeline":
        "SELECT a.* FROM acked a LEFT JOIN orders o ON o.id = a.id WHERE a.what = 'step'"
        " AND coalesce(position('\"status\":\"' || a.detail || '\"' IN o.timeline::text), 0) = 0",
    "an order that ended is as it was acknowledged":
        "SELECT a.*, o.status FROM acked a LEFT JOIN orders o ON o.id = a.id"
        " WHERE a.what = 'step' AND a.detail IN ('DELIVERED', 'CANCELLED') AND o.status IS DISTINCT FROM a.detail",
    "an acknowledged top-up is booked once":
        "SELECT a.*, count(l.id) FROM acked a LEFT JOIN ledger l ON l.id = a.id AND l.to_owner = a.detail AND l.amount = a.amount"
        " WHERE a.what = 'topup' GROUP BY 1, 2, 3, 4 HAVING count(l.id) <> 1",
    "no customer was topped up but for an acknowledged one":
        "SELECT l.id FROM ledger l JOIN people p ON p.id = l.to_owner WHERE l.category = 'WALLET_TOPUP'"
        " AND l.reference <> 'test' AND NOT EXISTS (SELECT FROM acked a WHERE a.what IN ('topup', 'asked') AND a.id = l.id)",
    "a payment asked of a phone is there as it was acknowledged, and booked once when it succeeded":
        "SELECT a.*, i.state, count(l.id) FROM acked a LEFT JOIN payment_intents i ON i.entry = a.id AND i.user_id = a.detail"
        " AND i.amount = a.amount LEFT JOIN ledger l ON l.id = a.id AND l.to_owner = a.detail AND l.amount = a.amount"
        " WHERE a.what = 'asked' GROUP BY 1, 2, 3, 4, i.state"
        " HAVING i.state IS NULL OR count(l.id) <> (i.state = 'SUCCEEDED')::integer",
    "a customer has what he began with, less his orders, and what came back":
        "SELECT p.id, p.began + coalesce(t.amount, 0) - coalesce(o.spent, 0) + coalesce(d.amount, 0) AS expected, w.available"
        "  FROM people p JOIN wallets w ON w.owner_id = p.id"
        "  LEFT JOIN (SELECT to_owner, sum(amount) AS amount FROM ledger WHERE category = 'WALLET_TOPUP' AND reference <> 'test'"
        "             GROUP BY 1) t ON t.to_owner = p.id"
        "  LEFT JOIN (SELECT user_id, sum(CASE WHEN payment_method = 'WALLET' THEN total ELSE 0 END"
        "               - CASE payment_status WHEN 'REFUNDED' THEN total ELSE 0 END) AS spent FROM orders GROUP BY 1) o"
        "       ON o.user_id = p.id"
        "  LEFT JOIN (SELECT user_id, sum(refund_amount) AS amount FROM disputes GROUP BY 1) d ON d.user_id = p.id"
        " WHERE p.kind = 'USER' AND w.available <> p.began + coalesce(t.amount, 0) - coalesce(o.spent, 0) + coalesce(d.amount, 0)",
    "no wallet is negative":
        "SELECT * FROM wallets WHERE least(available, pending, cash_in_hand) < 0",
    "a delivered order has one settlement":
        "SELECT o.id FROM orders o LEFT JOIN ledger l ON l.order_id = o.id AND l.category = 'ORDER_COMMISSION'"
        " WHERE o.status = 'DELIVERED' GROUP BY o.id HAVING count(l.id) <> 1",
    "refunds are not above what was paid":
        "SELECT o.id FROM orders o JOIN ledger l ON l.order_id = o.id AND l.category = 'REFUND' GROUP BY o.id, o.total"
        " HAVING sum(l.amount) > o.total",
    "an acknowledged rating is kept":
        "SELECT a.* FROM acked a WHERE a.what = 'rating' AND NOT EXISTS (SELECT FROM ratings r WHERE r.order_id = a.id)",
    "an acknowledged dispute is there":
        "SELECT a.* FROM acked a WHERE a.what = 'dispute' AND NOT EXISTS (SELECT FROM disputes d WHERE d.id = a.id)",
    "a dispute is there once for each that was acknowledged":
        "SELECT d.id FROM disputes d JOIN people p ON p.id = d.user_id"
        " WHERE NOT EXISTS (SELECT FROM acked a WHERE a.what = 'dispute' AND a.id = d.id)",
    "an acknowledged decision of a dispute holds":
        "SELECT a.*, d.status FROM acked a LEFT JOIN disputes d ON d.id = a.id AND d.status = a.detail"
        "   AND coalesce(d.refund_amount, 0) = a.amount WHERE a.what = 'decided' AND d.id IS NULL",
}
# When there are pay-outs.
PAYOUT_CHECKS = {
    "an acknowledged pay-out is there as it was acknowledged":
        "SELECT a.* FROM acked a LEFT JOIN payouts p ON p.id = a.id AND p.amount = a.amount"
        " WHERE a.what = 'payout' AND p.id IS NULL",
    "a pay-out is there once for each that was acknowledged":
        "SELECT p.id FROM payouts p JOIN people o ON o.id = p.owner_id"
        " WHERE NOT EXISTS (SELECT FROM acked a WHERE a.what = 'payout' AND a.id = p.id)",
    "an acknowledged decision of a pay-out holds":
        "SELECT a.*, p.status FROM acked a LEFT JOIN payouts p ON p.id = a.id WHERE a.what = 'payout_decided'"
        " AND CASE a.detail WHEN 'REJECTED' THEN p.status <> 'REJECTED' ELSE p.status NOT IN ('APPROVED', 'PROCESSING',"
        " 'COMPLETED', 'FAILED') AND NOT EXISTS (SELECT FROM acked r WHERE r.what = 'payout_decided' AND r.id = a.id"
        " AND r.detail = 'REJECTED') END",                 # what is approved and not sent yet may still be rejected
    "acknowledged hand-ins are what was booked":
        "SELECT coalesce(a.id, l.to_owner), a.amount, l.amount FROM"
        " (SELECT id, sum(amount) AS amount FROM acked WHERE what = 'handin' GROUP BY 1) a FULL JOIN"
        " (SELECT to_owner, sum(amount) AS amount FROM ledger WHERE category = 'CASH_HANDIN' GROUP BY 1) l ON l.to_owner = a.id"
        " WHERE a.amount IS DISTINCT FROM l.amount",
}
