# SPDX-License-Identifier: MIT
"""The queue of messages: which are read when, by whom, and what a result does."""

import json

import pytest

KINDS = {"channels": "{SMS,MAIL,PUSH,SMS,MAIL,PUSH}", "bulks": "{f,f,f,t,t,t}"}
NONE = "{0,0,0,0,0,0}"


@pytest.fixture
def queue(db):
    db.sql("TRUNCATE messages, message_claims, device_tokens")
    db.sql("INSERT INTO users (id, phone, email, first_name, password_hash) VALUES ('user_m1', '+237690000001',"
           " 'm1@test.cm', 'Awa', 'x'), ('user_m2', '+237690000002', NULL, 'Paul', 'x') ON CONFLICT DO NOTHING")
    lead(db, "me")
    return db


def lead(db, holder):
    db.sql("UPDATE leases SET holder = %s, until = now() + interval '1 minute' WHERE name = 'messages'", [holder])


def put(db, recipient="user_m1", channel="SMS", bulk=False):
    return db.value("INSERT INTO messages (kind, recipient, channel, bulk, template, language, until) VALUES ('USER', %s, %s,"
                    " %s, 'code', 'fr', now() + interval '1 hour') RETURNING id", [recipient, channel, bulk])


def take(db, holder="me", after=0, counts="{9,9,9,9,9,9}", ids="{}", held="{}"):
    """(leads, [(id, milliseconds to wait)])"""
    rows = db.run("messages_take", holder=holder, afters="{%s}" % ",".join([str(after)] * 6), counts=counts, ids=ids, held=held,
                  claim_s=150, **KINDS)
    return rows[0][0], [(row[1], row[10]) for row in rows if row[1] is not None]


def taken(db, *args, **more):
    return [message for message, wait in take(db, *args, **more)[1] if wait == 0]


def end(db, *ends):
    db.run("messages_store_results", results=json.dumps([{"tries": 1, "wait": 0, "gone": [], **one} for one in ends]))


def test_messages_are_read_in_order_after_the_last_one_that_was_read(queue):
    made = [put(queue, f"user_m{n % 2 + 1}") for n in range(5)]
    mail = put(queue, channel="MAIL")
    assert taken(queue, counts="{3,0,0,0,0,0}") == made[:3]
    assert taken(queue, after=made[2]) == made[3:] + [mail]
    assert taken(queue, counts=NONE, ids="{%d,%d}" % (made[1], made[4])) == [made[1], made[4]]


def test_a_page_costs_the_same_whatever_waits_behind(queue):
    queue.sql("INSERT INTO messages (kind, recipient, channel, template, language, until)"
              " SELECT 'USER', 'user_m' || n % 2 + 1, 'PUSH', 'code', 'fr', now() + interval '1 hour' FROM generate_series(1, 20000) n")
    queue.sql("ANALYZE messages")
    plan = "\n".join(row[0] for row in queue.sql(
        "EXPLAIN (ANALYZE, TIMING off) SELECT * FROM messages m WHERE m.state = 'QUEUED' AND m.channel = 'PUSH' AND NOT m.bulk"
        " AND m.id > 0 ORDER BY m.id NULLS FIRST LIMIT 100"))
    assert "messages_queue" in plan and "Sort" not in plan and "rows=100 " in plan, plan


def test_nothing_is_read_without_the_lease(queue):
    message = put(queue)
    lead(queue, "other")
    assert take(queue) == (False, [])
    assert take(queue, "other") == (True, [(message, 0)])
    queue.sql("UPDATE leases SET until = now() WHERE name = 'messages'")
    assert take(queue, "other") == (False, [])


def test_a_new_leader_waits_for_what_the_last_one_may_be_sending(queue):
    first, second = put(queue), put(queue, "user_m2")
    assert taken(queue, counts="{1,0,0,0,0,0}") == [first]
    lead(queue, "other")
    (one, wait), free = take(queue, "other")[1]
    assert one == first and 149000 < wait <= 150000 and free == (second, 0)
    rows = queue.run("messages_recheck", holder="other", afters=NONE, lasts="{%s}" % ",".join([str(second)] * 6), limit=9, **KINDS)
    assert [(row[0], row[4] > 0) for row in rows] == [(first, True), (second, False)]
    queue.sql("UPDATE message_claims SET until = now() - interval '1 second' WHERE holder = 'me'")
    assert taken(queue, "other") == [first, second]
    assert queue.sql("SELECT holder FROM message_claims") == [("other",)]


def test_an_instance_releases_what_it_did_not_begin(queue):
    first, second = put(queue), put(queue, "user_m2")
    taken(queue, held="{77}")
    assert queue.value("SELECT ids FROM message_claims") == [77, first, second]
    queue.run("messages_release", holder="me", ids="{%d}" % first)
    lead(queue, "other")
    assert taken(queue, "other") == [second]


def test_what_an_instance_of_the_previous_release_claimed_waits(queue):
    claimed, behind = put(queue), put(queue)
    queue.sql("UPDATE messages SET next_at = now() + interval '150 seconds', tries = tries + (id = %s)::integer", [claimed])
    assert [(message, wait > 0) for message, wait in take(queue)[1]] == [(claimed, True), (behind, False)]


