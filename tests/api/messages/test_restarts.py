# SPDX-License-Identifier: MIT
"""Instances that die, run at the same time or have no providers."""

import pytest

from world.office import SMS_PATH, Office, providers
from world.server import PRODUCTION
from world.waiting import until

pytestmark = pytest.mark.slow


@pytest.fixture
def offices(start_server, fake, tmp_path):
    """offices(**configuration): a server with its own fake providers."""
    made = []

    def start(**configuration):
        sms, mail, push = fake("twilio"), fake("sendgrid"), fake("fcm")
        server = start_server(**{**providers(sms, mail, push, tmp_path), **configuration})
        made.append(Office(server, sms, mail, push))
        return made[-1]
    yield start
    for office in made:
        office.sql.close()


def amounts(texts):
    return [int(text.split("ref-")[1]) for text in texts if "ref-" in text]


def test_an_instance_that_is_killed_loses_nothing_and_order_is_kept(offices):
    office = offices()
    people = [office.customer("en") for _ in range(5)]
    for turn in range(6):
        for person in people:
            office.publish_payment(person, 1000 + turn)
        if turn in (2, 4):
            office.wait_notified()
            office.server.kill()
            office.end_claims()
            office.server.start()
    office.quiet()
    for person in people:
        sent = amounts(office.texts(person))
        assert sorted(set(sent)) == list(range(1000, 1006))
        firsts = [sent.index(amount) for amount in range(1000, 1006)]
        assert firsts == sorted(firsts), sent


def test_messages_under_way_at_a_shutdown_are_sent_afterwards(offices):
    office = offices()
    buyer, other = office.customer("en"), office.customer("en")
    office.device(other, "phone-of-stop")
    office.sms.script(SMS_PATH, ("slow", {"ms": 20000}))
    office.push.script("/token", ("slow", {"ms": 3000}))
    for person in (buyer, other):
        office.publish_payment(person, 1000)
    until(lambda: office.under_way() == 2, what="two messages under way")
    office.server.restart()
    assert office.under_way() == 2  # whether they were sent is unknown
    office.end_claims()
    office.quiet()
    assert amounts(office.texts(buyer)) == [1000]
    assert len(office.pushes("phone-of-stop")) == 1


def test_two_instances_send_each_message_once(offices, start_server):
    office = offices()
    configuration = {key: value for key, value in office.server.configuration.items()
                     if not key.startswith("listen") and key != "redis_url"}
    second = start_server(**configuration)
    people = [office.customer("en") for _ in range(4)]
    for amount in range(2000, 2010):
        for person in people:
            office.publish_payment(person, amount)
    office.quiet()
    for person in people:
        assert amounts(office.texts(person)) == list(range(2000, 2010))
    assert any(line.get("msg") == "leading" and line["lease"] == "messages" for one in (office.server, second)
               for line in one.log())
    office.server.kill()
    office.publish_payment(people[0], 2010)
    until(lambda: amounts(office.texts(people[0]))[-1] == 2010, what="the message by the instance that takes over")


def test_without_credentials_no_message_is_queued_and_the_app_is_notified(offices):
    office = offices(twilio_sid="", sendgrid_key="", fcm_account="")
    buyer = office.customer("en", email="nobody@test.reeyo.cm")
    office.device(buyer, "phone-of-nobody")
    office.quiet()
    before = office.not_made("no_provider")
    office.publish_payment(buyer, 1000)
    office.publish("delivery_request", [f"rider:{office.rider().id}"], orderId="order_none", deliveryFee=1200)
    office.quiet()
    assert office.rows(buyer) == []
    assert office.not_made("no_provider") == before + 2
    note, = office.sql("SELECT payload FROM events WHERE type = 'notification' AND %s = ANY (rooms)", f"user:{buyer.id}")
    assert note["payload"]["type"] == "PAYMENT_RECEIVED"
    assert office.sms.log() == [] and office.mail.log() == [] and office.push.taken() == []


def test_a_channel_that_only_logs_queues_nothing(offices):
    office = offices(sms="log", twilio_url=None)
    buyer = office.customer("en")
    office.quiet()
    office.publish_payment(buyer, 1000)
    line = office.server.wait_log(msg="message", to=buyer.id)
    assert line["channel"] == "sms" and line["text"].startswith("Reeyo: we have received 1 000 XAF")
    office.quiet()
    assert office.rows(buyer) == []


