# SPDX-License-Identifier: MIT
"""The bounds of the field tables and rows: every member of every row, and the size of its body, one step out of bounds."""

import json

import pytest

LIMIT = 524288  # body limit of rows without their own; larger than any of those


@pytest.fixture(scope="module")
def narrow(start_server):
    return start_server(body_limit=LIMIT)


def sized(size):
    return b'{"x":"' + b"x" * (size - 8) + b'"}'


def post(server, row, token, body):
    """The reply to a body; a refusal may come before the whole body has been sent."""
    with server.wire() as wire:
        lines = [f"{row.method} {row.url()} HTTP/1.1", "Host: x", "Content-Type: application/json",
                 f"Content-Length: {len(body)}", *([f"Authorization: Bearer {token}"] if token else [])]
        try:
            wire.send("\r\n".join(lines) + "\r\n\r\n").send(body)
        except (BrokenPipeError, ConnectionResetError):
            pass
        return wire.read()


def test_a_body_one_byte_over_the_limit_of_its_row_is_refused(narrow, callers, tables):
    wrong, tried = [], 0
    for row in tables.rows:
        if not row.has_body or row.method in ("GET", "DELETE"):
            continue
        tried += 1
        limit = row.body_limit or LIMIT
        mine = callers.of(row).token
        over = post(narrow, row, mine, sized(limit + 1))
        if over.status != 413 or over.json["success"] is not False or not over.json["requestId"]:
            wrong.append(f"{row}, {limit + 1} bytes: {over}")
        if len(sized(limit)) == limit and post(narrow, row, mine, sized(limit)).status == 413:
            wrong.append(f"{row}, {limit} bytes: 413")
    assert not wrong, "\n".join(wrong)
    assert tried > 50


# --- Members ------------------------------------------------------------------------------------

def beyond(field):
    """(what, value) one step outside each bound of a member."""
    schema = field.schema
    if field.type in ("integer", "number"):
        for name, step in (("minimum", -1), ("exclusiveMinimum", 0), ("maximum", 1)):
            if name in schema:
                yield name, schema[name] + step
    elif field.type == "string":
        if schema.get("minLength", 0) > 1:
            yield "minLength", "x" * (schema["minLength"] - 1)
        if "maxLength" in schema:
            yield "maxLength", "x" * (schema["maxLength"] + 1)
        if "enum" in schema:
            yield "enum", "no_such_word"
    elif field.type == "array" and "maxItems" in schema:
        yield "maxItems", schema["maxItems"] + 1


def named(reply):
    """The members that a refusal names."""
    details = reply.error.get("details") or []
    if isinstance(details, dict):
        return set(details.get("fields", {}))
    return {detail["field"] for detail in details}


def refused_by_name(reply, field):
    return reply.status == 400 and field.name in named(reply)


def test_a_member_of_a_body_beyond_its_bounds_is_refused_by_name(callers, tables):
    wrong, tried = [], 0
    for row in tables.rows:
        if row.external or row.method in ("GET", "DELETE"):
            continue
        for field in row.fields():
            for bound, value in beyond(field):
                if bound == "maxItems":
                    value = [tables.sample(field.schema["items"])] * value
                reply = callers.send(row, row.url(), json=row.body_with(field, value))
                tried += 1
                if not refused_by_name(reply, field):
                    wrong.append(f"{row} {field.name} {bound} {json.dumps(value)[:40]}: {reply}")
    assert not wrong, "\n".join(wrong)
    assert tried > 200


def test_a_parameter_of_a_query_beyond_its_bounds_is_refused_by_name(callers, tables):
    wrong, tried = [], 0
    for row in tables.rows:
        if row.internal:
            continue
        for field in row.parameters():
            for bound, value in beyond(field):
                reply = callers.send(row, row.url(), query={field.name: value})
                tried += 1
                if not refused_by_name(reply, field):
                    wrong.append(f"{row} {field.name} {bound} {str(value)[:40]}: {reply}")
    assert not wrong, "\n".join(wrong)
    assert tried > 50
