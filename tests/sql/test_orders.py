# SPDX-License-Identifier: MIT
"""Placing, reading and cancelling orders: everything or nothing, also concurrently."""

import json
import re
import threading

import psycopg2
import pytest

from sql.shop import Shop, cancel, order_read, place
from world.waiting import beside, race

#: The id of an order, the first member of a record in text form.
ORDER_ID = re.compile(r"\((ord_\w+),")


def rows(db, table, column, value):
    return db.value(f"SELECT count(*) FROM {table} WHERE {column} = %s", [value])


def at_once(connect, count, work):
    """work(client, n) in `count` threads, each on a connection of its own; its results."""
    def one(n, client):
        try:
            return work(client, n)
        except psycopg2.Error as error:
            return (error.diag.message_primary,)

    clients = [connect() for _ in range(count)]
    results = race([lambda n=n, client=client: one(n, client) for n, client in enumerate(clients)])
    for client in clients:
        client.close()
    return results


def test_an_order_is_placed_paid_and_booked_with_its_event(db):
    shop = Shop(db, wallet=10000)
    item = shop.item()
    outcome, order, _ = place(db, shop, [(item, 2, 2500)])
    assert outcome == "PLACED"
    assert (order["total"], order["pricing"]["total"], order["paymentStatus"]) == (6800, 6800, "PAID")
    assert order["userName"] == 'Awa Ngo "A"' and order["vendorName"] == "Chez Awa"
    assert order["timeline"] == [{"status": "PENDING", "timestamp": order["createdAt"], "by": "USER"}]
    assert shop.balance() == 3200
    assert db.sql("SELECT from_kind, from_owner, from_balance, to_kind, amount, category FROM ledger"
                  " WHERE order_id = %s", [order["orderId"]]) == [
        ("USER", shop.user, 3200, "ESCROW", 6800, "ORDER_PAYMENT")]
    assert rows(db, "event_log", "aggregate", order["orderId"]) == 1


def test_the_reply_equals_a_later_read(db):
    shop = Shop(db)
    _, order, _ = place(db, shop, [(shop.item(), 1, 2500)])
    by_id = db.run("order_get", order_id=order["orderId"])[0]
    by_number = db.run("order_get_numbered", number=order["orderNumber"])[0]
    assert by_id == by_number
    assert order["orderNumber"] in by_id[0]
    assert order_read(db, order["orderId"]) == order
    assert db.run("order_get", order_id="ord_none") == [] == db.run("order_get_numbered", number="F-NONE")


def test_the_order_object_has_every_key_of_the_contract(db):
    shop = Shop(db)
    _, order, _ = place(db, shop, [(shop.item(), 1, 2500)], code="1234")
    expected = """orderId orderNumber orderType status userId userName userPhone vendorId vendorName riderId
        riderName riderPhone items packageDetails subtotal deliveryFee total pricing distance paymentMethod
        paymentStatus paymentReference deliveryAddress deliveryInstructions pickupAddress pickupLocation
        deliveryLocation locations notes preparationTime estimatedDeliveryTime cancelReason cancelledBy
        rejectionReason rating photos timeline createdAt updatedAt acceptedAt preparingAt readyAt
        riderAssignedAt arrivedAtPickupAt pickedUpAt arrivedAtDeliveryAt deliveredAt cancelledAt""".split()
    assert [key for key in expected if key not in order] == []
    assert order["verificationCode"] == "1234"
    assert '"verificationCode"' not in db.value("SELECT order_json(o) FROM orders o WHERE id = %s",
                                                [order["orderId"]])


def test_a_package_needs_no_vendor(db):
    shop = Shop(db)
    outcome, order, _ = place(db, shop, [], fee=4300, kind="PACKAGE")
    assert outcome == "PLACED"
    assert (order["vendorId"], order["subtotal"], order["total"]) == (None, 0, 4300)
    assert order["pickupLocation"] == {"address": "Bali", "coordinates": {"lat": 4.04, "lng": 9.69}}


def test_cash_moves_no_money(db):
    shop = Shop(db, wallet=0)
    outcome, order, _ = place(db, shop, [(shop.item(), 1, 2500)], method="CASH")
    assert (outcome, order["paymentStatus"]) == ("PLACED", "PENDING")
    assert rows(db, "ledger", "order_id", order["orderId"]) == 0


