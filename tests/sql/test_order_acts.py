# SPDX-License-Identifier: MIT
"""The transition statements, called directly with what the server itself never sends."""

import json

import psycopg2
import pytest

from sql.shop import Shop, next_number, place
from sql.statements import PARAMETERS, STATEMENTS
from world.waiting import beside, until


def rider(db):
    n = next_number()
    db.sql("INSERT INTO riders (id, phone, first_name, password_hash, vehicle_type, phone_verified, approval_status, status,"
           " is_online) VALUES (%s, %s, 'Emma', 'x', 'CAR', true, 'APPROVED', 'ACTIVE', true)",
           [f"rider_{n}", f"+2374{n:08d}"])
    return f"rider_{n}"


def seen_by(db, order, actor):
    """The Order object that an actor sees, as text."""
    return db.value("SELECT order_json_to(o, %s) FROM orders o WHERE id = %s", [actor, order["orderId"]])


def move(db, order, seen, act, to, by="RIDER", seen_rider=None, parts=(0, 0, 0, 0), account="x", key=None, taker=None,
         note=None):
    n = next_number()
    entries = "{" + ",".join(f"txn_move_{n}_{i}" for i in range(4)) + "}"
    vendor, rider_part, platform, subsidy = parts
    outcome = db.run(
        "order_move", order_id=order["orderId"], status_read=seen, rider_read=seen_rider, act=act, status=to, by=by,
        rider_id=taker, note=note, needs_code="f", entries=entries, offer=f"off_{n}", vendor_share=vendor,
        rider_share=rider_part, platform_share=platform, subsidy=subsidy, actor_id=account, key=key,
        fingerprint="print" if key else None)[0][0]
    return outcome, seen_by(db, order, by) if outcome == "DONE" else None


def advance(db, order, act, to, meals, by="RIDER", rider_read=None, any_rider=False, vendor=None, taker=None, parcels=(), kept=()):
    """An act that is decided for all states in advance."""
    lists = ["{" + ",".join(states) + "}" for states in (meals, parcels, kept)]
    outcome = db.run(
        "order_advance", order_id=order["orderId"], act=act, status=to, by=by, meal_states=lists[0], parcel_states=lists[1],
        kept_states=lists[2], vendor_id=vendor, any_rider="t" if any_rider else "f", rider_read=rider_read, rider_id=taker,
        offer=f"off_{next_number()}", actor_id="x")[0][0]
    return outcome, seen_by(db, order, by) if outcome == "DONE" else None


def state(db, order):
    return db.sql("SELECT status, rider_id FROM orders WHERE id = %s", [order["orderId"]])[0]


@pytest.fixture
def on_the_way(db):
    """An order of 5,000 and 1,800 that a rider carries."""
    shop = Shop(db)
    _, order, _ = place(db, shop, [(shop.item(), 2, 2500)])
    carrier = rider(db)
    db.sql("UPDATE orders SET status = 'IN_TRANSIT', rider_id = %s WHERE id = %s", [carrier, order["orderId"]])
    return order, carrier


@pytest.mark.parametrize("parts", [(4250, 1800, 749, 0), (4250, 1800, 751, 0), (6801, -1, 0, 0), (4250, 1800, 750, -1)])
def test_parts_that_do_not_sum_to_the_total_settle_nothing(db, on_the_way, parts):
    order, carrier = on_the_way
    with pytest.raises(psycopg2.Error) as caught:
        move(db, order, "IN_TRANSIT", "COMPLETE", "DELIVERED", seen_rider=carrier, parts=parts)
    assert (caught.value.diag.message_primary, caught.value.diag.message_detail) == ("INTERNAL", "split")
    assert state(db, order) == ("IN_TRANSIT", carrier)
    assert db.value("SELECT count(*) FROM ledger WHERE order_id = %s AND from_kind = 'ESCROW'", [order["orderId"]]) == 0
    assert db.sql("SELECT FROM wallets WHERE owner_id = %s", [carrier]) == []


def test_an_order_that_changed_since_it_was_read_does_not_move(db, on_the_way):
    order, carrier = on_the_way
    before = db.value("SELECT count(*) FROM event_log WHERE aggregate = %s", [order["orderId"]])
    for seen, seen_rider in (("RIDER_AT_DELIVERY", carrier), ("IN_TRANSIT", "rider_other"), ("IN_TRANSIT", None)):
        assert move(db, order, seen, "COMPLETE", "DELIVERED", seen_rider=seen_rider, parts=(4250, 1800, 750, 0)) == (
            "MOVED", None)
    assert state(db, order) == ("IN_TRANSIT", carrier)
    assert db.value("SELECT count(*) FROM event_log WHERE aggregate = %s", [order["orderId"]]) == before


