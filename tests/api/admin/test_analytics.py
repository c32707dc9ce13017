# SPDX-License-Identifier: MIT
"""The platform in figures."""

from world.rows import numbers

LIVE = set("""active_orders online_riders online_vendors orders_today revenue_today pending_approvals
    pending_approvals_detail""".split())
PLATFORM = set("""total_orders total_revenue total_users total_vendors total_riders average_basket
    cancel_rate""".split())


def place(buyer, shop):
    return buyer.api.post("orders", json={
        "vendorId": shop.id, "items": [{"itemId": shop.items[0], "quantity": 1}], "paymentMethod": "CASH"}).data


def test_live_figures_follow_what_happens(admin_api, customer, vendor, rider, sql):
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
    sql("UPDATE orders SET status = 'DELIVERED' WHERE id = %s", order["orderId"])
    assert admin_api.get("analytics/live").data["revenue_today"] == before["revenue_today"] + order["total"]


def test_the_dashboard_is_platform_and_live(admin_api):
    platform = admin_api.get("analytics/platform").data
    assert set(platform) == PLATFORM
    numbers(platform, *PLATFORM)
    dashboard = admin_api.get("analytics/dashboard").data
    assert set(dashboard) == PLATFORM | LIVE
    assert {key: dashboard[key] for key in PLATFORM} == platform


def test_figures_of_a_time(admin_api, customer, vendor, sql):
    buyer, shop = customer(), vendor(items=1)
    orders = [place(buyer, shop) for _ in range(4)]
    for n, status in enumerate(["DELIVERED", "DELIVERED", "CANCELLED", "RIDER_AT_PICKUP"]):
        sql("UPDATE orders SET created_at = '2001-02-03 12:00Z', status = %s, active = %s WHERE id = %s",
            status, n == 3, orders[n]["orderId"])
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
