# SPDX-License-Identifier: MIT
"""What is added up of the ledger is what its entries come to, whenever and by how many it is done."""

import random

import pytest

from sql.conftest import migrated
from sql.statements import Client
from world.waiting import race

pytestmark = pytest.mark.slow

KINDS = ["ESCROW", "PLATFORM", "CLEARING", "USER"]
CATEGORIES = ["ORDER_PAYMENT", "REFUND", "PAYOUT"]


@pytest.fixture
def books():
    """A ledger of 400 movements over three weeks; .more() opens one more connection."""
    with migrated("reeyo_sql_rollups") as dsn:
        client = Client(dsn)
        client.more = lambda: Client(dsn)
        chance = random.Random(7)
        for n in range(400):
            client.sql("INSERT INTO ledger (id, amount, from_kind, to_kind, category, created_at)"
                       " VALUES (%s, %s, %s, %s, %s, now() - %s * interval '1 second')",
                       [f"txn_{n}", chance.randint(1, 10**6), *chance.sample(KINDS, 2), chance.choice(CATEGORIES),
                        chance.randint(0, 21 * 86400)])
        client.sql("SELECT ledger_roll_up_anew()")  # entries with a past
        yield client
        client.close()


def rolled(books):
    return books.sql("SELECT kind, category, starts, amount_in, amount_out, sides FROM ledger_rollups ORDER BY 1, 2, 3")


def balances(books):
    """By the function, and entry by entry."""
    summed = dict(books.sql("SELECT kind, sum(amount)::bigint FROM ledger_entries GROUP BY 1"))
    return [(books.value("SELECT account_balance(%s)", [kind]), summed[kind]) for kind in KINDS]


def all_of_it(books):
    while not books.value("SELECT ledger_roll_up('0')"):
        pass


def test_a_balance_is_the_sum_of_its_entries_at_each_step_of_adding_up(books):
    steps = 0
    while True:
        assert all(got == want for got, want in balances(books))
        if books.value("SELECT ledger_roll_up('1 hour')"):
            break
        steps += 1
    assert steps >= 2 and rolled(books)
    assert all(got == want for got, want in balances(books))


def test_turnover_is_the_sum_of_a_periods_entries_wherever_it_is_cut(books):
    chance = random.Random(8)
    day = "date_trunc('day', now() - %s * interval '1 second', business_zone())"
    for until in ("-infinity", None, None, None):
        if until is None:
            books.value("SELECT ledger_roll_up('6 hours')")
        for _ in range(60):
            ends = sorted((chance.randint(-86400, 23 * 86400) for _ in range(2)), reverse=True)
            cuts = [(day if chance.random() < 0.4 else "now() - %s * interval '1 second'") for _ in ends]
            kind, category = chance.choice(KINDS), chance.choice([*CATEGORIES, None])
            got, want = books.sql(
                f"WITH p AS MATERIALIZED (SELECT {cuts[0]} AS since, {cuts[1]} AS before)"
                " SELECT (SELECT t FROM p, account_turnover(%s, %s, p.since, p.before) t)::text, (SELECT ROW("
                "  coalesce(sum(amount) FILTER (WHERE amount > 0), 0), coalesce(-sum(amount) FILTER (WHERE amount < 0), 0),"
                "  count(*)) FROM ledger_entries e, p WHERE kind = %s AND category = coalesce(%s, category)"
                "  AND created_at >= since AND created_at < before)::text", [*ends, kind, category, kind, category])[0]
            assert got == want
    everything = books.sql("SELECT * FROM account_turnover('ESCROW', NULL, '-infinity', 'infinity')")[0]
    assert everything[0] - everything[1] == books.value("SELECT account_balance('ESCROW')")


def test_adding_up_again_changes_nothing(books):
    all_of_it(books)
    first = rolled(books)
    all_of_it(books)
    assert rolled(books) == first


def test_copies_that_add_up_at_once_do_it_once(books):
    clients = [books.more() for _ in range(8)]
    race([lambda client=client: all_of_it(client) for client in clients])
    assert all(got == want for got, want in balances(books))
    assert books.value("SELECT sum(sides) FROM ledger_rollups") == 800
    for client in clients:
        client.close()


def test_a_transaction_still_under_way_is_waited_for(books):
    slow = books.more()
    slow.connection.autocommit = False
    slow.sql("INSERT INTO ledger (id, amount, from_kind, to_kind, category)"
             " VALUES ('txn_slow', 5, 'CLEARING', 'ESCROW', 'ORDER_PAYMENT')")
    books.sql("INSERT INTO ledger (id, amount, from_kind, to_kind, category)"
              " VALUES ('txn_quick', 7, 'CLEARING', 'ESCROW', 'ORDER_PAYMENT')")
    all_of_it(books)
    assert books.value("SELECT until <= (SELECT created_at FROM ledger WHERE id = 'txn_quick') FROM ledger_rolled")
    before = books.value("SELECT account_balance('ESCROW')")
    slow.connection.commit()
    assert books.value("SELECT account_balance('ESCROW')") == before + 5
    all_of_it(books)
    assert all(got == want for got, want in balances(books))
    slow.close()


def test_another_time_zone_cuts_the_days_anew(books):
    all_of_it(books)
    books.sql("INSERT INTO settings (key, value) VALUES ('time_zone', '\"Asia/Kolkata\"')"
              " ON CONFLICT (key) DO UPDATE SET value = excluded.value")
    all_of_it(books)
    assert all(got == want for got, want in balances(books))
    assert books.value("SELECT bool_and(starts = date_trunc('day', starts, 'Asia/Kolkata')) FROM ledger_rollups")
