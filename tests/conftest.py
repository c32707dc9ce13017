# SPDX-License-Identifier: MIT
"""Fixtures of every Python test; see tests/README.md."""

import os

import pytest

from world.accounts import Tokens, appoint, hire, open_shop, register
from world.audit import books_kept
from world.callers import Callers
from world.database import Database
from world.fakes import Campay, Fake
from world.ports import free_port
from world.server import Server, binary
from world.stores import Databases, Stores
from world.tables import Tables


def pytest_collection_modifyitems(items):
    """Slow tests start first, so that no process works alone at the end. Tests of a file keep their order."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


@pytest.fixture(scope="session")
def stores():
    """None with the PostgreSQL of tests/run, else, when pytest is run by itself, stores of this process."""
    if "REEYO_TEST_DATABASE_URL" in os.environ:
        yield None
        return
    own = Stores()
    try:
        own.postgres_start()
        yield own
    finally:
        own.close()


@pytest.fixture(scope="session")
def databases(stores):
    """Fresh databases: databases.fresh() (demo data), databases.empty(). Dropped at the end."""
    url = stores.database_url() if stores else os.environ["REEYO_TEST_DATABASE_URL"]
    made = Databases(url, binary(), throwaway=stores or "REEYO_TEST_WORLD" in os.environ)
    yield made
    made.close()


@pytest.fixture(scope="session")
def redis_url(stores):
    """A database of this test process's own Redis: redis_url(n) for n from 0 to 15. Test processes do not share one:
    a published message reaches every database of one Redis."""
    own = stores or Stores()

    def url(number=0):
        return f"{own.redis_url}?db={number}" if number else own.redis_url
    try:
        own.redis_start()
        yield url
    finally:
        if not stores:
            own.close()


@pytest.fixture(scope="session")
def server(databases, redis_url):
    """The server that tests share: config/local/reeyo.conf, demo data, every namespace on a
    listener of its own."""
    shared = Server(databases.fresh(), redis_url()).start()
    yield shared
    shared.close()


@pytest.fixture(scope="module")
def start_server(databases):
    """start_server(**configuration): another server, on a database of its own and (unless redis_url
    is given) without a cache. Stopped, and judged, when the module's tests are over."""
    started = []

    def start(ready=True, database_url=None, **configuration):
        configuration.setdefault("redis_url", "")
        made = Server(database_url or databases.fresh(), configuration.pop("redis_url"),
                      **configuration)
        started.append(made)
        return made.start() if ready else made
    yield start
    faults = []
    for made in started:
        try:
            made.close()
        except AssertionError as fault:
            faults.append(str(fault))
    assert not faults, "\n".join(faults)


@pytest.fixture(scope="module")
def fake():
    """fake("campay", **flags): a stand-in of tests/fakes on a free port, stopped and judged when the module's tests
    are over."""
    started = []

    def start(name, **flags):
        started.append(Campay(**flags) if name == "campay" else Fake(name, **flags))
        return started[-1]
    yield start
    for made in started:
        made.stop()


@pytest.fixture(scope="module")
def start_paying_server(fake, start_server):
    """start_paying_server(flags={}, dialect="campay", **configuration): a server with a mobile-money gateway of its own,
    which is its .campay and calls it back."""
    def start(flags=None, dialect="campay", callback="/webhooks/campay", **configuration):
        port = free_port()
        campay = fake("campay", callback=f"http://127.0.0.1:{port}{callback}", **(flags or {}))
        made = start_server(listen=f"127.0.0.1:{port}", **campay.keys(dialect), **configuration)
        made.campay = campay
        return made
    return start


@pytest.fixture(scope="session")
def breakable():
    """Stores for own_stores: one folder for all tests, since making one takes seconds."""
    own = Stores()
    try:
        own.postgres_start()
        own.databases = Databases(own.database_url(), binary())
        yield own
    finally:
        own.close()


@pytest.fixture
def own_stores(breakable):
    """A PostgreSQL and a Redis that a test may stop, kill and start again; .databases.fresh() is a
    database there. Both run, and Redis is empty, when the test begins."""
    breakable.postgres_start()
    breakable.redis_stop()
    breakable.redis_start()
    return breakable


@pytest.fixture
def api(server):
    """The shared server, called by nobody in particular."""
    made = server.api()
    yield made
    made.close()


@pytest.fixture(scope="session")
def token(server):
    """token("customer" | "vendor" | "rider" | "admin" | "super"): of the demo accounts."""
    return Tokens(server)


@pytest.fixture
def customer_api(server, token):
    """The shared server, called by the demo customer."""
    made = server.api(token("customer"))
    yield made
    made.close()


@pytest.fixture
def customer(server):
    """customer(**fields): a new customer, verified and with a default address."""
    return lambda **fields: register(server, **fields)


@pytest.fixture
def sql(server):
    """The shared server's database: sql("SELECT ...", args) gives rows as dicts."""
    made = Database(server.configuration["database_url"])
    yield made
    made.close()


@pytest.fixture
def vendor(server, sql):
    """vendor(items=0, price=2500, stock=None, **columns): a new vendor, approved and online."""
    return lambda **fields: open_shop(server, sql, **fields)


@pytest.fixture
def rider(server, sql):
    """rider(**columns): a new rider, verified, approved, active and offline."""
    return lambda **columns: hire(server, sql, **columns)


@pytest.fixture
def admin(server, sql):
    """admin(role="ADMIN"): a new admin."""
    return lambda **fields: appoint(server, sql, **fields)


@pytest.fixture
def admin_api(admin):
    """The shared server's admin namespace, called by a new admin."""
    return admin().api


@pytest.fixture
def super_api(admin):
    """The same, called by a new super-admin."""
    return admin(role="SUPER_ADMIN").api


@pytest.fixture
def books(server):
    """Proves, when the test is over, that it broke nothing in the shared server's books."""
    with books_kept(server):
        yield


@pytest.fixture(scope="session")
def tables():
    """The route and field tables: world.tables.Tables."""
    return Tables()


@pytest.fixture(scope="module")
def callers(server):
    """Somebody of each role on the shared server: world.callers.Callers."""
    made = Callers(server)
    yield made
    made.close()


@pytest.fixture
def unused_port():
    return free_port()
