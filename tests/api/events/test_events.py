# SPDX-License-Identifier: MIT
"""Live events: from a statement's outbox row to the streams of those whom it concerns."""

import json
import time

import pytest

from world.streams import Stream
from world.waiting import beside, until


@pytest.fixture
def say(sql):
    """say(rooms, type, **payload): an event as a statement says it; its number in the outbox."""
    def run(rooms, kind="order_status_update", aggregate="order_x", **payload):
        return sql("INSERT INTO outbox (aggregate, type, rooms, payload) VALUES (%s, %s, %s, %s) "
                   "RETURNING id", aggregate, kind, list(rooms), json.dumps(payload))[0]["id"]
    return run


@pytest.fixture
def listen(server, token):
    """listen("vendor", …): a stream of a demo account in its namespace."""
    opened = []

    def run(role, path="events", **more):
        namespace = {"customer": "user", "super": "admin"}.get(role, role)
        stream = Stream(server.port, token(role), f"/api/v1/{namespace}/{path}", **more)
        opened.append(stream)
        return stream
    yield run
    for stream in opened:
        stream.close()


def test_a_stream_begins_with_its_headers_and_a_retry(listen):
    stream = listen("vendor")
    assert stream.status == 200
    assert stream.headers["content-type"] == "text/event-stream"
    assert stream.headers["cache-control"] == "no-store"
    assert stream.headers["x-accel-buffering"] == "no"
    assert stream.retries and stream.quiet()


@pytest.mark.parametrize("role,room", [
    ("customer", "users"), ("vendor", "vendor:vendor_123"), ("vendor", "vendors"),
    ("rider", "rider:rider_demo_1"), ("rider", "riders"), ("admin", "admin"), ("super", "admin")])
def test_an_event_reaches_its_room(listen, say, role, room):
    stream = listen(role)
    say([room], "broadcast", title="Bonjour", body="à tous\n")
    event = stream.next()
    assert event.type == "broadcast" and event.id > 0
    assert event.data == {"title": "Bonjour", "body": "à tous\n"}


def test_a_foreign_room_is_not_heard(listen, say):
    stream = listen("vendor")
    for room in ("vendor:vendor_124", "user:vendor_123", "rider:vendor_123", "admin", "users", "vendor:"):
        say([room], "secret")
    say([], "secret")
    say(["vendor:vendor_123"], "mine")
    assert stream.next().type == "mine"


def test_an_event_in_several_rooms_of_a_stream_comes_once(listen, say):
    stream = listen("vendor")
    say(["vendor:vendor_123", "vendors", "admin"], "twice")
    say(["vendor:vendor_123"], "end")
    assert [stream.next().type, stream.next().type] == ["twice", "end"]


def test_an_order_placed_over_http_is_heard_with_rising_ids(listen, customer, say):
    person = customer()
    with Stream(person.api.port, person.token) as stream:
        first = person.api.post("orders", json={
            "vendorId": "vendor_123", "items": [{"itemId": "item_1", "quantity": 1}], "paymentMethod": "CASH"})
        assert first.status == 201, first
        reply = person.api.put(f"orders/{first.data['orderId']}/cancel", json={"reason": "Changed my mind"})
        assert reply.status == 200, reply
        event = stream.until("order_cancelled")
        assert event.data["orderId"] == first.data["orderId"]
        say([f"user:{person.id}"], "later")
        assert stream.next().id > event.id


def test_a_vendor_hears_a_new_order_and_its_customer_what_becomes_of_it(listen, server, token, customer):
    person = customer()
    vendor, admin = listen("vendor"), listen("admin")
    with Stream(server.port, person.token) as own:
        reply = person.api.post("orders", json={
            "vendorId": "vendor_123", "items": [{"itemId": "item_1", "quantity": 1}], "paymentMethod": "CASH"})
        placed = reply.data
        for stream in (vendor, admin):
            event = stream.until("new_order")
            while event.data["orderId"] != placed["orderId"]:
                event = stream.until("new_order")
            assert event.data["orderNumber"] == placed["orderNumber"] and event.data["status"] == "PENDING"
            assert event.data["data"]["items"][0]["itemId"] == "item_1" and event.data["timestamp"]
        reply = server.api(token("vendor")).put(f"/api/v1/vendor/orders/{placed['orderId']}/accept",
                                                json={"preparationTime": 15})
        assert reply.status == 200, reply
        heard = {}
        while not {"order_accepted", "order_status_update"} <= heard.keys():  # among what all customers are told
            event = own.next()
            heard[event.type] = event.data
        assert heard["order_accepted"]["preparationTime"] == 15
        assert heard["order_accepted"]["vendorId"] == "vendor_123"
        assert heard["order_status_update"]["status"] == "ACCEPTED"


def test_events_of_one_aggregate_keep_their_order(listen, say):
    stream = listen("admin")
    for n in range(300):
        say(["admin"], "step", aggregate="order_row", n=n)
    heard = []
    while len(heard) < 300:
        event = stream.next()
        if event.type == "step":
            heard.append(event)
    assert [event.data["n"] for event in heard] == list(range(300))
    assert [event.id for event in heard] == sorted(event.id for event in heard)


