# SPDX-License-Identifier: MIT
"""`reeyo audit`: sound books pass every check; each check names the entry that breaks it."""

import contextlib
import os
import re

import psycopg2
import psycopg2.extensions
import pytest

from sql.conftest import migrated
from sql.shop import Shop, cancel, place
from sql.statements import ROOT, Client
from sql.test_order_acts import move, rider
from sql.test_payments import record
from sql.test_payouts import apply, rule
from world.audit import audit, books_balance
from world.server import reeyo

pytestmark = pytest.mark.slow

CHECKS = [name for path in sorted((ROOT / "sql/audit").glob("*.sql"))
          for name in re.findall(r"^-- check: (\w+)", path.read_text(), re.M)]


def deliver(db, shop, carrier, method, payment_parts=(4250, 1800, 750, 0), **other):
    _, order, _ = place(db, shop, [(shop.item(), 2, 2500)], method=method, **other)
    db.sql("UPDATE orders SET status = 'IN_TRANSIT', rider_id = %s WHERE id = %s", [carrier, order["orderId"]])
    assert move(db, order, "IN_TRANSIT", "COMPLETE", "DELIVERED", seen_rider=carrier, parts=payment_parts)[0] == "DONE"
    return order["orderId"]


@pytest.fixture(scope="module")
def sound():
    """Books with an order of each fate; their dsn, and the ids by name."""
    with migrated(f"reeyo_sql_sound_{os.getpid()}") as dsn:
        db = Client(dsn)
        shop = Shop(db)
        carrier, ids = rider(db), {}
        for n in range(3):
            ids[f"paid_{n}"] = deliver(db, shop, carrier, "WALLET")
        ids["cash"] = deliver(db, shop, carrier, "CASH")
        ids["other_cash"] = deliver(db, shop, carrier, "CASH")
        ids["spared"] = deliver(db, shop, carrier, "WALLET", (4250, 0, 750, 1800), fee=0, waived_fee=1800)
        _, order, _ = place(db, shop, [(shop.item(), 1, 2500)])
        cancel(db, order["orderId"], shop.user)
        ids["cancelled"] = order["orderId"]
        ids["active"] = place(db, shop, [(shop.item(), 1, 2500)])[1]["orderId"]
        ids["unpaid"] = place(db, shop, [(shop.item(), 1, 2500)], method="MOBILE_MONEY")[1]["orderId"]
        for n in range(2):
            ids[f"topped_{n}"] = f"pay_{n}"
            db.sql("SELECT payment_start(%s, %s, 700, 'CARD', NULL, NULL, %s, NULL, NULL)", [f"pay_{n}", shop.user, f"txn_pay_{n}"])
        db.sql("SELECT payment_start('pay_open', %s, 700, 'MOBILE_MONEY', '+237670000001', 'MTN', 'txn_pay_open', NULL, NULL)",
               [shop.user])
        for fate in ("open", "rejected", "transferred", "sent"):
            ids[f"payout_{fate}"] = payout = f"payout_{fate}"
            db.run("payout_request", payout_id=payout, kind="VENDOR", owner_id=shop.vendor, amount=2000, fee=100,
                   method="MOBILE_MONEY", destination="+237670000001", bank_details="{}", open_limit=20,
                   entry_id=f"txn_{payout}")
        rule(db, "payout_rejected", "REJECT", "REJECTED", reason="No")
        db.sql("UPDATE payouts SET method = 'BANK_TRANSFER' WHERE id = 'payout_transferred'")
        rule(db, "payout_transferred", "APPROVE", "COMPLETED", reference="VIR")
        rule(db, "payout_sent", "APPROVE", "APPROVED", next_check=0)
        db.run("payouts_send", limit=10, lease_s=60)
        apply(db, "payout_sent", "SETTLE", "COMPLETED", "cam_1")
        _, order, _ = place(db, shop, [(shop.item(), 1, 2500)], method="MOBILE_MONEY")
        record(db, order["paymentReference"], "SUCCESSFUL", order["total"])
        ids["mobile"] = order["orderId"]
        ids |= {"user": shop.user, "vendor": shop.vendor, "rider": carrier}
        db.sql("SELECT ledger_roll_up_anew()")
        db.sql("SELECT ledger_roll_up('0')")
        db.close()
        yield dsn, ids


