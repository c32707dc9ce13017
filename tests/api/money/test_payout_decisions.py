# SPDX-License-Identifier: MIT
"""Pay-outs as admins decide them: one decision each, and two admins where two are asked for."""

import pytest

from api.money.conftest import BANK
from world.accounts import appoint, open_shop
from world.audit import audit, books_balance
from world.money import earn, events, wallet
from world.rows import META
from world.waiting import race

KEYS = set("""id type entity_name amount fee net_amount currency method number status created_at processed_at completed_at
    transaction_reference rejection_reason failure_reason notes trouble gateway_reference told_amount resolution
    first_resolution first_resolved_by resolved_by first_approved_by approved_by approvals_needed""".split())
OF = {"vendor": {"vendor_id", "vendor"}, "rider": {"rider_id", "rider"}}
PAST = {"from", "to", "description", "decision"}


def find(rows, payout):
    return next(row for row in rows if row["id"] == payout["payoutId"])


@pytest.mark.parametrize("kind", ["vendor", "rider"])
def test_rows_are_what_the_console_reads(admin_api, requested, kind):
    owner, payout = requested(kind)
    reply = admin_api.get("payouts/pending")
    row = find(reply.data, payout)
    assert set(row) == KEYS | OF[kind] and set(reply.json["meta"]) == META
    assert row["status"] == "PENDING" and row["type"] == kind.upper() and row[f"{kind}_id"] == owner.id
    assert (row["amount"], row["net_amount"], row["number"], row["approvals_needed"]) == (
        8000, payout["netAmount"], "+237670112233", 1)
    assert row["entity_name"] == row[kind]["name"] == {"vendor": "Chez Rose", "rider": "Emmanuel Tchoupo"}[kind]
    other = {"vendor": "RIDER", "rider": "VENDOR"}[kind]
    assert payout["payoutId"] not in {r["id"] for r in admin_api.get("payouts/pending", query={"type": other}).data}
    assert find(admin_api.get("finance/payouts", query={"type": kind, "status": "pending"}).data, payout) == row
    assert payout["payoutId"] not in {r["id"] for r in admin_api.get("payouts/history").data}


def test_a_phone_is_paid_by_the_gateway_so_approval_only_approves(admin_api, requested, sql):
    owner, payout = requested()
    reply = admin_api.post(f"payouts/{payout['payoutId']}/approve", json={"notes": "ok", "type": "VENDOR"})
    assert (reply.status, reply.data["status"], reply.data["notes"]) == (200, "APPROVED", "ok")
    assert wallet(sql, owner.id) == (12000, 8000, 0)
    assert "payout_approved" in events(sql, payout["payoutId"])
    assert sql("SELECT next_check_at <= now() AS due FROM payouts WHERE id = %s", payout["payoutId"])[0]["due"]
    again = admin_api.post(f"payouts/{payout['payoutId']}/approve")
    assert (again.status, again.code) == (409, "CONFLICT")
    assert owner.api.get(f"payouts/{payout['payoutId']}").data["status"] == "APPROVED"
    acts = sql("SELECT act, details FROM admin_audit WHERE subject = %s", payout["payoutId"])
    assert [(a["act"], a["details"]) for a in acts] == [("payout.approve", {"notes": "ok", "type": "VENDOR"})]


@pytest.mark.parametrize("kind", ["vendor", "rider"])
@pytest.mark.parametrize("path", ["payouts/{}/approve", "finance/payouts/{}/process"])
def test_a_bank_transfer_is_completed_by_its_reference(admin_api, requested, sql, kind, path):
    owner, payout = requested(kind, bank=BANK)
    reply = admin_api.post(path.format(payout["payoutId"]), json={"transactionReference": "VIR-77"})
    assert (reply.data["status"], reply.data["transaction_reference"]) == ("COMPLETED", "VIR-77")
    fee = payout["processingFee"]
    assert wallet(sql, owner.id) == (12000, 0, 8000)
    pending = kind.upper() + "_PENDING"
    moved = sql("SELECT from_kind, to_kind, amount, from_balance FROM ledger WHERE reference = %s AND from_kind = %s"
                " ORDER BY id", payout["payoutId"], pending)
    assert {(m["to_kind"], m["amount"], m["from_balance"]) for m in moved} == (
        {("CLEARING", 8000 - fee, fee)} | ({("PLATFORM", fee, 0)} if fee else set()))
    shown = owner.api.get(f"payouts/{payout['payoutId']}").data
    assert (shown["status"], shown["transactionReference"]) == ("COMPLETED", "VIR-77") and shown["completedAt"]
    published = events(sql, payout["payoutId"])
    assert published["payout_completed"]["transactionReference"] == "VIR-77" and "payout_approved" in published
    assert owner.api.get("wallet/balance").data["totalWithdrawn"] == 8000
    row = find(admin_api.get("payouts/history", query={"status": "COMPLETED"}).data, payout)
    assert set(row) == KEYS | OF[kind] | PAST and (row["from"], row["decision"]) == ("Reeyo", "APPROVED")


