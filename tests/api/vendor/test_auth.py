# SPDX-License-Identifier: MIT
"""Vendors: registration, login and verification."""

import re

import pytest

from world.accounts import PASSWORD, new_phone

NEW_PASSWORD = "Limbe-2025!"
_emails = iter(range(1, 10**6))


def new_email():
    return f"shop{next(_emails)}@identity.reeyo.cm"


def registration(**fields):
    body = {"businessName": "Chez Mama Ngondo", "ownerName": "Élise Ngondo", "email": new_email(),
            "phone": new_phone(), "password": PASSWORD, "serviceType": "FOOD",
            "location": {"address": "Rue Joffre, Akwa", "city": "Douala",
                         "coordinates": {"lat": 4.0503, "lng": 9.6960}}, **fields}
    return {name: value for name, value in body.items() if value is not None}


@pytest.fixture
def vendors(server):
    """The vendor namespace, without a token."""
    made = server.api(None, "vendor")
    yield made
    made.close()


@pytest.fixture
def register(vendors):
    def run(**fields):
        reply = vendors.post("auth/register", json=registration(**fields))
        assert reply.status == 201, reply
        return reply.data
    return run


def faults(reply):
    assert reply.status == 400, reply
    assert reply.code == "VALIDATION_ERROR"
    return {detail["field"] for detail in reply.error["details"]}


def codes(server, phone):
    return [re.search(r"\d{6}", line["text"]).group() for line in server.log()
            if line.get("msg") == "sms" and line["to"].endswith(phone[-2:])]


def test_a_vendor_made_for_a_test_is_listed_with_its_menu(api, vendor):
    shop = vendor(items=2, price=3000)
    assert api.get(f"/api/v1/user/vendors/{shop.id}").data["isOnline"] is True
    menu = api.get(f"/api/v1/user/vendors/{shop.id}/menu").data
    assert {item["itemId"] for item in menu["items"]} == set(shop.items)
    # Its token works on this server.
    assert shop.api.get("/api/v1/user/auth/me").code == "AUTH_1005"


# --- Registration -----------------------------------------------------------------------------


def test_registration_opens_an_account_that_waits_for_approval(vendors, register, sql):
    data = register(email="Mama.Ngondo@Example.CM", description="Cuisine du Littoral",
                    bankDetails={"accountHolder": "Élise", "mobileMoneyNumber": "670000101",
                                 "bankName": "MTN MoMo"},
                    businessHours={"monday": {"open": "08:00", "close": "22:00"},
                                   "sunday": {"closed": True}})
    vendor = data["vendor"]
    assert vendor["approvalStatus"] == "PENDING" and vendor["status"] == "ACTIVE"
    assert vendor["isOnline"] is False
    assert vendor["email"] == "mama.ngondo@example.cm"
    assert (vendor["isPhoneVerified"], vendor["isEmailVerified"]) == (False, False)
    assert vendor["location"] == {"address": "Rue Joffre, Akwa", "city": "Douala",
                                  "coordinates": {"lat": 4.0503, "lng": 9.696}}
    assert vendor["bankDetails"] == {"accountName": "Élise", "accountNumber": "670000101",
                                     "bankName": "MTN MoMo"}
    assert vendor["businessHours"]["sunday"] == {"closed": True}
    assert vendor["businessType"] == "RESTAURANT" and vendor["commissionRate"] == 0.15
    assert data["token"] == data["accessToken"] and data["refreshToken"] and data["expiresIn"] > 0
    assert sql("SELECT available, kind FROM wallets WHERE owner_id = %s", vendor["vendorId"]) == [
        {"available": 0, "kind": "VENDOR"}]
    for path in ("auth/me", "profile"):
        assert vendors.get(path, token=data["token"]).data["vendorId"] == vendor["vendorId"]
    assert "hash" not in str(vendor) and PASSWORD not in str(vendor)


@pytest.mark.parametrize("place", [
    {"location": {"address": "Rue 1", "city": "Kribi", "lat": 2.9, "lng": 9.9}},
    {"location": {"fullAddress": "Rue 1", "city": "Kribi",
                  "coordinates": {"latitude": 2.9, "longitude": 9.9}}},
    {"location": "Rue 1", "city": "Kribi", "coordinates": {"lat": 2.9, "lng": 9.9}},
    {"address": "Rue 1", "city": "Kribi", "latitude": 2.9, "longitude": 9.9},
    {"address": {"street": "Rue 1", "city": "Kribi"}, "lat": 2.9, "lng": 9.9}])
