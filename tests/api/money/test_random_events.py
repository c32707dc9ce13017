# SPDX-License-Identifier: MIT
"""A few thousand random events, 16 at a time; tests/money/README.md has the results of a million."""

import os
import random

import pytest
from money.events import SETTLE_MS, Run, chosen

pytestmark = pytest.mark.slow

EVENTS = 3000


def test_random_events_leave_books_that_balance_and_all_that_was_acknowledged(start_paying_server, redis_url):
    seed = int(os.environ.get("REEYO_SEED", random.SystemRandom().randrange(10 ** 6)))
    print(f"seed {seed}")
    server = start_paying_server({"settle_ms": SETTLE_MS}, redis_url=redis_url(6), rate_limit="off", payment_asks=200)
    run = Run(server, seed, EVENTS, momo=True)
    result = run.go()
    print(result)
    run.prove()
    assert result["events"] == EVENTS and result["delivered"] > EVENTS / 40


def test_a_seed_chooses_the_same_events_again():
    assert chosen(7, 500) == chosen(7, 500) != chosen(8, 500)
