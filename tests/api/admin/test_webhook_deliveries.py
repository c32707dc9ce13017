# SPDX-License-Identifier: MIT
"""Webhooks on their way: signed, tried again, never lost, never to where they must not go."""

import itertools
import json

import pytest

from world.database import Database
from world.receiver import Receiver
from world.tokens import issue
from world.waiting import until

pytestmark = pytest.mark.slow

_paths = itertools.count()
TYPE = "order_delivered"


class Post:
    """A server whose webhooks may go to this machine, its database and a partner's server."""

    def __init__(self, server, receiver):
        self.server, self.receiver = server, receiver
        self.sql = Database(server.configuration["database_url"])
        self.connect()

    def connect(self):
        self.api = self.server.api(issue("SUPER_ADMIN", "admin_demo_1"), "admin")

    def register_url(self, url, **fields):
        reply = self.api.post("webhooks", json={"url": url, "eventTypes": [TYPE], **fields})
        assert reply.status == 201, reply
        return reply.data

    def register(self, **fields):
        """A webhook at a path of its own: its row, with "path"."""
        path = f"/in/{next(_paths)}"
        return {**self.register_url(self.receiver.url(path), **fields), "path": path}

    def say(self, kind=TYPE, rooms=("admin",), **payload):
        self.sql("INSERT INTO outbox (aggregate, type, rooms, payload) VALUES ('order_x', %s, %s, %s)", kind, list(rooms),
                 json.dumps(payload))

    def deliveries(self, webhook):
        return self.api.get(f"webhooks/{webhook['id']}/deliveries", query={"limit": 100}).data

    def delivery(self, webhook, **wanted):
        """Its only delivery, once it is so and not under way."""
        def fits():
            rows = self.deliveries(webhook)
            busy = self.sql("SELECT FROM webhook_deliveries WHERE endpoint_id = %s AND busy_until > now()", webhook["id"])
            return rows if not busy and len(rows) == 1 and all(rows[0][k] == v for k, v in wanted.items()) else None
        return until(fits, what=f"{wanted}")[0]

    def hurry(self, webhook):
        """As if the wait were over."""
        self.sql("UPDATE webhook_deliveries SET next_at = now() WHERE endpoint_id = %s AND busy_until IS NULL",
                 webhook["id"])


@pytest.fixture(scope="module")
def receiver():
    made = Receiver()
    yield made
    made.close()


@pytest.fixture(scope="module")
def running(start_server, receiver):
    return Post(start_server(loops=1, webhook_private="on", webhook_timeout="8s"), receiver)


@pytest.fixture
def post(running):
    """The Post all tests share; who has been registered is told nothing after the test."""
    yield running
    running.sql("DELETE FROM webhook_endpoints")


def test_a_partner_hears_what_happens_and_can_tell_who_says_it(post):
    webhook = post.register()
    post.say(orderId="ord_1", note="Été \"ici\"")
    [came] = post.receiver.wait(webhook["path"])
    assert came.signed_by(webhook["secret"])
    assert not came.signed_by("whsec_" + "A" * 43 + "=")
    assert came.headers["content-type"] == "application/json"
    assert set(came.json) == {"type", "timestamp", "data"}
    assert (came.json["type"], came.json["data"]) == (TYPE, {"orderId": "ord_1", "note": "Été \"ici\""})
    row = post.delivery(webhook, state="DELIVERED")
    assert (row["id"], row["payload"], row["tries"], row["last_status"], row["last_error"]) == (
        came.id, came.json, 1, 204, None)
    assert row["delivered_at"] and row["next_at"] is None and [a["status"] for a in row["attempts"]] == [204]


def test_only_what_was_asked_for_is_told(post):
    webhook, other = post.register(vendorId="vendor_123"), post.register(eventTypes=["payout_completed"])
    post.say(orderId="ord_other", rooms=["vendor:vendor_124", "admin"])
    post.say("order_accepted", orderId="ord_accepted", rooms=["vendor:vendor_123"])
    post.say(orderId="ord_by_room", rooms=["user:u", "vendor:vendor_123"])
    post.say(orderId="ord_by_name", rooms=["user:u"], vendorId="vendor_123")
    post.say("delivery_request", orderId="ord_request", rooms=["vendor:vendor_123"])
    came = post.receiver.wait(webhook["path"], 2)
    assert {one.json["data"]["orderId"] for one in came} == {"ord_by_room", "ord_by_name"}
    post.say("payout_completed", payoutId="payout_1")
    post.receiver.wait(other["path"])
    assert len(post.deliveries(webhook)) == 2 and len(post.deliveries(other)) == 1


