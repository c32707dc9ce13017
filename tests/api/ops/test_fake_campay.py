# SPDX-License-Identifier: MIT
"""The fake mobile-money gateway by itself: it works as documented, because other tests depend on it."""

import base64
import hashlib
import hmac
import json
import urllib.parse
from concurrent.futures import ThreadPoolExecutor

import pytest

from world.client import Api
from world.fakes import Listener
from world.waiting import until

pytestmark = pytest.mark.slow

KEY = b"campay-app-key"


@pytest.fixture
def listener():
    made = Listener()
    yield made
    made.close()


@pytest.fixture
def campay(fake, listener):
    return fake("campay", callback=listener.url + "/callback", settle_ms=50)


def login(campay, upstream=False):
    """Headers of a caller."""
    reply = campay.api.post("/auth/token" if upstream else "/token/",
                            json={"username": "reeyo", "password": "campay-password"})
    assert reply.status == 200
    if upstream:
        return {"Authorization": "Bearer " + reply.json["token"], "X-API-KEY": "campay-app-key"}
    return {"Authorization": "Token " + reply.json["token"]}


def collect(campay, headers, path="/collect/", **members):
    body = {"amount": "1000", "currency": "XAF", "from": "237670000001", "to": "237690000001",
            "description": "x", "external_reference": "pay_1", **members}
    return campay.api.post(path, json=body, headers=headers)


def callbacks(listener, count=1):
    until(lambda: len(listener.requests) >= count)
    return [json.loads(body) for _, _, _, body in listener.requests]


def test_a_collect_succeeds_with_a_signed_callback(campay, listener):
    headers = login(campay)
    reply = collect(campay, headers)
    assert reply.status == 200 and reply.json["ussd_code"] and reply.json["operator"] == "MTN"
    reference = reply.json["reference"]
    asked = campay.api.get(f"/transaction/{reference}/", headers=headers).json
    assert asked["status"] in ("PENDING", "SUCCESSFUL") and asked["amount"] == 1000
    [body] = callbacks(listener)
    assert (body["reference"], body["external_reference"], body["status"], body["amount"]) == (
        reference, "pay_1", "SUCCESSFUL", "1000")
    _, path, heads, raw = listener.requests[0]
    assert path == "/callback"
    assert heads["X-Campay-Signature"] == hmac.new(KEY, raw, hashlib.sha256).hexdigest()


def test_the_upstream_dialect_disburses(campay, listener):
    headers = login(campay, upstream=True)
    reply = collect(campay, headers, "/disburse")
    assert reply.json["status"] == "PENDING"
    assert callbacks(listener)[0]["operator"] == "ORANGE"
    asked = campay.api.get("/transaction/" + reply.json["reference"], headers=headers).json
    assert asked["amount"] == "1000.00" and asked["endpoint"] == "withdraw"
    assert collect(campay, {**headers, "X-API-KEY": "other"}, "/disburse").status == 401


def test_a_token_is_required(campay):
    assert collect(campay, {}).status == 401
    assert collect(campay, {"Authorization": "Token made-up"}).status == 401
    assert campay.api.post("/token/", json={"username": "reeyo", "password": "x"}).status == 400
    assert campay.transactions() == []


@pytest.mark.parametrize("members", [{"amount": "0"}, {"amount": "-5"}, {"amount": "1.5"}, {"amount": 1000},
                                     {"from": "237610000001"}, {"from": "+237670000001"}, {"currency": "USD"}])
def test_what_is_wrong_is_refused(campay, members):
    reply = collect(campay, login(campay), **members)
    assert reply.status == 400 and reply.json["message"]
    assert campay.transactions() == []


def test_faults_come_in_the_order_written_down(campay):
    headers = login(campay)
    campay.script("/collect", ("status", {"status": 500}), "reset", "reset-after", ("status-after", {"status": 502}))
    assert collect(campay, headers).status == 500
    with pytest.raises(OSError):
        collect(campay, headers)
    campay.api.close()
    assert campay.transactions() == []
    with pytest.raises(OSError):
        collect(campay, headers)
    campay.api.close()
    assert len(campay.transactions()) == 1
    assert collect(campay, headers).status == 502
    assert len(campay.transactions()) == 2
    assert collect(campay, headers).status == 200


@pytest.mark.parametrize("fault, statuses", [
    ("fail", ["FAILED"]), ("late-success", ["FAILED", "SUCCESSFUL"]),
    (("duplicate-callback", {"times": 3}), ["SUCCESSFUL"] * 3), ("forged-success", ["SUCCESSFUL", "FAILED"])])
def test_the_outcome_of_a_transaction_is_called_back(campay, listener, fault, statuses):
    fault = fault if isinstance(fault, tuple) else (fault, {"ms": 50})
    campay.script("/collect", fault)
    collect(campay, login(campay))
    assert [body["status"] for body in callbacks(listener, len(statuses))] == statuses
    assert campay.transactions()[0]["status"] == statuses[-1]


