# SPDX-License-Identifier: MIT
"""Reading and cancelling orders."""

import pytest

from world.audit import top_up

BASKET = {"vendorId": "vendor_123", "items": [{"itemId": "item_1", "quantity": 1}]}


@pytest.fixture
def buyer(sql, customer):
    made = customer()
    top_up(sql, made.id, 1000000)
    return made


def place(buyer, **fields):
    reply = buyer.api.post("orders", json={**BASKET, **fields})
    assert reply.status == 201, reply
    return reply.data


def move(sql, order, status):
    sql("UPDATE orders SET status = %s, active = %s WHERE id = %s", status,
        status not in ("DELIVERED", "CANCELLED"), order["orderId"])


def test_an_order_is_found_by_id_and_by_number(buyer):
    order = place(buyer)
    assert buyer.api.get(f"orders/{order['orderId']}").data == order
    assert buyer.api.get(f"orders/{order['orderNumber']}").data == order


def test_foreign_orders_are_403_and_unknown_ones_404(buyer, customer):
    order = place(buyer)
    stranger = customer()
    for act in (lambda name: stranger.api.get(f"orders/{name}"),
                lambda name: stranger.api.put(f"orders/{name}/cancel", json={"reason": "mischief"})):
        for name in (order["orderId"], order["orderNumber"]):
            reply = act(name)
            assert (reply.status, reply.code) == (403, "ORDER_4002")
            assert b"Bonapriso" not in reply.body
        for name in ("ord_nothing", "F-NOTHING000"):
            reply = act(name)
            assert (reply.status, reply.code) == (404, "ORDER_3000")
    assert buyer.api.get(f"orders/{order['orderId']}").data["status"] == "PENDING"


def test_lists_are_newest_first_with_their_page(buyer):
    orders = [place(buyer, notes=str(n))["orderId"] for n in range(5)]
    reply = buyer.api.get("orders?page=2&limit=2")
    assert [order["orderId"] for order in reply.data["orders"]] == [orders[2], orders[1]]
    assert reply.data["pagination"] == {"currentPage": 2, "totalPages": 3, "totalOrders": 5, "hasNext": True,
                                        "hasPrev": True}
    assert reply.json["meta"] == {"page": 2, "limit": 2, "pageSize": 2, "total": 5, "totalPages": 3,
                                  "hasNext": True, "hasPrev": True}
    assert [o["orderId"] for o in buyer.api.get("orders/history").data["orders"]] == orders[::-1]
    assert buyer.api.get("orders?page=9").data["orders"] == []
    assert buyer.api.get("orders?limit=1000").json["meta"]["limit"] == 100


def test_every_spelling_of_a_status_filters(sql, buyer):
    orders = {status: place(buyer, notes=status) for status in
              ("PENDING", "ACCEPTED", "READY_FOR_PICKUP", "IN_TRANSIT", "DELIVERED", "CANCELLED")}
    for status, order in orders.items():
        move(sql, order, status)

    def found(words):
        return {order["status"] for order in buyer.api.get("orders", query={"status": words}).data["orders"]}
    assert found("CONFIRMED") == {"ACCEPTED"}
    assert found("ready") == {"READY_FOR_PICKUP"}
    assert found("PICKED_UP") == {"IN_TRANSIT"}
    assert found("COMPLETED") == {"DELIVERED"}
    assert found("REJECTED") == {"CANCELLED"}
    assert found("ACTIVE") == {"PENDING", "ACCEPTED", "READY_FOR_PICKUP", "IN_TRANSIT"}
    assert found("PENDING,delivered") == {"PENDING", "DELIVERED"}
    active = buyer.api.get("orders/active").data
    assert {order["status"] for order in active} == {"PENDING", "ACCEPTED", "READY_FOR_PICKUP", "IN_TRANSIT"}
    reply = buyer.api.get("orders?status=NONSENSE")
    assert (reply.status, reply.error["details"][0]["field"]) == (400, "status")


def test_days_are_those_of_douala(sql, buyer):
    """23:30 UTC is half past midnight of the next day in Douala."""
    order = place(buyer)
    sql("UPDATE orders SET created_at = '2026-03-01T23:30:00Z' WHERE id = %s", order["orderId"])
    count = lambda **query: buyer.api.get("orders", query=query).json["meta"]["total"]
    assert count(startDate="2026-03-02", endDate="2026-03-02") == 1
    assert count(startDate="2026-03-01", endDate="2026-03-01") == 0
    assert count(**{"from": "2026-03-02"}) == 1 and count(dateTo="2026-03-01") == 0
    assert buyer.api.get("orders?startDate=2026-02-30").status == 400


