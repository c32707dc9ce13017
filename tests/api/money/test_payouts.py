# SPDX-License-Identifier: MIT
"""Pay-outs for their owners: request, list, read."""

import pytest

from api.money.conftest import BANK, MOMO
from world.accounts import change_settings, hire
from world.audit import books_balance
from world.money import collect, earn, events, wallet
from world.waiting import race

KINDS = ("vendor", "rider")
KEYS = set("""payoutId amount processingFee netAmount currency status method bankDetails requestedAt processedAt
    completedAt failureReason rejectionReason transactionReference""".split())
FEES = {"vendor": 0, "rider": 200}
MINIMUM = {"vendor": "PAYOUT_5001", "rider": "PAYOUT_4000"}
SHORT = {"vendor": "PAYOUT_5002", "rider": "PAYOUT_4001"}
BIG = 2 ** 63


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("path", ["payouts/request", "wallet/payout"])
def test_a_request_holds_the_amount(earner, sql, kind, path):
    owner = earner(kind)
    reply = owner.api.post(path, json={"amount": 8000})
    assert reply.status == 201, reply
    made = reply.data
    assert set(made) == KEYS
    assert (made["amount"], made["processingFee"], made["netAmount"]) == (8000, FEES[kind], 8000 - FEES[kind])
    assert (made["status"], made["method"], made["bankDetails"]) == ("PENDING", "MOBILE_MONEY", MOMO)
    assert wallet(sql, owner.id) == (12000, 8000, 0)
    row = sql("SELECT * FROM payouts WHERE id = %s", made["payoutId"])[0]
    assert (row["destination"], row["owner_kind"], row["next_check_at"]) == ("+237670112233", kind.upper(), None)
    moved = sql("SELECT * FROM ledger WHERE reference = %s", made["payoutId"])
    assert [(m["from_kind"], m["to_kind"], m["amount"], m["from_balance"], m["to_balance"], m["category"])
            for m in moved] == [(kind.upper(), kind.upper() + "_PENDING", 8000, 12000, 8000, "PAYOUT")]
    event = events(sql, made["payoutId"])["payout_requested"]
    assert (event["ownerId"], event["ownerType"], event["amount"], event["fee"], event["netAmount"]) == (
        owner.id, kind.upper(), 8000, FEES[kind], 8000 - FEES[kind])
    shown = owner.api.get("wallet/balance").data
    assert (shown["availableBalance"], shown["pendingBalance"], shown["balance"]) == (12000, 8000, 12000)
    line = owner.api.get("earnings/transactions", query={"category": "PAYOUT"}).data["transactions"]
    assert [(t["type"], t["amount"], t["balanceBefore"], t["balanceAfter"], t["reference"]) for t in line] == [
        ("DEBIT", 8000, 20000, 12000, made["payoutId"])]


@pytest.mark.parametrize("amount", [-5000, 0, 5000.5, BIG, -BIG, 10 ** 30, "much", "", True, [5000], {}, None])
@pytest.mark.parametrize("kind", KINDS)
def test_an_invalid_amount_is_refused_and_books_nothing(earner, sql, kind, amount):
    owner = earner(kind)
    reply = owner.api.post("payouts/request", json={"amount": amount})
    assert (reply.status, reply.code) == (400, "VALIDATION_ERROR")
    assert wallet(sql, owner.id) == (20000, 0, 0)
    assert sql("SELECT count(*) FROM payouts WHERE owner_id = %s", owner.id)[0]["count"] == 0


@pytest.mark.parametrize("kind", KINDS)
def test_too_little_and_too_much_are_refused(earner, sql, kind):
    owner = earner(kind)
    for amount, code in ((1, MINIMUM[kind]), (4999, MINIMUM[kind]), (20001, SHORT[kind]), (BIG - 1, SHORT[kind])):
        reply = owner.api.post("payouts/request", json={"amount": amount})
        assert (reply.status, reply.code) == (400, code), amount
        assert code != MINIMUM[kind] or ("5000" in reply.json["error"]["message"]
                                         and reply.json["error"]["details"] == {"minimum": 5000})
    assert owner.api.post("payouts/request", json={"amount": 5000}).status == 201
    assert owner.api.post("payouts/request", json={"amount": 15000}).status == 201
    assert wallet(sql, owner.id) == (0, 20000, 0)


