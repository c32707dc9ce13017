# SPDX-License-Identifier: MIT
"""Dispatch during failures: an instance that is killed, and Redis that is down."""

import pytest

from world.accounts import hire, register
from world.database import Database
from world.rides import KM, new_spot, order_seeking
from world.server import Server
from world.waiting import until

pytestmark = pytest.mark.slow


class Town:
    """PostgreSQL and Redis that may be stopped: .sql(statement, *args)."""

    def __init__(self, stores):
        self.stores = stores
        self.database_url = stores.databases.fresh()
        self.sql = Database(self.database_url)

    def instance(self):
        return Server(self.database_url, self.stores.redis_url).start()

    def rider(self, server, location, km):
        rider = hire(server, self.sql, is_online=True)
        report(server, rider, location, km)
        return rider

    def order(self, server, location):
        return order_seeking(server, self.sql, lambda: register(server), location)

    def offers(self, order):
        return self.sql("SELECT * FROM offers WHERE order_id = %s ORDER BY offered_at, id", order["id"])

    def offered_to(self, order, number):
        return until(lambda: len(self.offers(order)) >= number and self.offers(order)[number - 1],
                     what="the offer")["rider_id"]

    def leader(self):
        return self.sql("SELECT holder FROM leases WHERE name = 'dispatch' AND until > now()")

    def expire_offer(self, order):
        self.sql("UPDATE offers SET expires_at = now() - interval '1 second' WHERE order_id = %s AND outcome = 'OPEN'",
                 order["id"])
        self.sql("UPDATE dispatches SET next_at = now() WHERE order_id = %s", order["id"])


def report(server, rider, location, km):
    reply = server.api(rider.token, "rider").post(
        "availability/location", json={"lat": location[0] + km * KM, "lng": location[1]})
    assert reply.status == 200, reply


@pytest.fixture
def town(own_stores):
    made = Town(own_stores)
    yield made
    made.sql.close()


def test_another_instance_continues_where_a_killed_one_stopped(town):
    first = town.instance()
    until(town.leader, what="a leader")
    second = town.instance()
    try:
        location = new_spot()
        riders = [town.rider(first, location, km) for km in (1, 2)]
        order = town.order(first, location)
        assert town.offered_to(order, 1) == riders[0].id
        holder = town.leader()[0]["holder"]
        first.kill()
        for rider, km in zip(riders, (1, 2)):
            report(second, rider, location, km)
        town.expire_offer(order)
        assert town.offered_to(order, 2) == riders[1].id
        assert [offer["outcome"] for offer in town.offers(order)] == ["EXPIRED", "OPEN"]
        assert town.leader()[0]["holder"] != holder
    finally:
        first.close()
        second.close()


def test_an_order_taken_by_a_killed_instance_is_due_again(town):
    server = town.instance()
    try:
        location = new_spot()
        rider = town.rider(server, location, 1)
        order = town.order(server, location)
        town.offered_to(order, 1)
        # The state after an instance was killed between taking an order and offering it.
        town.sql("DELETE FROM offers")
        town.sql("UPDATE dispatches SET next_at = now() + interval '5 seconds' WHERE order_id = %s", order["id"])
        assert town.offered_to(order, 1) == rider.id
    finally:
        server.close()


def test_without_redis_offers_use_the_last_known_positions(town):
    server = town.instance()
    try:
        location = new_spot()
        until(town.leader, what="a leader")
        town.stores.redis_stop()
        far, near, old = (hire(server, town.sql, is_online=True) for _ in range(3))
        for rider, km, age in ((far, 3, 10), (near, 1, 10), (old, 0.1, 61)):
            town.sql("UPDATE riders SET lat = %s, lng = %s, located_at = now() - make_interval(secs => %s)"
                     " WHERE id = %s", location[0] + km * KM, location[1], age, rider.id)
        order = town.order(server, location)
        assert town.offered_to(order, 1) == near.id
        town.expire_offer(order)
        assert town.offered_to(order, 2) == far.id
    finally:
        server.close()
