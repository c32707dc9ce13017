# SPDX-License-Identifier: MIT
"""Cash that riders hand in."""

import pytest

from world.money import collect, events
from world.waiting import race

ROW = {"id", "rider_id", "amount", "currency", "reference", "cash_in_hand", "created_at"}


def held(sql, rider):
    return sql("SELECT cash_in_hand FROM wallets WHERE owner_id = %s", rider.id)[0]["cash_in_hand"]


def test_a_hand_in_lowers_the_riders_debt(admin_api, rider, sql):
    man = rider()
    collect(sql, man.id, 15000)
    assert admin_api.get(f"riders/{man.id}").data["owed"] == 15000
    reply = admin_api.post(f"riders/{man.id}/cash-handins", json={"amount": 10000, "reference": "R-1"})
    assert reply.status == 201 and set(reply.data) == ROW
    assert (reply.data["amount"], reply.data["reference"], reply.data["cash_in_hand"]) == (10000, "R-1", 5000)
    assert held(sql, man) == 5000 and admin_api.get(f"riders/{man.id}").data["owed"] == 5000
    row = sql("SELECT * FROM ledger WHERE to_owner = %s AND category = 'CASH_HANDIN'", man.id)[0]
    assert (row["from_kind"], row["to_kind"], row["amount"], row["to_balance"]) == ("CLEARING", "CASH", 10000, -5000)
    event = events(sql, man.id)["cash_handed_in"]
    assert (event["riderId"], event["amount"], event["reference"], event["cashInHand"]) == (man.id, 10000, "R-1", 5000)
    assert [a["act"] for a in sql("SELECT act FROM admin_audit WHERE subject = %s", man.id)] == ["rider.cash-handin"]
    assert man.api.get("wallet/transactions").data["total"] == 0


def test_a_reference_counts_once(admin_api, rider, sql):
    man = rider()
    collect(sql, man.id, 15000)
    body = {"amount": 6000, "reference": "R-1"}
    first = admin_api.post(f"riders/{man.id}/cash-handins", json=body)
    again = admin_api.post(f"riders/{man.id}/cash-handins", json=body)
    assert again.status == 201 and again.data == first.data
    other = admin_api.post(f"riders/{man.id}/cash-handins", json={"amount": 7000, "reference": "R-1"})
    assert (other.status, other.code) == (409, "CONFLICT")
    assert held(sql, man) == 9000
    second = rider()
    collect(sql, second.id, 6000)
    assert admin_api.post(f"riders/{second.id}/cash-handins", json=body).data["rider_id"] == second.id
    listed = admin_api.get(f"riders/{man.id}/cash-handins")
    assert listed.data == [first.data] and listed.json["meta"]["total"] == 1


def test_more_than_he_holds_is_refused(admin_api, rider, sql):
    man = rider()
    collect(sql, man.id, 5000)
    for amount in (5001, 2 ** 63 - 1):
        reply = admin_api.post(f"riders/{man.id}/cash-handins", json={"amount": amount, "reference": "R"})
        assert (reply.status, reply.code) == (409, "CONFLICT")
    assert held(sql, man) == 5000


@pytest.mark.parametrize("amount", [-1, 0, 10.5, 2 ** 63, "much", None])
def test_an_invalid_amount_is_refused(admin_api, rider, sql, amount):
    man = rider()
    collect(sql, man.id, 5000)
    reply = admin_api.post(f"riders/{man.id}/cash-handins", json={"amount": amount, "reference": "R"})
    assert (reply.status, reply.code) == (400, "VALIDATION_FAILED") and held(sql, man) == 5000


def test_an_unknown_rider_is_not_found(admin_api):
    assert admin_api.post("riders/rider_none/cash-handins", json={"amount": 5, "reference": "R"}).status == 404
    assert admin_api.get("riders/rider_none/cash-handins").status == 404


def test_concurrent_hand_ins_book_a_reference_once_and_never_exceed_the_cash(admin_api, rider, sql):
    man = rider()
    collect(sql, man.id, 10000)
    same = race([lambda: admin_api.post(f"riders/{man.id}/cash-handins", json={"amount": 4000, "reference": "S"})] * 8)
    assert {reply.status for reply in same} == {201} and len({reply.data["id"] for reply in same}) == 1
    assert held(sql, man) == 6000
    many = race([lambda n=n: admin_api.post(f"riders/{man.id}/cash-handins", json={"amount": 2500, "reference": f"M{n}"})
                 for n in range(8)])
    assert sorted(reply.status for reply in many) == [201] * 2 + [409] * 6
    assert held(sql, man) == 1000


def test_a_cash_delivery_raises_it_and_a_hand_in_lets_him_withdraw(admin_api, customer, vendor, rider, sql):
    shop, man = vendor(items=1), rider(is_online=True, bank_details={"accountNumber": "670000020"})
    order = customer().api.post("/api/v1/user/orders", json={
        "vendorId": shop.id, "paymentMethod": "CASH", "items": [{"itemId": shop.items[0], "quantity": 3}]}).data
    sql("UPDATE orders SET status = 'IN_TRANSIT', rider_id = %s, delivery_fee = 8000, total = subtotal + 8000 WHERE id = %s",
        man.id, order["orderId"])
    sql("UPDATE riders SET active_orders = 1 WHERE id = %s", man.id)
    assert man.api.post(f"orders/{order['orderId']}/complete", json={}).status == 200
    assert held(sql, man) == 15500
    shown = man.api.get("wallet").data
    assert (shown["availableBalance"], shown["cashInHand"], shown["withdrawable"]) == (8000, 15500, 0)
    assert man.api.post("payouts/request", json={"amount": 8000}).code == "PAYOUT_4001"
    assert admin_api.post(f"riders/{man.id}/cash-handins", json={"amount": 15500, "reference": "R"}).status == 201
    assert man.api.post("payouts/request", json={"amount": 8000}).status == 201
