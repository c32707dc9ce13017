# SPDX-License-Identifier: MIT
"""The statements of payments, run directly: a payment is booked once, whatever is reported and how often."""

import json

import psycopg2
import pytest

from sql.shop import Shop, cancel, next_number, order_read, place
from world.waiting import PATIENCE, race

#: Events of src/domain/payment_state.c: the next state, and the states that they change.
EVENTS = {
    "ACCEPTED": ("PENDING", "{CREATED}"), "PAID": ("SUCCEEDED", "{CREATED,PENDING,FAILED,EXPIRED,MISMATCH}"),
    "PAID_OTHER": ("MISMATCH", "{CREATED,PENDING,FAILED,EXPIRED}"), "DECLINED": ("FAILED", "{CREATED,PENDING,EXPIRED}"),
    "NOT_TAKEN": ("FAILED", "{CREATED,EXPIRED}"), "TIMED_OUT": ("EXPIRED", "{CREATED,PENDING}"),
}
REASONS = {"reason_english": "It was not paid in time", "reason_french": "Il n'a pas été fait à temps"}


def start(db, shop, amount=5000, method="MOBILE_MONEY", key=None, print_="f"):
    """payment_start: (outcome, payment or None)."""
    n = next_number()
    outcome, payment = db.run("payment_start", payment_id=f"pay_{n:026d}", user_id=shop.user, amount=amount, method=method,
                              phone="+237670000001", operator="MTN", entry_id=f"txn_p{n:025d}", key=key,
                              fingerprint=print_ if key else None)[0]
    return outcome, json.loads(payment) if payment else None


def event_of(db, reference, reported, amount):
    """The event that a report causes, as src/service/payments.c has it."""
    expected = db.value("SELECT amount FROM payment_intents WHERE id = %s", [reference])
    if reported == "SUCCESSFUL":
        return "ACCEPTED" if amount < 0 else "PAID" if amount == expected else "PAID_OTHER"
    return {"PENDING": "ACCEPTED", "FAILED": "DECLINED", "REFUSED": "NOT_TAKEN"}[reported]


def record(db, reference, reported, amount=-1, gateway=None, why=None, ussd=None):
    """payment_record: (outcome, payment, order ended, late)."""
    event = event_of(db, reference, reported, amount)
    state, allowed = EVENTS[event]
    why = "ANOTHER_AMOUNT" if event == "PAID_OTHER" else why or "FAILED"
    row = db.run("payment_record", payment_id=reference, next_state=state, allowed=allowed, unsent_only=event == "NOT_TAKEN",
                 reference=None if event == "NOT_TAKEN" else gateway or f"gw_{reference}", ussd_code=ussd, paid_amount=amount,
                 failure=why, reason_english=why, reason_french=f"{why} (fr)", cancellable="{PENDING}",
                 next_check_s=None if state == "MISMATCH" else 600, refund_entry_id=f"txn_r{next_number():025d}")[0]
    return row[0], json.loads(row[1]) if row[1] else None, row[4], row[5]


def expire(db):
    """payments_expire of a payment_wait of 15 minutes: [(id, vendor whose menu has changed, order ended)]."""
    return db.run("payments_expire", wait_s=900, limit=100, allowed=EVENTS["TIMED_OUT"][1], next_check_s=600,
                  checked_for_s=172800, cancellable="{PENDING}", **REASONS)


def take(db, limit=1000, delay=5):
    """Takes due payments as the poller does: [(id, reference)]."""
    due = db.run("payments_due", limit=limit)
    lists = [[row[0] for row in due], [row[3] for row in due], [delay] * len(due)]
    ids, checks, delays = ("{" + ",".join(map(str, values)) + "}" for values in lists)
    taken = {row[0] for row in db.run("payments_take", payment_ids=ids, checks=checks, delays_s=delays)}
    return [row[:2] for row in due if row[0] in taken]


