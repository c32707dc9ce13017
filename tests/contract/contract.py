# SPDX-License-Identifier: MIT
"""The API document against the server: schemathesis draws valid and invalid requests from the document, and this checks
that every reply is no 5xx, that its status is documented, and that it matches its schema. Each role calls its own rows.
(Refusals of roles: tests/api/http/test_access.py.)

    tests/run contract [--examples N] [--role ROLE]...

The draw is the same in every run. --examples (or REEYO_CONTRACT_EXAMPLES): number of requests of each operation besides
those that try the bounds of each member; the default is 5."""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from world.accounts import DEMO
from world.database import Database
from world.fakes import Campay
from world.server import Server, binary
from world.stores import Databases, Stores
from world.tables import Tables
from world.tokens import issue

HERE = pathlib.Path(__file__).resolve().parent
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
ROLES = ("anyone", "customer", "vendor", "rider", "admin", "super")
# Rows that end the role's session: called last.
LAST = ("/auth/logout", "/auth/logout-all", "/auth/change-password")


def known_ids(sql):
    """{part of a path: ids of the demo data}, as hooks.py uses them."""
    tables = {"vendors": "vendors", "orders": "orders", "riders": "riders", "users": "users", "items": "items",
              "menu": "items", "addresses": "addresses", "payouts": "payouts", "disputes": "disputes"}
    found = {}
    for part, table in tables.items():
        found[part] = [row["id"] for row in sql(f"SELECT id FROM {table} ORDER BY id LIMIT 5")]
    found["bookings"] = found["deliveries"] = found["orders"]
    return found


def part_of_document(tables, role, last):
    """The document with the rows of one role: each row once, by its first path and method."""
    document = dict(tables.document, paths={})
    for row in tables.rows:
        if row.internal or row.stream or row.role != role or row.path.endswith(LAST) != last:
            continue
        item = tables.document["paths"][row.template]
        document["paths"].setdefault(row.template, {})[row.method.lower()] = item[row.method.lower()]
    return document


def call(options, server, folder, role, document, ids):
    """One run of schemathesis; True when every check passed."""
    file = pathlib.Path(folder, f"{role}.json")
    file.write_text(json.dumps(document))
    command = [options.st, "--config-file", str(HERE / "schemathesis.toml"), "run", str(file), "--url", f"http://127.0.0.1:{server.port}",
               "--checks", CHECKS, "--phases", "examples,coverage,fuzzing", "-n", str(options.examples), "--continue-on-failure",
               "--generation-deterministic", "--warnings", "off", "--request-timeout", "60",
               "--suppress-health-check", "all", "--no-shrink", "-w", "1", "--no-color"]
    if options.results:
        report = pathlib.Path(options.results, f"contract-{role}-{len(document['paths'])}.xml")
        command += ["--report", "junit", "--report-junit-path", str(report)]
    token = None
    if role != "anyone":
        _, credentials, kind, account = DEMO[role]
        token = server.api().post("auth/login", json=credentials).data["token"] if role == "customer" else issue(kind, account)
        command += ["-H", f"Authorization: Bearer {token}"]
    environment = dict(os.environ, SCHEMATHESIS_HOOKS="hooks", PYTHONPATH=str(HERE), REEYO_CONTRACT_IDS=json.dumps(ids),
                       PYTHONDONTWRITEBYTECODE="1")
    done = subprocess.run(command, env=environment, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True)
    cases = next((line.strip() for line in done.stdout.splitlines() if " generated, " in line), "no requests")
    print(f"{role:10} {len(document['paths']):4} paths, {cases}", flush=True)
    if done.returncode:
        print(done.stdout, flush=True)
    probe = next((path for path, item in document["paths"].items() if "get" in item and "{" not in path), None)
    if probe and server.api(token).get(probe).status == 401:
        print(f"{role} can no longer call the API: an earlier request ended its session", flush=True)
        return False
    return done.returncode == 0


def main():
    parser = argparse.ArgumentParser(prog="tests/run contract")
    parser.add_argument("--examples", type=int, default=int(os.environ.get("REEYO_CONTRACT_EXAMPLES", 5)))
    parser.add_argument("--role", action="append", choices=ROLES, help="only this one; may be repeated")
    parser.add_argument("--st", required=True, help="the program of schemathesis")
    parser.add_argument("--results", help="a folder for JUnit reports")
    options = parser.parse_args()
    stores = Stores()
    gateway = server = None
    good = True
    try:
        stores.redis_start()
        url = os.environ.get("REEYO_TEST_DATABASE_URL")
        if not url:
            stores.postgres_start()
            url = stores.database_url()
        gateway = Campay()
        server = Server(Databases(url, binary()).fresh(), stores.redis_url, **gateway.keys()).start()
        sql = Database(server.configuration["database_url"])
        ids = known_ids(sql)
        sql.close()
        tables = Tables()
        with tempfile.TemporaryDirectory() as folder:
            for role in options.role or ROLES:
                for last in (False, True):
                    document = part_of_document(tables, role, last)
                    if document["paths"]:
                        good &= call(options, server, folder, role, document, ids)
    finally:
        for made in (server, gateway):
            if made:
                made.close() if made is server else made.stop()
        stores.close()
    sys.exit(0 if good else 1)


main()
