# SPDX-License-Identifier: MIT
"""The list of orders that a rider may accept."""

from world.accounts import hire
from world.rides import KM, new_spot, order_seeking


def ids(reply):
    assert reply.status == 200, reply
    return [order["orderId"] for order in reply.data]


def test_orders_near_the_rider_come_nearest_first(server, sql, customer):
    lat, lng = new_spot()
    far, near = [order_seeking(server, sql, customer, (lat + km * KM, lng)) for km in (6, 1)]
    order_seeking(server, sql, customer, (lat + 10.5 * KM, lng))
    rider = hire(server, sql, lat=lat, lng=lng)
    assert ids(rider.api.get("orders/available")) == [near["id"], far["id"]]
    assert ids(rider.api.get("/api/v1/rider/deliveries/available")) == [near["id"], far["id"]]
    first = rider.api.get("orders/available").data[0]
    assert set(first) == {"orderId", "orderNumber", "orderType", "vendorName", "pickupLocation", "deliveryLocation",
                          "deliveryFee", "distance", "estimatedTime", "status"}
    assert first["distance"] == 1.0 and first["status"] == "ACCEPTED" and first["orderType"] == "FOOD"
    assert first["pickupLocation"]["coordinates"] == {"lat": near["pickup_lat"], "lng": near["pickup_lng"]}
    assert first["orderNumber"] == near["order_number"] and first["deliveryFee"] == near["delivery_fee"]


def test_a_location_in_the_query_replaces_the_last_one(server, sql, customer):
    lat, lng = new_spot()
    order = order_seeking(server, sql, customer, (lat, lng))
    rider = hire(server, sql, lat=lat + 1, lng=lng)
    assert order["id"] not in ids(rider.api.get("orders/available"))
    assert ids(rider.api.get(f"orders/available?latitude={lat}&longitude={lng}")) == [order["id"]]
    assert ids(rider.api.get(f"orders/available?lat={lat}&lng={lng}")) == [order["id"]]
    assert rider.api.get("orders/available?lat=91&lng=9").status == 400
    assert ids(hire(server, sql, lat=None, lng=None).api.get("orders/available")) == []


def test_only_orders_that_wait_for_a_rider_are_listed(server, sql, customer):
    lat, lng = new_spot()
    kept = order_seeking(server, sql, customer, (lat, lng), status="PREPARING")
    taken = order_seeking(server, sql, customer, (lat, lng))
    over = order_seeking(server, sql, customer, (lat, lng))
    rejected = order_seeking(server, sql, customer, (lat, lng))
    rider = hire(server, sql, lat=lat, lng=lng)
    sql("UPDATE orders SET status = 'RIDER_ASSIGNED', rider_id = 'rider_demo_1' WHERE id = %s", taken["id"])
    sql("UPDATE orders SET status = 'CANCELLED', active = false WHERE id = %s", over["id"])
    sql("INSERT INTO offers (id, order_id, rider_id, outcome) VALUES (%s, %s, %s, 'REJECTED')",
        "off_" + rejected["id"], rejected["id"], rider.id)
    assert ids(rider.api.get("orders/available")) == [kept["id"]]


def test_a_rider_who_may_not_work_sees_no_orders(server, sql):
    reply = hire(server, sql, approval_status="PENDING").api.get("orders/available")
    assert (reply.status, reply.code) == (403, "RIDER_3004")
