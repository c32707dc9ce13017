# SPDX-License-Identifier: MIT
"""The customer's wallet, read."""

import pytest

from world.audit import top_up

pytestmark = pytest.mark.usefixtures("books")
BASKET = {"vendorId": "vendor_123", "items": [{"itemId": "item_1", "quantity": 1}]}


def test_a_new_wallet_is_empty(customer):
    someone = customer()
    wallet = someone.api.get("wallet").data
    assert wallet == someone.api.get("wallet/balance").data
    assert wallet["balance"] == wallet["availableBalance"] == 0
    assert wallet["pendingBalance"] == wallet["totalSpent"] == wallet["totalWithdrawn"] == 0
    assert wallet["currency"] == "XAF" and wallet["updatedAt"].endswith("Z")
    assert someone.api.get("wallet/transactions").data["transactions"] == []


def test_each_movement_is_a_transaction_with_its_balances(sql, customer):
    buyer = customer()
    top_up(sql, buyer.id, 50000)
    order = buyer.api.post("orders", json=BASKET).data
    buyer.api.put(f"orders/{order['orderId']}/cancel", json={"reason": "Never mind"})
    reply = buyer.api.get("wallet/transactions")
    refund, payment, first = reply.data["transactions"]
    assert (payment["type"], payment["category"], payment["amount"]) == ("DEBIT", "ORDER_PAYMENT", order["total"])
    assert (payment["balanceBefore"], payment["balanceAfter"]) == (50000, 50000 - order["total"])
    assert (refund["type"], refund["category"]) == ("CREDIT", "REFUND")
    assert (refund["balanceBefore"], refund["balanceAfter"]) == (50000 - order["total"], 50000)
    assert payment["orderId"] == refund["orderId"] == order["orderId"]
    assert payment["transactionId"] == order["paymentReference"]
    assert reply.data["pagination"]["totalTransactions"] == 3
    assert (first["category"], first["balanceAfter"]) == ("WALLET_TOPUP", 50000)
    only = lambda **query: [t["category"] for t in
                            buyer.api.get("wallet/transactions", query=query).data["transactions"]]
    assert only(type="DEBIT") == ["ORDER_PAYMENT"]
    assert only(type="credit") == ["REFUND", "WALLET_TOPUP"]
    assert only(category="REFUND") == ["REFUND"]
    assert only(category="PAYOUT") == []
    assert buyer.api.get("wallet/transactions?type=SIDEWAYS").status == 400


def test_the_default_page_has_50(customer):
    assert customer().api.get("wallet/transactions").json["meta"]["limit"] == 50


def test_a_wallet_is_its_owner_s(api, server, token):
    for path in ("wallet", "wallet/balance", "wallet/transactions"):
        assert (api.get(path).status, api.get(path).code) == (401, "AUTH_1000")
        if "vendor" in server.ports:
            assert api.get(path, token="not-a-token").code == "AUTH_1001"
