# SPDX-License-Identifier: MIT
"""The statements of pay-outs, run directly: each applies a decision of src/domain/payout_state.c while the row is unchanged.
tests/unit/domain/payout_state_test.c has the rules."""

import itertools
import json

import psycopg2
import pytest

numbers = itertools.count(1)
PHONE = "+237670000001"


def entries(count=4):
    return "{" + ",".join(f"txn_po_{next(numbers)}" for _ in range(count)) + "}"


class Owner:
    """A vendor with earnings, and the statements of his pay-outs."""

    def __init__(self, db, earned=20000):
        self.db, self.id = db, f"vendor_po_{next(numbers)}"
        db.sql("INSERT INTO vendors (id, email, phone, password_hash, owner_name, business_name, service_type, business_type,"
               " address, lat, lng, approval_status) VALUES (%s, %s, %s, 'x', 'Rose', 'Chez Rose', 'FOOD', 'x', 'x', 4, 9,"
               " 'APPROVED')", [self.id, f"{self.id}@x", f"+2371{next(numbers):08d}"])
        db.sql("INSERT INTO wallets (owner_id, kind, available, total_earned) VALUES (%s, 'VENDOR', %s, %s)",
               [self.id, earned, earned])

    def request(self, amount=8000, fee=100, method="MOBILE_MONEY", key=None, most=20):
        payout = f"payout_{next(numbers)}"
        outcome = self.db.run("payout_request", payout_id=payout, kind="VENDOR", owner_id=self.id, amount=amount, fee=fee,
                              method=method, destination=PHONE, bank_details='{"accountNumber":"670000001"}', open_limit=most,
                              entry_id=f"txn_po_{next(numbers)}", key=key, fingerprint=key and "print")[0][0]
        return payout if outcome == "REQUESTED" else outcome

    def approved(self, **fields):
        payout = self.request(**fields)
        assert rule(self.db, payout, "APPROVE", "APPROVED", next_check=0)[0] == "APPLIED"
        return payout

    def sent(self, **fields):
        payout = self.approved(**fields)
        assert payout in {row[0] for row in self.db.run("payouts_send", limit=100, lease_s=60)}
        return payout

    def wallet(self):
        return self.db.sql("SELECT available, pending, total_withdrawn FROM wallets WHERE owner_id = %s", [self.id])[0]


def version_of(db, payout):
    return db.run("payout_read", payout_id=payout)[0][1]


def apply(db, payout, action, state, reference=None, checks=0, next_check="unchanged", paid=None, remark=None, version=None):
    """payout_apply_answer: its outcome."""
    return db.run("payout_apply_answer", payout_id=payout, version=version or version_of(db, payout), action=action,
                  next_state=state, reference=reference, checks=checks, reschedule=next_check != "unchanged",
                  next_check_s=None if next_check == "unchanged" else next_check, paid_amount=paid, remark=remark,
                  entry_ids=entries(2))[0][0]


def rule(db, payout, step, state, resolution=None, reference=None, reason=None, notes=None, two_from=0, admin="admin",
         next_check=None, version=None):
    """payout_apply_ruling: (outcome, row)."""
    outcome, shown = db.run("payout_apply_ruling", payout_id=payout, version=version or version_of(db, payout), step=step,
                            resolution=resolution, next_state=state, reference=reference, reason=reason, notes=notes,
                            two_admins_from=two_from, admin_id=admin, next_check_s=next_check, entry_ids=entries(),
                            audit=None)[0]
    return outcome, json.loads(shown) if shown else None


def row(db, payout, *columns):
    return db.sql(f"SELECT {', '.join(columns)} FROM payouts WHERE id = %s", [payout])[0]


def due(db, payout, search=None):
    """Whether a statement takes the pay-out when it is due: payouts_send, or payouts_due (search: without a reference)."""
    db.sql("UPDATE payouts SET next_check_at = NULL WHERE id <> %s", [payout])
    db.sql("UPDATE payouts SET next_check_at = now() WHERE id = %s", [payout])
    found = db.run("payouts_send", limit=10, lease_s=60) if search is None else db.run("payouts_due", search=search, limit=10)
    return payout in {one[0] for one in found}


def moved(db, payout):
    return db.sql("SELECT from_kind, to_kind, amount FROM ledger WHERE reference = %s ORDER BY created_at, id", [payout])


