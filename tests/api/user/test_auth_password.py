# SPDX-License-Identifier: MIT
"""Changing and resetting a password, and guessing one."""

import re
from concurrent.futures import ThreadPoolExecutor

from world.accounts import PASSWORD
from world.database import Database
from world.waiting import beside, until

NEW = "Buea-2025?"


def log_in(api, phone, password):
    return api.post("auth/login", json={"phone": phone, "password": password})


def reset_code(server, after=0, number=1):
    """The code of message `number`; the reply does not wait for the message."""
    def texts():
        return [line["text"] for line in server.log()[after:] if line.get("msg") in ("sms", "e-mail")]
    until(lambda: len(texts()) >= number, what="the message")
    return re.search(r"R-[0-9A-Z]{10}", texts()[number - 1]).group()


def test_a_new_password_ends_every_other_session(customer, api):
    one = customer(address=False)
    other = log_in(api, one.phone, PASSWORD).data
    assert api.get("auth/me", token=other["token"]).status == 200
    reply = one.api.post("auth/change-password", json={"oldPassword": PASSWORD, "newPassword": NEW})
    assert reply.status == 200, reply
    assert one.api.get("auth/me").status == 200
    assert api.get("auth/me", token=other["token"]).status == 401
    assert api.post("auth/refresh", json={"refreshToken": other["refreshToken"]}).status == 401
    assert log_in(api, one.phone, PASSWORD).code == "AUTH_2000"
    assert log_in(api, one.phone, NEW).status == 200


def test_a_cached_log_in_is_void_after_a_password_change(customer, server):
    one = customer(address=False)
    apis = [server.api() for _ in range(8)]
    assert {log_in(each, one.phone, PASSWORD).status for each in apis} == {200}
    one.api.put("auth/password", json={"currentPassword": PASSWORD, "newPassword": NEW})
    assert {log_in(each, one.phone, PASSWORD).status for each in apis} == {401}


def test_the_current_password_is_needed(customer):
    one = customer(address=False)
    reply = one.api.post("auth/change-password", json={"oldPassword": NEW, "newPassword": NEW})
    assert (reply.status, reply.code) == (401, "AUTH_2001")
    reply = one.api.post("auth/change-password", json={"newPassword": NEW})
    assert {detail["field"] for detail in reply.error["details"]} == {"oldPassword"}
    reply = one.api.post("auth/change-password", json={"oldPassword": PASSWORD, "newPassword": "weak"})
    assert {detail["field"] for detail in reply.error["details"]} == {"newPassword"}
    assert "weak" not in reply.body.decode()


def test_of_two_concurrent_changes_one_succeeds(customer, server, api):
    one = customer(address=False)

    def change(number):
        return server.api(one.token).post("auth/change-password", json={
            "oldPassword": PASSWORD, "newPassword": f"{NEW}{number}"}).status
    with ThreadPoolExecutor(4) as pool:
        statuses = list(pool.map(change, range(4)))
    assert sorted(statuses) == [200, 401, 401, 401]
    assert log_in(api, one.phone, f"{NEW}{statuses.index(200)}").status == 200


def test_a_reset_code_sets_a_password_once_and_ends_every_session(customer, server, api, sql):
    one = customer(address=False)
    before = len(server.log())
    assert api.post("auth/forgot-password", json={"phone": one.phone}).status == 200
    code = reset_code(server, before)
    assert sql("SELECT 1 FROM reset_tokens WHERE token_hash LIKE %s", f"%{code[2:]}%") == []
    body = {"resetToken": code.lower(), "newPassword": NEW}
    assert api.post("auth/reset-password", json=body).status == 200
    assert one.api.get("auth/me").status == 401
    assert log_in(api, one.phone, PASSWORD).status == 401
    assert log_in(api, one.phone, NEW).status == 200
    reply = api.post("auth/reset-password", json=body)
    assert (reply.status, reply.code) == (400, "AUTH_2002")


def test_a_reset_code_used_twice_at_once_works_once(customer, server, api):
    one = customer(address=False)
    before = len(server.log())
    api.post("auth/forgot-password", json={"phone": one.phone})
    code = reset_code(server, before)

    def reset(number):
        return server.api().post("auth/reset-password", json={
            "resetToken": code, "newPassword": f"{NEW}{number}"}).status
    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(reset, range(8)))
    assert sorted(statuses) == [200] + [400] * 7
    assert log_in(api, one.phone, f"{NEW}{statuses.index(200)}").status == 200


def test_a_reset_code_comes_by_email_and_only_the_last_one_is_valid(customer, server, api):
    one = customer(address=False, email="forgetful@example.cm")
    before = len(server.log())
    api.post("auth/forgot-password", json={"email": "Forgetful@example.cm"})
    first = reset_code(server, before)
    api.post("auth/forgot-password", json={"email": "forgetful@example.cm"})
    second = reset_code(server, before, 2)
    assert api.post("auth/reset-password", json={"resetToken": first, "newPassword": NEW}).status == 400
    assert api.post("auth/reset-password", json={"resetToken": second, "newPassword": NEW}).status == 200
    assert log_in(api, one.phone, NEW).status == 200


