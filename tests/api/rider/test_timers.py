# SPDX-License-Identifier: MIT
"""Effects of passing time. Tests change times in rows to let time pass."""

from world.accounts import open_shop
from world.audit import top_up
from world.waiting import until


def place(server, sql, customer, **columns):
    shop = open_shop(server, sql, items=1, stock=5)
    buyer = customer()
    top_up(sql, buyer.id, 100000)
    reply = buyer.api.post("orders", json={
        "vendorId": shop.id, "items": [{"itemId": shop.items[0], "quantity": 2}], "paymentMethod": "WALLET"})
    assert reply.status == 201, reply
    return shop, buyer, reply.data


def age(sql, order, minutes):
    """Sets the time of placing to that many minutes ago."""
    sql("UPDATE orders SET created_at = created_at - make_interval(mins => %s), timeline = jsonb_set(timeline::jsonb,"
        " '{0,timestamp}', to_jsonb(iso(created_at - make_interval(mins => %s))))::json WHERE id = %s",
        minutes, minutes, order["orderId"])


def test_an_order_that_nobody_accepts_is_cancelled_after_thirty_minutes(server, sql, customer):
    shop, buyer, order = place(server, sql, customer)
    assert buyer.api.get(f"vendors/{shop.id}/menu").data["items"][0]["stock"] == 3
    _, other, young = place(server, sql, customer)
    age(sql, young, 29)
    age(sql, order, 31)

    def cancelled():
        found = buyer.api.get(f"orders/{order['orderId']}").data
        return found["status"] == "CANCELLED" and found
    found = until(cancelled, what="the cancellation")
    assert (found["cancelledBy"], found["paymentStatus"]) == ("SYSTEM", "REFUNDED")
    assert buyer.api.get("wallet").data["availableBalance"] == 100000
    until(lambda: buyer.api.get(f"vendors/{shop.id}/menu").data["items"][0]["stock"] == 5, what="the stock's return")
    assert other.api.get(f"orders/{young['orderId']}").data["status"] == "PENDING"