def test_without_a_provider_a_broadcast_ends_without_messages(offices):
    office = offices(push="off")
    buyer = office.customer("en")
    office.device(buyer, "phone-of-silence")
    office.quiet()
    before = office.not_made("no_provider")
    reply = office.admin().api.post("/api/v1/admin/broadcast/users", json={"title": "Rien", "body": "x", "userIds": [buyer.id]})
    assert reply.data == {"targeted": 1, "sent": 1, "failed": 0}
    until(lambda: office.sql("SELECT 1 FROM broadcasts WHERE done"), what="the end of the broadcast")
    until(lambda: office.not_made("no_provider") == before + 1, what="the count")
    assert office.sql("SELECT 1 FROM messages WHERE bulk") == []


def test_a_message_without_an_address_is_counted_and_not_queued(offices):
    office = offices()
    buyer = office.customer("en")
    office.quiet()
    before = office.not_made("no_address")
    office.publish("dispute_rejected", [f"user:{buyer.id}", "admin"], disputeId="dsp_1", orderId="order_none", reason="x")
    office.quiet()
    assert office.rows(buyer) == []
    assert office.not_made("no_address") == before + 2  # neither a device nor an e-mail address


def test_production_logs_neither_phones_nor_texts(offices):
    office = offices(**PRODUCTION, sms="log", mail="log", push="log", twilio_url=None, sendgrid_url=None, fcm_url=None)
    reply = office.server.api().post("auth/register", json={"firstName": "Awa", "lastName": "Ngono",
                                     "phone": "+237699112233", "password": "Kumba-2024!", "email": "geheim@test.reeyo.cm"})
    assert reply.status == 201, reply
    office.quiet()
    log = office.server.log_text()
    assert "message skipped" in log
    for secret in ("699112233", "geheim", "code is", "Welcome"):
        assert secret not in log


def test_production_fetches_its_firebase_token_over_tls_only(start_server, fake, tmp_path):
    keys = providers(fake("twilio"), fake("sendgrid"), fake("fcm"), tmp_path)
    server = start_server(ready=False, **{**PRODUCTION, "push": "fcm", "fcm_account": keys["fcm_account"]}).spawn()
    assert server.process.wait(30) != 0
    assert "token_uri must be https" in server.log_text()
    server.process = None


def test_pushes_go_through_sns_with_a_valid_signature(start_server, fake, tmp_path):
    sms, mail, push, sns = fake("twilio"), fake("sendgrid"), fake("fcm"), fake("sns")
    server = start_server(**{**providers(sms, mail, push, tmp_path), "push": "sns", "sns_url": sns.url,
                             "sns_key_id": "AKIATEST", "sns_key": "sns-secret"})
    office = Office(server, sms, mail, push)
    buyer = office.customer("fr")
    office.device(buyer, "arn:aws:sns:eu-west-1:1:endpoint/GCM/reeyo/1")
    office.device(buyer, "disabled:arn:2")
    office.device(buyer, "deleted:arn:3")
    office.publish_payment(buyer, 12500)
    office.quiet()
    assert [row["state"] for row in office.rows(buyer)] == ["SENT"], office.rows(buyer)
    alone = office.customer("fr")
    office.device(alone, "deleted:arn:4")
    office.publish_payment(alone, 1000)
    office.quiet()
    assert [(row["state"], row["last_error"]) for row in office.rows(alone)] == [
        ("DEAD", "status 400, InvalidParameter"), ("SENT", None)]
    sent, = sns.taken()
    assert 3 * 86400 - 120 < int(sent["life"]) <= 3 * 86400
    assert sent["default"] == "Nous avons reçu 12 500 FCFA."
    assert sent["google"]["data"] == {"type": "PAYMENT_RECEIVED", "transactionId": "pay_1"}
    assert sent["apple"]["aps"]["alert"]["title"] == "Paiement reçu"
    assert office.sql("SELECT count(*) AS n FROM device_tokens WHERE account_id = %s", buyer.id)[0]["n"] == 1
    office.sql.close()


def test_a_faulty_template_stops_the_server_from_starting(start_server, tmp_path):
    for language in ("en", "fr"):
        (tmp_path / language).mkdir()
        (tmp_path / language / "code.sms").write_text("Your {cod}\n")
    server = start_server(ready=False, messages_dir=str(tmp_path)).spawn()
    assert server.process.wait(30) != 0
    assert "code.sms: the message has no word cod" in server.log_text()
    server.process = None
