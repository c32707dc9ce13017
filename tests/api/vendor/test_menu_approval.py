# SPDX-License-Identifier: MIT
"""With menu.approval_required on, new items and new prices wait for an admin."""

import psycopg2
import pytest

from world.accounts import open_shop

DISH = {"name": "Poulet DG", "category": "Plats", "price": 3500, "preparationTime": 25}


@pytest.fixture(scope="module")
def strict(start_server, databases):
    url = databases.fresh()
    with psycopg2.connect(url) as connection:
        connection.cursor().execute(
            "UPDATE settings SET value = 'true' WHERE key = 'menu.approval_required'")
    connection.close()
    return start_server(database_url=url)


@pytest.fixture
def sql(strict, statements):
    return statements(strict)


@pytest.fixture
def shop(strict, sql):
    return open_shop(strict, sql, items=1, price=2500)


def requests_of(sql, shop):
    return sql("SELECT item_id, change_type, current_price, requested_price, reason, status"
               " FROM menu_requests WHERE vendor_id = %s ORDER BY created_at", shop.id)


def customers_menu(strict, shop):
    return strict.api().get(f"vendors/{shop.id}/menu").data


def test_a_new_item_is_hidden_and_has_a_request(strict, sql, shop):
    made = shop.api.post("menu", json={**DISH, "category": "Nouveau", "changeReason": "Saison"})
    assert made.status == 201 and made.json["message"]
    assert shop.api.get("menu").data["total"] == 2
    menu = customers_menu(strict, shop)
    assert [item["itemId"] for item in menu["items"]] == shop.items and menu["categories"] == ["Plats"]
    assert requests_of(sql, shop) == [{
        "item_id": made.data["itemId"], "change_type": "NEW_ITEM", "current_price": None,
        "requested_price": 3500, "reason": "Saison", "status": "PENDING"}]


def test_a_hidden_item_cannot_be_ordered(strict, sql, shop):
    from world.accounts import register
    item = shop.api.post("menu", json=DISH).data["itemId"]
    reply = register(strict).api.post("orders", json={
        "vendorId": shop.id, "paymentMethod": "CASH", "items": [{"itemId": item, "quantity": 1}]})
    assert (reply.status, reply.code) == (404, "INVENTORY_6000")


def test_a_new_price_waits_while_other_changes_apply_immediately(strict, sql, shop):
    changed = shop.api.put(f"menu/{shop.items[0]}", json={
        "price": 3000, "name": "Ndolé crevettes", "changeReason": "Crevettes"})
    assert changed.status == 200 and changed.json["message"]
    assert (changed.data["price"], changed.data["name"]) == (2500, "Ndolé crevettes")
    assert customers_menu(strict, shop)["items"][0]["price"] == 2500
    assert requests_of(sql, shop) == [{
        "item_id": shop.items[0], "change_type": "PRICE_UPDATE", "current_price": 2500,
        "requested_price": 3000, "reason": "Crevettes", "status": "PENDING"}]


def test_a_second_price_changes_the_request_and_the_present_price_withdraws_it(sql, shop):
    for price in (3000, 3200):
        shop.api.put(f"menu/{shop.items[0]}", json={"price": price})
    assert [row["requested_price"] for row in requests_of(sql, shop)] == [3200]
    back = shop.api.put(f"menu/{shop.items[0]}", json={"price": 2500})
    assert "message" not in back.json and requests_of(sql, shop) == []


def test_a_new_price_of_a_hidden_item_changes_its_request(sql, shop):
    item = shop.api.post("menu", json=DISH).data["itemId"]
    assert shop.api.put(f"menu/{item}", json={"price": 3600}).data["price"] == 3600
    assert [(row["change_type"], row["requested_price"]) for row in requests_of(sql, shop)] == [
        ("NEW_ITEM", 3600)]


def test_deleting_an_item_deletes_its_request(sql, shop):
    item = shop.api.post("menu", json=DISH).data["itemId"]
    assert shop.api.delete(f"menu/{item}").status == 200
    assert requests_of(sql, shop) == []
