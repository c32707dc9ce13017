# SPDX-License-Identifier: MIT
"""All waiting of tests: for a condition, never for a time.

A working server never reaches these limits, even on a busy machine; they only bound how long a failure takes to be
reported. A test that needs time to pass changes the times in the row instead."""

import concurrent.futures
import threading
import time

PATIENCE = 60  # seconds


def until(condition, seconds=PATIENCE, what="it"):
    """Returns the first true value of the condition. seconds: more than PATIENCE for long operations; less counts as
    PATIENCE."""
    end = time.monotonic() + max(seconds, PATIENCE)
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, f"{what} did not happen within {max(seconds, PATIENCE)} s"
        time.sleep(0.02)


def beside(call, *args, **more):
    """Runs the call in a new thread: .result() returns its result or raises its exception."""
    future = _Future()

    def run():
        try:
            future.set_result(call(*args, **more))
        except BaseException as fault:
            future.set_exception(fault)
    threading.Thread(target=run, daemon=True).start()
    return future


class _Future(concurrent.futures.Future):
    def result(self, timeout=2 * PATIENCE):
        return super().result(timeout)


def race(calls):
    """Runs each call in its own thread, all started at the same moment, and returns the results in the order of the calls. An
    exception fails the test."""
    gate = threading.Barrier(len(calls))

    def run(call):
        gate.wait(PATIENCE)
        return call()
    return [future.result() for future in [beside(run, call) for call in calls]]
