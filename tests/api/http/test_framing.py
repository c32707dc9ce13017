# SPDX-License-Identifier: MIT
"""Framing: a request whose begin or end is ambiguous is refused, and the connection closed."""

import json

import pytest

LOGIN = {"phone": "+237670000001", "password": "Test123!@#"}


def health(request_id=None, more=""):
    name = f"X-Request-Id: {request_id}\r\n" if request_id else ""
    return f"GET /api/v1/health HTTP/1.1\r\nHost: x\r\n{name}{more}\r\n"


def post(body, more="", path="/api/v1/auth/login", length=True):
    body = body if isinstance(body, bytes) else body.encode()
    head = (f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            + (f"Content-Length: {len(body)}\r\n" if length else "") + more + "\r\n")
    return head.encode() + body


DOUBTFUL = {
    "two hosts": "GET /api/v1/health HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
    "one host twice": "GET /api/v1/health HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n",
    "no host": "GET /api/v1/health HTTP/1.1\r\nAccept: */*\r\n\r\n",
    "two lengths": "POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n"
                   "Content-Length: 2\r\n\r\n{}",
    "two lengths that differ": "POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\n"
                               "Content-Length: 2\r\nContent-Length: 7\r\n\r\n{}",
    "length and chunks": "POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n"
                         "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    "chunks and length": "POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\n"
                         "Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    "a negative length": "POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: -2\r\n\r\n",
    "a length with a sign": "POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\n"
                            "Content-Length: +2\r\n\r\n{}",
    "a length that is a word": "POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\n"
                               "Content-Length: two\r\n\r\n{}",
    "a list of lengths": "POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\n"
                         "Content-Length: 2, 2\r\n\r\n{}",
    "a hexadecimal length": "POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\n"
                            "Content-Length: 0x2\r\n\r\n{}",
    "an unknown transfer encoding": "POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\n"
                                    "Transfer-Encoding: gzip\r\n\r\n",
    "chunked under another name": "POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\n"
                                  "Transfer-Encoding: xchunked\r\n\r\n",
    "two transfer encodings": "POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\n"
                              "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"
                              "2\r\n{}\r\n0\r\n\r\n",
    "chunks in HTTP/1.0": "POST /api/v1/auth/login HTTP/1.0\r\nHost: x\r\n"
                          "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    "a length with a blank behind it": "POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: 2 \r\n\r\n{}",
    "a length with a NUL behind it": "POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: 2\0\r\n\r\n{}",
    "chunked with a blank behind it": "POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\n"
                                      "Transfer-Encoding: chunked \r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    "chunked with a vertical tab behind it": "POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\n"
                                             "Transfer-Encoding: chunked\v\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    "a bare line feed ends a header": "GET /api/v1/health HTTP/1.1\r\nHost: x\nX-Other: y\r\n\r\n",
    "a bare line feed ends the head": "GET /api/v1/health HTTP/1.1\r\nHost: x\r\n\n",
    "a bare carriage return": "GET /api/v1/health HTTP/1.1\r\nHost: x\r\nX-Other: a\rb\r\n\r\n",
    "a NUL in a header": "GET /api/v1/health HTTP/1.1\r\nHost: x\r\nX-Other: a\0b\r\n\r\n",
    "a folded header": "GET /api/v1/health HTTP/1.1\r\nHost: x\r\nX-Other: a\r\n b\r\n\r\n",
    "a space before the colon": "GET /api/v1/health HTTP/1.1\r\nHost: x\r\nX-Other : y\r\n\r\n",
}


def refused_and_closed(wire, statuses=(400,)):
    """One reply in the envelope with one of these statuses; later bytes on the connection are not read as a
    request."""
    reply = wire.read()
    assert reply.status in statuses, reply
    assert reply.headers["Connection"].lower() == "close"
    assert reply.error["code"] and reply.error["message"]
    assert reply.headers["X-Request-Id"] == reply.json["requestId"] != ""
    rest = wire.rest()
    assert rest is not None, "the connection stays open"
    assert rest == b"", rest
    return reply


@pytest.mark.parametrize("name", DOUBTFUL)
def test_a_request_with_an_ambiguous_end_is_refused_and_the_connection_closed(server, name):
    with server.wire() as wire:
        wire.send(DOUBTFUL[name] + health("smuggled"))
        reply = refused_and_closed(wire)
        assert reply.code == "BAD_REQUEST"
        assert reply.json["path"] == DOUBTFUL[name].split()[1]