@pytest.mark.parametrize("change, outcome", [
    ("UPDATE users SET status = 'SUSPENDED' WHERE id = %(user)s", "SUSPENDED"),
    ("UPDATE users SET status = 'DELETED' WHERE id = %(user)s", "ACCOUNT_NOT_FOUND"),
    ("UPDATE users SET phone_verified = false WHERE id = %(user)s", "PHONE_UNVERIFIED"),
    ("UPDATE vendors SET is_online = false WHERE id = %(vendor)s", "VENDOR_OFFLINE"),
    ("UPDATE vendors SET is_online = false, approval_status = 'SUSPENDED' WHERE id = %(vendor)s", "VENDOR_NOT_FOUND"),
    ("UPDATE vendors SET service_type = 'MART' WHERE id = %(vendor)s", "VENDOR_NOT_FOUND"),
    ("UPDATE items SET price = 2600 WHERE id = %(item)s", "PRICE_CHANGED"),
    ("UPDATE items SET available = false WHERE id = %(item)s", "ITEM_UNAVAILABLE"),
    ("UPDATE items SET stock = 1 WHERE id = %(item)s", "OUT_OF_STOCK"),
    ("UPDATE items SET deleted_at = now() WHERE id = %(item)s", "ITEM_NOT_FOUND"),
    ("UPDATE wallets SET available = 6799 WHERE owner_id = %(user)s", "WALLET_SHORT"),
])
def test_what_changed_since_the_quote_stops_the_order_and_nothing_is_written(db, change, outcome):
    shop = Shop(db)
    item = shop.item()
    db.sql(change, {"user": shop.user, "vendor": shop.vendor, "item": item})
    before = shop.balance()
    assert place(db, shop, [(item, 2, 2500)], key="k", basket=None)[0] == outcome
    assert shop.balance() == before
    for table, column in ("orders", "user_id"), ("idempotency", "account_id"), ("baskets", "user_id"):
        assert rows(db, table, column, shop.user) == 0
    assert rows(db, "ledger", "from_owner", shop.user) == 0


def test_an_item_of_another_vendor_is_not_on_the_menu(db):
    shop, other = Shop(db), Shop(db)
    item = other.item()
    assert place(db, shop, [(item, 1, 2500)])[::2] == ("ITEM_NOT_FOUND", item)


def test_a_commission_that_changed_since_the_quote_is_a_conflict(db):
    shop = Shop(db)
    item = shop.item()
    db.sql("UPDATE vendors SET commission_bps = 800 WHERE id = %s", [shop.vendor])
    assert place(db, shop, [(item, 1, 2500)])[0] == "CONFLICT"
    _, order, _ = place(db, shop, [(item, 1, 2500)], vendor_commission_bps=800, commission_bps=800, rider_cut_bps=100,
                        commission=200, vendor_share=2300, rider_earnings=1782)
    row = db.sql("SELECT commission_bps, rider_cut_bps, commission, vendor_share, rider_earnings FROM orders WHERE id = %s",
                 [order["orderId"]])[0]
    assert row == (800, 100, 200, 2300, 1782)


def test_a_wallet_never_goes_below_zero_under_50_parallel_orders(connect, db):
    shop = Shop(db, wallet=7 * 4300 + 4299)
    item = shop.item()
    results = at_once(connect, 50, lambda client, n: place(client, shop, [(item, 1, 2500)]))
    outcomes = [result[0] for result in results]
    assert outcomes.count("PLACED") == 7
    assert outcomes.count("WALLET_SHORT") == 43
    assert shop.balance() == 4299
    assert rows(db, "orders", "user_id", shop.user) == rows(db, "ledger", "from_owner", shop.user) == 7


def test_100_parallel_sends_of_one_key_place_one_order(connect, db):
    shop = Shop(db, wallet=4300)
    item = shop.item()
    results = at_once(connect, 50, lambda client, n: place(client, shop, [(item, 1, 2500)], key="one"))
    results += at_once(connect, 50, lambda client, n: place(client, shop, [(item, 1, 2500)], key="one"))
    outcomes = [result[0] for result in results]
    assert (outcomes.count("PLACED"), outcomes.count("REPLAY")) == (1, 99)
    assert rows(db, "orders", "user_id", shop.user) == 1
    assert shop.balance() == 0
    fingerprint, status, body = db.run("idempotency_get", account_id=shop.user, key="one")[0]
    placed = next(result[1] for result in results if result[0] == "PLACED")
    assert (fingerprint, status) == ("f", 201)
    assert json.loads(body) == {"success": True, "data": placed}


def test_one_key_of_two_customers_is_two_orders(db):
    first, second = Shop(db), Shop(db)
    assert place(db, first, [(first.item(), 1, 2500)], key="same")[0] == "PLACED"
    assert place(db, second, [(second.item(), 1, 2500)], key="same")[0] == "PLACED"


def test_a_key_is_replayed_even_when_the_shop_has_closed(db):
    shop = Shop(db)
    item = shop.item()
    assert place(db, shop, [(item, 1, 2500)], key="k")[0] == "PLACED"
    db.sql("UPDATE vendors SET is_online = false WHERE id = %s", [shop.vendor])
    assert place(db, shop, [(item, 1, 2500)], key="k")[0] == "REPLAY"


