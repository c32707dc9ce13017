# SPDX-License-Identifier: MIT
"""The statements of pay-outs, run directly: what the job takes, and what the gateway may report."""

import itertools
import json

import psycopg2
import pytest

numbers = itertools.count(1)
PHONE = "+237670000001"


class Owner:
    """A vendor with earnings, and the statements of his pay-outs."""

    def __init__(self, db, earned=20000):
        self.db, self.id = db, f"vendor_po_{next(numbers)}"
        db.sql("INSERT INTO vendors (id, email, phone, password_hash, owner_name, business_name, service_type, business_type,"
               " address, lat, lng, approval_status) VALUES (%s, %s, %s, 'x', 'Rose', 'Chez Rose', 'FOOD', 'x', 'x', 4, 9,"
               " 'APPROVED')", [self.id, f"{self.id}@x", f"+2371{next(numbers):08d}"])
        db.sql("INSERT INTO wallets (owner_id, kind, available, total_earned) VALUES (%s, 'VENDOR', %s, %s)",
               [self.id, earned, earned])

    def ask(self, amount=8000, fee=100, method="MOBILE_MONEY", key=None, most=20):
        payout = f"payout_{next(numbers)}"
        outcome, shown = self.db.run("payout_request", payout, "VENDOR", self.id, amount, fee, method, PHONE,
                                     '{"accountNumber":"670000001"}', most, f"txn_po_{next(numbers)}", key, key and "print")[0]
        return payout if outcome == "REQUESTED" else outcome

    def approved(self, **fields):
        payout = self.ask(**fields)
        assert self.db.run("payout_approve", payout, None, None, None, 0, "admin", None, entries())[0][0] == "DONE"
        return payout

    def sent(self, **fields):
        payout = self.approved(**fields)
        assert payout in {row[0] for row in self.db.run("payouts_send", 100, 60)}
        return payout

    def wallet(self):
        return self.db.sql("SELECT available, pending, total_withdrawn FROM wallets WHERE owner_id = %s", [self.id])[0]


def entries():
    return "{" + f"txn_po_{next(numbers)},txn_po_{next(numbers)}" + "}"


def record(db, payout, what, reference=None, amount=None, why=None, looked_at=None):
    return db.run("payout_answered", payout, what, reference, amount, why, looked_at, entries())[0][0]


def row(db, payout, *columns):
    return db.sql(f"SELECT {', '.join(columns)} FROM payouts WHERE id = %s", [payout])[0]


def age(db, payout, interval):
    db.sql("UPDATE payouts SET sent_at = sent_at - %s::interval, next_check_at = now() WHERE id = %s", [interval, payout])


def due(db, statement, payout):
    db.sql("UPDATE payouts SET next_check_at = NULL WHERE id <> %s", [payout])
    db.sql("UPDATE payouts SET next_check_at = now() WHERE id = %s", [payout])
    return payout in {found[0] for found in db.run(statement, 10, *([60] if statement == "payouts_send" else []))}


def moved(db, payout):
    return db.sql("SELECT from_kind, to_kind, amount FROM ledger WHERE reference = %s ORDER BY created_at, id", [payout])


@pytest.fixture
def owner(db):
    return Owner(db)


def test_an_approved_pay_out_is_taken_once_and_is_processing_before_the_call(db, owner):
    payout = owner.approved()
    taken = [r for r in db.run("payouts_send", 100, 60) if r[0] == payout]
    assert taken == [(payout, PHONE, 7900)]
    assert row(db, payout, "status", "sent_at IS NOT NULL", "gateway_reference") == ("PROCESSING", True, None)
    assert not due(db, "payouts_send", payout) and not due(db, "payouts_ask", payout)
    assert due(db, "payouts_seek", payout)


def test_two_instances_take_different_payments(connect):
    first, second = connect(), connect()
    owner = Owner(first, 100000)
    ids = {owner.approved() for _ in range(4)}
    first.sql("BEGIN")
    one = {r[0] for r in first.run("payouts_send", 2, 60)}
    two = {r[0] for r in second.run("payouts_send", 100, 60)}
    first.sql("COMMIT")
    assert not one & two and ids <= one | two


def test_bank_transfers_and_unapproved_pay_outs_are_never_sent(db, owner):
    bank, pending = owner.approved(method="BANK_TRANSFER"), owner.ask()
    for payout in (bank, pending):
        assert not due(db, "payouts_send", payout)


