# SPDX-License-Identifier: MIT
"""Orders from the menu: prices of variants and add-ons, stock taken and returned."""

import pytest

from world.audit import top_up

VARIANTS = [{"id": "big", "name": "Grand", "price": 1000}, {"id": "small", "name": "Petit", "price": 0}]
ADD_ONS = [{"id": "egg", "name": "Œuf", "price": 250}, {"id": "hot", "name": "Piment", "price": 0}]


@pytest.fixture
def shop(vendor):
    """A vendor with one item of 2,500 XAF, with choices."""
    made = vendor(items=1, price=2500)
    reply = made.api.put(f"menu/{made.items[0]}", json={"variants": VARIANTS, "addOns": ADD_ONS})
    assert reply.status == 200, reply
    return made


def order(customer, shop, headers=None, **line):
    return customer.api.post("orders", headers=headers, json={
        "vendorId": shop.id, "paymentMethod": "CASH",
        "items": [{"itemId": shop.items[0], "quantity": 2, **line}]})


def fund(sql, customer, amount=100_000):
    top_up(sql, customer.id, amount)


@pytest.mark.parametrize("line", [
    {"variantId": "big", "addOns": [{"id": "egg", "quantity": 2}, "hot"]},
    {"variant": "Grand", "addOns": [{"name": "Œuf", "quantity": 2, "price": 1}, {"id": "hot"}]},
    {"variant": {"id": "big", "price": -9000}, "addons": [{"id": "egg", "quantity": 2}, "Piment"], "price": 1},
])
def test_choices_are_priced_by_the_menu_and_stored_with_the_order(shop, customer, sql, line):
    reply = order(customer(), shop, **line)
    assert reply.status == 201, reply
    [kept] = reply.data["items"]
    assert kept["price"] == 2500 + 1000 + 2 * 250
    assert reply.data["subtotal"] == 2 * kept["price"]
    assert kept["options"] == [
        {"id": "big", "name": "Grand", "price": 1000, "quantity": 1},
        {"id": "egg", "name": "Œuf", "price": 250, "quantity": 2},
        {"id": "hot", "name": "Piment", "price": 0, "quantity": 1}]
    assert sql("SELECT items FROM orders WHERE id = %s", reply.data["orderId"])[0]["items"] == [kept]


def test_without_choices_the_price_is_that_of_the_item(shop, customer):
    reply = order(customer(), shop)
    assert reply.status == 201 and reply.data["subtotal"] == 5000
    assert "options" not in reply.data["items"][0]


@pytest.mark.parametrize("line, field", [
    ({"variantId": "none"}, "items[0].variantId"), ({"variantId": "egg"}, "items[0].variantId"),
    ({"variantId": 7}, "items[0].variantId"), ({"variantId": {"id": "big", "quantity": 2}}, "items[0].variantId"),
    ({"addOns": ["egg", "none"]}, "items[0].addOns[1]"), ({"addOns": ["big"]}, "items[0].addOns[0]"),
    ({"addOns": [7]}, "items[0].addOns"), ({"addOns": [{"quantity": 1}]}, "items[0].addOns"),
    ({"addOns": [{"id": "egg", "quantity": 0}]}, "items[0].addOns"),
    ({"addOns": [{"id": "egg", "quantity": 21}]}, "items[0].addOns"),
    ({"addOns": [{"id": "egg", "quantity": 1.5}]}, "items[0].addOns"),
    ({"addOns": ["egg"] * 21}, "items[0].addOns"), ({"addOns": "egg"}, "items[0].addOns"),
])
def test_an_unknown_choice_is_rejected_with_its_field(shop, customer, sql, line, field):
    buyer = customer()
    reply = order(buyer, shop, **line)
    assert (reply.status, reply.code) == (400, "VALIDATION_ERROR"), reply
    assert reply.error["details"][0]["field"] == field
    assert sql("SELECT count(*) AS n FROM orders WHERE user_id = %s", buyer.id)[0]["n"] == 0


