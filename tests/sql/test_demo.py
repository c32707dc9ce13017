# SPDX-License-Identifier: MIT
"""The demo data: the accounts that scripts name, an order that can be placed at once, and balanced books."""

import json

import pytest

from sql.shop import next_number
from sql.statements import ROOT, Client
from world.audit import books_balance

pytestmark = pytest.mark.slow

ORDERS = 3000


def load(dsn, *files):
    client = Client(dsn)
    for name in "customer", "vendor", "rider", "admin":
        client.sql("SELECT set_config(%s, %s, false)", [f"reeyo.hash_{name}", f"hash of {name}"])
    client.sql("SELECT set_config('reeyo.orders', %s, false)", [str(ORDERS)])
    for name in files:
        client.sql("BEGIN")
        client.sql((ROOT / f"sql/demo/{name}.sql").read_text())
        client.sql("COMMIT")
    return client


@pytest.fixture(scope="module")
def demo(empty_dsn):
    load(empty_dsn, "small", "bench").close()
    client = Client(empty_dsn)
    yield client
    client.close()


def test_loading_small_again_changes_nothing(demo, empty_dsn):
    def state():
        return [demo.value(f"SELECT md5(string_agg(t::text, '' ORDER BY t::text)) FROM {table} t")
                for table in ("users", "addresses", "vendors", "items", "riders", "admins", "wallets", "ledger")]
    before = state()
    load(empty_dsn, "small").close()
    assert state() == before


def test_the_accounts_of_the_guide_are_there(demo):
    assert demo.sql("SELECT id, password_hash, phone_verified, status FROM users WHERE phone = '+237670000001'") == [
        ("user_demo_1", "hash of customer", True, "ACTIVE")]
    assert demo.value("SELECT available FROM wallets WHERE owner_id = 'user_demo_1'") == 1000000000
    assert demo.value("SELECT count(*) FROM addresses WHERE user_id = 'user_demo_1' AND is_default") == 1
    assert demo.sql("SELECT id, is_online, approval_status FROM vendors WHERE email = 'vendor@reeyo.cm'") == [
        ("vendor_123", True, "APPROVED")]
    assert demo.value("SELECT count(*) FROM riders WHERE phone = '+237670000020' AND approval_status = 'APPROVED'") == 1
    assert demo.value("SELECT role FROM admins WHERE email = 'admin@reeyo.cm'") == "SUPER_ADMIN"
    assert demo.value("SELECT price FROM items WHERE id = 'item_1' AND vendor_id = 'vendor_123'") >= 2500


def test_one_piece_of_item_1_is_an_order(demo):
    address, text, lat, lng = demo.sql(
        "SELECT address_json(a), a.address, a.lat, a.lng FROM addresses a WHERE user_id = 'user_demo_1' AND is_default")[0]
    price = demo.value("SELECT price FROM items WHERE id = 'item_1'")
    n = next_number()
    outcome, order, _ = demo.run(
        "order_insert", id=f"ord_demo_{n}", number=f"F-DEMO{n}", type="FOOD", user_id="user_demo_1", vendor_id="vendor_123",
        lines=json.dumps([{"itemId": "item_1", "quantity": 1, "price": price}]), item_ids="{item_1}", quantities="{1}",
        prices=f"{{{price}}}", subtotal=price, delivery_fee=1600, service_fee=0, discount=0, total=price + 1600,
        waived_fee=0, commission_bps=1500, rider_cut_bps=0, commission=0, vendor_share=price, rider_earnings=1600,
        distance_km=2.6, method="WALLET", delivery_json=address, delivery_text=text, delivery_lat=lat, delivery_lng=lng,
        minutes=45, entry=f"txn_demo_{n}", window_seconds=0)[0]
    assert outcome == "PLACED"
    assert json.loads(order)["total"] == price + 1600
    assert price >= 2000


def test_bench_has_its_sizes_and_patterns(demo):
    assert demo.value("SELECT count(*) FROM users WHERE id LIKE 'user\\_bench\\_%'") == 10000
    assert demo.value("SELECT count(*) FROM vendors") == 200
    assert demo.value("SELECT count(*) FROM items") == 5000
    assert demo.value("SELECT count(*) FROM orders WHERE id < 'ord_1'") == ORDERS
    assert demo.value("SELECT id FROM users WHERE phone = '+237671000001'") == "user_bench_00001"
    assert demo.value("SELECT bool_and(available = 1000000000) FROM wallets WHERE owner_id LIKE 'user\\_bench\\_%'")
    assert demo.value("SELECT count(*) FROM addresses WHERE is_default AND user_id LIKE 'user\\_bench\\_%'") == 10000
    assert demo.value("SELECT count(*) FROM orders WHERE status = 'PENDING' AND id < 'ord_1'") == 0


def test_the_demos_books_balance(demo):
    assert demo.value("SELECT sum(amount) FROM ledger_entries") == 0
    assert demo.sql("""
        SELECT w.owner_id FROM wallets w LEFT JOIN (
          SELECT owner_id, kind, sum(amount) AS amount FROM ledger_entries GROUP BY 1, 2) e USING (owner_id, kind)
         WHERE w.available <> coalesce(e.amount, 0)""") == []
    assert demo.value("SELECT sum(amount) FROM ledger_entries WHERE kind = 'ESCROW'") == demo.value(
        "SELECT sum(total) FROM orders WHERE active AND payment_status = 'PAID'")
    assert demo.sql("""
        SELECT order_id FROM ledger_entries WHERE kind = 'ESCROW' AND order_id IN
          (SELECT id FROM orders WHERE NOT active) GROUP BY 1 HAVING sum(amount) <> 0""") == []


def test_a_bench_wallets_last_balance_is_what_it_holds(demo):
    owner = demo.value("SELECT from_owner FROM ledger WHERE from_kind = 'USER' AND from_owner LIKE 'user\\_bench%' LIMIT 1")
    total, listed = demo.run("wallet_transactions", owner_id=owner, limit=50, offset=0)[0]
    listed = json.loads(listed)
    assert len(listed) == total and listed[0]["balanceAfter"] == 1000000000
    for newer, older in zip(listed, listed[1:]):
        assert newer["balanceBefore"] == older["balanceAfter"]


def test_the_demos_books_pass_the_audit(demo, empty_dsn):
    books_balance(empty_dsn)
