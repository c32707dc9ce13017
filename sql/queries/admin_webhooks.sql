-- Webhooks in the admin namespace. Each write adds an audit row (admin_audit).

-- --- Endpoints ---------------------------------------------------------------------------------------------

-- $1 limit, $2 offset. Columns: total, rows.
-- name: admin_webhook_list
SELECT (SELECT count(*) FROM webhook_endpoints),
  (SELECT '[' || coalesce(string_agg(webhook_json(w), ',' ORDER BY w.id), '') || ']'
     FROM (SELECT id FROM webhook_endpoints ORDER BY id LIMIT $1::bigint OFFSET $2::bigint) page
     JOIN webhook_endpoints w USING (id))

-- name: admin_webhook_get
SELECT webhook_json(w) FROM webhook_endpoints w WHERE w.id = $1::text

--  $1 id   $2 url   $3 description   $4 types text[]   $5 vendor or NULL   $6 secret   $7 admin   $8 act   $9 details
--  $10 request id   $11 Idempotency-Key of the admin or NULL   $12 its fingerprint
-- Columns: outcome, row with its secret. Outcomes: DONE, REPLAY (run idempotency_get), VENDOR_NOT_FOUND, CONFLICT (50
--  exist already).
-- name: admin_webhook_add
SELECT outcome, json FROM webhook_add($1::text, $2::text, $3::text, $4::text[], $5::text, $6::text, $7::text, $8::text,
  $9::jsonb, $10::text, $11::text, $12::text)

-- NULL leaves a value; an empty description or vendor removes it. Enabling clears the reason of the disabling and the time of
-- the first failure. No row: 404.
--  $1 id   $2 url   $3 description   $4 types   $5 vendor   $6 enabled
--  $7 admin   $8 act   $9 details   $10 request id
-- name: admin_webhook_edit
WITH changed AS (
  UPDATE webhook_endpoints w
     SET url = coalesce($2::text, w.url), description = changed($3::text, w.description),
         event_types = coalesce($4::text[], w.event_types),
         vendor_id = changed($5::text, w.vendor_id),
         enabled = coalesce($6::boolean, w.enabled),
         disabled_reason = CASE $6::boolean WHEN true THEN NULL WHEN false THEN coalesce(w.disabled_reason, 'ADMIN')
           ELSE w.disabled_reason END,
         failing_since = CASE WHEN $6::boolean THEN NULL ELSE w.failing_since END, updated_at = now()
   WHERE w.id = $1::text
     AND (coalesce($5::text, '') = '' OR EXISTS (SELECT FROM vendors WHERE id = $5::text) OR fail('VENDOR_NOT_FOUND') IS NULL)
  RETURNING w
), audited AS (
  INSERT INTO admin_audit (admin_id, act, subject, details, request_id)
  SELECT $7::text, $8::text, (c.w).id, $9::jsonb, $10::text FROM changed c
)
SELECT webhook_json(c.w) FROM changed c

-- Queued deliveries of a deleted webhook are no longer sent; the clean-up job deletes them.
--  $1 id, $2 admin, $3 act, $4 request id. No row: 404.
-- name: admin_webhook_delete
WITH gone AS (
  DELETE FROM webhook_endpoints WHERE id = $1::text RETURNING id
)
INSERT INTO admin_audit (admin_id, act, subject, request_id)
SELECT $2::text, $3::text, g.id, $4::text FROM gone g
RETURNING subject

-- For 24 hours the previous secret signs together with the new one, with those of rotations in the 24 hours before, at most four.
--  $1 id   $2 secret   $3 admin   $4 act   $5 request id   $6 Idempotency-Key of the admin or NULL   $7 its fingerprint
-- Columns: outcome, row with its secret. Outcomes: DONE, REPLAY (run idempotency_get), NOT_FOUND.
-- name: admin_webhook_rotate
SELECT outcome, json FROM webhook_rotate($1::text, $2::text, $3::text, $4::text, $5::text, $6::text, $7::text)

-- --- Deliveries --------------------------------------------------------------------------------------------

-- Queues a test delivery. CONFLICT: the endpoint is disabled. No row: 404.
--  $1 endpoint   $2 id of the delivery   $3 type   $4 admin   $5 act   $6 request id
-- name: admin_webhook_test
WITH made AS (
  INSERT INTO webhook_deliveries AS d (id, endpoint_id, type, payload, said_at)
  SELECT $2::text, w.id, $3::text,
         webhook_body($3::text, now(), json_build_object('webhookId', w.id, 'message', 'It works')::text), now()
    FROM webhook_endpoints w WHERE w.id = $1::text AND (w.enabled OR fail('CONFLICT') IS NULL)
  RETURNING d
), audited AS (
  INSERT INTO admin_audit (admin_id, act, subject, request_id)
  SELECT $4::text, $5::text, (m.d).endpoint_id, $6::text FROM made m
)
SELECT webhook_delivery_json(m.d) FROM made m

