# SPDX-License-Identifier: MIT
"""The state machine over HTTP: every act of every role in every state. The expected table comes
from the contract (section 2.1), not from the server."""

import pytest

STATES = ("PENDING", "ACCEPTED", "PREPARING", "READY_FOR_PICKUP", "RIDER_ASSIGNED", "RIDER_AT_PICKUP",
          "IN_TRANSIT", "RIDER_AT_DELIVERY", "DELIVERED", "CANCELLED")

# act: (role, path below the order, body)
ACTS = {
    "vendor accept": ("vendor", "accept", {"preparationTime": 20}),
    "vendor reject": ("vendor", "reject", {"reason": "No gas today"}),
    "vendor preparing": ("vendor", "preparing", {}),
    "vendor status preparing": ("vendor", "status", {"status": "PREPARING"}),
    "vendor ready": ("vendor", "ready", {}),
    "vendor status ready": ("vendor", "status", {"status": "READY"}),
    "rider accept": ("rider", "accept", {}),
    "rider reject": ("rider", "reject", {"reason": "Puncture"}),
    "rider arrive-pickup": ("rider", "arrive-pickup", {}),
    "rider confirm-pickup": ("rider", "confirm-pickup", {}),
    "rider pickup-complete": ("rider", "pickup-complete", {}),
    "rider arrive-delivery": ("rider", "arrive-delivery", {}),
    "rider arrive-dropoff": ("rider", "arrive-dropoff", {}),
    "rider complete": ("rider", "complete", {}),
    "user cancel": ("user", "cancel", {"reason": "Not hungry any more"}),
    "admin assign-rider": ("admin", "assign-rider", {}),
    "admin assign another": ("admin", "assign-rider", {}),
    "admin complete": ("admin", "complete", {"note": "The customer has called"}),
    "admin cancel": ("admin", "cancel", {"reason": "The shop burns"}),
}

# What succeeds: act: {state before: state after}
KITCHEN = {
    "vendor accept": {"PENDING": "ACCEPTED"},
    "vendor reject": {"PENDING": "CANCELLED"},
    "vendor preparing": {"ACCEPTED": "PREPARING"},
    "vendor status preparing": {"ACCEPTED": "PREPARING"},
    "vendor ready": {"ACCEPTED": "READY_FOR_PICKUP", "PREPARING": "READY_FOR_PICKUP",
                     "RIDER_ASSIGNED": "RIDER_ASSIGNED", "RIDER_AT_PICKUP": "RIDER_AT_PICKUP"},
    "rider accept": {"ACCEPTED": "RIDER_ASSIGNED", "PREPARING": "RIDER_ASSIGNED",
                     "READY_FOR_PICKUP": "RIDER_ASSIGNED"},
    # not assigned: hides the order and does not change it
    "rider reject": {"ACCEPTED": "ACCEPTED", "PREPARING": "PREPARING", "READY_FOR_PICKUP": "READY_FOR_PICKUP",
                     "RIDER_ASSIGNED": "ACCEPTED"},
}
KITCHEN["vendor status ready"] = KITCHEN["vendor ready"]
KITCHEN["admin assign-rider"] = KITCHEN["rider accept"]
KITCHEN["admin assign another"] = KITCHEN["rider accept"] | {
    "RIDER_ASSIGNED": "RIDER_ASSIGNED", "RIDER_AT_PICKUP": "RIDER_ASSIGNED", "IN_TRANSIT": "IN_TRANSIT",
    "RIDER_AT_DELIVERY": "RIDER_AT_DELIVERY"}
PARCEL = {
    "rider accept": {"PENDING": "RIDER_ASSIGNED"},
    "rider reject": {"PENDING": "PENDING", "RIDER_ASSIGNED": "PENDING"},
    "admin assign-rider": {"PENDING": "RIDER_ASSIGNED"},
    "admin assign another": {state: KITCHEN["admin assign another"].get(state, "RIDER_ASSIGNED")
                             for state in ("PENDING",) + STATES[4:8]},
}
ANY = {
    "rider arrive-pickup": {"RIDER_ASSIGNED": "RIDER_AT_PICKUP"},
    "rider confirm-pickup": {"RIDER_ASSIGNED": "IN_TRANSIT", "RIDER_AT_PICKUP": "IN_TRANSIT"},
    "rider pickup-complete": {"RIDER_ASSIGNED": "IN_TRANSIT", "RIDER_AT_PICKUP": "IN_TRANSIT"},
    "rider arrive-delivery": {"IN_TRANSIT": "RIDER_AT_DELIVERY"},
    "rider arrive-dropoff": {"IN_TRANSIT": "RIDER_AT_DELIVERY"},
    "rider complete": {"IN_TRANSIT": "DELIVERED", "RIDER_AT_DELIVERY": "DELIVERED"},
    "user cancel": {"PENDING": "CANCELLED", "ACCEPTED": "CANCELLED"},
    "admin cancel": {state: "CANCELLED" for state in STATES[:8]},
    "admin complete": {"IN_TRANSIT": "DELIVERED", "RIDER_AT_DELIVERY": "DELIVERED"},
}
ALLOWED = {"FOOD": KITCHEN | ANY, "MART": KITCHEN | ANY, "PACKAGE": PARCEL | ANY}
REFUSED = {"vendor accept": "ORDER_4003", "vendor reject": "ORDER_4004", "vendor preparing": "ORDER_4005",
           "vendor status preparing": "ORDER_4005", "vendor ready": "ORDER_4005",
           "vendor status ready": "ORDER_4005", "user cancel": "ORDER_4003"}


