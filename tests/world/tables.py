# SPDX-License-Identifier: MIT
"""The route and field tables as tests read them, so that a new row or member is covered without a new test.

    tables = Tables()                      # or the fixture `tables`
    for row in tables.rows: …              # every row of `reeyo routes --json`, with what the API document says of it
    row.method, row.url(id="x")            # a call of it
    row.admits("vendor")                   # whether this role passes its role check
    row.minimum()                          # the smallest body that its field table accepts
    for field in row.fields(): …           # each member of its body, also within objects and lists
    row.body_with(field, value)            # the smallest body with this member so
    row.parameters()                       # what it takes in the query

The rows come from `reeyo routes --json` (which does what the tables of src/api say), bodies and parameters from
`reeyo openapi` (which is made of the same tables). A handler may refuse what a field table accepts, for reasons of its
own: a test that sends such a body looks at 400 with the member named, not at 200."""

import copy
import json
import re

from .server import reeyo

ROLES = ("none", "customer", "vendor", "rider", "admin", "super")
# Who passes the role check of a row, by the first word of its "who" ("rider, verified, …").
MAY = {
    "anyone": set(ROLES),
    "customer": {"customer"},
    "vendor": {"vendor"},
    "rider": {"rider"},
    "admin": {"admin", "super"},
    "super": {"super"},
}
SAMPLES = {"email": "awa@test.reeyo.cm", "password": "Kumba-2024!", "uri": "https://example.com/a.jpg",
           "date-time": "2026-01-15T12:00:00.000Z", "date": "2026-01-15"}


def command(*words):
    done = reeyo(*words)
    assert done.returncode == 0, done
    return json.loads(done.stdout)


class Field:
    """A member of a row's body: .path (("items", 0, "quantity")), .schema, .required (within what it is in), .name as a
    refusal names it ("items[0].quantity")."""

    def __init__(self, path, schema, required):
        self.path, self.schema, self.required = path, schema, required

    @property
    def name(self):
        text = ""
        for part in self.path:
            text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
        return text

    @property
    def type(self):
        """Its JSON type; None when it may be of any."""
        kind = self.schema.get("type")
        return next((one for one in kind if one != "null"), None) if isinstance(kind, list) else kind

    def __repr__(self):
        return f"<{self.name} {self.schema}>"


class Row:
    """One row of the route tables. .method .path .aliases .namespace .who .root .internal .stream .foreign .any_write .idempotent
    .has_body .body_limit (0: the configuration's) .does; .template, its path in the API document; .operation, what that
    says of it (None for an internal one)."""

    def __init__(self, tables, told):
        self.tables = tables
        for name, value in told.items():
            setattr(self, re.sub("([A-Z])", lambda found: "_" + found[1].lower(), name), value)
        self.role = re.split("[^a-z]", self.who)[0]
        self.template = self._full("/".join("{%s}" % part[1:] if part.startswith(":") else part
                                            for part in self.path.split("/")))
        self.operation = None if self.internal else tables.document["paths"][self.template][self.method.lower()]

    def __repr__(self):
        return f"{self.method} {self._full(self.path)}"

    def _full(self, path):
        return path if self.root else f"/api/v1/{self.namespace}{path.rstrip('/')}"

    def urls(self, **values):
        """Its path and aliases as a client writes them. values: of their parameters; one that is not given names nothing
        that exists."""
        return [self._full("/".join(str(values.get(part[1:], "nothing_here")) if part.startswith(":") else part
                                    for part in path.split("/"))) for path in (self.path, *self.aliases)]

    def url(self, **values):
        return self.urls(**values)[0]

    def admits(self, role):
        return role in MAY[self.role]

    def statuses(self):
        """Those that the document knows."""
        return {int(status) for status in self.operation["responses"]}

    # --- What it takes

    def parameters(self):
        """[Field] of its query."""
        return [Field((one["name"],), self.tables.resolved(one["schema"]), one["required"])
                for one in self.operation["parameters"] if one["in"] == "query"]

    @property
    def body_schema(self):
        """The JSON schema of its body; None when it takes none."""
        if not self.operation or "requestBody" not in self.operation:
            return None
        content = self.tables.resolved(self.operation["requestBody"])["content"]
        return self.tables.resolved(content["application/json"]["schema"])

    def fields(self):
        """Each member of its body, those of objects and of a list's first element included."""
        if self.body_schema:
            yield from self._members(self.body_schema, ())

    def _members(self, schema, path):
        for name, member in schema.get("properties", {}).items():
            yield from self._member(member, (*path, name), name in schema.get("required", ()))

    def _member(self, schema, path, required):
        schema = self.tables.resolved(schema)
        yield Field(path, schema, required)
        yield from self._members(schema, path)
        if "items" in schema:
            element = self.tables.resolved(schema["items"])
            if element:
                yield from self._member(element, (*path, 0), True)

    def minimum(self):
        """The smallest body that its field table accepts: what is required, and nothing else."""
        return self.tables.sample(self.body_schema) if self.body_schema else None

    def body_with(self, field, value):
        """The smallest body in which this member has this value."""
        body, schema = self.minimum(), self.body_schema
        at = body
        for part, following in zip(field.path, (*field.path[1:], None)):
            schema = self.tables.resolved(schema["items"] if isinstance(part, int) else schema["properties"][part])
            if following is None:
                inner = copy.deepcopy(value)
            else:
                inner = self.tables.sample(schema)
            if isinstance(part, int):
                if not at or following is None:
                    at[:1] = [inner]
            elif following is None or part not in at:
                at[part] = inner
            if following is not None:
                at = at[part]
        return body


class Tables:
    """.rows, .document (the API document)"""

    def __init__(self):
        self.document = command("openapi")
        self.rows = [Row(self, told) for told in command("routes", "--json")]

    def resolved(self, part):
        """What a part of the document refers to, or the part itself."""
        while "$ref" in part:
            at = self.document
            for name in part["$ref"].removeprefix("#/").split("/"):
                at = at[name]
            part = at
        return part

    def sample(self, schema):
        """The smallest value that a schema of a field table allows."""
        schema = self.resolved(schema)
        kind = schema.get("type")
        if isinstance(kind, list):
            kind = next(one for one in kind if one != "null")
        if "enum" in schema:
            return schema["enum"][0]
        if "examples" in schema:
            return schema["examples"][0]
        if kind == "object":
            return {name: self.sample(schema["properties"][name]) for name in schema.get("required", ())}
        if kind == "array":
            return [self.sample(schema["items"]) for _ in range(schema.get("minItems", 0))]
        if kind in ("integer", "number"):
            above = schema.get("exclusiveMinimum")
            return above + 1 if above is not None else max(schema.get("minimum", 1), min(1, schema.get("maximum", 1)))
        if kind == "boolean":
            return True
        if kind == "string":
            return self._text(schema)
        return "x"

    def _text(self, schema):
        if "format" in schema:
            return SAMPLES[schema["format"]]
        digits = re.fullmatch(r"\^\[0-9\]\{(\d+),\d+\}\$", schema.get("pattern", ""))
        if digits:
            return "1" * int(digits[1])
        return "x" * max(1, schema.get("minLength", 1))
