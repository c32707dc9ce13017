# SPDX-License-Identifier: MIT
"""An order reaches a final state even when its vendor or rider is gone, and the books balance."""

import itertools

import pytest

from world.audit import books_balance
from world.waiting import race, until

pytestmark = pytest.mark.slow

METHODS = ("WALLET", "CASH", "CARD")
WALK = {
    "FOOD": [("ACCEPTED", "food", "vendor", "accept"), ("PREPARING", "food", "vendor", "preparing"),
             ("READY_FOR_PICKUP", "food", "vendor", "ready"), ("RIDER_ASSIGNED", "rider", "rider", "accept"),
             ("RIDER_AT_PICKUP", "rider", "rider", "arrive-pickup"), ("IN_TRANSIT", "rider", "rider", "confirm-pickup"),
             ("RIDER_AT_DELIVERY", "rider", "rider", "arrive-delivery")],
}
WALK["MART"] = [(state, {"food": "mart"}.get(who, who), role, act) for state, who, role, act in WALK["FOOD"]]
WALK["PACKAGE"] = WALK["FOOD"][3:]
PLACES = [(kind, state) for kind, steps in WALK.items() for state in ["PENDING"] + [step[0] for step in steps]]
PICKED_UP = ("IN_TRANSIT", "RIDER_AT_DELIVERY")


@pytest.fixture(scope="module")
def street(own_street):
    return own_street


@pytest.fixture(scope="module", autouse=True)
def books(street):
    """After all tests of this file the books balance."""
    yield
    books_balance(street.server)


def act(who, order, verb, role="admin", **body):
    return who.api.post(f"/api/v1/{role}/orders/{order['orderId']}/{verb}", json=body)


def walked(street, kind, state, method="WALLET", rider=None, **fields):
    """An order that was brought to this state act by act."""
    order = street.place(kind, method, paymentToken="tok", **fields)
    for reached, who, role, verb in WALK[kind]:
        if order["status"] == state:
            break
        reply = act(rider if rider and who == "rider" else getattr(street, who), order, verb, role)
        assert reply.status == 200 and reply.data["status"] == reached, reply
        order = reply.data
    assert order["status"] == state
    return order


def row(street, order):
    return street.row("SELECT * FROM orders WHERE id = %s", order["orderId"])


def counters(street, rider):
    found = street.row("SELECT active_orders AS a, total_deliveries AS t, completed_deliveries AS c,"
                       " cancelled_deliveries AS x FROM riders WHERE id = %s", rider.id)
    return tuple(found[name] for name in "atcx")


def events_of(street, order, kind):
    return [e for e in street.events(order) if e["type"] == kind]


def available(street, owner):
    rows = street.sql("SELECT available FROM wallets WHERE owner_id = %s", owner)
    return rows[0]["available"] if rows else 0


# --- Another rider --------------------------------------------------------------------------------

@pytest.mark.parametrize("kind, state", [(kind, state) for kind, state in PLACES if state not in ("PENDING",) or kind == "PACKAGE"])
def test_an_admin_reassigns_an_order_until_it_is_delivered(street, kind, state):
    first, second = street.hire(), street.hire(is_online=False)
    order = walked(street, kind, state, rider=first)
    has_rider = order["riderId"] is not None
    reply = act(street.admin, order, "assign-rider", riderId=second.id)
    assert reply.status == 200, reply
    assert reply.data["raw_status"] == (state if state in PICKED_UP else "RIDER_ASSIGNED")
    assert reply.data["rider"]["id"] == second.id
    assert counters(street, second) == (1, 1, 0, 0)
    event = events_of(street, order, "rider_assigned")[-1]
    assert {f"rider:{second.id}", f"user:{street.buyer.id}"} <= set(event["rooms"])
    assert event["payload"]["riderId"] == second.id
    if has_rider:
        assert counters(street, first) == (0, 1, 0, 1)
        assert events_of(street, order, "rider_unassigned")[0]["rooms"] == [f"rider:{first.id}", "admin"]
        late = act(first, order, "confirm-pickup", "rider")
        assert (late.status, late.code) == (403, "ORDER_4002")
    if state in PICKED_UP:
        again = act(second, order, "confirm-pickup", "rider")  # the first rider did
        assert (again.status, again.code) == (400, "ORDER_5003")
    else:
        assert act(second, order, "confirm-pickup", "rider").status == 200
    assert act(second, order, "complete", "rider").data["status"] == "DELIVERED"
    assert counters(street, second) == (0, 1, 1, 0)
    share = street.row("SELECT to_owner FROM ledger WHERE order_id = %s AND to_kind = 'RIDER' AND from_kind = 'ESCROW'",
                       order["orderId"])
    assert share["to_owner"] == second.id


