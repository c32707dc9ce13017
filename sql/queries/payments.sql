-- Mobile money in: top-ups and payments of orders. src/service/payments.c decides; states, times and texts are parameters.

-- Starts a top-up: writes the payment before the gateway is called. CARD (sandbox) is credited at once. payment_id is pay_…,
-- entry_id (txn_…) is the id of its movement in the ledger.
-- payment: its JSON when STARTED; the age of the oldest unpaid payment in seconds when PAYMENTS_WAIT (20 are unpaid).
-- Outcomes: STARTED, REPLAY (run idempotency_get), ACCOUNT_NOT_FOUND, PAYMENTS_WAIT. Raises IDEMPOTENCY_RUNNING.
-- name: payment_start
-- columns: outcome, payment
SELECT outcome, json AS payment
  FROM payment_start(:payment_id::text, :user_id::text, :amount::bigint, :method::text, :phone::text, :operator::text,
    :entry_id::text, :key::text, :fingerprint::text)

-- Records a report of the gateway about a payment, with all its effects: money, order, events. Recording it again changes
-- nothing.
-- next_state, allowed: the transition that the report causes (payment_states_before). unsent_only: only while the payment has
-- no reference of the gateway. failure, reason_…: why it failed, as a code or the gateway's text, and for the customer.
-- next_check_s: NULL: never. cancellable: the states of an order that a failed payment cancels. refund_entry_id: of a refund,
-- when the order has ended already. restocked_vendor_id: see order_restocked_vendor.
-- Outcomes: the new state; UNCHANGED; UNKNOWN (no such payment).
-- name: payment_record
-- columns: outcome, payment, order_id, restocked_vendor_id, order_ended, late
SELECT outcome, json AS payment, order_id, CASE WHEN order_ended THEN order_restocked_vendor(order_id) END AS restocked_vendor_id,
  order_ended, late
  FROM payment_apply(:payment_id::text, :next_state::text, :allowed::text[], :unsent_only::boolean, :reference::text,
    :ussd_code::text, :operator::text, :paid_amount::bigint, :failure::text, :reason_english::text, :reason_french::text,
    :next_check_s?::bigint, :cancellable::text[], :refund_entry_id::text)

-- A payment, for its customer. query: whether the gateway should be queried before the reply; not more often than the gaps
-- allow. No row: unknown, or another customer's.
-- name: payment_get
-- columns: payment, query, gateway_reference, amount, age_s
WITH queried AS (
  UPDATE payment_intents SET checked_at = now()
   WHERE id = :payment_id::text AND user_id = :user_id::text AND state NOT IN ('SUCCEEDED', 'MISMATCH')
     AND gateway_reference IS NOT NULL
     AND checked_at < now() - interval '1 second' * CASE WHEN state IN ('CREATED', 'PENDING') THEN :open_gap_s::bigint
           ELSE :ended_gap_s::bigint END
  RETURNING true
)
SELECT payment_json(i) AS payment, EXISTS (SELECT FROM queried) AS query, i.gateway_reference, i.amount,
  floor(extract(epoch FROM now() - i.created_at))::bigint AS age_s
  FROM payment_intents i WHERE i.id = :payment_id AND i.user_id = :user_id

-- Notes that a callback named a payment: the poller checks it after check_s, in case the query that follows the callback
-- fails. query: whether to query now; not twice within gap_s. No row: unknown payment.
-- name: payment_note_callback
-- columns: state, gateway_reference, query, amount, age_s
WITH now_due AS (
  UPDATE payment_intents
     SET gateway_reference = coalesce(gateway_reference, :reference::text), sent_at = coalesce(sent_at, now()),
         next_check_at = now() + :check_s::bigint * interval '1 second', checked_at = now()
   WHERE id = :payment_id::text AND state <> 'SUCCEEDED' AND checked_at < now() - :gap_s::bigint * interval '1 second'
  RETURNING state, gateway_reference, amount, created_at
), later AS (
  UPDATE payment_intents
     SET gateway_reference = coalesce(gateway_reference, :reference), sent_at = coalesce(sent_at, now()),
         next_check_at = least(next_check_at, now() + :gap_s * interval '1 second')
   WHERE id = :payment_id AND state <> 'SUCCEEDED' AND checked_at >= now() - :gap_s * interval '1 second'
  RETURNING state, gateway_reference, amount, created_at
)
SELECT state, gateway_reference, query, amount, floor(extract(epoch FROM now() - created_at))::bigint AS age_s
  FROM (SELECT *, true AS query FROM now_due
        UNION ALL SELECT *, false FROM later
        UNION ALL SELECT state, gateway_reference, amount, created_at, false FROM payment_intents
         WHERE id = :payment_id AND state = 'SUCCEEDED') noted

-- Clears a reference that belongs to another transaction; the payment is then searched for in the history.
-- name: payment_clear_reference
UPDATE payment_intents SET gateway_reference = NULL, next_check_at = now() + :next_check_s::bigint * interval '1 second'
 WHERE id = :payment_id::text AND gateway_reference = :reference::text AND state <> 'SUCCEEDED' AND resolution IS NULL

