-- Reconciliation: our payments and pay-outs, which `reeyo reconcile` compares with the gateway's history.

-- Payments and pay-outs sent to the gateway from :first_day to :last_day (UTC), and three days before and after, because the
-- gateway may assign them to another day. side: OPEN: may still succeed; DONE; OVER: expired or failed; AMISS: known
-- discrepancy without a decision; ASIDE: settled outside the ledger. due: another query of the gateway is planned.
-- booked: it is in the ledger. inside: created on those days. gateway_reference: '' without one.
-- name: reconcile_ours
-- columns: id, goes_out, side, amount, due, booked, inside, state, gateway_reference
WITH ours AS (
  SELECT i.id, false AS goes_out, i.created_at AS at,
         CASE WHEN i.state IN ('CREATED', 'PENDING') THEN 'OPEN'
              WHEN i.state = 'SUCCEEDED' OR i.resolution = 'BOOKED' THEN 'DONE' WHEN i.resolution IS NOT NULL THEN 'ASIDE'
              WHEN i.state = 'MISMATCH' THEN 'AMISS' ELSE 'OVER' END AS side,
         CASE i.resolution WHEN 'BOOKED' THEN i.paid_amount ELSE i.amount END AS amount,
         i.next_check_at IS NOT NULL AS due, EXISTS (SELECT FROM ledger l WHERE l.id = i.entry) AS booked,
         i.state, i.gateway_reference
    FROM payment_intents i
   WHERE i.method = 'MOBILE_MONEY'
  UNION ALL
  SELECT p.id, true, p.sent_at,
         CASE WHEN p.trouble IS NOT NULL THEN 'AMISS' WHEN p.status IN ('APPROVED', 'PROCESSING') THEN 'OPEN'
              WHEN p.status = 'COMPLETED' OR p.resolution = 'WRITTEN_OFF' OR p.resolution = 'RETURNED' AND p.told_amount > 0
                THEN 'DONE' ELSE 'OVER' END,
         CASE WHEN p.resolution IS NULL THEN p.amount - p.fee ELSE coalesce(p.told_amount, p.amount - p.fee) END,
         p.next_check_at IS NOT NULL,
         (SELECT coalesce(sum(CASE 'CLEARING' WHEN l.to_kind THEN l.amount WHEN l.from_kind THEN -l.amount END), 0) > 0
            FROM ledger l WHERE l.reference = p.id AND l.category = 'PAYOUT'),
         p.status, p.gateway_reference
    FROM payouts p
   WHERE p.sent_at IS NOT NULL
)
SELECT id, goes_out, side, amount, due, booked,
  at >= :first_day::date::timestamp AT TIME ZONE 'UTC' AND at < (:last_day::date + 1)::timestamp AT TIME ZONE 'UTC' AS inside, state,
  coalesce(gateway_reference, '') AS gateway_reference
  FROM ours
 WHERE at >= (:first_day::date - 3)::timestamp AT TIME ZONE 'UTC' AND at < (:last_day::date + 4)::timestamp AT TIME ZONE 'UTC'
