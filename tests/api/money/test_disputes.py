# SPDX-License-Identifier: MIT
"""Disputes as admins end them."""

import pytest

from world.audit import top_up
from world.money import events
from world.waiting import race

KEYS = set("""id ticket_number subject category description status priority user order resolution refund_amount created_at
    resolved_at messages""".split())


@pytest.fixture
def dispute(customer, vendor, rider, sql):
    """dispute(status="DELIVERED", method="WALLET"): a customer, his order in that state, and his dispute."""
    def make(status="DELIVERED", method="WALLET"):
        buyer, shop, man = customer(), vendor(items=1), rider(is_online=True)
        top_up(sql, buyer.id, 100000)
        order = buyer.api.post("/api/v1/user/orders", json={
            "vendorId": shop.id, "paymentMethod": method, "items": [{"itemId": shop.items[0], "quantity": 2}]}).data
        if status == "CANCELLED":
            assert buyer.api.put(f"/api/v1/user/orders/{order['orderId']}/cancel", json={"reason": "Too late"}).status == 200
        elif status != "PENDING":
            sql("UPDATE orders SET status = 'IN_TRANSIT', rider_id = %s WHERE id = %s", man.id, order["orderId"])
            sql("UPDATE riders SET active_orders = 1 WHERE id = %s", man.id)
        if status == "DELIVERED":
            assert man.api.post(f"orders/{order['orderId']}/complete", json={}).status == 200
        row = buyer.api.post("/api/v1/user/disputes", json={
            "orderId": order["orderId"], "category": "MISSING_ITEM", "subject": "One was missing",
            "description": "Two ordered, one came"}).data
        return buyer, order, row
    return make


def balance(sql, buyer):
    return sql("SELECT available FROM wallets WHERE owner_id = %s", buyer.id)[0]["available"]


def test_disputes_are_listed_and_read(admin_api, dispute):
    buyer, order, row = dispute()
    assert set(row) == KEYS
    assert row in admin_api.get("disputes", query={"status": "OPEN", "category": "missing_item", "limit": 100}).data
    assert row not in admin_api.get("disputes", query={"status": "RESOLVED"}).data
    assert admin_api.get("disputes", query={"category": "other"}).data == []
    assert admin_api.get("disputes", query={"status": "LOST"}).status == 400
    assert admin_api.get(f"disputes/{row['id']}").data == admin_api.get(f"disputes/{row['ticket_number']}").data == row
    assert admin_api.get("disputes/dsp_none").status == 404


def test_a_refund_goes_from_the_platform_into_the_wallet(admin_api, dispute, sql):
    buyer, order, row = dispute()
    before = balance(sql, buyer)
    reply = admin_api.post(f"disputes/{row['id']}/resolve", json={
        "resolution": "Half of it back", "refundAmount": 2500, "refundToWallet": True})
    assert (reply.status, reply.data["status"], reply.data["refund_amount"], reply.data["resolution"]) == (
        200, "RESOLVED", 2500, "Half of it back")
    assert reply.data["resolved_at"] and balance(sql, buyer) == before + 2500
    moved = sql("SELECT * FROM ledger WHERE order_id = %s AND category = 'REFUND'", order["orderId"])
    assert [(m["from_kind"], m["to_kind"], m["to_owner"], m["amount"], m["to_balance"], m["reference"]) for m in moved] == [
        ("PLATFORM", "USER", buyer.id, 2500, before + 2500, row["id"])]
    published = events(sql, row["id"])
    assert (published["refund_issued"]["orderId"], published["refund_issued"]["amount"]) == (order["orderId"], 2500)
    assert (published["dispute_resolved"]["disputeId"], published["dispute_resolved"]["refundAmount"]) == (row["id"], 2500)
    shop = sql("SELECT vendor_id FROM orders WHERE id = %s", order["orderId"])[0]["vendor_id"]
    assert published["refund_issued"]["vendorId"] == published["dispute_resolved"]["vendorId"] == shop
    assert [a["act"] for a in sql("SELECT act FROM admin_audit WHERE subject = %s", row["id"])] == ["dispute.resolve"]
    assert buyer.api.get("/api/v1/user/disputes").data["disputes"][0]["status"] == "RESOLVED"
    for act, body in (("resolve", {"resolution": "x"}), ("reject", {"reason": "x"})):
        assert admin_api.post(f"disputes/{row['id']}/{act}", json=body).status == 409


def test_without_a_refund_nothing_moves(admin_api, dispute, sql):
    buyer, order, row = dispute(status="IN_TRANSIT")
    before = balance(sql, buyer)
    assert admin_api.post(f"disputes/{row['id']}/resolve", json={"resolution": "Explained", "refundAmount": 0}).data[
        "refund_amount"] is None
    assert balance(sql, buyer) == before
    _, _, second = dispute()
    reply = admin_api.post(f"disputes/{second['id']}/reject", json={"reason": "No proof"})
    assert (reply.data["status"], reply.data["resolution"]) == ("REJECTED", "No proof")
    assert events(sql, second["id"])["dispute_rejected"]["reason"] == "No proof"