def test_cash_in_hand_lowers_what_may_be_withdrawn(earner, sql):
    rider = earner("rider")
    collect(sql, rider.id, 12000)
    assert rider.api.post("payouts/request", json={"amount": 8001}).code == "PAYOUT_4001"
    balance = rider.api.get("payouts/balance").data
    assert balance == {"availableBalance": 20000, "withdrawable": 8000, "minimumPayout": 5000, "canRequestPayout": True}
    shown = rider.api.get("wallet").data
    assert (shown["cashInHand"], shown["withdrawable"]) == (12000, 8000)
    assert rider.api.post("payouts/request", json={"amount": 8000}).status == 201
    collect(sql, rider.id, 3000)
    assert rider.api.get("payouts/balance").data["canRequestPayout"] is False
    assert rider.api.get("payouts/balance").data["withdrawable"] == 0


@pytest.mark.parametrize("kind", KINDS)
def test_a_pay_out_needs_a_destination(earner, sql, kind):
    owner = earner(kind, bank=None)
    for body in ({}, {"bankDetails": {"bankName": "Afriland"}}):
        reply = owner.api.post("payouts/request", json={"amount": 8000, **body})
        assert (reply.status, reply.code) == (400, "PAYOUT_4002")
    reply = owner.api.post("payouts/request", json={"amount": 8000, "bankDetails": BANK})
    assert (reply.status, reply.data["method"], reply.data["bankDetails"]) == (201, "BANK_TRANSFER", BANK)
    assert wallet(sql, owner.id) == (12000, 8000, 0)


@pytest.mark.parametrize("number, method, destination", [
    ("670000001", "MOBILE_MONEY", "+237670000001"), ("+237 6 99 11 22 33", "MOBILE_MONEY", "+237699112233"),
    ("237622000000", "MOBILE_MONEY", "+237622000000"), ("1000500001", "BANK_TRANSFER", "1000500001"),
    ("610000001", "BANK_TRANSFER", "610000001"), ("+33612345678", "BANK_TRANSFER", "+33612345678")])
def test_a_mobile_number_is_paid_by_mobile_money(earner, sql, number, method, destination):
    owner = earner(bank=None)
    made = owner.api.post("payouts/request", json={"amount": 8000, "bankDetails": {"mobileMoneyNumber": number}}).data
    assert made["method"] == method
    assert sql("SELECT destination FROM payouts WHERE id = %s", made["payoutId"])[0]["destination"] == destination


def test_a_vendors_mobile_money_number_goes_before_his_bank(earner):
    owner = earner(bank=BANK, mobile_money_number="699112233", mobile_money_provider="Orange Money")
    made = owner.api.post("payouts/request", json={"amount": 8000}).data
    assert (made["method"], made["bankDetails"]) == ("MOBILE_MONEY", {
        "accountName": "Rose Etame", "accountNumber": "699112233", "bankName": "Orange Money"})


def test_a_pay_out_goes_to_the_account_shown_to_the_vendor(earner, admin_api):
    owner, admin_body = earner(bank=BANK), {"mobileMoneyNumber": "670000101", "mobileMoneyProvider": "MTN"}

    def destination():
        seen = owner.api.get("auth/me").data
        made = owner.api.post("payouts/request", json={"amount": 5000}).data
        assert made["bankDetails"] == seen.get("vendor", seen)["bankDetails"]
        return made["method"], made["bankDetails"]["accountNumber"]
    assert destination() == ("BANK_TRANSFER", BANK["accountNumber"])
    assert admin_api.patch(f"vendors/{owner.id}", json=admin_body).status == 200
    assert destination() == ("MOBILE_MONEY", "670000101")
    assert owner.api.put("settings/bank-details", json={"mobileMoneyNumber": "699000999", "accountName": "Elise N"}).status == 200
    assert destination() == ("MOBILE_MONEY", "699000999")
    assert admin_api.get(f"vendors/{owner.id}").data["mobile_money_number"] is None


