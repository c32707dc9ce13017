# SPDX-License-Identifier: MIT
"""The ledger: immutable, balanced, and equal to the wallets."""

import json

import psycopg2
import pytest

from sql.shop import Shop, cancel, place
from world.audit import books_kept


@pytest.fixture(autouse=True)
def books(dsn):
    with books_kept(dsn):
        yield


@pytest.mark.parametrize("change", ["UPDATE ledger SET amount = 1", "DELETE FROM ledger", "TRUNCATE ledger"])
def test_the_ledger_is_append_only(db, change):
    Shop(db)
    with pytest.raises(psycopg2.Error, match="append-only"):
        db.sql(change)


@pytest.mark.parametrize("amount", [0, -5])
def test_a_movement_moves_something(db, amount):
    with pytest.raises(psycopg2.Error, match="ledger_amount"):
        db.sql("INSERT INTO ledger (id, amount, from_kind, to_kind, category)"
               " VALUES ('txn_x', %s, 'ESCROW', 'PLATFORM', 'ORDER_COMMISSION')", [amount])


def test_no_statement_can_bring_a_wallet_below_zero(db):
    shop = Shop(db, wallet=10)
    with pytest.raises(psycopg2.Error, match="wallets_sound"):
        db.sql("UPDATE wallets SET available = available - 11 WHERE owner_id = %s", [shop.user])


def test_the_books_balance_and_agree_with_the_wallets(db):
    shop = Shop(db, wallet=10**5)
    item = shop.item()
    for n in range(6):
        _, order, _ = place(db, shop, [(item, 1, 2500)])
        if n % 2:
            cancel(db, order["orderId"], shop.user)
    assert db.value("SELECT sum(amount) FROM ledger_entries") == 0
    assert db.sql("SELECT transfer_id FROM ledger_entries GROUP BY 1 HAVING sum(amount) <> 0 OR count(*) <> 2") == []
    assert db.value("SELECT sum(amount) FROM ledger_entries WHERE owner_id = %s", [shop.user]) == shop.balance()
    assert db.value("SELECT total_spent FROM wallets WHERE owner_id = %s", [shop.user]) == 3 * 4300


def test_each_transaction_shows_the_balance_before_and_after(db):
    shop = Shop(db, wallet=10000)
    _, order, _ = place(db, shop, [(shop.item(), 1, 2500)])
    cancel(db, order["orderId"], shop.user)
    total, listed = db.run("wallet_transactions", owner_id=shop.user, limit=50, offset=0)[0]
    rows = [(t["type"], t["category"], t["amount"], t["balanceBefore"], t["balanceAfter"]) for t in json.loads(listed)]
    assert total == 3
    assert rows[-1] == ("CREDIT", "WALLET_TOPUP", 10000, 0, 10000) or rows[0][1] == "WALLET_TOPUP"
    assert ("DEBIT", "ORDER_PAYMENT", 4300, 10000, 5700) in rows
    assert ("CREDIT", "REFUND", 4300, 5700, 10000) in rows
    assert db.run("wallet_transactions", owner_id=shop.user, type="DEBIT", limit=50, offset=0)[0][0] == 1
    assert db.run("wallet_transactions", owner_id=shop.user, category="REFUND", limit=50, offset=0)[0][0] == 1
    total, page = db.run("wallet_transactions", owner_id=shop.user, limit=1, offset=1)[0]
    assert total == 3 and len(json.loads(page)) == 1


def test_a_wallet_reads_as_in_the_contract(db):
    shop = Shop(db, wallet=10000)
    place(db, shop, [(shop.item(), 1, 2500)])
    wallet = json.loads(db.run("wallet_get", owner_id=shop.user)[0][0])
    assert wallet.pop("updatedAt").endswith("Z")
    assert wallet == {"availableBalance": 5700, "pendingBalance": 0, "totalEarned": 0, "totalSpent": 4300,
                      "totalWithdrawn": 0, "currency": "XAF", "balance": 5700}
