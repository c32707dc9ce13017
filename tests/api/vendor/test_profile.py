# SPDX-License-Identifier: MIT
"""The vendor's profile and settings: what they accept, and that customers see changes immediately."""

import pytest

from world.accounts import new_phone, open_shop
from world.server import Server

PROFILE = {
    "businessName": "Chez Rose & Fils", "ownerName": "Rose Etame", "description": "Ndolé et poisson braisé",
    "logo": "https://img.reeyo.cm/logo.png", "coverImage": "https://img.reeyo.cm/cover.png",
    "minOrderAmount": 3000, "deliveryRadius": 7.5, "averagePreparationTime": 35, "tags": ["ndolé"],
    "isHighDemand": True}
BANK = {"accountName": "Rose Etame", "accountNumber": "10005000100012345678", "bankName": "Afriland"}


def seen_by_customers(api, shop):
    return api.get(f"/api/v1/user/vendors/{shop.id}").data


def published_count(sql, shop):
    """The number of vendor_changed events."""
    return sql("SELECT count(*) AS n FROM event_log WHERE aggregate = %s AND type = 'vendor_changed'", shop.id)[0]["n"]


# --- Profile --------------------------------------------------------------------------------------

@pytest.mark.parametrize("verb, path", [("put", "auth/profile"), ("patch", "profile"), ("put", "profile")])
def test_a_profile_change_applies_to_the_given_members_and_customers_see_it(vendor, api, sql, verb, path):
    shop = vendor()
    before = seen_by_customers(api, shop)
    reply = getattr(shop.api, verb)(path, json=PROFILE)
    assert reply.status == 200, reply
    assert {member: reply.data[member] for member in PROFILE} == PROFILE
    after = seen_by_customers(api, shop)
    for member in ("businessName", "logo", "coverImage", "minOrderAmount", "averagePreparationTime",
                   "tags", "isHighDemand", "description"):
        assert after[member] == PROFILE[member]
    assert after["location"] == before["location"] and published_count(sql, shop) == 1
    assert shop.api.get("profile").data == reply.data


@pytest.mark.parametrize("body", [
    {"location": {"address": "Rue Njo-Njo", "city": "Douala", "coordinates": {"lat": 4.03, "lng": 9.69}}},
    {"address": "Rue Njo-Njo", "city": "Douala", "latitude": 4.03, "longitude": 9.69},
    {"address": {"street": "Rue Njo-Njo", "city": "Douala"}, "coordinates": {"latitude": 4.03, "longitude": 9.69}},
])
def test_a_location_is_accepted_in_any_spelling(vendor, body):
    assert vendor().api.put("profile", json=body).data["location"] == {
        "address": "Rue Njo-Njo", "city": "Douala", "coordinates": {"lat": 4.03, "lng": 9.69}}


def test_members_that_a_vendor_cannot_change_are_ignored(vendor, sql):
    shop = vendor()
    columns = ("id, email, password_hash, status, approval_status, commission_bps, rating_sum, total_orders,"
               " phone_verified, featured, badges")
    before = sql(f"SELECT {columns} FROM vendors WHERE id = %s", shop.id)
    reply = shop.api.put("profile", json={
        "vendorId": "vendor_123", "id": "x", "email": "x@y.cm", "password": "Other-1234!", "status": "INACTIVE",
        "approvalStatus": "APPROVED", "commissionRate": 0, "rating": 5, "totalOrders": 9, "otp": "123456",
        "isPhoneVerified": True, "badges": ["TOP_RATED"], "isOnline": False})
    assert reply.status == 200 and reply.data["isOnline"] is True
    assert sql(f"SELECT {columns} FROM vendors WHERE id = %s", shop.id) == before


def test_a_new_phone_must_be_verified_and_one_in_use_is_refused(vendor):
    shop, other = vendor(), vendor()
    assert shop.api.put("profile", json={"phone": shop.phone}).data["isPhoneVerified"] is True
    taken = shop.api.put("profile", json={"phone": other.phone})
    assert (taken.status, taken.code) == (409, "VENDOR_1013")
    phone = new_phone()
    changed = shop.api.put("profile", json={"phone": phone.replace("+237", "")}).data
    assert changed["phone"] == phone and changed["isPhoneVerified"] is False