def test_types_filter(buyer):
    place(buyer)
    assert buyer.api.get("orders?orderType=FOOD").json["meta"]["total"] == 1
    assert buyer.api.get("orders?orderType=PACKAGE").json["meta"]["total"] == 0


def test_a_cancelled_order_is_refunded_and_shows_it(sql, buyer):
    order = place(buyer)
    reply = buyer.api.put(f"orders/{order['orderNumber']}/cancel", json={"reason": "Too slow"})
    assert reply.status == 200, reply
    cancelled = reply.data
    assert cancelled["status"] == "CANCELLED" and cancelled["cancelledBy"] == "USER"
    assert cancelled["cancelReason"] == "Too slow" and cancelled["paymentStatus"] == "REFUNDED"
    assert [entry["status"] for entry in cancelled["timeline"]] == ["PENDING", "CANCELLED"]
    assert cancelled["cancelledAt"]
    wallet = buyer.api.get("wallet").data
    assert wallet["availableBalance"] == 1000000 and wallet["totalSpent"] == 0
    # Escrow has neither gained nor lost.
    kept = sql("SELECT sum(amount) AS kept FROM ledger_entries WHERE kind = 'ESCROW' AND order_id = %s",
               order["orderId"])[0]["kept"]
    assert kept == 0
    assert buyer.api.get(f"orders/{order['orderId']}").data == cancelled


@pytest.mark.parametrize("method", ["put", "post", "patch"])
def test_any_writing_verb_cancels(buyer, method):
    order = place(buyer, notes=method)
    reply = buyer.api.request(method.upper(), f"orders/{order['orderId']}/cancel", json={"reason": "Oh well"})
    assert reply.status == 200 and reply.data["status"] == "CANCELLED"


@pytest.mark.parametrize("status, allowed", [
    ("ACCEPTED", True), ("PREPARING", False), ("READY_FOR_PICKUP", False), ("IN_TRANSIT", False),
    ("DELIVERED", False), ("CANCELLED", False)])
def test_only_an_order_that_is_not_being_prepared_can_be_cancelled(sql, buyer, status, allowed):
    order = place(buyer)
    move(sql, order, status)
    reply = buyer.api.put(f"orders/{order['orderId']}/cancel", json={"reason": "Never mind"})
    if allowed:
        assert reply.status == 200, reply
    else:
        assert (reply.status, reply.code) == (400, "ORDER_4003")
        assert buyer.api.get("wallet").data["availableBalance"] == 1000000 - order["total"]


@pytest.mark.parametrize("body", [{}, {"reason": ""}, {"reason": "no"}, {"reason": "x" * 501}, {"reason": 7}])
def test_cancelling_needs_a_reason(buyer, body):
    order = place(buyer)
    reply = buyer.api.put(f"orders/{order['orderId']}/cancel", json=body)
    assert (reply.status, reply.error["details"][0]["field"]) == (400, "reason")


def test_an_order_shows_where_its_rider_is(sql, buyer):
    order = place(buyer)
    assert "riderLocation" not in order
    sql("UPDATE riders SET lat = 4.06, lng = 9.71, located_at = now() WHERE id = 'rider_demo_1'")
    sql("UPDATE orders SET status = 'RIDER_ASSIGNED', rider_id = 'rider_demo_1' WHERE id = %s", order["orderId"])
    found = buyer.api.get(f"orders/{order['orderId']}").data["riderLocation"]
    assert (found["lat"], found["lng"], found["latitude"]) == (4.06, 9.71, 4.06) and found["timestamp"]
    move(sql, order, "DELIVERED")
    assert "riderLocation" not in buyer.api.get(f"orders/{order['orderId']}").data


def test_the_counters_of_active_orders_are_updated(server, buyer):
    scrape = lambda: server.api(name="metrics").get("/metrics").body.decode()

    def pending():
        return sum(int(line.split()[-1]) for line in scrape().splitlines()
                   if line.startswith('reeyo_orders_active{status="PENDING"}'))
    before = pending()
    order = place(buyer)
    assert pending() == before + 1
    buyer.api.put(f"orders/{order['orderId']}/cancel", json={"reason": "Never mind"})
    assert pending() == before
