# SPDX-License-Identifier: MIT
"""Placing an order: price, location, payment and effects."""

import concurrent.futures
import json

import psycopg2
import pytest

from world.accounts import register
from world.audit import top_up

BASKET = {"vendorId": "vendor_123", "items": [{"itemId": "item_1", "quantity": 2}]}
AKWA = {"fullAddress": "Rue Joffre, Akwa", "coordinates": {"lat": 4.0503, "lng": 9.6960}}
# 3,500 m north of vendor_123.
NORTH = {"fullAddress": "Deido", "coordinates": {"lat": 4.0503 + 3500 / 111194.92664455873, "lng": 9.6960}}


def parcel(**fields):
    return {"orderType": "PACKAGE",
            "packageDetails": {"category": "PARCEL", "weight": 2, "description": "Shoes"},
            "pickupAddress": {"fullAddress": "Akwa", "coordinates": {"lat": 4, "lng": 9.7},
                              "contactName": "Awa", "contactPhone": "670000001"},
            "deliveryAddress": {"fullAddress": "Deido", "contactName": "Eto",
                                "contactPhone": "+237 670 00 00 02",
                                "coordinates": {"lat": 4 + 6000 / 111194.92664455873, "lng": 9.7}},
            "paymentMethod": "CASH", **fields}


def rich(sql, customer, amount=1_000_000):
    top_up(sql, customer.id, amount)
    return customer


def balance(sql, customer):
    return sql("SELECT available FROM wallets WHERE owner_id = %s", customer.id)[0]["available"]


def orders_of(sql, customer):
    return sql("SELECT count(*) AS n FROM orders WHERE user_id = %s", customer.id)[0]["n"]


@pytest.fixture
def buyer(sql, customer):
    return rich(sql, customer())


def test_vendor_and_items_alone_are_a_complete_order(sql, buyer):
    reply = buyer.api.post("orders", json=BASKET)
    assert reply.status == 201, reply
    order = reply.data
    assert order["orderType"] == "FOOD" and order["status"] == "PENDING"
    assert order["orderId"].startswith("ord_") and order["orderNumber"].startswith("F-")
    assert order["paymentMethod"] == "WALLET" and order["paymentStatus"] == "PAID"
    assert order["deliveryAddress"]["address"] == "Rue Njo-Njo, Bonapriso"
    assert order["subtotal"] == 2 * order["items"][0]["price"]
    assert order["total"] == order["subtotal"] + order["deliveryFee"] == order["pricing"]["total"]
    assert [entry["status"] for entry in order["timeline"]] == ["PENDING"]
    assert balance(sql, buyer) == 1_000_000 - order["total"]


def test_the_price_is_the_menu_s_and_never_the_client_s(sql, buyer):
    price = sql("SELECT price FROM items WHERE id = 'item_1'")[0]["price"]
    reply = buyer.api.post("orders", json={**BASKET, "total": 1, "deliveryFee": 0, "items": [
        {"itemId": "item_1", "quantity": 1, "price": 1, "name": "Free"}]})
    assert reply.data["subtotal"] == price
    assert reply.data["items"][0]["name"] != "Free"


def test_three_and_a_half_kilometres_cost_1800(buyer):
    order = buyer.api.post("orders", json={**BASKET, "deliveryAddress": NORTH}).data
    assert order["distance"] == 3.5
    assert order["deliveryFee"] == 1800


def test_delivery_is_free_from_10000_and_the_platform_owes_the_rider(sql, buyer):
    order = buyer.api.post("orders", json={**BASKET, "deliveryAddress": NORTH, "items": [
        {"itemId": "item_1", "quantity": 4}]}).data
    assert order["subtotal"] >= 10000 and order["deliveryFee"] == 0
    assert order["total"] == order["subtotal"]
    assert sql("SELECT funded_fee FROM orders WHERE id = %s", order["orderId"])[0]["funded_fee"] == 1800


