# SPDX-License-Identifier: MIT
"""Orders that race: one key sent a hundred times, one wallet drained from fifty sides, prices that
move while orders are priced, and the same basket twice."""

import collections
import concurrent.futures
import threading
import uuid

import psycopg2
import pytest

from world.accounts import register

BASKET = {"vendorId": "vendor_123", "items": [{"itemId": "item_1", "quantity": 1}]}


def together(count, act):
    """act(n) from so many threads at once."""
    gate = threading.Barrier(count)

    def one(number):
        gate.wait()
        return act(number)
    with concurrent.futures.ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))


def rich(sql, customer, amount=1_000_000):
    sql("UPDATE wallets SET available = %s WHERE owner_id = %s", amount, customer.id)
    return customer


def rows(url, statement, *arguments):
    connection = psycopg2.connect(url)
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement, arguments or None)
            return cursor.fetchall() if cursor.description else None
    finally:
        connection.close()


def test_one_key_sent_100_times_in_parallel_is_one_order_and_100_equal_replies(sql, customer):
    buyer = rich(sql, customer())
    key = {"Idempotency-Key": str(uuid.uuid4())}
    replies = together(100, lambda _: buyer.api.post("orders", json=BASKET, headers=key))
    assert {reply.status for reply in replies} == {201}
    assert len({reply.body for reply in replies}) == 1
    replayed = [reply for reply in replies if reply.headers.get("Idempotency-Replayed") == "true"]
    assert len(replayed) == 99
    assert sql("SELECT count(*) AS n FROM orders WHERE user_id = %s", buyer.id)[0]["n"] == 1
    assert sql("SELECT count(*) AS n FROM ledger WHERE from_owner = %s", buyer.id)[0]["n"] == 1
    total = replies[0].data["total"]
    assert sql("SELECT available FROM wallets WHERE owner_id = %s", buyer.id)[0]["available"] == 1_000_000 - total


def test_a_key_with_another_body_is_a_mismatch(sql, customer):
    buyer = rich(sql, customer())
    key = {"Idempotency-Key": str(uuid.uuid4())}
    assert buyer.api.post("orders", json=BASKET, headers=key).status == 201
    reply = buyer.api.post("orders", json={**BASKET, "notes": "spicy"}, headers=key)
    assert (reply.status, reply.code) == (422, "IDEMPOTENCY_MISMATCH")
    assert sql("SELECT count(*) AS n FROM orders WHERE user_id = %s", buyer.id)[0]["n"] == 1


def test_a_key_is_replayed_even_when_the_order_could_no_longer_be_placed(sql, customer):
    buyer = rich(sql, customer(), 10_000)
    key = {"Idempotency-Key": str(uuid.uuid4())}
    first = buyer.api.post("orders", json=BASKET, headers=key)
    assert first.status == 201
    sql("UPDATE wallets SET available = 0 WHERE owner_id = %s", buyer.id)
    assert buyer.api.post("orders", json=BASKET, headers=key).body == first.body


def test_a_key_belongs_to_its_account(sql, customer):
    key = {"Idempotency-Key": "the-same-for-both"}
    a, b = rich(sql, customer()), rich(sql, customer())
    first, second = (who.api.post("orders", json=BASKET, headers=key) for who in (a, b))
    assert first.status == second.status == 201
    assert first.data["orderId"] != second.data["orderId"]


def test_a_failed_request_leaves_its_key_free(sql, customer):
    buyer = rich(sql, customer(), 0)
    key = {"Idempotency-Key": str(uuid.uuid4())}
    assert buyer.api.post("orders", json=BASKET, headers=key).code == "WALLET_4000"
    rich(sql, buyer)
    assert buyer.api.post("orders", json=BASKET, headers=key).status == 201


