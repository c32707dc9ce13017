# SPDX-License-Identifier: MIT
"""A request that waits for PostgreSQL: its connection is suspended meanwhile, and what arrives then is not lost."""

import contextlib
import json
import socket

import pytest

from world.database import Database
from world.tokens import issue
from world.waiting import until


def rename(one, more="", body=None):
    body = json.dumps({"name": "Awa Ngono"} if body is None else body).encode()
    return (f"PUT /api/v1/auth/profile HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {issue('USER', one.id)}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n{more}\r\n").encode() + body


def health(request_id):
    return f"GET /api/v1/health HTTP/1.1\r\nHost: x\r\nX-Request-Id: {request_id}\r\n\r\n".encode()


@pytest.fixture
def waiting(server, sql, customer):
    """A connection whose request waits for a row that a second session holds, until `free` is called."""
    one, holder = customer(), Database(server.configuration["database_url"])
    holder.connection.autocommit = False
    holder("SELECT 1 FROM users WHERE id = %s FOR UPDATE", one.id)
    with contextlib.closing(holder), server.wire() as wire:
        wire.account, wire.free = one, holder.connection.rollback

        def start(more=b""):
            wire.send(rename(one, "X-Request-Id: first\r\n") + more)
            until(lambda: sql.waits_for(holder), what="waiting for the row")
            return wire
        yield start


def names(wire, count):
    return [wire.read().headers["X-Request-Id"] for _ in range(count)]


def test_requests_that_arrive_during_the_wait_are_answered_after_it(waiting):
    wire = waiting()
    for n in range(3):
        wire.send(health(f"later-{n}"))
    wire.free()
    assert names(wire, 4) == ["first", "later-0", "later-1", "later-2"]


def test_a_part_of_a_request_that_arrives_during_the_wait_is_kept(waiting):
    wire = waiting(health("second") + health("third")[:20])
    wire.send(health("third")[20:30])
    wire.free()
    assert names(wire, 2) == ["first", "second"]
    wire.send(health("third")[30:])
    assert names(wire, 1) == ["third"]


def test_a_connection_serves_further_requests_after_a_wait(waiting):
    wire = waiting()
    wire.free()
    assert names(wire, 1) == ["first"]
    for n in range(20):
        assert names(wire.send(rename(wire.account, f"X-Request-Id: {n}\r\n")), 1) == [str(n)]


def test_a_large_body_is_read_whole_after_a_wait(waiting):
    wire = waiting()
    wire.send(rename(wire.account, "X-Request-Id: large\r\n", {"name": "Awa Ngono", "unknown": "x" * 50000}))
    wire.free()
    assert names(wire, 2) == ["first", "large"]


def connections(server):
    return server.metric("reeyo_http_connections")


@pytest.mark.parametrize("how", [socket.SHUT_WR, socket.SHUT_RDWR])
def test_a_client_that_leaves_during_the_wait_is_noticed(server, waiting, how):
    wire = waiting()
    before = connections(server)
    wire.socket.shutdown(how)
    wire.free()
    if how == socket.SHUT_WR:
        assert names(wire, 1) == ["first"]
    until(lambda: connections(server) < before, what="closing the connection")


def test_the_end_that_comes_with_the_request_is_noticed(server, api):
    with server.wire() as wire:
        wire.send(health("only"))
        wire.socket.shutdown(socket.SHUT_WR)
        assert wire.read().headers["X-Request-Id"] == "only"
        assert wire.closed()
    assert api.get("health").status == 200


def test_urgent_data_does_no_harm(waiting, api):
    """The library closes such a connection, unless it has read past the mark before it notices."""
    wire = waiting()
    wire.socket.send(b"!", socket.MSG_OOB)
    wire.send(health("second").replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
    wire.free()
    assert wire.rest() is not None
    assert api.get("health").status == 200
