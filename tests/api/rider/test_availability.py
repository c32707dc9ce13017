# SPDX-License-Identifier: MIT
"""A rider's availability."""

import pytest

from world.accounts import hire
from world.waiting import until


@pytest.fixture
def rider(server, sql):
    return lambda **columns: hire(server, sql, **columns)


def published(sql, rider):
    return [row["payload"] for row in sql(
        "SELECT payload FROM event_log WHERE aggregate = %s AND type = 'rider_status_changed' ORDER BY id", rider.id)]


def test_going_online_and_offline_is_published_to_the_admins(rider, sql):
    one = rider()
    reply = one.api.patch("availability/status", json={"isOnline": True})
    assert reply.status == 200, reply
    assert reply.data == {"riderId": one.id, "isOnline": True, "status": "online"}
    assert reply.json["message"] == "You are now online"
    row = sql("SELECT is_online, last_online FROM riders WHERE id = %s", one.id)[0]
    assert row["is_online"] and row["last_online"]
    reply = one.api.put("availability/offline")
    assert reply.data == {"riderId": one.id, "isOnline": False, "status": "offline"}
    assert reply.json["message"] == "You are now offline"
    assert [event["isOnline"] for event in published(sql, one)] == [True, False]
    assert published(sql, one)[0]["riderId"] == one.id and published(sql, one)[0]["timestamp"].endswith("Z")


def test_a_repeated_status_publishes_nothing(rider, sql):
    one = rider(is_online=True)
    assert one.api.patch("availability/status", json={"isOnline": True}).status == 200
    assert published(sql, one) == []


def test_going_online_may_include_a_position(rider, sql):
    one = rider()
    reply = one.api.put("availability/online", json={
        "available": True, "location": {"latitude": 4.061, "longitude": 9.711}})
    assert reply.status == 200 and reply.data["isOnline"], reply
    status = one.api.get("availability/status").data
    place = status["currentLocation"]
    assert (place["lat"], place["lng"]) == (place["latitude"], place["longitude"]) == (4.061, 9.711)
    assert status["availability"] == "ONLINE" and status["status"] == "online"
    assert {name: status[name] for name in ("verificationStatus", "approvalStatus", "accountStatus")} == {
        "verificationStatus": "VERIFIED", "approvalStatus": "APPROVED", "accountStatus": "ACTIVE"}
    assert one.api.put("availability/online", json={"available": False}).data["isOnline"] is False


@pytest.mark.parametrize("columns, code", [
    ({"approval_status": "PENDING"}, "RIDER_3004"), ({"approval_status": "SUSPENDED"}, "RIDER_3002"),
    ({"status": "INACTIVE"}, "RIDER_3005")])
def test_only_a_rider_who_may_work_goes_online(rider, sql, columns, code):
    one = rider(**columns)
    reply = one.api.patch("availability/status", json={"isOnline": True})
    assert (reply.status, reply.code) == (403, code), reply
    assert not sql("SELECT is_online FROM riders WHERE id = %s", one.id)[0]["is_online"]
    assert one.api.put("availability/offline").status == 200
    assert one.api.get("availability/status").status == 200


def test_a_wrong_body_changes_nothing(rider):
    one = rider()
    reply = one.api.patch("availability/status", json={})
    assert (reply.status, reply.code) == (400, "VALIDATION_ERROR")
    assert one.api.put("availability/online", json={"location": {"lat": 95, "lng": 9}}).status == 400
    assert one.api.get("availability/status").data["isOnline"] is False


def test_a_rider_with_an_order_may_go_offline(rider):
    one = rider(is_online=True, active_orders=1)
    assert one.api.put("availability/offline").status == 200
    status = one.api.get("availability/status").data
    assert (status["isOnline"], status["availability"]) == (False, "BUSY")


def test_the_activity_counts_online_hours(rider, sql):
    one = rider()
    one.api.patch("availability/status", json={"isOnline": True})
    sql("UPDATE online_spans SET began_at = greatest(began_at - interval '90 minutes',"
        " date_trunc('day', now() AT TIME ZONE 'Africa/Douala') AT TIME ZONE 'Africa/Douala')"
        " WHERE rider_id = %s", one.id)
    hours = float(sql("SELECT extract(epoch FROM now() - began_at) / 3600 AS h FROM online_spans"
                      " WHERE rider_id = %s", one.id)[0]["h"])
    day = one.api.get("availability/activity").data
    assert day["riderId"] == one.id and day["isOnline"] is True
    assert abs(day["onlineHours"] - hours) < 0.02
    assert (day["todayDeliveries"], day["todayEarnings"], day["totalDeliveries"]) == (0, 0, 0)
    one.api.put("availability/offline")
    assert sql("SELECT ended_at FROM online_spans WHERE rider_id = %s", one.id)[0]["ended_at"]
    assert abs(one.api.get("availability/activity").data["onlineHours"] - hours) < 0.02


def test_a_rider_without_reports_for_five_minutes_goes_offline(rider, sql):
    silent, talking = rider(), rider()
    for one in silent, talking:
        assert one.api.patch("availability/status", json={"isOnline": True}).status == 200
    sql("UPDATE riders SET last_online = now() - interval '301 seconds',"
        " located_at = now() - interval '301 seconds' WHERE id = %s", silent.id)
    sql("UPDATE riders SET last_online = now() - interval '301 seconds',"
        " located_at = now() - interval '200 seconds' WHERE id = %s", talking.id)
    until(lambda: not sql("SELECT is_online FROM riders WHERE id = %s", silent.id)[0]["is_online"])
    assert [event["isOnline"] for event in published(sql, silent)] == [True, False]
    assert sql("SELECT is_online FROM riders WHERE id = %s", talking.id)[0]["is_online"]
    reply = silent.api.post("availability/location", json={"latitude": 4.05, "longitude": 9.7})
    assert (reply.status, reply.code) == (400, "RIDER_5000")
