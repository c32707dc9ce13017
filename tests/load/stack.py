# SPDX-License-Identifier: MIT
#
# The programs of the bench: its own PostgreSQL and Redis (config/local/stores.sh, every commit
# durable), the release server and the peer, each started and stopped by process id.
import contextlib
import http.client
import json
import os
import pathlib
import resource
import secrets
import signal
import socket
import subprocess
import time

import psycopg2

ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = ROOT / "tests" / "load"
OUT = ROOT / "build" / "load"


# Statements are counted only in a database that asks for it (Stack.count_statements).
OWN_SETTINGS = """shared_preload_libraries = 'pg_stat_statements'
pg_stat_statements.track = none
"""


class Failed(Exception):
    """The bench cannot continue; the text gives the reason."""


def run(command, **options):
    done = subprocess.run(command, capture_output=True, text=True, **options)
    if done.returncode != 0:
        words = " ".join(str(word) for word in command[:3])
        raise Failed(f"{words} … ended with {done.returncode}:\n{done.stderr[-4000:]}{done.stdout[-2000:]}")
    return done.stdout


def raise_file_limit():
    """10,000 connections on each side need more than the default 1,024 descriptors."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    want = 20000 if hard == resource.RLIM_INFINITY else min(20000, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (want, hard))


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Process:
    """A server process on a port; stopped at the end of the with block."""

    def __init__(self, name, command, env, port, ready_path, cwd=None):
        self.name, self.port = name, port
        self.log = open(OUT / f"{name}.log", "ab")
        self.started = time.monotonic()
        self.child = subprocess.Popen(
            command, env={**os.environ, **env}, cwd=cwd, stdin=subprocess.DEVNULL,
            stdout=self.log, stderr=self.log, start_new_session=True)
        self.ready_s = self.wait_ready(ready_path)

    def wait_ready(self, path, limit_s=60):
        while time.monotonic() - self.started < limit_s:
            with contextlib.suppress(OSError, http.client.HTTPException):
                connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
                connection.request("GET", path)
                if connection.getresponse().status == 200:
                    return time.monotonic() - self.started
            if self.child.poll() is not None:
                raise Failed(f"{self.name} ended at start: see {self.log.name}")
            time.sleep(0.001)
        self.stop()
        raise Failed(f"{self.name} was not ready in {limit_s} s: see {self.log.name}")

    def rss_kb(self):
        for line in open(f"/proc/{self.child.pid}/status", encoding="ascii"):
            if line.startswith("VmRSS:"):
                return int(line.split()[1])
        raise Failed("no VmRSS")

    def cpu_s(self):
        """Processor time of all threads so far, in seconds."""
        fields = open(f"/proc/{self.child.pid}/stat", encoding="ascii").read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def request(self, method, path, body=None, token=None):
        headers = {"Content-Type": "application/json"} if body is not None else {}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        reply = connection.getresponse()
        text = reply.read()
        connection.close()
        return reply.status, text

    def stop(self):
        if self.child.poll() is None:
            self.child.send_signal(signal.SIGTERM)
            try:
                self.child.wait(40)
            except subprocess.TimeoutExpired:
                self.child.kill()
                self.child.wait()
        self.log.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


class Session:
    """A connection to the database: session(statement, *values) returns rows."""

    def __init__(self, stack, database):
        self.connection = psycopg2.connect(host=str(stack.socket_dir), user="reeyo", dbname=database)
        self.connection.autocommit = True

    def __call__(self, statement, *values):
        with self.connection.cursor() as cursor:
            cursor.execute(statement, values)
            return cursor.fetchall() if cursor.description else []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()


class Stack:
    """The stores with their databases; starts servers on them."""

    def __init__(self, folder, binary):
        self.folder, self.binary = pathlib.Path(folder), pathlib.Path(binary)
        self.secret = secrets.token_hex(32)
        self.socket_dir = self.folder / "run"
        self.redis_socket = self.folder / "run" / "redis.sock"
        self.bin = run(["bash", "-c", f". {ROOT}/config/local/stores.sh && postgres_bin"]).strip()

    def stores(self, commands):
        script = f'set -euo pipefail; root={ROOT}; . "$root/config/local/stores.sh"; {commands}'
        return run(["bash", "-c", script])

    def start(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        d = self.folder
        self.stores(f'stack_reaches "{d}" || {{ echo "{d}: not within reach of $(stack_user)" >&2; exit 1; }}; '
                    f'stack_folders "{d}"; postgres_start "{d}" dev; redis_start "{d}"')
        own = d / "postgres" / "own.conf"
        if not own.exists() or own.read_text() != OWN_SETTINGS:
            own.write_text(OWN_SETTINGS)
            own.chmod(0o644)
            self.stores(f'postgres_stop "{d}"; postgres_start "{d}" dev')

    def stop(self):
        d = self.folder
        self.stores(f'redis_stop "{d}" || true; postgres_stop "{d}" || true')

    def url(self, database):
        return f"postgresql:///{database}?host={self.socket_dir}&user=reeyo"

    def sql(self, statement, database="bench"):
        """Runs a statement; returns rows of strings."""
        out = run([f"{self.bin}/psql", "-X", "-q", "-A", "-t", "-F", "\t", "-v", "ON_ERROR_STOP=1",
                   "-h", str(self.socket_dir), "-U", "reeyo", "-d", database, "-c", statement])
        return [line.split("\t") for line in out.splitlines()]

    def redis(self, *words):
        return run(["redis-cli", "-s", str(self.redis_socket), *words])

    def env(self, database):
        return {"REEYO_DATABASE_URL": self.url(database), "REEYO_JWT_SECRET": f"1:{self.secret}",
                "REEYO_REDIS_URL": f"unix://{self.redis_socket}"}

    def reeyo(self, *words, database="bench"):
        return run([str(self.binary), *words], env={**os.environ, **self.env(database)})

    def pid(self, name):
        return int(self.stores(f'process_id "{self.folder}" {name}'))

    def session(self, database="bench"):
        return Session(self, database)

    def count_statements(self, database):
        """Connections that are opened from now on have their statements counted by pg_stat_statements."""
        with self.session(database) as session:
            session("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
            session(f"ALTER DATABASE {database} SET pg_stat_statements.track = 'top'")
            session(f"ALTER DATABASE {database} SET pg_stat_statements.track_planning = on")

    def copy(self, name, source="bench_base"):
        """A new copy of a database that is loaded once: each run begins with the same rows. Orders of the run do not expire
        while it lasts."""
        self.database(source, "bench")
        with self.session("postgres") as session:
            session(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
            session(f"CREATE DATABASE {name} TEMPLATE {source} STRATEGY file_copy")
        with self.session(name) as session:
            session("UPDATE settings SET value = '1440' WHERE key = 'order_accept_minutes'")

    def database(self, name, size, after=""):
        """Creates a database once; `after` runs after the demo data is loaded."""
        done = self.folder / f"{name}.loaded"
        if done.exists():
            self.reeyo("migrate", database=name)
            return
        self.stores(f'postgres_sql "{self.folder}" postgres "DROP DATABASE IF EXISTS {name}"; '
                    f'postgres_database "{self.folder}" {name}')
        self.reeyo("migrate", database=name)
        self.reeyo("demo", "--size", size, database=name)
        if after:
            self.sql(after, database=name)
        # Otherwise a server does it while an early row is measured.
        self.sql("DO $$ BEGIN WHILE NOT ledger_roll_up('10 minutes') LOOP END LOOP; END $$", database=name)
        self.sql("VACUUM ANALYZE", database=name)
        done.touch()

    def fake(self, name):
        """A stand-in of tests/fakes."""
        port = free_port()
        return Process(f"fake_{name}", [str(ROOT / "build" / "release" / "tests" / f"fake_{name}"), "--port", str(port)], {},
                       port, "/_log")

    def server(self, *flags, database="bench"):
        port = free_port()
        self.redis("FLUSHALL")
        command = [str(self.binary), "serve", "--listen", f"127.0.0.1:{port}", "--rate-limit", "off",
                   "--duplicate-window", "0ms", "--login-memory", "off", *flags]
        return Process("server", command, self.env(database), port, "/readyz", cwd=self.folder)

    def peer(self, memory_kb, passes, database="bench"):
        port = free_port()
        env = {"PEER_PORT": str(port), "PEER_DATABASE": database, "PEER_SOCKET": str(self.socket_dir),
               "PEER_REDIS": str(self.redis_socket), "PEER_SECRET": self.secret, "PEER_WORKERS": "2",
               "PEER_QUERIES": str(ROOT / "sql" / "queries"), "PEER_MEMORY_KB": str(memory_kb),
               "PEER_PASSES": str(passes), "NODE_ENV": "production"}
        return Process("peer", ["node", str(OUT / "peer" / "peer.js")], env, port, "/readyz")
