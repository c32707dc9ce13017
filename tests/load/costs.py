# SPDX-License-Identifier: MIT
#
# What an order costs with all that follows from it: processor time of PostgreSQL, of the server and of
# Redis, write-ahead log, statements and commands. Counted from before the first request until every
# event is relayed and every message and webhook is sent.
import os
import time

from stack import Failed

TICK_US = 1e6 / os.sysconf("SC_CLK_TCK")
SETTLE_S = 120   # limit of the wait for messages and webhooks

# True when nothing that follows from an order is left to do. A condition holds for each release whose tables it names.
SETTLED = {
    "outbox": "NOT EXISTS (SELECT FROM outbox)",
    "event_log": "(SELECT coalesce(max(id), 0) FROM event_log) <= (SELECT least(position, published) FROM leases WHERE name = 'events')",
    "leases": "NOT EXISTS (SELECT FROM leases WHERE name = ANY ({readers}) AND position < (SELECT coalesce(max(id), 0) FROM events))",
    "messages": "NOT EXISTS (SELECT FROM messages WHERE state = 'QUEUED')",
    "webhook_deliveries": "NOT EXISTS (SELECT FROM webhook_deliveries WHERE state = 'QUEUED')",
}


def settled_condition(session, readers):
    """readers: the leases that must have read all events."""
    tables = {name for name, in session("SELECT relname FROM pg_class WHERE relkind IN ('r', 'v') AND relname = ANY (%s)",
                                        list(SETTLED))}
    named = "ARRAY[" + ", ".join(f"'{reader}'" for reader in readers) + "]::text[]"
    return " AND ".join(SETTLED[name].format(readers=named) for name in SETTLED if name in tables)


def process_us(stat):
    """Processor time from /proc/PID/stat: of the process, and of its children that have ended."""
    fields = stat.rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) * TICK_US, (int(fields[13]) + int(fields[14])) * TICK_US


def postgres_us(stack, own_backend):
    """All processes of PostgreSQL but the one of this program's session. Live ones are exact; those that have ended count in
    clock ticks."""
    root, total = stack.pid("postgres"), 0
    own, ended = process_us(open(f"/proc/{root}/stat", encoding="ascii").read())
    for task in open(f"/proc/{root}/task/{root}/children", encoding="ascii").read().split():
        if task == own_backend:
            continue
        try:
            total += int(open(f"/proc/{task}/schedstat", encoding="ascii").read().split()[0]) / 1000
        except FileNotFoundError:
            continue   # it has ended meanwhile
    return total + own + ended


def redis_info(stack):
    info = dict(line.split(":", 1) for line in stack.redis("INFO").splitlines() if ":" in line)
    return ((float(info["used_cpu_sys"]) + float(info["used_cpu_user"])) * 1e6, int(info["total_commands_processed"]))


class Counters:
    """The counters at one moment; `(after - before) / n` gives the costs of each of n orders."""

    def __init__(self, stack, server, session):
        self.values = {"postgres": postgres_us(stack, str(session("SELECT pg_backend_pid()")[0][0])), "server": server.cpu_s() * 1e6}
        self.values["redis"], self.values["commands"] = redis_info(stack)
        wal, images = session("SELECT pg_current_wal_lsn() - '0/0', wal_fpi FROM pg_stat_wal")[0]
        self.values |= {"wal": float(wal), "images": images}
        calls, us = session(
            "SELECT coalesce(sum(s.calls), 0), coalesce(sum(s.total_exec_time + s.total_plan_time), 0) * 1000"
            "  FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid"
            " WHERE d.datname = current_database() AND s.query NOT LIKE '%%/* bench */%%'"
            " AND s.query NOT LIKE '%%pg_stat_statements%%'")[0]
        self.values |= {"statements": float(calls), "statement_us": us}

    def since(self, before, count):
        return {name: (value - before.values[name]) / count for name, value in self.values.items()}


def measured(world, server, session, act, readers, name):
    """The costs of each order that `act` makes (it returns their number), and its result."""
    stack = world.stack
    condition = settled_condition(session, readers)
    wait_settled(session, condition)
    session("SELECT pg_stat_statements_reset()")
    before = Counters(stack, server, session)
    with world.profile.of(name, server, session) as profile:
        count, result = act()
        wait_settled(session, condition)
        profile.requests = count
    return Counters(stack, server, session).since(before, count), result


def wait_settled(session, condition):
    end = time.monotonic() + SETTLE_S
    while not session(f"SELECT /* bench */ {condition}")[0][0]:
        if time.monotonic() > end:
            raise Failed(f"messages, webhooks or events are left after {SETTLE_S} s: {condition}")
        time.sleep(0.5)


FIGURES = (("postgres", "PostgreSQL's processor time", "us"), ("statement_us", "time of its statements", "us"),
           ("server", "the server's processor time", "us"), ("redis", "Redis's processor time", "us"),
           ("wal", "write-ahead log", "B"), ("images", "whole pages in it, after a checkpoint", ""),
           ("statements", "statements", ""), ("commands", "commands of Redis", ""))


def order_rows(name, what, cost, limits):
    """One row for each figure; those without a limit are only shown."""
    from rows import absolute
    return [absolute(f"{name}_{figure}", f"{what}: {words}", cost[figure], limits.get(figure), unit)
            for figure, words, unit in FIGURES]
