# SPDX-License-Identifier: MIT
"""Routes, methods, content types and caching according to HTTP."""

import gzip
import json

import brotli
import pytest

MENU = "vendors/vendor_123/menu"


def test_404_names_the_nearest_route(api):
    reply = api.get("vendor/vendor_123/menus")
    assert reply.status == 404
    reply = api.get("vendors/vendor_123/menuu")
    assert reply.status == 404 and reply.code == "ROUTE_NOT_FOUND"
    assert reply.error["details"]["nearest"].endswith("/vendors/:id/menu")


def test_404_far_from_any_route_suggests_none(api):
    reply = api.get("/zzzzzzzzzzzzzzzzzzzz/qqqqqqqqqqqqqqqqqqqqqqqqqq/xxxxxxxxxxxxxxxx")
    assert reply.status == 404
    assert "nearest" not in reply.error.get("details", {})


def test_an_error_has_the_documented_envelope(api):
    reply = api.get("no-such", headers={"X-Request-Id": "mine-1"})
    document = reply.json
    assert document["success"] is False
    assert set(document) == {"success", "error", "timestamp", "path", "requestId"}
    assert document["path"] == "/api/v1/no-such"
    assert document["requestId"] == "mine-1" == reply.headers["X-Request-Id"]
    assert document["timestamp"].endswith("Z")


def test_405_lists_the_allowed_methods(api):
    reply = api.delete("auth/login")
    assert reply.status == 405 and reply.code == "METHOD_NOT_ALLOWED"
    allowed = {word.strip() for word in reply.headers["Allow"].split(",")}
    assert "POST" in allowed and "DELETE" not in allowed


def test_405_of_a_read_allows_get_and_head(api):
    reply = api.delete(MENU)
    assert reply.status == 405
    assert {"GET", "HEAD"} <= {word.strip() for word in reply.headers["Allow"].split(",")}


@pytest.mark.parametrize("accept,status", [
    ("application/json", 200), ("*/*", 200), ("application/*", 200), ("", 200),
    ("text/html, application/json;q=0.1", 200), ("text/html", 406), ("image/png", 406),
    ("application/json;q=0", 406), ("text/html, */*;q=0.1", 200)])
def test_only_json_is_offered(api, accept, status):
    reply = api.get(MENU, headers={"Accept": accept})
    assert reply.status == status
    assert reply.json["success"] is (status == 200)


def test_problem_json_is_sent_on_request(api):
    reply = api.get("no-such", headers={"Accept": "application/problem+json"})
    assert reply.headers.get_content_type() == "application/problem+json"
    assert reply.json["status"] == 404 and reply.json["code"] == "ROUTE_NOT_FOUND"


@pytest.mark.parametrize("kind", ["text/plain", "application/xml", "multipart/form-data", "json"])
def test_a_body_of_another_type_is_415(api, kind):
    reply = api.post("auth/login", body="{}", headers={"Content-Type": kind})
    assert reply.status == 415 and reply.code == "UNSUPPORTED_MEDIA_TYPE"
    assert api.get("health").status == 200


def test_a_compressed_body_is_415(api):
    body = gzip.compress(b"{}")
    reply = api.post("auth/login", body=body, headers={
        "Content-Type": "application/json", "Content-Encoding": "gzip"})
    assert reply.status == 415


def test_a_form_is_accepted_like_json(api):
    reply = api.post("auth/login", body="phone=%2B237670000001&password=Test123%21%40%23", headers={
        "Content-Type": "application/x-www-form-urlencoded"})
    assert reply.status == 200 and reply.data["token"]


def test_json_with_a_charset_is_json(api):
    reply = api.post("auth/login", json={"phone": "+237670000001", "password": "Test123!@#"},
                     headers={"Content-Type": "application/json; charset=utf-8"})
    assert reply.status == 200


def test_a_content_type_without_a_body_is_fine(customer_api):
    kind = {"Content-Type": "application/json"}
    assert customer_api.get("wallet", headers=kind).status == 200
    assert customer_api.post("auth/resend-otp", headers=kind).status in (200, 400)


