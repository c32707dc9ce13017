# SPDX-License-Identifier: MIT
"""Customers in the admin namespace: rows, suspension and deletion."""

from world.rows import META, USER, USER_STATS, numbers


def test_a_row_has_the_contracts_keys(admin_api, customer):
    buyer = customer()
    listed = admin_api.get("users", query={"search": buyer.phone}).json
    assert set(listed["meta"]) == META and [set(row) for row in listed["data"]] == [USER]
    row = admin_api.get(f"users/{buyer.id}").data
    assert set(row) == USER | {"stats"} and set(row["stats"]) == USER_STATS
    numbers(row, "orders", "total_orders", "total_spent")
    assert (row["id"], row["status"], row["city"]) == (buyer.id, "ACTIVE", "Douala")


def test_orders_are_counted(admin_api, customer, vendor, sql):
    buyer, shop = customer(), vendor(items=1)
    first, second = [buyer.api.post("orders", json={
        "vendorId": shop.id, "items": [{"itemId": shop.items[0], "quantity": n}],
        "paymentMethod": "CASH"}).data for n in (1, 2)]
    sql("UPDATE orders SET status = 'DELIVERED', active = false WHERE id = %s", first["orderId"])
    row = admin_api.get(f"users/{buyer.id}").data
    assert (row["orders"], row["total_spent"], row["stats"]["active_orders"]) == (2, first["total"], 1)
    assert row["last_order_at"] == second["createdAt"]


def test_a_suspended_customer_is_refused_at_once_and_can_be_reinstated(admin_api, customer, server, sql):
    buyer = customer()
    assert buyer.api.get("orders").status == 200
    row = admin_api.post(f"users/{buyer.id}/suspend", json={"reason": "Fraud"}).data
    assert row["status"] == "SUSPENDED"
    assert buyer.api.get("orders").status == 401
    login = {"phone": buyer.phone, "password": "Kumba-2024!"}
    refused = server.api().post("auth/login", json=login)
    assert (refused.status, refused.code) == (403, "USER_3004")
    assert admin_api.get("users", query={"search": buyer.phone, "status": "SUSPENDED"}).json["meta"]["total"] == 1
    assert admin_api.post(f"users/{buyer.id}/activate").data["status"] == "ACTIVE"
    assert server.api().post("auth/login", json=login).status == 200
    acts = sql("SELECT act, details FROM admin_audit WHERE subject = %s ORDER BY id", buyer.id)
    assert [act["act"] for act in acts] == ["user.suspend", "user.unsuspend"]
    assert acts[0]["details"] == {"reason": "Fraud"}


def test_the_status_route_also_suspends_and_reinstates(admin_api, customer):
    buyer = customer()
    assert admin_api.patch(f"users/{buyer.id}/status", json={"status": "suspended"}).data["status"] == "SUSPENDED"
    assert admin_api.patch(f"users/{buyer.id}/status", json={"status": "ACTIVE"}).data["status"] == "ACTIVE"
    assert admin_api.post(f"users/{buyer.id}/unsuspend").data["status"] == "ACTIVE"
    reply = admin_api.patch(f"users/{buyer.id}/status", json={"status": "DELETED"})
    assert reply.status == 400 and set(reply.error["details"]["fields"]) == {"status"}


def test_phone_and_email_of_a_deleted_customer_can_be_used_again(admin_api, customer, server):
    buyer = customer(email="gone@test.reeyo.cm")
    row = admin_api.delete(f"users/{buyer.id}").data
    assert (row["status"], row["phone"], row["email"]) == (
        "DELETED", f"deleted_{buyer.id}", f"deleted_{buyer.id}@reeyo.local".lower())
    assert buyer.api.get("auth/me").status == 401
    assert admin_api.get("users", query={"search": buyer.id}).data == []
    assert admin_api.delete(f"users/{buyer.id}").status == 404
    assert admin_api.post(f"users/{buyer.id}/activate").status == 404
    assert customer(email="gone@test.reeyo.cm", phone=buyer.phone).phone == buyer.phone


def test_an_unknown_customer_is_404(admin_api):
    assert admin_api.get("users/user_nobody").code == "NOT_FOUND"
    assert admin_api.post("users/user_nobody/suspend", json={"reason": "x"}).code == "NOT_FOUND"


def test_every_change_of_a_customer_invalidates_the_cached_account(admin_api, customer, redis):
    buyer = customer()
    key = f"user:{buyer.id}"

    def cached():
        assert buyer.api.post("orders", json={}).status == 400      # admitted, by the account's cached row
        return redis("EXISTS", key) == "1"
    assert cached()
    admin_api.patch(f"users/{buyer.id}/status", json={"status": "ACTIVE"})
    assert redis("EXISTS", key) == "0"
    assert cached()
    admin_api.post(f"users/{buyer.id}/suspend", json={"reason": "Fraud"})
    assert redis("EXISTS", key) == "0"
