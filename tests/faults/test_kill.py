# SPDX-License-Identifier: MIT
"""The server dies by SIGKILL while money moves, and is started again. tests/money/README.md: the same a hundred times."""

import random

from money.events import Run
from world.server import free_port


def test_what_was_acknowledged_before_a_kill_is_there_once_and_what_was_not_is_once_when_repeated(start_server, redis_url):
    seed = random.SystemRandom().randrange(10 ** 6)
    print(f"seed {seed}")
    server = start_server(redis_url=redis_url(7), rate_limit="off", listen=f"127.0.0.1:{free_port()}")
    run = Run(server, seed, 1600, kills=4)
    result = run.go()
    print(result)
    run.prove()
    assert result["kills"] == 4 and result["unanswered"] > 0
