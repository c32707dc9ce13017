# SPDX-License-Identifier: MIT
"""The storm of tests/money/intents, small."""

import os

import pytest

from money.storm import Storm, sound

pytestmark = pytest.mark.slow


def test_whatever_the_gateway_breaks_nothing_is_lost_doubled_or_unexplained(databases):
    seed = int(os.environ.get("REEYO_SEED", 41))
    verdict = Storm(databases.fresh(), 150, seed, kills=1).run()
    print(verdict)
    assert sound(verdict), verdict
    assert verdict["rows"] >= 150 and verdict["states"]["SUCCEEDED"] > 75, verdict
