# SPDX-License-Identifier: MIT
"""A server that takes mobile money, and its gateway."""

import pytest

from world.audit import books_balance
from world.payers import Till


@pytest.fixture(scope="module")
def shared_till(databases, fake):
    """One server and one gateway for the tests of a module."""
    made = Till(databases.fresh(), fake)
    yield made
    made.close()


@pytest.fixture
def till(shared_till):
    """The shared till; after each test open payments are expired and the books checked."""
    yield shared_till
    shared_till.settle()
    books_balance(shared_till.server)


@pytest.fixture
def own_till(databases, fake):
    """own_till(**configuration): a server and a gateway that a test can kill, stop and slow down."""
    made = []

    def make(database_url=None, **configuration):
        made.append(Till(database_url or databases.fresh(), fake, **configuration))
        return made[-1]
    yield make
    for one in made:
        books_balance(one.server)
        one.close()
