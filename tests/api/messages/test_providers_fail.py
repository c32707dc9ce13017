# SPDX-License-Identifier: MIT
"""Providers that are down, slow, overloaded or refuse: no message is lost, order is kept, and no request fails."""

import datetime
import time

import pytest

from world.accounts import new_phone, register
from world.office import MAIL_PATH, PUSH_PATH, SMS_PATH
from world.waiting import until

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def well_again(office):
    office.quiet()
    for fake in (office.sms, office.mail, office.push):
        fake.reset()
    yield


@pytest.mark.parametrize("fault", [("status", {"status": 500}), "reset", ("status", {"status": 429})])
def test_a_temporary_failure_is_retried_and_order_is_kept(office, fault):
    buyer, other = office.customer("en"), office.customer("en")
    office.sms.reset()
    office.sms.script(SMS_PATH, fault)
    office.publish_payment(buyer, 1000)
    assert office.failed(buyer)["tries"] == 1
    office.publish_payment(buyer, 2000)
    office.publish_payment(other, 3000)
    office.wait_notified()
    until(lambda: office.texts(other), what="the other's message")
    assert office.texts(buyer) == []
    office.hurry()
    office.quiet()
    assert [text.split("ref-")[1] for text in office.texts(buyer)] == ["1000", "2000"]
    assert [row["state"] for row in office.rows(buyer)] == ["SENT", "SENT"]


def test_the_retry_after_of_a_provider_is_respected(office):
    buyer = office.customer()
    office.sms.script(SMS_PATH, ("status", {"status": 429, "retry_after": 3000}))
    office.publish_payment(buyer, 1000)
    row = office.failed(buyer)
    assert row["last_error"] == "status 429"
    assert row["next_at"] - row["created_at"] > datetime.timedelta(seconds=3000)  # the normal back-off is seconds
    office.hurry()
    office.quiet()


def test_a_message_that_is_never_accepted_is_dead_after_eight_tries_and_the_next_one_is_sent(office):
    buyer = office.customer("en")
    office.sms.script(SMS_PATH, *[("status", {"status": 500})] * 8)
    office.publish_payment(buyer, 1000)
    office.publish_payment(buyer, 2000)
    office.wait_notified()

    def dead():
        office.hurry()
        return office.rows(buyer, "DEAD")
    row = until(dead, 60, "the end of its tries")[0]
    assert row["tries"] == 8 and row["last_error"] == "status 500"
    office.quiet()
    assert [text.split("ref-")[1] for text in office.texts(buyer) if "ref-" in text] == ["2000"]


def test_a_bad_number_is_dead_at_once(office):
    buyer = office.customer()
    office.sql("UPDATE users SET phone = %s WHERE id = %s", new_phone()[:9] + "0000", buyer.id)
    office.publish_payment(buyer, 1000)
    office.quiet()
    row, = office.rows(buyer)
    assert (row["state"], row["tries"], row["last_error"]) == ("DEAD", 1, "status 400, 21610")


def test_a_device_without_the_app_is_deleted_and_the_others_receive_the_push(office):
    buyer = office.customer("en")
    office.device(buyer, "gone-phone-1")
    office.device(buyer, "phone-that-stays")
    office.publish_payment(buyer, 1000)
    office.quiet()
    assert [row["state"] for row in office.rows(buyer)] == ["SENT"]
    assert len(office.pushes("phone-that-stays")) == 1
    assert [row["token"] for row in office.sql("SELECT token FROM device_tokens WHERE account_id = %s", buyer.id)] == [
        "phone-that-stays"]


@pytest.mark.parametrize("device", ["gone-till", "invalid-till"])
def test_a_text_message_is_sent_when_the_app_is_gone(office, device):
    shop = office.vendor(language="en")
    office.device(shop, device)
    office.publish("new_order", [f"vendor:{shop.id}"], orderNumber="F-77", total=4500)
    office.quiet()
    assert [(row["channel"], row["state"]) for row in office.rows(shop)] == [("PUSH", "DEAD"), ("SMS", "SENT")]
    assert "F-77" in office.texts(shop)[0]
    push, text = office.rows(shop)
    assert (text["event_id"], text["until"], text["data"]) == (push["event_id"], push["until"], None)
    assert office.sql("SELECT 1 FROM device_tokens WHERE account_id = %s", shop.id) == []


def test_a_text_message_is_sent_when_the_device_is_removed_between_two_tries(office):
    buyer = office.customer("en")
    office.device(buyer, "phone-that-leaves")
    office.push.script(PUSH_PATH, ("status", {"status": 500}))
    office.publish_payment(buyer, 1000)
    office.failed(buyer)
    office.sql("DELETE FROM device_tokens WHERE account_id = %s", buyer.id)
    office.hurry()
    office.quiet()
    assert [(row["channel"], row["state"], row["last_error"]) for row in office.rows(buyer)] == [
        ("PUSH", "SKIPPED", "no address"), ("SMS", "SENT", None)]
    assert [text for text in office.texts(buyer) if "ref-1000" in text]


