# SPDX-License-Identifier: MIT
"""Admins: log-in with cookies, lock-out, refresh, and the account."""

from concurrent.futures import ThreadPoolExecutor
from http.cookies import SimpleCookie

import pytest

from world.server import PRODUCTION

NEW_PASSWORD = "Limbe-2025!"
CONSOLE = "http://localhost:5173"


@pytest.fixture
def console(server):
    """The admin namespace without a token."""
    made = server.api(None, "admin")
    yield made
    made.close()


def log_in(console, admin, password=None):
    return console.post("auth/login", json={"email": admin.email,
                                            "password": password or admin.password})


def cookies(reply):
    """The cookies that a reply sets: name → morsel."""
    found = {}
    for line in reply.headers.get_all("Set-Cookie") or []:
        found.update(SimpleCookie(line))
    return found


def cookie_header(**values):
    return {"Cookie": "; ".join(f"{name}={value}" for name, value in values.items())}


# --- Log in -----------------------------------------------------------------------------------


def test_an_admin_logs_in_and_gets_tokens_and_cookies(console, admin):
    one = admin()
    reply = console.post("auth/login", json={"email": one.email.upper(), "password": one.password,
                                             "otp": "000000"})
    assert reply.status == 200, reply
    data = reply.data
    assert {"id", "name", "email", "role", "status"} <= set(data["admin"])
    assert (data["admin"]["id"], data["admin"]["role"]) == (one.id, "ADMIN")
    assert data["token"] == data["accessToken"] and data["expiresIn"] > 0
    set_ = cookies(reply)
    assert set_["accessToken"].value == data["accessToken"]
    assert set_["refreshToken"].value == data["refreshToken"]
    for morsel in set_.values():
        assert morsel["httponly"] and morsel["path"] == "/" and morsel["samesite"] == "Lax"
        assert not morsel["secure"] and int(morsel["max-age"]) > 0
    assert console.get("auth/me", token=data["token"]).data["id"] == one.id


def test_the_demo_admin_is_a_super_admin(console):
    reply = console.post("auth/login", json={"email": "admin@reeyo.cm", "password": "AdminSecure123!"})
    assert reply.data["admin"]["role"] == "SUPER_ADMIN"
    assert console.get("auth/me", token=reply.data["token"]).data["role"] == "SUPER_ADMIN"


def test_wrong_credentials_do_not_reveal_which_part_is_wrong(console, admin):
    wrong = log_in(console, admin(), "Wrong-123!")
    nobody = console.post("auth/login", json={"email": "nobody@reeyo.cm", "password": "Wrong-123!"})
    for reply in (wrong, nobody):
        assert (reply.status, reply.code) == (401, "AUTH_TOKEN_INVALID")
    assert wrong.error["message"] == nobody.error["message"]
    reply = console.post("auth/login", json={"password": "x"})
    assert (reply.status, reply.code) == (400, "VALIDATION_FAILED")
    assert set(reply.error["details"]["fields"]) == {"email"}


def test_five_failures_lock_the_account_for_half_an_hour(console, admin, sql):
    one = admin()
    for _ in range(5):
        assert log_in(console, one, "Wrong-123!").status == 401
    reply = log_in(console, one)
    assert (reply.status, reply.code) == (429, "TOO_MANY_REQUESTS")
    assert 1700 < int(reply.headers["Retry-After"]) <= 1800
    sql("UPDATE admins SET locked_until = now() - interval '1 s' WHERE id = %s", one.id)
    assert log_in(console, one).status == 200
    assert sql("SELECT failures, locked_until FROM admins WHERE id = %s", one.id) == [
        {"failures": 0, "locked_until": None}]


def test_a_success_resets_failures_and_concurrent_guesses_are_limited_to_five(server, console, admin):
    one = admin()
    for _ in range(3):
        for _ in range(4):
            assert log_in(console, one, "Wrong-123!").status == 401
        assert log_in(console, one).status == 200

    def guess(number):
        api = server.api(None, "admin")
        status = log_in(api, one, f"Wrong-{number}!").status
        api.close()
        return status
    with ThreadPoolExecutor(16) as pool:
        statuses = list(pool.map(guess, range(16)))
    assert sorted(statuses) == [401] * 5 + [429] * 11


def test_a_suspended_admin_cannot_log_in_or_refresh(console, admin, sql):
    one = admin()
    data = log_in(console, one).data
    sql("UPDATE admins SET status = 'SUSPENDED' WHERE id = %s", one.id)
    reply = log_in(console, one)
    assert (reply.status, reply.code) == (403, "ACCOUNT_SUSPENDED")
    reply = console.post("auth/refresh", json={"refreshToken": data["refreshToken"]})
    assert (reply.status, reply.code) == (403, "ACCOUNT_SUSPENDED")


# --- Cookies ----------------------------------------------------------------------------------


