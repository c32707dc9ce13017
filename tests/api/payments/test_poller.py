# SPDX-License-Identifier: MIT
"""The poller: lost callbacks, lost responses, late payments, and payments that never reached the gateway."""

import signal

import pytest

from world.waiting import beside, until

pytestmark = pytest.mark.slow


def test_a_lost_callback_only_delays_the_payment(till):
    somebody = till.customer()
    reference = till.top_up(somebody).data["reference"]
    till.decide(reference)
    till.due(reference)
    till.until_state(reference, "SUCCEEDED")
    assert till.balance(somebody) == 5000


@pytest.mark.parametrize("fault", ["reset-after", ("status-after", {"status": 502})])
def test_a_payment_whose_response_was_lost_is_found_in_the_history(till, fault):
    somebody = till.customer()
    till.gateway.script("/collect", fault)
    reply = till.top_up(somebody)
    assert (reply.status, reply.data["status"]) == (201, "PENDING")
    reference = reply.data["reference"]
    assert till.intent(reference)["gateway_reference"] is None
    till.decide(reference)
    till.due(reference)
    till.until_state(reference, "SUCCEEDED")
    assert till.balance(somebody) == 5000


def test_without_a_history_a_lost_payment_stays_expired_with_a_reason_and_can_still_succeed(own_till):
    till = own_till()
    somebody = till.customer()
    till.gateway.script("/collect", "reset-after")
    till.gateway.script("/history", *[("status", {"status": 404})] * 3)
    reference = till.top_up(somebody).data["reference"]
    history_reads = lambda: len(till.gateway.log("/history"))

    def hurry_until(condition, what):
        until(lambda: (till.due(reference), condition())[1], what=what)

    till.age(reference, 20)
    till.until_state(reference, "EXPIRED")
    hurry_until(lambda: till.intent(reference)["failure"] == "UNTOLD", "the reason")
    shown = somebody.api.get(f"wallet/add-funds/{reference}").data
    assert (shown["status"], till.balance(somebody)) == ("FAILED", 0) and "does not say" in shown["reason"]
    before = history_reads()
    hurry_until(lambda: history_reads() > before, "another read of the history")
    assert till.intent(reference)["state"] == "EXPIRED" and till.intent(reference)["next_check_at"]
    logged = lambda: [line for line in till.server.log() if "history cannot be read" in line["msg"]]
    assert [line["level"] for line in until(logged)] == ["error"]
    till.decide(reference)
    hurry_until(lambda: till.intent(reference)["state"] == "SUCCEEDED", "the money")
    assert till.balance(somebody) == 5000 and till.intent(reference)["failure"] is None


@pytest.mark.parametrize("fault", ["reset", ("status", {"status": 500})])
def test_a_payment_that_never_reached_the_gateway_fails(till, fault):
    somebody = till.customer()
    till.gateway.script("/collect", fault)
    reference = till.sql("SELECT id FROM payment_intents WHERE user_id = %s", somebody.id) or None
    reply = till.top_up(somebody)
    reference = till.sql("SELECT id FROM payment_intents WHERE user_id = %s", somebody.id)[0]["id"]
    if reply.status == 201:  # not known yet
        till.age(reference, 20)
        till.until_state(reference, "EXPIRED", "FAILED")
        till.due(reference)
    assert till.until_state(reference, "FAILED")["failure"]
    assert till.balance(somebody) == 0


def test_an_unpaid_payment_expires_and_can_still_succeed(till):
    somebody = till.customer()
    reference = till.top_up(somebody).data["reference"]
    till.age(reference, 16)
    till.until_state(reference, "EXPIRED")
    assert somebody.api.get(f"wallet/add-funds/{reference}").data["status"] == "FAILED"
    till.decide(reference)
    till.due(reference)
    assert till.until_state(reference, "SUCCEEDED")["late"] is True
    assert till.balance(somebody) == 5000


def test_a_callback_revives_an_expired_payment_after_days(till):
    somebody = till.customer()
    reference = till.top_up(somebody).data["reference"]
    till.age(reference, 3 * 24 * 60)
    till.until_state(reference, "EXPIRED")
    until(lambda: till.intent(reference)["next_check_at"] is None)
    till.decide(reference)
    assert till.callback(reference).status == 200
    assert till.until_state(reference, "SUCCEEDED")["late"] is True
    assert till.balance(somebody) == 5000


