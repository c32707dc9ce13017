# SPDX-License-Identifier: MIT
"""A server whose messages go to stand-ins of Twilio, SendGrid and Firebase, and who is told something by it."""

import json

from world.accounts import appoint, hire, open_shop, register
from world.audit import top_up
from world.database import Database
from world.waiting import until

SMS_PATH = "/2010-04-01/Accounts/ACtest/Messages.json"
PUSH_PATH = "/v1/projects/reeyo-test/messages:send"
MAIL_PATH = "/v3/mail/send"


def providers(sms, mail, push, folder):
    """The configuration that sends everything to these fakes."""
    account = folder / "account.json"
    account.write_text(json.dumps(push.api.get("/account").json))
    return {"sms": "twilio", "twilio_url": sms.url, "twilio_sid": "ACtest", "twilio_token": "twilio-token",
            "twilio_from": "+237600000000", "mail": "sendgrid", "sendgrid_url": mail.url,
            "sendgrid_key": "sendgrid-key", "mail_from": "bonjour@reeyo.cm", "push": "fcm", "fcm_url": push.url,
            "fcm_account": str(account)}


class Office:
    """.server .sql(statement, *args); .sms .mail .push, the fakes"""

    def __init__(self, server, sms, mail, push):
        self.server, self.sms, self.mail, self.push = server, sms, mail, push
        self.sql = Database(server.configuration["database_url"])

    def customer(self, language="fr", money=0, **fields):
        """A new customer; the text message with the code is out, so that no fault of a test's script meets it."""
        made = register(self.server, **fields)
        if self.server.configuration.get("twilio_sid") and self.server.configuration.get("twilio_url"):
            until(lambda: self.texts(made), what="the code")
        self.sql("UPDATE users SET language = %s WHERE id = %s", language, made.id)
        if money:
            top_up(self.sql, made.id, money)
        return made

    def vendor(self, **columns):
        return open_shop(self.server, self.sql, items=1, **columns)

    def rider(self, **columns):
        return hire(self.server, self.sql, is_online=True, **columns)

    def admin(self, **fields):
        return appoint(self.server, self.sql, **fields)

    def device(self, account, token):
        role = account.id.split("_")[0].upper()
        self.sql("INSERT INTO device_tokens (token, account_id, role) VALUES (%s, %s, %s)", token, account.id, role)

    def say(self, kind, rooms, **payload):
        """An event, as a statement of the server's would write it."""
        self.sql("INSERT INTO outbox (aggregate, type, rooms, payload) VALUES ('x', %s, %s, %s)", kind, rooms,
                 json.dumps(payload))

    def say_payment(self, account, amount, **more):
        self.say("payment_received", [f"user:{account.id}"], transactionId="pay_1", amount=amount, method="MOBILE_MONEY",
                 reference=f"ref-{amount}", timestamp="2026-11-24T08:00:00.000Z", **more)

    def rows(self, account, state=None):
        return [row for row in self.sql("SELECT * FROM messages WHERE recipient = %s ORDER BY id", account.id)
                if state in (None, row["state"])]

    def texts(self, account):
        """The text messages that Twilio took for a phone."""
        return [message["body"] for message in self.sms.taken() if message["to"] == account.phone]

    def pushes(self, token):
        return [message for message in self.push.taken() if message["token"] == token]

    def mails(self, address):
        return [message for message in self.mail.taken() if message["to"] == address]

    def told(self):
        """Every event has made its messages."""
        until(lambda: self.sql("SELECT 1 FROM leases WHERE name = 'messages' AND position ="
                               " (SELECT coalesce(max(id), 0) FROM events) AND NOT EXISTS (SELECT FROM outbox)"),
              what="the end of all events")

    def quiet(self):
        """… and nothing waits to be sent."""
        self.told()
        until(lambda: not self.sql("SELECT 1 FROM messages WHERE state = 'QUEUED'"), what="an empty queue")

    def failed(self, account):
        """The row of a message to them that a provider refused once; it is not tried again before hurry()."""
        put_off = ("UPDATE messages SET next_at = greatest(next_at, now() + interval '10 minutes')"
                   " WHERE recipient = %s AND state = 'QUEUED' AND last_error IS NOT NULL RETURNING *")
        row, = until(lambda: self.sql(put_off, account.id), what="an error")
        return row

    def hurry(self):
        """Time passes for what waits to be tried again; what was taken these seconds is under way, also what was taken
        while this waited for its row (then the taker's now() is the later one)."""
        self.sql("UPDATE messages SET next_at = now() WHERE state = 'QUEUED'"
                 " AND next_at NOT BETWEEN now() + interval '135 seconds' AND now() + interval '210 seconds'")

    def hurry_until_empty(self):
        """Time passes for what a dead copy had taken, until nothing waits to be sent."""
        def empty():
            self.sql("UPDATE messages SET next_at = now() WHERE state = 'QUEUED'"
                     " AND next_at > now() + interval '30 seconds' AND next_at < now() + interval '145 seconds'")
            return not self.sql("SELECT 1 FROM messages WHERE state = 'QUEUED'")
        until(empty, what="an empty queue")
