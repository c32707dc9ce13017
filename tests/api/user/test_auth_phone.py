# SPDX-License-Identifier: MIT
"""The code that verifies a phone."""

import re
from concurrent.futures import ThreadPoolExecutor

from world.server import PRODUCTION


def last_code(server, phone):
    """The code of the newest message to the phone, from the log of a development server."""
    texts = [line["text"] for line in server.log()
             if line.get("msg") == "sms" and line["to"].endswith(phone[-2:])]
    return re.search(r"\d{6}", texts[-1]).group()


def wrong_code(code):
    return f"{(int(code) + 1) % 1000000:06d}" if code != "123455" else "000000"


def test_the_code_in_the_message_verifies_the_phone_once(customer, server):
    one = customer(verified=False, address=False)
    code = last_code(server, one.phone)
    reply = one.api.post("auth/verify-phone", json={"otp": code})
    assert reply.status == 200, reply
    assert reply.data["isPhoneVerified"] is True
    assert one.api.get("auth/me").data["isPhoneVerified"] is True
    reply = one.api.post("auth/verify-phone", json={"otp": code})
    assert (reply.status, reply.code) == (400, "USER_4000")
    assert one.api.post("auth/resend-otp").code == "USER_4000"


def test_a_wrong_code_is_refused_and_the_fifth_voids_it(customer, server):
    one = customer(verified=False, address=False)
    code = last_code(server, one.phone)
    for _ in range(5):
        reply = one.api.post("auth/verify-phone", json={"otp": wrong_code(code)})
        assert (reply.status, reply.code) == (400, "USER_4003")
    reply = one.api.post("auth/verify-phone", json={"otp": code})
    assert (reply.status, reply.code) == (400, "USER_4002")


def test_a_new_code_does_not_reset_wrong_tries(customer, server, sql):
    one = customer(verified=False, address=False)
    for _ in range(3):
        wrong = wrong_code(last_code(server, one.phone))
        assert one.api.post("auth/verify-phone", json={"otp": wrong}).code == "USER_4003"
    assert one.api.post("auth/resend-otp").status == 200
    for _ in range(2):
        wrong = wrong_code(last_code(server, one.phone))
        assert one.api.post("auth/verify-phone", json={"otp": wrong}).code == "USER_4003"
    code = last_code(server, one.phone)
    assert one.api.post("auth/verify-phone", json={"otp": code}).code == "USER_4002"
    reply = one.api.post("auth/resend-otp")
    assert (reply.status, reply.code) == (429, "TOO_MANY_REQUESTS")
    assert 0 < int(reply.headers["Retry-After"]) <= 900
    assert last_code(server, one.phone) == code, "a code that could not be used is not sent"
    sql("UPDATE one_time_codes SET tried_at = now() - interval '15 minutes' WHERE account_id = %s", one.id)
    assert one.api.post("auth/resend-otp").status == 200
    assert one.api.post("auth/verify-phone", json={"otp": last_code(server, one.phone)}).status == 200


def test_concurrent_tries_are_all_counted(customer, server, sql):
    one = customer(verified=False, address=False)
    wrong = wrong_code(last_code(server, one.phone))

    def attempt(_):
        return server.api(one.token).post("auth/verify-phone", json={"otp": wrong}).code
    with ThreadPoolExecutor(20) as pool:
        codes = list(pool.map(attempt, range(40)))
    assert codes.count("USER_4003") == 5
    assert codes.count("USER_4002") == 35
    assert sql("SELECT tries FROM one_time_codes WHERE account_id = %s", one.id) == [{"tries": 5}]


def test_a_new_code_replaces_the_old_one(customer, server):
    one = customer(verified=False, address=False)
    old = last_code(server, one.phone)
    assert one.api.post("auth/resend-otp").status == 200
    new = last_code(server, one.phone)
    if old != new:
        assert one.api.post("auth/verify-phone", json={"otp": old}).code == "USER_4003"
    assert one.api.post("auth/verify-phone", json={"otp": new}).status == 200


def test_a_code_ends_after_ten_minutes(customer, server, sql):
    one = customer(verified=False, address=False)
    left = sql("SELECT extract(epoch FROM expires_at - sent_at)::int AS s FROM one_time_codes "
               "WHERE account_id = %s", one.id)
    assert left == [{"s": 600}]
    sql("UPDATE one_time_codes SET expires_at = now() WHERE account_id = %s", one.id)
    reply = one.api.post("auth/verify-phone", json={"otp": last_code(server, one.phone)})
    assert (reply.status, reply.code) == (400, "USER_4002")
    sql("DELETE FROM one_time_codes WHERE account_id = %s", one.id)
    assert one.api.post("auth/verify-phone", json={"otp": "000000"}).code == "USER_4001"


def test_a_code_of_one_account_does_not_verify_another(customer, server):
    one = customer(verified=False, address=False)
    code = last_code(server, one.phone)
    other = customer(verified=False, address=False)
    if last_code(server, other.phone) != code:
        assert other.api.post("auth/verify-phone", json={"otp": code}).code == "USER_4003"


def test_a_code_has_six_digits(customer):
    one = customer(verified=False, address=False)
    for wrong in ("12345", "1234567", "12345a", "", None, "１２３４５６", {"$gt": ""}):
        reply = one.api.post("auth/verify-phone", json={"otp": wrong})
        assert (reply.status, reply.code) == (400, "VALIDATION_ERROR"), wrong
    assert one.api.post("auth/verify-phone", json={"otp": 123456}).status == 200


def test_production_takes_no_test_code_and_logs_no_code(start_server):
    running = start_server(**PRODUCTION)
    body = {"name": "Awa Ngono", "phone": "+237699990003", "password": "Kumba-2024!"}
    data = running.api().post("auth/register", json=body).data
    reply = running.api(data["token"]).post("auth/verify-phone", json={"otp": "123456"})
    assert reply.code in ("USER_4003", "USER_4001")
    assert not [line for line in running.log() if line.get("msg") == "sms"]
    assert "699990003" not in running.log_text()
