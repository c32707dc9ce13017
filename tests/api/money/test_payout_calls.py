# SPDX-License-Identifier: MIT
"""Pay-outs on their way to phones: whatever goes wrong on it, each is paid at most once and none is lost."""

import re
import threading

import pytest

from api.money.conftest import MOMO
from world.accounts import appoint, hire, open_shop
from world.audit import books_balance
from world.client import Api
from world.money import earn, events, wallet
from world.till import Till


@pytest.fixture(scope="module")
def till():
    made = Till()
    yield made
    made.close()


@pytest.fixture(scope="module")
def house(start_server, till):
    return start_server(campay_url=till.url, campay_username="reeyo", campay_password="secret", campay_dialect="campay",
                        gateway_timeout="2s")


class Desk:
    """Vendors and riders who are paid out, and the rows of it."""

    def __init__(self, server, sql, till):
        self.server, self.sql, self.till = server, sql, till
        self.admin = appoint(server, sql)

    def owner(self, kind="vendor", earned=20000):
        made = {"vendor": open_shop, "rider": hire}[kind](self.server, self.sql, bank_details=MOMO)
        earn(self.sql, made.id, earned)
        return made

    def approved(self, owner, amount=8000):
        payout = owner.api.post("payouts/request", json={"amount": amount}).data["payoutId"]
        assert self.admin.api.post(f"payouts/{payout}/approve").data["status"] == "APPROVED"
        return payout

    def row(self, payout):
        return self.sql("SELECT * FROM payouts WHERE id = %s", payout)[0]

    def until(self, payout, status):
        self.server.wait(lambda: self.row(payout)["status"] == status, what=f"told that the pay-out is {status}")
        return self.row(payout)

    def settle(self, payout, status="SUCCESSFUL", **more):
        """The gateway has done with it."""
        self.server.wait(lambda: self.till.sent(payout), what="sending the pay-out")
        self.till.say(self.till.sent(payout)[0], status, **more)
        self.hurry(payout)

    def hurry(self, payout):
        self.sql("UPDATE payouts SET next_ask_at = now(), asks = 0 WHERE id = %s AND next_ask_at IS NOT NULL", payout)

    def hurried(self, payout, condition, what):
        """Until the condition holds, with the pay-out always due."""
        def look():
            self.hurry(payout)
            return condition()
        self.server.wait(look, what=what)

    def counted(self, outcome):
        text = Api(self.server.ports["metrics"]).get("/metrics").body.decode()
        return float(re.search(rf'^reeyo_payouts_total{{outcome="{outcome}"}} (\S+)$', text, re.M)[1])

    def age(self, payout, interval):
        self.sql("UPDATE payouts SET sent_at = sent_at - %s::interval WHERE id = %s", interval, payout)


@pytest.fixture
def desk(house, connect, till):
    till.steps.clear()
    till.status, till.names, till.down = "PENDING", True, False
    till.dumb, till.another = False, None
    yield Desk(house, connect(house), till)
    books_balance(house)


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


def test_it_is_completed_at_once_when_the_gateway_says_so(desk):
    desk.till.status = "SUCCESSFUL"
    owner = desk.owner()
    desk.until(desk.approved(owner), "COMPLETED")
    assert wallet(desk.sql, owner.id) == (12000, 0, 8000)


def test_a_refused_one_gives_the_money_back(desk):
    desk.till.plan("refuse")
    owner = desk.owner()
    payout = desk.approved(owner)
    assert desk.until(payout, "FAILED")["failure_reason"] == "No such wallet"
    assert wallet(desk.sql, owner.id) == (20000, 0, 0) and desk.till.sent(payout) == []
    assert events(desk.sql, payout)["payout_failed"]["reason"] == "No such wallet"
    assert owner.api.get(f"payouts/{payout}").data["failureReason"] == "No such wallet"


def test_one_that_fails_later_gives_the_money_back(desk):
    owner = desk.owner()
    payout = desk.approved(owner)
    desk.settle(payout, "FAILED", reason="Limit reached")
    assert desk.until(payout, "FAILED")["failure_reason"] == "Limit reached"
    assert wallet(desk.sql, owner.id) == (20000, 0, 0)


