-- Checks of payments: each amount that the gateway collected is booked once, and nothing else is booked.

-- check: intent_booked_once
-- needs: payment_intents
-- A successful payment is booked once, with its amount, to its customer or order. A payment of another amount that was
-- resolved as BOOKED is booked with that amount to its customer. No other payment is booked.
WITH booked AS (
  SELECT reference AS id, count(*) AS times, sum(amount) AS amount, min(id) AS entry, min(to_owner) AS to_owner,
         min(order_id) AS order_id
    FROM ledger WHERE from_kind = 'CLEARING' AND to_kind IN ('USER', 'ESCROW') AND reference ^@ 'pay_' GROUP BY 1
)
SELECT id, format('%s of %s, booked %s in %s times', coalesce(i.state, 'unknown'), i.amount, coalesce(b.amount, 0), coalesce(b.times, 0))
  FROM payment_intents i FULL JOIN booked b USING (id)
 WHERE CASE WHEN i.state = 'SUCCEEDED' THEN (b.times, b.amount, b.entry, b.order_id) IS DISTINCT FROM (1::bigint, i.amount, i.entry, i.order_id)
         OR (i.kind = 'TOPUP' AND b.to_owner IS DISTINCT FROM i.user_id)
       WHEN i.resolution = 'BOOKED' THEN (b.times, b.amount, b.entry, b.order_id, b.to_owner)
         IS DISTINCT FROM (1::bigint, i.paid_amount, i.entry, NULL::text, i.user_id)
       ELSE b.id IS NOT NULL END

-- check: payment_names_its_order
-- needs: payment_intents
-- An order by mobile money or card names its payment, which has the order's customer and total.
SELECT o.id, format('%s order of %s, payment %s of %s', o.payment_method, o.total, i.id, i.amount)
  FROM orders o LEFT JOIN payment_intents i ON i.order_id = o.id
 WHERE (o.payment_reference ^@ 'pay_' OR o.payment_method = 'MOBILE_MONEY')
   AND (i.id, i.user_id, i.amount, i.method) IS DISTINCT FROM (o.payment_reference, o.user_id, o.total, o.payment_method)

-- check: payment_waits_with_its_order
-- needs: payment_intents
-- An order that waits for its payment has an open payment. An order whose payment succeeded does not wait.
SELECT o.id, format('%s order waits, payment is %s', o.payment_method, i.state)
  FROM payment_intents i JOIN orders o ON o.id = i.order_id
 WHERE (o.active AND o.payment_status = 'PENDING' AND i.state NOT IN ('CREATED', 'PENDING'))
    OR (i.state = 'SUCCEEDED' AND o.payment_status NOT IN ('PAID', 'REFUNDED'))
