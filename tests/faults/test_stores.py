# SPDX-License-Identifier: MIT
"""PostgreSQL and Redis are stopped, killed and started again under load. The tests check the replies to
clients and the contents of the database."""

import json
import time

import psycopg2
import pytest

from world.accounts import Tokens, register
from world.server import Server
from world.traffic import Traffic
from world.waiting import until

pytestmark = pytest.mark.slow

ORDER = {"vendorId": "vendor_123", "items": [{"itemId": "item_1", "quantity": 1}]}


@pytest.fixture
def frail(own_stores):
    """A server on a PostgreSQL and a Redis that the test may stop."""
    made = Server(own_stores.databases.fresh(), own_stores.redis_url, redis_timeout="50ms").start()
    made.stores = own_stores
    yield made
    made.close()


def rows(server, statement):
    connection = psycopg2.connect(server.configuration["database_url"])
    try:
        with connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall()
    finally:
        connection.close()


def until_status(api, path, status):
    until(lambda: api.get(path).status == status, what=f"{status} of {path}")


def mixed(api, n):
    """Menus from the cache, orders from the database, and some writes."""
    if n % 5 == 0:
        return api.post("orders", json=ORDER, headers={"Idempotency-Key": f"mixed-{n}"})
    return api.get("vendors/vendor_123/menu" if n % 2 else "orders/active")


# --- Redis ------------------------------------------------------------------------------------

def test_redis_killed_and_restarted_under_load_gives_no_client_an_error(frail):
    token = Tokens(frail)()
    with Traffic(frail, mixed, token=token) as traffic:
        traffic.wait_for(200)
        for _ in range(3):
            frail.stores.redis_kill()
            traffic.wait_for(300)
            frail.stores.redis_start()
            traffic.wait_for(300)
    assert traffic.statuses() <= {200, 201}, traffic.statuses()


def test_redis_that_stops_answering_gives_no_client_an_error(frail):
    """Redis is suspended, not killed: connections stay open without replies."""
    import os
    import signal
    pid = int((frail.stores.dir / "redis.pid").read_text().split()[0])
    token = Tokens(frail)()
    with Traffic(frail, mixed, token=token) as traffic:
        traffic.wait_for(100)
        os.kill(pid, signal.SIGSTOP)
        try:
            traffic.wait_for(300)
        finally:
            os.kill(pid, signal.SIGCONT)
        traffic.wait_for(300)
    assert traffic.statuses() <= {200, 201}, traffic.statuses()


def test_the_server_starts_without_redis_and_uses_it_once_it_comes(frail):
    frail.stop()
    frail.stores.redis_stop()
    frail.start()
    api = frail.api()
    assert api.get("vendors/vendor_123/menu").status == 200
    assert api.get("/health").json["dependencies"]["redis"] == "down"
    frail.stores.redis_start()
    import redis
    store = redis.Redis(unix_socket_path=str(frail.stores.dir / "run/redis.sock"))
    until(lambda: api.get("vendors/vendor_123/menu").status == 200 and store.exists("menu:vendor_123"),
          what="a menu in the cache")
    assert 0 < store.ttl("menu:vendor_123") <= 600


def test_a_write_while_redis_is_down_is_visible_when_it_is_back(frail):
    """The old profile must not be served from the cache again: a key that could not be deleted is
    deleted later."""
    token = Tokens(frail)()
    api = frail.api(token)
    assert api.get("auth/me").status == 200  # now cached
    frail.stores.redis_kill()
    for n in range(3):
        assert api.put("auth/profile", json={"firstName": f"Away{n}"}).status == 200
        assert api.get("auth/me").data["firstName"] == f"Away{n}"
    frail.stores.redis_start()
    for _ in range(100):
        assert api.get("auth/me").data["firstName"] == "Away2"
        time.sleep(0.02)


# --- PostgreSQL -------------------------------------------------------------------------------

