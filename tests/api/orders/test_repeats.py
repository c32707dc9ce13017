# SPDX-License-Identifier: MIT
"""An act that its actor repeats while its effect holds gets the same reply and changes nothing; from others it is rejected.
Mostly no keys are sent here: a phone that lost an answer may not have kept one."""

import json

import pytest

from world.accounts import appoint
from world.waiting import race

# act: (role, verb, body, the states that lead to where it is done)
KITCHEN = [("vendor", "accept"), ("vendor", "preparing"), ("vendor", "ready")]
RIDE = [("rider", "accept"), ("rider", "arrive-pickup"), ("rider", "confirm-pickup"), ("rider", "arrive-delivery"),
        ("rider", "complete")]
BODIES = {"reject": {"reason": "No gas today"}, "cancel": {"reason": "Not hungry any more"}, "accept": {},
          "complete": {"note": "The customer has called"}}
REFUSED = {("user", "cancel"): "ORDER_4003", ("vendor", "accept"): "ORDER_4003", ("vendor", "reject"): "ORDER_4004",
           ("vendor", "preparing"): "ORDER_4005", ("vendor", "ready"): "ORDER_4005"}
ACTS = {f"{role} {verb}": ((KITCHEN + RIDE)[:n], role, verb) for n, (role, verb) in enumerate(KITCHEN + RIDE)}
ACTS |= {"vendor reject": ([], "vendor", "reject"), "user cancel": (KITCHEN[:1], "user", "cancel"),
         "admin assign-rider": (KITCHEN, "admin", "assign-rider"), "admin cancel": ((KITCHEN + RIDE)[:6], "admin", "cancel"),
         "admin complete": ((KITCHEN + RIDE)[:6], "admin", "complete"),
         "vendor ready for a rider": (KITCHEN[:1] + RIDE[:1], "vendor", "ready"),
         "admin assign-rider on the way": ((KITCHEN + RIDE)[:6], "admin", "assign-rider")}


def act(street, order, role, verb, who=None, rider=None, **body):
    who = who or {"user": street.buyer, "vendor": street.food, "rider": rider or street.rider, "admin": street.admin}[role]
    body = {**BODIES.get(verb, {}), **body}
    if verb == "assign-rider":
        body = {"riderId": (rider or street.second).id}
    return who.api.post(f"/api/v1/{role}/orders/{order['orderId']}/{verb}", json=body)


def state(street, order):
    """Everything that a repeated act could change."""
    row = street.row("SELECT * FROM orders WHERE id = %s", order["orderId"])
    return {"row": row, "events": street.events(order),
            "money": street.sql("SELECT id FROM ledger WHERE order_id = %s ORDER BY id", order["orderId"]),
            "riders": street.sql("SELECT id, active_orders, total_deliveries, completed_deliveries, cancelled_deliveries"
                                 " FROM riders WHERE id IN (%s, %s) ORDER BY id", street.rider.id, street.second.id),
            "offers": street.sql("SELECT * FROM offers WHERE order_id = %s ORDER BY id", order["orderId"]),
            "noted": street.sql("SELECT id FROM admin_audit WHERE subject = %s", order["orderId"])}


def settled(street, order):
    """The same after the relay is done: a relayed event moves to the other table."""
    found = state(street, order)
    found["events"] = [(e["type"], json.dumps(e["payload"], sort_keys=True)) for e in found["events"]]
    return found


@pytest.mark.parametrize("name", ACTS)
def test_a_repeated_act_happens_once(street, name):
    before, role, verb = ACTS[name]
    order = street.place()
    for step in before:
        assert act(street, order, *step).status == 200
    first = act(street, order, role, verb)
    assert first.status == 200, first
    then = settled(street, order)
    again = act(street, order, role, verb)
    assert again.status == 200, again
    assert again.data == first.data and again.json.keys() == first.json.keys()
    assert settled(street, order) == then


@pytest.mark.parametrize("name", ACTS)
def test_an_act_repeated_at_once_happens_once(street, name):
    before, role, verb = ACTS[name]
    order = street.place()
    for step in before:
        assert act(street, order, *step).status == 200
    entries = len(street.row("SELECT timeline FROM orders WHERE id = %s", order["orderId"])["timeline"])
    assert {r.status for r in race([lambda: act(street, order, role, verb)] * 4)} == {200}
    assert len(street.row("SELECT timeline FROM orders WHERE id = %s", order["orderId"])["timeline"]) == entries + 1


