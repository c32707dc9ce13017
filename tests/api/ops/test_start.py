# SPDX-License-Identifier: MIT
"""Errors that stop the server from starting, and their messages."""

import socket

import psycopg2
import pytest

from world.server import SECRET, reeyo

BASE = {"REEYO_JWT_SECRET": SECRET, "REEYO_REDIS_URL": "", "REEYO_ENVIRONMENT": "test",
        "REEYO_LISTEN": "127.0.0.1:0"}


def serve(url, *flags, **environment):
    return reeyo("serve", *flags, environment={**BASE, "REEYO_DATABASE_URL": url, **environment})


def failure(done):
    assert done.returncode not in (0, None) and done.returncode > 0, done
    return done.stdout + done.stderr


def test_an_empty_database_is_refused_naming_the_command_that_helps(databases):
    assert "reeyo migrate" in failure(serve(databases.empty()))


def change(url, statement):
    with psycopg2.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute(statement)
        found = cursor.fetchall() if cursor.description else None
    connection.close()
    return found


def migrate(url, *arguments):
    return reeyo("migrate", *arguments, environment={**BASE, "REEYO_DATABASE_URL": url})


def test_an_older_schema_is_refused_naming_the_command_that_helps(databases):
    url = databases.fresh()
    change(url, "DELETE FROM schema_migrations WHERE version = "
                "(SELECT max(version) FROM schema_migrations)")
    assert "reeyo migrate" in failure(serve(url))


def test_older_functions_are_refused_naming_the_command_that_helps(databases):
    url = databases.fresh()
    change(url, "UPDATE schema_functions SET checksum = repeat('0', 64) WHERE name = 'orders'")
    assert "reeyo migrate" in failure(serve(url))


def test_newer_functions_are_served(databases, start_server):
    """The old version keeps serving while the new one is rolled out."""
    url = databases.fresh()
    change(url, "UPDATE schema_functions SET current = false WHERE name = 'orders'; "
                "INSERT INTO schema_functions (name, checksum) VALUES ('orders', repeat('0', 64))")
    assert start_server(database_url=url).api().get("health").status == 200


def test_a_newer_schema_is_served(databases, start_server):
    """The old version keeps serving while the new one is rolled out."""
    url = databases.fresh()
    with psycopg2.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT * FROM schema_migrations LIMIT 0")
        names = [column.name for column in cursor.description]
        row = ", ".join("(SELECT max(version) + 1 FROM schema_migrations)" if name == "version"
                        else f"m.{name}" for name in names)
        cursor.execute(f"INSERT INTO schema_migrations ({', '.join(names)}) SELECT {row} "
                       "FROM schema_migrations m ORDER BY version DESC LIMIT 1")
    connection.close()
    assert start_server(database_url=url).api().get("health").status == 200


def test_migrate_twice_is_harmless_and_status_shows_it(databases):
    url = databases.empty()
    first, second = migrate(url), migrate(url)
    assert first.returncode == 0 and "applied 0001_" in first.stdout, first
    assert "applied functions base" in first.stdout
    assert second.returncode == 0 and "up to date" in second.stdout, second
    done = migrate(url, "status")
    assert done.returncode == 0 and "applied" in done.stdout and "pending" not in done.stdout
    names = {line.split()[1] for line in done.stdout.splitlines() if line.startswith("fn ")}
    assert names == {name for name, in change(url, "SELECT name FROM schema_functions")} > {"orders"}


def test_status_of_an_empty_database_shows_all_files_pending(databases):
    lines = migrate(databases.empty(), "status").stdout.splitlines()
    assert len(lines) > 20 and all(line.endswith("pending") for line in lines)


def test_a_changed_function_is_applied_again_and_nothing_else(databases):
    url = databases.empty()
    assert migrate(url).returncode == 0
    body = "SELECT pg_get_functiondef('order_json'::regproc)"
    before = change(url, body)
    change(url, "CREATE OR REPLACE FUNCTION order_json(o orders) RETURNS text LANGUAGE sql AS $$ SELECT 'x' $$; "
                "UPDATE schema_functions SET checksum = repeat('0', 64) WHERE name = 'orders'")
    assert any(line.split()[1:3] == ["orders", "pending,"]
               for line in migrate(url, "status").stdout.splitlines())
    done = migrate(url)
    assert done.returncode == 0 and done.stdout.splitlines() == ["applied functions orders"]
    assert change(url, body) == before
    assert "up to date" in migrate(url).stdout


def test_a_changed_schema_file_is_refused(databases):
    url = databases.empty()
    assert migrate(url).returncode == 0
    change(url, "UPDATE schema_migrations SET checksum = repeat('0', 64) WHERE version = 1")
    assert "0001_" in failure(migrate(url))


def test_a_newer_schema_is_not_migrated(databases):
    url = databases.empty()
    assert migrate(url).returncode == 0
    change(url, "INSERT INTO schema_migrations (version, name, checksum) VALUES (9999, 'later', repeat('0', 64)); "
                "UPDATE schema_functions SET checksum = repeat('0', 64) WHERE name = 'orders'")
    assert "9999_later" in failure(migrate(url))
    assert change(url, "SELECT checksum FROM schema_functions WHERE name = 'orders'") == [("0" * 64,)]


