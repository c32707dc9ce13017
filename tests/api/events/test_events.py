# SPDX-License-Identifier: MIT
"""Live events: from the row that a statement writes to the streams of its rooms."""

import json
import time

import pytest

from world.streams import Stream
from world.waiting import beside, until


@pytest.fixture
def publish(sql):
    """publish(rooms, type, **payload): inserts an event as a statement does; returns its id."""
    def run(rooms, kind="order_status_update", aggregate="order_x", **payload):
        return sql("INSERT INTO event_log (aggregate, type, rooms, payload) VALUES (%s, %s, %s, %s) "
                   "RETURNING id", aggregate, kind, list(rooms), json.dumps(payload))[0]["id"]
    return run


@pytest.fixture
def listen(server, token):
    """listen("vendor", …): opens a stream of a demo account in its namespace."""
    opened = []

    def run(role, path="events", **more):
        namespace = {"customer": "user", "super": "admin"}.get(role, role)
        stream = Stream(server.port, token(role), f"/api/v1/{namespace}/{path}", **more)
        opened.append(stream)
        return stream
    yield run
    for stream in opened:
        stream.close()


def test_a_stream_starts_with_its_headers_and_a_retry(listen):
    stream = listen("vendor")
    assert stream.status == 200
    assert stream.headers["content-type"] == "text/event-stream"
    assert stream.headers["cache-control"] == "no-store"
    assert stream.headers["x-accel-buffering"] == "no"
    assert stream.retries and stream.quiet()


@pytest.mark.parametrize("role,room", [
    ("customer", "users"), ("vendor", "vendor:vendor_123"), ("vendor", "vendors"),
    ("rider", "rider:rider_demo_1"), ("rider", "riders"), ("admin", "admin"), ("super", "admin")])
def test_an_event_reaches_its_room(listen, publish, role, room):
    stream = listen(role)
    publish([room], "broadcast", title="Bonjour", body="à tous\n")
    event = stream.next()
    assert event.type == "broadcast" and event.id > 0
    assert event.data == {"title": "Bonjour", "body": "à tous\n"}


def test_events_of_another_room_are_not_delivered(listen, publish):
    stream = listen("vendor")
    for room in ("vendor:vendor_124", "user:vendor_123", "rider:vendor_123", "admin", "users", "vendor:"):
        publish([room], "secret")
    publish([], "secret")
    publish(["vendor:vendor_123"], "mine")
    assert stream.next().type == "mine"


def test_an_event_in_several_rooms_of_a_stream_comes_once(listen, publish):
    stream = listen("vendor")
    publish(["vendor:vendor_123", "vendors", "admin"], "twice")
    publish(["vendor:vendor_123"], "end")
    assert [stream.next().type, stream.next().type] == ["twice", "end"]


def test_an_order_placed_over_http_is_delivered_with_rising_ids(listen, customer, publish):
    person = customer()
    with Stream(person.api.port, person.token) as stream:
        first = person.api.post("orders", json={
            "vendorId": "vendor_123", "items": [{"itemId": "item_1", "quantity": 1}], "paymentMethod": "CASH"})
        assert first.status == 201, first
        reply = person.api.put(f"orders/{first.data['orderId']}/cancel", json={"reason": "Changed my mind"})
        assert reply.status == 200, reply
        event = stream.until("order_cancelled")
        assert event.data["orderId"] == first.data["orderId"]
        publish([f"user:{person.id}"], "later")
        assert stream.next().id > event.id


def test_a_vendor_receives_a_new_order_and_the_customer_its_progress(listen, server, token, customer):
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
        received = {}
        while not {"order_accepted", "order_status_update"} <= received.keys():  # among the events for all customers
            event = own.next()
            received[event.type] = event.data
        assert received["order_accepted"]["preparationTime"] == 15
        assert received["order_accepted"]["vendorId"] == "vendor_123"
        assert received["order_status_update"]["status"] == "ACCEPTED"


