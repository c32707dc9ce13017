# SPDX-License-Identifier: MIT
"""Messages in the admin namespace: dead messages, retries and broadcasts."""

import json

import pytest

from world.streams import Stream
from world.waiting import until

pytestmark = pytest.mark.slow

ROW = {"id", "event_id", "recipient_type", "recipient_id", "channel", "template", "language", "status", "tries", "next_at",
       "last_error", "created_at", "sent_at"}


def put(sql, account, state="DEAD", channel="SMS"):
    return "msg_%d" % sql("INSERT INTO messages (kind, recipient, channel, template, params, language, state, tries, last_error,"
                          " until) VALUES ('USER', %s, %s, 'refund_issued', '{\"amount\": 500}', 'fr', %s, 8, 'status 500',"
                          " now() - interval '1 hour') RETURNING id", account, channel, state)[0]["id"]


def test_dead_messages_are_listed_without_their_text(admin_api, customer, sql):
    account = customer().id
    first, mail = put(sql, account), put(sql, account, channel="MAIL")
    reply = admin_api.get(f"/api/v1/admin/messages?status=DEAD&channel=sms&recipient={account}")
    assert [row["id"] for row in reply.data] == [first]
    row, = reply.data
    assert set(row) == ROW and row["status"] == "DEAD" and row["tries"] == 8 and row["last_error"] == "status 500"
    assert "500 FCFA" not in str(row) and row["next_at"] is None
    assert reply.json["meta"]["total"] == 1
    assert [row["id"] for row in admin_api.get(f"/api/v1/admin/messages?recipient={account}&limit=1").data] == [mail]


def test_a_dead_message_is_sent_again_and_audited(admin_api, customer, sql):
    message = put(sql, customer().id)
    reply = admin_api.post(f"/api/v1/admin/messages/{message}/retry")
    assert reply.status == 200 and reply.data["status"] == "QUEUED" and reply.data["tries"] == 0
    until(lambda: sql("SELECT 1 FROM messages WHERE id = %s AND state = 'SENT'", int(message[4:])), what="the message")
    assert sql("SELECT act FROM admin_audit WHERE subject = %s", message) == [{"act": "message.retry"}]
    again = admin_api.post(f"/api/v1/admin/messages/{message}/retry")
    assert (again.status, again.code) == (409, "CONFLICT")
    for other in ("msg_999999999", "msg_x", "order_1"):
        assert admin_api.post(f"/api/v1/admin/messages/{other}/retry").status == 404


def test_an_unknown_filter_value_is_refused(admin_api):
    assert admin_api.get("/api/v1/admin/messages?status=LOST").status == 400
    assert admin_api.get("/api/v1/admin/messages?channel=pigeon").status == 400


def test_a_broadcast_reaches_the_listed_accounts_by_push_and_stream(server, admin_api, customer, sql):
    reached, without, other = customer(), customer(), customer()
    sql("INSERT INTO device_tokens (token, account_id, role) VALUES (%s, %s, 'USER')", f"b-{reached.id}", reached.id)
    listening = Stream(server.port, reached.token)
    reply = admin_api.post("/api/v1/admin/broadcast/users", json={
        "title": "Fête", "body": "Livraison {gratuite} [demain]", "data": {"page": "promo", "n": 3, "new": True, "lat": 4.05, "none": None},
        "userIds": [reached.id, without.id, "user_none"]})
    assert (reply.status, reply.data) == (200, {"targeted": 2, "sent": 1, "failed": 1}), reply
    event = listening.until("broadcast")
    content = event.data if isinstance(event.data, dict) else json.loads(event.data)
    assert content["title"] == "Fête" and content["body"] == "Livraison {gratuite} [demain]"
    assert content["data"] == {"type": "BROADCAST", "page": "promo", "n": "3", "new": "true", "lat": "4.05"}
    listening.close()
    row = until(lambda: sql("SELECT * FROM messages WHERE recipient = %s AND bulk AND state = 'SENT'", reached.id),
                what="the push")[0]
    assert row["channel"] == "PUSH" and row["event_id"] is None
    assert sql("SELECT 1 FROM messages WHERE recipient IN (%s, %s) AND bulk", without.id, other.id) == []
    assert server.wait_log(msg="message", subject="Fête")["text"] == "Livraison {gratuite} [demain]"


