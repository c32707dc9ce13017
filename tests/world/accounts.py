# SPDX-License-Identifier: MIT
"""Log-ins of the demo accounts, and customers made for one test."""

import itertools
import threading

from .tokens import access_claims, signed

# Who a test may call as: the demo customer logs in, the others' tokens are signed by hand.
CUSTOMER = {"phone": "+237670000001", "password": "Test123!@#"}
SIGNED = {"vendor": ("VENDOR", "vendor_123"), "rider": ("RIDER", "rider_demo_1"),
          "admin": ("SUPER_ADMIN", "admin_demo_1")}
PASSWORD = "Kumba-2024!"

_numbers = itertools.count(1)
_lock = threading.Lock()


def new_phone():
    """A Cameroon mobile that no other test uses."""
    with _lock:
        return f"+23769{next(_numbers):07d}"


class Tokens:
    """Access tokens of the demo accounts on one server, made once each."""

    def __init__(self, server):
        self.server = server
        self.known = {}

    def __call__(self, role="customer"):
        if role not in self.known and role in SIGNED:
            claims = access_claims(*SIGNED[role])
            self.known[role] = signed(claims, self.server.configuration["jwt_secret"])
        elif role not in self.known:
            reply = self.server.api().post("auth/login", json=CUSTOMER)
            assert reply.status == 200, f"{role}: {reply}"
            self.known[role] = reply.data["token"]
        return self.known[role]


class Customer:
    """A customer of a test's own: .id .phone .token .api"""

    def __init__(self, server, user, token):
        self.user = user
        self.id = user["userId"]
        self.phone = user["phone"]
        self.token = token
        self.api = server.api(token)


def register(server, verified=True, address=True, **fields):
    """Registers a customer as an app would: the code that always works, and a default address."""
    body = {"firstName": "Awa", "lastName": "Ngono", "phone": new_phone(), "password": PASSWORD,
            **fields}
    reply = server.api().post("auth/register", json=body)
    assert reply.status == 201, reply
    customer = Customer(server, reply.data["user"], reply.data["token"])
    if verified:
        reply = customer.api.post("auth/verify-phone", json={"otp": "123456"})
        assert reply.status == 200, reply
    if address:
        reply = customer.api.post("auth/addresses", json={
            "label": "Home", "address": "Rue Njo-Njo, Bonapriso", "city": "Douala",
            "coordinates": {"lat": 4.0301, "lng": 9.6948}, "isDefault": True})
        assert reply.status == 201, reply
    return customer
