# SPDX-License-Identifier: MIT
"""A few thousand random events, 16 at a time; tests/money/README.md says what is proved of a million."""

import os
import random

from money.events import Run, chosen

EVENTS = 3000


def test_random_events_leave_books_that_balance_and_all_that_was_acknowledged(start_server, redis_url):
    seed = int(os.environ.get("REEYO_SEED", random.SystemRandom().randrange(10 ** 6)))
    print(f"seed {seed}")
    run = Run(start_server(redis_url=redis_url(6), rate_limit="off"), seed, EVENTS)
    result = run.go()
    print(result)
    run.prove()
    assert result["events"] == EVENTS and result["delivered"] > EVENTS / 40


def test_a_seed_chooses_the_same_events_again():
    assert chosen(7, 500) == chosen(7, 500) != chosen(8, 500)
