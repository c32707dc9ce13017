# SPDX-License-Identifier: MIT
"""The way of events while what carries them breaks: Redis stopped, the leading copy killed."""

import json
import threading
import time

import psycopg2
import pytest
import redis

from world.accounts import Tokens
from world.database import Database
from world.server import Server
from world.streams import Stream
from world.waiting import PATIENCE, until

pytestmark = pytest.mark.slow

AGGREGATES = 20


class Speaker:
    """Says `rate` events a second by SQL, each a statement of its own, numbered within its aggregate."""

    def __init__(self, url, rate):
        self.url, self.rate = url, rate
        self.said = {f"order_{n}": 0 for n in range(AGGREGATES)}
        self.going = threading.Event()
        self.thread = threading.Thread(target=self._run)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.going.set()
        self.thread.join(PATIENCE)

    @property
    def total(self):
        return sum(self.said.values())

    def _run(self):
        connection = psycopg2.connect(self.url)
        connection.autocommit = True
        began, count = time.monotonic(), 0
        with connection.cursor() as cursor:
            while not self.going.is_set():
                name = f"order_{count % AGGREGATES}"
                cursor.execute(
                    "INSERT INTO outbox (aggregate, type, rooms, payload) VALUES (%s, 'step', %s, %s)",
                    (name, ["vendor:vendor_123", f"order:{name}"],
                     json.dumps({"order": name, "n": self.said[name]})))
                self.said[name] += 1
                count += 1
                time.sleep(max(0, began + count / self.rate - time.monotonic()))
        connection.close()

    def wait_for(self, more):
        goal = self.total + more
        until(lambda: self.total >= goal, what=f"{more} more events")


def judge(stream, said):
    """Everything that was said arrived, once, in order within its aggregate."""
    heard = stream.take(sum(said.values()))
    ids = [event.id for event in heard]
    assert ids == sorted(set(ids))
    for name, count in said.items():
        assert [event.data["n"] for event in heard if event.data["order"] == name] == list(range(count))
    assert stream.quiet()
    return heard


def arrives_by(stream, total):
    """So many events have arrived, read or not."""
    until(lambda: stream.events.qsize() >= total, what="the arrival of events without Redis")


@pytest.fixture
def pair(own_stores):
    """Two copies on one database and one Redis; the first to be started leads."""
    url = own_stores.databases.fresh()
    copies = [Server(url, own_stores.redis_url) for _ in range(2)]
    copies[0].start()
    led(copies[0])
    copies[1].start()
    for copy in copies:
        copy.stores = own_stores
    yield copies
    for copy in copies:
        copy.close()


def led(copy):
    copy.wait(lambda: any(line.get("msg") == "relaying events" for line in copy.log()), what="leading")


def listen(copy, **more):
    return Stream(copy.port, Tokens(copy)("vendor"), "/api/v1/vendor/events", **more)


class Channel:
    """What the channel `events` carried: frames by id."""

    def __init__(self, stores):
        self.store = redis.Redis(unix_socket_path=str(stores.dir / "run/redis.sock"))
        self.frames = {}
        self.pubsub = self.store.pubsub()
        self.pubsub.subscribe("events")
        self.going = threading.Event()
        self.reader = threading.Thread(target=self._run, daemon=True)
        self.reader.start()

    def _run(self):
        while not self.going.is_set():
            message = self.pubsub.get_message(timeout=0.1)
            if message and message["type"] == "message":
                head, _, payload = message["data"].partition(b"\n")
                self.frames.setdefault(int(head.split()[1]), []).append(payload)

    def close(self):
        self.going.set()
        self.reader.join(PATIENCE)


def test_the_leading_copy_killed_under_load_loses_nothing(pair):
    leader, other = pair
    channel = Channel(leader.stores)
    with listen(other) as stream, listen(leader) as cut:
        with Speaker(other.configuration["database_url"], 200) as speaker:
            speaker.wait_for(300)
            leader.kill()
            sql = Database(other.configuration["database_url"])
            assert sql("SELECT until - now() < interval '4 seconds' AS soon FROM leases WHERE name = 'relay'")[0]["soon"]
            sql.close()
            led(other)
            speaker.wait_for(500)
        heard = judge(stream, speaker.said)
        assert cut.ended.wait(PATIENCE)
        gone_at = cut.last
        with listen(other, last=gone_at) as again:  # the client of the dead copy goes to the other
            rest = [event.id for event in heard if event.id > gone_at]
            assert [event.id for event in again.take(len(rest))] == rest
    until(lambda: {event.id for event in heard} <= set(channel.frames), what="the publication of every event")
    channel.close()
    assert all(len(set(frames)) == 1 for frames in channel.frames.values())
    kept = [int(ident.split(b"-")[0]) for ident, _ in channel.store.xrange("events")]
    assert kept == sorted(set(kept)) and set(kept) >= {event.id for event in heard}