def test_a_broadcast_to_more_than_eight_accounts_reaches_each_of_them(server, admin_api, customer):
    people = [customer() for _ in range(9)]
    listening = [Stream(server.port, one.token) for one in people]
    reply = admin_api.post("/api/v1/admin/broadcast/users", json={"title": "Neuf", "body": "Bonjour",
                                                                  "userIds": [one.id for one in people]})
    assert reply.data["targeted"] == 9
    for stream in listening:
        assert "Neuf" in str(stream.until("broadcast").data)
        stream.close()


def test_a_broadcast_to_all_riders_reaches_only_riders(server, admin_api, customer, rider, sql):
    man, buyer = rider(), customer()
    for account, role in ((man, "RIDER"), (buyer, "USER")):
        sql("INSERT INTO device_tokens (token, account_id, role) VALUES (%s, %s, %s)", f"c-{account.id}", account.id, role)
    reply = admin_api.post("/api/v1/admin/broadcast/riders", json={"title": "Pluie", "message": "Prudence"})
    assert reply.data["sent"] >= 1 and reply.data["targeted"] == reply.data["sent"] + reply.data["failed"]
    until(lambda: sql("SELECT 1 FROM broadcasts WHERE params ->> 'title' = 'Pluie' AND done"), what="all messages of it")
    assert sql("SELECT count(*) AS n FROM messages WHERE recipient = %s AND template = 'broadcast'", man.id)[0]["n"] == 1
    assert sql("SELECT 1 FROM messages WHERE recipient = %s AND template = 'broadcast'", buyer.id) == []
    assert until(lambda: sql("SELECT rooms FROM events WHERE type = 'broadcast' AND payload ->> 'title' = 'Pluie'"))[0][
        "rooms"] == ["riders"]
    nowhere = admin_api.post("/api/v1/admin/broadcast/vendors", json={"title": "x", "body": "y", "country": "GH"})
    assert nowhere.data == {"targeted": 0, "sent": 0, "failed": 0}
    acts = sql("SELECT details FROM admin_audit WHERE act = 'broadcast' AND subject = 'riders' ORDER BY id DESC LIMIT 1")
    assert acts[0]["details"]["title"] == "Pluie"


def test_a_large_broadcast_creates_one_message_for_each_account_with_a_device(admin_api, sql):
    sql("INSERT INTO riders (id, phone, password_hash, first_name, last_name, vehicle_type, status)"
        " SELECT 'rider_many_' || n, '+23762' || 1000000 + n, 'x', 'Un', 'Parmi', 'BICYCLE',"
        " CASE n % 50 WHEN 0 THEN 'INACTIVE' ELSE 'ACTIVE' END FROM generate_series(1, 2500) n")
    sql("INSERT INTO device_tokens (token, account_id, role) SELECT 'm-' || n || part, 'rider_many_' || n, 'RIDER'"
        " FROM generate_series(1, 2500) n, unnest(ARRAY['a', 'b']) part")
    reply = admin_api.post("/api/v1/admin/broadcast/riders", json={"title": "Foule", "body": "Bonjour"})
    assert reply.data["sent"] >= 2450
    until(lambda: sql("SELECT 1 FROM broadcasts WHERE params ->> 'title' = 'Foule' AND done"), what="all messages of it")
    made = sql("SELECT count(*) AS n, count(DISTINCT recipient) AS people,"
               " count(*) FILTER (WHERE starts_with(recipient, 'rider_many_')) AS many"
               " FROM messages WHERE params ->> 'title' = 'Foule'")[0]
    assert made == {"n": reply.data["sent"], "people": reply.data["sent"], "many": 2450}
    sql("UPDATE messages SET state = 'SKIPPED' WHERE id IN (SELECT id FROM messages"
        " WHERE starts_with(recipient, 'rider_many_') AND state = 'QUEUED' FOR UPDATE SKIP LOCKED)")
    sql("DELETE FROM device_tokens WHERE starts_with(account_id, 'rider_many_')")


def test_an_invalid_broadcast_is_refused(admin_api, customer_api):
    for body in ({}, {"title": "x"}, {"title": "x", "body": ""}, {"title": "x", "body": "y", "data": {"a": [1]}},
                 {"title": "x", "body": "y", "data": {"google.x": "1"}}, {"title": "x", "body": "y", "data": {"from": "1"}},
                 {"title": "x", "body": "y", "data": {"a": "z" * 2048}},
                 {"title": "x" * 100, "body": "\U0001f389" * 900}, {"title": "x", "body": "y", "audience": "VIP"},
                 {"title": "x", "body": "y", "userIds": "user_1"}):
        assert admin_api.post("/api/v1/admin/broadcast/users", json=body).status == 400, body
    assert customer_api.post("/api/v1/admin/broadcast/users", json={"title": "x", "body": "y"}).status == 403
