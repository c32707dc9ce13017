-- What money needs beyond orders: the cash that riders hold as a guarded balance, and each part of an order booked
-- once, whatever is run again.

-- --- Cash in hand ------------------------------------------------------------------------------------------

-- What a rider has collected and not handed in: the balance of his CASH account, turned round. Kept with his
-- wallet, whose row a settlement updates anyway; it lowers what he may withdraw (contract, decision 5).
ALTER TABLE wallets ADD COLUMN cash_in_hand bigint NOT NULL DEFAULT 0
  CONSTRAINT wallets_cash CHECK (cash_in_hand >= 0);
UPDATE wallets w SET cash_in_hand = rider_owes(w.owner_id) WHERE w.kind = 'RIDER' AND rider_owes(w.owner_id) > 0;

CREATE OR REPLACE FUNCTION rider_owes(rider text) RETURNS bigint
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT coalesce((SELECT w.cash_in_hand FROM wallets w WHERE w.owner_id = rider), 0)
$$;

-- What may be paid out of a wallet.
CREATE FUNCTION wallet_withdrawable(w wallets) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT greatest(0, w.available - w.cash_in_hand)
$$;

CREATE OR REPLACE FUNCTION wallet_json(w wallets) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT '{"availableBalance":' || w.available || ',"pendingBalance":' || w.pending
    || ',"totalEarned":' || w.total_earned || ',"totalSpent":' || w.total_spent
    || ',"totalWithdrawn":' || w.total_withdrawn || ',"currency":"XAF","balance":' || w.available
    || CASE w.kind WHEN 'RIDER' THEN ',"cashInHand":' || w.cash_in_hand || ',"withdrawable":' || wallet_withdrawable(w)
       ELSE '' END
    || ',"updatedAt":' || json_time(w.updated_at) || '}'
$$;

-- --- Once --------------------------------------------------------------------------------------------------

-- A part of an order is paid in once and paid out once: what runs a settlement or a payment again cannot book it again.
-- Refunds may be several (a dispute gives back in parts); they are bounded by the statements.
CREATE UNIQUE INDEX ledger_order_part ON ledger (order_id, from_kind, to_kind)
  WHERE order_id IS NOT NULL AND category <> 'REFUND';
CREATE INDEX ledger_order_refunds ON ledger (order_id) WHERE category = 'REFUND';

-- As in 0036, and of an order that was settled it is what was booked: the cut may have been another
-- one then.
CREATE OR REPLACE FUNCTION order_rider_share(o orders) RETURNS bigint
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN o.status = 'CANCELLED' THEN 0
    WHEN o.settled_at IS NOT NULL THEN (SELECT coalesce(sum(l.amount), 0)::bigint FROM ledger l
      WHERE l.order_id = o.id AND l.to_kind = 'RIDER' AND l.category = 'DELIVERY_FEE')
    WHEN o.order_type = 'PACKAGE' THEN o.total - money_share(o.total, o.commission_bps)
    ELSE o.delivery_fee - money_share(o.delivery_fee, setting_bps('rider_cut_bps'))
      + o.funded_fee - money_share(o.funded_fee, setting_bps('rider_cut_bps')) END
$$;

-- Keeps what is answered to an Idempotency-Key (NULL: there is none), in the statement that does what was asked. Fails when
-- another request with it was first: then nothing of this one has happened.
CREATE FUNCTION key_keep(account text, its_key text, its_print text, its_status integer, answer text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  IF its_key IS NULL THEN
    RETURN;
  END IF;
  INSERT INTO idempotency (account_id, key, fingerprint, status, body)
  VALUES (account, its_key, its_print, its_status, answer)
  ON CONFLICT DO NOTHING;
  IF NOT FOUND THEN
    PERFORM fail('IDEMPOTENCY_RUNNING');
  END IF;
END $$;

-- As in 0033, and what was collected at the door is in the rider's hand. Each part's from_balance of CASH is
-- what he owes, below zero.
CREATE OR REPLACE FUNCTION order_settle(o orders, entries text[], vendor_share bigint, rider_share bigint,
  platform_share bigint, subsidy bigint) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  cash boolean := o.payment_method = 'CASH';
BEGIN
  IF vendor_share + rider_share + platform_share IS DISTINCT FROM o.total
     OR least(vendor_share, rider_share, platform_share, subsidy) < 0
     OR (o.vendor_id IS NULL AND vendor_share <> 0) OR o.settled_at IS NULL THEN
    PERFORM fail('INTERNAL', 'split');
  END IF;
  WITH paid AS (
    INSERT INTO wallets (owner_id, kind, available, total_earned, cash_in_hand)
    SELECT owner, kind, amount, amount, collected
      FROM (VALUES (o.vendor_id, 'VENDOR', vendor_share, 0::bigint),
        (o.rider_id, 'RIDER', rider_share + subsidy, CASE WHEN cash THEN o.total ELSE 0 END))
        AS part(owner, kind, amount, collected)
     WHERE owner IS NOT NULL ORDER BY owner COLLATE "C"
    ON CONFLICT (owner_id) DO UPDATE
      SET available = wallets.available + excluded.available,
          total_earned = wallets.total_earned + excluded.total_earned,
          cash_in_hand = wallets.cash_in_hand + excluded.cash_in_hand, updated_at = now()
    RETURNING owner_id, available, cash_in_hand
  )
  INSERT INTO ledger (id, amount, from_kind, from_owner, from_balance, to_kind, to_owner, to_balance, category, order_id,
    description)
  SELECT m.entry, m.amount, m.from_kind, CASE m.from_kind WHEN 'CASH' THEN o.rider_id END,
         CASE m.from_kind WHEN 'CASH' THEN m.left_over - (SELECT p.cash_in_hand FROM paid p WHERE p.owner_id = o.rider_id) END,
         m.to_kind, m.to_owner, paid.available - m.later, m.category, o.id, m.description || o.order_number
    FROM (VALUES
      (entries[1], vendor_share, CASE WHEN cash THEN 'CASH' ELSE 'ESCROW' END, 'VENDOR', o.vendor_id,
       0::bigint, rider_share + platform_share, 'ORDER_PAYMENT', 'Order '),
      (entries[2], rider_share, CASE WHEN cash THEN 'CASH' ELSE 'ESCROW' END, 'RIDER', o.rider_id,
       subsidy, platform_share, 'DELIVERY_FEE', 'Delivery of order '),
      (entries[3], platform_share, CASE WHEN cash THEN 'CASH' ELSE 'ESCROW' END, 'PLATFORM', NULL,
       0, 0, 'ORDER_COMMISSION', 'Commission of order '),
      (entries[4], subsidy, 'PLATFORM', 'RIDER', o.rider_id, 0, 0, 'DELIVERY_FEE', 'Free delivery of order '))
      AS m(entry, amount, from_kind, to_kind, to_owner, later, left_over, category, description)
    LEFT JOIN paid ON paid.owner_id = m.to_owner
   WHERE m.amount > 0;
END $$;
