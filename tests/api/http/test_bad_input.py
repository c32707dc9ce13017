# SPDX-License-Identifier: MIT
"""Bad bodies: the documented 4xx in the documented envelope, nothing written, and the connection
stays usable."""

import hashlib
import time

import pytest

from world.tokens import part, read, sign

ORDER = {"vendorId": "vendor_123", "items": [{"itemId": "item_1", "quantity": 1}]}
JSON = {"Content-Type": "application/json"}


def order_with(**changes):
    return {**ORDER, **changes}


def line_with(**changes):
    return order_with(items=[{"itemId": "item_1", "quantity": 1, **changes}])


@pytest.fixture
def buyer(customer_api, sql):
    """Posts an order and checks that a refusal writes nothing and keeps the connection."""
    def counts():
        return [sql(f"SELECT count(*) FROM {table}")[0]["count"] for table in ("orders", "event_log", "idempotency")]

    def refused(status=400, **sent):
        before = counts()
        reply = customer_api.post("orders", **sent)
        assert reply.status == status, reply
        document = reply.json
        assert document["success"] is False
        assert set(document) >= {"error", "timestamp", "path", "requestId"}
        assert document["error"]["code"] and document["error"]["message"]
        assert reply.headers.get("Connection", "").lower() != "close"
        assert customer_api.get("wallet").status == 200
        assert counts() == before
        return reply
    return refused


MALFORMED = {
    "an open object": b'{"vendorId": "vendor_123"',
    "an open string": b'{"vendorId": "vendor_',
    "a trailing comma": b'{"vendorId": "vendor_123",}',
    "single quotes": b"{'vendorId': 'vendor_123'}",
    "a bare word": b"{vendorId: 1}",
    "two documents": b"{} {}",
    "no JSON at all": b"vendorId=vendor_123",
    "NaN": b'{"vendorId": NaN}',
    "a leading zero": b'{"a": 01}',
    "a comment": b'{"a": 1 /* one */}',
    "a duplicate key": b'{"vendorId": "vendor_123", "vendorId": "vendor_2"}',
    "a duplicate key inside": b'{"items": [{"itemId": "a", "itemId": "b"}]}',
    "invalid UTF-8": b'{"vendorId": "\xff\xfe"}',
    "overlong UTF-8": b'{"vendorId": "\xc0\xaf"}',
    "half a surrogate pair": b'{"vendorId": "\\ud800"}',
    "a NUL byte": b'{"vendorId": "a\x00b"}',
    "an escaped NUL": b'{"vendorId": "a\\u0000b"}',
    "an integer beyond int64": b'{"a": 92233720368547758080}',
    "a number beyond double": b'{"a": 1e999}',
    "a list": b"[]",
    "a string": b'"order"',
    "null": b"null",
    "a byte order mark": b'\xef\xbb\xbf{"vendorId": "vendor_123"}',
    "deep arrays": b'{"a": ' + b"[" * 50000 + b"]" * 50000 + b"}",
    "deep objects": b'{"a":' * 20000 + b"1" + b"}" * 20000,
}


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_json_is_400(buyer, name):
    reply = buyer(body=MALFORMED[name], headers=JSON)
    assert reply.code == "VALIDATION_ERROR"


def test_the_position_of_a_mistake_is_named(buyer):
    reply = buyer(body=b'{\n  "vendorId": "vendor_123",\n  "items": [1,,2]\n}', headers=JSON)
    assert "line 3" in reply.error["message"]
    position = reply.error["details"][0]["position"]
    assert position["line"] == 3 and position["column"] >= 12


def test_deep_nesting_is_refused_before_parsing(buyer):
    body = b'{"a": ' + b"[" * 60 + b"]" * 60 + b"}"
    assert "nested too deeply" in buyer(body=body, headers=JSON).error["message"]