def test_a_key_that_was_used_in_the_meantime_rolls_everything_back(db, on_the_way):
    order, carrier = on_the_way
    db.sql("INSERT INTO idempotency (account_id, key, fingerprint, status, body) VALUES (%s, 'k', 'other', 200, '{}')",
           [carrier])
    with pytest.raises(psycopg2.Error) as caught:
        move(db, order, "IN_TRANSIT", "COMPLETE", "DELIVERED", seen_rider=carrier, parts=(4250, 1800, 750, 0),
             account=carrier, key="k")
    assert caught.value.diag.message_primary == "IDEMPOTENCY_RUNNING"
    assert state(db, order) == ("IN_TRANSIT", carrier)


def test_an_admin_assigns_an_order_to_a_rider_who_may_work(db):
    shop = Shop(db)
    _, order, _ = place(db, shop, [(shop.item(), 2, 2500)])
    db.sql("UPDATE orders SET status = 'ACCEPTED' WHERE id = %s", [order["orderId"]])
    assert move(db, order, "ACCEPTED", "ASSIGN", "RIDER_ASSIGNED", "ADMIN", taker="rider_none")[0] == "RIDER_NOT_FOUND"
    chosen = rider(db)
    db.sql("UPDATE riders SET approval_status = 'SUSPENDED' WHERE id = %s", [chosen])
    assert move(db, order, "ACCEPTED", "ASSIGN", "RIDER_ASSIGNED", "ADMIN", taker=chosen)[0] == "RIDER_NOT_READY"
    db.sql("UPDATE riders SET approval_status = 'APPROVED', is_online = false WHERE id = %s", [chosen])
    outcome, shown = move(db, order, "ACCEPTED", "ASSIGN", "RIDER_ASSIGNED", "ADMIN", taker=chosen)
    assert outcome == "DONE" and json.loads(shown)["timeline"][-1]["by"] == "ADMIN"
    assert state(db, order) == ("RIDER_ASSIGNED", chosen)


def test_cancelling_an_order_frees_its_rider_and_returns_everything(db):
    shop = Shop(db, wallet=10000)
    item = shop.item(stock=5)
    _, order, _ = place(db, shop, [(item, 2, 2500)])
    carrier = rider(db)
    db.sql("UPDATE orders SET status = 'ACCEPTED' WHERE id = %s", [order["orderId"]])
    assert move(db, order, "ACCEPTED", "ASSIGN", "RIDER_ASSIGNED", taker=carrier)[0] == "DONE"
    db.sql("INSERT INTO dispatches (order_id) VALUES (%s)", [order["orderId"]])
    outcome, shown = move(db, order, "RIDER_ASSIGNED", "CANCEL", "CANCELLED", "ADMIN", seen_rider=carrier,
                          note="The shop burns")
    shown = json.loads(shown)
    assert (outcome, shown["cancelledBy"], shown["cancelReason"], shown["paymentStatus"]) == (
        "DONE", "ADMIN", "The shop burns", "REFUNDED")
    assert db.sql("SELECT active_orders, total_deliveries, cancelled_deliveries FROM riders WHERE id = %s", [carrier]) == [
        (0, 1, 1)]
    assert shop.balance() == 10000
    assert db.value("SELECT stock FROM items WHERE id = %s", [item]) == 5
    assert db.sql("SELECT FROM dispatches WHERE order_id = %s", [order["orderId"]]) == []
    rooms, payload = db.sql("SELECT rooms, payload FROM event_log WHERE aggregate = %s AND type = 'order_cancelled'",
                            [order["orderId"]])[0]
    assert f"rider:{carrier}" in rooms and payload["refundAmount"] == order["total"]
    assert set(payload) == {"orderId", "reason", "refundAmount", "timestamp"}


def test_a_transition_updates_no_index(db, on_the_way):
    order, carrier = on_the_way
    db.sql("BEGIN")
    assert move(db, order, "IN_TRANSIT", "ARRIVE_DELIVERY", "RIDER_AT_DELIVERY", seen_rider=carrier)[0] == "DONE"
    hot = db.value("SELECT pg_stat_get_xact_tuples_hot_updated('orders'::regclass)")
    db.sql("ROLLBACK")
    assert hot == 1