def test_a_reset_code_ends_after_an_hour(customer, server, api, sql):
    one = customer(address=False)
    before = len(server.log())
    api.post("auth/forgot-password", json={"phone": one.phone})
    code = reset_code(server, before)
    sql("UPDATE reset_tokens SET expires_at = now() WHERE account_id = %s", one.id)
    reply = api.post("auth/reset-password", json={"resetToken": code, "newPassword": NEW})
    assert (reply.status, reply.code) == (400, "AUTH_2002")


def test_an_unknown_account_gets_the_same_answer(customer, api):
    known = api.post("auth/forgot-password", json={"phone": customer(address=False).phone})
    unknown = api.post("auth/forgot-password", json={"phone": "+237698765432"})
    assert known.status == unknown.status == 200
    assert known.json == unknown.json
    assert api.post("auth/forgot-password", json={}).status == 400


def test_a_forgotten_password_is_answered_while_its_account_is_locked(customer, server, api, sql):
    """The reply does not wait for the work that a known account needs."""
    one = customer(address=False)
    before = len(server.log())
    held = sql.connection
    held.autocommit = False
    try:
        sql("SELECT 1 FROM users WHERE id = %s FOR UPDATE", one.id)
        reply = api.post("auth/forgot-password", json={"phone": one.phone})
        assert reply.status == 200
        assert not [line for line in server.log()[before:] if line.get("msg") == "sms"]
    finally:
        held.rollback()
        held.autocommit = True
    assert reset_code(server, before)


def test_wrong_reset_codes_are_refused(api):
    for code in ("R-0000000000", "123456", "x" * 64, "'; DROP TABLE users; --"):
        reply = api.post("auth/reset-password", json={"resetToken": code, "newPassword": NEW})
        assert (reply.status, reply.code) == (400, "AUTH_2002"), code


# --- Guessing ---------------------------------------------------------------------------------


def test_failed_log_ins_are_counted_and_successes_are_not(start_server, redis_url):
    running = start_server(rate_limit="on", rate_register=100, login_memory="off", redis_url=redis_url(7))
    api = running.api()
    phone = "+237699990011"
    api.post("auth/register", json={"name": "Awa Ngono", "phone": phone, "password": PASSWORD})
    for _ in range(8):
        assert log_in(api, phone, PASSWORD).status == 200
    for _ in range(5):
        assert log_in(api, phone, "Wrong-123!").status == 401
    for password in ("Wrong-123!", PASSWORD):
        reply = log_in(api, "699 99 00 11", password)
        assert (reply.status, reply.code) == (429, "TOO_MANY_REQUESTS")
        assert int(reply.headers["Retry-After"]) > 0
    other = {"name": "Awa Ngono", "phone": "+237699990012", "password": PASSWORD}
    assert api.post("auth/register", json=other).status == 201
    assert log_in(api, "+237699990012", PASSWORD).status == 200
    for _ in range(5):  # unknown accounts are counted too
        assert log_in(api, "+237699990013", "Wrong-123!").status == 401
    assert log_in(api, "+237699990013", "Wrong-123!").status == 429


def test_a_flood_of_log_ins_is_refused_and_other_requests_are_served(start_server):
    running = start_server(login_memory="off", argon2_memory="7168k", argon2_passes=5, work_queue=4,
                           work_threads=1, loops=1)
    api = running.api()
    phones = [f"+2376999901{number:02d}" for number in range(4)]
    for phone in phones:
        api.post("auth/register", json={"name": "Awa Ngono", "phone": phone, "password": PASSWORD})

    def attempt(number):
        reply = log_in(running.api(), phones[number % 4], PASSWORD)
        if reply.status == 503:
            assert reply.code == "SERVICE_UNAVAILABLE"
            assert int(reply.headers["Retry-After"]) >= 1
        return reply.status
    with ThreadPoolExecutor(40) as pool:
        flood = [pool.submit(attempt, number) for number in range(80)]
        others = [running.api().get("/healthz").status for _ in range(20)]
        statuses = [each.result() for each in flood]
    assert set(statuses) == {200, 503}
    assert set(others) == {200}
    assert log_in(api, phones[0], PASSWORD).status == 200


def test_a_log_in_concurrent_with_a_password_change_does_not_outlive_it(customer, server, sql):
    one = customer(address=False)
    change = sql.connection
    change.autocommit = False
    try:
        sql("SELECT account_set_password('USER', %s, NULL, 'changed', NULL, 600)", one.id)
        log_in_beside = beside(log_in, server.api(), one.phone, PASSWORD)
        watch = Database(server.configuration["database_url"])
        until(lambda: log_in_beside.done() or watch.waits_for(sql), what="the wait of the log-in")
        watch.close()
        change.commit()
        assert log_in_beside.result().status == 401
    finally:
        change.rollback()
        change.autocommit = True
    assert sql("SELECT 1 FROM sessions WHERE account_id = %s AND ended_at IS NULL", one.id) == []
