# SPDX-License-Identifier: MIT
"""The business configuration: admins read and change it; changes apply on every instance."""

import pytest

from world.database import Database
from world.rows import FLAG, ZONE
from world.tokens import issue
from world.waiting import until

KEYS = set("""commission_rate_food commission_rate_mart package_platform_fee delivery_fee_base
    delivery_fee_per_km free_delivery_threshold min_order_amount rider_search_radius_m
    delivery_max_distance_km min_payout commission_rate service_fee rider_cut base_delivery_fare services settings
    paymentMethods""".split())


class Instances:
    """Two servers on one database: a change on one applies on the other."""

    def __init__(self, start_server, databases):
        self.url = databases.fresh()
        self.sql = Database(self.url)
        first, second = (start_server(database_url=self.url, loops=1) for _ in range(2))
        token = issue("SUPER_ADMIN", "admin_demo_1")
        self.api, self.other = first.api(token, "admin"), second.api(token, "admin")
        self.public = second.api()

    def settings(self):
        return {row["key"]: (row["value"], row["seq"])
                for row in self.sql("SELECT key, value, seq FROM settings")}


@pytest.fixture(scope="module")
def instances(start_server, databases):
    return Instances(start_server, databases)


def test_the_configuration_has_the_contracts_keys_and_units(admin_api):
    config = admin_api.get("config").data
    assert set(config) >= KEYS
    assert (config["commission_rate_food"], config["commission_rate_mart"], config["package_platform_fee"]) == (
        0.15, 0.1, 0.2)
    assert (config["commission_rate"], config["service_fee"], config["rider_cut"]) == (15, 0, 0)
    assert config["base_delivery_fare"] == config["delivery_fee_base"] == 1000
    assert set(config["min_payout"]) == {"XAF", "NGN", "KES", "GHS"}
    assert set(config["services"]) == {"food", "mart", "packages"}
    assert admin_api.get("config/commission-rate").data == {
        "commission_rate": 15, "commission_rate_food": 0.15, "commission_rate_mart": 0.1,
        "package_platform_fee": 0.2}


def test_only_a_super_admin_writes(admin_api):
    for method, path in (("PATCH", "config"), ("PUT", "config"), ("PUT", "config/commission-rate"),
                         ("PUT", "config/toggle-service"), ("PATCH", "config/feature-flags/x"),
                         ("DELETE", "config/feature-flags/x")):
        reply = admin_api.request(method, path, json={})
        assert (reply.status, reply.code) == (403, "FORBIDDEN"), path
    assert admin_api.get("config/feature-flags").status == 200


def test_a_change_soon_applies_on_another_instance(instances):
    shown = instances.api.patch("config", json={"delivery_fee_base": 1300, "deliveryFeePerKm": "250"}).data
    assert (shown["delivery_fee_base"], shown["base_delivery_fare"], shown["delivery_fee_per_km"]) == (1300, 1300, 250)
    assert instances.other.get("config").data == shown
    instances.api.put("config/toggle-service", json={"serviceName": "mart", "enabled": False})
    until(lambda: instances.public.get("/api/v1/user/config/service/mart").status == 503)
    instances.api.put("config/toggle-service", json={"serviceName": "mart", "enabled": True})
    until(lambda: instances.public.get("/api/v1/user/config/service/mart").status == 200)
    fee = instances.public.get("/api/v1/user/vendors/vendor_123",
                            query={"lat": 4.0503, "lng": 9.6960}).data["deliveryFee"]
    assert fee in (1300, 1550)      # no distance, or a rounded one


def test_a_change_applies_immediately_on_every_loop_of_the_receiving_instance(start_server):
    server = start_server(loops=4)
    api = server.api(issue("SUPER_ADMIN", "admin_demo_1"), "admin")
    callers = [server.api() for _ in range(12)]     # one connection each, spread over the loops
    for turn in range(10):
        on = turn % 2 == 1
        writes = (("PUT", "config/toggle-service", {"serviceName": "mart", "enabled": on}),
                  ("PATCH", "config", {"services": {"mart": {"enabled": on}}}),
                  ("PATCH", "config/feature-flags/service.mart", {"enabled": on}))
        method, path, body = writes[turn % 3]
        assert api.request(method, path, json=body).status == 200
        seen = [caller.get("/api/v1/user/config/service/mart").status for caller in callers]
        assert seen == [200 if on else 503] * len(callers)


def test_sending_a_whole_configuration_back_changes_nothing(instances):
    instances.api.patch("config", json={"service_fee": 2, "commission_rate_food": 0.18, "rider_cut": 5})
    instances.sql("UPDATE settings SET value = '50' WHERE key = 'rider_cut_bps'")     # half a percent
    config = instances.api.get("config").data
    assert config["rider_cut"] == 0.5
    before, acts = instances.settings(), instances.sql("SELECT count(*) AS n FROM admin_audit")
    for method in ("PATCH", "PUT"):
        reply = instances.api.request(method, "config", json=config)
        assert reply.status == 200 and reply.data == config
    assert instances.settings() == before and instances.sql("SELECT count(*) AS n FROM admin_audit") == acts
    # one changed value in it is one change
    instances.api.patch("config", json={**config, "free_delivery_threshold": 12000})
    after = instances.settings()
    assert {key for key in after if after[key] != before[key]} == {"free_delivery_threshold"}
    act = instances.sql("SELECT * FROM admin_audit ORDER BY id DESC LIMIT 1")[0]
    assert (act["admin_id"], act["act"], act["details"]) == (
        "admin_demo_1", "config.change", {"free_delivery_threshold": 12000})
    assert act["request_id"]


