# SPDX-License-Identifier: MIT
"""The log of events: order and gaps, one leader at a time, what readers see, rooms, and the upgrade to it."""

import psycopg2
import pytest

from sql.statements import FUNCTION_FILES, ROOT
from world import waiting
from world.waiting import until

LEADS, SETTLED, LAG, GAP, WRITERS, ID, PREVIOUS, AGGREGATE, TYPE, ROOMS, PAYLOAD = range(11)


@pytest.fixture
def ground(db):
    db.sql("TRUNCATE event_log, event_pages RESTART IDENTITY;"
           "UPDATE leases SET holder = 'one', until = now() + interval '1 min', position = 0, published = 0"
           " WHERE name = 'events'")
    return db


def publish(db, count=1, kind="step", rooms="{user:1,admin}"):
    db.sql("INSERT INTO event_log (aggregate, type, rooms, payload) "
           f"SELECT 'a', '{kind}', '{rooms}', json_build_object('n', n) FROM generate_series(1, {count}) n")


def take(db, holder="one", confirmed=0, noted="", settle=500, publish=500):
    return db.run("relay_step", holder=holder, confirmed=confirmed, noted=noted, settle=settle, publish=publish,
                  lease_s=2, renew_s=1.2)


def ids(rows):
    return [row[ID] for row in rows if row[ID]]


def seen(db):
    return [row[0] for row in db.sql("SELECT id FROM events ORDER BY id")]


class Relay:
    """A leader: passes on the gap and what Redis confirms."""

    def __init__(self, db, holder="one"):
        self.db, self.holder, self.gap, self.writers, self.published = db, holder, "", None, []

    def step(self):
        rows = take(self.db, self.holder, confirmed=self.published[-1] if self.published else 0, noted=self.gap)
        assert rows[0][LEADS]
        self.gap, self.writers = rows[0][GAP] or "", rows[0][WRITERS]
        self.published += ids(rows)
        return ids(rows)


# --- Steps ------------------------------------------------------------------------------------------

def test_events_are_returned_in_order_with_the_id_before_them(ground):
    publish(ground, 3)
    assert seen(ground) == []
    rows = take(ground)
    assert [(row[ID], row[PREVIOUS]) for row in rows] == [(1, 0), (2, 1), (3, 2)]
    assert all(row[LEADS] and row[SETTLED] == 3 and row[GAP] is None for row in rows)
    assert rows[0][ROOMS] == "user:1,admin" and rows[0][AGGREGATE] == "a" and rows[0][TYPE] == "step"
    assert [row[PAYLOAD] for row in rows] == ['{"n" : 1}', '{"n" : 2}', '{"n" : 3}']
    assert seen(ground) == [1, 2, 3]


def test_unconfirmed_events_are_returned_again(ground):
    publish(ground, 2)
    take(ground)
    publish(ground, 1)
    assert ids(take(ground)) == [1, 2, 3]
    assert ids(take(ground, confirmed=3)) == []
    assert ground.value("SELECT published FROM leases WHERE name = 'events'") == 3


def test_no_more_events_are_returned_than_requested(ground):
    publish(ground, 5)
    assert ids(take(ground, publish=0)) == []        # readers see them without Redis too
    assert seen(ground) == [1, 2, 3, 4, 5]
    publish(ground, 2)
    assert ids(take(ground, publish=3)) == [1, 2, 3]  # without a gap before newer ones
    assert ids(take(ground, confirmed=3, publish=3)) == [4, 5, 6]
    assert [(row[ID], row[PREVIOUS]) for row in take(ground, confirmed=6, publish=3)] == [(7, 6)]


def test_a_confirmation_that_the_database_does_not_know_counts_only_up_to_its_position(ground):
    publish(ground, 3)
    take(ground)
    assert ids(take(ground, confirmed=1000)) == []
    publish(ground)
    assert ids(take(ground)) == [4]


def test_an_idle_leader_does_not_write_with_every_step(ground):
    take(ground)
    before = ground.value("SELECT xmin::text FROM leases WHERE name = 'events'")
    for _ in range(5):
        assert take(ground)[0][LEADS]
    assert ground.value("SELECT xmin::text FROM leases WHERE name = 'events'") == before


@pytest.mark.parametrize("statement, more", [
    ("relay_step", {"holder": "one", "confirmed": 0, "noted": "", "settle": 500, "publish": 500, "lease_s": 2, "renew_s": 1.2}),
    ("events_newest", {}), ("events_after", {"after": 29990, "limit": 500}),
    ("events_missed", {"after": 29990, "rooms": "{user:1}", "limit": 50}),
    ("events_missed_scan", {"after": 29990, "rooms": "{user:1}", "limit": 50})])
