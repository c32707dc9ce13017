# SPDX-License-Identifier: MIT
"""Orders in the admin namespace: lists, search, details and decisions."""

import pytest

from world.audit import top_up
from world.rows import META, ORDER, ORDER_ITEM, ORDER_RIDER, ORDER_USER, ORDER_VENDOR, TIMELINE, numbers


@pytest.fixture
def placed(customer, vendor):
    """placed(**body): (an order, its customer, its vendor)."""
    def place(kind="FOOD", **body):
        buyer, shop = customer(), vendor(items=2, price=3000, service_type=kind)
        order = buyer.api.post("orders", json={
            "vendorId": shop.id, "items": [{"itemId": shop.items[0], "quantity": 2, "notes": "Sans piment"},
                                           {"itemId": shop.items[1], "quantity": 1}],
            "paymentMethod": "CASH", **body})
        assert order.status == 201, order
        return order.data, buyer, shop
    return place


def parcel(buyer):
    spot = {"fullAddress": "Rue Koumassi, Bali", "coordinates": {"lat": 4.04, "lng": 9.69},
            "contactName": "Paul", "contactPhone": "+237670000099"}
    reply = buyer.api.post("orders", json={
        "orderType": "PACKAGE", "packageDetails": {"category": "DOCUMENT", "weight": 1, "description": "Lettres"},
        "pickupAddress": spot, "deliveryAddress": {**spot, "coordinates": {"lat": 4.05, "lng": 9.70}},
        "paymentMethod": "CASH"})
    assert reply.status == 201, reply
    return reply.data


def test_a_row_has_the_contracts_keys(admin_api, placed):
    order, buyer, shop = placed()
    row = admin_api.get(f"orders/{order['orderId']}").data
    assert set(row) == ORDER and set(row["user"]) == ORDER_USER and set(row["vendor"]) == ORDER_VENDOR
    assert [set(line) for line in row["items"]] == [ORDER_ITEM, ORDER_ITEM]
    assert [set(entry) for entry in row["timeline"]] == [TIMELINE]
    numbers(row, "rider_earnings", "delivery_fee", "packaging_fee", "commission_amount", "total_amount", "total",
            "distance_km", "estimated_delivery_mins")
    assert (row["id"], row["order_number"], row["vertical"], row["status"], row["raw_status"]) == (
        order["orderId"], order["orderNumber"], "food", "PENDING", "PENDING")
    assert (row["user"]["id"], row["vendor"]["id"], row["rider"]) == (buyer.id, shop.id, None)
    assert (row["commission_amount"], row["rider_earnings"], row["total"]) == (
        1350, order["deliveryFee"], order["total"])
    assert row["items_summary"] == "2 × Ndolé, 1 × Ndolé"
    assert (row["items"][0]["unit_price"], row["items"][0]["total_price"], row["items"][0]["note"]) == (
        3000, 6000, "Sans piment")
    assert (row["payment_status"], row["payment"]) == ("UNPAID", {"status": "UNPAID"})


def test_chosen_variants_and_add_ons_are_the_options_of_an_item(admin_api, customer, vendor, sql):
    buyer, shop = customer(), vendor(items=1, price=3000)
    sql("UPDATE items SET variants = '[{\"id\":\"v1\",\"name\":\"Grand\",\"price\":500}]',"
        " add_ons = '[{\"id\":\"a1\",\"name\":\"Piment\",\"price\":100}]' WHERE id = %s", shop.items[0])
    placed = buyer.api.post("orders", json={"vendorId": shop.id, "paymentMethod": "CASH", "items": [
        {"itemId": shop.items[0], "quantity": 2, "variantId": "v1", "addOns": [{"id": "a1", "quantity": 2}]}]})
    assert placed.status == 201, placed
    line = admin_api.get(f"orders/{placed.data['orderId']}").data["items"][0]
    assert set(line) == ORDER_ITEM
    assert line["options"] == [{"name": "Grand", "price": 500}, {"name": "Piment × 2", "price": 200}]
    assert (line["unit_price"], line["total_price"]) == (3700, 7400)


def test_a_parcel_has_no_vendor_and_its_sender_is_the_pickup(admin_api, customer):
    order = parcel(customer())
    row = admin_api.get(f"orders/{order['orderNumber']}").data
    assert set(row) == ORDER
    assert (row["vertical"], row["vendor"], row["vendor_name"], row["items"]) == ("parcel", None, None, [])
    assert row["pickup"]["phone"] == "+237670000099" and row["items_summary"] == "Lettres"
    assert row["commission_amount"] == (order["total"] * 2000 + 5000) // 10000
    assert row["commission_amount"] + row["rider_earnings"] == order["total"]


