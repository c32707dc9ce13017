# SPDX-License-Identifier: MIT
"""A server whose messages go to fakes of Twilio, SendGrid and Firebase, and the recipients of the messages."""

import json

from world.accounts import appoint, hire, open_shop, register
from world.audit import top_up
from world.database import Database
from world.waiting import until

SMS_PATH = "/2010-04-01/Accounts/ACtest/Messages.json"
PUSH_PATH = "/v1/projects/reeyo-test/messages:send"
MAIL_PATH = "/v3/mail/send"


def providers(sms, mail, push, folder):
    """The configuration that sends all messages to these fakes."""
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
        """A new customer. Waits until the text message with the code is sent, so that scripted faults do not hit it."""
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

    def publish(self, kind, rooms, **payload):
        """Writes an event as a statement of the server would."""
        self.sql("INSERT INTO event_log (aggregate, type, rooms, payload) VALUES ('x', %s, %s, %s)", kind, rooms,
                 json.dumps(payload))

    def publish_payment(self, account, amount, **more):
        self.publish("payment_received", [f"user:{account.id}"], transactionId="pay_1", amount=amount, method="MOBILE_MONEY",
                 reference=f"ref-{amount}", timestamp="2026-11-24T08:00:00.000Z", **more)

    def rows(self, account, state=None):
        return [row for row in self.sql("SELECT * FROM messages WHERE recipient = %s ORDER BY id", account.id)
                if state in (None, row["state"])]

    def texts(self, account):
        """The text messages that Twilio accepted for the phone of the account."""
        return [message["body"] for message in self.sms.taken() if message["to"] == account.phone]

    def pushes(self, token):
        return [message for message in self.push.taken() if message["token"] == token]

    def mails(self, address):
        return [message for message in self.mail.taken() if message["to"] == address]

    def wait_notified(self):
        """Waits until every event was turned into messages."""
        until(lambda: self.sql("SELECT 1 FROM leases WHERE name = 'messages' AND position ="
                               " (SELECT coalesce(max(id), 0) FROM event_log)"),
              what="the end of all events")

    def quiet(self):
        """The same, and no message waits to be sent."""
        self.wait_notified()
        until(lambda: not self.sql("SELECT 1 FROM messages WHERE state = 'QUEUED'"), what="an empty queue")

    def not_made(self, reason):
        """How many messages this server did not queue for that reason."""
        return self.server.metric(f'reeyo_messages_not_made_total{{reason="{reason}"}}')

    def failed(self, account):
        """The row of a message to the account that a provider refused once; it is not tried again before hurry()."""
        put_off = ("UPDATE messages SET next_at = greatest(next_at, now() + interval '10 minutes')"
                   " WHERE recipient = %s AND state = 'QUEUED' AND last_error IS NOT NULL RETURNING *")
        row, = until(lambda: self.sql(put_off, account.id), what="an error")
        return row

    def hurry(self):
        """Makes messages that wait for their next try due."""
        self.sql("UPDATE messages SET next_at = now() WHERE state = 'QUEUED'")

    def end_claims(self):
        """Ends the claims of an instance that was killed or stopped, as time would."""
        self.sql("UPDATE message_claims SET until = now()")

    def under_way(self):
        """How many messages are claimed and not sent yet."""
        return self.sql("SELECT count(*) AS n FROM message_claims c, messages m WHERE m.id = ANY (c.ids)"
                        " AND m.state = 'QUEUED'")[0]["n"]