def test_what_is_not_offered_is_never_told(post):
    webhook = post.register()
    post.sql("UPDATE webhook_endpoints SET event_types = '{rider_assigned,order_delivered}' WHERE id = %s", webhook["id"])
    post.say("rider_assigned", orderId="ord_1", phone="+237670000020")
    post.say(orderId="ord_2")
    post.receiver.wait(webhook["path"])
    assert [row["type"] for row in post.deliveries(webhook)] == [TYPE]


def test_during_a_rotation_both_secrets_sign(post):
    webhook = post.register()
    new = post.api.post(f"webhooks/{webhook['id']}/rotate-secret", json={}).data["secret"]
    post.say(orderId="ord_1")
    [came] = post.receiver.wait(webhook["path"])
    assert came.signed_by(new) and came.signed_by(webhook["secret"])
    assert len(came.headers["webhook-signature"].split(" ")) == 2
    post.sql("UPDATE webhook_endpoints SET previous_until = now() WHERE id = %s", webhook["id"])
    post.say(orderId="ord_2")
    came = post.receiver.wait(webhook["path"], 2)[1]
    assert came.signed_by(new) and not came.signed_by(webhook["secret"])


def test_who_has_not_noticed_several_rotations_can_still_check(post):
    webhook = post.register()
    secrets = [webhook["secret"]]
    for _ in range(5):
        secrets.append(post.api.post(f"webhooks/{webhook['id']}/rotate-secret", json={}).data["secret"])
    post.say(orderId="ord_1")
    [came] = post.receiver.wait(webhook["path"])
    assert [came.signed_by(secret) for secret in secrets] == [False] + [True] * 5
    assert len(came.headers["webhook-signature"].split(" ")) == 5
    post.sql("UPDATE webhook_endpoints SET previous_until = now() WHERE id = %s", webhook["id"])
    secrets.append(post.api.post(f"webhooks/{webhook['id']}/rotate-secret", json={}).data["secret"])
    post.say(orderId="ord_2")
    came = post.receiver.wait(webhook["path"], 2)[1]
    assert [came.signed_by(secret) for secret in secrets] == [False] * 5 + [True] * 2


def test_a_failure_is_tried_again_with_the_same_id_until_the_tenth(post):
    webhook = post.register()
    post.receiver.answers[webhook["path"]] = (500, {})
    post.say(orderId="ord_1")
    waits = (5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400)
    for tries, wait in enumerate(waits, 1):
        row = post.delivery(webhook, state="QUEUED", tries=tries, last_status=500)
        left = post.sql("SELECT extract(epoch FROM next_at - now()) AS s FROM webhook_deliveries WHERE id = %s",
                        row["id"])[0]["s"]
        assert wait - 5 < left <= wait * 1.1, tries
        post.hurry(webhook)
    row = post.delivery(webhook, state="DEAD")
    assert (row["tries"], len(row["attempts"]), row["last_error"], row["next_at"]) == (10, 10, "answered 500", None)
    came = post.receiver.at(webhook["path"])
    assert len(came) == 10 and len({one.id for one in came}) == 1 and len({one.body for one in came}) == 1
    shown = post.api.get(f"webhooks/{webhook['id']}").data
    assert shown["enabled"] and shown["failing_since"]
    post.receiver.answers.pop(webhook["path"])
    post.say(orderId="ord_2")
    post.receiver.wait(webhook["path"], 11)
    until(lambda: post.api.get(f"webhooks/{webhook['id']}").data["failing_since"] is None)


def test_a_partner_may_ask_for_patience(post):
    webhook = post.register()
    post.receiver.answers[webhook["path"]] = (429, {"Retry-After": "3600"})
    post.say(orderId="ord_1")
    row = post.delivery(webhook, tries=1, last_status=429)
    left = post.sql("SELECT extract(epoch FROM next_at - now()) AS s FROM webhook_deliveries WHERE id = %s", row["id"])
    assert 3500 < left[0]["s"] <= 3960