def test_each_spelling_of_an_address_is_accepted(buyer):
    for address in (AKWA, {"address": "Akwa", "coordinates": {"latitude": 4.05, "longitude": 9.7}},
                    {"street": "Akwa", "lat": 4.05, "lng": 9.7},
                    {"fullAddress": "Akwa", "location": {"lat": 4.05, "lng": 9.7}},
                    {"fullAddress": "Akwa", "latitude": 4.05, "longitude": 9.7}):
        reply = buyer.api.post("orders", json={**BASKET, "deliveryAddress": address})
        assert reply.status == 201, (address, reply)
        assert abs(reply.data["deliveryLocation"]["coordinates"]["lat"] - 4.05) < 0.001


def test_a_stored_address_is_selected_by_its_id(buyer):
    made = buyer.api.post("auth/addresses", json={"label": "Work", "address": "Bonanjo", "city": "Douala",
                                                  "coordinates": {"lat": 4.04, "lng": 9.69}}).data
    work = next(a["addressId"] for a in made["addresses"] if a["label"] == "Work")
    for body in ({"deliveryAddressId": work}, {"deliveryAddress": {"addressId": work}}):
        assert buyer.api.post("orders", json={**BASKET, **body}).data["deliveryAddress"]["label"] == "Work"
    reply = buyer.api.post("orders", json={**BASKET, "deliveryAddressId": "addr_of_nobody"})
    assert (reply.status, reply.code) == (404, "USER_3001")


def test_without_any_address_the_field_is_named(sql, customer):
    homeless = rich(sql, customer(address=False))
    reply = homeless.api.post("orders", json=BASKET)
    assert (reply.status, reply.code) == (400, "VALIDATION_ERROR")
    assert reply.error["details"][0]["field"] == "deliveryAddress"
    assert orders_of(sql, homeless) == 0


def test_cash_touches_no_wallet(sql, customer):
    poor = customer()
    order = poor.api.post("orders", json={**BASKET, "paymentMethod": "CASH"}).data
    assert order["paymentStatus"] == "PENDING"
    assert sql("SELECT count(*) AS n FROM ledger WHERE order_id = %s", order["orderId"])[0]["n"] == 0


def test_a_short_wallet_buys_nothing(sql, customer):
    poor = rich(sql, customer(), 100)
    reply = poor.api.post("orders", json=BASKET)
    assert (reply.status, reply.code) == (400, "WALLET_4000")
    assert orders_of(sql, poor) == 0 and balance(sql, poor) == 100


@pytest.mark.parametrize("method", ["MOBILE_MONEY", "CAMPAY"])
def test_an_unavailable_payment_method_names_the_available_ones(sql, buyer, method):
    reply = buyer.api.post("orders", json={**BASKET, "paymentMethod": method})
    assert (reply.status, reply.code) == (503, "EXTERNAL_11000")
    assert "WALLET" in reply.error["message"] and "CASH" in reply.error["message"]
    assert orders_of(sql, buyer) == 0


def test_a_parcel_is_priced_by_distance_weight_and_fragility(sql, buyer):
    for fields, fee in (({}, 5000),
                        ({"packageDetails": {"category": "FRAGILE", "weight": 10, "description": "Glass",
                                             "isFragile": True}}, 6000),
                        ({"packageDetails": {"category": "OTHER", "weight": 12.5, "description": "Iron"}}, 5500)):
        reply = buyer.api.post("orders", json=parcel(**fields))
        assert reply.status == 201, reply
        order = reply.data
        assert order["orderNumber"].startswith("P-") and order["vendorId"] is None
        assert (order["subtotal"], order["deliveryFee"], order["total"]) == (0, fee, fee)
        assert order["pickupAddress"]["contactPhone"] == "+237670000001"
    assert sql("SELECT commission_bps FROM orders WHERE id = %s", order["orderId"])[0]["commission_bps"] == 2000


