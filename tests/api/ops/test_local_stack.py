# SPDX-License-Identifier: MIT
"""config/local/up and down: their refusals, and that they touch nothing of others. That the stack starts and serves is a
step of .ci/run."""

import os
import pathlib
import socket
import subprocess
import tempfile

import psycopg2
import psycopg2.errors
import pytest

from world.ports import free_ports
from world.stores import ROOT, shell

pytestmark = pytest.mark.slow


def run(script, *arguments, seconds=300):
    return subprocess.run([ROOT / "config/local" / script, *arguments], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=seconds)


@pytest.fixture
def folder():
    """A folder that PostgreSQL's user may enter, unlike pytest's temporary folders."""
    with tempfile.TemporaryDirectory(prefix="reeyo-stack-", dir="/tmp") as made:
        os.chmod(made, 0o755)
        yield pathlib.Path(made)


@pytest.fixture
def bystander():
    """A process of another program."""
    process = subprocess.Popen(["sleep", "600"])
    yield process
    process.kill()
    process.wait()


def runs(pid):
    """A zombie does not run: not every init reaps its children."""
    try:
        return "(zombie)" not in pathlib.Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


def test_up_names_the_port_that_is_taken_its_holder_and_what_needs_it(folder):
    first = free_ports(6)
    with socket.socket() as other:
        port = first + 2
        other.bind(("127.0.0.1", port))
        other.listen()
        done = run("up", "--no-install", "--detach", "--dir", str(folder), "--port", str(first))
        assert done.returncode == 1
        assert f"Port {port}, needed by the vendor listener" in done.stderr
        assert f"process {os.getpid()}" in done.stderr


@pytest.mark.parametrize("arguments", [["--port", "0"], ["--port", "65531"], ["--port", "http"],
                                       ["--port"], ["--dir"], ["--detatch"], ["start"]])
def test_up_refuses_what_it_does_not_understand(arguments):
    done = run("up", *arguments)
    assert done.returncode == 1 and done.stderr.strip()


def test_down_of_nothing_is_harmless(folder):
    for _ in range(2):
        done = run("down", "--dir", str(folder / "never"))
        assert done.returncode == 0 and "Nothing was started" in done.stdout


def test_down_never_wipes_a_folder_that_up_did_not_make(folder):
    (folder / "precious").write_text("data")
    assert run("down", "--dir", str(folder), "--wipe").returncode == 0
    assert (folder / "precious").read_text() == "data"


def test_down_stops_what_was_started_and_keeps_the_data(folder):
    shell("stack_folders", folder)
    shell("postgres_start", folder, "test")
    shell("redis_start", folder)
    pid = int((folder / "postgres.pid").read_text().split()[0])
    done = run("down", "--dir", str(folder))
    assert done.returncode == 0
    assert "Stopped the postgres" in done.stdout and "Stopped the redis" in done.stdout
    assert not runs(pid)
    assert (folder / "postgres/PG_VERSION").exists()
    assert run("down", "--dir", str(folder), "--wipe").returncode == 0
    assert not folder.exists()
    folder.mkdir()  # for the fixture


@pytest.mark.parametrize("change", ["another start", "another boot"])
def test_a_process_id_given_to_another_program_since_is_not_killed(folder, bystander, change):
    shell("stack_folders", folder)
    shell("process_note", folder, "redis", bystander.pid)
    pid, started, boot = (folder / "redis.pid").read_text().split()
    if change == "another start":
        started = str(int(started) - 1)
    else:
        boot = "00000000-0000-0000-0000-000000000000"
    (folder / "redis.pid").write_text(f"{pid} {started} {boot}\n")
    assert run("down", "--dir", str(folder)).returncode == 0
    assert bystander.poll() is None


def test_stores_listen_on_no_port_and_are_closed_to_other_users(folder):
    shell("stack_folders", folder)
    shell("postgres_start", folder, "test")
    shell("redis_start", folder)
    try:
        assert (folder / "run").stat().st_mode & 0o077 == 0
        pids = {(folder / f"{name}.pid").read_text().split()[0] for name in ("postgres", "redis")}
        listening = {line.split()[9] for table in ("tcp", "tcp6")
                     for line in pathlib.Path(f"/proc/net/{table}").read_text().splitlines()[1:]
                     if line.split()[3] == "0A"}
        for pid in pids:
            for fd in pathlib.Path(f"/proc/{pid}/fd").iterdir():
                target = os.readlink(fd)
                assert target.removeprefix("socket:[").rstrip("]") not in listening
    finally:
        run("down", "--dir", str(folder))


def test_logs_are_for_their_owner_and_hold_no_parameters(folder):
    shell("stack_folders", folder)
    (folder / "log/redis.log").write_text("of before\n")
    (folder / "log/redis.log").chmod(0o644)
    shell("postgres_start", folder, "dev")
    shell("redis_start", folder)
    try:
        url = shell("postgres_url", folder, "postgres")
        connection = psycopg2.connect(url)
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("CREATE TABLE people (phone text PRIMARY KEY)")
            cursor.execute("SET log_min_duration_statement = 0")
            cursor.execute("INSERT INTO people SELECT '+2376' || '99112233'")
            for name in ("log_parameter_max_length", "log_parameter_max_length_on_error", "log_error_verbosity"):
                cursor.execute("SELECT current_setting(%s)", (name,))
                assert cursor.fetchone()[0] in ("0", "terse"), name
            with pytest.raises(psycopg2.errors.UniqueViolation):
                cursor.execute("INSERT INTO people SELECT '+2376' || '99112233'")
        connection.close()
        assert "duplicate key" in (folder / "log/postgres.log").read_text()
        assert "699112233" not in (folder / "log/postgres.log").read_text()
        logs = list((folder / "log").iterdir())
        assert {path.name for path in logs} >= {"postgres.log", "redis.log", "initdb.log"}
        assert {path.name: path.stat().st_mode & 0o777 for path in logs} == {path.name: 0o600 for path in logs}
    finally:
        shell("redis_stop", folder)
        shell("postgres_stop", folder)
