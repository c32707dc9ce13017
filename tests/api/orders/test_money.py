# SPDX-License-Identifier: MIT
"""The split of a delivered order and the refund of a cancelled one, exact to the franc."""

from random import Random

import pytest

from world.accounts import change_settings, register
from world.audit import top_up
from world.database import Database
from world.waiting import beside, race, until

# kind, method, quantity (of 2,500), parts: vendor, rider, platform, subsidy
CASES = [
    ("FOOD", "WALLET", 2, (4250, 2, 750, 0)),
    ("FOOD", "CASH", 2, (4250, 2, 750, 0)),
    ("FOOD", "WALLET", 4, (8500, 0, 1500, 2)),
    ("FOOD", "CASH", 4, (8500, 0, 1500, 2)),
    ("MART", "WALLET", 3, (6750, 2, 750, 0)),
    ("MART", "CASH", 3, (6750, 2, 750, 0)),
    ("PACKAGE", "WALLET", 0, None),
    ("PACKAGE", "CASH", 0, None),
]


def movements(street, order):
    return {(r["from_kind"], r["from_owner"], r["to_kind"], r["to_owner"], r["category"]): r["amount"]
            for r in street.sql("SELECT * FROM ledger WHERE order_id = %s", order["orderId"])}


def wallet(street, owner):
    rows = street.sql("SELECT available, total_earned FROM wallets WHERE owner_id = %s", owner)
    return (rows[0]["available"], rows[0]["total_earned"]) if rows else (0, 0)


def deliver(street, order):
    street.bring(order, "IN_TRANSIT")
    reply = street.rider.api.post(f"/api/v1/rider/orders/{order['orderId']}/complete", json={})
    assert reply.status == 200, reply
    return reply.data


@pytest.mark.parametrize("kind, method, quantity, parts", CASES)
@pytest.mark.parametrize("wallets", ["kept", "missing"])
def test_a_delivered_order_is_split(street, kind, method, quantity, parts, wallets):
    shop = {"FOOD": street.food, "MART": street.mart}.get(kind)
    if wallets == "missing":
        street.sql("DELETE FROM wallets WHERE owner_id IN (%s, %s)", street.rider.id, shop.id if shop else "")
    order = street.place(kind, method, quantity)
    row = street.row("SELECT * FROM orders WHERE id = %s", order["orderId"])
    fee = row["delivery_fee"]
    waived = row["funded_fee"]
    if parts is None:  # a parcel: 20 % of the fee is the platform's
        vendor, platform, subsidy = 0, (fee * 2000 + 5000) // 10000, 0
        rider = fee - platform
    else:
        vendor, rider, platform, subsidy = parts
        rider, subsidy = rider and fee, subsidy and waived
        assert (subsidy > 0) == (fee == 0)
    before = wallet(street, street.rider.id), wallet(street, shop.id) if shop else None
    done = deliver(street, order)
    source, payer = ("CASH", street.rider.id) if method == "CASH" else ("ESCROW", None)
    expected = {(source, payer, "VENDOR", shop.id if shop else None, "ORDER_PAYMENT"): vendor,
                (source, payer, "RIDER", street.rider.id, "DELIVERY_FEE"): rider,
                (source, payer, "PLATFORM", None, "ORDER_COMMISSION"): platform,
                ("PLATFORM", None, "RIDER", street.rider.id, "DELIVERY_FEE"): subsidy}
    if method == "WALLET":
        expected[("USER", street.buyer.id, "ESCROW", None, "ORDER_PAYMENT")] = order["total"]
    assert movements(street, order) == {key: amount for key, amount in expected.items() if amount}
    assert vendor + rider + platform == order["total"]
    available, earned = wallet(street, street.rider.id)
    assert (available - before[0][0], earned - before[0][1]) == (rider + subsidy,) * 2
    if shop:
        available, earned = wallet(street, shop.id)
        assert (available - before[1][0], earned - before[1][1]) == (vendor,) * 2
    assert done["paymentStatus"] == "PAID"
    assert street.row("SELECT settled_at FROM orders WHERE id = %s", order["orderId"])["settled_at"]
    books = street.row("SELECT sum(amount) FROM ledger_entries WHERE order_id = %s", order["orderId"])
    assert books["sum"] == 0
    last = street.row("SELECT to_balance FROM ledger WHERE order_id = %s AND to_kind = 'RIDER' ORDER BY id DESC LIMIT 1",
                      order["orderId"])
    assert last["to_balance"] == wallet(street, street.rider.id)[0]