def test_events_of_one_aggregate_keep_their_order(listen, publish):
    stream = listen("admin")
    for n in range(300):
        publish(["admin"], "step", aggregate="order_row", n=n)
    received = []
    while len(received) < 300:
        event = stream.next()
        if event.type == "step":
            received.append(event)
    assert [event.data["n"] for event in received] == list(range(300))
    assert [event.id for event in received] == sorted(event.id for event in received)


# --- Resuming ---------------------------------------------------------------------------------

def test_a_stream_that_reconnects_misses_nothing(listen, publish):
    with listen("rider") as first:
        publish(["rider:rider_demo_1"], "before", n=0)
        last = first.next().id
    for n in range(350):  # several pages
        publish(["rider:rider_demo_1"], "missed", n=n)
        publish(["rider:rider_other"], "foreign", n=n)
    second = listen("rider", last=last)
    for n in range(20):
        publish(["rider:rider_demo_1"], "live", n=n)
    received = second.take(370)
    assert [event.data["n"] for event in received] == [*range(350), *range(20)]
    assert len({event.id for event in received}) == 370


def test_the_id_may_come_in_the_address(listen, publish):
    with listen("vendor") as first:
        publish(["vendor:vendor_123"], "one")
        last = first.next().id
    publish(["vendor:vendor_123"], "two")
    assert listen("vendor", query={"lastEventId": last}).next().type == "two"


def test_an_admin_can_resume_too(listen, publish):
    with listen("admin") as first:
        publish(["admin"], "mark_admin")
        last = first.until("mark_admin").id
    publish(["admin", "user:x"], "mark_missed")
    assert listen("admin", last=last).until("mark_missed")


def test_an_unknown_id_resets_the_stream(listen, publish):
    stream = listen("vendor", last=10**15)
    reset = stream.next()
    assert reset.type == "reset" and reset.id == reset.data["last"] < 10**15
    publish(["vendor:vendor_123"], "after_reset")
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
def test_the_participants_of_an_order_may_subscribe_to_it(order, server, token, publish, path):
    person, placed = order
    for key in (placed["orderId"], placed["orderNumber"]):
        for namespace, caller in (("user", person.token), ("vendor", token("vendor")),
                                  ("admin", token("admin"))):
            with Stream(server.port, caller, f"/api/v1/{namespace}{path.format(key)}") as stream:
                assert stream.status == 200
                publish([f"order:{placed['orderId']}"], "of_this_order")
                assert stream.until("of_this_order")


@pytest.mark.parametrize("path", ["/orders/{}/events", "/events?orderId={}"])
def test_other_accounts_may_not_subscribe_to_it(order, server, token, path):
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


def test_a_poll_without_waiting_returns_the_present_events(server, token, publish):
    start = poll(server, token("vendor"), wait=0)
    assert start["events"] == []
    publish(["vendor:vendor_123"], "polled", aggregate="order_p", n=1)
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


def test_an_event_ends_a_waiting_poll_at_once(server, token, publish):
    waiting = beside(poll, server, token("rider"), "rider", wait=30)

    def ended():
        publish(["rider:rider_demo_1"], "wake")  # again: the first may come before the poll begins
        return waiting.done()
    until(ended, what="the end of the poll")
    assert waiting.result()["events"][-1]["type"] == "wake"  # not the reply of a poll without events


def test_a_poll_without_events_ends_by_itself(server, customer):
    person = customer()
    began = time.monotonic()
    assert poll(server, person.token, "user", wait=1)["events"] == []
    assert time.monotonic() - began >= 0.9


@pytest.mark.parametrize("query", ["wait=31", "wait=-1", "after=x", "after=-2", "lastEventId=x"])
def test_wrong_query_parameters_are_refused(server, token, query):
    reply = server.api(token("vendor")).get(f"/api/v1/vendor/events?{query}")
    assert reply.status == 400, reply
