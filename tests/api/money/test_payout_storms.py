# SPDX-License-Identifier: MIT
"""Pay-outs while servers are killed and the gateway fails: each is paid at most once, and both sides agree."""

import threading

import pytest

from world.audit import books_balance
from world.desk import Desk
from world.money import wallet
from world.till import Till

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("done", [True, False])
def test_a_server_that_dies_while_it_sends_pays_once(start_server, connect, done):
    till, held = Till(), threading.Event()
    server = start_server(campay_url=till.url, campay_username="reeyo", campay_password="x")
    desk = Desk(server, connect(server), till)
    try:
        till.plan(held if done else "reset")
        owner = desk.owner()
        payout = desk.approved(owner)
        server.wait(lambda: till.bodies("/withdraw"), what="sending the pay-out")
        server.kill()
        held.set()
        assert desk.row(payout)["status"] == "PROCESSING"
        server.start()
        if done:
            desk.hurried(payout, lambda: desk.row(payout)["gateway_reference"], "finding the pay-out")
            desk.settle(payout)
        else:
            desk.age(payout, "2 hours")
        desk.hurried(payout, lambda: desk.row(payout)["completed_at"] or desk.row(payout)["failure_reason"], "the end")
        assert desk.row(payout)["status"] == ("COMPLETED" if done else "FAILED")
        assert len(till.bodies("/withdraw")) == 1
        assert wallet(desk.sql, owner.id) == ((12000, 0, 8000) if done else (20000, 0, 0))
        books_balance(server)
    finally:
        till.close()


def test_many_through_a_gateway_that_fails_in_every_way_are_each_paid_at_most_once(desk):
    faults = ["ok", "refuse", "reset", "reset-after", 500, "500-after"]
    owners = [desk.owner("rider" if n % 2 else "vendor", 30000) for n in range(12)]
    desk.till.plan(*(faults * 6))
    ids = [desk.approved(owner, 9000) for owner in owners for _ in range(3)]

    def settled():
        desk.sql("UPDATE payouts SET next_check_at = now(), checks = 0, sent_at = sent_at - interval '20 minutes'"
                 " WHERE id = ANY (%s) AND next_check_at IS NOT NULL AND status <> 'FAILED'", ids)
        with desk.till.lock:
            for row in desk.till.transfers.values():
                row["status"] = "SUCCESSFUL"
        return {row["status"] for row in desk.sql("SELECT DISTINCT status FROM payouts WHERE id = ANY (%s)", ids)} <= {
            "COMPLETED", "FAILED"}
    desk.server.wait(settled, 120, "the end of all")
    for payout in ids:
        sent = desk.till.sent(payout)
        assert len(sent) <= 1 and (desk.row(payout)["status"] == "COMPLETED") == bool(sent), payout
    assert len([p for p in ids if desk.row(p)["status"] == "COMPLETED"]) >= 12


# --- Through the fake gateway ----------------------------------------------------------------------------------

def test_in_a_storm_each_is_paid_at_most_once_and_both_sides_agree(fake, start_server, connect):
    campay = fake("campay", settle_ms=300, seed=11, faults=40)
    server = start_server(**campay.keys(), gateway_timeout="1s")
    desk = Desk(server, connect(server), None)
    owners = [desk.owner("rider" if n % 2 else "vendor", 30000) for n in range(10)]
    ids = [desk.approved(owner, 6000) for owner in owners for _ in range(3)]

    def fits(row, sent):
        """The amount that the gateway sent is booked; another amount than ours is booked nowhere and is a discrepancy."""
        if row["id"] not in sent:
            return row["status"] == "FAILED"
        if sent[row["id"]] != row["amount"] - row["fee"]:
            return row["status"] in ("PROCESSING", "FAILED") and row["trouble"]
        return row["status"] == "COMPLETED"

    def agree():
        desk.sql("UPDATE payouts SET next_check_at = now(), checks = 0, sent_at = sent_at - interval '1 minute'"
                 " WHERE id = ANY (%s) AND next_check_at IS NOT NULL", ids)
        sent = {one["external_reference"]: int(one["amount"]) for one in campay.transactions(status="SUCCESSFUL")}
        return all(fits(row, sent) for row in desk.sql("SELECT * FROM payouts WHERE id = ANY (%s)", ids)) \
            and not campay.transactions(status="PENDING")
    server.wait(agree, 150, "agreement with the gateway")
    references = [one["external_reference"] for one in campay.transactions()]
    assert sorted(references) == sorted(set(references)) and set(references) <= set(ids)
    assert {"COMPLETED", "FAILED"} <= {row["status"] for row in desk.sql("SELECT DISTINCT status FROM payouts")}
    books_balance(server)
