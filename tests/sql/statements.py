# SPDX-License-Identifier: MIT
"""The named statements of sql/queries, and a connection that runs them."""

import pathlib
import re

import psycopg2

ROOT = pathlib.Path(__file__).resolve().parents[2]


def statements():
    """{name: SQL} of sql/queries, as the build embeds them."""
    found = {}
    for path in sorted((ROOT / "sql/queries").glob("*.sql")):
        name = None
        for line in path.read_text().splitlines():
            if line.startswith("-- name:"):
                name = line.split(":", 1)[1].strip()
                assert name not in found, f"{name} twice"
                found[name] = ""
            elif name and not line.lstrip().startswith("--"):
                found[name] += line + "\n"
    return found


STATEMENTS = statements()


def count(name):
    """How many parameters a statement takes."""
    return max((int(n) for n in re.findall(r"\$(\d+)", STATEMENTS[name])), default=0)


class Client:
    """A connection that runs named statements, each a transaction of its own."""

    def __init__(self, dsn):
        self.connection = psycopg2.connect(dsn)
        self.connection.autocommit = True
        self.prepared = set()
        self.sql("SET TIME ZONE 'UTC'; SET plan_cache_mode = force_generic_plan")

    def sql(self, text, params=None):
        with self.connection.cursor() as cursor:
            cursor.execute(text, params)
            return cursor.fetchall() if cursor.description else []

    def value(self, text, params=None):
        return self.sql(text, params)[0][0]

    def run(self, name, *params):
        """Rows of a named statement. Parameters as text, the way the server sends them."""
        assert len(params) == count(name), f"{name} takes {count(name)} parameters"
        if name not in self.prepared:
            self.sql(f"PREPARE {name} AS {STATEMENTS[name]}")
            self.prepared.add(name)
        marks = ", ".join(["%s"] * len(params))
        return self.sql(f"EXECUTE {name}" + (f"({marks})" if params else ""),
                        [None if p is None else str(p) for p in params] or None)

    def close(self):
        self.connection.close()
