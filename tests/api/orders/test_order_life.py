# SPDX-License-Identifier: MIT
"""An order of each kind passes all four roles over HTTP, each with an open stream: the events that each receives, and
the order, the money and the counters at the end."""

import time

import pytest

from world.audit import top_up
from world.streams import Stream
from world.waiting import PATIENCE

pytestmark = pytest.mark.usefixtures("books")

# away from the demo vendors: other tests check their order by distance and rating
PLACE = {"lat": 4.0903, "lng": 9.7460}
NEAR = {"lat": 4.0925, "lng": 9.7475}  # some 300 m from the vendor
AKWA = {"fullAddress": "Rue Joffre, Akwa", "coordinates": {"lat": 4.0611, "lng": 9.7010}}


class Ear:
    """A stream that keeps its events, so that they can be awaited in any order."""

    def __init__(self, port, path, token):
        self.stream = Stream(port, token, path)
        assert self.stream.status == 200, self.stream.status
        self.received = []

    def wait(self, wanted, seconds=PATIENCE):
        """The first matching event, received already or later."""
        end = time.monotonic() + seconds
        while True:
            for event in self.received:
                if wanted(event):
                    return event
            left = end - time.monotonic()
            assert left > 0, f"not received in {seconds} s; received: {[(e.type, e.id) for e in self.received]}"
            try:
                self.received.append(self.stream.next(left))
            except AssertionError:
                pass

    def close(self):
        self.stream.close()


class Cast:
    """A customer, a vendor, a rider and an admin, each with a stream."""

    def __init__(self, server, sql, customer, vendor, rider, admin_api):
        self.server, self.sql = server, sql
        self.customer, self.vendor, self.rider, self.admin = customer, vendor, rider, admin_api
        self.streams = {
            "user": Ear(server.port, "/api/v1/events", customer.token),
            "rider": Ear(server.port, "/api/v1/rider/events", rider.token),
            "admin": Ear(server.port, "/api/v1/admin/events", admin_api.token),
        }
        if vendor:
            self.streams["vendor"] = Ear(server.port, "/api/v1/vendor/events", vendor.token)
        top_up(sql, customer.id, 100000)

    def close(self):
        for stream in self.streams.values():
            stream.close()

    def receives(self, who, kind, order):
        """The event of this kind about this order on the stream of this role."""
        event = self.streams[who].wait(lambda e: e.type == kind and e.data.get("orderId") == order)
        assert event.id, f"{kind} has no id to resume from"
        return event.data

    def all_receive(self, status, order):
        for who, stream in self.streams.items():
            if who == "rider" and status not in AFTER_RIDER:
                continue
            event = stream.wait(lambda e: e.type == "order_status_update"
                                and e.data["orderId"] == order and e.data["status"] == status)
            assert event.data["timestamp"].endswith("Z"), who

    def rider_act(self, act, order, **body):
        reply = self.rider.api.post(f"/api/v1/rider/orders/{order}/{act}", json=body)
        assert reply.status == 200, (act, reply)
        return reply.data

    def vendor_act(self, act, order, **body):
        reply = self.vendor.api.put(f"/api/v1/vendor/orders/{order}/{act}", json=body)
        assert reply.status == 200, (act, reply)
        return reply.data

    def goes_online(self, place=NEAR):
        reply = self.rider.api.patch("/api/v1/rider/availability/status", json={"isOnline": True})
        assert reply.status == 200 and reply.data["isOnline"] is True, reply
        reply = self.rider.api.post("/api/v1/rider/availability/location", json=place)
        assert reply.status == 200, reply

    def row(self, table, key):
        return self.sql(f"SELECT * FROM {table} WHERE id = %s", key)[0]

    def balance(self, owner):
        rows = self.sql("SELECT available FROM wallets WHERE owner_id = %s", owner)
        return rows[0]["available"] if rows else 0

    def carried(self, order):
        """From the pickup to the delivery."""
        self.rider_act("arrive-pickup", order)
        self.all_receive("RIDER_AT_PICKUP", order)
        self.rider_act("confirm-pickup", order, pickupPhoto="https://cdn.reeyo.cm/p.jpg")
        self.all_receive("IN_TRANSIT", order)
        where = self.rider.api.post("/api/v1/rider/availability/location",
                                    json={"lat": 4.0580, "lng": 9.7000, "orderId": order})
        assert where.status == 200, where
        moved = self.streams["user"].wait(lambda e: e.type == "rider_location_update")
        assert moved.data["riderId"] == self.rider.id
        assert moved.data["location"] == {"lat": 4.0580, "lng": 9.7000}
        if self.vendor:
            self.streams["vendor"].wait(lambda e: e.type == "rider_location_update")
        self.rider_act("arrive-delivery", order)
        self.all_receive("RIDER_AT_DELIVERY", order)
        done = self.rider_act("complete", order, deliveryPhoto="https://cdn.reeyo.cm/d.jpg")
        assert done["status"] == "DELIVERED"
        self.all_receive("DELIVERED", order)
        for who in self.streams:
            assert self.receives(who, "order_delivered", order)["riderId"] == self.rider.id
        return done