@pytest.fixture
def owner(db):
    return Owner(db)


# --- Taking rows -------------------------------------------------------------------------------------------------

def test_an_approved_pay_out_is_taken_once_and_is_processing_before_the_call(db, owner):
    payout = owner.approved()
    taken = [r for r in db.run("payouts_send", limit=100, lease_s=60) if r[0] == payout]
    assert [(r[0], r[3], r[5] - r[6], r[-1]) for r in taken] == [(payout, "PROCESSING", 7900, PHONE)]
    assert row(db, payout, "status", "sent_at IS NOT NULL", "gateway_reference") == ("PROCESSING", True, None)
    assert not due(db, payout) and not due(db, payout, search=False) and due(db, payout, search=True)


def test_two_instances_send_different_pay_outs(connect):
    first, second = connect(), connect()
    owner = Owner(first, 100000)
    ids = {owner.approved() for _ in range(4)}
    first.sql("BEGIN")
    one = {r[0] for r in first.run("payouts_send", limit=2, lease_s=60)}
    two = {r[0] for r in second.run("payouts_send", limit=100, lease_s=60)}
    first.sql("COMMIT")
    assert not one & two and ids <= one | two


def test_bank_transfers_and_unapproved_pay_outs_are_never_sent(db, owner):
    for payout in (owner.approved(method="BANK_TRANSFER"), owner.request()):
        assert not due(db, payout)


def test_a_due_pay_out_is_taken_once_for_a_check(db, owner):
    payout = owner.sent()
    assert due(db, payout, search=True)
    one = {"payout_ids": f"{{{payout}}}", "versions": f"{{{version_of(db, payout)}}}", "delays_s": "{40}"}
    taken = db.run("payouts_take", **one)
    assert [(r[0], r[1], r[8]) for r in taken] == [(payout, version_of(db, payout), 1)]
    assert row(db, payout, "round(extract(epoch FROM next_check_at - now()))")[0] == 40
    assert db.run("payouts_take", **one) == []
    one = {**one, "versions": f"{{{version_of(db, payout)}}}", "delays_s": "{-1}"}
    assert len(db.run("payouts_take", **one)) == 1 and row(db, payout, "next_check_at")[0] is None


# --- Answers of the gateway --------------------------------------------------------------------------------------

def test_a_success_is_booked_once(db, owner):
    payout = owner.sent()
    assert apply(db, payout, "KEEP", "PROCESSING", "cam_a", next_check=5) == "APPLIED"
    assert row(db, payout, "gateway_reference", "status") == ("cam_a", "PROCESSING")
    assert due(db, payout, search=False) and not due(db, payout, search=True)
    version = version_of(db, payout)
    assert apply(db, payout, "SETTLE", "COMPLETED", version=version) == "APPLIED"
    assert apply(db, payout, "SETTLE", "COMPLETED", version=version) == "CHANGED"
    assert owner.wallet() == (12000, 0, 8000)
    assert row(db, payout, "status", "next_check_at", "transaction_reference") == ("COMPLETED", None, "cam_a")
    assert moved(db, payout) == [("VENDOR", "VENDOR_PENDING", 8000), ("VENDOR_PENDING", "CLEARING", 7900),
                                 ("VENDOR_PENDING", "PLATFORM", 100)]


@pytest.mark.parametrize("next_check", [None, 600])
def test_a_failure_returns_the_money_once(db, owner, next_check):
    payout = owner.sent()
    version = version_of(db, payout)
    for outcome in ("APPLIED", "CHANGED"):
        assert apply(db, payout, "RETURN", "FAILED", remark="No such number", next_check=next_check, version=version) == outcome
    assert owner.wallet() == (20000, 0, 0)
    assert row(db, payout, "status", "failure_reason", "next_check_at IS NULL") == (
        "FAILED", "No such number", next_check is None)


def test_an_unreached_pay_out_is_sent_again(db, owner):
    payout = owner.sent()
    assert apply(db, payout, "KEEP", "APPROVED", checks=3, next_check=40) == "APPLIED"
    assert row(db, payout, "status", "checks", "round(extract(epoch FROM next_check_at - now()))") == ("APPROVED", 3, 40)
    assert due(db, payout) and owner.wallet() == (12000, 8000, 0)


