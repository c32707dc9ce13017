# SPDX-License-Identifier: MIT
"""Payments whose reported amount is missing or wrong: a missing one is queried again, a wrong one waits for an admin."""

import pytest

from world.accounts import appoint
from world.waiting import until


def next_response(till, path, **body):
    """Sets the gateway's next response on a path."""
    till.gateway.script(path, ("status", {"status": 200, "body": body}))


@pytest.fixture
def console(till):
    return appoint(till.server, till.sql).api


def mismatched_topup(till, amount=4000):
    """A customer and a payment of 5,000 for which the gateway collected another amount."""
    somebody = till.customer()
    reference = till.top_up(somebody).data["reference"]
    till.decide(reference, amount=amount)
    till.due(reference)
    till.until_state(reference, "MISMATCH")
    return somebody, reference


@pytest.mark.parametrize("amount", [None, "1500 XAF", "5000.5", {}])
def test_a_success_without_an_amount_waits_for_the_amount(till, amount):
    somebody = till.customer()
    reference = till.top_up(somebody).data["reference"]
    next_response(till, "/transaction", reference=till.intent(reference)["gateway_reference"], status="SUCCESSFUL",
            external_reference=reference, amount=amount)
    till.due(reference)
    until(lambda: any(reference == line.get("payment") and "no amount" in line["msg"] for line in till.server.log()))
    assert till.intent(reference)["state"] == "PENDING" and till.balance(somebody) == 0
    till.decide(reference)
    till.due(reference)
    till.until_state(reference, "SUCCEEDED")
    assert till.balance(somebody) == 5000


@pytest.mark.parametrize("members", [{}, {"amount": 999999}, {"amount": None}])
def test_a_success_in_the_response_to_collect_is_not_booked(till, members):
    buyer = till.customer()
    next_response(till, "/collect", reference=f"gw_at_once_{buyer.id}", status="SUCCESSFUL", **members)
    order = till.order(buyer).data
    reference = order["paymentReference"]
    assert till.intent(reference)["state"] == "PENDING"
    assert till.order_row(order)["status"] == "PENDING"
    next_response(till, "/transaction", reference=f"gw_at_once_{buyer.id}", status="SUCCESSFUL", amount=order["total"])
    till.due(reference)
    till.until_state(reference, "SUCCEEDED")
    assert till.order_row(order)["payment_status"] == "PAID"


def test_another_amount_is_shown_to_customer_and_admins(till, console):
    somebody, reference = mismatched_topup(till)
    payment = somebody.api.get(f"wallet/add-funds/{reference}").data
    assert payment["status"] == "FAILED" and payment["reason"].startswith("Another amount") and payment["settledAt"]
    listed = console.get("payments?status=undecided&userId=" + somebody.id)
    assert [row["id"] for row in listed.data] == [reference] and listed.json["meta"]["total"] == 1
    row = console.get(f"payments/{reference}").data
    assert row == listed.data[0]
    assert (row["status"], row["amount"], row["paid_amount"], row["resolution"]) == ("MISMATCH", 5000, 4000, None)
    assert (row["user_id"], row["gateway_reference"]) == (somebody.id, till.intent(reference)["gateway_reference"])


def test_an_admin_books_what_was_paid(till, console):
    somebody, reference = mismatched_topup(till)
    unexplained = till.reconcile()[2]["unexplained"]
    for _ in range(2):
        reply = console.post(f"payments/{reference}/resolve", json={"outcome": "BOOKED", "notes": "Reçu du client"})
        assert (reply.status, reply.data["resolution"]) == (200, "BOOKED")
    assert till.balance(somebody) == 4000
    assert somebody.api.get(f"wallet/add-funds/{reference}").data["status"] == "COMPLETED"
    assert console.get("payments?status=UNDECIDED&userId=" + somebody.id).data == []
    assert till.reconcile()[2]["unexplained"] == unexplained - 1
    assert till.callback(reference).status == 200
    other = console.post(f"payments/{reference}/resolve", json={"outcome": "SETTLED_OUTSIDE", "notes": "Rendu"})
    assert other.status == 409


def test_an_admin_records_that_a_payment_was_settled_outside(till, console):
    somebody, reference = mismatched_topup(till, 9000)
    assert till.reconcile()[0] == 1
    reply = console.post(f"payments/{reference}/resolve", json={"outcome": "SETTLED_OUTSIDE", "notes": "Rendu par MTN"})
    assert (reply.status, reply.data["notes"]) == (200, "Rendu par MTN")
    assert till.balance(somebody) == 0
    line = [line for line in till.reconcile()[1] if line["reference"] == reference]
    assert [(one["explained"], one["why"]) for one in line] == [(True, "settled outside the books")]


@pytest.mark.parametrize("body", [{}, {"outcome": "BOOKED"}, {"outcome": "LOST", "notes": "x"}, {"notes": "x"},
                                  {"outcome": "BOOKED", "notes": ""}])
def test_a_decision_needs_an_outcome_and_notes(till, console, body):
    somebody, reference = mismatched_topup(till)
    assert console.post(f"payments/{reference}/resolve", json=body).status == 400
    assert till.balance(somebody) == 0


def test_payments_are_found_by_customer_order_and_status(till, console):
    somebody = till.customer()
    references = [till.top_up(somebody).data["reference"] for _ in range(3)]
    order = till.order(somebody).data
    mine = f"payments?userId={somebody.id}"
    assert [row["id"] for row in console.get(mine).data] == [order["paymentReference"], *references[::-1]]
    assert [row["id"] for row in console.get(mine + "&limit=2&page=2").data] == references[1::-1]
    assert [row["order_number"] for row in console.get(f"payments?orderId={order['orderId']}").data] == [order["orderNumber"]]
    assert len(console.get(mine + "&status=pending").data) == 4
    assert console.get(mine + "&status=MISMATCH").data == []
    assert console.get("payments?status=LOST").status == 400
    assert console.get("payments/pay_none").status == 404
    assert console.post("payments/pay_none/resolve", json={"outcome": "BOOKED", "notes": "x"}).status == 404
    assert somebody.api.get("/api/v1/admin/payments").status in (401, 403)