def test_instances_that_migrate_at_once_agree(databases):
    import subprocess

    from world.server import bare_environment, binary
    url = databases.empty()
    copies = [subprocess.Popen([binary(), "migrate"], stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                               env={**bare_environment(), **BASE, "REEYO_DATABASE_URL": url})
              for _ in range(4)]
    for copy in copies:
        printed, _ = copy.communicate(timeout=240)
        assert copy.returncode == 0, printed


def test_the_demo_data_may_be_loaded_twice(databases):
    url = databases.fresh()
    done = reeyo("demo", "--size", "small", environment={**BASE, "REEYO_DATABASE_URL": url})
    assert done.returncode == 0, done


@pytest.mark.parametrize("flags,named", [
    (["--no-such-key", "1"], "no-such-key"),
    (["--loops", "many"], "loops"),
    (["--loops", "1000"], "loops"),
    (["--body-limit", "10 bananas"], "body_limit"),
    (["--header-timeout", "soon"], "header_timeout"),
    (["--rate-limit", "perhaps"], "rate_limit"),
    (["--listen", "nowhere"], "listen"),
    (["--api", "user,martian"], "martian"),
    (["--jwt-secret", "short"], "jwt_secret"),
    (["--loops"], "loops"),
])
def test_a_wrong_flag_is_named(databases, flags, named):
    printed = failure(serve(databases.url, *flags))
    assert named in printed or named.replace("_", "-") in printed
    assert "short" not in printed or named != "jwt_secret"


def test_an_unknown_key_in_the_file_is_named(databases, tmp_path):
    file = tmp_path / "reeyo.conf"
    file.write_text("loops = 1\nloosp = 2\n")
    printed = failure(serve(databases.url, "--config", str(file)))
    assert "loosp" in printed and str(file) in printed


def test_a_missing_file_is_named(databases):
    assert "/no/such.conf" in failure(serve(databases.url, "--config", "/no/such.conf"))


def test_a_secret_may_come_from_a_file(databases, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text(SECRET + "\n")
    environment = {**BASE, "REEYO_DATABASE_URL": databases.url,
                   "REEYO_JWT_SECRET_FILE": str(secret)}
    del environment["REEYO_JWT_SECRET"]
    done = reeyo("check", environment=environment)
    assert SECRET not in done.stdout + done.stderr
    assert "jwt_secret" in done.stdout + done.stderr


def test_no_address_is_printed_with_its_password(databases):
    address = "https://ann:hid@den@partner.example:444/api?password=hidden"
    keys = ("campay_url", "twilio_url", "sendgrid_url", "fcm_url", "sns_url", "replica_url", "redis_url")
    done = reeyo("check", environment={**BASE, "REEYO_DATABASE_URL": databases.url,
                                       **{f"REEYO_{key.upper()}": address for key in keys}})
    printed = done.stdout + done.stderr
    assert "hid" not in printed and "den@" not in printed, printed
    assert "partner.example:444" in printed


def test_flags_override_the_environment_which_overrides_the_file(databases, tmp_path):
    file = tmp_path / "reeyo.conf"
    file.write_text("loops = 3\nbacklog = 100\nwork_queue = 7\n")
    done = reeyo("check", "--config", str(file), "--loops", "5",
                 environment={**BASE, "REEYO_DATABASE_URL": databases.url, "REEYO_LOOPS": "4",
                              "REEYO_BACKLOG": "200"})
    values = {line.split()[0]: line for line in (done.stdout + done.stderr).splitlines()
              if line.split()}
    assert "5" in values["loops"] and "200" in values["backlog"] and "7" in values["work_queue"]


def test_a_port_in_use_is_named(databases):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        printed = failure(serve(databases.fresh(), "--listen", f"127.0.0.1:{port}"))
    assert str(port) in printed and "in use" in printed


def test_a_server_without_its_database_names_it(databases):
    failure(serve("postgresql:///nobody_made_this?host=/nonexistent&connect_timeout=2"))


def test_an_unknown_command_is_refused_and_help_is_given():
    assert failure(reeyo("dance"))
    done = reeyo("version")
    assert done.returncode == 0 and done.stdout.strip()


@pytest.mark.parametrize("command", ["serve", "reconcile", "admin", "migrate"])
@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_every_command_prints_its_usage(command, flag):
    done = reeyo(command, "--json", flag)
    assert done.returncode == 0 and done.stdout.startswith(f"usage: reeyo {command}") and not done.stderr


@pytest.mark.parametrize("days, words", [
    (["--from", "2026-11-05", "--to", "2026-11-04"], "2026-11-05, is after the last, 2026-11-04"),
    (["--from", "2999-01-01"], "2999-01-01, is after the last"),
    (["--to", "2026-11-31"], "YYYY-MM-DD"), (["--from", "5.11.2026"], "YYYY-MM-DD"), (["--from", ""], "YYYY-MM-DD"),
    (["--from"], "usage: reeyo reconcile"),
])
def test_days_that_cannot_be_reconciled_are_refused(days, words):
    done = reeyo("reconcile", *days, environment=BASE)
    assert done.returncode != 0 and words in done.stderr and not done.stdout


@pytest.mark.parametrize("command", ["audit", "reconcile"])
def test_an_unreachable_store_is_not_reported_as_a_finding(command):
    nowhere = {**BASE, "REEYO_DATABASE_URL": "host=127.0.0.1 port=1 dbname=nowhere connect_timeout=2"}
    done = reeyo(command, environment=nowhere)
    assert done.returncode == 2, done