def test_a_reference_of_another_pay_out_is_reported_and_not_stored(db, owner):
    first, second = owner.sent(), owner.sent()
    assert apply(db, first, "KEEP", "PROCESSING", "cam_double") == "APPLIED"
    assert apply(db, second, "SETTLE", "COMPLETED", "cam_double") == "REFERENCE_TAKEN"
    assert row(db, second, "status", "gateway_reference") == ("PROCESSING", None) and owner.wallet() == (4000, 16000, 0)


def test_a_late_success_is_booked_from_the_available_balance(db, owner):
    payout = owner.sent()
    assert apply(db, payout, "RETURN", "FAILED", remark="x") == "APPLIED"
    db.sql("UPDATE wallets SET available = 7999 WHERE owner_id = %s", [owner.id])
    assert apply(db, payout, "SETTLE_LATE", "COMPLETED", "cam_late") == "WALLET_SHORT"
    assert owner.wallet() == (7999, 0, 0) and row(db, payout, "status")[0] == "FAILED"
    db.sql("UPDATE wallets SET available = 20000 WHERE owner_id = %s", [owner.id])
    assert apply(db, payout, "SETTLE_LATE", "COMPLETED") == "APPLIED"
    assert owner.wallet() == (12000, 0, 8000)
    assert row(db, payout, "status", "failure_reason", "transaction_reference") == ("COMPLETED", None, "cam_late")
    assert moved(db, payout)[-2:] == [("VENDOR", "CLEARING", 7900), ("VENDOR", "PLATFORM", 100)]


def test_a_discrepancy_moves_no_money_and_keeps_a_first_decision_only_about_itself(db, owner):
    payout = owner.sent()
    assert apply(db, payout, "DISCREPANCY", "PROCESSING", remark="one", paid=7000, next_check=3600) == "APPLIED"
    assert row(db, payout, "trouble", "told_amount", "status") == ("one", 7000, "PROCESSING")
    assert rule(db, payout, "NOTE_RESOLUTION", "PROCESSING", "PAID", two_from=1)[0] == "APPLIED"
    assert apply(db, payout, "DISCREPANCY", "PROCESSING", remark="one") == "APPLIED"
    assert row(db, payout, "first_resolution", "told_amount") == ("PAID", 7000)
    assert apply(db, payout, "DISCREPANCY", "PROCESSING", remark="two") == "APPLIED"
    assert row(db, payout, "first_resolution", "trouble") == (None, "two") and owner.wallet() == (12000, 8000, 0)
    assert apply(db, payout, "CLEAR", "PROCESSING") == "APPLIED" and row(db, payout, "trouble")[0] is None


def test_a_callback_makes_a_pay_out_due_and_a_foreign_reference_is_ignored(db, owner):
    payout, other = owner.sent(), owner.sent()
    note = lambda target, reference: db.run("payout_note_callback", payout_id=target, reference=reference)
    note(payout, "cam_named")
    assert row(db, payout, "gateway_reference", "next_check_at <= now()") == ("cam_named", True)
    note(payout, "cam_other")
    note(other, "cam_named")  # one transaction pays one pay-out
    assert row(db, payout, "gateway_reference") == ("cam_named",) and row(db, other, "gateway_reference") == (None,)
    db.run("payout_clear_reference", payout_id=payout, reference="cam_named", next_check_s=5)
    assert row(db, payout, "gateway_reference", "status") == (None, "PROCESSING")
    requested = owner.request(amount=1000)
    note(requested, "cam_requested")  # never sent
    assert row(db, requested, "gateway_reference", "next_check_at") == (None, None)


def test_a_movement_cannot_be_booked_twice(db, owner):
    payout = owner.sent()
    assert apply(db, payout, "SETTLE", "COMPLETED", "cam_twice") == "APPLIED"
    db.sql("UPDATE wallets SET pending = pending + 8000 WHERE owner_id = %s", [owner.id])
    with pytest.raises(psycopg2.errors.UniqueViolation):
        db.sql("SELECT payout_settle(p, true, %s) FROM payouts p WHERE id = %s", [["txn_x1", "txn_x2"], payout])


def test_requests_at_once_wait_for_each_other(connect):
    first, second = connect(), connect()
    owner = Owner(first)
    first.sql("BEGIN")
    assert owner.request(12000).startswith("payout_")
    second.sql("SET lock_timeout = '200ms'")
    again = Owner.__new__(Owner)
    again.db, again.id = second, owner.id
    with pytest.raises(psycopg2.errors.LockNotAvailable):
        again.request(12000)
    first.sql("COMMIT")
    assert again.request(12000) == "PAYOUT_SHORT" and owner.wallet() == (8000, 12000, 0)


