# SPDX-License-Identifier: MIT
"""config/reeyo.conf and config/local/reeyo.conf against the table in include/reeyo/core/config.h."""

import re

import pytest

from world.server import local_configuration, reeyo
from world.stores import ROOT

ROW = re.compile(r'X\((\w+),\s*\w+,\s*"([^"]*)",\s*"([^"]*)"', re.S)


def table():
    """Every key with its built-in default."""
    text = (ROOT / "include/reeyo/core/config.h").read_text().replace("\\\n", " ")
    text = text[text.index("#define REEYO_CONFIG(X)"):text.index("enum config_kind")]
    rows = {key: default for _, key, default in ROW.findall(text)}
    assert len(rows) > 50
    return rows


def keys_of(path):
    found = {}
    for line in (ROOT / path).read_text().splitlines():
        if line.strip() and not line.startswith("#"):
            key, value = line.split("=", 1)
            assert key.strip() not in found, f"{key} is there twice"
            found[key.strip()] = value.strip()
    return found


def test_the_production_file_names_every_key_with_its_built_in_default():
    expected = {**table(), "environment": "production"}
    assert keys_of("config/reeyo.conf") == expected


def test_the_local_file_has_only_known_keys():
    assert set(keys_of("config/local/reeyo.conf")) <= set(table())


def test_the_local_stack_differs_from_production_where_the_load_script_needs_it():
    local, production = local_configuration(), keys_of("config/reeyo.conf")
    assert (local["rate_limit"], production["rate_limit"]) == ("off", "on")
    assert (local["duplicate_window"], production["duplicate_window"]) == ("0", "60s")
    assert (local["login_memory"], production["login_memory"]) == ("on", "off")


def test_the_local_stack_lists_the_origins_of_pages_under_development():
    assert set(local_configuration()["allowed_origins"].split(",")) == {
        f"http://{host}:{port}" for host in ("localhost", "127.0.0.1") for port in (3000, 5173, 5180)}


@pytest.mark.parametrize("path", ["config/reeyo.conf", "config/local/reeyo.conf"])
def test_the_server_reads_both_files(path):
    """check prints the configuration before it tests the dependencies, which are missing here."""
    done = reeyo("check", "--config", str(ROOT / path), environment={
        "REEYO_JWT_SECRET": "s" * 40, "REEYO_DATABASE_URL": "host=/nonexistent",
        "REEYO_REDIS_URL": ""})
    printed = done.stdout + done.stderr
    for key, _value in keys_of(path).items():
        if key not in ("jwt_secret", "database_url", "redis_url", "replica_url"):
            assert re.search(rf"^\s*{re.escape(key)}\b", printed, re.M), key
    assert "s" * 40 not in printed


@pytest.mark.parametrize("switch,value", [("otp_test_code", "123456"), ("auto_approve", "on"),
                                          ("skip_phone_verify", "on"), ("card_sandbox", "on")])
def test_production_refuses_every_development_switch(switch, value):
    done = reeyo("serve", "--config", str(ROOT / "config/reeyo.conf"),
                 "--" + switch.replace("_", "-"), value,
                 environment={"REEYO_JWT_SECRET": "s" * 40,
                              "REEYO_DATABASE_URL": "host=/nonexistent"})
    assert done.returncode not in (0, None)
    assert switch in done.stdout + done.stderr
