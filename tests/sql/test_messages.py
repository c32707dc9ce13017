# SPDX-License-Identifier: MIT
"""The queue of messages: which are claimed when, and how a result affects the messages behind."""

import json

import pytest

ALL = {"channels": "{SMS,MAIL,PUSH,SMS,MAIL,PUSH}", "bulks": "{f,f,f,t,t,t}", "claim_s": 150, "behind_s": 60}


@pytest.fixture
def queue(db):
    db.sql("TRUNCATE messages; TRUNCATE device_tokens")
    db.sql("INSERT INTO users (id, phone, email, first_name, password_hash) VALUES ('user_m1', '+237690000001',"
           " 'm1@test.cm', 'Awa', 'x'), ('user_m2', '+237690000002', NULL, 'Paul', 'x') ON CONFLICT DO NOTHING")
    return db


def put(db, recipient="user_m1", channel="SMS", bulk=False):
    return db.value("INSERT INTO messages (kind, recipient, channel, bulk, template, language, until) VALUES ('USER', %s, %s,"
                    " %s, 'code', 'fr', now() + interval '1 hour') RETURNING id", [recipient, channel, bulk])


def claim(db, slots="{9,9,9,9,9,9}"):
    return [int(row[0]) for row in db.run("messages_claim", slots=slots, **ALL) if row[0] is not None]


def end(db, *ends):
    db.run("messages_store_results", results=json.dumps([{"tries": 1, "wait": 0, "gone": [], **one} for one in ends]))


def test_a_long_queue_does_not_hide_its_own_head(queue):
    """The waiting messages became due long before the head did, and are many more than one statement examines."""
    first = put(queue)
    for _ in range(150):
        put(queue)
    queue.sql("UPDATE messages SET next_at = now() - interval '1 hour' WHERE id <> %s", [first])
    assert claim(queue) == [first]
    end(queue, {"id": first, "state": "SENT"})
    assert claim(queue) == [first + 1]
    for _ in range(6):
        assert claim(queue) == []
    assert queue.value("SELECT count(*) FROM messages WHERE state = 'QUEUED' AND next_at <= now()") == 0


def test_the_next_message_of_a_recipient_is_due_when_the_one_before_has_ended(queue):
    first, second, third = put(queue), put(queue), put(queue)
    assert claim(queue) == [first]
    assert claim(queue) == []
    end(queue, {"id": first, "state": "SENT"})
    assert claim(queue) == [second]
    end(queue, {"id": second, "state": "DEAD", "error": "x"})
    assert claim(queue) == [third]


def test_a_message_that_waits_for_a_retry_delays_later_ones_of_its_recipient_only(queue):
    first, second = put(queue), put(queue)
    other, mail, bulk = put(queue, "user_m2"), put(queue, channel="MAIL"), put(queue, bulk=True)
    assert sorted(claim(queue)) == sorted([first, other, mail, bulk])
    end(queue, {"id": first, "state": "QUEUED", "wait": 3600000, "error": "status 503"})
    assert claim(queue) == []
    assert queue.value("SELECT next_at > now() + interval '50 minutes' FROM messages WHERE id = %s", [first])
    queue.sql("UPDATE messages SET next_at = now() WHERE id IN (%s, %s)", [first, second])
    assert claim(queue) == [first]
    assert queue.value("SELECT tries FROM messages WHERE id = %s", [first]) == 2
    assert queue.value("SELECT tries FROM messages WHERE id = %s", [second]) == 0


def test_two_instances_claim_different_messages_and_claims_of_a_dead_one_expire(queue, connect):
    put(queue), put(queue, "user_m2")
    other = connect()
    queue.sql("BEGIN")
    mine = claim(queue, "{1,0,0,0,0,0}")
    theirs = claim(other)
    queue.sql("COMMIT")
    theirs += claim(other)
    assert len(mine) == len(theirs) == 1 and mine != theirs
    assert claim(other) == []
    queue.sql("UPDATE messages SET next_at = next_at - interval '151 seconds'")
    assert sorted(claim(other)) == sorted(mine + theirs)


def test_a_late_result_does_not_queue_a_message_that_another_instance_claimed(queue):
    message = put(queue)
    claim(queue)
    queue.sql("UPDATE messages SET next_at = now()")
    assert claim(queue) == [message]
    end(queue, {"id": message, "state": "QUEUED", "wait": 0, "error": "slow"})
    assert claim(queue) == []
    end(queue, {"id": message, "state": "SENT"})
    end(queue, {"id": message, "tries": 2, "state": "DEAD"})
    assert queue.value("SELECT state FROM messages") == "SENT"


def test_a_retry_is_not_later_than_the_end_of_life(queue):
    first, second = put(queue), put(queue)
    claim(queue)
    end(queue, {"id": first, "state": "QUEUED", "wait": 7200000, "error": "status 503"})
    assert queue.value("SELECT next_at = until FROM messages WHERE id = %s", [first])
    queue.sql("UPDATE messages SET next_at = now() - interval '1 minute', until = now() - interval '1 minute' WHERE id = %s",
              [first])
    assert claim(queue) == [first]
    end(queue, {"id": first, "state": "SKIPPED", "error": "too late", "tries": 2})
    assert claim(queue) == [second]


