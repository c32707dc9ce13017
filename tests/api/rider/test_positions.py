# SPDX-License-Identifier: MIT
"""Positions of riders: reports, refusals, and who receives them."""

import datetime

import psycopg2
import pytest

from world.accounts import hire
from world.rides import order_seeking
from world.tokens import issue
from world.waiting import PATIENCE, until

pytestmark = pytest.mark.slow


def at(seconds):
    """A time that many seconds from now, as a phone sends it."""
    moment = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=seconds)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Later:
    """A time computed when the test runs, not when it is collected."""

    def __init__(self, seconds):
        self.seconds = seconds


def made_out(value):
    if isinstance(value, Later):
        return at(value.seconds)
    if isinstance(value, dict):
        return {name: made_out(part) for name, part in value.items()}
    return [made_out(part) for part in value] if isinstance(value, list) else value


def points(*moments, lat=4.05):
    return {"points": [{"lat": lat + n * 0.001, "lng": 9.7, "at": Later(moment)} for n, moment in enumerate(moments)]}


@pytest.fixture
def rider(server, sql):
    return lambda **columns: hire(server, sql, **{"is_online": True, "lat": None, "lng": None, **columns})


def row(sql, rider):
    return sql("SELECT lat, lng, located_at FROM riders WHERE id = %s", rider.id)[0]


def written(sql, rider):
    """The rider's row, once the loop has written the last point."""
    return until(lambda: row(sql, rider)["located_at"] and row(sql, rider))


def field(reply):
    assert (reply.status, reply.code) == (400, "VALIDATION_ERROR"), reply
    return reply.json["error"]["details"][0]["field"]


@pytest.mark.parametrize("path, body", [
    ("availability/location", {"latitude": 4.0512, "longitude": 9.7012, "accuracy": 12, "heading": 90, "speed": 4}),
    ("availability/location", {"lat": 4.0512, "lng": 9.7012}),
    ("availability/location", {"location": {"lat": 4.0512, "lng": 9.7012}}),
    ("location/update", {"lat": "4.0512", "lng": "9.7012", "orderId": "ord_1"}),
    ("availability/location", {"lat": 4.0512, "lng": 9.7012, "occurredAt": Later(-20)})])
def test_a_report_reaches_the_riders_row(rider, sql, path, body):
    one = rider()
    if isinstance(body.get("lat", 0), str):
        body = {**body, "lat": float(body["lat"]), "lng": float(body["lng"])}
    reply = (one.api.put if path.startswith("location") else one.api.post)(path, json=made_out(body))
    assert (reply.status, reply.data, reply.json["message"]) == (200, None, "Location updated"), reply
    found = written(sql, one)
    assert (found["lat"], found["lng"]) == (4.0512, 9.7012)


def test_the_newest_point_of_a_batch_counts(rider, sql):
    one = rider()
    assert one.api.post("availability/location", json=made_out(points(-900, -600, -3))).status == 200
    found = written(sql, one)
    assert abs(found["lat"] - 4.052) < 1e-9
    age = datetime.datetime.now(datetime.UTC) - found["located_at"]
    assert datetime.timedelta(seconds=2) < age < datetime.timedelta(seconds=PATIENCE)


@pytest.mark.parametrize("body, named", [
    ({}, "latitude"), ({"latitude": 4.05}, "longitude"),
    ({"latitude": 91, "longitude": 9.7}, "latitude"), ({"latitude": 4, "longitude": 181}, "longitude"),
    ({"latitude": 86, "longitude": 9.7}, "latitude"), ({"location": {"lat": 89, "lng": 9}}, "location"),
    ({"latitude": "north", "longitude": 9.7}, "latitude"),
    ({"points": []}, "points"), (points(*range(-101, 0)), "points"),
    ({"points": [{"lat": 4.05, "lng": 9.7}]}, "points[0].at"),
    ({"points": [{"lat": 4.05, "lng": 9.7, "at": "yesterday"}]}, "points[0].at"),
    ({"points": [{"lng": 9.7, "at": Later(-1)}]}, "points[0].lat"),
    (points(-1805), "points[0].at"), (points(-5, 65), "points[1].at"),
    ({"lat": 4.05, "lng": 9.7, "at": Later(-1805)}, "at"), ({"lat": 4.05, "lng": 9.7, "at": Later(65)}, "at")])
