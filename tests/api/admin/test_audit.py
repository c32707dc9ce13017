# SPDX-License-Identifier: MIT
"""The audit of admins, read from the route table: every write leaves exactly one row with the row's name. A new route
needs a test here only when its path names a new kind of object (SUBJECTS) or its smallest body is not sound (BODIES)."""

import itertools

import pytest

from world.audit import top_up
from world.desk import MOMO
from world.money import collect, earn
from world.tables import Tables

numbers = itertools.count(1)
ROWS = [row for row in Tables().rows if row.audit]
SQUARE = [[4.0, 9.6], [4.0, 9.8], [4.2, 9.8]]
WEBHOOK = {"url": "https://hooks.example.com/audit", "eventTypes": ["order_delivered"]}
# Sound bodies of acts whose smallest body is none, by operation.
BODIES = {
    "updateConfiguration": lambda: {"settings": {"max_topup_amount": 400000 + next(numbers)}},
    "setCommissionRate": lambda: {"serviceName": "food", "commissionRate": 20 + next(numbers)},
    "setServiceAvailability": lambda: {"serviceName": "packages", "enabled": False},
    "verifyRiderDocuments": lambda: {"decisions": [{"document_type": "NATIONAL_ID", "status": "APPROVED"}]},
    "createWebhook": lambda: WEBHOOK,
}


class Subjects:
    """Creates the objects that the paths name."""

    def __init__(self, server, super_api, customer, vendor, rider, sql):
        self.server, self.api, self.sql = server, super_api, sql
        self.customer, self.vendor, self.rider = customer, vendor, rider

    def users(self, row):
        return self.customer().id

    def vendors(self, row):
        return self.vendor().id

    def riders(self, row):
        rider = self.rider(documents={"idCardUrl": "https://f.reeyo.cm/id.jpg"})
        if row.audit == "rider.cash-handin":
            collect(self.sql, rider.id, 15000)
        return rider.id

    def placed(self):
        buyer, shop = self.customer(), self.vendor(items=1, price=3000)
        top_up(self.sql, buyer.id, 50000)
        order = buyer.api.post("orders", json={"vendorId": shop.id, "paymentMethod": "WALLET",
                                               "items": [{"itemId": shop.items[0], "quantity": 1}]})
        assert order.status == 201, order
        return buyer, shop, order.data["orderId"]

    def orders(self, row):
        _, shop, order = self.placed()
        assert shop.api.put(f"orders/{order}/accept", json={}).status == 200
        if row.audit == "order.complete":
            rider = self.rider()
            assert self.api.post(f"orders/{order}/assign-rider", json={"riderId": rider.id}).status == 200
            assert rider.api.post(f"orders/{order}/confirm-pickup", json={}).status == 200
        return order

    def disputes(self, row):
        buyer, _, order = self.placed()
        made = buyer.api.post("disputes", json={"orderId": order, "category": "MISSING_ITEM", "subject": "One was missing",
                                                "description": "Two ordered, one came"})
        assert made.status == 201, made
        return made.data["id"]

    def payouts(self, row):
        owner = self.vendor(bank_details=MOMO)
        earn(self.sql, owner.id, 20000)
        payout = owner.api.post("payouts/request", json={"amount": 8000}).data["payoutId"]
        if row.audit == "payout.resolve-trouble":
            self.sql("UPDATE payouts SET status = 'PROCESSING', approved_by = 'x', approved_at = now(), trouble = 'No answer'"
                     " WHERE id = %s", payout)
        return payout

    def payments(self, row):
        buyer, payment = self.customer(), f"pay_audit_{next(numbers)}"
        self.sql("INSERT INTO payment_intents (id, kind, user_id, amount, method, state, entry, paid_amount, created_at)"
                 " VALUES (%s, 'TOPUP', %s, 5000, 'MOBILE_MONEY', 'MISMATCH', 'txn_' || %s, 4000, now())", payment,
                 buyer.id, payment)
        return payment

    def messages(self, row):
        return "msg_%d" % self.sql(
            "INSERT INTO messages (kind, recipient, channel, template, params, language, state, tries, until) VALUES ('USER',"
            " %s, 'SMS', 'refund_issued', '{\"amount\": 500}', 'fr', 'DEAD', 8, now()) RETURNING id",
            self.customer().id)[0]["id"]

    def zones(self, row):
        return self.api.post("logistics/zones", json={"name": "Akwa", "countryCode": "CM", "polygon": SQUARE}).data["id"]

    def webhooks(self, row):
        return self.api.post("webhooks", json=WEBHOOK).data["id"]

    def deliveries(self, row):
        return self.api.post(f"webhooks/{self.webhooks(row)}/test", json={}).data["id"]


