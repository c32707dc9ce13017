# SPDX-License-Identifier: MIT
"""Delivery of events during failures: Redis stopped, the leading instance killed."""

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


class Publisher:
    """Writes `rate` events per second with SQL, one statement each, numbered within their aggregate."""

    def __init__(self, url, rate):
        self.url, self.rate = url, rate
        self.published = {f"order_{n}": 0 for n in range(AGGREGATES)}
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
        return sum(self.published.values())

    def _run(self):
        connection = psycopg2.connect(self.url)
        connection.autocommit = True
        began, count = time.monotonic(), 0
        with connection.cursor() as cursor:
            while not self.going.is_set():
                name = f"order_{count % AGGREGATES}"
                cursor.execute(
                    "INSERT INTO event_log (aggregate, type, rooms, payload) VALUES (%s, 'step', %s, %s)",
                    (name, ["vendor:vendor_123", f"order:{name}"],
                     json.dumps({"order": name, "n": self.published[name]})))
                self.published[name] += 1
                count += 1
                time.sleep(max(0, began + count / self.rate - time.monotonic()))
        connection.close()

    def wait_for(self, more):
        goal = self.total + more
        until(lambda: self.total >= goal, what=f"{more} more events")


def assert_delivered(stream, published):
    """Asserts that every published event arrived once, in order within its aggregate."""
    received = stream.take(sum(published.values()))
    ids = [event.id for event in received]
    assert ids == sorted(set(ids))
    for name, count in published.items():
        assert [event.data["n"] for event in received if event.data["order"] == name] == list(range(count))
    assert stream.quiet()
    return received


def arrives_by(stream, total):
    """Waits until this many events have arrived, read or not."""
    until(lambda: stream.events.qsize() >= total, what="the arrival of events without Redis")


@pytest.fixture
def pair(own_stores):
    """Two instances on one database and one Redis; the first one started leads."""
    url = own_stores.databases.fresh()
    instances = [Server(url, own_stores.redis_url) for _ in range(2)]
    instances[0].start()
    wait_leading(instances[0])
    instances[1].start()
    for instance in instances:
        instance.stores = own_stores
    yield instances
    for instance in instances:
        instance.close()


def wait_leading(instance):
    instance.wait(lambda: any(line.get("msg") == "relaying events" for line in instance.log()), what="leading")


def listen(instance, **more):
    return Stream(instance.port, Tokens(instance)("vendor"), "/api/v1/vendor/events", **more)


class Channel:
    """The frames published on the channel `events`, by id."""

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


def test_killing_the_leading_instance_under_load_loses_no_event(pair):
    leader, other = pair
    channel = Channel(leader.stores)
    with listen(other) as stream, listen(leader) as cut:
        with Publisher(other.configuration["database_url"], 200) as publisher:
            publisher.wait_for(300)
            leader.kill()
            sql = Database(other.configuration["database_url"])
            assert sql("SELECT until - now() < interval '4 seconds' AS soon FROM leases WHERE name = 'events'")[0]["soon"]
            sql.close()
            wait_leading(other)
            publisher.wait_for(500)
        received = assert_delivered(stream, publisher.published)
        assert cut.ended.wait(PATIENCE)
        gone_at = cut.last
        with listen(other, last=gone_at) as again:  # the client of the killed instance connects to the other
            rest = [event.id for event in received if event.id > gone_at]
            assert [event.id for event in again.take(len(rest))] == rest
    until(lambda: {event.id for event in received} <= set(channel.frames), what="the publication of every event")
    channel.close()
    assert all(len(set(frames)) == 1 for frames in channel.frames.values())
    kept = [int(ident.split(b"-")[0]) for ident, _ in channel.store.xrange("events")]
    assert kept == sorted(set(kept)) and set(kept) >= {event.id for event in received}