def test_a_bank_transfer_without_a_reference_waits_for_it(admin_api, requested, sql):
    owner, payout = requested(bank=BANK)
    assert admin_api.post(f"payouts/{payout['payoutId']}/approve").data["status"] == "APPROVED"
    assert wallet(sql, owner.id) == (12000, 8000, 0)
    assert admin_api.post(f"payouts/{payout['payoutId']}/approve").status == 409
    done = admin_api.post(f"payouts/{payout['payoutId']}/process", json={"transaction_reference": "VIR-78"})
    assert done.data["status"] == "COMPLETED"
    assert admin_api.post(f"payouts/{payout['payoutId']}/process", json={"transactionReference": "VIR-79"}).status == 409
    assert wallet(sql, owner.id) == (12000, 0, 8000)


def test_an_unpaid_bank_transfer_can_be_rejected(admin_api, requested, sql):
    owner, payout = requested(bank=BANK)
    assert admin_api.post(f"payouts/{payout['payoutId']}/approve").data["status"] == "APPROVED"
    rejected = admin_api.post(f"payouts/{payout['payoutId']}/reject", json={"reason": "The account is closed"})
    assert rejected.data["status"] == "REJECTED" and wallet(sql, owner.id) == (20000, 0, 0)
    assert admin_api.post(f"payouts/{payout['payoutId']}/process", json={"transactionReference": "VIR"}).status == 409


@pytest.mark.parametrize("kind", ["vendor", "rider"])
def test_a_rejected_pay_out_returns_the_money(admin_api, requested, sql, kind):
    owner, payout = requested(kind)
    assert admin_api.post(f"payouts/{payout['payoutId']}/reject", json={}).status == 400
    reply = admin_api.post(f"payouts/{payout['payoutId']}/reject", json={"reason": "Wrong number"})
    assert (reply.data["status"], reply.data["rejection_reason"]) == ("REJECTED", "Wrong number")
    assert wallet(sql, owner.id) == (20000, 0, 0)
    assert events(sql, payout["payoutId"])["payout_rejected"]["reason"] == "Wrong number"
    assert owner.api.get(f"payouts/{payout['payoutId']}").data["rejectionReason"] == "Wrong number"
    row = find(admin_api.get("payouts/history", query={"status": "FAILED"}).data, payout)
    assert (row["status"], row["decision"], row["to"]) == ("FAILED", "REJECTED", row["entity_name"])
    assert find(admin_api.get("payouts", query={"status": "REJECTED"}).data, payout)["status"] == "REJECTED"
    for act, body in (("approve", {}), ("reject", {"reason": "Again"})):
        assert admin_api.post(f"payouts/{payout['payoutId']}/{act}", json=body).status == 409
    lines = owner.api.get("wallet/transactions").data["transactions"]
    assert [(t["type"], t["category"]) for t in lines[:2]] == [("CREDIT", "PAYOUT"), ("DEBIT", "PAYOUT")]


@pytest.mark.parametrize("later", [False, True])
def test_a_mobile_pay_out_paid_by_hand_is_completed_and_not_sent(admin_api, requested, sql, later):
    owner, payout = requested()
    path = f"payouts/{payout['payoutId']}/approve"
    if later:
        assert admin_api.post(path).data["status"] == "APPROVED"
    reply = admin_api.post(path, json={"transactionReference": "BY-HAND-1"})
    assert (reply.data["status"], reply.data["transaction_reference"]) == ("COMPLETED", "BY-HAND-1")
    assert wallet(sql, owner.id) == (12000, 0, 8000)
    row = sql("SELECT sent_at, next_check_at FROM payouts WHERE id = %s", payout["payoutId"])[0]
    assert (row["sent_at"], row["next_check_at"]) == (None, None)
    assert owner.api.get(f"payouts/{payout['payoutId']}").data["transactionReference"] == "BY-HAND-1"


def test_a_pay_out_without_a_discrepancy_cannot_be_resolved(admin_api, requested):
    _, payout = requested()
    path = f"payouts/{payout['payoutId']}/resolve-trouble"
    reply = admin_api.post(path, json={"outcome": "PAID", "notes": "x"})
    assert (reply.status, reply.code) == (409, "CONFLICT")
    assert admin_api.post("payouts/payout_none/resolve-trouble", json={"outcome": "PAID", "notes": "x"}).status == 404
    for body in ({"outcome": "PAID"}, {"notes": "x"}, {"outcome": "LOST", "notes": "x"}, {"outcome": "PAID", "notes": ""}):
        assert admin_api.post(path, json=body).status == 400, body