def test_a_statement_reads_only_the_end_of_a_long_log(ground, statement, more):
    publish(ground, 30000)
    ground.sql("ANALYZE event_log")
    ground.sql("UPDATE leases SET position = 29980, published = 29980 WHERE name = 'events'")
    ground.sql("SET plan_cache_mode = force_generic_plan")
    ground.sql("BEGIN")

    def reads():
        return ground.sql("SELECT seq_scan, idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relname = 'event_log'")[0]
    before = reads()
    for _ in range(2):   # with new events, and without
        ground.run(statement, **more)
    scans, rows = (now - then for now, then in zip(reads(), before))
    assert scans == 0 and rows < 2000
    ground.sql("ROLLBACK")


# --- Gaps -------------------------------------------------------------------------------------------

def test_an_event_that_commits_late_comes_before_the_later_ones(connect, ground):
    late, relay = connect(), Relay(ground)
    publish(ground)
    late.sql("BEGIN")
    publish(late, 2)
    publish(ground, 2)
    assert relay.step() == [1] and relay.gap
    for _ in range(5):
        assert relay.step() == []
        assert seen(ground) == [1]
        publish(ground)
    assert relay.writers == str(late.value("SELECT pg_backend_pid()"))
    late.sql("COMMIT")
    assert relay.step() == list(range(2, 11)) and not relay.gap and relay.writers is None
    assert seen(ground) == list(range(1, 11))


def test_an_event_that_is_rolled_back_delays_the_later_ones_by_one_step(connect, ground):
    other, relay = connect(), Relay(ground)
    other.sql("BEGIN")
    publish(other)
    other.sql("ROLLBACK")
    publish(ground, 2)
    assert relay.step() == []
    assert relay.step() == [2, 3]
    assert not relay.gap and seen(ground) == [2, 3]


def test_transactions_that_began_after_the_gap_are_not_waited_for(connect, ground):
    other, later, relay = connect(), connect(), Relay(ground)
    other.sql("BEGIN")
    publish(other)
    publish(ground)
    assert relay.step() == []
    later.sql("BEGIN")
    publish(later)          # id 3
    publish(ground)         # id 4
    other.sql("ROLLBACK")
    assert relay.step() == [2]
    assert relay.step() == []
    later.sql("COMMIT")
    assert relay.step() == [3, 4]


def test_a_rolled_back_subtransaction_is_passed_when_its_transaction_has_ended(connect, ground):
    other, relay = connect(), Relay(ground)
    other.sql("BEGIN; SAVEPOINT s")
    publish(other)
    other.sql("ROLLBACK TO s")
    publish(ground)
    for _ in range(3):
        assert relay.step() == []
    publish(other)
    other.sql("COMMIT")
    assert relay.step() == [2, 3]


def test_a_transaction_that_writes_no_event_is_not_waited_for(connect, ground):
    bystander, other, relay = connect(), connect(), Relay(ground)
    bystander.sql("BEGIN; UPDATE leases SET position = position WHERE name = 'timers'")
    other.sql("BEGIN")
    publish(other)
    other.sql("ROLLBACK")
    publish(ground)
    assert relay.step() == []
    assert relay.step() == [2]
    bystander.sql("ROLLBACK")


def test_a_gap_after_the_newest_event_delays_nothing(connect, ground):
    other, relay = connect(), Relay(ground)
    publish(ground)
    other.sql("BEGIN")
    publish(other)
    assert relay.step() == [1] and not relay.gap
    other.sql("COMMIT")
    assert relay.step() == [2]


def test_what_another_server_process_found_out_about_a_gap_does_not_count(connect, ground):
    """After a fail-over to a standby the same ids may be given again."""
    other = connect()
    other.sql("BEGIN")
    publish(other)
    publish(ground)
    newest, _, writers = take(ground)[0][GAP].split()
    assert writers
    assert ids(take(ground, noted=f"{newest} 1234567890.123456 none/1")) == []
    other.sql("COMMIT")
    assert ids(take(ground)) == [1, 2]


def test_a_gap_within_a_full_page_is_waited_for(connect, ground):
    other = connect()
    publish(ground, 3)
    other.sql("BEGIN")
    publish(other)          # id 4
    publish(ground, 10)
    assert ids(take(ground, settle=2)) == [1, 2]
    first = take(ground, settle=2)
    assert ids(first) == [1, 2, 3] and first[0][GAP]
    other.sql("ROLLBACK")
    assert ids(take(ground, settle=2, noted=first[0][GAP])) == [1, 2, 3, 5, 6]
    assert seen(ground) == [1, 2, 3, 5, 6]


