# SPDX-License-Identifier: MIT
"""A customer's addresses."""

from concurrent.futures import ThreadPoolExecutor

import pytest

HOME = {"label": "Home", "address": "Rue Njo-Njo, Bonapriso", "city": "Douala",
        "coordinates": {"lat": 4.0301, "lng": 9.6948}, "instructions": "Blue gate"}
WORK = {"label": "Work", "address": "Avenue Kennedy", "city": "Yaoundé",
        "coordinates": {"lat": 3.8667, "lng": 11.5167}}


def defaults(addresses):
    return [each["label"] for each in addresses if each["isDefault"]]


def test_the_first_address_is_the_default_one(customer):
    one = customer(address=False)
    assert one.api.get("auth/addresses").data == []
    reply = one.api.post("auth/addresses", json=HOME)
    assert reply.status == 201, reply
    (address,) = reply.data["addresses"]
    assert address["id"] == address["addressId"]
    assert address["address"] == address["fullAddress"] == HOME["address"]
    assert address["coordinates"] == HOME["coordinates"]
    assert address["instructions"] == "Blue gate"
    assert address["isDefault"] is True
    assert one.api.post("auth/addresses", json=WORK).data["addresses"][1]["isDefault"] is False
    assert defaults(one.api.get("auth/addresses").data) == ["Home"]


def test_a_new_default_takes_the_place_of_the_old_one(customer):
    one = customer(address=False)
    one.api.post("auth/addresses", json=HOME)
    reply = one.api.post("auth/addresses", json={**WORK, "isDefault": True})
    assert defaults(reply.data["addresses"]) == ["Work"]
    home = [each["id"] for each in reply.data["addresses"] if each["label"] == "Home"][0]
    reply = one.api.put(f"auth/addresses/{home}", json={"isDefault": True})
    assert defaults(reply.data["addresses"]) == ["Home"]
    assert defaults(one.api.get("auth/me").data["addresses"]) == ["Home"]


@pytest.mark.parametrize("point", [
    {"coordinates": {"lat": 4.05, "lng": 9.7}}, {"coordinates": {"latitude": 4.05, "longitude": 9.7}},
    {"location": {"lat": 4.05, "lng": 9.7}}, {"lat": 4.05, "lng": 9.7},
    {"latitude": 4.05, "longitude": 9.7}, {"coordinates": {"lat": "4.05", "lng": "9.7"}}])
@pytest.mark.parametrize("text", ["address", "fullAddress", "street"])
def test_points_and_texts_come_in_any_spelling(customer, point, text):
    one = customer(address=False)
    reply = one.api.post("auth/addresses", json={"label": "X", text: "Rue 1.234", "city": "Douala", **point})
    assert reply.status == 201, reply
    assert reply.data["addresses"][0]["coordinates"] == {"lat": 4.05, "lng": 9.7}
    assert reply.data["addresses"][0]["address"] == "Rue 1.234"


@pytest.mark.parametrize("change, field", [
    ({"label": None}, "label"), ({"label": "x" * 51}, "label"), ({"address": "ab"}, "address"),
    ({"address": "x" * 201}, "address"), ({"city": None}, "city"), ({"coordinates": None}, "coordinates"),
    ({"coordinates": {"lat": 91, "lng": 0}}, "coordinates"), ({"coordinates": {"lat": 1}}, "coordinates"),
    ({"coordinates": [1, 2]}, "coordinates"), ({"instructions": "x" * 501}, "instructions"),
    ({"isDefault": "maybe"}, "isDefault")])
def test_a_wrong_address_is_named_and_not_stored(customer, change, field):
    one = customer(address=False)
    body = {name: value for name, value in {**HOME, **change}.items() if value is not None}
    reply = one.api.post("auth/addresses", json=body)
    assert (reply.status, reply.code) == (400, "VALIDATION_ERROR")
    assert [detail["field"] for detail in reply.error["details"]] == [field]
    assert one.api.get("auth/addresses").data == []


def test_a_change_affects_only_the_named_fields(customer):
    one = customer(address=False)
    (before,) = one.api.post("auth/addresses", json=HOME).data["addresses"]
    reply = one.api.patch(f"auth/addresses/{before['id']}", json={"label": "Maison"})
    (after,) = reply.data["addresses"]
    assert after == {**before, "label": "Maison"}
    reply = one.api.put(f"auth/addresses/{before['id']}", json={"lat": 4.1, "lng": 9.8})
    assert reply.data["addresses"][0]["coordinates"] == {"lat": 4.1, "lng": 9.8}


def test_an_address_of_somebody_else_does_not_exist(customer, sql):
    one, other = customer(), customer()
    (address,) = one.api.get("auth/addresses").data
    reply = other.api.put(f"auth/addresses/{address['id']}", json={"label": "Mine", "isDefault": True})
    assert (reply.status, reply.code) == (404, "USER_3001")
    assert other.api.delete(f"auth/addresses/{address['id']}").status == 200
    assert one.api.get("auth/addresses").data == [address]
    assert defaults(other.api.get("auth/addresses").data) == ["Home"]


def test_deleting_the_default_makes_another_the_default(customer):
    one = customer(address=False)
    home = one.api.post("auth/addresses", json=HOME).data["addresses"][0]
    one.api.post("auth/addresses", json=WORK)
    reply = one.api.delete(f"auth/addresses/{home['id']}")
    assert reply.status == 200, reply
    assert defaults(reply.data["addresses"]) == ["Work"]
    assert len(reply.data["addresses"]) == 1
    assert one.api.delete(f"auth/addresses/{home['id']}").status == 200
    assert one.api.delete("auth/addresses/addr_never").status == 200


def test_addresses_added_at_once_have_one_default_and_a_bound(customer, server, sql):
    one = customer(address=False)

    def add(number):
        return server.api(one.token).post("auth/addresses", json={
            **HOME, "label": f"Place {number}", "isDefault": number % 3 == 0}).status
    with ThreadPoolExecutor(20) as pool:
        statuses = list(pool.map(add, range(60)))
    assert statuses.count(201) == 50
    assert statuses.count(400) == 10
    assert sql("SELECT count(*) AS n, count(*) FILTER (WHERE is_default) AS d FROM addresses "
               "WHERE user_id = %s", one.id) == [{"n": 50, "d": 1}]


def test_addresses_need_a_token(api):
    for method in ("get", "post"):
        assert getattr(api, method)("auth/addresses").status == 401
    assert api.delete("auth/addresses/addr_1").status == 401
