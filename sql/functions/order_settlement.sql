-- The parts of an order, and what is booked when it is delivered or when a prepared order is cancelled.

-- The platform's commission on an order, for rows of the console: 0 for a cancelled order.
-- The amounts are those of domain/split.c, stored when the order was placed.
CREATE OR REPLACE FUNCTION order_commission(o orders) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN o.status = 'CANCELLED' THEN 0 ELSE coalesce(o.commission, 0) END
$$;

-- The rider's earnings, 0 for a cancelled order.
CREATE OR REPLACE FUNCTION order_rider_earnings(o orders) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN o.status = 'CANCELLED' THEN 0 ELSE coalesce(o.rider_earnings, 0) END
$$;

-- Books the parts of a delivered order out of escrow (CASH: out of the cash that the rider collected), and the subsidy that
-- the platform pays the rider. C computes the parts (domain/split.h); this function checks that they add up to the total.
-- entries: ids of up to four ledger rows. The from_balance of a CASH part is what the rider owes, below zero.
--
-- Rider and platform are booked first and the vendor's wallet last, because all concurrent orders of a vendor wait for
-- that one row. Wallets are locked by id: ids of riders come before ids of vendors.
CREATE OR REPLACE FUNCTION order_settle(o orders, entries text[], vendor_share bigint, rider_share bigint,
  platform_share bigint, subsidy bigint) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  cash boolean := o.payment_method = 'CASH';
  source text := CASE WHEN cash THEN 'CASH' ELSE 'ESCROW' END;
  payer text := CASE WHEN cash THEN o.rider_id END;
  rider_balance bigint;
  hand bigint;
BEGIN
  IF vendor_share + rider_share + platform_share IS DISTINCT FROM o.total
     OR least(vendor_share, rider_share, platform_share, subsidy) < 0
     OR (o.vendor_id IS NULL AND vendor_share <> 0) OR o.settled_at IS NULL THEN
    PERFORM fail('INTERNAL', 'split');
  END IF;

  IF o.rider_id IS NOT NULL THEN
    INSERT INTO wallets AS w (owner_id, kind, available, total_earned, cash_in_hand)
    VALUES (o.rider_id, 'RIDER', rider_share + subsidy, rider_share + subsidy, CASE WHEN cash THEN o.total ELSE 0 END)
    ON CONFLICT (owner_id) DO UPDATE
      SET available = w.available + excluded.available, total_earned = w.total_earned + excluded.total_earned,
          cash_in_hand = w.cash_in_hand + excluded.cash_in_hand, updated_at = now()
    RETURNING w.available, w.cash_in_hand INTO rider_balance, hand;
  END IF;
  -- left_over: cash that is not booked yet. later: what the same wallet still gets.
  INSERT INTO ledger (id, amount, from_kind, from_owner, from_balance, to_kind, to_owner, to_balance, category, order_id,
    description)
  SELECT m.entry, m.amount, m.from_kind, m.from_owner, CASE WHEN m.from_kind = 'CASH' THEN m.left_over - hand END, m.to_kind,
         m.to_owner, CASE m.to_kind WHEN 'RIDER' THEN rider_balance - m.later END, m.category, o.id,
         m.description || o.order_number
    FROM (VALUES
      (entries[2], rider_share, source, payer, platform_share, 'RIDER', o.rider_id, subsidy, 'DELIVERY_FEE', 'Delivery of order '),
      (entries[3], platform_share, source, payer, 0, 'PLATFORM', NULL, 0, 'ORDER_COMMISSION', 'Commission of order '),
      (entries[4], subsidy, 'PLATFORM', NULL, 0, 'RIDER', o.rider_id, 0, 'DELIVERY_FEE', 'Free delivery of order '))
      AS m(entry, amount, from_kind, from_owner, left_over, to_kind, to_owner, later, category, description)
   WHERE m.amount > 0;

  IF o.vendor_id IS NOT NULL THEN
    WITH paid AS (
      INSERT INTO wallets AS w (owner_id, kind, available, total_earned)
      VALUES (o.vendor_id, 'VENDOR', vendor_share, vendor_share)
      ON CONFLICT (owner_id) DO UPDATE
        SET available = w.available + excluded.available, total_earned = w.total_earned + excluded.total_earned,
            updated_at = now()
      RETURNING w.available
    )
    INSERT INTO ledger (id, amount, from_kind, from_owner, from_balance, to_kind, to_owner, to_balance, category, order_id,
      description)
    SELECT entries[1], vendor_share, source, payer, CASE WHEN cash THEN rider_share + platform_share - hand END, 'VENDOR',
           o.vendor_id, paid.available, 'ORDER_PAYMENT', o.id, 'Order ' || o.order_number
      FROM paid WHERE vendor_share > 0;
    UPDATE vendors v SET total_orders = v.total_orders + 1, total_revenue = v.total_revenue + o.subtotal WHERE v.id = o.vendor_id;
  END IF;
END $$;

-- Pays the vendor for an order that was prepared and cancelled. The platform pays, because the customer was refunded.
-- Runs last, as in order_settle.
CREATE OR REPLACE FUNCTION order_compensate(o orders, share bigint, entry text) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  balance bigint;
BEGIN
  IF o.vendor_id IS NULL OR o.status <> 'CANCELLED' OR share NOT BETWEEN 1 AND o.subtotal THEN
    PERFORM fail('INTERNAL', 'compensation');
  END IF;
  INSERT INTO wallets AS w (owner_id, kind, available, total_earned) VALUES (o.vendor_id, 'VENDOR', share, share)
  ON CONFLICT (owner_id) DO UPDATE
    SET available = w.available + excluded.available, total_earned = w.total_earned + excluded.total_earned,
        updated_at = now()
  RETURNING w.available INTO balance;
  INSERT INTO ledger (id, amount, from_kind, to_kind, to_owner, to_balance, category, order_id, description)
  VALUES (entry, share, 'PLATFORM', 'VENDOR', o.vendor_id, balance, 'ORDER_PAYMENT', o.id,
    'Cancelled order ' || o.order_number);
END $$;
