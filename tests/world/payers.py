# SPDX-License-Identifier: MIT
"""A server with mobile money through the fake gateway: actions of customers, and replies of the gateway."""

import hashlib
import hmac
import json

from .accounts import register
from .client import Api
from .database import Database
from .server import Server, reeyo
from .waiting import PATIENCE, until

USERNAME, PASSWORD, APP_KEY, WEBHOOK_KEY = "reeyo", "campay-password", "campay-app-key", "campay-webhook-key"
NEVER_MS = 86400000
PHONE = "+237670000001"
BASKET = {"vendorId": "vendor_123", "items": [{"itemId": "item_1", "quantity": 1}]}


class Till:
    """.server .gateway (the fake) .sql .customer(); amounts in XAF, references are our ids (pay_…)."""

    def __init__(self, database_url, fake, redis_url="", **configuration):
        self.gateway = fake("campay", settle_ms=NEVER_MS)
        self.server = Server(database_url, redis_url, **{
            "campay_url": self.gateway.url, "campay_username": USERNAME, "campay_password": PASSWORD,
            "campay_app_key": APP_KEY, "campay_webhook_key": WEBHOOK_KEY, "gateway_timeout": "5s", **configuration}).start()
        self.sql = Database(database_url)

    def customer(self):
        return register(self.server)

    # --- Actions of customers

    def top_up(self, customer, amount=5000, key=None, **fields):
        body = {"amount": amount, "paymentMethod": "MOBILE_MONEY", "phone": PHONE, **fields}
        return customer.api.post("wallet/add-funds", json=body, headers={"Idempotency-Key": key} if key else None)

    def order(self, customer, key=None, **fields):
        return customer.api.post("orders", json={**BASKET, "paymentMethod": "MOBILE_MONEY", "phone": PHONE, **fields},
                                 headers={"Idempotency-Key": key} if key else None)

    def balance(self, customer):
        return customer.api.get("wallet").data["balance"]

    # --- State

    def intent(self, reference):
        return self.sql("SELECT * FROM payment_intents WHERE id = %s", reference)[0]

    def order_row(self, order):
        return self.sql("SELECT * FROM orders WHERE id = %s", order["orderId"])[0]

    def until_state(self, reference, *states, seconds=PATIENCE):
        return until(lambda: self.intent(reference)["state"] in states and self.intent(reference), seconds,
                     f"{reference} {' or '.join(states)}")

    def age(self, reference, minutes):
        """Moves the payment so many minutes into the past and makes it due."""
        self.sql("UPDATE payment_intents SET created_at = created_at - %s * interval '1 minute', next_check_at = now(),"
                 " checked_at = checked_at - interval '1 hour' WHERE id = %s", minutes, reference)

    def due(self, reference):
        """Makes the payment due for the poller."""
        self.sql("UPDATE payment_intents SET next_check_at = now() WHERE id = %s", reference)

    # --- Replies of the gateway

    def decide(self, reference, status="SUCCESSFUL", **members):
        """Sets the status of a payment at the gateway."""
        until(lambda: self.gateway.decide(reference, status, **members), what="a transaction at the gateway")

    def callback(self, payment, status="SUCCESSFUL", amount=5000, key=APP_KEY, path="/webhooks/campay", name="main",
                 signature=None, **members):
        """Sends a callback with the gateway's signature or another one, and returns the server's reply."""
        body = json.dumps({"reference": self.intent(payment)["gateway_reference"] if "reference" not in members else None,
                           "external_reference": payment, "status": status, "amount": amount, "operator": "mtn",
                           **members}).encode()
        if signature is None:
            signature = hmac.new(key.encode(), body, hashlib.sha256).hexdigest()
        # Not within a second of the last query, which would count for both.
        self.sql("UPDATE payment_intents SET checked_at = checked_at - interval '2 seconds' WHERE id = %s", payment)
        return Api(self.server.ports[name]).request("POST", path, body=body, headers={
            "Content-Type": "application/json", **({"X-Campay-Signature": signature} if signature else {})})

    # --- Both sides

    def environment(self):
        return {"REEYO_" + key.upper().replace(".", "_"): str(value) for key, value in self.server.configuration.items()
                if key.startswith(("campay_", "gateway_", "database_url"))}

    def reconcile(self, *flags):
        """(exit code, differences, summary) of `reeyo reconcile`."""
        done = reeyo("reconcile", "--json", *flags, environment=self.environment())
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        assert lines, done.stderr
        return done.returncode, lines[:-1], lines[-1]

    def settle(self):
        """Expires the open payments."""
        self.sql("SELECT * FROM payments_end_unpaid(-1, 1000, ARRAY['CREATED', 'PENDING'], 'Not paid', 'Non payé', 600,"
                 " 172800, ARRAY['PENDING'])")
        self.sql("UPDATE payment_intents SET next_check_at = NULL, created_at = created_at - interval '3 days'"
                 " WHERE next_check_at IS NOT NULL")

    def close(self):
        self.sql.close()
        self.server.close()