def test_a_message_waits_for_its_retry(queue):
    message = put(queue)
    taken(queue)
    end(queue, {"id": message, "state": "QUEUED", "wait": 3600000, "error": "status 503"})
    assert queue.value("SELECT tries FROM messages") == 1
    (again, wait), = take(queue)[1]
    assert again == message and 3500000 < wait <= 3600000
    queue.sql("UPDATE messages SET next_at = now()")
    assert taken(queue) == [message]


def test_a_late_result_does_not_change_what_another_instance_ended(queue):
    message = put(queue)
    end(queue, {"id": message, "state": "QUEUED", "tries": 2, "wait": 0, "error": "slow"})
    end(queue, {"id": message, "state": "QUEUED", "tries": 1, "wait": 3600000, "error": "later"})
    assert queue.sql("SELECT tries, last_error FROM messages") == [(2, "slow")]
    end(queue, {"id": message, "state": "SENT", "tries": 3})
    end(queue, {"id": message, "tries": 3, "state": "DEAD"})
    assert queue.sql("SELECT state, tries FROM messages") == [("SENT", 3)]


def test_a_message_that_was_sent_changes_no_index_but_the_key_and_its_queue(queue):
    """Its row is updated once; a retry changes no index at all."""
    message = put(queue)
    queue.sql("SELECT pg_stat_force_next_flush()")
    queue.sql("SELECT pg_stat_reset_single_table_counters('messages'::regclass)")
    end(queue, {"id": message, "state": "QUEUED", "wait": 0, "error": "slow"})
    end(queue, {"id": message, "state": "SENT", "tries": 2})
    queue.sql("SELECT pg_stat_force_next_flush()")
    assert queue.sql("SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = 'messages'") == [(2, 1)]
    assert queue.sql("SELECT indexrelid::regclass::text FROM pg_index WHERE indrelid = 'messages'::regclass ORDER BY 1") == [
        ("messages_created",), ("messages_dead",), ("messages_pkey",), ("messages_queue",)]


def test_a_retry_is_not_later_than_the_end_of_life(queue):
    first = put(queue)
    end(queue, {"id": first, "state": "QUEUED", "wait": 7200000, "error": "status 503"})
    assert queue.value("SELECT next_at = until FROM messages WHERE id = %s", [first])


def test_a_text_message_instead_of_a_push_is_made_once_and_in_time_only(queue):
    push, late = put(queue, channel="PUSH"), put(queue, "user_m2", channel="PUSH")
    queue.sql("UPDATE messages SET params = '{\"code\": \"1\"}', data = '{}', event_id = 7 WHERE id = %s", [push])
    queue.sql("UPDATE messages SET until = now() - interval '1 second' WHERE id = %s", [late])
    for _ in range(2):
        end(queue, *({"id": one, "state": "DEAD", "error": "status 404", "text": True} for one in (push, late)))
    made = queue.sql("SELECT event_id, kind, recipient, template, params::text, data, language, state, tries FROM messages"
                     " WHERE channel = 'SMS'")
    assert made == [(7, "USER", "user_m1", "code", '{"code": "1"}', None, "fr", "QUEUED", 0)]
    assert queue.value("SELECT count(DISTINCT until) FROM messages WHERE recipient = 'user_m1'") == 1
    assert len(taken(queue)) == 1


def test_the_position_moves_only_when_it_is_as_read(db):
    seen = db.value("SELECT position FROM leases WHERE name = 'messages'")
    row = json.dumps([{"event": 1, "kind": "USER", "recipient": "user_m3", "channel": "SMS", "template": "code",
                       "params": {}, "data": None, "language": "fr", "life": 60}])
    note = json.dumps([{"room": "user:user_m3", "payload": {"type": "X"}}])
    assert db.run("messages_insert", position=seen, next=seen + 5, messages=row, notifications=note) == [(1,)]
    assert db.run("messages_insert", position=seen, next=seen + 5, messages=row, notifications=note) == []
    assert db.value("SELECT count(*) FROM messages WHERE recipient = 'user_m3'") == 1
    assert db.value("SELECT count(*) FROM event_log WHERE aggregate = 'user_m3' AND type = 'notification'") == 1
    db.sql("DELETE FROM event_log WHERE aggregate = 'user_m3'")


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
    first, second = (db.value("INSERT INTO event_log (aggregate, type, rooms, payload) VALUES ('x', %s, '{user:a,admin}',"
                              " '{\"n\": 1}') RETURNING id", [kind]) for kind in ("new_order", "rider_changed"))
    db.sql("UPDATE leases SET position = %s WHERE name = 'events'", [second])
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
    for recipient, channel, expected in (("user_m1", "SMS", '["+237690000001"]'), ("user_m1", "MAIL", '["m1@test.cm"]'),
                                         ("user_m2", "MAIL", None), ("user_m2", "PUSH", None), ("user_none", "SMS", None)):
        queue.sql("TRUNCATE messages")
        put(queue, recipient, channel)
        row, = queue.run("messages_take", holder="me", afters=NONE, counts="{1,1,1,1,1,1}", ids="{}", held="{}", claim_s=150, **KINDS)
        assert row[12:] == (expected, channel == "PUSH"), (recipient, channel)
    queue.sql("TRUNCATE messages")
    put(queue, channel="PUSH")
    message, = taken(queue)
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
