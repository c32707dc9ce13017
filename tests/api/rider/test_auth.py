# SPDX-License-Identifier: MIT
"""Riders: registration with documents, login, verification and the account."""

import re

import pytest

from world.accounts import PASSWORD, new_phone

NEW_PASSWORD = "Limbe-2025!"


def registration(**fields):
    body = {"firstName": "Emmanuel", "lastName": "Tchoupo", "phone": new_phone(),
            "password": PASSWORD, "vehicleType": "MOTORCYCLE",
            "vehicleDetails": {"brand": "Bajaj", "model": "Boxer", "plateNumber": "LT 123 AB",
                               "color": "rouge"},
            "documents": {"idCardUrl": "https://cdn.example.cm/id.webp",
                          "drivingLicenseUrl": "license-7",
                          "vehicleRegistrationUrl": "registration-7"},
            "bankDetails": {"accountName": "Emmanuel Tchoupo", "accountNumber": "670000020",
                            "bankName": "MTN MoMo"}, **fields}
    return {name: value for name, value in body.items() if value is not None}


@pytest.fixture
def riders(server):
    """The rider namespace, without a token."""
    made = server.api(None, "rider")
    yield made
    made.close()


@pytest.fixture
def register(riders):
    def run(**fields):
        reply = riders.post("auth/register", json=registration(**fields))
        assert reply.status == 201, reply
        return reply.data
    return run


def faults(reply):
    assert reply.status == 400, reply
    assert reply.code == "VALIDATION_ERROR"
    return {detail["field"] for detail in reply.error["details"]}


def code_of(server, phone):
    return [re.search(r"\d{6}", line["text"]).group() for line in server.log()
            if line.get("msg") == "sms" and line["to"].endswith(phone[-2:])][-1]


# --- Registration -----------------------------------------------------------------------------


def test_registration_opens_an_account_that_may_not_work_yet(riders, register, sql):
    data = register(emergencyContact={"name": "Alice Tchoupo", "phone": "699000001",
                                      "relationship": "sœur"})
    rider = data["rider"]
    assert (rider["verificationStatus"], rider["approvalStatus"], rider["status"]) == (
        "PENDING", "PENDING", "INACTIVE")
    assert rider["isOnline"] is False and rider["availability"] == "OFFLINE"
    assert rider["emergencyContact"]["phone"] == "+237699000001"
    assert data["token"] == data["accessToken"] and data["refreshToken"]
    assert sql("SELECT kind FROM wallets WHERE owner_id = %s", rider["riderId"]) == [{"kind": "RIDER"}]
    assert riders.get("auth/me", token=data["token"]).data == rider


def test_documents_and_vehicle_are_stored_in_one_spelling_and_shown_in_both(register, sql):
    rider = register(
        vehicleDetails={"make": "Bajaj", "vehicleNumber": "LT 9 Z", "wheels": 2},
        documents={"nationalId": "id-9", "driverLicense": "license-9",
                   "vehicleRegistration": "registration-9", "insurance": "insurance-9",
                   "other": "x"},
        name="Jean Claude Mbarga", firstName=None, lastName=None)["rider"]
    row = sql("SELECT documents, vehicle_details FROM riders WHERE id = %s", rider["riderId"])[0]
    assert row["documents"] == {"idCardUrl": "id-9", "drivingLicenseUrl": "license-9",
                                "vehicleRegistrationUrl": "registration-9",
                                "insuranceUrl": "insurance-9"}
    assert row["vehicle_details"] == {"brand": "Bajaj", "plateNumber": "LT 9 Z"}
    assert rider["documents"]["nationalId"] == rider["documents"]["idCardUrl"] == "id-9"
    assert rider["vehicleDetails"]["make"] == rider["vehicleDetails"]["brand"] == "Bajaj"
    assert (rider["firstName"], rider["lastName"]) == ("Jean", "Claude Mbarga")
    assert register(vehicleDetails=None, vehiclePlate="CE 7")["rider"]["vehicleDetails"] == {
        "plateNumber": "CE 7"}