def test_orders_that_need_attention_are_found_by_their_index(db):
    _, order, _ = place(db, Shop(db), [])
    db.sql("BEGIN")
    db.sql("INSERT INTO orders SELECT (json_populate_record(o, json_build_object('id', 'ord_many_' || n, 'order_number',"
           " 'M-' || n))).* FROM orders o, generate_series(1, 3000) n WHERE o.id = %s", [order["orderId"]])
    db.sql("ANALYZE orders")
    db.sql("PREPARE listed AS " + STATEMENTS["admin_order_list"])
    values = {"attention": "'t'", "limit": "20", "offset": "0"}
    marks = ", ".join(values.get(name, "NULL") for name in PARAMETERS["admin_order_list"])
    plan = "\n".join(row[0] for row in db.sql(f"EXPLAIN EXECUTE listed({marks})"))
    db.sql("ROLLBACK; DEALLOCATE listed")
    assert plan.count("orders_attention") == 2, plan


def test_an_act_decided_in_advance_fits_only_the_states_and_the_actors_it_names(db):
    shop = Shop(db)
    _, order, _ = place(db, shop, [(shop.item(), 2, 2500)])
    vendor = {"by": "VENDOR", "any_rider": True}
    assert advance(db, order, "ACCEPT", "ACCEPTED", ["ACCEPTED"], vendor=shop.vendor, **vendor) == ("MOVED", None)
    assert advance(db, order, "ACCEPT", "ACCEPTED", ["PENDING"], vendor="vendor_other", **vendor) == ("MOVED", None)
    assert advance(db, order, "ACCEPT", "ACCEPTED", [], parcels=["PENDING"], vendor=shop.vendor, **vendor) == ("MOVED", None)
    assert advance(db, order, "ACCEPT", "ACCEPTED", ["PENDING"], vendor=shop.vendor, **vendor)[0] == "DONE"
    carrier = rider(db)
    assert advance(db, order, "ASSIGN", "RIDER_ASSIGNED", ["ACCEPTED"], rider_read="rider_other", taker=carrier)[0] == "MOVED"
    assert advance(db, order, "ASSIGN", "RIDER_ASSIGNED", ["ACCEPTED"], taker=carrier)[0] == "DONE"
    assert advance(db, order, "ASSIGN", "RIDER_ASSIGNED", ["ACCEPTED"], taker=rider(db))[0] == "MOVED"
    ready = {"meals": ["ACCEPTED", "RIDER_ASSIGNED"], "kept": ["RIDER_ASSIGNED"], "vendor": shop.vendor}
    assert advance(db, order, "READY", "READY_FOR_PICKUP", **ready, **vendor)[0] == "DONE"
    assert advance(db, order, "READY", "READY_FOR_PICKUP", **ready, **vendor)[0] == "MOVED"
    assert state(db, order) == ("RIDER_ASSIGNED", carrier)


def test_an_unpaid_order_does_not_fit_its_vendor_or_a_rider(db):
    shop = Shop(db)
    _, order, _ = place(db, shop, [(shop.item(), 2, 2500)])
    db.sql("UPDATE orders SET payment_status = 'PENDING' WHERE id = %s", [order["orderId"]])
    assert advance(db, order, "ACCEPT", "ACCEPTED", ["PENDING"], by="VENDOR", any_rider=True, vendor=shop.vendor)[0] == "MOVED"
    assert advance(db, order, "ASSIGN", "RIDER_ASSIGNED", ["PENDING"], taker=rider(db))[0] == "MOVED"


def test_a_rider_who_goes_offline_while_taking_an_order_does_not_get_it(connect):
    """The rider is read without a lock, so the row of the rider decides."""
    first, second = connect(), connect()
    shop = Shop(first)
    _, order, _ = place(first, shop, [(shop.item(), 2, 2500)])
    carrier = rider(first)
    assert advance(first, order, "ACCEPT", "ACCEPTED", ["PENDING"], by="VENDOR", any_rider=True, vendor=shop.vendor)[0] == "DONE"
    first.sql("BEGIN")
    first.sql("UPDATE riders SET is_online = false WHERE id = %s", [carrier])

    def take():
        with pytest.raises(psycopg2.Error) as caught:
            advance(second, order, "ASSIGN", "RIDER_ASSIGNED", ["ACCEPTED"], taker=carrier)
        return caught.value.diag.message_primary

    taking = beside(take)
    until(lambda: first.value("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND pid = %s",
                              [second.connection.info.backend_pid]))
    first.sql("COMMIT")
    assert taking.result() == "CONFLICT"
    assert state(first, order) == ("ACCEPTED", None)
    assert advance(second, order, "ASSIGN", "RIDER_ASSIGNED", ["ACCEPTED"], taker=carrier)[0] == "RIDER_OFFLINE"