# --- Coming back ------------------------------------------------------------------------------

def test_a_stream_that_was_cut_misses_nothing(listen, say):
    with listen("rider") as first:
        say(["rider:rider_demo_1"], "before", n=0)
        last = first.next().id
    for n in range(350):  # several pages
        say(["rider:rider_demo_1"], "missed", n=n)
        say(["rider:rider_other"], "foreign", n=n)
    second = listen("rider", last=last)
    for n in range(20):
        say(["rider:rider_demo_1"], "live", n=n)
    heard = second.take(370)
    assert [event.data["n"] for event in heard] == [*range(350), *range(20)]
    assert len({event.id for event in heard}) == 370


def test_the_id_may_come_in_the_address(listen, say):
    with listen("vendor") as first:
        say(["vendor:vendor_123"], "one")
        last = first.next().id
    say(["vendor:vendor_123"], "two")
    assert listen("vendor", query={"lastEventId": last}).next().type == "two"


def test_an_admin_resumes_too(listen, say):
    with listen("admin") as first:
        say(["admin"], "mark_admin")
        last = first.until("mark_admin").id
    say(["admin", "user:x"], "mark_missed")
    assert listen("admin", last=last).until("mark_missed")


def test_an_id_nobody_knows_resets(listen, say):
    stream = listen("vendor", last=10**15)
    reset = stream.next()
    assert reset.type == "reset" and reset.id == reset.data["last"] < 10**15
    say(["vendor:vendor_123"], "after_reset")
    assert stream.next().type == "after_reset"


# --- One order --------------------------------------------------------------------------------

@pytest.fixture
def order(customer):
    person = customer()
    reply = person.api.post("orders", json={
        "vendorId": "vendor_123", "items": [{"itemId": "item_1", "quantity": 1}], "paymentMethod": "CASH"})
    assert reply.status == 201, reply
    return person, reply.data


@pytest.mark.parametrize("path", ["/orders/{}/events", "/events?orderId={}"])
def test_the_parties_of_an_order_may_hear_of_it(order, server, token, say, path):
    person, placed = order
    for key in (placed["orderId"], placed["orderNumber"]):
        for namespace, caller in (("user", person.token), ("vendor", token("vendor")),
                                  ("admin", token("admin"))):
            with Stream(server.port, caller, f"/api/v1/{namespace}{path.format(key)}") as stream:
                assert stream.status == 200
                say([f"order:{placed['orderId']}"], "of_this_order")
                assert stream.until("of_this_order")


@pytest.mark.parametrize("path", ["/orders/{}/events", "/events?orderId={}"])
def test_others_may_not(order, server, token, path):
    _, placed = order
    for namespace, role, code in (("user", "customer", "ORDER_4002"), ("rider", "rider", "ORDER_4002")):
        reply = server.api(token(role)).get(f"/api/v1/{namespace}{path.format(placed['orderId'])}")
        assert reply.status == 403 and reply.code == code, reply
        reply = server.api(token(role)).get(f"/api/v1/{namespace}{path.format('order_none')}")
        assert reply.status == 404, reply


# --- Polling ----------------------------------------------------------------------------------

def poll(server, token, namespace="vendor", path="events", **query):
    reply = server.api(token).get(f"/api/v1/{namespace}/{path}", query=query)
    assert reply.status == 200, reply
    return reply.data


def test_a_poll_without_waiting_tells_what_there_is(server, token, say):
    start = poll(server, token("vendor"), wait=0)
    assert start["events"] == []
    say(["vendor:vendor_123"], "polled", aggregate="order_p", n=1)
    found = start

    def polled():
        nonlocal found
        found = poll(server, token("vendor"), after=found["last"])
        return [event for event in found["events"] if event["type"] == "polled"]
    event, = until(polled, what="the event")
    assert event["aggregate"] == "order_p" and event["data"] == {"n": 1}
    assert event["at"].endswith("Z") and event["id"] <= found["last"]
    again = poll(server, token("vendor"), after=found["last"])
    assert not [event for event in again["events"] if event["type"] == "polled"]


def test_news_end_a_waiting_poll_at_once(server, token, say):
    waiting = beside(poll, server, token("rider"), "rider", wait=30)
    until(lambda: say(["rider:rider_demo_1"], "wake") or waiting.done(), what="the end of the poll")
    assert waiting.result()["events"][-1]["type"] == "wake"  # not what a poll says that heard nothing


def test_a_poll_that_hears_nothing_ends_by_itself(server, customer):
    person = customer()
    began = time.monotonic()
    assert poll(server, person.token, "user", wait=1)["events"] == []
    assert time.monotonic() - began >= 0.9


@pytest.mark.parametrize("query", ["wait=31", "wait=-1", "after=x", "after=-2", "lastEventId=x"])
def test_wrong_queries_are_refused(server, token, query):
    reply = server.api(token("vendor")).get(f"/api/v1/vendor/events?{query}")
    assert reply.status == 400, reply
