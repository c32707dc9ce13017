# SPDX-License-Identifier: MIT
"""A database of its own for the tests of the statements, made from the migration files.

REEYO_TEST_DATABASE_URL names the PostgreSQL (tests/run starts one); without it the tests are skipped.
"""

import os

import psycopg2
import psycopg2.extensions
import pytest

from sql.statements import ROOT, Client


@pytest.fixture(scope="session")
def dsn():
    url = os.environ.get("REEYO_TEST_DATABASE_URL")
    if not url:
        pytest.skip("REEYO_TEST_DATABASE_URL is not set")
    name = f"reeyo_sql_{os.getpid()}"
    admin = psycopg2.connect(url)
    admin.autocommit = True
    with admin.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name}")
    own = psycopg2.extensions.make_dsn(url, dbname=name)
    with psycopg2.connect(own) as connection, connection.cursor() as cursor:
        for path in sorted((ROOT / "sql/migrations").glob("*.sql")):
            cursor.execute(path.read_text())
    connection.close()
    yield own
    with admin.cursor() as cursor:
        cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")
    admin.close()


@pytest.fixture
def connect(dsn):
    """Opens connections that end with the test."""
    opened = []

    def open_one():
        opened.append(Client(dsn))
        return opened[-1]

    yield open_one
    for client in opened:
        client.close()


@pytest.fixture
def db(connect):
    return connect()
