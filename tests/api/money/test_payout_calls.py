# SPDX-License-Identifier: MIT
"""Pay-outs to phones: sent once, queried, and booked."""

import threading

import pytest

from world.audit import books_balance
from world.desk import Desk
from world.money import events, wallet
from world.till import Till

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("kind", ["vendor", "rider"])
def test_an_approved_pay_out_arrives(desk, kind):
    owner = desk.owner(kind)
    payout = desk.approved(owner)
    desk.until(payout, "PROCESSING")
    desk.settle(payout)
    row = desk.until(payout, "COMPLETED")
    reference, = desk.till.sent(payout)
    sent = desk.till.transfers[reference]
    assert (sent["amount"], sent["to"]) == (8000 - row["fee"], "237670112233")
    assert wallet(desk.sql, owner.id) == (12000, 0, 8000)
    shown = owner.api.get(f"payouts/{payout}").data
    assert (shown["status"], shown["transactionReference"]) == ("COMPLETED", reference) and shown["processedAt"]
    assert {"payout_requested", "payout_approved", "payout_completed"} <= set(events(desk.sql, payout))


def test_a_pay_out_completes_at_once_when_the_gateway_reports_success(desk):
    desk.till.status = "SUCCESSFUL"
    owner = desk.owner()
    desk.until(desk.approved(owner), "COMPLETED")
    assert wallet(desk.sql, owner.id) == (12000, 0, 8000)


def test_a_refused_pay_out_returns_the_money(desk):
    desk.till.plan("refuse")
    owner = desk.owner()
    payout = desk.approved(owner)
    assert desk.until(payout, "FAILED")["failure_reason"] == "No such wallet"
    assert wallet(desk.sql, owner.id) == (20000, 0, 0) and desk.till.sent(payout) == []
    assert events(desk.sql, payout)["payout_failed"]["reason"] == "No such wallet"
    assert owner.api.get(f"payouts/{payout}").data["failureReason"] == "No such wallet"


def test_a_pay_out_that_fails_later_returns_the_money(desk):
    owner = desk.owner()
    payout = desk.approved(owner)
    desk.settle(payout, "FAILED", reason="Limit reached")
    assert desk.until(payout, "FAILED")["failure_reason"] == "Limit reached"
    assert wallet(desk.sql, owner.id) == (20000, 0, 0)


@pytest.mark.parametrize("fault", ["reset-after", "500-after", "late"])
def test_a_pay_out_sent_without_a_response_is_found_and_not_repeated(desk, fault):
    held = threading.Event()
    desk.till.plan(held if fault == "late" else fault)
    owner = desk.owner()
    payout = desk.approved(owner)
    desk.server.wait(lambda: desk.till.sent(payout), what="sending the pay-out")
    desk.hurried(payout, lambda: desk.row(payout)["gateway_reference"], "looking for the pay-out")
    held.set()
    assert desk.row(payout)["status"] == "PROCESSING"
    desk.settle(payout)
    desk.until(payout, "COMPLETED")
    assert len(desk.till.sent(payout)) == 1 and wallet(desk.sql, owner.id) == (12000, 0, 8000)


@pytest.mark.parametrize("fault", ["reset", 500])
def test_a_pay_out_missing_in_the_history_fails_after_an_hour(desk, fault):
    desk.till.plan(fault)
    owner = desk.owner()
    payout = desk.approved(owner)
    desk.server.wait(lambda: [b for b in desk.till.bodies("/withdraw") if b["external_reference"] == payout], what="sending")
    seen = len(desk.till.bodies("/history"))
    desk.hurried(payout, lambda: len(desk.till.bodies("/history")) >= seen + 2, "looking for the pay-out twice")
    assert desk.row(payout)["status"] == "PROCESSING" and wallet(desk.sql, owner.id) == (12000, 8000, 0)
    desk.age(payout, "61 minutes")
    desk.hurried(payout, lambda: desk.row(payout)["status"] == "FAILED", "the failure")
    assert desk.till.sent(payout) == [] and wallet(desk.sql, owner.id) == (20000, 0, 0)
    assert len([b for b in desk.till.bodies("/withdraw") if b["external_reference"] == payout]) == 1