AFTER_RIDER = {"RIDER_ASSIGNED", "RIDER_AT_PICKUP", "IN_TRANSIT", "RIDER_AT_DELIVERY", "DELIVERED"}
STAMPS = {"acceptedAt", "preparingAt", "readyAt", "riderAssignedAt", "arrivedAtPickupAt", "pickedUpAt",
          "arrivedAtDeliveryAt", "deliveredAt"}


def steps(order):
    """The states of the timeline; `ready` with an assigned rider is not a state of its own."""
    states = [entry["status"] for entry in order["timeline"]]
    return [state for state in states if state != "READY_FOR_PICKUP"]


@pytest.fixture
def cast(server, sql, customer, vendor, rider, admin_api):
    made = []

    def gather(kind="FOOD"):
        # no other rider may get the offer first
        sql("UPDATE riders SET is_online = false WHERE is_online")
        shop = vendor(items=1, service_type=kind, **PLACE) if kind != "PACKAGE" else None
        made.append(Cast(server, sql, customer(), shop, rider(), admin_api))
        return made[-1]
    yield gather
    for one in made:
        one.close()


@pytest.mark.parametrize("kind", ["FOOD", "MART"])
@pytest.mark.parametrize("method", ["WALLET", "CASH"])
def test_a_food_or_mart_order_passes_all_four_roles(cast, sql, kind, method):
    play = cast(kind)
    play.goes_online()
    body = {"vendorId": play.vendor.id, "items": [{"itemId": play.vendor.items[0], "quantity": 3}],
            "deliveryAddress": AKWA, "paymentMethod": method}
    reply = play.customer.api.post("orders", json=body)
    assert reply.status == 201, reply
    placed = reply.data
    order = placed["orderId"]
    new = play.receives("vendor", "new_order", order)
    assert new["data"]["orderNumber"] == placed["orderNumber"] and "verificationCode" not in new["data"]
    assert new["status"] == "PENDING"

    accepted = play.vendor_act("accept", order, preparationTime=20)
    assert accepted["status"] == "ACCEPTED" and accepted["preparationTime"] == 20
    assert play.receives("user", "order_accepted", order)["preparationTime"] == 20
    play.all_receive("ACCEPTED", order)
    asked = play.receives("rider", "delivery_request", order)
    assert asked["expiresIn"] == 60 and asked["orderType"] == kind
    assert asked["pickupLocation"]["lat"] == PLACE["lat"]
    play.vendor_act("preparing", order)
    play.all_receive("PREPARING", order)

    taken = play.rider_act("accept", order)
    assert (taken["status"], taken["riderId"]) == ("RIDER_ASSIGNED", play.rider.id)
    met = play.receives("user", "rider_assigned", order)
    assert met["riderId"] == play.rider.id and met["name"] and met["phone"].startswith("+237")
    play.all_receive("RIDER_ASSIGNED", order)
    play.vendor_act("ready", order)
    play.receives("rider", "order_ready_for_pickup", order)
    play.carried(order)

    seen = play.customer.api.get(f"orders/{order}").data
    assert steps(seen) == ["PENDING", "ACCEPTED", "PREPARING", "RIDER_ASSIGNED", "RIDER_AT_PICKUP", "IN_TRANSIT",
                           "RIDER_AT_DELIVERY", "DELIVERED"]
    times = [entry["timestamp"] for entry in seen["timeline"]]
    assert times == sorted(times)
    assert all(seen[stamp] for stamp in STAMPS) and seen["cancelledAt"] is None
    assert seen["photos"] == {"pickup": ["https://cdn.reeyo.cm/p.jpg"], "delivery": ["https://cdn.reeyo.cm/d.jpg"]}

    rate = 15 if kind == "FOOD" else 10
    cut = (seen["subtotal"] * rate + 50) // 100
    assert play.balance(play.vendor.id) == seen["subtotal"] - cut
    moved = sql("SELECT from_kind, to_kind, amount FROM ledger WHERE order_id = %s", order)
    source = "ESCROW" if method == "WALLET" else "CASH"
    assert {(m["from_kind"], m["to_kind"], m["amount"]) for m in moved if m["from_kind"] == source} == {
        (source, "VENDOR", seen["subtotal"] - cut), (source, "RIDER", seen["deliveryFee"]),
        (source, "PLATFORM", cut)}
    shop, carrier = play.row("vendors", play.vendor.id), play.row("riders", play.rider.id)
    assert (shop["total_orders"], shop["total_revenue"]) == (1, seen["subtotal"])
    assert (carrier["active_orders"], carrier["completed_deliveries"]) == (0, 1)

    rated = play.customer.api.post("ratings", json={"orderId": order, "vendorRating": {"rating": 5},
                                                    "riderRating": {"rating": 4, "review": "Rapide"}})
    assert rated.status == 201, rated
    assert play.customer.api.get(f"vendors/{play.vendor.id}").data["rating"] == 5
    row = play.admin.get(f"/api/v1/admin/orders/{placed['orderNumber']}").data
    assert (row["status"], row["payment_status"]) == ("DELIVERED", "PAID")
    assert row["commission_amount"] == cut and row["rider_earnings"] == seen["deliveryFee"]


