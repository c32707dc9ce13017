# SPDX-License-Identifier: MIT
"""What people search is found however they type it: vendors, menus, and the console's lists."""

import unicodedata

import pytest

SOUGHT = ["braise", "BRAISE", "braisé", unicodedata.normalize("NFD", "Braisé"), "l'etoile", "L’ÉTOILE", "oeuf"]
NAME = "Poulet Braisé de L’Étoile aux Œufs"


@pytest.mark.parametrize("sought", SOUGHT)
@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_a_vendor_and_its_items_are_found_without_case_and_accents(api, vendor, sql, sought, form):
    shop = vendor(items=1, business_name=unicodedata.normalize(form, NAME))
    sql("UPDATE items SET name = %s WHERE vendor_id = %s", unicodedata.normalize(form, NAME), shop.id)
    assert shop.id in [row["vendorId"] for row in api.get("vendors", query={"search": sought, "limit": 100}).data]
    assert [row["itemId"] for row in api.get(f"vendors/{shop.id}/menu", query={"search": sought}).data["items"]] == shop.items
    assert shop.api.get("inventory/items", query={"search": sought}).data["total"] == 1


@pytest.mark.parametrize("where", ["description", "tags"])
def test_descriptions_and_tags_are_searched_too(api, vendor, where):
    shop = vendor(**{where: "{Grillé}" if where == "tags" else "Tout est Grillé"})
    assert shop.id in [row["vendorId"] for row in api.get("vendors", query={"search": "GRILLE", "limit": 100}).data]


def test_a_category_is_named_in_any_form(api, vendor, sql):
    shop = vendor(items=1)
    sql("UPDATE items SET category = 'Entrées' WHERE vendor_id = %s", shop.id)
    for name in ("entrees", unicodedata.normalize("NFD", "ENTRÉES")):
        assert shop.id in [row["vendorId"] for row in api.get("vendors", query={"category": name, "limit": 100}).data]
        assert len(api.get(f"vendors/{shop.id}/menu", query={"category": name}).data["items"]) == 1
        assert shop.api.get("inventory/items", query={"category": name}).data["total"] == 1


@pytest.mark.parametrize("sought", ["zoe", "ZOÉ", unicodedata.normalize("NFD", "zoé")])
def test_the_console_finds_people_without_case_and_accents(admin_api, customer, vendor, rider, sought):
    people = {"users": customer(firstName="Zoé", lastName="Ngœma").id, "vendors": vendor(owner_name="Zoé Ngœma").id,
              "riders": rider(first_name="Zoé", last_name="Ngœma").id}
    for kind, account in people.items():
        for query in (sought, sought + " ngoema"):
            reply = admin_api.get(kind, query={"search": query, "limit": 100})
            assert account in [row["id"] for row in reply.data], (kind, query)
            assert reply.json["meta"]["total"] >= 1


@pytest.mark.parametrize("sought", ["%", "_", "\\", "%%", "a_a"])
def test_signs_of_patterns_are_plain_text(api, admin_api, sought):
    for kind in ("users", "vendors", "riders"):
        assert admin_api.get(kind, query={"search": sought}).data == []
    assert api.get("vendors", query={"search": sought}).data == []
