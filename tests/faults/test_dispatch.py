# SPDX-License-Identifier: MIT
"""Dispatch when what it stands on breaks: a copy that dies in the middle, Redis that is away."""

import pytest
from world.accounts import hire, register
from world.database import Database
from world.rides import KM, new_spot, order_seeking
from world.server import Server
from world.waiting import until

pytestmark = pytest.mark.slow


class Town:
    """Stores that may break, with their statements: .sql(statement, *args)."""

    def __init__(self, stores):
        self.stores = stores
        self.database_url = stores.databases.fresh()
        self.sql = Database(self.database_url)

    def copy(self):
        return Server(self.database_url, self.stores.redis_url).start()

    def rider(self, server, spot, km):
        rider = hire(server, self.sql, is_online=True)
        report(server, rider, spot, km)
        return rider

    def order(self, server, spot):
        return order_seeking(server, self.sql, lambda: register(server), spot)

    def offers(self, order):
        return self.sql("SELECT * FROM offers WHERE order_id = %s ORDER BY offered_at, id", order["id"])

    def asked(self, order, number):
        return until(lambda: len(self.offers(order)) >= number and self.offers(order)[number - 1],
                     what="the offer")["rider_id"]

    def leader(self):
        return self.sql("SELECT holder FROM leases WHERE name = 'dispatch' AND until > now()")

    def minute_over(self, order):
        self.sql("UPDATE offers SET expires_at = now() - interval '1 second' WHERE order_id = %s AND outcome = 'OPEN'",
                 order["id"])
        self.sql("UPDATE dispatches SET next_at = now() WHERE order_id = %s", order["id"])


def report(server, rider, spot, km):
    reply = server.api(rider.token, "rider").post(
        "availability/location", json={"lat": spot[0] + km * KM, "lng": spot[1]})
    assert reply.status == 200, reply


@pytest.fixture
def town(own_stores):
    made = Town(own_stores)
    yield made
    made.sql.close()


def test_another_copy_goes_on_where_a_killed_one_stopped(town):
    first = town.copy()
    until(town.leader, what="a leader")
    second = town.copy()
    try:
        spot = new_spot()
        riders = [town.rider(first, spot, km) for km in (1, 2)]
        order = town.order(first, spot)
        assert town.asked(order, 1) == riders[0].id
        holder = town.leader()[0]["holder"]
        first.kill()
        for rider, km in zip(riders, (1, 2)):
            report(second, rider, spot, km)
        town.minute_over(order)
        assert town.asked(order, 2) == riders[1].id
        assert [offer["outcome"] for offer in town.offers(order)] == ["EXPIRED", "OPEN"]
        assert town.leader()[0]["holder"] != holder
    finally:
        first.close()
        second.close()


def test_an_order_that_a_dead_copy_had_taken_is_due_again(town):
    server = town.copy()
    try:
        spot = new_spot()
        rider = town.rider(server, spot, 1)
        order = town.order(server, spot)
        town.asked(order, 1)
        # What a copy leaves that dies between taking an order and offering it.
        town.sql("DELETE FROM offers")
        town.sql("UPDATE dispatches SET next_at = now() + interval '5 seconds' WHERE order_id = %s", order["id"])
        assert town.asked(order, 1) == rider.id
    finally:
        server.close()


def test_without_redis_riders_are_asked_by_their_last_known_points(town):
    server = town.copy()
    try:
        spot = new_spot()
        until(town.leader, what="a leader")
        town.stores.redis_stop()
        far, near, old = (hire(server, town.sql, is_online=True) for _ in range(3))
        for rider, km, age in ((far, 3, 10), (near, 1, 10), (old, 0.1, 61)):
            town.sql("UPDATE riders SET lat = %s, lng = %s, located_at = now() - make_interval(secs => %s)"
                     " WHERE id = %s", spot[0] + km * KM, spot[1], age, rider.id)
        order = town.order(server, spot)
        assert town.asked(order, 1) == near.id
        town.minute_over(order)
        assert town.asked(order, 2) == far.id
    finally:
        server.close()
