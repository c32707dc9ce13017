# SPDX-License-Identifier: MIT
"""What vendors and riders see of what they earn."""

import datetime

import pytest

from world.money import sale

DOUALA = datetime.timezone(datetime.timedelta(hours=1))


def today():
    return datetime.datetime.now(DOUALA).date()


@pytest.fixture
def sold(sql):
    """sold(vendor, rider, subtotal, fee, at): a delivered order at a moment (an SQL expression); the vendor's share."""
    def make(vendor, rider, subtotal=10000, fee=1000, at="now()", bps=1500, subsidy=0):
        cut = (subtotal * bps + 5000) // 10000
        sale(sql, vendor.id, rider.id, subtotal, fee, cut, subsidy, bps, at=at)
        sql("UPDATE vendors SET total_orders = total_orders + 1, total_revenue = total_revenue + %s WHERE id = %s",
            subtotal, vendor.id)
        sql("UPDATE riders SET completed_deliveries = completed_deliveries + 1 WHERE id = %s", rider.id)
        return subtotal - cut
    yield make
    sql("SELECT ledger_roll_up_anew()")  # entries with a past were brought in


def start(period):
    return f"period_start('{period}')"


def test_a_vendors_summary(vendor, rider, sold):
    shop, man = vendor(commission_bps=1234), rider()
    net = sold(shop, man, at=start("today"))
    sold(shop, man, subtotal=3333, at=start("today") + " - interval '1 millisecond'")
    sold(shop, man, subtotal=1000, at="now() - interval '70 days'")
    for path in ("earnings", "earnings/summary"):
        shown = shop.api.get(path).data
        assert shown["today"] == {"orders": 1, "grossEarnings": 10000, "netEarnings": net}
        assert shown["lifetime"] == {"totalOrders": 3, "grossEarnings": 14333, "commission": 1500 + 500 + 150,
                                     "netEarnings": 14333 - 2150}
        assert shown["commissionRate"] == 0.1234 and shown["currentBalance"] == 14333 - 2150
        week = 2 if today().weekday() else 1
        assert (shown["week"]["orders"], shown["month"]["orders"]) == (week, 2 if today().day > 1 else 1)


def test_a_vendor_without_sales_has_zeros(vendor):
    shop = vendor()
    shown = shop.api.get("earnings").data
    assert shown["lifetime"] == {"totalOrders": 0, "grossEarnings": 0, "commission": 0, "netEarnings": 0}
    assert shown["commissionRate"] == 0.15 and shown["today"] == {"orders": 0, "grossEarnings": 0, "netEarnings": 0}
    assert shop.api.get("earnings/daily").data == []
    assert [(w["week"], w["orders"]) for w in shop.api.get("earnings/weekly").data] == [
        (f"Week {n}", 0) for n in (1, 2, 3, 4)]


def test_a_vendors_days_are_the_businesss(vendor, rider, sold):
    shop, man = vendor(), rider()
    for at in ("'2026-03-09 22:59:59.999Z'", "'2026-03-09 23:00Z'", "'2026-03-10 12:00Z'", "'2026-03-12 12:00Z'"):
        sold(shop, man, at=at)
    days = shop.api.get("earnings/daily", query={"startDate": "2026-03-09", "endDate": "2026-03-12"}).data
    assert days == [{"date": "2026-03-09", "gross": 10000, "net": 8500, "orders": 1},
                    {"date": "2026-03-10", "gross": 20000, "net": 17000, "orders": 2},
                    {"date": "2026-03-12", "gross": 10000, "net": 8500, "orders": 1}]
    assert shop.api.get("earnings/daily", query={"startDate": "2026-03-10", "endDate": "2026-03-11"}).data == days[1:2]
    for first, last in (("from", "to"), ("dateFrom", "dateTo")):
        assert shop.api.get("earnings/daily", query={first: "2026-03-10", last: "2026-03-11"}).data == days[1:2]
    assert shop.api.get("earnings/daily", query={"endDate": "2026-04-08"}).data == days[1:]  # 30 days, with the last
    assert shop.api.get("earnings/daily", query={"dateTo": "2026-03-11"}).data == days[:2]
    assert shop.api.get("earnings/daily", query={"period": "today"}).data == []
    assert shop.api.get("earnings/daily", query={"period": "decade"}).status == 400
    months = shop.api.get("earnings/monthly", query={"year": 2026}).data
    assert len(months) == 12 and months[2] == {"month": "Mar", "gross": 40000, "net": 34000, "orders": 4}
    assert [m["month"] for m in months] == "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
    assert all(m["orders"] == 0 for m in shop.api.get("earnings/monthly", query={"year": 2025}).data)
    for year in (2019, 2101, "x"):
        assert shop.api.get("earnings/monthly", query={"year": year}).status == 400
    assert shop.api.get("earnings/daily", query={"startDate": "2026-02-30"}).status == 400


