# SPDX-License-Identifier: MIT
"""Orders that need a rider, at locations that only one test uses."""

import itertools
import threading

from .accounts import open_shop

_locations = itertools.count()
_lock = threading.Lock()
# Degrees of latitude per kilometre.
KM = 1 / 111.195


def new_spot():
    """A location at least 50 km from those of all other tests: (lat, lng)."""
    with _lock:
        number = next(_locations)
    return 6.0 + number // 12 * 0.5, 9.0 + number % 12 * 0.5


def order_seeking(server, sql, customer, location, dispatch=True, **columns):
    """An accepted order of a new shop at this location, without a rider; returns its row."""
    shop = open_shop(server, sql, items=1)
    reply = customer().api.post("orders", json={
        "vendorId": shop.id, "items": [{"itemId": shop.items[0], "quantity": 1}],
        "paymentMethod": "CASH"})
    assert reply.status == 201, reply
    row = {"status": "ACCEPTED", "accepted_at": "now", "pickup_lat": location[0], "pickup_lng": location[1], **columns}
    order = sql("UPDATE orders SET " + ", ".join(f"{name} = %s" for name in row) + " WHERE id = %s RETURNING *",
                *row.values(), reply.data["orderId"])[0]
    if dispatch:
        sql("INSERT INTO dispatches (order_id) VALUES (%s) ON CONFLICT DO NOTHING", order["id"])
    return order