def test_events_wait_for_an_earlier_one_that_is_not_committed_also_under_a_new_leader(pair):
    leader, other = pair
    url = other.configuration["database_url"]
    held = psycopg2.connect(url)
    with listen(other) as stream:
        with held.cursor() as cursor:
            cursor.execute("INSERT INTO event_log (aggregate, type, rooms, payload) VALUES ('x', 'step', %s, %s)",
                           (["vendor:vendor_123"], json.dumps({"order": "held", "n": 0})))
        with Publisher(url, 100) as publisher:
            publisher.wait_for(50)
            log = leader.wait_log(msg="events wait for transactions that have not ended")
            assert log["pids"] == str(held.info.backend_pid)
            leader.kill()
            wait_leading(other)
            until(lambda: other.metric("reeyo_relay_gap_milliseconds") > 0, what="the gap at the new leader")
            publisher.wait_for(50)
        assert stream.quiet()
        held.commit()
        received = stream.take(publisher.total + 1)
        assert received[0].data["order"] == "held"
        ids = [event.id for event in received]
        assert ids == sorted(set(ids)) and stream.quiet()
        until(lambda: other.metric("reeyo_relay_gap_milliseconds") == 0, what="the end of the gap")
    held.close()


def test_events_arrive_while_redis_is_down(pair):
    leader, other = pair
    stores = leader.stores
    with listen(other) as stream, listen(leader) as near:
        with Publisher(other.configuration["database_url"], 200) as publisher:
            for _ in range(2):
                publisher.wait_for(100)
                stores.redis_kill()
                publisher.wait_for(200)
                arrives_by(stream, publisher.total)  # before Redis is back
                stores.redis_start()
                publisher.wait_for(200)
        assert_delivered(stream, publisher.published)
        received = assert_delivered(near, publisher.published)
    # and Redis gets the missed events, for readers of the stream there
    store = redis.Redis(unix_socket_path=str(stores.dir / "run/redis.sock"))
    until(lambda: received[-1].id in {int(ident.split(b"-")[0]) for ident, _ in store.xrange("events")},
          what="the last event in Redis")


def test_a_server_without_redis_delivers_events(own_stores):
    server = Server(own_stores.databases.fresh(), "").start()
    try:
        with listen(server) as stream:
            with Publisher(server.configuration["database_url"], 200) as publisher:
                publisher.wait_for(200)
            assert_delivered(stream, publisher.published)
    finally:
        server.close()


def test_restarting_postgresql_under_streams_loses_no_event(pair):
    leader, other = pair
    stores = leader.stores
    with listen(other) as stream:
        with Publisher(other.configuration["database_url"], 200) as publisher:
            publisher.wait_for(200)
        stores.postgres_stop()
        stores.postgres_start()
        first = dict(publisher.published)
        with Publisher(other.configuration["database_url"], 200) as publisher:
            publisher.published = dict(first)
            publisher.wait_for(200)
        assert_delivered(stream, publisher.published)


def test_a_stopped_instance_hands_over(pair):
    leader, other = pair
    with listen(other) as stream:
        with Publisher(other.configuration["database_url"], 100) as publisher:
            publisher.wait_for(50)
            leader.stop()
            publisher.wait_for(300)
        assert_delivered(stream, publisher.published)


def test_subscribers_that_are_disconnected_repeatedly_lose_no_event(pair):
    """Redis does not keep messages that it publishes while nobody is subscribed."""
    leader, other = pair
    store = redis.Redis(unix_socket_path=str(leader.stores.dir / "run/redis.sock"))
    with listen(other) as stream:
        with Publisher(other.configuration["database_url"], 200) as publisher:
            for _ in range(10):
                publisher.wait_for(40)
                store.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
        assert_delivered(stream, publisher.published)


def test_an_ephemeral_event_reaches_all_instances_and_is_not_stored(pair):
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


def test_events_of_another_database_on_the_same_redis_are_ignored(pair):
    mine = pair[1]
    foreign = Server(mine.stores.databases.fresh(), mine.stores.redis_url).start()
    try:
        with listen(mine) as stream, listen(foreign) as theirs:
            with Publisher(foreign.configuration["database_url"], 200) as publisher:
                publisher.wait_for(100)
            assert_delivered(theirs, publisher.published)
            with Publisher(mine.configuration["database_url"], 200) as publisher:
                publisher.wait_for(50)
            assert_delivered(stream, publisher.published)
    finally:
        foreign.close()
