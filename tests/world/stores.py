# SPDX-License-Identifier: MIT
"""A PostgreSQL and a Redis in a folder of their own. Started by config/local/stores.sh, so that the local
stack and the tests start them in the same way."""

import contextlib
import fcntl
import os
import pathlib
import shutil
import subprocess
import tempfile

import psycopg2

ROOT = pathlib.Path(__file__).resolve().parents[2]


def world():
    """The folder for programs that tests start: the folder of tests/run, which stops remaining programs, or /tmp."""
    return os.environ.get("REEYO_TEST_WORLD", "/tmp")


@contextlib.contextmanager
def alone(name):
    """One process of a tests/run at a time. Without tests/run nothing is shared and no lock is taken."""
    if "REEYO_TEST_WORLD" not in os.environ:
        yield
        return
    with open(pathlib.Path(world(), f"{name}.lock"), "a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def shell(call, *args, check=True):
    """Calls a function of stores.sh and returns its output."""
    done = subprocess.run(
        ["bash", "-c", f'. "{ROOT}/config/local/stores.sh"; {call} "$@"', call, *map(str, args)],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)
    if check and done.returncode:
        raise RuntimeError(f"{call} {args}: {done.stdout}{done.stderr}")
    return done.stdout.strip()


class Stores:
    """Both stores in one folder; each can be stopped, killed and started again."""

    def __init__(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="stores-", dir=world()))
        self.dir.chmod(0o755)
        shell("stack_folders", self.dir)

    def postgres_start(self):
        shell("postgres_start", self.dir, "test")

    def postgres_stop(self):
        shell("postgres_stop", self.dir, check=False)

    def redis_start(self):
        shell("redis_start", self.dir)

    def redis_stop(self):
        shell("redis_stop", self.dir, check=False)  # a test may have killed it

    def redis_kill(self):
        shell("process_stop", self.dir, "redis", "KILL", 5)

    def database_url(self, name="postgres"):
        return f"postgresql:///{name}?host={self.dir}/run&user=reeyo"

    @property
    def redis_url(self):
        return f"unix://{self.dir}/run/redis.sock"

    def close(self):
        self.redis_stop()
        self.postgres_stop()
        shutil.rmtree(self.dir, ignore_errors=True)


def with_database(url, name):
    """The url with another database."""
    head, _, query = url.partition("?")
    return head.rsplit("/", 1)[0] + "/" + name + ("?" + query if query else "")


def execute(url, statement):
    """Runs one statement outside a transaction, as CREATE DATABASE requires; returns its rows, if any."""
    connection = psycopg2.connect(url)
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []
    finally:
        connection.close()


class Databases:
    """Fresh databases on one PostgreSQL, each a copy of a migrated template with the demo data.
    throwaway: the PostgreSQL itself is removed after the tests, so databases are not dropped, and the
    template is made once for all test processes that share it."""

    def __init__(self, url, binary, throwaway=True):
        self.url = url
        self.throwaway = throwaway
        self.binary = binary
        self.template = None
        self.made = []
        self.prefix = f"reeyo_{os.getpid()}"

    def migrated(self):
        """Makes the template, unless another process of this run has made it."""
        name = "reeyo_template" if self.throwaway else f"{self.prefix}_template"
        with alone("template"):
            if not execute(self.url, f"SELECT 1 FROM pg_database WHERE datname = '{name}'"):
                self._make_template(f"{name}_begun")
                execute(self.url, f'ALTER DATABASE "{name}_begun" RENAME TO "{name}"')
        if not self.throwaway:
            self.made.append(name)
        self.template = name

    def _make_template(self, name):
        execute(self.url, f'DROP DATABASE IF EXISTS "{name}"')  # left by a failed attempt
        execute(self.url, f'CREATE DATABASE "{name}"')
        environment = dict(os.environ, REEYO_DATABASE_URL=with_database(self.url, name))
        for command in (["migrate"], ["demo", "--size", "small"]):
            done = subprocess.run([self.binary, *command], env=environment, text=True,
                                  stdin=subprocess.DEVNULL, capture_output=True, timeout=120)
            if done.returncode:
                raise RuntimeError(f"reeyo {command}: {done.stdout}{done.stderr}")

    def empty(self):
        """The url of a new, empty database."""
        name = f"{self.prefix}_{len(self.made)}"
        execute(self.url, f'CREATE DATABASE "{name}"')
        self.made.append(name)
        return with_database(self.url, name)

    def fresh(self):
        """The url of a new database with the demo data."""
        if not self.template:
            self.migrated()
        name = f"{self.prefix}_{len(self.made)}"
        execute(self.url, f'CREATE DATABASE "{name}" TEMPLATE "{self.template}"')
        self.made.append(name)
        return with_database(self.url, name)

    def close(self):
        for name in [] if self.throwaway else list(self.made):
            execute(self.url, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        self.made = []
