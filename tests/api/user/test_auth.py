# SPDX-License-Identifier: MIT
"""Registration, log-in, the life of a session, and the account."""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from world.accounts import PASSWORD, new_phone


def registration(**fields):
    return {"firstName": "Awa", "lastName": "Ngono", "phone": new_phone(), "password": PASSWORD,
            **fields}


def register(api, **fields):
    reply = api.post("auth/register", json=registration(**fields))
    assert reply.status == 201, reply
    return reply.data


def faults(reply):
    assert reply.status == 400, reply
    assert reply.code == "VALIDATION_ERROR"
    return {detail["field"] for detail in reply.error["details"]}


# --- Registration -----------------------------------------------------------------------------


def test_registration_opens_an_account_with_a_wallet_and_a_session(api, sql):
    data = register(api, email="Awa.Ngono@Example.CM")
    user = data["user"]
    assert user["name"] == "Awa Ngono"
    assert user["email"] == "awa.ngono@example.cm"
    assert user["status"] == "ACTIVE"
    assert user["isPhoneVerified"] is False
    assert user["addresses"] == []
    assert "password" not in str(user).lower() and "hash" not in str(user).lower()
    assert data["token"] == data["accessToken"]
    assert data["expiresIn"] > 0
    assert sql("SELECT available FROM wallets WHERE owner_id = %s", user["userId"]) == [{"available": 0}]
    assert api.get("auth/me", token=data["token"]).data["userId"] == user["userId"]


def test_a_password_is_stored_as_argon2id_only(api, sql):
    user = register(api)["user"]
    row = sql("SELECT to_json(u)::text AS row, password_hash FROM users u WHERE id = %s", user["userId"])[0]
    assert row["password_hash"].startswith("$argon2id$v=19$")
    assert PASSWORD not in row["row"]


def test_a_code_is_stored_as_a_keyed_hash_only(api, sql, server):
    user = register(api)["user"]
    row = sql("SELECT code_hash FROM one_time_codes WHERE account_id = %s", user["userId"])[0]
    sent = [line["text"] for line in server.log() if line.get("msg") == "sms"][-1]
    code = re.search(r"\d{6}", sent).group()
    assert len(row["code_hash"]) == 64 and code not in row["code_hash"]


def test_one_name_is_split_at_its_first_space(api):
    body = registration()
    del body["firstName"], body["lastName"]
    user = api.post("auth/register", json={**body, "name": "Jean Claude Mbarga"}).data["user"]
    assert (user["firstName"], user["lastName"]) == ("Jean", "Claude Mbarga")
    reply = api.post("auth/register", json={**body, "phone": new_phone(), "name": "Jean"})
    assert faults(reply) == {"name"}
    reply = api.post("auth/register", json={**body, "phone": new_phone()})
    assert faults(reply) == {"firstName"}


@pytest.mark.parametrize("spelling", [
    "{0}", "+237 {0}", "237{0}", "+237{0}", "237 {1} {2} {3} {4} {5}", "{1} {2} {3} {4} {5}"])
def test_a_phone_is_the_same_in_any_spelling(api, spelling):
    phone = new_phone()
    local = phone[4:]
    register(api, phone=phone)
    spelt = spelling.format(local, local[0], local[1:3], local[3:5], local[5:7], local[7:9])
    reply = api.post("auth/register", json=registration(phone=spelt))
    assert (reply.status, reply.code) == (409, "USER_1000"), spelt
    assert api.post("auth/login", json={"phone": spelt, "password": PASSWORD}).status == 200


def test_an_email_is_the_same_in_any_case(api):
    register(api, email="some.one@example.cm")
    reply = api.post("auth/register", json=registration(email=" Some.One@EXAMPLE.cm "))
    assert (reply.status, reply.code) == (409, "USER_1001")


def test_of_many_registrations_of_one_phone_one_wins(server, sql):
    phone = new_phone()

    def attempt(_):
        return server.api().post("auth/register", json=registration(phone=phone)).status
    with ThreadPoolExecutor(16) as pool:
        statuses = sorted(pool.map(attempt, range(16)))
    assert statuses == [201] + [409] * 15
    assert sql("SELECT count(*) AS n FROM users WHERE phone = %s", phone) == [{"n": 1}]
    assert sql("SELECT count(*) AS n FROM wallets w JOIN users u ON u.id = w.owner_id WHERE u.phone = %s",
               phone) == [{"n": 1}]


@pytest.mark.parametrize("field, value", [
    ("password", "short1!"), ("password", "alllower1!"), ("password", "ALLUPPER1!"),
    ("password", "NoDigits!!"), ("password", "NoSymbol11"), ("password", 12345678),
    ("phone", "12345"), ("phone", "+33612345678"), ("phone", None), ("phone", {}),
    ("email", "not-an-email"), ("email", "a@b@c.cm"), ("firstName", "A"), ("lastName", "x" * 51)])
