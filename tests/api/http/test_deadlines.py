# SPDX-License-Identifier: MIT
"""Absolute deadlines: a client that sends single bytes slowly is disconnected in time. The tests prove that the server
closes the connection while bytes still arrive, not how fast."""

import socket
import threading
import time

import pytest

from world.waiting import PATIENCE, until

pytestmark = pytest.mark.slow

LIMIT = 2  # seconds, for each deadline
HEALTH = "GET /api/v1/health HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture(scope="module")
def strict(start_server):
    limits = ("header_timeout", "body_timeout", "keepalive_timeout", "send_timeout")
    return start_server(**dict.fromkeys(limits, f"{LIMIT}s"))


def dripped(wire, byte=b"a", pause=0.1):
    """Sends one byte at a time until the server closes the connection; False when it does not within PATIENCE."""
    wire.socket.settimeout(pause)
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        try:
            wire.socket.send(byte)
            if wire.socket.recv(4096) == b"":
                return True
        except TimeoutError:
            continue
        except (ConnectionResetError, BrokenPipeError):
            return True
    return False


def test_a_silent_connection_is_closed(strict):
    with strict.wire() as wire:
        assert wire.closed()


def test_a_dripping_request_line_is_cut(strict):
    with strict.wire() as wire:
        wire.send("GET /")
        assert dripped(wire)


@pytest.mark.parametrize("part", ["GET /api/v1/hea", "G", "GET /api/v1/health HTTP/1.1\r\nHo",
                                  HEALTH + "POST /api/v1/auth"])
def test_an_incomplete_head_gets_408_at_its_deadline(strict, part):
    with strict.wire() as wire:
        wire.send(part)
        if part.startswith(HEALTH):
            assert wire.read().status == 200
        reply = wire.read()
        assert (reply.status, reply.code) == (408, "REQUEST_TIMEOUT") and reply.headers["X-Request-Id"]
        assert wire.closed()


def test_dripping_headers_are_cut(strict):
    with strict.wire() as wire:
        wire.send("GET /api/v1/health HTTP/1.1\r\nHost: x\r\nX-Slow: ")
        assert dripped(wire)


def test_a_dripping_body_is_cut(strict):
    with strict.wire() as wire:
        wire.send("POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n"
                  "Content-Type: application/json\r\n\r\n{")
        assert dripped(wire)


def test_dripping_chunks_are_cut(strict):
    with strict.wire() as wire:
        wire.send("POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
                  "Content-Type: application/json\r\n\r\n")
        assert dripped(wire, b"1\r\n \r\n")


def test_dripping_chunks_of_a_refused_body_are_cut(strict):
    with strict.wire() as wire:
        wire.send("POST /api/v1/no-such HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        assert dripped(wire, b"1\r\n \r\n")


def test_an_idle_kept_alive_connection_is_closed(strict):
    with strict.wire() as wire:
        assert wire.send(HEALTH).read().status == 200
        assert wire.closed()


def test_dripping_the_second_request_is_cut(strict):
    with strict.wire() as wire:
        assert wire.send(HEALTH).read().status == 200
        assert dripped(wire)


def test_a_busy_connection_outlives_every_deadline(strict):
    """The deadlines are per request, so a client that keeps sending requests is never cut. Repeated when the client itself
    was delayed for longer than a deadline."""
    def outlived():
        began = asked = time.monotonic()
        with strict.wire() as wire:
            try:
                while time.monotonic() - began < 2 * LIMIT:
                    time.sleep(0.1)
                    silent, asked = time.monotonic() - asked, time.monotonic()
                    assert wire.send(HEALTH).read().status == 200
            except (OSError, EOFError):
                assert max(silent, time.monotonic() - asked) > LIMIT / 2, "cut in the middle"
                return False
        return True
    until(outlived, what="a client that keeps sending requests")


def test_a_client_that_does_not_read_its_answers_is_cut(strict):
    wire = strict.wire()
    wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    request = b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * 200
    wire.socket.settimeout(0.2)
    end = time.monotonic() + PATIENCE
    cut = False
    while not cut and time.monotonic() < end:
        try:
            wire.socket.send(request)
            time.sleep(0.1)
        except TimeoutError:
            continue  # the server's buffers are full: it waits until its deadline
        except (ConnectionResetError, BrokenPipeError):
            cut = True
    wire.close()
    assert cut


def test_others_are_served_while_hundreds_drip(strict):
    slow = [strict.wire() for _ in range(300)]
    stop = threading.Event()

    def drip():
        while not stop.is_set():
            for wire in slow:
                try:
                    wire.socket.send(b"G")
                except OSError:
                    pass
            stop.wait(0.1)
    dripping = threading.Thread(target=drip)
    dripping.start()
    try:
        api = strict.api()
        for _ in range(50):
            assert api.get("health").status == 200
    finally:
        stop.set()
        dripping.join()
        for wire in slow:
            wire.close()
