# SPDX-License-Identifier: MIT
"""Delivery of webhooks: signatures, retries, no loss, no private addresses."""

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


class Partner:
    """A server that may send webhooks to this machine, its database, and the partner's receiver."""

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
        """Registers a webhook with its own path; returns its row with "path"."""
        path = f"/in/{next(_paths)}"
        return {**self.register_url(self.receiver.url(path), **fields), "path": path}

    def publish(self, kind=TYPE, rooms=("admin",), **payload):
        self.sql("INSERT INTO event_log (aggregate, type, rooms, payload) VALUES ('order_x', %s, %s, %s)", kind, list(rooms),
                 json.dumps(payload))

    def deliveries(self, webhook):
        return self.api.get(f"webhooks/{webhook['id']}/deliveries", query={"limit": 100}).data

    def delivery(self, webhook, **wanted):
        """Its only delivery, when it has these values and is not being sent."""
        def fits():
            rows = self.deliveries(webhook)
            busy = self.sql("SELECT FROM webhook_deliveries WHERE endpoint_id = %s AND busy_until > now()", webhook["id"])
            return rows if not busy and len(rows) == 1 and all(rows[0][k] == v for k, v in wanted.items()) else None
        return until(fits, what=f"{wanted}")[0]

    def make_due(self, webhook):
        """Ends the wait before the next attempt."""
        self.sql("UPDATE webhook_deliveries SET next_at = now() WHERE endpoint_id = %s AND busy_until IS NULL",
                 webhook["id"])


@pytest.fixture(scope="module")
def receiver():
    made = Receiver()
    yield made
    made.close()


@pytest.fixture(scope="module")
def running(start_server, receiver):
    return Partner(start_server(loops=1, webhook_private="on", webhook_timeout="8s"), receiver)


@pytest.fixture
def partner(running):
    """The shared Partner; its webhooks are deleted after each test."""
    yield running
    running.sql("DELETE FROM webhook_endpoints")


def test_a_partner_receives_a_signed_event(partner):
    webhook = partner.register()
    partner.publish(orderId="ord_1", note="Été \"ici\"")
    [came] = partner.receiver.wait(webhook["path"])
    assert came.signed_by(webhook["secret"])
    assert not came.signed_by("whsec_" + "A" * 43 + "=")
    assert came.headers["content-type"] == "application/json"
    assert set(came.json) == {"type", "timestamp", "data"}
    assert (came.json["type"], came.json["data"]) == (TYPE, {"orderId": "ord_1", "note": "Été \"ici\""})
    row = partner.delivery(webhook, state="DELIVERED")
    assert (row["id"], row["payload"], row["tries"], row["last_status"], row["last_error"]) == (
        came.id, came.json, 1, 204, None)
    assert row["delivered_at"] and row["next_at"] is None and [a["status"] for a in row["attempts"]] == [204]


def test_only_requested_events_are_delivered(partner):
    webhook, other = partner.register(vendorId="vendor_123"), partner.register(eventTypes=["payout_completed"])
    partner.publish(orderId="ord_other", rooms=["vendor:vendor_124", "admin"])
    partner.publish("order_accepted", orderId="ord_accepted", rooms=["vendor:vendor_123"])
    partner.publish(orderId="ord_by_room", rooms=["user:u", "vendor:vendor_123"])
    partner.publish(orderId="ord_by_name", rooms=["user:u"], vendorId="vendor_123")
    partner.publish("delivery_request", orderId="ord_request", rooms=["vendor:vendor_123"])
    came = partner.receiver.wait(webhook["path"], 2)
    assert {one.json["data"]["orderId"] for one in came} == {"ord_by_room", "ord_by_name"}
    partner.publish("payout_completed", payoutId="payout_1")
    partner.receiver.wait(other["path"])
    assert len(partner.deliveries(webhook)) == 2 and len(partner.deliveries(other)) == 1


def test_event_types_that_are_not_offered_are_never_delivered(partner):
    webhook = partner.register()
    partner.sql("UPDATE webhook_endpoints SET event_types = '{rider_assigned,order_delivered}' WHERE id = %s", webhook["id"])
    partner.publish("rider_assigned", orderId="ord_1", phone="+237670000020")
    partner.publish(orderId="ord_2")
    partner.receiver.wait(webhook["path"])
    assert [row["type"] for row in partner.deliveries(webhook)] == [TYPE]