def test_a_location_is_accepted_in_any_spelling(register, place):
    location = register(**{"location": None, **place})["vendor"]["location"]
    assert location == {"address": "Rue 1", "city": "Kribi", "coordinates": {"lat": 2.9, "lng": 9.9}}


def test_without_a_point_a_shop_gets_the_centre_of_its_city(vendors, register):
    place = {"location": None, "address": {"street": "Avenue Kennedy"}, "city": "Yaoundé"}
    point = register(**place)["vendor"]["location"]["coordinates"]
    assert (round(point["lat"]), round(point["lng"])) == (4, 12)
    place["city"] = "Nowhere"
    assert faults(vendors.post("auth/register", json=registration(**place))) == {"coordinates"}
    assert faults(vendors.post("auth/register", json=registration(location=None))) == {"location"}


@pytest.mark.parametrize("business, service", [
    ("RESTAURANT", "FOOD"), ("GROCERY", "MART"), ("pharmacy", "MART"), ("OTHER", "FOOD")])
def test_the_business_type_decides_the_service(register, business, service):
    vendor = register(serviceType=None, businessType=business)["vendor"]
    assert (vendor["serviceType"], vendor["businessType"]) == (service, business.upper())


@pytest.mark.parametrize("field, value", [
    ("businessName", "ab"), ("ownerName", "x"), ("email", None), ("phone", "12"),
    ("password", "short"), ("serviceType", None), ("serviceType", "TAXI"),
    ("bankDetails", "a lot")])
def test_a_wrong_field_is_named_and_nothing_is_written(vendors, sql, field, value):
    body = registration(**{field: value})
    assert faults(vendors.post("auth/register", json=body)) == {field}
    assert sql("SELECT 1 FROM vendors WHERE email = %s OR phone = %s",
               body.get("email", ""), body.get("phone", "")) == []


@pytest.mark.parametrize("hours", [
    {"monday": {"open": "8", "close": "22:00"}}, {"friday": {"open": "08:00"}}, {"sunday": "closed"}])
def test_business_hours_are_checked(vendors, hours):
    day = next(iter(hours))
    reply = vendors.post("auth/register", json=registration(businessHours=hours))
    assert faults(reply) == {f"businessHours.{day}"}


def test_an_email_and_a_phone_belong_to_one_vendor(vendors, register):
    taken = register()["vendor"]
    reply = vendors.post("auth/register", json=registration(email=taken["email"].upper()))
    assert (reply.status, reply.code) == (409, "VENDOR_1001")
    reply = vendors.post("auth/register", json=registration(phone=taken["phone"]))
    assert (reply.status, reply.code) == (409, "VENDOR_1013")


# --- Login and logout -------------------------------------------------------------------------


def test_a_vendor_logs_in_by_email_or_phone_before_its_approval(vendors, register):
    vendor = register()["vendor"]
    for who in ({"email": vendor["email"].upper()}, {"phone": vendor["phone"][4:]}):
        reply = vendors.post("auth/login", json={**who, "password": PASSWORD})
        assert reply.status == 200, reply
        assert reply.data["vendor"]["vendorId"] == vendor["vendorId"]
        assert reply.data["vendor"]["lastLogin"]
        assert vendors.get("auth/me", token=reply.data["token"]).status == 200
    for who in ({"email": vendor["email"]}, {"email": new_email()}):
        reply = vendors.post("auth/login", json={**who, "password": "Wrong-123!"})
        assert (reply.status, reply.code) == (401, "VENDOR_1002")


def test_a_suspended_or_inactive_vendor_cannot_log_in(vendors, register, sql):
    for change, code in (("approval_status = 'SUSPENDED'", "VENDOR_1003"),
                         ("status = 'INACTIVE'", "VENDOR_1004")):
        data = register()
        vendor = data["vendor"]
        sql(f"UPDATE vendors SET {change} WHERE id = %s", vendor["vendorId"])
        reply = vendors.post("auth/login", json={"email": vendor["email"], "password": PASSWORD})
        assert (reply.status, reply.code) == (403, code)
        reply = vendors.post("auth/refresh", json={"refreshToken": data["refreshToken"]})
        assert (reply.status, reply.code) == (403, code)
        reply = vendors.post("auth/login", json={"email": vendor["email"], "password": "Wrong-1!"})
        assert reply.code == "VENDOR_1002"


