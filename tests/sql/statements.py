# SPDX-License-Identifier: MIT
"""The named statements of sql/queries, the schema they run on, and a connection that runs them."""

import pathlib
import re

import psycopg2

ROOT = pathlib.Path(__file__).resolve().parents[2]


#: What is left alone in a statement, and a parameter's name.
NAME = re.compile(r"""('[^']*'|"[^"]*"|--[^\n]*)|(?<![:\w\]]):([a-z]\w*)\??""")


def numbered(text):
    """A statement with $1, $2 … for its names, as the build embeds it, and the names in order."""
    names = []

    def number(match):
        if match[1]:
            return match[1]
        if match[2] not in names:
            names.append(match[2])
        return f"${names.index(match[2]) + 1}"

    return NAME.sub(number, text), names


#: A record and its members, and where a statement has ROW(…) of one.
RECORD_LINE = re.compile(r"-- (record|members): *(.*)")
RECORD_USE = re.compile(r"@([a-z0-9_]+)\(([a-z0-9_]+)\)")


def records(folder):
    """{record: [(name, expression or None)]} of a folder, as src/embed/records.c reads them."""
    found = {}
    for path in sorted(folder.glob("*.sql")):
        for line in path.read_text().splitlines():
            match = RECORD_LINE.match(line)
            if match and match[1] == "record":
                members = found[match[2].strip()] = []
            elif match:
                for member in re.split(r",(?![^(]*\))", match[2]):
                    words, _, expression = member.strip().partition("=")
                    if words.endswith(".*"):
                        members += found[words[:-2]]
                    elif words:
                        members.append((words.split()[0], expression.strip() or None))
    return found


def expanded(text, known):
    """A statement with ROW(…) in place of @record(alias)."""
    def row(match):
        return "ROW(" + ", ".join(expression or f"{match[2]}.{name}" for name, expression in known[match[1]]) + ")"
    return RECORD_USE.sub(row, text)


def statements(folder=ROOT / "sql/queries", names=None):
    """{name: SQL} of a folder of named statements, as the build embeds them. names: a dictionary that gets the
    names of each one's parameters."""
    found = {}
    for path in sorted(folder.glob("*.sql")):
        name = None
        for line in path.read_text().splitlines():
            if line.startswith("-- name:"):
                name = line.split(":", 1)[1].strip()
                assert name not in found, f"{name} twice"
                found[name] = ""
            elif name and not line.lstrip().startswith("--"):
                found[name] += line + "\n"
    known = records(folder)
    for name, text in found.items():
        found[name], parameters = numbered(expanded(text, known))
        if names is not None:
            names[name] = parameters
    return found


PARAMETERS = {}
STATEMENTS = statements(names=PARAMETERS)
FUNCTION_FILES = sorted((ROOT / "sql/functions").glob("*.sql"))


def setting_defaults():
    """{key: JSON} of the table of settings, without those that have no default."""
    header = (ROOT / "include/reeyo/domain/setting.h").read_text()
    rows = re.findall(r'X\(\w+, "([^"]+)", \w+,[\s\\]*"((?:\\.|[^"\\])*)"', header)
    return {key: value.replace('\\"', '"') for key, value in rows if value}


def install(cursor):
    """Makes the schema, its functions and the default settings in one transaction, as `reeyo migrate` does."""
    base = ROOT / "sql/functions/base.sql"
    cursor.execute("SET LOCAL check_function_bodies = off")
    for path in [base, *sorted((ROOT / "sql/schema").glob("*.sql")),
                 *(path for path in FUNCTION_FILES if path != base)]:
        cursor.execute(path.read_text())
    for key, value in setting_defaults().items():
        cursor.execute("INSERT INTO settings (key, value) VALUES (%s, %s)", (key, value))


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

    def run(self, name, *params, **named):
        """Rows of a named statement. Parameters as text, the way the server sends them: by name (those left out are
        NULL), or in their order."""
        if PARAMETERS[name] and not params:
            assert set(named) <= set(PARAMETERS[name]), f"{name} takes {PARAMETERS[name]}"
            params = [named.get(parameter) for parameter in PARAMETERS[name]]
        assert len(params) == count(name), f"{name} takes {count(name)} parameters"
        if name not in self.prepared:
            self.sql(f"PREPARE {name} AS {STATEMENTS[name]}")
            self.prepared.add(name)
        marks = ", ".join(["%s"] * len(params))
        return self.sql(f"EXECUTE {name}" + (f"({marks})" if params else ""),
                        [None if p is None else str(p) for p in params] or None)

    def close(self):
        self.connection.close()
