# SPDX-License-Identifier: MIT
"""The mobile-money gateway is slow, hangs, dies and returns while customers pay: each customer gets one reply, only paid
amounts are booked, and other requests are served."""

import signal
from concurrent.futures import ThreadPoolExecutor

import pytest

from world.accounts import register
from world.client import Api
from world.fakes import Campay
from world.waiting import beside, until

pytestmark = pytest.mark.slow


def top_up(customer, amount=1000):
    return customer.api.post("wallet/add-funds", json={
        "amount": amount, "paymentMethod": "MOBILE_MONEY", "phone": "+237670000001"})


def balance(customer):
    return customer.api.get("wallet").data["balance"]


def test_two_hundred_payments_at_once_complete_with_a_slow_gateway(start_paying_server):
    server = start_paying_server({"settle_ms": 1500}, gateway_at_once=8)
    customers = [register(server, address=False) for _ in range(20)]
    server.campay.script("/collect", *[("slow", {"ms": 300})] * 200)
    with ThreadPoolExecutor(200) as pool:
        replies = [pool.submit(top_up, customer) for customer in customers for _ in range(10)]
        until(lambda: len(server.campay.log("/collect")) > 20)
        while not all(reply.done() for reply in replies):
            assert server.api().get("/api/v1/vendors?limit=3").status == 200
    assert [reply.result().status for reply in replies] == [201] * 200
    until(lambda: all(balance(customer) == 10000 for customer in customers))
    transactions = server.campay.transactions()
    assert len(transactions) == 200
    assert len({one["external_reference"] for one in transactions}) == 200


def test_while_the_gateway_does_not_answer_every_loop_serves_other_requests(start_paying_server):
    server = start_paying_server()
    customers = [register(server, address=False) for _ in range(4)]
    server.campay.process.send_signal(signal.SIGSTOP)
    try:
        replies = [beside(top_up, customer) for customer in customers]
        until(lambda: server.metric("reeyo_partners_calls_running") > 0)
        for _ in range(40):  # one connection each, so that both loops are used
            assert server.api().get("/api/v1/vendors?limit=3").status == 200
    finally:
        server.campay.process.send_signal(signal.SIGCONT)
    assert [one.result().status for one in replies] == [201] * 4


def test_a_dead_gateway_is_not_called_until_it_is_back(start_paying_server):
    server = start_paying_server(loops=1)
    customer = register(server, address=False)
    assert top_up(customer).status == 201
    until(lambda: balance(customer) == 1000)
    port = server.campay.port
    server.campay.stop()
    replies = [top_up(customer) for _ in range(8)]
    assert {(reply.status, reply.code) for reply in replies} == {(503, "EXTERNAL_11000")}
    metrics = Api(server.ports["metrics"])
    assert b"\nreeyo_partners_breaker_open 1" in metrics.get("/metrics").body
    assert top_up(customer).status == 503
    assert server.api().get("/api/v1/vendors?limit=3").status == 200
    again = Campay(callback=f"http://127.0.0.1:{server.port}/webhooks/campay", port=port)
    try:
        until(lambda: top_up(customer).status == 201)
        until(lambda: balance(customer) == 2000)
        assert b"\nreeyo_partners_breaker_open 0" in metrics.get("/metrics").body
    finally:
        again.stop()


def test_a_hanging_gateway_leaves_payments_pending_until_their_status_is_known(start_paying_server):
    server = start_paying_server({"settle_ms": 100}, gateway_timeout="1s", loops=1)
    customer = register(server, address=False)
    server.campay.script("/collect", ("slow", {"ms": 3000}), "reset-after")
    hangs, breaks = top_up(customer), top_up(customer)
    assert (hangs.status, hangs.data["status"]) == (201, "PENDING")
    assert (breaks.status, breaks.data["status"]) == (201, "PENDING")
    until(lambda: balance(customer) == 2000)
    assert len(server.campay.transactions()) == 2


def test_the_server_stops_in_time_while_the_gateway_hangs(start_paying_server):
    server = start_paying_server({"settle_ms": 100}, drain_timeout="2s")
    customer = register(server, address=False)
    server.campay.script("/collect", *[("slow", {"ms": 30000})] * 8)
    for _ in range(8):
        beside(top_up, customer)
    until(lambda: len(server.campay.log("/collect")) == 8)
    server.stop()
    assert len(server.campay.transactions()) == 0  # it did not wait for the gateway
