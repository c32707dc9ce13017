# SPDX-License-Identifier: MIT
"""SIGTERM: accepted requests are answered, and the process ends with 0."""

import http.client
import socket
import threading

import psycopg2
import pytest

from world.accounts import Tokens
from world.traffic import Traffic
from world.waiting import PATIENCE, beside, until

pytestmark = pytest.mark.slow

ORDER = {"vendorId": "vendor_123", "items": [{"itemId": "item_1", "quantity": 1}]}


def order_count(server):
    connection = psycopg2.connect(server.configuration["database_url"])
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM orders")
            return cursor.fetchone()[0]
    finally:
        connection.close()


def logged(server, message):
    return any(line.get("msg") == message for line in server.log())


@pytest.mark.parametrize("turn", range(3))
def test_sigterm_under_load_loses_no_accepted_request(start_server, turn):
    """Each client sends a request on a persistent connection and reads the response. When the server stops,
    a connection may only end between a response and the next request. That request must not have been
    executed, which the number of orders proves."""
    server = start_server()
    token = Tokens(server)()
    before = order_count(server)
    placed, failed = [], []
    going = threading.Event()

    def client(number):
        api = server.api(token)
        while True:
            try:
                reply = api.post("orders", json=ORDER,
                                 headers={"Idempotency-Key": f"term-{turn}-{number}-{len(placed)}"})
            except ConnectionRefusedError:
                return
            except (OSError, http.client.HTTPException) as fault:
                if not going.is_set():
                    failed.append(repr(fault))
                return
            if reply.status == 201:
                placed.append(reply.data["orderId"])
            elif not (reply.status == 503 and going.is_set()):
                failed.append(reply.status)
            if reply.headers.get("Connection", "").lower() == "close" and going.is_set():
                return

    clients = [beside(client, n) for n in range(12)]
    server.wait(lambda: len(placed) >= 60 or failed, what="taking orders")
    assert not failed
    going.set()
    server.stop()
    for one in clients:
        one.result()
    assert not failed
    assert len(set(placed)) == len(placed)
    assert order_count(server) - before == len(placed), "an order was placed without a reply"


def test_a_request_in_flight_is_answered(start_server):
    """A body that arrives after SIGTERM, for headers that arrived before."""
    server = start_server()
    wire = server.wire()
    body = b'{"phone":"+237670000001","password":"Test123!@#"}'
    wire.send(b"POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
              b"Content-Length: %d\r\n\r\n" % len(body) + body[:5])
    server.wait(lambda: server.metric("reeyo_http_requests_running") > 0, what="reading the request")
    server.signal(15)
    server.wait(lambda: logged(server, "draining"), what="draining")
    wire.send(body[5:])
    reply = wire.read()
    assert reply.status == 200 and reply.headers["Connection"].lower() == "close"
    assert wire.closed()
    server.stop()


def test_pipelined_requests_are_all_answered(start_server):
    server = start_server()
    token = Tokens(server)()
    with server.wire() as wire:
        wire.send((f"GET /api/v1/orders HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n"
                   "\r\n") * 20)
        first = wire.read()
        server.signal(15)
        answers = [first]
        while answers[-1].headers.get("Connection", "").lower() != "close" and len(answers) < 20:
            answers.append(wire.read())
    assert {reply.status for reply in answers} == {200}
    server.stop()


def test_readiness_fails_first_while_requests_are_still_served(start_server):
    server = start_server(drain_delay="10m")
    api = server.api()
    server.signal(15)
    until(lambda: api.get("/readyz").status == 503, what="the end of readiness")
    assert api.get("vendors/vendor_123/menu").status == 200
    server.signal(15)  # a second signal stops it at once
    server.stop()


def test_idle_connections_do_not_delay_the_stop(start_server):
    server = start_server(drain_timeout="10m")
    idle = [server.wire() for _ in range(50)]
    for wire in idle:
        wire.send("GET /api/v1/health HTTP/1.1\r\nHost: x\r\n\r\n")
        assert wire.read().status == 200
    server.stop()  # does not take the whole drain time
    for wire in idle:
        wire.close()


def test_a_client_that_never_finishes_is_closed_after_the_drain_time(start_server):
    server = start_server(drain_timeout="1s", body_timeout="60s")
    wire = server.wire()
    wire.send("POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
    server.wait(lambda: server.metric("reeyo_http_requests_running") > 0, what="reading the request")
    server.stop()
    assert logged(server, "the drain took too long, remaining requests are cut")
    wire.close()


def test_the_port_is_free_after_the_stop(start_server):
    server = start_server()
    port = server.port
    server.stop()
    with socket.socket() as again:
        again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        again.bind(("127.0.0.1", port))


def test_sigint_stops_the_server_too(start_server):
    server = start_server()
    server.signal(2)
    assert server.process.wait(PATIENCE) == 0
    server.process = None


def test_sighup_changes_the_log_level_and_closes_no_connection(start_server):
    server = start_server(log_level="info")
    with Traffic(server, lambda api, n: api.get("health"), clients=3) as traffic:
        traffic.wait_for(50)
        text = server.file.read_text().replace("log_level = info", "log_level = error")
        server.file.write_text(text)
        server.signal(1)
        traffic.wait_for(200)
    assert traffic.statuses() == {200}