WRONG = {
    "no vendor": ({"items": ORDER["items"]}, "vendorId"),
    "no items": ({"vendorId": "vendor_123"}, "items"),
    "an empty list": (order_with(items=[]), "items"),
    "items as an object": (order_with(items={}), "items"),
    "items as text": (order_with(items="item_1"), "items"),
    "a line that is a number": (order_with(items=[1]), "items[0]"),
    "a vendor that is a number": (order_with(vendorId=5), "vendorId"),
    "a vendor that is a list": (order_with(vendorId=["vendor_123"]), "vendorId"),
    "an empty vendor": (order_with(vendorId=""), "vendorId"),
    "a vendor of 5,000 characters": (order_with(vendorId="v" * 5000), "vendorId"),
    "a vendor with a slash": (order_with(vendorId="../vendor"), "vendorId"),
    "a vendor of SQL": (order_with(vendorId="x'; DROP TABLE orders; --"), "vendorId"),
    "a negative quantity": (line_with(quantity=-1), "items[0].quantity"),
    "no quantity at all": (line_with(quantity=0), "items[0].quantity"),
    "a million": (line_with(quantity=1_000_000), "items[0].quantity"),
    "a quantity in words": (line_with(quantity="two"), "items[0].quantity"),
    "a fractional quantity": (line_with(quantity=1.5), "items[0].quantity"),
    "a quantity at the edge of int64": (line_with(quantity=2 ** 63 - 1), "items[0].quantity"),
    "a quantity that is true": (line_with(quantity=True), "items[0].quantity"),
    "a missing quantity": (order_with(items=[{"itemId": "item_1"}]), "items[0].quantity"),
    "fifty-one lines": (order_with(items=ORDER["items"] * 51), "items"),
    "notes of 5,000 characters": (line_with(notes="n" * 5000), "items[0].notes"),
    "an unknown payment method": (order_with(paymentMethod="SHELLS"), "paymentMethod"),
    "a payment method that is a number": (order_with(paymentMethod=1), "paymentMethod"),
    "an address off the globe": (
        order_with(deliveryAddress={"address": "Nowhere", "coordinates": {"lat": 123, "lng": 9}}),
        "deliveryAddress.coordinates"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_field_is_400_and_named(buyer, name):
    body, field = WRONG[name]
    reply = buyer(json=body)
    assert reply.code == "VALIDATION_ERROR"
    named = [fault["field"] for fault in reply.error["details"]]
    assert any(one == field or one.startswith(field) for one in named), named


def test_every_wrong_field_is_named_at_once(buyer):
    reply = buyer(json={"vendorId": 1, "items": [{"itemId": "item_1", "quantity": -1},
                                                 {"quantity": 2}]})
    named = {fault["field"] for fault in reply.error["details"]}
    assert {"vendorId", "items[0].quantity", "items[1].itemId"} <= named


def test_an_unknown_vendor_and_an_unknown_item_are_404(buyer):
    assert buyer(404, json=order_with(vendorId="vendor_nowhere")).code == "VENDOR_3000"
    assert buyer(404, json=line_with(itemId="item_nowhere")).code == "INVENTORY_6000"


def test_unknown_fields_are_ignored(customer_api):
    reply = customer_api.post("orders", json=order_with(colour="green", price=1, total=1))
    assert reply.status == 201
    assert reply.data["subtotal"] >= 2500


def test_secrets_are_never_echoed(api):
    reply = api.post("auth/register", json={"firstName": "A", "lastName": "B", "phone": "5",
                                            "password": "weaksecret"})
    assert reply.status == 400 and b"weaksecret" not in reply.body


@pytest.mark.parametrize("query", ["page=0", "page=-1", "page=x", "page=1.5", "limit=0",
                                   "limit=99999999999999999999", "page=1&page=2", "page=%ff"])
def test_a_wrong_query_is_400(customer_api, query):
    reply = customer_api.get("orders?" + query)
    assert reply.status == 400 and reply.json["success"] is False


def test_a_limit_over_a_hundred_clamps(customer_api):
    assert customer_api.get("orders?limit=5000").status == 200


@pytest.mark.parametrize("path", ["orders/order_nowhere", "orders/" + "x" * 200, "orders/%00",
                                  "orders/a%20b", "orders/%27%20OR%201%3D1"])
def test_an_id_that_does_not_exist_is_404(customer_api, path):
    reply = customer_api.get(path)
    assert reply.status == 404 and reply.json["success"] is False


def test_another_customers_order_is_403(customer, customer_api):
    order = customer_api.post("orders", json=ORDER).data["orderId"]
    reply = customer().api.get(f"orders/{order}")
    assert reply.status == 403 and reply.code == "ORDER_4002"


# --- Tokens -----------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def real(token):
    """The parts of a token that works: header, claims."""
    return read(token("customer"))


def test_a_token_signed_by_the_test_is_accepted(server, real):
    """The tokens of the other tests are wrong only in what those tests change."""
    assert server.api(sign(*real)).get("auth/me").status == 200


FORGED = {
    "no signature": lambda h, c: ".".join([part(h), part(c), ""]),
    "alg none": lambda h, c: f'{part({**h, "alg": "none"})}.{part(c)}.',
    "alg None with a signature": lambda h, c: sign({**h, "alg": "None"}, c),
    "alg HS512": lambda h, c: sign({**h, "alg": "HS512"}, c, digest=hashlib.sha512),
    "alg HS384": lambda h, c: sign({**h, "alg": "HS384"}, c, digest=hashlib.sha384),
    "alg RS256 with our secret": lambda h, c: sign({**h, "alg": "RS256"}, c),
    "another secret": lambda h, c: sign(h, c, "another-secret-of-the-same-good-length"),
    "an unknown key id": lambda h, c: sign({**h, "kid": "99"}, c, "x" * 40),
    "another issuer": lambda h, c: sign(h, {**c, "iss": "someone-else"}),
    "another audience": lambda h, c: sign(h, {**c, "aud": "another-api"}),
    "a refresh token's type": lambda h, c: sign(h, {**c, "type": "refresh"}),
    "no expiry": lambda h, c: sign(h, {k: v for k, v in c.items() if k != "exp"}),
    "no subject": lambda h, c: sign(h, {k: v for k, v in c.items() if k not in ("sub", "userId")}),
    "an expiry in words": lambda h, c: sign(h, {**c, "exp": "tomorrow"}),
    "claims that are a list": lambda h, c: sign(h, [c]),
    "claims that are no JSON": lambda h, c: sign(h, b"{"),
    "one part": lambda h, c: "abcdef",
    "four parts": lambda h, c: sign(h, c) + ".x",
    "not base64": lambda h, c: "%%%.%%%.%%%",
    "a token of 4,000 characters": lambda h, c: sign(h, {**c, "x": "y" * 2700}),
    "a changed claim": lambda h, c: ".".join(
        [part(h), part({**c, "sub": "user_other"}), sign(h, c).split(".")[2]]),
}


@pytest.mark.parametrize("name", FORGED)
def test_a_bad_token_is_401(server, real, name):
    reply = server.api(FORGED[name](*real)).get("auth/me")
    assert reply.status == 401 and reply.code == "AUTH_1001", reply


def test_an_expired_token_has_a_code_of_its_own(server, real):
    head, claims = real
    reply = server.api(sign(head, {**claims, "exp": int(time.time()) - 10})).get("auth/me")
    assert reply.status == 401 and reply.code == "AUTH_1003"


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Basic dXNlcjpwYXNz", "Token abc"])
def test_no_bearer_token_is_401(api, header):
    reply = api.get("auth/me", headers={"Authorization": header})
    assert reply.status == 401 and reply.code in ("AUTH_1000", "AUTH_1001")
    assert reply.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_token_is_never_read_from_the_query(api, token):
    for name in ("token", "access_token", "accessToken"):
        assert api.get(f"auth/me?{name}={token()}").status == 401
