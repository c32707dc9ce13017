# SPDX-License-Identifier: MIT
"""Lists, statistics and single orders of vendors and riders."""

import pytest

from world.accounts import open_shop


@pytest.fixture
def shop(street):
    """A vendor of its own, whose orders can be counted."""
    made = open_shop(street.server, street.sql, items=1)
    made.orders = [street.buyer.api.post("/api/v1/user/orders", json={
        "vendorId": made.id, "paymentMethod": "CASH", "notes": str(n),
        "items": [{"itemId": made.items[0], "quantity": 1 + n}]}).data for n in range(5)]
    for order, state in zip(made.orders, ("PENDING", "ACCEPTED", "RIDER_ASSIGNED", "DELIVERED", "CANCELLED")):
        street.bring(order, state)
    made.ids = [order["orderId"] for order in made.orders]
    return made


def ids(reply):
    assert reply.status == 200, reply
    return [order["orderId"] for order in reply.data["orders"]]


def test_a_vendor_lists_his_orders_newest_first(shop):
    reply = shop.api.get("/api/v1/vendor/orders?limit=2&page=2")
    assert ids(reply) == [shop.ids[2], shop.ids[1]]
    assert reply.data["pagination"] == {"page": 2, "limit": 2, "total": 5, "totalPages": 3}
    assert reply.json["meta"]["total"] == 5
    assert "verificationCode" not in reply.data["orders"][0]


@pytest.mark.parametrize("status, which", [
    ("PENDING", [0]), ("confirmed", [1]), ("ACTIVE", [2, 1, 0]), ("DELIVERED,CANCELLED", [4, 3]), ("completed", [3]),
    ("pending,ACCEPTED", [1, 0]), ("PREPARING", [])])
def test_a_vendor_filters_the_list_by_state(shop, status, which):
    assert ids(shop.api.get("/api/v1/vendor/orders", query={"status": status})) == [shop.ids[n] for n in which]


def test_a_vendor_filters_the_list_by_day(shop, street):
    street.sql("UPDATE orders SET created_at = '2026-01-05 23:30+01' WHERE id = %s", shop.ids[3])
    assert ids(shop.api.get("/api/v1/vendor/orders?startDate=2026-01-05&endDate=2026-01-05")) == [shop.ids[3]]
    assert ids(shop.api.get("/api/v1/vendor/orders/history?from=2026-01-05&to=2026-01-05")) == [shop.ids[3]]
    assert ids(shop.api.get("/api/v1/vendor/orders?startDate=2026-01-06&endDate=2026-01-06")) == []


def test_an_order_that_waits_for_its_payment_is_not_counted(shop, street):
    for n in (0, 4):
        street.sql("UPDATE orders SET payment_method = 'MOBILE_MONEY', payment_status = 'PENDING' WHERE id = %s",
                   shop.ids[n])
    reply = shop.api.get("/api/v1/vendor/orders")
    assert ids(reply) == [shop.ids[3], shop.ids[2], shop.ids[1]] and reply.data["pagination"]["total"] == 3
    reply = shop.api.get("/api/v1/vendor/orders?status=ACTIVE")
    assert ids(reply) == [shop.ids[2], shop.ids[1]] and reply.data["pagination"]["total"] == 2
    assert shop.api.get("/api/v1/vendor/orders/stats").data["total"] == 3


def test_an_unknown_state_is_rejected(shop):
    reply = shop.api.get("/api/v1/vendor/orders?status=BURNT")
    assert (reply.status, reply.code) == (400, "VALIDATION_ERROR")


def test_a_vendor_has_queues_oldest_first(shop):
    assert ids(shop.api.get("/api/v1/vendor/orders/pending")) == [shop.ids[0]]
    active = shop.api.get("/api/v1/vendor/orders/active")
    assert ids(active) == [shop.ids[1], shop.ids[2]] and active.data["total"] == 2
    assert ids(shop.api.get("/api/v1/vendor/orders/history")) == [shop.ids[4], shop.ids[3]]


def test_a_vendor_has_statistics(shop, street):
    for path in ("stats", "stats/summary?period=month"):
        assert shop.api.get(f"/api/v1/vendor/orders/{path}").data == {
            "total": 5, "pending": 1, "accepted": 1, "preparing": 0, "ready": 0, "completed": 1, "cancelled": 1,
            "totalRevenue": 10000, "averageOrderValue": 10000}
    street.sql("UPDATE orders SET created_at = created_at - interval '400 days' WHERE id = %s", shop.ids[3])
    assert shop.api.get("/api/v1/vendor/orders/stats?period=year").data["totalRevenue"] == 0
    assert shop.api.get("/api/v1/vendor/orders/stats?period=never").status == 400


def test_one_order_is_found_by_id_and_number(shop):
    for name in (shop.ids[1], shop.orders[1]["orderNumber"]):
        assert shop.api.get(f"/api/v1/vendor/orders/{name}").data["orderId"] == shop.ids[1]


def test_a_rider_lists_active_and_past_orders(street):
    rider = street.hire()
    orders = [street.bring(street.place(quantity=1 + n % 3), state, rider)["orderId"]
              for n, state in enumerate(("DELIVERED", "IN_TRANSIT", "RIDER_ASSIGNED"))]
    for base in ("orders", "deliveries"):
        active = rider.api.get(f"/api/v1/rider/{base}/active").data
        assert [order["orderId"] for order in active] == orders[:0:-1]
        history = rider.api.get(f"/api/v1/rider/{base}/history?limit=2")
        assert ids(history) == orders[:0:-1]
        assert history.data["pagination"] == {"currentPage": 1, "totalPages": 2, "totalOrders": 3, "hasNext": True,
                                              "hasPrev": False}
        assert rider.api.get(f"/api/v1/rider/{base}/{orders[0]}").data["orderId"] == orders[0]


def test_a_rider_reports_an_issue(street):
    order = street.bring(street.place(), "IN_TRANSIT")
    path = f"/api/v1/rider/deliveries/{order['orderNumber']}/report-issue"
    body = {"issueType": "WRONG_ADDRESS", "description": "There is no such street"}
    key = {"Idempotency-Key": "issue-1"}
    reply = street.rider.api.post(path, json=body, headers=key)
    assert reply.status == 201
    assert (reply.data["orderId"], reply.data["issueType"]) == (order["orderId"], "WRONG_ADDRESS")
    assert street.rider.api.post(path, json=body, headers=key).data == reply.data
    assert street.row("SELECT count(*) AS n FROM rider_issues WHERE order_id = %s", order["orderId"])["n"] == 1
    assert street.rider.api.post(path, json={"issueType": "BORED", "description": "Nothing to do"}).status == 400