def test_while_redis_is_away_events_arrive_all_the_same(pair):
    leader, other = pair
    stores = leader.stores
    with listen(other) as stream, listen(leader) as near:
        with Speaker(other.configuration["database_url"], 200) as speaker:
            for _ in range(2):
                speaker.wait_for(100)
                stores.redis_kill()
                speaker.wait_for(200)
                arrives_by(stream, speaker.total)  # not only once it is back
                stores.redis_start()
                speaker.wait_for(200)
        judge(stream, speaker.said)
        heard = judge(near, speaker.said)
    # and Redis gets what it missed, for whoever reads the stream there
    store = redis.Redis(unix_socket_path=str(stores.dir / "run/redis.sock"))
    until(lambda: heard[-1].id in {int(ident.split(b"-")[0]) for ident, _ in store.xrange("events")},
          what="the last event in Redis")


def test_a_server_without_redis_carries_events(own_stores):
    server = Server(own_stores.databases.fresh(), "").start()
    try:
        with listen(server) as stream:
            with Speaker(server.configuration["database_url"], 200) as speaker:
                speaker.wait_for(200)
            judge(stream, speaker.said)
    finally:
        server.close()


def test_postgresql_restarted_under_streams_loses_nothing(pair):
    leader, other = pair
    stores = leader.stores
    with listen(other) as stream:
        with Speaker(other.configuration["database_url"], 200) as speaker:
            speaker.wait_for(200)
        stores.postgres_stop()
        stores.postgres_start()
        first = dict(speaker.said)
        with Speaker(other.configuration["database_url"], 200) as speaker:
            speaker.said = dict(first)
            speaker.wait_for(200)
        judge(stream, speaker.said)


def test_a_copy_that_stops_hands_over(pair):
    leader, other = pair
    with listen(other) as stream:
        with Speaker(other.configuration["database_url"], 100) as speaker:
            speaker.wait_for(50)
            leader.stop()
            speaker.wait_for(300)
        judge(stream, speaker.said)


def test_subscribers_thrown_out_again_and_again_lose_nothing(pair):
    """Redis forgets what it publishes while nobody listens."""
    leader, other = pair
    store = redis.Redis(unix_socket_path=str(leader.stores.dir / "run/redis.sock"))
    with listen(other) as stream:
        with Speaker(other.configuration["database_url"], 200) as speaker:
            for _ in range(10):
                speaker.wait_for(40)
                store.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
        judge(stream, speaker.said)


def test_a_passing_event_is_heard_by_all_copies_and_kept_nowhere(pair):
    leader, other = pair
    store = redis.Redis(unix_socket_path=str(leader.stores.dir / "run/redis.sock"))
    with listen(other) as far, listen(leader) as near:
        connection = psycopg2.connect(other.configuration["database_url"])
        with connection, connection.cursor() as cursor:
            cursor.execute("SELECT event_source()")
            source = cursor.fetchone()[0]
        frame = f'{source} 0 0 rider_location_update - vendor:vendor_123\n{{"riderId":"r"}}'
        store.publish("passing", frame.replace(source, "elsewhere.1"))
        store.publish("passing", "nonsense")
        store.publish("passing", frame)
        for stream in (far, near):
            event = stream.next()
            assert event.type == "rider_location_update" and event.id is None and event.data == {"riderId": "r"}
            assert stream.quiet()
        with connection, connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM events WHERE type = 'rider_location_update'")
            assert cursor.fetchone()[0] == 0
        connection.close()


def test_another_database_on_the_same_redis_is_not_heard(pair):
    mine = pair[1]
    foreign = Server(mine.stores.databases.fresh(), mine.stores.redis_url).start()
    try:
        with listen(mine) as stream, listen(foreign) as theirs:
            with Speaker(foreign.configuration["database_url"], 200) as speaker:
                speaker.wait_for(100)
            judge(theirs, speaker.said)
            with Speaker(mine.configuration["database_url"], 200) as speaker:
                speaker.wait_for(50)
            judge(stream, speaker.said)
    finally:
        foreign.close()
