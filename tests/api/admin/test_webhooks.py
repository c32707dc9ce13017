# SPDX-License-Identifier: MIT
"""Registration of webhooks by admins: validation, shown members, access."""

import base64

import pytest

from world.rows import META, WEBHOOK, WEBHOOK_DELIVERY

URL = "https://hooks.example.com:8443/reeyo?shop=1"


@pytest.fixture
def registered(super_api, sql):
    """registered(**fields): a new webhook with its secret, deleted after the test."""
    made = []

    def register(**fields):
        reply = super_api.post("webhooks", json={"url": URL, "eventTypes": ["order_delivered"], **fields})
        assert reply.status == 201, reply
        made.append(reply.data["id"])
        return reply.data
    yield register
    sql("DELETE FROM webhook_deliveries WHERE endpoint_id = ANY (%s)", made)
    sql("DELETE FROM webhook_endpoints WHERE id = ANY (%s)", made)


def test_a_secret_is_shown_once(registered, admin_api, sql):
    made = registered(description="Stock", eventTypes=["ORDER_delivered", "payout_completed"])
    assert set(made) == WEBHOOK | {"secret"}
    assert made["secret"].startswith("whsec_") and len(base64.b64decode(made["secret"][6:])) == 32
    assert made["secret_prefix"] == made["secret"][:10] and made["event_types"] == ["order_delivered", "payout_completed"]
    assert (made["url"], made["enabled"], made["disabled_reason"], made["vendor_id"]) == (URL, True, None, None)
    shown = admin_api.get(f"webhooks/{made['id']}").data
    assert set(shown) == WEBHOOK and shown == {k: v for k, v in made.items() if k != "secret"}
    listed = admin_api.get("webhooks", query={"limit": 100}).json
    assert set(listed["meta"]) == META and shown in listed["data"]
    assert made["secret"] not in str(listed)
    act = sql("SELECT * FROM admin_audit WHERE subject = %s", made["id"])[0]
    assert act["act"] == "webhook.add" and act["details"]["url"] == URL and made["secret"] not in str(act)


@pytest.mark.parametrize("fields", [
    {"url": None}, {"url": "ftp://example.com"}, {"url": "http:///x"}, {"url": "https://user:pw@example.com/"},
    {"url": "https://example.com/#x"}, {"url": "https://example.com/" + "x" * 2048}, {"url": 7},
    {"eventTypes": None}, {"eventTypes": []}, {"eventTypes": ["delivery_request"]}, {"eventTypes": ["rider_assigned"]},
    {"eventTypes": ["vendor_changed"]}, {"eventTypes": "order_delivered"}, {"eventTypes": [["order_delivered"]]},
    {"eventTypes": ["order_delivered"] * 51}, {"description": "x" * 201}, {"vendorId": "no such/one"}])
def test_invalid_webhooks_are_refused(super_api, sql, fields):
    before = sql("SELECT count(*) AS n FROM webhook_endpoints")
    reply = super_api.post("webhooks", json={"url": URL, "eventTypes": ["order_delivered"], **fields})
    assert (reply.status, reply.code) == (400, "VALIDATION_FAILED"), reply
    assert sql("SELECT count(*) AS n FROM webhook_endpoints") == before


def test_an_unknown_vendor_is_404(super_api, registered):
    reply = super_api.post("webhooks", json={"url": URL, "eventTypes": ["new_order"], "vendorId": "ven_none"})
    assert reply.status == 404, reply
    made = registered(vendorId="vendor_123")
    assert made["vendor_id"] == "vendor_123"
    assert super_api.patch(f"webhooks/{made['id']}", json={"vendorId": "ven_none"}).status == 404
    assert super_api.patch(f"webhooks/{made['id']}", json={"vendor_id": None}).data["vendor_id"] is None


def test_a_webhook_is_changed_and_deleted(super_api, registered):
    made = registered(description="Stock")
    path = f"webhooks/{made['id']}"
    assert super_api.patch(path, json={"enabled": False}).data["disabled_reason"] == "ADMIN"
    again = super_api.patch(path, json={"enabled": True, "event_types": ["new_order"], "description": None,
                                        "url": "https://example.org"}).data
    assert (again["enabled"], again["disabled_reason"], again["event_types"], again["description"], again["url"]) == (
        True, None, ["new_order"], None, "https://example.org")
    assert super_api.patch(path, json={"url": "http://[::1"}).status == 400
    assert super_api.patch(path, json={"eventTypes": ["notification"]}).status == 400
    assert super_api.patch(path, json={}).data["url"] == "https://example.org"
    assert super_api.delete(path).status == 200
    for reply in (super_api.get(path), super_api.patch(path, json={}), super_api.delete(path),
                  super_api.get(f"{path}/deliveries"), super_api.post(f"{path}/test", json={}),
                  super_api.post(f"{path}/rotate-secret", json={}),
                  super_api.post(f"{path}/replay", json={"since": "2026-01-01T00:00:00Z"}),
                  super_api.post("webhooks/deliveries/whd_none/replay", json={})):
        assert reply.status == 404, reply


