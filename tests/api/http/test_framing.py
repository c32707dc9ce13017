# SPDX-License-Identifier: MIT
"""Where a request begins and ends: what is in doubt is refused, and the connection closed."""

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
    "a space before the colon": "GET /api/v1/health HTTP/1.1\r\nHost: x\r\nX-Other : y\r\n\r\n",
}


# libmicrohttpd refuses these before we see them, with a page of its own (whose head 0.9.75 sends
# twice): the status and the end of the connection are all there is.
ITS_OWN = {"no host", "a negative length", "a length with a sign", "a length that is a word",
           "a list of lengths", "a hexadecimal length"}


def refused_and_closed(wire, statuses=(400,)):
    """One answer of these statuses at most, and nothing that follows on the connection is ever
    taken for a request."""
    try:
        reply = wire.read()
    except (EOFError, ConnectionResetError):
        return None
    assert reply.status in statuses, reply
    assert reply.headers["Connection"].lower() == "close"
    rest = wire.rest()
    assert rest is not None, "the connection stays open"
    assert b"smuggled" not in reply.body + rest
    return reply


@pytest.mark.parametrize("name", DOUBTFUL)
def test_a_request_whose_end_is_in_doubt_is_refused_and_the_connection_closed(server, name):
    with server.wire() as wire:
        wire.send(DOUBTFUL[name] + health("smuggled"))
        reply = refused_and_closed(wire)
        assert reply, "closed without a word"
        if name not in ITS_OWN:
            assert reply.code == "BAD_REQUEST"


@pytest.mark.parametrize("line", ["GET /api/v1/health HTTP/3.0", "GET /api/v1/health HTP/1.1",
                                  "GET /api/v1/health", "GET  HTTP/1.1", "\x01\x02\x03",
                                  "GET /api/v1/health HTTP/1.1 HTTP/1.1"])
def test_a_bad_request_line_never_reaches_a_handler(server, line):
    with server.wire() as wire:
        wire.send(f"{line}\r\nHost: x\r\n\r\n")
        refused_and_closed(wire, (400, 404, 405, 414, 501, 505))


def test_a_length_beyond_int64_is_refused(server):
    with server.wire() as wire:
        wire.send("POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\n"
                  "Content-Length: 99999999999999999999\r\n\r\n")
        refused_and_closed(wire, (400, 413))


@pytest.mark.parametrize("chunk", ["x\r\n{}\r\n0\r\n\r\n", "-2\r\n{}\r\n0\r\n\r\n",
                                   "ffffffffffffffffff\r\n{}\r\n0\r\n\r\n", "2\r\n{}}}\r\n0\r\n\r\n"])
def test_a_broken_chunk_ends_the_connection(server, chunk):
    with server.wire() as wire:
        wire.send(post("", "Transfer-Encoding: chunked\r\n", length=False))
        wire.send(chunk + health("smuggled"))
        refused_and_closed(wire, (400, 413))


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


def test_100_continue_comes_before_the_body_is_asked_for(server):
    body = json.dumps(LOGIN)
    with server.wire() as wire:
        wire.send(post(body, "Expect: 100-continue\r\n")[:-len(body)])
        assert wire.read().status == 100
        assert wire.send(body).read().status == 200


def test_a_body_that_will_be_refused_is_not_asked_for(server):
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
        assert wire.read().status == 414


def test_headers_larger_than_a_connections_memory_are_431(server):
    with server.wire() as wire:
        try:
            wire.send(health(more=f"X-Long: {'a' * 70000}\r\n"))
        except (BrokenPipeError, ConnectionResetError):
            pass
        assert wire.read().status == 431


def test_many_small_headers_are_431(server):
    with server.wire() as wire:
        try:
            wire.send(health(more="".join(f"X-{n}: y\r\n" for n in range(3000))))
        except (BrokenPipeError, ConnectionResetError):
            pass
        assert wire.read().status == 431


def test_an_unknown_method_is_501(server):
    with server.wire() as wire:
        reply = wire.send("BREW /api/v1/health HTTP/1.1\r\nHost: x\r\n\r\n").read()
        assert reply.status in (405, 501)
        assert reply.json["success"] is False


@pytest.mark.parametrize("garbage", ids=["tls", "zeros", "blank lines", "http2"], argvalues=[
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(200)),  # a TLS hello
    b"\x00" * 300, b"\r\n" * 200 + b"\x00\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
])
def test_what_is_no_http_hurts_nobody(server, api, garbage):
    with server.wire(timeout=0.5) as wire:  # it may wait for the rest of a TLS hello: so do not we
        wire.send(garbage)
        try:
            assert wire.read().status in (400, 404, 405, 501, 505)
        except (EOFError, ConnectionResetError, TimeoutError, ValueError, IndexError):
            pass
    assert api.get("health").status == 200


def test_clients_that_leave_in_the_middle_hurt_nobody(server, api, token):
    whole = post(json.dumps(LOGIN))
    for cut in range(0, len(whole), 7):
        with server.wire() as wire:
            wire.send(whole[:cut])
    for _ in range(30):  # gone while the handler waits
        with server.wire() as wire:
            wire.send(f"GET /api/v1/orders HTTP/1.1\r\nHost: x\r\n"
                      f"Authorization: Bearer {token()}\r\n\r\n")
    assert api.get("health").status == 200