def test_a_wrong_report_is_refused_whole(rider, sql, body, named):
    one = rider()
    assert field(one.api.post("availability/location", json=made_out(body))) == named
    assert one.api.post("availability/location", json={"lat": 4.0, "lng": 9.0}).status == 200
    assert written(sql, one)["lat"] == 4.0  # no point of the refused report was stored


def test_too_many_points_are_refused(rider, sql):
    one = rider()
    point = {"lat": 4.05, "lng": 9.7, "at": at(-1700)}
    assert field(one.api.post("availability/location", json={"points": [point] * 101})) == "points"
    reply = one.api.post("availability/location", json={"points": [point] * 10000})
    assert (reply.status, reply.code) == (413, "PAYLOAD_TOO_LARGE")


def test_a_report_older_than_the_last_one_is_refused(rider, sql):
    one = rider()
    assert one.api.post("availability/location", json=made_out(points(-50, -10))).status == 200
    assert field(one.api.post("availability/location", json={"lat": 1, "lng": 1, "at": at(-11)})) == "at"
    assert abs(written(sql, one)["lat"] - 4.051) < 1e-9
    assert one.api.post("availability/location", json={"lat": 4, "lng": 9, "at": at(-5)}).status == 200


@pytest.mark.parametrize("sent, skipped, kept", [
    ((-19, -18, -10, -5), 2, 4.063), ((-19, -18), 2, 4.051), ((-19, -18, -15), 2, 4.062), ((-5, -6, -4), 1, 4.062),
    ((-5, -12, -10), 2, 4.06), ((-10, -8), 0, 4.061)])
def test_points_of_a_batch_older_than_a_known_one_are_skipped(rider, admin_api, sent, skipped, kept):
    one = rider()
    first = one.api.post("availability/location", json=made_out(points(-20, -16)))
    assert (first.status, first.data) == (200, {"skipped": 0})
    reply = one.api.post("availability/location", json=made_out(points(*sent, lat=4.06)))
    assert (reply.status, reply.data, reply.json["message"]) == (200, {"skipped": skipped}, "Location updated"), reply
    shown, = [r for r in admin_api.get("riders/live-locations").data if r["rider_id"] == one.id]
    assert abs(shown["lat"] - kept) < 1e-5


def test_a_repeated_batch_changes_nothing(rider, sql):
    one = rider()
    batch = made_out(points(-50, -40, -10))
    assert one.api.post("availability/location", json=batch).data == {"skipped": 0}
    assert one.api.post("availability/location", json=batch).data == {"skipped": 2}


def test_an_older_report_is_refused_by_another_instance_too(rider, sql, server, start_server, redis_url):
    other = start_server(redis_url=redis_url(), database_url=server.configuration["database_url"])
    one = rider()
    assert one.api.post("availability/location", json=made_out(points(-10))).status == 200
    late = other.api(one.token, "rider")
    assert late.post("availability/location", json=made_out(points(-20))).data == {"skipped": 1}
    assert late.post("availability/location", json=made_out(points(-20, -15, -5))).data == {"skipped": 2}
    assert field(late.post("availability/location", json={"lat": 4, "lng": 9, "at": at(-8)})) == "at"


def test_a_phone_whose_clock_is_ahead_can_report(rider):
    one = rider()
    assert one.api.post("availability/location", json={"lat": 4, "lng": 9, "at": at(50)}).status == 200
    assert one.api.post("availability/location", json={"lat": 4, "lng": 9}).status == 200
    assert one.api.post("availability/location", json={"lat": 4, "lng": 9, "at": at(51)}).status == 200


