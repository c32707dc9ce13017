# SPDX-License-Identifier: MIT
"""Acts that are concurrent, repeated, late, or sent by the wrong actor."""

import datetime

import pytest

from world.accounts import change_settings
from world.waiting import race


def act(who, order, verb, role="rider", headers=None, **body):
    return who.api.post(f"/api/v1/{role}/orders/{order['orderId']}/{verb}", json=body, headers=headers)


def key(street):
    return {"Idempotency-Key": f"key-{next(street.keys)}"}


def status_of(street, order):
    return street.row("SELECT status FROM orders WHERE id = %s", order["orderId"])["status"]


def test_of_fifty_riders_one_gets_the_order(street):
    riders = [street.hire() for _ in range(50)]
    order = street.bring(street.place(), "READY_FOR_PICKUP")
    # Neither is due, so that the dispatch of the server ignores them.
    street.sql("INSERT INTO dispatches (order_id, next_at) VALUES (%s, now() + interval '1 day')", order["orderId"])
    street.sql("INSERT INTO offers (id, order_id, rider_id, expires_at)"
               " VALUES (%s, %s, 'rider_asked', now() + interval '1 day')", "off_" + order["orderId"], order["orderId"])
    replies = race([lambda r=r: act(r, order, "accept") for r in riders])
    won = [n for n, reply in enumerate(replies) if reply.status == 200]
    assert len(won) == 1
    assert {(r.status, r.code) for r in replies if r.status != 200} == {(409, "ORDER_5001")}
    winner = riders[won[0]]
    row = street.row("SELECT rider_id, status FROM orders WHERE id = %s", order["orderId"])
    assert (row["rider_id"], row["status"]) == (winner.id, "RIDER_ASSIGNED")
    assert street.row("SELECT sum(active_orders) AS n FROM riders WHERE id = ANY (%s)", [r.id for r in riders])["n"] == 1
    assert street.sql("SELECT * FROM dispatches WHERE order_id = %s", order["orderId"]) == []
    offers = street.sql("SELECT rider_id, outcome FROM offers WHERE order_id = %s", order["orderId"])
    assert {(o["rider_id"], o["outcome"]) for o in offers} == {("rider_asked", "WITHDRAWN"), (winner.id, "ACCEPTED")}
    assert [e["type"] for e in street.events(order)].count("rider_assigned") == 1


def test_a_cancel_and_an_accept_cannot_both_happen(street):
    for _ in range(10):
        order = street.place()
        replies = race([lambda: act(street.food, order, "accept", "vendor"),
                        lambda: act(street.food, order, "reject", "vendor", reason="No gas today"),
                        lambda: act(street.buyer, order, "cancel", "user", reason="Not hungry")])
        refunds = street.row("SELECT count(*) AS n FROM ledger WHERE order_id = %s AND category = 'REFUND'",
                             order["orderId"])["n"]
        assert refunds == (1 if status_of(street, order) == "CANCELLED" else 0)
        assert sum(r.status == 200 for r in replies[1:]) == refunds


def test_an_admin_assigns_and_reassigns_an_order(street):
    first, second = street.hire(is_online=False), street.hire()
    order = street.bring(street.place(), "ACCEPTED")
    gone = act(street.admin, order, "assign-rider", "admin", riderId="rider_nobody")
    assert (gone.status, gone.code) == (404, "NOT_FOUND")
    unready = act(street.admin, order, "assign-rider", "admin", riderId=street.hire(approval_status="SUSPENDED").id)
    assert (unready.status, unready.code) == (409, "CONFLICT")
    assert act(street.admin, order, "assign-rider", "admin", riderId=first.id).status == 200
    assert act(street.admin, order, "assign-rider", "admin", riderId=second.id).status == 200
    assert street.row("SELECT rider_id FROM orders WHERE id = %s", order["orderId"])["rider_id"] == second.id
    events = [e for e in street.events(order) if e["type"] == "rider_assigned"]
    assert [e["payload"]["riderId"] for e in events] == [first.id, second.id]
    assert all(f"rider:{e['payload']['riderId']}" in e["rooms"] for e in events)
    assert events[0]["payload"]["vehicle"] == "MOTORCYCLE" and events[0]["payload"]["phone"] == first.phone