def note_callback(db, reference, gateway, check=0):
    """payment_note_callback: [(state, reference, query)]."""
    return [row[:3] for row in db.run("payment_note_callback", payment_id=reference, reference=gateway, check_s=check, gap_s=1)]


def read(db, reference, user):
    """payment_get: [(payment, query, reference)]."""
    return [row[:3] for row in db.run("payment_get", payment_id=reference, user_id=user, open_gap_s=3, ended_gap_s=60)]


def intent(db, reference):
    columns = ["state", "gateway_reference", "failure", "paid_amount", "late", "next_check_at"]
    return dict(zip(columns, db.sql(f"SELECT {', '.join(columns)} FROM payment_intents WHERE id = %s", [reference])[0]))


def booked(db, reference):
    """Its movements in the ledger."""
    return db.sql("SELECT from_kind, to_kind, amount, category FROM ledger WHERE reference = %s"
                  " ORDER BY category", [reference])


def events(db, aggregate):
    return [row[0] for row in db.sql("SELECT type FROM event_log WHERE aggregate = %s ORDER BY id", [aggregate])]


def vendors_of_events(db, aggregate):
    """{type: vendor} of its events: whose webhooks get them."""
    return dict(db.sql("SELECT type, payload ->> 'vendorId' FROM event_log WHERE aggregate = %s", [aggregate]))


def mobile_order(db, shop, **other):
    """An order by mobile money: (order, its intent's id)."""
    item = shop.item(stock=10)
    outcome, order, _ = place(db, shop, [(item, 1, 2500)], method="MOBILE_MONEY", **other)
    assert outcome == "PLACED"
    return order, order["paymentReference"], item


def test_a_top_up_is_credited_when_the_gateway_reports_success(db):
    shop = Shop(db, wallet=0)
    outcome, payment = start(db, shop)
    assert outcome == "STARTED" and payment["status"] == "PENDING" and shop.balance() == 0
    assert record(db, payment["reference"], "PENDING", ussd="*126#")[0] == "PENDING"
    outcome, payment, _, late = record(db, payment["reference"], "SUCCESSFUL", 5000)
    assert (outcome, late, payment["status"], payment["ussdCode"]) == ("SUCCEEDED", False, "COMPLETED", "*126#")
    assert shop.balance() == payment["wallet"]["availableBalance"] == 5000
    assert booked(db, payment["reference"]) == [("CLEARING", "USER", 5000, "WALLET_TOPUP")]
    assert events(db, payment["reference"]) == ["payment_received"]
    assert vendors_of_events(db, payment["reference"]) == {"payment_received": None}


@pytest.mark.parametrize("again", ["PENDING", "SUCCESSFUL", "FAILED", "REFUSED"])
def test_a_booked_payment_never_changes(db, again):
    shop = Shop(db, wallet=0)
    payment = start(db, shop)[1]
    record(db, payment["reference"], "SUCCESSFUL", 5000)
    assert record(db, payment["reference"], again, 5000)[0] == "UNCHANGED"
    assert shop.balance() == 5000 and len(booked(db, payment["reference"])) == 1


def test_sixteen_at_once_book_once(connect, db):
    shop = Shop(db, wallet=0)
    payment = start(db, shop)[1]
    outcomes = race([lambda c=connect(): record(c, payment["reference"], "SUCCESSFUL", 5000)[0] for _ in range(16)])
    assert sorted(outcomes) == ["SUCCEEDED"] + ["UNCHANGED"] * 15
    assert shop.balance() == 5000


def test_a_second_booking_meets_the_ledgers_own_key(db):
    shop = Shop(db, wallet=0)
    payment = start(db, shop)[1]
    record(db, payment["reference"], "SUCCESSFUL", 5000)
    db.sql("UPDATE payment_intents SET state = 'PENDING' WHERE id = %s", [payment["reference"]])
    with pytest.raises(psycopg2.errors.UniqueViolation):
        record(db, payment["reference"], "SUCCESSFUL", 5000)
    assert shop.balance() == 5000


