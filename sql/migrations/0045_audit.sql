-- Balances of the accounts without a row: ESCROW, PLATFORM and CLEARING are sums of their entries, of which the
-- older ones are kept added up per business day. And what the platform's figures stand on.

-- For what is added up below, and for a period's turnover: about 1 microsecond an entry.
CREATE INDEX ledger_created ON ledger (created_at);

CREATE TABLE ledger_rollups (
  kind       text COLLATE "C" NOT NULL,
  category   text COLLATE "C" NOT NULL,
  starts     timestamptz NOT NULL,            -- of the business day
  amount_in  bigint NOT NULL,
  amount_out bigint NOT NULL,
  sides      bigint NOT NULL,                 -- how many entries, each side counted
  PRIMARY KEY (kind, category, starts)
);

-- What is added up: every entry with created_at before `until`, by days of `zone`.
CREATE TABLE ledger_rolled (
  one   boolean PRIMARY KEY DEFAULT true CHECK (one),
  until timestamptz NOT NULL DEFAULT '-infinity',
  zone  text NOT NULL DEFAULT business_zone()
);
INSERT INTO ledger_rolled DEFAULT VALUES;

-- Entries up to here can have no younger sibling: created_at is the start of the transaction, so what is under way
-- may still bring an entry as old as the oldest of them. Ids do not help: they are made before and follow no order
-- of commits. The margin is for clocks that are put back, a failover among them. Of other roles' sessions xact_start is not
-- seen (but by pg_read_all_stats): entries are written by the server's role alone, and that is the one that asks.
CREATE FUNCTION ledger_settled_until(margin interval) RETURNS timestamptz
LANGUAGE sql VOLATILE AS $$
  SELECT least(now() - margin, (SELECT min(xact_start) FROM pg_stat_activity
    WHERE datname = current_database() AND backend_type <> 'autovacuum worker'))
$$;

-- Adds up what has become old since the last time, at most a week of it. Run twice, or by several copies at once, it
-- changes nothing: the row of ledger_rolled is locked, and who finds it locked leaves. False: there is more.
CREATE FUNCTION ledger_roll_up(margin interval) RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
  rolled ledger_rolled;
  here text := business_zone();
  settled timestamptz;
  target timestamptz;
BEGIN
  SELECT * INTO rolled FROM ledger_rolled FOR UPDATE SKIP LOCKED;
  IF NOT FOUND THEN
    RETURN true;
  END IF;
  IF rolled.zone <> here THEN                 -- other days: from the beginning
    DELETE FROM ledger_rollups;
    rolled.until := '-infinity';
  END IF;
  -- Before the sum's own snapshot: what was settled then is seen by it.
  settled := ledger_settled_until(margin);
  target := least(settled, interval '7 days' + CASE WHEN rolled.until > '-infinity' THEN rolled.until
    ELSE coalesce((SELECT min(l.created_at) FROM ledger l), settled) END);
  IF target > rolled.until THEN
    INSERT INTO ledger_rollups AS r (kind, category, starts, amount_in, amount_out, sides)
    SELECT e.kind, e.category, date_trunc('day', e.created_at, here), coalesce(sum(e.amount) FILTER (WHERE e.amount > 0), 0),
           coalesce(-sum(e.amount) FILTER (WHERE e.amount < 0), 0), count(*)
      FROM ledger_entries e WHERE e.created_at >= rolled.until AND e.created_at < target
     GROUP BY 1, 2, 3
    ON CONFLICT (kind, category, starts) DO UPDATE
      SET amount_in = r.amount_in + excluded.amount_in, amount_out = r.amount_out + excluded.amount_out,
          sides = r.sides + excluded.sides;
    UPDATE ledger_rolled SET until = target, zone = here;
  END IF;
  RETURN target >= settled;
END $$;

-- For who brings in entries with a past (demo data): adds up anew from the beginning.
CREATE FUNCTION ledger_roll_up_anew() RETURNS void
LANGUAGE sql AS $$
  DELETE FROM ledger_rollups;
  UPDATE ledger_rolled SET until = '-infinity'
