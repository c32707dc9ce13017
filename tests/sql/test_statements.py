# SPDX-License-Identifier: MIT
"""Every statement of sql/queries prepares on the schema, and returns what its comment promises."""

import pytest

from sql.statements import STATEMENTS


@pytest.mark.parametrize("name", sorted(STATEMENTS))
def test_it_prepares(db, name):
    db.sql(f"PREPARE s AS {STATEMENTS[name]}")


def test_a_failed_statement_names_the_error(db):
    import psycopg2

    with pytest.raises(psycopg2.Error) as caught:
        db.sql("SELECT fail('WALLET_SHORT', 'why')")
    assert caught.value.pgcode == "RY000"
    assert caught.value.diag.message_primary == "WALLET_SHORT"
    assert caught.value.diag.message_detail == "why"


def test_times_are_utc_with_milliseconds(db):
    assert db.value("SELECT iso('2026-11-23 21:40:45.1239+01')") == "2026-11-23T20:40:45.123Z"


@pytest.mark.parametrize("clock, is_open", [
    ("2026-11-23 07:59", False), ("2026-11-23 08:00", True), ("2026-11-23 21:59", True),
    ("2026-11-23 22:00", False),                                  # a Monday
    ("2026-11-24 23:30", True), ("2026-11-25 01:30", True), ("2026-11-25 02:00", False),  # past midnight
    ("2026-11-26 12:00", False),                                  # closed
    ("2026-11-27 12:00", False),                                  # not named, as others are
])
def test_hours_open(db, clock, is_open):
    hours = ('{"monday":{"open":"08:00","close":"22:00"},"tuesday":{"open":"18:00","close":"02:00"},'
             '"wednesday":{"closed":true},"thursday":{"open":"08:00","close":"22:00","closed":true}}')
    assert db.value("SELECT hours_open(%s, %s)", [hours, clock]) is is_open


@pytest.mark.parametrize("hours", ["{}", '{"note":"x"}', None])
def test_without_any_day_it_is_always_open(db, hours):
    assert db.value("SELECT hours_open(%s, '2026-11-27 12:00')", [hours]) is True
    assert db.value("SELECT hours_hold_ms(%s, '2026-11-27 12:00')", [hours]) is None


@pytest.mark.parametrize("clock, seconds", [
    ("2026-11-23 07:59:30", 30), ("2026-11-23 08:00:00", 14 * 3600), ("2026-11-23 21:59:59.5", 0.5),   # a Monday
    ("2026-11-23 22:00", 20 * 3600), ("2026-11-24 23:59:59", 7201), ("2026-11-25 01:59", 60),
    ("2026-11-25 02:00", 24 * 3600),                                        # Thursday's midnight, though nothing changes
    ("2026-11-26 23:59:50", 10), ("2026-11-27 00:30", None)])
def test_hours_hold_until_the_next_open_or_close(db, clock, seconds):
    hours = ('{"monday":{"open":"08:00","close":"22:00"},"tuesday":{"open":"18:00","close":"02:00"},'
             '"thursday":{"open":"02:00","close":"24:00"}}')
    assert db.value("SELECT hours_hold_ms(%s, %s)", [hours, clock]) == (seconds and seconds * 1000)


def test_hours_change_only_when_hours_hold_ms_announced_it(db):
    """Every minute of a week: open or closed changes only when the announced time is over."""
    hours = ('{"monday":{"open":"08:00","close":"22:00"},"tuesday":{"open":"18:00","close":"02:00"},'
             '"wednesday":{"open":"00:00","close":"00:00"},"saturday":{"open":"23:30","close":"23:30"},'
             '"sunday":{"closed":true}}')
    changes = db.sql("""
      WITH week AS (SELECT t, hours_open(%s, t) AS open, hours_hold_ms(%s, t) AS hold
                      FROM generate_series('2026-11-23'::timestamp, '2026-11-30', '1 minute') t)
      SELECT t FROM (SELECT *, lag(open) OVER (ORDER BY t) AS was, lag(hold) OVER (ORDER BY t) AS held FROM week) s
       WHERE open <> was AND held IS DISTINCT FROM 60000""", [hours, hours])
    assert changes == []


def test_distance_is_haversine_with_a_radius_of_6371_km(db):
    assert abs(db.value("SELECT distance_km(4.0511, 9.7679, 3.8480, 11.5021)") - 193.73) < 0.5
    assert db.value("SELECT distance_km(4.05, 9.7, 4.05, 9.7)") == 0


def test_a_setting_that_commits_late_is_still_noticed(connect):
    first, second = connect(), connect()
    before = first.run("settings_version")[0][0]
    first.sql("BEGIN; UPDATE settings SET value = '2500' WHERE key = 'services.food.minOrderAmount'")
    second.sql("UPDATE settings SET value = '1100' WHERE key = 'delivery_fee_base'")
    between = second.run("settings_version")[0][0]
    first.sql("COMMIT")
    after = second.run("settings_version")[0][0]
    assert before != between != after
    second.sql("UPDATE settings SET value = '2000' WHERE key = 'services.food.minOrderAmount';"
               "UPDATE settings SET value = '1000' WHERE key = 'delivery_fee_base'")


def test_a_zone_changes_the_settings_version(db):
    before = db.run("settings_version")[0][0]
    db.sql("INSERT INTO zones (id, name, polygon, delivery_fee_override)"
           " VALUES ('zone_1', 'Akwa', '[[4.0,9.6],[4.1,9.6],[4.1,9.8]]', 500)")
    version, _, zones = db.run("settings_get")[0]
    assert version > before
    assert '"fee":500' in zones
    db.sql("DELETE FROM zones")
    assert db.run("settings_version")[0][0] > version
