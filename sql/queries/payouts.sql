-- Pay-outs: asked for by vendors and riders, decided by admins, sent by the copy that leads `payouts`.

-- --- The owner ---------------------------------------------------------------------------------------------------

-- What a request of an owner is decided by.
--  $1 kind   $2 owner id
-- Columns: phone verified, suspended, stored bank details (JSON or NULL). No row: the account is gone.
-- name: payout_facts
SELECT v.phone_verified, v.approval_status = 'SUSPENDED', vendor_destination(v)::text
  FROM vendors v WHERE $1::text = 'VENDOR' AND v.id = $2::text
UNION ALL
SELECT r.phone_verified, r.approval_status = 'SUSPENDED', r.bank_details::text
  FROM riders r WHERE $1::text = 'RIDER' AND r.id = $2::text

-- Holds an amount for a pay-out: from available to pending, with ledger, event and key.
--  $1 payout id   $2 kind   $3 owner id   $4 amount   $5 fee   $6 method   $7 destination   $8 bank details JSON
--  $9 how many may be open at once   $10 id of the ledger row   $11 Idempotency-Key or NULL   $12 its fingerprint
-- Columns: outcome, payout.
-- Outcomes: REQUESTED, REPLAY (run idempotency_get), PAYOUT_SHORT, PAYOUT_MANY (too many are open).
-- name: payout_request
SELECT outcome, json FROM payout_request($1::text, $2::text, $3::text, $4::bigint, $5::bigint, $6::text, $7::text,
  $8::jsonb, $9::integer, $10::text, $11::text, $12::text)

-- An owner's pay-outs, newest first.
--  $1 owner id   $2 limit   $3 offset
-- Columns: total, payouts (a JSON array). Always one row.
-- name: payout_list
SELECT (SELECT count(*) FROM payouts WHERE owner_id = $1::text),
  (SELECT '[' || coalesce(string_agg(payout_json(p), ',' ORDER BY p.id DESC), '') || ']'
     FROM (SELECT * FROM payouts WHERE owner_id = $1::text ORDER BY id DESC LIMIT $2::bigint OFFSET $3::bigint) p)

-- $1 payout id. Columns: owner id, payout. No row: there is none.
-- name: payout_get
SELECT owner_id, payout_json(p) FROM payouts p WHERE id = $1::text

-- What an owner may withdraw.
--  $1 owner id   $2 smallest pay-out
-- Columns: JSON. Always one row.
-- name: payout_balance
SELECT concat('{"availableBalance":', coalesce(max(w.available), 0), ',"withdrawable":',
    coalesce(max(wallet_withdrawable(w)), 0), ',"minimumPayout":', $2::bigint, ',"canRequestPayout":',
    json_flag(coalesce(max(wallet_withdrawable(w)), 0) >= $2::bigint), '}')
  FROM wallets w WHERE w.owner_id = $1::text

-- --- Admins ------------------------------------------------------------------------------------------------------

-- The console's rows, newest first.
--  $1 states text[] or NULL   $2 kind or NULL   $3 amount from which two admins are needed (0: never)
--  $4 as history (t, f)   $5 limit   $6 offset
-- Columns: total, rows (a JSON array). Always one row.
-- name: admin_payout_list
WITH page AS (
  SELECT id FROM payouts
   WHERE ($1::text[] IS NULL OR status = ANY ($1::text[])) AND ($2::text IS NULL OR owner_kind = $2::text)
   ORDER BY id DESC LIMIT $5::bigint OFFSET $6::bigint
)
SELECT (SELECT count(*) FROM payouts
         WHERE ($1::text[] IS NULL OR status = ANY ($1::text[])) AND ($2::text IS NULL OR owner_kind = $2::text)),
  (SELECT '[' || coalesce(string_agg(admin_payout_json(p, v, r, $3::bigint, $4::boolean), ',' ORDER BY p.id DESC), '')
       || ']'
     FROM page JOIN payouts p ON p.id = page.id
     LEFT JOIN vendors v ON v.id = p.owner_id LEFT JOIN riders r ON r.id = p.owner_id)

