# SPDX-License-Identifier: MIT
#
# The row `life`: orders from placing to delivered and rated, through all four roles with their event
# streams open. Messages go to stand-ins of Twilio, SendGrid and Firebase, webhooks to one of a partner.
import contextlib

import costs
import traffic
from rows import absolute, place_of, riders_ready
from stack import OUT, Failed

FAKES = ("twilio", "sendgrid", "fcm", "partner")
CUSTOMERS, VENDORS, RIDERS = 256, 128, 256   # in turn: no two orders under way share a rider
LIVES = 160              # orders for each second of a measurement
WARM = 256               # orders before it
ADMIN = "admin_demo_1"
EVENTS = ("new_order", "order_accepted", "order_ready_for_pickup", "order_status_update", "order_delivered", "order_rejected",
          "order_cancelled", "payment_received", "payment_failed", "refund_issued")
READERS = ("messages", "webhooks")   # leases that read all events
# life.h replaces them by the order's id and delivery code.
ORDER, CODE = "@" * 30, "~" * 4
# In flight: limits of the figures (costs.FIGURES) for each order.
RATE_LIMITS = {64: 200}   # 2.5 times the rate of 2026-11-27
LIMITS = {8: {"postgres": 4000, "server": 1200, "wal": 25600}}


def prepare(session, partner):
    """Everybody has a device, the partner receives every event, and riders need the customer's code. Returns vendors, each with
    an item."""
    for role, table, pattern in (("USER", "users", "user\\_bench\\_%"), ("VENDOR", "vendors", "vendor\\_bench\\_%"),
                                 ("RIDER", "riders", "rider\\_pos\\_%")):
        session(f"INSERT INTO device_tokens (token, account_id, role) SELECT 'device_' || id, id, %s FROM {table}"
                " WHERE id LIKE %s", role, pattern)
    session("INSERT INTO webhook_endpoints (id, url, event_types, secret, created_by) VALUES"
            " ('whe_bench', %s, %s, 'whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=', 'bench')",
            f"http://127.0.0.1:{partner.port}/in", list(EVENTS))
    session("UPDATE settings SET value = 'true' WHERE key = 'delivery.verification_code'")
    return session("SELECT DISTINCT ON (vendor_id) vendor_id, id FROM items WHERE vendor_id < 'vendor_bench_131'"
                   " AND vendor_id LIKE 'vendor\\_bench\\_%%' AND price >= 2500 ORDER BY vendor_id, id LIMIT %s", VENDORS)


def provider_flags(sms, mail, push):
    account = OUT / "fcm.json"
    account.write_bytes(push.request("GET", "/account")[1])
    url = {fake: f"http://127.0.0.1:{fake.port}" for fake in (sms, mail, push)}
    return ("--sms", "twilio", "--twilio-url", url[sms], "--twilio-sid", "ACtest", "--twilio-token", "twilio-token",
            "--twilio-from", "+237600000000", "--mail", "sendgrid", "--sendgrid-url", url[mail], "--sendgrid-key",
            "sendgrid-key", "--mail-from", "bonjour@reeyo.cm", "--push", "fcm", "--fcm-url", url[push], "--fcm-account",
            str(account), "--webhook-private", "on")


