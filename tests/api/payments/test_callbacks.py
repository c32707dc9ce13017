# SPDX-License-Identifier: MIT
"""Callbacks of the gateway: accepted when signed, and even then only a reason to query."""

import hashlib
import hmac
import json

import pytest

from world.accounts import appoint, change_settings, open_shop
from world.client import Api
from world.money import earn
from world.payers import APP_KEY, WEBHOOK_KEY
from world.waiting import until

pytestmark = pytest.mark.slow


def paid_topup(till, amount=5000):
    """A customer and the reference of a payment that the gateway has collected."""
    somebody = till.customer()
    reference = till.top_up(somebody, amount).data["reference"]
    till.decide(reference)
    return somebody, reference


@pytest.mark.parametrize("name, path", [
    ("main", "/webhooks/campay"), ("vendor", "/webhooks/campay"), ("main", "/api/v1/webhooks/campay"),
    ("admin", "/api/v1/webhooks/campay"), ("rider", "/api/v1/webhooks/campay"), ("main", "/api/v1/user/webhooks/campay"),
    ("main", "/api/v1/vendor/webhooks/campay"), ("main", "/api/v1/rider/webhooks/campay"),
    ("main", "/api/v1/admin/webhooks/campay"), ("main", "/api/v1/admin/payouts/webhooks/campay"),
    ("admin", "/api/v1/payouts/webhooks/campay")])
def test_a_callback_is_accepted_at_every_address(till, name, path):
    somebody, reference = paid_topup(till)
    assert till.callback(reference, name=name, path=path).status == 200
    till.until_state(reference, "SUCCEEDED")
    assert till.balance(somebody) == 5000


@pytest.mark.parametrize("signature", ["", "0" * 64, "x" * 64, "a.b.c", "é"])
def test_a_forged_callback_changes_nothing(till, signature):
    somebody, reference = paid_topup(till)
    before = till.intent(reference)
    reply = till.callback(reference, signature=signature)
    assert (reply.status, reply.code) == (401, "AUTH_1001")
    assert {**before, "checked_at": None} == {**till.intent(reference), "checked_at": None}
    assert till.balance(somebody) == 0


@pytest.mark.parametrize("key", ["", WEBHOOK_KEY, APP_KEY + "x"])
def test_a_callback_under_another_key_is_forged(till, key):
    _, reference = paid_topup(till)
    assert till.callback(reference, key=key or "x").status == 401


def test_a_signature_holds_for_its_own_body_only(till):
    somebody, reference = paid_topup(till)
    good = till.callback(reference, status="PENDING")
    assert good.status == 200
    body = json.dumps({"reference": "gw", "external_reference": reference, "status": "SUCCESSFUL", "amount": 10**6}).encode()
    signature = hmac.new(APP_KEY.encode(), body, hashlib.sha256).hexdigest()
    changed = body.replace(b"1000000", b"9000000")
    assert Api(till.server.port).request("POST", "/webhooks/campay", body=changed, headers={
        "Content-Type": "application/json", "X-Campay-Signature": signature}).status == 401


def test_a_repeated_callback_is_accepted_and_books_once(till):
    somebody, reference = paid_topup(till)
    assert till.callback(reference).status == 200
    till.until_state(reference, "SUCCEEDED")
    asked = len(till.gateway.log("/transaction"))
    for _ in range(5):
        assert till.callback(reference).status == 200
    assert till.balance(somebody) == 5000
    assert len(till.gateway.log("/transaction")) == asked
    assert len(till.sql("SELECT 1 FROM ledger WHERE reference = %s", reference)) == 1


def test_the_content_of_a_callback_is_not_trusted(till):
    """The callback reports SUCCESSFUL; the gateway answers a query with PENDING."""
    somebody = till.customer()
    reference = till.top_up(somebody).data["reference"]
    asked = len(till.gateway.log("/transaction"))
    assert till.callback(reference, status="SUCCESSFUL").status == 200
    until(lambda: len(till.gateway.log("/transaction")) > asked)
    assert till.callback(reference, amount=10**9).status == 200
    assert till.intent(reference)["state"] == "PENDING" and till.balance(somebody) == 0


def test_a_callback_of_failure_ends_the_payment(till):
    somebody = till.customer()
    reference = till.top_up(somebody).data["reference"]
    till.decide(reference, "FAILED")
    assert till.callback(reference, status="FAILED").status == 200
    till.until_state(reference, "FAILED")
    assert somebody.api.get(f"wallet/add-funds/{reference}").data["status"] == "FAILED"


def test_a_callback_of_an_unknown_payment_is_accepted_and_logged(till):
    for reference in ("pay_nobody", "order_123", "x" * 300):
        reply = till.callback(reference, reference="gw_unknown")
        assert reply.status == 200, reply
    till.server.wait(lambda: any("does not exist" in line.get("msg", "") for line in till.server.log()), what="logging it")


@pytest.mark.parametrize("amount", [4999, 5001, 0])
def test_another_amount_is_never_booked(till, amount):
    somebody, reference = paid_topup(till)
    till.decide(reference, amount=amount)
    assert till.callback(reference).status == 200
    till.until_state(reference, "MISMATCH")
    assert till.balance(somebody) == 0 and till.sql("SELECT 1 FROM ledger WHERE reference = %s", reference) == []
    till.server.wait_log(level="error", payment=reference)
    differences = till.reconcile()[1]
    assert [(line["difference"], line["explained"]) for line in differences if line["reference"] == reference] == [
        ("amount", False)]