def test_a_wrong_field_is_named_and_nothing_is_written(api, sql, field, value):
    phone = new_phone()
    reply = api.post("auth/register", json=registration(**{"phone": phone, field: value}))
    assert faults(reply) == {field}
    if isinstance(value, str) and field == "password":
        assert value not in reply.body.decode()
    assert sql("SELECT 1 FROM users WHERE phone = %s", phone) == []


# --- Log in -----------------------------------------------------------------------------------


def test_a_customer_logs_in_by_phone_email_or_either(api):
    user = register(api, email="either.way@example.cm")["user"]
    for credentials in ({"phone": user["phone"]}, {"email": "Either.Way@Example.cm"},
                        {"identifier": user["phone"][4:]}, {"identifier": "EITHER.WAY@example.cm"}):
        reply = api.post("auth/login", json={**credentials, "password": PASSWORD})
        assert reply.status == 200, reply
        assert reply.data["user"]["userId"] == user["userId"]
        assert reply.data["refreshToken"]


def test_wrong_credentials_do_not_show_which_part_is_wrong(api):
    user = register(api)["user"]
    wrong = api.post("auth/login", json={"phone": user["phone"], "password": "Wrong-123!"})
    nobody = api.post("auth/login", json={"phone": new_phone(), "password": "Wrong-123!"})
    for reply in (wrong, nobody):
        assert (reply.status, reply.code) == (401, "AUTH_2000")
        assert "WWW-Authenticate" in reply.headers
    assert wrong.error["message"] == nobody.error["message"]


def test_a_log_in_needs_an_account_and_a_password(api):
    assert faults(api.post("auth/login", json={})) == {"password"}
    assert faults(api.post("auth/login", json={"password": "x"})) == {"phone"}
    assert faults(api.post("auth/login", json={"identifier": "nobody", "password": "x"})) == {"identifier"}
    assert faults(api.post("auth/login", json={"phone": "12", "password": "x"})) == {"phone"}


@pytest.mark.parametrize("status, code", [("SUSPENDED", "USER_3004"), ("INACTIVE", "USER_3005")])
def test_a_blocked_account_gets_that_error_only_with_the_right_password(api, sql, status, code):
    data = register(api)
    user = data["user"]
    sql("UPDATE users SET status = %s WHERE id = %s", status, user["userId"])
    reply = api.post("auth/login", json={"phone": user["phone"], "password": PASSWORD})
    assert (reply.status, reply.code) == (403, code)
    reply = api.post("auth/login", json={"phone": user["phone"], "password": "Wrong-123!"})
    assert (reply.status, reply.code) == (401, "AUTH_2000")
    reply = api.post("auth/refresh", json={"refreshToken": data["refreshToken"]})
    assert (reply.status, reply.code) == (403, code)


def test_a_deleted_account_is_unknown(api, sql):
    user = register(api)["user"]
    sql("UPDATE users SET status = 'DELETED' WHERE id = %s", user["userId"])
    reply = api.post("auth/login", json={"phone": user["phone"], "password": PASSWORD})
    assert (reply.status, reply.code) == (401, "AUTH_2000")


def test_a_bcrypt_hash_of_the_former_back_end_logs_in_and_is_replaced(api, sql):
    user = register(api)["user"]
    sql("UPDATE users SET password_hash = %s WHERE id = %s",
        "$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", user["userId"])
    for _ in range(2):
        reply = api.post("auth/login", json={"phone": user["phone"], "password": "U*U"})
        assert reply.status == 200, reply
        row = sql("SELECT password_hash FROM users WHERE id = %s", user["userId"])[0]
        assert row["password_hash"].startswith("$argon2id$")
    reply = api.post("auth/login", json={"phone": user["phone"], "password": "U*V"})
    assert reply.status == 401


def test_a_hundred_log_ins_of_one_account_at_once_all_succeed(server, api):
    phone = register(api)["user"]["phone"]

    def attempt(number):
        password = PASSWORD if number % 4 else "Wrong-123!"
        return server.api().post("auth/login", json={"phone": phone, "password": password}).status
    with ThreadPoolExecutor(32) as pool:
        statuses = list(pool.map(attempt, range(100)))
    assert statuses == [200 if number % 4 else 401 for number in range(100)]


# --- Refresh and log out ----------------------------------------------------------------------


def test_a_refresh_gives_a_new_pair(api):
    data = register(api)
    reply = api.post("auth/refresh", json={"refreshToken": data["refreshToken"]})
    assert reply.status == 200, reply
    assert reply.data["refreshToken"] != data["refreshToken"]
    assert api.get("auth/me", token=reply.data["accessToken"]).status == 200
    assert api.post("auth/refresh-token",
                    json={"refreshToken": reply.data["refreshToken"]}).status == 200


