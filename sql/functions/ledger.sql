-- Balances and movements. The accounts ESCROW, PLATFORM and CLEARING have no row: their balance is the sum of their entries.
-- Older entries are rolled up per business day.

-- --- Entries and wallets ------------------------------------------------------------------------------

-- The two signed entries of each movement; their sum is 0 by construction.
CREATE OR REPLACE VIEW ledger_entries AS
  SELECT id AS transfer_id, from_kind AS kind, from_owner AS owner_id, -amount AS amount,
         from_balance AS balance, category, order_id, reference, description, created_at
    FROM ledger
  UNION ALL
  SELECT id, to_kind, to_owner, amount, to_balance, category, order_id, reference, description,
         created_at
    FROM ledger;

-- One side of a movement, for its owner.
CREATE OR REPLACE FUNCTION transaction_json(e ledger_entries) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT '{"transactionId":' || json_word(e.transfer_id)
    || ',"type":' || CASE WHEN e.amount < 0 THEN '"DEBIT"' ELSE '"CREDIT"' END
    || ',"category":' || json_word(e.category)
    || ',"amount":' || abs(e.amount) || ',"currency":"XAF","orderId":' || json_word(e.order_id)
    || ',"description":' || json_text(e.description)
    || ',"balanceBefore":' || coalesce((e.balance - e.amount)::text, 'null')
    || ',"balanceAfter":' || coalesce(e.balance::text, 'null')
    || ',"reference":' || json_text(e.reference) || ',"status":"COMPLETED"'
    || ',"createdAt":' || json_time(e.created_at) || ',"timestamp":' || json_time(e.created_at) || '}'
$$;

-- The amount that may be withdrawn.
CREATE OR REPLACE FUNCTION wallet_withdrawable(w wallets) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT greatest(0, w.available - w.cash_in_hand)
$$;

-- The Wallet object. Riders also see their cash in hand, which lowers the amount they may withdraw.
CREATE OR REPLACE FUNCTION wallet_json(w wallets) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT '{"availableBalance":' || w.available || ',"pendingBalance":' || w.pending
    || ',"totalEarned":' || w.total_earned || ',"totalSpent":' || w.total_spent
    || ',"totalWithdrawn":' || w.total_withdrawn || ',"currency":"XAF","balance":' || w.available
    || CASE w.kind WHEN 'RIDER' THEN ',"cashInHand":' || w.cash_in_hand || ',"withdrawable":' || wallet_withdrawable(w)
       ELSE '' END
    || ',"updatedAt":' || json_time(w.updated_at) || '}'
$$;

-- --- Sums ---------------------------------------------------------------------------------------------

-- No entry older than this can still appear. created_at is the start of the transaction, so a running transaction may add an
-- entry as old as the oldest of them. Ids do not help: they are made earlier and do not follow the order of commits. The
-- margin covers clocks that are set back, for example after a failover. xact_start of other roles' sessions is visible only to
-- pg_read_all_stats; only the server's role writes entries, and it also runs this function.
CREATE OR REPLACE FUNCTION ledger_settled_until(margin interval) RETURNS timestamptz
LANGUAGE sql VOLATILE AS $$
  SELECT least(now() - margin, (SELECT min(xact_start) FROM pg_stat_activity
    WHERE datname = current_database() AND backend_type <> 'autovacuum worker'))
$$;

-- Rolls up the entries that became final since the last run, at most a week. Running it twice, or in several instances at
-- once, is safe: it locks the row of ledger_rolled, and returns when the row is locked already. False: there is more.
CREATE OR REPLACE FUNCTION ledger_roll_up(margin interval) RETURNS boolean
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
  IF rolled.zone <> here THEN                 -- the days have changed: start again
    DELETE FROM ledger_rollups;
    rolled.until := '-infinity';
  END IF;
  -- Before the snapshot of the sum, which therefore sees all entries up to here.
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

-- After inserting entries with past dates (demo data): starts the roll-up again.
CREATE OR REPLACE FUNCTION ledger_roll_up_anew() RETURNS void
LANGUAGE sql AS $$
  DELETE FROM ledger_rollups;
  UPDATE ledger_rolled SET until = '-infinity'