def test_an_offline_rider_cannot_report(rider, sql):
    one = rider(is_online=False)
    reply = one.api.post("availability/location", json={"lat": 4.05, "lng": 9.7})
    assert (reply.status, reply.code) == (400, "RIDER_5000")
    assert one.api.patch("availability/status", json={"isOnline": True}).status == 200
    assert one.api.post("availability/location", json={"lat": 4.05, "lng": 9.7}).status == 200
    assert one.api.put("availability/offline").status == 200
    assert one.api.post("availability/location", json={"lat": 4.05, "lng": 9.7}).code == "RIDER_5000"


def test_a_rider_who_may_not_work_cannot_report(rider):
    reply = rider(is_online=False, approval_status="PENDING").api.post(
        "availability/location", json={"lat": 4.05, "lng": 9.7})
    assert (reply.status, reply.code) == (403, "RIDER_3004")


def test_the_riders_row_is_written_at_most_every_thirty_seconds(rider, sql):
    one = rider()
    assert one.api.post("availability/location", json={"lat": 4.01, "lng": 9.7}).status == 200
    first = written(sql, one)
    assert one.api.post("availability/location", json={"lat": 4.02, "lng": 9.7}).status == 200
    other = rider()  # written a second later, when the first would have been written again
    assert other.api.post("availability/location", json={"lat": 4.03, "lng": 9.7}).status == 200
    written(sql, other)
    assert row(sql, one) == first


def test_an_older_point_never_replaces_a_newer_one(rider, sql):
    one = rider()
    sql("UPDATE riders SET lat = 5, lng = 10, located_at = now() WHERE id = %s", one.id)
    assert one.api.post("availability/location", json={"lat": 4, "lng": 9, "at": at(-60)}).status == 200
    other = rider()
    assert other.api.post("availability/location", json={"lat": 4.03, "lng": 9.7}).status == 200
    written(sql, other)
    assert row(sql, one)["lat"] == 5


def test_the_customer_sees_the_newest_position(rider, sql, server, customer):
    order = order_seeking(server, sql, customer, (4.05, 9.7), dispatch=False)
    one = rider()
    sql("UPDATE orders SET status = 'IN_TRANSIT', rider_id = %s WHERE id = %s", one.id, order["id"])
    api = server.api(issue("USER", order["user_id"]))
    assert one.api.post("availability/location", json={"lat": 4.01, "lng": 9.71}).status == 200
    written(sql, one)
    assert one.api.post("availability/location", json={"lat": 4.02, "lng": 9.72}).status == 200
    place = until(lambda: [found for found in [api.get(f"orders/{order['id']}").data["riderLocation"]]
                           if abs(found["lat"] - 4.02) < 1e-4], what="the newest place")[0]
    assert abs(place["lng"] - 9.72) < 1e-4
    assert place["latitude"] == place["lat"] and place["updatedAt"] == place["timestamp"]


def test_reports_are_accepted_without_redis(own_stores, start_server):
    server = start_server(database_url=own_stores.databases.fresh(), redis_url=own_stores.redis_url)
    connection = psycopg2.connect(server.configuration["database_url"])
    connection.autocommit = True
    cursor = connection.cursor()
    cursor.execute("UPDATE riders SET is_online = true, located_at = now() - interval '10 seconds'")
    api = server.api(issue("RIDER", "rider_demo_1"), "rider")
    own_stores.redis_stop()
    assert api.post("availability/location", json=made_out(points(-5))).status == 200

    def place():
        cursor.execute("SELECT lat FROM riders WHERE id = 'rider_demo_1'")
        return cursor.fetchone()[0] == 4.05
    until(place)
    assert api.post("availability/location", json=made_out(points(-8))).data == {"skipped": 1}
    own_stores.redis_start()
    assert api.post("availability/location", json=made_out(points(-3))).status == 200
    connection.close()