@pytest.fixture
def subjects(server, super_api, customer, vendor, rider, sql):
    settings = super_api.get("config").data["settings"]
    yield Subjects(server, super_api, customer, vendor, rider, sql)
    assert super_api.patch("config", json={"settings": settings}).status == 200
    sql("DELETE FROM webhook_deliveries")
    sql("DELETE FROM webhook_endpoints")
    sql("DELETE FROM zones WHERE name = 'Akwa'")


def subject_of(row, subjects):
    """{part of the path: id} for the parameter of a row."""
    if "feature-flags" in row.named:
        key = f"audit.flag_{next(numbers)}"
        subjects.api.patch(f"config/feature-flags/{key}", json={"enabled": True})
        return {"feature-flags": key}
    return {name: getattr(subjects, name)(row) for name in row.named}


def body_of(row, subjects):
    if row.audit == "order.assign":
        return {"riderId": subjects.rider().id}
    return BODIES[row.operation_id]() if row.operation_id in BODIES else row.minimum()


def newest(sql):
    return sql("SELECT coalesce(max(id), 0) AS id FROM admin_audit")[0]["id"]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.operation_id)
def test_a_write_leaves_one_row_with_the_name_of_its_route(row, subjects, super_api, sql):
    things, body = subject_of(row, subjects), body_of(row, subjects)
    before = newest(sql)
    reply = super_api.request(row.method, row.url(things), **({} if row.method == "DELETE" else {"json": body or {}}))
    assert reply.status in (200, 201), reply
    rows = sql("SELECT * FROM admin_audit WHERE id > %s AND request_id = %s", before, reply.headers["X-Request-Id"])
    assert [one["act"] for one in rows] == [row.audit]
    assert rows[0]["admin_id"].startswith("admin_") and rows[0]["subject"]
    if row.named:
        assert rows[0]["subject"] in things.values()


@pytest.mark.parametrize("row", [row for row in ROWS if row.named and "feature-flags" not in row.named],
                         ids=lambda row: row.operation_id)
def test_a_write_to_an_unknown_object_leaves_no_row(row, super_api, subjects, sql):
    before = newest(sql)
    reply = super_api.request(row.method, row.url(), **({} if row.method == "DELETE" else {"json": body_of(row, subjects) or {}}))
    assert reply.status == 404, reply
    assert sql("SELECT act FROM admin_audit WHERE id > %s AND request_id = %s", before, reply.headers["X-Request-Id"]) == []


def test_every_write_of_the_admin_namespace_is_audited(tables):
    writes = [row for row in tables.rows if row.namespace == "admin" and row.method != "GET" and row.role != "anyone"
              and not row.path.startswith("/auth/")]
    assert writes and [row for row in writes if not row.audit] == []
    assert [row for row in tables.rows if row.audit and row not in writes] == []


def test_every_route_of_the_admin_namespace_names_a_permission(tables):
    rows = [row for row in tables.rows if row.namespace == "admin" and row.role != "anyone"
            and not row.path.startswith("/auth/")]
    assert rows and [row for row in rows if not row.permission] == []
