# SPDX-License-Identifier: MIT
"""Vendors: registration, log-in, and what proves who they are."""


def test_a_vendor_made_for_a_test_is_listed_with_its_menu(api, vendor):
    shop = vendor(items=2, price=3000)
    assert api.get(f"/api/v1/user/vendors/{shop.id}").data["isOnline"] is True
    menu = api.get(f"/api/v1/user/vendors/{shop.id}/menu").data
    assert {item["itemId"] for item in menu["items"]} == set(shop.items)
    # Its token is one of this server.
    assert shop.api.get("/api/v1/user/auth/me").code == "AUTH_1005"
