# SPDX-License-Identifier: MIT
#
# The figures. Each function measures one row of the table and returns its results. The server and
# the reference are measured in turn (A B A B A B); a row's ratio is the median of the rounds'
# ratios, because a shared machine varies.
import json
import statistics
import subprocess
import time

import costs
import reference
import traffic
from profiling import Profile
from stack import OUT, Failed

ROUNDS = 3
PASSWORD = "Test123!@#"
SERVER_COST = (7168, 5)   # the server's default argon2id: KiB, passes
PEER_COST = (19456, 2)    # the parameters @node-rs/argon2 recommends
CUSTOMERS = 2000          # customers that read and order; each is visited before measuring
ORDERS_READ = 20000       # distinct orders of these customers that are read
SETTLEMENTS = 1600        # orders completed for each second of a measurement
HOT_SHARE = 0.3           # share of them that belongs to one vendor
CLIENTS = 8               # pgbench clients: as many as the server's write lanes on two cores
FLOOD_SHARE = 0.1         # menu rate beside the log-in flood, as a share of the maximum rate
IDLE_CONNECTIONS = 10000
RIDERS = 2000             # riders that report positions
POINTS_ENOUGH = 30000     # points per second in batches: the limit, however fast GEOADD is
STREAMS = 10000           # event streams, five per account
BROADCASTS = 10           # events to all streams
TRANSITIONS = 2000        # orders accepted, at TRANSITION_RATE per second
TRANSITION_RATE = 200
PLACED_LIMITS = {"postgres": 500, "server": 120, "wal": 8192}   # of costs.FIGURES
NO_MESSAGES = ("--sms", "off", "--mail", "off", "--push", "off")

KEEP_TEN_THOUSAND_ORDERS = """DELETE FROM orders WHERE id NOT IN
  (SELECT id FROM orders ORDER BY md5(id) LIMIT 10000); REINDEX TABLE orders"""


class Row:
    def __init__(self, name, figure, ours, reference_, limit, at_least, unit, better=None):
        self.name, self.figure, self.unit = name, figure, unit
        self.ours, self.reference = ours, reference_
        self.limit, self.at_least = limit, at_least
        self.ratio = better
        self.cpu_us = None   # the server's processor time per request

    @property
    def passed(self):
        if self.limit is None:
            return True
        return self.ratio >= self.limit if self.at_least else self.ratio < self.limit


class Rate(float):
    """Requests per second, with the server's processor time per request."""
    cpu_us = None


def compared(name, figure, ours, reference_, limit, at_least=True, unit="/s"):
    """Interleaves two functions, each of which measures once."""
    a, b = [], []
    for _ in range(ROUNDS):
        a.append(ours())
        b.append(reference_())
    return ratio_of(name, figure, a, b, limit, at_least, unit)


def ratio_of(name, figure, a, b, limit, at_least=True, unit="/s"):
    """A row from figures measured in the same rounds."""
    cpu = [rate.cpu_us for rate in a if isinstance(rate, Rate)]
    ratio = statistics.median(x / y for x, y in zip(a, b))
    row = Row(name, figure, statistics.median(a), statistics.median(b), limit, at_least, unit, ratio)
    row.cpu_us = statistics.median(cpu) if cpu else None
    return row


def absolute(name, figure, value, limit, unit, at_least=False):
    """limit None: the figure has none."""
    return Row(name, figure, value, None, limit, at_least, unit, value)