def test_a_callback_is_accepted_during_maintenance(till):
    somebody, reference = paid_topup(till)
    change_settings(till.server, maintenanceMode=True)
    try:
        assert somebody.api.get("wallet").status == 503
        assert till.callback(reference).status == 200
        till.until_state(reference, "SUCCEEDED")
    finally:
        change_settings(till.server, maintenanceMode=False)
    assert till.balance(somebody) == 5000


@pytest.mark.parametrize("path", ["notchpay", "mpesa", "mpesa/timeout"])
def test_callbacks_of_unused_gateways_are_accepted(till, path):
    reply = Api(till.server.ports["admin"]).post(f"payouts/webhooks/{path}", json={"amount": 5})
    assert reply.status == 200


def test_a_callback_may_come_as_a_get(till):
    somebody, reference = paid_topup(till)
    query = f"reference={till.intent(reference)['gateway_reference']}&external_reference={reference}&status=SUCCESSFUL&amount=5000"
    signature = hmac.new(APP_KEY.encode(), query.encode(), hashlib.sha256).hexdigest()
    till.sql("UPDATE payment_intents SET checked_at = checked_at - interval '2 seconds' WHERE id = %s", reference)
    assert Api(till.server.port).get(f"/webhooks/campay?{query}&signature={signature[::-1]}").status == 401
    assert Api(till.server.port).get(f"/webhooks/campay?{query}&signature={signature}").status == 200
    till.until_state(reference, "SUCCEEDED")
    assert till.balance(somebody) == 5000


def signed(body, key=APP_KEY):
    return hmac.new(key.encode(), body, hashlib.sha256).hexdigest()


@pytest.mark.parametrize("headers", [
    {"Content-Type": "text/plain"}, {"Content-Type": "text/json"}, {"Content-Type": "application/octet-stream"}, {},
    {"Content-Type": "application/x-www-form-urlencoded"}, {"Content-Type": "application/json", "Accept": "text/html"},
    {"Content-Type": "application/json", "Origin": "https://www.campay.net"}, {"Origin": "null"}])
@pytest.mark.parametrize("form", [False, True])
def test_a_callback_is_verified_by_its_signature_in_any_content_type(till, headers, form):
    somebody, reference = paid_topup(till)
    members = {"reference": till.intent(reference)["gateway_reference"], "external_reference": reference,
            "status": "SUCCESSFUL", "amount": "5000"}
    body = "&".join(f"{name}={value}" for name, value in members.items()).encode() if form else json.dumps(members).encode()
    till.sql("UPDATE payment_intents SET checked_at = checked_at - interval '2 seconds' WHERE id = %s", reference)
    api = Api(till.server.port)
    assert api.request("POST", "/webhooks/campay", body=body,
                       headers={**headers, "X-Campay-Signature": signed(body, "x")}).status == 401
    assert api.request("POST", "/webhooks/campay", body=body,
                       headers={**headers, "X-Campay-Signature": signed(body)}).status == 200
    till.until_state(reference, "SUCCEEDED")
    assert till.balance(somebody) == 5000


def test_only_callbacks_may_come_from_any_origin(till):
    somebody = till.customer()
    assert somebody.api.request("GET", "/api/v1/user/wallet", headers={"Origin": "https://evil.example"}).status == 403
    assert somebody.api.request("POST", "/api/v1/user/wallet/add-funds", body=b"{}", headers={
        "Content-Type": "text/plain"}).status == 415


def test_a_reference_that_is_too_long_is_refused(till):
    _, reference = paid_topup(till)
    till.sql("UPDATE payment_intents SET gateway_reference = NULL WHERE id = %s", reference)
    assert till.callback(reference, reference="r" * 101).status == 400
    assert till.intent(reference)["gateway_reference"] is None
    assert till.callback(reference, reference="r" * 100).status == 200
    assert till.intent(reference)["gateway_reference"] == "r" * 100


def test_a_foreign_reference_is_discarded_and_the_payments_own_is_found(till):
    somebody, reference = paid_topup(till)
    _, other = paid_topup(till)
    theirs = till.intent(other)["gateway_reference"]
    till.sql("UPDATE payment_intents SET gateway_reference = NULL WHERE id = %s", other)
    till.sql("UPDATE payment_intents SET gateway_reference = %s, next_check_at = now() WHERE id = %s", theirs, reference)
    until(lambda: till.intent(reference)["gateway_reference"] is None)
    assert till.balance(somebody) == 0
    till.sql("UPDATE payment_intents SET next_check_at = now() WHERE id = ANY (%s)", [reference, other])
    assert till.until_state(reference, "SUCCEEDED")["gateway_reference"] != theirs
    assert till.balance(somebody) == 5000
    assert till.until_state(other, "SUCCEEDED")["gateway_reference"] == theirs


def test_a_callback_of_a_pay_out_causes_a_query(till):
    shop = open_shop(till.server, till.sql, bank_details={
        "accountName": "Rose Etame", "accountNumber": "670112233", "bankName": "MTN MoMo"})
    earn(till.sql, shop.id, 20000)
    payout = shop.api.post("payouts/request", json={"amount": 8000}).data["payoutId"]
    assert appoint(till.server, till.sql).api.post(f"payouts/{payout}/approve", json={}).status == 200
    row = lambda: till.sql("SELECT * FROM payouts WHERE id = %s", payout)[0]
    reference = until(lambda: row()["gateway_reference"])
    till.sql("UPDATE payouts SET next_check_at = now() + interval '1 hour' WHERE id = %s", payout)
    till.decide(payout)
    assert till.callback(payout, reference=reference, amount=8000, signature="0" * 64).status == 401
    assert row()["status"] == "PROCESSING"
    assert till.callback(payout, reference=reference, amount=8000).status == 200
    until(lambda: row()["status"] == "COMPLETED")
