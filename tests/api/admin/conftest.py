# SPDX-License-Identifier: MIT
"""What only the console's tests stand on."""

import subprocess

import pytest

from world.waiting import PATIENCE


@pytest.fixture
def redis(redis_url):
    """redis("ZSCORE", key, member): what the shared server's Redis answers, as text."""
    url = redis_url()
    where = ["-s", url.removeprefix("unix://")] if url.startswith("unix:") else ["-u", url]
    return lambda *words: subprocess.run(["redis-cli", *where, *words], check=True, timeout=PATIENCE,
                                         capture_output=True, text=True).stdout.strip()