class World:
    """Builds requests from the data in the databases."""

    def __init__(self, stack, options):
        self.stack, self.seconds, self.in_flight = stack, options.seconds, options.in_flight
        self.profile = Profile(options.profile)
        if options.profile:
            stack.count_statements("bench")
        self.vendor, self.item = stack.sql(
            "SELECT vendor_id, id FROM items WHERE vendor_id = 'vendor_bench_001' AND price >= 2500"
            " ORDER BY id LIMIT 1")[0]
        self.customers = stack.sql("SELECT id, phone FROM users WHERE id LIKE 'user_bench_%' ORDER BY id")

    def menu_path(self):
        return f"/api/v1/vendors/{self.vendor}/menu"

    def menu(self):
        return traffic.write("menu", [traffic.request("GET", self.menu_path())])

    def orders_read(self, database="bench", count=ORDERS_READ):
        pairs = self.stack.sql(
            f"SELECT id, user_id FROM orders WHERE id LIKE 'ord_0000%'"
            f" AND user_id BETWEEN 'user_bench_00001' AND 'user_bench_{CUSTOMERS:05}' ORDER BY md5(id) LIMIT {count}", database)
        tokens = {}
        for _, user in pairs:
            tokens.setdefault(user, traffic.sign(self.stack.secret, user))
        return traffic.write(f"read_{database}", [
            traffic.request("GET", f"/api/v1/orders/{order}", token=tokens[user])
            for order, user in pairs])

    def basket(self):
        return {"vendorId": self.vendor, "items": [{"itemId": self.item, "quantity": 1}],
                "paymentMethod": "WALLET"}

    def orders_placed(self):
        return traffic.write("place", [
            traffic.request("POST", "/api/v1/orders", self.basket(),
                            traffic.sign(self.stack.secret, user))
            for user, _ in self.customers[:CUSTOMERS]])

    def logins(self):
        return traffic.write("login", [
            traffic.request("POST", "/api/v1/auth/login", {"phone": phone, "password": PASSWORD})
            for _, phone in self.customers])

    def visit(self, server, path, allowed=(200,)):
        """Sends each request once, uncounted: the server then has tokens and accounts in its caches."""
        traffic.hammer(server.port, path, 64, 300, allowed, once=True, warm_up=0)

    def rate(self, server, path, connections, allowed=(200,), **options):
        before = server.cpu_s()
        with self.stack.session() as session, self.profile.of(path.stem, server, session) as profile:
            result = traffic.hammer(server.port, path, connections, self.seconds, allowed, warm_up=0, **options)
            profile.requests = result["requests"]
        rate = Rate(result["rate"])
        rate.cpu_us = (server.cpu_s() - before) * 1e6 / result["requests"]
        return rate


def menu_warm(world, server):
    """One request fills Redis; returns the length of the reply, which the reference also uses."""
    status, body = server.request("GET", world.menu_path())
    if status != 200:
        raise Failed(f"the menu answers {status}: {body[:300]}")
    time.sleep(0.2)
    if world.stack.redis("EXISTS", f"menu:{world.vendor}").strip() != "1":
        raise Failed("the menu is not in Redis")
    return len(body)


# --- Against the stores' own tools ----------------------------------------------------------------

def menu(world):
    with world.stack.server() as server:
        size, path = menu_warm(world, server), world.menu()
        calibrate = reference.redis_get_rate(world.stack.redis_socket, size, 64, 50000)
        return [compared(
            "menu", f"menu, Redis hit, 64 connections, against redis-benchmark GET of {size} bytes",
            lambda: world.rate(server, path, 64),
            lambda: reference.redis_get_rate(world.stack.redis_socket, size, 64,
                                             int(calibrate * world.seconds)), 0.55)]


def captured(world, act, *values):
    """The statements that a server sends during `act`, from PostgreSQL's log."""
    stack = world.stack
    stack.sql("ALTER DATABASE bench SET log_statement = 'all'")
    stack.sql("ALTER DATABASE bench SET log_parameter_max_length = -1")
    stack.sql("ALTER DATABASE bench SET log_error_verbosity = 'default'")
    try:
        with stack.server() as server:
            found = reference.statements_logged(stack, "bench", lambda: act(server))
    finally:
        stack.sql("ALTER DATABASE bench RESET ALL")
    return found


def read_script(world):
    order, user = world.stack.sql("SELECT id, user_id FROM orders WHERE id = 'ord_' || lpad('5', 26, '0')")[0]
    token = traffic.sign(world.stack.secret, user)
    found = captured(world, lambda s: s.request("GET", f"/api/v1/orders/{order}", token=token))
    text, values = reference.statement_containing(found, order)
    return reference.order_read_script(text, values, order)