def test_fifty_parallel_orders_never_drain_a_wallet_below_zero(sql, customer):
    buyer = rich(sql, customer())
    price = buyer.api.post("orders", json=BASKET).data["total"]
    rich(sql, buyer, 20 * price + price // 2)
    replies = together(50, lambda n: buyer.api.post("orders", json={**BASKET, "notes": f"order {n}"}))
    counts = collections.Counter(reply.status for reply in replies)
    assert counts == {201: 20, 400: 30}, counts
    assert {reply.code for reply in replies if reply.status == 400} == {"WALLET_4000"}
    assert sql("SELECT available FROM wallets WHERE owner_id = %s", buyer.id)[0]["available"] == price // 2
    paid = sql("SELECT count(*) AS n, sum(amount) AS paid, min(from_balance) AS lowest FROM ledger"
               " WHERE from_owner = %s", buyer.id)[0]
    assert paid["n"] == 21 and paid["paid"] == 21 * price and paid["lowest"] == price // 2


def test_cancelling_twice_at_once_refunds_once(sql, customer):
    buyer = rich(sql, customer())
    order = buyer.api.post("orders", json=BASKET).data
    replies = together(20, lambda _: buyer.api.put(f"orders/{order['orderId']}/cancel",
                                                   json={"reason": "no longer needed"}))
    counts = collections.Counter(reply.status for reply in replies)
    assert counts == {200: 20}  # a repeated act gets the same reply
    events = sql("SELECT type FROM event_log WHERE aggregate = %s", order["orderId"])
    assert [event["type"] for event in events].count("order_cancelled") == 1
    assert sql("SELECT available FROM wallets WHERE owner_id = %s", buyer.id)[0]["available"] == 1_000_000
    assert sql("SELECT count(*) AS n FROM ledger WHERE to_owner = %s AND category = 'REFUND'", buyer.id)[0]["n"] == 1


def test_no_order_is_charged_a_price_that_was_replaced_before_it_was_written(start_server, redis_url):
    """A writer moves the price up by one every time; orders are priced meanwhile. The sequence of
    commits is known from the database: an order's row version (xmin) against those of the price log."""
    server = start_server(redis_url=redis_url(3))
    url = server.configuration["database_url"]
    rows(url, "CREATE TABLE price_log (price bigint, at timestamptz DEFAULT clock_timestamp())")
    rows(url, "CREATE FUNCTION log_price() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
              " INSERT INTO price_log (price) VALUES (NEW.price); RETURN NEW; END $$")
    rows(url, "CREATE TRIGGER log_price BEFORE UPDATE OF price ON items FOR EACH ROW EXECUTE FUNCTION log_price()")
    rows(url, "UPDATE items SET price = 3000 WHERE id = 'item_1'")
    buyers = [register(server) for _ in range(6)]
    for buyer in buyers:
        rows(url, "UPDATE wallets SET available = 10000000 WHERE owner_id = %s", buyer.id)
    stop, replies, acknowledged = threading.Event(), [], [3000]

    def write():
        connection = psycopg2.connect(url)
        connection.autocommit = True
        with connection.cursor() as cursor:
            while not stop.is_set():
                cursor.execute("UPDATE items SET price = price + 1 WHERE id = 'item_1' RETURNING price")
                acknowledged.append(cursor.fetchone()[0])
                stop.wait(0.005)
        connection.close()

    def order(buyer):
        for _ in range(60):
            least = acknowledged[-1]  # committed before this order is sent
            replies.append((least, buyer.api.post("orders", json=BASKET)))
    writer = threading.Thread(target=write)
    writer.start()
    with concurrent.futures.ThreadPoolExecutor(len(buyers)) as pool:
        list(pool.map(order, buyers))
    stop.set()
    writer.join()
    placed = [(least, reply.data) for least, reply in replies if reply.status == 201]
    assert {reply.status for _, reply in replies} <= {201, 409}
    assert all(reply.code == "PRICE_CHANGED" for _, reply in replies if reply.status == 409)
    assert len(placed) > 50
    for least, data in placed:
        assert least <= data["items"][0]["price"] == data["subtotal"]
        assert data["total"] == data["subtotal"] + data["deliveryFee"] + data["serviceFee"]
    # Every wallet was reduced exactly by the price of its orders.
    for total, gone in rows(url, "SELECT sum(o.total), 10000000 - w.available FROM orders o"
                                 " JOIN wallets w ON w.owner_id = o.user_id"
                                 " WHERE o.user_id = ANY (%s) GROUP BY w.owner_id, w.available",
                            [buyer.id for buyer in buyers]):
        assert total == gone
    assert rows(url, "SELECT count(*) FROM orders o JOIN ledger l ON l.order_id = o.id"
                     " WHERE l.amount <> o.total")[0][0] == 0


@pytest.fixture(scope="module")
def strict(start_server):
    """The production rule: the same basket within 60 s is a double tap."""
    return start_server(duplicate_window="60s")


def strict_buyer(strict):
    buyer = register(strict)
    rows(strict.configuration["database_url"], "UPDATE wallets SET available = 1000000 WHERE owner_id = %s",
         buyer.id)
    return buyer


def test_the_same_basket_at_once_is_one_order_and_names_it(strict):
    buyer = strict_buyer(strict)
    replies = together(20, lambda _: buyer.api.post("orders", json=BASKET))
    placed = [reply for reply in replies if reply.status == 201]
    assert len(placed) == 1
    for reply in replies:
        if reply is not placed[0]:
            assert (reply.status, reply.code) == (409, "DUPLICATE_ORDER")
            assert reply.error["details"] == {"orderId": placed[0].data["orderId"],
                                              "orderNumber": placed[0].data["orderNumber"]}


def test_the_order_of_lines_does_not_make_another_basket(strict):
    buyer = strict_buyer(strict)
    one, two = {"itemId": "item_1", "quantity": 2}, {"itemId": "item_2", "quantity": 1}
    half = {"itemId": "item_1", "quantity": 1}
    assert buyer.api.post("orders", json={**BASKET, "items": [one, two]}).status == 201
    assert buyer.api.post("orders", json={**BASKET, "items": [two, one]}).code == "DUPLICATE_ORDER"
    assert buyer.api.post("orders", json={**BASKET, "items": [half, two, half]}).code == "DUPLICATE_ORDER"
    assert buyer.api.post("orders", json={**BASKET, "items": [one]}).status == 201
    assert buyer.api.post("orders", json={**BASKET, "items": [one, two], "paymentMethod": "CASH"}).status == 201


def test_a_key_allows_the_same_basket_again(strict):
    buyer = strict_buyer(strict)
    assert buyer.api.post("orders", json=BASKET).status == 201
    assert buyer.api.post("orders", json=BASKET).status == 409
    assert buyer.api.post("orders", json=BASKET, headers={"Idempotency-Key": "again-please"}).status == 201


def test_a_cancelled_basket_may_be_ordered_again(strict):
    buyer = strict_buyer(strict)
    order = buyer.api.post("orders", json=BASKET).data
    assert buyer.api.post(f"orders/{order['orderId']}/cancel", json={"reason": "wrong item"}).status == 200
    assert buyer.api.post("orders", json=BASKET).status == 201