def test_an_unreachable_gateway_is_retried(connect, start_server, unused_port):
    server = start_server(campay_url=f"http://127.0.0.1:{unused_port}", campay_username="reeyo", campay_password="x")
    desk = Desk(server, connect(server), None)
    owner = desk.owner()
    payout = desk.approved(owner)
    server.wait(lambda: desk.row(payout)["checks"] > 0, what="trying")
    assert desk.row(payout)["status"] in ("APPROVED", "PROCESSING") and wallet(desk.sql, owner.id) == (12000, 8000, 0)
    till = Till()
    try:
        server.stop()
        server.configure(campay_url=till.url).start()
        desk.sql("UPDATE payouts SET next_check_at = now() WHERE id = %s AND status = 'APPROVED'", payout)
        server.wait(lambda: till.sent(payout), what="sending the pay-out")
        till.set_status(till.sent(payout)[0], "SUCCESSFUL")
        desk.hurried(payout, lambda: desk.row(payout)["status"] == "COMPLETED", "completed")
        assert len(till.sent(payout)) == 1
    finally:
        till.close()
    books_balance(server)


def test_without_credentials_a_pay_out_waits(server, requested, admin_api, sql):
    owner, payout = requested()
    assert admin_api.post(f"payouts/{payout['payoutId']}/approve").data["status"] == "APPROVED"
    assert sql("SELECT status FROM payouts WHERE id = %s", payout["payoutId"])[0]["status"] == "APPROVED"


@pytest.mark.parametrize("dialect", ["campay", "upstream"])
def test_pay_outs_work_in_both_dialects(fake, start_server, connect, dialect):
    campay = fake("campay", settle_ms=200)
    server = start_server(**campay.keys(dialect))
    desk = Desk(server, connect(server), None)
    owner = desk.owner("rider")
    payout = desk.approved(owner)
    desk.hurried(payout, lambda: desk.row(payout)["status"] == "COMPLETED", "paying out")
    made, = campay.transactions(external_reference=payout)
    assert (made["amount"], made["status"], made["reference"]) == (7800, "SUCCESSFUL", desk.row(payout)["gateway_reference"])
    assert wallet(desk.sql, owner.id) == (12000, 0, 8000)
    # One that fails first and succeeds in the end.
    campay.script("/withdraw" if dialect == "campay" else "/disburse", ("late", {"ms": 86400000}))
    late = desk.approved(owner, 5000)
    server.wait(lambda: campay.decide(late, "FAILED"), what="sending the pay-out")
    desk.hurried(late, lambda: desk.row(late)["status"] == "FAILED", "the failure")
    assert wallet(desk.sql, owner.id) == (12000, 0, 8000)
    assert campay.decide(late, "SUCCESSFUL")
    desk.hurried(late, lambda: desk.row(late)["status"] == "COMPLETED", "the success")
    assert wallet(desk.sql, owner.id) == (7000, 0, 13000)
    books_balance(server)


def test_a_callback_causes_a_query_and_a_forged_one_does_not(fake, start_server, connect, unused_port):
    campay = fake("campay", settle_ms=200, callback=f"http://127.0.0.1:{unused_port}/webhooks/campay")
    server = start_server(listen=f"127.0.0.1:{unused_port}", **campay.keys())
    desk = Desk(server, connect(server), None)
    campay.script("/withdraw", "lost-callback", "lost-callback")
    owner = desk.owner(earned=40000)
    payout, other = desk.approved(owner), desk.approved(owner)
    server.wait(lambda: all(desk.row(p)["gateway_reference"] for p in (payout, other)), what="sending both")
    desk.sql("UPDATE payouts SET next_check_at = now() + interval '1 hour'")
    reference = desk.row(payout)["gateway_reference"]
    server.wait(lambda: campay.transactions(reference=reference)[0]["status"] == "SUCCESSFUL", what="paid by the gateway")
    for forged in ("forged", "none"):
        assert campay.callback(reference, signature=forged) == 401
    assert desk.sql("SELECT bool_and(next_check_at > now() + interval '50 minutes') AS quiet FROM payouts")[0]["quiet"]
    for _ in range(3):
        assert campay.callback(reference) == 200
    desk.until(payout, "COMPLETED")
    assert desk.row(other)["status"] == "PROCESSING" and wallet(desk.sql, owner.id) == (24000, 8000, 8000)
    books_balance(server)