@pytest.mark.parametrize("seed", range(8))
def test_the_split_of_the_placing_is_what_is_stored_booked_and_shown(street, seed):
    """Orders with generated rates: later rates do not change the split."""
    random = Random(seed)
    kind = random.choice(["FOOD", "FOOD", "MART", "PACKAGE"])
    bps, cut = random.randrange(10001), random.randrange(101)
    service_fee = random.randrange(11)
    shop = {"FOOD": street.food, "MART": street.mart}.get(kind)
    if shop:
        street.sql("UPDATE vendors SET commission_bps = %s WHERE id = %s", bps, shop.id)
    change_settings(street.server, rider_cut=cut, service_fee=service_fee)
    try:
        order = street.place(kind, quantity=random.randrange(2, 6), method=random.choice(["WALLET", "CASH"]))
    finally:
        change_settings(street.server, rider_cut=0, service_fee=0)
        if shop:
            street.sql("UPDATE vendors SET commission_bps = NULL WHERE id = %s", shop.id)
    row = street.row("SELECT * FROM orders WHERE id = %s", order["orderId"])
    share = lambda amount, rate: (amount * rate + 5000) // 10000
    if shop:
        assert (row["commission_bps"], row["rider_cut_bps"]) == (bps, cut * 100)
        vendor, commission = order["subtotal"] - share(order["subtotal"], bps), share(order["subtotal"], bps)
        rider = order["deliveryFee"] - share(order["deliveryFee"], cut * 100)
        subsidy = row["funded_fee"] - share(row["funded_fee"], cut * 100)
    else:
        vendor, commission, subsidy = 0, share(order["total"], 2000), 0
        rider = order["total"] - commission
    assert (row["vendor_share"], row["commission"], row["rider_earnings"]) == (vendor, commission, rider + subsidy)
    deliver(street, order)
    booked = {}
    for (source, _, to, _, _), amount in movements(street, order).items():
        if to in ("VENDOR", "RIDER", "PLATFORM"):
            booked[to, source == "PLATFORM"] = amount
    assert booked == {key: amount for key, amount in {
        ("VENDOR", False): vendor, ("RIDER", False): rider, ("RIDER", True): subsidy,
        ("PLATFORM", False): order["total"] - vendor - rider}.items() if amount}
    seen = street.admin.api.get(f"/api/v1/admin/orders/{order['orderId']}").data
    assert (seen["rider_earnings"], seen["commission_amount"]) == (rider + subsidy, commission)


def test_what_a_rider_collected_is_what_he_owes(street):
    rider = street.hire()
    total = 0
    for kind in ("FOOD", "PACKAGE"):
        order = street.bring(street.place(kind, "CASH"), "IN_TRANSIT", rider)
        total += order["total"]
        assert rider.api.post(f"/api/v1/rider/orders/{order['orderId']}/complete", json={}).status == 200
    assert street.row("SELECT -sum(amount) AS owed FROM ledger_entries WHERE kind = 'CASH' AND owner_id = %s",
                      rider.id)["owed"] == total


def test_counters_are_updated(street):
    rider = street.hire()
    before = street.row("SELECT total_orders, total_revenue FROM vendors WHERE id = %s", street.food.id)

    def counts():
        return tuple(street.row("SELECT active_orders, total_deliveries, completed_deliveries,"
                                " cancelled_deliveries FROM riders WHERE id = %s", rider.id).values())
    first, second, third = (street.bring(street.place(), "ACCEPTED") for _ in range(3))
    for order in (first, second, third):
        assert rider.api.post(f"/api/v1/rider/orders/{order['orderId']}/accept", json={}).status == 200
    assert counts() == (3, 3, 0, 0)
    assert rider.api.post(f"/api/v1/rider/orders/{second['orderId']}/reject", json={"reason": "Rain"}).status == 200
    assert counts() == (2, 3, 0, 1)
    for act in ("confirm-pickup", "complete"):
        assert rider.api.post(f"/api/v1/rider/deliveries/{first['orderId']}/{act}", json={}).status == 200
    assert counts() == (1, 3, 1, 1)
    after = street.row("SELECT total_orders, total_revenue FROM vendors WHERE id = %s", street.food.id)
    assert (after["total_orders"] - before["total_orders"], after["total_revenue"] - before["total_revenue"]) == (1, 5000)