def test_an_act_after_one_reported_ahead_is_not_before_it(db):
    shop = Shop(db)
    _, order, _ = place(db, shop, [(shop.item(), 2, 2500)])
    db.sql("UPDATE orders SET timeline = timeline_add(timeline, 'PENDING', now() + interval '50 seconds', 'USER') WHERE id = %s",
           [order["orderId"]])
    outcome, shown = advance(db, order, "ACCEPT", "ACCEPTED", ["PENDING"], by="VENDOR", any_rider=True, vendor=shop.vendor)
    times = [entry["timestamp"] for entry in json.loads(shown)["timeline"]]
    assert outcome == "DONE" and times == sorted(times) and times[-1] == times[-2]


@pytest.mark.parametrize("table, change", [
    ("riders", "email = 'A@example.cm'"), ("riders", "vehicle_type = 'HORSE'"), ("riders", "approval_status = 'MAYBE'"),
    ("riders", "status = 'GONE'"), ("riders", "language = 'de'"),
    ("vendors", "email = 'A@example.cm'"), ("vendors", "service_type = 'BAR'"), ("vendors", "min_order_amount = -1"),
    ("vendors", "commission_bps = 10001"), ("vendors", "status = 'GONE'"), ("vendors", "approval_status = 'MAYBE'"),
    ("vendors", "is_online = true, approval_status = 'PENDING'"), ("vendors", "language = 'de'")])
def test_a_row_of_riders_or_vendors_with_a_wrong_word_is_refused(db, table, change):
    row = rider(db) if table == "riders" else Shop(db).vendor
    with pytest.raises(psycopg2.errors.CheckViolation):
        db.sql(f"UPDATE {table} SET {change} WHERE id = %s", [row])


def test_a_total_that_is_not_the_sum_of_the_prices_is_not_placed(db):
    shop = Shop(db)
    with pytest.raises(psycopg2.errors.CheckViolation):
        place(db, shop, [(shop.item(), 2, 2500)], total=6801)


@pytest.mark.parametrize("change", ["total = total + 1", "discount = 1", "active = false", "active = false, total = total + 1"])
def test_an_order_of_another_total_or_activity_is_refused(db, change):
    shop = Shop(db)
    _, order, _ = place(db, shop, [(shop.item(), 2, 2500)])
    with pytest.raises(psycopg2.errors.CheckViolation):
        db.sql(f"UPDATE orders SET {change} WHERE id = %s", [order["orderId"]])


@pytest.mark.parametrize("by, coded", [("USER", True), ("VENDOR", False)])
def test_the_text_of_an_order_is_made_for_a_key_and_for_the_previous_release(db, by, coded):
    shop = Shop(db)
    _, order, _ = place(db, shop, [(shop.item(), 2, 2500)], code="1234")
    n = next_number()
    assert move(db, order, "PENDING", "ACCEPT", "ACCEPTED", by=by, key=f"key_{n}")[0] == "DONE"
    stored = json.loads(db.value("SELECT body FROM idempotency WHERE key = %s", [f"key_{n}"]))["data"]
    assert (stored["status"], "verificationCode" in stored) == ("ACCEPTED", coded)
    outcome, text = db.sql(
        "SELECT outcome, json FROM order_move(%s, 'ACCEPTED', NULL, 'PREPARE', 'PREPARING', %s, NULL, NULL, NULL, NULL, NULL, NULL,"
        " NULL, false, '{}', 'off_none', 0, 0, 0, 0, 'x', NULL, NULL, NULL)", [order["orderId"], by])[0]
    assert outcome == "DONE" and json.loads(text) == json.loads(seen_by(db, order, by))
    assert db.sql("SELECT outcome, json FROM order_move(%s, 'PENDING', NULL, 'ACCEPT', 'ACCEPTED', %s, NULL, NULL, NULL, NULL,"
                  " NULL, NULL, NULL, false, '{}', 'off_none', 0, 0, 0, 0, 'x', NULL, NULL, NULL)",
                  [order["orderId"], by]) == [("MOVED", None)]
