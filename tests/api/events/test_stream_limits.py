# SPDX-License-Identifier: MIT
"""Limits of a stream: its account, its token, the process, a client that does not read, the shutdown of the server."""

import json
import socket

import psycopg2
import pytest

from world.accounts import Tokens
from world.streams import Stream
from world.waiting import beside, until

pytestmark = pytest.mark.slow


def execute(server, statement, *arguments):
    connection = psycopg2.connect(server.configuration["database_url"])
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            cursor.execute(statement, arguments or None)
    finally:
        connection.close()


def publish(server, room, kind, **payload):
    execute(server, "INSERT INTO event_log (aggregate, type, rooms, payload) VALUES ('x', %s, %s, %s)",
            kind, [room], json.dumps(payload))


def in_time(server):
    """Its shutdown took less than the time limit."""
    assert not any("the drain took too long" in line.get("msg", "") for line in server.log())


def vendor_stream(server, token, **more):
    return Stream(server.port, token, "/api/v1/vendor/events", **more)


def test_the_oldest_stream_of_an_account_ends_when_it_has_too_many(start_server):
    server = start_server(streams_per_account=2)
    token = Tokens(server)("vendor")
    streams = [vendor_stream(server, token) for _ in range(5)]
    until(lambda: [stream.ended.is_set() for stream in streams] == [True] * 3 + [False] * 2)
    assert all(stream.clean for stream in streams[:3])
    publish(server, "vendor:vendor_123", "still_here")
    for stream in streams[3:]:
        assert stream.next().type == "still_here"
        stream.close()
    with Stream(server.port, Tokens(server)("rider"), "/api/v1/rider/events") as other:
        assert other.status == 200  # another account is not affected


def test_a_process_refuses_streams_beyond_its_limit(start_server):
    server = start_server(streams_max=3, streams_per_account=10)
    token = Tokens(server)("vendor")
    streams = [vendor_stream(server, token) for _ in range(3)]
    reply = server.api(token).get("/api/v1/vendor/events")
    assert reply.status == 503 and reply.headers["Retry-After"], reply
    streams[0].close()
    streams += [None]

    def place_is_free():
        publish(server, "vendor:vendor_123", "tick")  # a client that left is noticed by the next event
        streams[3] = vendor_stream(server, token)
        return streams[3].status == 200
    until(place_is_free)
    for stream in streams:
        stream.close()


def test_a_stream_ends_with_its_token(start_server):
    server = start_server(access_ttl="6s", stream_ping="200ms")
    with vendor_stream(server, Tokens(server)("vendor")) as stream:
        until(stream.ended.is_set)
        assert stream.clean and stream.pings >= 1


def test_a_stream_ends_with_its_session(start_server):
    server = start_server(stream_ping="200ms")
    reply = server.api().post("auth/login", json={"phone": "+237670000001", "password": "Test123!@#"})
    with Stream(server.port, reply.data["token"]) as stream:
        until(lambda: stream.pings >= 2)
        assert server.api(reply.data["token"]).post("auth/logout").status == 200
        until(stream.ended.is_set)
        assert stream.clean


