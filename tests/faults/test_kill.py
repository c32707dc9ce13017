# SPDX-License-Identifier: MIT
"""The server is killed with SIGKILL while money moves, and started again. tests/money/README.md: the same, a hundred times."""

import random

import pytest
from money.events import SETTLE_MS, Run

pytestmark = pytest.mark.slow


def test_acknowledged_requests_survive_a_kill_once_and_repeated_requests_happen_once(start_paying_server, redis_url):
    seed = random.SystemRandom().randrange(10 ** 6)
    print(f"seed {seed}")
    server = start_paying_server({"settle_ms": SETTLE_MS}, redis_url=redis_url(7), rate_limit="off", payment_asks=200)
    run = Run(server, seed, 1600, kills=4, momo=True)
    result = run.go()
    print(result)
    run.prove()
    assert result["kills"] == 4 and result["unanswered"] > 0
