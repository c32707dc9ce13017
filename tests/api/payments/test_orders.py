# SPDX-License-Identifier: MIT
"""Orders by mobile money: hidden until paid, ended when unpaid, and no money is lost."""

import pytest

from world.accounts import appoint, open_shop
from world.payers import BASKET
from world.waiting import until

pytestmark = pytest.mark.slow


def shown(customer, order):
    return customer.api.get(f"orders/{order['orderId']}").data


def events(till, order):
    return [row["type"] for row in till.sql(
        "SELECT type FROM event_log WHERE aggregate = %s ORDER BY id", order["orderId"])]


def test_an_order_reaches_the_vendor_when_it_is_paid(till):
    shop = open_shop(till.server, till.sql, items=1)
    buyer = till.customer()
    reply = till.order(buyer, vendorId=shop.id, items=[{"itemId": shop.items[0], "quantity": 1}])
    assert reply.status == 201, reply
    order = reply.data
    assert (order["status"], order["paymentStatus"], order["paymentMethod"]) == ("PENDING", "PENDING", "MOBILE_MONEY")
    reference = order["paymentReference"]
    assert buyer.api.get(f"wallet/add-funds/{reference}").data["orderId"] == order["orderId"]
    assert shop.api.get("orders/pending").data["orders"] == []
    assert shop.api.post(f"orders/{order['orderId']}/accept", json={}).status == 404
    console = appoint(till.server, till.sql).api
    assert console.get(f"orders/{order['orderId']}").data["payment_method"] == "MTN_MOMO"
    till.decide(reference)
    assert till.callback(reference, amount=order["total"]).status == 200
    till.until_state(reference, "SUCCEEDED")
    assert shown(buyer, order)["paymentStatus"] == "PAID"
    assert [o["orderId"] for o in shop.api.get("orders/pending").data["orders"]] == [order["orderId"]]
    assert shop.api.post(f"orders/{order['orderId']}/accept", json={}).status == 200
    assert events(till, order)[:2] == ["payment_received", "new_order"]
    wallet = buyer.api.get("wallet").data
    assert (wallet["balance"], wallet["totalSpent"]) == (0, order["total"])


def test_a_paid_order_that_is_cancelled_goes_back_into_the_wallet(till):
    buyer = till.customer()
    order = till.order(buyer).data
    till.decide(order["paymentReference"])
    till.due(order["paymentReference"])
    till.until_state(order["paymentReference"], "SUCCEEDED")
    assert buyer.api.put(f"orders/{order['orderId']}/cancel", json={"reason": "Trop tard"}).data["paymentStatus"] == "REFUNDED"
    assert till.balance(buyer) == order["total"]


def test_a_failed_payment_ends_its_order_and_restores_the_stock(till):
    shop = open_shop(till.server, till.sql, items=1, stock=5)
    buyer = till.customer()
    order = till.order(buyer, vendorId=shop.id, items=[{"itemId": shop.items[0], "quantity": 2}]).data
    stock = lambda: till.sql("SELECT stock FROM items WHERE id = %s", shop.items[0])[0]["stock"]
    assert stock() == 3
    till.decide(order["paymentReference"], "FAILED")
    till.due(order["paymentReference"])
    till.until_state(order["paymentReference"], "FAILED")
    over = shown(buyer, order)
    assert (over["status"], over["paymentStatus"], over["cancelledBy"]) == ("CANCELLED", "FAILED", "SYSTEM")
    assert stock() == 5 and "payment_failed" in events(till, order)


def test_an_unpaid_order_ends_in_time_and_a_late_payment_is_refunded(till):
    buyer = till.customer()
    order = till.order(buyer).data
    till.age(order["paymentReference"], 16)
    till.until_state(order["paymentReference"], "EXPIRED")
    assert (shown(buyer, order)["status"], shown(buyer, order)["paymentStatus"]) == ("CANCELLED", "FAILED")
    till.decide(order["paymentReference"])
    till.due(order["paymentReference"])
    till.until_state(order["paymentReference"], "SUCCEEDED")
    assert shown(buyer, order)["paymentStatus"] == "REFUNDED"
    assert till.balance(buyer) == order["total"]
    assert events(till, order)[-2:] == ["payment_received", "refund_issued"]


def test_a_payment_of_a_cancelled_order_goes_to_the_wallet(till):
    buyer = till.customer()
    order = till.order(buyer).data
    assert buyer.api.put(f"orders/{order['orderId']}/cancel", json={"reason": "Non merci"}).status == 200
    till.decide(order["paymentReference"])
    assert till.callback(order["paymentReference"], amount=order["total"]).status == 200
    till.until_state(order["paymentReference"], "SUCCEEDED")
    assert (shown(buyer, order)["status"], shown(buyer, order)["paymentStatus"]) == ("CANCELLED", "REFUNDED")
    assert till.balance(buyer) == order["total"]