class Cast:
    """The accounts with their tokens: lists of (id, token)."""

    def __init__(self, world, shops, riders):
        def signed(names, role):
            return [(name, traffic.sign(world.stack.secret, name, role)) for name in names]
        self.customers = signed([name for name, _ in world.customers[:CUSTOMERS]], "USER")
        self.shops = shops
        self.vendors = signed([vendor for vendor, _ in shops], "VENDOR")
        self.riders = riders[:RIDERS]
        self.admin = traffic.sign(world.stack.secret, ADMIN, "SUPER_ADMIN")

    def streams(self):
        roles = (("/api/v1/events", self.customers), ("/api/v1/vendor/events", self.vendors),
                 ("/api/v1/rider/events", self.riders), ("/api/v1/admin/events", [(ADMIN, self.admin)]))
        return traffic.write("life_streams", [
            traffic.request("GET", path, token=token) for path, accounts in roles for _, token in accounts])

    def positions(self):
        return traffic.write("life_positions", [
            traffic.request("POST", "/api/v1/rider/availability/location",
                            {"latitude": place_of(n)["lat"], "longitude": place_of(n)["lng"]}, token)
            for n, (_, token) in enumerate(self.riders)])

    def life(self, n):
        """The requests of one order."""
        _, customer = self.customers[n % CUSTOMERS]
        _, vendor = self.vendors[n % len(self.vendors)]
        _, rider = self.riders[n % RIDERS]
        shop, item = self.shops[n % len(self.shops)]
        of_vendor, of_rider = f"/api/v1/vendor/orders/{ORDER}/", f"/api/v1/rider/orders/{ORDER}/"
        return [
            traffic.request("POST", "/api/v1/orders", {"vendorId": shop, "paymentMethod": "WALLET",
                                                       "items": [{"itemId": item, "quantity": 1}]}, customer),
            traffic.request("PUT", of_vendor + "accept", {"preparationTime": 20}, vendor),
            traffic.request("POST", of_rider + "accept", {}, rider),
            traffic.request("POST", of_rider + "arrive-pickup", {}, rider),
            traffic.request("PUT", of_vendor + "ready", {}, vendor),
            traffic.request("POST", of_rider + "confirm-pickup", {}, rider),
            traffic.request("POST", of_rider + "arrive-delivery", {}, rider),
            traffic.request("POST", of_rider + "complete", {"verificationCode": CODE}, rider),
            traffic.request("POST", f"/api/v1/orders/{ORDER}/rate", {
                "vendorRating": {"rating": 5, "review": "Très bon"}, "riderRating": {"rating": 5}}, customer)]

    def lives(self, count):
        each = [self.life(n) for n in range(count)]
        return traffic.write("lives", [request for one in each for request in one]), len(each[0])


def lived(server, cast, count, in_flight):
    """Runs so many lives; returns what hammer reports."""
    path, steps = cast.lives(count)
    result = traffic.hammer(server.port, path, in_flight, 600, (200, 201), once=True, warm_up=0, steps=steps)
    if result["lives"] != count:
        raise Failed(f"{result['lives']} of {count} orders were delivered")
    return result


def measure(world, in_flight):
    stack, count = world.stack, max(2 * in_flight, round(LIVES * world.seconds))
    stack.copy("life")
    stack.count_statements("life")
    riders = riders_ready(world, "life")
    with contextlib.ExitStack() as running:
        session = running.enter_context(stack.session("life"))
        sms, mail, push, partner = (running.enter_context(stack.fake(name)) for name in FAKES)
        cast = Cast(world, prepare(session, partner), riders)
        tables = running.enter_context(world.profile.tables(session))
        tables.requests = count + WARM
        server = running.enter_context(stack.server(*provider_flags(sms, mail, push), database="life"))
        streams = running.enter_context(traffic.Listeners(server.port, cast.streams()))
        if streams.open != CUSTOMERS + len(cast.vendors) + RIDERS + 1:
            raise Failed(f"only {streams.open} streams opened")
        world.visit(server, cast.positions())
        costs.measured(world, server, session, lambda: (WARM, lived(server, cast, WARM, in_flight)), READERS, "warm")
        cost, result = costs.measured(world, server, session, lambda: (count, lived(server, cast, count, in_flight)), READERS,
                                      f"life_{in_flight}")
        events = streams.measure()
    what = f"a whole life, {in_flight} in flight"
    return [absolute(f"life_{in_flight}", f"{what}: orders delivered and rated, {count} in all", result["lives"] / result["seconds"],
                     RATE_LIMITS.get(in_flight), "/s", at_least=True),
            absolute(f"life_{in_flight}_round_trips", f"{what}: requests", result["requests"] / count, None, ""),
            absolute(f"life_{in_flight}_frames", f"{what}: events received by clients", events["events"] / (count + WARM), None, ""),
            *costs.order_rows(f"life_{in_flight}", what, cost, LIMITS.get(in_flight, {}))]


def life(world):
    return [row for in_flight in world.in_flight for row in measure(world, in_flight)]


ROWS = {"life": life}