@pytest.mark.parametrize("amount", [4999, 5001, 0])
def test_another_amount_books_nothing_until_the_right_one_is_reported(db, amount):
    shop = Shop(db, wallet=0)
    reference = start(db, shop)[1]["reference"]
    outcome, payment, _, _ = record(db, reference, "SUCCESSFUL", amount)
    assert outcome == "MISMATCH" and (payment["status"], payment["reason"]) == (
        "FAILED", "ANOTHER_AMOUNT (fr)")
    rooms, event = db.sql("SELECT rooms, payload FROM event_log WHERE aggregate = %s", [reference])[0]
    assert rooms == [f"user:{shop.user}", "admin"]
    assert (event["cause"], event["amount"], event["paidAmount"]) == ("ANOTHER_AMOUNT", 5000, amount)
    assert intent(db, reference)["paid_amount"] == amount and booked(db, reference) == []
    assert record(db, reference, "SUCCESSFUL", amount)[0] == "UNCHANGED"
    assert record(db, reference, "SUCCESSFUL", 5000)[0] == "SUCCEEDED"
    assert shop.balance() == 5000


@pytest.mark.parametrize("state", ["CREATED", "PENDING", "FAILED", "EXPIRED", "MISMATCH"])
def test_a_success_without_an_amount_is_queried_again(db, state):
    shop = Shop(db, wallet=0)
    order, reference, _ = mobile_order(db, shop)
    if state == "EXPIRED":
        db.sql("UPDATE payment_intents SET created_at = now() - interval '16 minutes' WHERE id = %s", [reference])
        expire(db)
    elif state != "CREATED":
        record(db, reference, "SUCCESSFUL" if state == "MISMATCH" else state, 1)
    outcome, payment, ended, _ = record(db, reference, "SUCCESSFUL", -1)
    assert (outcome, ended) == ("PENDING" if state == "CREATED" else "UNCHANGED", False)
    row = intent(db, reference)
    assert row["state"] == ("PENDING" if state == "CREATED" else state)
    assert row["gateway_reference"] == f"gw_{reference}" and (row["next_check_at"] is None) == (state == "MISMATCH")
    assert record(db, reference, "SUCCESSFUL", 4300)[0] == "SUCCEEDED"
    assert booked(db, reference)[0] == ("CLEARING", "ESCROW", 4300, "ORDER_PAYMENT")


# --- Another amount, decided by people -----------------------------------------------------------

def resolve(db, reference, decision, notes="As the customer showed"):
    outcome, row = db.run("payment_resolve", payment_id=reference, resolution=decision, notes=notes, admin_id="admin_1",
                          audit='{"adminId": "admin_1", "act": "payment.resolve"}', reason_english="Settled",
                          reason_french="Réglé")[0]
    return outcome, json.loads(row) if row else None


def mismatched(db, shop, amount=4000, order=False):
    reference = mobile_order(db, shop)[1] if order else start(db, shop)[1]["reference"]
    assert record(db, reference, "SUCCESSFUL", amount)[0] == "MISMATCH"
    return reference


