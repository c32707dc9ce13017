# SPDX-License-Identifier: MIT
"""Searches ignore case and accents: vendors, menus, and the console's lists."""

import unicodedata

import pytest

QUERIES = ["braise", "BRAISE", "braisé", unicodedata.normalize("NFD", "Braisé"), "l'etoile", "L’ÉTOILE", "oeuf"]
NAME = "Poulet Braisé de L’Étoile aux Œufs"


@pytest.mark.parametrize("query", QUERIES)
@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_a_vendor_and_its_items_are_found_without_case_and_accents(api, vendor, sql, query, form):
    shop = vendor(items=1, business_name=unicodedata.normalize(form, NAME))
    sql("UPDATE items SET name = %s WHERE vendor_id = %s", unicodedata.normalize(form, NAME), shop.id)
    assert shop.id in [row["vendorId"] for row in api.get("vendors", query={"search": query, "limit": 100}).data]
    assert [row["itemId"] for row in api.get(f"vendors/{shop.id}/menu", query={"search": query}).data["items"]] == shop.items
    assert shop.api.get("inventory/items", query={"search": query}).data["total"] == 1


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


@pytest.mark.parametrize("query", ["zoe", "ZOÉ", unicodedata.normalize("NFD", "zoé")])
def test_the_console_finds_people_without_case_and_accents(admin_api, customer, vendor, rider, query):
    people = {"users": customer(firstName="Zoé", lastName="Ngœma").id, "vendors": vendor(owner_name="Zoé Ngœma").id,
              "riders": rider(first_name="Zoé", last_name="Ngœma").id}
    for kind, account in people.items():
        for typed in (query, query + " ngoema"):
            reply = admin_api.get(kind, query={"search": typed, "limit": 100})
            assert account in [row["id"] for row in reply.data], (kind, typed)
            assert reply.json["meta"]["total"] >= 1


@pytest.mark.parametrize("query", ["%", "_", "\\", "%%", "a_a"])
def test_pattern_characters_are_plain_text(api, admin_api, query):
    for kind in ("users", "vendors", "riders"):
        assert admin_api.get(kind, query={"search": query}).data == []
    assert api.get("vendors", query={"search": query}).data == []
