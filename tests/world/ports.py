# SPDX-License-Identifier: MIT
"""Ports that a test must know before a program listens on them.

A port that was bound and released may be given to another program in the meantime. So each test process reserves a block
of ports below the kernel's ephemeral ports and holds a lock on it: no other test process of this machine uses a port of
the same block."""

import fcntl
import itertools
import os
import socket
import tempfile
import threading

FIRST, BLOCK, BLOCKS = 10000, 100, 200

_lock = threading.Lock()
_claimed = None  # the lock file, kept open
_ports = None


def _claim():
    """Reserves a free block."""
    folder = os.path.join(tempfile.gettempdir(), "reeyo-test-ports")
    os.makedirs(folder, exist_ok=True)
    for number in range(BLOCKS):
        try:
            file = open(os.path.join(folder, str(number)), "a")
        except PermissionError:
            continue  # belongs to another user
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            continue
        return file, FIRST + number * BLOCK
    raise RuntimeError(f"every block of ports is taken, see {folder}")


def _free(port):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_port():
    """A free port that no other test process uses."""
    global _claimed, _ports
    with _lock:
        if _claimed is None:
            _claimed, first = _claim()
            _ports = itertools.cycle(range(first, first + BLOCK))
        for port in itertools.islice(_ports, BLOCK):
            if _free(port):
                return port
    raise RuntimeError("every port of this process's block is in use")


def free_ports(count):
    """The first of `count` consecutive free ports."""
    first = last = free_port()
    while last < first + count - 1:
        following = free_port()
        first, last = (first if following == last + 1 else following), following
    return first
