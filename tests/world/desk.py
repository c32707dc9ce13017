# SPDX-License-Identifier: MIT
"""Pay-outs through a gateway that the test controls (world.till): owners of pay-outs, and their rows."""

import re

from .accounts import appoint, hire, open_shop
from .client import Api
from .money import earn

MOMO = {"accountName": "Rose Etame", "accountNumber": "670 11 22 33", "bankName": "MTN MoMo"}


class Desk:
    """Vendors and riders who get pay-outs, and the rows of the pay-outs."""

    def __init__(self, server, sql, till):
        self.server, self.sql, self.till = server, sql, till
        self.admin = appoint(server, sql)

    def owner(self, kind="vendor", earned=20000):
        made = {"vendor": open_shop, "rider": hire}[kind](self.server, self.sql, bank_details=MOMO)
        earn(self.sql, made.id, earned)
        return made

    def approved(self, owner, amount=8000):
        payout = owner.api.post("payouts/request", json={"amount": amount}).data["payoutId"]
        assert self.admin.api.post(f"payouts/{payout}/approve").data["status"] == "APPROVED"
        return payout

    def row(self, payout):
        return self.sql("SELECT * FROM payouts WHERE id = %s", payout)[0]

    def until(self, payout, status):
        self.server.wait(lambda: self.row(payout)["status"] == status, what=f"in a state where the pay-out is {status}")
        return self.row(payout)

    def settle(self, payout, status="SUCCESSFUL", **more):
        """The gateway reports the final status of a pay-out."""
        self.server.wait(lambda: self.till.sent(payout), what="sending the pay-out")
        self.till.set_status(self.till.sent(payout)[0], status, **more)
        self.hurry(payout)

    def hurry(self, payout):
        self.sql("UPDATE payouts SET next_check_at = now(), checks = 0 WHERE id = %s AND next_check_at IS NOT NULL", payout)

    def hurried(self, payout, condition, what):
        """Waits until the condition holds and keeps the pay-out due."""
        def look():
            self.hurry(payout)
            return condition()
        self.server.wait(look, what=what)

    def counted(self, outcome):
        text = Api(self.server.ports["metrics"]).get("/metrics").body.decode()
        return float(re.search(rf'^reeyo_payouts_total{{outcome="{outcome}"}} (\S+)$', text, re.M)[1])

    def age(self, payout, interval):
        self.sql("UPDATE payouts SET sent_at = sent_at - %s::interval WHERE id = %s", interval, payout)
