# SPDX-License-Identifier: MIT
"""Vendors in the admin namespace: rows, approval and edits."""

import pytest

from world.rows import ITEM, META, ORDER, VENDOR, VENDOR_STATS, numbers
from world.waiting import until


@pytest.fixture
def public(server):
    """public(vendor): statuses of the public routes of its row and its menu."""
    api = server.api()
    return lambda shop: (api.get(f"vendors/{shop.id}").status, api.get(f"vendors/{shop.id}/menu").status)


def test_a_row_has_the_contracts_keys(admin_api, vendor):
    shop = vendor(items=1)
    rows = admin_api.get("vendors", query={"search": shop.phone}).json
    assert set(rows["meta"]) == META
    assert [set(row) for row in rows["data"]] == [VENDOR]
    row = rows["data"][0]
    numbers(row, "latitude", "longitude", "orders", "total_orders", "total_revenue", "average_rating",
            "commission_rate", "prep_minutes")
    assert (row["id"], row["vertical"], row["category"]) == (shop.id, "food", "RESTAURANT")
    assert row["commission_rate"] == 0.15


def test_the_row_of_one_vendor_has_statistics(admin_api, vendor):
    shop = vendor(items=2)
    row = admin_api.get(f"vendors/{shop.id}").data
    assert set(row) == VENDOR | {"stats"} and set(row["stats"]) == VENDOR_STATS
    assert row["stats"] == {"wallet_balance": 0, "total_revenue_30d": 0, "active_menu_items": 2}
    items = admin_api.get(f"vendors/{shop.id}/menu-items").data
    assert [set(item) for item in items] == [ITEM, ITEM]


def test_pending_vendors_are_filtered_by_either_word(admin_api, vendor):
    shop = vendor(approval_status="PENDING", is_online=False)
    for word in ("PENDING", "PENDING_APPROVAL", "pending"):
        rows = admin_api.get("vendors", query={"search": shop.phone, "status": word}).data
        assert [(row["status"], row["approval_status"]) for row in rows] == [
            ("PENDING", "PENDING_APPROVAL")]
    assert admin_api.get("vendors", query={"search": shop.phone, "status": "APPROVED"}).data == []
    for word in ("", "ALL"):
        assert len(admin_api.get("vendors", query={"search": shop.phone, "status": word}).data) == 1
    wrong = admin_api.get("vendors", query={"status": "FINE"})
    assert (wrong.status, wrong.code) == (400, "VALIDATION_FAILED")
    assert set(wrong.error["details"]["fields"]) == {"status"}


def test_page_limits_are_clamped(admin_api):
    first = admin_api.get("vendors", query={"limit": 500}).json["meta"]
    assert (first["limit"], first["pageSize"], first["page"]) == (100, 100, 1)
    two = admin_api.get("vendors", query={"limit": 2, "page": 2}).json
    assert len(two["data"]) == 2 and two["meta"]["hasPrev"] and two["meta"]["hasNext"]
    assert admin_api.get("vendors", query={"page": 0}).status == 400


def test_a_search_takes_its_wildcards_literally(admin_api):
    assert admin_api.get("vendors", query={"search": "%"}).data == []


def test_an_approved_vendor_is_public_at_once(admin_api, vendor, public, sql):
    shop = vendor(items=1, approval_status="PENDING", is_online=False)
    assert public(shop) == (404, 404)
    row = admin_api.post(f"vendors/{shop.id}/approve").data
    assert (row["status"], row["rejection_reason"]) == ("APPROVED", None)
    assert public(shop) == (200, 200)
    acts = sql("SELECT * FROM admin_audit WHERE subject = %s", shop.id)
    assert [(act["act"], act["details"]) for act in acts] == [("vendor.approve", {})]
    assert acts[0]["admin_id"].startswith("admin_test") and acts[0]["request_id"]
    events = sql("SELECT payload, rooms FROM event_log WHERE aggregate = %s AND type = 'vendor_changed'", shop.id)
    assert [event["payload"]["vendorId"] for event in events] == [shop.id]


def test_a_suspended_vendor_is_hidden_at_once_and_its_tokens_are_revoked(admin_api, vendor, public, sql):
    shop = vendor(items=1)
    assert public(shop) == (200, 200)       # and cached
    assert shop.api.get("inventory/items").status == 200
    row = admin_api.post(f"vendors/{shop.id}/suspend", json={"reason": "Hygiene"}).data
    assert (row["status"], row["rejection_reason"], row["is_online"]) == ("SUSPENDED", "Hygiene", False)
    assert public(shop) == (404, 404)
    until(lambda: shop.api.get("inventory/items").status == 401)
    assert sql("SELECT is_online FROM vendors WHERE id = %s", shop.id)[0]["is_online"] is False
    again = admin_api.post(f"vendors/{shop.id}/approve").data
    assert (again["status"], again["rejection_reason"]) == ("APPROVED", None)
    assert public(shop) == (200, 200)


def test_an_order_to_a_newly_suspended_vendor_is_refused(admin_api, vendor, customer):
    shop, buyer = vendor(items=1), customer()
    basket = {"vendorId": shop.id, "items": [{"itemId": shop.items[0], "quantity": 1}],
              "paymentMethod": "CASH"}
    assert buyer.api.post("orders", json=basket).status == 201
    admin_api.post(f"vendors/{shop.id}/suspend", json={"reason": "Hygiene"})
    assert buyer.api.post("orders", json=basket).status == 404