def order(world):
    script, path = read_script(world), world.orders_read()
    with world.stack.server() as server:
        world.visit(server, path)
        return [compared(
            "order", "order read, against pgbench -M prepared of the same statement, 8 clients",
            lambda: world.rate(server, path, 64),
            lambda: reference.pgbench(world.stack, script, world.seconds), 0.6)]


def place_script(world):
    user = world.customers[0][0]
    token = traffic.sign(world.stack.secret, user)
    replies = []
    found = captured(world, lambda s: replies.append(
        s.request("POST", "/api/v1/orders", world.basket(), token)))
    status, body = replies[0]
    if status != 201:
        raise Failed(f"placing an order answers {status}: {body[:500]}")
    data = json.loads(body)["data"]
    text, values = reference.statement_containing(found, user, data["orderId"])
    return reference.order_place_script(text, values, user, data)


def place(world):
    script, path = place_script(world), world.orders_placed()
    with world.stack.server() as server:
        world.visit(server, path, (201,))
        return [compared(
            "place", "order placed (WALLET, distinct customers), against pgbench of the same write, 8 clients",
            lambda: world.rate(server, path, 64, (201,)),
            lambda: reference.pgbench(world.stack, script, world.seconds), 0.85), *placed(world)]


def place_costs(world, name, flags, what, limits):
    """Orders of 64 connections on a copy of the data, by a server with these flags; no webhooks."""
    stack, path = world.stack, world.orders_placed()
    stack.copy(name)
    stack.count_statements(name)
    with stack.session(name) as session:
        with world.profile.tables(session) as tables, stack.server(*flags, database=name) as server:
            world.visit(server, path, (201,))

            def act():
                result = traffic.hammer(server.port, path, 64, world.seconds, (201,), warm_up=0)
                return result["requests"], result
            cost, result = costs.measured(world, server, session, act, ["messages"], name)
            tables.requests = result["requests"] + CUSTOMERS
    return costs.order_rows(name, what, cost, limits)


def placed(world):
    """With the defaults (messages of development go to the log), and without a provider of messages."""
    return [*place_costs(world, "placed", (), "an order placed, with all that follows", PLACED_LIMITS),
            *place_costs(world, "placed_no_messages", NO_MESSAGES, "the same without a provider of messages", PLACED_LIMITS)]


# --- Settlements ----------------------------------------------------------------------------------

def settlements_prepared(stack, base, count, hot):
    """Inserts orders ready for their riders to complete, with their payments. hot: share of the
    first vendor; the others are spread over the rest. `base` is the start of their ids."""
    number = f"('{base}' || lpad(n::text, 9, '0'))"
    stack.sql(f"""
INSERT INTO orders (id, order_number, order_type, status, active, user_id, user_name, user_phone, vendor_id, vendor_name,
  rider_id, rider_name, rider_phone, items, subtotal, delivery_fee, total, funded_fee, commission_bps, distance,
  payment_method, payment_status, pickup_text, pickup_lat, pickup_lng, delivery_address, delivery_text, delivery_lat,
  delivery_lng, preparation_time, estimated_delivery_at, timeline, created_at, updated_at, accepted_at, preparing_at,
  ready_at, rider_assigned_at, picked_up_at)
SELECT 'ord_9' || {number}, 'F-' || {number}, 'FOOD', 'IN_TRANSIT', true, t.user_id, t.user_name, t.user_phone, v.id,
  v.business_name, 'rider_pos_' || lpad((1 + n % {RIDERS})::text, 5, '0'), 'Livreur', '+237680000000', t.items, t.subtotal,
  t.delivery_fee, t.total, 0, t.commission_bps, t.distance, 'MOBILE_MONEY', 'PAID', t.pickup_text, t.pickup_lat, t.pickup_lng,
  t.delivery_address, t.delivery_text, t.delivery_lat, t.delivery_lng, 20, now(), t.timeline, now() - interval '1 hour',
  now(), now(), now(), now(), now(), now()
  FROM (SELECT * FROM orders WHERE id LIKE 'ord_0000%' AND order_type = 'FOOD' AND status = 'DELIVERED' AND funded_fee = 0
         ORDER BY id LIMIT 1) t
 CROSS JOIN generate_series(0, {count - 1}) n
  JOIN vendors v ON v.id = 'vendor_bench_' || CASE WHEN (hashint4(n) & 1023) < {round(hot * 1024)} THEN '001'
    ELSE lpad((2 + (hashint4(-n) & 65535) % 129)::text, 3, '0') END;
INSERT INTO ledger (id, amount, from_kind, to_kind, category, order_id, description)
SELECT 'txn_0' || {number}, o.total, 'CLEARING', 'ESCROW', 'ORDER_PAYMENT', o.id, 'Order'
  FROM generate_series(0, {count - 1}) n JOIN orders o ON o.id = 'ord_9' || {number}""")


