# SPDX-License-Identifier: MIT
"""Money for tests: sales, earnings and collected cash with order and ledger entries, so that the ledger stays balanced."""

import itertools
import os

from .waiting import race  # noqa: F401, imported from here by tests

_numbers = itertools.count(1)
BUYER = "user_money_test"


def entry():
    """The id of a ledger row that no other test uses, older than those of the server."""
    return f"txn_00TEST{os.getpid()}_{next(_numbers):08d}"


def book(sql, amount, source, target, category, order=None, at="now()"):
    """One movement between two accounts (kind, owner), with the update of their wallets."""
    if not amount:
        return
    balances = []
    for (kind, owner), sign in ((source, -1), (target, 1)):
        column = {"CASH": "cash_in_hand", "USER": "available", "VENDOR": "available", "RIDER": "available"}.get(kind)
        if column is None:
            balances.append(None)
            continue
        change = -sign * amount if kind == "CASH" else sign * amount
        row = sql(f"UPDATE wallets SET {column} = {column} + %s, total_earned = total_earned + %s,"
                  " total_spent = total_spent + %s WHERE owner_id = %s RETURNING *", change,
                  amount if sign > 0 and kind in ("VENDOR", "RIDER") else 0,
                  amount if sign < 0 and kind == "USER" else 0, owner)[0]
        balances.append(-row[column] if kind == "CASH" else row[column])
    sql("INSERT INTO ledger (id, created_at, amount, from_kind, from_owner, from_balance, to_kind, to_owner, to_balance, category,"
        f" order_id) VALUES (%s, {at}, %s, %s, %s, %s, %s, %s, %s, %s, %s)", entry(), amount, *source, balances[0], *target,
        balances[1], category, order)


def sale(sql, vendor=None, rider=None, subtotal=0, fee=0, cut=0, subsidy=0, bps=0, method="WALLET", at="now()"):
    """A delivered order and its parts: the vendor gets the subtotal minus `cut`; for a parcel (no vendor) the rider does."""
    order, total = "ord_" + entry()[4:], subtotal + fee  # older than those of the server, too
    sql("INSERT INTO users (id, phone, first_name, password_hash) VALUES (%s, '+237600000000', 'Awa', 'x')"
        " ON CONFLICT DO NOTHING", BUYER)
    sql("INSERT INTO wallets (owner_id, kind) VALUES (%s, 'USER') ON CONFLICT DO NOTHING", BUYER)
    sql("INSERT INTO orders (id, order_number, order_type, status, active, user_id, user_name, user_phone, vendor_id, rider_id,"
        " subtotal, delivery_fee, total, funded_fee, commission_bps, commission, vendor_share, rider_earnings, distance, payment_method,"
        " payment_status, pickup_text,"
        " pickup_lat, pickup_lng, delivery_address, delivery_text, delivery_lat, delivery_lng, timeline, delivered_at,"
        " settled_at, created_at) VALUES (%s, %s, %s, 'DELIVERED', false, %s, 'Awa', '', %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, 1, %s,"
        f" 'PAID', '', 0, 0, '{{}}', '', 0, 0, '[]', {at}, {at}, {at})", order, "F-" + order[-20:],
        "FOOD" if vendor else "PACKAGE", BUYER, vendor, rider, subtotal, fee, total, subsidy, bps,
        cut, subtotal - cut if vendor else 0, fee + subsidy if vendor else fee - cut, method)
    held = ("CASH", rider) if method == "CASH" else ("ESCROW", None)
    if method != "CASH":
        book(sql, total, ("CLEARING", None), ("USER", BUYER), "WALLET_TOPUP", at=at)
        book(sql, total, ("USER", BUYER), held, "ORDER_PAYMENT", order, at)
    book(sql, subtotal - cut if vendor else 0, held, ("VENDOR", vendor), "ORDER_PAYMENT", order, at)
    book(sql, fee if vendor else fee - cut, held, ("RIDER", rider), "DELIVERY_FEE", order, at)
    book(sql, cut, held, ("PLATFORM", None), "ORDER_COMMISSION", order, at)
    book(sql, subsidy, ("PLATFORM", None), ("RIDER", rider), "DELIVERY_FEE", order, at)
    return order


def earn(sql, owner, amount):
    """A vendor or rider earns this amount."""
    if owner.startswith("vendor"):
        sale(sql, vendor=owner, subtotal=amount)
    else:
        sale(sql, rider=owner, fee=amount)


def collect(sql, rider, amount):
    """A rider collects this amount of cash, all of it for the platform."""
    sale(sql, rider=rider, fee=amount, cut=amount, method="CASH")


def wallet(sql, owner):
    """(available, pending, withdrawn)"""
    row = sql("SELECT available, pending, total_withdrawn FROM wallets WHERE owner_id = %s", owner)[0]
    return tuple(row.values())


def events(sql, aggregate):
    """{type: payload} of the events of the aggregate."""
    return {row["type"]: row["payload"] for row in sql(
        "SELECT type, payload FROM event_log WHERE aggregate = %s", aggregate)}