def test_a_cancelled_delivery_frees_its_rider(street):
    rider, buyer = street.hire(), street.customer()
    balance = "SELECT available FROM wallets WHERE owner_id = %s"
    before = street.row(balance, buyer.id)
    order = street.bring(street.place(buyer=buyer), "ACCEPTED")
    assert act(rider, order, "accept").status == 200
    assert act(street.admin, order, "cancel", "admin", reason="The shop burns").status == 200
    assert street.row("SELECT active_orders, total_deliveries, completed_deliveries, cancelled_deliveries"
                      " FROM riders WHERE id = %s", rider.id) == {
        "active_orders": 0, "total_deliveries": 1, "completed_deliveries": 0, "cancelled_deliveries": 1}
    assert street.row(balance, buyer.id) == before
    event = [e for e in street.events(order) if e["type"] == "order_cancelled"][0]
    assert f"rider:{rider.id}" in event["rooms"] and event["payload"]["refundAmount"] == order["total"]
    late = act(rider, order, "arrive-pickup")
    assert (late.status, late.code) == (400, "ORDER_5003")
    assert rider.api.get("/api/v1/rider/orders/active").data == []


# --- Keys -----------------------------------------------------------------------------------------

def test_an_act_with_a_key_happens_once(street):
    order = street.bring(street.place(), "IN_TRANSIT")
    headers = key(street)
    first = act(street.rider, order, "complete", headers=headers)
    again = act(street.rider, order, "complete", headers=headers)
    assert first.status == again.status == 200 and first.data == again.data
    assert again.headers["Idempotency-Replayed"] == "true"
    assert street.row("SELECT count(*) AS n FROM ledger WHERE order_id = %s AND to_kind = 'RIDER'",
                      order["orderId"])["n"] == 1
    other = act(street.rider, order, "complete", headers=headers, notes="another body")
    assert (other.status, other.code) == (422, "IDEMPOTENCY_MISMATCH")


def test_the_same_act_at_once_with_a_key_gets_the_same_reply(street):
    order = street.bring(street.place(), "ACCEPTED")
    headers = key(street)
    replies = race([lambda: act(street.rider, order, "accept", headers=headers) for _ in range(8)])
    assert {r.status for r in replies} == {200}
    assert sum("Idempotency-Replayed" in r.headers for r in replies) == 7


def test_giving_an_order_back_is_replayed_even_after_a_reassignment(street):
    other = street.hire()
    order = street.bring(street.place(), "RIDER_ASSIGNED")
    headers = key(street)
    first = act(street.rider, order, "reject", headers=headers, reason="Puncture")
    assert first.status == 200 and first.json["data"] is None
    assert act(other, order, "accept").status == 200
    again = act(street.rider, order, "reject", headers=headers, reason="Puncture")
    assert again.status == 200 and again.json == first.json
    late = act(street.rider, order, "reject", reason="Puncture")
    assert (late.status, late.code) == (400, "ORDER_5003")


def test_a_customers_cancel_is_replayed(street):
    order = street.place()
    headers = key(street)
    replies = race([lambda: act(street.buyer, order, "cancel", "user", headers=headers, reason="Not hungry")
                       for _ in range(4)])
    assert {r.status for r in replies} == {200} and len({r.body for r in replies}) == 1
    assert sum("Idempotency-Replayed" in r.headers for r in replies) == 3
    other = act(street.buyer, street.place(quantity=3), "cancel", "user", headers=headers, reason="Not hungry")
    assert (other.status, other.code) == (422, "IDEMPOTENCY_MISMATCH")


def test_acts_of_vendors_and_rejections_accept_keys(street):
    order = street.place()
    headers = key(street)
    assert act(street.food, order, "accept", "vendor", headers=headers).status == 200
    assert act(street.food, order, "accept", "vendor", headers=headers).status == 200
    hide = key(street)
    assert act(street.rider, order, "reject", headers=hide, reason="Too far").status == 200
    assert "Idempotency-Replayed" in act(street.rider, order, "reject", headers=hide, reason="Too far").headers


# --- Times ----------------------------------------------------------------------------------------

def moment(**ago):
    when = datetime.datetime.now(datetime.UTC) - datetime.timedelta(**ago)
    return when.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def earlier(street, order, minutes):
    """Moves the placing of the order into the past."""
    street.sql("UPDATE orders SET created_at = created_at - %s * interval '1 minute', timeline = json_build_array("
               "json_build_object('status', 'PENDING', 'timestamp', iso(created_at - %s * interval '1 minute'),"
               " 'by', 'USER')) WHERE id = %s", minutes, minutes, order["orderId"])
    return order


def test_an_act_may_be_reported_later(street):
    order = earlier(street, street.bring(street.place(), "RIDER_ASSIGNED"), 50)
    when = moment(minutes=29)
    reply = act(street.rider, order, "arrive-pickup", occurredAt=when)
    assert reply.data["arrivedAtPickupAt"] == when == reply.data["timeline"][-1]["timestamp"]
    event = [e for e in street.events(order) if e["type"] == "order_status_update"][-1]
    assert event["payload"]["timestamp"] == when
    back = act(street.rider, order, "confirm-pickup", occurredAt=moment(minutes=29, seconds=30))
    assert (back.status, back.code, back.error["details"][0]["field"]) == (400, "VALIDATION_ERROR", "occurredAt")
    assert act(street.rider, order, "confirm-pickup", occurredAt=when).status == 200
    now = act(street.rider, order, "complete").data["timeline"]
    assert [e["timestamp"] for e in now] == sorted(e["timestamp"] for e in now)