# --- Decisions of admins -----------------------------------------------------------------------------------------

def test_an_approval_with_a_reference_completes_a_pay_out_that_is_never_sent(db, owner):
    payout = owner.approved()
    outcome, shown = rule(db, payout, "COMPLETE", "COMPLETED", reference="by hand", notes="Paid in cash")
    assert (outcome, shown["status"], shown["notes"]) == ("APPLIED", "COMPLETED", "Paid in cash")
    assert row(db, payout, "transaction_reference", "sent_at", "next_check_at") == ("by hand", None, None)
    assert not due(db, payout) and owner.wallet() == (12000, 0, 8000)


def test_a_first_approval_keeps_the_reference_for_the_second(db, owner):
    payout = owner.request()
    outcome, shown = rule(db, payout, "NOTE_APPROVAL", "PENDING", reference="VIR", admin="one", two_from=8000)
    assert (outcome, shown["first_approved_by"], shown["approvals_needed"]) == ("APPLIED", "one", 1)
    outcome, shown = rule(db, payout, "APPROVE", "COMPLETED", admin="two", two_from=8000)
    assert (outcome, shown["approved_by"], shown["transaction_reference"]) == ("APPLIED", "two", "VIR")
    assert owner.wallet() == (12000, 0, 8000)


def test_a_rejection_returns_the_money(db, owner):
    payout = owner.approved()
    version = version_of(db, payout)
    outcome, shown = rule(db, payout, "REJECT", "REJECTED", reason="Closed", version=version)
    assert (outcome, shown["rejection_reason"]) == ("APPLIED", "Closed") and owner.wallet() == (20000, 0, 0)
    assert rule(db, payout, "REJECT", "REJECTED", version=version) == ("CHANGED", None)


def losses(db, payout):
    return sum(amount for source, target, amount in moved(db, payout) if (source, target) == ("PLATFORM", "CLEARING"))


def with_discrepancy(db, owner, state, reported=None, left=None):
    """A pay-out of 8000, 7900 of which are to be sent, with a discrepancy in a state. reported: another amount that the
    gateway paid; left: the available balance."""
    payout = owner.sent()
    reference = f"cam_t{next(numbers)}"
    if state == "FAILED":
        assert apply(db, payout, "RETURN", "FAILED", remark="x") == "APPLIED"
        if left is not None:
            db.sql("UPDATE wallets SET available = %s WHERE owner_id = %s", [left, owner.id])
    elif state == "COMPLETED":
        assert apply(db, payout, "SETTLE", "COMPLETED", reference) == "APPLIED"
    assert apply(db, payout, "DISCREPANCY", state, None if state == "COMPLETED" else reference, remark="x",
                 paid=reported) == "APPLIED"
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
    version = version_of(db, payout)
    outcome, shown = rule(db, payout, "RESOLVE", ends, what, notes="Looked at", version=version)
    assert (outcome, shown["status"], shown["resolution"], shown["trouble"]) == ("APPLIED", ends, what, None)
    assert owner.wallet() == wallet and losses(db, payout) == lost
    booked = moved(db, payout)
    assert rule(db, payout, "RESOLVE", ends, what, version=version) == ("CHANGED", None)
    assert moved(db, payout) == booked and owner.wallet() == wallet


def test_a_resolution_publishes_the_end_and_shows_the_right_reference(db, owner):
    payout = with_discrepancy(db, owner, "PROCESSING")
    shown = rule(db, payout, "RESOLVE", "COMPLETED", "PAID", reference="VIR-2")[1]
    assert shown["transaction_reference"] == "VIR-2"
    other = with_discrepancy(db, owner, "COMPLETED")
    shown = rule(db, other, "RESOLVE", "REJECTED", "RETURNED", reason="Reversed")[1]
    assert (shown["rejection_reason"], shown["completed_at"]) == ("Reversed", None)
    types = [one[0] for one in db.sql("SELECT type FROM event_log WHERE aggregate = %s ORDER BY id", [other])]
    assert types[-2:] == ["payout_completed", "payout_rejected"]