@pytest.mark.parametrize("order", [False, True])
def test_the_paid_amount_is_booked_into_the_wallet_once(db, order):
    shop = Shop(db, wallet=0)
    reference = mismatched(db, shop, 4000, order)
    outcome, row = resolve(db, reference, "BOOKED")
    assert (outcome, row["status"], row["resolution"], row["paid_amount"]) == ("DONE", "MISMATCH", "BOOKED", 4000)
    assert (row["resolved_by"], row["notes"]) == ("admin_1", "As the customer showed") and row["resolved_at"]
    assert resolve(db, reference, "BOOKED")[0] == "AGAIN"
    assert resolve(db, reference, "SETTLED_OUTSIDE") == ("PAYMENT_DECIDED", None)
    assert record(db, reference, "SUCCESSFUL", 4300 if order else 5000)[0] == "UNCHANGED"
    assert record(db, reference, "FAILED")[0] == "UNCHANGED"
    assert shop.balance() == 4000 and booked(db, reference) == [("CLEARING", "USER", 4000, "WALLET_TOPUP")]
    payment = json.loads(read(db, reference, shop.user)[0][0])
    assert (payment["status"], payment["amount"], "reason" in payment) == ("COMPLETED", 4000, False)
    event = db.sql("SELECT rooms, payload FROM event_log WHERE type = 'payment_received' AND payload ->> 'reference' = %s",
                   [reference])
    assert [(rooms, payload["amount"]) for rooms, payload in event] == [([f"user:{shop.user}"], 4000)]
    assert db.value("SELECT count(*) FROM admin_audit WHERE subject = %s AND act = 'payment.resolve'", [reference]) == 1


def test_a_payment_settled_outside_moves_no_money(db):
    shop = Shop(db, wallet=0)
    reference = mismatched(db, shop)
    assert resolve(db, reference, "SETTLED_OUTSIDE")[0] == "DONE"
    assert resolve(db, reference, "BOOKED") == ("PAYMENT_DECIDED", None)
    assert record(db, reference, "SUCCESSFUL", 5000)[0] == "UNCHANGED"
    assert shop.balance() == 0 and booked(db, reference) == []
    payment = json.loads(read(db, reference, shop.user)[0][0])
    assert (payment["status"], payment["reason"]) == (
        "FAILED", "Réglé")


@pytest.mark.parametrize("state, amount", [("PENDING", 0), ("FAILED", 0), ("SUCCESSFUL", 5000), ("SUCCESSFUL", 0)])
def test_only_a_mismatch_can_be_resolved(db, state, amount):
    shop = Shop(db, wallet=0)
    reference = start(db, shop)[1]["reference"]
    record(db, reference, state, amount)
    before = shop.balance()
    assert resolve(db, reference, "BOOKED") == ("PAYMENT_DECIDED", None)
    assert resolve(db, "pay_none", "BOOKED") == ("PAYMENT_NOT_FOUND", None)
    assert shop.balance() == before


def test_two_admins_at_once_book_once(connect, db):
    shop = Shop(db, wallet=0)
    reference = mismatched(db, shop)
    outcomes = race([lambda c=connect(), d=d: resolve(c, reference, d)[0] for d in ["BOOKED", "SETTLED_OUTSIDE"] * 4])
    assert sorted(outcomes) == ["AGAIN"] * 3 + ["DONE"] + ["PAYMENT_DECIDED"] * 4
    assert shop.balance() in (0, 4000) and len(booked(db, reference)) == (shop.balance() > 0)


@pytest.mark.parametrize("end", ["FAILED", "REFUSED", "EXPIRED"])
def test_a_success_after_the_end_is_credited(db, end):
    shop = Shop(db, wallet=0)
    reference = start(db, shop)[1]["reference"]
    if end == "EXPIRED":
        db.sql("UPDATE payment_intents SET created_at = now() - interval '16 minutes' WHERE id = %s", [reference])
        expire(db)
    else:
        record(db, reference, end, why="No")
    assert intent(db, reference)["state"] == ("EXPIRED" if end == "EXPIRED" else "FAILED")
    assert intent(db, reference)["next_check_at"] is not None
    outcome, payment, _, late = record(db, reference, "SUCCESSFUL", 5000)
    assert (outcome, late, payment["status"]) == ("SUCCEEDED", True, "COMPLETED")
    assert shop.balance() == 5000
    assert events(db, reference) == ["payment_failed", "payment_received"]


def test_a_card_of_the_sandbox_is_credited_at_once(db):
    shop = Shop(db, wallet=0)
    outcome, payment = start(db, shop, method="CARD")
    assert (outcome, payment["status"], shop.balance()) == ("STARTED", "COMPLETED", 5000)


