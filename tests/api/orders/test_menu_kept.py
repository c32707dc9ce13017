# SPDX-License-Identifier: MIT
"""The end of an order removes a menu from the cache only when it returned limited stock."""

import pytest

from world.accounts import appoint, open_shop
from world.audit import top_up
from world.payers import Till
from world.waiting import until

pytestmark = pytest.mark.slow

LONG_AGO = '[{"status":"PENDING","timestamp":"2026-01-01T00:00:00.000Z","by":"USER"}]'


@pytest.fixture(scope="module")
def till(databases, fake, redis_url):
    made = Till(databases.fresh(), fake, redis_url(12))
    yield made
    made.close()


class Shop:
    """A vendor with one item, and an order of it. stock None: unlimited."""

    def __init__(self, till, method, stock):
        self.till = till
        self.vendor = open_shop(till.server, till.sql, items=1, stock=stock)
        self.buyer = till.customer()
        top_up(till.sql, self.buyer.id, 100_000)
        reply = till.order(self.buyer, vendorId=self.vendor.id, paymentMethod=method,
                           items=[{"itemId": self.vendor.items[0], "quantity": 1}])
        assert reply.status == 201, reply
        self.order = reply.data

    def read_menu(self):
        return self.till.server.api().get(f"vendors/{self.vendor.id}/menu").data["items"][0]

    def rename(self):
        """Not by the server: only a menu that is read from the database again shows the new name."""
        self.till.sql("UPDATE items SET name = 'Renamed' WHERE id = %s", self.vendor.items[0])

    def status(self):
        return self.till.order_row(self.order)["status"]


def cancel(till, shop):
    assert shop.buyer.api.put(f"orders/{shop.order['orderId']}/cancel", json={"reason": "Trop tard"}).status == 200


def reject(till, shop):
    assert shop.vendor.api.post(f"orders/{shop.order['orderId']}/reject", json={"reason": "Fermé"}).status == 200


def admin_cancel(till, shop):
    admin = appoint(till.server, till.sql)
    assert admin.api.post(f"orders/{shop.order['orderId']}/cancel", json={"reason": "Litige"}).status == 200


def expire(till, shop):
    till.sql("UPDATE orders SET created_at = now() - interval '31 minutes', timeline = %s WHERE id = %s", LONG_AGO,
             shop.order["orderId"])


def refuse_payment(till, shop):
    till.decide(shop.order["paymentReference"], "FAILED")
    till.due(shop.order["paymentReference"])


def expire_payment(till, shop):
    till.age(shop.order["paymentReference"], 16)


@pytest.mark.parametrize("end, method", [
    (cancel, "WALLET"), (reject, "WALLET"), (admin_cancel, "WALLET"), (expire, "WALLET"),
    (refuse_payment, "MOBILE_MONEY"), (expire_payment, "MOBILE_MONEY")])
def test_a_menu_stays_cached_unless_an_order_returned_limited_stock(till, end, method):
    unlimited, limited = Shop(till, method, None), Shop(till, method, 5)
    assert limited.read_menu()["stock"] == 4
    for shop in (unlimited, limited):
        shop.read_menu()
        shop.rename()
        end(till, shop)
        until(lambda shop=shop: shop.status() == "CANCELLED", what="the end of the order")
    assert until(lambda: limited.read_menu()["name"] == "Renamed" and limited.read_menu()["stock"] == 5, what="the new menu")
    assert unlimited.read_menu()["name"] != "Renamed"
