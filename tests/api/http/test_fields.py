# SPDX-License-Identifier: MIT
"""Every member of every body and query in the API document: null, and values that pass a check and that a store may
refuse. New rows and members are covered automatically."""

import itertools
import re
import unicodedata
import urllib.parse

import pytest

from world.callers import Callers
from world.tables import ABSENT, kind_of

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def callers(start_server):
    made = Callers(start_server())
    yield made
    made.close()


@pytest.fixture(scope="module")
def rows(callers):
    """Every row except those that end the caller's session."""
    return [row for row in callers.tables.rows if row.operation and not row.ends_session]


@pytest.fixture(scope="module")
def writes(rows):
    """Rows with a body that write."""
    return [row for row in rows if row.body_schema and row.method in ("PUT", "POST", "PATCH")]


@pytest.fixture(scope="module", autouse=True)
def sessions_are_still_valid(callers):
    """The requests of this file reach the handlers only while the callers' sessions are valid."""
    yield
    for role in ("customer", "vendor", "rider", "admin", "super"):
        reply = callers.by_role[role].api.get("auth/me")
        assert reply.status == 200, f"{role}: {reply}"


def answer(reply):
    """The parts of a reply that are equal in two replies of the same kind: no ids and times."""
    if not reply.body.startswith(b"{"):
        return reply.status
    error = reply.json.get("error", {})
    return reply.status, error.get("code"), error.get("message"), str(error.get("details"))


def is_server_error(reply):
    """A 5xx, except that these tests run without a payment gateway."""
    return reply.status >= 500 and b'"EXTERNAL_11000"' not in reply.body


def test_null_equals_absent_wherever_nothing_can_be_cleared(callers, writes):
    wrong = []
    for row in writes:
        for spelling, field, body in row.spelled():
            null = callers.send(row, json=body(None))
            where = f"{row} {spelling}: {null}"
            if is_server_error(null):
                wrong.append(where)
            if field.clearable:
                continue
            absent = callers.send(row, json=body(ABSENT))
            if answer(absent) != answer(null):
                wrong.append(f"{where} but absent {absent}")
    assert not wrong, "\n".join(wrong)


def shown(data, names):
    """The first member with one of the names, at any depth, or ABSENT."""
    for name, value in data.items() if isinstance(data, dict) else enumerate(data):
        if name in names:
            return value
        found = shown(value, names) if isinstance(value, (dict, list)) else ABSENT
        if found is not ABSENT:
            return found
    return ABSENT


def test_null_clears_whatever_can_be_cleared(callers, writes):
    cleared = set()
    for row in writes:
        for field in row.fields():
            if not field.clearable or len(field.path) > 1:
                continue
            name, names = field.name, field.spellings
            value = callers.tables.sample(field.schema, name)
            for spelling in names:
                before, after = [callers.send(row, json=row.body_with(field, sent, spelling)) for sent in (value, None)]
                where = f"{row} {spelling}: {before} {after}"
                assert before.status == after.status == 200, where
                if shown(before.data, names) is not ABSENT:
                    cleared.add(f"{row.namespace} {name}")
                    assert shown(before.data, names), where
                    assert not shown(after.data, names), where
    assert cleared >= {"user email", "user profilePicture", "user instructions", "rider email", "rider profilePicture",
                       "rider emergencyContact", "vendor logo", "vendor coverImage", "vendor description",
                       "vendor minOrderAmount", "vendor deliveryRadius", "vendor originalPrice", "vendor stock",
                       "admin deliveryFeeOverride", "admin email", "admin description", "admin vendorId",
                       "admin mobileMoneyNumber"}, cleared


def test_nothing_is_cleared_when_something_is_created(writes):
    for row in writes:
        if 201 in row.statuses():
            assert not [field for field in row.fields() if field.clearable and len(field.path) == 1], row


# --- Values that pass a check and that a store may refuse ------------------------------------------------

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


def polled(row):
    """The query that makes a stream reply and end."""
    return {"after": 0, "wait": 0} if row.stream else {}


def test_no_value_of_a_body_causes_a_server_error(callers, writes):
    wrong, count = [], 0
    for row in writes:
        for field in row.fields():  # other spellings are checked by the same code
            for value in nasty(field.schema):
                reply = callers.send(row, json=row.body_with(field, value))
                count += 1
                if is_server_error(reply):
                    wrong.append(f"{row} {field.name}={value!r:.60}: {reply}")
    assert count > 3000
    assert not wrong, "\n".join(wrong)


def test_no_value_of_a_query_causes_a_server_error(callers, rows):
    wrong = []
    reads = [(row, url) for row in rows if row.method == "GET" for url in row.urls(callers.things)]
    for row, url in reads:
        for field in row.parameters():
            for value in [*nasty(field.schema), "a\0b", b"\xff", "[]"]:
                value = value if isinstance(value, (str, bytes)) else str(value)
                query = {**polled(row), field.name: value}
                if len(urllib.parse.urlencode(query)) > 2000:
                    continue
                reply = callers.send(row, url, query=query)
                if is_server_error(reply):
                    wrong.append(f"{row} {query}: {reply}")
    assert not wrong, "\n".join(wrong)


NAMES = ["0", "-1", "99999999999999999999", "9223372036854775807", "msg_999999999999999999", "msg_9999999999999999999",
         "msg_", "F-1", "F1", "a" * 64, "a" * 65, ".", "-", "_", "1e9", "NaN", "%00", "%25", "%27", "%5C", "%E2%80%AE", "%FF", "é"]