def test_a_key_starts_one_payment_and_replays_the_reply(db):
    shop = Shop(db, wallet=0)
    payment = start(db, shop, key="k")[1]
    assert start(db, shop, key="k") == ("REPLAY", None)
    record(db, payment["reference"], "PENDING", ussd="*126#")
    _, status, body = db.run("idempotency_get", shop.user, "k")[0]
    assert status == 201 and json.loads(body)["data"]["ussdCode"] == "*126#"
    assert json.loads(body)["data"]["reference"] == payment["reference"]


def test_a_payment_that_never_reached_the_gateway_can_be_repeated_with_its_key(db):
    shop = Shop(db, wallet=0)
    payment = start(db, shop, key="k")[1]
    assert record(db, payment["reference"], "REFUSED", gateway=None, why="down")[0] == "FAILED"
    assert start(db, shop, key="k")[0] == "STARTED"


def test_a_refusal_cannot_undo_what_the_gateway_has(db):
    shop = Shop(db, wallet=0)
    reference = start(db, shop)[1]["reference"]
    record(db, reference, "PENDING")
    assert record(db, reference, "REFUSED")[0] == "UNCHANGED"
    assert intent(db, reference)["state"] == "PENDING"


def test_an_account_has_at_most_twenty_waiting_payments(db):
    shop = Shop(db, wallet=0)
    for _ in range(20):
        assert start(db, shop)[0] == "STARTED"
    db.sql("UPDATE payment_intents SET created_at = now() - interval '100 seconds' WHERE user_id = %s", [shop.user])
    outcome, seconds = start(db, shop)
    assert outcome == "PAYMENTS_WAIT" and 100 <= seconds < 100 + PATIENCE
    with pytest.raises(psycopg2.Error, match="PAYMENTS_WAIT"):
        mobile_order(db, shop)
    assert start(db, shop, method="CARD")[0] == "STARTED"


def test_a_payment_of_an_ended_order_does_not_count_as_waiting(db):
    shop = Shop(db, wallet=0)
    for _ in range(21):
        cancel(db, mobile_order(db, shop)[0]["orderId"], shop.user)
    assert start(db, shop)[0] == "STARTED"


@pytest.mark.parametrize("language, words", [("fr", "Il n'a pas été fait à temps"), ("en", "It was not paid in time")])
def test_our_reasons_are_in_the_customers_language(db, language, words):
    shop = Shop(db, wallet=0)
    db.sql("UPDATE users SET language = %s WHERE id = %s", [language, shop.user])
    order, reference, _ = mobile_order(db, shop)
    db.sql("UPDATE payment_intents SET created_at = now() - interval '16 minutes' WHERE id = %s", [reference])
    expire(db)
    assert json.loads(read(db, reference, shop.user)[0][0])["reason"] == words
    ended = order_read(db, order["orderId"])
    assert ended["cancelReason"] == words


def test_a_customer_with_an_error_reply_gets_no_payment_failed_event(db):
    shop = Shop(db, wallet=0)
    reference = start(db, shop)[1]["reference"]
    assert record(db, reference, "REFUSED", why="UNREACHED")[0] == "FAILED"
    assert events(db, reference) == []


def test_one_transaction_of_the_gateway_pays_one_intent(db):
    shop = Shop(db, wallet=0)
    first, second = (start(db, shop)[1]["reference"] for _ in range(2))
    record(db, first, "PENDING", gateway="gw_one")
    with pytest.raises(psycopg2.errors.UniqueViolation):
        record(db, second, "SUCCESSFUL", 5000, gateway="gw_one")


# --- Orders ------------------------------------------------------------------------------------