-- The console's rows with a trouble, newest first.
--  $1 states text[] or NULL   $2 kind or NULL   $3 amount from which two admins are needed (0: never)   $4 limit   $5 offset
-- Columns: total, rows (a JSON array). Always one row.
-- name: admin_payout_troubles
WITH found AS (
  SELECT id FROM payouts
   WHERE trouble IS NOT NULL AND ($1::text[] IS NULL OR status = ANY ($1::text[])) AND ($2::text IS NULL OR owner_kind = $2::text)
), page AS (
  SELECT id FROM found ORDER BY id DESC LIMIT $4::bigint OFFSET $5::bigint
)
SELECT (SELECT count(*) FROM found),
  (SELECT '[' || coalesce(string_agg(admin_payout_row(p, $3::bigint), ',' ORDER BY p.id DESC), '') || ']'
     FROM page JOIN payouts p ON p.id = page.id)

-- Approves: the first of two admins is noted. With a reference it was paid by hand and is completed at once, whether now or
-- after it was approved without, as long as it was not sent; and so is one on its way with a trouble (as payout_resolve, PAID).
--  $1 payout   $2 kind or NULL (else it must be that)   $3 reference or NULL   $4 notes or NULL   $5 amount from
--  which two admins are needed (0: never)   $6 admin   $7 audit entry   $8 ids of four ledger rows
-- Columns: outcome, row. Outcomes: DONE, NOTED (a second admin has to), PAYOUT_NOT_FOUND, PAYOUT_OTHER_KIND, PAYOUT_DECIDED,
--  SAME_ADMIN.
-- name: payout_approve
SELECT outcome, json FROM payout_approve($1::text, $2::text, $3::text, $4::text, $5::bigint, $6::text, $7::jsonb,
  $8::text[])

-- Gives the amount back, of one that is not on its way, or with a trouble (as payout_resolve, RETURNED).
--  $1 payout   $2 kind or NULL (else it must be that)   $3 reason   $4 amount from which two admins are needed
--  $5 admin   $6 audit entry   $7 ids of four ledger rows
-- Columns: outcome, row. Outcomes: DONE, NOTED (a trouble: a second admin has to), PAYOUT_NOT_FOUND, PAYOUT_OTHER_KIND,
--  PAYOUT_DECIDED, SAME_ADMIN.
-- name: payout_reject
SELECT outcome, json FROM payout_reject($1::text, $2::text, $3::text, $4::bigint, $5::text, $6::jsonb,
  $7::text[])

-- Ends a trouble, as payout_book says.
--  $1 payout   $2 kind or NULL (else it must be that)   $3 PAID, RETURNED or WRITTEN_OFF   $4 reference or NULL   $5 notes
--  $6 amount from which two admins are needed   $7 admin   $8 audit entry   $9 ids of four ledger rows
-- Columns: outcome, row. Outcomes: DONE, NOTED (a second admin has to say the same), AGAIN (it had ended so), PAYOUT_NOT_FOUND,
--  PAYOUT_OTHER_KIND, NO_TROUBLE, TROUBLE_OTHER (it cannot end so), SAME_ADMIN.
-- name: payout_resolve
SELECT outcome, json FROM payout_resolve($1::text, $2::text, $3::text, $4::text, $5::text, $6::bigint, $7::text, $8::jsonb,
  $9::text[])

-- --- The gateway -------------------------------------------------------------------------------------------------

