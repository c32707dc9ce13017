# SPDX-License-Identifier: MIT
"""Checks the ledger of a test database with `reeyo audit`."""

import contextlib
import json

from .server import reeyo


def audit(database_url):
    """{check: None, or the first violation that `reeyo audit` reports}."""
    result = reeyo("audit", "--json", environment={"REEYO_DATABASE_URL": database_url}, timeout=600)
    assert result.stdout, result.stderr
    found = {row["check"]: None if row["ok"] else row for row in json.loads(result.stdout)}
    assert result.returncode == (1 if any(found.values()) else 0), result.stderr
    return found


def books_balance(database):
    """Asserts that every check of the audit holds. database: its url, or a Server."""
    url = database if isinstance(database, str) else database.configuration["database_url"]
    broken = [row for row in audit(url).values() if row]
    assert not broken, "\n".join(f"{row['check']}: {row['entry']}: {row['what']} ({row['count']} in all)" for row in broken)


@contextlib.contextmanager
def books_kept(database):
    """The same where other tests write inconsistent rows: the block inside adds no violation."""
    def counts():
        return {check: row["count"] if row else 0 for check, row in audit(url).items()}
    url = database if isinstance(database, str) else database.configuration["database_url"]
    before = counts()
    yield
    broken = {check: count - before[check] for check, count in counts().items() if count > before[check]}
    assert not broken, f"{broken}: {[row for row in audit(url).values() if row]}"


def top_up(sql, owner, amount, kind="USER"):
    """Adds money to an account, with its ledger entry. sql: a fixture `sql`."""
    sql("WITH w AS (INSERT INTO wallets AS w (owner_id, kind, available) VALUES (%s, %s, %s) ON CONFLICT (owner_id)"
        " DO UPDATE SET available = w.available + excluded.available RETURNING *)"
        " INSERT INTO ledger (id, amount, from_kind, to_kind, to_owner, to_balance, category, reference, description)"
        " SELECT 'txn_0-' || gen_random_uuid(), %s, 'CLEARING', kind, owner_id, available, 'WALLET_TOPUP', 'test',"
        " 'Money of a test' FROM w", owner, kind, amount, amount)
