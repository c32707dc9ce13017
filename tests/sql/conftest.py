# SPDX-License-Identifier: MIT
"""A database of its own for the tests of the statements, made from the files of sql/.

REEYO_TEST_DATABASE_URL names the PostgreSQL (tests/run starts one); without it the tests are skipped.
"""

import contextlib
import os

import psycopg2
import psycopg2.extensions
import pytest

from sql.statements import Client, install


@contextlib.contextmanager
def migrated(name):
    """A database with the schema and nothing else; dropped in the end."""
    url = os.environ.get("REEYO_TEST_DATABASE_URL")
    if not url:
        pytest.skip("REEYO_TEST_DATABASE_URL is not set")
    admin = psycopg2.connect(url)
    admin.autocommit = True
    with admin.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name}")
    own = psycopg2.extensions.make_dsn(url, dbname=name)
    connection = psycopg2.connect(own)
    with connection, connection.cursor() as cursor:
        install(cursor)
    connection.close()
    yield own
    with admin.cursor() as cursor:
        cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")
    admin.close()


@pytest.fixture(scope="session")
def dsn():
    with migrated(f"reeyo_sql_{os.getpid()}") as own:
        yield own


@pytest.fixture(scope="module")
def empty_dsn():
    with migrated(f"reeyo_sql_demo_{os.getpid()}") as own:
        yield own


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
