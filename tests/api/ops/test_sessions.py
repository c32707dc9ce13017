# SPDX-License-Identifier: MIT
"""Sessions of every kind of account: what a cut-off ends, a refresh whose reply was lost, and the device of a session."""

import pytest

from world.accounts import PASSWORD
from world.tokens import read, sign

NEW = "Buea-2025?"
# How an admin suspends an account and reactivates it.
SHUT_AND_OPEN = {"user": ("users/{}/suspend", "users/{}/unsuspend"), "vendor": ("vendors/{}/suspend", "vendors/{}/approve"),
                 "rider": ("riders/{}/suspend", "riders/{}/approve")}


@pytest.fixture
def account(customer, vendor, rider, admin):
    """account(kind): an account of that kind, with .id, .credentials and .password."""
    def make(kind):
        made = {"user": lambda: customer(address=False), "vendor": vendor, "rider": rider, "admin": admin}[kind]()
        made.password = PASSWORD if kind == "user" else made.password
        made.credentials = {"email": made.email} if kind == "admin" else {"phone": made.phone}
        made.credentials["password"] = made.password
        return made
    return make


@pytest.fixture
def call(server):
    """call(kind): the kind's namespace, without a token."""
    return lambda kind: server.api(None, kind)


def log_in(api, account):
    reply = api.post("auth/login", json=account.credentials)
    assert reply.status == 200, reply
    return reply.data


# --- Cut-offs ---------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", SHUT_AND_OPEN)
def test_a_reactivated_account_logs_in_within_the_same_second(kind, account, call, admin_api):
    one, api = account(kind), call(kind)
    for _ in range(5):  # some of them within one second
        before = log_in(api, one)["token"]
        for path in SHUT_AND_OPEN[kind]:
            reply = admin_api.post(path.format(one.id), json={"reason": "Checking"})
            assert reply.status == 200, reply
        after = log_in(api, one)["token"]
        assert api.get("auth/me", token=before).status == 401
        assert api.get("auth/me", token=after).status == 200


@pytest.mark.parametrize("kind", [*SHUT_AND_OPEN, "admin"])
def test_a_log_in_after_a_new_password_is_valid_immediately(kind, account, call):
    one, api = account(kind), call(kind)
    for password in (NEW, one.password, NEW):
        data = log_in(api, one)
        body = {"oldPassword": one.credentials["password"], "newPassword": password}
        assert api.post("auth/change-password", json=body, token=data["token"]).status == 200
        one.credentials["password"] = password
        assert api.get("auth/me", token=log_in(api, one)["token"]).status == 200


def test_a_token_of_whole_seconds_is_read_and_ends_with_its_second(account, call, admin_api, sql):
    one, api = account("user"), call("user")
    head, claims = read(log_in(api, one)["token"])
    assert claims["iatMs"] // 1000 in range(claims["iat"] - 60, claims["iat"] + 60)
    del claims["iatMs"]
    old = sign(head, {**claims, "sid": "ses_of_before"})
    assert api.get("auth/me", token=old).status == 200
    for path in SHUT_AND_OPEN["user"]:
        admin_api.post(path.format(one.id), json={"reason": "Checking"})
    assert api.get("auth/me", token=old).status == 401


# --- Refresh ----------------------------------------------------------------------------------


def refresh(api, kind, token):
    return api.post("auth/refresh", json={"refreshToken": token})


@pytest.mark.parametrize("kind", [*SHUT_AND_OPEN, "admin"])
def test_a_refresh_whose_reply_was_lost_gives_the_same_successor_for_a_minute(kind, account, call, sql):
    one, api = account(kind), call(kind)
    first = log_in(api, one)["refreshToken"]
    second = refresh(api, kind, first).data["refreshToken"]
    sql("UPDATE sessions SET refreshed_at = refreshed_at - interval '55 s', device = 'phone-1' WHERE account_id = %s", one.id)
    kept = [refresh(api, kind, first).data["refreshToken"] for _ in range(2)]
    assert kept[0] == kept[1] and read(kept[0])[1]["jti"] == read(second)[1]["jti"]
    assert {row["device"] for row in sql("SELECT device FROM sessions WHERE account_id = %s", one.id)} == {"phone-1"}
    third = refresh(api, kind, kept[1])
    assert third.status == 200
    sql("UPDATE sessions SET refreshed_at = refreshed_at - interval '61 s' WHERE account_id = %s", one.id)
    assert refresh(api, kind, second).status == 401
    assert refresh(api, kind, third.data["refreshToken"]).status == 401, "the session has ended"


def test_the_successor_is_the_same_byte_for_byte(account, call):
    one, api = account("user"), call("user")
    first = log_in(api, one)["refreshToken"]
    assert len({refresh(api, "user", first).data["refreshToken"] for _ in range(4)}) == 1


@pytest.mark.parametrize("grace, timeout, least", [("60s", "30s", 60), ("10s", "30s", 60), ("90s", "30s", 90),
                                                   ("60s", "50s", 100)])
def test_the_grace_is_longer_than_a_request_may_take(start_server, grace, timeout, least):
    server = start_server(refresh_grace=grace, request_timeout=timeout)
    from world.accounts import register
    from world.database import Database
    one, sql = register(server, verified=False, address=False), Database(server.configuration["database_url"])
    first = server.api().post("auth/login", json={"phone": one.phone, "password": PASSWORD}).data["refreshToken"]
    session = read(first)[1]["sid"]
    statuses = []
    assert refresh(server.api(), "user", first).status == 200
    for age in (least - 5, least + 1):
        sql("UPDATE sessions SET refreshed_at = now() - make_interval(secs => %s) WHERE id = %s", age, session)
        statuses.append(refresh(server.api(), "user", first).status)
    sql.close()
    assert statuses == [200, 401]


# --- Devices ----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", SHUT_AND_OPEN)
def test_a_device_gets_no_messages_after_its_session_has_ended(kind, account, call, sql):
    one, api = account(kind), call(kind)

    def devices():
        return {row["token"] for row in sql("SELECT token FROM device_tokens WHERE account_id = %s", one.id)}
    phone, tablet, old = [log_in(api, one) for _ in range(3)]
    for name, data in (("phone", phone), ("tablet", tablet), ("old", old)):
        assert api.post("auth/device-token", json={"token": f"{name}-{one.id}"}, token=data["token"]).status == 200
    assert devices() == {f"phone-{one.id}", f"tablet-{one.id}", f"old-{one.id}"}
    assert api.post("auth/logout", token=phone["token"]).status == 200
    assert devices() == {f"tablet-{one.id}", f"old-{one.id}"}, "that session's device, and no other"
    fresh = refresh(api, kind, tablet["refreshToken"]).data
    body = {"oldPassword": one.password, "newPassword": NEW}
    assert api.post("auth/change-password", json=body, token=fresh["token"]).status == 200
    assert devices() == {f"tablet-{one.id}"}, "the session that changed the password goes on"
    again = refresh(api, kind, fresh["refreshToken"]).data
    assert again and refresh(api, kind, tablet["refreshToken"]).status == 401
    assert devices() == set(), "a session that was used twice ends with its device"