def test_many_writers_of_which_some_roll_back_lose_no_event_and_keep_the_order(connect, ground):
    relay = Relay(ground)
    clients = [connect() for _ in range(6)]
    done = []

    def write(client, which):
        for n in range(120):
            client.sql("BEGIN")
            publish(client, n % 4 + 1, f"{which}")
            client.sql("COMMIT" if (n * 7 + which) % 5 else "ROLLBACK")
        done.append(which)
    running = [waiting.beside(lambda client=client, which=which: write(client, which))
               for which, client in enumerate(clients)]
    read = []

    def all_read():
        relay.step()
        read.extend(row[0] for row in ground.sql("SELECT id FROM events WHERE id > %s ORDER BY id", [read[-1] if read else 0]))
        return len(done) == len(clients) and not relay.gap and not ground.value(
            "SELECT count(*) FROM event_log WHERE id > (SELECT position FROM leases WHERE name = 'events')")
    until(all_read, what="the last event")
    for one in running:
        one.result()
    written = [row[0] for row in ground.sql("SELECT id FROM event_log ORDER BY id")]
    relay.step()
    assert read == written and relay.published == written


# --- Leaders ----------------------------------------------------------------------------------------

def test_another_holder_waits_until_the_lease_has_expired(ground):
    publish(ground)
    assert take(ground)[0][LEADS]
    publish(ground)
    row, = take(ground, "two")
    assert not row[LEADS] and row[SETTLED] == 0 and row[ID] is None
    assert seen(ground) == [1]
    lapse(ground)
    rows = take(ground, "two")
    assert rows[0][LEADS] and ids(rows) == [1, 2]  # the first was never confirmed
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
    db.sql("UPDATE leases SET until = now() - interval '1 ms' WHERE name = 'events'")


def test_a_relay_that_was_held_up_does_nothing_after_its_successor_took_over(connect, ground):
    """The statement of the old leader waits for the row of the lease while the new one takes it."""
    old, new = connect(), connect()
    publish(ground, 3)
    lapse(ground)
    new.sql("BEGIN")
    assert len(take(new, "new")) == 3
    late = beside(ground, lambda: take(old, "one"))
    new.sql("COMMIT")
    row, = late()
    assert not row[LEADS] and row[SETTLED] == 0 and row[ID] is None
    assert seen(ground) == [1, 2, 3]


def test_a_successor_continues_after_the_last_step_of_a_slow_predecessor(connect, ground):
    """The statement of the new leader waits for the commit of the old one, and sees what that did."""
    old, new = connect(), connect()
    publish(ground, 2)
    lapse(ground)
    old.sql("BEGIN")
    assert len(take(old, "one")) == 2
    lapse(old)
    publish(ground, 2)
    late = beside(ground, lambda: take(new, "new"))
    old.sql("COMMIT")
    rows = late()
    assert rows[0][LEADS] and rows[0][SETTLED] == 2
    assert [(row[ID], row[PREVIOUS]) for row in rows] == [(1, 0), (2, 1), (3, 2), (4, 3)]


def test_a_successor_waits_for_the_gap_of_its_predecessor(connect, ground):
    other = connect()
    other.sql("BEGIN")
    publish(other)
    publish(ground)
    Relay(ground).step()
    lapse(ground)
    relay = Relay(ground, "two")
    for _ in range(3):
        assert relay.step() == []
    other.sql("COMMIT")
    assert relay.step() == [1, 2]


# --- Rooms and retention ----------------------------------------------------------------------------

@pytest.mark.parametrize("statement", ["events_missed", "events_missed_scan"])
def test_missed_events_are_those_of_the_rooms(ground, statement):
    publish(ground, 3)
    ground.sql("INSERT INTO event_log (aggregate, type, rooms, payload) VALUES ('b', 'x', '{user:2}', '{}'),"
               " ('c', 'y', '{}', '{}')")
    take(ground)
    publish(ground)  # not seen yet
    rows = ground.run(statement, after=1, rooms="{user:1,users}", limit=10)
    assert [(row[0], row[1], row[2]) for row in rows] == [(1, 5, 2), (1, 5, 3)]
    assert [row[2] for row in ground.run(statement, after=0, rooms="{user:1,user:2}", limit=2)] == [1, 2]
    for after in (5, 2**63 - 1):
        row, = ground.run(statement, after=after, rooms="{user:1}", limit=10)
        assert row[:3] == (1, 5, None)