def settlement_requests(world, riders, base, count):
    return traffic.write("complete", [
        traffic.request("POST", f"/api/v1/rider/orders/ord_9{base}{n:09}/complete", {}, riders[n % RIDERS][1])
        for n in range(count)])


def complete_script(world, riders, base):
    order, (rider, token) = f"ord_9{base}{0:09}", riders[0]
    replies = []
    found = captured(world, lambda s: replies.append(
        s.request("POST", f"/api/v1/rider/orders/{order}/complete", {}, token)))
    if replies[0][0] != 200:
        raise Failed(f"completing an order answers {replies[0]}")
    of_order = [(text, values) for text, values in found if order in values]
    move = next(one for one in of_order if "order_act(" in one[0])
    return reference.order_complete_script(next(one for one in of_order if one is not move), move, order, rider, RIDERS)


def settle(world):
    """The last step of an order, with its settlement. Orders of a vendor share only the wallet row and the vendor row."""
    stack, first = world.stack, time.time_ns() // 1000
    riders = riders_ready(world)
    stack.sql("INSERT INTO wallets (owner_id, kind) SELECT id, 'RIDER' FROM riders WHERE id LIKE 'rider_pos_%'"
              " ON CONFLICT DO NOTHING")
    count = round(SETTLEMENTS * world.seconds) // CLIENTS * CLIENTS
    kinds = {"hot": HOT_SHARE, "even": 0}
    bases = iter(range(first, first + 1 + 4 * ROUNDS))
    waiting = {kind: [] for kind in kinds}
    settlements_prepared(stack, first, 1, 0)
    script = complete_script(world, riders, next(bases))
    for kind, hot in kinds.items():
        for base in [next(bases) for _ in range(2 * ROUNDS)]:
            settlements_prepared(stack, base, count, hot)
            waiting[kind].append(base)
    for table in ("orders", "ledger", "wallets", "vendors", "riders"):
        stack.sql(f"VACUUM ANALYZE {table}")
    stack.sql("CHECKPOINT")
    visit = reports(world, "settle_visit", place_of)

    def ours(server, kind):
        path = settlement_requests(world, riders, waiting[kind].pop(), count)
        world.visit(server, visit)
        before = server.cpu_s()
        result = traffic.hammer(server.port, path, 64, 600, once=True, warm_up=0)
        rate = Rate(result["rate"])
        rate.cpu_us = (server.cpu_s() - before) * 1e6 / result["requests"]
        return rate

    def theirs(kind):
        return reference.pgbench(stack, script, 0, CLIENTS, each=count // CLIENTS, base=waiting[kind].pop())

    rates = {(kind, side): [] for kind in kinds for side in ("ours", "theirs")}
    with stack.server() as server:
        for _ in range(ROUNDS):
            for kind in kinds:
                rates[kind, "ours"].append(ours(server, kind))
                rates[kind, "theirs"].append(theirs(kind))
    unsettled = stack.sql(f"SELECT count(*) FROM orders WHERE active AND id > 'ord_9{first}' AND id < 'ord_9{first + 100}'")[0][0]
    if unsettled != "0":
        raise Failed(f"{unsettled} orders are not settled")
    share = f"{HOT_SHARE:.0%}"
    return [
        ratio_of("settle_hot", f"orders completed and settled, one vendor has {share}, against pgbench of the same",
                 rates["hot", "ours"], rates["hot", "theirs"], 0.75),
        ratio_of("settle_even", "the same with vendors spread evenly, against pgbench of the same",
                 rates["even", "ours"], rates["even", "theirs"], 0.75),
        ratio_of("settle_share", f"orders settled, one vendor has {share}, against spread evenly",
                 rates["hot", "ours"], rates["even", "ours"], 0.8)]


def login(world):
    set_password_cost(world, *SERVER_COST)
    path = world.logins()
    with world.stack.server() as server:
        return [compared(
            "login", "log-ins, distinct accounts, against bare argon2id on all cores",
            lambda: world.rate(server, path, 16),
            lambda: reference.argon2_rate(*SERVER_COST, world.seconds), 0.85)]


def flood(world):
    """64 clients log in without pause (the queue holds 64, so none is refused)."""
    set_password_cost(world, *SERVER_COST)
    menus, logins = world.menu(), world.logins()

    def p99(server):
        return traffic.hammer(server.port, menus, 32, world.seconds, rate=menu_rate, nice=-5)["p99_us"]

    def p99_in_flood(server):
        child = traffic.start(server.port, logins, 64, world.seconds + 1)
        try:
            time.sleep(0.5)
            return p99(server)
        finally:
            traffic.finish(child, (200, 503))

    with world.stack.server() as server:
        menu_warm(world, server)
        menu_rate = round(FLOOD_SHARE * world.rate(server, menus, 32))
        return [compared(
            "flood", f"menu p99 at {menu_rate}/s during a log-in flood, against without",
            lambda: p99_in_flood(server), lambda: p99(server), 3, at_least=False, unit="us")]


# --- Positions ------------------------------------------------------------------------------------

def riders_ready(world, database="bench"):
    """The reporting riders: created once, put online each time."""
    world.stack.sql(
        "INSERT INTO riders (id, phone, first_name, password_hash, vehicle_type, phone_verified, approval_status, status)"
        " SELECT 'rider_pos_' || lpad(n::text, 5, '0'), '+23768' || lpad(n::text, 7, '0'), 'Livreur', '-', 'MOTORCYCLE',"
        f" true, 'APPROVED', 'ACTIVE' FROM generate_series(1, {RIDERS}) n ON CONFLICT DO NOTHING", database)
    world.stack.sql("UPDATE riders SET is_online = true, last_online = now() WHERE id LIKE 'rider_pos_%'", database)
    return [(name, traffic.sign(world.stack.secret, name, "RIDER"))
            for name in (f"rider_pos_{n:05}" for n in range(1, RIDERS + 1))]


def reports(world, name, body):
    return traffic.write(name, [
        traffic.request("POST", "/api/v1/rider/availability/location", body(n), token)
        for n, (_, token) in enumerate(riders_ready(world))])


def place_of(n):
    return {"lat": round(4.0 + n % 100 * 0.001, 6), "lng": round(9.7 + n // 100 * 0.001, 6)}


def position(world):
    path = reports(world, "position", lambda n: {
        "latitude": place_of(n)["lat"], "longitude": place_of(n)["lng"], "accuracy": 8, "heading": 90, "speed": 6.5})
    with world.stack.server() as server:
        world.visit(server, path)
        socket = world.stack.redis_socket
        calibrate = reference.redis_geoadd_rate(socket, RIDERS, 64, 50000)
        return [compared(
            "position", f"single reports of {RIDERS} riders, 64 connections, against redis-benchmark GEOADD",
            lambda: world.rate(server, path, 64),
            lambda: reference.redis_geoadd_rate(socket, RIDERS, 64, int(calibrate * world.seconds)), 0.5)]


def positions10(world):
    """All points of a batch have one time, so that the same batch can be sent again with the same checks."""
    at = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime())
    path = reports(world, "positions10", lambda n: {
        "points": [{**place_of(n + i), "at": at, "accuracy": 8} for i in range(10)]})

    def points(server):
        rate = world.rate(server, path, 64)
        result = Rate(rate * 10)
        result.cpu_us = rate.cpu_us
        return result

    with world.stack.server() as server:
        world.visit(server, path)
        socket = world.stack.redis_socket
        calibrate = reference.redis_geoadd_rate(socket, RIDERS, 64, 100000, 10)
        row = compared(
            "positions10", "points in batches of 10, 64 connections, against GEOADD pipelined by 10",
            lambda: points(server),
            lambda: reference.redis_geoadd_rate(socket, RIDERS, 64, int(calibrate * world.seconds), 10), 0.5)
        row.limit = round(min(0.5, POINTS_ENOUGH / row.reference), 3)
        return [row]


# --- Against the peer -----------------------------------------------------------------------------

def set_password_cost(world, memory_kb, passes):
    """Gives every account the same password, hashed with the cost to be measured."""
    stored = world.stack.sql(f"SELECT password_hash FROM users WHERE id = '{world.customers[0][0]}'")[0][0]
    if f"m={memory_kb},t={passes}," in stored:
        return
    made = subprocess.run([str(OUT / "argon2_bench"), "hash", str(memory_kb * 1024), str(passes), PASSWORD],
                          capture_output=True, text=True, check=True).stdout.strip()
    world.stack.sql(f"UPDATE users SET password_hash = '{made}'")
    world.stack.sql("VACUUM ANALYZE users")


def peer(world):
    reads, places = world.orders_read(), world.orders_placed()
    with world.stack.server() as ours, world.stack.peer(*SERVER_COST) as theirs:
        menu_warm(world, ours)
        menus = world.menu()
        for server in (ours, theirs):
            world.visit(server, reads)
            world.visit(server, places, (201,))
        return [
            compared("peer_menu", "menu, against the peer",
                     lambda: world.rate(ours, menus, 64), lambda: world.rate(theirs, menus, 64), 2),
            compared("peer_order", "order read, against the peer",
                     lambda: world.rate(ours, reads, 64), lambda: world.rate(theirs, reads, 64), 3),
            compared("peer_place", "order placed, against the peer",
                     lambda: world.rate(ours, places, 64, (201,)),
                     lambda: world.rate(theirs, places, 64, (201,)), 1.5)]


def peer_login(world):
    set_password_cost(world, *PEER_COST)
    path = world.logins()
    flags = ("--argon2-memory", f"{PEER_COST[0]}k", "--argon2-passes", str(PEER_COST[1]))
    with world.stack.server(*flags) as ours, world.stack.peer(*PEER_COST) as theirs:
        rows = [compared(
            "peer_login", "log-ins with m=%d KiB, t=%d, against the peer" % PEER_COST,
            lambda: world.rate(ours, path, 16), lambda: world.rate(theirs, path, 16), 1)]
    set_password_cost(world, *SERVER_COST)
    return rows


# --- Size, memory, start ---------------------------------------------------------------------------

def huge(world):
    """Both databases are read once before, so that the index is compared and not the disk."""
    stack, medians = world.stack, {}
    stack.database("bench_few", "bench", after=KEEP_TEN_THOUSAND_ORDERS)
    stack.database("bench_huge", "huge")
    paths = {name: world.orders_read(name, 10000) for name in ("bench_few", "bench_huge")}
    with stack.server(database="bench_few") as few, stack.server(database="bench_huge") as many:
        def median(server, path):
            return traffic.hammer(server.port, path, 8, world.seconds, rate=1000)["p50_us"]

        for server, name in ((few, "bench_few"), (many, "bench_huge")):
            world.visit(server, paths[name])
            medians[name] = lambda server=server, path=paths[name]: median(server, path)
        return [compared("huge", "median of an order read with 5,000,000 orders, against 10,000",
                         medians["bench_huge"], medians["bench_few"], 1.25, at_least=False, unit="us")]


def memory(world):
    with world.stack.server() as server:
        time.sleep(2)
        idle = server.rss_kb()
        path = traffic.write("ready", [traffic.request("GET", "/healthz")])
        client = subprocess.Popen(
            [str(OUT / "hammer"), "-p", str(server.port), "-f", str(path), "-c", str(IDLE_CONNECTIONS), "-i"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        opened = json.loads(client.stdout.readline() or "{}")
        time.sleep(1)
        held = server.rss_kb()
        client.communicate(b"")
        if opened.get("open") != IDLE_CONNECTIONS or opened["failed"]:
            raise Failed(f"not all connections opened: {opened}")
        return [absolute("memory", "resident memory, idle server", idle / 1024, 25, "MB"),
                absolute("connection", f"resident memory for each of {IDLE_CONNECTIONS} idle connections",
                         (held - idle) / IDLE_CONNECTIONS, 10, "KB")]


def streams_open(world, paths_of_accounts, name):
    return traffic.write(name, [
        traffic.request("GET", path, token=traffic.sign(world.stack.secret, account, role))
        for path, account, role in paths_of_accounts])


def streams(world):
    """All streams are in the room `users`, so an event to all is one row."""
    path = streams_open(world, [("/api/v1/events", user, "USER") for user, _ in world.customers
                                for _ in range(5)][:STREAMS], "streams")
    slowest = []
    with world.stack.server() as server:
        time.sleep(2)
        idle = server.rss_kb()
        with traffic.Listeners(server.port, path) as listeners:
            if listeners.open != STREAMS:
                raise Failed(f"only {listeners.open} streams opened")
            time.sleep(1)
            held = server.rss_kb()
            for _ in range(BROADCASTS):
                world.stack.sql("INSERT INTO event_log (aggregate, type, rooms, payload) SELECT 'all', 'broadcast',"
                                " '{users}', json_build_object('title', 'Bonjour', 'timestamp',"
                                " iso(clock_timestamp()))")
                time.sleep(1.5)
                received = listeners.measure()
                if received["events"] != STREAMS or received["lost"]:
                    raise Failed(f"not every stream received the event: {received}")
                slowest.append(received["p99_ms"])
    return [absolute("stream", f"resident memory for each of {STREAMS} open event streams",
                     (held - idle) / STREAMS, 12, "KB"),
            absolute("broadcast", f"from the commit of an event to {STREAMS} clients, p99, median of {BROADCASTS}",
                     statistics.median(slowest), 500, "ms")]


def transition(world):
    """Orders are placed first; then a vendor accepts them at a steady rate and receives an event for each. Measured from
    the transition's timestamp, the start of its statement, so that its commit is included."""
    stack = world.stack
    vendor = traffic.sign(stack.secret, world.vendor, "VENDOR")
    with stack.server() as server:
        placed = world.orders_placed()
        traffic.hammer(server.port, placed, 64, 600, (201,), once=True, warm_up=0)
        orders = stack.sql(f"SELECT id FROM orders WHERE vendor_id = '{world.vendor}' AND status = 'PENDING'"
                           f" ORDER BY created_at DESC LIMIT {TRANSITIONS}")
        accepts = traffic.write("accept", [
            traffic.request("PUT", f"/api/v1/vendor/orders/{order}/accept", {"preparationTime": 20}, vendor)
            for order, in orders])
        path = streams_open(world, [("/api/v1/vendor/events", world.vendor, "VENDOR")], "transition")
        time.sleep(2)
        with traffic.Listeners(server.port, path) as listeners:
            listeners.measure()
            traffic.hammer(server.port, accepts, 8, 600, once=True, warm_up=0, rate=TRANSITION_RATE)
            time.sleep(1)
            received = listeners.measure()
    if received["events"] < len(orders) or received["lost"]:
        raise Failed(f"{len(orders)} orders were accepted: {received}")
    return [absolute("transition", f"from a transition to its client's stream at {TRANSITION_RATE}/s, median of "
                                   f"{received['events']} events", received["p50_ms"], 100, "ms")]


def start(world):
    times = []
    for _ in range(10):
        with world.stack.server() as server:
            times.append(server.ready_s * 1000)
    return [absolute("start", "from exec to ready, median of 10", statistics.median(times), 300, "ms")]


ROWS = {"menu": menu, "order": order, "place": place, "settle": settle, "login": login, "flood": flood, "position": position,
        "positions10": positions10, "peer": peer, "peer_login": peer_login, "memory": memory, "streams": streams,
        "transition": transition, "start": start, "huge": huge}