@pytest.mark.parametrize("act", ["approve", "reject", "resolve-trouble"])
def test_a_wrong_owner_type_is_refused(admin_api, requested, act):
    _, payout = requested()
    reply = admin_api.post(f"payouts/{payout['payoutId']}/{act}",
                           json={"type": "RIDER", "reason": "x", "outcome": "PAID", "notes": "x"})
    assert (reply.status, reply.code) == (400, "VALIDATION_FAILED") and "is a VENDOR's" in str(reply.json["error"])


@pytest.mark.parametrize("path", ["payouts", "payouts/pending"])
def test_all_types_are_shown_when_all_are_asked_for(admin_api, requested, path):
    (_, one), (_, other) = requested("vendor"), requested("rider")
    for kind in ("ALL", "all", ""):
        ids = {row["id"] for row in admin_api.get(path, query={"type": kind, "limit": 100}).data}
        assert {one["payoutId"], other["payoutId"]} <= ids


def test_an_unknown_pay_out_is_not_found(admin_api, requested):
    _, payout = requested()
    for path, body in (("payouts/payout_none/approve", {}), ("payouts/payout_none/reject", {"reason": "x"})):
        reply = admin_api.post(path, json=body)
        assert (reply.status, reply.code) == (404, "NOT_FOUND"), path
    assert admin_api.get("payouts", query={"status": "LOST"}).status == 400
    assert admin_api.get("payouts/pending", query={"type": "USER"}).status == 400


@pytest.mark.parametrize("turn", range(4))
def test_exactly_one_of_many_concurrent_decisions_wins(admin, requested, sql, turn):
    owner, payout = requested(bank=BANK)
    admins = [admin().api for _ in range(8)]
    calls = [lambda a=a, n=n: a.post(f"payouts/{payout['payoutId']}/approve", json={"transactionReference": f"V{n}"})
             if n % 2 else a.post(f"payouts/{payout['payoutId']}/reject", json={"reason": "No"})
             for n, a in enumerate(admins)]
    replies = race(calls)
    assert sorted(reply.status for reply in replies) == [200] + [409] * 7
    won = next(reply for reply in replies if reply.status == 200).data["status"]
    assert wallet(sql, owner.id) == ((12000, 0, 8000) if won == "COMPLETED" else (20000, 0, 0))
    assert len(sql("SELECT id FROM admin_audit WHERE subject = %s", payout["payoutId"])) == 1


def test_the_live_figures_count_pending_pay_outs(admin_api, requested):
    before = admin_api.get("analytics/live").data
    _, payout = requested()
    after = admin_api.get("analytics/live").data
    assert after["pending_approvals_detail"]["payouts"] == before["pending_approvals_detail"]["payouts"] + 1
    assert after["pending_approvals"] == before["pending_approvals"] + 1
    admin_api.post(f"payouts/{payout['payoutId']}/reject", json={"reason": "x"})
    assert admin_api.get("analytics/live").data["pending_approvals"] == before["pending_approvals"]


def test_the_platforms_accounts_are_sums_of_entries(admin_api, requested, sql):
    before = admin_api.get("finance/platform").data
    assert set(before) == {"balance", "escrow", "total_commission", "total_payouts", "pending_payouts", "currency"}
    _, payout = requested("rider", bank=BANK)
    held = admin_api.get("finance/platform").data
    assert held == before | {"pending_payouts": before["pending_payouts"] + 8000}
    admin_api.post(f"payouts/{payout['payoutId']}/approve", json={"transactionReference": "V"})
    after = admin_api.get("finance/platform").data
    assert after == before | {"balance": before["balance"] + 200, "total_payouts": before["total_payouts"] + 8000}
    for name, account in (("balance", "PLATFORM"), ("escrow", "ESCROW")):
        assert after[name] == (sql("SELECT sum(amount) FROM ledger_entries WHERE kind = %s", account)[0]["sum"] or 0)


@pytest.fixture(scope="module")
def strict_server(start_server):
    return start_server(payout_two_admins_from=10000)


@pytest.fixture
def strict(strict_server):
    yield strict_server
    books_balance(strict_server)


