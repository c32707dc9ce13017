# SPDX-License-Identifier: MIT
"""The vendor's menu: the rules for an item, its owner, and that a menu read after a write is the new one."""

import concurrent.futures

import pytest

from world.accounts import open_shop
from world.server import Server

DISH = {"name": "Poulet DG", "description": "Poulet, plantains mûrs et légumes", "category": "Plats",
        "price": 3500, "preparationTime": 25, "images": ["https://img.reeyo.cm/dg.jpg"],
        "tags": ["poulet"], "stock": 4}


def names_at(api, shop):
    """The public menu of a vendor."""
    reply = api.get(f"/api/v1/user/vendors/{shop.id}/menu")
    assert reply.status == 200, reply
    return [item["name"] for item in reply.data["items"]]


# --- Adding and reading ---------------------------------------------------------------------------

@pytest.mark.parametrize("path", ["inventory/items", "menu"])
def test_an_added_item_can_be_read_as_sent_under_both_paths(vendor, path):
    shop = vendor()
    made = shop.api.post(path, json=DISH)
    assert made.status == 201, made
    for member, value in DISH.items():
        assert made.data[member] == value
    assert made.data["available"] is made.data["isAvailable"] is made.data["inStock"] is True
    for base in ("inventory/items", "menu"):
        assert shop.api.get(f"{base}/{made.data['itemId']}").data == made.data


def test_an_item_without_optional_members_is_available_without_stock_count(vendor):
    made = vendor().api.post("menu", json={
        "name": "Eau", "category": "Boissons", "price": 300, "preparationTime": 1})
    assert made.status == 201, made
    assert made.data["description"] == "" and made.data["stock"] is None
    assert made.data["variants"] == made.data["addOns"] == made.data["images"] == []


@pytest.mark.parametrize("change, field", [
    ({"name": "Ab"}, "name"), ({"name": "a" * 101}, "name"), ({"name": None}, "name"),
    ({"description": "too short"}, "description"), ({"description": "d" * 501}, "description"),
    ({"category": "P"}, "category"), ({"category": "c" * 51}, "category"),
    ({"price": 99}, "price"), ({"price": 150.5}, "price"), ({"price": "1000"}, "price"),
    ({"preparationTime": 0}, "preparationTime"), ({"preparationTime": 121}, "preparationTime"),
    ({"images": ["https://img.reeyo.cm/1.jpg"] * 6}, "images"), ({"images": ["ftp://x"]}, "images[0]"),
    ({"tags": ["t"] * 11}, "tags"), ({"tags": ["t" * 31]}, "tags[0]"),
    ({"stock": -1}, "stock"), ({"available": "yes"}, "available"),
    ({"variants": [{"name": "Grand"}]}, "variants[0].price"),
    ({"addOns": [{"name": "Piment", "price": -5}]}, "addOns[0].price"),
    ({"variants": [{"id": "v", "name": "S", "price": 0}, {"id": "v", "name": "L", "price": 0}]},
     "variants[1].id"),
])
def test_an_invalid_item_is_refused_naming_the_field(vendor, sql, change, field):
    shop = vendor(items=1)
    for reply in (shop.api.post("menu", json={**DISH, **change}),
                  shop.api.put(f"menu/{shop.items[0]}", json=change)):
        if change == {"name": None} and reply.status == 200:
            continue  # null is absent, and a change needs no name
        assert (reply.status, reply.code) == (400, "VALIDATION_ERROR"), reply
        assert reply.error["details"][0]["field"] == field
    assert sql("SELECT count(*) AS n, min(name) AS name FROM items WHERE vendor_id = %s",
               shop.id) == [{"n": 1, "name": "Ndolé"}]


def test_variants_and_add_ons_are_stored_with_ids_and_known_members_only(vendor):
    made = vendor().api.post("menu", json={
        **DISH, "variants": [{"name": "Grand", "price": 1000, "options": ["2 cuisses"], "cost": 3}],
        "addOns": [{"id": "piment", "name": "Piment", "price": 0}]})
    assert made.status == 201, made
    [variant] = made.data["variants"]
    assert variant.pop("id").startswith("var_")
    assert variant == {"name": "Grand", "price": 1000, "options": ["2 cuisses"]}
    assert made.data["addOns"] == [{"id": "piment", "name": "Piment", "price": 0}]