def test_head_has_the_headers_of_get_and_no_body(server, api):
    full = api.get(MENU)
    with server.wire() as wire:
        wire.send(f"HEAD /api/v1/{MENU} HTTP/1.1\r\nHost: x\r\n\r\n")
        bare = wire.read("HEAD")
        assert bare.status == 200
        assert bare.headers["ETag"] == full.headers["ETag"]
        assert bare.headers["Content-Length"] == full.headers["Content-Length"]
        wire.send(f"GET /api/v1/{MENU} HTTP/1.1\r\nHost: x\r\n\r\n")
        assert wire.read().body == full.body


def test_if_none_match_is_304_without_a_body(api):
    full = api.get(MENU)
    tag = full.headers["ETag"]
    for sent in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        reply = api.get(MENU, headers={"If-None-Match": sent})
        assert reply.status == 304 and reply.body == b"", sent
        assert reply.headers["ETag"] == tag
    assert api.get(MENU, headers={"If-None-Match": '"other"'}).status == 200


def test_a_list_in_two_headers_is_read_as_one(server, api):
    tag = api.get(MENU).headers["ETag"]
    for first, second in (('"other"', tag), (tag, '"other"')):
        with server.wire() as wire:
            wire.send(f"GET /api/v1/{MENU} HTTP/1.1\r\nHost: x\r\nIf-None-Match: {first}\r\n"
                      f"If-None-Match: {second}\r\n\r\n")
            assert wire.read().status == 304
    for name, values in (("Accept", ("text/html", "application/json")), ("Accept-Encoding", ("identity", "gzip"))):
        with server.wire() as wire:
            wire.send(f"GET /api/v1/{MENU} HTTP/1.1\r\nHost: x\r\n"
                      + "".join(f"{name}: {value}\r\n" for value in values) + "\r\n")
            reply = wire.read()
            assert reply.status == 200
            assert name == "Accept" or reply.headers["Content-Encoding"] == "gzip"


def test_public_answers_may_be_cached_and_personal_ones_never(api, customer_api):
    assert "public" in api.get(MENU).headers["Cache-Control"]
    for path in ("wallet", "auth/me", "orders"):
        reply = customer_api.get(path)
        assert reply.headers["Cache-Control"] == "no-store"
        again = customer_api.get(path, headers={"If-None-Match": reply.headers["ETag"]})
        assert again.status == 304 and again.headers["Cache-Control"] == "no-store"
    assert api.get("vendors/no_such_vendor").headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("accepts,encoding", [
    ("gzip", "gzip"), ("identity", None), ("gzip;q=0", None), ("deflate", None), (None, None),
    ("gzip;q=0, identity", None)])
def test_gzip_is_sent_to_clients_that_accept_it(api, accepts, encoding):
    headers = {"Accept-Encoding": accepts} if accepts else {}
    reply = api.request("GET", MENU, headers={"Accept-Encoding": "", **headers})
    plain = api.get(MENU, headers={"Accept-Encoding": "identity"})
    assert reply.headers.get("Content-Encoding") == encoding
    body = gzip.decompress(reply.body) if encoding else reply.body
    assert body == plain.body
    assert "Accept-Encoding" in reply.headers["Vary"]


def test_brotli_is_supported(api):
    reply = api.get("vendors?limit=50", headers={"Accept-Encoding": "br, gzip"})
    assert reply.headers["Content-Encoding"] == "br"
    assert json.loads(brotli.decompress(reply.body))["success"] is True


def test_the_preferred_encoding_wins(api):
    reply = api.get("vendors?limit=50", headers={"Accept-Encoding": "br;q=0.2, gzip;q=0.9"})
    assert reply.headers["Content-Encoding"] == "gzip"
    assert json.loads(gzip.decompress(reply.body))


def test_encoded_and_plain_forms_have_tags_of_their_own(api):
    plain = api.get(MENU, headers={"Accept-Encoding": "identity"}).headers["ETag"]
    packed = api.get(MENU, headers={"Accept-Encoding": "gzip"}).headers["ETag"]
    assert plain != packed
    for tag in (plain, packed):
        assert api.get(MENU, headers={"If-None-Match": tag,
                                      "Accept-Encoding": "gzip"}).status == 304