@pytest.mark.parametrize("fields, wrong", [
    ({"vehicleType": "ROCKET"}, "vehicleType"), ({"vehicleType": None}, "vehicleType"),
    ({"vehicleDetails": None}, "vehicleDetails.plateNumber"),
    ({"vehicleDetails": {"brand": "Bajaj"}}, "vehicleDetails.plateNumber"),
    ({"vehicleDetails": {"plateNumber": "x"}}, "vehicleDetails.plateNumber"),
    ({"emergencyContact": {"phone": "699000001"}}, "emergencyContact.name"),
    ({"documents": "papers"}, "documents"), ({"phone": "12"}, "phone"),
    ({"password": "weak"}, "password"), ({"firstName": None}, "firstName")])
def test_a_wrong_field_is_named_and_nothing_is_written(riders, sql, fields, wrong):
    body = registration(**fields)
    assert faults(riders.post("auth/register", json=body)) == {wrong}
    assert sql("SELECT 1 FROM riders WHERE phone = %s", body["phone"]) == []


def test_a_phone_and_an_email_belong_to_one_rider(riders, register):
    rider = register(email="emmanuel@identity.reeyo.cm")["rider"]
    reply = riders.post("auth/register", json=registration(phone=rider["phone"]))
    assert (reply.status, reply.code) == (409, "RIDER_1000")
    reply = riders.post("auth/register", json=registration(email="EMMANUEL@identity.reeyo.cm"))
    assert (reply.status, reply.code) == (409, "RIDER_1001")


# --- Login ------------------------------------------------------------------------------------


def test_a_rider_logs_in_by_phone_or_email_before_approval(riders, register):
    rider = register(email="two.ways@identity.reeyo.cm")["rider"]
    for who in ({"phone": rider["phone"]}, {"email": "Two.Ways@identity.reeyo.cm"}):
        reply = riders.post("auth/login", json={**who, "password": PASSWORD})
        assert reply.status == 200, reply
        assert reply.data["rider"]["riderId"] == rider["riderId"]
    reply = riders.post("auth/login", json={"phone": rider["phone"], "password": "Wrong-123!"})
    assert (reply.status, reply.code) == (401, "AUTH_2000")
    reply = riders.post("auth/login", json={"phone": new_phone(), "password": "Wrong-123!"})
    assert (reply.status, reply.code) == (401, "AUTH_2000")


def test_a_suspended_rider_cannot_log_in(riders, register, sql):
    data = register()
    sql("UPDATE riders SET approval_status = 'SUSPENDED' WHERE id = %s", data["rider"]["riderId"])
    reply = riders.post("auth/login", json={"phone": data["rider"]["phone"], "password": PASSWORD})
    assert (reply.status, reply.code) == (403, "RIDER_3002")
    reply = riders.post("auth/refresh", json={"refreshToken": data["refreshToken"]})
    assert (reply.status, reply.code) == (403, "RIDER_3002")


def test_a_refresh_continues_a_session_and_a_logout_ends_it(riders, register):
    data = register()
    fresh = riders.post("auth/refresh", json={"refreshToken": data["refreshToken"]}).data
    assert riders.get("auth/me", token=fresh["token"]).status == 200
    assert riders.post("auth/logout", token=fresh["token"]).status == 200
    assert riders.get("auth/me", token=fresh["token"]).code == "AUTH_1001"
    reply = riders.post("auth/refresh", json={"refreshToken": fresh["refreshToken"]})
    assert (reply.status, reply.code) == (401, "AUTH_1001")


def test_tokens_of_other_namespaces_are_refused(riders, vendor, customer, rider):
    for other in (vendor(), customer()):
        reply = riders.get("auth/me", token=other.token)
        assert (reply.status, reply.code) == (403, "AUTH_1005")
    made = rider()
    assert made.api.get("auth/me").data["approvalStatus"] == "APPROVED"
    reply = riders.post("auth/login", json={"phone": made.phone, "password": made.password})
    assert reply.status == 200, reply


# --- Verification and the account -------------------------------------------------------------