@pytest.mark.parametrize("name", DOUBTFUL)
def test_the_refusal_has_the_code_of_its_namespace(server, name):
    request = DOUBTFUL[name].replace("/api/v1/", "/api/v1/admin/", 1)
    with server.wire() as wire:
        wire.send(request)
        assert refused_and_closed(wire).json["path"].startswith("/api/v1/admin/")


@pytest.mark.parametrize("name", DOUBTFUL)
def test_earlier_requests_on_the_connection_are_answered_first(server, token, name):
    waiting = f"GET /api/v1/wallet HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token()}\r\n\r\n"
    with server.wire() as wire:
        wire.send(waiting + health("before") + DOUBTFUL[name] + health("smuggled"))
        assert [wire.read().status, wire.read().status] == [200, 200]
        assert refused_and_closed(wire).code == "BAD_REQUEST"


@pytest.mark.parametrize("line, status", [
    ("GET /api/v1/health HTTP/3.0", 505), ("GET /api/v1/health HTP/1.1", 400), ("GET /api/v1/health", 400),
    ("GET  HTTP/1.1", 400), ("\x01\x02\x03", 400), ("GET /api/v1/health HTTP/1.1 HTTP/1.1", 400),
    ("GET /api/v1/health  HTTP/1.1", 400), ("A" * 40 + " / HTTP/1.1", 501)])
def test_a_bad_request_line_never_reaches_a_handler(server, line, status):
    with server.wire() as wire:
        wire.send(f"{line}\r\nHost: x\r\n\r\n" + health("smuggled"))
        refused_and_closed(wire, (status,))


def test_a_length_beyond_int64_is_refused(server):
    with server.wire() as wire:
        wire.send("POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\n"
                  "Content-Length: 99999999999999999999\r\n\r\n")
        refused_and_closed(wire, (413,))


@pytest.mark.parametrize("chunk, status", [
    ("x\r\n{}\r\n0\r\n\r\n", 400), ("-2\r\n{}\r\n0\r\n\r\n", 400), ("2\n{}\r\n0\r\n\r\n", 400),
    ("ffffffffffffffffff\r\n{}\r\n0\r\n\r\n", 413), ("2\r\n{}}}\r\n0\r\n\r\n", 400),
    ("2\r\n{}\r\n0\r\nX-Trailer : y\r\n\r\n", 400)])
def test_a_broken_chunk_ends_the_connection(server, chunk, status):
    with server.wire() as wire:
        wire.send(post("", "Transfer-Encoding: chunked\r\n", length=False))
        wire.send(chunk + health("smuggled"))
        refused_and_closed(wire, (status,))


@pytest.mark.parametrize("chunk", ["2;" + "x" * 20000, "0" * 20000, "2;a=b" + ";a=b" * 5000,
                                   "0\r\n" + "X-Trailer: y\r\n" * 2000])
def test_a_chunk_line_that_cannot_be_completed_is_refused_at_once(server, chunk):
    with server.wire() as wire:
        wire.send(post("", "Transfer-Encoding: chunked\r\n", length=False) + chunk.encode())
        refused_and_closed(wire, (400, 413, 431))


def test_chunks_extensions_and_trailers_are_read(server):
    body = json.dumps(LOGIN)
    first, rest = body[:10], body[10:]
    with server.wire() as wire:
        wire.send(post("", "Transfer-Encoding: chunked\r\n", length=False))
        wire.send(f"{len(first):x};note=1\r\n{first}\r\n{len(rest):X}\r\n{rest}\r\n"
                  "0\r\nX-Trailer: y\r\n\r\n")
        assert wire.read().status == 200
        wire.send(health())
        assert wire.read().status == 200


def test_a_request_may_arrive_byte_by_byte(server):
    with server.wire() as wire:
        for byte in post(json.dumps(LOGIN)):
            wire.send(bytes([byte]))
        assert wire.read().status == 200


def test_fifty_requests_in_one_write_get_fifty_answers_in_order(server):
    with server.wire() as wire:
        wire.send("".join(health(f"pipelined-{n}") for n in range(50)))
        answers = [wire.read() for _ in range(50)]
    assert [reply.status for reply in answers] == [200] * 50
    assert [reply.headers["X-Request-Id"] for reply in answers] == [
        f"pipelined-{n}" for n in range(50)]


def test_pipelined_requests_with_bodies_and_waiting_handlers_keep_their_order(server, token):
    bearer = f"Authorization: Bearer {token()}\r\n"
    wallet = f"GET /api/v1/wallet HTTP/1.1\r\nHost: x\r\n{bearer}X-Request-Id: {{}}\r\n\r\n"
    with server.wire() as wire:
        wire.send((wallet.format("a") + health("b")).encode()
                  + post(json.dumps(LOGIN), "X-Request-Id: c\r\n")
                  + (wallet.format("d") + health("e")).encode())
        answers = [wire.read() for _ in range(5)]
    assert [reply.headers["X-Request-Id"] for reply in answers] == list("abcde")
    assert {reply.status for reply in answers} == {200}