$$;

-- The balance of an account without a row: the roll-ups and the entries since.
CREATE OR REPLACE FUNCTION account_balance(account text) RETURNS bigint
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT (coalesce((SELECT sum(amount_in - amount_out) FROM ledger_rollups r WHERE r.kind = account), 0)
    + coalesce((SELECT sum(CASE WHEN l.to_kind = account THEN l.amount ELSE 0 END
                         - CASE WHEN l.from_kind = account THEN l.amount ELSE 0 END) FROM ledger l
       WHERE l.created_at >= (SELECT until FROM ledger_rolled) AND (l.to_kind = account OR l.from_kind = account)), 0))::bigint
$$;

-- The amounts that entered and left an account in [since, before); category NULL: all. Whole days come from the roll-ups, the
-- rest from entries. Without JIT, which would take twenty times as long as the sums.
CREATE OR REPLACE FUNCTION account_turnover(account text, its_category text, since timestamptz, before timestamptz,
  OUT amount_in bigint, OUT amount_out bigint, OUT entries bigint)
LANGUAGE sql STABLE SET jit = off AS $$
  WITH days AS MATERIALIZED (                 -- [first, last): whole days that are rolled up
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

-- --- Cash in hand -------------------------------------------------------------------------------------

-- Cash that a rider collected and has not handed in.
CREATE OR REPLACE FUNCTION rider_owes(rider text) RETURNS bigint
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT coalesce((SELECT w.cash_in_hand FROM wallets w WHERE w.owner_id = rider), 0)
$$;

-- A hand-in, for admins.
CREATE OR REPLACE FUNCTION cash_handin_json(l ledger) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT concat('{"id":"', l.id, '","rider_id":"', l.to_owner, '","amount":', l.amount, ',"currency":"XAF","reference":',
    json_text(l.reference), ',"cash_in_hand":', -l.to_balance, ',"created_at":', json_time(l.created_at), '}')
$$;

-- See the statement cash_hand_in.
CREATE OR REPLACE FUNCTION cash_hand_in(rider text, given bigint, its_reference text, audit jsonb, entry text,
  OUT outcome text, OUT json text)
LANGUAGE plpgsql AS $$
DECLARE
  w wallets;
  l ledger;
BEGIN
  SELECT * INTO w FROM wallets t WHERE t.owner_id = rider AND t.kind = 'RIDER' FOR NO KEY UPDATE;
  SELECT * INTO l FROM ledger t
   WHERE t.to_owner = rider AND t.reference = its_reference AND t.category = 'CASH_HANDIN';
  outcome := CASE WHEN NOT EXISTS (SELECT FROM riders r WHERE r.id = rider) THEN 'RIDER_NOT_FOUND'
    WHEN l.amount = given THEN 'AGAIN' WHEN l.amount IS NOT NULL THEN 'HANDIN_OTHER'
    WHEN coalesce(w.cash_in_hand, 0) < given THEN 'CASH_OVER' ELSE 'DONE' END;
  IF outcome = 'DONE' THEN
    UPDATE wallets t SET cash_in_hand = t.cash_in_hand - given, updated_at = now() WHERE t.owner_id = rider
    RETURNING * INTO w;
    INSERT INTO ledger (id, amount, from_kind, to_kind, to_owner, to_balance, category, reference, description)
    VALUES (entry, given, 'CLEARING', 'CASH', rider, -w.cash_in_hand, 'CASH_HANDIN', its_reference, 'Cash handed in')
    RETURNING * INTO l;
    PERFORM admin_audit_add(audit, rider);
    INSERT INTO event_log (aggregate, type, rooms, payload)
    VALUES (rider, 'cash_handed_in', ARRAY['rider:' || rider, 'admin'], json_build_object('riderId', rider, 'amount', given,
      'reference', its_reference, 'cashInHand', w.cash_in_hand, 'timestamp', iso(now())));
  END IF;
  IF outcome IN ('DONE', 'AGAIN') THEN
    json := cash_handin_json(l);
  END IF;
END $$;
