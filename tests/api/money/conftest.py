# SPDX-License-Identifier: MIT
"""A server whose books are checked after each test, and owners with money to pay out."""

import pytest

from world.audit import books_balance
from world.database import Database
from world.desk import MOMO, Desk
from world.money import earn
from world.server import Server
from world.till import Till

BANK = {"accountName": "Rose Etame", "accountNumber": "10005 00001 12345", "bankName": "Afriland"}


@pytest.fixture(scope="session")
def server(databases):
    shared = Server(databases.fresh(), "").start()
    yield shared
    shared.close()


@pytest.fixture(autouse=True)
def books_checked(server):
    yield
    books_balance(server)


@pytest.fixture
def earner(vendor, rider, sql):
    """earner("vendor" | "rider", earned=20000, bank=MOMO): a new account with earnings."""
    def make(kind="vendor", earned=20000, bank=MOMO, **columns):
        if bank:
            columns["bank_details"] = bank
        made = {"vendor": vendor, "rider": rider}[kind](**columns)
        if earned:
            earn(sql, made.id, earned)
        return made
    return make


@pytest.fixture
def requested(earner):
    """requested(kind, amount=8000, …): an account and the pay-out that it requested."""
    def make(kind="vendor", amount=8000, **fields):
        owner = earner(kind, **fields)
        reply = owner.api.post("payouts/request", json={"amount": amount})
        assert reply.status == 201, reply
        return owner, reply.data
    return make


@pytest.fixture
def connect():
    """connect(server): like the fixture sql, for the database of another server."""
    made = []

    def open_one(server):
        made.append(Database(server.configuration["database_url"]))
        return made[-1]
    yield open_one
    for sql in made:
        sql.close()


@pytest.fixture(scope="module")
def till():
    made = Till()
    yield made
    made.close()


@pytest.fixture(scope="module")
def paying_server(start_server, till):
    return start_server(campay_url=till.url, campay_username="reeyo", campay_password="secret", campay_dialect="campay",
                        gateway_timeout="6s")


@pytest.fixture
def desk(paying_server, connect, till):
    till.steps.clear()
    till.status, till.names, till.down = "PENDING", True, False
    till.dumb, till.another = False, None
    yield Desk(paying_server, connect(paying_server), till)
    books_balance(paying_server)