@pytest.mark.parametrize("raw,shown", [
    ("ACCEPTED", "CONFIRMED"), ("PREPARING", "PREPARING"), ("READY_FOR_PICKUP", "READY"),
    ("RIDER_ASSIGNED", "RIDER_ASSIGNED"), ("RIDER_AT_PICKUP", "RIDER_ASSIGNED"), ("IN_TRANSIT", "IN_TRANSIT"),
    ("RIDER_AT_DELIVERY", "IN_TRANSIT")])
def test_statuses_are_shown_and_filtered_in_the_consoles_words(admin_api, placed, sql, raw, shown):
    order, buyer, _ = placed()
    sql("UPDATE orders SET status = %s WHERE id = %s", raw, order["orderId"])
    for word in (shown, raw, shown.lower(), "ACTIVE", f"{shown},DELIVERED", "ALL", ""):
        rows = admin_api.get("orders", query={"userId": buyer.id, "status": word}).data
        assert [(row["status"], row["raw_status"]) for row in rows] == [(shown, raw)], word
    assert admin_api.get("orders", query={"userId": buyer.id, "status": "DELIVERED"}).data == []


def test_a_wrong_status_is_named(admin_api):
    reply = admin_api.get("orders", query={"status": "LOST"})
    assert reply.status == 400 and set(reply.error["details"]["fields"]) == {"status"}


def test_lists_filter_by_party_and_day_newest_first(admin_api, placed, rider, sql):
    order, buyer, shop = placed()
    second = buyer.api.post("orders", json={
        "vendorId": shop.id, "items": [{"itemId": shop.items[0], "quantity": 3}], "paymentMethod": "CASH"}).data
    man = rider()
    sql("UPDATE orders SET rider_id = %s WHERE id = %s", man.id, second["orderId"])
    both = [second["orderNumber"], order["orderNumber"]]

    def numbers_of(**query):
        reply = admin_api.get("orders", query=query).json
        assert set(reply["meta"]) == META and reply["meta"]["total"] >= len(reply["data"])
        return [row["order_number"] for row in reply["data"]]
    assert numbers_of(vendorId=shop.id) == both
    assert numbers_of(vendor_id=shop.id, limit=1, page=2) == both[1:]
    assert numbers_of(userId=buyer.id) == both
    assert numbers_of(riderId=man.id) == both[:1]
    assert numbers_of(riderId=man.id, vendorId=shop.id, userId=buyer.id) == both[:1]
    assert numbers_of(riderId="rider_nobody", vendorId=shop.id) == []
    assert numbers_of(limit=2) == both
    assert numbers_of(vendorId=shop.id, dateTo="2020-01-01") == []
    assert numbers_of(vendorId=shop.id, dateFrom="2020-01-01") == both
    row = admin_api.get(f"orders/{second['orderId']}").data
    assert set(row["rider"]) == ORDER_RIDER and row["rider"]["id"] == man.id
    assert [r["order_number"] for r in admin_api.get(f"users/{buyer.id}/orders").data] == both


def test_a_part_of_the_number_finds_it_in_any_case(admin_api, placed):
    order, _, _ = placed()
    part = order["orderNumber"][3:].lower()
    reply = admin_api.get("orders/search", query={"q": part}).json
    assert [row["order_number"] for row in reply["data"]] == [order["orderNumber"]]
    assert reply["meta"]["total"] == 1 and set(reply["data"][0]) == ORDER
    whole = admin_api.get("orders/search", query={"q": order["orderNumber"].lower()}).json
    assert whole == {**reply, "data": whole["data"]} and whole["data"] == reply["data"]
    assert admin_api.get("orders/search", query={"q": "%"}).data == []
    assert admin_api.get("orders/search").status == 400


def test_the_timeline_shows_the_pick_up_and_reasons(admin_api, placed, sql):
    order, buyer, _ = placed()
    buyer.api.put(f"orders/{order['orderId']}/cancel", json={"reason": "Trop long"})
    rows = admin_api.get(f"orders/{order['orderNumber']}/timeline").data
    assert [set(row) for row in rows] == [TIMELINE, TIMELINE]
    assert [(row["status"], row["by"], row["reason"]) for row in rows] == [
        ("PENDING", "USER", None), ("CANCELLED", "USER", "Trop long")]
    sql("UPDATE orders SET timeline = timeline_add(timeline, 'IN_TRANSIT', now(), 'RIDER') WHERE id = %s",
        order["orderId"])
    assert admin_api.get(f"orders/{order['orderId']}").data["timeline"][-1]["status"] == "PICKED_UP"