@pytest.mark.parametrize("body,food,mart", [
    ({"commission_rate": 12}, 1200, 1200), ({"commissionRate": 0.125}, 1250, 1250),
    ({"commission_rate": 14, "commission_rate_mart": 9}, 1400, 900),
    ({"commission_rate_food": 0.5}, 5000, 900), ({"commission-rate-food": 1}, 100, 900),
    ({"food": {"commissionRate": 17.5}, "mart": {"commissionRate": 0.08}}, 1750, 800)])
def test_a_rate_below_one_is_a_fraction_and_else_a_percentage(instances, body, food, mart):
    config = instances.api.patch("config", json=body).data
    settings = instances.settings()
    assert (settings["services.food.commissionBps"][0], settings["services.mart.commissionBps"][0]) == (food, mart)
    assert (config["commission_rate_food"], config["commission_rate_mart"]) == (food / 10000, mart / 10000)


def test_services_are_also_set_by_top_level_objects(instances):
    config = instances.api.put("config", json={
        "food": {"enabled": True, "minOrderAmount": 2500, "deliveryFee": 1600},
        "packages": {"enabled": True, "baseFee": 2100, "feePerKm": 510, "maxWeight": 40.5}}).data
    assert config["services"]["food"]["minOrderAmount"] == 2500
    assert (config["services"]["packages"]["baseFee"], config["services"]["packages"]["maxWeight"]) == (2100, 40.5)
    assert instances.api.patch("config", json={"min_payout": {"XAF": 6000, "NGN": 900}}).data["min_payout"] == {
        "XAF": 6000, "NGN": 900, "KES": None, "GHS": None}
    set_one = instances.api.put("config/commission-rate", json={"serviceName": "packages", "commissionRate": 22})
    assert set_one.data["package_platform_fee"] == 0.22


@pytest.mark.parametrize("body,field", [
    ({"delivery_fee_base": -1}, "delivery_fee_base"), ({"deliveryFeeBase": 10.5}, "deliveryFeeBase"),
    ({"commission_rate": 101}, "commission_rate"), ({"commission_rate": "much"}, "commission_rate"),
    ({"services": {"mart": {"enabled": "perhaps"}}}, "services.mart.enabled"),
    ({"packages": {"maxWeight": 0}}, "packages.maxWeight"), ({"paymentMethods": ["GOLD"]}, "paymentMethods"),
    ({"paymentMethods": []}, "paymentMethods"), ({"delivery_fee_per_km": 300, "rider_cut": []}, "rider_cut")])
def test_a_wrong_value_is_named_and_nothing_is_written(instances, body, field):
    before = instances.settings()
    reply = instances.api.patch("config", json=body)
    assert (reply.status, reply.code) == (400, "VALIDATION_FAILED")
    assert set(reply.error["details"]["fields"]) == {field}
    assert instances.settings() == before


@pytest.mark.parametrize("path,body,field", [
    ("commission-rate", {"serviceName": "bikes", "commissionRate": 5}, "serviceName"),
    ("commission-rate", {"serviceName": "food", "commissionRate": 101}, "commissionRate"),
    ("commission-rate", {"commissionRate": 5}, "serviceName"),
    ("toggle-service", {"serviceName": "mart"}, "enabled"),
    ("toggle-service", {"serviceName": "bikes", "enabled": True}, "serviceName")])
def test_wrong_service_calls_are_named(instances, path, body, field):
    reply = instances.api.put(f"config/{path}", json=body)
    assert reply.status == 400 and set(reply.error["details"]["fields"]) == {field}


def test_unknown_keys_are_ignored(instances):
    before = instances.settings()
    assert instances.api.patch("config", json={"colour": "blue", "settings": {"version": "9", "zones": 7}}).status == 200
    assert instances.settings() == before


def test_a_service_flag_switches_the_service_and_shows_its_state(instances):
    def flag(key):
        return {row["key"]: row for row in instances.other.get("config/feature-flags").data}.get(key)
    assert set(flag("service.mart")) == FLAG
    row = instances.api.patch("config/feature-flags/service.mart", json={"enabled": False}).data
    assert row == flag("service.mart") and row["enabled"] is False
    assert instances.other.get("config").data["services"]["mart"]["enabled"] is False
    until(lambda: instances.public.get("/api/v1/user/config/service/mart").status == 503)
    instances.api.put("config/toggle-service", json={"serviceName": "mart", "enabled": True})
    assert flag("service.mart")["enabled"] is True


