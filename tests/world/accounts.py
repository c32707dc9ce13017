# SPDX-License-Identifier: MIT
"""Log-ins of the demo accounts, and customers made for one test."""

import itertools
import threading

from .tokens import with_role

# Who a test may call as; the demo data has them all: namespace, what it logs in with, role, account.
DEMO = {
    "customer": ("user", {"phone": "+237670000001", "password": "Test123!@#"}, "USER", ""),
    "vendor": ("vendor", {"email": "vendor@reeyo.cm", "password": "VendorPass123!"},
               "VENDOR", "vendor_123"),
    "rider": ("rider", {"phone": "+237670000020", "password": "RiderPass123!"},
              "RIDER", "rider_demo_1"),
    "super": ("admin", {"email": "admin@reeyo.cm", "password": "AdminSecure123!"},
              "SUPER_ADMIN", "admin_demo_1"),
    "admin": ("", {}, "ADMIN", "admin_plain"),
}
PASSWORD = "Kumba-2024!"

_numbers = itertools.count(1)
_lock = threading.Lock()


def new_phone():
    """A Cameroon mobile that no other test uses."""
    with _lock:
        return f"+23769{next(_numbers):07d}"


class Tokens:
    """Access tokens of the demo accounts on one server. They log in once each; a role whose log-in
    is not served gets a token signed here."""

    def __init__(self, server):
        self.server = server
        self.known = {}

    def __call__(self, role="customer"):
        if role not in self.known:
            self.known[role] = self._log_in(*DEMO[role])
        return self.known[role]

    def _log_in(self, namespace, credentials, role, account):
        if namespace:
            reply = self.server.api().post(f"/api/v1/{namespace}/auth/login", json=credentials)
            if reply.status == 200:
                return reply.data["token"]
            assert namespace != "user" and reply.status == 404, f"{role}: {reply}"
        return with_role(self("customer"), role, account)


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
