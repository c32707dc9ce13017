-- What must hold of pay-outs: each has its movements, and no more of them than its state says.

-- check: payout_moved
-- needs: payouts
-- A pay-out's amount was held once; it waits there while it is open, has left when it is completed, and is back when it ended
-- otherwise.
WITH moved AS (
  SELECT reference AS id, max(coalesce(from_owner, '')) AS owner,
         coalesce(sum(amount) FILTER (WHERE to_kind IN ('VENDOR_PENDING', 'RIDER_PENDING')), 0) AS held,
         coalesce(sum(amount) FILTER (WHERE to_kind IN ('VENDOR', 'RIDER')), 0) AS back,
         coalesce(sum(amount) FILTER (WHERE to_kind = 'CLEARING'), 0) AS paid,
         coalesce(sum(amount) FILTER (WHERE to_kind = 'PLATFORM'), 0) AS fee
    FROM ledger WHERE category = 'PAYOUT' GROUP BY 1
)
SELECT coalesce(p.id, m.id), format('%s of %s: %s held, %s back, %s paid, %s fee', coalesce(p.status, 'no pay-out'), p.amount,
         m.held, m.back, m.paid, m.fee)
  FROM payouts p FULL JOIN moved m ON m.id = p.id
 WHERE p.id IS NULL OR m.id IS NULL OR m.owner <> p.owner_id OR m.held <> p.amount
    OR (p.status IN ('PENDING', 'APPROVED', 'PROCESSING') AND m.back + m.paid + m.fee <> 0)
    OR (p.status IN ('FAILED', 'REJECTED') AND (m.back, m.paid, m.fee) <> (p.amount, 0, 0))
    OR (p.status = 'COMPLETED' AND ((m.paid, m.fee) <> (p.amount - p.fee, p.fee) OR m.back NOT IN (0, p.amount)))

-- check: payout_decided
-- needs: payouts
-- Who was paid was approved, and what needed two admins had two.
SELECT id, format('%s, approved by %s and %s', status, coalesce(first_approved_by, 'nobody'), coalesce(approved_by, 'nobody'))
  FROM payouts
 WHERE (status IN ('APPROVED', 'PROCESSING', 'COMPLETED', 'FAILED') AND approved_by IS NULL) OR first_approved_by = approved_by

-- check: payout_paid_once
-- needs: payouts
-- A pay-out that says how the gateway knows it was sent to it.
SELECT id, format('%s with reference %s, never sent', status, gateway_reference) FROM payouts
 WHERE gateway_reference IS NOT NULL AND (sent_at IS NULL OR method <> 'MOBILE_MONEY')
