# SPDX-License-Identifier: MIT
"""Messages about an order: which, through which channel, in which language."""

import re

import pytest

from world.waiting import until

pytestmark = pytest.mark.slow



def place(buyer, shop):
    reply = buyer.api.post("/api/v1/user/orders", json={
        "vendorId": shop.id, "items": [{"itemId": shop.items[0], "quantity": 2}], "paymentMethod": "WALLET"})
    assert reply.status == 201, reply
    return reply.data


def act(account, path, body=None):
    reply = account.api.post(f"/api/v1/{path}", json=body or {})
    assert reply.status == 200, reply


def bring(order, shop, rider):
    """From placing to delivery."""
    number = order["orderId"]
    act(shop, f"vendor/orders/{number}/accept", {"preparationTime": 25})
    act(rider, f"rider/orders/{number}/accept")
    act(shop, f"vendor/orders/{number}/ready")
    act(rider, f"rider/orders/{number}/confirm-pickup")
    act(rider, f"rider/orders/{number}/arrive-delivery")
    act(rider, f"rider/orders/{number}/complete")


def notes(office, account):
    """Notifications in the app, in order."""
    return office.sql("SELECT payload FROM events WHERE type = 'notification' AND %s = ANY (rooms) ORDER BY id",
                      f"user:{account.id}")


def test_a_customer_without_a_device_gets_text_messages_in_french(office):
    shop, rider = office.vendor(), office.rider()
    buyer = office.customer("fr", money=100000, email="awa@test.reeyo.cm")
    office.sql("UPDATE users SET email_verified = true WHERE id = %s", buyer.id)
    order = place(buyer, shop)
    bring(order, shop, rider)
    office.quiet()
    number = order["orderNumber"]
    assert office.texts(buyer)[1:] == [  # the first is the code of the registration
        f"Reeyo : votre commande {number} a été acceptée par Chez Rose, environ 25 min de préparation.",
        f"Reeyo : votre commande {number} est en chemin avec Emmanuel Tchoupo.",
        f"Reeyo : votre livreur est à la porte avec votre commande {number}.",
        f"Reeyo : votre commande {number} a été livrée. Merci !"]
    welcome, confirmation = office.mails("awa@test.reeyo.cm")
    assert confirmation["subject"] == f"Votre commande {number}" and confirmation["from"] == "bonjour@reeyo.cm"
    assert "Bonjour Awa Ngono," in confirmation["text"]
    assert re.search(r"Total\u00a0: \d [0-9]{3} FCFA", confirmation["text"])


def test_a_customer_with_a_device_gets_pushes_in_english_and_no_text_messages(office):
    shop, rider = office.vendor(), office.rider()
    buyer = office.customer("en", money=100000)
    office.device(buyer, "phone-of-paul")
    order = place(buyer, shop)
    bring(order, shop, rider)
    office.quiet()
    assert len(office.texts(buyer)) == 1  # the code
    sent = office.pushes("phone-of-paul")
    assert [push["notification"]["title"] for push in sent] == [
        "Order received", "Order accepted", "A rider is coming", "On its way", "Your rider is here", "Order delivered"]
    assert sent[1]["notification"]["body"] == \
        f"Your order {order['orderNumber']} has been accepted by Chez Rose. Ready in about 25 minutes."
    assert sent[1]["data"] == {"type": "ORDER_ACCEPTED", "orderId": order["orderId"]}


def test_a_notification_is_in_the_language_of_the_customer(office):
    shop, buyer = office.vendor(), office.customer("fr", money=100000)
    order = place(buyer, shop)
    act(shop, f"vendor/orders/{order['orderId']}/reject", {"reason": "Plus de poisson"})
    office.quiet()
    seen = until(lambda: [note["payload"] for note in notes(office, buyer)][1:], what="a notification")
    assert seen[0]["type"] == "ORDER_REJECTED" and seen[0]["title"] == "Commande refusée"
    assert "Plus de poisson" in seen[0]["body"] and "de retour dans votre portefeuille" in seen[0]["body"]
    assert seen[0]["data"] == {"type": "ORDER_REJECTED", "orderId": order["orderId"]}
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", seen[0]["timestamp"])


def test_a_vendor_gets_a_push_or_text_message_for_a_new_order(office):
    silent, reachable = office.vendor(), office.vendor(language="en")
    office.device(reachable, "till-of-rose")
    buyer = office.customer(money=100000)
    first, second = place(buyer, silent), place(buyer, reachable)
    office.quiet()
    assert first["orderNumber"] in office.texts(silent)[0]
    push, = office.pushes("till-of-rose")
    assert push["notification"]["title"] == "New order" and second["orderNumber"] in push["notification"]["body"]
    assert office.texts(reachable) == []