def test_an_order_by_mobile_money_is_hidden_until_it_is_paid(db):
    shop = Shop(db, wallet=0)
    order, reference, _ = mobile_order(db, shop)
    assert (order["paymentStatus"], order["status"]) == ("PENDING", "PENDING")
    assert events(db, order["orderId"]) == []
    outcome, payment, ended, late = record(db, reference, "SUCCESSFUL", 4300)
    assert (outcome, ended, late, payment["orderId"]) == ("SUCCEEDED", False, False, order["orderId"])
    paid = order_read(db, order["orderId"])
    assert (paid["paymentStatus"], paid["status"], paid["paymentReference"]) == ("PAID", "PENDING", reference)
    assert events(db, order["orderId"]) == ["payment_received", "new_order"]
    assert booked(db, reference) == [("CLEARING", "ESCROW", 4300, "ORDER_PAYMENT")]
    assert db.value("SELECT total_spent FROM wallets WHERE owner_id = %s", [shop.user]) == 4300
    rooms, payload = db.sql("SELECT rooms, payload FROM event_log WHERE aggregate = %s AND type = 'new_order'",
                            [order["orderId"]])[0]
    assert rooms == [f"vendor:{shop.vendor}", "admin"] and payload["data"]["paymentStatus"] == "PAID"


def test_a_paid_order_that_is_cancelled_is_refunded_to_the_wallet(db):
    shop = Shop(db, wallet=0)
    order, reference, _ = mobile_order(db, shop)
    record(db, reference, "SUCCESSFUL", 4300)
    assert cancel(db, order["orderId"], shop.user)[0] == "CANCELLED"
    assert shop.balance() == 4300
    assert db.value("SELECT total_spent FROM wallets WHERE owner_id = %s", [shop.user]) == 0


@pytest.mark.parametrize("reported", ["FAILED", "REFUSED", "MISMATCH", "EXPIRED"])
def test_an_unpaid_order_ends_and_restores_the_stock(db, reported):
    shop = Shop(db, wallet=0)
    order, reference, item = mobile_order(db, shop)
    assert db.value("SELECT stock FROM items WHERE id = %s", [item]) == 9
    if reported == "EXPIRED":
        db.sql("UPDATE payment_intents SET created_at = now() - interval '16 minutes' WHERE id = %s", [reference])
        assert (reference, shop.vendor, True) in expire(db)
    else:
        assert record(db, reference, "SUCCESSFUL" if reported == "MISMATCH" else reported, 1, why="No")[2] is True
    ended = order_read(db, order["orderId"])
    assert (ended["status"], ended["paymentStatus"], ended["cancelledBy"]) == ("CANCELLED", "FAILED", "SYSTEM")
    assert db.value("SELECT stock FROM items WHERE id = %s", [item]) == 10
    assert "payment_failed" in events(db, order["orderId"]) and booked(db, reference) == []
    assert vendors_of_events(db, order["orderId"])["payment_failed"] == shop.vendor
    rooms = db.sql("SELECT rooms FROM event_log WHERE aggregate = %s AND type = 'order_cancelled'", [order["orderId"]])
    assert f"vendor:{shop.vendor}" not in rooms[0][0]


@pytest.mark.parametrize("end", ["USER", "FAILED", "EXPIRED"])
def test_a_payment_of_an_ended_order_goes_to_the_wallet(db, end):
    shop = Shop(db, wallet=0)
    order, reference, _ = mobile_order(db, shop)
    if end == "USER":
        assert cancel(db, order["orderId"], shop.user)[0] == "CANCELLED"
    elif end == "FAILED":
        record(db, reference, "FAILED")
    else:
        db.sql("UPDATE payment_intents SET created_at = now() - interval '16 minutes' WHERE id = %s", [reference])
        expire(db)
    outcome, _, _, late = record(db, reference, "SUCCESSFUL", 4300)
    assert (outcome, late) == ("SUCCEEDED", True)
    over = order_read(db, order["orderId"])
    assert (over["status"], over["paymentStatus"]) == ("CANCELLED", "REFUNDED")
    assert booked(db, reference) == [("CLEARING", "ESCROW", 4300, "ORDER_PAYMENT"), ("ESCROW", "USER", 4300, "REFUND")]
    assert shop.balance() == 4300
    assert db.value("SELECT total_spent FROM wallets WHERE owner_id = %s", [shop.user]) == 0
    assert events(db, order["orderId"])[-2:] == ["payment_received", "refund_issued"]
    vendors = vendors_of_events(db, order["orderId"])
    assert vendors["payment_received"] == vendors["refund_issued"] == shop.vendor
    assert record(db, reference, "SUCCESSFUL", 4300)[0] == "UNCHANGED" and shop.balance() == 4300


