# SPDX-License-Identifier: MIT
"""Messages about payments, refunds, pay-outs and disputes."""

import pytest

pytestmark = pytest.mark.slow

PAYOUT = {"payoutId": "payout_1", "amount": 50000, "fee": 200, "netAmount": 49800}


def test_a_payment_message_has_its_amount_and_order(office):
    buyer = office.customer("en")
    office.publish_payment(buyer, 12500)
    office.quiet()
    assert office.texts(buyer)[1:] == ["Reeyo: we have received 12 500 XAF. Ref. ref-12500"]
    office.publish("payment_failed", [f"user:{buyer.id}"], transactionId="pay_2", amount=12500, reason="not enough money")
    office.publish("refund_issued", [f"user:{buyer.id}", "admin"], orderId="order_none", amount=1250000)
    office.quiet()
    assert office.texts(buyer)[2:] == [
        "Reeyo: your payment of 12 500 XAF did not go through.",
        "Reeyo: 1 250 000 XAF has been returned to your wallet."]


@pytest.mark.parametrize("kind", ["vendor", "rider"])
def test_each_end_of_a_payout_sends_a_message(office, kind):
    owner = getattr(office, kind)()
    payload = {**PAYOUT, "ownerId": owner.id, "ownerType": kind.upper()}
    for event, more in (("payout_approved", {}), ("payout_rejected", {"reason": "mauvais compte"}),
                        ("payout_completed", {"transactionReference": "MP1"}), ("payout_failed", {"reason": "x"})):
        office.publish(event, [f"{kind}:{owner.id}", "admin"], **payload, **more)
    office.quiet()
    assert office.texts(owner) == [
        "Reeyo : votre retrait de 50 000 FCFA a été approuvé et est en cours.",
        "Reeyo : votre retrait de 50 000 FCFA a été refusé : mauvais compte. L'argent est de retour dans votre portefeuille.",
        "Reeyo : votre retrait a été effectué, vous recevez 49 800 FCFA. Réf. MP1",
        "Reeyo : votre retrait de 50 000 FCFA n'a pas abouti. L'argent est de retour dans votre portefeuille."]
    approved, rejected = office.mails(owner.email)
    assert approved["subject"] == "Votre retrait a été approuvé" and "Frais\u00a0: 200 FCFA" in approved["text"]
    assert "Motif\u00a0: mauvais compte" in rejected["text"]
    assert [row["channel"] for row in office.rows(owner)] == ["SMS", "MAIL", "SMS", "MAIL", "SMS", "SMS"]


def test_a_settled_dispute_sends_a_mail_and_a_push(office):
    buyer = office.customer("fr", email="plainte@test.reeyo.cm")
    office.device(buyer, "phone-of-plainte")
    office.publish("refund_issued", [f"user:{buyer.id}", "admin"], orderId="order_none", amount=2500, disputeId="dsp_1")
    office.publish("dispute_resolved", [f"user:{buyer.id}", "admin"], disputeId="dsp_1", orderId="order_none",
               resolution="Un plat manquait.", refundAmount=2500)
    office.quiet()
    push, = office.pushes("phone-of-plainte")
    assert push["notification"]["body"] == \
        "Votre réclamation a été réglée. Un plat manquait. 2 500 FCFA sont de retour dans votre portefeuille."
    assert push["data"] == {"type": "DISPUTE_RESOLVED", "orderId": "order_none", "disputeId": "dsp_1"}
    assert "Un plat manquait." in office.mails("plainte@test.reeyo.cm")[-1]["text"]


def test_a_long_reason_does_not_make_a_long_text_message(office):
    shop = office.vendor(language="en")
    office.publish("payout_rejected", [f"vendor:{shop.id}", "admin"], **PAYOUT, reason="No. " * 125)
    office.quiet()
    text, = office.texts(shop)
    assert "..." in text and ".... " not in text and len(text) < 240
    mail, = office.sql("SELECT email FROM vendors WHERE id = %s", shop.id)
    assert ("No. " * 125).strip() in office.mails(mail["email"])[-1]["text"]