def test_rotation_keeps_the_previous_secret_for_a_day(super_api, registered, sql):
    made = registered()
    rotated = super_api.post(f"webhooks/{made['id']}/rotate-secret", json={}).data
    assert set(rotated) == WEBHOOK | {"secret"} and rotated["secret"] != made["secret"]
    row = sql("SELECT *, previous_until - now() AS rest FROM webhook_endpoints WHERE id = %s", made["id"])[0]
    assert (row["secret"], row["previous_secrets"]) == (rotated["secret"], [made["secret"]])
    assert 86000 < row["rest"].total_seconds() <= 86400
    assert super_api.get(f"webhooks/{made['id']}").data["previous_secret_until"] == rotated["previous_secret_until"]
    assert "whsec_" not in str(sql("SELECT details FROM admin_audit WHERE subject = %s", made["id"]))


def test_a_repeat_with_the_same_key_gets_the_first_reply(super_api, registered, sql):
    key = {"Idempotency-Key": f"hook-{registered()['id']}"}
    body = {"url": URL, "eventTypes": ["order_delivered"]}
    first, again = (super_api.post("webhooks", json=body, headers=key) for _ in range(2))
    assert (first.status, again.status) == (201, 201) and first.data == again.data
    assert again.headers["Idempotency-Replayed"] == "true"
    assert super_api.post("webhooks", json={**body, "eventTypes": ["new_order"]}, headers=key).status == 422
    path = f"webhooks/{first.data['id']}"
    key = {"Idempotency-Key": f"rotate-{first.data['id']}"}
    rotated, replayed = (super_api.post(f"{path}/rotate-secret", json={}, headers=key) for _ in range(2))
    assert (rotated.status, replayed.status) == (200, 200) and rotated.data == replayed.data
    row = sql("SELECT secret, previous_secrets FROM webhook_endpoints WHERE id = %s", first.data["id"])[0]
    assert row == {"secret": rotated.data["secret"], "previous_secrets": [first.data["secret"]]}
    assert len(sql("SELECT act FROM admin_audit WHERE subject = %s", first.data["id"])) == 2
    assert super_api.delete(path).status == 200


def test_at_most_fifty_webhooks_are_registered(super_api, registered, sql):
    free = 50 - sql("SELECT count(*) AS n FROM webhook_endpoints")[0]["n"]
    for _ in range(free):
        registered()
    reply = super_api.post("webhooks", json={"url": URL, "eventTypes": ["new_order"]})
    assert (reply.status, reply.code) == (409, "CONFLICT")


def test_only_super_admins_write_and_only_admins_read_webhooks(registered, admin_api, server, token):
    made = registered()
    one = f"webhooks/{made['id']}"
    for method, path, body in (("POST", "webhooks", {"url": URL, "eventTypes": ["new_order"]}), ("PATCH", one, {}),
                               ("DELETE", one, None), ("POST", f"{one}/rotate-secret", {}), ("POST", f"{one}/test", {}),
                               ("POST", f"{one}/replay", {"since": "2026-01-01T00:00:00Z"}),
                               ("POST", "webhooks/deliveries/whd_1/replay", {})):
        reply = admin_api.request(method, path, json=body)
        assert (reply.status, reply.code) == (403, "FORBIDDEN"), path
    for role in ("customer", "vendor", "rider"):
        api = server.api(token(role), "admin")
        for path in ("webhooks", one, f"{one}/deliveries"):
            assert api.get(path).status in (401, 403), (role, path)
        api.close()
    assert admin_api.get(f"{one}/deliveries").status == 200


def test_deliveries_are_listed_by_state(registered, admin_api, super_api, sql):
    made = registered()
    sql("UPDATE webhook_endpoints SET url = 'https://hooks.invalid/' WHERE id = %s", made["id"])
    for n, state in enumerate(("QUEUED", "DELIVERED", "DEAD", "DEAD")):
        sql("INSERT INTO webhook_deliveries (id, endpoint_id, event_id, type, payload, state, next_at, said_at)"
            " VALUES (%s, %s, %s, 'order_delivered', '{\"type\":\"order_delivered\"}', %s, now() + interval '1 day',"
            " now() - %s * interval '1 minute')", f"whd_{made['id']}_{n}"[-39:], made["id"], -n - 1, state, n)
    listed = admin_api.get(f"webhooks/{made['id']}/deliveries").json
    assert [row["state"] for row in listed["data"]] == ["QUEUED", "DELIVERED", "DEAD", "DEAD"]
    assert all(set(row) == WEBHOOK_DELIVERY for row in listed["data"]) and listed["meta"]["total"] == 4
    dead = admin_api.get(f"webhooks/{made['id']}/deliveries", query={"status": "dead", "limit": 1}).json
    assert len(dead["data"]) == 1 and dead["meta"]["total"] == 2
    assert admin_api.get(f"webhooks/{made['id']}/deliveries", query={"status": "LOST"}).status == 400
    assert super_api.post(f"webhooks/{made['id']}/replay", json={"since": "yesterday"}).status == 400
    assert super_api.post(f"webhooks/{made['id']}/replay", json={}).status == 400