@contextlib.contextmanager
def copied(dsn):
    """A copy of the books without what guards them."""
    admin = psycopg2.connect(os.environ["REEYO_TEST_DATABASE_URL"])
    admin.autocommit = True
    with admin.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE reeyo_sql_broken TEMPLATE {psycopg2.extensions.parse_dsn(dsn)['dbname']}")
    db = Client(psycopg2.extensions.make_dsn(dsn, dbname="reeyo_sql_broken"))
    db.dsn = psycopg2.extensions.make_dsn(dsn, dbname="reeyo_sql_broken")
    try:
        db.sql("DROP TRIGGER ledger_immutable ON ledger; DROP INDEX ledger_order_part;"
               " ALTER TABLE ledger DROP CONSTRAINT ledger_amount, ALTER amount DROP NOT NULL;"
               " ALTER TABLE wallets DROP CONSTRAINT wallets_sound, DROP CONSTRAINT wallets_cash")
        yield db
    finally:
        db.close()
        with admin.cursor() as cursor:
            cursor.execute("DROP DATABASE reeyo_sql_broken WITH (FORCE)")
        admin.close()


def entry_of(order, to):
    return f"(SELECT id FROM ledger WHERE order_id = '{{{order}}}' AND to_kind = '{to}' ORDER BY id LIMIT 1)"


# check: how it is broken once, and the entry that it has to name ({name}: an id of the sound books).
BREAKS = {
    "transfer_sums_to_zero": (
        "CREATE OR REPLACE VIEW ledger_entries AS SELECT id AS transfer_id, from_kind AS kind, from_owner AS owner_id,"
        " -amount - (order_id = '{cash}' AND to_kind = 'VENDOR')::int AS amount, from_balance AS balance, category, order_id,"
        " reference, description, created_at FROM ledger UNION ALL SELECT id, to_kind, to_owner, amount, to_balance, category,"
        " order_id, reference, description, created_at FROM ledger", entry_of("cash", "VENDOR")),
    "amount_positive": ("UPDATE ledger SET amount = -amount WHERE id = " + entry_of("paid_1", "VENDOR"),
                        entry_of("paid_1", "VENDOR")),
    "movement_known": ("UPDATE ledger SET category = 'GIFT' WHERE id = " + entry_of("paid_1", "VENDOR"),
                       entry_of("paid_1", "VENDOR")),
    "owner_known": ("UPDATE ledger SET from_owner = 'user_nobody' WHERE id = " + entry_of("paid_1", "ESCROW"),
                    entry_of("paid_1", "ESCROW")),
    "order_known": ("UPDATE ledger SET order_id = 'ord_none' WHERE id = " + entry_of("paid_1", "ESCROW"),
                    "(SELECT id FROM ledger WHERE order_id = 'ord_none')"),
    "rollups_are_their_entries": (
        "UPDATE ledger_rollups SET amount_in = amount_in + 1, amount_out = amount_out + 1 WHERE kind = 'ESCROW'"
        " AND category = 'REFUND'", "(SELECT concat_ws(' ', kind, category, starts) FROM ledger_rollups"
        " WHERE kind = 'ESCROW' AND category = 'REFUND')"),
    "wallet_not_negative": ("UPDATE wallets SET pending = -5 WHERE owner_id = '{vendor}'", "'{vendor}'"),
    "wallet_owner_known": ("UPDATE wallets SET kind = 'USER' WHERE owner_id = '{rider}'", "'{rider}'"),
    "wallet_available": ("UPDATE wallets SET available = available + 1 WHERE owner_id = '{user}'", "'{user}'"),
    "wallet_pending": ("UPDATE wallets SET pending = 1 WHERE owner_id = '{vendor}'", "'{vendor}'"),
    "wallet_cash_in_hand": ("UPDATE wallets SET cash_in_hand = 0 WHERE owner_id = '{rider}'", "'{rider}'"),
    "wallet_total_earned": ("UPDATE wallets SET total_earned = total_earned - 1 WHERE owner_id = '{rider}'", "'{rider}'"),
    "wallet_total_spent": ("UPDATE wallets SET total_spent = total_spent + 1 WHERE owner_id = '{user}'", "'{user}'"),
    "wallet_total_withdrawn": ("UPDATE wallets SET total_withdrawn = 7 WHERE owner_id = '{vendor}'", "'{vendor}'"),
    "balance_recorded": ("UPDATE ledger SET to_balance = NULL WHERE id = " + entry_of("paid_2", "VENDOR"),
                         entry_of("paid_2", "VENDOR")),
    "balance_follows": ("UPDATE ledger SET to_balance = to_balance + 1 WHERE id = " + entry_of("paid_0", "VENDOR"),
                        entry_of("paid_0", "VENDOR")),
    "order_sound": ("ALTER TABLE orders DISABLE TRIGGER orders_sound; UPDATE orders SET total = total + 1,"
                    " service_fee = service_fee + 2 WHERE id = '{unpaid}'", "'{unpaid}'"),
    "escrow_held": ("DELETE FROM ledger WHERE id = " + entry_of("cancelled", "USER"), "'{cancelled}'"),
    "paid_once": ("INSERT INTO ledger SELECT 'txn_again', created_at, amount, from_kind, from_owner, from_balance, to_kind,"
                  " to_owner, to_balance, category, order_id FROM ledger WHERE id = " + entry_of("paid_2", "ESCROW"), "'{paid_2}'"),
    "settled_once": ("INSERT INTO ledger SELECT 'txn_again', created_at, amount, from_kind, from_owner, from_balance, to_kind,"
                     " to_owner, to_balance, category, order_id FROM ledger WHERE id = " + entry_of("paid_2", "VENDOR"),
                     "'{paid_2}'"),
    "settled_only_when_delivered": ("UPDATE ledger SET order_id = '{active}' WHERE id = " + entry_of("paid_2", "VENDOR"),
                                    entry_of("active", "VENDOR")),
    "compensation_bounded": ("INSERT INTO ledger SELECT 'txn_gift', created_at, 2126, 'PLATFORM', NULL, NULL, to_kind, to_owner,"
                             " to_balance, category, '{cancelled}' FROM ledger WHERE id = " + entry_of("paid_1", "VENDOR"),
                             "'{cancelled}'"),
    "shares_go_to_their_owners": ("UPDATE orders SET vendor_id = 'vendor_x' WHERE id = '{paid_1}'", entry_of("paid_1", "VENDOR")),
    "cash_is_its_total": ("DELETE FROM ledger WHERE id = " + entry_of("other_cash", "PLATFORM"), "'{other_cash}'"),
    "subsidy_bounded": ("UPDATE orders SET funded_fee = 1799 WHERE id = '{spared}'", "'{spared}'"),
    "refunds_bounded": ("INSERT INTO ledger SELECT 'txn_again', created_at, amount, 'PLATFORM', from_owner, from_balance, to_kind,"
                        " to_owner, to_balance, category, order_id FROM ledger WHERE id = " + entry_of("cancelled", "USER"),
                        "'{cancelled}'"),
    "intent_booked_once": ("UPDATE payment_intents SET state = 'SUCCEEDED' WHERE id = 'pay_open'", "'pay_open'"),
    "payout_moved": ("UPDATE payouts SET status = 'PENDING' WHERE id = 'payout_rejected'", "'payout_rejected'"),
    "payout_decided": ("UPDATE payouts SET first_approved_by = 'admin' WHERE id = 'payout_sent'", "'payout_sent'"),
    "payout_paid_once": ("UPDATE payouts SET gateway_reference = 'cam_2' WHERE id = 'payout_open'", "'payout_open'"),
    "payment_names_its_order": ("UPDATE payment_intents SET user_id = 'user_x' WHERE order_id = '{unpaid}'", "'{unpaid}'"),
    "payment_waits_with_its_order": ("UPDATE payment_intents SET state = 'EXPIRED' WHERE order_id = '{unpaid}'", "'{unpaid}'"),
    "payment_status_agrees": ("UPDATE orders SET payment_status = 'PAID' WHERE id = '{unpaid}'", "'{unpaid}'"),
}


