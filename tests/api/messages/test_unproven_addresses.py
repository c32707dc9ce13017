# SPDX-License-Identifier: MIT
"""No text that a person chose is sent to an address that is not verified: it may belong to a stranger."""

import pytest

from world.accounts import PASSWORD, new_phone

pytestmark = pytest.mark.slow

LURE = "Gagnez Ici"


def event(office, buyer, shop, kind="order_accepted"):
    """Publishes the event of an order to its customer."""
    order = buyer.api.post("orders", json={"vendorId": shop.id, "items": [{"itemId": shop.items[0], "quantity": 1}],
                                           "paymentMethod": "CASH"}).data
    if kind:
        office.publish(kind, [f"user:{buyer.id}"], orderId=order["orderId"], reason=LURE)
    office.quiet()
    return order


def test_mail_to_an_unverified_address_has_no_names(office):
    shop = office.vendor(business_name=LURE + " Shop")
    buyer = office.customer(firstName="Gagnez", lastName="Ici", email="victim1@test.reeyo.cm")
    order = event(office, buyer, shop, None)
    mails = office.mails("victim1@test.reeyo.cm")
    assert [mail["subject"] for mail in mails][-1] == f"Votre commande {order['orderNumber']}" and len(mails) == 2
    for mail in mails:
        assert "Gagnez" not in str(mail) and "Bonjour," in mail["text"]


def test_mail_to_a_verified_address_has_the_name(office):
    shop = office.vendor(business_name="Chez Rose")
    buyer = office.customer(firstName="Awa", lastName="Ngono", email="owner1@test.reeyo.cm")
    office.sql("UPDATE users SET email_verified = true WHERE id = %s", buyer.id)
    event(office, buyer, shop, None)
    text = office.mails("owner1@test.reeyo.cm")[-1]["text"]
    assert "Bonjour Awa Ngono," in text and "Chez Rose" in text


def test_partners_are_welcomed_without_their_chosen_name(office):
    point = {"address": "Rue Joffre", "city": "Douala", "coordinates": {"lat": 4.05, "lng": 9.7}}
    reply = office.server.api(name="vendor").post("auth/register", json={
        "businessName": LURE, "ownerName": LURE, "email": "victim2@test.reeyo.cm", "phone": new_phone(),
        "password": PASSWORD, "serviceType": "FOOD", "location": point})
    assert reply.status == 201, reply
    reply = office.server.api(name="rider").post("auth/register", json={
        "firstName": "Gagnez", "lastName": "Ici", "email": "victim3@test.reeyo.cm", "phone": new_phone(),
        "password": PASSWORD, "vehicleType": "MOTORCYCLE", "vehicleDetails": {"plateNumber": "LT 1 A"}})
    assert reply.status == 201, reply
    office.quiet()
    for address in ("victim2@test.reeyo.cm", "victim3@test.reeyo.cm"):
        mails = office.mails(address)
        assert mails and not [mail for mail in mails if "Gagnez" in str(mail)], mails


def test_text_messages_to_an_unverified_phone_have_no_names(office):
    shop = office.vendor(business_name=LURE + " Shop")
    buyer = office.customer()
    event(office, buyer, shop)
    assert LURE in office.texts(buyer)[-1]
    office.sql("UPDATE users SET phone_verified = false WHERE id = %s", buyer.id)
    order = office.sql("SELECT id, order_number FROM orders WHERE user_id = %s", buyer.id)[0]
    for kind in ("order_accepted", "order_rejected", "order_cancelled"):
        office.publish(kind, [f"user:{buyer.id}"], orderId=order["id"], reason=LURE)
    office.quiet()
    sent = office.texts(buyer)[2:]
    assert len(sent) >= 2 and all(order["order_number"] in text and "Gagnez" not in text for text in sent), sent


def test_a_changed_address_must_be_verified_again(office):
    vendor, rider, admin = office.vendor(), office.rider(), office.admin()
    for account, path in ((vendor, "vendors"), (rider, "riders")):
        same = admin.api.patch(f"{path}/{account.id}", json={"email": account.email})
        assert same.status == 200, same
        assert office.sql(f"SELECT email_verified FROM {path} WHERE id = %s", vendor.id if path == "vendors" else rider.id)[0][
            "email_verified"] is (path == "vendors")
        reply = admin.api.patch(f"{path}/{account.id}", json={"email": f"new-{path}@test.reeyo.cm"})
        assert reply.status == 200, reply
        assert office.sql(f"SELECT email_verified FROM {path} WHERE id = %s", account.id)[0]["email_verified"] is False
