# SPDX-License-Identifier: MIT
"""Wallet top-ups: valid requests and the replies."""

import re

import pytest

from world.client import Api
from world.payers import PHONE
from world.waiting import race, until


@pytest.mark.parametrize("amount, code", [
    (-5, "WALLET_7002"), (-5000, "WALLET_7002"), (-2**63, "WALLET_7002"), (-2**63 - 1, "VALIDATION_ERROR"),
    (10.5, "VALIDATION_ERROR"), ("100.5", "VALIDATION_ERROR"),
    (2**63, "VALIDATION_ERROR"), (10**30, "VALIDATION_ERROR"), (None, "VALIDATION_ERROR"), ([], "VALIDATION_ERROR"),
    (0, "WALLET_7002"), (99, "WALLET_7002"), (500001, "WALLET_7002"), (2**63 - 1, "WALLET_7002")])
def test_an_invalid_amount_starts_no_payment(till, amount, code):
    somebody = till.customer()
    for method in ({"paymentMethod": "MOBILE_MONEY", "phone": PHONE}, {"paymentMethod": "CARD", "paymentToken": "tok"}):
        reply = somebody.api.post("wallet/add-funds", json={"amount": amount, **method})
        assert (reply.status, reply.code) == (400, code), reply
        assert code != "WALLET_7002" or "from 100 to 500000 XAF" in reply.json["error"]["message"]
    assert till.sql("SELECT 1 FROM payment_intents WHERE user_id = %s", somebody.id) == []
    assert till.balance(somebody) == 0


@pytest.mark.parametrize("fields, field", [
    ({"phone": None}, "phone"), ({"phone": "12"}, "phone"), ({"paymentMethod": "WALLET"}, "paymentMethod"),
    ({"paymentMethod": None}, "paymentMethod"), ({"paymentMethod": "CARD"}, "paymentToken")])
def test_a_missing_member_is_named(till, fields, field):
    somebody = till.customer()
    reply = till.top_up(somebody, **fields)
    assert reply.status == 400
    assert [fault["field"] for fault in reply.error["details"]] == [field]


def test_a_top_up_is_pending_and_credited_once_paid(till):
    somebody = till.customer()
    reply = till.top_up(somebody)
    assert reply.status == 201
    payment = reply.data
    assert (payment["status"], payment["amount"], payment["operator"]) == ("PENDING", 5000, "MTN")
    assert payment["ussdCode"] and payment["wallet"]["balance"] == 0
    assert payment["reference"].startswith("pay_") and payment["transactionId"].startswith("txn_")
    till.decide(payment["reference"])
    till.age(payment["reference"], 0)
    now = somebody.api.get(f"wallet/add-funds/{payment['reference']}").data
    assert (now["status"], now["wallet"]["balance"]) == ("COMPLETED", 5000)
    moved = somebody.api.get("wallet/transactions").data["transactions"][0]
    assert (moved["transactionId"], moved["category"], moved["amount"]) == (payment["transactionId"], "WALLET_TOPUP", 5000)


def test_transactions_are_listed_as_they_were_booked_and_their_balances_chain(till):
    somebody = till.customer()
    reference = till.top_up(somebody).data["reference"]
    till.top_up(somebody, 700, paymentMethod="CARD", paymentToken="tok")
    till.decide(reference)
    till.due(reference)
    till.until_state(reference, "SUCCEEDED")
    till.top_up(somebody, 300, paymentMethod="CARD", paymentToken="tok")
    shown = lambda query: [(t["amount"], t["balanceAfter"]) for t in
                           somebody.api.get("wallet/transactions" + query).data["transactions"]]
    assert shown("") == [(300, 6000), (5000, 5700), (700, 700)]
    assert [shown(f"?limit=1&page={n}") for n in (1, 2, 3)] == [[(300, 6000)], [(5000, 5700)], [(700, 700)]]


def test_the_gateway_is_not_queried_on_every_read(till):
    somebody = till.customer()
    reference = till.top_up(somebody).data["reference"]
    till.decide(reference)
    asked = len(till.gateway.log("/transaction"))
    assert {somebody.api.get(f"wallet/add-funds/{reference}").data["status"] for _ in range(5)} == {"PENDING"}
    assert len(till.gateway.log("/transaction")) == asked