def test_concurrent_writes_for_the_same_accounts_neither_deadlock_nor_lose_money(street):
    """Deliveries, ratings, cancellations and new orders of one customer, vendor and rider: locks are taken in one order."""
    rider, buyer = street.hire(), street.customer()
    before = wallet(street, buyer.id)[0], wallet(street, street.food.id)[0]
    carried = [street.bring(street.place(buyer=buyer, quantity=3), "IN_TRANSIT", rider) for _ in range(12)]
    done = [street.bring(street.place(buyer=buyer, quantity=3), "DELIVERED", rider) for _ in range(6)]
    called_off = [street.place(buyer=buyer, quantity=3) for _ in range(6)]
    paid = sum(order["total"] for order in carried + done)
    calls = []
    for order in carried:
        calls.append(lambda o=order: rider.api.post(f"/api/v1/rider/orders/{o['orderId']}/complete", json={}))
    for n, order in enumerate(done):
        calls.append(lambda o=order, n=n: buyer.api.post(f"/api/v1/user/orders/{o['orderId']}/rate", json={
            "vendorRating": {"rating": 1 + n % 5}, "riderRating": {"rating": 5}}))
    for order in called_off:
        calls.append(lambda o=order: buyer.api.put(f"/api/v1/user/orders/{o['orderId']}/cancel",
                                                   json={"reason": "Not hungry"}))
    assert [reply for reply in race(calls) if reply.status != 200] == []
    assert wallet(street, buyer.id)[0] == before[0] - paid
    assert wallet(street, street.food.id)[0] == before[1] + sum(
        order["subtotal"] - (order["subtotal"] * 1500 + 5000) // 10000 for order in carried)
    assert wallet(street, rider.id)[0] == sum(order["deliveryFee"] for order in carried)
    row = street.row("SELECT active_orders, completed_deliveries, rating_sum, total_ratings FROM riders WHERE id = %s",
                     rider.id)
    assert tuple(row.values()) == (0, 12, 30, 6)


@pytest.mark.parametrize("act", ["vendor reject", "user cancel"])
def test_payment_and_stock_are_returned(street, act):
    street.sql("UPDATE items SET stock = 10 WHERE id = %s", street.food.items[0])
    try:
        buyer = street.customer()
        before = wallet(street, buyer.id)[0]
        order = street.place(buyer=buyer, quantity=3)
        assert wallet(street, buyer.id)[0] == before - order["total"]
        role, verb = act.split()
        api = street.food.api if role == "vendor" else buyer.api
        reply = api.put(f"/api/v1/{role}/orders/{order['orderId']}/{verb}", json={"reason": "No gas today"})
        assert reply.data["status"] == "CANCELLED" and reply.data["paymentStatus"] == "REFUNDED"
        assert reply.data["cancelledBy"] == role.upper()
        assert reply.data["rejectionReason"] == ("No gas today" if role == "vendor" else None)
        assert wallet(street, buyer.id)[0] == before
        assert street.row("SELECT stock FROM items WHERE id = %s", street.food.items[0])["stock"] == 10
        assert movements(street, order)[("ESCROW", None, "USER", buyer.id, "REFUND")] == order["total"]
        events = {event["type"]: event for event in street.events(order)}
        if role == "vendor":
            assert events["order_rejected"]["payload"]["reason"] == "No gas today"
        else:
            assert events["order_cancelled"]["payload"]["refundAmount"] == order["total"]
        assert events["order_status_update"]["payload"]["status"] == "CANCELLED"
    finally:
        street.sql("UPDATE items SET stock = NULL WHERE id = %s", street.food.items[0])


def test_orders_that_are_not_accepted_expire_and_are_refunded(street):
    from sql.statements import STATEMENTS
    buyer = street.customer()
    before = wallet(street, buyer.id)[0]
    old = [street.place(buyer=buyer, notes=str(n)) for n in range(3)]
    young, accepted = street.place(buyer=buyer), street.bring(street.place(buyer=buyer), "ACCEPTED")
    for order in (*old, accepted):
        street.sql("UPDATE orders SET created_at = now() - interval '31 minutes', timeline = %s WHERE id = %s",
                   '[{"status":"PENDING","timestamp":"2026-01-01T00:00:00.000Z","by":"USER"}]', order["orderId"])
    street.sql(f"PREPARE order_expire AS {STATEMENTS['order_expire']}")
    gone = []
    for turn in range(4):
        entry = f"txn_expire_{young['orderId']}_{turn}"
        gone += [row["order_id"] for row in street.sql("EXECUTE order_expire(30, '{PENDING}', %s)", entry)]
    assert set(gone) <= {order["orderId"] for order in old}    # the timer of the server may have taken some
    until(lambda: all(street.row("SELECT active FROM orders WHERE id = %s", order["orderId"])["active"] is False
                      for order in old))
    for order, status in [(o, "CANCELLED") for o in old] + [(young, "PENDING"), (accepted, "ACCEPTED")]:
        row = street.row("SELECT * FROM orders WHERE id = %s", order["orderId"])
        assert (row["status"], row["cancelled_by"]) == (status, "SYSTEM" if status == "CANCELLED" else None)
    assert wallet(street, buyer.id)[0] == before - young["total"] - accepted["total"]


def test_orders_that_expire_together_end_in_separate_transactions(street):
    """One transaction would lock the wallets and stock of all of them, and could deadlock with a new order."""
    buyer = street.customer()
    ids = [street.place(buyer=buyer, notes=str(n))["orderId"] for n in range(3)]
    street.sql("UPDATE orders SET created_at = now() - interval '31 minutes', timeline = %s WHERE id = ANY (%s)",
               '[{"status":"PENDING","timestamp":"2026-01-01T00:00:00.000Z","by":"USER"}]', ids)
    over = lambda: street.sql("SELECT xmin::text FROM orders WHERE id = ANY (%s) AND status = 'CANCELLED'", ids)
    until(lambda: len(over()) == 3)
    assert len({row["xmin"] for row in over()}) == 3


def gates(sql):
    """An update of a wallet waits for advisory lock 1 before it locks a row, and for advisory lock 2 once it holds the
    row."""
    for number, when in ((1, "FOR EACH STATEMENT"), (2, "FOR EACH ROW")):
        sql(f"CREATE FUNCTION gate_{number}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            f" PERFORM pg_advisory_lock_shared({number}); PERFORM pg_advisory_unlock_shared({number}); RETURN NEW; END $$")
        sql(f"CREATE TRIGGER gate_{number} BEFORE UPDATE ON wallets {when} EXECUTE FUNCTION gate_{number}()")


def test_a_statement_that_ends_in_a_deadlock_is_run_once_more(start_server):
    """A session that has waited for deadlock_timeout looks for a deadlock and is aborted if it finds one. Here that is
    certainly the server: it is held up until the other session waits for it, the other session does not look for an hour,
    and the second run of the statement starts after the other has committed."""
    server = start_server()
    buyer = register(server)
    gate, other, watch = (Database(server.configuration["database_url"]) for _ in range(3))
    other.connection.autocommit = False
    watch("UPDATE items SET stock = 50 WHERE id = 'item_1'")
    top_up(watch, buyer.id, 100000)
    gates(watch)
    gate("SELECT pg_advisory_lock(2)")
    placing = beside(buyer.api.post, "orders", json={
        "vendorId": "vendor_123", "items": [{"itemId": "item_1", "quantity": 1}], "paymentMethod": "WALLET"})
    until(lambda: watch.waits_for(gate), what="the server's hold of the wallet")
    other("SET deadlock_timeout = '1h'")
    other("UPDATE items SET stock = stock WHERE id = 'item_1'")
    meeting = beside(other, "UPDATE wallets SET updated_at = now() WHERE owner_id = %s", buyer.id)
    until(lambda: watch.waits(other), what="the other's wait for the wallet")
    gate("SELECT pg_advisory_lock(1)")
    gate("SELECT pg_advisory_unlock(2)")
    meeting.result()
    other.connection.commit()
    gate("SELECT pg_advisory_unlock(1)")
    assert placing.result().status == 201
    server.wait_log(msg="a statement was rolled back because of a deadlock or conflict; it runs again")
    assert watch("SELECT count(*) AS n FROM orders WHERE user_id = %s", buyer.id)[0]["n"] == 1
    paid = 100000 - watch("SELECT available FROM wallets WHERE owner_id = %s", buyer.id)[0]["available"]
    assert paid == placing.result().data["total"]
    for session in (gate, other, watch):
        session.close()
