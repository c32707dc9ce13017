# SPDX-License-Identifier: MIT
"""Reads the route and field tables, so that a new row or member is covered without a new test.

    tables = Tables()                      # or the fixture `tables`
    for row in tables.rows: …              # every row of `reeyo routes --json`, with its operation in the API document
    row.method, row.url()                  # a call of the row; url({"orders": id}): for an existing order
    row.admits("vendor")                   # True when this role passes the role check
    row.minimum()                          # the smallest valid body
    for field in row.fields(): …           # each member of the body, also within objects and lists
    row.body_with(field, value)            # the smallest valid body with this value for the member
    for spelling, field, body in row.spelled(): …   # each member under each of its names; body(value) as body_with
    row.parameters()                       # its query parameters

The rows come from `reeyo routes --json`, bodies and parameters from `reeyo openapi`; both are generated from the tables of
src/api. A handler may refuse a body that its field table accepts: a test that sends such a body checks for a 400 that names
the member, not for a 200. world.callers calls rows on a running server."""

import copy
import functools
import itertools
import json
import re

from .accounts import PASSWORD, new_phone
from .server import reeyo

ROLES = ("none", "customer", "vendor", "rider", "admin", "super")
# The roles that pass the role check of a row, by the first word of its "access" ("rider, verified, …").
MAY = {
    "anyone": set(ROLES),
    "customer": {"customer"},
    "vendor": {"vendor"},
    "rider": {"rider"},
    "admin": {"admin", "super"},
    "super": {"super"},
}

# A value for Row.body_with: the member is left out.
ABSENT = object()

_numbers = itertools.count(1)
# Valid values of members by name, where the schema does not define the meaning.
MEANT = {"serviceName": "food", "polygon": [[4, 9], [4, 10], [5, 10]], "status": "ACTIVE", "amount": 5000,
         "mobileMoneyNumber": "+237670000001", "country_code": "CM"}
# The same for members that the smallest valid body contains although no table requires them.
USUAL = {"firstName": "Awa", "lastName": "Ngono", "coordinates": {"lat": 4.03, "lng": 9.69}, "serviceType": "FOOD",
         "vehicleDetails": {"plateNumber": "LT 123 AB"}, "quantity": 5, "latitude": 4.03, "longitude": 9.69,
         "address": "Rue Njo-Njo"}
# Members that a handler requires although the field table does not, by path in the API document.
NEEDED = {"/api/v1/user/orders": ["vendorId", "items"], "/api/v1/user/orders/{orderId}/rate": ["vendorRating"],
          "/api/v1/user/ratings": ["vendorRating", "riderRating"], "/api/v1/vendor/profile/documents": ["documents"],
          "/api/v1/vendor/settings/hours": ["businessHours"], "/api/v1/vendor/settings/bank-details": ["bankDetails"]}
JSON_TYPES = {"string": str, "integer": int, "number": (int, float), "boolean": bool, "array": list, "object": dict}


def command(*words):
    done = reeyo(*words)
    assert done.returncode == 0, done
    return json.loads(done.stdout)


def type_of(schema):
    """The JSON type that a schema allows (except null); None when it allows any."""
    kind = schema.get("type")
    return next((one for one in kind if one != "null"), None) if isinstance(kind, list) else kind


def kind_of(schema):
    """Its format ("date-time", "email", …), else its JSON type, else "any"."""
    return schema.get("format") or type_of(schema) or "any"


class Field:
    """A member of a row's body: .path (("items", 0, "quantity")), .schema, .required (within its object), .name as in
    error replies ("items[0].quantity"), .spellings (all names of the member; empty for a list's element)."""

    def __init__(self, path, schema, required):
        self.path, self.schema, self.required = path, schema, required

    @property
    def name(self):
        text = ""
        for part in self.path:
            text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
        return text

    @property
    def spellings(self):
        last = self.path[-1]
        return [] if isinstance(last, int) else [last, *self.schema.get("x-spellings", [])]

    @property
    def type(self):
        return type_of(self.schema)

    @property
    def kind(self):
        return kind_of(self.schema)

    @property
    def clearable(self):
        """True when null clears it."""
        kind = self.schema.get("type")
        return isinstance(kind, list) and "null" in kind

    def __repr__(self):
        return f"<{self.name} {self.schema}>"


