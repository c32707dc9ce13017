# SPDX-License-Identifier: MIT
"""Ratings of delivered orders, and disputes."""

import urllib.parse

import pytest

from world.audit import top_up
from world.money import race

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


def test_a_second_rating_replaces_the_first(delivered, sql):
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


def test_the_public_rating_of_the_vendor_changes_immediately(delivered):
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


# One star, because other tests check lists of vendors that are sorted by rating.
NULLS = [({"rating": None}, 400), ({"rating": None, "stars": None}, 400), ({"stars": None}, 400),
         ({"vendorRating": None}, 400), ({"vendorRating": None, "riderRating": None, "rating": None}, 400),
         ({"rating": 1, "review": None}, 200), ({"rating": 1, "comment": None, "review": None}, 200),
         ({"rating": None, "stars": 1}, 200), ({"rating": 1, "vendorRating": None, "riderRating": None}, 200),
         ({"vendorRating": {"rating": 1, "review": None}}, 200), ({"vendorRating": {"rating": None, "stars": 1}}, 200),
         ({"vendorRating": {"rating": None}}, 400), ({"vendorRating": {"stars": None, "rating": None}}, 400),
         ({"riderRating": {"rating": 1, "comment": None}}, 200), ({"rating": 1, "riderRating": {"rating": None}}, 400)]


@pytest.mark.parametrize("body, status", NULLS)
def test_null_in_a_rating_counts_as_absent(delivered, body, status):
    order = delivered()
    reply = rate(order, **body)
    assert reply.status == status, reply
    if "rating" not in body and "stars" not in body:
        again = order["buyer"].api.post("ratings", json={"orderId": order["orderId"], **body})
        assert again.status == {200: 201}.get(status, status), again


# --- Disputes of one category -------------------------------------------------------------------------

def complain(order, category="missing_item", key=None, **more):
    return order["buyer"].api.post("disputes", headers={"Idempotency-Key": key} if key else None, json={
        "orderId": order["orderId"], "category": category, "subject": "No plantain", "description": "It was paid for", **more})


def test_one_dispute_per_category_is_open(delivered, sql):
    order = delivered()
    first = complain(order, key="first-dispute")
    assert first.status == 201, first
    for again in (complain(order), complain(order, "MISSING_ITEM", subject="Still no plantain"), complain(order, key="other")):
        assert (again.status, again.code) == (409, "CONFLICT"), again
    assert complain(order, key="first-dispute").body == first.body
    assert complain(order, "late").status == 201
    sql("UPDATE disputes SET status = 'REJECTED' WHERE id = %s", first.data["id"])
    assert complain(order).status == 201
    assert sql("SELECT count(*) AS n FROM idempotency WHERE account_id = %s AND key = 'other'", order["buyer"].id)[0]["n"] == 0


def test_of_many_concurrent_disputes_one_is_opened(delivered, sql):
    order = delivered()
    replies = race([lambda: complain(order)] * 10)
    assert sorted(r.status for r in replies) == [201] + [409] * 9
    assert {r.code for r in replies if r.status == 409} == {"CONFLICT"}
    assert sql("SELECT count(*) AS n FROM disputes WHERE order_id = %s", order["orderId"])[0]["n"] == 1


# --- Numbers --------------------------------------------------------------------------------------

@pytest.mark.parametrize("spell", ["#{0}".format, str.lower, lambda n: n.replace("-", ""), lambda n: "#" + n.replace("-", "").lower()])
def test_an_order_is_found_by_its_number_in_every_spelling(delivered, admin_api, spell):
    order = delivered()
    number = spell(order["orderNumber"])
    quoted = urllib.parse.quote(number)
    for role, who in (("user", order["buyer"]), ("vendor", order["shop"]), ("rider", order["rider"])):
        reply = who.api.get(f"/api/v1/{role}/orders/{quoted}")
        assert reply.status == 200 and reply.data["orderId"] == order["orderId"], reply
    assert order["rider"].api.post(f"/api/v1/rider/deliveries/{quoted}/report-issue", json={
        "issueType": "OTHER", "description": "A dog"}).status == 201
    for path in ("", "/timeline", "/dispatch"):
        assert admin_api.get(f"orders/{quoted}{path}").status == 200
    assert [r["id"] for r in admin_api.get("orders/search", query={"q": number}).data] == [order["orderId"]]
    assert order["orderId"] in [r["id"] for r in admin_api.get("orders/search", query={"q": number[:-3], "limit": 100}).data]
    assert order["buyer"].api.post("ratings", json={"orderId": number, "vendorRating": {"rating": 1}}).status == 201
    assert complain({**order, "orderId": number}).status == 201


def test_a_text_that_resembles_a_number_is_not_found(delivered):
    order = delivered()
    for number in ("##" + order["orderNumber"], order["orderNumber"][:-1], order["orderNumber"] + "2", "#"):
        assert order["buyer"].api.get(f"orders/{urllib.parse.quote(number)}").status == 404