def expected(kind, act, state):
    """(status, code or state afterwards)"""
    after = ALLOWED[kind].get(act, {}).get(state)
    if after:
        return 200, after
    if kind == "PACKAGE" and act.startswith("vendor"):
        return 403, "ORDER_4002"
    rider_has_it = STATES.index(state) in range(4, 9)
    if act.startswith("rider") and act not in ("rider accept", "rider reject") and not rider_has_it:
        return 403, "ORDER_4002"  # an order without a rider is not this rider's
    if act.startswith("admin"):
        return 409, "ORDER_INVALID_STATUS"
    return 400, REFUSED.get(act, "ORDER_5003")


def do(street, act, order):
    role, path, body = ACTS[act]
    api = {"user": street.buyer, "rider": street.rider, "vendor": street.shop_of(order), "admin": street.admin}[role].api
    if act == "admin assign-rider":
        body = {"riderId": street.rider.id}
    elif act == "admin assign another":
        body = {"riderId": street.second.id}
    return api.post(f"/api/v1/{role}/orders/{order['orderId']}/{path}", json=body)


@pytest.mark.parametrize("kind", ALLOWED)
@pytest.mark.parametrize("state", STATES)
def test_an_act_succeeds_exactly_where_the_contract_allows_it(street, kind, state):
    wrong = []
    for act in ACTS:
        order = street.bring(street.place(kind, quantity=3), state)
        status, what = expected(kind, act, state)
        reply = do(street, act, order)
        now = street.row("SELECT status FROM orders WHERE id = %s", order["orderId"])["status"]
        got = now if reply.status == 200 else reply.code
        if (reply.status, got) != (status, what) or (status != 200 and now != state):
            wrong.append(f"{act}: {reply.status} {got} {now}, not {status} {what}")
    assert not wrong, "\n".join(wrong)


def test_an_order_passes_all_its_states(street):
    order = street.place()
    path = order["orderNumber"]
    vendor, rider = street.food.api, street.rider.api
    steps = [(vendor, "vendor", "accept", {"preparationTime": 25}, "ACCEPTED", "acceptedAt", "VENDOR"),
             (vendor, "vendor", "preparing", {}, "PREPARING", "preparingAt", "VENDOR"),
             (vendor, "vendor", "ready", {}, "READY_FOR_PICKUP", "readyAt", "VENDOR"),
             (rider, "rider", "accept", {}, "RIDER_ASSIGNED", "riderAssignedAt", "RIDER"),
             (rider, "rider", "arrive-pickup", {}, "RIDER_AT_PICKUP", "arrivedAtPickupAt", "RIDER"),
             (rider, "rider", "confirm-pickup", {"pickupPhoto": "https://cdn/p.jpg", "notes": "Hot",
              "location": {"lat": 4.05, "lng": 9.7}}, "IN_TRANSIT", "pickedUpAt", "RIDER"),
             (rider, "rider", "arrive-delivery", {}, "RIDER_AT_DELIVERY", "arrivedAtDeliveryAt", "RIDER"),
             (rider, "rider", "complete", {"deliveryPhoto": "https://cdn/d.jpg"}, "DELIVERED", "deliveredAt",
              "RIDER")]
    for api, role, act, body, status, stamp, by in steps:
        reply = api.put(f"/api/v1/{role}/orders/{path}/{act}", json=body)
        assert reply.status == 200, reply
        assert reply.data["status"] == status
        last = reply.data["timeline"][-1]
        assert (last["status"], last["by"], last["timestamp"]) == (status, by, reply.data[stamp])
    seen = street.buyer.api.get(f"/api/v1/user/orders/{path}").data
    assert seen["riderName"] == "Emmanuel Tchoupo" and seen["riderPhone"] == street.rider.phone
    assert seen["preparationTime"] == 25
    assert seen["photos"] == {"pickup": ["https://cdn/p.jpg"], "delivery": ["https://cdn/d.jpg"]}
    assert seen["timeline"][6]["note"] == "Hot" and seen["timeline"][6]["location"] == {"lat": 4.05, "lng": 9.7}
    assert [entry["status"] for entry in seen["timeline"]] == ["PENDING"] + [step[4] for step in steps]
    events = [event["type"] for event in street.events(order)]
    assert events.count("order_status_update") == len(steps)
    for once in ("new_order", "order_accepted", "rider_assigned", "order_delivered"):
        assert events.count(once) == 1


def test_ready_with_an_assigned_rider_sets_the_time_once_and_notifies_the_rider(street):
    order = street.bring(street.place(), "RIDER_ASSIGNED")
    reply = do(street, "vendor ready", order)
    assert reply.data["status"] == "RIDER_ASSIGNED" and reply.data["readyAt"]
    event = [e for e in street.events(order) if e["type"] == "order_ready_for_pickup"]
    assert [e["rooms"] for e in event] == [[f"rider:{street.rider.id}"]]
    count = len(street.events(order))
    again = do(street, "vendor ready", order)
    assert (again.status, again.data["readyAt"], len(street.events(order))) == (200, reply.data["readyAt"], count)
    reply = do(street, "rider reject", order)
    assert reply.json["data"] is None
    assert street.row("SELECT status FROM orders WHERE id = %s", order["orderId"])["status"] == "READY_FOR_PICKUP"
