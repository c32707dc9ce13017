# SPDX-License-Identifier: MIT
"""Which riders may work: verified, approved and active ones."""

from concurrent.futures import ThreadPoolExecutor

import pytest

REJECT = {"reason": "trop loin"}


def work(api):
    """A route for riders who may work; the order does not exist."""
    return api.put("orders/ord_nobody/reject", json=REJECT)


def test_a_verified_approved_and_active_rider_may_work(rider):
    reply = work(rider().api)
    assert (reply.status, reply.code) == (404, "ORDER_3000")


@pytest.mark.parametrize("columns, code", [
    ({"phone_verified": False}, "RIDER_3003"),
    ({"approval_status": "PENDING"}, "RIDER_3004"),
    ({"approval_status": "REJECTED"}, "RIDER_3004"),
    ({"status": "INACTIVE"}, "RIDER_3005"),
    ({"approval_status": "SUSPENDED"}, "RIDER_3002"),
    ({"phone_verified": False, "approval_status": "PENDING", "status": "INACTIVE"}, "RIDER_3003")])
def test_any_other_rider_gets_the_reason_and_can_read_the_account(rider, columns, code):
    one = rider(**columns)
    reply = work(one.api)
    assert (reply.status, reply.code) == (403, code)
    assert one.api.get("auth/me").status == 200


def test_a_refusal_is_not_cached(rider, sql):
    one = rider(approval_status="PENDING")
    assert work(one.api).code == "RIDER_3004"
    sql("UPDATE riders SET approval_status = 'APPROVED' WHERE id = %s", one.id)
    assert work(one.api).status == 404


def test_a_rider_may_work_on_every_connection_right_after_verification(server, rider):
    one = rider(phone_verified=False)
    apis = [server.api(one.token, "rider") for _ in range(12)]  # connections on both loops
    assert {work(api).code for api in apis} == {"RIDER_3003"}
    assert one.api.post("auth/verify-phone", json={"otp": "123456"}).status == 200
    assert {work(api).status for api in apis} == {404}
    for api in apis:
        api.close()


def test_a_riders_facts_are_read_at_most_once_in_ten_seconds(server, rider, sql):
    one = rider()
    api = server.api(one.token, "rider")  # one connection stays on one loop
    assert work(api).status == 404
    # The server does not notice this change until the facts expire.
    sql("UPDATE riders SET status = 'INACTIVE' WHERE id = %s", one.id)
    assert work(api).status == 404
    api.close()


def test_many_riders_at_once_are_each_admitted_as_themselves(server, rider):
    good, bad = rider(), rider(approval_status="PENDING")

    def attempt(number):
        api = server.api((good if number % 2 else bad).token, "rider")
        status = work(api).status
        api.close()
        return status
    with ThreadPoolExecutor(16) as pool:
        statuses = list(pool.map(attempt, range(64)))
    assert statuses == [404 if number % 2 else 403 for number in range(64)]


def test_a_token_of_a_deleted_rider_is_refused(rider, sql):
    one = rider()
    sql("DELETE FROM wallets WHERE owner_id = %s", one.id)
    sql("DELETE FROM riders WHERE id = %s", one.id)
    reply = work(one.api)
    assert (reply.status, reply.code) == (401, "AUTH_1002")
