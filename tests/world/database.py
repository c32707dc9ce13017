# SPDX-License-Identifier: MIT
"""A separate connection to the database of a server."""

import psycopg2
import psycopg2.extras


class Database:
    """sql = Database(url): sql("SELECT ...", args) gives rows as dicts, or the number of changed rows. Each
    statement is its own transaction. After a deadlock with the server the statement runs again, as the server
    does with its own."""

    def __init__(self, url):
        self.connection = psycopg2.connect(url)
        self.connection.autocommit = True
        self.pid = self.connection.get_backend_pid()

    def __call__(self, statement, *arguments):
        with self.connection.cursor(cursor_factory=psycopg2.extras.RealDictCursor) as cursor:
            try:
                cursor.execute(statement, arguments or None)
            except psycopg2.errors.DeadlockDetected:
                cursor.execute(statement, arguments or None)
            return cursor.fetchall() if cursor.description else cursor.rowcount

    def waits(self, session):
        """True when another Database waits for a lock of any session."""
        return bool(self("SELECT 1 FROM pg_blocking_pids(%s) AS blocking WHERE cardinality(blocking) > 0", session.pid))

    def waits_for(self, holder):
        """True when any session waits for a lock that another Database holds."""
        return bool(self("SELECT 1 FROM pg_stat_activity WHERE datname = current_database()"
                         " AND %s = ANY (pg_blocking_pids(pid))", holder.pid))

    def close(self):
        self.connection.close()
