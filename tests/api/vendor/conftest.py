# SPDX-License-Identifier: MIT
"""Fixtures of the vendor namespace, beside the shared server."""

import psycopg2
import psycopg2.extras
import pytest


@pytest.fixture
def statements():
    """statements(server): the fixture sql for another server's database."""
    made = []

    def connect(server):
        connection = psycopg2.connect(server.configuration["database_url"])
        connection.autocommit = True
        made.append(connection)

        def run(statement, *arguments):
            with connection.cursor(cursor_factory=psycopg2.extras.RealDictCursor) as cursor:
                cursor.execute(statement, arguments or None)
                return cursor.fetchall() if cursor.description else cursor.rowcount
        return run
    yield connect
    for connection in made:
        connection.close()
