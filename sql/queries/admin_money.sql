-- Money in the admin namespace: accounts of the platform, cash hand-ins of riders, disputes.

-- The platform's balance, escrow, total commission, completed pay-outs and pay-outs not yet final.
-- Always one row.
-- name: finance_platform
-- columns: accounts
SELECT concat('{"balance":', account_balance('PLATFORM'), ',"escrow":', account_balance('ESCROW'), ',"total_commission":', c.amount_in,
    ',"total_payouts":', p.paid, ',"pending_payouts":', p.pending, ',"currency":"XAF"}') AS accounts
  FROM account_turnover('PLATFORM', 'ORDER_COMMISSION', '-infinity', 'infinity') c,
       (SELECT coalesce(sum(amount) FILTER (WHERE status = 'COMPLETED'), 0) AS paid,
               coalesce(sum(amount) FILTER (WHERE status IN ('PENDING', 'APPROVED', 'PROCESSING')), 0) AS pending
          FROM payouts) p

-- Books cash that a rider hands in. A repeated reference returns the first booking.
-- Outcomes: DONE, AGAIN (booked before), HANDIN_OTHER (booked with another amount), CASH_OVER, RIDER_NOT_FOUND.
-- name: cash_hand_in
-- columns: outcome, hand_in
SELECT outcome, json AS hand_in
  FROM cash_hand_in(:rider_id::text, :amount::bigint, :reference::text, :audit::jsonb, :entry_id::text)

-- Cash hand-ins of a rider, newest first.
-- No row: the rider does not exist.
-- name: cash_handin_list
-- columns: total, rows
SELECT (SELECT count(*) FROM ledger WHERE to_owner = r.id AND category = 'CASH_HANDIN') AS total,
  (SELECT '[' || coalesce(string_agg(cash_handin_json(l), ',' ORDER BY l.created_at DESC, l.id DESC), '') || ']'
     FROM (SELECT * FROM ledger WHERE to_owner = r.id AND category = 'CASH_HANDIN'
            ORDER BY created_at DESC, id DESC LIMIT :limit::bigint OFFSET :offset::bigint) l) AS rows
  FROM riders r WHERE r.id = :rider_id::text

-- Newest first. status NULL: any; category: in upper or lower case, NULL: any. Always one row.
-- name: admin_dispute_list
-- columns: total, rows
SELECT (SELECT count(*) FROM disputes
         WHERE (:status::text IS NULL OR status = :status) AND (:category::text IS NULL OR lower(category) = lower(:category))) AS total,
  (SELECT '[' || coalesce(string_agg(dispute_json(d), ',' ORDER BY d.id DESC), '') || ']'
     FROM (SELECT * FROM disputes
            WHERE (:status IS NULL OR status = :status) AND (:category IS NULL OR lower(category) = lower(:category))
            ORDER BY id DESC LIMIT :limit::bigint OFFSET :offset::bigint) d) AS rows

-- dispute_ref: id or ticket number. No row: 404.
-- name: admin_dispute_get
-- columns: dispute
SELECT dispute_json(d) AS dispute FROM disputes d
 WHERE d.id = CASE WHEN substr(:dispute_ref::text, 2, 1) = '-'
   THEN (SELECT n.id FROM disputes n WHERE n.ticket_number = :dispute_ref) ELSE :dispute_ref END

-- Resolves or rejects a dispute, with or without a refund from the platform into the customer's wallet.
-- dispute_ref: id or ticket number; status: RESOLVED or REJECTED; text: the resolution or the reason.
-- Outcomes: DONE, REPLAY (run idempotency_get), NOT_FOUND, DISPUTE_DECIDED, REFUND_UNDELIVERED (an
--  undelivered order cannot be refunded), REFUND_OVER (more than the part of the price not refunded yet).
-- name: dispute_decide
-- columns: outcome, dispute
SELECT outcome, json AS dispute
  FROM dispute_decide(:dispute_ref::text, :status::text, :text::text, :refund?::bigint, :admin_id::text, :audit::jsonb,
    :entry_id::text, :idempotency_key::text, :fingerprint::text)
