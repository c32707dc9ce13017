-- Checks of wallets: balances equal the sums of their entries, and the balances recorded in entries form one history.

-- check: wallet_not_negative
-- No balance and no total of a wallet is below zero.
SELECT owner_id, format('available %s, pending %s, cash %s', available, pending, cash_in_hand) FROM wallets
 WHERE least(available, pending, cash_in_hand, total_earned, total_spent, total_withdrawn) < 0

-- check: wallet_owner_known
-- Each wallet belongs to an account of its kind.
SELECT owner_id, format('a wallet of kind %s', kind) FROM wallets w
 WHERE CASE kind WHEN 'USER' THEN NOT EXISTS (SELECT FROM users a WHERE a.id = w.owner_id)
                 WHEN 'VENDOR' THEN NOT EXISTS (SELECT FROM vendors a WHERE a.id = w.owner_id)
                 WHEN 'RIDER' THEN NOT EXISTS (SELECT FROM riders a WHERE a.id = w.owner_id) ELSE true END

-- check: wallet_available
-- A wallet's available balance is the sum of its entries.
SELECT owner_id, format('%s available, sum of entries %s', w.available, coalesce(e.amount, 0))
  FROM (SELECT owner_id, kind, available FROM wallets) w
  FULL JOIN (SELECT owner_id, kind, sum(amount) AS amount FROM ledger_entries
              WHERE kind IN ('USER', 'VENDOR', 'RIDER') GROUP BY 1, 2) e USING (owner_id, kind)
 WHERE coalesce(w.available, 0) <> coalesce(e.amount, 0)

-- check: wallet_pending
-- A wallet's pending balance is the sum of its entries.
SELECT owner_id, format('%s pending, sum of entries %s', w.pending, coalesce(e.amount, 0))
  FROM (SELECT owner_id, kind || '_PENDING' AS kind, pending FROM wallets) w
  FULL JOIN (SELECT owner_id, kind, sum(amount) AS amount FROM ledger_entries
              WHERE kind IN ('VENDOR_PENDING', 'RIDER_PENDING') GROUP BY 1, 2) e USING (owner_id, kind)
 WHERE coalesce(w.pending, 0) <> coalesce(e.amount, 0)

-- check: wallet_cash_in_hand
-- A rider's cash in hand is the cash that the rider collected and did not hand in.
SELECT owner_id, format('%s in hand, sum of entries %s', w.cash_in_hand, -coalesce(e.amount, 0))
  FROM (SELECT owner_id, cash_in_hand FROM wallets) w
  FULL JOIN (SELECT owner_id, sum(amount) AS amount FROM ledger_entries WHERE kind = 'CASH' GROUP BY 1) e USING (owner_id)
 WHERE coalesce(w.cash_in_hand, 0) <> -coalesce(e.amount, 0)

-- check: wallet_total_earned
-- The total earned of a vendor or rider is the sum of credits from orders.
SELECT owner_id, format('%s earned, sum of entries %s', w.total_earned, coalesce(e.amount, 0))
  FROM (SELECT owner_id, total_earned FROM wallets) w
  LEFT JOIN (SELECT to_owner AS owner_id, sum(amount) AS amount FROM ledger
              WHERE to_kind IN ('VENDOR', 'RIDER') AND category IN ('ORDER_PAYMENT', 'DELIVERY_FEE') GROUP BY 1) e USING (owner_id)
 WHERE w.total_earned <> coalesce(e.amount, 0)

-- check: wallet_total_spent
-- The total spent of a customer is the sum paid into escrow for the customer's orders, minus refunds. Cash is not counted.
SELECT owner_id, format('%s spent, sum of entries %s', w.total_spent, coalesce(e.amount, 0))
  FROM (SELECT owner_id, total_spent FROM wallets) w
  LEFT JOIN (SELECT o.user_id AS owner_id, sum(CASE l.to_kind WHEN 'ESCROW' THEN l.amount ELSE -l.amount END) AS amount
               FROM ledger l JOIN orders o ON o.id = l.order_id
              WHERE (l.to_kind = 'ESCROW' OR l.category = 'REFUND') AND o.payment_method <> 'CASH' GROUP BY 1) e USING (owner_id)
 WHERE w.total_spent <> coalesce(e.amount, 0)

-- check: wallet_total_withdrawn
-- The total withdrawn of a vendor or rider is the sum paid out to the gateway, including fees, minus what came back.
SELECT owner_id, format('%s withdrawn, sum of entries %s', w.total_withdrawn, coalesce(e.amount, 0))
  FROM (SELECT owner_id, total_withdrawn FROM wallets) w
  LEFT JOIN (SELECT owner_id, sum(amount) AS amount
               FROM (SELECT from_owner AS owner_id, amount FROM ledger
                      WHERE from_kind IN ('VENDOR', 'RIDER', 'VENDOR_PENDING', 'RIDER_PENDING') AND to_kind IN ('CLEARING', 'PLATFORM')
                     UNION ALL
                     SELECT to_owner, -amount FROM ledger
                      WHERE to_kind IN ('VENDOR', 'RIDER') AND from_kind IN ('CLEARING', 'PLATFORM') AND category = 'PAYOUT') m
              GROUP BY 1) e
       USING (owner_id)
 WHERE w.total_withdrawn <> coalesce(e.amount, 0)

-- check: balance_recorded
-- Each side of a wallet has the resulting balance recorded, and it is not below zero (cash: not above).
SELECT transfer_id, format('balance %s of %s %s', coalesce(balance::text, 'none'), kind, owner_id) FROM ledger_entries
 WHERE CASE kind WHEN 'CASH' THEN balance > 0 WHEN 'ESCROW' THEN false WHEN 'PLATFORM' THEN false WHEN 'CLEARING' THEN false
       ELSE balance IS NULL OR balance < 0 END

-- check: balance_follows
-- The balances recorded with an account's entries form one history from 0 to the present balance: for each balance, as many
-- entries end with it as begin with it. The booking order is not recorded (ids and times are created before the wallet's
-- row is locked), so the balances are matched as a set.
WITH sides AS (
  SELECT kind, owner_id, amount, balance FROM ledger_entries e
   WHERE kind NOT IN ('ESCROW', 'PLATFORM', 'CLEARING')
     AND NOT (kind = 'CASH' AND owner_id IN (      -- collected before balances of cash were recorded
       SELECT from_owner FROM ledger WHERE from_kind = 'CASH' AND from_balance IS NULL))
), ends AS (
  SELECT kind, owner_id, balance AS at, count(*) AS n FROM sides GROUP BY 1, 2, 3
  UNION ALL
  SELECT kind, owner_id, balance - amount, -count(*) FROM sides GROUP BY 1, 2, 3
  UNION ALL
  SELECT kind, owner_id, 0, 1 FROM sides GROUP BY 1, 2
  UNION ALL
  SELECT kind, owner_id, sum(amount)::bigint, -1 FROM sides GROUP BY 1, 2
), loose AS (
  SELECT kind, owner_id, at FROM ends GROUP BY 1, 2, 3 HAVING sum(n) <> 0
)
SELECT e.transfer_id, format('%s %s: balance %s after %s', e.kind, e.owner_id, e.balance, e.amount)
  FROM loose JOIN ledger_entries e ON e.kind = loose.kind AND e.owner_id = loose.owner_id
   AND (e.balance = loose.at OR e.balance - e.amount = loose.at)