def test_during_a_rotation_both_secrets_sign(partner):
    webhook = partner.register()
    new = partner.api.post(f"webhooks/{webhook['id']}/rotate-secret", json={}).data["secret"]
    partner.publish(orderId="ord_1")
    [came] = partner.receiver.wait(webhook["path"])
    assert came.signed_by(new) and came.signed_by(webhook["secret"])
    assert len(came.headers["webhook-signature"].split(" ")) == 2
    partner.sql("UPDATE webhook_endpoints SET previous_until = now() WHERE id = %s", webhook["id"])
    partner.publish(orderId="ord_2")
    came = partner.receiver.wait(webhook["path"], 2)[1]
    assert came.signed_by(new) and not came.signed_by(webhook["secret"])


def test_secrets_of_several_rotations_sign_together(partner):
    webhook = partner.register()
    secrets = [webhook["secret"]]
    for _ in range(5):
        secrets.append(partner.api.post(f"webhooks/{webhook['id']}/rotate-secret", json={}).data["secret"])
    partner.publish(orderId="ord_1")
    [came] = partner.receiver.wait(webhook["path"])
    assert [came.signed_by(secret) for secret in secrets] == [False] + [True] * 5
    assert len(came.headers["webhook-signature"].split(" ")) == 5
    partner.sql("UPDATE webhook_endpoints SET previous_until = now() WHERE id = %s", webhook["id"])
    secrets.append(partner.api.post(f"webhooks/{webhook['id']}/rotate-secret", json={}).data["secret"])
    partner.publish(orderId="ord_2")
    came = partner.receiver.wait(webhook["path"], 2)[1]
    assert [came.signed_by(secret) for secret in secrets] == [False] * 5 + [True] * 2


def test_a_failed_delivery_is_retried_with_the_same_id_up_to_ten_times(partner):
    webhook = partner.register()
    partner.receiver.answers[webhook["path"]] = (500, {})
    partner.publish(orderId="ord_1")
    waits = (5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400)
    for tries, wait in enumerate(waits, 1):
        row = partner.delivery(webhook, state="QUEUED", tries=tries, last_status=500)
        left = partner.sql("SELECT extract(epoch FROM next_at - now()) AS s FROM webhook_deliveries WHERE id = %s",
                        row["id"])[0]["s"]
        assert wait - 5 < left <= wait * 1.1, tries
        partner.make_due(webhook)
    row = partner.delivery(webhook, state="DEAD")
    assert (row["tries"], len(row["attempts"]), row["last_error"], row["next_at"]) == (10, 10, "answered 500", None)
    came = partner.receiver.at(webhook["path"])
    assert len(came) == 10 and len({one.id for one in came}) == 1 and len({one.body for one in came}) == 1
    shown = partner.api.get(f"webhooks/{webhook['id']}").data
    assert shown["enabled"] and shown["failing_since"]
    partner.receiver.answers.pop(webhook["path"])
    partner.publish(orderId="ord_2")
    partner.receiver.wait(webhook["path"], 11)
    until(lambda: partner.api.get(f"webhooks/{webhook['id']}").data["failing_since"] is None)


def test_retry_after_delays_the_next_attempt(partner):
    webhook = partner.register()
    partner.receiver.answers[webhook["path"]] = (429, {"Retry-After": "3600"})
    partner.publish(orderId="ord_1")
    row = partner.delivery(webhook, tries=1, last_status=429)
    left = partner.sql("SELECT extract(epoch FROM next_at - now()) AS s FROM webhook_deliveries WHERE id = %s", row["id"])
    assert 3500 < left[0]["s"] <= 3960


