# SPDX-License-Identifier: MIT
"""Webhooks in SQL: each event once, also with two leaders; limits; old rows are deleted."""

import pytest

from world.waiting import race

TYPES = "{order_delivered,new_order}"


@pytest.fixture
def ground(db):
    db.sql("TRUNCATE event_log, webhook_endpoints, webhook_deliveries RESTART IDENTITY;"
           "UPDATE leases SET position = 0 WHERE name IN ('events', 'webhooks')")
    return db


def register(db, name, types="{order_delivered}"):
    db.sql("INSERT INTO webhook_endpoints (id, url, event_types, secret, created_by, created_at) VALUES"
           " (%s, 'https://example.com/', %s, 'whsec_x', 'admin_1', now() - interval '1 day')", [name, types])


def publish(db, count=1, kind="order_delivered"):
    db.sql("INSERT INTO event_log (aggregate, type, rooms, payload) SELECT 'o', %s, '{admin}', json_build_object('n', n)"
           " FROM generate_series(1, %s) n", [kind, count])
    db.sql("UPDATE leases SET position = (SELECT max(id) FROM event_log) WHERE name = 'events'")


def claim(db, limit, beyond=14):
    return db.run("webhooks_claim", limit=limit, per_endpoint=4, claim_s=30, beyond=beyond)


def store_result(db, its_id, tries, outcome, status, error):
    db.run("webhook_store_result", id=its_id, tries=tries, outcome=outcome, status=status, error=error, wait_s=0,
           attempts_max=20, give_up_s=5 * 86400)


def test_each_event_becomes_one_delivery_for_each_subscribed_endpoint(ground):
    register(ground, "whe_1")
    register(ground, "whe_2", TYPES)
    publish(ground, 3)
    publish(ground, 1, "new_order")
    publish(ground, 1, "rider_changed")
    assert ground.run("webhooks_queue", types=TYPES, limit=2) == [(2, 4, 2)]
    assert ground.run("webhooks_queue", types=TYPES, limit=500) == [(3, 3, 2)]
    assert ground.run("webhooks_queue", types=TYPES, limit=500) == [(0, 0, 2)]
    assert ground.sql("SELECT endpoint_id, count(*) FROM webhook_deliveries GROUP BY 1 ORDER BY 1") == [
        ("whe_1", 3), ("whe_2", 4)]


def test_two_leaders_at_once_do_not_duplicate_events(ground, connect):
    register(ground, "whe_1")
    publish(ground, 400)
    clients = [connect() for _ in range(4)]

    def fan(client):
        made = []
        while (claimed := client.run("webhooks_queue", types=TYPES, limit=7)[0])[0]:
            made.append(claimed[1])
        return sum(made)
    made = race([lambda client=client: fan(client) for client in clients])
    assert sum(made) == 400 == ground.value("SELECT count(*) FROM webhook_deliveries")


def test_one_endpoint_gets_no_more_than_its_limit(ground):
    for name in ("whe_1", "whe_2"):
        register(ground, name)
    publish(ground, 10)
    ground.run("webhooks_queue", types=TYPES, limit=500)
    claimed = claim(ground, 5)
    assert sorted(row[1] for row in claimed) in (["whe_1"] * 3 + ["whe_2"] * 2, ["whe_1"] * 2 + ["whe_2"] * 3)
    assert len(claim(ground, 32)) == 3
    assert claim(ground, 32) == []
    ground.sql("UPDATE webhook_deliveries SET busy_until = now(), next_at = now() WHERE busy_until IS NOT NULL")
    assert {row[4] for row in claim(ground, 32)} <= {1, 2}


