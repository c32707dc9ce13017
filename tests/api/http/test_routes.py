# SPDX-License-Identifier: MIT
"""The route tables and the API document that is made from them. Who may call what: test_access.py; what its members
bound: test_bounds.py."""

import itertools
import json

import jsonschema
import pytest

from world.server import reeyo

METHODS = {"get", "put", "post", "delete", "patch", "options", "head"}


@pytest.fixture(scope="module")
def routes():
    done = reeyo("routes", "--json")
    assert done.returncode == 0, done
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def document(server):
    return server.api().get("/openapi.json").json


def paths_of(row):
    """The row's paths as a client writes them, with the placeholders."""
    return [row["path"], *row["aliases"]]


def full(row, path):
    return path if row["root"] else f"/api/v1/{row['namespace']}{path.rstrip('/')}"


def test_there_are_routes(routes):
    assert len(routes) > 20
    for row in routes:
        assert row["who"] and row["method"] and row["path"].startswith("/"), row


def test_a_bare_row_stops_nobody_by_accident(routes):
    """Public routes are few and known: whoever adds one adds it here."""
    public = {f"{row['method']} {full(row, row['path'])}" for row in routes
              if row["who"] == "anyone"}
    for name in public:
        path = name.split()[1]
        assert (path.count("/") <= 1 or "/auth/" in path or "/config" in path
                or "/vendors" in path or "/webhooks/" in path or path.endswith("/health") or path == "/api/v1"
                or path.count("/") == 3 and path.startswith("/api/v1/")), name


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


def test_every_route_is_in_the_document(routes, document):
    missing = []
    for row in routes:
        if row["internal"]:
            continue
        writes = {"PUT", "POST", "PATCH"} if row["anyWrite"] else set()
        for path, method in itertools.product(paths_of(row), {row["method"], *writes}):
            template = "/".join(f"{{{part[1:]}}}" if part.startswith(":") else part
                                for part in full(row, path).split("/"))
            if method.lower() not in document["paths"].get(template, {}):
                missing.append(f"{method} {template}")
    assert not missing, missing


def resolved(document, part):
    """What a part refers to, or the part itself."""
    while "$ref" in part:
        at = document
        for name in part["$ref"].removeprefix("#/").split("/"):
            at = at[name]
        part = at
    return part


def test_every_operation_is_complete(document):
    seen = set()
    for path, method, operation in operations(document):
        where = f"{method} {path}"
        assert operation["summary"], where
        assert operation["tags"], where
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
            assert "application/json" in resolved(document, operation["requestBody"])["content"], where
        for status, reply in operation["responses"].items():
            reply = resolved(document, reply)
            assert reply["description"], where
            if status.startswith(("4", "5")):
                schema = reply["content"]["application/json"]["schema"]
                assert schema == {"$ref": "#/components/schemas/Error"}, where


def test_the_document_says_shared_things_once(server, document):
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


def schemas(document):
    for path, method, operation in operations(document):
        for parameter in operation["parameters"]:
            yield f"{method} {path} {parameter['name']}", parameter["schema"]
        for kind in resolved(document, operation.get("requestBody", {})).get("content", {}).values():
            yield f"{method} {path} body", kind["schema"]
        for status, reply in operation["responses"].items():
            for kind in resolved(document, reply).get("content", {}).values():
                yield f"{method} {path} {status}", kind["schema"]


def test_every_schema_is_a_json_schema(document):
    """OpenAPI 3.1 speaks JSON Schema 2020-12."""
    for text, where in {json.dumps(schema): where for where, schema in schemas(document)}.items():
        schema = json.loads(text)
        try:
            jsonschema.Draft202012Validator.check_schema(schema)
        except jsonschema.SchemaError as fault:
            raise AssertionError(f"{where}: {fault.message}") from fault


def validator(document, path, method, status):
    reply = resolved(document, document["paths"][path][method]["responses"][status])
    schema = reply["content"]["application/json"]["schema"]
    return jsonschema.Draft202012Validator({**schema, "components": document["components"]})


@pytest.mark.parametrize("path,template", [
    ("vendors", "vendors"), ("vendors/vendor_123", "vendors/{id}"),
    ("vendors/vendor_123/menu", "vendors/{id}/menu"), ("config", "config"), ("orders", "orders"),
    ("orders/active", "orders/active"), ("orders/history", "orders/history"), ("wallet", "wallet"),
    ("auth/me", "auth/me"), ("auth/addresses", "auth/addresses")])
def test_answers_are_what_the_document_says(document, customer_api, path, template):
    reply = customer_api.get(path)
    assert reply.status == 200
    validator(document, f"/api/v1/user/{template}", "get", "200").validate(reply.json)


def test_a_placed_order_is_what_the_document_says(document, customer_api):
    reply = customer_api.post("orders", json={
        "vendorId": "vendor_123", "items": [{"itemId": "item_1", "quantity": 1}]})
    assert reply.status == 201, reply
    validator(document, "/api/v1/user/orders", "post", "201").validate(reply.json)


def test_errors_are_what_the_document_says(document, api):
    validator(document, "/api/v1/user/orders", "get", "401").validate(api.get("orders").json)
