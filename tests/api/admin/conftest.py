# SPDX-License-Identifier: MIT
"""Fixtures of the admin tests."""

import subprocess

import pytest

from world.waiting import PATIENCE


@pytest.fixture
def redis(redis_url):
    """redis("ZSCORE", key, member): the reply of the shared server's Redis, as text."""
    url = redis_url()
    where = ["-s", url.removeprefix("unix://")] if url.startswith("unix:") else ["-u", url]
    return lambda *words: subprocess.run(["redis-cli", *where, *words], check=True, timeout=PATIENCE,
                                         capture_output=True, text=True).stdout.strip()