def test_concurrent_refreshes_give_the_same_successor(server, api):
    old = register(api)["refreshToken"]

    def attempt(_):
        return server.api().post("auth/refresh", json={"refreshToken": old})
    with ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(attempt, range(8)))
    assert {reply.status for reply in replies} == {200}
    for reply in replies:  # the client can continue with either reply
        assert api.get("auth/me", token=reply.data["token"]).status == 200
    following = api.post("auth/refresh", json={"refreshToken": replies[3].data["refreshToken"]})
    assert following.status == 200


def test_an_old_refresh_token_used_again_ends_the_session(api, sql):
    data = register(api)
    first = data["refreshToken"]
    second = api.post("auth/refresh", json={"refreshToken": first}).data
    third = api.post("auth/refresh", json={"refreshToken": second["refreshToken"]}).data
    reply = api.post("auth/refresh", json={"refreshToken": first})
    assert (reply.status, reply.code) == (401, "AUTH_1001")
    reply = api.post("auth/refresh", json={"refreshToken": third["refreshToken"]})
    assert (reply.status, reply.code) == (401, "AUTH_1001")
    for tokens in (data, second, third):
        assert api.get("auth/me", token=tokens["token"]).status == 401
    row = sql("SELECT end_reason FROM sessions WHERE account_id = %s", data["user"]["userId"])
    assert row == [{"end_reason": "reuse"}]


def test_only_a_refresh_token_refreshes(api):
    data = register(api)
    for wrong in (data["accessToken"], "x", "a.b.c", data["refreshToken"][:-2]):
        reply = api.post("auth/refresh", json={"refreshToken": wrong})
        assert (reply.status, reply.code) == (401, "AUTH_1001"), wrong
    assert faults(api.post("auth/refresh", json={})) == {"refreshToken"}
    assert api.get("auth/me", token=data["refreshToken"]).status == 401


def test_logging_out_ends_this_session_on_every_loop(server, api):
    user = register(api)["user"]
    credentials = {"phone": user["phone"], "password": PASSWORD}
    one = api.post("auth/login", json=credentials).data
    other = api.post("auth/login", json=credentials).data
    apis = [server.api(one["token"]) for _ in range(12)]  # connections on both loops
    assert {each.get("auth/me").status for each in apis} == {200}
    assert apis[0].post("auth/logout").status == 200
    assert {each.get("auth/me").status for each in apis} == {401}
    reply = api.post("auth/refresh", json={"refreshToken": one["refreshToken"]})
    assert (reply.status, reply.code) == (401, "AUTH_1001")
    assert api.get("auth/me", token=other["token"]).status == 200


# --- The account ------------------------------------------------------------------------------


def test_profile_changes_are_visible_at_once(customer):
    one = customer()
    assert one.api.get("auth/me").data["firstName"] == "Awa"
    reply = one.api.put("auth/profile", json={"firstName": "Amina", "email": "AMINA@example.cm",
                                             "profilePicture": "https://cdn.example.cm/a.webp"})
    assert reply.status == 200, reply
    for user in (reply.data, one.api.get("auth/me").data):
        assert user["name"] == "Amina Ngono"
        assert user["email"] == "amina@example.cm"
        assert user["profilePicture"] == "https://cdn.example.cm/a.webp"
    assert one.api.patch("auth/profile", json={"name": "Marie Ewane"}).data["lastName"] == "Ewane"
    assert one.api.post("auth/profile", json={}).status == 200


def test_an_email_of_somebody_else_is_refused(customer):
    one, other = customer(email="taken@example.cm"), customer()
    reply = other.api.put("auth/profile", json={"email": "TAKEN@example.cm"})
    assert (reply.status, reply.code) == (409, "USER_1001")
    assert one.api.put("auth/profile", json={"email": "taken@example.cm"}).status == 200


def test_devices_are_added_and_removed(customer, sql):
    one, other = customer(), customer()
    assert one.api.post("auth/device-token", json={"token": "device-a", "platform": "android"}).status == 200
    assert other.api.post("auth/device-token", json={"token": "device-a"}).status == 200
    rows = sql("SELECT account_id, platform FROM device_tokens WHERE token = 'device-a'")
    assert rows == [{"account_id": other.id, "platform": "ANDROID"}]
    for number in range(15):
        other.api.post("auth/device-token", json={"token": f"device-{other.id}-{number}"})
    count = "SELECT count(*) AS n FROM device_tokens WHERE account_id = %s"
    assert sql(count, other.id) == [{"n": 10}]
    last = f"device-{other.id}-14"
    assert other.api.delete("auth/device-token", json={"token": last}).status == 200
    assert sql(count, other.id) == [{"n": 9}]
    assert other.api.delete("auth/device-token").status == 200
    assert sql(count, other.id) == [{"n": 0}]
    assert faults(one.api.post("auth/device-token", json={"token": "x", "platform": "PALM"})) == {"platform"}