def test_a_refresh_rotates_and_an_old_token_ends_the_session(vendors, register):
    data = register()
    first = vendors.post("auth/refresh-token", json={"refreshToken": data["refreshToken"]}).data
    second = vendors.post("auth/refresh", json={"refreshToken": first["refreshToken"]}).data
    assert vendors.get("auth/me", token=second["token"]).status == 200
    reply = vendors.post("auth/refresh-token", json={"refreshToken": data["refreshToken"]})
    assert (reply.status, reply.code) == (401, "VENDOR_1006")
    assert vendors.get("auth/me", token=second["token"]).status == 401


def test_a_refresh_token_is_valid_in_its_own_namespace_only(api, vendors, register, customer):
    data = register()
    reply = api.post("/api/v1/rider/auth/refresh", json={"refreshToken": data["refreshToken"]})
    assert (reply.status, reply.code) == (401, "AUTH_1001")
    reply = api.post("/api/v1/user/auth/refresh", json={"refreshToken": data["refreshToken"]})
    assert reply.status == 401
    assert vendors.post("auth/refresh", json={"refreshToken": data["refreshToken"]}).status == 200
    reply = vendors.get("auth/me", token=customer().token)
    assert (reply.status, reply.code) == (403, "FORBIDDEN")
    assert vendors.get("auth/me").code == "UNAUTHORIZED"


def test_logging_out_ends_the_session(vendors, register):
    data = register()
    assert vendors.post("auth/logout", token=data["token"]).status == 200
    assert vendors.get("auth/me", token=data["token"]).code == "INVALID_TOKEN"
    assert vendors.post("auth/refresh", json={"refreshToken": data["refreshToken"]}).status == 401


# --- Codes ------------------------------------------------------------------------------------


def test_one_code_verifies_phone_and_email_and_does_not_approve(vendors, register, server, sql):
    vendor = register()["vendor"]
    code = codes(server, vendor["phone"])[-1]
    assert [line for line in server.log() if line.get("msg") == "e-mail" and code in line["text"]]
    wrong = "000000" if code != "000000" else "111111"
    reply = vendors.post("auth/verify-otp", json={"vendorId": vendor["vendorId"], "otp": wrong})
    assert (reply.status, reply.code) == (400, "VENDOR_1010")
    reply = vendors.post("auth/verify-otp", json={"vendorId": vendor["vendorId"], "otp": code})
    assert reply.status == 200 and reply.data is None
    row = sql("SELECT phone_verified, email_verified, approval_status FROM vendors WHERE id = %s",
              vendor["vendorId"])
    assert row == [{"phone_verified": True, "email_verified": True, "approval_status": "PENDING"}]
    reply = vendors.post("auth/verify-otp", json={"vendorId": vendor["vendorId"], "otp": code})
    assert (reply.status, reply.code) == (400, "VENDOR_1012")
    reply = vendors.post("auth/verify-otp", json={"vendorId": "vendor_nobody", "otp": code})
    assert (reply.status, reply.code) == (404, "VENDOR_1007")
    assert sql("SELECT 1 FROM event_log WHERE aggregate = %s AND type = 'vendor_changed'", vendor["vendorId"])


def test_phone_and_email_can_be_verified_separately(vendors, register, server):
    data = register()
    code = codes(server, data["vendor"]["phone"])[-1]
    reply = vendors.post("auth/verify-phone", json={"otp": code}, token=data["token"])
    assert (reply.data["isPhoneVerified"], reply.data["isEmailVerified"]) == (True, False)
    reply = vendors.post("auth/verify-phone", json={"otp": code}, token=data["token"])
    assert reply.code == "VENDOR_1012"
    reply = vendors.post("auth/verify-email", json={"otp": code}, token=data["token"])
    assert (reply.data["isPhoneVerified"], reply.data["isEmailVerified"]) == (True, True)