def test_the_list_is_by_name_and_narrowed_by_category_availability_and_text(vendor):
    shop = vendor()
    for name, category, available in (("Jus de foléré", "Boissons", True), ("Achu", "Plats", False),
                                      ("Eru", "Plats", True)):
        assert shop.api.post("menu", json={**DISH, "name": name, "category": category,
                                           "isAvailable": available}).status == 201

    def listed(path, **query):
        data = shop.api.get(path, query=query).data
        assert data["total"] == len(data["items"])
        return [item["name"] for item in data["items"]]
    for path in ("inventory/items", "menu", "inventory"):
        assert listed(path) == ["Achu", "Eru", "Jus de foléré"]
    assert listed("menu", category="plats") == ["Achu", "Eru"]
    assert listed("menu", available="false") == ["Achu"]
    assert listed("menu", search="foléré") == ["Jus de foléré"]
    assert listed("menu", search="%") == []
    assert shop.api.get("inventory/categories").data == {"categories": ["Boissons", "Plats"], "total": 2}


def test_the_501st_item_is_refused_however_many_are_added_at_once(vendor, sql):
    shop = vendor()
    sql("INSERT INTO items (id, vendor_id, name, category, price)"
        " SELECT %s || '_' || n, %s, 'Plat ' || n, 'Plats', 1000 FROM generate_series(1, 497) n",
        shop.id, shop.id)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(lambda _: shop.api.post("menu", json=DISH), range(16)))
    assert sorted(reply.status for reply in replies) == [201] * 3 + [400] * 13
    assert {reply.code for reply in replies if reply.status == 400} == {"INVENTORY_6003"}
    assert sql("SELECT count(*) AS n FROM items WHERE vendor_id = %s", shop.id)[0]["n"] == 500


# --- Changing -------------------------------------------------------------------------------------

@pytest.mark.parametrize("base", ["inventory/items", "menu"])
def test_a_change_touches_only_the_given_members(vendor, base):
    shop = vendor()
    made = shop.api.post("menu", json=DISH).data
    changed = shop.api.put(f"{base}/{made['itemId']}", json={"price": 4000, "tags": []})
    assert changed.status == 200, changed
    assert changed.data == {**made, "price": 4000, "tags": [], "updatedAt": changed.data["updatedAt"]}


def test_stock_counting_can_be_set_and_stopped(vendor):
    shop = vendor(items=1)
    path = f"inventory/{shop.items[0]}"
    counted = shop.api.put(path, json={"quantity": 0, "unit": "plat"})
    assert counted.status == 200 and counted.data["stock"] == 0 and counted.data["inStock"] is False
    assert shop.api.put(path, json={"tracked": False}).data["stock"] is None
    refused = shop.api.put(path, json={"tracked": True})
    assert refused.status == 400 and refused.error["details"][0]["field"] == "quantity"


@pytest.mark.parametrize("base", ["inventory/items", "menu"])
def test_availability_is_switched_under_any_spelling_and_verb(vendor, base):
    shop = vendor(items=1)
    path = f"{base}/{shop.items[0]}/availability"
    assert shop.api.patch(path, json={"available": False}).data["isAvailable"] is False
    assert shop.api.put(path, json={"isAvailable": True}).data["available"] is True
    assert shop.api.post(path, json={"is_available": False}).data["available"] is False
    assert shop.api.patch(path, json={}).status == 400


@pytest.mark.parametrize("base", ["inventory/items", "menu"])
def test_a_deleted_item_remains_only_in_its_orders(vendor, api, sql, base):
    shop = vendor(items=1)
    assert names_at(api, shop) == ["Ndolé"]
    gone = shop.api.delete(f"{base}/{shop.items[0]}")
    assert gone.status == 200 and gone.json["data"] is None
    assert names_at(api, shop) == []
    assert shop.api.get("menu").data == {"items": [], "total": 0}
    for reply in (shop.api.get(f"menu/{shop.items[0]}"), shop.api.delete(f"menu/{shop.items[0]}"),
                  shop.api.put(f"menu/{shop.items[0]}", json={"price": 200})):
        assert (reply.status, reply.code) == (404, "INVENTORY_3001")
    assert sql("SELECT deleted_at IS NOT NULL AS gone FROM items WHERE id = %s", shop.items[0])[0]["gone"]


@pytest.mark.parametrize("whose, status, code", [
    ("another's", 403, "INVENTORY_3002"), ("nobody's", 404, "INVENTORY_3001")])
