# SPDX-License-Identifier: MIT
"""Limits on guesses: a guess is reserved before it is verified, and the caller cannot choose the key that is counted.
Driven by the limits of the route tables, in every namespace."""

import itertools
import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from world.accounts import appoint, hire, new_phone, open_shop, register
from world.database import Database
from world.server import reeyo

NEW, WRONG = "Buea-2025?", "Wrong-1234!"
ROWS = json.loads(reeyo("routes", "--json").stdout)
LIMITED = [row for row in ROWS if row.get("limit")]
GUESSES = [row for row in LIMITED if row["limit"] in ("login", "password", "verify", "reset")]


_networks = itertools.count(1)


def name_of(row):
    return f"{row['namespace']}{row['path']}"


@pytest.fixture(scope="module")
def limited(start_server, redis_url):
    """limited(**configuration): limits on, with a Redis database of their own, emptied first."""
    def start(number=8, **configuration):
        import redis
        url = redis_url(number)
        redis.Redis(unix_socket_path=url.partition("?")[0].removeprefix("unix://"), db=number).flushdb()
        return start_server(**{"rate_limit": "on", "redis_url": url, "rate_account": 100000, "rate_admin": 100000,
                               "rate_register": 1000, "rate_messages_address": 100000, "rate_messages": 100000,
                               "login_memory": "off", "otp_test_code": None, **configuration})
    return start


@pytest.fixture(scope="module")
def guarded(limited):
    made = limited(rate_reset=5, trusted_proxies="127.0.0.1")
    made.sql = Database(made.configuration["database_url"])
    yield made
    made.sql.close()


@pytest.fixture(scope="module")
def alone(start_server):
    """The same without a Redis, on two loops."""
    made = start_server(rate_limit="on", redis_url="", loops=2, rate_account=100000, rate_admin=100000, rate_register=1000,
                        rate_messages_address=100000, rate_messages=100000, login_memory="off", otp_test_code=None,
                        rate_reset=5, trusted_proxies="127.0.0.1")
    made.sql = Database(made.configuration["database_url"])
    yield made
    made.sql.close()


def make(server, namespace):
    """An unverified account of that kind, with .names: the names by which it logs in."""
    unproved = {"phone_verified": False}
    if namespace == "user":
        one = register(server, verified=False, address=False, email=f"awa{new_phone()[1:]}@example.cm")
        one.email, one.password = one.user["email"], "Kumba-2024!"
    elif namespace == "admin":
        one = appoint(server, server.sql)
    else:
        one = open_shop(server, server.sql, **unproved, email_verified=False) if namespace == "vendor" else hire(
            server, server.sql, **unproved)
    if namespace in ("vendor", "rider"):
        server.sql("INSERT INTO one_time_codes (account_id, purpose, code_hash, expires_at)"
                   " VALUES (%s, 'VERIFY_PHONE', 'x', now() + interval '10 minutes')", one.id)
    one.names = [{"email": one.email}] if namespace == "admin" else [
        {"phone": one.phone}, {"email": one.email}, {"identifier": one.phone[4:]}, {"identifier": one.email.upper()}]
    return one


def guesses(row, one):
    """An endless series of wrong guesses, each with an undeclared member or another spelling."""
    for number in itertools.count():
        yield {"login": {**(one.names[number % len(one.names)] if row["limit"] == "login" else {}),
                         "password": f"{WRONG}{number}"},
               "password": {"oldPassword": f"{WRONG}{number}", "newPassword": NEW},
               "verify": {"otp": f"{number % 1000000:06d}", "vendorId": one.id},
               "reset": {"resetToken": f"R-{number:010d}", "newPassword": NEW}}[row["limit"]] | {
                   "vendor_id" if row["limit"] != "verify" else "x": "vendor_x",
                   **({} if row["limit"] == "login" else {"phone": new_phone(), "email": f"x{number}@example.cm"})}


def guess_at_once(server, row, one, count):
    bodies = list(itertools.islice(guesses(row, one), count))
    network = f"41.202.9.{next(_networks)}"

    def guess(body):
        api = server.api(None if row["access"] == "anyone" else one.token, row["namespace"])
        try:
            return api.post(f"/api/v1/{row['namespace']}{row['path']}", json=body, headers={"X-Forwarded-For": network})
        finally:
            api.close()
    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(guess, bodies))


def test_guesses_are_limited_in_every_namespace():
    kinds = {row["namespace"]: set() for row in GUESSES}
    for row in GUESSES:
        kinds[row["namespace"]].add(row["limit"])
    assert kinds == {"user": {"login", "password", "verify", "reset"}, "vendor": {"login", "password", "verify", "reset"},
                     "rider": {"login", "password", "verify", "reset"}, "admin": {"login", "password"}}
    document = json.loads(reeyo("openapi").stdout)
    limited = {(row["namespace"], path) for row in GUESSES for path in [row["path"], *row["aliases"]]}
    for path, item in document["paths"].items():
        for method, operation in item.items():
            body = json.dumps(operation.get("requestBody", {}) if isinstance(operation, dict) else {})
            if any(f'"{word}"' in body for word in ("oldPassword", "otp", "resetToken")) or path.endswith("/auth/login"):
                namespace, _, rest = path.removeprefix("/api/v1/").partition("/")
                assert (namespace, f"/{rest}") in limited, f"{method} {path} verifies a guess and has no limit"


