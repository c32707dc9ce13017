# SPDX-License-Identifier: MIT
"""The server dies by SIGKILL while money moves, and is started again. tests/money/README.md: the same a hundred times."""

import random

import pytest

from money.events import SETTLE_MS, Run

pytestmark = pytest.mark.slow


def test_what_was_acknowledged_before_a_kill_is_there_once_and_what_was_not_is_once_when_repeated(start_paying_server, redis_url):
    seed = random.SystemRandom().randrange(10 ** 6)
    print(f"seed {seed}")
    server = start_paying_server({"settle_ms": SETTLE_MS}, redis_url=redis_url(7), rate_limit="off", payment_asks=200)
    run = Run(server, seed, 1600, kills=4, momo=True)
    result = run.go()
    print(result)
    run.prove()
    assert result["kills"] == 4 and result["unanswered"] > 0
