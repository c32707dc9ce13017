# SPDX-License-Identifier: MIT
"""A small run of the storm of tests/money/intents."""

import os

import pytest
from money.storm import Storm, sound

pytestmark = pytest.mark.slow


def test_no_gateway_fault_loses_doubles_or_leaves_a_payment_unexplained(databases):
    seed = int(os.environ.get("REEYO_SEED", 41))
    verdict = Storm(databases.fresh(), 150, seed, kills=1).run()
    print(verdict)
    assert sound(verdict), verdict
    assert verdict["rows"] >= 150 and verdict["states"]["SUCCEEDED"] > 75, verdict
