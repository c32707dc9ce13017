# SPDX-License-Identifier: MIT
"""The route tables and the API document that is made from them. Access: test_access.py. Bounds of members:
test_bounds.py."""

import itertools
import json
import re

import jsonschema
import pytest

from world.server import reeyo

METHODS = {"get", "put", "post", "delete", "patch", "options", "head"}


@pytest.fixture(scope="module")
def document(server):
    return server.api().get("/openapi.json").json


def test_there_are_routes(tables):
    assert len(tables.rows) > 20
    for row in tables.rows:
        assert row.access and row.method and row.path.startswith("/"), row


def test_only_known_routes_are_public(tables):
    """A new public route is added here."""
    for row in tables.rows:
        if row.access != "anyone":
            continue
        path = row.template
        assert (path.count("/") <= 1 or "/auth/" in path or "/config" in path
                or "/vendors" in path or "/webhooks/" in path or path.endswith("/health") or path == "/api/v1"
                or path.count("/") == 3 and path.startswith("/api/v1/")), row


# --- The API document -------------------------------------------------------------------------

def operations(document):
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if method in METHODS:
                yield path, method, operation


def test_the_document_is_openapi_3_1(document):
    assert document["openapi"].startswith("3.1.")
    assert document["info"]["title"] and document["info"]["version"]
    assert {"bearer"} <= set(document["components"]["securitySchemes"])


def test_the_command_prints_what_the_server_serves(document):
    done = reeyo("openapi")
    assert done.returncode == 0
    assert json.loads(done.stdout) == document


def test_every_route_is_in_the_document(tables, document):
    missing = []
    for row in tables.rows:
        if row.internal:
            continue
        for template, method in itertools.product(row.templates, row.methods):
            if method.lower() not in document["paths"].get(template, {}):
                missing.append(f"{method} {template}")
    assert not missing, missing


def test_every_operation_is_complete(document, tables):
    seen = set()
    for path, method, operation in operations(document):
        where = f"{method} {path}"
        assert operation["summary"], where
        assert operation["tags"], where
        assert re.fullmatch("[a-z]+([A-Z][a-z0-9]*)+", operation["operationId"]), where
        assert operation["operationId"] not in seen, where
        seen.add(operation["operationId"])
        assert "security" in operation, where
        named = {parameter["name"] for parameter in operation["parameters"]
                 if parameter["in"] == "path" and parameter["required"]}
        assert named == {part[1:-1] for part in path.split("/") if part.startswith("{")}, where
        statuses = set(operation["responses"])
        assert any(status.startswith("2") for status in statuses), where
        if operation["security"]:
            assert {"401", "403"} <= statuses, where
        if "requestBody" in operation:
            assert "400" in statuses, where
            assert "application/json" in tables.resolved(operation["requestBody"])["content"], where
        for status, reply in operation["responses"].items():
            reply = tables.resolved(reply)
            assert reply["description"], where
            if status.startswith(("4", "5")):
                schema = reply["content"]["application/json"]["schema"]
                assert schema == {"$ref": "#/components/schemas/Error"}, where


def test_the_first_path_of_a_row_has_the_operation_of_the_row(tables):
    seen = set()
    for row in tables.rows:
        if not row.internal:
            suffix = row.namespace.title() if row.operation_id in seen else ""
            seen.add(row.operation_id)
            assert row.operation["operationId"] == row.operation_id + suffix, row


def test_shared_schemas_are_in_the_document_once(server, document):
    compressed = server.api().get("/openapi.json", headers={"Accept-Encoding": "gzip"})
    assert compressed.headers["Content-Encoding"] == "gzip"
    for name in ("Order", "User", "Vendor", "Item", "AdminOrder"):
        assert document["components"]["schemas"][name]["properties"], name
    assert document["components"]["responses"]["user_401"]["description"]


def test_every_reference_points_somewhere(document):
    def walk(value):
        if isinstance(value, dict):
            if "$ref" in value:
                at = document
                for part in value["$ref"].removeprefix("#/").split("/"):
                    at = at[part]
            for inner in value.values():
                walk(inner)
        elif isinstance(value, list):
            for inner in value:
                walk(inner)
    walk(document)


def schemas(document, tables):
    for path, method, operation in operations(document):
        for parameter in operation["parameters"]:
            yield f"{method} {path} {parameter['name']}", parameter["schema"]
        for kind in tables.resolved(operation.get("requestBody", {})).get("content", {}).values():
            yield f"{method} {path} body", kind["schema"]
        for status, reply in operation["responses"].items():
            for kind in tables.resolved(reply).get("content", {}).values():
                yield f"{method} {path} {status}", kind["schema"]


def test_every_schema_is_a_json_schema(document, tables):
    """OpenAPI 3.1 uses JSON Schema 2020-12."""
    for text, where in {json.dumps(schema): where for where, schema in schemas(document, tables)}.items():
        schema = json.loads(text)
        try:
            jsonschema.Draft202012Validator.check_schema(schema)
        except jsonschema.SchemaError as fault:
            raise AssertionError(f"{where}: {fault.message}") from fault


def validator(tables, path, method, status):
    reply = tables.resolved(tables.document["paths"][path][method]["responses"][status])
    schema = reply["content"]["application/json"]["schema"]
    return jsonschema.Draft202012Validator({**schema, "components": tables.document["components"]})


@pytest.mark.parametrize("path,template", [
    ("vendors", "vendors"), ("vendors/vendor_123", "vendors/{id}"),
    ("vendors/vendor_123/menu", "vendors/{id}/menu"), ("config", "config"), ("orders", "orders"),
    ("orders/active", "orders/active"), ("orders/history", "orders/history"), ("wallet", "wallet"),
    ("auth/me", "auth/me"), ("auth/addresses", "auth/addresses")])
def test_replies_match_the_document(tables, customer_api, path, template):
    reply = customer_api.get(path)
    assert reply.status == 200
    validator(tables, f"/api/v1/user/{template}", "get", "200").validate(reply.json)


def test_a_placed_order_matches_the_document(tables, customer_api):
    reply = customer_api.post("orders", json={
        "vendorId": "vendor_123", "items": [{"itemId": "item_1", "quantity": 1}]})
    assert reply.status == 201, reply
    validator(tables, "/api/v1/user/orders", "post", "201").validate(reply.json)


def test_errors_match_the_document(tables, api):
    validator(tables, "/api/v1/user/orders", "get", "401").validate(api.get("orders").json)
