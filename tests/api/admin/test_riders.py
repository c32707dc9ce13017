# SPDX-License-Identifier: MIT
"""Riders in the admin namespace: rows, approval, documents and edits."""

import time

import pytest

from world.rows import META, RIDER, numbers
from world.waiting import until

DOCUMENTS = {"idCardUrl": "https://f.reeyo.cm/id.jpg", "drivingLicenseUrl": "https://f.reeyo.cm/dl.jpg",
             "vehicleRegistrationUrl": "https://f.reeyo.cm/vr.jpg"}


def test_a_row_has_the_contracts_keys(admin_api, rider):
    man = rider(documents=DOCUMENTS, profile_picture="https://f.reeyo.cm/me.jpg")
    listed = admin_api.get("riders", query={"search": man.phone}).json
    assert set(listed["meta"]) == META and [set(row) for row in listed["data"]] == [RIDER]
    row = admin_api.get(f"riders/{man.id}").data
    assert set(row) == RIDER and row == listed["data"][0]
    numbers(row, "total_deliveries", "average_rating", "owed", "total_earnings", "current_latitude",
            "current_longitude")
    assert (row["status"], row["state"], row["online_status"], row["vehicle_type"], row["vehicle_plate"]) == (
        "APPROVED", "idle", "OFFLINE", "MOTORCYCLE", "LT 123 AB")
    assert [(d["document_type"], d["status"], d["reason"]) for d in row["documents"]] == [
        ("NATIONAL_ID", "PENDING", None), ("DRIVERS_LICENSE", "PENDING", None),
        ("VEHICLE_REGISTRATION", "PENDING", None), ("PROFILE_PHOTO", "PENDING", None)]
    assert (row["id_type"], row["id_image_url"]) == ("NATIONAL_ID", DOCUMENTS["idCardUrl"])


def test_the_state_is_idle_on_a_delivery_or_late(admin_api, rider, customer, sql):
    man, buyer = rider(is_online=True), customer()
    placed = buyer.api.post("orders", json={
        "vendorId": "vendor_123", "items": [{"itemId": "item_1", "quantity": 1}],
        "paymentMethod": "CASH"}).data
    sql("UPDATE riders SET active_orders = 1 WHERE id = %s", man.id)
    sql("UPDATE orders SET rider_id = %s, status = 'RIDER_ASSIGNED' WHERE id = %s", man.id,
        placed["orderId"])
    row = admin_api.get(f"riders/{man.id}").data
    assert (row["state"], row["online_status"]) == ("on a delivery", "BUSY")
    sql("UPDATE orders SET estimated_delivery_at = now() - interval '1 minute' WHERE id = %s",
        placed["orderId"])
    assert admin_api.get(f"riders/{man.id}").data["state"] == "running late"
    deliveries = admin_api.get(f"riders/{man.id}/deliveries").data
    assert [order["order_number"] for order in deliveries] == [placed["orderNumber"]]
    assert deliveries[0]["rider"]["plate"] == "LT 123 AB"


@pytest.mark.parametrize("word", ["PENDING", "PENDING_APPROVAL", "PENDING_VERIFICATION"])
def test_every_word_for_pending_filters(admin_api, rider, word):
    man = rider(approval_status="PENDING", status="INACTIVE")
    rows = admin_api.get("riders", query={"search": man.phone, "status": word}).data
    assert [(row["status"], row["approval_status"]) for row in rows] == [("PENDING", "PENDING_APPROVAL")]


def test_approval_makes_a_rider_active(admin_api, rider, sql):
    man = rider(approval_status="PENDING", status="INACTIVE")
    row = admin_api.post(f"riders/{man.id}/approve").data
    assert row["status"] == "APPROVED"
    kept = sql("SELECT approval_status, status FROM riders WHERE id = %s", man.id)[0]
    assert (kept["approval_status"], kept["status"]) == ("APPROVED", "ACTIVE")
    assert [act["act"] for act in sql("SELECT act FROM admin_audit WHERE subject = %s", man.id)] == [
        "rider.approve"]


def test_suspension_takes_a_rider_offline_and_revokes_the_tokens(admin_api, rider, sql):
    man = rider(is_online=True)
    sql("INSERT INTO sessions (id, account_id, role, jti, expires_at)"
        " VALUES ('ses_' || %s, %s, 'RIDER', 'j', now() + interval '1 day')", man.id, man.id)
    sql("INSERT INTO dispatches (order_id, next_at) VALUES ('ord_' || %s, now() + interval '1 hour')", man.id)
    sql("INSERT INTO offers (id, order_id, rider_id, expires_at)"
        " VALUES ('off_' || %s, 'ord_' || %s, %s, now() + interval '1 hour')", man.id, man.id, man.id)
    row = admin_api.post(f"riders/{man.id}/suspend", json={"reason": "Complaints"}).data
    assert (row["status"], row["online_status"], row["rejection_reason"]) == (
        "SUSPENDED", "OFFLINE", "Complaints")
    assert sql("SELECT end_reason FROM sessions WHERE account_id = %s", man.id)[0]["end_reason"] == "suspended"
    assert {row["subject"] for row in sql("SELECT subject FROM revocations WHERE subject IN (%s, %s)",
            man.id, "ses_" + man.id)} == {man.id, "ses_" + man.id}
    assert sql("SELECT outcome FROM offers WHERE rider_id = %s", man.id)[0]["outcome"] == "WITHDRAWN"
    events = sql("SELECT type, rooms FROM event_log WHERE aggregate = %s", man.id)
    assert sorted(event["type"] for event in events) == ["rider_changed", "rider_status_changed"]
    sql("DELETE FROM dispatches WHERE order_id = 'ord_' || %s", man.id)
    again = admin_api.post(f"riders/{man.id}/approve").data
    assert (again["status"], again["rejection_reason"]) == ("APPROVED", None)


