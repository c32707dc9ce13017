# SPDX-License-Identifier: MIT
"""Money for a test: earned and collected with its ledger rows, so that the books still balance."""

import itertools
import os
import threading

_numbers = itertools.count(1)


def entry():
    """The id of a ledger row that no other test uses, older than those of the server."""
    return f"txn_00TEST{os.getpid()}_{next(_numbers):08d}"


def kind_of(owner):
    return owner.split("_")[0].upper()


def earn(sql, owner, amount, at="now()"):
    """A vendor or rider has earned so much."""
    kind = kind_of(owner)
    row = sql("INSERT INTO wallets AS w (owner_id, kind, available, total_earned) VALUES (%s, %s, %s, %s)"
              " ON CONFLICT (owner_id) DO UPDATE SET available = w.available + excluded.available,"
              " total_earned = w.total_earned + excluded.total_earned RETURNING *", owner, kind, amount, amount)[0]
    sql("INSERT INTO ledger (id, created_at, amount, from_kind, to_kind, to_owner, to_balance, category)"
        f" VALUES (%s, {at}, %s, 'CLEARING', %s, %s, %s, %s)", entry(), amount, kind, owner, row["available"],
        "DELIVERY_FEE" if kind == "RIDER" else "ORDER_PAYMENT")


def collect(sql, rider, amount):
    """A rider has so much more cash in hand."""
    row = sql("UPDATE wallets SET cash_in_hand = cash_in_hand + %s WHERE owner_id = %s RETURNING *", amount, rider)[0]
    sql("INSERT INTO ledger (id, amount, from_kind, from_owner, from_balance, to_kind, category)"
        " VALUES (%s, %s, 'CASH', %s, %s, 'PLATFORM', 'ORDER_COMMISSION')", entry(), amount, rider, -row["cash_in_hand"])


def wallet(sql, owner):
    """(available, pending, withdrawn), after checking that they are what the ledger says."""
    row = sql("SELECT * FROM wallets WHERE owner_id = %s", owner)[0]
    sums = {line["kind"]: int(line["sum"]) for line in sql(
        "SELECT kind, sum(amount) FROM ledger_entries WHERE owner_id = %s GROUP BY kind", owner)}
    assert row["available"] == sums.get(row["kind"], 0), (row, sums)
    assert row["pending"] == sums.get(row["kind"] + "_PENDING", 0), (row, sums)
    assert row["cash_in_hand"] == -sums.get("CASH", 0), (row, sums)
    return row["available"], row["pending"], row["total_withdrawn"]


def events(sql, aggregate):
    """{type: payload} of what was said of it."""
    return {row["type"]: row["payload"] for row in sql(
        "SELECT type, payload FROM outbox WHERE aggregate = %s UNION ALL SELECT type, payload FROM events"
        " WHERE aggregate = %s", aggregate, aggregate)}


def race(calls):
    """All at the same moment, each in a thread of its own: their replies."""
    replies, gate = [], threading.Barrier(len(calls))

    def run(call):
        gate.wait(20)
        replies.append(call())
    threads = [threading.Thread(target=run, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return replies
