# SPDX-License-Identifier: MIT
"""Waiting for what has to come about soon."""

import time


def until(condition, seconds=20, what="it"):
    """The condition's first true value, or the test fails after so many seconds."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, f"{what} did not come about within {seconds} s"
        time.sleep(0.02)