def test_a_success_is_booked_once(db, owner):
    payout = owner.sent()
    assert record(db, payout, "PENDING", "cam_a") == "KEPT"
    assert row(db, payout, "gateway_reference", "status") == ("cam_a", "PROCESSING")
    assert due(db, "payouts_ask", payout) and not due(db, "payouts_seek", payout)
    assert record(db, payout, "SUCCESSFUL", "cam_a", 7900) == "COMPLETED"
    assert owner.wallet() == (12000, 0, 8000)
    for what in ("SUCCESSFUL", "PENDING", "UNREACHED", "REFUSED", "UNCERTAIN", "MISSING"):
        assert record(db, payout, what, "cam_a", 7900) == "KEPT"
    assert owner.wallet() == (12000, 0, 8000) and row(db, payout, "status", "next_check_at") == ("COMPLETED", None)
    assert moved(db, payout) == [("VENDOR", "VENDOR_PENDING", 8000), ("VENDOR_PENDING", "CLEARING", 7900),
                                 ("VENDOR_PENDING", "PLATFORM", 100)]
    assert row(db, payout, "transaction_reference") == ("cam_a",)


@pytest.mark.parametrize("what", ["REFUSED", "FAILED"])
def test_a_refusal_and_a_failure_return_the_money_once(db, owner, what):
    payout = owner.sent()
    assert record(db, payout, what, "cam_r" if what == "FAILED" else None, None, "No such number") == "FAILED"
    assert owner.wallet() == (20000, 0, 0)
    assert row(db, payout, "status", "failure_reason") == ("FAILED", "No such number")
    assert record(db, payout, what, "cam_r" if what == "FAILED" else None) == "KEPT"
    assert owner.wallet() == (20000, 0, 0)
    db.sql("UPDATE payouts SET gateway_reference = NULL WHERE id = %s", [payout])


def test_an_unreached_pay_out_is_retried_with_back_off(db, owner):
    payout = owner.sent()
    waits = []
    for _ in range(8):
        assert record(db, payout, "UNREACHED") == "KEPT"
        assert row(db, payout, "status")[0] == "APPROVED" and owner.wallet() == (12000, 8000, 0)
        waits.append(row(db, payout, "round(extract(epoch FROM next_check_at - now()))")[0])
        assert due(db, "payouts_send", payout)
    assert [int(w) for w in waits] == [5, 10, 20, 40, 80, 160, 300, 300]


def test_an_uncertain_pay_out_is_never_sent_again(db, owner):
    payout = owner.sent()
    assert record(db, payout, "UNCERTAIN") == "KEPT"
    assert row(db, payout, "status")[0] == "PROCESSING" and not due(db, "payouts_send", payout)
    assert due(db, "payouts_seek", payout)
    assert record(db, payout, "MISSING", looked_at="now") == "KEPT"
    assert row(db, payout, "status")[0] == "PROCESSING" and owner.wallet() == (12000, 8000, 0)
    age(db, payout, "61 minutes")
    assert record(db, payout, "MISSING", looked_at="now") == "FAILED" and owner.wallet() == (20000, 0, 0)
    # Searched again for two days, with growing intervals.
    waits = []
    for _ in range(7):
        assert due(db, "payouts_seek", payout)
        assert record(db, payout, "MISSING", looked_at="now") == "KEPT"
        waits.append(row(db, payout, "round(extract(epoch FROM next_check_at - now()) / 3600)")[0])
        db.sql("UPDATE payouts SET returned_at = returned_at - interval '8 hours' WHERE id = %s", [payout])
    assert [w and int(w) for w in waits] == [6, 6, 6, 6, 8, 10, None]
    assert row(db, payout, "status", "next_check_at") == ("FAILED", None)


@pytest.mark.parametrize("what, hours", [("UNTOLD", 1), ("UNASKED", 24), ("PENDING", 24)])
def test_a_pay_out_without_an_end_becomes_a_discrepancy(db, owner, what, hours):
    payout = owner.sent()
    age(db, payout, f"{hours * 60 - 1} minutes")
    assert record(db, payout, what) == "KEPT" and row(db, payout, "trouble")[0] is None
    age(db, payout, "2 minutes")
    assert record(db, payout, what) == "TROUBLE" and row(db, payout, "trouble", "status")[1] == "PROCESSING"
    assert owner.wallet() == (12000, 8000, 0) and row(db, payout, "next_check_at > now() + interval '59 minutes'")[0]
    assert record(db, payout, what) == "KEPT"  # recorded once


def test_a_reference_of_another_pay_out_is_a_discrepancy(db, owner):
    first, second = owner.sent(), owner.sent()
    assert record(db, first, "PENDING", "cam_double") == "KEPT"
    assert record(db, second, "SUCCESSFUL", "cam_double", 7900) == "TROUBLE"
    assert row(db, second, "status", "gateway_reference") == ("PROCESSING", None) and owner.wallet() == (4000, 16000, 0)