def test_an_order_given_to_another_rider_sends_messages_to_both_and_the_customer(office):
    boss, shop = office.admin(), office.vendor()
    first, second = office.rider(language="en"), office.rider(language="fr")
    buyer = office.customer("en", money=100000)
    for account, device in ((first, "phone-of-first"), (second, "phone-of-second"), (buyer, "phone-of-buyer")):
        office.device(account, device)
    order = place(buyer, shop)
    act(shop, f"vendor/orders/{order['orderId']}/accept")
    act(first, f"rider/orders/{order['orderId']}/accept")
    act(first, f"rider/orders/{order['orderId']}/confirm-pickup")
    for _ in range(2):  # the second time it is already done
        act(boss, f"admin/orders/{order['orderId']}/assign-rider", {"riderId": second.id})
    office.quiet()
    assert [p["notification"]["title"] for p in office.pushes("phone-of-first")] == ["Delivery given to another rider"]
    assert [p["notification"]["title"] for p in office.pushes("phone-of-second")] == ["Une livraison pour vous"]
    assert order["orderNumber"] in office.pushes("phone-of-second")[0]["notification"]["body"]
    assert [p["notification"]["title"] for p in office.pushes("phone-of-buyer")].count("A rider is coming") == 2


def test_a_vendor_and_a_rider_get_messages_about_their_approval(office):
    boss = office.admin()
    shop, rider = office.vendor(language="en"), office.rider()
    for table, account in (("vendors", shop), ("riders", rider)):
        office.sql(f"UPDATE {table} SET approval_status = 'PENDING', is_online = false WHERE id = %s", account.id)
    for path, body in ((f"vendors/{shop.id}/approve", {}), (f"vendors/{shop.id}/approve", {}),
                       (f"riders/{rider.id}/reject", {"reason": "Permis illisible."})):
        reply = boss.api.post(f"/api/v1/admin/{path}", json=body)
        assert reply.status == 200, reply
    office.quiet()
    assert office.texts(shop) == ["Reeyo: your account has been approved. You can go online now."]
    assert office.texts(rider) == ["Reeyo : nous n'avons pas pu approuver votre compte : Permis illisible."]


@pytest.mark.parametrize("paid", ["FAILED", "PENDING"])
def test_an_order_whose_payment_failed_sends_one_message_without_the_reason_of_the_system(office, paid):
    shop, buyer = office.vendor(), office.customer("fr", money=100000)
    order = place(buyer, shop)
    office.sql("UPDATE orders SET status = 'CANCELLED', active = false, cancelled_by = 'SYSTEM', payment_method = 'CASH',"
               " payment_status = %s WHERE id = %s", paid, order["orderId"])
    rooms = [f"user:{buyer.id}", f"vendor:{shop.id}"]
    office.publish("order_cancelled", rooms, orderId=order["orderId"], reason="Nobody accepted the order in time")
    if paid == "FAILED":
        office.publish("payment_failed", rooms[:1], orderId=order["orderId"], amount=5000, reason="the customer did not confirm")
    office.quiet()
    number = order["orderNumber"]
    assert office.texts(buyer)[1:] == [
        f"Reeyo : votre paiement de 5 000 FCFA n'a pas abouti, et la commande {number} a été annulée."
        if paid == "FAILED" else
        f"Reeyo : votre commande {number} n'a pas été confirmée à temps et a été annulée."]
    sent = [note["payload"]["body"] for account in ("user", "vendor") for note in office.sql(
        "SELECT payload FROM events WHERE type = 'notification' AND %s = ANY (rooms)",
        f"{account}:{buyer.id if account == 'user' else shop.id}")]
    assert sent and not [body for body in sent if "Nobody" in body or "confirm " in body]
    assert any(f"La commande {number} a été annulée." == body for body in sent)


def test_a_rider_gets_an_offer_as_push(office):
    rider = office.rider()
    office.device(rider, "bike-of-emmanuel")
    office.publish("delivery_request", [f"rider:{rider.id}"], orderId="order_none", deliveryFee=1200)
    office.quiet()
    push, = office.pushes("bike-of-emmanuel")
    assert "1 200 FCFA" in push["notification"]["body"] and push["data"]["type"] == "delivery_request"


def test_outdated_events_send_no_messages(office):
    rider = office.rider()
    office.device(rider, "bike-of-late")
    office.sql("INSERT INTO event_log (aggregate, type, rooms, payload, created_at) VALUES ('x', 'delivery_request', %s,"
               " '{}', now() - interval '61 seconds')", [f"rider:{rider.id}"])
    office.quiet()
    assert office.rows(rider) == [] and office.pushes("bike-of-late") == []


def test_an_event_sends_its_message_once_and_a_notification_sends_none(office):
    buyer = office.customer()
    for amount in range(1000, 1020):
        office.publish_payment(buyer, amount)
    office.quiet()
    assert len(office.rows(buyer)) == 20
    assert len(notes(office, buyer)) == 20
    office.publish("notification", [f"user:{buyer.id}"], type="PAYMENT_RECEIVED", title="x", body="y")
    office.quiet()
    assert len(office.rows(buyer)) == 20


@pytest.mark.parametrize("kind, path", [("customer", "user/auth/profile"), ("vendor", "vendor/auth/profile"),
                                        ("rider", "rider/auth/profile")])
def test_messages_are_in_the_language_of_the_profile(office, kind, path):
    account = getattr(office, kind)()
    assert account.api.put(f"/api/v1/{path}", json={"language": "xx"}).status == 400
    assert account.api.put(f"/api/v1/{path}", json={"language": "EN"}).status == 200
    table = {"customer": "users", "vendor": "vendors", "rider": "riders"}[kind]
    assert office.sql(f"SELECT language FROM {table} WHERE id = %s", account.id) == [{"language": "en"}]