-- $1 endpoint, $2 state or NULL, $3 limit, $4 offset, newest first. Columns: total, rows. No row: 404.
-- name: admin_webhook_deliveries
SELECT (SELECT count(*) FROM webhook_deliveries
         WHERE endpoint_id = w.id AND state = coalesce($2::text, state)),
  (SELECT '[' || coalesce(string_agg(webhook_delivery_json(d), ',' ORDER BY d.said_at DESC, d.id), '') || ']'
     FROM (SELECT id FROM webhook_deliveries WHERE endpoint_id = w.id AND state = coalesce($2::text, state)
            ORDER BY said_at DESC, id LIMIT $3::bigint OFFSET $4::bigint) page
     JOIN webhook_deliveries d USING (id))
  FROM webhook_endpoints w WHERE w.id = $1::text

-- Queues a delivery again with all its attempts. CONFLICT: it is being sent, or its endpoint is disabled or deleted.
--  $1 id   $2 admin   $3 act   $4 request id. No row: 404.
-- name: admin_webhook_replay_one
WITH again AS (
  UPDATE webhook_deliveries d SET state = 'QUEUED', tries = 0, next_at = now(), busy_until = NULL
   WHERE d.id = $1::text
     AND ((d.busy_until IS NULL OR d.busy_until <= now())
          AND EXISTS (SELECT FROM webhook_endpoints w WHERE w.id = d.endpoint_id AND w.enabled)
          OR fail('CONFLICT') IS NULL)
  RETURNING d
), audited AS (
  INSERT INTO admin_audit (admin_id, act, subject, request_id)
  SELECT $2::text, $3::text, (a.d).id, $4::text FROM again a
)
SELECT webhook_delivery_json(a.d) FROM again a

-- Queues the deliveries of an endpoint from $2 until before $3 (NULL: now) again, and the events of that period that it has not
-- received. Deliveries are kept for 30 days, events for 72 hours. Deliveries that are being sent do not change. No row: 404.
--  $1 endpoint   $2 since   $3 until   $4 types that are offered text[]   $5 limit   $6 admin   $7 act   $8 details
--  $9 request id
-- Columns: {"queued","more","next_since"}; when more is true, the rest starts at next_since.
-- name: admin_webhook_replay
WITH target AS MATERIALIZED (
  SELECT w FROM webhook_endpoints w WHERE w.id = $1::text AND (w.enabled OR fail('CONFLICT') IS NULL)
), wanted AS MATERIALIZED (
  SELECT d.id, d.said_at, NULL::bigint AS event
    FROM webhook_deliveries d JOIN target ON d.endpoint_id = (target.w).id
   WHERE d.said_at >= $2::timestamptz AND d.said_at < coalesce($3::timestamptz, now()) AND d.event_id IS NOT NULL
  UNION ALL
  SELECT webhook_delivery_id((target.w).id, e.id), e.created_at, e.id
    FROM events e JOIN target ON webhook_matches(target.w, e)
   WHERE e.created_at >= $2::timestamptz AND e.created_at < coalesce($3::timestamptz, now()) AND e.type = ANY ($4::text[])
     AND NOT EXISTS (SELECT FROM webhook_deliveries d WHERE d.id = webhook_delivery_id((target.w).id, e.id))
   ORDER BY said_at, id LIMIT $5::bigint + 1
), chosen AS MATERIALIZED (
  SELECT * FROM wanted ORDER BY said_at, id LIMIT $5::bigint
), again AS (
  UPDATE webhook_deliveries d SET state = 'QUEUED', tries = 0, next_at = now(), busy_until = NULL
   WHERE d.id IN (SELECT id FROM chosen WHERE event IS NULL) AND (d.busy_until IS NULL OR d.busy_until <= now())
  RETURNING 1
), missed AS (
  INSERT INTO webhook_deliveries (id, endpoint_id, event_id, type, payload, said_at)
  SELECT c.id, $1::text, e.id, e.type, webhook_body(e.type, e.created_at, e.payload::text), e.created_at
    FROM chosen c JOIN events e ON e.id = c.event
  ON CONFLICT (id) DO NOTHING
  RETURNING 1
), audited AS (
  INSERT INTO admin_audit (admin_id, act, subject, details, request_id)
  SELECT $6::text, $7::text, (target.w).id, $8::jsonb, $9::text FROM target
)
SELECT concat('{"queued":', (SELECT count(*) FROM again) + (SELECT count(*) FROM missed), ',"more":',
    json_flag((SELECT count(*) FROM wanted) > $5::bigint), ',"next_since":',
    json_time((SELECT max(said_at) FROM wanted HAVING count(*) > $5::bigint)), '}')
  FROM target