@pytest.mark.parametrize("fault", ["reset-after", "500-after", "late"])
def test_one_that_arrived_without_an_answer_is_found_and_not_sent_again(desk, fault):
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
def test_one_of_which_nobody_knows_waits_an_hour_and_then_fails(desk, fault):
    desk.till.plan(fault)
    owner = desk.owner()
    payout = desk.approved(owner)
    desk.server.wait(lambda: [b for b in desk.till.asked("/withdraw") if b["external_reference"] == payout], what="sending")
    seen = len(desk.till.asked("/history"))
    desk.hurried(payout, lambda: len(desk.till.asked("/history")) >= seen + 2, "looking for the pay-out twice")
    assert desk.row(payout)["status"] == "PROCESSING" and wallet(desk.sql, owner.id) == (12000, 8000, 0)
    desk.age(payout, "61 minutes")
    desk.hurried(payout, lambda: desk.row(payout)["status"] == "FAILED", "giving the pay-out up")
    assert desk.till.sent(payout) == [] and wallet(desk.sql, owner.id) == (20000, 0, 0)
    assert len([b for b in desk.till.asked("/withdraw") if b["external_reference"] == payout]) == 1


def test_a_history_without_names_proves_nothing(desk):
    desk.till.plan("reset-after")
    owner = desk.owner()
    payout = desk.approved(owner, 8123)
    desk.server.wait(lambda: desk.till.sent(payout), what="sending the pay-out")
    desk.till.names = False
    desk.age(payout, "2 hours")
    desk.hurried(payout, lambda: desk.row(payout)["trouble"], "in doubt")
    assert desk.row(payout)["status"] == "PROCESSING" and wallet(desk.sql, owner.id) == (11877, 8123, 0)
    row = next(r for r in desk.admin.api.get("payouts", query={"status": "PROCESSING"}).data if r["id"] == payout)
    assert "without naming" in row["trouble"]
    assert any(line.get("payout") == payout for line in desk.server.log() if line.get("level") == "error")
    done = desk.admin.api.post(f"payouts/{payout}/process", json={"transactionReference": desk.till.sent(payout)[0]})
    assert done.data["status"] == "COMPLETED" and wallet(desk.sql, owner.id) == (11877, 0, 8123)


def in_doubt(desk, payout, words):
    desk.hurried(payout, lambda: desk.row(payout)["trouble"], "in doubt")
    assert words in desk.row(payout)["trouble"] and desk.row(payout)["status"] == "PROCESSING"


@pytest.mark.parametrize("known", [True, False])
def test_one_that_the_gateway_says_nothing_of_for_an_hour_is_for_people(desk, known):
    desk.till.plan("ok" if known else "reset-after")
    desk.till.dumb = not known
    owner = desk.owner()
    payout = desk.approved(owner)
    desk.server.wait(lambda: desk.till.sent(payout), what="sending the pay-out")
    if known:
        desk.server.wait(lambda: desk.row(payout)["gateway_reference"], what="told of its reference")
        with desk.till.lock:
            del desk.till.transfers[desk.row(payout)["gateway_reference"]]
    seen = len(desk.till.calls)
    desk.hurried(payout, lambda: len(desk.till.calls) > seen + 2, "asking twice")
    assert desk.row(payout)["trouble"] is None
    assert desk.admin.api.post(f"payouts/{payout}/reject", json={"reason": "Lost"}).status == 409
    desk.age(payout, "61 minutes")
    in_doubt(desk, payout, "does not say")
    assert desk.admin.api.post(f"payouts/{payout}/reject", json={"reason": "Lost"}).data["status"] == "REJECTED"
    assert wallet(desk.sql, owner.id) == (20000, 0, 0)


def test_one_that_is_pending_for_a_day_is_for_people(desk):
    owner = desk.owner()
    payout = desk.approved(owner)
    desk.server.wait(lambda: desk.row(payout)["gateway_reference"], what="told of its reference")
    desk.age(payout, "23 hours")
    seen = len(desk.till.calls)
    desk.hurried(payout, lambda: len(desk.till.calls) > seen + 2, "asking twice")
    assert desk.row(payout)["trouble"] is None
    desk.age(payout, "2 hours")
    in_doubt(desk, payout, "more than a day")
    desk.till.say(desk.till.sent(payout)[0], "SUCCESSFUL")
    desk.hurried(payout, lambda: desk.row(payout)["status"] == "COMPLETED", "booking it")
    assert desk.row(payout)["trouble"] is None and wallet(desk.sql, owner.id) == (12000, 0, 8000)


def test_a_word_from_the_gateway_ends_the_doubt_that_there_was_none(desk):
    owner = desk.owner()
    payout = desk.approved(owner)
    desk.server.wait(lambda: desk.row(payout)["gateway_reference"], what="told of its reference")
    desk.age(payout, "2 hours")
    desk.till.dumb = True
    in_doubt(desk, payout, "does not say")
    desk.till.dumb = False
    desk.hurried(payout, lambda: desk.row(payout)["trouble"] is None, "no longer in doubt")
    assert desk.row(payout)["status"] == "PROCESSING"