def test_parallel_taps_on_one_basket_place_one_order(connect, db):
    shop = Shop(db)
    item = shop.item()
    results = at_once(connect, 20, lambda client, n: place(client, shop, [(item, 1, 2500)], basket="b"))
    outcomes = [result[0] for result in results]
    assert (outcomes.count("PLACED"), outcomes.count("DUPLICATE_ORDER")) == (1, 19)
    placed = next(result[1] for result in results if result[0] == "PLACED")
    assert place(db, shop, [(item, 1, 2500)], basket="b")[::2] == ("DUPLICATE_ORDER", placed["orderId"])
    assert db.run("basket_get", user_id=shop.user, basket="b") == [(placed["orderId"], placed["orderNumber"])]


def test_a_basket_may_be_ordered_again_after_its_window_or_its_cancellation(db):
    shop = Shop(db)
    item = shop.item()
    _, first, _ = place(db, shop, [(item, 1, 2500)], basket="b")
    db.sql("UPDATE baskets SET placed_at = now() - interval '61 s' WHERE user_id = %s", [shop.user])
    outcome, second, _ = place(db, shop, [(item, 1, 2500)], basket="b")
    assert outcome == "PLACED" and second["orderId"] != first["orderId"]
    assert cancel(db, second["orderId"], shop.user)[0] == "CANCELLED"
    assert place(db, shop, [(item, 1, 2500)], basket="b")[0] == "PLACED"


def test_limited_stock_is_never_oversold(connect, db):
    shop = Shop(db, wallet=10**7)
    first, second = shop.item(stock=11), shop.item(stock=100)

    def one(client, n):   # lines in both orders: locks must not cross
        lines = [(first, 1, 2500), (second, 2, 2500)]
        return place(client, shop, lines if n % 2 else lines[::-1], method="CASH" if n % 3 else "WALLET")

    outcomes = [result[0] for result in at_once(connect, 30, one)]
    assert (outcomes.count("PLACED"), outcomes.count("OUT_OF_STOCK")) == (11, 19)
    assert db.sql("SELECT stock FROM items WHERE id IN (%s, %s) ORDER BY id", [first, second]) == [(0,), (78,)]
    assert rows(db, "orders", "user_id", shop.user) == 11


def test_two_lines_of_one_item_take_both_quantities(db):
    shop = Shop(db)
    item = shop.item(stock=5)
    assert place(db, shop, [(item, 2, 2500), (item, 3, 2500)])[0] == "PLACED"
    assert db.value("SELECT stock FROM items WHERE id = %s", [item]) == 0
    db.sql("UPDATE items SET stock = 4 WHERE id = %s", [item])
    with pytest.raises(psycopg2.Error) as caught:
        place(db, shop, [(item, 2, 2500), (item, 3, 2500)], key="k")
    assert (caught.value.diag.message_primary, caught.value.diag.message_detail) == ("OUT_OF_STOCK", item)
    assert rows(db, "idempotency", "account_id", shop.user) == 0
    assert rows(db, "orders", "user_id", shop.user) == 1


def test_a_price_changed_between_quote_and_order_is_never_charged_at_the_old_price(connect, db):
    shop = Shop(db, wallet=10**8)
    item = shop.item(price=1000)
    stop = threading.Event()

    def change(client):
        price = 1000
        while not stop.is_set():
            price += 1
            client.sql("UPDATE items SET price = %s WHERE id = %s", [price, item])

    changing = beside(change, connect())
    placed = 0
    for _ in range(300):
        price = db.value("SELECT price FROM items WHERE id = %s", [item])
        low = db.value("SELECT price FROM items WHERE id = %s", [item])
        outcome, order, _ = place(db, shop, [(item, 1, price)])
        if outcome == "PLACED":
            placed += 1
            assert low == price == order["subtotal"]
        else:
            assert outcome == "PRICE_CHANGED"
    stop.set()
    changing.result()
    price = db.value("SELECT price FROM items WHERE id = %s", [item])
    assert place(db, shop, [(item, 1, price)])[0] == "PLACED"
    assert place(db, shop, [(item, 1, price - 1)])[0] == "PRICE_CHANGED"


def test_cancelling_refunds_exactly_the_payment(db):
    shop = Shop(db, wallet=50000)
    item = shop.item(stock=3)
    _, order, _ = place(db, shop, [(item, 2, 2500)])
    outcome, after, refund = cancel(db, order["orderNumber"], shop.user)
    assert (outcome, refund, shop.balance()) == ("CANCELLED", 6800, 50000)
    assert (after["status"], after["paymentStatus"], after["cancelledBy"]) == ("CANCELLED", "REFUNDED", "USER")
    assert [entry["status"] for entry in after["timeline"]] == ["PENDING", "CANCELLED"]
    assert after["timeline"][1]["note"] == after["cancelReason"] == "J'ai changé d'avis"
    assert db.value("SELECT stock FROM items WHERE id = %s", [item]) == 3
    assert db.value("SELECT sum(amount) FROM ledger_entries WHERE kind = 'ESCROW' AND order_id = %s",
                    [order["orderId"]]) == 0
    assert cancel(db, order["orderId"], shop.user)[0] == "CANNOT_CANCEL"
    assert shop.balance() == 50000


