# SPDX-License-Identifier: MIT
"""An account of each role on a running server, and an object of each kind that a path or body may name: enough to call any
row of the route tables (world.tables) with the required role."""

import functools
import types

from .accounts import appoint, hire, open_shop, register
from .database import Database
from .tables import Tables


class Callers:
    """.by_role: {role of world.tables.ROLES: .id .token .api}; .vendor: one of them, with an item. Close it with .close()."""

    def __init__(self, server):
        self.server = server
        self.sql = Database(server.configuration["database_url"])
        self.vendor = open_shop(server, self.sql, items=1)
        self.by_role = {
            "none": types.SimpleNamespace(id=None, token=None, api=server.api()), "customer": register(server),
            "vendor": self.vendor, "rider": hire(server, self.sql), "admin": appoint(server, self.sql),
            "super": appoint(server, self.sql, role="SUPER_ADMIN")}

    def of(self, row):
        """The account with the least rights that passes the row's role check."""
        return next(account for role, account in self.by_role.items() if row.admits(role))

    def send(self, row, url=None, method=None, **sent):
        """Calls the row and returns the reply. Without url, the path names existing objects."""
        return self.of(row).api.request(method or row.method, url or row.url(self.things), **sent)

    @functools.cached_property
    def tables(self):
        """The tables; their valid bodies name objects that exist here."""
        return Tables(vendorId=self.vendor.id, itemId=self.vendor.items[0])

    @functools.cached_property
    def things(self):
        """Ids of objects that a path may name, by the preceding part of the path; created at first use."""
        admin = self.by_role["super"].api
        zone = admin.post("logistics/zones", json={
            "name": "Akwa", "countryCode": "CM", "polygon": [[4, 9], [4, 10], [5, 10]]})
        webhook = admin.post("webhooks", json={"url": "https://reeyo.cm/a", "eventTypes": ["new_order"]})
        return {"users": register(self.server).id, "vendors": open_shop(self.server, self.sql).id,
                "riders": hire(self.server, self.sql).id, "items": self.vendor.items[0],
                "inventory": self.vendor.items[0], "menu": self.vendor.items[0],
                "zones": zone.data["id"], "webhooks": webhook.data["id"],
                "addresses": self.by_role["customer"].api.get("auth/addresses").data[0]["id"]}

    def close(self):
        self.sql.close()
