# SPDX-License-Identifier: MIT
"""Idempotency-Key: which requests are the same, and that the stored reply is sent whatever would refuse the request now."""

import hashlib
import itertools
import json

import pytest

from world.accounts import open_shop, register
from world.audit import top_up
from world.database import Database
from world.money import race
from world.tables import Tables
from world.waiting import until

pytestmark = pytest.mark.slow

ROWS = [row for row in Tables().rows if row.idempotent]
keys = (f"replayed-{n}" for n in itertools.count(1))


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_every_route_looks_its_key_up_before_its_handler(callers, sql, row):
    """The resources do not exist, so the handler would refuse; the stored key is checked first."""
    who, key = callers.of(row), next(keys)
    sql("INSERT INTO idempotency (account_id, key, fingerprint, status, body) VALUES (%s, %s, 'another', 200, '{}')", who.id, key)
    for url in row.urls():
        reply = who.api.request(row.method, url, json=row.minimum() or {}, headers={"Idempotency-Key": key})
        assert (reply.status, reply.code) == (422, "IDEMPOTENCY_MISMATCH"), url


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_every_route_replays_the_reply_to_another_spelling_of_the_request(callers, sql, row):
    who, key = callers.of(row), next(keys)
    body = row.minimum() or {}

    def call(url, method=row.method, body=body):
        return who.api.request(method, url, body=json.dumps(body), headers={"Idempotency-Key": key,
                                                                            "Content-Type": "application/json"})
    sql("INSERT INTO idempotency (account_id, key, fingerprint, status, body) VALUES (%s, %s, %s, 200, %s)", who.id, key,
        print_of(row, body), '{"success":true,"data":"kept"}')
    spellings = [call(url) for url in row.urls()]
    spellings.append(call(row.url(), body=dict(reversed({**body, "unheardOf": [1]}.items()))))
    spellings += [call(row.url(), method) for method in row.methods]
    for reply in spellings:
        assert reply.status == 200 and reply.data == "kept", reply
        assert reply.headers["Idempotency-Replayed"] == "true"
    if row.named:
        assert call(row.url(other="another")).code == "IDEMPOTENCY_MISMATCH"


def print_of(row, body):
    """The stored fingerprint: of the route's row, its parameters, and the declared members of query and body."""
    words = [row.namespace, row.method, row.path]
    words += ["nothing_here" for part in row.path.split("/") if part.startswith(":")]
    words += ["{}", json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)]
    return hashlib.sha256("".join(word + "\0" for word in words).encode()).hexdigest()


# --- The same request -----------------------------------------------------------------------

def order_body(shop, **more):
    return {"vendorId": shop.id, "items": [{"itemId": shop.items[0], "quantity": 1, "notes": "Hot"}],
            "paymentMethod": "WALLET", **more}


@pytest.fixture
def buyer(customer, sql):
    made = customer()
    top_up(sql, made.id, 100000)
    return made


def place(who, body, key, **headers):
    return who.api.post("orders", body=body if isinstance(body, str) else json.dumps(body), headers={
        "Idempotency-Key": key, "Content-Type": "application/json", **headers})


def test_an_order_in_another_spelling_is_the_same_order(buyer, vendor):
    shop, key = vendor(items=1), next(keys)
    first = place(buyer, order_body(shop), key)
    assert first.status == 201, first
    line = {"menuItemId": shop.items[0], "quantity": 1.0, "specialInstructions": " Hot ", "price": 1}
    for body in (order_body(shop, utm="friend"), order_body(shop, notes=None), {**order_body(shop), "paymentMethod": "wallet"},
                 {**order_body(shop), "items": [line]}, json.dumps(order_body(shop), indent=2, sort_keys=True)):
        again = place(buyer, body, key)
        assert (again.status, again.body) == (201, first.body), again
        assert again.headers["Idempotency-Replayed"] == "true"
    for body in (order_body(shop, notes="Ring"), {**order_body(shop), "items": [{"itemId": shop.items[0], "quantity": 2}]},
                 {**order_body(shop), "paymentMethod": "CASH"}):
        other = place(buyer, body, key)
        assert (other.status, other.code) == (422, "IDEMPOTENCY_MISMATCH"), body


