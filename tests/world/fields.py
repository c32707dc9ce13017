# SPDX-License-Identifier: MIT
"""The fields of every route, read from the API document, and values for them: what a right body holds, and a walk
over all members of all bodies under all their spellings."""

import copy
import itertools

from .accounts import PASSWORD, appoint, hire, new_phone, open_shop, register
from .database import Database

WRITES = ("post", "put", "patch")
_numbers = itertools.count(1)


def kind_of(schema):
    """"integer", "date-time", "email", … and "any" where the document names no type."""
    kind = schema.get("type", "any")
    if isinstance(kind, list):
        kind = next(one for one in kind if one != "null")
    return schema.get("format", kind)


def clearable(schema):
    return isinstance(schema.get("type"), list) and "null" in schema["type"]


def spellings(name, schema):
    return [name, *schema.get("x-spellings", [])]


# What makes a body whole though no table requires it, and values whose meaning no table tells.
USUAL = {"firstName": "Awa", "lastName": "Ngono", "coordinates": {"lat": 4.03, "lng": 9.69}, "serviceType": "FOOD",
         "vehicleDetails": {"plateNumber": "LT 123 AB"}, "quantity": 5, "latitude": 4.03, "longitude": 9.69,
         "address": "Rue Njo-Njo"}
MEANT = {"serviceName": "food", "polygon": [[4, 9], [4, 10], [5, 10]], "status": "ACTIVE", "amount": 5000,
         "mobileMoneyNumber": "+237670000001", "country_code": "CM"}
# What a body needs though its table alone does not say so.
NEEDED = {"/api/v1/user/orders": ["vendorId", "items"], "/api/v1/user/orders/{orderId}/rate": ["vendorRating"],
          "/api/v1/user/ratings": ["vendorRating", "riderRating"], "/api/v1/vendor/profile/documents": ["documents"],
          "/api/v1/vendor/settings/hours": ["businessHours"], "/api/v1/vendor/settings/bank-details": ["bankDetails"]}


def right(schema, name=""):
    """A value that the schema allows; never the same phone or e-mail twice."""
    kind = kind_of(schema)
    if "enum" in schema:
        return schema["enum"][0]
    if name in MEANT or name in USUAL:
        return {**MEANT, **USUAL}[name]
    if kind == "string":
        return right_text(schema)
    if kind in ("integer", "number", "int64"):
        low = schema.get("minimum", schema.get("exclusiveMinimum", 0) + 1)
        return max(low, min(1, schema.get("maximum", 1)))
    if kind == "array":
        return [right(schema.get("items", {}))] * max(1, schema.get("minItems", 1))
    if kind == "object":
        return minimal(schema)
    return {"email": f"field{next(_numbers)}@test.reeyo.cm", "boolean": True, "password": PASSWORD,
            "uri": "https://reeyo.cm/a", "date-time": "2026-03-01T14:05:00Z", "date": "2026-03-01",
            "any": "nothing here"}[kind]


def right_text(schema):
    if "examples" in schema:
        return new_phone()
    if schema.get("pattern", "").startswith("^[0-9]"):
        return "1" * int(schema["pattern"].split("{")[1].split(",")[0])
    return "nothing_here"[:schema.get("maxLength", 12)]


def minimal(schema):
    """An object with what is required, and what is usual."""
    return {name: right(inner, name) for name, inner in schema.get("properties", {}).items()
            if name in schema.get("required", []) or name in USUAL}


def members(schema, around=lambda value: value):
    """(spelling, schema of the member, body(value)) of every member at any depth; the body has all that is required
    around the value. ABSENT leaves the member out."""
    for name, inner in schema.get("properties", {}).items():
        def put(value, spelling, name=name):
            body = minimal(schema)
            body.pop(name, None)
            if value is not ABSENT:
                body[spelling] = value
            return around(body)
        for spelling in spellings(name, inner):
            yield spelling, inner, lambda value, put=put, spelling=spelling: put(value, spelling)
        if kind_of(inner) == "object" and "properties" in inner:
            yield from members(inner, lambda value, put=put, name=name: put(value, name))
        if kind_of(inner) == "array" and "properties" in inner.get("items", {}):
            yield from members(inner["items"], lambda value, put=put, name=name: put([value], name))


