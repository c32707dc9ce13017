-- Mobile money in: what customers were asked to pay, and what became of it.

-- Begins a top-up: the intent, before the gateway is called. CARD (sandbox) is credited at once.
--  $1 id (pay_…)   $2 user id   $3 amount   $4 MOBILE_MONEY or CARD   $5 phone or NULL   $6 operator or NULL
--  $7 id of the ledger row (txn_…)   $8 Idempotency-Key or NULL   $9 its fingerprint
-- Columns: outcome, payment (JSON, when STARTED; when PAYMENTS_WAIT, seconds that the oldest has waited).
-- Outcomes: STARTED, REPLAY (run idempotency_get), ACCOUNT_NOT_FOUND, PAYMENTS_WAIT (20 wait already). Raises
--  IDEMPOTENCY_RUNNING.
-- name: payment_start
SELECT outcome, json FROM payment_start($1::text, $2::text, $3::bigint, $4::text, $5::text, $6::text, $7::text, $8::text,
  $9::text)

-- Records what the gateway says of a payment, with everything that follows: money, order, events. Saying it again
-- changes nothing.
--  $1 id   $2 PENDING, SUCCESSFUL, FAILED; REFUSED: the gateway cannot have it (only while it has no reference)
--  $3 the gateway's reference   $4 code to dial   $5 operator   $6 amount, -1: not told   $7 why it failed
--  $8 id of a ledger row (txn_…): the refund of an order that was over when its money came
-- Columns: outcome, payment (JSON), order id, vendor id, whether its order has ended by this, whether it came late.
-- Outcomes: PENDING, SUCCEEDED, FAILED, MISMATCH (paid, but another amount: nothing is booked), KNOWN (nothing new),
--  UNKNOWN (no such payment). A SUCCESSFUL without an amount is as good as PENDING.
-- name: payment_told
SELECT outcome, json, order_id, vendor_id, order_ended, late
  FROM payment_told($1::text, $2::text, $3::text, $4::text, $5::text, $6::bigint, $7::text, $8::text)

-- A payment as its customer sees it; whether the gateway is to be asked before he is answered: not twice in 3 seconds, and
-- not in a minute when it is over for us.
--  $1 id   $2 user id
-- Columns: payment (JSON), ask, the gateway's reference. No row: none of his.
-- name: payment_get
WITH asked AS (
  UPDATE payment_intents SET asked_at = now()
   WHERE id = $1::text AND user_id = $2::text AND state NOT IN ('SUCCEEDED', 'MISMATCH') AND gateway_reference IS NOT NULL
     AND asked_at < now() - CASE WHEN state IN ('CREATED', 'PENDING') THEN interval '3 seconds' ELSE interval '1 minute' END
  RETURNING true
)
SELECT payment_json(i), EXISTS (SELECT FROM asked), i.gateway_reference
  FROM payment_intents i WHERE i.id = $1::text AND i.user_id = $2::text

-- Remembers that a callback has named a payment: if nothing else comes of it, the poller asks.
--  $1 id   $2 the gateway's reference, from the callback   $3 seconds until then
-- Columns: state, the gateway's reference, whether to ask now (not again within a second). No row: unknown.
-- name: payment_heard
WITH heard AS (
  UPDATE payment_intents
     SET gateway_reference = coalesce(gateway_reference, $2::text), sent_at = coalesce(sent_at, now()),
         next_ask_at = now() + $3::bigint * interval '1 second', asked_at = now()
   WHERE id = $1::text AND state <> 'SUCCEEDED' AND asked_at < now() - interval '1 second'
  RETURNING state, gateway_reference
), later AS (
  UPDATE payment_intents
     SET gateway_reference = coalesce(gateway_reference, $2::text), sent_at = coalesce(sent_at, now()),
         next_ask_at = least(next_ask_at, now() + interval '1 second')
   WHERE id = $1::text AND state <> 'SUCCEEDED' AND asked_at >= now() - interval '1 second'
  RETURNING state, gateway_reference
)
SELECT state, gateway_reference, true FROM heard
UNION ALL SELECT state, gateway_reference, false FROM later
UNION ALL SELECT state, gateway_reference, false FROM payment_intents WHERE id = $1::text AND state = 'SUCCEEDED'

-- A reference that was told to belong to another payment is forgotten: this one is looked for in the history.
--  $1 id   $2 the reference
-- name: payment_unheard
UPDATE payment_intents SET gateway_reference = NULL, next_ask_at = now() + interval '5 seconds'
 WHERE id = $1::text AND gateway_reference = $2::text AND state <> 'SUCCEEDED' AND resolution IS NULL

