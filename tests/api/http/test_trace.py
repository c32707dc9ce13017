# SPDX-License-Identifier: MIT
"""Trace headers: the caller's trace is in the access log; an invalid one is ignored."""

import uuid

import pytest

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = f"00-{TRACE}-00f067aa0ba902b7-01"
AMAZON = f"Root=1-{TRACE[:8]}-{TRACE[8:]};Parent=53995c3f42cd8ad8;Sampled=1"


def logged(server, headers):
    """The access log line of one request with these headers."""
    name = uuid.uuid4().hex
    api = server.api()
    assert api.get("/api/v1", headers={**headers, "X-Request-Id": name}).status == 200
    api.close()
    return server.wait_log(requestId=name)


@pytest.mark.parametrize("headers", [
    {"traceparent": PARENT},
    {"X-Amzn-Trace-Id": AMAZON},
    {"traceparent": PARENT, "X-Amzn-Trace-Id": "Root=1-11111111-111111111111111111111111"},
    {"traceparent": "broken", "X-Amzn-Trace-Id": AMAZON},
], ids=["w3c", "amazon", "w3c wins", "the valid one wins"])
def test_the_access_log_has_the_trace(server, headers):
    assert logged(server, headers)["traceId"] == TRACE


@pytest.mark.parametrize("headers", [
    {},
    {"traceparent": f"00-{'0' * 32}-00f067aa0ba902b7-01"},
    {"traceparent": 'x","level":"error'},
    {"X-Amzn-Trace-Id": "Root=1-x"},
], ids=["none", "zero", "quotes", "broken"])
def test_an_invalid_trace_is_not_logged(server, headers):
    assert "traceId" not in logged(server, headers)
