# SPDX-License-Identifier: MIT
"""Figures of the platform."""

from datetime import date, timedelta

import pytest

from world.money import sale
from world.rows import numbers

LIVE = set("""active_orders online_riders online_vendors orders_today revenue_today pending_approvals
    pending_approvals_detail""".split())
PLATFORM = set("""total_orders total_revenue total_users total_vendors total_riders average_basket
    cancel_rate""".split())


def place(buyer, shop):
    return buyer.api.post("orders", json={
        "vendorId": shop.id, "items": [{"itemId": shop.items[0], "quantity": 1}], "paymentMethod": "CASH"}).data


def test_live_figures_follow_orders_and_accounts(admin_api, customer, vendor, rider, sql):
    before = admin_api.get("analytics/live").data
    assert set(before) == LIVE and set(before["pending_approvals_detail"]) == {"vendors", "riders", "payouts"}
    numbers(before, *(LIVE - {"pending_approvals_detail"}))
    buyer, shop = customer(), vendor(items=1)
    order = place(buyer, shop)
    rider(is_online=True)
    vendor(approval_status="PENDING", is_online=False)
    rider(approval_status="PENDING", status="INACTIVE")
    now = admin_api.get("analytics/live").data
    changed = {key: now[key] - before[key] for key in LIVE - {"pending_approvals_detail"}}
    assert changed == {"active_orders": 1, "online_riders": 1, "online_vendors": 1, "orders_today": 1,
                       "revenue_today": 0, "pending_approvals": 2}
    buyer.api.put(f"orders/{order['orderId']}/cancel", json={"reason": "Trop long"})
    again = admin_api.get("analytics/live").data
    assert again["active_orders"] == before["active_orders"]
    sql("UPDATE orders SET status = 'DELIVERED', settled_at = now() WHERE id = %s", order["orderId"])
    assert admin_api.get("analytics/live").data["revenue_today"] == before["revenue_today"] + order["total"]


def test_the_dashboard_joins_platform_and_live_figures(admin_api):
    platform = admin_api.get("analytics/platform").data
    assert set(platform) == PLATFORM
    numbers(platform, *PLATFORM)
    dashboard = admin_api.get("analytics/dashboard").data
    assert set(dashboard) == PLATFORM | LIVE
    assert {key: dashboard[key] for key in PLATFORM} == platform


def test_platform_figures_cover_only_the_given_days(admin_api, customer, vendor, sql):
    buyer, shop = customer(), vendor(items=1)
    orders = [place(buyer, shop) for _ in range(4)]
    for n, status in enumerate(["DELIVERED", "DELIVERED", "CANCELLED", "RIDER_AT_PICKUP"]):
        sql("UPDATE orders SET created_at = '2001-02-03 12:00Z', status = %s, active = %s,"
            " settled_at = CASE WHEN %s THEN now() END WHERE id = %s", status, n == 3, n < 2, orders[n]["orderId"])
    day = {"from": "2001-02-03", "to": "2001-02-03"}
    figures = admin_api.get("analytics/platform", query=day).data
    assert (figures["total_orders"], figures["total_revenue"], figures["average_basket"], figures["cancel_rate"]) == (
        4, 2 * orders[0]["total"], orders[0]["total"], 25)
    assert admin_api.get("analytics/order-status", query=day).data == [
        {"status": "DELIVERED", "count": 2}, {"status": "CANCELLED", "count": 1},
        {"status": "RIDER_ASSIGNED", "count": 1}]
    nothing = admin_api.get("analytics/platform", query={"startDate": "2001-02-04", "endDate": "2001-02-05"}).data
    assert (nothing["total_orders"], nothing["average_basket"], nothing["cancel_rate"]) == (0, 0, 0)
    assert admin_api.get("analytics/platform", query={"from": "yesterday"}).status == 400


# --- Money over a time ------------------------------------------------------------------------------

_2003 = []


@pytest.fixture
def year_2003(vendor, rider, sql):
    """Delivered orders of 2003, a year without other orders: (vendors, riders), best first. Days are in Douala
    time. Created once, because ledger entries cannot be deleted."""
    if not _2003:
        _2003.extend(([vendor(), vendor()], [rider(), rider()]))
        insert_sales_of_2003(sql, *_2003)
    return _2003