ABSENT = object()


class Routes:
    """Operations of a server's document that a caller of their role can send."""

    def __init__(self, server):
        self.server = server
        self.sql = Database(server.configuration["database_url"])
        self.document = server.api().get("/openapi.json").json
        self.vendor = open_shop(server, self.sql, items=1)
        self.callers = {
            "anyone": server.api(), "customer": register(server).api, "vendor": self.vendor.api,
            "rider": hire(server, self.sql).api, "admin": appoint(server, self.sql).api,
            "super": appoint(server, self.sql, role="SUPER_ADMIN").api}
        self.things = self.made(server)
        MEANT.update(vendorId=self.vendor.id, itemId=self.vendor.items[0])

    def made(self, server):
        """Ids of what a path may name, by the part before it."""
        admin = self.callers["super"]
        zone = admin.post("logistics/zones", json={
            "name": "Akwa", "countryCode": "CM", "polygon": [[4, 9], [4, 10], [5, 10]]})
        webhook = admin.post("webhooks", json={"url": "https://reeyo.cm/a", "eventTypes": ["new_order"]})
        return {"users": register(server).id, "vendors": open_shop(server, self.sql).id,
                "riders": hire(server, self.sql).id, "items": self.vendor.items[0],
                "inventory": self.vendor.items[0], "menu": self.vendor.items[0],
                "zones": zone.data["id"], "webhooks": webhook.data["id"],
                "addresses": self.callers["customer"].get("auth/addresses").data[0]["id"]}

    def resolved(self, part):
        """The part with every reference inside it replaced by what it refers to."""
        if isinstance(part, list):
            return [self.resolved(one) for one in part]
        if not isinstance(part, dict):
            return part
        if "$ref" not in part:
            return {name: self.resolved(one) for name, one in part.items()}
        at = self.document
        for name in part["$ref"].removeprefix("#/").split("/"):
            at = at[name]
        return self.resolved(at)

    def operations(self, methods):
        for path, item in self.document["paths"].items():
            for method in methods:
                if method in item and not path.endswith("/auth/logout"):  # it would end the caller's session
                    yield path, method, item[method]

    def bodies(self):
        """(path, method, operation, schema of its body), one path and method of each row."""
        seen = set()
        for path, method, operation in self.operations(WRITES):
            if "requestBody" not in operation:
                continue
            schema = self.resolved(operation["requestBody"])["content"]["application/json"]["schema"]
            schema["required"] = [*schema.get("required", []), *NEEDED.get(path, [])]
            row = (operation["summary"], *path.split("/")[:4], str(schema))
            if row not in seen:
                seen.add(row)
                yield path, method, operation, schema

    def queries(self):
        """(path, operation, parameters) of everything that is read with a query."""
        for path, _, operation in self.operations(["get"]):
            found = [one for one in operation["parameters"] if one["in"] == "query"]
            if found:
                yield path, operation, self.resolved(found)

    def send(self, method, path, operation, **sent):
        caller = self.callers[operation["x-who"].split()[0].split(",")[0].split("-")[0]]
        return caller.request(method.upper(), self.named(path, sent.pop("named", None)), **sent)

    def named(self, path, name=None):
        """The path with a name in each placeholder: of something that is there, where there can be."""
        parts = path.split("/")
        return "/".join((name or self.things.get(before, "nothing_here")) if part.startswith("{") else part
                        for before, part in zip(["", *parts], parts))

    def close(self):
        self.sql.close()


def answer(reply):
    """What two answers of the same kind have in common: not ids and times."""
    if not reply.body.startswith(b"{"):
        return reply.status
    document = copy.deepcopy(reply.json)
    error = document.get("error", {})
    return reply.status, error.get("code"), error.get("message"), str(error.get("details"))