def test_a_push_refused_for_its_content_becomes_a_text_message_and_keeps_its_device(office):
    buyer = office.customer("en")
    office.device(buyer, "phone-of-refused")
    office.push.script(PUSH_PATH, ("status", {"status": 400, "body": {"error": {"status": "INVALID_ARGUMENT"}}}))
    office.publish_payment(buyer, 1000)
    office.quiet()
    assert [(row["channel"], row["state"]) for row in office.rows(buyer)] == [("PUSH", "DEAD"), ("SMS", "SENT")]
    assert office.sql("SELECT 1 FROM device_tokens WHERE account_id = %s", buyer.id)


def test_a_message_without_an_sms_template_sends_no_text_message(office):
    rider = office.rider()
    office.device(rider, "gone-bike")
    office.publish("delivery_request", [f"rider:{rider.id}"], orderId="order_none", deliveryFee=1200)
    office.quiet()
    assert [(row["channel"], row["state"]) for row in office.rows(rider)] == [("PUSH", "DEAD")]
    assert office.texts(rider) == []


def test_an_invalid_token_of_firebase_is_fetched_again(office):
    buyer = office.customer("en")
    office.device(buyer, "phone-of-token")
    office.publish_payment(buyer, 1000)
    office.quiet()
    office.push.script(PUSH_PATH, "revoke")
    office.publish_payment(buyer, 2000)
    assert office.failed(buyer)["last_error"] == "status 401, UNAUTHENTICATED"
    office.hurry()
    office.quiet()
    assert len(office.pushes("phone-of-token")) == 2
    assert len(office.push.log("/token")) >= 1


def test_a_push_that_apple_refuses_keeps_the_access_token_for_others(office):
    buyer, other = office.customer("en"), office.customer("en")
    office.device(buyer, "apple-phone")
    office.device(other, "phone-of-other")
    office.publish_payment(other, 1000)
    office.quiet()
    office.publish_payment(buyer, 2000)
    assert office.failed(buyer)["last_error"] == "status 401, THIRD_PARTY_AUTH_ERROR"
    office.publish_payment(other, 3000)
    until(lambda: len(office.pushes("phone-of-other")) == 2, what="the other's push")
    assert len(office.push.log("/token")) <= 1
    office.sql("UPDATE messages SET until = now() WHERE recipient = %s", buyer.id)
    office.hurry()


def test_without_an_access_token_pushes_wait_and_use_no_try(office):
    buyer = office.customer("en")
    office.device(buyer, "phone-of-patience")
    office.push.script(PUSH_PATH, "revoke")
    office.publish_payment(buyer, 1000)
    assert office.failed(buyer)["tries"] == 1
    office.push.script("/token", *[("status", {"status": 500})] * 2)

    def waits():
        office.hurry()
        return office.rows(buyer)[0]["last_error"] == "no token"
    until(waits, what="a push without a token")
    assert office.rows(buyer)[0]["tries"] == 1
    for _ in range(20):
        office.hurry()
    assert len(office.push.log("/token")) <= 2

    def sent():
        office.hurry()
        return office.pushes("phone-of-patience")
    until(sent, 60, "the push")
    office.quiet()
    assert office.rows(buyer)[0]["tries"] == 2


def test_a_push_has_a_time_to_live(office):
    rider = office.rider()
    office.device(rider, "bike-of-life")
    office.publish("delivery_request", [f"rider:{rider.id}"], orderId="order_none", deliveryFee=1200)
    office.quiet()
    push, = office.pushes("bike-of-life")
    assert 45 <= int(push["android"]["ttl"].rstrip("s")) <= 60
    assert 45 <= int(push["apns"]["headers"]["apns-expiration"]) - time.time() <= 61


def test_mails_are_retried_and_a_bad_address_is_dead(office):
    office.mail.script(MAIL_PATH, ("status", {"status": 503}))
    buyer = office.customer("en", email=f"m{new_phone()[-6:]}@test.reeyo.cm")
    assert office.failed(buyer)["last_error"] == "status 503"
    office.hurry()
    office.quiet()
    assert [row["state"] for row in office.rows(buyer)] == ["SENT"]
    lost = office.customer("en", email=f"m{new_phone()[-6:]}@nowhere.invalid")
    office.quiet()
    assert [row["state"] for row in office.rows(lost)] == ["DEAD"]


def test_a_registration_answers_while_text_messages_fail(office):
    office.sms.script(SMS_PATH, *["reset"] * 2)
    made = register(office.server, verified=False, address=False)
    code = until(lambda: office.texts(made), 30, "the code, tried again")
    assert "your code is" in code[0]
    assert office.sql("SELECT 1 FROM messages WHERE template LIKE '%%code%%'") == []


def test_a_slow_provider_delays_its_own_channel_only(office):
    slow, quick = office.customer("en"), office.customer("en")
    office.device(quick, "phone-of-quick")
    office.sms.script(SMS_PATH, "held")
    office.publish_payment(slow, 1000)
    office.publish_payment(quick, 2000)
    office.wait_notified()
    until(lambda: office.pushes("phone-of-quick"), what="the push")
    assert [row["state"] for row in office.rows(slow)] == ["QUEUED"]
    office.sms.go()
    office.quiet()