def test_a_text_message_instead_of_a_push_is_made_once_and_in_time_only(queue):
    push, late = put(queue, channel="PUSH"), put(queue, "user_m2", channel="PUSH")
    queue.sql("UPDATE messages SET params = '{\"code\": \"1\"}', data = '{}', event_id = 7 WHERE id = %s", [push])
    queue.sql("UPDATE messages SET until = now() - interval '1 second' WHERE id = %s", [late])
    claim(queue)
    for _ in range(2):
        end(queue, *({"id": one, "state": "DEAD", "error": "status 404", "text": True} for one in (push, late)))
    made = queue.sql("SELECT event_id, kind, recipient, template, params::text, data, language, state, tries FROM messages"
                     " WHERE channel = 'SMS'")
    assert made == [(7, "USER", "user_m1", "code", '{"code": "1"}', None, "fr", "QUEUED", 0)]
    assert queue.value("SELECT count(DISTINCT until) FROM messages WHERE recipient = 'user_m1'") == 1
    assert len(claim(queue)) == 1


def test_a_try_without_a_request_is_not_counted(queue):
    message = put(queue)
    claim(queue)
    end(queue, {"id": message, "state": "QUEUED", "wait": 0, "error": "no token", "untried": True})
    assert queue.value("SELECT tries FROM messages WHERE id = %s", [message]) == 0
    assert claim(queue) == [message]


def test_the_position_moves_only_when_it_is_as_read(db):
    seen = db.value("SELECT position FROM leases WHERE name = 'messages'")
    row = json.dumps([{"event": 1, "kind": "USER", "recipient": "user_m3", "channel": "SMS", "template": "code",
                       "params": {}, "data": None, "language": "fr", "life": 60}])
    note = json.dumps([{"room": "user:user_m3", "payload": {"type": "X"}}])
    assert db.run("messages_insert", position=seen, next=seen + 5, messages=row, notifications=note) == [(1,)]
    assert db.run("messages_insert", position=seen, next=seen + 5, messages=row, notifications=note) == []
    assert db.value("SELECT count(*) FROM messages WHERE recipient = 'user_m3'") == 1
    assert db.value("SELECT count(*) FROM outbox WHERE aggregate = 'user_m3' AND type = 'notification'") == 1
    db.sql("DELETE FROM outbox WHERE aggregate = 'user_m3'")


def test_facts_are_read_for_the_order_and_the_people_of_an_event(queue):
    queue.sql("UPDATE users SET language = 'en' WHERE id = 'user_m1'")
    queue.sql("INSERT INTO device_tokens (token, account_id, role) VALUES ('t1', 'user_m1', 'USER')")

    def facts(push=True, mail=True):
        rows = queue.run("messages_read_facts", orders="{none,NULL}", users="{user_m1,user_none}", vendors="{NULL,NULL}",
                         riders="{NULL,NULL}", push=push, mail=mail)
        return [row[:6] for row in rows]
    assert facts() == [(None, "user_m1", "en", "Awa", True, True), (None, None, None, None, None, None)]
    assert facts(push=False)[0][4:] == (False, True) and facts(mail=False)[0][4:] == (True, False)


def test_events_are_read_after_the_position_and_after_what_is_done(db):
    first, second = (db.value("INSERT INTO events (aggregate, type, rooms, payload) VALUES ('x', %s, '{user:a,admin}',"
                              " '{\"n\": 1}') RETURNING id", [kind]) for kind in ("new_order", "rider_changed"))
    seen = db.value("UPDATE leases SET position = %s WHERE name = 'messages' RETURNING position", [first - 1])

    def read(after):
        return db.run("messages_read_events", types="{new_order}", after=after, limit=100)
    (position, last, count, event, kind, _, rooms, payload), = read(0)
    assert (position, last, count, event, kind, rooms, payload) == (
        seen, second, 2, first, "new_order", "user:a,admin", '{"n": 1}')
    assert read(first)[0][1:4] == (second, 1, None)
    assert read(second)[0][:4] == (seen, second, 0, None)
    db.sql("DELETE FROM events WHERE id IN (%s, %s)", [first, second])


def test_an_address_is_the_present_one_of_the_account(queue):
    queue.sql("INSERT INTO device_tokens (token, account_id, role) VALUES ('t1', 'user_m1', 'USER'), ('t2', 'user_m1', 'RIDER')")
    assert queue.value("SELECT message_address('USER', 'user_m1', 'SMS')::text") == '["+237690000001"]'
    assert queue.value("SELECT message_address('USER', 'user_m2', 'MAIL')") is None
    assert queue.value("SELECT message_address('USER', 'user_m1', 'PUSH')::text") == '["t1"]'
    assert queue.value("SELECT message_address('USER', 'user_m2', 'PUSH')") is None
    put(queue, channel="PUSH")
    message, = claim(queue)
    end(queue, {"id": message, "state": "DEAD", "gone": ["t1"]})
    assert queue.value("SELECT array_agg(token) FROM device_tokens WHERE account_id = 'user_m1'") == ["t2"]


def test_sent_messages_are_deleted_after_a_week_and_dead_ones_after_a_month(queue):
    for state, days, stays in (("SENT", 8, 0), ("SENT", 6, 1), ("SKIPPED", 8, 0), ("DEAD", 8, 1), ("DEAD", 31, 0),
                               ("QUEUED", 31, 1)):
        message = put(queue)
        queue.sql("UPDATE messages SET state = %s, created_at = now() - %s * interval '1 day' WHERE id = %s",
                  [state, days, message])
        queue.run("sweep_messages", limit=1000)
        assert queue.value("SELECT count(*) FROM messages WHERE id = %s", [message]) == stays, (state, days)
