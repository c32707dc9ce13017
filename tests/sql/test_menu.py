# SPDX-License-Identifier: MIT
"""Statements that store and price menus."""

import json

import pytest

from sql.shop import Shop, place
from sql.statements import PARAMETERS

VARIANTS = json.dumps([{"id": "big", "name": "Grand", "price": 1000}])
ADD_ONS = json.dumps([{"id": "egg", "name": "Œuf", "price": 250}, {"id": "hot", "name": "Piment", "price": 0}])


@pytest.fixture
def shop(db):
    return Shop(db)


@pytest.mark.parametrize("chosen, price", [
    ("v:big*1", 3500), ("a:egg*3", 3250), ("v:big*1;a:egg*2;a:hot*1", 4000), ("a:egg*1;a:egg*1", 3000),
    ("v:egg*1", None), ("a:big*1", None), ("a:none*1", None), ("v:big*1;a:none*1", None)])
def test_a_choice_adds_its_price_and_an_unknown_choice_gives_null(db, chosen, price):
    assert db.value("SELECT item_price(2500, %s, %s, %s)", [VARIANTS, ADD_ONS, chosen]) == price


@pytest.mark.parametrize("chosen, price, outcome", [
    ('{"v:big*1;a:egg*1"}', 3750, "PLACED"), ('{"v:big*1"}', 2500, "PRICE_CHANGED"),
    ('{"a:none*1"}', 2500, "PRICE_CHANGED"), ("{NULL}", 2500, "PLACED"), ("{}", 2500, "PLACED"),
    ("{}", 2499, "PRICE_CHANGED")])
def test_an_order_is_written_only_at_the_price_of_its_choices(db, shop, chosen, price, outcome):
    item = shop.item(price=2500)
    db.sql("UPDATE items SET variants = %s, add_ons = %s WHERE id = %s", [VARIANTS, ADD_ONS, item])
    assert place(db, shop, [(item, 1, price)], choices=chosen)[0] == outcome


def test_a_hidden_item_cannot_be_ordered(db, shop):
    item = shop.item()
    db.sql("UPDATE items SET hidden = true WHERE id = %s", [item])
    assert place(db, shop, [(item, 1, 2500)])[::2] == ("ITEM_NOT_FOUND", item)
    assert db.run("shop_get", vendor_id=shop.vendor)[0][10] == "[]"


def test_a_new_menu_has_room_and_an_unknown_vendor_gives_null(db, shop):
    assert db.value("SELECT menu_has_room(%s)", [shop.vendor]) is True
    assert db.value("SELECT menu_has_room('vendor_unknown')") is None


@pytest.mark.parametrize("name, given", [
    ("shop_overview", {"period": "today"}), ("shop_popular", {"period": "year", "limit": "10"}),
    ("shop_revenue", {"period": "month"}), ("shop_customers", {"period": "week"})])
def test_reports_read_past_orders_by_their_index(db, shop, name, given):
    given = {"vendor_id": shop.vendor, **given}
    db.run(name, **given)
    plan = "\n".join(row[0] for row in db.sql(
        f"SET enable_seqscan = off; EXPLAIN EXECUTE {name} ({', '.join(['%s'] * len(given))})",
        [given[parameter] for parameter in PARAMETERS[name]]))
    db.sql("RESET enable_seqscan")
    assert "orders_vendor" in plan and "created_at >=" in plan, plan