def test_a_webhook_that_answers_410_is_disabled(partner):
    webhook = partner.register()
    partner.receiver.answers[webhook["path"]] = (410, {})
    partner.publish(orderId="ord_1")
    assert partner.delivery(webhook, state="DEAD")["tries"] == 1
    shown = partner.api.get(f"webhooks/{webhook['id']}").data
    assert (shown["enabled"], shown["disabled_reason"]) == (False, "GONE")
    until(lambda: [e for e in partner.sql("SELECT * FROM events WHERE aggregate = %s", webhook["id"])
                   if e["type"] == "webhook_disabled" and e["rooms"] == ["admin"] and e["payload"]["reason"] == "GONE"])
    until(lambda: [line for line in partner.server.log() if line.get("webhook") == webhook["id"]])
    other = partner.register()
    partner.publish(orderId="ord_2")
    partner.receiver.wait(other["path"])
    assert len(partner.receiver.at(webhook["path"])) == 1 and len(partner.deliveries(webhook)) == 1
    assert partner.api.post(f"webhooks/{webhook['id']}/test", json={}).status == 409
    back = partner.api.patch(f"webhooks/{webhook['id']}", json={"enabled": True}).data
    assert back["enabled"] and back["disabled_reason"] is None and back["failing_since"] is None


def test_a_webhook_that_fails_for_five_days_is_disabled(partner):
    webhook = partner.register()
    partner.receiver.answers[webhook["path"]] = (503, {})
    partner.sql("UPDATE webhook_endpoints SET failing_since = now() - interval '4 days 23 hours' WHERE id = %s", webhook["id"])
    partner.publish(orderId="ord_1")
    partner.delivery(webhook, tries=1, state="QUEUED", last_status=503)
    assert partner.api.get(f"webhooks/{webhook['id']}").data["enabled"]
    partner.sql("UPDATE webhook_endpoints SET failing_since = now() - interval '5 days 1 hour' WHERE id = %s", webhook["id"])
    partner.make_due(webhook)
    partner.delivery(webhook, tries=2, last_status=503)
    assert partner.api.get(f"webhooks/{webhook['id']}").data["disabled_reason"] == "FAILING"
    partner.make_due(webhook)
    other = partner.register()
    partner.api.post(f"webhooks/{other['id']}/test", json={})
    partner.receiver.wait(other["path"])
    assert len(partner.receiver.at(webhook["path"])) == 2


def test_a_redirect_is_a_failure_and_not_followed(partner):
    webhook = partner.register()
    partner.receiver.answers[webhook["path"]] = (307, {"Location": partner.receiver.url("/elsewhere")})
    partner.publish(orderId="ord_1")
    assert partner.delivery(webhook, tries=1, last_status=307)["state"] == "QUEUED"
    assert not partner.receiver.at("/elsewhere")


def test_a_test_delivery_is_sent_and_signed(partner):
    webhook = partner.register()
    made = partner.api.post(f"webhooks/{webhook['id']}/test", json={})
    assert made.status == 200 and made.data["event_id"] is None
    [came] = partner.receiver.wait(webhook["path"])
    assert came.id == made.data["id"] and came.signed_by(webhook["secret"])
    assert came.json["type"] == "webhook_test" and came.json["data"]["webhookId"] == webhook["id"]


def test_a_slow_partner_does_not_delay_another(partner):
    slow, quick = partner.register(), partner.register()
    partner.receiver.hold(slow["path"])
    for n in range(20):
        partner.publish(orderId=f"ord_{n}")
    assert len(partner.receiver.wait(quick["path"], 20)) == 20
    until(lambda: all(row["state"] == "DELIVERED" for row in partner.deliveries(quick)))
    busy = partner.sql("SELECT count(*) AS n FROM webhook_deliveries WHERE endpoint_id = %s AND busy_until > now()",
                    slow["id"])[0]["n"]
    assert busy <= 4 and not any(row["state"] == "DELIVERED" for row in partner.deliveries(slow))
    partner.receiver.let_go(slow["path"])
    until(lambda: partner.make_due(slow) or all(row["state"] == "DELIVERED" for row in partner.deliveries(slow)))
    assert {one.json["data"]["orderId"] for one in partner.receiver.at(slow["path"])} == {f"ord_{n}" for n in range(20)}


def test_forty_silent_partners_do_not_delay_another(start_server, receiver):
    partner = Partner(start_server(loops=1, webhook_private="on", webhook_timeout="60s"), receiver)
    holes = [partner.register() for _ in range(40)]
    for hole in holes:
        receiver.hold(hole["path"])
    for n in range(6):
        partner.publish(orderId=f"ord_{n}")
    busy = "SELECT count(*)::integer AS n FROM webhook_deliveries WHERE busy_until > now() GROUP BY endpoint_id"
    until(lambda: len(partner.sql(busy)) == 40 and sum(row["n"] for row in partner.sql(busy)) == 54)
    healthy = partner.register()
    for n in range(3):
        partner.publish(orderId=f"ord_late_{n}")
    assert len(receiver.wait(healthy["path"], 3)) == 3
    assert sum(row["n"] for row in partner.sql(busy)) >= 54 and not partner.sql(
        "SELECT 1 FROM webhook_deliveries WHERE state = 'DELIVERED' AND endpoint_id <> %s", healthy["id"])
    for hole in holes:
        receiver.let_go(hole["path"])
    partner.server.kill()