class Row:
    """One row of the route tables. .method .path .aliases .namespace .access .operation_id .root .internal .stream .external .any_write
    .idempotent .during_maintenance .has_body .body_limit (0: the configuration's) .summary .audit; .paths, path and aliases;
    .methods, all that it answers; .templates, its paths in the API document, .template the first;
    .operation, its entry there (None for an internal
    row)."""

    def __init__(self, tables, described):
        self.tables = tables
        for name, value in described.items():
            setattr(self, re.sub("([A-Z])", lambda found: "_" + found[1].lower(), name), value)
        self.role = re.split("[^a-z]", self.access)[0]
        self.paths = [self.path, *self.aliases]
        self.methods = list(dict.fromkeys([self.method, *(("POST", "PUT", "PATCH") if self.any_write else ())]))
        self.templates = [self._full("/".join(f"{{{part[1:]}}}" if part.startswith(":") else part
                                              for part in path.split("/"))) for path in self.paths]
        self.template = self.templates[0]
        self.operation = tables.document["paths"].get(self.template, {}).get(self.method.lower())

    def __repr__(self):
        return f"{self.method} {self._full(self.path)}"

    def _full(self, path):
        return path if self.root else f"/api/v1/{self.namespace}{path.rstrip('/')}"

    @property
    def named(self):
        """The parts of its path before its parameters."""
        parts = self.path.split("/")
        return {before for before, part in zip(parts, parts[1:]) if part.startswith(":")}

    def urls(self, things=None, other="nothing_here"):
        """Its paths as a client writes them. things: ids of existing objects, by the part of the path before the parameter
        ({"orders": id}); other: the value for all other parameters."""
        filled = []
        for path in self.paths:
            parts = path.split("/")
            filled.append(self._full("/".join((things or {}).get(before, other) if part.startswith(":") else part
                                              for before, part in zip(["", *parts], parts))))
        return filled

    def url(self, things=None, other="nothing_here"):
        return self.urls(things, other)[0]

    def admits(self, role):
        return role in MAY[self.role]

    @property
    def ends_session(self):
        return self.path.endswith("/auth/logout")

    def statuses(self):
        """The statuses that the document lists."""
        return {int(status) for status in self.operation["responses"]}

    # --- Parameters and body

    def parameters(self):
        """[Field] of its query."""
        return [Field((one["name"],), self.tables.whole(one["schema"]), one["required"])
                for one in self.operation["parameters"] if one["in"] == "query"]

    @functools.cached_property
    def body_schema(self):
        """The JSON schema of its body, without references; None without a body."""
        if not self.operation or "requestBody" not in self.operation:
            return None
        schema = self.tables.whole(self.operation["requestBody"])["content"]["application/json"]["schema"]
        return {**schema, "required": [*schema.get("required", []), *NEEDED.get(self.template, [])]}

    def fields(self):
        """Each member of its body, those of objects and of a list's first element included."""
        if self.body_schema:
            yield from self._members(self.body_schema, ())

    def _members(self, schema, path):
        for name, member in schema.get("properties", {}).items():
            yield from self._member(member, (*path, name), name in schema.get("required", ()))

    def _member(self, schema, path, required):
        yield Field(path, schema, required)
        yield from self._members(schema, path)
        if schema.get("items"):
            yield from self._member(schema["items"], (*path, 0), True)

    def spelled(self):
        """(spelling, field, body(value)) of each member of its body by each of its names. See body_with."""
        for field in self.fields():
            for spelling in field.spellings:
                yield spelling, field, functools.partial(self.body_with, field, spelling=spelling)

    def minimum(self):
        """The smallest valid body; None without a body."""
        return self.tables.sample(self.body_schema) if self.body_schema else None

    def body_with(self, field, value, spelling=None):
        """The smallest valid body in which this member, under this name, has this value; ABSENT leaves it out."""
        schema, body = self.body_schema, self.minimum()
        at = body
        *around, last = field.path
        for part in around:
            schema = schema["items"] if isinstance(part, int) else schema["properties"][part]
            if isinstance(part, str):
                at.setdefault(part, self.tables.sample(schema, part))
            at = at[part]
        if isinstance(last, int):
            at[last] = copy.deepcopy(value)
        else:
            at.pop(last, None)
            if value is not ABSENT:
                at[spelling or last] = copy.deepcopy(value)
        return body


class Tables:
    """.rows, .document (the API document). known: valid values of members by name, such as ids of existing objects."""

    def __init__(self, **known):
        self.values = {**USUAL, **MEANT, **known}
        self.document = command("openapi")
        self.rows = [Row(self, described) for described in command("routes", "--json")]

    def resolved(self, part):
        """The target of a reference in the document, or the part itself."""
        while "$ref" in part:
            at = self.document
            for name in part["$ref"].removeprefix("#/").split("/"):
                at = at[name]
            part = at
        return part

    def whole(self, part):
        """The part with every reference inside it replaced by its target."""
        if isinstance(part, list):
            return [self.whole(one) for one in part]
        if not isinstance(part, dict):
            return part
        return {name: self.whole(one) for name, one in self.resolved(part).items()}

    def sample(self, schema, name=None):
        """The smallest valid value of a schema without references, for a member of this name. A list has at least one
        element; phones and e-mails are unique."""
        kind = type_of(schema)
        if "enum" in schema:
            return schema["enum"][0]
        if name in self.values and (kind is None or isinstance(self.values[name], JSON_TYPES[kind])):
            return copy.deepcopy(self.values[name])
        if kind == "object":
            return {inner: self.sample(member, inner) for inner, member in schema.get("properties", {}).items()
                    if inner in schema.get("required", ()) or inner in USUAL}
        if kind == "array":
            return [self.sample(schema.get("items", {})) for _ in range(max(1, schema.get("minItems", 1)))]
        if kind in ("integer", "number"):
            above = schema.get("exclusiveMinimum")
            return above + 1 if above is not None else max(schema.get("minimum", 1), min(1, schema.get("maximum", 1)))
        return True if kind == "boolean" else self._text(schema)

    def _text(self, schema):
        if "format" in schema:
            return {"email": f"field{next(_numbers)}@test.reeyo.cm", "password": PASSWORD, "uri": "https://reeyo.cm/a",
                    "date-time": "2026-03-01T14:05:00Z", "date": "2026-03-01"}[schema["format"]]
        if "examples" in schema:  # a phone
            return new_phone()
        digits = re.fullmatch(r"\^\[0-9\]\{(\d+),\d+\}\$", schema.get("pattern", ""))
        if digits:
            return "1" * int(digits[1])
        return "nothing_here".ljust(schema.get("minLength", 0), "x")[:schema.get("maxLength")]