-- Payments whose next check is due: unpaid ones first, then ended ones. gateway_reference NULL: search the history. day: of
-- its creation (YYYY-MM-DD, an hour earlier than UTC, because the gateway's day may differ).
-- name: payments_due
-- columns: id, gateway_reference, state, checks, age_s, amount, day
WITH due AS (
  (SELECT * FROM payment_intents WHERE next_check_at <= now() AND state IN ('CREATED', 'PENDING')
    ORDER BY next_check_at LIMIT :limit::bigint)
  UNION ALL
  (SELECT * FROM payment_intents WHERE next_check_at <= now() AND state NOT IN ('CREATED', 'PENDING')
    ORDER BY next_check_at LIMIT :limit)
  LIMIT :limit
)
SELECT id, gateway_reference, state, checks::bigint AS checks, floor(extract(epoch FROM now() - created_at))::bigint AS age_s,
  amount, to_char(created_at AT TIME ZONE 'UTC' - interval '1 hour', 'YYYY-MM-DD') AS day
  FROM due

-- Takes due payments for a check, and sets the time of the one after it. A payment that another instance took meanwhile is
-- not taken: its number of checks differs. delays_s: -1: no further check.
-- name: payments_take
-- columns: id
UPDATE payment_intents t
   SET next_check_at = now() + nullif(f.delay, -1) * interval '1 second', checks = t.checks + 1, checked_at = now()
  FROM unnest(:payment_ids::text[], :checks::bigint[], :delays_s::bigint[]) AS f(id, checks, delay)
 WHERE t.id = f.id AND t.checks = f.checks AND t.next_check_at <= now()
RETURNING t.id

-- Stores references found in the gateway's history; these payments are due at once.
-- name: payments_set_found
UPDATE payment_intents t
   SET gateway_reference = f.reference, state = CASE t.state WHEN 'CREATED' THEN 'PENDING' ELSE t.state END,
       sent_at = now(), next_check_at = now()
  FROM unnest(:payment_ids::text[], :gateway_references::text[]) AS f(id, reference)
 WHERE t.id = f.id AND t.gateway_reference IS NULL AND t.state <> 'SUCCEEDED'

-- The history cannot be read: an expired payment without a reference stays so, and gets that as the reason.
-- name: payments_mark_unanswered
UPDATE payment_intents t
   SET failure = :failure::text, reason = payment_text(t.user_id, :reason_english::text, :reason_french::text)
 WHERE t.id = ANY (:payment_ids::text[]) AND t.gateway_reference IS NULL AND t.state = 'EXPIRED'
   AND t.failure IS DISTINCT FROM :failure

-- Expires payments that were not paid within wait_s, and cancels their orders (restocked_vendor_id: see
-- order_restocked_vendor). The poller calls it until it returns no row.
-- More than one per call would lock the stock of several orders in one transaction. Payments older than checked_for_s get no
-- further check.
-- name: payments_expire
-- columns: id, restocked_vendor_id, order_ended
SELECT id, CASE WHEN order_ended THEN order_restocked_vendor((SELECT i.order_id FROM payment_intents i WHERE i.id = p.id)) END
  AS restocked_vendor_id, order_ended
  FROM payments_end_unpaid(:wait_s::bigint, :limit::bigint, :allowed::text[], :reason_english::text, :reason_french::text,
    :next_check_s::bigint, :checked_for_s::bigint, :cancellable::text[]) p

-- --- Admins ------------------------------------------------------------------------------------------------------

-- Payments for the console, newest first. Undecided ones (state MISMATCH) have an index of their own. order: id or number.
-- Always one row.
-- name: admin_payment_list
-- columns: total, payments
WITH found AS NOT MATERIALIZED (
  SELECT * FROM (
    SELECT id, state, user_id, order_id, resolution FROM payment_intents
     WHERE :state::text = 'MISMATCH' AND state = 'MISMATCH'
    UNION ALL
    SELECT id, state, user_id, order_id, resolution FROM payment_intents
     WHERE :state IS DISTINCT FROM 'MISMATCH' AND (:state IS NULL OR state = :state)) i
   WHERE (:user_id::text IS NULL OR user_id = :user_id)
     AND (:order::text IS NULL OR order_id = CASE WHEN substr(:order, 2, 1) = '-'
       THEN (SELECT n.id FROM orders n WHERE n.order_number = :order) ELSE :order END)
     AND (:decided?::boolean IS NULL OR state = 'MISMATCH' AND (resolution IS NOT NULL) = :decided)
), page AS (
  SELECT id FROM found ORDER BY id DESC LIMIT :limit::bigint OFFSET :offset::bigint
)
SELECT (SELECT count(*) FROM found) AS total,
  (SELECT '[' || coalesce(string_agg(admin_payment_json(i, u, o), ',' ORDER BY i.id DESC), '') || ']'
     FROM page JOIN payment_intents i ON i.id = page.id
     LEFT JOIN users u ON u.id = i.user_id LEFT JOIN orders o ON o.id = i.order_id) AS payments

-- No row: 404.
-- name: admin_payment_get
-- columns: payment
SELECT admin_payment_row(i) AS payment FROM payment_intents i WHERE i.id = :payment_id::text

-- Decides a MISMATCH: BOOKED books the paid amount into the customer's wallet, SETTLED_OUTSIDE moves no money. The same
-- decision again changes nothing. reason_…: for the customer.
-- Outcomes: DONE, AGAIN, PAYMENT_NOT_FOUND, PAYMENT_DECIDED (otherwise, or there is nothing to decide).
-- name: payment_resolve
-- columns: outcome, payment
SELECT outcome, json AS payment
  FROM payment_resolve(:payment_id::text, :resolution::text, :notes::text, :admin_id::text, :audit::jsonb,
    :reason_english::text, :reason_french::text)
