-- Pay-outs: requested by vendors and riders, decided by admins, sent by the instance that leads `payouts`.
-- src/domain/payout_state.c decides; these statements compare and set.

-- --- The owner ---------------------------------------------------------------------------------------------------

-- The facts of an account that requests a pay-out. kind: VENDOR or RIDER. bank_details: JSON or NULL. No row: the account is
-- gone.
-- name: payout_owner_get
-- columns: phone_verified, suspended, bank_details
SELECT v.phone_verified, v.approval_status = 'SUSPENDED' AS suspended, vendor_destination(v)::text AS bank_details
  FROM vendors v WHERE :kind::text = 'VENDOR' AND v.id = :owner_id::text
UNION ALL
SELECT r.phone_verified, r.approval_status = 'SUSPENDED', r.bank_details::text
  FROM riders r WHERE :kind = 'RIDER' AND r.id = :owner_id

-- Holds an amount for a pay-out: from the available to the pending part of the wallet.
-- Outcomes: REQUESTED, REPLAY (run idempotency_get), PAYOUT_SHORT, PAYOUT_MANY (open_limit pay-outs are open).
-- name: payout_request
-- columns: outcome, payout
SELECT outcome, json AS payout
  FROM payout_request(:payout_id::text, :kind::text, :owner_id::text, :amount::bigint, :fee::bigint, :method::text,
    :destination::text, :bank_details::jsonb, :open_limit::integer, :entry_id::text, :key::text, :fingerprint::text)

-- An owner's pay-outs, newest first. Always one row.
-- name: payout_list
-- columns: total, payouts
SELECT (SELECT count(*) FROM payouts WHERE owner_id = :owner_id::text) AS total,
  (SELECT '[' || coalesce(string_agg(payout_json(p), ',' ORDER BY p.id DESC), '') || ']'
     FROM (SELECT * FROM payouts WHERE owner_id = :owner_id ORDER BY id DESC LIMIT :limit::bigint OFFSET :offset::bigint) p)
    AS payouts

-- No row: unknown pay-out.
-- name: payout_get
-- columns: owner_id, payout
SELECT owner_id, payout_json(p) AS payout FROM payouts p WHERE id = :payout_id::text

-- The amount that an owner may withdraw. Always one row.
-- name: payout_balance
-- columns: balance
SELECT concat('{"availableBalance":', coalesce(max(w.available), 0), ',"withdrawable":',
    coalesce(max(wallet_withdrawable(w)), 0), ',"minimumPayout":', :minimum::bigint, ',"canRequestPayout":',
    json_flag(coalesce(max(wallet_withdrawable(w)), 0) >= :minimum), '}') AS balance
  FROM wallets w WHERE w.owner_id = :owner_id::text

-- --- Admins ------------------------------------------------------------------------------------------------------

-- Pay-outs for the console, newest first. states, kind: NULL: all. two_admins_from: amount from which two admins are needed
-- (0: never). past: as the console's history. Always one row.
-- name: admin_payout_list
-- columns: total, payouts
WITH page AS (
  SELECT id FROM payouts
   WHERE (:states::text[] IS NULL OR status = ANY (:states)) AND (:kind::text IS NULL OR owner_kind = :kind)
   ORDER BY id DESC LIMIT :limit::bigint OFFSET :offset::bigint
)
SELECT (SELECT count(*) FROM payouts
         WHERE (:states IS NULL OR status = ANY (:states)) AND (:kind IS NULL OR owner_kind = :kind)) AS total,
  (SELECT '[' || coalesce(string_agg(admin_payout_json(p, v, r, :two_admins_from::bigint, :past::boolean), ','
       ORDER BY p.id DESC), '') || ']'
     FROM page JOIN payouts p ON p.id = page.id
     LEFT JOIN vendors v ON v.id = p.owner_id LEFT JOIN riders r ON r.id = p.owner_id) AS payouts

-- Pay-outs with a discrepancy, for the console, newest first; parameters as above. Always one row.
-- name: admin_payout_discrepancies
-- columns: total, payouts
WITH found AS (
  SELECT id FROM payouts
   WHERE trouble IS NOT NULL AND (:states::text[] IS NULL OR status = ANY (:states))
     AND (:kind::text IS NULL OR owner_kind = :kind)
), page AS (
  SELECT id FROM found ORDER BY id DESC LIMIT :limit::bigint OFFSET :offset::bigint
)
SELECT (SELECT count(*) FROM found) AS total,
  (SELECT '[' || coalesce(string_agg(admin_payout_row(p, :two_admins_from::bigint), ',' ORDER BY p.id DESC), '') || ']'
     FROM page JOIN payouts p ON p.id = page.id) AS payouts

-- A pay-out, for the console, after a decision that changed nothing.
-- name: admin_payout_get
-- columns: payout
SELECT admin_payout_row(p, :two_admins_from::bigint) AS payout FROM payouts p WHERE p.id = :payout_id::text

-- Applies a ruling of payout_rule (src/domain/payout_state.c) and writes the audit, while the row is still that version.
-- step, resolution, next_state, next_check_s (NULL: never): of the ruling. reference: of a payment by hand. reason: for the
-- owner. entry_ids: four ledger ids.
-- Outcomes: APPLIED, CHANGED (another version: read it and decide again).
-- name: payout_apply_ruling
-- columns: outcome, payout
SELECT outcome, json AS payout
  FROM payout_apply_ruling(:payout_id::text, :version::text, :step::text, :resolution::text, :next_state::text,
    :reference::text, :reason::text, :notes::text, :two_admins_from::bigint, :admin_id::text, :next_check_s?::bigint,
    :entry_ids::text[], :audit::jsonb)