def test_a_history_that_was_read_too_early_proves_nothing(db, owner):
    payout = owner.sent()
    age(db, payout, "2 hours")
    assert record(db, payout, "MISSING", looked_at=db.value("SELECT (now() - interval '90 minutes')::text")) == "KEPT"
    assert row(db, payout, "status")[0] == "PROCESSING"


def test_an_unnamed_transfer_in_the_history_is_a_discrepancy(db, owner):
    payout = owner.sent()
    assert record(db, payout, "UNNAMED", looked_at="now") == "KEPT" and row(db, payout, "trouble")[0] is None
    age(db, payout, "2 hours")
    assert record(db, payout, "UNNAMED", looked_at="now") == "TROUBLE"
    assert row(db, payout, "status")[0] == "PROCESSING" and "without naming" in row(db, payout, "trouble")[0]
    assert owner.wallet() == (12000, 8000, 0)
    # A person decides: it was paid, or it was not.
    outcome, shown = db.run("payout_approve", payout, None, "seen by phone", None, 0, "admin", None, entries())[0]
    assert outcome == "DONE" and json.loads(shown)["status"] == "COMPLETED" and owner.wallet() == (12000, 0, 8000)
    second = owner.sent()
    age(db, second, "2 hours")
    assert record(db, second, "UNNAMED", looked_at="now") == "TROUBLE"
    assert db.run("payout_reject", second, None, "Not there", 0, "admin", None, entries())[0][0] == "DONE"
    assert owner.wallet() == (12000, 0, 8000)


def test_a_processing_pay_out_cannot_be_decided_without_a_discrepancy(db, owner):
    payout = owner.sent()
    assert db.run("payout_approve", payout, None, "x", None, 0, "admin", None, entries())[0][0] == "PAYOUT_DECIDED"
    assert db.run("payout_reject", payout, None, "x", 0, "admin", None, entries())[0][0] == "PAYOUT_DECIDED"


def test_a_success_after_a_failure_is_booked_from_what_is_available(db, owner):
    payout = owner.sent()
    assert record(db, payout, "REFUSED") == "FAILED"
    assert record(db, payout, "SUCCESSFUL", "cam_late", 7900) == "LATE"
    assert owner.wallet() == (12000, 0, 8000)
    assert row(db, payout, "status", "failure_reason") == ("COMPLETED", None)
    assert moved(db, payout)[-2:] == [("VENDOR", "CLEARING", 7900), ("VENDOR", "PLATFORM", 100)]
    assert record(db, payout, "SUCCESSFUL", "cam_late", 7900) == "KEPT" and owner.wallet() == (12000, 0, 8000)


def test_a_success_after_a_failure_is_a_discrepancy_until_the_wallet_can_pay(db, owner):
    payout = owner.sent()
    assert record(db, payout, "REFUSED") == "FAILED"
    db.sql("UPDATE wallets SET available = 7999 WHERE owner_id = %s", [owner.id])
    assert record(db, payout, "SUCCESSFUL", "cam_spent", 7900) == "TROUBLE"
    assert owner.wallet() == (7999, 0, 0) and row(db, payout, "status")[0] == "FAILED"
    assert "paid what is failed here" in row(db, payout, "trouble")[0]
    db.sql("UPDATE wallets SET available = 8000 WHERE owner_id = %s", [owner.id])
    assert due(db, "payouts_ask", payout)
    assert record(db, payout, "SUCCESSFUL", "cam_spent", 7900) == "LATE" and owner.wallet() == (0, 0, 8000)
    assert row(db, payout, "trouble", "next_check_at") == (None, None)


def test_another_amount_is_a_discrepancy_and_books_nothing(db, owner):
    payout = owner.sent()
    for amount in (7899, 8000, 0):
        assert record(db, payout, "SUCCESSFUL", "cam_amount", amount) == "TROUBLE"
    assert owner.wallet() == (12000, 8000, 0) and row(db, payout, "status")[0] == "PROCESSING"
    assert record(db, payout, "SUCCESSFUL", "cam_amount", None) == "COMPLETED"


def test_a_failure_after_a_success_is_a_discrepancy(db, owner):
    payout = owner.sent()
    assert record(db, payout, "SUCCESSFUL", "cam_both", 7900) == "COMPLETED"
    assert record(db, payout, "FAILED", "cam_both") == "TROUBLE" and owner.wallet() == (12000, 0, 8000)