def test_a_lost_callback_is_not_sent_and_never_never_settles(campay, listener):
    campay.script("/collect", "lost-callback", "never", "none")
    headers = login(campay)
    lost, never, last = (collect(campay, headers).json["reference"] for _ in range(3))
    assert [body["reference"] for body in callbacks(listener)] == [last]
    by_reference = {one["reference"]: one["status"] for one in campay.transactions()}
    assert (by_reference[lost], by_reference[never]) == ("SUCCESSFUL", "PENDING")


def test_a_callback_may_come_first(campay, listener):
    campay.script("/collect", "callback-first")
    collect(campay, login(campay))
    assert len(listener.requests) == 1


def test_amounts_may_differ(campay, listener):
    campay.script("/collect", ("wrong-amount", {"amount": 7}), ("other-amount", {"amount": 8}))
    headers = login(campay)
    collect(campay, headers, external_reference="pay_7")
    collect(campay, headers, external_reference="pay_8")
    assert {(body["external_reference"], body["amount"]) for body in callbacks(listener, 2)} == {
        ("pay_7", "7"), ("pay_8", "8")}
    assert {one["amount"] for one in campay.transactions()} == {1000, 8}


def test_callbacks_are_signed_as_asked(campay, listener):
    reference = collect(campay, login(campay)).json["reference"]
    callbacks(listener)
    listener.requests.clear()
    assert campay.callback(reference, sign="jwt") == 200
    assert campay.callback(reference, sign="get", status="FAILED", amount=3) == 200
    assert campay.callback(reference, signature="forged") == 200
    assert campay.callback(reference, signature="none") == 200
    listener.status = 401
    assert campay.callback(reference) == 401
    jwt, get, forged, unsigned, _ = listener.requests
    head, claims, mac = json.loads(jwt[3])["signature"].split(".")
    made = hmac.new(b"campay-webhook-key", f"{head}.{claims}".encode(), hashlib.sha256).digest()
    assert base64.urlsafe_b64encode(made).decode().rstrip("=") == mac
    query, signature = get[1].split("?", 1)[1].rsplit("&signature=", 1)
    assert signature == hmac.new(KEY, query.encode(), hashlib.sha256).hexdigest()
    asked = dict(urllib.parse.parse_qsl(query))
    assert (asked["status"], asked["amount"], asked["reference"]) == ("FAILED", "3", reference)
    assert forged[2]["X-Campay-Signature"] != hmac.new(KEY, forged[3], hashlib.sha256).hexdigest()
    assert "X-Campay-Signature" not in unsigned[2] and b"signature" not in unsigned[3]


def test_the_history_lists_the_days_asked_for(campay):
    headers = login(campay)
    collect(campay, headers)
    collect(campay, headers, "/withdraw/", external_reference="payout_1")
    rows = campay.api.post("/history/", json={"start_date": "2000-01-01", "end_date": "2999-01-01"}, headers=headers).json
    assert [(row["external_reference"], row["debit"], row["credit"]) for row in rows] == [
        ("pay_1", 0, 1000), ("payout_1", 1000, 0)]
    assert campay.api.post("/history/", json={"start_date": "2000-01-01", "end_date": "2000-01-02"},
                           headers=headers).json == []


def test_a_revoked_token_is_refused_and_a_reset_forgets(campay):
    headers = login(campay)
    campay.script("/transaction", "revoke")
    assert campay.api.get("/transaction/x/", headers=headers).status == 401
    collect(campay, login(campay))
    campay.reset()
    assert campay.transactions() == [] and campay.log() == []


def test_the_same_seed_draws_the_same_faults(fake):
    def run():
        campay = fake("campay", faults=40, seed=5, settle_ms=10000)
        headers, statuses = login(campay), []
        for _ in range(40):
            try:
                statuses.append(collect(campay, headers).status)
            except OSError:
                campay.api.close()
                statuses.append(0)
        return statuses
    first = run()
    assert len(set(first)) > 1
    assert first == run()


def test_hundreds_at_once_and_thousands_in_all(fake, listener):
    campay = fake("campay", settle_ms=10, callback=listener.url)
    headers = login(campay)

    def worker(number):
        api = Api(campay.port)
        for i in range(20):
            reply = api.post("/collect/", headers=headers, json={
                "amount": "5", "currency": "XAF", "from": "237670000001", "external_reference": f"pay_{number}_{i}"})
            assert reply.status == 200
        api.close()
    with ThreadPoolExecutor(100) as pool:
        list(pool.map(worker, range(100)))
    assert len({one["external_reference"] for one in campay.transactions()}) == 2000
    until(lambda: len(listener.requests) == 2000)