def test_cookies_work_only_from_a_listed_origin(console, admin):
    data = log_in(console, admin()).data
    cookie = cookie_header(accessToken=data["token"])
    assert console.get("auth/me", headers=cookie).status == 200
    assert console.post("auth/logout", headers=cookie).code == "CORS_ORIGIN_DENIED"
    reply = console.post("auth/logout", headers={**cookie, "Origin": "https://evil.example"})
    assert (reply.status, reply.code) == (403, "CORS_ORIGIN_DENIED")
    reply = console.post("auth/logout", headers={**cookie, "Origin": CONSOLE})
    assert reply.status == 200, reply
    for morsel in cookies(reply).values():
        assert morsel.value == "" and morsel["max-age"] == "0" and morsel["path"] == "/"
    assert set(cookies(reply)) == {"accessToken", "refreshToken"}
    assert console.get("auth/me", headers=cookie).status == 401


@pytest.mark.parametrize("allowed", ["*", f"*,{CONSOLE}", f"{CONSOLE},*"])
def test_an_allowed_origin_of_star_accepts_no_cookie(start_server, allowed):
    server = start_server(allowed_origins=allowed)
    console = server.api(None, "admin")
    data = console.post("auth/login", json={"email": "admin@reeyo.cm", "password": "AdminSecure123!"}).data
    cookie = cookie_header(accessToken=data["token"], refreshToken=data["refreshToken"])
    foreign = {**cookie, "Origin": "https://evil.example"}
    assert console.get("auth/me", headers=foreign).status == 200  # the page cannot read it
    for path in ("auth/refresh", "auth/logout"):
        assert console.post(path, headers=foreign).code == "CORS_ORIGIN_DENIED"
        own = {**cookie, "Origin": f"http://127.0.0.1:{console.port}"}
        assert console.post(path, headers=own).code == "CORS_ORIGIN_DENIED"
    listed = console.post("auth/logout", headers={**cookie, "Origin": CONSOLE})
    assert (listed.status == 200) == (CONSOLE in allowed), listed


def test_the_authorization_header_wins_over_a_cookie(console, admin):
    one, other = admin(), admin()
    cookie = cookie_header(accessToken=log_in(console, one).data["token"])
    reply = console.get("auth/me", headers=cookie, token=other.token)
    assert reply.data["id"] == other.id


def test_a_refresh_token_comes_from_body_or_cookie_and_is_rotated(console, admin):
    data = log_in(console, admin()).data
    by_body = console.post("auth/refresh", json={"refreshToken": data["refreshToken"]})
    assert by_body.status == 200, by_body
    assert cookies(by_body)["refreshToken"].value == by_body.data["refreshToken"]
    cookie = cookie_header(refreshToken=by_body.data["refreshToken"])
    assert console.post("auth/refresh", headers=cookie).code == "CORS_ORIGIN_DENIED"
    by_cookie = console.post("auth/refresh", headers={**cookie, "Origin": CONSOLE})
    assert by_cookie.status == 200, by_cookie
    assert console.get("auth/me", token=by_cookie.data["token"]).status == 200
    reused = console.post("auth/refresh", json={"refreshToken": data["refreshToken"]})
    assert (reused.status, reused.code) == (401, "AUTH_TOKEN_INVALID")
    assert {morsel.value for morsel in cookies(reused).values()} == {""}
    assert console.get("auth/me", token=by_cookie.data["token"]).status == 401


def test_a_refresh_without_a_token_is_401_and_clears_the_cookies(console, customer):
    for reply in (console.post("auth/refresh"), console.post("auth/refresh", json={"refreshToken": "x"})):
        assert (reply.status, reply.code) == (401, "AUTH_TOKEN_INVALID")
        assert set(cookies(reply)) == {"accessToken", "refreshToken"}
    assert console.get("auth/me", token=customer().token).code == "FORBIDDEN"


def test_a_promotion_applies_from_the_next_refresh(console, admin, sql):
    one = admin()
    data = log_in(console, one).data
    sql("UPDATE admins SET role = 'SUPER_ADMIN' WHERE id = %s", one.id)
    fresh = console.post("auth/refresh", json={"refreshToken": data["refreshToken"]}).data
    fresh = console.post("auth/refresh", json={"refreshToken": fresh["refreshToken"]}).data
    assert console.get("auth/me", token=fresh["token"]).data["role"] == "SUPER_ADMIN"


def test_in_production_cookies_are_secure_and_cross_site(start_server):
    server = start_server(**PRODUCTION)
    reply = server.api(None, "admin").post("auth/login", json={
        "email": "admin@reeyo.cm", "password": "AdminSecure123!"})
    assert reply.status == 200, reply
    for morsel in cookies(reply).values():
        assert morsel["secure"] and morsel["httponly"] and morsel["samesite"] == "None"


# --- The account ------------------------------------------------------------------------------


def test_a_changed_password_ends_the_other_sessions(console, admin):
    one = admin()
    data, other = log_in(console, one).data, log_in(console, one).data
    reply = console.post("auth/change-password", token=data["token"],
                         json={"currentPassword": "Wrong-123!", "newPassword": NEW_PASSWORD})
    assert (reply.status, reply.code) == (400, "VALIDATION_FAILED")
    reply = console.post("auth/change-password", token=data["token"],
                         json={"currentPassword": one.password, "newPassword": NEW_PASSWORD})
    assert reply.status == 200, reply
    assert console.get("auth/me", token=data["token"]).status == 200
    assert console.get("auth/me", token=other["token"]).status == 401
    assert log_in(console, one, NEW_PASSWORD).status == 200