@pytest.mark.parametrize("ago, fine", [({"minutes": 31}, False), ({"seconds": -90}, False), ({"seconds": -30}, True)])
def test_a_time_too_far_in_the_past_or_future_is_rejected(street, ago, fine):
    order = earlier(street, street.bring(street.place(), "RIDER_ASSIGNED"), 50)
    reply = act(street.rider, order, "arrive-pickup", occurredAt=moment(**ago))
    if fine:
        # the next act is never earlier, whatever the clock shows
        assert reply.status == 200
        later = act(street.rider, order, "confirm-pickup").data
        assert later["pickedUpAt"] >= later["arrivedAtPickupAt"]
    else:
        assert (reply.status, reply.code, reply.error["details"][0]["field"]) == (400, "VALIDATION_ERROR", "occurredAt")
        assert status_of(street, order) == "RIDER_ASSIGNED"


@pytest.mark.parametrize("when", ["yesterday", "2026-02-30T10:00:00Z", "2026-01-01", "2026-13-01T00:00:00Z",
                                  "9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z", 5])
def test_an_invalid_time_is_rejected(street, when):
    order = street.bring(street.place(), "RIDER_ASSIGNED")
    reply = act(street.rider, order, "arrive-pickup", occurredAt=when)
    assert (reply.status, reply.code, reply.error["details"][0]["field"]) == (400, "VALIDATION_ERROR", "occurredAt")


# --- Who ------------------------------------------------------------------------------------------

@pytest.mark.parametrize("state", ["PENDING", "ACCEPTED", "RIDER_ASSIGNED", "IN_TRANSIT", "DELIVERED"])
def test_foreign_orders_are_not_touched(street, state):
    order = street.bring(street.place(), state)
    stranger = street.hire()
    calls = [(street.mart, "vendor", "accept", {}), (street.mart, "vendor", "reject", {"reason": "No gas"}),
             (street.mart, "vendor", "ready", {}), (street.mart, "vendor", "preparing", {}),
             (stranger, "rider", "arrive-pickup", {}), (stranger, "rider", "confirm-pickup", {}),
             (stranger, "rider", "arrive-delivery", {}), (stranger, "rider", "complete", {}),
             (stranger, "rider", "report-issue", {"issueType": "OTHER", "description": "Not mine at all"})]
    for who, role, verb, body in calls:
        reply = act(who, order, verb, role, **body)
        assert (reply.status, reply.code) == (403, "ORDER_4002"), verb
    assert street.mart.api.get(f"/api/v1/vendor/orders/{order['orderId']}").code == "ORDER_4002"
    seen = stranger.api.get(f"/api/v1/rider/orders/{order['orderId']}")
    assert seen.status == (200 if state == "ACCEPTED" else 403)  # the rider may take it
    assert status_of(street, order) == state


def test_unknown_orders_are_404_with_the_code_of_each_namespace(street):
    nothing = {"orderId": "ord_nothing"}
    assert act(street.food, nothing, "accept", "vendor").code == "ORDER_4001"
    assert act(street.rider, nothing, "accept").code == "ORDER_3000"
    assert act(street.rider, nothing, "reject", reason="Nothing").code == "ORDER_3000"
    assert act(street.buyer, nothing, "rate", "user", rating=3).code == "ORDER_3000"


def test_an_unpaid_order_is_hidden_from_vendors_and_riders(street):
    order = street.place()
    street.sql("UPDATE orders SET payment_method = 'MOBILE_MONEY', payment_status = 'PENDING' WHERE id = %s",
               order["orderId"])
    assert act(street.food, order, "accept", "vendor").code == "ORDER_4001"
    assert street.food.api.get(f"/api/v1/vendor/orders/{order['orderId']}").status == 404
    listed = street.food.api.get("/api/v1/vendor/orders/pending").data["orders"]
    assert order["orderId"] not in [o["orderId"] for o in listed]
    parcel = street.place("PACKAGE")
    street.sql("UPDATE orders SET payment_method = 'MOBILE_MONEY', payment_status = 'PENDING' WHERE id = %s",
               parcel["orderId"])
    assert act(street.rider, parcel, "accept").code == "ORDER_3000"
    street.sql("UPDATE orders SET payment_status = 'PAID' WHERE id = ANY (%s)", [order["orderId"], parcel["orderId"]])
    assert act(street.food, order, "accept", "vendor").status == 200
    assert act(street.rider, parcel, "accept").status == 200