def test_a_stopped_gateway_leaves_payments_pending(own_till):
    till = own_till()
    somebody = till.customer()
    waits = till.top_up(somebody).data["reference"]
    till.decide(waits)
    till.gateway.process.send_signal(signal.SIGSTOP)
    try:
        slow = till.top_up(somebody, key="slow")  # the gateway does not respond before our reply
        assert (slow.status, slow.data["status"]) == (201, "PENDING")
        assert till.callback(waits).status == 200  # noted, queried when the gateway is back
    finally:
        till.gateway.process.send_signal(signal.SIGCONT)
    till.due(waits)
    till.until_state(waits, "SUCCEEDED")
    assert till.balance(somebody) == 5000
    assert till.top_up(somebody, key="slow").data["reference"] == slow.data["reference"]


def test_an_unreachable_gateway_fails_at_once_and_the_request_can_be_repeated(own_till, unused_port):
    till = own_till()
    somebody = till.customer()
    till.server.configure(campay_url=f"http://127.0.0.1:{unused_port}").restart()
    somebody.api = till.server.api(somebody.token)
    reply = till.top_up(somebody, key="k")
    assert (reply.status, reply.code) == (503, "EXTERNAL_11000")
    order = till.order(somebody, key="o")
    assert (order.status, order.code) == (503, "EXTERNAL_11000")
    assert till.sql("SELECT 1 FROM orders WHERE user_id = %s AND active", somebody.id) == []
    till.server.configure(campay_url=till.gateway.url).restart()
    somebody.api = till.server.api(somebody.token)
    assert till.top_up(somebody, key="k").status == 201
    assert till.order(somebody, key="o").status == 201


def test_a_server_killed_between_the_row_and_the_call_leaves_a_payment_that_is_resolved(own_till):
    till = own_till()
    somebody = till.customer()
    # Both as a crash leaves them: one whose call was not sent, one whose call got no response.
    till.sql("INSERT INTO payment_intents (id, kind, user_id, amount, method, phone, entry, next_check_at)"
             " VALUES ('pay_never_called', 'TOPUP', %s, 500, 'MOBILE_MONEY', '+237670000001', 'txn_never', now())", somebody.id)
    till.gateway.script("/collect", "held")
    beside(till.top_up, somebody)  # the server dies under it
    until(lambda: till.gateway.log("/collect"))
    till.server.kill()
    till.gateway.go()
    called = till.sql("SELECT * FROM payment_intents WHERE user_id = %s AND id <> 'pay_never_called'", somebody.id)[0]
    assert called["state"] == "CREATED" and called["gateway_reference"] is None
    till.server.start()
    somebody.api = till.server.api(somebody.token)
    until(lambda: till.gateway.api.post("/_decide", json={"external_reference": called["id"], "status": "SUCCESSFUL"}).status == 200)
    till.due(called["id"])
    till.until_state(called["id"], "SUCCEEDED")
    till.age("pay_never_called", 20)
    till.until_state("pay_never_called", "EXPIRED", "FAILED")
    till.due("pay_never_called")
    till.until_state("pay_never_called", "FAILED")
    assert till.balance(somebody) == 5000
    assert till.reconcile()[0] == 0


def test_without_redis_payments_go_on(own_till, own_stores):
    till = own_till(database_url=own_stores.databases.fresh(), redis_url=own_stores.redis_url)
    somebody = till.customer()
    own_stores.redis_stop()
    reference = till.top_up(somebody).data["reference"]
    till.decide(reference)
    assert till.callback(reference).status == 200
    till.until_state(reference, "SUCCEEDED")
    assert till.balance(somebody) == 5000


def test_reconcile_lists_unexplained_differences(own_till):
    till = own_till()
    somebody = till.customer()
    good, lost, undone = (till.top_up(somebody).data["reference"] for _ in range(3))
    for reference in (good, undone):
        till.decide(reference)
        till.due(reference)
        till.until_state(reference, "SUCCEEDED")
    code, differences, total = till.reconcile()
    assert code == 0 and differences == [] and total["agreed"] == 3
    till.decide(undone, "FAILED")
    till.sql("UPDATE payment_intents SET id = 'pay_other_name' WHERE id = %s", lost)
    code, differences, total = till.reconcile()
    found = {line["reference"]: (line["difference"], line["explained"]) for line in differences}
    assert found[undone] == ("state", False) and found[lost] == ("only-theirs", True)
    assert found["pay_other_name"] == ("only-ours", True)
    assert code == 1 and total["unexplained"] == 1
    till.decide(lost)
    assert till.reconcile()[2]["unexplained"] == 2
    assert till.reconcile("--from", "2001-01-01", "--to", "2001-01-02")[2]["agreed"] == 0
    till.sql("UPDATE payment_intents SET id = %s WHERE id = 'pay_other_name'", lost)