def test_a_callback_makes_a_pay_out_due_and_a_foreign_reference_is_ignored(db, owner):
    payout, other = owner.sent(), owner.sent()
    db.run("payout_heard", payout, "cam_heard")
    assert row(db, payout, "gateway_reference", "next_check_at <= now()") == ("cam_heard", True)
    db.run("payout_heard", payout, "cam_other")
    db.run("payout_heard", other, "cam_heard")  # one transaction pays one pay-out
    assert row(db, payout, "gateway_reference") == ("cam_heard",) and row(db, other, "gateway_reference") == (None,)
    db.run("payout_unheard", payout, "cam_heard")
    assert row(db, payout, "gateway_reference", "status") == (None, "PROCESSING")
    asked = owner.ask(amount=1000)
    db.run("payout_heard", asked, "cam_asked")  # never sent
    assert row(db, asked, "gateway_reference", "next_check_at") == (None, None)


def test_a_movement_cannot_be_booked_twice(db, owner):
    payout = owner.sent()
    assert record(db, payout, "SUCCESSFUL", "cam_twice", 7900) == "COMPLETED"
    db.sql("UPDATE wallets SET pending = pending + 8000 WHERE owner_id = %s", [owner.id])
    with pytest.raises(psycopg2.errors.UniqueViolation):
        db.sql("SELECT payout_settle(p, true, %s) FROM payouts p WHERE id = %s", [["txn_x1", "txn_x2"], payout])


def test_requests_at_once_wait_for_each_other(connect):
    first, second = connect(), connect()
    owner = Owner(first)
    first.sql("BEGIN")
    assert owner.ask(12000).startswith("payout_")
    second.sql("SET lock_timeout = '200ms'")
    again = Owner.__new__(Owner)
    again.db, again.id = second, owner.id
    with pytest.raises(psycopg2.errors.LockNotAvailable):
        again.ask(12000)
    first.sql("COMMIT")
    assert again.ask(12000) == "PAYOUT_SHORT" and owner.wallet() == (8000, 12000, 0)


# --- Troubles ----------------------------------------------------------------------------------------------------

def resolve(db, payout, what, admin="admin", two_from=0, reference=None):
    return db.run("payout_resolve", payout, None, what, reference, "Looked at", two_from, admin, None,
                  "{" + ",".join(f"txn_po_{next(numbers)}" for _ in range(4)) + "}")[0]


def losses(db, payout):
    return sum(amount for source, target, amount in moved(db, payout) if (source, target) == ("PLATFORM", "CLEARING"))


def with_discrepancy(db, owner, state, reported=None, left=None):
    """A pay-out of 8000, 7900 of which are to be sent, with a discrepancy in a state; reported: the amount that the gateway paid; left: what is
    available when it does not suffice."""
    payout = owner.sent()
    reference = f"cam_t{next(numbers)}"
    if state == "PROCESSING":
        age(db, payout, "2 hours")
        assert record(db, payout, "UNTOLD") == "TROUBLE" if reported is None else record(db, payout, "SUCCESSFUL", reference, reported) == "TROUBLE"
    elif state == "FAILED":
        assert record(db, payout, "REFUSED") == "FAILED"
        if left is not None:
            db.sql("UPDATE wallets SET available = %s WHERE owner_id = %s", [left, owner.id])
        assert record(db, payout, "SUCCESSFUL", reference, reported or 7900) == "TROUBLE"
    elif state == "COMPLETED":
        assert record(db, payout, "SUCCESSFUL", reference, 7900) == "COMPLETED"
        assert record(db, payout, "FAILED", reference) == "TROUBLE"
    return payout


@pytest.mark.parametrize("state, what, reported, left, wallet, lost, ends", [
    ("PROCESSING", "PAID", None, None, (12000, 0, 8000), 0, "COMPLETED"),
    ("PROCESSING", "PAID", 10000, None, (12000, 0, 8000), 2100, "COMPLETED"),
    ("PROCESSING", "PAID", 777, None, (12000, 0, 8000), 0, "COMPLETED"),
    ("PROCESSING", "RETURNED", None, None, (20000, 0, 0), 0, "REJECTED"),
    ("PROCESSING", "RETURNED", 777, None, (19223, 0, 777), 0, "REJECTED"),
    ("PROCESSING", "RETURNED", 10000, None, (12000, 0, 8000), 2000, "REJECTED"),
    ("PROCESSING", "WRITTEN_OFF", 777, None, (20000, 0, 0), 777, "REJECTED"),
    ("PROCESSING", "WRITTEN_OFF", None, None, (20000, 0, 0), 7900, "REJECTED"),
    ("FAILED", "PAID", None, 5000, (0, 0, 5000), 2900, "COMPLETED"),
    ("FAILED", "PAID", None, 7950, (0, 0, 7950), 0, "COMPLETED"),
    ("FAILED", "PAID", None, 0, (0, 0, 0), 7900, "COMPLETED"),
    ("FAILED", "RETURNED", None, 5000, (5000, 0, 0), 0, "FAILED"),
    ("FAILED", "RETURNED", 777, 500, (0, 0, 500), 277, "FAILED"),
    ("FAILED", "WRITTEN_OFF", None, 5000, (5000, 0, 0), 7900, "FAILED"),
    ("COMPLETED", "PAID", None, None, (12000, 0, 8000), 0, "COMPLETED"),
    ("COMPLETED", "RETURNED", None, None, (20000, 0, 0), 0, "REJECTED")])