@pytest.mark.parametrize("columns, code", [
    ({"is_online": False}, "RIDER_5000"), ({"approval_status": "SUSPENDED"}, "RIDER_3002"),
    ({"approval_status": "PENDING"}, "RIDER_3004"), ({"status": "INACTIVE"}, "RIDER_3005"),
    ({"phone_verified": False}, "RIDER_3003")])
def test_only_a_rider_who_is_ready_may_take_an_order(street, columns, code):
    order = street.bring(street.place(), "ACCEPTED")
    reply = act(street.hire(**columns), order, "accept")
    assert reply.code == code
    assert status_of(street, order) == "ACCEPTED"


def test_the_statement_checks_the_rider_again(street):
    """The facts cached for admission can be some seconds old: the statement checks the row."""
    rider = street.hire()
    assert rider.api.get("/api/v1/rider/orders/active").data == []
    first = street.bring(street.place(), "ACCEPTED")
    assert act(rider, first, "accept").status == 200
    street.sql("UPDATE riders SET approval_status = 'SUSPENDED', is_online = false WHERE id = %s", rider.id)
    order = street.bring(street.place(), "ACCEPTED")
    assert act(rider, order, "accept").code in ("RIDER_3002", "RIDER_5000")
    assert status_of(street, order) == "ACCEPTED"


def test_a_rejected_order_is_hidden_from_that_rider(street):
    order = street.bring(street.place(), "ACCEPTED")
    rider = street.hire()
    street.sql("INSERT INTO dispatches (order_id, next_at) VALUES (%s, now() + interval '1 hour')", order["orderId"])
    street.sql("INSERT INTO offers (id, order_id, rider_id, expires_at) VALUES (%s, %s, %s, now() + interval '1 day')",
               "off_h_" + order["orderId"], order["orderId"], rider.id)
    assert act(rider, order, "reject", reason="Too far for me").status == 200
    assert rider.api.get(f"/api/v1/rider/orders/{order['orderId']}").code == "ORDER_4002"
    offers = street.sql("SELECT outcome, reason FROM offers WHERE order_id = %s", order["orderId"])
    assert [(o["outcome"], o["reason"]) for o in offers] == [("REJECTED", "Too far for me")]
    assert street.row("SELECT next_at <= now() AS due FROM dispatches WHERE order_id = %s", order["orderId"])["due"]


def test_acts_start_and_end_the_search_for_a_rider(street):
    def is_searching(order):
        return bool(street.sql("SELECT FROM dispatches WHERE order_id = %s", order["orderId"]))
    order = street.place()
    assert not is_searching(order)
    act(street.food, order, "accept", "vendor")
    assert is_searching(order)
    act(street.rider, order, "accept")
    assert not is_searching(order)
    act(street.rider, order, "reject", reason="Puncture")
    assert is_searching(order)
    act(street.buyer, order, "cancel", "user", reason="Not hungry")
    assert not is_searching(order)
    parcel = street.place("PACKAGE")
    assert is_searching(parcel)
    new = [e for e in street.events(parcel) if e["type"] == "new_order"][0]
    assert new["rooms"] == ["admin"] and new["payload"]["data"]["orderId"] == parcel["orderId"]
    new = [e for e in street.events(order) if e["type"] == "new_order"][0]
    assert new["rooms"] == [f"vendor:{street.food.id}", "admin"]
    assert "verificationCode" not in new["payload"]["data"]


# --- The delivery code ----------------------------------------------------------------------------

@pytest.fixture
def coded(street):
    change_settings(street.server, delivery={"verificationCode": True})
    yield
    change_settings(street.server, delivery={"verificationCode": False})


def test_the_delivery_code_is_required_and_has_five_attempts(street, coded):
    order = street.place()
    code = order["verificationCode"]
    wrong = "0000" if code != "0000" else "1111"
    street.bring(order, "RIDER_AT_DELIVERY")
    assert "verificationCode" not in street.rider.api.get(f"/api/v1/rider/orders/{order['orderId']}").data
    assert act(street.rider, order, "complete").code == "ORDER_4006"
    for _ in range(4):
        assert act(street.rider, order, "complete", verificationCode=wrong).code == "ORDER_4006"
    other = street.bring(street.place(), "RIDER_AT_DELIVERY")
    right = street.row("SELECT verification_code AS code FROM orders WHERE id = %s", other["orderId"])["code"]
    assert act(street.rider, other, "complete", verificationCode=right).status == 200
    assert act(street.rider, order, "complete", verificationCode=wrong).code == "ORDER_4006"
    assert act(street.rider, order, "complete", verificationCode=code).code == "ORDER_4006"  # the sixth
    assert status_of(street, order) == "RIDER_AT_DELIVERY"


def test_the_code_is_not_required_when_the_setting_is_off(street):
    order = street.bring(street.place(), "IN_TRANSIT", verification_code="4321")
    assert act(street.rider, order, "complete", verificationCode="1234").status == 200
