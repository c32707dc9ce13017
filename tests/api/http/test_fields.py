# SPDX-License-Identifier: MIT
"""Every member of every body and query, as the API document names them: null, and values that a check may let through
and a store refuse. A new row or member is covered by itself."""

import re
import unicodedata
import urllib.parse

import pytest

from world.fields import ABSENT, Routes, answer, clearable, kind_of, members, minimal, right, spellings


@pytest.fixture(scope="module")
def routes(start_server):
    made = Routes(start_server())
    yield made
    made.close()


def ours(reply):
    """An error of the server's own; that it has no payment gateway here is none."""
    return reply.status >= 500 and b'"EXTERNAL_11000"' not in reply.body


def test_null_is_absent_wherever_nothing_can_be_cleared(routes):
    wrong = []
    for path, method, operation, schema in routes.bodies():
        for spelling, member, body in members(schema):
            null = routes.send(method, path, operation, json=body(None))
            where = f"{method} {path} {spelling}: {null}"
            if ours(null):
                wrong.append(where)
            if clearable(member):
                continue
            absent = routes.send(method, path, operation, json=body(ABSENT))
            if answer(absent) != answer(null):
                wrong.append(f"{where} but absent {absent}")
    assert not wrong, "\n".join(wrong)


def shown(data, names):
    """The first member under one of the names, at any depth; ABSENT when there is none."""
    for name, value in data.items() if isinstance(data, dict) else enumerate(data):
        if name in names:
            return value
        found = shown(value, names) if isinstance(value, (dict, list)) else ABSENT
        if found is not ABSENT:
            return found
    return ABSENT


def test_null_clears_whatever_can_be_cleared(routes):
    cleared = set()
    for path, method, operation, schema in routes.bodies():
        for name, member in schema.get("properties", {}).items():
            if not clearable(member):
                continue
            names = spellings(name, member)
            value = routes.vendor.id if name == "vendorId" else right(member, name)
            for spelling in names:
                before, after = [routes.send(method, path, operation, json={**minimal(schema), spelling: sent})
                                 for sent in (value, None)]
                where = f"{method} {path} {spelling}: {before} {after}"
                assert before.status == after.status == 200, where
                if shown(before.data, names) is not ABSENT:
                    cleared.add(f"{path.split('/')[3]} {name}")
                    assert shown(before.data, names), where
                    assert not shown(after.data, names), where
    assert cleared >= {"user email", "user profilePicture", "user instructions", "rider email", "rider profilePicture",
                       "rider emergencyContact", "vendor logo", "vendor coverImage", "vendor description",
                       "vendor minOrderAmount", "vendor deliveryRadius", "vendor originalPrice", "vendor stock",
                       "admin deliveryFeeOverride", "admin email", "admin description", "admin vendorId",
                       "admin mobileMoneyNumber"}, cleared


def test_nothing_is_cleared_when_something_is_created(routes):
    for path, _, operation, schema in routes.bodies():
        if "201" in operation["responses"]:
            assert not [name for name, member in schema["properties"].items() if clearable(member)], path


# --- What a check may let through and a store refuse ------------------------------------------------

NUMBERS = [2**63 - 1, -2**63, 2**31, 2**53 + 1, 1e308, -1e308, 5e-324, 0.1, -0.0, 0, -1, 1e18, 1e15,
           "9" * 30, "1e400", "NaN", "infinity", "0x10", "", " ", "١٢"]
TEXTS = ["", " ", "\\", "'", '"', "{", "},{", "%", "_", "%s%n", "\U0001f9c6" * 600, "a" * 5000, "NULL", "\ufffd",
         "\u0301", "a\u202eb", "\u200b", "a\nb", "-infinity", "1;--", "../..", "\u0130", "$1", "x" * 64]
TIMES = ["0000-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2026-03-01T24:00:00Z",
         "2026-12-31T23:59:60Z", "2026-03-01T14:05:00+23:59", "2026-03-01T14:05:00-16:00", "1970-01-01T00:00:00+14:00",
         "2026-03-01T14:05:00.1234567890123456789Z", "2026-03-01T14:05:00.Z", "2026-03-01 14:05:00z", "2026-02-30T00:00:00Z",
         "infinity", "now", "epoch", "2026-03-01", "2026-060T00:00:00Z", "294277-01-01T00:00:00Z", "4713-01-01 BC"]
DATES = ["0000-01-01", "0001-01-01", "9999-12-31", "2026-02-29", "2026-13-01", "infinity", "today", "2026-3-1",
         "+026-03-01", "2026-03-01T00:00:00Z", "1969-12-31", "3000-01-01"]