def test_a_failing_partner_gets_one_delivery_at_a_time(partner):
    failing, other = partner.register(), partner.register()
    partner.sql("UPDATE webhook_endpoints SET failing_since = now() WHERE id = %s", failing["id"])
    partner.receiver.hold(failing["path"])
    for n in range(4):
        partner.publish(orderId=f"ord_{n}")
    partner.receiver.wait(other["path"], 4)
    assert len(partner.receiver.wait(failing["path"])) == 1
    busy = "SELECT count(*) AS n FROM webhook_deliveries WHERE endpoint_id = %s AND busy_until > now()"
    assert partner.sql(busy, failing["id"])[0]["n"] == 1
    partner.receiver.let_go(failing["path"])
    assert len(partner.receiver.wait(failing["path"], 4)) >= 4    # after a reply, several at once again
    until(lambda: partner.api.get(f"webhooks/{failing['id']}").data["failing_since"] is None)


def test_no_reply_in_time_is_a_failure(partner):
    webhook = partner.register()
    partner.receiver.hold(webhook["path"])
    partner.publish(orderId="ord_1")
    row = partner.delivery(webhook, tries=1, state="QUEUED", last_status=None)
    until(lambda: partner.delivery(webhook, tries=1)["last_error"])
    assert row["id"] == partner.receiver.at(webhook["path"])[0].id
    partner.receiver.let_go(webhook["path"])


@pytest.mark.parametrize("headers, part", [
    ({"Content-Length": "1000"}, b"o"), ({"Content-Length": "2"}, b""), ({"Transfer-Encoding": "chunked"}, b""),
    ({"Transfer-Encoding": "chunked"}, b"2\r\nok\r\n"), ({"Content-Length": "100000"}, b"x" * 70000)],
    ids=["first-byte", "nothing", "no-chunk", "chunk", "large"])
def test_the_status_decides_even_without_a_complete_body(partner, headers, part):
    webhook = partner.register()
    partner.receiver.unfinished[webhook["path"]] = (headers, part)
    partner.receiver.hold(webhook["path"])
    partner.publish(orderId="ord_1")
    row = partner.delivery(webhook, state="DELIVERED")
    assert (row["tries"], row["last_status"], row["last_error"]) == (1, 200, None)
    partner.receiver.let_go(webhook["path"])


def test_a_replay_has_the_same_id(partner):
    webhook = partner.register()
    partner.publish(orderId="ord_1")
    row = partner.delivery(webhook, state="DELIVERED")
    again = partner.api.post(f"webhooks/deliveries/{row['id']}/replay", json={})
    assert again.status == 200 and (again.data["state"], again.data["tries"]) == ("QUEUED", 0)
    first, second = partner.receiver.wait(webhook["path"], 2)
    assert first.id == second.id == row["id"] and first.body == second.body
    assert second.signed_by(webhook["secret"])


def test_a_replayed_period_includes_undelivered_events(partner):
    webhook = partner.register()
    partner.publish(orderId="ord_1")
    delivered = partner.delivery(webhook, state="DELIVERED")
    partner.api.patch(f"webhooks/{webhook['id']}", json={"enabled": False})
    partner.publish(orderId="ord_2")
    probe = partner.register()
    partner.publish(orderId="ord_3")
    partner.receiver.wait(probe["path"])                       # ord_2 has been processed
    assert partner.api.post(f"webhooks/{webhook['id']}/replay", json={"since": delivered["said_at"]}).status == 409
    partner.api.patch(f"webhooks/{webhook['id']}", json={"enabled": True})
    assert len(partner.receiver.at(webhook["path"])) == 1
    reply = partner.api.post(f"webhooks/{webhook['id']}/replay", json={"since": delivered["said_at"]})
    assert reply.status == 200 and reply.data == {"queued": 3, "more": False, "next_since": None}, reply
    came = partner.receiver.wait(webhook["path"], 4)
    assert sorted(one.json["data"]["orderId"] for one in came) == ["ord_1", "ord_1", "ord_2", "ord_3"]
    assert len({one.id for one in came}) == 3
    until(lambda: all(row["state"] == "DELIVERED" for row in partner.deliveries(webhook)))
    nothing = partner.api.post(f"webhooks/{webhook['id']}/replay",
                            json={"since": "2020-01-01T00:00:00Z", "until": "2026-01-01T00:00:00Z"})
    assert nothing.data["queued"] == 0


