# SPDX-License-Identifier: MIT
"""Riders at work on the console's map and lists."""

import pytest

from world.accounts import hire
from world.rides import new_spot, order_seeking
from world.waiting import until


@pytest.fixture
def console(server, token):
    return server.api(token("admin"), "admin")


def row_of(console, rider, query=""):
    reply = console.get("riders/live-locations" + query)
    assert reply.status == 200, reply
    return {row["rider_id"]: row for row in reply.data}.get(rider.id)


def test_the_map_shows_where_riders_are_now(console, server, sql):
    lat, lng = new_spot()
    rider = hire(server, sql, is_online=True, lat=4.0, lng=9.0)
    assert (row_of(console, rider)["lat"], row_of(console, rider)["lng"]) == (4.0, 9.0)
    assert rider.api.post("availability/location", json={"lat": lat, "lng": lng}).status == 200
    row = until(lambda: [row for row in [row_of(console, rider)] if abs(row["lat"] - lat) < 1e-4])[0]
    assert set(row) == {"rider_id", "name", "lat", "lng", "status", "current_order_id", "updated_at"}
    assert abs(row["lng"] - lng) < 1e-4
    assert (row["name"], row["status"], row["current_order_id"]) == ("Emmanuel Tchoupo", "ONLINE", None)
    assert row_of(console, rider, "?country=CM") and not row_of(console, rider, "?country=NG")
    assert rider.api.put("availability/offline").status == 200
    assert row_of(console, rider) is None


def test_a_rider_with_an_order_is_shown_with_its_number(console, server, sql, customer):
    rider = hire(server, sql, is_online=False, active_orders=1)
    order = order_seeking(server, sql, customer, new_spot(), dispatch=False)
    sql("UPDATE orders SET status = 'IN_TRANSIT', rider_id = %s WHERE id = %s", rider.id, order["id"])
    row = row_of(console, rider)
    assert (row["status"], row["current_order_id"]) == ("BUSY", order["order_number"])


def test_riders_online_are_listed(console, server, sql):
    rider = hire(server, sql)
    assert rider.api.patch("availability/status", json={"isOnline": True}).status == 200
    reply = console.get("riders/online?limit=100")
    assert reply.status == 200 and reply.json["meta"]["total"] >= 1, reply
    row = next(row for row in reply.data if row["id"] == rider.id)
    assert row["online_status"] == "ONLINE" and row["vehicle_type"] == "MOTORCYCLE"
    rider.api.put("availability/offline")
    assert rider.id not in [row["id"] for row in console.get("riders/online?limit=100").data]


def test_only_admins_see_live_locations(server, token):
    for path in ("riders/live-locations", "riders/online"):
        assert server.api(token("rider"), "admin").get(path).status == 403
        assert server.api(name="admin").get(path).status == 401
