# SPDX-License-Identifier: MIT
"""What customers say of a delivered order: stars and disputes."""

import pytest

from world.audit import top_up

SHOP_LINE = {"quantity": 2}


@pytest.fixture
def delivered(sql, customer, vendor, rider):
    """delivered(): an order of a new customer at a new vendor, brought by a new rider."""
    def deliver(status="DELIVERED", parcel=False):
        buyer, shop, bringer = customer(), vendor(items=1), rider()
        top_up(sql, buyer.id, 100000)
        order = buyer.api.post("orders", json={
            "vendorId": shop.id, "items": [{"itemId": shop.items[0], **SHOP_LINE}]}).data
        sql("UPDATE orders SET status = %s, active = %s, rider_id = %s WHERE id = %s", status,
            status not in ("DELIVERED", "CANCELLED"), bringer.id, order["orderId"])
        if parcel:
            sql("UPDATE orders SET order_type = 'PACKAGE', vendor_id = NULL WHERE id = %s", order["orderId"])
        order.update(buyer=buyer, shop=shop, rider=bringer)
        return order
    return deliver


def mean(sql, table, account):
    row = sql(f"SELECT rating_sum, total_ratings FROM {table} WHERE id = %s", account.id)[0]
    return row["rating_sum"], row["total_ratings"]


def rate(order, **body):
    return order["buyer"].api.post(f"orders/{order['orderId']}/rate", json=body)


def test_a_plain_rating_is_the_vendors(delivered, sql):
    order = delivered()
    reply = rate(order, rating=4, review="Good")
    assert reply.status == 200
    rating = reply.data["rating"]
    assert (rating["stars"], rating["rating"], rating["review"]) == (4, 4, "Good")
    assert rating["ratedAt"] == rating["vendorRating"]["ratedAt"] and "riderRating" not in rating
    assert mean(sql, "vendors", order["shop"]) == (4, 1)
    assert mean(sql, "riders", order["rider"]) == (0, 0)
    assert order["buyer"].api.get(f"orders/{order['orderId']}").data["rating"] == rating


def test_a_plain_rating_of_a_parcel_is_the_riders(delivered, sql):
    order = delivered(parcel=True)
    assert rate(order, rating=2).data["rating"]["riderRating"]["stars"] == 2
    assert mean(sql, "riders", order["rider"]) == (2, 1)
    reply = rate(order, vendorRating={"rating": 2})
    assert (reply.status, reply.error["details"][0]["field"]) == (400, "vendorRating")


def test_saying_it_again_puts_the_first_aside(delivered, sql):
    order = delivered()
    reply = order["buyer"].api.post("ratings", json={
        "orderId": order["orderNumber"], "vendorRating": {"rating": 5, "review": "Best"}, "riderRating": {"rating": 3}})
    assert reply.status == 201
    assert reply.data["orderId"] == order["orderId"]
    assert (reply.data["vendorRating"]["rating"], reply.data["riderRating"]["rating"]) == (5, 3)
    reply = rate(order, vendorRating={"rating": 1}, riderRating={"rating": 4, "review": "Fast"})
    rating = reply.data["rating"]
    assert (rating["stars"], rating["review"]) == (1, None)
    assert (rating["vendorRating"]["stars"], rating["riderRating"]["review"]) == (1, "Fast")
    assert mean(sql, "vendors", order["shop"]) == (1, 1)
    assert mean(sql, "riders", order["rider"]) == (4, 1)
    shown = order["buyer"].api.get(f"vendors/{order['shop'].id}").data
    assert (shown["rating"], shown["totalRatings"]) == (1, 1)


def test_what_everybody_sees_of_the_vendor_is_new_at_once(delivered):
    order = delivered()
    path = f"vendors/{order['shop'].id}"
    assert order["buyer"].api.get(path).data["totalRatings"] == 0
    for stars in (5, 2):
        assert rate(order, rating=stars).status == 200
        assert order["buyer"].api.get(path).data["rating"] == stars


@pytest.mark.parametrize("status", ["PENDING", "IN_TRANSIT", "CANCELLED"])
def test_only_a_delivered_order_is_rated(delivered, status):
    reply = rate(delivered(status), rating=5)
    assert (reply.status, reply.code) == (400, "ORDER_4004")


@pytest.mark.parametrize("body, field", [
    ({}, "vendorRating"), ({"rating": 0}, "rating"), ({"rating": 6}, "rating"), ({"rating": 4.5}, "rating"),
    ({"rating": 5, "review": "x" * 1001}, "review"), ({"riderRating": {}}, "riderRating.rating"),
    ({"vendorRating": {"rating": 9}}, "vendorRating.rating")])
def test_a_wrong_rating_names_its_field(delivered, body, field):
    reply = rate(delivered(), **body)
    assert (reply.status, reply.code) == (400, "VALIDATION_ERROR")
    assert field in [fault["field"] for fault in reply.error["details"]]


def test_a_foreign_order_is_not_rated(delivered, customer, sql):
    order = delivered()
    reply = customer().api.post(f"orders/{order['orderId']}/rate", json={"rating": 1})
    assert (reply.status, reply.code) == (403, "ORDER_4002")
    assert mean(sql, "vendors", order["shop"]) == (0, 0)


# --- Disputes ---------------------------------------------------------------------------------------

COMPLAINT = {"category": "MISSING_ITEMS", "subject": "One plate is missing", "description": "Two were paid."}


def test_a_dispute_is_opened_once_for_a_key_and_listed(delivered, customer):
    order = delivered()
    api = order["buyer"].api
    key = {"Idempotency-Key": "dispute-1"}
    reply = api.post("disputes", json={**COMPLAINT, "orderId": order["orderNumber"]}, headers=key)
    assert reply.status == 201
    row = reply.data
    assert row["ticket_number"].startswith("T-") and row["status"] == "OPEN" and row["priority"] == "MEDIUM"
    assert row["user"] == {"id": order["buyer"].id, "name": "Awa Ngono"}
    assert row["order"] == {"id": order["orderId"], "order_number": order["orderNumber"]}
    assert (row["resolution"], row["refund_amount"], row["resolved_at"], row["messages"]) == (None, None, None, [])
    again = api.post("disputes", json={**COMPLAINT, "orderId": order["orderNumber"]}, headers=key)
    assert again.status == 201 and again.data == row and again.headers["Idempotency-Replayed"] == "true"
    other = api.post("disputes", json={**COMPLAINT, "orderId": order["orderId"]}, headers=key)
    assert (other.status, other.code) == (422, "IDEMPOTENCY_MISMATCH")
    listed = api.get("disputes")
    assert listed.data["disputes"] == [row] and listed.json["meta"]["total"] == 1
    assert customer().api.get("disputes").data["disputes"] == []


def test_a_dispute_is_about_ones_own_order(delivered, customer):
    order = delivered()
    reply = customer().api.post("disputes", json={**COMPLAINT, "orderId": order["orderId"]})
    assert (reply.status, reply.code) == (403, "ORDER_4002")
    reply = order["buyer"].api.post("disputes", json={**COMPLAINT, "orderId": "ord_nothing"})
    assert (reply.status, reply.code) == (404, "ORDER_3000")
    reply = order["buyer"].api.post("disputes", json={"orderId": order["orderId"]})
    assert (reply.status, reply.code) == (400, "VALIDATION_ERROR")