def test_a_request_id_is_made_when_none_is_sent(api):
    first, second = (api.get("health").headers["X-Request-Id"] for _ in range(2))
    assert first and second and first != second


@pytest.mark.parametrize("bad", ["a b", "x" * 65, '"><script>', "a\tb"])
def test_a_request_id_that_could_harm_a_log_is_replaced(api, bad):
    reply = api.get("health", headers={"X-Request-Id": bad})
    assert reply.status == 200 and reply.headers["X-Request-Id"] != bad


def test_security_headers_are_on_every_answer(api):
    for path in ("health", "no-such", "orders"):
        headers = api.get(path).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Frame-Options"] == "SAMEORIGIN"


def test_hsts_is_sent_where_the_client_has_come_by_tls(api):
    assert "Strict-Transport-Security" not in api.get("health").headers
    tls = api.get("health", headers={"X-Forwarded-Proto": "https"}).headers
    assert tls["Strict-Transport-Security"] == "max-age=31536000"


def test_messages_are_french_on_request_and_codes_never_change(api):
    english = api.get("no-such", headers={"Accept-Language": "en"}).error
    french = api.get("no-such", headers={"Accept-Language": "fr-CM, en;q=0.5"}).error
    assert english["code"] == french["code"]
    assert english["message"] != french["message"]


@pytest.mark.parametrize("wanted, language", [
    ("fr", "fr"), ("fr-CM", "fr"), ("FR-cm", "fr"), ("en", "en"), ("en-US", "en"), ("", "en"), ("de", "en"),
    ("fr, en", "fr"), ("en, fr", "en"), ("fr-CM, en-US", "fr"), ("de, fr, en", "fr"),
    ("fr;q=0.8, en;q=0.8", "fr"), ("en;q=0.8, fr;q=0.8", "en"), ("en;q=0.5, fr", "fr"), ("fr;q=0.3, en, fr", "en"),
    ("fr;q=0.5, fr-CM;q=0.9, en;q=0.7", "fr"), ("en-US;q=0.5, fr;q=0.4", "en"),
    ("fr;q=0", "en"), ("fr;q=0, en;q=0", "en"), ("en;q=0, fr;q=0.1", "fr"), ("en;q=0, *", "fr"), ("fr;q=0, *", "en"),
    ("*", "en"), ("fr, *", "fr"), ("*, fr", "fr"), ("*, en", "en"), ("en, *", "en"), ("fr;q=0.5, *", "en"), ("*, fr;q=0.1", "en"),
    ("en;q=0.1, *", "fr"),
    ("fr;q=2", "en"), ("fr;q=x, en", "en"), ("fr;q=-1", "en"), (",,;;fr", "en"), (", ,fr", "fr"), ("french", "en"),
    ("fr_CM", "en"), ("fra", "en"), (" fr ; q=1 , en ", "fr"), ("fr;q=1;level=1, en", "fr"), ("f", "en")])
def test_the_preferred_language_wins_and_of_equals_the_first(api, wanted, language):
    reply = api.get("no-such", headers={"Accept-Language": wanted})
    french = api.get("no-such", headers={"Accept-Language": "fr"}).error["message"]
    assert (reply.error["message"] == french) is (language == "fr")


# --- Addressing -------------------------------------------------------------------------------

def test_unprefixed_paths_are_the_user_namespace(api):
    assert api.get(f"/api/v1/{MENU}").body == api.get(f"/api/v1/user/{MENU}").body


@pytest.mark.parametrize("name,code", [("user", "ROUTE_NOT_FOUND"), ("rider", "ROUTE_NOT_FOUND"),
                                       ("vendor", "NOT_FOUND"), ("admin", "NOT_FOUND")])
def test_each_namespace_has_its_own_listener_and_codes(server, api, name, code):
    bound = server.api(name=name)
    assert bound.get("health").status == 200
    assert bound.get("qqqqqqqq").code == code
    assert api.get(f"/api/v1/{name}/qqqqqqqq").code == code
    assert bound.get(f"/api/v1/user/{MENU}").status == 200  # prefixed paths work everywhere