def test_an_item_of_another_vendor_is_not_changed(vendor, sql, whose, status, code):
    shop, other = vendor(), vendor(items=1)
    item = other.items[0] if whose == "another's" else "item_unknown"
    before = sql("SELECT * FROM items WHERE vendor_id = %s", other.id)
    for reply in (shop.api.get(f"menu/{item}"), shop.api.put(f"menu/{item}", json={"price": 100}),
                  shop.api.put(f"inventory/{item}", json={"quantity": 1}),
                  shop.api.patch(f"menu/{item}/availability", json={"available": False}),
                  shop.api.delete(f"menu/{item}")):
        assert (reply.status, reply.code) == (status, code), reply
    assert sql("SELECT * FROM items WHERE vendor_id = %s", other.id) == before


@pytest.mark.parametrize("path", ["inventory/bulk-update", "menu/bulk"])
def test_sixty_ids_are_changed_by_three_statements_and_foreign_ones_skipped(vendor, sql, path):
    shop, other = vendor(items=50), vendor(items=9)
    ids = shop.items[:30] + other.items + ["item_unknown"] + shop.items[30:]
    sql("CREATE TABLE IF NOT EXISTS updates_seen (n integer);"
        "CREATE OR REPLACE FUNCTION update_see() RETURNS trigger LANGUAGE plpgsql AS"
        " 'BEGIN INSERT INTO updates_seen VALUES (1); RETURN NULL; END';"
        "CREATE TRIGGER see AFTER UPDATE ON items FOR EACH STATEMENT EXECUTE FUNCTION update_see()")
    try:
        reply = shop.api.post(path, json={"itemIds": ids, "available": False})
        statements = sql("SELECT count(*) AS n FROM updates_seen")[0]["n"]
    finally:
        sql("DROP TRIGGER see ON items; DROP TABLE updates_seen; DROP FUNCTION update_see")
    assert reply.status == 200 and reply.data == {"updated": 50} and reply.json["message"]
    assert statements == 3
    assert sql("SELECT vendor_id, available, count(*) AS n FROM items WHERE vendor_id = ANY (%s)"
               " GROUP BY 1, 2 ORDER BY 3", [shop.id, other.id]) == [
        {"vendor_id": other.id, "available": True, "n": 9},
        {"vendor_id": shop.id, "available": False, "n": 50}]


def test_a_repeated_id_counts_once(vendor):
    shop = vendor(items=1)
    reply = shop.api.post("menu/bulk", json={"itemIds": shop.items * 60, "available": False})
    assert reply.data == {"updated": 1}


@pytest.mark.parametrize("body", [{"available": True}, {"itemIds": [], "available": True},
                                  {"itemIds": ["item_1"]}, {"itemIds": ["item 1"], "available": True}])
def test_a_bulk_change_needs_ids_and_availability(vendor, body):
    reply = vendor().api.post("menu/bulk", json=body)
    assert (reply.status, reply.code) == (400, "VALIDATION_ERROR")


def test_only_a_vendor_can_edit_a_menu(api, customer_api):
    assert api.get("/api/v1/vendor/menu").code == "UNAUTHORIZED"
    assert customer_api.post("/api/v1/vendor/menu", json=DISH).status == 403


# --- The public menu ------------------------------------------------------------------------------

def menu_after_each_write(shop, api):
    """Reads the customers' menu after each kind of write."""
    assert names_at(api, shop) == []
    item = shop.api.post("menu", json=DISH).data["itemId"]
    assert names_at(api, shop) == ["Poulet DG"]
    shop.api.put(f"menu/{item}", json={"name": "Poulet braisé"})
    assert names_at(api, shop) == ["Poulet braisé"]

    def first():
        return api.get(f"/api/v1/user/vendors/{shop.id}/menu").data["items"][0]
    shop.api.patch(f"menu/{item}/availability", json={"available": False})
    assert first()["available"] is False
    shop.api.post("menu/bulk", json={"itemIds": [item], "available": True})
    assert first()["available"] is True
    shop.api.put(f"inventory/{item}", json={"quantity": 7})
    assert first()["stock"] == 7
    shop.api.delete(f"menu/{item}")
    assert names_at(api, shop) == []


def test_a_menu_read_after_a_write_is_the_new_one(vendor, api):
    menu_after_each_write(vendor(), api)


def test_a_menu_read_after_a_write_is_the_new_one_also_without_redis(own_stores, statements):
    server = Server(own_stores.databases.fresh(), own_stores.redis_url).start()
    try:
        shop, api = open_shop(server, statements(server)), server.api()
        menu_after_each_write(shop, api)
        own_stores.redis_stop()
        menu_after_each_write(shop, api)
        left = shop.api.post("menu", json=DISH).data["itemId"]
        assert names_at(api, shop) == ["Poulet DG"]
        own_stores.redis_start()
        shop.api.delete(f"menu/{left}")
        menu_after_each_write(shop, api)
    finally:
        server.close()
