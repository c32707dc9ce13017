# SPDX-License-Identifier: MIT
"""A customer, a shop and orders for the tests, each with ids of its own."""

import itertools
import json

numbers = itertools.count(1)


def next_number():
    return next(numbers)


class Shop:
    def __init__(self, db, wallet=100000, **vendor):
        self.db = db
        self.n = n = next(numbers)
        self.user, self.vendor = f"user_{n}", f"vendor_{n}"
        db.sql("INSERT INTO users (id, phone, first_name, last_name, password_hash, phone_verified)"
               " VALUES (%s, %s, 'Awa', 'Ngo \"A\"', 'x', true)", [self.user, f"+2376{n:08d}"])
        db.sql("INSERT INTO wallets (owner_id, kind) VALUES (%s, 'USER')", [self.user])
        if wallet:
            self.top_up(wallet)
        row = dict(service_type="FOOD", approval_status="APPROVED", is_online=True) | vendor
        db.sql("INSERT INTO vendors (id, phone, password_hash, owner_name, business_name, service_type,"
               " business_type, address, city, lat, lng, approval_status, is_online)"
               " VALUES (%s, %s, 'x', 'Own Er', 'Chez Awa', %s, 'RESTAURANT', 'Rue 1', 'Douala', 4.05, 9.7, %s, %s)",
               [self.vendor, f"+2375{n:08d}", row["service_type"], row["approval_status"], row["is_online"]])
        self.items = 0

    def top_up(self, amount):
        self.db.sql(
            "WITH w AS (UPDATE wallets SET available = available + %(a)s WHERE owner_id = %(u)s RETURNING available)"
            " INSERT INTO ledger (id, amount, from_kind, to_kind, to_owner, to_balance, category)"
            " SELECT 'txn_top_' || %(u)s || '_' || (SELECT count(*) FROM ledger), %(a)s, 'CLEARING', 'USER', %(u)s,"
            " available, 'WALLET_TOPUP' FROM w", {"a": amount, "u": self.user})

    def item(self, price=2500, stock=None, available=True):
        self.items += 1
        name = f"item_{self.n}_{self.items}"
        self.db.sql("INSERT INTO items (id, vendor_id, name, category, price, stock, available)"
                    " VALUES (%s, %s, 'Ndolé', 'Plats', %s, %s, %s)", [name, self.vendor, price, stock, available])
        return name

    def balance(self):
        return self.db.value("SELECT available FROM wallets WHERE owner_id = %s", [self.user])


def array(values):
    return "{" + ",".join(str(value) for value in values) + "}"


def place(db, world, lines, fee=1800, method="WALLET", key=None, fingerprint="f", basket=None,
          window=60, kind="FOOD", **other):
    """order_insert for [(item id, quantity, price)]: (outcome, order or None, detail)."""
    n = next(numbers)
    subtotal = sum(q * p for _, q, p in lines)
    shown = [{"itemId": i, "name": "Ndolé", "quantity": q, "price": p, "notes": None,
              "specialInstructions": None, "image": None} for i, q, p in lines]
    package = kind == "PACKAGE"
    total = subtotal + fee
    commission = 0 if package else (subtotal * 1500 + 5000) // 10000
    params = dict(
        id=f"ord_{n:026d}", number=f"{'P' if package else 'F'}-{n:010d}", type=kind, user_id=world.user,
        vendor_id=None if package else world.vendor, lines=json.dumps(shown), item_ids=array(i for i, _, _ in lines),
        quantities=array(q for _, q, _ in lines), prices=array(p for _, _, p in lines), subtotal=subtotal, delivery_fee=fee,
        service_fee=0, discount=0, total=total, waived_fee=0, commission_bps=1500, rider_cut_bps=0,
        commission=commission, vendor_share=subtotal - commission, rider_earnings=fee, distance_km=3.5, method=method,
        delivery_json=json.dumps({"address": "Akwa", "coordinates": {"lat": 4.06, "lng": 9.71}}), delivery_text="Akwa",
        delivery_lat=4.06, delivery_lng=9.71, instructions="Sonnez", minutes=45, entry=f"txn_{n:026d}", key=key,
        fingerprint=fingerprint if key else None, basket=basket, window_seconds=window,
        intent=f"pay_{n:026d}" if method in ("MOBILE_MONEY", "CARD") else None, phone="+237670000001", operator="MTN")
    if package:
        params |= dict(pickup_json=json.dumps({"address": "Bali"}), pickup_text="Bali", pickup_lat=4.04, pickup_lng=9.69,
                       package=json.dumps({"category": "DOCUMENT", "weight": 1, "description": "Lettre"}))
    outcome, order, detail = db.run("order_insert", **(params | other))[0]
    return outcome, json.loads(order) if order else None, detail


def cancel(db, order_id, user, reason="J'ai changé d'avis", states=("PENDING", "ACCEPTED")):
    """A customer's cancellation as src/service/order_transition.c does it: (outcome, order, refund)."""
    while True:
        seen = db.run("order_facts_get", order=order_id)
        if not seen:
            return "ORDER_NOT_FOUND", None, None
        found, status, owner, rider = seen[0][0], seen[0][2], seen[0][3], seen[0][5]
        if owner != user:
            return "ORDER_NOT_OWNER", None, None
        if status not in states:
            return "CANNOT_CANCEL", None, None
        outcome = db.run(
            "order_move", order_id=found, status_read=status, rider_read=rider, act="CANCEL", status="CANCELLED", by="USER",
            note=reason, needs_code="f", entries=f"{{txn_{next(numbers):026d}}}", offer="off_none", vendor_share=0,
            rider_share=0, platform_share=0, subsidy=0, actor_id=user)[0][0]
        if outcome == "DONE":
            order = order_read(db, found)
            return "CANCELLED", order, order["total"] if order["paymentStatus"] == "REFUNDED" else 0


def order_read(db, order_id):
    """The Order object of the customer."""
    return json.loads(db.value("SELECT order_json_user(o) FROM orders o WHERE id = %s", [order_id]))