def test_a_connection_is_kept_alive(server):
    with server.wire() as wire:
        for _ in range(20):
            reply = wire.send(health()).read()
            assert reply.status == 200
            assert reply.headers.get("Connection", "keep-alive").lower() != "close"


def test_connection_close_is_honoured(server):
    with server.wire() as wire:
        reply = wire.send(health(more="Connection: close\r\n")).read()
        assert reply.status == 200 and reply.headers["Connection"].lower() == "close"
        assert wire.closed()


def test_http_1_0_is_answered_and_closed(server):
    with server.wire() as wire:
        assert wire.send("GET /api/v1/health HTTP/1.0\r\n\r\n").read().status == 200
        assert wire.closed()


def test_100_continue_is_sent_before_the_body(server):
    body = json.dumps(LOGIN)
    with server.wire() as wire:
        wire.send(post(body, "Expect: 100-continue\r\n")[:-len(body)])
        assert wire.read().status == 100
        assert wire.send(body).read().status == 200


def test_a_refused_body_gets_no_100_continue(server):
    with server.wire() as wire:
        wire.send("POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                  "Content-Length: 900000000\r\nExpect: 100-continue\r\n\r\n")
        assert wire.read().status == 413


def test_another_expectation_is_417(server):
    with server.wire() as wire:
        assert wire.send(health(more="Expect: a-miracle\r\n")).read().status == 417


def test_an_early_refusal_still_reads_the_body_and_keeps_the_connection(server):
    with server.wire() as wire:
        wire.send(post("{}" + " " * 5000, path="/api/v1/no-such-route"))
        assert wire.read().status == 404
        assert wire.send(health()).read().status == 200


def test_a_body_over_the_limit_is_413_and_ends_the_connection(server):
    with server.wire() as wire:
        wire.send("POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                  "Content-Length: 104857600\r\n\r\n{")
        reply = wire.read()
        assert reply.status == 413 and reply.code == "PAYLOAD_TOO_LARGE"
        assert reply.headers["Connection"].lower() == "close"
        assert wire.closed()


def test_a_chunked_body_over_the_limit_is_413(start_server):
    server = start_server(body_limit="4k")
    with server.wire() as wire:
        wire.send(post("", "Transfer-Encoding: chunked\r\n", length=False))
        for _ in range(8):
            wire.send(f"{1024:x}\r\n{' ' * 1024}\r\n")
        wire.send("0\r\n\r\n")
        assert wire.read().status == 413
        assert wire.closed()


def test_a_body_at_the_limit_is_read(start_server):
    server = start_server(body_limit="4k")
    body = json.dumps(LOGIN)
    with server.wire() as wire:
        assert wire.send(post(body + " " * (4096 - len(body)))).read().status == 200
        assert wire.send(post(body + " " * (4097 - len(body)))).read().status == 413


@pytest.mark.parametrize("kind", ["", "Content-Type: application/json\r\n", "Content-Length: 0\r\n",
                                  "Content-Type: application/json\r\nContent-Length: 0\r\n"])
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
def test_a_write_without_a_body_has_an_empty_one(server, token, method, kind):
    with server.wire() as wire:
        wire.send(f"{method} /api/v1/admin/payouts/payout_none/reject HTTP/1.1\r\nHost: x\r\n"
                  f"Authorization: Bearer {token('admin')}\r\n{kind}\r\n")
        reply = wire.read()
        assert (reply.status, reply.code) == (400, "VALIDATION_FAILED") and b'"reason"' in reply.body, reply
        assert wire.send(health()).read().status == 200
        assert wire.send(post("{}")).read().status == 400
        assert wire.send(health()).read().status == 200


def test_what_follows_a_write_without_a_length_is_the_next_request(server):
    with server.wire() as wire:
        wire.send("POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\n\r\n" + health())
        assert [wire.read().status, wire.read().status] == [400, 200]


@pytest.mark.parametrize("length", [4200, 9000, 70000])
def test_a_long_address_is_414(server, length):
    with server.wire() as wire:
        wire.send(f"GET /api/v1/vendors?search={'a' * length} HTTP/1.1\r\nHost: x\r\n\r\n")
        assert refused_and_closed(wire, (414,)).json["path"] == "/api/v1/vendors"


@pytest.mark.parametrize("more", [f"X-Long: {'a' * 70000}\r\n", "".join(f"X-{n}: y\r\n" for n in range(3000)),
                                  "Cookie: " + "a=1; " * 1000 + "\r\n"])
def test_headers_larger_than_a_connections_memory_are_431(server, more):
    with server.wire() as wire:
        wire.send(health(more=more))
        assert refused_and_closed(wire, (431,)).code == "HEADERS_TOO_LARGE"


def answer_to(server, request):
    with server.wire() as wire:
        return wire.send(request).read()


def test_a_handler_runs_only_when_there_is_room_for_its_response(server, customer):
    somebody = customer()
    address = {"label": "Home", "address": "Rue 1", "city": "Douala", "coordinates": {"lat": 4.05, "lng": 9.7}}
    before = len(somebody.api.get("auth/addresses").data)
    statuses = []
    for size in range(500, 9000, 250):
        more = f"Authorization: Bearer {somebody.token}\r\nX-Long: {'a' * size}\r\n"
        statuses.append(answer_to(server, post(json.dumps(address), more, "/api/v1/auth/addresses")).status)
    assert set(statuses) == {201, 431} and statuses == sorted(statuses)
    assert len(somebody.api.get("auth/addresses").data) == before + statuses.count(201)


@pytest.mark.parametrize("size, status", [(240, 200), (1000, 403), (2200, 403), (2320, 403)])
def test_an_origin_that_no_host_can_have_is_not_echoed(server, size, status):
    """The echo of a long one would leave no room for the response's head."""
    host = "h" * size
    reply = answer_to(server, f"GET /api/v1/vendors HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\n\r\n")
    assert reply.status == status, reply
    assert ("Access-Control-Allow-Origin" in reply.headers) == (status == 200)


def test_any_number_of_query_pairs_is_answered(server):
    statuses = {pairs: answer_to(server, f"GET /api/v1/vendors?{'&'.join(f'a{n}={n}' for n in range(pairs))} "
                                 "HTTP/1.1\r\nHost: x\r\n\r\n").status for pairs in range(1, 400, 9)}
    assert set(statuses.values()) <= {200, 400, 414}, statuses
    assert all(status == 200 for pairs, status in statuses.items() if pairs <= 100)


def test_a_client_that_keeps_sending_gets_its_refusal(server):
    """Its connection is not reset before the reply arrives."""
    with server.wire() as wire:
        wire.send(post("", "Content-Length: 30000000\r\n", length=False) + b" " * 300000)
        reply = refused_and_closed(wire, (413,))
        assert reply.code == "PAYLOAD_TOO_LARGE"


def test_a_target_in_absolute_form_is_its_path(server, api):
    vendors = api.get("vendors?limit=1").body
    for target in ("http://reeyo.test/api/v1/vendors?limit=1", "HTTP://reeyo.test:80/api/v1/vendors?limit=1"):
        reply = answer_to(server, f"GET {target} HTTP/1.1\r\nHost: other\r\n\r\n")
        assert (reply.status, reply.body) == (200, vendors)
    assert answer_to(server, "GET http://reeyo.test HTTP/1.1\r\nHost: x\r\n\r\n").status == 404
    for target in ("http:///api/v1/vendors", "http://me@reeyo.test/api/v1/vendors"):
        assert answer_to(server, f"GET {target} HTTP/1.1\r\nHost: x\r\n\r\n").status == 400


def test_an_unknown_method_is_501(server):
    with server.wire() as wire:
        reply = wire.send("BREW /api/v1/health HTTP/1.1\r\nHost: x\r\n\r\n").read()
        assert reply.status in (405, 501)
        assert reply.json["success"] is False


@pytest.mark.parametrize("garbage", ids=["tls", "zeros", "blank lines", "http2"], argvalues=[
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(200)),  # a TLS hello
    b"\x00" * 300, b"\r\n" * 200 + b"\x00\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
])
def test_bytes_that_are_not_http_do_no_harm(server, api, garbage):
    with server.wire() as wire:
        wire.send(garbage)
        refused_and_closed(wire, (400, 505))
    assert api.get("health").status == 200


def test_clients_that_leave_early_do_no_harm(server, api, token):
    whole = post(json.dumps(LOGIN))
    for cut in range(0, len(whole), 7):
        with server.wire() as wire:
            wire.send(whole[:cut])
    for _ in range(30):  # gone while the handler waits
        with server.wire() as wire:
            wire.send(f"GET /api/v1/orders HTTP/1.1\r\nHost: x\r\n"
                      f"Authorization: Bearer {token()}\r\n\r\n")
    assert api.get("health").status == 200
