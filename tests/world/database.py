# SPDX-License-Identifier: MIT
"""A test's own connection to the database behind a server."""

import psycopg2
import psycopg2.extras


class Database:
    """sql = Database(url): sql("SELECT ...", args) gives rows as dicts, or how many rows a statement without
    rows changed; each is its own transaction. What meets a deadlock with the server is run again, as the
    server runs its own again."""

    def __init__(self, url):
        self.connection = psycopg2.connect(url)
        self.connection.autocommit = True

    def __call__(self, statement, *arguments):
        with self.connection.cursor(cursor_factory=psycopg2.extras.RealDictCursor) as cursor:
            try:
                cursor.execute(statement, arguments or None)
            except psycopg2.errors.DeadlockDetected:
                cursor.execute(statement, arguments or None)
            return cursor.fetchall() if cursor.description else cursor.rowcount

    def waits(self):
        """How many sessions of this database wait for a lock."""
        return self("SELECT count(*) AS n FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
                    " AND datname = current_database()")[0]["n"]

    def close(self):
        self.connection.close()
