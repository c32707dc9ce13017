# SPDX-License-Identifier: MIT
"""Pay-outs with a missing, late or contradictory answer of the gateway: none is sent twice."""

import pytest

from world.audit import books_balance
from world.money import wallet

pytestmark = pytest.mark.slow


def test_a_history_without_names_proves_nothing(desk):
    desk.till.plan("reset-after")
    owner = desk.owner()
    payout = desk.approved(owner, 8123)
    desk.server.wait(lambda: desk.till.sent(payout), what="sending the pay-out")
    desk.till.names = False
    desk.age(payout, "2 hours")
    desk.hurried(payout, lambda: desk.row(payout)["trouble"], "a discrepancy")
    assert desk.row(payout)["status"] == "PROCESSING" and wallet(desk.sql, owner.id) == (11877, 8123, 0)
    row = next(r for r in desk.admin.api.get("payouts", query={"status": "PROCESSING"}).data if r["id"] == payout)
    assert "without naming" in row["trouble"]
    desk.server.wait_log(payout=payout, level="error")
    done = desk.admin.api.post(f"payouts/{payout}/process", json={"transactionReference": desk.till.sent(payout)[0]})
    assert done.data["status"] == "COMPLETED" and wallet(desk.sql, owner.id) == (11877, 0, 8123)


def assert_discrepancy(desk, payout, words):
    desk.hurried(payout, lambda: desk.row(payout)["trouble"], "a discrepancy")
    assert words in desk.row(payout)["trouble"] and desk.row(payout)["status"] == "PROCESSING"


@pytest.mark.parametrize("known", [True, False])
def test_a_pay_out_without_an_answer_for_an_hour_is_a_discrepancy(desk, known):
    desk.till.plan("ok" if known else "reset-after")
    desk.till.dumb = not known
    owner = desk.owner()
    payout = desk.approved(owner)
    desk.server.wait(lambda: desk.till.sent(payout), what="sending the pay-out")
    if known:
        desk.server.wait(lambda: desk.row(payout)["gateway_reference"], what="its reference")
        with desk.till.lock:
            del desk.till.transfers[desk.row(payout)["gateway_reference"]]
    seen = len(desk.till.calls)
    desk.hurried(payout, lambda: len(desk.till.calls) > seen + 2, "two queries")
    assert desk.row(payout)["trouble"] is None
    assert desk.admin.api.post(f"payouts/{payout}/reject", json={"reason": "Lost"}).status == 409
    desk.age(payout, "61 minutes")
    assert_discrepancy(desk, payout, "does not say")
    assert desk.admin.api.post(f"payouts/{payout}/reject", json={"reason": "Lost"}).data["status"] == "REJECTED"
    assert wallet(desk.sql, owner.id) == (20000, 0, 0)


def test_a_pay_out_pending_for_a_day_is_a_discrepancy(desk):
    owner = desk.owner()
    payout = desk.approved(owner)
    desk.server.wait(lambda: desk.row(payout)["gateway_reference"], what="its reference")
    desk.age(payout, "23 hours")
    seen = len(desk.till.calls)
    desk.hurried(payout, lambda: len(desk.till.calls) > seen + 2, "two queries")
    assert desk.row(payout)["trouble"] is None
    desk.age(payout, "2 hours")
    assert_discrepancy(desk, payout, "more than a day")
    desk.till.set_status(desk.till.sent(payout)[0], "SUCCESSFUL")
    desk.hurried(payout, lambda: desk.row(payout)["status"] == "COMPLETED", "booking it")
    assert desk.row(payout)["trouble"] is None and wallet(desk.sql, owner.id) == (12000, 0, 8000)


def test_an_answer_clears_the_discrepancy_that_there_was_none(desk):
    owner = desk.owner()
    payout = desk.approved(owner)
    desk.server.wait(lambda: desk.row(payout)["gateway_reference"], what="its reference")
    desk.age(payout, "2 hours")
    desk.till.dumb = True
    assert_discrepancy(desk, payout, "does not say")
    desk.till.dumb = False
    desk.hurried(payout, lambda: desk.row(payout)["trouble"] is None, "no discrepancy")
    assert desk.row(payout)["status"] == "PROCESSING"