def test_rejection_needs_a_reason(admin_api, vendor):
    shop = vendor(approval_status="PENDING", is_online=False)
    wrong = admin_api.post(f"vendors/{shop.id}/reject")
    assert (wrong.status, wrong.code) == (400, "VALIDATION_FAILED")
    assert set(wrong.error["details"]["fields"]) == {"reason"}
    row = admin_api.patch(f"vendors/{shop.id}/reject", json={"reason": "No licence"}).data
    assert (row["status"], row["rejection_reason"]) == ("REJECTED", "No licence")


@pytest.mark.parametrize("call", ["approve", "reject", "suspend"])
def test_a_vendor_that_does_not_exist_is_404(admin_api, call):
    reply = admin_api.post(f"vendors/vendor_nobody/{call}", json={"reason": "x"})
    assert (reply.status, reply.code) == (404, "NOT_FOUND")
    assert admin_api.get("vendors/vendor_nobody").status == 404
    assert admin_api.get("vendors/vendor_nobody/menu-items").status == 404


@pytest.mark.parametrize("spelling", ["camel", "snake"])
def test_details_of_a_vendor_are_changed_in_either_spelling(admin_api, vendor, sql, spelling):
    shop = vendor(bank_details={"bankName": "Afriland", "bankCode": "10005"})
    body = {"businessName": "Chez Rosine", "ownerName": "Rosine Etame", "city": "Limbe",
            "mobileMoneyNumber": "670000077", "bankAccountNumber": "123456", "bankName": "UBA"}
    if spelling == "snake":
        body = {"business_name": "Chez Rosine", "owner_name": "Rosine Etame", "city": "Limbe",
                "mobile_money_number": "670000077", "bank_account_number": "123456",
                "bank_name": "UBA"}
    row = admin_api.patch(f"vendors/{shop.id}", json={**body, "password": "never-kept"}).data
    assert (row["business_name"], row["owner_name"], row["city"], row["mobile_money_number"],
            row["bank_account_number"], row["bank_name"]) == (
        "Chez Rosine", "Rosine Etame", "Limbe", "670000077", "123456", "UBA")
    kept = sql("SELECT bank_details, address FROM vendors WHERE id = %s", shop.id)[0]
    assert kept["bank_details"] == {"bankName": "UBA", "bankCode": "10005", "accountNumber": "123456"}
    assert kept["address"] == "Rue Joffre, Akwa"
    act = sql("SELECT details FROM admin_audit WHERE subject = %s", shop.id)[0]["details"]
    assert act["businessName"] == "Chez Rosine" and "password" not in act


def test_a_change_is_public_at_once(admin_api, api, vendor):
    shop = vendor()
    assert api.get(f"vendors/{shop.id}").data["businessName"] == "Chez Rose"
    admin_api.patch(f"vendors/{shop.id}", json={"businessName": "Chez Rosine"})
    assert api.get(f"vendors/{shop.id}").data["businessName"] == "Chez Rosine"


def test_a_phone_of_another_vendor_is_409(admin_api, vendor):
    one, other = vendor(), vendor()
    reply = admin_api.patch(f"vendors/{one.id}", json={"phone": other.phone})
    assert (reply.status, reply.code) == (409, "CONFLICT")


@pytest.mark.parametrize("rate", [0.15, 0.1, 0.0725, 1e-05, 1])
def test_the_audit_shows_a_number_as_it_was_sent(admin_api, vendor, sql, rate):
    shop = vendor()
    assert admin_api.patch(f"vendors/{shop.id}/commission", json={"commissionRate": rate}).status == 200
    [act] = sql("SELECT details ->> 'commissionRate' AS rate FROM admin_audit WHERE subject = %s", shop.id)
    assert float(act["rate"]) == rate and len(act["rate"]) <= 7, act


def test_a_vendors_own_commission_applies_to_the_next_order(admin_api, vendor, customer):
    shop, buyer = vendor(items=1, price=3000), customer()
    for wrong in (15, -0.1, "much"):
        reply = admin_api.patch(f"vendors/{shop.id}/commission", json={"commissionRate": wrong})
        assert reply.status == 400 and set(reply.error["details"]["fields"]) == {"commissionRate"}
    row = admin_api.patch(f"vendors/{shop.id}/commission", json={"commission_rate": 0.085}).data
    assert row["commission_rate"] == 0.085
    placed = buyer.api.post("orders", json={
        "vendorId": shop.id, "items": [{"itemId": shop.items[0], "quantity": 2}],
        "paymentMethod": "CASH"}).data
    order = admin_api.get(f"orders/{placed['orderNumber']}").data
    assert order["commission_amount"] == 510
    orders = admin_api.get(f"vendors/{shop.id}/orders").json
    assert [set(row) for row in orders["data"]] == [ORDER] and orders["meta"]["total"] == 1


def test_a_vendor_is_featured_and_unfeatured(admin_api, vendor):
    shop = vendor()
    assert admin_api.patch(f"vendors/{shop.id}/feature", json={"featured": True}).data["featured"]
    assert not admin_api.patch(f"vendors/{shop.id}/feature", json={"featured": False}).data["featured"]
    assert admin_api.patch(f"vendors/{shop.id}/feature", json={}).status == 400


def test_a_suspended_vendor_cannot_log_in(admin_api, vendor, server):
    shop = vendor()
    login = {"email": shop.email, "password": shop.password}
    admin_api.post(f"vendors/{shop.id}/suspend", json={"reason": "Hygiene"})
    refused = server.api(name="vendor").post("auth/login", json=login)
    assert (refused.status, refused.code) == (403, "VENDOR_1003")
    admin_api.post(f"vendors/{shop.id}/approve")
    assert server.api(name="vendor").post("auth/login", json=login).status == 200
