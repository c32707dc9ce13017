# SPDX-License-Identifier: MIT
"""The environment of tests: PostgreSQL and Redis of their own, databases, servers, clients, accounts."""