def test_a_reference_that_another_pay_out_has_is_a_discrepancy(desk):
    owner = desk.owner(earned=40000)
    first = desk.approved(owner)
    desk.server.wait(lambda: desk.row(first)["gateway_reference"], what="sending the first")
    desk.till.another = {k: v for k, v in desk.till.transfers[desk.till.sent(first)[0]].items() if k != "external_reference"}
    second = desk.approved(owner)
    assert_discrepancy(desk, second, "another pay-out")
    desk.server.wait_log(payout=second, level="error")


def test_an_answer_about_another_pay_out_is_ignored(desk):
    owner = desk.owner(earned=40000)
    first = desk.approved(owner)
    desk.server.wait(lambda: desk.row(first)["gateway_reference"], what="sending the first")
    desk.till.another = dict(desk.till.transfers[desk.till.sent(first)[0]], reference="cam-another", status="SUCCESSFUL")
    second = desk.approved(owner)
    desk.server.wait(lambda: desk.till.sent(second), what="sending the second")
    desk.hurried(second, lambda: desk.row(second)["gateway_reference"] == desk.till.sent(second)[0], "finding its own")
    assert desk.row(second)["status"] == "PROCESSING" and wallet(desk.sql, owner.id)[1:] == (16000, 0)
    desk.server.wait_log(payout=second, level="error")


def test_a_success_after_the_failure_is_booked(desk):
    desk.till.plan("reset")
    owner = desk.owner()
    payout = desk.approved(owner)
    desk.until(payout, "PROCESSING")
    desk.age(payout, "2 hours")
    desk.hurried(payout, lambda: desk.row(payout)["status"] == "FAILED", "giving the pay-out up")
    # It had been on its way all the time.
    with desk.till.lock:
        desk.till.transfers["cam-late"] = {"reference": "cam-late", "external_reference": payout, "amount": 8000,
                                           "status": "SUCCESSFUL", "currency": "XAF", "to": ""}
    desk.hurried(payout, lambda: desk.row(payout)["status"] == "COMPLETED", "booking it")
    assert wallet(desk.sql, owner.id) == (12000, 0, 8000)
    assert owner.api.get("wallet/balance").data["totalWithdrawn"] == 8000


def test_a_success_after_the_failure_with_the_money_spent_is_logged(desk):
    desk.till.plan("reset")
    owner = desk.owner(earned=8000)
    payout = desk.approved(owner)
    desk.until(payout, "PROCESSING")
    desk.age(payout, "2 hours")
    desk.hurried(payout, lambda: desk.row(payout)["status"] == "FAILED", "giving the pay-out up")
    owner.api.post("payouts/request", json={"amount": 5000})
    with desk.till.lock:
        desk.till.transfers["cam-late-2"] = {"reference": "cam-late-2", "external_reference": payout, "amount": 8000,
                                             "status": "SUCCESSFUL", "currency": "XAF", "to": ""}
    desk.hurried(payout, lambda: desk.row(payout)["trouble"], "the discrepancy")
    assert desk.row(payout)["status"] == "FAILED" and wallet(desk.sql, owner.id) == (3000, 5000, 0)
    desk.server.wait_log(payout=payout, level="error")


def paid_after_return(desk):
    """A failed pay-out that the gateway paid after all, while its owner has withdrawn the amount."""
    desk.till.plan("refuse")
    owner = desk.owner(earned=8000)
    payout = desk.approved(owner)
    desk.until(payout, "FAILED")
    owner.api.post("payouts/request", json={"amount": 5000})
    reference = f"cam-{payout}"
    with desk.till.lock:
        desk.till.transfers[reference] = {"reference": reference, "external_reference": payout, "amount": 8000,
                                          "status": "SUCCESSFUL", "currency": "XAF", "to": ""}
    desk.sql("UPDATE payouts SET next_check_at = now() WHERE id = %s", payout)
    desk.server.wait(lambda: desk.row(payout)["trouble"], what="the discrepancy")
    return owner, payout