@pytest.mark.parametrize("body, field", [
    ({"businessName": "ab"}, "businessName"), ({"businessName": "b" * 101}, "businessName"),
    ({"ownerName": "o"}, "ownerName"), ({"phone": "+33612345678"}, "phone"),
    ({"description": "d" * 501}, "description"), ({"logo": "logo.png"}, "logo"),
    ({"minOrderAmount": -1}, "minOrderAmount"), ({"minOrderAmount": 10.5}, "minOrderAmount"),
    ({"deliveryRadius": 0}, "deliveryRadius"), ({"averagePreparationTime": 121}, "averagePreparationTime"),
    ({"tags": ["t"] * 11}, "tags"), ({"isHighDemand": "yes"}, "isHighDemand"),
    ({"coordinates": {"lat": 91, "lng": 9}}, "coordinates"),
])
def test_a_wrong_profile_is_refused_naming_the_field(vendor, sql, body, field):
    shop = vendor()
    reply = shop.api.put("profile", json={"isHighDemand": True, **body})
    assert (reply.status, reply.code) == (400, "VALIDATION_ERROR"), reply
    assert reply.error["details"][0]["field"] == field
    assert published_count(sql, shop) == 0


@pytest.mark.parametrize("body", [
    {"documents": {"businessLicense": "https://f.reeyo.cm/rc.pdf", "unknown": "x"}},
    {"businessLicense": "https://f.reeyo.cm/rc.pdf"}])
def test_documents_are_added_to_earlier_ones(vendor, body):
    shop = vendor(documents={"taxId": "https://f.reeyo.cm/niu.pdf"})
    reply = shop.api.post("profile/documents", json=body)
    assert reply.status == 200, reply
    assert reply.data["documents"] == {"taxId": "https://f.reeyo.cm/niu.pdf",
                                       "businessLicense": "https://f.reeyo.cm/rc.pdf"}


@pytest.mark.parametrize("body", [{}, {"documents": {}}, {"documents": {"taxId": "M0123"}}, {"documents": []}])
def test_invalid_documents_are_refused(vendor, body):
    reply = vendor().api.post("profile/documents", json=body)
    assert (reply.status, reply.code) == (400, "VALIDATION_ERROR")


def test_documents_as_a_multipart_form_are_refused(vendor):
    reply = vendor().api.post(
        "profile/documents", body="--x\r\n\r\n--x--", headers={"Content-Type": "multipart/form-data; boundary=x"})
    assert reply.status in (400, 415)


# --- Settings -------------------------------------------------------------------------------------

WEEK = {"monday": {"open": "08:00", "close": "22:00"}, "tuesday": {"open": "18:00", "close": "02:00"},
        "wednesday": {"closed": True}, "sunday": {"open": "00:00", "close": "24:00", "closed": False}}


@pytest.mark.parametrize("verb, path, body", [
    ("put", "settings/hours", {"businessHours": WEEK}),
    ("put", "settings/hours", {"businessHours": {day.capitalize(): times for day, times in WEEK.items()}}),
    ("put", "settings/business-hours", WEEK),
    ("patch", "profile/hours", {"hours": {**WEEK, "easter": {"open": "x"}}})])
def test_hours_are_replaced_and_shown_to_customers(vendor, api, sql, verb, path, body):
    shop = vendor(business_hours={"friday": {"open": "08:00", "close": "09:00"}})
    reply = getattr(shop.api, verb)(path, json=body)
    assert reply.status == 200, reply
    assert reply.data["businessHours"] == WEEK == seen_by_customers(api, shop)["businessHours"]
    assert published_count(sql, shop) == 1


@pytest.mark.parametrize("body, field", [
    ({}, "businessHours"), ({"businessHours": []}, "businessHours"),
    ({"monday": {"open": "8:00", "close": "22:00"}}, "businessHours.monday"),
    ({"Monday": {"open": "8:00", "close": "22:00"}}, "businessHours.monday"),
    ({"businessHours": {"lundi": {"open": "08:00", "close": "22:00"}}}, "businessHours"),
    ({"businessHours": {"friday": {"open": "08:00"}}}, "businessHours.friday"),
    ({"businessHours": {"friday": {"open": "08:00", "close": "25:00"}}}, "businessHours.friday"),
    ({"businessHours": {"friday": {"open": "08:00", "close": "22:00", "closed": "abc"}}},
     "businessHours.friday.closed"),
    ({"businessHours": {"friday": "always"}}, "businessHours.friday")])
