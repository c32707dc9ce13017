# SPDX-License-Identifier: MIT
#
# --profile: while a row is measured, the statements that PostgreSQL ran (pg_stat_statements) and the
# functions of the server that took processor time (perf).
import contextlib
import os
import shutil
import signal
import subprocess
import time

from stack import OUT

STATEMENTS = """
SELECT calls, total_exec_time * 1000, total_plan_time * 1000, wal_bytes, rows, left(regexp_replace(query, '\\s+', ' ', 'g'), 100)
  FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid
 WHERE d.datname = current_database() AND query NOT LIKE '%%/* bench */%%' AND query NOT LIKE '%%pg_stat_statements%%'
 ORDER BY total_exec_time + total_plan_time DESC LIMIT 25"""
TABLES = """SELECT relname, n_tup_ins, n_tup_upd, n_tup_hot_upd, n_tup_del FROM pg_stat_user_tables"""


class Count:
    """The number that figures are divided by; the block sets it."""
    requests = 1


class Profile:
    """off: does nothing."""

    def __init__(self, on):
        self.on, self.done = on, set()

    @contextlib.contextmanager
    def of(self, name, server, session):
        """Profiles the block once for each name; it gets a Count."""
        count = Count()
        if not self.on or name in self.done:
            yield count
            return
        self.done.add(name)
        session("SELECT pg_stat_statements_reset()")
        used, perf = server.cpu_s(), perf_start(server.child.pid, name)
        try:
            yield count
        finally:
            used = server.cpu_s() - used
            perf_stop(perf)
        print(f"--- {name}: statements, for each of {count.requests} requests")
        print_statements(session, count.requests)
        print(f"--- {name}: the server, {used * 1e6 / count.requests:.1f} us a request, by symbol")
        print_symbols(name, used * 1e6 / count.requests)

    @contextlib.contextmanager
    def tables(self, session):
        """Prints the rows written while the block ran; it gets a Count. Sessions report them when they end, so the block
        contains the server's whole run."""
        session("SELECT pg_stat_force_next_flush()")
        before, count = dict_of(session(TABLES)), Count()
        yield count
        if not self.on:
            return
        time.sleep(1)   # the last sessions end
        print("--- rows for each request:  inserted  updated  of these HOT  deleted")
        for table, counts in sorted(dict_of(session(TABLES)).items()):
            each = [(now - then) / count.requests for now, then in zip(counts, before.get(table, (0, 0, 0, 0)))]
            if max(each) >= 0.01:
                print(f"    {table:<24}" + "".join(f"{value:10.2f}" for value in each))


def dict_of(rows):
    return {name: counts for name, *counts in rows}


def print_statements(session, requests):
    print("      us/req     us/call   plans/req us  calls/req   WAL B/req   rows/req")
    for calls, us, plans, wal, rows, text in session(STATEMENTS):
        print(f"  {us / requests:10.1f}  {us / calls:10.1f}  {plans / requests:13.1f} {calls / requests:10.3f}"
              f" {float(wal) / requests:11.0f} {rows / requests:10.2f}  {text}", flush=True)


def perf_start(pid, name):
    if not shutil.which("perf"):
        return None
    # cpu-clock: machines without hardware counters have it too.
    return subprocess.Popen(["perf", "record", "-q", "-e", "cpu-clock", "-F", "997", "-p", str(pid), "-o",
                             str(OUT / f"{name}.perf")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def perf_stop(perf):
    if perf:
        perf.send_signal(signal.SIGINT)
        perf.wait()


def print_symbols(name, us):
    if not shutil.which("perf"):
        print("  perf is not installed (linux-perf)")
        return
    shown = subprocess.run(["perf", "report", "--stdio", "--no-children", "-s", "dso,symbol", "-i", str(OUT / f"{name}.perf"),
                            "--percent-limit", "0.6", "-q"], capture_output=True, text=True, env={**os.environ, "PAGER": "cat"})
    for line in shown.stdout.splitlines():
        words = line.split()
        if words and not line.startswith("#"):
            share = float(words[0].rstrip("%")) / 100
            print(f"  {share * us:8.2f} us  {share:6.1%}  {words[1]:<20} {' '.join(words[2:]).rstrip(' -')}", flush=True)
