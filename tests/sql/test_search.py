# SPDX-License-Identifier: MIT
"""Search: one rule folds both sides, the query is plain text, and an index serves it."""

import os
import unicodedata

import psycopg2
import psycopg2.extensions
import pytest

from sql.statements import STATEMENTS, install

# A stored text, and a query that finds it.
WORDS = [
    ("Poulet Braisé", "braise"), ("Poulet Braisé", "BRAISÉ"), ("Poulet Braise\u0301", "braisé"),
    ("POULET BRAISÉ", "poulet braisé"), ("Œufs brouillés", "oeufs"), ("Oeufs", "œuf"), ("Æther", "aether"),
    ("Curaçao", "curacao"), ("Noël", "noel"), ("L’Escale", "l'escale"), ("L'Escale", "l’escale"),
    ("Ŋgɔɓa Ɗan", "ngoba dan"), ("ɛ́yɛ́ngɛ̀", "eyenge"), ("Ndolé à l’eau", "NDOLE A L'EAU"), ("Garoua‑Boulaï", "garoua-boulai"),
    ("Crème\u00a0brûlée", "creme brulee"), ("ＦＵＬＬ", "full"), ("ﬁlet", "filet"), ("İstanbul", "istanbul"),
    ("Straße", "strasse"), ("ΣΑΣ", "σας"), ("مُحَمَّد", "محمد"), ("Zo\u200bé", "zoe"), ("½ poulet", "½"), ("🍕 Pizza", "🍕")]


@pytest.mark.parametrize("written, query", WORDS)
@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_case_accents_and_form_are_folded_on_both_sides(db, written, query, form):
    written = unicodedata.normalize(form, written)
    for other in (query, unicodedata.normalize("NFD", query)):
        assert db.value("SELECT search_text(%s) LIKE search_like(%s)", [written, other]), (written, other)


@pytest.mark.parametrize("written, query", [
    ("Poulet", "poisson"), ("abc", "%"), ("abc", "_"), ("abc", "a%c"), ("abc", "a_c"), ("abc", "\\"), ("abc", "％")])
def test_a_query_is_plain_text(db, written, query):
    assert not db.value("SELECT search_text(%s) LIKE search_like(%s)", [written, query])


@pytest.mark.parametrize("sign", ["%", "_", "\\", "'"])
def test_pattern_characters_match_themselves(db, sign):
    assert db.value("SELECT search_text(%s) LIKE search_like(%s)", [f"100{sign}x", f"0{sign}x"])


def test_a_query_does_not_match_across_two_members(db):
    assert not db.value("SELECT search_text('ab', 'cd') LIKE search_like('abcd')")
    assert not db.value("SELECT search_text('ab', 'cd') LIKE search_like('b c')")


def plan(db, name, params):
    """The generic plan, as the server uses it, on tables where a scan would be cheaper."""
    db.sql("SET enable_seqscan = off")
    db.sql(f"PREPARE p AS {STATEMENTS[name]}")
    marks = ", ".join(["%s"] * len(params))
    return "\n".join(row[0] for row in db.sql(f"EXPLAIN EXECUTE p ({marks})", params))


@pytest.mark.parametrize("name, index, params", [
    ("admin_user_list", "users_search", [None, "braise", "20", "0"]),
    ("admin_vendor_list", "vendors_search", [None, "braise", "20", "0"]),
    ("admin_rider_list", "riders_search", [None, "braise", "20", "0"]),
    ("vendor_list", "vendors_shown_search",
     [None, None, None, "braise", None, "f", None, "20", "0"])])
def test_an_index_serves_each_search(db, name, index, params):
    assert f"Bitmap Index Scan on {index}" in plan(db, name, params)


def test_an_owner_without_superuser_rights_can_migrate_the_database():
    """The extension that search needs is a trusted one."""
    name = f"reeyo_owner_{os.getpid()}"
    url = os.environ["REEYO_TEST_DATABASE_URL"]
    admin = psycopg2.connect(url)
    admin.autocommit = True
    with admin.cursor() as cursor:
        cursor.execute(f"CREATE ROLE {name} LOGIN")
        cursor.execute(f"CREATE DATABASE {name} OWNER {name}")
        try:
            own = psycopg2.connect(psycopg2.extensions.make_dsn(url, dbname=name, user=name))
            with own, own.cursor() as owner:
                install(owner)
            own.close()
        finally:
            cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")
            cursor.execute(f"DROP ROLE {name}")
    admin.close()