def test_a_namespace_is_a_whole_segment(api):
    assert api.get("/api/v1/vendors").status == 200  # the user namespace's list of vendors
    assert api.get("/api/v1/vendors").json["success"] is True


def test_put_post_and_patch_are_one_on_actions(customer_api):
    for method in ("PUT", "POST", "PATCH"):
        reply = customer_api.request(method, "auth/profile", json={"firstName": "Demo"})
        assert reply.status == 200, method


def test_a_trailing_slash_or_percent_encoding_finds_the_route_or_is_404(api):
    assert api.get("vendors/").status in (200, 404)
    assert api.get("vendors/vendor%5F123/menu").status == 200
    for path in ("vendors/%00/menu", "vendors/..%2f..%2fetc/menu", "vendors/%ff%fe/menu"):
        assert api.get(path).status in (400, 404), path


# --- Browsers ---------------------------------------------------------------------------------

ALLOWED = "http://localhost:3000"


def test_a_listed_origin_may_call_with_credentials(api):
    reply = api.get("health", headers={"Origin": ALLOWED})
    assert reply.status == 200
    assert reply.headers["Access-Control-Allow-Origin"] == ALLOWED
    assert reply.headers["Access-Control-Allow-Credentials"] == "true"
    assert "Origin" in reply.headers["Vary"]


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost:3000.evil",
                                    "https://localhost:3000", "http://localhost"])
def test_a_foreign_origin_is_403(api, origin):
    for reply in (api.get("health", headers={"Origin": origin}),
                  api.options("orders", headers={"Origin": origin,
                                                 "Access-Control-Request-Method": "POST"})):
        assert reply.status == 403 and reply.code == "CORS_ORIGIN_DENIED"
        assert "Access-Control-Allow-Origin" not in reply.headers


def test_a_foreign_origin_writes_nothing(api, sql):
    before = sql("SELECT count(*) FROM users")[0]["count"]
    reply = api.post("auth/register", headers={"Origin": "https://evil.example"}, json={
        "firstName": "Eve", "lastName": "Evil", "phone": "+237677999999",
        "password": "Evil-1234!"})
    assert reply.status == 403
    assert sql("SELECT count(*) FROM users")[0]["count"] == before


def test_a_preflight_is_204_and_names_what_may_be_sent(api):
    reply = api.options("orders", headers={
        "Origin": ALLOWED, "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization, idempotency-key, content-type"})
    assert reply.status == 204 and reply.body == b""
    assert reply.headers["Access-Control-Allow-Origin"] == ALLOWED
    methods = reply.headers["Access-Control-Allow-Methods"]
    assert all(word in methods for word in ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))
    sent = reply.headers["Access-Control-Allow-Headers"].lower()
    assert all(word in sent for word in ("content-type", "authorization", "idempotency-key"))


def test_options_without_an_origin_lists_the_allowed_methods(api):
    reply = api.options("auth/login")
    assert reply.status == 204 and "POST" in reply.headers["Allow"]


def test_an_error_is_readable_to_a_listed_origin(api):
    reply = api.get("no-such", headers={"Origin": ALLOWED})
    assert reply.status == 404 and reply.headers["Access-Control-Allow-Origin"] == ALLOWED


# --- Health -----------------------------------------------------------------------------------

def test_health_is_as_existing_clients_expect_it(api):
    document = api.get("/health").json
    assert document["status"] == "healthy"
    assert {"service", "version", "timestamp", "uptime", "dependencies"} <= set(document)
    assert set(document["dependencies"]) >= {"postgres", "redis"}
    for path in ("/api/v1/health", "/api/v1/user/health", "/api/v1/vendor/health",
                 "/api/v1/rider/health", "/api/v1/admin/health"):
        reply = api.get(path)
        assert reply.status == 200 and reply.json["success"] is True, path


def test_liveness_and_readiness(api):
    assert api.get("/healthz").status == 200
    assert api.get("/readyz").status == 200