POINTS = [{"lat": 1e308, "lng": 0}, {"lat": 90, "lng": 180}, {"lat": -0.0, "lng": 5e-324}, {"lat": "4", "lng": "NaN"}]
NESTED = [[], {}, [[]], [{}], {"a": [None]}, [None], {"": ""}, {"a" * 300: 1}, [["a"] * 50], True, False]


def nasty(schema):
    kind = kind_of(schema)
    if kind in ("date-time", "date"):
        return TIMES + DATES + NUMBERS[:4]
    if kind in ("int64", "integer", "number"):
        return NUMBERS
    if kind == "object" and schema.get("required") == ["lat", "lng"]:
        return POINTS + NESTED
    if kind in ("array", "object", "any"):
        return NESTED + TEXTS[:6] + NUMBERS[:6]
    return TEXTS + NUMBERS[:2] + NESTED[:2]


def test_no_value_of_a_body_is_an_error_of_ours(routes):
    wrong, count = [], 0
    for path, method, operation, schema in routes.bodies():
        if path.startswith("/api/v1/admin/") and "/webhooks/campay" in path:
            continue
        known = set()
        for spelling, member, body in members(schema):
            if id(member) in known:
                continue        # another spelling is the same member once its name is read
            known.add(id(member))
            for value in nasty(member):
                reply = routes.send(method, path, operation, json=body(value))
                count += 1
                if ours(reply):
                    wrong.append(f"{method} {path} {spelling}={value!r:.60}: {reply}")
    assert count > 3000
    assert not wrong, "\n".join(wrong)


def test_no_value_of_a_query_is_an_error_of_ours(routes):
    wrong = []
    for path, operation, parameters in routes.queries():
        for parameter in parameters:
            for value in [*nasty(parameter["schema"]), "a\0b", b"\xff", "[]"]:
                value = value if isinstance(value, (str, bytes)) else str(value)
                query = {parameter["name"]: value}
                if path.endswith("/events"):
                    query = {"after": 0, "wait": 0, **query}
                if len(urllib.parse.urlencode(query)) > 2000:
                    continue
                reply = routes.send("get", path, operation, query=query)
                if ours(reply):
                    wrong.append(f"get {path} {query}: {reply}")
    assert not wrong, "\n".join(wrong)


NAMES = ["0", "-1", "99999999999999999999", "9223372036854775807", "msg_999999999999999999", "msg_9999999999999999999",
         "msg_", "F-1", "F1", "a" * 64, "a" * 65, ".", "-", "_", "1e9", "NaN", "%00", "%25", "%27", "%5C", "%E2%80%AE", "%FF", "é"]


def test_no_name_in_a_path_is_an_error_of_ours(routes):
    wrong = []
    for path, method, operation in routes.operations(["get", "delete", "post"]):
        if "{" not in path:
            continue
        schema = routes.resolved(operation.get("requestBody", {})).get("content", {}).get("application/json", {}).get("schema")
        more = {} if method == "get" else {"json": minimal(schema or {})}
        more |= {"query": {"after": 0, "wait": 0}} if path.endswith("/events") else {}
        for name in NAMES:
            reply = routes.send(method, path, operation, named=urllib.parse.quote(name, safe="%"), **more)
            if ours(reply):
                wrong.append(f"{method} {path} {name}: {reply}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("name", ["Last-Event-ID", "Idempotency-Key", "X-Device-Id", "X-Request-Id",
                                  "Accept-Language", "If-None-Match", "traceparent"])
def test_no_value_of_a_header_is_an_error_of_ours(routes, name):
    values = ["9223372036854775807", "9223372036854775808", "-1", "1e3", "NaN", "\xff\xfe", "\xc3", "a" * 500, "{", "\\",
              "'", '"', "%00", " ", ""]
    wrong = []
    for value in values:
        for method, path, sent in (("GET", "events?wait=0&after=0", {}), ("GET", "events?wait=0", {}),
                                   ("POST", "auth/addresses", {"json": {}}),
                                   ("POST", "orders", {"json": {"vendorId": routes.vendor.id, "paymentMethod": "CASH",
                                    "items": [{"itemId": routes.vendor.items[0], "quantity": 1}]}}),
                                   ("POST", "auth/register", {"json": {"phone": "x"}})):
            headers = {name: value.encode("latin-1")}
            reply = routes.callers["customer"].request(method, path, headers=headers, **sent)
            if ours(reply):
                wrong.append(f"{method} {path} {name}: {value!r}: {reply}")
    assert not wrong, "\n".join(wrong)