-- --- The gateway -------------------------------------------------------------------------------------------------

-- The facts of one pay-out. No row: unknown pay-out.
-- name: payout_read
-- columns: id, version, owner_kind, status, mobile_money, amount, fee, paid_amount, checks, sent_age_s
-- columns: ended_age_s, gateway_reference, transaction_reference, trouble, resolution, first_resolution, first_approved_by
-- columns: first_resolved_by, destination
SELECT f.* FROM payouts p, payout_facts(p, p.xmin) f WHERE p.id = :payout_id::text

-- Takes approved pay-outs to phones that are due: they are PROCESSING before the gateway is called. lease_s: after this time
-- a call without a recorded answer is searched for in the history.
-- name: payouts_send
-- columns: id, version, owner_kind, status, mobile_money, amount, fee, paid_amount, checks, sent_age_s
-- columns: ended_age_s, gateway_reference, transaction_reference, trouble, resolution, first_resolution, first_approved_by
-- columns: first_resolved_by, destination
WITH due AS (
  SELECT id FROM payouts
   WHERE status = 'APPROVED' AND method = 'MOBILE_MONEY' AND gateway_reference IS NULL AND next_check_at <= now()
   ORDER BY next_check_at LIMIT :limit::bigint FOR NO KEY UPDATE SKIP LOCKED
), sent AS (
  UPDATE payouts p
     SET status = 'PROCESSING', sent_at = now(), processed_at = coalesce(p.processed_at, now()),
         next_check_at = now() + :lease_s::bigint * interval '1 second'
    FROM due WHERE p.id = due.id
  RETURNING p.*::payouts AS payout, p.xmin AS version
)
SELECT f.* FROM sent, payout_facts(sent.payout, sent.version) f

-- Pay-outs whose next check is due: with a reference of the gateway, or (search) without one, to be searched for in its
-- history.
-- name: payouts_due
-- columns: id, version, owner_kind, status, mobile_money, amount, fee, paid_amount, checks, sent_age_s
-- columns: ended_age_s, gateway_reference, transaction_reference, trouble, resolution, first_resolution, first_approved_by
-- columns: first_resolved_by, destination
SELECT f.*
  FROM (SELECT p AS payout, p.xmin AS version FROM payouts p
         WHERE next_check_at <= now() AND (gateway_reference IS NULL) = :search::boolean
           AND (gateway_reference IS NOT NULL OR sent_at IS NOT NULL AND status <> 'APPROVED')
         ORDER BY next_check_at LIMIT :limit::bigint) due,
    payout_facts(due.payout, due.version) f

-- Takes due pay-outs for a check and sets the time of the one after it, if they are still these versions. delays_s: -1: no
-- further check. first_day, last_day: of the history to search.
-- name: payouts_take
-- columns: id, version, owner_kind, status, mobile_money, amount, fee, paid_amount, checks, sent_age_s
-- columns: ended_age_s, gateway_reference, transaction_reference, trouble, resolution, first_resolution, first_approved_by
-- columns: first_resolved_by, destination, first_day, last_day
WITH taken AS (
  UPDATE payouts p SET checks = p.checks + 1, next_check_at = now() + nullif(d.delay, -1) * interval '1 second'
    FROM unnest(:payout_ids::text[], :versions::text[], :delays_s::bigint[]) AS d(id, version, delay)
   WHERE p.id = d.id AND p.xmin::text = d.version
  RETURNING p.*::payouts AS payout, p.xmin AS version
)
SELECT f.*, ((taken.payout).sent_at AT TIME ZONE 'UTC')::date - 1 AS first_day, (now() AT TIME ZONE 'UTC')::date + 1 AS last_day
  FROM taken, payout_facts(taken.payout, taken.version) f

-- Applies a decision of payout_decide (src/domain/payout_state.c), while the row is still that version.
-- action: KEEP, SETTLE, SETTLE_LATE, RETURN, DISCREPANCY or CLEAR. reference: of the gateway, to be stored. next_check_s: NULL:
-- never; only with reschedule. paid_amount, remark: of a discrepancy; remark also the reason of a return. entry_ids: two.
-- Outcomes: APPLIED; CHANGED (another version), REFERENCE_TAKEN (by another pay-out), WALLET_SHORT (a late success cannot be
-- booked): decide again.
-- name: payout_apply_answer
-- columns: outcome
SELECT payout_apply_answer(:payout_id::text, :version::text, :action::text, :next_state::text, :reference::text, :checks::bigint,
  :reschedule::boolean, :next_check_s?::bigint, :paid_amount?::bigint, :remark::text, :entry_ids::text[]) AS outcome

-- Notes that a callback named a pay-out: it is checked next.
-- name: payout_note_callback
UPDATE payouts
   SET gateway_reference = coalesce(gateway_reference, (SELECT :reference::text
         WHERE NOT EXISTS (SELECT FROM payouts t WHERE t.gateway_reference = :reference))),
       checks = 0, next_check_at = now()
 WHERE id = :payout_id::text AND sent_at IS NOT NULL AND (status <> 'COMPLETED' OR next_check_at IS NOT NULL)

-- Clears a reference that belongs to another transaction; the pay-out is then searched for in the history.
-- name: payout_clear_reference
UPDATE payouts SET gateway_reference = NULL, next_check_at = now() + :next_check_s::bigint * interval '1 second'
 WHERE id = :payout_id::text AND gateway_reference = :reference::text AND (status <> 'COMPLETED' OR next_check_at IS NOT NULL)