def test_a_key_of_one_route_is_not_of_another(buyer, vendor):
    shop, key = vendor(items=1), next(keys)
    order = place(buyer, order_body(shop), key).data
    reply = buyer.api.put(f"orders/{order['orderId']}/cancel", json={"reason": "Not hungry"}, headers={"Idempotency-Key": key})
    assert (reply.status, reply.code) == (422, "IDEMPOTENCY_MISMATCH")
    assert buyer.api.get(f"orders/{order['orderId']}").data["status"] == "PENDING"


# --- Refusals after the first reply ---------------------------------------------------------------------

OBSTACLES = {
    "its address is gone": ("DELETE FROM addresses WHERE user_id = %(user)s", ""),
    "its vendor is closed": ("UPDATE vendors SET is_online = false WHERE id = %(vendor)s", ""),
    "its vendor is suspended": ("UPDATE vendors SET is_online = false, approval_status = 'SUSPENDED' WHERE id = %(vendor)s", ""),
    "its price is another": ("UPDATE items SET price = price + 100 WHERE vendor_id = %(vendor)s", ""),
    "its item is sold out": ("UPDATE items SET available = false WHERE vendor_id = %(vendor)s", ""),
    "its wallet is empty": ("UPDATE wallets SET available = 0 WHERE owner_id = %(user)s", ""),
    "its customer is unverified": ("UPDATE users SET phone_verified = false WHERE id = %(user)s", ""),
    "the service is off": ("UPDATE settings SET value = 'false' WHERE key = 'services.food.enabled'", "CONFIG_8000"),
    "the method is off": ("UPDATE settings SET value = '[\"CASH\"]' WHERE key = 'paymentMethods'", "EXTERNAL_11000"),
    "everything is off": ("UPDATE settings SET value = 'true' WHERE key = 'maintenanceMode'", "SERVICE_UNAVAILABLE"),
}


@pytest.mark.parametrize("obstacle", OBSTACLES)
def test_an_order_is_replayed_whatever_would_refuse_it_now(start_server, obstacle):
    server = start_server()
    sql = Database(server.configuration["database_url"])
    made, shop = register(server), open_shop(server, sql, items=1)
    top_up(sql, made.id, 100000)
    address = made.api.get("auth/addresses").data[0]["id"]
    body = order_body(shop, deliveryAddressId=address)
    first = place(made, body, "once")
    assert first.status == 201, first
    change, code = OBSTACLES[obstacle]
    sql(change % {"user": f"'{made.id}'", "vendor": f"'{shop.id}'"})

    def stands():
        """A new order is refused."""
        reply = place(made, body, next(keys))
        return reply.status >= 400 and (not code or reply.code == code)
    until(stands, 20, obstacle)
    again = place(made, body, "once")
    assert (again.status, again.body) == (201, first.body), again
    sql.close()


def test_a_payout_is_replayed_after_its_account_is_gone(rider, sql):
    man, key = rider(bank_details=json.dumps({"accountName": "E", "accountNumber": "677000001", "bankName": "MTN"})), next(keys)
    top_up(sql, man.id, 50000, "RIDER")
    first = man.api.post("payouts/request", json={"amount": 6000}, headers={"Idempotency-Key": key})
    assert first.status == 201, first
    sql("UPDATE riders SET bank_details = NULL WHERE id = %s", man.id)
    again = man.api.post("wallet/payout", json={"amount": 6000.0}, headers={"Idempotency-Key": key})
    assert (again.status, again.body) == (201, first.body)


def test_of_parallel_requests_with_one_key_one_is_served_and_the_others_get_its_reply(buyer, vendor, sql):
    shop, key = vendor(items=1), next(keys)
    replies = race([lambda: place(buyer, order_body(shop), key)] * 6)
    assert {r.status for r in replies} <= {201, 409}
    assert len({r.body for r in replies if r.status == 201}) == 1
    assert {r.code for r in replies if r.status == 409} <= {"IDEMPOTENCY_IN_PROGRESS"}
    assert sql("SELECT count(*) AS n FROM orders WHERE user_id = %s", buyer.id)[0]["n"] == 1