def test_a_customer_who_cancels_gets_no_payment_failed_event(db):
    shop = Shop(db, wallet=0)
    order, reference, _ = mobile_order(db, shop)
    cancel(db, order["orderId"], shop.user)
    assert record(db, reference, "FAILED")[2] is False
    assert "payment_failed" not in events(db, order["orderId"])
    assert order_read(db, order["orderId"])["paymentStatus"] == "FAILED"


def test_a_paid_parcel_looks_for_a_rider(db):
    shop = Shop(db, wallet=0)
    outcome, order, _ = place(db, shop, [], fee=2500, method="MOBILE_MONEY", kind="PACKAGE")
    assert outcome == "PLACED"
    look = "SELECT count(*) FROM dispatches WHERE order_id = %s"
    assert db.value(look, [order["orderId"]]) == 0
    record(db, order["paymentReference"], "SUCCESSFUL", 2500)
    assert db.value(look, [order["orderId"]]) == 1


def test_an_order_by_card_is_paid_when_it_is_placed(db):
    shop = Shop(db, wallet=0)
    outcome, order, _ = place(db, shop, [(shop.item(stock=5), 1, 2500)], method="CARD")
    assert (outcome, order["paymentStatus"]) == ("PLACED", "PAID")
    assert intent(db, order["paymentReference"])["state"] == "SUCCEEDED"
    assert booked(db, order["paymentReference"]) == [("CLEARING", "ESCROW", 4300, "ORDER_PAYMENT")]
    assert events(db, order["orderId"]) == ["new_order"]
    cancel(db, order["orderId"], shop.user)
    assert shop.balance() == 4300


def test_an_order_with_a_refused_payment_can_be_placed_again_with_its_key(db):
    shop = Shop(db, wallet=0)
    order, reference, item = mobile_order(db, shop, key="again")
    record(db, reference, "REFUSED")
    outcome, second, _ = place(db, shop, [(item, 1, 2500)], method="MOBILE_MONEY", key="again")
    assert outcome == "PLACED" and second["orderId"] != order["orderId"]


# --- The poller's rows ---------------------------------------------------------------------------

def test_a_due_payment_is_taken_once(db):
    shop = Shop(db, wallet=0)
    reference = start(db, shop)[1]["reference"]
    record(db, reference, "PENDING")
    for delay in (5, 40, -1):
        db.sql("UPDATE payment_intents SET next_check_at = now() WHERE id = %s", [reference])
        assert (reference, f"gw_{reference}") in take(db, delay=delay)
        assert reference not in [row[0] for row in take(db)]
        assert db.value("SELECT round(extract(epoch FROM next_check_at - checked_at))::integer"
                        " FROM payment_intents WHERE id = %s", [reference]) == (None if delay == -1 else delay)


def test_a_payment_taken_by_another_instance_is_not_taken_again(db):
    shop = Shop(db, wallet=0)
    reference = start(db, shop)[1]["reference"]
    db.sql("UPDATE payment_intents SET next_check_at = now() WHERE id = %s", [reference])
    one = {"payment_ids": f"{{{reference}}}", "checks": "{0}", "delays_s": "{0}"}
    assert db.run("payments_take", **one) == [(reference,)] and db.run("payments_take", **one) == []