def test_parallel_cancels_refund_once(connect, db):
    shop = Shop(db, wallet=50000)
    _, order, _ = place(db, shop, [(shop.item(), 1, 2500)])
    results = at_once(connect, 10, lambda client, n: cancel(client, order["orderId"], shop.user))
    outcomes = [result[0] for result in results]
    assert (outcomes.count("CANCELLED"), outcomes.count("CANNOT_CANCEL")) == (1, 9)
    assert shop.balance() == 50000


def test_concurrent_orders_and_cancellations_of_one_customer_keep_the_books(connect, db):
    shop = Shop(db, wallet=10**6)
    item = shop.item(stock=1000)

    def one(client, n):
        seen = []
        for turn in range(10):
            outcome, order, _ = place(client, shop, [(item, 1, 2500)], basket=f"b{turn % 3}", window=0)
            seen.append(outcome)
            if outcome == "PLACED" and turn % 2:
                seen.append(cancel(client, order["orderId"], shop.user)[0])
        return seen

    for seen in at_once(connect, 6, one):
        assert set(seen) <= {"PLACED", "CANCELLED", "DUPLICATE_ORDER"}, seen
    kept = db.value("SELECT count(*) FROM orders WHERE user_id = %s AND active", [shop.user])
    assert kept > 10
    assert shop.balance() == 10**6 - kept * 4300
    assert db.value("SELECT stock FROM items WHERE id = %s", [item]) == 1000 - kept


def test_each_reason_against_a_cancellation_has_its_own_outcome(db):
    shop, other = Shop(db), Shop(db)
    _, order, _ = place(db, shop, [(shop.item(), 1, 2500)])
    assert cancel(db, "ord_none", shop.user)[0] == "ORDER_NOT_FOUND"
    assert cancel(db, order["orderId"], other.user)[0] == "ORDER_NOT_OWNER"
    assert cancel(db, order["orderId"], shop.user, states=("ACCEPTED",))[0] == "CANNOT_CANCEL"


def test_a_cash_order_is_cancelled_without_a_refund(db):
    shop = Shop(db, wallet=100)
    _, order, _ = place(db, shop, [(shop.item(), 1, 2500)], method="CASH")
    outcome, after, refund = cancel(db, order["orderId"], shop.user)
    assert (outcome, after["paymentStatus"], refund, shop.balance()) == ("CANCELLED", "PENDING", 0, 100)


def test_lists_are_filtered_counted_and_newest_first(db):
    shop = Shop(db, wallet=10**6)
    item = shop.item()
    ids = [place(db, shop, [(item, 1, 2500)])[1]["orderId"] for _ in range(5)]
    cancel(db, ids[1], shop.user)
    cancel(db, ids[3], shop.user)

    def listed(states=None, kind=None, since=None, until=None, limit=20, offset=0):
        total, orders = db.run("order_list", user_id=shop.user, states=states, type=kind, before=until, limit=limit,
                               offset=offset, **{"from": since})[0]
        return total, ORDER_ID.findall(orders)

    assert listed() == (5, ids[::-1])
    assert listed(limit=2, offset=1) == (5, [ids[3], ids[2]])
    assert listed(offset=10) == (5, [])
    assert listed("{PENDING,ACCEPTED}") == (3, [ids[4], ids[2], ids[0]])
    assert listed("{DELIVERED,CANCELLED}") == (2, [ids[3], ids[1]])
    assert listed("{PENDING,CANCELLED}") == (5, ids[::-1])
    assert listed(kind="MART") == (0, [])
    assert listed(since="2000-01-01") == (5, ids[::-1])
    assert listed(until="2000-01-01") == (0, [])
    active = db.run("order_active", user_id=shop.user)[0][0]
    assert ORDER_ID.findall(active) == [ids[4], ids[2], ids[0]]


def test_an_order_is_placed_by_an_instance_that_does_not_know_a_new_column(db):
    shop = Shop(db)
    item = shop.item()
    db.sql("BEGIN")
    db.sql("ALTER TABLE orders ADD COLUMN from_the_future text NOT NULL DEFAULT 'x'")
    db.sql("CREATE OR REPLACE VIEW orders_later AS SELECT 'y'::text AS from_the_future")
    outcome, order, _ = place(db, shop, [(item, 1, 2500)])
    stored = db.value("SELECT from_the_future FROM orders WHERE id = %s", [order["orderId"]])
    db.sql("ROLLBACK")
    assert (outcome, stored) == ("PLACED", "y")