def test_a_partner_who_is_gone_is_told_nothing_more(post):
    webhook = post.register()
    post.receiver.answers[webhook["path"]] = (410, {})
    post.say(orderId="ord_1")
    assert post.delivery(webhook, state="DEAD")["tries"] == 1
    shown = post.api.get(f"webhooks/{webhook['id']}").data
    assert (shown["enabled"], shown["disabled_reason"]) == (False, "GONE")
    until(lambda: [e for e in post.sql("SELECT * FROM events WHERE aggregate = %s", webhook["id"])
                   if e["type"] == "webhook_disabled" and e["rooms"] == ["admin"] and e["payload"]["reason"] == "GONE"])
    until(lambda: [line for line in post.server.log() if line.get("webhook") == webhook["id"]])
    other = post.register()
    post.say(orderId="ord_2")
    post.receiver.wait(other["path"])
    assert len(post.receiver.at(webhook["path"])) == 1 and len(post.deliveries(webhook)) == 1
    assert post.api.post(f"webhooks/{webhook['id']}/test", json={}).status == 409
    back = post.api.patch(f"webhooks/{webhook['id']}", json={"enabled": True}).data
    assert back["enabled"] and back["disabled_reason"] is None and back["failing_since"] is None


def test_an_address_that_fails_for_five_days_is_disabled(post):
    webhook = post.register()
    post.receiver.answers[webhook["path"]] = (503, {})
    post.sql("UPDATE webhook_endpoints SET failing_since = now() - interval '4 days 23 hours' WHERE id = %s", webhook["id"])
    post.say(orderId="ord_1")
    post.delivery(webhook, tries=1, state="QUEUED", last_status=503)
    assert post.api.get(f"webhooks/{webhook['id']}").data["enabled"]
    post.sql("UPDATE webhook_endpoints SET failing_since = now() - interval '5 days 1 hour' WHERE id = %s", webhook["id"])
    post.hurry(webhook)
    post.delivery(webhook, tries=2, last_status=503)
    assert post.api.get(f"webhooks/{webhook['id']}").data["disabled_reason"] == "FAILING"
    post.hurry(webhook)
    other = post.register()
    post.api.post(f"webhooks/{other['id']}/test", json={})
    post.receiver.wait(other["path"])
    assert len(post.receiver.at(webhook["path"])) == 2


def test_a_redirect_is_a_failure_and_not_followed(post):
    webhook = post.register()
    post.receiver.answers[webhook["path"]] = (307, {"Location": post.receiver.url("/elsewhere")})
    post.say(orderId="ord_1")
    assert post.delivery(webhook, tries=1, last_status=307)["state"] == "QUEUED"
    assert not post.receiver.at("/elsewhere")


def test_a_test_delivery_says_that_it_works(post):
    webhook = post.register()
    made = post.api.post(f"webhooks/{webhook['id']}/test", json={})
    assert made.status == 200 and made.data["event_id"] is None
    [came] = post.receiver.wait(webhook["path"])
    assert came.id == made.data["id"] and came.signed_by(webhook["secret"])
    assert came.json["type"] == "webhook_test" and came.json["data"]["webhookId"] == webhook["id"]


def test_one_slow_partner_does_not_hold_up_another(post):
    slow, quick = post.register(), post.register()
    post.receiver.hold(slow["path"])
    for n in range(20):
        post.say(orderId=f"ord_{n}")
    assert len(post.receiver.wait(quick["path"], 20)) == 20
    until(lambda: all(row["state"] == "DELIVERED" for row in post.deliveries(quick)))
    busy = post.sql("SELECT count(*) AS n FROM webhook_deliveries WHERE endpoint_id = %s AND busy_until > now()",
                    slow["id"])[0]["n"]
    assert busy <= 4 and not any(row["state"] == "DELIVERED" for row in post.deliveries(slow))
    post.receiver.let_go(slow["path"])
    until(lambda: post.hurry(slow) or all(row["state"] == "DELIVERED" for row in post.deliveries(slow)))
    assert {one.json["data"]["orderId"] for one in post.receiver.at(slow["path"])} == {f"ord_{n}" for n in range(20)}