def test_rejection_needs_a_reason(admin_api, rider):
    man = rider(approval_status="PENDING", status="INACTIVE")
    assert admin_api.post(f"riders/{man.id}/reject", json={}).status == 400
    assert admin_api.post(f"riders/{man.id}/reject", json={"reason": "Blurred"}).data["status"] == "REJECTED"


def test_documents_are_decided_one_by_one_without_changing_the_approval(admin_api, rider, sql):
    man = rider(documents=DOCUMENTS, approval_status="PENDING", status="INACTIVE")
    row = admin_api.post(f"riders/{man.id}/verify-documents", json={"decisions": [
        {"document_type": "NATIONAL_ID", "status": "APPROVED"},
        {"documentType": "drivers_license", "status": "REJECTED", "reason": "Expired"}]}).data
    seen = {d["document_type"]: (d["status"], d["reason"]) for d in row["documents"]}
    assert seen == {"NATIONAL_ID": ("APPROVED", None), "DRIVERS_LICENSE": ("REJECTED", "Expired"),
                    "VEHICLE_REGISTRATION": ("PENDING", None)}
    assert row["status"] == "PENDING"
    assert admin_api.get(f"riders/{man.id}").data == row
    # a new file needs a new decision
    sql("UPDATE riders SET documents = documents || '{\"drivingLicenseUrl\":\"https://f.reeyo.cm/dl2.jpg\"}'"
        " WHERE id = %s", man.id)
    seen = {d["document_type"]: d["status"] for d in admin_api.get(f"riders/{man.id}").data["documents"]}
    assert seen["DRIVERS_LICENSE"] == "PENDING" and seen["NATIONAL_ID"] == "APPROVED"


@pytest.mark.parametrize("decisions,field", [
    ([], "decisions"), (None, "decisions"),
    ([{"document_type": "PASSPORT", "status": "APPROVED"}], "decisions[0].document_type"),
    ([{"document_type": "NATIONAL_ID", "status": "FINE"}], "decisions[0].status"),
    ([{"document_type": "NATIONAL_ID", "status": "APPROVED"},
      {"document_type": "INSURANCE", "status": "APPROVED"}], "decisions")])
def test_wrong_decisions_are_named_and_nothing_is_written(admin_api, rider, sql, decisions, field):
    man = rider(documents=DOCUMENTS)
    reply = admin_api.post(f"riders/{man.id}/verify-documents", json={"decisions": decisions})
    assert reply.status == 400 and set(reply.error["details"]["fields"]) == {field}
    assert sql("SELECT 1 FROM rider_documents WHERE rider_id = %s", man.id) == []


def test_details_of_a_rider_are_changed(admin_api, rider, sql):
    man, other = rider(), rider()
    row = admin_api.patch(f"riders/{man.id}", json={"first_name": "Serge", "vehicleType": "car",
                                                    "vehicle_plate": "CE 99 XY"}).data
    assert (row["first_name"], row["last_name"], row["vehicle_type"], row["vehicle_plate"]) == (
        "Serge", "Tchoupo", "CAR", "CE 99 XY")
    assert sql("SELECT vehicle_details FROM riders WHERE id = %s", man.id)[0]["vehicle_details"]["brand"] == "Bajaj"
    reply = admin_api.patch(f"riders/{man.id}", json={"email": other.email})
    assert (reply.status, reply.code) == (409, "CONFLICT")
    assert admin_api.patch("riders/rider_nobody", json={"firstName": "Serge"}).status == 404


def test_a_suspended_rider_is_logged_out_and_cannot_log_in(admin_api, rider, server):
    man = rider()
    assert man.api.get("auth/me").status == 200
    admin_api.post(f"riders/{man.id}/suspend", json={"reason": "Complaints"})
    until(lambda: man.api.get("auth/me").status == 401)
    login = {"phone": man.phone, "password": man.password}
    refused = server.api(name="rider").post("auth/login", json=login)
    assert (refused.status, refused.code) == (403, "RIDER_3002")
    admin_api.post(f"riders/{man.id}/approve")
    assert server.api(name="rider").post("auth/login", json=login).status == 200


def test_a_suspended_rider_is_removed_from_the_positions(admin_api, rider, redis):
    man = rider(is_online=True)
    redis("GEOADD", "geo:riders", "9.7", "4.05", man.id)
    redis("ZADD", "{geo:riders}:seen", str(int(time.time() * 1000)), man.id)
    admin_api.post(f"riders/{man.id}/suspend", json={"reason": "Complaints"})
    until(lambda: redis("ZSCORE", "geo:riders", man.id) == "")