@pytest.mark.parametrize("change, field", [
    ({"packageDetails": None}, "packageDetails"),
    ({"packageDetails": {"category": "PARCEL", "weight": 0, "description": "x"}}, "packageDetails.weight"),
    ({"packageDetails": {"category": "PARCEL", "weight": 50.1, "description": "x"}}, "packageDetails.weight"),
    ({"packageDetails": {"category": "LIVESTOCK", "weight": 5, "description": "x"}}, "packageDetails.category"),
    ({"pickupAddress": None}, "pickupAddress"),
    ({"pickupAddress": {"fullAddress": "Akwa", "coordinates": {"lat": 4, "lng": 9}}}, "pickupAddress.contactName"),
    ({"pickupAddress": {"fullAddress": "Akwa", "contactName": "Awa", "contactPhone": "670000001"}},
     "pickupAddress.coordinates"),
    ({"deliveryAddress": {"fullAddress": "Yaounde", "coordinates": {"lat": 5, "lng": 9.7}, "contactName": "Eto",
                          "contactPhone": "670000001"}}, "deliveryAddress.coordinates"),
])
def test_each_fault_of_a_parcel_names_its_field(sql, buyer, change, field):
    reply = buyer.api.post("orders", json=parcel(**change))
    assert (reply.status, reply.code) == (400, "VALIDATION_ERROR"), reply
    assert reply.error["details"][0]["field"] == field
    assert orders_of(sql, buyer) == 0


LINE = {"itemId": "item_1", "quantity": 1}


@pytest.mark.parametrize("body, field", [
    ({}, "vendorId"),
    ({"vendorId": "vendor_123"}, "items"),
    ({**BASKET, "items": []}, "items"),
    ({**BASKET, "items": [LINE] * 51}, "items"),
    ({**BASKET, "items": {}}, "items"),
    ({**BASKET, "items": ["item_1"]}, "items[0]"),
    ({**BASKET, "items": [{"itemId": "item_1"}]}, "items[0].quantity"),
    ({**BASKET, "items": [{"quantity": 1}]}, "items[0].itemId"),
    ({**BASKET, "items": [LINE, {"itemId": "item_1", "quantity": 0}]}, "items[1].quantity"),
    ({**BASKET, "items": [{"itemId": "item_1", "quantity": -3}]}, "items[0].quantity"),
    ({**BASKET, "items": [{"itemId": "item_1", "quantity": 1.5}]}, "items[0].quantity"),
    ({**BASKET, "items": [{"itemId": "item_1", "quantity": "many"}]}, "items[0].quantity"),
    ({**BASKET, "items": [{"itemId": "item_1", "quantity": 9223372036854775807}]}, "items[0].quantity"),
    ({**BASKET, "items": [{"itemId": "item_1' OR 1=1", "quantity": 1}]}, "items[0].itemId"),
    ({**BASKET, "paymentMethod": "GOLD"}, "paymentMethod"),
    ({**BASKET, "orderType": "MART"}, "orderType"),
    ({**BASKET, "notes": "x" * 501}, "notes"),
    ({**BASKET, "deliveryAddress": {"fullAddress": "Akwa"}}, "deliveryAddress.coordinates"),
    ({**BASKET, "deliveryAddress": {"coordinates": {"lat": 4, "lng": 9}}}, "deliveryAddress.fullAddress"),
    ({**BASKET, "deliveryAddress": {"fullAddress": "Pole", "coordinates": {"lat": 91, "lng": 9}}},
     "deliveryAddress.coordinates"),
    ({**BASKET, "deliveryAddress": {"fullAddress": "Yaounde", "coordinates": {"lat": 3.85, "lng": 11.5}}},
     "deliveryAddress.coordinates"),
    ({**BASKET, "items": [{"itemId": "item_1", "quantity": 900}]}, "items"),
])
def test_each_fault_names_its_field_and_writes_nothing(sql, buyer, body, field):
    reply = buyer.api.post("orders", json=body)
    assert (reply.status, reply.code) == (400, "VALIDATION_ERROR"), reply
    assert field in [detail["field"] for detail in reply.error["details"]], reply
    assert orders_of(sql, buyer) == 0 and balance(sql, buyer) == 1_000_000
    assert buyer.api.get("orders").status == 200  # the connection still works


def test_the_message_of_a_wrong_member_names_it(buyer):
    for language, words in (
            ("en", "is not what this vendor sells"), ("fr", "ne correspond pas à ce vendeur")):
        reply = buyer.api.post("orders", json={**BASKET, "orderType": "MART"},
                               headers={"Accept-Language": language})
        assert reply.error["message"] == f"orderType: {words}"
        assert reply.error["details"] == [{"field": "orderType", "message": words}]


def test_numbers_beyond_int64_are_rejected(sql, buyer):
    body = b'{"vendorId":"vendor_123","items":[{"itemId":"item_1","quantity":99999999999999999999}]}'
    reply = buyer.api.post("orders", body=body, headers={"Content-Type": "application/json"})
    assert reply.status == 400 and orders_of(sql, buyer) == 0


