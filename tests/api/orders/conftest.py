# SPDX-License-Identifier: MIT
"""The fixture `street`: a server with vendors, riders, a customer and an admin for orders of every kind."""

import contextlib
import itertools

import pytest

from world.accounts import appoint, change_settings, hire, open_shop, register
from world.audit import top_up
from world.database import Database
from world.server import Server

TO = {"fullAddress": "Rue Njo-Njo, Bonapriso", "coordinates": {"lat": 4.0301, "lng": 9.6948}}
FROM = {"fullAddress": "Rue Joffre, Akwa", "coordinates": {"lat": 4.0503, "lng": 9.6960},
        "contactName": "Rose Etame", "contactPhone": "+237690000777"}
FINAL = ("DELIVERED", "CANCELLED")


class Street:
    """.server .sql(statement, *args); .food .mart (vendors), the riders .rider and .second (online), .buyer, .admin, each with .api"""

    def __init__(self, server):
        self.server = server
        self.sql = Database(server.configuration["database_url"])
        change_settings(server, services={"mart": {"enabled": True}, "packages": {"enabled": True}})
        self.food = open_shop(server, self.sql, items=2)
        self.mart = open_shop(server, self.sql, items=2, service_type="MART")
        self.rider = self.hire()
        self.second = self.hire()
        self.admin = appoint(server, self.sql)
        self.buyer = self.customer()
        self.keys = itertools.count(1)

    def row(self, statement, *arguments):
        return self.sql(statement, *arguments)[0]

    def hire(self, **columns):
        return hire(self.server, self.sql, **{"is_online": True, **columns})

    def customer(self):
        made = register(self.server)
        top_up(self.sql, made.id, 10000000)
        return made

    def place(self, kind="FOOD", method="WALLET", quantity=2, buyer=None, **fields):
        """Places an order over HTTP and returns the Order."""
        buyer = buyer or self.buyer
        body = {"paymentMethod": method, **fields}
        if kind == "PACKAGE":
            body |= {"orderType": "PACKAGE", "pickupAddress": FROM,
                     "deliveryAddress": {**TO, "contactName": "Awa Ngono", "contactPhone": "+237690000778"},
                     "packageDetails": {"category": "PARCEL", "weight": 2, "description": "Books"}}
        else:
            shop = self.food if kind == "FOOD" else self.mart
            body |= {"vendorId": shop.id, "items": [{"itemId": shop.items[0], "quantity": quantity}]}
        reply = buyer.api.post("/api/v1/user/orders", json=body)
        assert reply.status == 201, reply
        return reply.data

    def bring(self, order, status, rider=None, **columns):
        """Puts the order into a state, as if all acts before had happened."""
        has_rider = status in ("RIDER_ASSIGNED", "RIDER_AT_PICKUP", "IN_TRANSIT", "RIDER_AT_DELIVERY", "DELIVERED")
        columns = {"status": status, "active": status not in FINAL,
                   "rider_id": (rider or self.rider).id if has_rider else None, **columns}
        names = ", ".join(f"{name} = %s" for name in columns)
        self.sql(f"UPDATE orders SET {names} WHERE id = %s", *columns.values(), order["orderId"])
        if has_rider and status not in FINAL:
            self.sql("UPDATE riders SET active_orders = active_orders + 1 WHERE id = %s", columns["rider_id"])
        return order

    def shop_of(self, order):
        return self.mart if order["orderType"] == "MART" else self.food

    def events(self, order):
        """In the order in which they were written."""
        return self.sql("SELECT id, type, rooms, payload FROM event_log WHERE aggregate = %s ORDER BY id", order["orderId"])


@contextlib.contextmanager
def opened(databases):
    server = Server(databases.fresh(), "").start()
    made = Street(server)
    yield made
    made.sql.close()
    server.close()


@pytest.fixture(scope="session")
def street(databases):
    with opened(databases) as made:
        yield made


@pytest.fixture(scope="module")
def own_street(databases):
    """A street of this file alone, in which the books must balance."""
    with opened(databases) as made:
        yield made