$$;

-- What an account without a row holds: what is added up, and the entries since.
CREATE FUNCTION account_balance(account text) RETURNS bigint
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT (coalesce((SELECT sum(amount_in - amount_out) FROM ledger_rollups r WHERE r.kind = account), 0)
    + coalesce((SELECT sum(CASE WHEN l.to_kind = account THEN l.amount ELSE 0 END
                         - CASE WHEN l.from_kind = account THEN l.amount ELSE 0 END) FROM ledger l
       WHERE l.created_at >= (SELECT until FROM ledger_rolled) AND (l.to_kind = account OR l.from_kind = account)), 0))::bigint
$$;

-- What came into an account and went out of it from one time to before another; category NULL: all. Whole days come
-- from what is added up, the ends from entries. Without jit, which would take twenty times as long as the sums.
CREATE FUNCTION account_turnover(account text, its_category text, since timestamptz, before timestamptz,
  OUT amount_in bigint, OUT amount_out bigint, OUT entries bigint)
LANGUAGE sql STABLE SET jit = off AS $$
  WITH days AS MATERIALIZED (                 -- [first, last): added up, and whole
    SELECT first, greatest(first, CASE WHEN r.until <= before THEN r.until ELSE date_trunc('day', before, r.zone) END) AS last
      FROM ledger_rolled r
     CROSS JOIN LATERAL (SELECT CASE WHEN since = date_trunc('day', since, r.zone) THEN since
       ELSE date_trunc('day', since + interval '1 day', r.zone) END AS first) f
  ), parts AS (
    SELECT r.amount_in, r.amount_out, r.sides FROM ledger_rollups r, days
     WHERE r.kind = account AND (its_category IS NULL OR r.category = its_category)
       AND r.starts >= days.first AND r.starts < days.last
    UNION ALL
    SELECT CASE WHEN l.to_kind = account THEN l.amount ELSE 0 END, CASE WHEN l.from_kind = account THEN l.amount ELSE 0 END,
           (l.to_kind = account)::integer + (l.from_kind = account)::integer
      FROM days CROSS JOIN LATERAL (
        SELECT * FROM ledger b WHERE b.created_at >= since AND b.created_at < least(days.first, before)
        UNION ALL
        SELECT * FROM ledger b WHERE b.created_at >= days.last AND b.created_at < before) l
     WHERE (l.to_kind = account OR l.from_kind = account) AND (its_category IS NULL OR l.category = its_category)
  )
  SELECT coalesce(sum(p.amount_in), 0)::bigint, coalesce(sum(p.amount_out), 0)::bigint, coalesce(sum(p.sides), 0)::bigint
    FROM parts p
$$;

-- --- What the platform's figures stand on ----------------------------------------------------------------------

-- Orders by when they were placed and by when they were delivered, from the indexes alone. Both take an order in when it
-- is over, in the update that changes `active`; nothing in them changes after that. `status` is not in them, since a column
-- that stands in any index makes each change of it write to all of them: settled_at says how an order ended.
CREATE INDEX orders_past ON orders (created_at) INCLUDE (settled_at, total, payment_method, vendor_id, user_id)
  WHERE active IS FALSE;
CREATE INDEX orders_settled ON orders (settled_at) INCLUDE (total, subtotal, vendor_id, rider_id)
  WHERE settled_at IS NOT NULL;

-- What figures tell of orders, in the two parts that have an index each.
CREATE VIEW orders_figures AS
  SELECT created_at, CASE WHEN settled_at IS NULL THEN 'CANCELLED' ELSE 'DELIVERED' END AS status, total, payment_method,
         vendor_id, user_id
    FROM orders WHERE active IS FALSE
  UNION ALL
  SELECT created_at, status, total, payment_method, vendor_id, user_id FROM orders WHERE active;

-- What there is by now, so that the first balance asked for is as quick as the next.
DO $$ BEGIN
  WHILE NOT ledger_roll_up('10 minutes') LOOP
  END LOOP;
END $$;