def test_no_name_in_a_path_causes_a_server_error(callers, rows):
    wrong = []
    for row, method, name in itertools.product(rows, ("GET", "DELETE", "POST"), NAMES):
        if not row.named or method not in row.methods:
            continue
        more = {"query": polled(row)} if method == "GET" else {"json": row.minimum() or {}}
        for url in row.urls(other=urllib.parse.quote(name, safe="%")):
            reply = callers.send(row, url, method, **more)
            if is_server_error(reply):
                wrong.append(f"{method} {url}: {reply}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("name", ["Last-Event-ID", "Idempotency-Key", "X-Device-Id", "X-Request-Id",
                                  "Accept-Language", "If-None-Match", "traceparent"])
def test_no_value_of_a_header_causes_a_server_error(callers, name):
    values = ["9223372036854775807", "9223372036854775808", "-1", "1e3", "NaN", "\xff\xfe", "\xc3", "a" * 500, "{", "\\",
              "'", '"', "%00", " ", ""]
    wrong = []
    for value in values:
        for method, path, sent in (("GET", "events?wait=0&after=0", {}), ("GET", "events?wait=0", {}),
                                   ("POST", "auth/addresses", {"json": {}}),
                                   ("POST", "orders", {"json": {"vendorId": callers.vendor.id, "paymentMethod": "CASH",
                                    "items": [{"itemId": callers.vendor.items[0], "quantity": 1}]}}),
                                   ("POST", "auth/register", {"json": {"phone": "x"}})):
            headers = {name: value.encode("latin-1")}
            reply = callers.by_role["customer"].api.request(method, path, headers=headers, **sent)
            if is_server_error(reply):
                wrong.append(f"{method} {path} {name}: {value!r}: {reply}")
    assert not wrong, "\n".join(wrong)


# --- Texts and addresses ---------------------------------------------------------------------------

CONTROLS = ["\u202e", "\u2066", "\u200f", "\u061c", "\u2028", "\x1b", "\x7f", "\x85", "\U000e0041", "\ufeff\uffff"]
INVISIBLE = ["\u00a0", "\u200b", "\u200d", "\u0301", "\u3164", "\u2800", "\ufe0f", "\u115f", "\u00ad", "\u2003"]


def texts(row):
    """Members that are free text, in the form of Row.spelled."""
    for spelling, field, body in row.spelled():
        if field.kind == "string" and not {"enum", "pattern", "examples"} & set(field.schema):
            yield spelling, field.schema, body


def refused(callers, row, body):
    """None, or the reply when a body that must be refused was accepted."""
    reply = callers.send(row, json=body)
    return None if reply.status == 400 else f"{row} {body!r:.200}: {reply}"


def test_single_lines_contain_no_control_characters_and_no_line_ends(callers, writes):
    wrong = []
    for row in writes:
        for _spelling, member, body in texts(row):
            size = max(2, member.get("minLength", 0)) - 1
            for mark in CONTROLS + ([] if "x-lines" in member else ["\n", "\r", "\t"]):
                wrong.append(refused(callers, row, body("a" + mark + "a" * size)))
    wrong = [one for one in wrong if one]
    assert not wrong, "\n".join(wrong)


def test_several_lines_are_accepted_where_the_table_allows_them(callers, writes):
    taken = 0
    for row in writes:
        for spelling, member, body in texts(row):
            if "x-lines" in member:
                reply = callers.send(row, json=body("one line\n\tand another\r\n🙂"))
                assert b"control character" not in reply.body, f"{row} {spelling}: {reply}"
                taken += 1
    assert taken > 30


def test_a_required_text_has_a_visible_character(callers, writes):
    wrong = []
    for row in writes:
        for _spelling, member, body in texts(row):
            if member.get("minLength", 0) == 0:
                continue
            for mark in INVISIBLE:
                wrong.append(refused(callers, row, body(mark * member.get("maxLength", 9))))
    wrong = [one for one in wrong if one]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("name", ["Ŋgɔɓa Ɗan", "ɛ́yɛ́ngɛ̀", "ə̀bə̀lə̀", "عائشة بنت", "N’Djamena d'Or", "👩🏾‍🍳 Mama", "می‌خواهم"])
def test_names_in_local_spellings_are_stored_unchanged(callers, name):
    reply = callers.vendor.api.patch("auth/profile", json={"businessName": name})
    assert reply.status == 200, reply
    assert reply.data["businessName"] == unicodedata.normalize("NFC", name)


SCHEMES = ["javascript:alert(1)", "JavaScript:alert(1)", "data:text/html,<script>", "data:image/png;base64,AAAA",
           "vbscript:msgbox(1)", "file:///etc/passwd", "//evil.cm/a", "https://a b.cm/", "https://", "https:///a",
           "https://user:secret@evil.cm/", "java\tscript:alert(1)", "\u0001javascript:alert(1)", "blob:https://a.cm/1"]
ADDRESS = re.compile("url|image|photo|picture|logo|document|link|license|card|insurance|avatar|nationalid|registration",
                     re.IGNORECASE)


def test_addresses_of_pictures_and_documents_are_http_urls(callers, writes):
    wrong, seen = [], set()
    for row in writes:
        for spelling, field, body in row.spelled():
            element = kind_of(field.schema.get("items", {}))
            one = field.kind == "array" and element in ("uri", "string") and "images" in spelling
            if not ADDRESS.search(spelling) or not (one or field.kind in ("uri", "string")) or "enum" in field.schema:
                continue
            seen.add(spelling)
            for value in SCHEMES:
                reply = callers.send(row, json=body([value] if one else value))
                if reply.status != 400:
                    wrong.append(f"{row} {spelling}={value}: {reply}")
    assert seen >= {"logo", "coverImage", "images", "profilePicture", "pickupPhoto", "deliveryPhoto", "photo", "url",
                    "idCardUrl", "nationalId", "insurance", "businessLicense", "ownerIdCard"}
    assert not wrong, "\n".join(wrong)
