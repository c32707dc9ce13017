# SPDX-License-Identifier: MIT
"""The configuration that apps read before login."""


def test_the_configuration_shows_services_and_no_comission(api):
    config = api.get("config").data
    assert config["services"]["food"] == {"enabled": True, "minOrderAmount": 2000, "deliveryFee": 1500}
    assert config["services"]["mart"] == {"enabled": True, "minOrderAmount": 5000, "deliveryFee": 2000}
    packages = config["services"]["packages"]
    assert (packages["baseFee"], packages["feePerKm"], packages["maxWeight"]) == (2000, 500, 50)
    assert config["paymentMethods"] == ["WALLET", "CASH", "CARD"]
    assert config["maintenanceMode"] is False and config["version"]
    assert b"omission" not in api.get("config").body


def test_one_service_can_be_read_by_name(api):
    for name in ("food", "FOOD", "mart"):
        service = api.get(f"config/service/{name}").data
        assert service["enabled"] is True and service["serviceName"] == name.lower()
        assert set(service["config"]) == {"minOrderAmount", "deliveryFee"}
    assert api.get("config/service/package").data["serviceName"] == "packages"
    assert api.get("config/service/taxi").status == 404
