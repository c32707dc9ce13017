# SPDX-License-Identifier: MIT
"""Rate limits, the duplicate-basket rule and the log-in cache with the settings of production. All other tests run with
config/local/reeyo.conf, which switches them off."""

import pytest

from world.accounts import PASSWORD, Tokens, new_phone, register

pytestmark = pytest.mark.slow

ORDER = {"vendorId": "vendor_123", "items": [{"itemId": "item_1", "quantity": 1}]}
WRONG = {"phone": "+237670000001", "password": "Wrong-1234!"}
RIGHT = {"phone": "+237670000001", "password": "Test123!@#"}


@pytest.fixture
def limited(start_server, redis_url):
    """Limits on, with a Redis database of their own, emptied first."""
    def start(number=7, **configuration):
        import redis
        url = redis_url(number)
        redis.Redis(unix_socket_path=url.partition("?")[0].removeprefix("unix://"),
                    db=number).flushdb()
        return start_server(rate_limit="on", redis_url=url, **configuration)
    return start


def test_an_account_has_a_limit(limited):
    server = limited(rate_account=10)
    api = server.api(Tokens(server)("customer"))
    answers = [api.get("auth/me") for _ in range(12)]
    assert [reply.status for reply in answers] == [200] * 10 + [429] * 2
    last = answers[-1]
    assert last.code == "TOO_MANY_REQUESTS"
    assert 0 < int(last.headers["Retry-After"]) <= 900
    assert "q=10" in last.headers["RateLimit-Policy"] and "w=900" in last.headers["RateLimit-Policy"]
    assert "r=0" in last.headers["RateLimit"]
    assert answers[0].headers["X-RateLimit-Limit"] == "10"
    assert answers[0].headers["X-RateLimit-Remaining"] == "9"


def test_another_account_behind_the_same_address_is_not_limited(limited):
    server = limited(rate_account=5)
    first = server.api(Tokens(server)("customer"))
    assert [first.get("auth/me").status for _ in range(6)][-1] == 429
    other = register(server, verified=False, address=False)
    assert other.api.get("auth/me").status == 200


def test_instances_count_together(limited, start_server, redis_url):
    server = limited(rate_account=10)
    other = start_server(rate_limit="on", rate_account=10, redis_url=redis_url(7),
                        database_url=server.configuration["database_url"])
    token = Tokens(server)("customer")
    statuses = [one.api(token).get("auth/me").status for _ in range(6) for one in (server, other)]
    assert statuses.count(200) == 10 and statuses.count(429) == 2


def test_only_failed_log_ins_count(limited):
    server = limited(rate_login=3)
    api = server.api()
    assert {api.post("auth/login", json=RIGHT).status for _ in range(8)} == {200}
    statuses = [api.post("auth/login", json=WRONG).status for _ in range(6)]
    assert statuses[:3] == [401] * 3 and statuses[-1] == 429
    reply = api.post("auth/login", json=RIGHT)
    assert reply.status == 429 and int(reply.headers["Retry-After"]) > 0
    other = register(server, verified=False, address=False)
    assert api.post("auth/login", json={"phone": other.phone,
                                        "password": PASSWORD}).status == 200


def test_registrations_are_limited_by_phone(limited):
    server = limited(rate_register=2)
    body = {"firstName": "Awa", "lastName": "Ngono", "phone": new_phone(), "password": PASSWORD}
    statuses = [server.api().post("auth/register", json=body).status for _ in range(4)]
    assert statuses == [201, 409, 429, 429]


def test_registrations_are_limited_by_device(limited):
    server = limited(rate_register=2)
    statuses = [server.api().post(
        "auth/register", headers={"X-Device-Id": "device-1"},
        json={"firstName": "Awa", "lastName": "Ngono", "phone": new_phone(),
              "password": PASSWORD}).status for _ in range(3)]
    assert statuses == [201, 201, 429]


def test_an_address_has_a_high_backstop(limited):
    server = limited(rate_address=40, loops=1)
    statuses = [server.api().get("config").status for _ in range(60)]
    assert 200 in statuses and 429 in statuses
    assert server.api().get("/healthz").status == 200  # probes are not counted


def test_a_forwarded_address_counts_only_from_a_trusted_proxy(limited):
    server = limited(rate_address=20, loops=1)
    statuses = [server.api().get("config", headers={"X-Forwarded-For": f"41.202.0.{n}"}).status
                for n in range(40)]
    assert 429 in statuses, "any client could escape the limit with a header"
    server = limited(rate_address=20, loops=1, trusted_proxies="127.0.0.1")
    statuses = [server.api().get("config", headers={"X-Forwarded-For": f"41.202.0.{n}"}).status
                for n in range(40)]
    assert set(statuses) == {200}


def test_limits_hold_without_redis(start_server):
    server = start_server(rate_limit="on", rate_account=10, loops=1)
    api = server.api(Tokens(server)("customer"))
    assert [api.get("auth/me").status for _ in range(12)].count(429) == 2


def test_with_limits_off_nothing_is_counted(customer_api):
    answers = [customer_api.get("auth/me") for _ in range(150)]
    assert {reply.status for reply in answers} == {200}
    assert "RateLimit" not in answers[0].headers


def test_the_same_basket_twice_is_refused_naming_the_first_order(start_server):
    server = start_server(duplicate_window="60s")
    api = server.api(Tokens(server)("customer"))
    first = api.post("orders", json=ORDER)
    assert first.status == 201
    again = api.post("orders", json=ORDER)
    assert again.status == 409 and again.code == "DUPLICATE_ORDER"
    assert first.data["orderId"] in again.body.decode()
    other = {"vendorId": "vendor_123", "items": [{"itemId": "item_1", "quantity": 2}]}
    assert api.post("orders", json=other).status == 201
    keyed = [api.post("orders", json=ORDER, headers={"Idempotency-Key": f"basket-{n}"}).status
             for n in range(2)]
    assert keyed == [201, 201]  # with keys the client itself decides which orders are the same


def test_the_local_stack_takes_the_same_basket_again(customer_api):
    assert [customer_api.post("orders", json=ORDER).status for _ in range(3)] == [201] * 3


@pytest.mark.parametrize("memory", ["on", "off"])
def test_log_ins_are_correct_with_and_without_the_cache(start_server, memory):
    server = start_server(login_memory=memory)
    api = server.api()
    for _ in range(5):
        assert api.post("auth/login", json=RIGHT).status == 200
        assert api.post("auth/login", json=WRONG).status == 401
    customer = register(server, verified=False, address=False)
    credentials = {"phone": customer.phone, "password": PASSWORD}
    assert api.post("auth/login", json=credentials).status == 200
    assert customer.api.put("auth/change-password", json={
        "oldPassword": PASSWORD, "newPassword": "Douala-2025!"}).status == 200
    assert api.post("auth/login", json=credentials).status == 401
    assert api.post("auth/login", json={**credentials, "password": "Douala-2025!"}).status == 200