@pytest.mark.parametrize("outcome, available, platform", [("PAID", 0, 5000), ("RETURNED", 3000, 0), ("WRITTEN_OFF", 3000, 8000)])
def test_an_admin_resolves_a_discrepancy_and_the_books_balance(desk, outcome, available, platform):
    owner, payout = paid_after_return(desk)
    shown = [row for row in desk.admin.api.get("payouts", query={"trouble": "true", "limit": 100}).data]
    assert payout in {row["id"] for row in shown} and all(row["trouble"] for row in shown)
    assert payout not in {row["id"] for row in desk.admin.api.get("payouts", query={"trouble": "true", "type": "RIDER"}).data}
    for _ in range(2):
        reply = desk.admin.api.post(f"payouts/{payout}/resolve-trouble", json={"outcome": outcome, "notes": "Asked the bank"})
        assert reply.status == 200 and (reply.data["trouble"], reply.data["resolution"]) == (None, outcome)
    assert reply.data["status"] == ("COMPLETED" if outcome == "PAID" else "FAILED") and reply.data["notes"] == "Asked the bank"
    assert wallet(desk.sql, owner.id)[:2] == (available, 5000)
    lost = desk.sql("SELECT coalesce(sum(amount), 0) AS amount FROM ledger WHERE reference = %s AND from_kind = 'PLATFORM'", payout)
    assert lost[0]["amount"] == platform
    assert [a["act"] for a in desk.sql("SELECT act FROM admin_audit WHERE subject = %s ORDER BY id", payout)] == [
        "payout.approve", "payout.resolve-trouble"]
    assert payout not in {row["id"] for row in desk.admin.api.get("payouts", query={"trouble": "true", "limit": 100}).data}
    books_balance(desk.server)


def test_a_transfer_reversed_by_the_gateway_can_be_returned(desk):
    desk.till.status = "SUCCESSFUL"
    owner = desk.owner("rider")
    payout = desk.approved(owner)
    row = desk.until(payout, "COMPLETED")
    desk.till.set_status(row["gateway_reference"], "FAILED", reason="Reversed")
    desk.sql("UPDATE payouts SET next_check_at = now() WHERE id = %s", payout)
    desk.server.wait(lambda: desk.row(payout)["trouble"], what="the discrepancy")
    reply = desk.admin.api.post(f"payouts/{payout}/resolve-trouble", json={"outcome": "RETURNED", "notes": "Reversed"})
    assert reply.data["status"] == "REJECTED" and wallet(desk.sql, owner.id) == (20000, 0, 0)
    assert owner.api.get(f"payouts/{payout}").data["rejectionReason"] == "Reversed"
    books_balance(desk.server)


def test_a_rejected_pay_out_of_another_amount_books_the_amount_that_arrived(desk):
    owner = desk.owner()
    payout = desk.approved(owner)
    desk.settle(payout, amount=777)
    desk.hurried(payout, lambda: desk.row(payout)["trouble"], "the discrepancy")
    assert desk.admin.api.post(f"payouts/{payout}/reject", json={"reason": "Only a part"}).data["status"] == "REJECTED"
    assert wallet(desk.sql, owner.id) == (19223, 0, 777)
    books_balance(desk.server)


def test_another_amount_than_was_sent_is_a_discrepancy(desk):
    before = desk.counted("trouble"), desk.counted("completed")
    owner = desk.owner()
    payout = desk.approved(owner)
    desk.settle(payout, amount=7000)
    desk.hurried(payout, lambda: desk.row(payout)["trouble"], "the discrepancy")
    assert desk.row(payout)["status"] == "PROCESSING" and wallet(desk.sql, owner.id) == (12000, 8000, 0)
    desk.till.set_status(desk.till.sent(payout)[0], "SUCCESSFUL", amount=8000)
    desk.hurried(payout, lambda: desk.row(payout)["status"] == "COMPLETED", "booking it")
    desk.server.wait(lambda: desk.counted("completed") == before[1] + 1 and desk.counted("trouble") > before[0], what="counting both")


def test_a_reference_of_another_transaction_is_discarded(desk):
    owner = desk.owner(earned=40000)
    payout = desk.approved(owner)
    desk.settle(payout)
    desk.until(payout, "COMPLETED")
    desk.till.plan("reset")
    other = desk.approved(owner)
    desk.until(other, "PROCESSING")
    with desk.till.lock:
        desk.till.transfers["cam-other"] = {"reference": "cam-other", "external_reference": "payout_other", "amount": 8000,
                                            "status": "SUCCESSFUL", "currency": "XAF", "to": ""}
    desk.sql("UPDATE payouts SET gateway_reference = 'cam-other', next_check_at = now() WHERE id = %s", other)
    desk.server.wait(lambda: desk.row(other)["gateway_reference"] is None, what="discarding the reference")
    assert desk.row(other)["status"] == "PROCESSING" and wallet(desk.sql, owner.id) == (24000, 8000, 8000)
