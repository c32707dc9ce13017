# SPDX-License-Identifier: MIT
"""Orders that look for a rider, in places of a test's own."""

import itertools
import threading

from .accounts import open_shop

_spots = itertools.count()
_lock = threading.Lock()
# Degrees for so many kilometres to the north.
KM = 1 / 111.195


def new_spot():
    """A place that no other test uses, 50 km or more from every other: (lat, lng)."""
    with _lock:
        number = next(_spots)
    return 6.0 + number // 12 * 0.5, 9.0 + number % 12 * 0.5


def order_seeking(server, sql, customer, spot, dispatch=True, **columns):
    """An order of a new shop at this place, accepted and without a rider; its row."""
    shop = open_shop(server, sql, items=1)
    reply = customer().api.post("orders", json={
        "vendorId": shop.id, "items": [{"itemId": shop.items[0], "quantity": 1}],
        "paymentMethod": "CASH"})
    assert reply.status == 201, reply
    row = {"status": "ACCEPTED", "accepted_at": "now", "pickup_lat": spot[0], "pickup_lng": spot[1], **columns}
    order = sql("UPDATE orders SET " + ", ".join(f"{name} = %s" for name in row) + " WHERE id = %s RETURNING *",
                *row.values(), reply.data["orderId"])[0]
    if dispatch:
        sql("INSERT INTO dispatches (order_id) VALUES (%s) ON CONFLICT DO NOTHING", order["id"])
    return order