def test_a_reference_that_another_pay_out_has_is_for_people(desk):
    owner = desk.owner(earned=40000)
    first = desk.approved(owner)
    desk.server.wait(lambda: desk.row(first)["gateway_reference"], what="sending the first")
    desk.till.another = {k: v for k, v in desk.till.transfers[desk.till.sent(first)[0]].items() if k != "external_reference"}
    second = desk.approved(owner)
    in_doubt(desk, second, "another pay-out")
    assert any(line.get("payout") == second for line in desk.server.log() if line.get("level") == "error")


def test_an_answer_that_names_another_pay_out_is_not_believed(desk):
    owner = desk.owner(earned=40000)
    first = desk.approved(owner)
    desk.server.wait(lambda: desk.row(first)["gateway_reference"], what="sending the first")
    desk.till.another = dict(desk.till.transfers[desk.till.sent(first)[0]], reference="cam-another", status="SUCCESSFUL")
    second = desk.approved(owner)
    desk.server.wait(lambda: desk.till.sent(second), what="sending the second")
    desk.hurried(second, lambda: desk.row(second)["gateway_reference"] == desk.till.sent(second)[0], "finding its own")
    assert desk.row(second)["status"] == "PROCESSING" and wallet(desk.sql, owner.id)[1:] == (16000, 0)
    assert any(line.get("payout") == second for line in desk.server.log() if line.get("level") == "error")


def test_a_gateway_that_is_not_there_is_tried_again(connect, start_server, unused_port):
    server = start_server(campay_url=f"http://127.0.0.1:{unused_port}", campay_username="reeyo", campay_password="x")
    desk = Desk(server, connect(server), None)
    owner = desk.owner()
    payout = desk.approved(owner)
    server.wait(lambda: desk.row(payout)["asks"] > 0, what="trying")
    assert desk.row(payout)["status"] in ("APPROVED", "PROCESSING") and wallet(desk.sql, owner.id) == (12000, 8000, 0)
    till = Till()
    try:
        server.stop()
        server.configure(campay_url=till.url).start()
        desk.sql("UPDATE payouts SET next_ask_at = now() WHERE id = %s AND status = 'APPROVED'", payout)
        server.wait(lambda: till.sent(payout), what="sending the pay-out")
        till.say(till.sent(payout)[0], "SUCCESSFUL")
        desk.hurried(payout, lambda: desk.row(payout)["status"] == "COMPLETED", "completed")
        assert len(till.sent(payout)) == 1
    finally:
        till.close()
    books_balance(server)


def test_without_credentials_it_waits(server, asked, admin_api, sql):
    owner, payout = asked()
    assert admin_api.post(f"payouts/{payout['payoutId']}/approve").data["status"] == "APPROVED"
    assert sql("SELECT status FROM payouts WHERE id = %s", payout["payoutId"])[0]["status"] == "APPROVED"


def test_a_success_after_we_gave_up_is_booked(desk):
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


def test_a_success_after_we_gave_up_and_the_money_is_spent_is_said_aloud(desk):
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
    desk.hurried(payout, lambda: desk.row(payout)["trouble"], "seeing the trouble")
    assert desk.row(payout)["status"] == "FAILED" and wallet(desk.sql, owner.id) == (3000, 5000, 0)
    assert any(line.get("payout") == payout for line in desk.server.log() if line.get("level") == "error")


def spent_and_paid(desk):
    """A pay-out that had failed, that the gateway has paid after all, and whose amount its owner has withdrawn meanwhile."""
    desk.till.plan("refuse")
    owner = desk.owner(earned=8000)
    payout = desk.approved(owner)
    desk.until(payout, "FAILED")
    owner.api.post("payouts/request", json={"amount": 5000})
    reference = f"cam-{payout}"
    with desk.till.lock:
        desk.till.transfers[reference] = {"reference": reference, "external_reference": payout, "amount": 8000,
                                          "status": "SUCCESSFUL", "currency": "XAF", "to": ""}
    desk.sql("UPDATE payouts SET next_ask_at = now() WHERE id = %s", payout)
    desk.server.wait(lambda: desk.row(payout)["trouble"], what="seeing the trouble")
    return owner, payout