def deaf(server, token):
    """A stream whose client never reads."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.connect(("127.0.0.1", server.port))
    client.sendall(f"GET /api/v1/vendor/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n"
                   .encode())
    return client


def test_a_client_that_does_not_read_is_disconnected_and_others_receive_everything(start_server):
    server = start_server(stream_ping="2s")
    token = Tokens(server)("vendor")
    client = deaf(server, token)
    until(lambda: server.metric("reeyo_streams_open") == 1)
    with vendor_stream(server, token) as reader:
        execute(server, "INSERT INTO event_log (aggregate, type, rooms, payload) "
                        "SELECT 'x', 'much', '{vendor:vendor_123}', json_build_object('n', n, 'fill', "
                        "repeat('x', 4000)) FROM generate_series(1, 3000) n")
        received = reader.take(3000, 120)
        assert [event.data["n"] for event in received] == list(range(1, 3001))
        until(lambda: server.metric("reeyo_streams_cut_total") == 1)
        until(lambda: server.metric("reeyo_streams_open") == 1)
        assert not reader.ended.is_set()
    client.close()


def test_a_burst_disconnects_no_client_that_reads(start_server):
    """More events at once than the queue holds: they are read from the table, at the pace of the client."""
    server = start_server()
    with vendor_stream(server, Tokens(server)("vendor")) as stream:
        execute(server, "INSERT INTO event_log (aggregate, type, rooms, payload) "
                        "SELECT 'x', 'burst', '{vendor:vendor_123}', json_build_object('n', n) "
                        "FROM generate_series(1, 5000) n")
        assert [event.data["n"] for event in stream.take(5000, 120)] == list(range(1, 5001))
    assert server.metric("reeyo_streams_cut_total") == 0


def test_a_shutdown_sends_clients_different_times_to_reconnect(start_server):
    server = start_server(streams_per_account=100)
    token = Tokens(server)("vendor")
    streams = [vendor_stream(server, token) for _ in range(20)]
    server.stop()
    in_time(server)
    for stream in streams:
        until(stream.ended.is_set)
        assert stream.clean and 1000 <= stream.retries[-1] <= 5000 and len(stream.retries) == 2
        stream.close()
    assert len({stream.retries[-1] for stream in streams}) > 1
    ended = [line for line in server.log() if line.get("route") == "/events"]
    assert len(ended) == 20 and all(line["status"] == 200 and line["bytes"] > 0 for line in ended)


def test_a_shutdown_answers_polls_and_disconnects_clients_that_do_not_read(start_server):
    server = start_server()
    token = Tokens(server)("vendor")
    waiting = beside(server.api(token).get, "/api/v1/vendor/events", query={"wait": 30})
    client = deaf(server, token)
    until(lambda: server.metric("reeyo_streams_open") == 1)
    execute(server, "INSERT INTO event_log (aggregate, type, rooms, payload) "
                    "SELECT 'x', 'much', '{vendor:vendor_123}', json_build_object('fill', repeat('x', 4000)) "
                    "FROM generate_series(1, 3000)")
    until(lambda: server.metric("reeyo_events_relayed_total") >= 3000)
    server.stop()
    assert waiting.result().status == 200
    in_time(server)
    client.close()


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_a_stream_works_in_both_versions_of_http(start_server, version):
    server = start_server()
    token = Tokens(server)("vendor")
    with server.wire() as wire:
        wire.send(f"GET /api/v1/vendor/events HTTP/{version}\r\nHost: x\r\n"
                  f"Authorization: Bearer {token}\r\n\r\n")
        until(lambda: server.metric("reeyo_streams_open") == 1)
        publish(server, "vendor:vendor_123", "plain", n=1)
        text = b""
        while b"event: plain\ndata: {\"n\": 1}\n\n" not in text:
            part = wire.socket.recv(4096)
            assert part, text
            text += part
        assert (b"Transfer-Encoding: chunked" in text) == (version == "1.1")


def test_an_id_older_than_the_kept_events_resets_the_stream(start_server):
    server = start_server()
    token = Tokens(server)("vendor")
    with vendor_stream(server, token) as stream:
        for n in range(4):
            publish(server, "vendor:vendor_123", "old", n=n)
        ids = [event.id for event in stream.take(4)]
    execute(server, "DELETE FROM events WHERE id < %s", ids[3])
    with vendor_stream(server, token, last=ids[2]) as stream:  # no event between the two was deleted
        assert stream.next().id == ids[3]
    with vendor_stream(server, token, last=ids[0]) as stream:
        reset = stream.next()
        assert reset.type == "reset" and reset.data["last"] == ids[3]
    reply = server.api(token).get("/api/v1/vendor/events", query={"after": ids[0], "wait": 5})
    assert reply.data == {"events": [], "last": ids[3], "reset": True}


def test_head_has_no_stream(start_server):
    server = start_server()
    reply = server.api(Tokens(server)("vendor")).head("/api/v1/vendor/events")
    assert reply.status == 200 and server.metric("reeyo_streams_open") == 0
