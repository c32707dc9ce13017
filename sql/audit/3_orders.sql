-- Checks of orders: the payment of an order is held until the order ends, and is then distributed once.

-- check: order_sound
-- The total of an order is the sum of its prices, and it is active until its status is final.
SELECT id, format('%s of %s + %s + %s - %s, %s %s', total, subtotal, delivery_fee, service_fee, discount,
    CASE WHEN active THEN 'active' ELSE 'past' END, status) FROM orders
 WHERE total <> subtotal + delivery_fee + service_fee - discount OR active <> (status NOT IN ('DELIVERED', 'CANCELLED'))

-- check: escrow_held
-- Escrow holds the total of each paid, active order, and nothing of any other order.
WITH held AS (
  SELECT order_id AS id, sum(CASE to_kind WHEN 'ESCROW' THEN amount ELSE -amount END) AS amount
    FROM ledger WHERE (to_kind = 'ESCROW' OR from_kind = 'ESCROW') AND order_id IS NOT NULL GROUP BY 1
)
SELECT o.id, format('%s %s, %s: %s held of %s', o.payment_method, o.status, o.payment_status, coalesce(h.amount, 0), o.total)
  FROM orders o LEFT JOIN held h ON h.id = o.id
 WHERE coalesce(h.amount, 0) <> CASE WHEN o.active AND o.payment_status = 'PAID' AND o.payment_method <> 'CASH' THEN o.total
   ELSE 0 END

-- check: paid_once
-- An order is paid into escrow once, with its total, from its customer's wallet or by the gateway. Cash orders are not.
SELECT o.id, format('%s order of %s: %s paid in %s times', o.payment_method, o.total, p.amount, p.times)
  FROM (SELECT order_id, sum(amount) AS amount, count(*) AS times, max(from_owner) AS payer FROM ledger
         WHERE to_kind = 'ESCROW' AND order_id IS NOT NULL GROUP BY 1) p JOIN orders o ON o.id = p.order_id
 WHERE p.amount <> o.total OR p.times <> 1 OR o.payment_method = 'CASH' OR p.payer <> o.user_id

-- check: settled_once
-- A delivered order is settled once: the parts of vendor, rider and platform add up to its total.
WITH parts AS (
  SELECT order_id AS id, sum(amount) AS amount, greatest(count(*) FILTER (WHERE to_kind = 'VENDOR'),
           count(*) FILTER (WHERE to_kind = 'RIDER'), count(*) FILTER (WHERE to_kind = 'PLATFORM')) AS times FROM ledger
   WHERE from_kind IN ('ESCROW', 'CASH') AND to_kind IN ('VENDOR', 'RIDER', 'PLATFORM') AND order_id IS NOT NULL GROUP BY 1
)
SELECT o.id, format('%s of %s settled, a part up to %s times', coalesce(p.amount, 0), o.total, coalesce(p.times, 0))
  FROM orders o LEFT JOIN parts p ON p.id = o.id
 WHERE o.status = 'DELIVERED'
   AND (coalesce(p.amount, 0) <> o.total OR p.times <> 1 OR o.settled_at IS NULL)

-- check: settled_only_when_delivered
-- Nothing of an undelivered order is settled. Payments of the platform itself are checked by compensation_bounded.
SELECT l.id, format('%s to %s of order %s, which is %s', l.amount, l.to_kind, o.id, o.status)
  FROM ledger l JOIN orders o ON o.id = l.order_id
 WHERE l.to_kind IN ('VENDOR', 'RIDER', 'PLATFORM') AND l.category IN ('ORDER_PAYMENT', 'DELIVERY_FEE', 'ORDER_COMMISSION')
   AND l.from_kind <> 'PLATFORM' AND (o.status <> 'DELIVERED' OR o.settled_at IS NULL)