@pytest.mark.parametrize("outcome, available, platform", [("PAID", 0, 5000), ("RETURNED", 3000, 0), ("WRITTEN_OFF", 3000, 8000)])
def test_an_admin_ends_a_trouble_and_the_books_hold(desk, outcome, available, platform):
    owner, payout = spent_and_paid(desk)
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
    assert [a["act"] for a in desk.sql("SELECT act FROM admin_acts WHERE subject = %s ORDER BY id", payout)] == [
        "payout.approve", "payout.resolve-trouble"]
    assert payout not in {row["id"] for row in desk.admin.api.get("payouts", query={"trouble": "true", "limit": 100}).data}
    books_balance(desk.server)


def test_what_the_gateway_undoes_comes_back(desk):
    desk.till.status = "SUCCESSFUL"
    owner = desk.owner("rider")
    payout = desk.approved(owner)
    row = desk.until(payout, "COMPLETED")
    desk.till.say(row["gateway_reference"], "FAILED", reason="Reversed")
    desk.sql("UPDATE payouts SET next_ask_at = now() WHERE id = %s", payout)
    desk.server.wait(lambda: desk.row(payout)["trouble"], what="seeing the trouble")
    reply = desk.admin.api.post(f"payouts/{payout}/resolve-trouble", json={"outcome": "RETURNED", "notes": "Reversed"})
    assert reply.data["status"] == "REJECTED" and wallet(desk.sql, owner.id) == (20000, 0, 0)
    assert owner.api.get(f"payouts/{payout}").data["rejectionReason"] == "Reversed"
    books_balance(desk.server)


def test_of_another_amount_what_arrived_is_booked_when_it_is_rejected(desk):
    owner = desk.owner()
    payout = desk.approved(owner)
    desk.settle(payout, amount=777)
    desk.hurried(payout, lambda: desk.row(payout)["trouble"], "seeing the trouble")
    assert desk.admin.api.post(f"payouts/{payout}/reject", json={"reason": "Only a part"}).data["status"] == "REJECTED"
    assert wallet(desk.sql, owner.id) == (19223, 0, 777)
    books_balance(desk.server)


def test_another_amount_than_was_sent_is_said_aloud(desk):
    before = desk.counted("trouble"), desk.counted("completed")
    owner = desk.owner()
    payout = desk.approved(owner)
    desk.settle(payout, amount=7000)
    desk.hurried(payout, lambda: desk.row(payout)["trouble"], "seeing the trouble")
    assert desk.row(payout)["status"] == "PROCESSING" and wallet(desk.sql, owner.id) == (12000, 8000, 0)
    desk.till.say(desk.till.sent(payout)[0], "SUCCESSFUL", amount=8000)
    desk.hurried(payout, lambda: desk.row(payout)["status"] == "COMPLETED", "booking it")
    desk.server.wait(lambda: desk.counted("completed") == before[1] + 1 and desk.counted("trouble") > before[0], what="counting both")


def test_a_reference_that_is_anothers_is_not_believed(desk):
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
    desk.sql("UPDATE payouts SET gateway_reference = 'cam-other', next_ask_at = now() WHERE id = %s", other)
    desk.server.wait(lambda: desk.row(other)["gateway_reference"] is None, what="forgetting it")
    assert desk.row(other)["status"] == "PROCESSING" and wallet(desk.sql, owner.id) == (24000, 8000, 8000)


@pytest.mark.parametrize("done", [True, False])
def test_a_server_that_dies_while_it_sends_pays_once(start_server, connect, done):
    till, held = Till(), threading.Event()
    server = start_server(campay_url=till.url, campay_username="reeyo", campay_password="x")
    desk = Desk(server, connect(server), till)
    try:
        till.plan(held if done else "reset")
        owner = desk.owner()
        payout = desk.approved(owner)
        server.wait(lambda: till.asked("/withdraw"), what="sending the pay-out")
        server.kill()
        held.set()
        assert desk.row(payout)["status"] == "PROCESSING"
        server.start()
        if done:
            desk.hurried(payout, lambda: desk.row(payout)["gateway_reference"], "finding the pay-out")
            desk.settle(payout)
        else:
            desk.age(payout, "2 hours")
        desk.hurried(payout, lambda: desk.row(payout)["completed_at"] or desk.row(payout)["failure_reason"], "through with it")
        assert desk.row(payout)["status"] == ("COMPLETED" if done else "FAILED")
        assert len(till.asked("/withdraw")) == 1
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
        desk.sql("UPDATE payouts SET next_ask_at = now(), asks = 0, sent_at = sent_at - interval '20 minutes'"
                 " WHERE id = ANY (%s) AND next_ask_at IS NOT NULL AND status <> 'FAILED'", ids)
        with desk.till.lock:
            for row in desk.till.transfers.values():
                row["status"] = "SUCCESSFUL"
        return {row["status"] for row in desk.sql("SELECT DISTINCT status FROM payouts WHERE id = ANY (%s)", ids)} <= {
            "COMPLETED", "FAILED"}
    desk.server.wait(settled, 120, "through with all of them")
    for payout in ids:
        sent = desk.till.sent(payout)
        assert len(sent) <= 1 and (desk.row(payout)["status"] == "COMPLETED") == bool(sent), payout
    assert len([p for p in ids if desk.row(p)["status"] == "COMPLETED"]) >= 12