def test_forty_partners_who_do_not_answer_do_not_hold_up_another(start_server, receiver):
    post = Post(start_server(loops=1, webhook_private="on", webhook_timeout="60s"), receiver)
    holes = [post.register() for _ in range(40)]
    for hole in holes:
        receiver.hold(hole["path"])
    for n in range(6):
        post.say(orderId=f"ord_{n}")
    busy = "SELECT count(*)::integer AS n FROM webhook_deliveries WHERE busy_until > now() GROUP BY endpoint_id"
    until(lambda: len(post.sql(busy)) == 40 and sum(row["n"] for row in post.sql(busy)) == 54)
    healthy = post.register()
    for n in range(3):
        post.say(orderId=f"ord_late_{n}")
    assert len(receiver.wait(healthy["path"], 3)) == 3
    assert sum(row["n"] for row in post.sql(busy)) >= 54 and not post.sql(
        "SELECT 1 FROM webhook_deliveries WHERE state = 'DELIVERED' AND endpoint_id <> %s", healthy["id"])
    for hole in holes:
        receiver.let_go(hole["path"])
    post.server.kill()


def test_of_a_partner_who_fails_one_is_tried_at_a_time(post):
    failing, other = post.register(), post.register()
    post.sql("UPDATE webhook_endpoints SET failing_since = now() WHERE id = %s", failing["id"])
    post.receiver.hold(failing["path"])
    for n in range(4):
        post.say(orderId=f"ord_{n}")
    post.receiver.wait(other["path"], 4)
    assert len(post.receiver.wait(failing["path"])) == 1
    busy = "SELECT count(*) AS n FROM webhook_deliveries WHERE endpoint_id = %s AND busy_until > now()"
    assert post.sql(busy, failing["id"])[0]["n"] == 1
    post.receiver.let_go(failing["path"])
    assert len(post.receiver.wait(failing["path"], 4)) >= 4    # an answer: more at once again
    until(lambda: post.api.get(f"webhooks/{failing['id']}").data["failing_since"] is None)


def test_no_answer_in_time_is_a_failure(post):
    webhook = post.register()
    post.receiver.hold(webhook["path"])
    post.say(orderId="ord_1")
    row = post.delivery(webhook, tries=1, state="QUEUED", last_status=None)
    until(lambda: post.delivery(webhook, tries=1)["last_error"])
    assert row["id"] == post.receiver.at(webhook["path"])[0].id
    post.receiver.let_go(webhook["path"])


@pytest.mark.parametrize("headers, part", [
    ({"Content-Length": "1000"}, b"o"), ({"Content-Length": "2"}, b""), ({"Transfer-Encoding": "chunked"}, b""),
    ({"Transfer-Encoding": "chunked"}, b"2\r\nok\r\n"), ({"Content-Length": "100000"}, b"x" * 70000)],
    ids=["first-byte", "nothing", "no-chunk", "chunk", "large"])
def test_the_status_decides_however_its_body_comes(post, headers, part):
    webhook = post.register()
    post.receiver.unfinished[webhook["path"]] = (headers, part)
    post.receiver.hold(webhook["path"])
    post.say(orderId="ord_1")
    row = post.delivery(webhook, state="DELIVERED")
    assert (row["tries"], row["last_status"], row["last_error"]) == (1, 200, None)
    post.receiver.let_go(webhook["path"])


def test_a_replay_has_the_same_id(post):
    webhook = post.register()
    post.say(orderId="ord_1")
    row = post.delivery(webhook, state="DELIVERED")
    again = post.api.post(f"webhooks/deliveries/{row['id']}/replay", json={})
    assert again.status == 200 and (again.data["state"], again.data["tries"]) == ("QUEUED", 0)
    first, second = post.receiver.wait(webhook["path"], 2)
    assert first.id == second.id == row["id"] and first.body == second.body
    assert second.signed_by(webhook["secret"])


def test_a_time_is_replayed_even_what_was_never_told(post):
    webhook = post.register()
    post.say(orderId="ord_1")
    told = post.delivery(webhook, state="DELIVERED")
    post.api.patch(f"webhooks/{webhook['id']}", json={"enabled": False})
    post.say(orderId="ord_2")
    probe = post.register()
    post.say(orderId="ord_3")
    post.receiver.wait(probe["path"])                       # ord_2 has gone by
    assert post.api.post(f"webhooks/{webhook['id']}/replay", json={"since": told["said_at"]}).status == 409
    post.api.patch(f"webhooks/{webhook['id']}", json={"enabled": True})
    assert len(post.receiver.at(webhook["path"])) == 1
    reply = post.api.post(f"webhooks/{webhook['id']}/replay", json={"since": told["said_at"]})
    assert reply.status == 200 and reply.data == {"queued": 3, "more": False, "next_since": None}, reply
    came = post.receiver.wait(webhook["path"], 4)
    assert sorted(one.json["data"]["orderId"] for one in came) == ["ord_1", "ord_1", "ord_2", "ord_3"]
    assert len({one.id for one in came}) == 3
    until(lambda: all(row["state"] == "DELIVERED" for row in post.deliveries(webhook)))
    nothing = post.api.post(f"webhooks/{webhook['id']}/replay",
                            json={"since": "2020-01-01T00:00:00Z", "until": "2026-01-01T00:00:00Z"})
    assert nothing.data["queued"] == 0