def test_the_last_account_set_by_an_admin_is_used(earner, admin_api):
    owner = earner(bank=BANK, earned=40000)
    for body, number in (({"mobileMoneyNumber": "670000101"}, "670000101"), ({"city": "Limbe"}, "670000101"),
                         ({"bankAccountNumber": "55501"}, "55501"), ({"mobileMoneyNumber": "+237 699 00 00 01"}, "+237 699 00 00 01"),
                         ({"mobileMoneyNumber": ""}, "55501")):
        assert admin_api.patch(f"vendors/{owner.id}", json=body).status == 200
        made = owner.api.post("payouts/request", json={"amount": 5000}).data
        assert made["bankDetails"]["accountNumber"] == number, body


@pytest.mark.parametrize("number", ["12", "677", "610000001", "+33612345678", "10005 00001 12345"])
def test_an_invalid_mobile_money_number_is_refused(earner, admin_api, number):
    owner = earner(bank=BANK)
    reply = admin_api.patch(f"vendors/{owner.id}", json={"mobileMoneyNumber": number})
    assert (reply.status, reply.code) == (400, "VALIDATION_FAILED")
    assert owner.api.post("payouts/request", json={"amount": 5000}).data["bankDetails"] == BANK


def test_an_unverified_or_suspended_rider_gets_no_pay_out(earner, sql):
    rider = earner("rider", phone_verified=False)
    assert (lambda r: (r.status, r.code))(rider.api.post("payouts/request", json={"amount": 8000})) == (403, "RIDER_3003")
    sql("UPDATE riders SET phone_verified = true, approval_status = 'SUSPENDED' WHERE id = %s", rider.id)
    assert rider.api.post("payouts/request", json={"amount": 8000}).status == 403
    assert wallet(sql, rider.id) == (20000, 0, 0)


@pytest.mark.parametrize("kind", KINDS)
def test_a_key_is_applied_once(earner, sql, kind):
    owner = earner(kind)
    key = {"Idempotency-Key": f"payout-{owner.id}"}
    first = owner.api.post("payouts/request", json={"amount": 8000}, headers=key)
    again = owner.api.post("payouts/request", json={"amount": 8000}, headers=key)
    assert (first.status, again.status) == (201, 201) and again.json["data"] == first.json["data"]
    assert again.headers["Idempotency-Replayed"] == "true"
    other = owner.api.post("payouts/request", json={"amount": 9000}, headers=key)
    assert (other.status, other.code) == (422, "IDEMPOTENCY_MISMATCH")
    assert wallet(sql, owner.id) == (12000, 8000, 0)
    assert owner.api.get("payouts").data["total"] == 1


def test_a_key_is_replayed_after_the_money_is_gone(earner, sql):
    owner = earner(earned=8000)
    key = {"Idempotency-Key": "all"}
    first = owner.api.post("payouts/request", json={"amount": 8000}, headers=key)
    assert owner.api.post("payouts/request", json={"amount": 8000}, headers=key).data == first.data
    assert owner.api.post("payouts/request", json={"amount": 8000}).code == "PAYOUT_5002"


@pytest.mark.parametrize("kind", KINDS)
def test_sixteen_requests_at_once_never_overdraw(earner, sql, kind):
    owner = earner(kind, earned=33000)
    replies = race([lambda: owner.api.post("payouts/request", json={"amount": 6000})] * 16)
    assert sorted(reply.status for reply in replies) == [201] * 5 + [400] * 11
    assert {reply.code for reply in replies if reply.status == 400} == {SHORT[kind]}
    assert wallet(sql, owner.id) == (3000, 30000, 0)


