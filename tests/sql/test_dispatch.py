# SPDX-License-Identifier: MIT
"""Statements of dispatch and of riders' times: what two instances at once may not do, and what remains when one dies."""

import pytest

from sql.shop import Shop, next_number, place


@pytest.fixture
def seeking(db):
    """seeking(): the id of an accepted order that needs a rider now."""
    db.sql("DELETE FROM dispatches")

    def make(**columns):
        shop = Shop(db)
        order = place(db, shop, [(shop.item(), 1, 2500)])[1]["orderId"]
        row = {"status": "ACCEPTED", **columns}
        db.sql("UPDATE orders SET " + ", ".join(f"{name} = %s" for name in row) + " WHERE id = %s",
               [*row.values(), order])
        db.sql("INSERT INTO dispatches (order_id) VALUES (%s)", [order])
        return order
    return make


def hire(db, **columns):
    n = next_number()
    row = {"id": f"rider_{n}", "phone": f"+2374{n:08d}", "first_name": "Jo", "password_hash": "x",
           "vehicle_type": "CAR", "phone_verified": True, "approval_status": "APPROVED", "status": "ACTIVE",
           "is_online": True, **columns}
    db.sql(f"INSERT INTO riders ({', '.join(row)}) VALUES ({', '.join(['%s'] * len(row))})", list(row.values()))
    return row["id"]


def offer(db, order, rider, new_round=False):
    n = next_number()
    return db.run("dispatch_offers_store", order_ids=f"{{{order}}}", rider_ids=f"{{{rider}}}", offer_ids=f"{{off_{n}}}",
                  scores="{50}", kms="{1.5}", candidates='{"[]"}', new_rounds="{t}" if new_round else "{f}",
                  offer_s=60, retry_s=5)


def claim(db, limit=10):
    return db.run("dispatch_claim", limit=limit, retry_s=5)


def test_an_order_claimed_by_one_instance_is_not_claimed_by_another(seeking, db, connect):
    orders = {seeking() for _ in range(3)}
    claimed = {row[0] for row in claim(db, 2)}
    rest = {row[0] for row in claim(connect())}
    assert len(claimed) == 2 and claimed | rest == orders and not claimed & rest
    assert claim(db) == []
    waits = db.value("SELECT max(next_at) - now() FROM dispatches").total_seconds()
    assert 0 < waits <= 5  # in case the instance dies


def test_orders_locked_by_another_instance_are_skipped(seeking, db, connect):
    held, free = seeking(), seeking()
    other = connect()
    other.sql("BEGIN")
    other.sql("SELECT FROM dispatches WHERE order_id = %s FOR UPDATE", [held])
    assert [row[0] for row in claim(db)] == [free]
    other.sql("ROLLBACK")


def test_an_order_has_at_most_one_open_offer(seeking, db):
    order = seeking()
    first, second = hire(db), hire(db)
    assert offer(db, order, first) == [(order, first)]
    assert offer(db, order, second) == []
    assert db.value("SELECT count(*) FROM offers WHERE order_id = %s", [order]) == 1
    assert db.value("SELECT count(*) FROM event_log WHERE aggregate = %s AND type = 'delivery_request'", [order]) == 1
    assert db.value("SELECT count(*) FROM dispatch_decisions WHERE order_id = %s", [order]) == 1
    db.sql("UPDATE dispatches SET next_at = now()")
    assert claim(db) == []  # while it is open


def test_an_order_that_has_a_rider_meanwhile_is_not_offered(seeking, db):
    order = seeking()
    claim(db)
    db.sql("UPDATE orders SET status = 'RIDER_ASSIGNED', rider_id = 'r' WHERE id = %s", [order])
    assert offer(db, order, hire(db)) == []
    assert db.value("SELECT count(*) FROM event_log WHERE aggregate = %s AND type = 'delivery_request'", [order]) == 0


@pytest.mark.parametrize("columns, seeks", [
    ({"status": "PREPARING"}, True), ({"status": "READY_FOR_PICKUP"}, True), ({"status": "PENDING"}, False),
    ({"order_type": "PACKAGE", "status": "PENDING", "payment_status": "PAID"}, True),
    ({"order_type": "PACKAGE", "status": "PENDING", "payment_status": "PENDING", "payment_method": "MOBILE_MONEY"}, False),
    ({"order_type": "PACKAGE", "status": "PENDING", "payment_status": "PENDING", "payment_method": "CASH"}, True),
    ({"status": "CANCELLED", "active": False}, False)])
def test_which_orders_need_a_rider(seeking, db, columns, seeks):
    order = seeking(**columns)
    assert [row[0] for row in claim(db)] == ([order] if seeks else [])
    assert db.value("SELECT count(*) FROM dispatches") == int(seeks)


def test_the_last_answer_of_a_rider_counts(seeking, db):
    order, rider = seeking(), hire(db)

    def facts():
        return db.run("dispatch_candidates", order_ids=f"{{{order}}}", rider_ids=f"{{{rider}}}", kms="{1}", any_phone="f")

    assert facts()[0][7] is False
    offer(db, order, rider)
    assert facts()[0][7] is True
    db.sql("UPDATE offers SET outcome = 'REJECTED' WHERE order_id = %s", [order])
    assert facts() == []
    offer(db, order, rider, new_round=True)  # offered again, and it expired
    db.sql("UPDATE offers SET outcome = 'EXPIRED' WHERE order_id = %s AND outcome = 'OPEN'", [order])
    assert facts()[0][7] is True


def test_positions_are_stored_only_when_newer(db):
    old, new = hire(db, located_at="2026-01-01"), hire(db, located_at="2030-01-01", lat=1, lng=1)
    db.run("rider_positions_store", rider_ids=f"{{{old},{new},nobody}}", lats="{4,4,4}", lngs="{9,9,9}",
           times_ms="{1800000000000,1800000000000,1}")
    assert db.sql("SELECT lat, lng FROM riders WHERE id = ANY(%s) ORDER BY id", [[old, new]]) == [(4, 9), (1, 1)]


def test_online_spans_follow_every_change_of_a_riders_status(db):
    rider = hire(db)
    spans = "SELECT ended_at IS NULL FROM online_spans WHERE rider_id = %s ORDER BY began_at"
    assert db.sql(spans, [rider]) == [(True,)]
    db.sql("UPDATE riders SET is_online = true WHERE id = %s", [rider])
    assert db.sql(spans, [rider]) == [(True,)]
    db.sql("UPDATE riders SET is_online = false WHERE id = %s", [rider])
    assert db.sql(spans, [rider]) == [(False,)]
    db.run("rider_set_online", rider_id=rider, online="t", phone_optional="f")
    assert db.sql(spans, [rider]) == [(False,), (True,)]


def test_a_lease_belongs_to_one_instance_until_it_expires(db):
    assert db.run("lease_take", lease="dispatch", holder="a", seconds=3) == [(True,)]
    assert db.run("lease_take", lease="dispatch", holder="b", seconds=3) == []
    assert db.run("lease_take", lease="dispatch", holder="a", seconds=3) == [(True,)]
    db.sql("UPDATE leases SET until = now() WHERE name = 'dispatch'")
    assert db.run("lease_take", lease="dispatch", holder="b", seconds=3) == [(True,)]
    assert db.run("lease_take", lease="dispatch", holder="a", seconds=3) == []