-- check: compensation_bounded
-- The platform pays a vendor once, and at most the vendor's share, for an order that an admin cancelled. It pays a rider only
-- for a delivered order.
SELECT o.id, format('%s paid to %s in %s times of %s, %s by %s', sum(l.amount), l.to_kind, count(*), o.subtotal, o.status,
         coalesce(o.cancelled_by, 'nobody'))
  FROM ledger l JOIN orders o ON o.id = l.order_id
 WHERE l.from_kind = 'PLATFORM' AND l.to_kind IN ('VENDOR', 'RIDER') AND l.category IN ('ORDER_PAYMENT', 'DELIVERY_FEE')
 GROUP BY o.id, l.to_kind
HAVING CASE l.to_kind WHEN 'RIDER' THEN o.status <> 'DELIVERED' OR o.settled_at IS NULL
  ELSE count(*) <> 1 OR o.status <> 'CANCELLED' OR o.cancelled_by IS DISTINCT FROM 'ADMIN'
    OR sum(l.amount) > o.vendor_share END

-- check: shares_go_to_their_owners
-- An order's shares go to its own vendor and rider, its refunds to its own customer.
SELECT l.id, format('%s to %s %s of order %s', l.amount, l.to_kind, l.to_owner, o.id)
  FROM ledger l JOIN orders o ON o.id = l.order_id
 WHERE l.to_owner IS DISTINCT FROM CASE l.to_kind WHEN 'VENDOR' THEN o.vendor_id WHEN 'RIDER' THEN o.rider_id
   WHEN 'USER' THEN o.user_id END

-- check: cash_is_its_total
-- For each delivered cash order its rider collected the total; no cash was collected for other orders.
WITH collected AS (
  SELECT order_id AS id, sum(amount) AS amount, min(from_owner) AS least, max(from_owner) AS most
    FROM ledger WHERE from_kind = 'CASH' GROUP BY 1
)
SELECT coalesce(o.id, c.most), format('%s collected, %s order of %s is %s', coalesce(c.amount, 0), o.payment_method, o.total, o.status)
  FROM (SELECT * FROM orders WHERE payment_method = 'CASH' AND status = 'DELIVERED') o FULL JOIN collected c ON c.id = o.id
 WHERE (c.amount, c.least, c.most) IS DISTINCT FROM (o.total, o.rider_id, o.rider_id)

-- check: subsidy_bounded
-- For free delivery the platform pays at most the fee that was waived.
SELECT o.id, format('%s added, %s waived', sum(l.amount), o.funded_fee) FROM ledger l JOIN orders o ON o.id = l.order_id
 WHERE l.from_kind = 'PLATFORM' AND l.to_kind = 'RIDER' GROUP BY o.id HAVING sum(l.amount) > o.funded_fee

-- check: refunds_bounded
-- The refunds of an order are at most the amount paid for it.
WITH moved AS (
  SELECT order_id AS id, coalesce(sum(amount) FILTER (WHERE category = 'REFUND'), 0) AS back,
         coalesce(sum(amount) FILTER (WHERE to_kind = 'ESCROW' OR from_kind = 'CASH'), 0) AS paid
    FROM ledger WHERE order_id IS NOT NULL AND (category = 'REFUND' OR to_kind = 'ESCROW' OR from_kind = 'CASH') GROUP BY 1
)
SELECT id, format('%s refunded of %s', back, paid) FROM moved WHERE back > paid

-- check: payment_status_agrees
-- The payment status is PAID or REFUNDED exactly when the order was paid, and REFUNDED only when money was refunded.
WITH moved AS (
  SELECT order_id AS id, bool_or(to_kind = 'ESCROW' OR from_kind = 'CASH') AS paid, bool_or(category = 'REFUND') AS back
    FROM ledger WHERE order_id IS NOT NULL AND (category = 'REFUND' OR to_kind = 'ESCROW' OR from_kind = 'CASH') GROUP BY 1
)
SELECT o.id, format('%s %s order is %s, paid %s, refunded %s', o.payment_method, o.status, o.payment_status,
         coalesce(m.paid, false), coalesce(m.back, false))
  FROM orders o LEFT JOIN moved m ON m.id = o.id
 WHERE (o.payment_status IN ('PAID', 'REFUNDED')) <> coalesce(m.paid, false)
    OR (o.payment_status = 'REFUNDED' AND NOT coalesce(m.back, false))
    OR (o.status = 'CANCELLED' AND o.payment_status = 'PAID')