def test_sixteen_requests_with_one_key_are_one_pay_out(earner, sql):
    owner = earner(earned=100000)
    replies = race([lambda: owner.api.post("payouts/request", json={"amount": 6000},
                                           headers={"Idempotency-Key": "one"})] * 16)
    assert {reply.status for reply in replies} == {201}
    assert len({reply.data["payoutId"] for reply in replies}) == 1
    assert wallet(sql, owner.id) == (94000, 6000, 0)


def test_twenty_requests_may_be_open_at_once(earner, sql):
    owner = earner(earned=200000)
    for _ in range(20):
        assert owner.api.post("payouts/request", json={"amount": 5000}).status == 201
    reply = owner.api.post("payouts/request", json={"amount": 5000})
    assert (reply.status, reply.code) == (409, "CONFLICT") and "20 open requests" in reply.json["error"]["message"]
    assert wallet(sql, owner.id) == (100000, 100000, 0)


@pytest.mark.parametrize("kind", KINDS)
def test_pay_outs_are_listed_newest_first_and_read_one_by_one(earner, kind):
    owner = earner(kind, earned=50000)
    ids = [owner.api.post("payouts/request", json={"amount": 5000 + n}).data["payoutId"] for n in range(3)]
    page = owner.api.get("payouts", query={"limit": 2})
    assert [p["payoutId"] for p in page.data["payouts"]] == ids[:0:-1] and page.data["total"] == 3
    assert page.data["pagination"]["totalPayouts"] == 3 and page.data["pagination"]["hasNext"] is True
    assert page.json["meta"]["total"] == 3
    assert [p["payoutId"] for p in owner.api.get("wallet/payouts", query={"page": 2, "limit": 2}).data["payouts"]] == ids[:1]
    assert owner.api.get(f"payouts/{ids[1]}").data == page.data["payouts"][1]


def test_anothers_pay_out_is_not_shown(requested):
    (_, first), (_, second) = requested("vendor"), requested("rider")
    (other, _), (rider, _) = requested("vendor"), requested("rider")
    for api, payout, answer in ((other.api, first, (403, "PAYOUT_5004")), (other.api, second, (403, "PAYOUT_5004")),
                                (rider.api, first, (404, "PAYOUT_3000")), (rider.api, second, (404, "PAYOUT_3000"))):
        reply = api.get(f"payouts/{payout['payoutId']}")
        assert (reply.status, reply.code) == answer
    assert (lambda r: (r.status, r.code))(other.api.get("payouts/payout_none")) == (404, "PAYOUT_5003")
    assert (lambda r: (r.status, r.code))(rider.api.get("payouts/payout_none")) == (404, "PAYOUT_3000")
    assert other.api.get("payouts").data["total"] == 1


def test_a_wallet_is_its_owners_alone(earner, customer):
    vendor, rider = earner("vendor", earned=7000), earner("rider", earned=9000)
    assert vendor.api.get("wallet/balance").data["balance"] == 7000
    assert rider.api.get("wallet/balance").data["balance"] == 9000
    for api in (rider.api, customer().api):
        assert api.get("/api/v1/vendor/wallet/balance").status == 403
    assert vendor.api.get("/api/v1/rider/wallet/balance").status == 403
    assert vendor.api.post("/api/v1/rider/payouts/request", json={"amount": 6000}).status == 403


def test_a_setting_changes_the_smallest_pay_out_and_the_fee(start_server, connect):
    server = start_server()
    sql = connect(server)
    change_settings(server, payout_fee={"rider": 350}, min_payout=300)
    rider = hire(server, sql, bank_details=MOMO)
    earn(sql, rider.id, 20000)
    assert rider.api.get("payouts/balance").data["minimumPayout"] == 300
    reply = rider.api.post("payouts/request", json={"amount": 350})
    assert reply.code == "PAYOUT_4000" and "fee of 350" in reply.json["error"]["message"]
    made = rider.api.post("payouts/request", json={"amount": 351}).data
    assert (made["processingFee"], made["netAmount"]) == (350, 1)
    books_balance(server)