def test_postgresql_restarted_under_load_gives_only_503_and_then_full_service(frail):
    token = Tokens(frail)()
    answered = {}

    def place(api, n):
        if n % 3:
            return api.get("orders/active")
        reply = api.post("orders", json=ORDER, headers={"Idempotency-Key": f"restart-{n}"})
        if reply.status == 201:
            answered[f"restart-{n}"] = reply.data["orderId"]
        return reply

    keys = frail.configuration
    lanes = keys["loops"] * (keys["db_write_lanes"] + keys["db_read_lanes"] + 1)  # and one for reports
    with Traffic(frail, place, token=token) as traffic:
        traffic.wait_for(100)
        frail.stores.postgres_stop()
        traffic.wait_for(200)
        frail.stores.postgres_start()
        until(lambda: frail.metric("reeyo_db_lanes_up") >= lanes, what="the return of every lane")
        whole = time.monotonic()
        traffic.wait_for(300)
    assert traffic.statuses() <= {200, 201, 503}, traffic.statuses()
    assert traffic.statuses(since=whole) <= {200, 201}, traffic.statuses(since=whole)
    assert any(status == 503 for _, status, _ in traffic.seen)
    for _, status, reply in traffic.seen:
        if status == 503:
            assert reply.code == "SERVICE_UNAVAILABLE" and reply.headers["Retry-After"]
    held = dict(rows(frail, "SELECT id, 1 FROM orders"))
    assert all(order in held for order in answered.values()), "an acknowledged order is gone"


def test_a_write_cut_off_by_the_restart_may_be_repeated_by_its_key(frail):
    """After any reply during the restart of PostgreSQL, a repeat with the same key gives exactly one order."""
    token = Tokens(frail)()
    keys = []

    def place(api, n):
        keys.append(f"cut-{n}")
        return api.post("orders", json=ORDER, headers={"Idempotency-Key": f"cut-{n}"})

    with Traffic(frail, place, token=token) as traffic:
        traffic.wait_for(50)
        frail.stores.postgres_stop()
        frail.stores.postgres_start()
        traffic.wait_for(50)
    api = frail.api(token)
    until_status(api, "/readyz", 200)
    before = {key: None for key in keys}
    for key in keys:
        reply = api.post("orders", json=ORDER, headers={"Idempotency-Key": key})
        assert reply.status == 201, reply
        before[key] = reply.data["orderId"]
    assert len(set(before.values())) == len(keys)
    placed, = rows(frail, "SELECT count(*) FROM idempotency WHERE key LIKE 'cut-%'")
    assert placed[0] == len(set(keys))


def test_sessions_killed_in_the_database_are_replaced(frail):
    token = Tokens(frail)()
    with Traffic(frail, lambda api, n: api.get("orders/active"), clients=4, token=token) as traffic:
        traffic.wait_for(50)
        for _ in range(5):
            rows(frail, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                        "WHERE pid <> pg_backend_pid() AND datname = current_database()")
            traffic.wait_for(100)
    assert traffic.statuses() <= {200, 503}, traffic.statuses()
    until_status(frail.api(token), "orders/active", 200)


def test_readiness_follows_postgresql(frail):
    api = frail.api()
    frail.stores.postgres_stop()
    until_status(api, "/readyz", 503)
    assert api.get("/healthz").status == 200  # still alive: a restart of the server would not help
    frail.stores.postgres_start()
    until_status(api, "/readyz", 200)


def test_cached_replies_are_served_while_postgresql_is_down(frail):
    api = frail.api()
    assert api.get("vendors/vendor_123/menu").status == 200
    frail.stores.postgres_stop()
    for _ in range(20):
        assert api.get("vendors/vendor_123/menu").status == 200
    frail.stores.postgres_start()


def test_the_server_stops_cleanly_while_postgresql_is_down(frail):
    frail.stores.postgres_stop()
    frail.stop()
    frail.stores.postgres_start()


def test_a_customer_can_register_after_restarts(frail):
    frail.stores.redis_kill()
    frail.stores.postgres_stop()
    frail.stores.postgres_start()
    api = frail.api()
    until_status(api, "/readyz", 200)
    assert json.dumps(register(frail).user)
