-- Ratings of delivered orders, and disputes.

-- Rates the vendor, the rider or both. A second rating replaces the first and corrects the averages.
--  $1 order id or number   $2 customer   $3, $4 stars and review without a target: for the vendor (PACKAGE: the rider)
--  $5, $6 for the vendor   $7, $8 for the rider
-- Columns: outcome, order (the Order), ratings (orderId, vendorRating, riderRating), vendor id if the vendor was rated.
-- Outcomes: RATED, ORDER_NOT_FOUND, ORDER_NOT_OWNER, CANNOT_RATE, VENDOR_NOT_FOUND (a PACKAGE has none).
-- name: order_rate
SELECT outcome, json, said AS ratings, vendor
  FROM order_rate($1::text, $2::text, $3::integer, $4::text, $5::integer, $6::text, $7::integer, $8::text)

-- Opens a dispute about an own order: one per category (case is ignored) at a time.
--  $1 dispute id   $2 ticket number   $3 customer   $4 order, id or number   $5 category   $6 subject
--  $7 description   $8 Idempotency-Key or NULL   $9 its fingerprint
-- Columns: outcome, dispute (the Dispute row).
-- Outcomes: OPENED, REPLAY (run idempotency_get), DISPUTE_OPEN, ORDER_NOT_FOUND, ORDER_NOT_OWNER. Of two concurrent
--  requests the second violates the unique index disputes_open.
-- name: dispute_open
WITH target AS MATERIALIZED (
  SELECT o.id, o.order_number, o.user_id, o.user_name FROM orders o
   WHERE o.id = CASE WHEN substr($4::text, 2, 1) = '-'
     THEN (SELECT n.id FROM orders n WHERE n.order_number = $4::text) ELSE $4::text END
), draft AS MATERIALIZED (
  SELECT $1::text COLLATE "C" AS id, $2::text COLLATE "C" AS ticket_number, t.user_id, t.user_name, t.id AS order_id, t.order_number,
         $5::text AS category, $6::text AS subject, $7::text AS description, 'OPEN' COLLATE "C" AS status,
         'MEDIUM' COLLATE "C" AS priority, NULL::text AS resolution, NULL::bigint AS refund_amount,
         NULL::text COLLATE "C" AS resolved_by, now() AS created_at, NULL::timestamptz AS resolved_at
    FROM target t WHERE t.user_id = $3::text
     AND NOT EXISTS (SELECT FROM disputes d WHERE d.order_id = t.id AND lower(d.category) = lower($5::text) AND d.status = 'OPEN')
), made AS MATERIALIZED (
  SELECT dispute_json(ROW(draft.*)::disputes) AS json FROM draft
), once AS (
  INSERT INTO idempotency (account_id, key, fingerprint, status, body)
  SELECT $3::text, $8::text, $9::text, 201, '{"success":true,"data":' || json || '}'
    FROM made WHERE $8::text IS NOT NULL
  ON CONFLICT DO NOTHING RETURNING true
), written AS (
  INSERT INTO disputes SELECT draft.* FROM draft WHERE $8::text IS NULL OR EXISTS (SELECT FROM once)
  RETURNING true
)
SELECT CASE WHEN EXISTS (SELECT FROM written) THEN 'OPENED'
            WHEN EXISTS (SELECT FROM made) THEN 'REPLAY'
            WHEN EXISTS (SELECT FROM target t WHERE t.user_id = $3::text)
              THEN CASE WHEN EXISTS (SELECT FROM idempotency i WHERE i.account_id = $3::text AND i.key = $8::text)
                THEN 'REPLAY' ELSE 'DISPUTE_OPEN' END
            WHEN EXISTS (SELECT FROM target) THEN 'ORDER_NOT_OWNER'
            ELSE 'ORDER_NOT_FOUND' END,
       (SELECT json FROM made)

-- Disputes of a customer, newest first.
--  $1 customer   $2 limit   $3 offset
-- Columns: total, disputes (a JSON array). Always one row.
-- name: dispute_list
SELECT (SELECT count(*) FROM disputes WHERE user_id = $1::text),
  '[' || coalesce(string_agg(dispute_json(d), ',' ORDER BY d.id DESC), '') || ']'
  FROM (SELECT * FROM disputes WHERE user_id = $1::text ORDER BY id DESC LIMIT $2::bigint OFFSET $3::bigint) d