def test_deliveries_beyond_the_first_are_limited_and_the_first_is_not(ground):
    for n in range(1, 5):
        register(ground, f"whe_{n}")
    ground.sql("UPDATE webhook_endpoints SET failing_since = now() WHERE id = 'whe_4'")
    publish(ground, 10)
    ground.run("webhooks_queue", types=TYPES, limit=500)
    claimed = [row[1] for row in claim(ground, 64, beyond=5)]
    assert sorted(claimed.count(f"whe_{n}") for n in range(1, 4)) == [2, 3, 3] and claimed.count("whe_4") == 1
    assert claim(ground, 64, beyond=5) == []
    register(ground, "whe_5", "{new_order}")
    publish(ground, 3, "new_order")
    ground.run("webhooks_queue", types=TYPES, limit=500)
    assert [row[1] for row in claim(ground, 64, beyond=5)] == ["whe_5"]


def test_a_result_counts_for_its_own_try_only(ground):
    register(ground, "whe_1")
    publish(ground)
    ground.run("webhooks_queue", types=TYPES, limit=500)
    (its_id, _, _, _, tries, *_), = claim(ground, 1)
    ground.sql("UPDATE webhook_deliveries SET next_at = now(), busy_until = now()")
    assert claim(ground, 1)[0][4] == tries + 1
    store_result(ground, its_id, tries, "GONE", 410, "answered 410")
    assert ground.sql("SELECT d.state, w.enabled FROM webhook_deliveries d, webhook_endpoints w") == [("QUEUED", True)]
    store_result(ground, its_id, tries + 1, "DELIVERED", 200, None)
    store_result(ground, its_id, tries + 1, "GONE", 410, "answered 410")
    assert ground.sql("SELECT d.state, w.enabled FROM webhook_deliveries d, webhook_endpoints w") == [("DELIVERED", True)]


def test_a_try_that_was_not_sent_does_not_count(ground):
    register(ground, "whe_1")
    publish(ground)
    ground.run("webhooks_queue", types=TYPES, limit=500)
    (its_id, *_), = claim(ground, 1)
    ground.run("webhook_release", id=its_id, tries=1, wait_s=5)
    assert ground.sql("SELECT tries, busy_until, state FROM webhook_deliveries") == [(0, None, "QUEUED")]


def test_a_claim_changes_no_index(ground):
    register(ground, "whe_1")
    publish(ground)
    ground.run("webhooks_queue", types=TYPES, limit=500)
    ground.sql("SELECT pg_stat_force_next_flush()")
    ground.sql("SELECT pg_stat_reset_single_table_counters('webhook_deliveries'::regclass)")
    (its_id, _, _, _, tries, *_), = claim(ground, 1)
    store_result(ground, its_id, tries, "DELIVERED", 200, None)
    ground.sql("SELECT pg_stat_force_next_flush()")
    assert ground.sql("SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = 'webhook_deliveries'") == [(2, 1)]


def test_a_claim_of_an_instance_that_died_ends(ground):
    register(ground, "whe_1")
    publish(ground, 6)
    ground.run("webhooks_queue", types=TYPES, limit=500)
    first = {row[0] for row in claim(ground, 64)}
    assert len(first) == 4 and claim(ground, 64) == []
    ground.sql("UPDATE webhook_deliveries SET busy_until = now() WHERE busy_until IS NOT NULL")
    assert {row[0] for row in claim(ground, 64)} == first


def test_without_an_endpoint_the_position_moves_past_all_events(ground):
    publish(ground, 5)
    assert ground.run("webhooks_queue", types=TYPES, limit=2) == [(0, 0, 0)]
    assert ground.value("SELECT position = (SELECT max(id) FROM events) FROM leases WHERE name = 'webhooks'")


def test_deliveries_are_deleted_after_thirty_days(ground):
    ground.sql("INSERT INTO webhook_deliveries (id, endpoint_id, type, payload, said_at, created_at)"
               " SELECT 'whd_' || n, 'whe_1', 'x', '{}', now(), now() - n * interval '1 day' FROM generate_series(28, 33) n")
    assert ground.run("sweep_webhooks", limit=2) == [(2,)]
    assert ground.run("sweep_webhooks", limit=1000) == [(2,)]
    assert ground.run("sweep_webhooks", limit=1000) == [(0,)]