def test_a_refused_payment_places_no_order(till):
    buyer = till.customer()
    till.gateway.script("/collect", ("status", {"status": 400}))
    reply = till.order(buyer, key="refused")
    assert (reply.status, reply.code) == (400, "EXTERNAL_11000")
    intent = till.sql("SELECT id, order_id FROM payment_intents WHERE user_id = %s", buyer.id)[0]
    assert reply.error["details"]["reason"]
    assert (reply.error["details"]["reference"], reply.error["details"]["orderId"]) == (intent["id"], intent["order_id"])
    assert till.sql("SELECT status, payment_status FROM orders WHERE user_id = %s", buyer.id) == [
        {"status": "CANCELLED", "payment_status": "FAILED"}]
    again = till.order(buyer, key="refused")
    assert again.status == 201 and again.data["paymentStatus"] == "PENDING"


def test_the_same_key_is_one_order_and_one_payment(till):
    buyer = till.customer()
    first, again = till.order(buyer, key="k"), till.order(buyer, key="k")
    assert (first.status, again.status) == (201, 201) and first.data == again.data
    assert len(till.sql("SELECT 1 FROM payment_intents WHERE user_id = %s", buyer.id)) == 1


def test_a_slow_gateway_does_not_keep_the_customer_waiting(own_till):
    till = own_till(gateway_timeout="40s")
    buyer = till.customer()
    till.gateway.script("/collect", "held")
    reply = till.order(buyer)
    assert reply.status == 201 and reply.data["paymentStatus"] == "PENDING"
    reference = reply.data["paymentReference"]
    assert till.intent(reference)["state"] == "CREATED"
    till.gateway.go()
    assert till.until_state(reference, "PENDING")["gateway_reference"]


def test_a_success_that_comes_before_our_own_call_returns_is_booked_once(own_till):
    till = own_till(gateway_timeout="20s")
    buyer = till.customer()
    first = till.top_up(buyer).data["reference"]
    till.decide(first)
    till.gateway.script("/collect", ("slow", {"ms": 10000}))
    order = till.order(buyer).data
    reference = order["paymentReference"]
    till.due(reference)
    until(lambda: till.gateway.api.post("/_decide", json={
        "external_reference": reference, "status": "SUCCESSFUL"}).status == 200)
    till.due(reference)
    till.until_state(reference, "SUCCEEDED")
    assert shown(buyer, order)["paymentStatus"] == "PAID"
    assert len(till.sql("SELECT 1 FROM ledger WHERE reference = %s", reference)) == 1


@pytest.mark.parametrize("phone", ["+237222000111", "+237612345678"])
def test_a_phone_without_mobile_money_is_refused(till, phone):
    buyer = till.customer()
    reply = till.order(buyer, phone=phone)
    assert reply.status == 400 and reply.error["details"][0]["field"] == "phone"
    assert till.sql("SELECT 1 FROM orders WHERE user_id = %s", buyer.id) == []


def test_without_a_phone_the_accounts_phone_pays(till):
    buyer = till.customer()
    order = buyer.api.post("orders", json={**BASKET, "paymentMethod": "CAMPAY"}).data
    assert till.intent(order["paymentReference"])["phone"] == buyer.phone


def test_an_order_by_card_is_paid_at_once_in_the_sandbox(till):
    buyer = till.customer()
    order = buyer.api.post("orders", json={**BASKET, "paymentMethod": "CARD"}).data
    assert (order["paymentStatus"], order["paymentMethod"]) == ("PAID", "CARD")
    assert buyer.api.put(f"orders/{order['orderId']}/cancel", json={"reason": "Trop cher"}).status == 200
    assert till.balance(buyer) == order["total"]


def test_payments_that_expire_together_end_in_separate_transactions(till):
    buyer = till.customer()
    ids = [till.order(buyer, key=str(n)).data["paymentReference"] for n in range(3)]
    till.sql("UPDATE payment_intents SET created_at = created_at - interval '16 minutes' WHERE id = ANY (%s)", ids)
    over = lambda: till.sql("SELECT xmin::text FROM payment_intents WHERE id = ANY (%s) AND state = 'EXPIRED'", ids)
    until(lambda: len(over()) == 3)
    assert len({row["xmin"] for row in over()}) == 3
