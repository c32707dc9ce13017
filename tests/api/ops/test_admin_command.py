# SPDX-License-Identifier: MIT
"""`reeyo admin`, and the first super-admin made at start."""

import subprocess

import psycopg2
import pytest

from world.server import SECRET, bare_environment, binary

PASSWORD, OTHER = "First-Admin-1!", "Second-Admin-2!"
BASE = {"REEYO_JWT_SECRET": SECRET, "REEYO_REDIS_URL": "", "REEYO_ENVIRONMENT": "test",
        "REEYO_ARGON2_MEMORY": "64k", "REEYO_ARGON2_PASSES": "1"}


def admin(url, *flags, typed=None, **environment):
    return subprocess.run([binary(), "admin", *flags], input=typed or "", text=True, timeout=240,
                          capture_output=True, env={**bare_environment(), **BASE,
                                                    "REEYO_DATABASE_URL": url, **environment})


def rows(url, statement):
    connection = psycopg2.connect(url)
    with connection, connection.cursor() as cursor:
        cursor.execute(statement)
        found = cursor.fetchall() if cursor.description else None
    connection.close()
    return found


def log_in(server, email, password):
    return server.api(None, "admin").post("auth/login", json={"email": email, "password": password})


@pytest.fixture
def url(databases):
    made = databases.fresh()
    rows(made, "DELETE FROM admins")
    return made


def test_an_admin_is_made_with_a_password_from_standard_input_or_the_environment(url, start_server):
    done = admin(url, "--email", "One@Reeyo.cm", "--name", "Paul Biyick", typed=PASSWORD + "\n")
    assert done.returncode == 0 and "created" in done.stdout, done
    done = admin(url, "--email", "two@reeyo.cm", "--role", "admin",
                 REEYO_SUPER_ADMIN_PASSWORD=PASSWORD)
    assert done.returncode == 0, done
    assert PASSWORD not in done.stdout + done.stderr
    server = start_server(database_url=url)
    one = log_in(server, "one@reeyo.cm", PASSWORD).data["admin"]
    assert (one["name"], one["role"]) == ("Paul Biyick", "SUPER_ADMIN")
    assert log_in(server, "two@reeyo.cm", PASSWORD).data["admin"]["role"] == "ADMIN"


def test_a_locked_out_admin_logs_in_again_and_old_sessions_end(url, start_server):
    assert admin(url, "--email", "one@reeyo.cm", typed=PASSWORD).returncode == 0
    server = start_server(database_url=url)
    session = log_in(server, "one@reeyo.cm", PASSWORD).data
    for _ in range(5):
        log_in(server, "one@reeyo.cm", "Wrong-123!")
    assert log_in(server, "one@reeyo.cm", PASSWORD).status == 429
    done = admin(url, "--email", "one@reeyo.cm", typed=OTHER)
    assert done.returncode == 0 and "new password" in done.stdout, done
    assert log_in(server, "one@reeyo.cm", OTHER).status == 200
    assert rows(url, "SELECT count(*) FROM admins") == [(1,)]
    reply = server.api(None, "admin").post("auth/refresh", json={"refreshToken": session["refreshToken"]})
    assert reply.status == 401


@pytest.mark.parametrize("flags, typed, message", [
    ((), PASSWORD, "usage"), (("--email", "nobody"), PASSWORD, "email"),
    (("--email", "a@reeyo.cm"), "weak", "password"), (("--email", "a@reeyo.cm"), None, "password"),
    (("--email", "a@reeyo.cm", "--role", "KING"), PASSWORD, "role"),
    (("--email", "a@reeyo.cm", "word"), PASSWORD, "usage")])
def test_a_wrong_call_creates_no_admin_and_prints_why(url, flags, typed, message):
    done = admin(url, *flags, typed=typed)
    assert done.returncode > 0 and message in done.stderr, done
    assert rows(url, "SELECT 1 FROM admins") == []


def test_the_first_super_admin_is_made_at_start_and_never_again(url, start_server):
    keys = {"super_admin_email": "first@reeyo.cm", "super_admin_password": PASSWORD}
    server = start_server(database_url=url, **keys)
    assert log_in(server, "first@reeyo.cm", PASSWORD).data["admin"]["role"] == "SUPER_ADMIN"
    server.configure(super_admin_password=OTHER).restart()
    assert log_in(server, "first@reeyo.cm", OTHER).status == 401
    server.configure(super_admin_email="second@reeyo.cm").restart()
    assert rows(url, "SELECT email FROM admins") == [("first@reeyo.cm",)]


def test_a_weak_password_of_the_first_super_admin_stops_the_start(url):
    done = subprocess.run([binary(), "serve"], capture_output=True, text=True, timeout=240, env={
        **bare_environment(), **BASE, "REEYO_DATABASE_URL": url, "REEYO_LISTEN": "127.0.0.1:0",
        "REEYO_SUPER_ADMIN_EMAIL": "first@reeyo.cm", "REEYO_SUPER_ADMIN_PASSWORD": "weak"})
    assert done.returncode > 0 and "password" in done.stderr
    assert rows(url, "SELECT 1 FROM admins") == []
