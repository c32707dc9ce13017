# SPDX-License-Identifier: MIT
#
# The references for the server: redis-benchmark, pgbench with the server's own statements, and
# argon2id alone. pgbench runs the statements and values that PostgreSQL's log recorded from the
# server, so that no second copy of them can differ.
import csv
import io
import json
import os
import re
import time

from stack import OUT, Failed, run

_ENTRY = re.compile(r"^\d{4}-\d\d-\d\d [\d:.]+ UTC \[\d+\] ", re.M)
_PARAMETER = re.compile(r"\$(\d+) = (NULL|'(?:[^']|'')*')")


def redis_get_rate(socket, size, clients, requests):
    command = ["redis-benchmark", "-s", str(socket), "-c", str(clients), "-P", "1", "-d", str(size)]
    run(["redis-cli", "-s", str(socket), "SET", "bench:value", "x" * size])
    out = run(command + ["-n", str(requests), "--csv", "GET", "bench:value"])
    rows = list(csv.reader(io.StringIO(out)))
    return float(rows[-1][1])


def redis_geoadd_rate(socket, members, clients, requests, pipeline=1):
    command = ["redis-benchmark", "-s", str(socket), "-c", str(clients), "-P", str(pipeline), "-r", str(members),
               "-n", str(requests), "--csv", "GEOADD", "bench:riders", "9.7012345", "4.0512345", "rider___rand_int__"]
    return float(list(csv.reader(io.StringIO(run(command))))[-1][1])


def statements_logged(stack, database, act):
    """The (text, [values]) of every statement that PostgreSQL logs while `act` runs."""
    log = stack.folder / "log" / "postgres.log"
    begin = os.path.getsize(log)
    act()
    time.sleep(0.3)
    with open(log, "rb") as f:
        f.seek(begin)
        entries = _ENTRY.split(f.read().decode(errors="replace"))
    found = []
    for entry, detail in zip(entries, entries[1:] + [""]):
        match = re.match(r"LOG:  execute [^:]*: (.*)", entry, re.S)
        if not match:
            continue
        values = {int(n): None if v == "NULL" else v[1:-1].replace("''", "'")
                  for n, v in _PARAMETER.findall(detail)} if detail.startswith("DETAIL:") else {}
        found.append((match.group(1).rstrip().replace("\n\t", "\n"), [values[i + 1] for i in range(len(values))]))
    return found


def statement_containing(found, *values):
    for text, sent in found:
        if all(any(v is not None and value in v for v in sent) for value in values):
            return text, sent
    raise Failed(f"no logged statement has the values {values}")


def _hide_colons(text):
    """pgbench reads :name inside a literal as a variable, so the colon is written as an escape."""
    def literal(match):
        whole = match.group(0)
        if not re.search(r":\w", whole):
            return whole
        return "E" + whole.replace("\\", "\\\\").replace(":", "\\072")
    return re.sub(r"'(?:[^']|'')*'", literal, text)


def pgbench_script(name, text, values, expressions, head):
    """expressions: {recorded value: SQL expression over pgbench variables that replaces it}. Every other
    value becomes a pgbench variable, so it is a parameter as well."""
    body, options = _statement(text, values, expressions, "v")
    return _script(name, head + body, options)


def _script(name, text, options):
    path = OUT / f"{name}.pgbench"
    path.write_text(text, encoding="utf-8")
    return path, options


def _statement(text, values, expressions, prefix):
    """One statement in pgbench's form, and the options that set its variables."""
    options, arguments = [], {}
    for i, value in enumerate(values, 1):
        if value is None:
            arguments[i] = "NULL"
        elif value == "":
            arguments[i] = "''"
        elif value in expressions:
            arguments[i] = f"({expressions[value]})"
        else:
            options += ["-D", f"{prefix}{i}={value}"]
            arguments[i] = f":{prefix}{i}"
    body = re.sub(r"--[^\n]*", "", _hide_colons(text))
    # A statement casts each parameter once; to pgbench each occurrence is a parameter of its own.
    types = dict(re.findall(r"\$(\d+)::([a-z]+(?: precision)?(?:\[\])?)", text))

    def argument(match):
        number, cast = match.groups()
        return arguments[int(number)] + (cast or (f"::{types[number]}" if number in types else ""))

    body = re.sub(r"\$(\d+)(::)?", argument, body).rstrip().rstrip(";")
    return " ".join(body.split("\n")) + ";\n", options


# Distinct numbers for pgbench's clients, ascending like the server's time-ordered ids. They start
# above those of any earlier run.
_NUMBERS = """\\set c :c + 1
\\set n :base + :c * 8 + :client_id
\\set r random(1, 9000000000000)
"""


# Ids of the demo data (sql/demo/bench.sql) over pgbench's numbers.
_ORDER = "'ord_' || lpad(:o::text, 26, '0')"
_USER = "'user_bench_' || lpad(:u::text, 5, '0')"


def order_read_script(text, values, order):
    return pgbench_script("order", text, values, {order: _ORDER}, "\\set o random(1, 100000)\n")


def order_place_script(text, values, user, data):
    head = _NUMBERS + "\\set u random(1, 2000)\n"
    transaction = next(v for v in values if v and v.startswith("txn_"))
    path, options = pgbench_script("place", text, values, {
        user: _USER,
        data["orderId"]: "'ord_0' || :n::text",
        data["orderNumber"]: "'F-' || :r::text",
        transaction: "'txn_0' || :n::text",
    }, head)
    return path, options + ["-D", "c=0"]


# A client's next order of a batch, and its rider: see rows.settlements_prepared.
_COMPLETE = """\\set c :c + 1
\\set n :client_id * :each + :c
\\set r 1 + :n % :riders
"""


def order_complete_script(facts, move, order, rider, riders):
    """Both statements of the step, in the server's order; each is (text, values)."""
    number = "(:base::text || lpad(:n::text, 9, '0'))"
    expressions = {order: f"'ord_9' || {number}", rider: "'rider_pos_' || lpad(:r::text, 5, '0')"}
    entries = next(v for v in move[1] if v and re.match(r'\{"?txn_', v))
    ids = " || ',' || ".join(f"'txn_{part}' || {number}" for part in "1234")
    first, options = _statement(*facts, expressions, "f")
    second, more = _statement(*move, {**expressions, entries: f"'{{' || {ids} || '}}'"}, "m")
    return _script("complete", _COMPLETE + first + second, options + more + ["-D", "c=-1", "-D", f"riders={riders}"])


def pgbench(stack, script, seconds, clients=8, database="bench", each=None, base=None):
    """each: number of transactions per client, in place of a time."""
    path, options = script
    length = ["-t", str(each), "-D", f"each={each}"] if each else ["-T", str(round(seconds))]
    out = run([f"{stack.bin}/pgbench", "-n", "-M", "prepared", "-c", str(clients), "-j", "1", *length,
               "-h", str(stack.socket_dir), "-U", "reeyo", "-f", str(path),
               "-D", f"base={base or time.time_ns()}", *options, database])
    failed = re.search(r"number of failed transactions: (\d+)", out)
    rate = re.search(r"tps = ([\d.]+)", out)
    if not rate or (failed and failed.group(1) != "0"):
        raise Failed(f"pgbench:\n{out}")
    return float(rate.group(1))


def argon2_rate(memory_kb, passes, seconds):
    out = run([str(OUT / "argon2_bench"), str(memory_kb * 1024), str(passes),
               str(os.cpu_count()), str(seconds)])
    return json.loads(out)["rate"]