@pytest.mark.parametrize("method", ["WALLET", "CASH"])
def test_a_parcel_passes_all_roles(cast, sql, method):
    play = cast("PACKAGE")
    play.goes_online({"lat": 4.0005, "lng": 9.7})
    body = {"orderType": "PACKAGE", "paymentMethod": method,
            "packageDetails": {"category": "PARCEL", "weight": 2, "description": "Shoes"},
            "pickupAddress": {"fullAddress": "Akwa", "coordinates": {"lat": 4, "lng": 9.7},
                              "contactName": "Awa", "contactPhone": "670000001"},
            "deliveryAddress": {"fullAddress": "Deido", "contactName": "Eto", "contactPhone": "670000002",
                                "coordinates": {"lat": 4.05, "lng": 9.7}}}
    reply = play.customer.api.post("orders", json=body)
    assert reply.status == 201, reply
    placed = reply.data
    order = placed["orderId"]
    play.receives("admin", "new_order", order)
    play.receives("rider", "delivery_request", order)
    play.rider_act("accept", order)
    play.all_receive("RIDER_ASSIGNED", order)
    done = play.carried(order)
    assert steps(done) == ["PENDING", "RIDER_ASSIGNED", "RIDER_AT_PICKUP", "IN_TRANSIT", "RIDER_AT_DELIVERY",
                           "DELIVERED"]
    cut = (done["total"] * 20 + 50) // 100
    source = "ESCROW" if method == "WALLET" else "CASH"
    moved = sql("SELECT from_kind, to_kind, amount FROM ledger WHERE order_id = %s", order)
    assert {(m["from_kind"], m["to_kind"], m["amount"]) for m in moved if m["from_kind"] == source} == {
        (source, "RIDER", done["total"] - cut), (source, "PLATFORM", cut)}
    assert play.balance(play.rider.id) == done["total"] - cut


def test_an_order_that_an_admin_cancels_is_refunded_and_all_parties_get_the_event(cast, sql):
    play = cast("FOOD")
    play.goes_online()
    before = play.balance(play.customer.id)
    placed = play.customer.api.post("orders", json={
        "vendorId": play.vendor.id, "deliveryAddress": AKWA,
        "items": [{"itemId": play.vendor.items[0], "quantity": 1}]}).data
    order = placed["orderId"]
    play.vendor_act("accept", order)
    reply = play.admin.post(f"/api/v1/admin/orders/{order}/assign-rider", json={"rider_id": play.rider.id})
    assert reply.status == 200 and reply.data["status"] == "RIDER_ASSIGNED", reply
    reply = play.admin.post(f"/api/v1/admin/orders/{order}/cancel", json={"reason": "The kitchen burnt down"})
    assert reply.status == 200 and reply.data["status"] == "CANCELLED", reply
    for who in play.streams:
        event = play.receives(who, "order_cancelled", order)
        assert (event["reason"], event["refundAmount"]) == ("The kitchen burnt down", placed["total"])
    assert play.balance(play.customer.id) == before
    assert play.row("riders", play.rider.id)["active_orders"] == 0
    again = play.admin.post(f"/api/v1/admin/orders/{order}/cancel", json={"reason": "twice"})
    assert again.status == 200 and again.data == reply.data, again
    late = play.rider.api.post(f"/api/v1/rider/orders/{order}/arrive-pickup")
    assert (late.status, late.code) == (400, "ORDER_5003")
