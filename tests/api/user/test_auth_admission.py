# SPDX-License-Identifier: MIT
"""Only a customer with a verified phone and an active account may order."""

import psycopg2
import pytest

from world.accounts import register

BASKET = {"vendorId": "vendor_123", "items": [{"itemId": "item_1", "quantity": 1}], "paymentMethod": "CASH"}


@pytest.fixture(scope="module")
def uncached(start_server):
    """A server without a cache, and its database, to change accounts behind its back."""
    running = start_server()
    connection = psycopg2.connect(running.configuration["database_url"])
    connection.autocommit = True

    def change(statement, *arguments):
        with connection.cursor() as cursor:
            cursor.execute(statement, arguments)
    running.change = change
    yield running
    connection.close()


def orders_of(sql_user, server):
    with psycopg2.connect(server.configuration["database_url"]) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM orders WHERE user_id = %s", (sql_user,))
        return cursor.fetchone()[0]


def test_an_account_with_an_unverified_phone_may_read_but_not_order(uncached):
    one = register(uncached, verified=False)
    reply = one.api.post("orders", json=BASKET)
    assert (reply.status, reply.code) == (403, "USER_3003")
    assert orders_of(one.id, uncached) == 0
    assert one.api.get("auth/me").status == 200
    assert one.api.get("orders").status == 200
    assert one.api.post("auth/verify-phone", json={"otp": "123456"}).status == 200
    assert one.api.post("orders", json=BASKET).status == 201
    assert orders_of(one.id, uncached) == 1


@pytest.mark.parametrize("status, http, code", [
    ("SUSPENDED", 403, "USER_3004"), ("INACTIVE", 403, "USER_3005"), ("DELETED", 401, "AUTH_1002")])
def test_a_blocked_account_orders_nothing(uncached, status, http, code):
    one = register(uncached)
    uncached.change("UPDATE users SET status = %s WHERE id = %s", status, one.id)
    reply = one.api.post("orders", json=BASKET)
    assert (reply.status, reply.code) == (http, code)
    assert orders_of(one.id, uncached) == 0


def test_a_verification_takes_effect_at_once_despite_a_cached_account(server, customer):
    one = customer(verified=False)
    assert one.api.get("auth/me").data["isPhoneVerified"] is False
    assert one.api.post("orders", json=BASKET).code == "USER_3003"
    assert one.api.post("auth/verify-phone", json={"otp": "123456"}).status == 200
    assert one.api.post("orders", json=BASKET).status == 201