def test_an_order_that_was_not_accepted_gets_no_rider(street):
    order = walked(street, "FOOD", "PENDING")
    reply = act(street.admin, order, "assign-rider", riderId=street.second.id)
    assert (reply.status, reply.code) == (409, "ORDER_INVALID_STATUS")


def test_completing_and_reassigning_at_once_do_not_both_succeed(street):
    for _ in range(8):
        first, second = street.hire(), street.hire()
        order = walked(street, "FOOD", "IN_TRANSIT", rider=first)
        done, given = race([lambda: act(first, order, "complete", "rider"),
                            lambda: act(street.admin, order, "assign-rider", riderId=second.id)])
        assert sorted((done.status, given.status)) in ([200, 403], [200, 409]), (done, given)
        now = row(street, order)
        assert now["rider_id"] == (first if done.status == 200 else second).id
        assert (now["status"] == "DELIVERED") == (done.status == 200)
        assert counters(street, first)[0] == 0 and counters(street, second)[0] == (0 if done.status == 200 else 1)


# --- Cancelled by an admin ------------------------------------------------------------------------

@pytest.mark.parametrize("kind, state", PLACES)
@pytest.mark.parametrize("method", METHODS)
def test_an_admin_cancels_in_every_state_and_everything_is_returned(street, kind, state, method):
    rider, buyer = street.hire(), street.customer()
    money = available(street, buyer.id)
    order = walked(street, kind, state, method, rider=rider, buyer=buyer)
    shop = None if kind == "PACKAGE" else street.shop_of(order)
    earned = available(street, shop.id) if shop else 0
    reply = act(street.admin, order, "cancel", reason="The rider has vanished")
    assert reply.status == 200 and reply.data["status"] == "CANCELLED", reply
    back = order["total"] if method == "CARD" else 0  # a card payment is refunded into the wallet
    assert available(street, buyer.id) == money + back
    assert reply.data["payment_status"] == ("UNPAID" if method == "CASH" else "REFUNDED")
    share = order["subtotal"] * (85 if kind == "FOOD" else 90) // 100 if shop and state in PICKED_UP else 0
    if shop:
        assert available(street, shop.id) == earned + share
    paid = street.sql("SELECT from_kind, to_kind, to_owner, amount FROM ledger WHERE order_id = %s AND category ="
                      " 'ORDER_PAYMENT' AND to_kind = 'VENDOR'", order["orderId"])
    assert [(p["from_kind"], p["to_owner"], p["amount"]) for p in paid] == (
        [("PLATFORM", shop.id, share)] if share else [])
    assert counters(street, rider)[0] == 0
    noted = street.row("SELECT details FROM admin_audit WHERE subject = %s AND act = 'order.cancel'", order["orderId"])
    assert noted["details"].get("vendorPaid", 0) == share