def test_money_of_a_paid_order_and_its_refund(admin_api, customer, vendor, sql):
    buyer, shop = customer(), vendor(items=1, price=12000)
    top_up(sql, buyer.id, 50000)
    order = buyer.api.post("orders", json={
        "vendorId": shop.id, "items": [{"itemId": shop.items[0], "quantity": 1}], "paymentMethod": "WALLET"}).data
    row = admin_api.get(f"orders/{order['orderId']}").data
    assert (row["payment_status"], row["delivery_fee"], row["commission_amount"]) == ("PAID", 0, 1800)
    assert row["rider_earnings"] > 0    # the platform pays a free delivery
    buyer.api.put(f"orders/{order['orderId']}/cancel", json={"reason": "Trop long"})
    rows = admin_api.get("orders", query={"userId": buyer.id, "status": "REFUNDED"}).data
    assert [(r["status"], r["payment_status"], r["commission_amount"]) for r in rows] == [
        ("CANCELLED", "REFUNDED", 0)]
    other = buyer.api.post("orders", json={
        "vendorId": shop.id, "items": [{"itemId": shop.items[0], "quantity": 1}], "paymentMethod": "CASH"}).data
    buyer.api.put(f"orders/{other['orderId']}/cancel", json={"reason": "Trop long"})
    assert len(admin_api.get("orders", query={"userId": buyer.id, "status": "REFUNDED"}).data) == 1
    assert len(admin_api.get("orders", query={"userId": buyer.id, "status": "CANCELLED"}).data) == 2


def test_an_order_that_does_not_exist_is_404(admin_api):
    for path in ("orders/ord_nothing", "orders/F-NOTHING", "orders/ord_nothing/timeline"):
        reply = admin_api.get(path)
        assert (reply.status, reply.code) == (404, "NOT_FOUND")


# --- Writes -----------------------------------------------------------------------------------------

def test_an_admin_assigns_a_rider(admin_api, placed, rider, sql):
    order, _, shop = placed()
    man = rider()
    shop.api.put(f"orders/{order['orderId']}/accept", json={})
    row = admin_api.post(f"orders/{order['orderNumber']}/assign-rider", json={"rider_id": man.id}).data
    assert set(row) == ORDER and (row["status"], row["rider"]["id"]) == ("RIDER_ASSIGNED", man.id)
    assert row["timeline"][-1]["by"] == "ADMIN"
    act = sql("SELECT * FROM admin_audit WHERE subject = %s", order["orderId"])
    assert [(a["act"], a["details"]) for a in act] == [("order.assign", {"riderId": man.id})]
    assert act[0]["admin_id"].startswith("admin_test") and act[0]["request_id"]
    other = rider()
    row = admin_api.post(f"orders/{order['orderId']}/assign-rider", json={"riderId": other.id}).data
    assert (row["status"], row["rider"]["id"]) == ("RIDER_ASSIGNED", other.id)


@pytest.mark.parametrize("columns,status", [({"approval_status": "SUSPENDED"}, 409), ({"status": "INACTIVE"}, 409),
                                            (None, 404)])
def test_only_an_approved_and_active_rider_gets_an_order(admin_api, placed, rider, sql, columns, status):
    order, _, shop = placed()
    shop.api.put(f"orders/{order['orderId']}/accept", json={})
    man = rider(**columns).id if columns else "rider_nobody"
    reply = admin_api.post(f"orders/{order['orderId']}/assign-rider", json={"riderId": man})
    assert reply.status == status
    assert sql("SELECT 1 FROM admin_audit WHERE subject = %s", order["orderId"]) == []


def test_an_unaccepted_order_cannot_be_assigned(admin_api, placed, rider):
    order, _, _ = placed()
    reply = admin_api.post(f"orders/{order['orderId']}/assign-rider", json={"riderId": rider().id})
    assert (reply.status, reply.code) == (409, "ORDER_INVALID_STATUS")


