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
    written = [name for path in FUNCTION_FILES
               for name in re.findall(r"^CREATE OR REPLACE FUNCTION (\w+)", path.read_text(), re.M)]
    made = db.sql("SELECT proname FROM pg_proc p WHERE pronamespace = 'public'::regnamespace "
                  "AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')")
    assert sorted(written) == sorted(name for name, in made)
    assert len(written) == len(set(written))


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


def test_orders_from_before_the_stored_split_get_theirs(dsn):
    """The upgrade of 0015: rates of today for orders under way, booked amounts for settled ones."""
    connection = psycopg2.connect(dsn)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE orders DROP COLUMN rider_cut_bps, DROP COLUMN commission, DROP COLUMN vendor_share,"
                       " DROP COLUMN rider_earnings CASCADE")
        cursor.execute("CREATE INDEX orders_vendor_settled ON orders (vendor_id)")
        cursor.execute("DELETE FROM settings WHERE key = 'rider_cut_bps'")
        cursor.execute("INSERT INTO settings (key, value) VALUES ('rider_cut_bps', '1000')")
        for order, kind, vendor, subtotal, fee, settled in (
                ("ord_old_food", "FOOD", "v", 10000, 1500, False), ("ord_old_parcel", "PACKAGE", None, 0, 5000, False),
                ("ord_old_settled", "FOOD", "v", 10000, 1500, True)):
            cursor.execute(
                "INSERT INTO orders (id, order_number, order_type, status, active, user_id, user_name, user_phone, vendor_id,"
                " subtotal, delivery_fee, total, commission_bps, distance, payment_method, payment_status, pickup_text,"
                " pickup_lat, pickup_lng, delivery_address, delivery_text, delivery_lat, delivery_lng, timeline, settled_at)"
                " VALUES (%s, %s, %s, %s, %s, 'u', '', '', %s, %s, %s, %s, %s, 1, 'CASH', 'PAID', '', 0, 0, '{}', '', 0, 0,"
                " '[]', CASE WHEN %s THEN now() END)",
                [order, order, kind, "DELIVERED" if settled else "PENDING", not settled, vendor, subtotal, fee, subtotal + fee,
                 2000 if kind == "PACKAGE" else 1500, settled])
        cursor.execute("INSERT INTO ledger (id, amount, from_kind, to_kind, to_owner, to_balance, category, order_id)"
                       " VALUES ('txn_old', 1400, 'ESCROW', 'RIDER', 'r', 1400, 'DELIVERY_FEE', 'ord_old_settled')")
        cursor.execute((ROOT / "sql/schema/0015_order_split.sql").read_text())
        cursor.execute("SELECT rider_cut_bps, commission, vendor_share, rider_earnings FROM orders WHERE id LIKE 'ord_old%'"
                       " ORDER BY id")
        assert cursor.fetchall() == [(1000, 1500, 8500, 1350), (1000, 1000, 0, 4000), (0, 1500, 8500, 1400)]
    connection.rollback()
    connection.close()