# --- Texts and addresses ---------------------------------------------------------------------------

STEERING = ["\u202e", "\u2066", "\u200f", "\u061c", "\u2028", "\x1b", "\x7f", "\x85", "\U000e0041", "\ufeff\uffff"]
UNSEEN = ["\u00a0", "\u200b", "\u200d", "\u0301", "\u3164", "\u2800", "\ufe0f", "\u115f", "\u00ad", "\u2003"]


def texts(schema):
    """Members that are free text."""
    for spelling, member, body in members(schema):
        if kind_of(member) == "string" and not {"enum", "pattern", "examples"} & set(member):
            yield spelling, member, body


def refused(routes, path, method, operation, body):
    """None, or what a body that must be refused was answered with."""
    reply = routes.send(method, path, operation, json=body)
    return None if reply.status == 400 else f"{method} {path} {body!r:.200}: {reply}"


def test_single_lines_hold_nothing_that_steers_and_no_line_ends(routes):
    wrong = []
    for path, method, operation, schema in routes.bodies():
        for spelling, member, body in texts(schema):
            size = max(2, member.get("minLength", 0)) - 1
            for mark in STEERING + ([] if "x-lines" in member else ["\n", "\r", "\t"]):
                wrong.append(refused(routes, path, method, operation, body("a" + mark + "a" * size)))
    wrong = [one for one in wrong if one]
    assert not wrong, "\n".join(wrong)


def test_several_lines_are_taken_where_they_belong(routes):
    taken = 0
    for path, method, operation, schema in routes.bodies():
        for spelling, member, body in texts(schema):
            if "x-lines" in member:
                reply = routes.send(method, path, operation, json=body("one line\n\tand another\r\n🙂"))
                assert b"control character" not in reply.body, f"{path} {spelling}: {reply}"
                taken += 1
    assert taken > 30


def test_a_text_that_must_be_there_shows_something(routes):
    wrong = []
    for path, method, operation, schema in routes.bodies():
        for spelling, member, body in texts(schema):
            if member.get("minLength", 0) == 0:
                continue
            for mark in UNSEEN:
                wrong.append(refused(routes, path, method, operation, body(mark * member.get("maxLength", 9))))
    wrong = [one for one in wrong if one]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("name", ["Ŋgɔɓa Ɗan", "ɛ́yɛ́ngɛ̀", "ə̀bə̀lə̀", "عائشة بنت", "N’Djamena d'Or", "👩🏾‍🍳 Mama", "می‌خواهم"])
def test_names_of_the_country_are_kept_as_they_are_written(routes, name):
    reply = routes.callers["vendor"].patch("auth/profile", json={"businessName": name})
    assert reply.status == 200, reply
    assert reply.data["businessName"] == unicodedata.normalize("NFC", name)


SCHEMES = ["javascript:alert(1)", "JavaScript:alert(1)", "data:text/html,<script>", "data:image/png;base64,AAAA",
           "vbscript:msgbox(1)", "file:///etc/passwd", "//evil.cm/a", "https://a b.cm/", "https://", "https:///a",
           "https://user:secret@evil.cm/", "java\tscript:alert(1)", "\u0001javascript:alert(1)", "blob:https://a.cm/1"]
ADDRESS = re.compile("url|image|photo|picture|logo|document|link|license|card|insurance|avatar|nationalid|registration",
                     re.IGNORECASE)


def test_addresses_of_pictures_and_documents_are_of_the_web(routes):
    wrong, seen = [], set()
    for path, method, operation, schema in routes.bodies():
        for spelling, member, body in members(schema):
            one = kind_of(member) == "array" and kind_of(member.get("items", {})) in ("uri", "string") and "images" in spelling
            if not ADDRESS.search(spelling) or not (one or kind_of(member) in ("uri", "string")) \
                    or "enum" in member:
                continue
            seen.add(spelling)
            for value in SCHEMES:
                reply = routes.send(method, path, operation, json=body([value] if one else value))
                if reply.status != 400:
                    wrong.append(f"{method} {path} {spelling}={value}: {reply}")
    assert seen >= {"logo", "coverImage", "images", "profilePicture", "pickupPhoto", "deliveryPhoto", "photo", "url",
                    "idCardUrl", "nationalId", "insurance", "businessLicense", "ownerIdCard"}
    assert not wrong, "\n".join(wrong)
