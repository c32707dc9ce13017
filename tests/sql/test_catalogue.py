# SPDX-License-Identifier: MIT
"""Public vendors and menus."""

import json

from sql.shop import Shop


def vendors(db, **given):
    """(total, vendors) of vendor_list; each vendor with "point": (lat, lng)."""
    rows = db.run("vendor_list", **{"open_now": "f", "limit": 20, "offset": 0, **given})
    return rows[0][0], [json.loads(vendor + "}") | {"point": (lat, lng)} for _, vendor, _, lat, lng in rows if vendor]


def test_vendors_are_listed_nearest_first_then_best_rated(db):
    db.sql("UPDATE vendors SET is_online = false, approval_status = 'SUSPENDED'")
    near, good, bad = Shop(db), Shop(db), Shop(db)
    db.sql("UPDATE vendors SET lat = 4.10 WHERE id IN (%s, %s)", [good.vendor, bad.vendor])
    db.sql("UPDATE vendors SET rating_sum = 14, total_ratings = 3 WHERE id = %s", [good.vendor])
    total, found = vendors(db, lat=4.05, lng=9.7)
    assert total == 3
    assert [v["vendorId"] for v in found] == [near.vendor, good.vendor, bad.vendor]
    assert found[1]["rating"] == 4.67
    assert found[1]["point"] == (4.1, 9.7)
    assert vendors(db, lat=4.05, lng=9.7, radius=5)[0] == 1
    assert [v["vendorId"] for v in vendors(db, limit=1)[1]] == [good.vendor]
    assert vendors(db, offset=2)[0] == 3 and len(vendors(db, offset=2)[1]) == 1
    assert vendors(db, offset=3) == (3, [])


def test_vendors_are_found_by_name_tag_and_category(db):
    db.sql("UPDATE vendors SET is_online = false, approval_status = 'SUSPENDED'")
    shop, other = Shop(db), Shop(db, service_type="MART")
    db.sql("UPDATE vendors SET business_name = 'Saveurs 100%% Bassa', tags = '{Grillades,\"Poisson, braisé\"}' WHERE id = %s",
           [shop.vendor])
    other.item()
    assert [v["vendorId"] for v in vendors(db, search="saveurs")[1]] == [shop.vendor]
    assert vendors(db, search="100%")[0] == 1 and vendors(db, search="%")[0] == 1
    assert vendors(db, search="_")[0] == 0
    assert vendors(db, category="poisson, braisé")[0] == 1
    assert [v["vendorId"] for v in vendors(db, category="plats")[1]] == [other.vendor]
    assert [v["vendorId"] for v in vendors(db, service_type="MART")[1]] == [other.vendor]
    db.sql("UPDATE vendors SET business_hours = '{}'")
    assert vendors(db, open_now="t")[0] == 2
    db.sql("UPDATE vendors SET is_online = false WHERE id = %s", [shop.vendor])
    assert vendors(db, open_now="t")[0] == 1


def test_only_approved_vendors_are_public(db):
    shop = Shop(db, approval_status="PENDING", is_online=False)
    shop.item()
    assert db.run("vendor_get", vendor_id=shop.vendor) == [] == db.run("menu_get", vendor_id=shop.vendor)
    assert db.run("shop_get", vendor_id=shop.vendor)[0][1] == "PENDING"


def test_a_menu_lists_items_and_categories(db):
    shop = Shop(db)
    assert json.loads(db.run("menu_get", vendor_id=shop.vendor)[0][0]) == {"items": [], "categories": []}
    first, second, gone = shop.item(), shop.item(stock=0), shop.item()
    db.sql("UPDATE items SET name = 'Eru \"du chef\"', category = 'Entrées', images = '{http://x/1.jpg}' WHERE id = %s", [second])
    db.sql("UPDATE items SET deleted_at = now() WHERE id = %s", [gone])
    menu = json.loads(db.run("menu_get", vendor_id=shop.vendor)[0][0])
    assert menu["categories"] == ["Entrées", "Plats"]
    assert [i["itemId"] for i in menu["items"]] == [second, first]
    assert (menu["items"][0]["inStock"], menu["items"][0]["stock"]) == (False, 0)
    assert (menu["items"][1]["inStock"], menu["items"][1]["stock"]) == (True, None)
    assert menu["items"][1]["available"] is menu["items"][1]["isAvailable"] is True
    part = json.loads(db.run("menu_search", vendor_id=shop.vendor, category="entrées")[0][0])
    assert [i["itemId"] for i in part["items"]] == [second] and part["categories"] == ["Entrées", "Plats"]
    assert json.loads(db.run("menu_search", vendor_id=shop.vendor, search="DU CHEF")[0][0])["items"][0]["itemId"] == second
    assert json.loads(db.run("menu_search", vendor_id=shop.vendor, search="rien")[0][0])["items"] == []
    row = db.run("shop_get", vendor_id=shop.vendor)[0]
    assert [(i["id"], i["price"], i["stock"]) for i in json.loads(row[10])] == [(first, 2500, None), (second, 2500, 0)]