-- Takes approved pay-outs to phones that are due: they are PROCESSING before anybody calls the gateway. Two copies that
-- do so at once take different ones.
--  $1 how many   $2 seconds after which a call that nobody answered is looked for
-- Columns: id, phone, what is to be sent.
-- name: payouts_send
UPDATE payouts p
   SET status = 'PROCESSING', sent_at = now(), processed_at = coalesce(p.processed_at, now()),
       next_check_at = now() + make_interval(secs => $2::bigint)
  FROM (SELECT id FROM payouts
         WHERE status = 'APPROVED' AND method = 'MOBILE_MONEY' AND gateway_reference IS NULL AND next_check_at <= now()
         ORDER BY next_check_at LIMIT $1::bigint FOR NO KEY UPDATE SKIP LOCKED) due
 WHERE p.id = due.id
RETURNING p.id, p.destination, p.amount - p.fee

-- Takes pay-outs that the gateway is to be asked about, by its reference.
--  $1 how many
-- Columns: id, reference.
-- name: payouts_ask
UPDATE payouts p SET checks = p.checks + 1, next_check_at = now() + payout_rest(p)
  FROM (SELECT id FROM payouts WHERE gateway_reference IS NOT NULL AND next_check_at <= now()
         ORDER BY next_check_at LIMIT $1::bigint FOR NO KEY UPDATE SKIP LOCKED) due
 WHERE p.id = due.id
RETURNING p.id, p.gateway_reference

-- Takes pay-outs that the gateway may or may not have heard of, to be looked for in its history.
--  $1 how many
-- Columns: id, first and last day of the history, the moment of looking, what was to be sent.
-- name: payouts_seek
UPDATE payouts p SET checks = p.checks + 1, next_check_at = now() + payout_rest(p)
  FROM (SELECT id FROM payouts
         WHERE gateway_reference IS NULL AND sent_at IS NOT NULL AND status <> 'APPROVED' AND next_check_at <= now()
         ORDER BY next_check_at LIMIT $1::bigint FOR NO KEY UPDATE SKIP LOCKED) due
 WHERE p.id = due.id
RETURNING p.id, (p.sent_at AT TIME ZONE 'UTC')::date - 1, (now() AT TIME ZONE 'UTC')::date + 1, now(),
  p.amount - p.fee

-- Books what the gateway answered, if it changes anything.
--  $1 payout   $2 what: PENDING, SUCCESSFUL, FAILED (told of a transfer); REFUSED, UNREACHED, UNCERTAIN (the call to send
--  it); UNTOLD, UNASKED (asked or looked for: the gateway does not know or cannot say it; was not reached); MISSING (not in
--  the history), UNNAMED (nor is it, but there is one of that amount that names nobody)
--  $3 the gateway's reference   $4 amount it told, or NULL   $5 why   $6 moment of looking, for MISSING   $7 ids of two ledger rows
-- Columns: outcome: COMPLETED, FAILED, LATE (completed after it had failed), TROUBLE (what it told does not fit: a person
--  has to look), KEPT (nothing is final), GONE (there is no such pay-out).
-- name: payout_answered
SELECT payout_answered($1::text, $2::text, $3::text, $4::bigint, $5::text, $6::timestamptz, $7::text[])

-- A callback named a pay-out: it is asked about next.
--  $1 payout   $2 the gateway's reference
-- name: payout_heard
UPDATE payouts
   SET gateway_reference = coalesce(gateway_reference, (SELECT nullif($2::text, '')
         WHERE NOT EXISTS (SELECT FROM payouts t WHERE t.gateway_reference = $2::text))),
       checks = 0, next_check_at = now()
 WHERE id = $1::text AND sent_at IS NOT NULL AND (status <> 'COMPLETED' OR next_check_at IS NOT NULL)

-- What a reference was told to belong to something else: it is forgotten, and the pay-out is looked for in the history.
--  $1 payout   $2 the reference
-- name: payout_unheard
UPDATE payouts SET gateway_reference = NULL, next_check_at = now() + payout_pause(0)
 WHERE id = $1::text AND gateway_reference = $2::text AND (status <> 'COMPLETED' OR next_check_at IS NOT NULL)