def test_unknown_things_are_404_and_name_the_line(sql, buyer):
    reply = buyer.api.post("orders", json={**BASKET, "vendorId": "vendor_of_nobody"})
    assert (reply.status, reply.code) == (404, "VENDOR_3000")
    reply = buyer.api.post("orders", json={**BASKET, "items": [LINE, {"itemId": "item_999", "quantity": 1}]})
    assert (reply.status, reply.code) == (404, "INVENTORY_6000")
    assert reply.error["details"][0]["field"] == "items[1].itemId"
    reply = buyer.api.post("orders", json={**BASKET, "items": [LINE, {"itemId": "item_demo_02_1", "quantity": 1}]})
    assert (reply.status, reply.code) == (404, "INVENTORY_6000")  # another vendor's
    assert orders_of(sql, buyer) == 0


def test_the_error_names_the_minimum(sql, buyer):
    cheap = sql("SELECT id, price FROM items WHERE vendor_id = 'vendor_123' AND price < 1000 LIMIT 1")[0]
    reply = buyer.api.post("orders", json={**BASKET, "items": [{"itemId": cheap["id"], "quantity": 1}]})
    assert (reply.status, reply.code) == (400, "ORDER_4001")
    assert "2000" in reply.error["message"] and str(cheap["price"]) in reply.error["message"]


def test_french_speakers_read_french(buyer):
    reply = buyer.api.post("orders", json=BASKET | {"items": []}, headers={"Accept-Language": "fr"})
    assert "doit" in reply.error["details"][0]["message"]
    assert reply.code == "VALIDATION_ERROR"


def test_an_unverified_or_suspended_customer_cannot_order(sql, server, customer):
    stranger = customer(verified=False)
    reply = stranger.api.post("orders", json=BASKET)
    assert (reply.status, reply.code) == (403, "USER_3003")
    reply = server.api().post("orders", json=BASKET)
    assert (reply.status, reply.code) == (401, "AUTH_1000")


