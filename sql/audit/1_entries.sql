-- Checks of each ledger movement. The rows of a check are its violations: the entry, order or account concerned, and a
-- description. A check without rows passes.

-- check: transfer_sums_to_zero
-- Each movement has two sides, and their sum is 0.
SELECT transfer_id, format('%s sides with the sum %s', count(*), sum(amount)) FROM ledger_entries
 GROUP BY transfer_id HAVING sum(amount) <> 0 OR count(*) <> 2

-- check: amount_positive
-- Each movement moves an amount above zero.
SELECT id, format('amount %s', amount) FROM ledger WHERE amount IS NULL OR amount <= 0

-- check: movement_known
-- Money moves only between the pairs of accounts that the contract allows, under their categories.
SELECT id, format('%s to %s as %s', from_kind, to_kind, category) FROM ledger
 WHERE (from_kind, to_kind, category) NOT IN (
   ('CLEARING', 'USER', 'WALLET_TOPUP'), ('USER', 'ESCROW', 'ORDER_PAYMENT'), ('CLEARING', 'ESCROW', 'ORDER_PAYMENT'),
   ('ESCROW', 'VENDOR', 'ORDER_PAYMENT'), ('ESCROW', 'RIDER', 'DELIVERY_FEE'), ('ESCROW', 'PLATFORM', 'ORDER_COMMISSION'),
   ('CASH', 'VENDOR', 'ORDER_PAYMENT'), ('CASH', 'RIDER', 'DELIVERY_FEE'), ('CASH', 'PLATFORM', 'ORDER_COMMISSION'),
   ('PLATFORM', 'RIDER', 'DELIVERY_FEE'), ('ESCROW', 'USER', 'REFUND'), ('PLATFORM', 'USER', 'REFUND'),
   ('PLATFORM', 'VENDOR', 'ORDER_PAYMENT'),                             -- prepared, and cancelled before delivery
   ('VENDOR', 'VENDOR_PENDING', 'PAYOUT'), ('RIDER', 'RIDER_PENDING', 'PAYOUT'),
   ('VENDOR_PENDING', 'VENDOR', 'PAYOUT'), ('RIDER_PENDING', 'RIDER', 'PAYOUT'),
   ('VENDOR_PENDING', 'CLEARING', 'PAYOUT'), ('RIDER_PENDING', 'CLEARING', 'PAYOUT'),
   ('VENDOR_PENDING', 'PLATFORM', 'PAYOUT'), ('RIDER_PENDING', 'PLATFORM', 'PAYOUT'),
   ('VENDOR', 'CLEARING', 'PAYOUT'), ('RIDER', 'CLEARING', 'PAYOUT'),   -- paid after it failed
   ('VENDOR', 'PLATFORM', 'PAYOUT'), ('RIDER', 'PLATFORM', 'PAYOUT'),
   ('CLEARING', 'VENDOR', 'PAYOUT'), ('CLEARING', 'RIDER', 'PAYOUT'),   -- not paid although completed
   ('PLATFORM', 'VENDOR', 'PAYOUT'), ('PLATFORM', 'RIDER', 'PAYOUT'),
   ('PLATFORM', 'CLEARING', 'PAYOUT'),                                  -- lost
   ('CLEARING', 'CASH', 'CASH_HANDIN'))

-- check: owner_known
-- Each side belongs to an existing account; accounts without owners have no owner.
SELECT transfer_id, format('%s of %s', kind, coalesce(owner_id, 'nobody')) FROM ledger_entries
 WHERE (kind, coalesce(owner_id, '')) IN (
   SELECT kind, coalesce(owner_id, '') FROM (SELECT DISTINCT kind, owner_id FROM ledger_entries) e
    WHERE CASE WHEN kind IN ('ESCROW', 'PLATFORM', 'CLEARING') THEN owner_id IS NOT NULL
               WHEN kind = 'USER' THEN NOT EXISTS (SELECT FROM users u WHERE u.id = owner_id)
               WHEN kind IN ('VENDOR', 'VENDOR_PENDING') THEN NOT EXISTS (SELECT FROM vendors v WHERE v.id = owner_id)
               ELSE NOT EXISTS (SELECT FROM riders r WHERE r.id = owner_id) END)

-- check: order_known
-- A movement for an order names an existing order.
SELECT l.id, format('%s of order %s', l.category, coalesce(l.order_id, 'none')) FROM ledger l LEFT JOIN orders o ON o.id = l.order_id
 WHERE o.id IS NULL AND (l.order_id IS NOT NULL
   OR l.category IN ('ORDER_PAYMENT', 'ORDER_COMMISSION', 'DELIVERY_FEE', 'REFUND'))

-- check: rollups_are_their_entries
-- The roll-up of each business day equals the sum of its entries.
WITH entries AS (
  SELECT e.kind, e.category, date_trunc('day', e.created_at, r.zone) AS starts, sum(e.amount) AS amount,
         sum(abs(e.amount)) AS moved, count(*) AS sides
    FROM ledger_entries e, ledger_rolled r WHERE e.created_at < r.until GROUP BY 1, 2, 3
)
SELECT concat_ws(' ', kind, category, starts), format('%s rolled up, sum of entries %s', r.amount_in - r.amount_out, e.amount)
  FROM entries e FULL JOIN ledger_rollups r USING (kind, category, starts)
 WHERE (r.amount_in - r.amount_out, r.amount_in + r.amount_out, r.sides) IS DISTINCT FROM (e.amount, e.moved, e.sides)