def test_large_amounts_need_two_admins(strict, connect):
    sql = connect(strict)
    shop = open_shop(strict, sql, bank_details=BANK)
    earn(sql, shop.id, 100000)
    small, large = [shop.api.post("payouts/request", json={"amount": n}).data["payoutId"] for n in (9999, 10000)]
    first, second, third = [appoint(strict, sql) for _ in range(3)]
    assert first.api.post(f"payouts/{small}/approve", json={"transactionReference": "A"}).data["status"] == "COMPLETED"
    rows = {row["id"]: row for row in first.api.get("payouts").data}
    assert (rows[large]["approvals_needed"], rows[large]["first_approved_by"]) == (2, None)
    noted = first.api.post(f"payouts/{large}/approve", json={"transactionReference": "B"})
    assert (noted.status, noted.data["status"], noted.data["first_approved_by"], noted.data["approvals_needed"]) == (
        200, "PENDING", first.id, 1)
    same = first.api.post(f"payouts/{large}/approve", json={"transactionReference": "B"})
    assert (same.status, same.code) == (403, "FORBIDDEN")
    assert wallet(sql, shop.id) == (80001, 10000, 9999)
    done = second.api.post(f"payouts/{large}/approve", json={})
    assert (done.data["status"], done.data["approved_by"], done.data["transaction_reference"]) == ("COMPLETED", second.id, "B")
    assert third.api.post(f"payouts/{large}/approve").status == 409
    assert wallet(sql, shop.id) == (80001, 0, 19999)
    assert [row["admin_id"] for row in sql("SELECT admin_id FROM admin_audit WHERE subject = %s ORDER BY id", large)] == [
        first.id, second.id]


def test_two_concurrent_approvals_count_as_two(strict, connect):
    sql = connect(strict)
    shop = open_shop(strict, sql, bank_details=BANK)
    earn(sql, shop.id, 100000)
    admins = [appoint(strict, sql) for _ in range(4)]
    payout = shop.api.post("payouts/request", json={"amount": 50000}).data["payoutId"]
    replies = race([lambda a=a: a.api.post(f"payouts/{payout}/approve", json={"transactionReference": "C"})
                    for a in admins])
    assert sorted(reply.status for reply in replies) == [200, 200, 409, 409]
    assert {reply.data["status"] for reply in replies if reply.status == 200} == {"PENDING", "COMPLETED"}
    row = sql("SELECT * FROM payouts WHERE id = %s", payout)[0]
    assert row["first_approved_by"] != row["approved_by"] and wallet(sql, shop.id) == (50000, 0, 50000)


@pytest.mark.parametrize("broken, whole", [
    ("first_approved_by = NULL", "first_approved_by = 'another'"),
    ("resolution = 'PAID', resolved_by = 'one', resolved_two_from = 10000", "first_resolved_by = 'another'")])
def test_the_audit_finds_a_missing_second_admin(strict, connect, broken, whole):
    sql = connect(strict)
    shop = open_shop(strict, sql, bank_details=BANK)
    earn(sql, shop.id, 100000)
    payout = shop.api.post("payouts/request", json={"amount": 50000}).data["payoutId"]
    for _ in range(2):
        assert appoint(strict, sql).api.post(f"payouts/{payout}/approve", json={"transactionReference": "C"}).status == 200
    books_balance(strict)
    sql(f"UPDATE payouts SET {broken} WHERE id = %s", payout)
    assert audit(strict.configuration["database_url"])["payout_decided"]["entry"] == payout
    sql(f"UPDATE payouts SET {whole} WHERE id = %s", payout)
    books_balance(strict)


def test_the_owner_sees_no_reference_before_completion(strict, connect):
    sql = connect(strict)
    shop = open_shop(strict, sql, bank_details=BANK)
    earn(sql, shop.id, 100000)
    one, payout = appoint(strict, sql), shop.api.post("payouts/request", json={"amount": 50000}).data["payoutId"]
    assert one.api.post(f"payouts/{payout}/approve", json={"transactionReference": "C"}).data["transaction_reference"] == "C"
    assert shop.api.get(f"payouts/{payout}").data["transactionReference"] is None
    one.api.post(f"payouts/{payout}/reject", json={"reason": "No"})
    assert shop.api.get(f"payouts/{payout}").data["transactionReference"] is None
    assert "transactionReference" not in events(sql, payout)["payout_rejected"]


def test_the_first_of_two_admins_can_still_reject(strict, connect):
    sql = connect(strict)
    shop = open_shop(strict, sql, bank_details=BANK)
    earn(sql, shop.id, 100000)
    one = appoint(strict, sql)
    payout = shop.api.post("payouts/request", json={"amount": 50000}).data["payoutId"]
    assert one.api.post(f"payouts/{payout}/approve").data["status"] == "PENDING"
    assert one.api.post(f"payouts/{payout}/reject", json={"reason": "On second thoughts"}).data["status"] == "REJECTED"
    assert wallet(sql, shop.id) == (100000, 0, 0)