def test_a_vendors_weeks_begin_on_monday(vendor, rider, sold):
    shop, man = vendor(), rider()
    sold(shop, man, at=start("week"))
    sold(shop, man, at=start("week") + " - interval '1 millisecond'")
    sold(shop, man, at=start("week") + " - interval '3 weeks'")
    sold(shop, man, at=start("week") + " - interval '3 weeks 1 millisecond'")
    weeks = shop.api.get("earnings/weekly").data
    assert [(w["week"], w["orders"]) for w in weeks] == [("Week 1", 1), ("Week 2", 0), ("Week 3", 1), ("Week 4", 1)]
    assert weeks[3]["weekStart"] == str(today() - datetime.timedelta(days=today().weekday()))


def test_a_riders_summary_is_of_his_own_credits(vendor, rider, sold):
    shop, man, other = vendor(), rider(), rider()
    sold(shop, man, fee=1000, subsidy=500)
    sold(shop, man, fee=700, at="now() - interval '8 days'")
    sold(shop, man, fee=300, at="now() - interval '40 days'")
    sold(shop, other, fee=9000)
    shown = man.api.get("earnings/summary").data
    assert shown == {"currentBalance": 2500, "totalEarnings": 2500, "weeklyEarnings": 1500, "monthlyEarnings": 2200,
                     "totalDeliveries": 3}
    today_only = man.api.get("earnings/summary", query={"period": "today"}).data
    assert (today_only["period"], today_only["periodEarnings"]) == ("today", 1500)
    assert man.api.get("earnings/summary", query={"period": "century"}).status == 400


def test_a_riders_series_have_no_gaps_and_end_today(vendor, rider, sold):
    shop, man = vendor(), rider()
    sold(shop, man, fee=1000, subsidy=500, at=start("today"))
    sold(shop, man, fee=700, at=start("today") + " - interval '1 millisecond'")
    sold(shop, man, fee=300, at=start("month") + " - interval '1 millisecond'")
    days = man.api.get("earnings/daily").data
    assert [d["date"] for d in days] == [str(today() - datetime.timedelta(days=29 - n)) for n in range(30)]
    assert days[-1] == {"date": str(today()), "earnings": 1500, "deliveries": 1}
    assert days[-2]["earnings"] == (1000 if today().day == 1 else 700)
    assert len(man.api.get("earnings/daily", query={"days": 7}).data) == 7
    weeks = man.api.get("earnings/weekly").data
    assert len(weeks) == 12 and weeks[-1]["weekStart"] == str(today() - datetime.timedelta(days=today().weekday()))
    assert sum(w["earnings"] for w in weeks) == 2500
    months = man.api.get("earnings/monthly", query={"months": 2}).data
    assert [m["month"] for m in months][-1] == today().strftime("%Y-%m") and len(months) == 2
    assert sum(m["earnings"] for m in months) == 2500 and months[0]["deliveries"] >= 1
    for query in ({"days": 0}, {"days": 367}, {"weeks": "x"}, {"months": 61}):
        path = {"days": "daily", "weeks": "weekly", "months": "monthly"}[list(query)[0]]
        assert man.api.get(f"earnings/{path}", query=query).status == 400


def test_transactions_are_the_wallets_own(vendor, rider, sold):
    shop, man = vendor(), rider()
    for _ in range(3):
        sold(shop, man, subsidy=200)
    seen = shop.api.get("earnings/transactions", query={"limit": 2})
    assert [t["category"] for t in seen.data["transactions"]] == ["ORDER_PAYMENT"] * 2
    assert (seen.data["pagination"]["total"], seen.data["pagination"]["totalPages"]) == (3, 2)
    assert [t["balanceAfter"] for t in seen.data["transactions"]] == [25500, 17000]
    his = man.api.get("earnings/transactions").data
    assert his["pagination"]["totalTransactions"] == 6 and {t["type"] for t in his["transactions"]} == {"CREDIT"}
    assert man.api.get("earnings/transactions", query={"type": "DEBIT"}).data["transactions"] == []