@pytest.mark.parametrize("earlier", [0, 700])
def test_missed_events_are_found_by_page(ground, earlier):
    """A room has an event in every tenth row. Some events are older than the pages, as after the upgrade; an empty page
    has no row."""
    publish(ground, earlier or 1)
    ground.sql("UPDATE leases SET position = %s, published = %s WHERE name = 'events'", [earlier, earlier])
    relay = Relay(ground)
    for _ in range(4):
        ground.sql("INSERT INTO event_log (aggregate, type, rooms, payload) SELECT 'a', 'x',"
                   " CASE WHEN n % 10 = 0 THEN '{rider:7,admin}' ELSE ARRAY['user:' || n] END::text[], '{}'"
                   " FROM generate_series(1, 333) n")
        ground.sql("SELECT setval('event_log_id_seq', last_value + 600) FROM event_log_id_seq")
        relay.step()
        relay.step()
    pages = [row[0] for row in ground.sql("SELECT page FROM event_pages ORDER BY page")]
    newest = ground.value("SELECT max(id) FROM events")
    assert pages[0] == (earlier + 1) >> 8 and newest >> 8 >= pages[-1] > pages[0]
    assert len(pages) < pages[-1] - pages[0] + 1
    for room in ("rider:7", "user:13", "nobody", "user:1"):
        expected = [row[0] for row in ground.sql("SELECT id FROM events WHERE %s = ANY (rooms) ORDER BY id", [room])]
        for after in (0, 1, 255, 256, 511, earlier, earlier + 300, newest - 40, newest - 1, newest):
            for limit in (1, 7, 10000):
                rows = ground.run("events_missed", after=after, rooms=f"{{{room},users}}", limit=limit)
                assert [row[2] for row in rows if row[2]] == [its for its in expected if its > after][:limit]


def test_events_are_kept_for_72_hours(ground):
    publish(ground, 600)
    Relay(ground).step()
    Relay(ground).step()
    ground.sql("UPDATE event_log SET created_at = now() - interval '73 hours' WHERE id <= 515")
    before = ground.value("SELECT count(*) FROM event_pages")
    for _ in range(2):
        ground.run("sweep_expired", limit=1000)
    assert seen(ground) == list(range(516, 601))
    assert before == 2 and ground.value("SELECT count(*) FROM event_pages") == 0


def test_the_sequence_of_ids_does_not_cache(db):
    """A session that caches ids would write old ones after the relay has passed them."""
    assert db.value("SELECT seqcache FROM pg_sequence WHERE seqrelid = pg_get_serial_sequence('event_log', 'id')::regclass") == 1


# --- The previous release ---------------------------------------------------------------------------

def test_instances_of_the_previous_release_write_events_and_do_not_lead(ground):
    ground.sql("INSERT INTO outbox (aggregate, type, payload) VALUES ('old', 'step', '{}')")
    previous = (ROOT / "tests/sql/previous/statements.sql").read_text().split("-- name: relay_move\n")[1]
    ground.sql(f"PREPARE relay_move AS {previous.split('-- name:')[0]}")
    row, = ground.sql("EXECUTE relay_move ('old', 0, 500, 500)")
    assert row[0] is False and row[2] == 0 and row[5] is None
    assert ids(take(ground)) == [1]
    assert ground.sql("SELECT aggregate, rooms FROM events") == [("old", [])]


@pytest.mark.parametrize("rows", [0, 3])
def test_the_upgrade_keeps_events_their_ids_and_what_was_not_relayed(dsn, rows):
    admin = psycopg2.connect(dsn)
    admin.autocommit = True
    with admin.cursor() as cursor:
        cursor.execute("DROP DATABASE IF EXISTS reeyo_upgrade")
        cursor.execute("CREATE DATABASE reeyo_upgrade")
    connection = psycopg2.connect(psycopg2.extensions.make_dsn(dsn, dbname="reeyo_upgrade"))
    with connection, connection.cursor() as cursor:
        cursor.execute("SET LOCAL check_function_bodies = off")
        cursor.execute((ROOT / "sql/functions/base.sql").read_text())
        for path in sorted((ROOT / "sql/schema").glob("*.sql")):
            if path.name.startswith("0016"):
                cursor.execute(
                    "INSERT INTO events (aggregate, type, rooms, payload)"
                    f" SELECT 'e' || n, 't', '{{user:1}}', '{{}}' FROM generate_series(1, {rows}) n;"
                    "INSERT INTO outbox (aggregate, type, payload)"
                    f" SELECT 'o' || n, 't', '{{}}' FROM generate_series(1, {rows}) n;"
                    f"DELETE FROM events WHERE id = 1; UPDATE leases SET position = {rows // 2} WHERE name = 'relay'")
            cursor.execute(path.read_text())
        for path in FUNCTION_FILES:
            cursor.execute(path.read_text())
        cursor.execute("SELECT id, aggregate FROM events ORDER BY id")
        assert cursor.fetchall() == ([(2, "e2"), (3, "e3"), (4, "o1"), (5, "o2"), (6, "o3")] if rows else [])
        cursor.execute("SELECT position, published FROM leases WHERE name = 'events'")
        assert cursor.fetchall() == [(2 * rows, rows // 2)]
        cursor.execute("INSERT INTO outbox (aggregate, type, payload) VALUES ('new', 't', '{}') RETURNING id")
        assert cursor.fetchall() == [(2 * rows + 1,)]
    connection.close()
    with admin.cursor() as cursor:
        cursor.execute("DROP DATABASE reeyo_upgrade WITH (FORCE)")
    admin.close()
