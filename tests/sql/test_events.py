# SPDX-License-Identifier: MIT
"""The statement of the relay: one holder at a time, order kept, confirmed events are not published twice."""

import pytest

from world import waiting
from world.waiting import until

LEADS, POSITION, MOVED, LAG, SOURCE, ID, PREVIOUS, AGGREGATE, TYPE, ROOMS, PAYLOAD = range(11)


@pytest.fixture
def ground(db):
    db.sql("TRUNCATE event_log, events RESTART IDENTITY;"
           "UPDATE leases SET holder = 'one', until = now() + interval '1 min', position = 0 WHERE name = 'relay'")
    return db


def publish(db, count=1, kind="step"):
    db.sql("INSERT INTO outbox (aggregate, type, rooms, payload) "
           f"SELECT 'a', '{kind}', '{{user:1,admin}}', json_build_object('n', n) FROM generate_series(1, {count}) n")


def take(db, holder="one", published=0, move=500, publish=500):
    return db.run("relay_move", holder=holder, published=published, move=move, publish=publish, lease_s=2, renew_s=1.2)


def test_rows_move_in_order_and_are_returned_with_the_id_before_them(ground):
    publish(ground, 3)
    rows = take(ground)
    assert [(row[ID], row[PREVIOUS]) for row in rows] == [(1, 0), (2, 1), (3, 2)]
    assert all(row[LEADS] and row[MOVED] == 3 and row[POSITION] == 0 for row in rows)
    assert rows[0][ROOMS] == "user:1,admin" and rows[0][AGGREGATE] == "a" and rows[0][TYPE] == "step"
    assert [row[PAYLOAD] for row in rows] == ['{"n" : 1}', '{"n" : 2}', '{"n" : 3}']
    assert ground.value("SELECT count(*) FROM outbox") == 0
    assert ground.value("SELECT string_agg(id::text, ',' ORDER BY id) FROM events") == "1,2,3"


def test_unconfirmed_events_are_returned_again_under_the_same_ids(ground):
    publish(ground, 2)
    take(ground)
    publish(ground, 1)
    assert [row[ID] for row in take(ground)] == [1, 2, 3]
    row, = take(ground, published=3)
    assert row[ID] is None and row[POSITION] == 3


def test_no_more_events_are_returned_than_requested(ground):
    publish(ground, 5)
    assert take(ground, publish=0)[0][ID] is None        # without Redis rows move too
    assert ground.value("SELECT count(*) FROM events") == 5
    publish(ground, 2)
    assert [row[ID] for row in take(ground, publish=3)] == [1, 2, 3]  # without a gap before newer ones
    assert [row[ID] for row in take(ground, published=3, publish=3)] == [4, 5, 6]
    assert [(row[ID], row[PREVIOUS]) for row in take(ground, published=6, publish=3)] == [(7, 6)]


def test_another_holder_waits_until_the_lease_has_expired(ground):
    publish(ground)
    assert take(ground)[0][LEADS]
    publish(ground)
    row, = take(ground, "two")
    assert not row[LEADS] and row[MOVED] == 0 and row[ID] is None
    assert ground.value("SELECT count(*) FROM outbox") == 1
    ground.sql("UPDATE leases SET until = now() - interval '1 ms' WHERE name = 'relay'")
    row, = take(ground, "two")
    assert row[LEADS] and row[MOVED] == 0 and row[ID] is None
    assert [row[ID] for row in take(ground, "two")] == [1, 2]  # the first was never confirmed
    assert not take(ground, "one")[0][LEADS]


def waits(db):
    return db.value("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' "
                    "AND datname = current_database()")


def beside(db, function):
    """Runs it in a thread until it waits for a lock; calling the returned function gives its result."""
    running = waiting.beside(function)
    until(lambda: waits(db), what="the wait for a lock")
    return running.result


def lapse(db):
    db.sql("UPDATE leases SET until = now() - interval '1 ms' WHERE name = 'relay'")


def test_a_relay_that_was_held_up_moves_nothing_after_its_successor_took_over(connect, ground):
    """The statement of the old leader waits for the row of the lease while the new one takes it."""
    old, new = connect(), connect()
    publish(ground, 3)
    lapse(ground)
    new.sql("BEGIN")
    assert take(new, "new")[0][LEADS]
    late = beside(ground, lambda: take(old, "one"))
    new.sql("COMMIT")
    row, = late()
    assert not row[LEADS] and row[MOVED] == 0
    assert ground.value("SELECT count(*) FROM events") == 0 and len(take(new, "new")) == 3


def test_a_successor_returns_what_the_last_step_of_a_slow_predecessor_moved(connect, ground):
    """The statement of the new leader waits for the commit of the old one. It began earlier, so it does not see those rows, and must
    not move later ones past them."""
    old, new = connect(), connect()
    publish(ground, 2)
    lapse(ground)
    old.sql("BEGIN")
    assert len(take(old, "one")) == 2
    old.sql("UPDATE leases SET until = now() - interval '1 ms' WHERE name = 'relay'")
    publish(ground, 2)
    late = beside(ground, lambda: take(new, "new"))
    old.sql("COMMIT")
    row, = late()
    assert row[LEADS] and row[MOVED] == 0 and row[ID] is None
    assert [(row[ID], row[PREVIOUS]) for row in take(new, "new")] == [(1, 0), (2, 1), (3, 2), (4, 3)]


def test_an_idle_leader_does_not_write_with_every_step(ground):
    take(ground)
    before = ground.value("SELECT xmin::text FROM leases WHERE name = 'relay'")
    for _ in range(5):
        assert take(ground)[0][LEADS]
    assert ground.value("SELECT xmin::text FROM leases WHERE name = 'relay'") == before


@pytest.mark.parametrize("statement", ["events_missed", "events_missed_scan"])
def test_missed_events_are_those_of_the_rooms(ground, statement):
    publish(ground, 3)
    ground.sql("INSERT INTO outbox (aggregate, type, rooms, payload) VALUES ('b', 'x', '{user:2}', '{}'),"
               " ('c', 'y', '{}', '{}')")
    take(ground)
    rows = ground.run(statement, after=1, rooms="{user:1,users}", limit=10)
    assert [(row[0], row[1], row[2]) for row in rows] == [(1, 5, 2), (1, 5, 3)]
    assert [row[2] for row in ground.run(statement, after=0, rooms="{user:1,user:2}", limit=2)] == [1, 2]
    row, = ground.run(statement, after=5, rooms="{user:1}", limit=10)
    assert row[:3] == (1, 5, None)


def test_events_are_kept_for_72_hours(ground):
    publish(ground, 4)
    take(ground)
    ground.sql("UPDATE events SET created_at = now() - interval '73 hours' WHERE id <= 2")
    ground.run("sweep_expired", limit=1000)
    assert ground.value("SELECT string_agg(id::text, ',' ORDER BY id) FROM events") == "3,4"