# --- Through the stand-in of the real service ------------------------------------------------------------------

@pytest.mark.parametrize("dialect", ["campay", "upstream"])
def test_both_dialects_pay(fake, start_server, connect, dialect):
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
    campay.script("/withdraw" if dialect == "campay" else "/disburse", ("late-success", {"ms": 1500}))
    late = desk.approved(owner, 5000)
    desk.hurried(late, lambda: desk.row(late)["status"] == "FAILED", "told of the failure")
    assert wallet(desk.sql, owner.id) == (12000, 0, 8000)
    desk.hurried(late, lambda: desk.row(late)["status"] == "COMPLETED", "told of the success")
    assert wallet(desk.sql, owner.id) == (7000, 0, 13000)
    books_balance(server)


def test_a_callback_makes_us_ask_and_a_forged_one_does_not(fake, start_server, connect, unused_port):
    campay = fake("campay", settle_ms=200, callback=f"http://127.0.0.1:{unused_port}/webhooks/campay")
    server = start_server(listen=f"127.0.0.1:{unused_port}", **campay.keys())
    desk = Desk(server, connect(server), None)
    campay.script("/withdraw", "lost-callback", "lost-callback")
    owner = desk.owner(earned=40000)
    payout, other = desk.approved(owner), desk.approved(owner)
    server.wait(lambda: all(desk.row(p)["gateway_reference"] for p in (payout, other)), what="sending both")
    desk.sql("UPDATE payouts SET next_ask_at = now() + interval '1 hour'")
    reference = desk.row(payout)["gateway_reference"]
    server.wait(lambda: campay.transactions(reference=reference)[0]["status"] == "SUCCESSFUL", what="paid by the gateway")
    for forged in ("forged", "none"):
        assert campay.callback(reference, signature=forged) == 401
    assert desk.sql("SELECT bool_and(next_ask_at > now() + interval '50 minutes') AS quiet FROM payouts")[0]["quiet"]
    for _ in range(3):
        assert campay.callback(reference) == 200
    desk.until(payout, "COMPLETED")
    assert desk.row(other)["status"] == "PROCESSING" and wallet(desk.sql, owner.id) == (24000, 8000, 8000)
    books_balance(server)


def test_in_a_storm_each_is_paid_at_most_once_and_both_sides_agree(fake, start_server, connect):
    campay = fake("campay", settle_ms=300, seed=11, faults=40)
    server = start_server(**campay.keys(), gateway_timeout="1s")
    desk = Desk(server, connect(server), None)
    owners = [desk.owner("rider" if n % 2 else "vendor", 30000) for n in range(10)]
    ids = [desk.approved(owner, 6000) for owner in owners for _ in range(3)]

    def fits(row, sent):
        """What the gateway says it sent is what is booked; another amount is booked nowhere, and said to people."""
        if row["id"] not in sent:
            return row["status"] == "FAILED"
        if sent[row["id"]] != row["amount"] - row["fee"]:
            return row["status"] in ("PROCESSING", "FAILED") and row["trouble"]
        return row["status"] == "COMPLETED"

    def agree():
        desk.sql("UPDATE payouts SET next_ask_at = now(), asks = 0, sent_at = sent_at - interval '1 minute'"
                 " WHERE id = ANY (%s) AND next_ask_at IS NOT NULL", ids)
        sent = {one["external_reference"]: int(one["amount"]) for one in campay.transactions(status="SUCCESSFUL")}
        return all(fits(row, sent) for row in desk.sql("SELECT * FROM payouts WHERE id = ANY (%s)", ids)) \
            and not campay.transactions(status="PENDING")
    server.wait(agree, 150, "of one mind with the gateway")
    references = [one["external_reference"] for one in campay.transactions()]
    assert sorted(references) == sorted(set(references)) and set(references) <= set(ids)
    assert {"COMPLETED", "FAILED"} <= {row["status"] for row in desk.sql("SELECT DISTINCT status FROM payouts")}
    books_balance(server)