def test_anothers_payment_is_not_found(till):
    somebody, other = till.customer(), till.customer()
    reference = till.top_up(somebody).data["reference"]
    for path in (reference, "pay_none", "txn_none"):
        reply = other.api.get(f"wallet/add-funds/{path}")
        assert (reply.status, reply.code) == (404, "NOT_FOUND")


def test_a_card_of_the_sandbox_is_credited_at_once(till):
    somebody = till.customer()
    reply = till.top_up(somebody, 700, paymentMethod="CARD", paymentToken="tok_visa")
    assert (reply.status, reply.data["status"], reply.data["wallet"]["balance"]) == (201, "COMPLETED", 700)
    assert till.balance(somebody) == 700


def test_the_same_key_is_one_payment_and_one_reply(till):
    somebody = till.customer()
    first = till.top_up(somebody, key="one")
    again = till.top_up(somebody, key="one")
    assert (first.status, again.status) == (201, 201) and again.data == first.data
    assert again.headers["Idempotency-Replayed"] == "true"
    other = till.top_up(somebody, 6000, key="one")
    assert (other.status, other.code) == (422, "IDEMPOTENCY_MISMATCH")
    assert len(till.sql("SELECT 1 FROM payment_intents WHERE user_id = %s", somebody.id)) == 1


def test_one_key_used_concurrently_is_one_payment(till):
    somebody = till.customer()
    replies = race([lambda: till.top_up(somebody, key="race")] * 8)
    assert {reply.status for reply in replies} <= {201, 409}, replies
    assert len(till.sql("SELECT 1 FROM payment_intents WHERE user_id = %s", somebody.id)) == 1


def test_a_refused_payment_fails_with_a_reason(till):
    somebody = till.customer()
    till.gateway.script("/collect", ("status", {"status": 400, "body": {"message": "Insufficient balance"}}))
    reply = till.top_up(somebody, key="refused")
    assert (reply.status, reply.code) == (400, "EXTERNAL_11000")
    reference = till.sql("SELECT id FROM payment_intents WHERE user_id = %s", somebody.id)[0]["id"]
    assert reply.error["details"] == {"reason": "Insufficient balance", "reference": reference}
    assert till.sql("SELECT state FROM payment_intents WHERE user_id = %s", somebody.id)[0]["state"] == "FAILED"
    assert till.top_up(somebody, key="refused").status == 201


def test_twenty_payments_may_wait_and_no_more(till):
    somebody = till.customer()
    till.sql("INSERT INTO payment_intents (id, kind, user_id, amount, method, entry, state)"
             " SELECT 'pay_wait_' || %s || n, 'TOPUP', %s, 500, 'MOBILE_MONEY', 'txn_wait_' || %s || n, 'PENDING'"
             " FROM generate_series(1, 20) n", somebody.id, somebody.id, somebody.id)
    for reply in (till.top_up(somebody), till.order(somebody)):
        assert (reply.status, reply.code) == (429, "TOO_MANY_REQUESTS")
        assert reply.json["error"]["message"].startswith("20 of your payments are waiting")
        assert 890 < int(reply.headers["Retry-After"]) <= 900


def test_with_no_gateway_configured_mobile_money_is_not_offered(customer):
    somebody = customer()
    reply = somebody.api.post("wallet/add-funds", json={"amount": 500, "paymentMethod": "MOBILE_MONEY", "phone": PHONE})
    assert (reply.status, reply.code) == (503, "EXTERNAL_11000")


def test_payments_are_counted_by_outcome(till):
    def counted(outcome):
        text = Api(till.server.ports["metrics"]).get("/metrics").body.decode()
        return float(re.search(rf'^reeyo_payments_total{{outcome="{outcome}"}} (\S+)$', text, re.M)[1])
    before = counted("started"), counted("succeeded")
    reference = till.top_up(till.customer()).data["reference"]
    till.decide(reference)
    till.due(reference)
    till.until_state(reference, "SUCCEEDED")
    until(lambda: (counted("started"), counted("succeeded")) == (before[0] + 1, before[1] + 1))