def test_every_limit_names_its_key():
    assert LIMITED
    for row in LIMITED:
        assert row.get("limitBy"), name_of(row)
    assert not [row for row in ROWS if row.get("limitBy") and not row.get("limit")]


@pytest.mark.parametrize("where", ["guarded", "alone"])
@pytest.mark.parametrize("row", GUESSES, ids=name_of)
def test_many_guesses_at_once_are_no_more_than_five(row, where, request):
    server = request.getfixturevalue(where)
    one = make(server, row["namespace"])
    replies = guess_at_once(server, row, one, 30)
    statuses = [reply.status for reply in replies]
    assert statuses.count(429) == 25 and len([s for s in statuses if s in (400, 401)]) == 5, statuses
    for reply in replies:
        if reply.status == 429:
            assert reply.code == "TOO_MANY_REQUESTS" and int(reply.headers["Retry-After"]) > 0


@pytest.mark.parametrize("namespace", ["user", "vendor", "rider", "admin"])
def test_a_right_password_after_five_wrong_ones_waits_and_successes_do_not_count(guarded, namespace):
    one, api = make(guarded, namespace), guarded.api(None, namespace)
    right = [{**name, "password": one.password} for name in one.names]
    wrong = [{**name, "password": WRONG} for name in one.names]
    for number in range(12):
        assert api.post("auth/login", json=right[number % len(right)]).status == 200
    for number in range(4):
        assert api.post("auth/login", json=wrong[number % len(wrong)]).status == 401
    assert {api.post("auth/login", json=body).status for body in right * 2} == {200}
    assert api.post("auth/login", json=wrong[-1]).status == 401
    for body in right + wrong:
        assert api.post("auth/login", json=body).status == 429


def test_a_right_code_and_a_right_old_password_do_not_count(guarded):
    one = register(guarded, verified=False, address=False)
    for number in range(8):
        old, new = (f"Kumba-2024!{number - 1}" if number else "Kumba-2024!"), f"Kumba-2024!{number}"
        assert one.api.post("auth/change-password", json={"oldPassword": old, "newPassword": new}).status == 200
    for _ in range(5):
        assert one.api.post("auth/change-password", json={"oldPassword": WRONG, "newPassword": NEW}).status == 401
    reply = one.api.post("auth/change-password", json={"oldPassword": "Kumba-2024!7", "newPassword": NEW})
    assert reply.status == 429


# --- The key of a limit ----------------------------------------------------------------------


@pytest.mark.parametrize("namespace", ["user", "vendor", "rider"])
def test_another_code_is_counted_by_the_account_whatever_the_body_contains(guarded, namespace):
    one = make(guarded, namespace)
    api = guarded.api(one.token, namespace)
    bodies = [{"phone": new_phone(), "email": f"x{number}@example.cm", "identifier": str(number)} for number in range(12)]
    if namespace == "vendor":  # by its token, by its id, by both
        bodies = [{**body, **({} if number % 3 else {"vendorId": one.id}), **({} if number % 2 else {"vendor_id": one.id})}
                  for number, body in enumerate(bodies)]
    statuses = [api.post("auth/resend-otp", json=body).status for body in bodies]
    assert statuses == [200] * 5 + [429] * 7


def test_codes_to_reset_a_password_are_counted_by_account(guarded):
    one = make(guarded, "user")
    statuses = [guarded.api().post("auth/forgot-password", json=body).status
                for body in [{"phone": one.phone}, {"email": one.email}] * 5]
    assert set(statuses) == {200}, "the reply does not reveal whether the account exists"
    other = [{"phoneNumber": one.phone[4:]}, {"phone": one.phone.replace("+237", "237 ")}]
    assert [guarded.api().post("auth/forgot-password", json=body).status for body in other] == [429, 429]
    guarded.wait(lambda: guarded.sql("SELECT count(*) AS n FROM reset_tokens WHERE account_id = %s", one.id)[0]["n"] >= 5,
                 10, "sending")
    assert guarded.sql("SELECT count(*) AS n, count(*) FILTER (WHERE used_at IS NULL) AS good FROM reset_tokens"
                       " WHERE account_id = %s", one.id) == [{"n": 5, "good": 1}]


def test_a_client_that_leaves_before_the_reply_has_used_no_guess(limited):
    """A phone that loses its network during log-in is not locked out."""
    server = limited(number=10, rate_login=3, work_threads=1, argon2_memory="7168k", argon2_passes=40, loops=1)
    one = register(server, verified=False, address=False)
    body = json.dumps({"phone": one.phone, "password": "Kumba-2024!"})
    for _ in range(6):
        wire = server.wire()
        wire.send(f"POST /api/v1/auth/login HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
                  f"Content-Length: {len(body)}\r\n\r\n{body}")
        wire.close()
    server.wait(lambda: server.api().post("auth/login", json=json.loads(body)).status == 200, 30, "open to it again")