@pytest.mark.parametrize("name", ACTS)
def test_an_act_that_another_actor_has_done_is_rejected(street, name):
    before, role, verb = ACTS[name]
    order = street.place()
    for step in before:
        assert act(street, order, *step).status == 200
    assert act(street, order, role, verb).status == 200
    then = settled(street, order)
    if role == "admin":
        other = act(street, order, role, verb, who=appoint(street.server, street.sql))
        assert (other.status, other.code) == (409, "ORDER_INVALID_STATUS")
    if role != "admin":
        stranger = {"user": street.customer(), "vendor": street.mart, "rider": street.second}[role]
        other = act(street, order, role, verb, who=stranger)
        assert (other.status, other.code) in ((403, "ORDER_4002"), (409, "ORDER_5001")), other
    assert settled(street, order) == then


@pytest.mark.parametrize("order_of", [
    ("admin cancel", "user", "cancel"), ("user cancel", "admin", "cancel"), ("user cancel", "vendor", "reject"),
    ("vendor reject", "user", "cancel"), ("admin complete", "rider", "complete"), ("rider complete", "admin", "complete"),
    ("admin assign-rider", "rider", "accept"), ("admin cancel", "vendor", "accept"), ("rider complete", "vendor", "ready")])
def test_an_effect_that_another_actor_caused_or_undid_is_not_a_repetition(street, order_of):
    name, role, verb = order_of
    before, first_role, first_verb = ACTS[name]
    order = street.place()
    for step in before:
        assert act(street, order, *step).status == 200
    # here the rider that the admin assigned accepts
    reply = act(street, order, first_role, first_verb, rider=street.rider if first_verb == "assign-rider" else None)
    assert reply.status == 200
    then = settled(street, order)
    late = act(street, order, role, verb)
    assert (late.status, late.code) == ((409, "ORDER_INVALID_STATUS") if role == "admin"
                                        else (400, REFUSED.get((role, verb), "ORDER_5003"))), late
    assert settled(street, order) == then


def test_an_act_before_a_reassignment_is_not_a_repetition(street):
    order = street.place()
    for step in KITCHEN + RIDE[:2]:
        assert act(street, order, *step).status == 200
    for rider in (street.second, street.rider):
        assert act(street, order, "admin", "assign-rider", rider=rider).status == 200
    assert act(street, order, "rider", "arrive-pickup").data["status"] == "RIDER_AT_PICKUP"  # again
    assert act(street, order, "vendor", "accept").status == 200                               # unchanged


def test_the_reply_to_a_repetition_is_stored_with_its_key(street):
    order = street.place()
    for step in (KITCHEN + RIDE)[:6]:
        assert act(street, order, *step).status == 200
    path = f"/api/v1/rider/orders/{order['orderId']}/confirm-pickup"
    key = {"Idempotency-Key": f"late-{order['orderId']}"}
    first = street.rider.api.post(path, json={}, headers=key)
    assert first.status == 200 and "Idempotency-Replayed" not in first.headers
    for step in RIDE[3:]:
        assert act(street, order, *step).status == 200
    again = street.rider.api.post(path, json={}, headers=key)
    assert (again.status, again.body, again.headers["Idempotency-Replayed"]) == (200, first.body, "true")
    assert street.rider.api.post(path, json={}).code == "ORDER_5003"


def test_giving_back_twice_writes_one_event(street):
    order = street.place()
    for step in KITCHEN + RIDE[:1]:
        assert act(street, order, *step).status == 200
    assert act(street, order, "rider", "reject").status == 200
    then = settled(street, order)
    assert act(street, order, "rider", "reject").status == 200
    assert settled(street, order) == then


def test_every_act_on_orders_is_in_these_tables(tables):
    """The routes that move an order, from the table of the server: a new one needs a row here."""
    moving = set()
    for row in tables.rows:
        parts = row.path.split("/")
        if row.method != "GET" and parts[-3:-2] == ["orders"] and parts[-2].startswith(":"):
            moving.add((row.namespace, parts[-1]))
    known = {(role, verb) for _, role, verb in ACTS.values()}
    others = {("rider", "reject"), ("rider", "report-issue"), ("user", "rate"), ("vendor", "status"),
              ("rider", "pickup-complete"), ("rider", "arrive-dropoff")}
    assert moving - known - others == set()
