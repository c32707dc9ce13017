-- Checks of pay-outs: each has exactly the movements that belong to its state.

-- check: payout_moved
-- needs: payouts
-- The amount of a pay-out was held once and stays held while the pay-out is open. A completed pay-out has paid the net amount
-- out; one that ended otherwise has paid nothing. Exception: a discrepancy was resolved. Then the amount that the gateway paid
-- has left, and the part that the owner did not bear is the platform's loss.
WITH moved AS (
  SELECT reference AS id, max(coalesce(from_owner, '')) AS owner,
         coalesce(sum(amount) FILTER (WHERE to_kind IN ('VENDOR_PENDING', 'RIDER_PENDING')), 0) AS held,
         sum(amount * ((to_kind IN ('VENDOR_PENDING', 'RIDER_PENDING'))::integer
           - (from_kind IN ('VENDOR_PENDING', 'RIDER_PENDING'))::integer)) AS waits,
         sum(amount * ((to_kind = 'CLEARING')::integer - (from_kind = 'CLEARING')::integer)) AS paid,
         sum(amount * ((to_kind = 'PLATFORM')::integer - (from_kind = 'PLATFORM')::integer)) AS fee
    FROM ledger WHERE category = 'PAYOUT' GROUP BY 1
)
SELECT coalesce(p.id, m.id), format('%s %s of %s: %s held, %s waits, %s paid, %s fee', coalesce(p.status, 'no pay-out'),
         p.resolution, p.amount, m.held, m.waits, m.paid, m.fee)
  FROM payouts p FULL JOIN moved m ON m.id = p.id
 WHERE p.id IS NULL OR m.id IS NULL OR m.owner <> p.owner_id OR m.held <> p.amount
    OR m.waits <> CASE WHEN p.status IN ('PENDING', 'APPROVED', 'PROCESSING') THEN p.amount ELSE 0 END
    OR NOT CASE
      WHEN p.status IN ('PENDING', 'APPROVED', 'PROCESSING') THEN (m.paid, m.fee) = (0, 0)
      WHEN p.resolution = 'PAID' THEN m.paid = greatest(p.amount - p.fee, p.told_amount) AND m.fee BETWEEN -m.paid AND p.fee
      WHEN p.resolution = 'RETURNED' THEN m.paid = coalesce(p.told_amount, 0) AND m.fee BETWEEN -m.paid AND 0
      WHEN p.resolution = 'WRITTEN_OFF' AND p.status = 'COMPLETED'
        THEN m.paid = p.amount - p.fee + coalesce(p.told_amount, p.amount - p.fee) AND m.paid + m.fee BETWEEN 0 AND p.amount
      WHEN p.resolution = 'WRITTEN_OFF' THEN (m.paid, m.fee) = (coalesce(p.told_amount, p.amount - p.fee), -m.paid)
      WHEN p.status = 'COMPLETED' THEN (m.paid, m.fee) = (p.amount - p.fee, p.fee) OR p.trouble IS NOT NULL
      ELSE (m.paid, m.fee) = (0, 0) END

-- check: payout_decided
-- needs: payouts
-- Each paid pay-out was approved. If it needed two admins at approval, or when its discrepancy was resolved, it had two.
SELECT id, format('%s, approved by %s and %s, resolved by %s and %s', status, coalesce(first_approved_by, 'nobody'),
         coalesce(approved_by, 'nobody'), coalesce(first_resolved_by, 'nobody'), coalesce(resolved_by, 'nobody'))
  FROM payouts
 WHERE (status IN ('APPROVED', 'PROCESSING', 'COMPLETED', 'FAILED') AND approved_by IS NULL) OR first_approved_by = approved_by
    OR (approved_by IS NOT NULL AND two_from > 0 AND amount >= two_from AND first_approved_by IS NULL)
    OR (resolution IS NOT NULL AND resolved_two_from > 0 AND amount >= resolved_two_from
      AND (first_resolved_by IS NULL OR first_resolved_by = resolved_by))

-- check: payout_paid_once
-- needs: payouts
-- A pay-out with a gateway reference was sent to the gateway.
SELECT id, format('%s with reference %s, never sent', status, gateway_reference) FROM payouts
 WHERE gateway_reference IS NOT NULL AND (sent_at IS NULL OR method <> 'MOBILE_MONEY')