def insert_sales_of_2003(sql, shops, men):
    for shop, man, at, subtotal, method in (
            (shops[0], men[0], "2003-03-02 23:30Z", 4000, "WALLET"),   # the third already, a Monday
            (shops[0], men[0], "2003-03-03 10:00Z", 6000, "CASH"),
            (shops[1], men[1], "2003-03-03 22:59Z", 5000, "WALLET"),
            (shops[1], men[0], "2003-03-03 23:00Z", 1000, "WALLET"),   # the fourth
            (None, men[0], "2003-03-09 12:00Z", 0, "WALLET"),          # a parcel, on Sunday
            (shops[0], men[1], "2003-04-01 12:00Z", 2000, "CASH")):
        order = sale(sql, vendor=shop.id if shop else None, rider=man.id, subtotal=subtotal, fee=1000,
                     cut=subtotal // 10 if shop else 150, method=method, at=f"'{at}'::timestamptz")
        sql("UPDATE orders SET picked_up_at = delivered_at - interval '12 minutes' WHERE id = %s", order)


def figures(rows, key):
    return {row[key]: (row["orders"], row["revenue"], row["commission"]) for row in rows if row["orders"]}


@pytest.mark.parametrize("rolled", [False, True], ids=["entries", "rolled-up"])
def test_revenue_by_day_week_and_month_counts_delivered_and_booked_orders(admin_api, year_2003, sql, rolled):
    sql("SELECT ledger_roll_up_anew()")
    while rolled and not sql("SELECT ledger_roll_up('10 minutes') AS all")[0]["all"]:
        pass
    march = {"from": "2003-02-27", "to": "2003-04-01"}
    reply = admin_api.get("analytics/revenue", query=march)
    rows = reply.data
    assert [row["day"] for row in rows] == [row["date"] for row in rows] == [
        str(date(2003, 2, 27) + timedelta(days=n)) for n in range(34)]
    assert all(set(row) == {"day", "date", "orders", "revenue", "commission", "currency"} for row in rows)
    numbers(rows[0], "orders", "revenue", "commission")
    assert rows[0] | {"day": 0, "date": 0} == {
        "day": 0, "date": 0, "orders": 0, "revenue": 0, "commission": 0, "currency": "XAF"}
    assert figures(rows, "day") == {"2003-03-03": (3, 18000, 1500), "2003-03-04": (1, 2000, 100),
                                    "2003-03-09": (1, 1000, 150), "2003-04-01": (1, 3000, 200)}
    assert admin_api.get("analytics/revenue/daily", query=march).data == rows
    weeks = admin_api.get("analytics/revenue/weekly", query=march).data
    assert [(row["week"], row["date"]) for row in weeks] == [
        ("2003-W09", "2003-02-27"), ("2003-W10", "2003-03-03"), ("2003-W11", "2003-03-10"), ("2003-W12", "2003-03-17"),
        ("2003-W13", "2003-03-24"), ("2003-W14", "2003-03-31")]
    assert figures(weeks, "week") == {"2003-W10": (5, 21000, 1750), "2003-W14": (1, 3000, 200)}
    months = admin_api.get("analytics/revenue/monthly", query=march).data
    assert [(row["month"], row["date"]) for row in months] == [
        ("2003-02", "2003-02-27"), ("2003-03", "2003-03-01"), ("2003-04", "2003-04-01")]
    assert figures(months, "month") == {"2003-03": (5, 21000, 1750), "2003-04": (1, 3000, 200)}


@pytest.mark.parametrize("first, last", [("startDate", "endDate"), ("from", "to"), ("dateFrom", "dateTo")])
def test_a_range_has_several_spellings(admin_api, year_2003, first, last):
    day = {first: "2003-03-03", last: "2003-03-04"}
    assert [row["revenue"] for row in admin_api.get("analytics/revenue", query=day).data] == [18000, 2000]
    assert sum(row["orders"] for row in admin_api.get("analytics/top-vendors", query=day).data) == 4
    assert admin_api.get("analytics/orders", query=day).data["total"] == 4


@pytest.mark.parametrize("path, entries", [("revenue", 30), ("revenue/daily", 30), ("revenue/weekly", 12),
                                           ("revenue/monthly", 12)])
def test_revenue_without_a_range_ends_today(admin_api, vendor, rider, sql, path, entries):
    before = admin_api.get(f"analytics/{path}").data
    sale(sql, vendor=vendor().id, rider=rider().id, subtotal=3000, fee=500, cut=300)
    now = admin_api.get(f"analytics/{path}").data
    assert len(now) == entries and now[:-1] == before[:-1]
    assert {key: now[-1][key] - before[-1][key] for key in ("orders", "revenue", "commission")} == {
        "orders": 1, "revenue": 3500, "commission": 300}
    assert admin_api.get(f"analytics/{path}", query={"period": "today"}).data[-1] | {"date": 0} == now[-1] | {"date": 0}


@pytest.mark.parametrize("query", [
    {"from": "1999-01-01", "to": "2003-01-01"}, {"from": "1999-01-01"}, {"from": "yesterday"}, {"to": "2003-02-30"},
    {"period": "decade"}, {"startDate": "0001-01-01"}, {"period": "today", "to": "2999-12-31"},
    {"period": "year", "to": "2999-12-31"}])
def test_a_series_has_a_maximum_length(admin_api, query):
    for path in ("revenue", "revenue/daily", "revenue/weekly", "revenue/monthly"):
        assert admin_api.get(f"analytics/{path}", query=query).status == 400, path


def test_a_range_that_ends_before_it_begins_is_empty(admin_api, year_2003):
    backwards = {"from": "2003-04-01", "to": "2003-03-01"}
    for path in ("revenue", "revenue/weekly", "top-vendors", "top-riders", "order-status"):
        assert admin_api.get(f"analytics/{path}", query=backwards).data in ([], None), path
    assert admin_api.get("analytics/orders", query=backwards).data == {
        "total": 0, "avg_order_value": 0, "by_status": {}, "by_country": {}, "by_payment_method": {}}


def test_top_vendors_are_sorted_by_revenue(admin_api, year_2003, sql):
    shops, _ = year_2003
    rows = admin_api.get("analytics/top-vendors", query={"from": "2003-03-01", "to": "2003-12-31"}).data
    assert [(row["id"], row["orders"], row["revenue"]) for row in rows] == [(shops[0].id, 3, 12000), (shops[1].id, 2, 6000)]
    kept = sql("SELECT business_name, city FROM vendors WHERE id = %s", shops[0].id)[0]
    assert rows[0]["name"] == kept["business_name"] and rows[0]["vendor"] == {"id": shops[0].id, **kept}
    one = admin_api.get("analytics/top-vendors", query={"from": "2003-03-01", "to": "2003-03-03", "limit": 1}).data
    assert [(row["id"], row["orders"], row["revenue"]) for row in one] == [(shops[0].id, 2, 10000)]
    sql("UPDATE vendors SET total_orders = 9, total_revenue = 9000000000000 WHERE id = %s", shops[1].id)
    first = admin_api.get("analytics/top-vendors").data[0]
    assert (first["id"], first["orders"], first["revenue"]) == (shops[1].id, 9, 9000000000000)
    assert admin_api.get("analytics/top-vendors", query={"limit": 0}).status == 400


def test_top_riders_are_sorted_by_deliveries(admin_api, year_2003, sql):
    _, men = year_2003
    year = {"from": "2003-01-01", "to": "2003-12-31"}
    rows = admin_api.get("analytics/top-riders", query=year).data
    assert [(row["id"], row["deliveries"], row["earnings"], row["avg_delivery_mins"]) for row in rows] == [
        (men[0].id, 4, 3850, 12), (men[1].id, 2, 2000, 12)]
    kept = sql("SELECT vehicle_type, btrim(first_name || ' ' || last_name) AS name FROM riders WHERE id = %s", men[0].id)[0]
    assert rows[0]["name"] == kept["name"] and rows[0]["rider"] == {"id": men[0].id, **kept}
    assert admin_api.get("analytics/riders", query=year).data == rows
    sql("UPDATE riders SET completed_deliveries = 1000000 WHERE id = %s", men[1].id)
    first = admin_api.get("analytics/top-riders", query={"limit": 1}).data
    assert [(row["id"], row["deliveries"], row["earnings"]) for row in first] == [(men[1].id, 1000000, 2000)]


def test_orders_are_counted_by_status_country_and_payment(admin_api, customer, vendor, year_2003, sql):
    shops, _ = year_2003
    sql("UPDATE vendors SET country_code = 'NG' WHERE id = %s", shops[1].id)
    split = admin_api.get("analytics/orders", query={"from": "2003-01-01", "to": "2003-12-31"}).data
    assert split == {"total": 6, "avg_order_value": 4000, "by_status": {"DELIVERED": 6}, "by_country": {"CM": 4, "NG": 2},
                     "by_payment_method": {"WALLET": 4, "CASH": 2}}
    before = admin_api.get("analytics/orders", query={"period": "today"}).data
    place(customer(), vendor(items=1))
    now = admin_api.get("analytics/orders", query={"period": "today"}).data
    assert now["total"] == before["total"] + 1
    assert now["by_status"].get("PENDING", 0) == before["by_status"].get("PENDING", 0) + 1


def test_a_period_counts_only_its_own_orders(admin_api, customer, vendor):
    place(customer(), vendor(items=1))
    whole = admin_api.get("analytics/platform").data
    today = admin_api.get("analytics/platform", query={"period": "today"}).data
    assert 0 < today["total_orders"] == admin_api.get("analytics/live").data["orders_today"] < whole["total_orders"]
    year = admin_api.get("analytics/platform", query={"period": "year"}).data["total_orders"]
    assert today["total_orders"] <= year < whole["total_orders"]
    states = admin_api.get("analytics/order-status", query={"period": "today"}).data
    assert sum(row["count"] for row in states) == today["total_orders"]
    assert admin_api.get("analytics/platform", query={"period": "decade"}).status == 400