-- Takes payments that are due to be asked after, those that wait to be paid before those that are over for us. Taking moves the next time on, so that two copies take different
-- ones and one that dies is followed by a later ask.
--  $1 how many
-- Columns: id, the gateway's reference (NULL: it never told us one), day of its creation (YYYY-MM-DD), whether it is
--  older than 15 minutes.
-- name: payments_due
WITH waiting AS MATERIALIZED (
  SELECT id FROM payment_intents WHERE next_ask_at <= now() AND state IN ('CREATED', 'PENDING')
   ORDER BY next_ask_at LIMIT $1::bigint FOR NO KEY UPDATE SKIP LOCKED
), over AS MATERIALIZED (
  SELECT id FROM payment_intents WHERE next_ask_at <= now() AND state NOT IN ('CREATED', 'PENDING')
   ORDER BY next_ask_at LIMIT $1::bigint - (SELECT count(*) FROM waiting) FOR NO KEY UPDATE SKIP LOCKED
)
UPDATE payment_intents t
   SET next_ask_at = now() + payment_rest(t), asks = t.asks + 1, asked_at = now()
 WHERE t.id = ANY (ARRAY(SELECT id FROM waiting UNION ALL SELECT id FROM over))
RETURNING t.id, t.gateway_reference, to_char(t.created_at AT TIME ZONE 'UTC' - interval '1 hour', 'YYYY-MM-DD'),
  t.created_at < now() - interval '15 minutes'

-- Found in the gateway's history: they have a reference now, and are due to be asked after.
--  $1 ids text[]   $2 the gateway's references text[]
-- Columns: how many.
-- name: payments_found
WITH found AS (
  UPDATE payment_intents t
     SET gateway_reference = f.reference, state = CASE t.state WHEN 'CREATED' THEN 'PENDING' ELSE t.state END,
         sent_at = now(), next_ask_at = now()
    FROM unnest($1::text[], $2::text[]) AS f(id, reference)
   WHERE t.id = f.id AND t.gateway_reference IS NULL AND t.state <> 'SUCCEEDED'
  RETURNING true
)
SELECT count(*) FROM found

-- Looked for in a history that cannot be read: what was given up without a reference stays so, and says why.
--  $1 ids text[]
-- name: payments_untold
UPDATE payment_intents t SET failure = 'UNTOLD'
 WHERE t.id = ANY ($1::text[]) AND t.gateway_reference IS NULL AND t.state = 'EXPIRED' AND t.failure IS DISTINCT FROM 'UNTOLD'

-- Gives up payments that were not made in time; their orders end. They are asked after still, ever more thinly. For the
-- poller, which calls it until it gives none.
--  $1 seconds (configuration payment_wait)   $2 how many at most (more than one locks the stock of several orders)
-- Columns: id, order id, vendor id, whether its order has ended by this.
-- name: payments_expire
SELECT id, order_id, vendor_id, order_ended FROM payments_expire($1::bigint, $2::bigint)

-- --- Admins ------------------------------------------------------------------------------------------------------

-- The console's rows, newest first. What people have to decide is found by an index of its own.
--  $1 state or NULL   $2 user id or NULL   $3 order, id or number, or NULL   $4 whether decided (t, f) or NULL   $5 limit   $6 offset
-- Columns: total, rows (a JSON array). Always one row.
-- name: admin_payment_list
WITH found AS NOT MATERIALIZED (
  SELECT * FROM (
    SELECT id, state, user_id, order_id, resolution FROM payment_intents WHERE $1::text = 'MISMATCH' AND state = 'MISMATCH'
    UNION ALL
    SELECT id, state, user_id, order_id, resolution FROM payment_intents
     WHERE $1::text IS DISTINCT FROM 'MISMATCH' AND ($1::text IS NULL OR state = $1::text)) i
   WHERE ($2::text IS NULL OR user_id = $2::text) AND ($3::text IS NULL OR order_id = CASE WHEN substr($3::text, 2, 1) = '-'
       THEN (SELECT n.id FROM orders n WHERE n.order_number = $3::text) ELSE $3::text END)
     AND ($4::boolean IS NULL OR state = 'MISMATCH' AND (resolution IS NOT NULL) = $4::boolean)
), page AS (
  SELECT id FROM found ORDER BY id DESC LIMIT $5::bigint OFFSET $6::bigint
)
SELECT (SELECT count(*) FROM found),
  (SELECT '[' || coalesce(string_agg(admin_payment_json(i, u, o), ',' ORDER BY i.id DESC), '') || ']'
     FROM page JOIN payment_intents i ON i.id = page.id
     LEFT JOIN users u ON u.id = i.user_id LEFT JOIN orders o ON o.id = i.order_id)

-- $1 id. Columns: row. No row: 404.
-- name: admin_payment_get
SELECT admin_payment_row(i) FROM payment_intents i WHERE i.id = $1::text

-- Decides a payment of another amount than was asked for: it is booked into its customer's wallet as it was paid, or was
-- settled outside the books. Deciding the same again changes nothing.
--  $1 id   $2 BOOKED or SETTLED_OUTSIDE   $3 notes   $4 admin   $5 act   $6 its details   $7 request id
-- Columns: outcome, row. Outcomes: DONE, AGAIN, PAYMENT_NOT_FOUND, PAYMENT_DECIDED (otherwise, or there is nothing to
--  decide).
-- name: payment_resolve
SELECT outcome, json FROM payment_resolve($1::text, $2::text, $3::text, $4::text, $5::text, $6::jsonb, $7::text)