def test_waiting_payments_are_queried_before_ended_ones(db):
    shop = Shop(db, wallet=0)
    over, waits = (start(db, shop)[1]["reference"] for _ in range(2))
    record(db, over, "FAILED")
    record(db, waits, "PENDING")
    db.sql("UPDATE payment_intents SET next_check_at = NULL WHERE id <> ALL (%s)", [[over, waits]])
    db.sql("UPDATE payment_intents SET next_check_at = now() - interval '1 hour' WHERE id = %s", [over])
    db.sql("UPDATE payment_intents SET next_check_at = now() WHERE id = %s", [waits])
    assert [[row[0] for row in take(db, 1)] for _ in range(3)] == [[waits], [over], []]


def test_a_payment_without_further_checks_can_still_succeed(db):
    shop = Shop(db, wallet=0)
    reference = start(db, shop)[1]["reference"]
    record(db, reference, "FAILED")
    db.sql("UPDATE payment_intents SET next_check_at = now() WHERE id = %s", [reference])
    assert reference in [row[0] for row in take(db, delay=-1)]
    assert intent(db, reference)["next_check_at"] is None
    assert note_callback(db, reference, "gw")[0][0] == "FAILED"
    assert record(db, reference, "SUCCESSFUL", 5000)[0] == "SUCCEEDED" and shop.balance() == 5000


def test_a_callback_is_noted_with_its_payment(db):
    shop = Shop(db, wallet=0)
    reference = start(db, shop)[1]["reference"]
    assert note_callback(db, "pay_nobody", "gw") == []
    assert note_callback(db, reference, "gw_early") == [("CREATED", "gw_early", False)]
    db.sql("UPDATE payment_intents SET checked_at = now() - interval '2 seconds' WHERE id = %s", [reference])
    assert note_callback(db, reference, "gw_other") == [("CREATED", "gw_early", True)]
    assert reference in [row[0] for row in take(db)]
    record(db, reference, "SUCCESSFUL", 5000, gateway="gw_early")
    assert note_callback(db, reference, "gw_early") == [("SUCCEEDED", "gw_early", False)]


def test_a_payment_is_visible_to_its_customer_and_queries_are_limited(db):
    shop, other = Shop(db, wallet=0), Shop(db, wallet=0)
    reference = start(db, shop)[1]["reference"]
    record(db, reference, "PENDING")
    assert read(db, reference, other.user) == []
    assert read(db, reference, shop.user)[0][1] is False
    db.sql("UPDATE payment_intents SET checked_at = now() - interval '4 seconds' WHERE id = %s", [reference])
    assert read(db, reference, shop.user)[0][1:] == (True, f"gw_{reference}")
    assert read(db, reference, shop.user)[0][1] is False


def test_the_reason_that_the_gateway_gives_no_answer_ends_with_an_answer(db):
    shop = Shop(db, wallet=0)
    given_up, known, waits = (start(db, shop)[1]["reference"] for _ in range(3))
    record(db, known, "PENDING")
    db.sql("UPDATE payment_intents SET state = 'EXPIRED', failure = 'x' WHERE id = ANY (%s)", [[given_up, known]])
    db.run("payments_mark_unanswered", payment_ids=f"{{{given_up},{known},{waits}}}", failure="UNTOLD", **REASONS)
    assert [intent(db, r)["failure"] for r in (given_up, known, waits)] == ["UNTOLD", "x", None]
    record(db, given_up, "FAILED", why="Not enough")
    assert intent(db, given_up)["failure"] == "Not enough"


def test_a_payment_found_in_the_history_is_queried_at_once(db):
    shop = Shop(db, wallet=0)
    reference = start(db, shop)[1]["reference"]
    db.run("payments_set_found", payment_ids=f"{{{reference},pay_other}}", gateway_references="{gw_found,gw_x}")
    assert intent(db, reference)["state"] == "PENDING"
    assert (reference, "gw_found") in take(db)
