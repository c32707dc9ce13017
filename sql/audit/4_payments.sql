-- What must hold of payments: what the gateway collected is in the books once, and nothing else of it is.

-- check: intent_booked_once
-- needs: payment_intents
-- A payment that succeeded is booked once, with its amount, to its customer or order; any other is not booked.
WITH booked AS (
  SELECT reference AS id, count(*) AS times, sum(amount) AS amount, min(id) AS entry, min(to_owner) AS to_owner,
         min(order_id) AS order_id
    FROM ledger WHERE from_kind = 'CLEARING' AND to_kind IN ('USER', 'ESCROW') AND reference ^@ 'pay_' GROUP BY 1
)
SELECT id, format('%s of %s, booked %s in %s times', coalesce(i.state, 'unknown'), i.amount, coalesce(b.amount, 0), coalesce(b.times, 0))
  FROM payment_intents i FULL JOIN booked b USING (id)
 WHERE CASE WHEN i.state = 'SUCCEEDED' THEN (b.times, b.amount, b.entry, b.order_id) IS DISTINCT FROM (1::bigint, i.amount, i.entry, i.order_id)
         OR (i.kind = 'TOPUP' AND b.to_owner IS DISTINCT FROM i.user_id)
       ELSE b.id IS NOT NULL END