def test_more_choices_than_an_order_may_have_are_rejected(shop, customer):
    line = {"itemId": shop.items[0], "quantity": 1, "addOns": ["egg"] * 20}
    reply = customer().api.post("orders", json={
        "vendorId": shop.id, "paymentMethod": "CASH", "items": [line] * 11})
    assert (reply.status, reply.code) == (400, "VALIDATION_ERROR"), reply
    assert reply.error["details"][0]["field"] == "items[10].addOns"


def test_a_price_changed_behind_the_catalogue_is_charged(shop, customer, sql):
    assert order(customer(), shop, variantId="big").data["subtotal"] == 7000
    sql("UPDATE items SET variants = replace(variants::text, '1000', '1500')::jsonb WHERE id = %s",
        shop.items[0])
    assert order(customer(), shop, variantId="big").data["subtotal"] == 8000


def test_a_choice_removed_behind_the_catalogue_is_rejected(shop, customer, sql):
    assert order(customer(), shop, addOns=["egg"]).status == 201
    sql("UPDATE items SET add_ons = '[]' WHERE id = %s", shop.items[0])
    reply = order(customer(), shop, addOns=["egg"])
    assert (reply.status, reply.code) == (400, "VALIDATION_ERROR"), reply


def test_baskets_with_different_choices_differ(start_server, statements):
    from world.accounts import open_shop, register
    server = start_server(duplicate_window="60s")
    sql = statements(server)
    shop, buyer = open_shop(server, sql, items=1), register(server)
    shop.api.put(f"menu/{shop.items[0]}", json={"variants": VARIANTS, "addOns": ADD_ONS})
    assert order(buyer, shop, variantId="big").status == 201
    assert order(buyer, shop, variantId="small").status == 201
    assert order(buyer, shop, variantId="big", addOns=["hot"]).status == 201
    again = order(buyer, shop, variantId="big")
    assert (again.status, again.code) == (409, "DUPLICATE_ORDER")


# --- Stock ----------------------------------------------------------------------------------------

def test_an_order_takes_stock_and_its_cancellation_returns_it(shop, customer, sql, api):
    def stock():
        vendors = shop.api.get(f"menu/{shop.items[0]}").data["stock"]
        [seen] = api.get(f"/api/v1/user/vendors/{shop.id}/menu").data["items"]
        assert seen["stock"] == vendors and seen["inStock"] is (vendors > 0)
        return vendors
    buyer = customer()
    fund(sql, buyer)
    shop.api.put(f"inventory/{shop.items[0]}", json={"quantity": 3})
    assert stock() == 3
    placed = buyer.api.post("orders", json={
        "vendorId": shop.id, "paymentMethod": "WALLET",
        "items": [{"itemId": shop.items[0], "quantity": 2, "variantId": "big"},
                  {"itemId": shop.items[0], "quantity": 1}]})
    assert placed.status == 201, placed
    assert stock() == 0
    refused = order(customer(), shop, quantity=1)
    assert (refused.status, refused.code) == (400, "INVENTORY_6001")
    cancelled = buyer.api.post(f"orders/{placed.data['orderId']}/cancel", json={"reason": "Trop long"})
    assert cancelled.status == 200, cancelled
    assert stock() == 3


def test_an_unavailable_or_deleted_item_cannot_be_ordered(shop, customer):
    buyer = customer()
    assert order(buyer, shop).status == 201
    shop.api.patch(f"menu/{shop.items[0]}/availability", json={"available": False})
    assert order(buyer, shop).code == "INVENTORY_6002"
    shop.api.delete(f"menu/{shop.items[0]}")
    assert order(buyer, shop).code == "INVENTORY_6000"


def test_the_next_order_uses_a_new_price(shop, customer):
    buyer = customer()
    assert order(buyer, shop).data["subtotal"] == 5000
    shop.api.put(f"menu/{shop.items[0]}", json={"price": 3000})
    assert order(buyer, shop).data["subtotal"] == 6000
