-- Money in the admin namespace: accounts of the platform, cash hand-ins of riders, disputes.

-- The platform's balance, escrow, total commission, completed pay-outs and pay-outs not yet final.
-- Columns: JSON. Always one row.
-- name: finance_platform
SELECT concat('{"balance":', account_balance('PLATFORM'), ',"escrow":', account_balance('ESCROW'), ',"total_commission":', c.amount_in,
    ',"total_payouts":', p.paid, ',"pending_payouts":', p.pending, ',"currency":"XAF"}')
  FROM account_turnover('PLATFORM', 'ORDER_COMMISSION', '-infinity', 'infinity') c,
       (SELECT coalesce(sum(amount) FILTER (WHERE status = 'COMPLETED'), 0) AS paid,
               coalesce(sum(amount) FILTER (WHERE status IN ('PENDING', 'APPROVED', 'PROCESSING')), 0) AS pending
          FROM payouts) p

-- Books cash that a rider hands in. A repeated reference returns the first booking.
--  $1 rider   $2 amount   $3 reference   $4 admin   $5 act   $6 its details   $7 request id   $8 id of the ledger row
-- Columns: outcome, hand-in.
-- Outcomes: DONE, AGAIN (booked before), HANDIN_OTHER (booked with another amount), CASH_OVER, RIDER_NOT_FOUND.
-- name: cash_hand_in
SELECT outcome, json FROM cash_hand_in($1::text, $2::bigint, $3::text, $4::text, $5::text, $6::jsonb, $7::text, $8::text)

-- Cash hand-ins of a rider, newest first.
--  $1 rider   $2 limit   $3 offset
-- Columns: total, hand-ins (a JSON array). No row: the rider does not exist.
-- name: cash_handin_list
SELECT (SELECT count(*) FROM ledger WHERE to_owner = r.id AND category = 'CASH_HANDIN'),
  (SELECT '[' || coalesce(string_agg(cash_handin_json(l), ',' ORDER BY l.created_at DESC, l.id DESC), '') || ']'
     FROM (SELECT * FROM ledger WHERE to_owner = r.id AND category = 'CASH_HANDIN'
            ORDER BY created_at DESC, id DESC LIMIT $2::bigint OFFSET $3::bigint) l)
  FROM riders r WHERE r.id = $1::text

--  $1 status or NULL   $2 category, upper or lower case, or NULL   $3 limit   $4 offset
-- Columns: total, rows (a JSON array), newest first. Always one row.
-- name: admin_dispute_list
SELECT (SELECT count(*) FROM disputes
         WHERE ($1::text IS NULL OR status = $1::text) AND ($2::text IS NULL OR lower(category) = lower($2::text))),
  (SELECT '[' || coalesce(string_agg(dispute_json(d), ',' ORDER BY d.id DESC), '') || ']'
     FROM (SELECT * FROM disputes
            WHERE ($1::text IS NULL OR status = $1::text) AND ($2::text IS NULL OR lower(category) = lower($2::text))
            ORDER BY id DESC LIMIT $3::bigint OFFSET $4::bigint) d)

-- $1 id or ticket number. No row: 404.
-- name: admin_dispute_get
SELECT dispute_json(d) FROM disputes d
 WHERE d.id = CASE WHEN substr($1::text, 2, 1) = '-'
   THEN (SELECT n.id FROM disputes n WHERE n.ticket_number = $1::text) ELSE $1::text END

-- Resolves or rejects a dispute, with or without a refund from the platform into the customer's wallet.
--  $1 dispute, id or ticket number   $2 RESOLVED or REJECTED   $3 resolution, or reason   $4 refund or NULL
--  $5 admin   $6 act   $7 its details   $8 request id   $9 id of the ledger row
--  $10 Idempotency-Key of the admin or NULL   $11 its fingerprint
-- Columns: outcome, row. Outcomes: DONE, REPLAY (run idempotency_get), NOT_FOUND, DISPUTE_DECIDED, REFUND_UNDELIVERED (an
--  undelivered order cannot be refunded), REFUND_OVER (more than the part of the price not refunded yet).
-- name: dispute_decide
SELECT outcome, json FROM dispute_decide($1::text, $2::text, $3::text, $4::bigint, $5::text, $6::text, $7::jsonb, $8::text,
  $9::text, $10::text, $11::text)