def test_an_expired_code_and_one_with_too_many_attempts_are_refused(vendors, register, server, sql):
    data = register()
    vendor, code = data["vendor"], codes(server, data["vendor"]["phone"])[-1]
    body = {"vendorId": vendor["vendorId"], "otp": code}
    sql("UPDATE one_time_codes SET expires_at = now() - interval '1 s' WHERE account_id = %s",
        vendor["vendorId"])
    reply = vendors.post("auth/verify-otp", json=body)
    assert (reply.status, reply.code) == (400, "VENDOR_1011")
    assert vendors.post("auth/resend-otp", json={"vendorId": vendor["vendorId"]}).status == 200
    fresh = codes(server, vendor["phone"])[-1]
    wrong = "000000" if fresh != "000000" else "111111"
    for _ in range(5):
        assert vendors.post("auth/verify-otp", json={**body, "otp": wrong}).code == "VENDOR_1010"
    assert vendors.post("auth/verify-otp", json={**body, "otp": fresh}).code == "VENDOR_1011"


def test_a_new_code_is_sent_for_a_vendor_id_or_a_token(vendors, register, server, rider):
    data = register()
    phone = data["vendor"]["phone"]
    sent = len(codes(server, phone))
    assert vendors.post("auth/resend-otp", token=data["token"]).status == 200
    assert len(codes(server, phone)) == sent + 1
    assert faults(vendors.post("auth/resend-otp")) == {"vendorId"}
    assert vendors.post("auth/resend-otp", token=rider().token).status == 403
    assert vendors.post("auth/resend-otp", token="x.y.z").status == 401
    reply = vendors.post("auth/resend-otp", json={"vendorId": "vendor_nobody"})
    assert (reply.status, reply.code) == (404, "VENDOR_1007")
    body = {"vendorId": data["vendor"]["vendorId"], "otp": codes(server, phone)[-1]}
    assert vendors.post("auth/verify-otp", json=body).status == 200
    assert vendors.post("auth/resend-otp", token=data["token"]).code == "VENDOR_1012"


# --- Passwords --------------------------------------------------------------------------------


def test_a_changed_password_ends_the_other_sessions(vendors, register):
    data = register()
    email = data["vendor"]["email"]
    other = vendors.post("auth/login", json={"email": email, "password": PASSWORD}).data
    reply = vendors.post("auth/change-password", token=data["token"],
                         json={"currentPassword": "Wrong-123!", "newPassword": NEW_PASSWORD})
    assert (reply.status, reply.code) == (400, "VENDOR_1008")
    reply = vendors.put("auth/password", token=data["token"],
                        json={"currentPassword": PASSWORD, "newPassword": NEW_PASSWORD})
    assert reply.status == 200, reply
    assert vendors.get("auth/me", token=data["token"]).status == 200
    assert vendors.get("auth/me", token=other["token"]).status == 401
    assert vendors.post("auth/login", json={"email": email, "password": PASSWORD}).status == 401
    assert vendors.post("auth/login", json={"email": email, "password": NEW_PASSWORD}).status == 200


def test_a_password_is_reset_by_mail_without_revealing_which_accounts_exist(
        api, vendors, register, server):
    data = register()
    email = data["vendor"]["email"]
    before = len(server.log())
    there = vendors.post("auth/forgot-password", json={"email": email})
    nobody = vendors.post("auth/forgot-password", json={"email": new_email()})
    assert there.status == nobody.status == 200
    assert there.json["message"] == nobody.json["message"]
    mail, = [line for line in server.log()[before:] if line.get("msg") == "e-mail"]
    code = re.search(r"R-[0-9A-Z]+", mail["text"]).group()
    body = {"resetToken": code, "newPassword": NEW_PASSWORD}
    reply = api.post("/api/v1/user/auth/reset-password", json=body)
    assert (reply.status, reply.code) == (400, "AUTH_2002")
    assert vendors.post("auth/reset-password", json=body).status == 200
    assert vendors.get("auth/me", token=data["token"]).status == 401
    assert vendors.post("auth/login", json={"email": email, "password": NEW_PASSWORD}).status == 200
    reply = vendors.post("auth/reset-password", json=body)
    assert (reply.status, reply.code) == (400, "VENDOR_1009")


def test_a_device_belongs_to_its_vendor(vendors, register, sql):
    data = register()
    reply = vendors.post("auth/device-token", json={"token": "till-1"}, token=data["token"])
    assert reply.status == 200
    row = sql("SELECT account_id, role FROM device_tokens WHERE token = 'till-1'")
    assert row == [{"account_id": data["vendor"]["vendorId"], "role": "VENDOR"}]
    assert vendors.delete("auth/device-token", token=data["token"]).status == 200
    assert sql("SELECT 1 FROM device_tokens WHERE token = 'till-1'") == []