@pytest.mark.parametrize("member", ["vendorPaid", "vendor_paid"])
@pytest.mark.parametrize("state, paid", [("PREPARING", True), ("PENDING", False), ("IN_TRANSIT", False)])
def test_an_admin_decides_whether_the_vendor_is_paid(street, member, state, paid):
    order = walked(street, "FOOD", state)
    stock = "SELECT stock FROM items WHERE id = %s"
    street.sql("UPDATE items SET stock = 10 WHERE id = %s", street.food.items[0])
    before = available(street, street.food.id)
    assert act(street.admin, order, "cancel", reason="Rain", **{member: paid}).status == 200
    assert available(street, street.food.id) - before == (order["subtotal"] * 85 // 100 if paid else 0)
    # stock is not returned when the vendor is compensated
    assert street.row(stock, street.food.items[0])["stock"] == (10 if paid else 10 + order["items"][0]["quantity"])
    street.sql("UPDATE items SET stock = NULL WHERE id = %s", street.food.items[0])


def test_a_parcel_has_no_vendor_to_pay(street):
    order = walked(street, "PACKAGE", "IN_TRANSIT")
    reply = act(street.admin, order, "cancel", reason="Lost", vendorPaid=True)
    assert (reply.status, reply.code) == (400, "VALIDATION_FAILED") and "vendorPaid" in reply.error["details"]["fields"]
    assert act(street.admin, order, "cancel", reason="Lost", vendorPaid=False).status == 200


def test_a_compensation_does_not_reduce_the_commission(street):
    shown = street.food.api.get("/api/v1/vendor/earnings").data["lifetime"]
    order = walked(street, "FOOD", "IN_TRANSIT")
    act(street.admin, order, "cancel", reason="The rider has vanished")
    then = street.food.api.get("/api/v1/vendor/earnings").data["lifetime"]
    assert then["commission"] == shown["commission"]
    assert then["netEarnings"] == shown["netEarnings"] + order["subtotal"] * 85 // 100


# --- Completed by an admin ------------------------------------------------------------------------

@pytest.mark.parametrize("kind, method", itertools.product(WALK, METHODS))
def test_an_admin_completes_an_order_instead_of_the_rider(street, kind, method):
    rider = street.hire()
    order = walked(street, kind, "IN_TRANSIT", method, rider=rider)
    street.sql("UPDATE orders SET verification_code = '4321' WHERE id = %s", order["orderId"])
    bare = act(street.admin, order, "complete")
    assert (bare.status, bare.code) == (400, "VALIDATION_FAILED")
    reply = act(street.admin, order, "complete", note="The customer has called")
    assert reply.status == 200 and reply.data["raw_status"] == "DELIVERED", reply
    last = reply.data["timeline"][-1]
    assert (last["by"], last["note"]) == ("ADMIN", "The customer has called")
    assert counters(street, rider) == (0, 1, 1, 0)
    parts = street.row("SELECT sum(amount) AS n FROM ledger WHERE order_id = %s AND from_kind = %s", order["orderId"],
                       "CASH" if method == "CASH" else "ESCROW")
    assert parts["n"] == order["total"]
    assert street.sql("SELECT FROM admin_audit WHERE subject = %s AND act = 'order.complete'", order["orderId"])


@pytest.mark.parametrize("kind, state", [place for place in PLACES if place[1] not in PICKED_UP])
def test_an_order_that_was_not_picked_up_cannot_be_completed(street, kind, state):
    order = walked(street, kind, state)
    reply = act(street.admin, order, "complete", note="Surely")
    assert (reply.status, reply.code) == (409, "ORDER_INVALID_STATUS")


# --- Riders who may not work --------------------------------------------------------------------------

@pytest.mark.parametrize("how, reason", [("suspend", "RIDER_SUSPENDED"), ("reject", "RIDER_UNAVAILABLE")])
def test_orders_of_a_rider_who_may_not_work_are_released_before_pickup(street, how, reason):
    rider = street.hire()
    orders = {(kind, state): walked(street, kind, state, rider=rider) for kind, state in PLACES
              if state in PICKED_UP + ("RIDER_ASSIGNED", "RIDER_AT_PICKUP")}
    assert street.admin.api.post(f"/api/v1/admin/riders/{rider.id}/{how}", json={"reason": "Theft"}).status == 200
    for (kind, state), order in orders.items():
        now = row(street, order)
        shown = street.admin.api.get(f"/api/v1/admin/orders/{order['orderNumber']}").data
        if state in PICKED_UP:
            assert (now["status"], now["rider_id"], shown["attention"]) == (state, rider.id, reason)
            event, = events_of(street, order, "order_attention")
            assert event["rooms"] == ["admin"] and event["payload"]["attention"] == reason
            continue
        assert now["status"] == ("PENDING" if kind == "PACKAGE" else "READY_FOR_PICKUP")
        assert (now["rider_id"], now["arrived_at_pickup_at"], shown["attention"]) == (None, None, None)
        assert street.sql("SELECT FROM dispatches WHERE order_id = %s", order["orderId"])
        assert now["timeline"][-1]["by"] == "SYSTEM"
        assert act(street.second, order, "accept", "rider").status == 200
    assert counters(street, rider)[0] == sum(state in PICKED_UP for _, state in orders)
    held = [order for (_, state), order in orders.items() if state in PICKED_UP]

    def listed(**query):
        rows = street.admin.api.get("/api/v1/admin/orders", query={"riderId": rider.id, "limit": 100, **query}).data
        return {r["id"] for r in rows}
    assert listed(attention="true") == {o["orderId"] for o in held}
    assert listed(attention="false") == set() and listed() == {o["orderId"] for o in held}
    found = street.admin.api.get("/api/v1/admin/orders/search", query={"q": held[0]["orderNumber"]}).data
    assert found[0]["attention"] == reason
    assert act(street.admin, held[0], "assign-rider", riderId=street.second.id).data["attention"] is None
    assert act(street.admin, held[1], "complete", note="He had delivered it").data["attention"] is None
    assert act(street.admin, held[2], "cancel", reason="Stolen").data["attention"] is None
    for order in held[:3]:
        assert [e["payload"]["attention"] for e in events_of(street, order, "order_attention")] == [reason, None]
    assert street.admin.api.post(f"/api/v1/admin/riders/{rider.id}/approve", json={}).status == 200
    assert row(street, held[3])["attention"] is None


def test_a_silent_rider_is_marked_until_he_reports_a_location(street):
    rider = street.hire()
    order = walked(street, "FOOD", "IN_TRANSIT", rider=rider)
    taken = walked(street, "FOOD", "RIDER_ASSIGNED", rider=rider)
    street.sql("UPDATE riders SET located_at = now() - interval '14 minutes' WHERE id = %s", rider.id)
    quiet = street.hire(located_at="now")
    watched = walked(street, "FOOD", "IN_TRANSIT", rider=quiet)
    street.sql("UPDATE riders SET located_at = now() - interval '16 minutes' WHERE id = %s", quiet.id)
    until(lambda: row(street, watched)["attention"] == "RIDER_SILENT", 30)
    assert row(street, order)["attention"] is None and row(street, taken)["attention"] is None
    street.sql("UPDATE riders SET located_at = now() - interval '15 minutes 1 second' WHERE id = %s", rider.id)
    for one in (order, taken):
        until(lambda one=one: row(street, one)["attention"] == "RIDER_SILENT", 30)
        assert row(street, one)["rider_id"] == rider.id
    street.sql("UPDATE riders SET is_online = true WHERE id = %s", rider.id)
    reply = rider.api.post("/api/v1/rider/availability/location", json={"latitude": 4.05, "longitude": 9.7})
    assert reply.status == 200, reply
    for one in (order, taken):
        until(lambda one=one: row(street, one)["attention"] is None, 30)
        assert [e["payload"]["attention"] for e in events_of(street, one, "order_attention")] == ["RIDER_SILENT", None]


def test_the_timers_find_orders_of_a_suspended_rider(street):
    """If the server stops between the two statements of a suspension, the timers complete it."""
    rider = street.hire()
    order, kept = walked(street, "FOOD", "RIDER_AT_PICKUP", rider=rider), walked(street, "MART", "IN_TRANSIT", rider=rider)
    street.sql("UPDATE riders SET status = 'INACTIVE' WHERE id = %s", rider.id)
    until(lambda: row(street, order)["rider_id"] is None, 30)
    until(lambda: row(street, kept)["attention"] == "RIDER_UNAVAILABLE", 30)
    assert row(street, order)["status"] == "READY_FOR_PICKUP"
