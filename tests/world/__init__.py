# SPDX-License-Identifier: MIT
"""What a test needs around it: stores of its own, databases, servers, clients, accounts."""