def test_a_replay_is_limited_and_returns_where_to_continue(partner):
    webhook = partner.register(eventTypes=["order_rejected"])
    partner.receiver.hold(webhook["path"])
    partner.sql("INSERT INTO webhook_deliveries (id, endpoint_id, event_id, type, payload, state, said_at)"
             " SELECT 'whd_many' || n, %s, -n, 'order_rejected', '{}', 'DELIVERED', '2026-01-01T00:00:00Z'::timestamptz"
             " + n * interval '1 second' FROM generate_series(0, 1001) n", webhook["id"])
    partner.sql("UPDATE webhook_endpoints SET url = 'http://127.0.0.1:1/' WHERE id = %s", webhook["id"])
    reply = partner.api.post(f"webhooks/{webhook['id']}/replay",
                          json={"since": "2026-01-01T00:00:00Z", "until": "2026-01-02T00:00:00Z"})
    assert reply.data == {"queued": 1000, "more": True, "next_since": "2026-01-01T00:16:40.000Z"}
    rest = partner.api.post(f"webhooks/{webhook['id']}/replay",
                         json={"since": reply.data["next_since"], "until": "2026-01-02T00:00:00Z"})
    assert rest.data["queued"] == 2 and not rest.data["more"]
    partner.sql("DELETE FROM webhook_deliveries WHERE endpoint_id = %s", webhook["id"])


def test_a_restart_loses_no_delivery(partner):
    webhook = partner.register()
    partner.receiver.hold(webhook["path"])
    for n in range(10):
        partner.publish(orderId=f"ord_{n}")
    partner.receiver.wait(webhook["path"])                     # some are being sent
    partner.server.kill()
    for n in range(10, 20):
        partner.publish(orderId=f"ord_{n}")                        # committed by other instances meanwhile
    partner.receiver.let_go(webhook["path"])
    partner.server.start()
    partner.connect()
    partner.sql("UPDATE webhook_deliveries SET next_at = now(), busy_until = NULL WHERE state = 'QUEUED'")
    until(lambda: len(partner.deliveries(webhook)) == 20 and
          all(row["state"] == "DELIVERED" for row in partner.deliveries(webhook)))
    came = partner.receiver.at(webhook["path"])
    assert {one.json["data"]["orderId"] for one in came} == {f"ord_{n}" for n in range(20)}
    assert len({one.id for one in came}) == 20


def test_private_addresses_are_refused(start_server, databases, receiver):
    partner = Partner(start_server(loops=1, webhook_private="off", webhook_timeout="5s"), receiver)
    for url in (receiver.url(), receiver.url(host="localhost"), "https://127.0.0.1/", "https://10.1.2.3/x",
                "https://[::1]:8443/", "https://169.254.169.254/latest", "https://192.168.0.1", "https://[::ffff:10.0.0.1]/",
                "https://100.64.0.1/", "https://127.1/", "https://2130706433/"):
        reply = partner.api.post("webhooks", json={"url": url, "eventTypes": [TYPE]})
        assert reply.status == 400, url
    before = len(receiver.taken)
    named = partner.register_url(receiver.url("/private", "localhost", "https"))
    plain = partner.register_url("https://example.com/")
    partner.sql("UPDATE webhook_endpoints SET url = %s WHERE id = %s", receiver.url("/private"), plain["id"])
    partner.publish(orderId="ord_1")
    for webhook, why in ((named, "public"), (plain, "cannot be used")):
        [row] = until(lambda: [row for row in partner.deliveries(webhook) if row["last_error"]])
        assert why in row["last_error"] and row["last_status"] is None and row["state"] == "QUEUED"
    assert len(receiver.taken) == before
