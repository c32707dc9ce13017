# SPDX-License-Identifier: MIT
"""The one home of waiting: for a condition, never for a time.

No limit here is reached by a server that works, on however busy a machine: it only says how long a failure takes to be
told. A test that needs a time to pass moves the clock of the row instead."""

import concurrent.futures
import threading
import time

PATIENCE = 60  # seconds


def until(condition, seconds=PATIENCE, what="it"):
    """The condition's first true value. seconds: more than PATIENCE, where much has to come about; less counts as
    PATIENCE."""
    end = time.monotonic() + max(seconds, PATIENCE)
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, f"{what} did not come about within {max(seconds, PATIENCE)} s"
        time.sleep(0.02)


def beside(call, *args, **more):
    """The call, made by a thread of its own: .result() is what it returns, or raises what it raised."""
    told = _Told()

    def run():
        try:
            told.set_result(call(*args, **more))
        except BaseException as fault:
            told.set_exception(fault)
    threading.Thread(target=run, daemon=True).start()
    return told


class _Told(concurrent.futures.Future):
    def result(self, timeout=2 * PATIENCE):
        return super().result(timeout)


def race(calls):
    """Each call in a thread of its own, all begun at the same moment: what they return, in the order of the calls. One
    that raises fails the test."""
    gate = threading.Barrier(len(calls))

    def run(call):
        gate.wait(PATIENCE)
        return call()
    return [told.result() for told in [beside(run, call) for call in calls]]
