# SPDX-License-Identifier: MIT
"""Access: every row of the route tables is called by each of its paths, as every kind of caller. The codes are those of
the contract's table of errors."""

import pytest

from world.accounts import DEMO
from world.database import Database
from world.tables import ROLES
from world.tokens import read, sign
from world.waiting import until

NAMESPACES = ("user", "rider", "vendor", "admin")
# Error codes by namespace.
NO_TOKEN = dict(zip(NAMESPACES, ("AUTH_1000", "AUTH_1000", "UNAUTHORIZED", "AUTH_TOKEN_INVALID")))
BAD_TOKEN = dict(zip(NAMESPACES, ("AUTH_1001", "AUTH_1001", "INVALID_TOKEN", "AUTH_TOKEN_INVALID")))
EXPIRED = dict(zip(NAMESPACES, ("AUTH_1003", "AUTH_1003", "TOKEN_EXPIRED", "AUTH_TOKEN_INVALID")))
WRONG_ROLE = dict(zip(NAMESPACES, ("AUTH_1005", "AUTH_1005", "FORBIDDEN", "FORBIDDEN")))
# Refusals of an allowed role for another reason: the account's state, the owner of a resource, a password.
OTHER_REASONS = {"USER_3003", "RIDER_3003", "RIDER_3004", "VENDOR_3002", "AUTH_1006", "AUTH_2001", "VENDOR_1008",
                 "ORDER_4002"}


def call(api, row, url, body=b"["):
    """Sends a body that is never valid: the role is checked before it, and no handler runs."""
    more = {"query": {"wait": 0}} if row.stream else {}  # a stream would not end
    if row.method not in ("GET", "DELETE"):
        more = {"body": body, "headers": {"Content-Type": "application/json"}}
    reply = api.request(row.method, url, **more)
    try:
        return reply.status, reply.json.get("error", {}).get("code")
    except (ValueError, AttributeError):
        return reply.status, None


def matrix(tables, api, is_expected):
    """Calls every row by each of its paths and fails with the replies that are not expected."""
    wrong = []
    for row in tables.rows:
        if row.ends_session or row.internal:
            continue  # would end the session (test_auth covers it), or is on another listener
        for url in row.urls():
            status, code = call(api, row, url)
            if not is_expected(row, status, code):
                wrong.append(f"{row.method} {url} ({row.access}): {status} {code}")
    assert not wrong, "\n".join(wrong)


def open_to_all(row, code):
    """A public row ignores tokens; an external row verifies a signature instead."""
    refusals = {words[row.namespace] for words in (NO_TOKEN, BAD_TOKEN, EXPIRED, WRONG_ROLE)}
    return row.external or code not in refusals - {"AUTH_TOKEN_INVALID"}


@pytest.mark.parametrize("role", ROLES)
def test_every_route_admits_exactly_the_roles_of_its_row(server, token, tables, role):
    def is_expected(row, status, code):
        if row.role == "anyone":
            return open_to_all(row, code)
        if role == "none":
            return (status, code) == (401, NO_TOKEN[row.namespace])
        if row.admits(role):
            return status not in (401, 403) or code in OTHER_REASONS
        return (status, code) == (403, WRONG_ROLE[row.namespace])
    matrix(tables, server.api(None if role == "none" else token(role)), is_expected)


def forged(token):
    head, claims = read(token)
    return sign(head, claims, "some other secret than the one of this server")


def expired(token):
    head, claims = read(token)
    return sign(head, {**claims, "iat": claims["iat"] - 1000, "exp": claims["iat"] - 500})


@pytest.mark.parametrize("broken, codes", [
    (lambda token: "nonsense", BAD_TOKEN), (forged, BAD_TOKEN), (lambda token: token[:-6], BAD_TOKEN), (expired, EXPIRED)],
    ids=["nonsense", "forged", "cut", "expired"])
@pytest.mark.parametrize("role", ["customer", "super"])
def test_no_route_that_needs_a_token_accepts_a_broken_one(server, token, tables, broken, codes, role):
    matrix(tables, server.api(broken(token(role))), lambda row, status, code: (
        open_to_all(row, code) if row.role == "anyone" else (status, code) == (401, codes[row.namespace])))


@pytest.mark.parametrize("role", ["customer", "vendor", "rider"])
def test_no_route_accepts_the_token_of_a_suspended_account(server, super_api, customer, vendor, rider, tables, role):
    one = {"customer": customer, "vendor": vendor, "rider": rider}[role]()
    head, claims = read(one.token)
    api = server.api(sign(head, {**claims, "iat": claims["iat"] - 100}))  # issued before the suspension, with whole seconds
    kind = {"customer": "users", "vendor": "vendors", "rider": "riders"}[role]
    assert super_api.request("POST", f"{kind}/{one.id}/suspend", json={"reason": "Fraud"}).status == 200
    namespace = {"customer": "user"}.get(role, role)
    until(lambda: api.get(f"/api/v1/{namespace}/auth/me").status == 401, what="the end of its sessions")
    matrix(tables, api, lambda row, status, code: (
        open_to_all(row, code) if row.role == "anyone" else
        status == 401 if row.admits(role) else status in (401, 403)))


# --- Resources of other accounts --------------------------------------------------------------------------

@pytest.fixture(scope="module")
def things(server, token):
    """{part of a path: id of a resource of the demo accounts}."""
    sql = Database(server.configuration["database_url"])
    customer = sql("SELECT id FROM users WHERE phone = %s", DEMO["customer"][1]["phone"])[0]["id"]
    found = {"items": "item_1", "menu": "item_1"}
    order = server.api(token("customer")).post("orders", json={
        "vendorId": "vendor_123", "items": [{"itemId": "item_1", "quantity": 1}]}).data["orderId"]
    sql("UPDATE orders SET status = 'RIDER_ASSIGNED', rider_id = 'rider_demo_1' WHERE id = %s", order)
    found["orders"] = order
    found["addresses"] = sql("SELECT id FROM addresses WHERE user_id = %s LIMIT 1", customer)[0]["id"]
    sql.close()
    return found


@pytest.mark.parametrize("role", ["customer", "vendor", "rider"])
def test_no_account_reaches_the_resources_of_another(customer, vendor, rider, sql, tables, things, role):
    """Each row with such a resource in its path refuses another account of the right role, and changes nothing. (A DELETE
    of a resource that does not exist for the caller may succeed.)"""
    def state():
        return [sql(f"SELECT * FROM {table} WHERE id = %s", things[table]) for table in ("orders", "items", "addresses")]
    api = {"customer": customer, "vendor": vendor, "rider": rider}[role]().api
    wrong, called, before = [], 0, state()
    for row in tables.rows:
        if not row.named & things.keys() or row.role != role or row.stream:
            continue
        more = {} if row.method in ("GET", "DELETE") else {"json": row.minimum() or {}}
        reply = api.request(row.method, row.url(things), **more)
        called += 1
        if reply.status not in (400, 403, 404, 409) and not (row.method == "DELETE" and reply.status == 200):
            wrong.append(f"{row}: {reply}")
    assert not wrong, "\n".join(wrong)
    assert state() == before
    assert called > 3