def test_a_resolved_discrepancy_is_booked(db, owner, state, what, reported, left, wallet, lost, ends):
    payout = with_discrepancy(db, owner, state, reported, left)
    outcome, shown = resolve(db, payout, what)
    shown = json.loads(shown)
    assert (outcome, shown["status"], shown["resolution"], shown["trouble"]) == ("DONE", ends, what, None)
    assert owner.wallet() == wallet and losses(db, payout) == lost
    booked = moved(db, payout)
    again, other = resolve(db, payout, what), resolve(db, payout, "PAID" if what != "PAID" else "RETURNED")
    assert again[0] == "AGAIN" and other[0] == "NO_TROUBLE" and moved(db, payout) == booked and owner.wallet() == wallet


def test_a_discrepancy_of_a_large_amount_needs_two_equal_decisions(db, owner):
    payout = with_discrepancy(db, owner, "PROCESSING")
    assert resolve(db, payout, "PAID", "one", 8000)[0] == "NOTED" and owner.wallet() == (12000, 8000, 0)
    assert resolve(db, payout, "PAID", "one", 8000)[0] == "SAME_ADMIN"
    assert resolve(db, payout, "RETURNED", "two", 8000)[0] == "NOTED"  # another opinion begins anew
    assert db.run("payout_reject", payout, None, "No", 8000, "two", None, entries())[0][0] == "SAME_ADMIN"
    assert db.run("payout_approve", payout, None, "VIR", None, 8000, "two", None, entries())[0][0] == "NOTED"
    outcome, shown = resolve(db, payout, "PAID", "three", 8000, "VIR-2")
    assert outcome == "DONE" and json.loads(shown)["transaction_reference"] == "VIR-2" and owner.wallet() == (12000, 0, 8000)


def test_a_success_after_a_payment_by_hand_is_a_discrepancy_again(db, owner):
    payout = with_discrepancy(db, owner, "PROCESSING")
    assert resolve(db, payout, "PAID", reference="by hand")[0] == "DONE"
    assert due(db, "payouts_seek", payout)
    assert record(db, payout, "SUCCESSFUL", "cam_besides", 7900) == "TROUBLE"
    assert "by hand" in row(db, payout, "trouble")[0] and resolve(db, payout, "RETURNED")[0] == "TROUBLE_OTHER"
    assert resolve(db, payout, "WRITTEN_OFF")[0] == "DONE" and losses(db, payout) == 7900
    assert owner.wallet() == (12000, 0, 8000) and record(db, payout, "SUCCESSFUL", "cam_besides", 7900) == "KEPT"


def test_a_success_after_the_return_is_booked_from_the_available_balance(db, owner):
    payout = with_discrepancy(db, owner, "PROCESSING")
    assert resolve(db, payout, "RETURNED")[0] == "DONE" and owner.wallet() == (20000, 0, 0)
    assert record(db, payout, "SUCCESSFUL", "cam_returned", 7900) == "LATE" and owner.wallet() == (12000, 0, 8000)
    assert row(db, payout, "status", "resolution", "rejection_reason") == ("COMPLETED", None, None)


def test_without_a_discrepancy_nothing_is_resolved(db, owner):
    for payout in (owner.sent(), owner.ask()):
        for what in ("PAID", "RETURNED", "WRITTEN_OFF"):
            assert resolve(db, payout, what)[0] == "NO_TROUBLE"
    assert resolve(db, "payout_none", "PAID")[0] == "PAYOUT_NOT_FOUND"


def test_a_pay_out_paid_by_hand_is_never_sent(db, owner):
    payout = owner.approved()
    assert db.run("payout_approve", payout, None, "by hand", None, 0, "admin", None, entries())[0][0] == "DONE"
    assert row(db, payout, "status", "transaction_reference", "sent_at", "next_check_at") == ("COMPLETED", "by hand", None, None)
    assert not due(db, "payouts_send", payout) and owner.wallet() == (12000, 0, 8000)
