# SPDX-License-Identifier: MIT
"""The cost of a body: its bytes, its values, and the memory of the process."""

import json
import os
from concurrent.futures import ThreadPoolExecutor

import pytest

LIMIT = 64 * 1024


def login(value):
    return json.dumps({"phone": "+237670000001", "password": "x", "other": value}, separators=(",", ":"))


def filled(unit, head='{"phone":"+237670000001","password":"x","other":[', tail="]}", most=LIMIT):
    """Repeats the unit up to the body limit."""
    return head + ",".join([unit] * ((most - len(head) - len(tail) + 1) // (len(unit) + 1))) + tail


COSTLY = {
    "empty objects": filled("{}"), "empty lists": filled("[]"), "short texts": filled('""'), "numbers": filled("0"),
    "nested objects": filled('{"a":{}}'),
    "keys": '{"phone":"+237670000001","password":"x",' + ",".join(f'"{n}":0' for n in range(8000)) + "}",
}


def resident(server):
    with open(f"/proc/{server.process.pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmRSS"))


@pytest.mark.parametrize("name", COSTLY)
def test_a_body_of_too_many_values_is_413(api, name):
    reply = api.post("auth/login", body=COSTLY[name], headers={"Content-Type": "application/json"})
    assert (reply.status, reply.code) == (413, "PAYLOAD_TOO_LARGE")


@pytest.mark.parametrize("value", [["x"] * 2400, [{"a": 1}] * 800, "x" * 60000, [[[["x"]]]] * 400])
def test_a_body_within_the_bounds_is_read(api, value):
    reply = api.post("auth/login", body=login(value), headers={"Content-Type": "application/json"})
    assert reply.status == 401, reply


def test_json_punctuation_inside_a_text_is_not_counted(api):
    reply = api.post("auth/login", body=login(',:{["' * 8000), headers={"Content-Type": "application/json"})
    assert reply.status == 401, reply


@pytest.mark.parametrize("marks", ["\u0301\u0323" * 15000, "\u0344" * 30000, "\u0f73" * 20000])
def test_a_letter_with_too_many_marks_is_refused_before_normalisation(api, marks):
    """Normalising it takes seconds, during which the loop is blocked."""
    body = json.dumps({"identifier": "a" + marks, "password": "x"}, ensure_ascii=False).encode()
    reply = api.post("auth/login", body=body, headers={"Content-Type": "application/json"})
    assert reply.status == 400 and reply.error["message"].startswith("identifier: has too many marks"), reply


def test_a_body_over_the_default_limit_is_413_unless_its_route_allows_more(api, customer_api):
    large = login("x" * LIMIT)
    assert api.post("auth/login", body=large, headers={"Content-Type": "application/json"}).status == 413
    order = json.dumps({"vendorId": "vendor_123", "items": [], "other": "x" * LIMIT})
    reply = customer_api.post("orders", body=order, headers={"Content-Type": "application/json"})
    assert (reply.status, reply.code) == (400, "VALIDATION_ERROR")


def test_the_parsed_body_counts_against_the_memory_of_the_request(start_server):
    server = start_server(request_memory="256k")
    api = server.api()
    reply = api.post("auth/login", body=login([{}] * 1200), headers={"Content-Type": "application/json"})
    assert (reply.status, reply.code) == (413, "PAYLOAD_TOO_LARGE")
    assert api.post("auth/login", body=login([{}] * 200),
                    headers={"Content-Type": "application/json"}).status == 401


def test_twenty_of_the_costliest_bodies_at_once_use_little_memory(start_server, monkeypatch):
    # A sanitizer delays freeing memory; keep its quarantine small.
    monkeypatch.setenv("ASAN_OPTIONS", os.environ.get("ASAN_OPTIONS", "")
                       + ":quarantine_size_mb=1:thread_local_quarantine_size_kb=64")
    server = start_server()
    bodies = [login([{}] * 1200), login({str(n): n for n in range(1200)}), login(["x"] * 2400), login("x" * 60000)]
    before = resident(server)

    def send(number):
        api = server.api()
        statuses = {api.post("auth/login", body=bodies[number % len(bodies)],
                             headers={"Content-Type": "application/json"}).status for _ in range(10)}
        api.close()
        return statuses

    with ThreadPoolExecutor(20) as pool:
        for _ in range(3):
            assert set().union(*pool.map(send, range(20))) <= {401, 503}
    assert resident(server) - before < 50 << 20