def test_invalid_hours_are_refused(vendor, sql, body, field):
    shop = vendor()
    reply = shop.api.put("settings/hours", json=body)
    assert (reply.status, reply.code) == (400, "VALIDATION_ERROR"), reply
    assert reply.error["details"][0]["field"] == field
    assert sql("SELECT business_hours FROM vendors WHERE id = %s", shop.id)[0]["business_hours"] == {}


@pytest.mark.parametrize("verb, path, word", [
    ("patch", "settings/online-status", "isOnline"), ("put", "profile/status", "available"),
    ("patch", "profile/status", "online")])
def test_going_offline_and_online_applies_immediately(vendor, customer, api, sql, verb, path, word):
    shop, buyer = vendor(items=1), customer()

    def order():
        return buyer.api.post("orders", json={"vendorId": shop.id, "paymentMethod": "CASH",
                                              "items": [{"itemId": shop.items[0], "quantity": 1}]})
    assert order().status == 201 and seen_by_customers(api, shop)["isOnline"] is True
    off = getattr(shop.api, verb)(path, json={word: False})
    assert off.status == 200 and off.data["isOnline"] is False
    assert seen_by_customers(api, shop)["status"] == "offline" and order().code == "ORDER_4000"
    assert getattr(shop.api, verb)(path, json={word: True}).data["isOnline"] is True
    assert seen_by_customers(api, shop)["status"] == "online" and order().status == 201
    assert published_count(sql, shop) == 2


@pytest.mark.parametrize("standing", ["PENDING", "REJECTED", "SUSPENDED"])
def test_only_an_approved_vendor_goes_online(vendor, sql, standing):
    shop = vendor(approval_status=standing, is_online=False)
    reply = shop.api.patch("settings/online-status", json={"isOnline": True})
    assert (reply.status, reply.code) == (403, "VENDOR_3002")
    assert shop.api.patch("settings/online-status", json={"isOnline": False}).status == 200
    assert shop.api.patch("settings/online-status", json={}).status == 400
    assert sql("SELECT is_online FROM vendors WHERE id = %s", shop.id)[0]["is_online"] is False


@pytest.mark.parametrize("body, kept", [
    (BANK, BANK), ({"bankDetails": {**BANK, "bankCode": "10005", "pin": "1234"}}, {**BANK, "bankCode": "10005"}),
    ({"accountHolder": "Rose Etame", "mobileMoneyNumber": "670000001", "bankName": "MTN MoMo"},
     {"accountName": "Rose Etame", "accountNumber": "670000001", "bankName": "MTN MoMo"})])
def test_bank_details_are_accepted_as_an_object_or_as_members_of_the_body(vendor, body, kept):
    shop = vendor()
    reply = shop.api.put("settings/bank-details", json=body)
    assert reply.status == 200 and reply.data["bankDetails"] == kept


@pytest.mark.parametrize("body, field", [
    ({}, "accountName"), ({"bankDetails": {"accountName": "Rose"}}, "accountNumber"),
    ({**BANK, "accountNumber": "123"}, "accountNumber"), ({"bankDetails": {**BANK, "accountNumber": "1" * 35}},
                                                        "bankDetails.accountNumber")])
def test_invalid_bank_details_are_refused(vendor, body, field):
    reply = vendor().api.put("settings/bank-details", json=body)
    assert (reply.status, reply.code) == (400, "VALIDATION_ERROR"), reply
    assert reply.error["details"][0]["field"] == field


def test_a_shop_changed_without_redis_is_not_shown_with_old_data(own_stores, statements):
    server = Server(own_stores.databases.fresh(), own_stores.redis_url).start()
    try:
        shop, api = open_shop(server, statements(server)), server.api()
        for turn, act in enumerate((lambda: None, own_stores.redis_stop, own_stores.redis_start)):
            seen_by_customers(api, shop)
            act()
            name = f"Chez Rose {turn}"
            assert shop.api.put("profile", json={"businessName": name}).status == 200
            assert seen_by_customers(api, shop)["businessName"] == name
    finally:
        server.close()
