# SPDX-License-Identifier: MIT
"""Log-ins of the demo accounts, and customers, vendors and riders made for one test."""

import itertools
import json
import threading

from .tokens import issue, with_role

# The demo accounts: namespace, credentials, role, account id.
DEMO = {
    "customer": ("user", {"phone": "+237670000001", "password": "Test123!@#"}, "USER", ""),
    "vendor": ("vendor", {"email": "vendor@reeyo.cm", "password": "VendorPass123!"},
               "VENDOR", "vendor_123"),
    "rider": ("rider", {"phone": "+237670000020", "password": "RiderPass123!"},
              "RIDER", "rider_demo_1"),
    "super": ("admin", {"email": "admin@reeyo.cm", "password": "AdminSecure123!"},
              "SUPER_ADMIN", "admin_demo_1"),
    "admin": ("admin", {"email": "support@reeyo.cm", "password": "AdminSecure123!"},
              "ADMIN", "admin_demo_2"),
}
PASSWORD = "Kumba-2024!"

_numbers = itertools.count(1)
_lock = threading.Lock()


def new_phone():
    """A Cameroon mobile number that no other test uses."""
    with _lock:
        return f"+23769{next(_numbers):07d}"


class Tokens:
    """Access tokens of the demo accounts on one server. Each logs in once; a role whose log-in
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
    """A new customer for one test: .id .phone .token .api"""

    def __init__(self, server, user, token):
        self.user = user
        self.id = user["userId"]
        self.phone = user["phone"]
        self.token = token
        self.api = server.api(token)


def register(server, verified=True, address=True, **fields):
    """Registers a customer like an app: verified with the test code, and with a default address."""
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


class Account:
    """A new vendor or rider for one test: .id .phone .email .token .api (on the listener of its
    namespace). It logs in with .password."""

    def __init__(self, server, namespace, row, password):
        self.id, self.phone, self.email = row["id"], row["phone"], row["email"]
        self.password = password
        self.token = issue(namespace.upper(), self.id)
        self.api = server.api(self.token, namespace)


def _insert(sql, table, row, twin):
    """A new row of an account. It copies the password hash of the demo account twin, because hashing is slow."""
    columns = ", ".join(row)
    marks = ", ".join(["%s"] * len(row))
    made = sql(f"INSERT INTO {table} ({columns}, password_hash) SELECT {marks}, password_hash"
               f" FROM {table} WHERE id = %s RETURNING *", *row.values(), twin)[0]
    sql("INSERT INTO wallets (owner_id, kind) VALUES (%s, %s)", made["id"], table[:-1].upper())
    return made


def _numbered(prefix):
    with _lock:
        number = next(_numbers)
    return f"{prefix}_test_{number}", f"{prefix}{number}@test.reeyo.cm"


def open_shop(server, sql, items=0, price=2500, stock=None, **columns):
    """A new vendor, approved and online in Douala; .items are the ids of its menu items,
    each with this price. columns: of the table vendors."""
    account, email = _numbered("vendor")
    row = {"id": account, "email": email, "phone": new_phone(), "owner_name": "Rose Etame",
           "business_name": "Chez Rose", "service_type": "FOOD", "business_type": "RESTAURANT",
           "address": "Rue Joffre, Akwa", "city": "Douala", "lat": 4.0503, "lng": 9.6960,
           "approval_status": "APPROVED", "is_online": True, "phone_verified": True,
           "email_verified": True, **columns}
    row = {name: json.dumps(value) if isinstance(value, dict) else value
           for name, value in row.items()}
    vendor = Account(server, "vendor", _insert(sql, "vendors", row, "vendor_123"),
                     DEMO["vendor"][1]["password"])
    vendor.items = [f"item_{account}_{n}" for n in range(1, items + 1)]
    for name in vendor.items:
        sql("INSERT INTO items (id, vendor_id, name, category, price, stock)"
            " VALUES (%s, %s, 'Ndolé', 'Plats', %s, %s)", name, account, price, stock)
    return vendor


def hire(server, sql, **columns):
    """A new rider: phone verified, approved, active, and offline in Douala. columns: of the table
    riders."""
    account, email = _numbered("rider")
    row = {"id": account, "email": email, "phone": new_phone(), "first_name": "Emmanuel",
           "last_name": "Tchoupo", "vehicle_type": "MOTORCYCLE",
           "vehicle_details": {"brand": "Bajaj", "plateNumber": "LT 123 AB"},
           "approval_status": "APPROVED", "status": "ACTIVE", "phone_verified": True,
           "lat": 4.0483, "lng": 9.6975, "city": "Douala", **columns}
    row = {name: json.dumps(value) if isinstance(value, dict) else value
           for name, value in row.items()}
    return Account(server, "rider", _insert(sql, "riders", row, "rider_demo_1"),
                   DEMO["rider"][1]["password"])


def change_settings(server, **members):
    """An admin changes business settings: PATCH config. They apply at once on every loop of this server."""
    api = server.api(issue("SUPER_ADMIN", DEMO["super"][3]))
    reply = api.patch("/api/v1/admin/config", json=members)
    assert reply.status == 200, reply
    api.close()


def appoint(server, sql, role="ADMIN"):
    """A new admin: .id .email .token .api .password"""
    account, email = _numbered("admin")
    row = sql("INSERT INTO admins (id, email, name, role, password_hash)"
              " SELECT %s, %s, 'Paul Biyick', %s, password_hash FROM admins WHERE id = 'admin_demo_1'"
              " RETURNING *, '' AS phone", account, email, role)[0]
    admin = Account(server, "admin", row, DEMO["super"][1]["password"])
    admin.token = issue(role, account)
    admin.api = server.api(admin.token, "admin")
    return admin
