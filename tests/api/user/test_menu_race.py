# SPDX-License-Identifier: MIT
"""Concurrent reads of a menu and orders that change it: after an order is acknowledged, no reader sees old stock."""

import threading

import psycopg2
import pytest

from world.accounts import register
from world.waiting import PATIENCE, beside, until

pytestmark = pytest.mark.slow

STOCK = 1_000_000
ORDERS, READS = 300, 1500


@pytest.fixture
def shop(start_server, redis_url):
    """Two loops, a cache, and an item whose stock is counted."""
    server = start_server(redis_url=redis_url(9))
    with psycopg2.connect(server.configuration["database_url"]) as connection, connection.cursor() as cursor:
        cursor.execute("UPDATE items SET stock = %s WHERE id = 'item_1'", (STOCK,))
        cursor.execute("UPDATE wallets SET available = 1000000000")
    return server


def stock_of(reply):
    return next(item["stock"] for item in reply.data["items"] if item["itemId"] == "item_1")


def test_no_stale_menu_is_served_after_an_order_was_acknowledged(shop):
    acknowledged = 0
    lock = threading.Lock()
    over = threading.Event()
    stale, failed, reads = [], [], [0]

    def order(customer):
        nonlocal acknowledged
        while not over.is_set():
            reply = customer.api.post("orders", json={
                "vendorId": "vendor_123", "paymentMethod": "CASH",
                "items": [{"itemId": "item_1", "quantity": 1}]})
            if reply.status != 201:
                failed.append(reply)
                return
            with lock:
                acknowledged += 1

    def read():
        api = shop.api()
        while not over.is_set():
            with lock:
                sold = acknowledged
            reply = api.get("vendors/vendor_123/menu")
            if reply.status != 200:
                failed.append(reply)
                return
            reads[0] += 1
            if stock_of(reply) > STOCK - sold:
                stale.append((stock_of(reply), STOCK - sold))

    going = [beside(order, register(shop)) for _ in range(3)] + [beside(read) for _ in range(6)]
    until(lambda: failed or stale or acknowledged >= ORDERS and reads[0] >= READS, 3 * PATIENCE, "the orders and the reads")
    over.set()
    for one in going:
        one.result()
    assert not failed, failed[:3]
    assert not stale, f"{len(stale)} of {reads[0]} reads: {stale[:5]}"