def test_a_rejected_dispute_pays_nothing_even_with_an_amount(admin_api, dispute, sql):
    buyer, order, row = dispute()
    before = balance(sql, buyer)
    reply = admin_api.post(f"disputes/{row['id']}/reject", json={"reason": "x", "refundAmount": 500})
    assert (reply.status, reply.data["status"], reply.data["refund_amount"]) == (200, "REJECTED", None)
    assert balance(sql, buyer) == before and "refund_issued" not in events(sql, row["id"])


def test_refunds_never_exceed_the_price(admin_api, dispute, sql):
    buyer, order, row = dispute()
    more = [buyer.api.post("/api/v1/user/disputes", json={
        "orderId": order["orderId"], "category": f"LATE_{n}", "subject": "Too late", "description": "Cold"}).data for n in range(8)]
    total, before = order["total"], balance(sql, buyer)
    reply = admin_api.post(f"disputes/{row['id']}/resolve", json={"resolution": "x", "refundAmount": total + 1})
    assert (reply.status, reply.code) == (409, "CONFLICT") and balance(sql, buyer) == before
    assert admin_api.get(f"disputes/{row['id']}").data["status"] == "OPEN"
    part = total // 3
    replies = race([lambda d=d: admin_api.post(f"disputes/{d['id']}/resolve", json={"resolution": "x", "refundAmount": part})
                    for d in (row, *more)])
    assert sorted(reply.status for reply in replies) == [200] * 3 + [409] * 6
    assert balance(sql, buyer) == before + 3 * part


@pytest.mark.parametrize("status, method", [
    ("IN_TRANSIT", "WALLET"), ("PENDING", "WALLET"), ("PENDING", "CASH"), ("CANCELLED", "CASH"), ("CANCELLED", "WALLET")])
def test_only_a_delivered_order_is_refunded(admin_api, dispute, sql, status, method):
    buyer, order, row = dispute(status, method)
    before = balance(sql, buyer)
    reply = admin_api.post(f"disputes/{row['id']}/resolve", json={"resolution": "x", "refundAmount": 1})
    assert (reply.status, reply.code) == (409, "CONFLICT") and balance(sql, buyer) == before
    assert "Only a delivered order" in reply.json["error"]["message"]
    assert admin_api.get(f"disputes/{row['id']}").data["status"] == "OPEN"


def test_a_cash_order_is_refunded_to_the_wallet(admin_api, dispute, sql):
    buyer, order, row = dispute(method="CASH")
    reply = admin_api.post(f"disputes/{row['id']}/resolve", json={"resolution": "x", "refundAmount": order["total"]})
    assert reply.status == 200 and balance(sql, buyer) == 100000 + order["total"]
    assert buyer.api.get("/api/v1/user/wallet").data["totalSpent"] == 0


@pytest.mark.parametrize("amount", [-1, 10.5, 2 ** 63, "much", [1]])
def test_an_invalid_amount_is_refused(admin_api, dispute, amount):
    _, _, row = dispute()
    reply = admin_api.post(f"disputes/{row['id']}/resolve", json={"resolution": "x", "refundAmount": amount})
    assert (reply.status, reply.code) == (400, "VALIDATION_FAILED")


def test_a_key_is_applied_once(admin_api, dispute, sql):
    buyer, order, row = dispute()
    before = balance(sql, buyer)
    key, body = {"Idempotency-Key": f"d-{row['id']}"}, {"resolution": "x", "refundAmount": 1000}
    first = admin_api.post(f"disputes/{row['id']}/resolve", json=body, headers=key)
    again = admin_api.post(f"disputes/{row['id']}/resolve", json=body, headers=key)
    assert again.status == 200 and again.data == first.data and again.headers["Idempotency-Replayed"] == "true"
    other = admin_api.post(f"disputes/{row['id']}/resolve", json=body | {"refundAmount": 1001}, headers=key)
    assert (other.status, other.code) == (422, "IDEMPOTENCY_MISMATCH")
    assert balance(sql, buyer) == before + 1000


def test_one_of_sixteen_concurrent_decisions_counts(admin, dispute, sql):
    buyer, order, row = dispute()
    before = balance(sql, buyer)
    admins = [admin().api for _ in range(16)]
    replies = race([lambda a=a: a.post(f"disputes/{row['id']}/resolve", json={"resolution": "x", "refundAmount": 100})
                    for a in admins])
    assert sorted(reply.status for reply in replies) == [200] + [409] * 15
    assert balance(sql, buyer) == before + 100
