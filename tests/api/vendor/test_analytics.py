# SPDX-License-Identifier: MIT
"""Reports of a shop's delivered orders, by days of the business time zone."""

import datetime
import zoneinfo

import pytest

DOUALA = zoneinfo.ZoneInfo("Africa/Douala")
OVERVIEW = {"orders": 0, "revenue": 0, "averageOrderValue": 0, "rating": 0}


def sell(sql, shop, buyer, at, status="DELIVERED", lines=None):
    """A delivered order, placed at that local time in Douala."""
    lines = lines or [(1, 2500)]
    placed = buyer.api.post("orders", json={
        "vendorId": shop.id, "paymentMethod": "CASH",
        "items": [{"itemId": shop.items[n % len(shop.items)], "quantity": quantity}
                  for n, (quantity, _) in enumerate(lines)]})
    assert placed.status == 201, placed
    sql("UPDATE orders SET status = %s, active = %s, created_at = %s WHERE id = %s",
        status, status not in ("DELIVERED", "CANCELLED"), at, placed.data["orderId"])
    return placed.data


def now():
    return datetime.datetime.now(DOUALA)


@pytest.fixture
def shop(vendor):
    return vendor(items=2, price=2500)


def test_a_shop_that_sold_nothing_has_zeros(shop):
    assert shop.api.get("analytics/overview").data == OVERVIEW
    assert shop.api.get("analytics/popular-items").data == []
    assert shop.api.get("analytics/customers").data == {"total": 0, "new": 0, "returning": 0}
    assert shop.api.get("analytics/revenue").data == [
        {"date": now().date().isoformat(), "orders": 0, "revenue": 0}]


def test_only_delivered_orders_count(shop, customer, sql):
    buyer = customer()
    sell(sql, shop, buyer, now(), lines=[(2, 2500)])
    sell(sql, shop, buyer, now(), lines=[(1, 2500)])
    for status in ("CANCELLED", "PENDING"):
        sell(sql, shop, buyer, now(), status=status, lines=[(4, 2500)])
    sql("UPDATE vendors SET rating_sum = 9, total_ratings = 2 WHERE id = %s", shop.id)
    assert shop.api.get("analytics/overview").data == {
        "orders": 2, "revenue": 7500, "averageOrderValue": 3750, "rating": 4.5}
    assert shop.api.get("analytics/customers").data == {"total": 1, "new": 1, "returning": 0}


def test_a_period_begins_with_its_first_day_in_douala(shop, customer, sql):
    buyer, today = customer(), now().replace(hour=0, minute=0, second=0, microsecond=0)
    firsts = {"today": today, "week": today - datetime.timedelta(days=today.weekday()),
              "month": today.replace(day=1), "year": today.replace(month=1, day=1)}
    for first in set(firsts.values()):
        sell(sql, shop, buyer, first)
        sell(sql, shop, buyer, first - datetime.timedelta(seconds=1))
    for period, first in firsts.items():
        expected = sql("SELECT count(*) AS n FROM orders WHERE vendor_id = %s AND created_at >= %s",
                       shop.id, first)[0]["n"]
        data = shop.api.get("analytics/overview", query={"period": period}).data
        assert data["orders"] == expected and data["revenue"] == 2500 * expected
        days = shop.api.get("analytics/revenue", query={"period": period}).data
        assert days[0]["date"] == first.date().isoformat()
        assert days[-1]["date"] == today.date().isoformat()
        assert len(days) == (today - first).days + 1
        assert sum(day["orders"] for day in days) == expected


def test_popular_items_are_ordered_by_orders_and_priced_as_sold(shop, customer, sql):
    buyer = customer()
    sell(sql, shop, buyer, now(), lines=[(1, 2500), (5, 2500)])
    sell(sql, shop, buyer, now(), lines=[(2, 2500)])
    first, second = shop.items
    assert shop.api.get("analytics/popular-items").data == [
        {"itemId": first, "name": "Ndolé", "orders": 2, "quantity": 3, "revenue": 7500},
        {"itemId": second, "name": "Ndolé", "orders": 1, "quantity": 5, "revenue": 12500}]
    assert len(shop.api.get("analytics/popular-items", query={"limit": 1}).data) == 1


def test_a_customer_who_bought_before_the_period_returns(shop, customer, sql):
    old, new = customer(), customer()
    sell(sql, shop, old, now() - datetime.timedelta(days=800))
    sell(sql, shop, old, now())
    sell(sql, shop, new, now())
    assert shop.api.get("analytics/customers", query={"period": "year"}).data == {
        "total": 2, "new": 1, "returning": 1}


def test_sales_of_another_vendor_are_not_included(shop, vendor, customer, sql):
    other = vendor(items=1)
    sell(sql, other, customer(), now())
    assert shop.api.get("analytics/overview").data == OVERVIEW


@pytest.mark.parametrize("path", ["overview", "popular-items", "revenue", "customers"])
def test_an_unknown_period_is_refused(shop, path):
    reply = shop.api.get(f"analytics/{path}", query={"period": "decade"})
    assert (reply.status, reply.code) == (400, "VALIDATION_ERROR")
