# SPDX-License-Identifier: MIT
"""Which riders dispatch offers an order to, and what it records. Tests change times in rows to let time pass."""

import pytest

from world.accounts import hire, open_shop
from world.rides import KM, new_spot, order_seeking
from world.waiting import until

pytestmark = pytest.mark.slow


@pytest.fixture
def near(server, sql):
    """near(origin, km): a rider at work who reported a position that many km north of origin."""
    def make(origin, km, **columns):
        rider = hire(server, sql, is_online=True, **columns)
        reply = rider.api.post("availability/location", json={"lat": origin[0] + km * KM, "lng": origin[1]})
        assert reply.status == 200, reply
        return rider
    return make


@pytest.fixture
def seeking(server, sql, customer):
    return lambda origin, **columns: order_seeking(server, sql, customer, origin, **columns)


@pytest.fixture
def offers(sql):
    """offers(order): all so far, oldest first."""
    return lambda order: sql("SELECT * FROM offers WHERE order_id = %s ORDER BY offered_at, id", order["id"])


@pytest.fixture
def offered(offers):
    """offered(order, n): the rider of its nth offer; waits for it."""
    def wait(order, number=1):
        return until(lambda: len(offers(order)) >= number and offers(order)[number - 1], what="the offer")["rider_id"]
    return wait


@pytest.fixture
def expire(sql):
    """expire(order): a minute passes without an answer."""
    def pass_by(order):
        sql("UPDATE offers SET expires_at = now() - interval '1 second' WHERE order_id = %s AND outcome = 'OPEN'",
            order["id"])
        sql("UPDATE dispatches SET next_at = now() WHERE order_id = %s", order["id"])
    return pass_by


def requests(sql, order):
    return [(row["rooms"], row["payload"]) for row in sql(
        "SELECT rooms, payload FROM event_log WHERE aggregate = %s AND type = 'delivery_request' ORDER BY id", order["id"])]


def test_the_best_rider_in_reach_gets_the_offer_and_the_event(near, seeking, offered, offers, sql):
    origin = new_spot()
    near(origin, 0.5, active_orders=2)
    best = near(origin, 1)
    near(origin, 2)
    order = seeking(origin)
    assert offered(order) == best.id
    offer = offers(order)[0]
    assert offer["outcome"] == "OPEN"
    assert 58 < (offer["expires_at"] - offer["offered_at"]).total_seconds() <= 60
    (rooms, payload), = requests(sql, order)
    assert rooms == [f"rider:{best.id}"]
    assert payload["orderId"] == order["id"] and payload["orderType"] == "FOOD"
    assert payload["pickupLocation"] == {
        "lat": order["pickup_lat"], "lng": order["pickup_lng"], "address": order["pickup_text"]}
    assert payload["dropoffLocation"]["address"] == order["delivery_text"]
    assert (payload["deliveryFee"], payload["distance"], payload["expiresIn"]) == (
        order["delivery_fee"], order["distance"], 60)
    assert payload["estimatedTime"] > 5
    row = sql("SELECT next_at FROM dispatches WHERE order_id = %s", order["id"])[0]
    assert row["next_at"] == offer["expires_at"]


def test_each_decision_is_recorded_with_its_scores(near, seeking, offered, sql):
    origin = new_spot()
    riders = {near(origin, 1, completed_deliveries=9, total_deliveries=10, rating_sum=8, total_ratings=2).id: 1.0,
              near(origin, 3, active_orders=1).id: 3.0}
    order = seeking(origin)
    chosen = offered(order)
    row = sql("SELECT * FROM dispatch_decisions WHERE order_id = %s", order["id"])[0]
    assert (row["rider_id"], row["round"]) == (chosen, 0)
    found = {candidate["riderId"]: candidate for candidate in row["candidates"]}
    assert set(found) == set(riders)
    for rider, km in riders.items():
        one = found[rider]
        assert abs(one["km"] - km) < 0.01
        assert abs(one["distance"] - max(0, 40 - 8 * one["km"])) < 0.01
        assert abs(one["score"] - (one["distance"] + one["completion"] + one["rating"] - one["load"])) < 0.01
    first = next(iter(riders))
    assert (found[first]["completion"], found[first]["rating"], found[first]["load"]) == (22.5, 20, 0)


def test_an_expired_offer_goes_to_the_next_best_and_then_a_new_round_begins(
        near, seeking, offered, offers, expire, sql):
    origin = new_spot()
    first, second = near(origin, 1), near(origin, 2)
    order = seeking(origin)
    assert offered(order) == first.id
    expire(order)
    assert offered(order, 2) == second.id
    assert [offer["outcome"] for offer in offers(order)] == ["EXPIRED", "OPEN"]
    expire(order)
    assert offered(order, 3) == first.id
    assert sql("SELECT rounds FROM dispatches WHERE order_id = %s", order["id"])[0]["rounds"] == 1