def test_sound_books_pass_every_check(sound):
    dsn, _ = sound
    books_balance(dsn)
    result = reeyo("audit", environment={"REEYO_DATABASE_URL": dsn})
    assert result.returncode == 0 and {line.split()[-1] for line in result.stdout.splitlines()} == {"ok"}


@pytest.mark.parametrize("check", CHECKS)
def test_the_audit_names_the_entry_that_breaks(check, sound):
    dsn, ids = sound
    change, entry = BREAKS[check]
    with copied(dsn) as db:
        db.sql(change.format(**ids))
        named = db.value("SELECT " + entry.format(**ids))
        found = audit(db.dsn)
        assert found[check] is not None, found
        assert found[check]["entry"] == named
        result = reeyo("audit", environment={"REEYO_DATABASE_URL": db.dsn})
        assert result.returncode == 1
        assert re.search(rf"^{check} +BROKEN  first entry {re.escape(named)}: .*all\)$", result.stdout, re.M), result.stdout


def test_an_order_by_mobile_money_that_names_no_payment_is_found(sound):
    dsn, ids = sound
    with copied(dsn) as db:
        db.sql("UPDATE orders SET payment_reference = NULL WHERE id = %s", [ids["unpaid"]])
        assert audit(db.dsn)["payment_names_its_order"]["entry"] == ids["unpaid"]


def test_every_check_has_a_sentence_of_what_it_proves():
    for path in sorted((ROOT / "sql/audit").glob("*.sql")):
        for text in re.split(r"^-- check: ", path.read_text(), flags=re.M)[1:]:
            assert re.search(r"\A\w+\n(-- needs: \w+\n)?-- [A-Z].*(\n-- .*)*\.\n[SW]", text), text[:100]
