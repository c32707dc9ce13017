# SPDX-License-Identifier: MIT
"""Floods: messages to people who have not asked for them, the backstop of every route, and sampling of the log."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from world.accounts import PASSWORD, new_phone
from world.database import Database
from world.server import reeyo

pytestmark = pytest.mark.slow

ROWS = json.loads(reeyo("routes", "--json").stdout)
GENEROUS = {"rate_account": 100000, "rate_register": 1000, "rate_code": 1000, "rate_address": 1000000}


@pytest.fixture
def limited(start_server, redis_url):
    """limited(**configuration): limits on, with a Redis database of their own, emptied first."""
    def start(number=9, **configuration):
        import redis
        url = redis_url(number)
        redis.Redis(unix_socket_path=url.partition("?")[0].removeprefix("unix://"), db=number).flushdb()
        return start_server(**{"rate_limit": "on", "redis_url": url, **GENEROUS, **configuration})
    return start


def register(server, network=None, **fields):
    body = {"firstName": "Awa", "lastName": "Ngono", "phone": new_phone(), "password": PASSWORD, **fields}
    api = server.api()
    try:
        return api.post("auth/register", json=body, headers={"X-Forwarded-For": network} if network else None)
    finally:
        api.close()


def sent(server):
    return [line for line in server.log() if line.get("msg") in ("sms", "e-mail")]


def count(server, table):
    sql = Database(server.configuration["database_url"])
    try:
        return sql(f"SELECT count(*) AS n FROM {table}")[0]["n"]
    finally:
        sql.close()


# --- Messages ---------------------------------------------------------------------------------


@pytest.mark.parametrize("redis", [True, False])
def test_registrations_for_other_peoples_phones_end_with_the_budget_of_the_address(limited, redis):
    server = limited(rate_messages_address=10, **({} if redis else {"redis_url": ""}))
    before = count(server, "users")
    with ThreadPoolExecutor(20) as pool:
        replies = list(pool.map(lambda _: register(server), range(60)))
    statuses = [reply.status for reply in replies]
    assert statuses.count(201) == 10 and statuses.count(429) == 50
    assert all(int(reply.headers["Retry-After"]) > 0 for reply in replies if reply.status == 429)
    assert len(sent(server)) == 10
    assert count(server, "users") == before + 10, "a refusal writes nothing"


def test_a_process_has_a_budget_of_its_own_whatever_the_addresses(limited):
    server = limited(rate_messages=12, trusted_proxies="127.0.0.1")
    statuses = [register(server, network=f"41.202.0.{number}").status for number in range(20)]
    assert statuses == [201] * 12 + [429] * 8
    spent = [line for line in server.log() if "budget" in line.get("msg", "")]
    assert 1 <= len(spent) <= 5


def test_one_destination_has_a_budget_for_all_callers_together(limited):
    server = limited(rate_messages_to=3, trusted_proxies="127.0.0.1")
    phone = new_phone()
    one = register(server, phone=phone, network="41.202.1.1")
    assert one.status == 201
    api = server.api()
    statuses = [api.post("auth/forgot-password", json={"phone": phone},
                         headers={"X-Forwarded-For": f"41.202.1.{number + 2}"}).status for number in range(4)]
    assert statuses == [200, 200, 429, 429]
    reply = server.api(one.data["token"]).post("auth/resend-otp")
    assert reply.status == 429, "the same phone, by another route"
    assert server.api(None, "rider").post("auth/forgot-password", json={"phone": phone}).status == 429
    assert register(server, network="41.202.1.9").status == 201


def test_a_budget_counts_messages_that_are_sent(limited):
    server = limited(rate_messages_address=3)
    phone = new_phone()
    assert register(server, phone=phone).status == 201
    assert [register(server, phone=phone).status for _ in range(5)] == [409] * 5
    assert [register(server).status for _ in range(3)] == [201, 201, 429]


def test_the_budgets_do_not_reveal_who_has_an_account(limited):
    server = limited(rate_messages_address=4)
    phone = new_phone()
    assert register(server, phone=phone).status == 201
    for known in (phone, new_phone()):
        assert server.api().post("auth/forgot-password", json={"phone": known}).status == 200
    left = [server.api().post("auth/forgot-password", json={"phone": new_phone()}).status for _ in range(2)]
    assert left == [200, 429]


def test_an_ipv6_network_is_one_address_and_a_wider_one_has_a_wider_bound(limited):
    server = limited(rate_messages_address=2, trusted_proxies="127.0.0.1")
    assert [register(server, network=f"2001:db8:1:1::{number:x}").status for number in range(3)] == [201, 201, 429]
    assert [register(server, network=f"::ffff:41.202.3.{number}").status for number in (1, 1)] == [201, 201]
    assert register(server, network="41.202.3.1").status == 429
    statuses = [register(server, network=f"2001:db8:1:{number:x}::1").status for number in range(2, 18)]
    assert statuses == [201] * 14 + [429] * 2, "sixteen of one /48"
    assert register(server, network="2001:db8:2:1::1").status == 201


# --- The backstop -----------------------------------------------------------------------------


def test_every_route_but_health_has_a_backstop_by_address(limited):
    server = limited(rate_address=10, rate_callback=10, loops=1, trusted_proxies="127.0.0.1")
    exempt = set()
    api = server.api()
    for number, row in enumerate(row for row in ROWS if not row["internal"]):
        path = row["path"] if row["root"] else f"/api/v1/{row['namespace']}{row['path']}"
        path = "/".join("x1" if part.startswith(":") else part for part in path.split("/"))
        network = {"X-Forwarded-For": f"10.9.{number // 250}.{number % 250 + 1}"}
        statuses = [api.request(row["method"], path, headers=network).status for _ in range(12)]
        if 429 not in statuses:
            exempt.add(row["path"])
        else:
            assert statuses[:10].count(429) == 0 and statuses[10:] == [429, 429], row["path"]
    assert exempt == {"/health", "/healthz", "/readyz"}


def test_the_backstop_applies_to_unknown_routes_and_missing_tokens(limited):
    server = limited(rate_address=10, loops=1, trusted_proxies="127.0.0.1")
    api = server.api()
    for number, (method, path) in enumerate([("GET", "/nothing"), ("DELETE", "/healthz"), ("GET", "/api/v1/auth/me"),
                                             ("POST", "/api/v1/admin/webhooks"), ("OPTIONS", "/api/v1/orders"),
                                             ("BREW", "/healthz")]):
        statuses = [api.request(method, path, headers={"X-Forwarded-For": f"10.8.0.{number}"}).status for _ in range(12)]
        assert 429 not in statuses[:10] and statuses[10:] == [429, 429], path
    pages = [api.get("config", headers={"X-Forwarded-For": "10.8.1.0", "Origin": "https://evil.example"}).status
             for _ in range(12)]
    assert pages == [403] * 10 + [429] * 2
    heads = []
    for _ in range(12):  # each request closes its connection
        wire = server.wire()
        wire.send(b"GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\nX-Forwarded-For: 10.8.2.0\r\n\r\n")
        heads.append(wire.read().status)
        wire.close()
    assert heads == [400] * 10 + [429] * 2
    reply = api.get("/nothing", headers={"X-Forwarded-For": "10.8.0.0"})
    assert reply.code == "TOO_MANY_REQUESTS" and 0 < int(reply.headers["Retry-After"]) <= 60


def test_the_backstop_counts_ipv6_by_network(limited):
    server = limited(rate_address=5, loops=1, trusted_proxies="127.0.0.1")
    api = server.api()

    def calls(*networks):
        return [api.get("config", headers={"X-Forwarded-For": network}).status for network in networks]
    assert calls(*[f"2001:db8:5:1::{number:x}" for number in range(7)]) == [200] * 5 + [429] * 2
    assert calls("::ffff:10.7.0.1", "10.7.0.1", "::ffff:10.7.0.1", "10.7.0.1", "10.7.0.1", "::ffff:10.7.0.1")[5] == 429
    many = calls(*[f"2001:db8:5:{number:x}::1" for number in range(2, 42)])
    assert many == [200] * 35 + [429] * 5, "a /48 has eight times as many"
    assert calls("2001:db8:6:1::1") == [200]


def test_callbacks_are_counted_apart(limited):
    server = limited(rate_address=10, rate_callback=20, loops=1)
    api = server.api()
    statuses = [api.post("/webhooks/campay", json={}).status for _ in range(25)]
    assert 429 not in statuses[:20] and statuses[20:] == [429] * 5
    assert api.get("config").status == 200, "a flood of callbacks does not use up the limit of the address's other clients"


# --- The log ----------------------------------------------------------------------------------


def test_a_flood_of_refusals_leaves_a_few_lines_and_a_count(limited):
    server = limited(rate_address=1000000, rate_callback=300, loops=1)
    before = len(server.log())
    api = server.api()
    statuses = [api.post("/webhooks/campay", json={"reference": str(number)}).status for number in range(600)]
    assert statuses.count(429) == 300
    lines = server.log()[before:]
    assert len(lines) < 40, f"{len(lines)} lines"
    assert [line for line in lines if line["msg"] == "request" and line["status"] == 429]
    server.wait(lambda: sum(line.get("repeated", 0) for line in server.log()[before:]
                            if line["msg"] == "request") >= 590, 30, "counting")
    counted = [line for line in server.log()[before:] if "repeated" in line]
    assert {line["msg"] for line in counted} == {"request", "a callback has no valid signature"}
    assert len(server.log()) - before < 60


def test_probes_do_not_fill_the_log(limited):
    server = limited(loops=1)
    before = len(server.log())
    api = server.api()
    for path in ("/health", "/healthz", "/readyz", "/api/v1/health", "/api/v1/rider/health"):
        assert {api.get(path).status for _ in range(40)} == {200}
    server.wait(lambda: sum(line.get("repeated", 0) for line in server.log()[before:]
                            if line["msg"] == "request") >= 180, 30, "counting")
    assert len(server.log()) - before < 60


def test_ordinary_requests_have_a_line_each(limited):
    server = limited(loops=1)
    before = len([line for line in server.log() if line["msg"] == "request"])
    api = server.api()
    assert {api.get("/api/v1/nothing").status for _ in range(30)} == {404}
    assert {api.get("config").status for _ in range(30)} == {200}
    server.wait(lambda: len([line for line in server.log() if line["msg"] == "request"]) - before == 60, 10, "logging")
