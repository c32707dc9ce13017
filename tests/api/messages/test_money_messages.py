# SPDX-License-Identifier: MIT
"""What people are told of payments, refunds, pay-outs and disputes."""

import pytest

PAYOUT = {"payoutId": "payout_1", "amount": 50000, "fee": 200, "netAmount": 49800}


def test_a_payment_is_told_with_its_amount_and_order(office):
    buyer = office.customer("en")
    office.say_payment(buyer, 12500)
    office.quiet()
    assert office.texts(buyer)[1:] == ["Reeyo: we have received 12 500 XAF. Ref. ref-12500"]
    office.say("payment_failed", [f"user:{buyer.id}"], transactionId="pay_2", amount=12500, reason="not enough money")
    office.say("refund_issued", [f"user:{buyer.id}", "admin"], orderId="order_none", amount=1250000)
    office.quiet()
    assert office.texts(buyer)[2:] == [
        "Reeyo: your payment of 12 500 XAF did not go through: not enough money.",
        "Reeyo: 1 250 000 XAF are back in your wallet."]


@pytest.mark.parametrize("kind", ["vendor", "rider"])
def test_a_payout_is_told_at_each_of_its_ends(office, kind):
    owner = getattr(office, kind)()
    payload = {**PAYOUT, "ownerId": owner.id, "ownerType": kind.upper()}
    for event, more in (("payout_approved", {}), ("payout_rejected", {"reason": "mauvais compte"}),
                        ("payout_completed", {"transactionReference": "MP1"}), ("payout_failed", {"reason": "x"})):
        office.say(event, [f"{kind}:{owner.id}", "admin"], **payload, **more)
    office.quiet()
    assert office.texts(owner) == [
        "Reeyo : votre retrait de 50 000 FCFA est approuvé et en cours.",
        "Reeyo : votre retrait de 50 000 FCFA est refusé : mauvais compte. L'argent est de retour dans votre portefeuille.",
        "Reeyo : votre retrait est fait, 49 800 FCFA vous sont envoyés. Réf. MP1",
        "Reeyo : votre retrait de 50 000 FCFA n'a pas abouti. L'argent est de retour dans votre portefeuille."]
    approved, rejected = office.mails(owner.email)
    assert approved["subject"] == "Votre retrait est approuvé" and "Frais : 200 FCFA" in approved["text"]
    assert "Motif : mauvais compte" in rejected["text"]
    assert [row["channel"] for row in office.rows(owner)] == ["SMS", "MAIL", "SMS", "MAIL", "SMS", "SMS"]


def test_a_settled_dispute_is_told_by_mail_and_push(office):
    buyer = office.customer("fr", email="plainte@test.reeyo.cm")
    office.device(buyer, "phone-of-plainte")
    office.say("dispute_resolved", [f"user:{buyer.id}", "admin"], disputeId="dsp_1", orderId="order_none",
               resolution="Un plat manquait.", refundAmount=2500)
    office.quiet()
    push, = office.pushes("phone-of-plainte")
    assert push["notification"]["body"] == \
        "Votre réclamation est réglée. Un plat manquait. 2 500 FCFA sont de retour dans votre portefeuille."
    assert push["data"] == {"type": "DISPUTE_RESOLVED", "orderId": "order_none", "disputeId": "dsp_1"}
    assert "Un plat manquait." in office.mails("plainte@test.reeyo.cm")[-1]["text"]