def test_the_code_of_the_sms_verifies_the_phone(riders, register, server, sql):
    data = register()
    rider, token = data["rider"], data["token"]
    code = code_of(server, rider["phone"])
    wrong = "000000" if code != "000000" else "111111"
    reply = riders.post("auth/verify-phone", json={"otp": wrong}, token=token)
    assert (reply.status, reply.code) == (400, "RIDER_4003")
    assert riders.post("auth/resend-otp", token=token).status == 200
    fresh = code_of(server, rider["phone"])
    reply = riders.post("auth/verify-phone", json={"otp": fresh}, token=token)
    assert reply.data["verificationStatus"] == "VERIFIED" and reply.data["approvalStatus"] == "PENDING"
    assert riders.post("auth/verify-phone", json={"otp": fresh}, token=token).code == "RIDER_4000"
    assert riders.post("auth/resend-otp", token=token).code == "RIDER_4000"
    assert sql("SELECT 1 FROM one_time_codes WHERE account_id = %s", rider["riderId"]) == []


def test_a_missing_code_and_an_expired_one_have_different_errors(riders, register, sql):
    data = register()
    sql("UPDATE one_time_codes SET expires_at = now() - interval '1 s' WHERE account_id = %s",
        data["rider"]["riderId"])
    assert riders.post("auth/verify-phone", json={"otp": "000001"}, token=data["token"]).code == "RIDER_4002"
    sql("DELETE FROM one_time_codes WHERE account_id = %s", data["rider"]["riderId"])
    assert riders.post("auth/verify-phone", json={"otp": "000001"}, token=data["token"]).code == "RIDER_4001"


def test_a_rider_can_change_the_profile_but_not_the_approval(rider, sql):
    one, other = rider(), rider()
    reply = one.api.put("auth/profile", json={
        "firstName": "Armand", "email": f"NEW.{one.email}", "profilePicture": "me.webp",
        "emergencyContact": {"name": "Rose", "phone": "677000001"}, "approvalStatus": "PENDING"})
    assert reply.status == 200, reply
    assert reply.data == one.api.get("auth/me").data
    assert reply.data["name"] == "Armand Tchoupo" and reply.data["email"] == f"new.{one.email}"
    assert reply.data["emergencyContact"] == {"name": "Rose", "phone": "+237677000001"}
    assert reply.data["approvalStatus"] == "APPROVED"
    reply = one.api.put("auth/profile", json={"email": other.email})
    assert (reply.status, reply.code) == (409, "RIDER_1001")


def test_a_changed_password_ends_the_other_sessions(riders, register):
    data = register()
    phone = data["rider"]["phone"]
    other = riders.post("auth/login", json={"phone": phone, "password": PASSWORD}).data
    reply = riders.post("auth/change-password", token=data["token"],
                        json={"oldPassword": "Wrong-123!", "newPassword": NEW_PASSWORD})
    assert (reply.status, reply.code) == (401, "AUTH_2001")
    reply = riders.post("auth/change-password", token=data["token"],
                        json={"oldPassword": PASSWORD, "newPassword": NEW_PASSWORD})
    assert reply.status == 200, reply
    assert riders.get("auth/me", token=data["token"]).status == 200
    assert riders.get("auth/me", token=other["token"]).status == 401
    assert riders.post("auth/login", json={"phone": phone, "password": NEW_PASSWORD}).status == 200


def test_a_device_belongs_to_its_rider(riders, register, sql):
    data = register()
    assert riders.post("auth/device-token", token=data["token"],
                       json={"token": "phone-9", "platform": "android"}).status == 200
    row = sql("SELECT account_id, role FROM device_tokens WHERE token = 'phone-9'")
    assert row == [{"account_id": data["rider"]["riderId"], "role": "RIDER"}]


def test_development_settings_approve_immediately(start_server):
    server = start_server(auto_approve="on", skip_phone_verify="on")
    reply = server.api(None, "rider").post("auth/register", json=registration())
    assert reply.status == 201, reply
    rider = reply.data["rider"]
    assert (rider["verificationStatus"], rider["approvalStatus"], rider["status"]) == (
        "VERIFIED", "APPROVED", "ACTIVE")
    reply = server.api(None, "vendor").post("auth/register", json={
        "businessName": "Chez Rose", "ownerName": "Rose Etame", "email": "rose@identity.reeyo.cm",
        "phone": new_phone(), "password": PASSWORD, "businessType": "GROCERY",
        "address": "Rue Joffre", "city": "Douala"})
    assert reply.status == 201, reply
    vendor = reply.data["vendor"]
    assert (vendor["approvalStatus"], vendor["isPhoneVerified"], vendor["isEmailVerified"]) == (
        "APPROVED", True, True)