def test_a_flag_is_created_changed_and_deleted(instances):
    row = instances.api.patch("config/feature-flags/home.new_banner", json={
        "enabled": True, "description": "New banner", "rolloutPct": 25, "countryCode": "CM", "scope": "country",
        "metadata": {"colour": "blue"}}).data
    assert row == {"key": "home.new_banner", "enabled": True, "description": "New banner", "rollout_pct": 25,
                   "scope": "COUNTRY", "country_code": "CM", "metadata": {"colour": "blue"}}
    changed = instances.api.patch("config/feature-flags/home.new_banner", json={"rollout_pct": 100}).data
    assert changed == {**row, "rollout_pct": 100}
    wrong = instances.api.patch("config/feature-flags/home.new_banner", json={"rollout_pct": 101})
    assert set(wrong.error["details"]["fields"]) == {"rollout_pct"}
    gone = instances.api.delete("config/feature-flags/home.new_banner")
    assert (gone.status, gone.data) == (200, None)
    assert instances.api.delete("config/feature-flags/home.new_banner").status == 404


SQUARE = [[4.0, 9.6], [4.0, 9.8], [4.2, 9.8], [4.2, 9.6]]


def test_a_zone_sets_the_delivery_fee_inside_it(instances):
    instances.api.patch("config", json={"free_delivery_threshold": 12000})
    made = instances.api.post("logistics/zones", json={
        "name": "Akwa", "countryCode": "CM", "polygon": SQUARE, "deliveryFeeOverride": 700})
    assert made.status == 201 and set(made.data) == ZONE
    zone = made.data["id"]

    def fee():
        return instances.public.get("/api/v1/user/vendors/vendor_123",
                                 query={"lat": 4.06, "lng": 9.70}).data["deliveryFee"]
    until(lambda: fee() == 700)
    assert instances.api.patch(f"logistics/zones/{zone}", json={"delivery_fee_override": None}).data[
        "delivery_fee_override"] is None
    until(lambda: fee() != 700)
    row = instances.api.patch(f"logistics/zones/{zone}", json={"is_active": False, "name": "Akwa Nord"}).data
    assert (row["is_active"], row["name"], row["polygon"]) == (False, "Akwa Nord", SQUARE)
    listed = instances.api.get("logistics/zones").json
    assert [set(r) for r in listed["data"]] == [ZONE] and listed["meta"]["total"] == 1
    assert instances.api.get(f"logistics/zones/{zone}").data == row
    assert instances.api.delete(f"logistics/zones/{zone}").data is None
    assert instances.api.get(f"logistics/zones/{zone}").status == 404
    assert instances.api.delete(f"logistics/zones/{zone}").status == 404


@pytest.mark.parametrize("body,field", [
    ({"countryCode": "CM", "polygon": SQUARE}, "name"), ({"name": "A", "polygon": SQUARE}, "countryCode"),
    ({"name": "A", "countryCode": "CM", "polygon": SQUARE[:2]}, "polygon"),
    ({"name": "A", "countryCode": "CM", "polygon": [[4, 9], [4, 10], [95, 9]]}, "polygon"),
    ({"name": "A", "countryCode": "CM", "polygon": [[4, 9], [4, 10], "x"]}, "polygon"),
    ({"name": "A", "countryCode": "CM", "polygon": SQUARE, "deliveryFeeOverride": -5}, "deliveryFeeOverride")])
def test_a_wrong_zone_is_named(admin_api, body, field):
    reply = admin_api.post("logistics/zones", json=body)
    assert reply.status == 400 and set(reply.error["details"]["fields"]) == {field}


def test_maintenance_stops_everybody_but_admins(instances):
    instances.api.patch("config", json={"maintenance_mode": True})
    until(lambda: instances.public.get("/api/v1/user/vendors").status == 503)
    assert instances.other.get("vendors").status == 200
    instances.api.patch("config", json={"maintenanceMode": False})
    until(lambda: instances.public.get("/api/v1/user/vendors").status == 200)


def test_a_shown_setting_is_either_written_or_refused(instances):
    reply = instances.api.patch("config", json={"settings": {"max_topup_amount": 123000}})
    assert reply.status == 200 and reply.data["settings"]["max_topup_amount"] == 123000
    shown = instances.api.get("config").data
    assert instances.api.patch("config", json=shown).status == 200  # unchanged
    assert instances.api.patch("config", json={"settings": shown["settings"]}).status == 200
    reply = instances.api.patch("config", json={"settings": {"time_zone": "Europe/Paris"}})
    assert reply.status == 400 and "cannot be changed here" in str(reply.json["error"])
    for body in ({"payout_two_admins_from": 1}, {"settings": {"payout_two_admins_from": 1}}):
        reply = instances.api.patch("config", json=body)
        assert reply.status == 400 and "payout_two_admins_from" in str(reply.json["error"]), body
    assert instances.api.patch("config", json={"no_such_key": 1}).status == 200
    assert instances.api.get("config").data == shown