def test_a_replay_is_bounded_and_says_where_it_stopped(post):
    webhook = post.register(eventTypes=["order_rejected"])
    post.receiver.hold(webhook["path"])
    post.sql("INSERT INTO webhook_deliveries (id, endpoint_id, event_id, type, payload, state, said_at)"
             " SELECT 'whd_many' || n, %s, -n, 'order_rejected', '{}', 'DELIVERED', '2026-01-01T00:00:00Z'::timestamptz"
             " + n * interval '1 second' FROM generate_series(0, 1001) n", webhook["id"])
    post.sql("UPDATE webhook_endpoints SET url = 'http://127.0.0.1:1/' WHERE id = %s", webhook["id"])
    reply = post.api.post(f"webhooks/{webhook['id']}/replay",
                          json={"since": "2026-01-01T00:00:00Z", "until": "2026-01-02T00:00:00Z"})
    assert reply.data == {"queued": 1000, "more": True, "next_since": "2026-01-01T00:16:40.000Z"}
    rest = post.api.post(f"webhooks/{webhook['id']}/replay",
                         json={"since": reply.data["next_since"], "until": "2026-01-02T00:00:00Z"})
    assert rest.data["queued"] == 2 and not rest.data["more"]
    post.sql("DELETE FROM webhook_deliveries WHERE endpoint_id = %s", webhook["id"])


def test_a_restart_loses_none(post):
    webhook = post.register()
    post.receiver.hold(webhook["path"])
    for n in range(10):
        post.say(orderId=f"ord_{n}")
    post.receiver.wait(webhook["path"])                     # some are under way
    post.server.kill()
    for n in range(10, 20):
        post.say(orderId=f"ord_{n}")                        # what others commit meanwhile
    post.receiver.let_go(webhook["path"])
    post.server.start()
    post.connect()
    post.sql("UPDATE webhook_deliveries SET next_at = now(), busy_until = NULL WHERE state = 'QUEUED'")
    until(lambda: len(post.deliveries(webhook)) == 20 and
          all(row["state"] == "DELIVERED" for row in post.deliveries(webhook)))
    came = post.receiver.at(webhook["path"])
    assert {one.json["data"]["orderId"] for one in came} == {f"ord_{n}" for n in range(20)}
    assert len({one.id for one in came}) == 20


def test_private_addresses_are_refused(start_server, databases, receiver):
    post = Post(start_server(loops=1, webhook_private="off", webhook_timeout="5s"), receiver)
    for url in (receiver.url(), receiver.url(host="localhost"), "https://127.0.0.1/", "https://10.1.2.3/x",
                "https://[::1]:8443/", "https://169.254.169.254/latest", "https://192.168.0.1", "https://[::ffff:10.0.0.1]/",
                "https://100.64.0.1/"):
        reply = post.api.post("webhooks", json={"url": url, "eventTypes": [TYPE]})
        assert reply.status == 400, url
    before = len(receiver.taken)
    named = post.register_url(receiver.url("/private", "localhost", "https"))
    spelled = post.register_url(receiver.url("/private", "127.1", "https"))
    plain = post.register_url("https://example.com/")
    post.sql("UPDATE webhook_endpoints SET url = %s WHERE id = %s", receiver.url("/private"), plain["id"])
    post.say(orderId="ord_1")
    for webhook, why in ((named, "public"), (spelled, "public"), (plain, "cannot be used")):
        [row] = until(lambda: [row for row in post.deliveries(webhook) if row["last_error"]])
        assert why in row["last_error"] and row["last_status"] is None and row["state"] == "QUEUED"
    assert len(receiver.taken) == before
