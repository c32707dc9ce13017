-- Ratings of delivered orders, and disputes.

-- Rates the vendor, the rider or both. A second rating replaces the first and corrects the averages.
--  order: id or number. stars, review: without a target, for the vendor (PACKAGE: the rider)
-- Columns: order is the Order; ratings is {orderId,vendorRating,riderRating}; vendor_id is set if the vendor was rated.
-- Outcomes: RATED, ORDER_NOT_FOUND, ORDER_NOT_OWNER, CANNOT_RATE, VENDOR_NOT_FOUND (a PACKAGE has none).
-- name: order_rate
-- columns: outcome, order, ratings, vendor_id
SELECT outcome, json AS order, ratings, vendor AS vendor_id
  FROM order_rating_store(:order::text, :user_id::text, :stars?::integer, :review::text, :vendor_stars?::integer,
    :vendor_review::text, :rider_stars?::integer, :rider_review::text)

-- Opens a dispute about an own order: one per category (case is ignored) at a time.
--  order: id or number. key, fingerprint: Idempotency-Key or NULL
-- Columns: dispute is the Dispute object.
-- Outcomes: OPENED, REPLAY (run idempotency_get), DISPUTE_OPEN, ORDER_NOT_FOUND, ORDER_NOT_OWNER. Of two concurrent
--  requests the second violates the unique index disputes_open.
-- name: dispute_open
-- columns: outcome, dispute
WITH target AS MATERIALIZED (
  SELECT o.id, o.order_number, o.user_id, o.user_name FROM orders o
   WHERE o.id = CASE WHEN substr(:order::text, 2, 1) = '-'
     THEN (SELECT n.id FROM orders n WHERE n.order_number = :order) ELSE :order END
), draft AS MATERIALIZED (
  SELECT :id::text COLLATE "C" AS id, :ticket_number::text COLLATE "C" AS ticket_number, t.user_id, t.user_name,
         t.id AS order_id, t.order_number,
         :category::text AS category, :subject::text AS subject, :description::text AS description, 'OPEN' COLLATE "C" AS status,
         'MEDIUM' COLLATE "C" AS priority, NULL::text AS resolution, NULL::bigint AS refund_amount,
         NULL::text COLLATE "C" AS resolved_by, now() AS created_at, NULL::timestamptz AS resolved_at
    FROM target t WHERE t.user_id = :user_id::text
     AND NOT EXISTS (SELECT FROM disputes d
       WHERE d.order_id = t.id AND lower(d.category) = lower(:category) AND d.status = 'OPEN')
), made AS MATERIALIZED (
  SELECT dispute_json(ROW(draft.*)::disputes) AS json FROM draft
), once AS (
  INSERT INTO idempotency (account_id, key, fingerprint, status, body)
  SELECT :user_id, :key::text, :fingerprint::text, 201, '{"success":true,"data":' || json || '}'
    FROM made WHERE :key IS NOT NULL
  ON CONFLICT DO NOTHING RETURNING true
), written AS (
  INSERT INTO disputes SELECT draft.* FROM draft WHERE :key IS NULL OR EXISTS (SELECT FROM once)
  RETURNING true
)
SELECT CASE WHEN EXISTS (SELECT FROM written) THEN 'OPENED'
            WHEN EXISTS (SELECT FROM made) THEN 'REPLAY'
            WHEN EXISTS (SELECT FROM target t WHERE t.user_id = :user_id)
              THEN CASE WHEN EXISTS (SELECT FROM idempotency i WHERE i.account_id = :user_id AND i.key = :key)
                THEN 'REPLAY' ELSE 'DISPUTE_OPEN' END
            WHEN EXISTS (SELECT FROM target) THEN 'ORDER_NOT_OWNER'
            ELSE 'ORDER_NOT_FOUND' END AS outcome,
       (SELECT json FROM made) AS dispute

-- Disputes of a customer, newest first.
-- Columns: disputes is a JSON array. Always one row.
-- name: dispute_list
-- columns: total, disputes
SELECT (SELECT count(*) FROM disputes WHERE user_id = :user_id::text) AS total,
  '[' || coalesce(string_agg(dispute_json(d), ',' ORDER BY d.id DESC), '') || ']' AS disputes
  FROM (SELECT * FROM disputes WHERE user_id = :user_id ORDER BY id DESC LIMIT :limit::bigint OFFSET :offset::bigint) d
