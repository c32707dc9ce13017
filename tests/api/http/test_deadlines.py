# SPDX-License-Identifier: MIT
"""Absolute deadlines: a client that drips a byte now and then is gone in time all the same. What is
proven is that the server closes at all while bytes still arrive, not how fast."""

import socket
import threading
import time

import pytest

PATIENCE = 20  # seconds a client of these tests would go on; the limits are below one
HEALTH = "GET /api/v1/health HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture(scope="module")
def strict(start_server):
    return start_server(header_timeout="600ms", body_timeout="600ms", keepalive_timeout="600ms",
                        send_timeout="900ms", drain_timeout="5s")


def dripped(wire, byte=b"a", pause=0.1):
    """Sends a byte at a time until the server has closed; whether it did while we had patience."""
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
        assert wire.closed(PATIENCE)


def test_a_dripping_request_line_is_cut(strict):
    with strict.wire() as wire:
        wire.send("GET /")
        assert dripped(wire)


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
        assert wire.closed(PATIENCE)


def test_dripping_the_second_request_is_cut(strict):
    with strict.wire() as wire:
        assert wire.send(HEALTH).read().status == 200
        assert dripped(wire)


def test_a_busy_connection_outlives_every_limit(strict):
    """The limits are per request: a client that keeps asking is never cut."""
    with strict.wire() as wire:
        for _ in range(15):
            assert wire.send(HEALTH).read().status == 200
            time.sleep(0.1)


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
            continue  # its buffers are full: it waits for us, as long as it may
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