def test_cancelling_an_order_refunds_the_customer(admin_api, customer, vendor, sql):
    buyer, shop = customer(), vendor(items=1, price=3000)
    top_up(sql, buyer.id, 50000)
    order = buyer.api.post("orders", json={
        "vendorId": shop.id, "items": [{"itemId": shop.items[0], "quantity": 1}], "paymentMethod": "WALLET"}).data
    shop.api.put(f"orders/{order['orderId']}/accept", json={})
    shop.api.put(f"orders/{order['orderId']}/ready")
    assert admin_api.post(f"orders/{order['orderId']}/cancel", json={}).status == 400
    row = admin_api.post(f"orders/{order['orderId']}/cancel", json={"reason": "Kitchen on fire"}).data
    assert (row["status"], row["payment_status"]) == ("CANCELLED", "REFUNDED")
    assert (row["timeline"][-1]["by"], row["timeline"][-1]["reason"]) == ("ADMIN", "Kitchen on fire")
    assert sql("SELECT available FROM wallets WHERE owner_id = %s", buyer.id)[0]["available"] == 50000
    again = admin_api.post(f"orders/{order['orderId']}/cancel", json={"reason": "Kitchen on fire"})
    assert again.status == 200 and again.data == row
    assert len(sql("SELECT 1 FROM admin_audit WHERE subject = %s", order["orderId"])) == 1
    assert admin_api.post("orders/ord_nothing/cancel", json={"reason": "x"}).code == "NOT_FOUND"


def test_the_decisions_of_dispatch_are_shown(admin_api, placed, rider, sql):
    order, _, _ = placed()
    assert admin_api.get(f"orders/{order['orderId']}/dispatch").data == []
    man = rider()
    sql("WITH f AS (INSERT INTO offers (id, order_id, rider_id, outcome, reason, score)"
        " VALUES ('off_' || %s, %s, %s, 'REJECTED', 'Too far', 61.5))"
        " INSERT INTO dispatch_decisions (order_id, round, rider_id, candidates)"
        " VALUES (%s, 1, %s, '[{\"riderId\":\"x\",\"score\":61.5}]')",
        man.id, order["orderId"], man.id, order["orderId"], man.id)
    decision = admin_api.get(f"orders/{order['orderNumber']}/dispatch").data[0]
    assert (decision["rider"], decision["outcome"], decision["reason"], decision["round"]) == (
        {"id": man.id, "name": "Emmanuel Tchoupo"}, "REJECTED", "Too far", 1)
    assert decision["candidates"] == [{"riderId": "x", "score": 61.5}]
    assert admin_api.get("orders/ord_nothing/dispatch").status == 404


@pytest.mark.parametrize("price", [3333, 12345])     # 12,345: free delivery, paid by the platform
def test_the_shown_shares_equal_the_booked_ones(admin_api, customer, vendor, rider, sql, price):
    buyer, shop, man = customer(), vendor(items=1, price=price, commission_bps=1234), rider(is_online=True)
    top_up(sql, buyer.id, 50000)
    order = buyer.api.post("orders", json={
        "vendorId": shop.id, "items": [{"itemId": shop.items[0], "quantity": 1}], "paymentMethod": "WALLET"}).data
    shop.api.put(f"orders/{order['orderId']}/accept", json={})
    before = admin_api.post(f"orders/{order['orderId']}/assign-rider", json={"riderId": man.id}).data
    for act in ("confirm-pickup", "complete"):
        assert man.api.post(f"orders/{order['orderId']}/{act}", json={}).status == 200
    row = admin_api.get(f"orders/{order['orderId']}").data
    assert (row["status"], row["payment_status"]) == ("DELIVERED", "PAID")
    assert row["actual_delivery_mins"] == row["fulfilment_minutes"] == 0
    booked = sql("SELECT to_kind, sum(amount)::bigint AS amount FROM ledger WHERE order_id = %s"
                 " AND to_kind IN ('RIDER', 'PLATFORM') GROUP BY 1", order["orderId"])
    assert {b["to_kind"]: b["amount"] for b in booked} == {
        "RIDER": row["rider_earnings"], "PLATFORM": row["commission_amount"]}
    assert (before["rider_earnings"], before["commission_amount"]) == (
        row["rider_earnings"], row["commission_amount"])
    assert [entry["status"] for entry in row["timeline"]] == [
        "PENDING", "CONFIRMED", "RIDER_ASSIGNED", "PICKED_UP", "DELIVERED"]
    assert admin_api.get(f"riders/{man.id}").data["total_earnings"] == row["rider_earnings"]