def test_a_mart_has_its_own_minimum_number_and_commission(sql, buyer):
    item = sql("SELECT i.id, i.vendor_id, i.price FROM items i JOIN vendors v ON v.id = i.vendor_id"
               " WHERE v.service_type = 'MART' AND v.is_online AND v.city = 'Douala' AND i.price BETWEEN 500 AND 2500"
               " AND i.available AND i.stock IS NULL LIMIT 1")[0]
    order = lambda n: buyer.api.post("orders", json={"vendorId": item["vendor_id"], "items": [
        {"itemId": item["id"], "quantity": n}]})
    reply = order(4999 // item["price"])
    assert (reply.status, reply.code) == (400, "ORDER_4001")
    reply = order(-(-5000 // item["price"]))
    assert reply.status == 201 and reply.data["orderNumber"].startswith("S-")
    assert reply.data["orderType"] == "MART"
    assert sql("SELECT commission_bps FROM orders WHERE id = %s", reply.data["orderId"])[0]["commission_bps"] == 1000


def test_a_service_that_is_off_takes_no_orders(start_server):
    url = (server := start_server(ready=False)).configuration["database_url"]
    connection = psycopg2.connect(url)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("UPDATE settings SET value = 'false' WHERE key LIKE 'services.%.enabled'")
    server.start()
    buyer = register(server)
    for body in ({**BASKET, "paymentMethod": "CASH"}, parcel()):
        reply = buyer.api.post("orders", json=body)
        assert (reply.status, reply.code) == (503, "CONFIG_8000")
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM orders")
        assert cursor.fetchone() == (0,)
    connection.close()


# --- The menu changes -----------------------------------------------------------------------------


@pytest.fixture
def stall(sql, server):
    """A vendor of this test alone, with three items."""
    name = f"vendor_stall_{sql('SELECT count(*) AS n FROM vendors')[0]['n']}"
    sql("INSERT INTO vendors (id, phone, password_hash, owner_name, business_name, service_type, business_type,"
        " address, lat, lng, is_online, approval_status) VALUES"
        f" ('{name}', '+2376{abs(hash(name)) % 10**8:08d}', '-', 'Ma', 'Stall', 'FOOD', 'RESTAURANT', 'Akwa',"
        " 4.05, 9.7, true, 'APPROVED')")
    for n, stock in (("a", None), ("b", 10), ("c", None)):
        sql("INSERT INTO items (id, vendor_id, name, category, price, stock) VALUES (%s, %s, %s, 'Plats', 2500, %s)",
            f"{name}_{n}", name, n, stock)
    return name


def basket(stall, *lines, **fields):
    return {"vendorId": stall, "items": [{"itemId": f"{stall}_{item}", "quantity": n} for item, n in lines],
            "paymentMethod": "CASH", **fields}


def test_a_changed_menu_applies_immediately(sql, buyer, stall):
    """Each change is made in the database after the catalogue was filled."""
    order = lambda: buyer.api.post("orders", json=basket(stall, ("a", 1)))
    assert order().data["subtotal"] == 2500
    sql("UPDATE items SET price = 2600 WHERE id = %s", stall + "_a")
    assert order().data["subtotal"] == 2600
    sql("UPDATE items SET available = false WHERE id = %s", stall + "_a")
    assert order().code == "INVENTORY_6002"
    sql("UPDATE items SET available = true WHERE id = %s", stall + "_a")
    assert order().status == 201
    sql("UPDATE vendors SET is_online = false WHERE id = %s", stall)
    assert order().code == "ORDER_4000"
    sql("UPDATE vendors SET is_online = true WHERE id = %s", stall)
    assert order().status == 201
    sql("UPDATE items SET deleted_at = now() WHERE id = %s", stall + "_a")
    assert order().code == "INVENTORY_6000"
    sql("UPDATE vendors SET is_online = false, approval_status = 'SUSPENDED' WHERE id = %s", stall)
    assert order().code == "VENDOR_3000"


def test_limited_stock_is_never_oversold_and_the_menu_shows_what_is_left(sql, customer, stall):
    buyers = [customer() for _ in range(15)]
    api = buyers[0].api
    item = lambda: next(i for i in api.get(f"vendors/{stall}/menu").data["items"] if i["itemId"] == stall + "_b")
    assert item()["stock"] == 10  # and the menu is in the cache now
    with concurrent.futures.ThreadPoolExecutor(15) as pool:
        replies = list(pool.map(lambda who: who.api.post("orders", json=basket(stall, ("b", 1))), buyers))
    placed = [reply for reply in replies if reply.status == 201]
    assert len(placed) == 10
    assert {reply.code for reply in replies if reply.status != 201} == {"INVENTORY_6001"}
    assert sql("SELECT stock FROM items WHERE id = %s", stall + "_b")[0]["stock"] == 0
    assert item()["stock"] == 0 and item()["inStock"] is False
    mine = next(who for who, reply in zip(buyers, replies) if reply.status == 201)
    order = next(reply.data for who, reply in zip(buyers, replies) if who is mine)
    assert mine.api.put(f"orders/{order['orderId']}/cancel", json={"reason": "not hungry"}).status == 200
    assert item()["stock"] == 1


def test_lines_of_one_item_count_together(sql, buyer, stall):
    reply = buyer.api.post("orders", json=basket(stall, ("b", 6), ("a", 1), ("b", 6)))
    assert (reply.status, reply.code) == (400, "INVENTORY_6001")
    assert reply.error["details"][0]["field"] == "items[2].quantity"
    assert buyer.api.post("orders", json=basket(stall, ("b", 6), ("b", 4))).status == 201


def test_business_hours_apply_only_when_enforced(start_server):
    server = start_server()
    shut = {day: {"closed": True} for day in ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday",
                                              "sunday")}
    connection = psycopg2.connect(server.configuration["database_url"])
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("UPDATE vendors SET business_hours = %s WHERE id = 'vendor_123'", [json.dumps(shut)])
    order = lambda: register(server).api.post("orders", json={**BASKET, "paymentMethod": "CASH"})
    assert order().status == 201
    with connection.cursor() as cursor:
        cursor.execute("UPDATE settings SET value = 'true' WHERE key = 'enforce_business_hours'")
    connection.close()
    server.restart()
    assert order().code == "ORDER_4000"