def test_a_rider_who_rejected_gets_no_second_offer(near, seeking, offered, offers, expire, sql):
    origin = new_spot()
    first, second = near(origin, 1), near(origin, 2)
    order = seeking(origin)
    assert offered(order) == first.id
    sql("UPDATE offers SET outcome = 'REJECTED', answered_at = now() WHERE order_id = %s AND outcome = 'OPEN'",
        order["id"])
    sql("UPDATE dispatches SET next_at = now() WHERE order_id = %s", order["id"])
    assert offered(order, 2) == second.id
    expire(order)
    assert offered(order, 3) == second.id


@pytest.mark.parametrize("columns", [
    {"approval_status": "SUSPENDED"}, {"status": "INACTIVE"}, {"is_online": False}, {"phone_verified": False}])
def test_a_rider_who_may_not_work_gets_no_offer(near, seeking, offered, sql, columns):
    origin = new_spot()
    barred, other = near(origin, 0.1), near(origin, 4)
    for name, value in columns.items():
        sql(f"UPDATE riders SET {name} = %s WHERE id = %s", value, barred.id)
    assert offered(seeking(origin)) == other.id


def test_only_riders_within_the_radius_get_an_offer(near, seeking, offered, offers, sql):
    origin = new_spot()
    near(origin, 5.2)
    order = seeking(origin)
    until(lambda: sql("SELECT next_at > now() AS later FROM dispatches WHERE order_id = %s", order["id"])[0]["later"])
    assert offers(order) == []
    rider = near(origin, 4.8)
    sql("UPDATE dispatches SET next_at = now() WHERE order_id = %s", order["id"])
    assert offered(order) == rider.id


def test_a_rider_without_reports_for_thirty_seconds_gets_no_offer(near, seeking, offered, redis):
    origin = new_spot()
    silent, other = near(origin, 0.1), near(origin, 3)
    redis("ZINCRBY", "{geo:riders}:seen", "-31000", silent.id)
    assert offered(seeking(origin)) == other.id


@pytest.fixture
def redis(redis_url):
    import subprocess
    return lambda *words: subprocess.run(
        ["redis-cli", "-s", redis_url().removeprefix("unix://"), *words], check=True, capture_output=True)


@pytest.mark.parametrize("change", [
    {"status": "CANCELLED", "active": False}, {"status": "RIDER_ASSIGNED", "rider_id": "rider_demo_1"}])
def test_dispatch_drops_an_order_that_needs_no_rider_any_more(seeking, sql, offers, change):
    order = seeking(new_spot())
    sql("UPDATE orders SET " + ", ".join(f"{name} = %s" for name in change) + " WHERE id = %s",
        *change.values(), order["id"])
    sql("UPDATE dispatches SET next_at = now() WHERE order_id = %s", order["id"])
    until(lambda: not sql("SELECT FROM dispatches WHERE order_id = %s", order["id"]))
    assert offers(order) == []


def test_many_orders_at_once_are_each_offered_once(near, seeking, offered, offers):
    origin = new_spot()
    for km in (1, 2, 3):
        near(origin, km)
    orders = [seeking(origin) for _ in range(12)]
    for order in orders:
        offered(order)
    assert all(len(offers(order)) == 1 for order in orders)


def test_a_vendors_acceptance_starts_the_search_and_a_riders_answer_ends_it(
        near, offered, offers, sql, server, customer):
    origin = new_spot()
    first, second = near(origin, 1), near(origin, 2)
    shop = open_shop(server, sql, items=1)
    order = customer().api.post("orders", json={
        "vendorId": shop.id, "items": [{"itemId": shop.items[0], "quantity": 1}], "paymentMethod": "CASH"}).data
    order["id"] = order["orderId"]
    sql("UPDATE orders SET pickup_lat = %s, pickup_lng = %s WHERE id = %s", *origin, order["id"])
    assert shop.api.put(f"orders/{order['id']}/accept", json={}).status == 200
    assert offered(order) == first.id
    assert order["id"] in [found["orderId"] for found in first.api.get(
        f"orders/available?lat={origin[0]}&lng={origin[1]}").data]
    assert first.api.put(f"orders/{order['id']}/reject", json={"reason": "My tyre is flat"}).status == 200
    assert first.api.get(f"orders/available?lat={origin[0]}&lng={origin[1]}").data == []
    assert offered(order, 2) == second.id
    assert second.api.post(f"orders/{order['id']}/accept").status == 200
    assert [offer["outcome"] for offer in offers(order)] == ["REJECTED", "ACCEPTED"]
    assert sql("SELECT count(*) AS n FROM dispatches WHERE order_id = %s", order["id"])[0]["n"] == 0
    assert second.api.get("availability/status").data["availability"] == "BUSY"
