# SPDX-License-Identifier: MIT
"""The files of sql/schema and sql/functions, and an upgrade under instances of the previous release."""

import re

import psycopg2
import pytest
from sql.statements import FUNCTION_FILES, ROOT, statements

PREVIOUS = statements(ROOT / "tests/sql/previous")
SCHEMA_FILES = sorted((ROOT / "sql/schema").glob("*.sql"))


@pytest.mark.parametrize("name", sorted(PREVIOUS))
def test_a_statement_of_the_previous_release_prepares_on_this_schema(db, name):
    db.sql(f"PREPARE s AS {PREVIOUS[name]}")


def test_function_files_may_be_applied_again_and_their_bodies_are_sound(dsn):
    """`reeyo migrate` does not check bodies, since one function may name another of a later file."""
    connection = psycopg2.connect(dsn)
    with connection.cursor() as cursor:
        for path in FUNCTION_FILES:
            cursor.execute(path.read_text())
    connection.rollback()
    connection.close()


def test_every_function_stands_in_the_files_once(db):
    """Overloads are functions of their own."""
    written = [name for path in FUNCTION_FILES
               for name in re.findall(r"^CREATE OR REPLACE FUNCTION (\w+)", path.read_text(), re.M)]
    made = db.sql("SELECT proname FROM pg_proc p WHERE pronamespace = 'public'::regnamespace "
                  "AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')")
    assert sorted(written) == sorted(name for name, in made)


def test_every_function_has_a_comment():
    for path in FUNCTION_FILES:
        lines = path.read_text().splitlines()
        for above, line in zip(lines, lines[1:]):
            assert above.startswith("--") or not line.startswith("CREATE "), f"{path.name}: {line}"


@pytest.mark.parametrize("path", FUNCTION_FILES, ids=lambda path: path.name)
def test_a_function_file_only_creates_or_replaces(path):
    """So that it may be applied at any time."""
    begun = re.findall(r"^[A-Z]+ .*", re.sub(r"\$\$.*?\$\$", "", path.read_text(), flags=re.S), re.M)
    verbs = {line for line in begun if re.match(r"(CREATE|ALTER|DROP|INSERT|UPDATE|DELETE|DO|SET) ", line)}
    assert all(re.match(r"CREATE OR REPLACE (FUNCTION|VIEW) ", line) for line in verbs)


@pytest.mark.parametrize("path", SCHEMA_FILES, ids=lambda path: path.name)
def test_a_schema_file_holds_no_functions_or_views(path):
    assert not re.search(r"^CREATE (OR REPLACE )?(FUNCTION|PROCEDURE|VIEW)", path.read_text(), re.M)
