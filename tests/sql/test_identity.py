# SPDX-License-Identifier: MIT
"""Identity: cut-offs during log-ins, and that the time of a log-in does not show whether an admin exists."""

import pytest


@pytest.fixture
def db(connect):
    one = connect()
    one.sql("INSERT INTO admins (id, email, name, role, password_hash) VALUES ('admin_i1', 'i1@reeyo.cm', 'I', 'ADMIN', 'h')"
            " ON CONFLICT DO NOTHING")
    one.sql("INSERT INTO users (id, first_name, last_name, phone, email, password_hash) VALUES"
            " ('user_i1', 'A', 'B', '+237690000901', 'i1@example.cm', 'h') ON CONFLICT DO NOTHING")
    return one


def test_an_unknown_admin_costs_the_database_as_much_as_a_known_one(db):
    """Both assign a transaction id, so both wait for the disk when they commit."""
    db.connection.autocommit = False
    for email, rows in (("i1@reeyo.cm", 1), ("nobody@reeyo.cm", 0)):
        assert len(db.run("admin_credentials", email=email)) == rows
        assert db.value("SELECT pg_current_xact_id_if_assigned() IS NOT NULL"), email
        db.connection.rollback()
    db.connection.autocommit = True
    assert db.value("SELECT has_function_privilege('public', 'pg_logical_emit_message(boolean, text, text)', 'execute')")


def log_in(db, session, replacement=None):
    """Opens a session of user_i1, whose hash is "h". Returns the row."""
    return db.run("user_log_in", account_id="user_i1", old_hash="h", new_hash=replacement, session_id=session,
                  jti=session.replace("ses", "ref"), refresh_life_s=600)[0]


def test_a_log_in_that_waited_for_a_suspension_and_its_end_is_after_the_cut_off(db, connect):
    """The log-in began before the suspension; its tokens are issued after it, and their time shows it."""
    suspender, lifter = connect(), connect()
    db.connection.autocommit = False
    began = db.value("SELECT epoch_ms(now())")  # the log-in's transaction has begun
    suspender.sql("UPDATE users SET status = 'SUSPENDED' WHERE id = 'user_i1'")
    cutoff = int(suspender.value("SELECT account_end_sessions('user_i1', 'suspended', 600)").split(",")[0])
    lifter.sql("UPDATE users SET status = 'ACTIVE' WHERE id = 'user_i1'")
    row = log_in(db, "ses_i1")
    db.connection.rollback()
    db.connection.autocommit = True
    assert began <= cutoff <= row[2]
    assert suspender.value("SELECT epoch_ms(before) FROM revocations WHERE subject = 'user_i1' ORDER BY seq DESC LIMIT 1") == cutoff


@pytest.mark.parametrize("replacement", [None, "h2"])
def test_a_log_in_does_not_wait_for_another_of_the_same_account(db, connect, replacement):
    """Two that waited would wait for each other and delay every statement behind them."""
    other = connect()
    db.sql("UPDATE users SET last_login = NULL WHERE id = 'user_i1'")
    other.connection.autocommit = False
    other.sql("SELECT FROM users WHERE id = 'user_i1' FOR SHARE")  # as another log-in does
    db.sql("SET lock_timeout = '1s'")
    row = log_in(db, f"ses_w_{replacement}", replacement)
    assert row[1] is False and db.value("SELECT last_login IS NULL AND password_hash = 'h' FROM users WHERE id = 'user_i1'")
    other.connection.rollback()
    row = log_in(db, f"ses_v_{replacement}")
    assert row[1] is True and db.value("SELECT last_login FROM users WHERE id = 'user_i1'")
    db.sql("DELETE FROM sessions WHERE account_id = 'user_i1'")


def test_the_cut_off_comes_first_and_the_sessions_after_it(db):
    db.sql("INSERT INTO sessions (id, account_id, role, jti, expires_at) VALUES"
           " ('ses_i2', 'user_i1', 'USER', 'r2', now() + interval '1 day'), ('ses_i3', 'user_i1', 'USER', 'r3', now() + interval '1 day')")
    cutoff, *ended = db.value("SELECT account_end_sessions('user_i1', 'suspended', 600)").split(",")
    assert int(cutoff) > 1_700_000_000_000 and sorted(ended) == ["ses_i2", "ses_i3"]


def test_another_reset_token_voids_the_one_before_it_and_their_number_is_limited(db):
    def forgot(number, phone=None, email=None):
        return db.run("account_forgot_password", kind="USER", phone=phone, email=email, token_hash=f"hash-{number}",
                      token_life_s=3600, max_tokens=3, window_s=900)
    for number in range(5):  # by either name
        rows = forgot(number, *(("+237690000901", None) if number % 2 else (None, "i1@example.cm")))
        assert len(rows) == (1 if number < 3 else 0)
    assert db.value("SELECT array_agg(token_hash) FROM reset_tokens WHERE account_id = 'user_i1' AND used_at IS NULL") == ["hash-2"]
    assert forgot(9, "+237690000999") == []
    db.sql("UPDATE reset_tokens SET created_at = now() - interval '15 minutes' WHERE account_id = 'user_i1'")
    assert len(forgot(6, "+237690000901")) == 1
