-- Webhooks in the admin namespace.

-- --- Endpoints ---------------------------------------------------------------------------------------------

-- name: admin_webhook_list
-- columns: total, rows
SELECT (SELECT count(*) FROM webhook_endpoints) AS total,
  (SELECT '[' || coalesce(string_agg(webhook_json(w), ',' ORDER BY w.id), '') || ']'
     FROM (SELECT id FROM webhook_endpoints ORDER BY id LIMIT :limit::bigint OFFSET :offset::bigint) page
     JOIN webhook_endpoints w USING (id)) AS rows

-- name: admin_webhook_get
-- columns: webhook
SELECT webhook_json(w) AS webhook FROM webhook_endpoints w WHERE w.id = :webhook_id::text

-- Outcomes: DONE, REPLAY (run idempotency_get), VENDOR_NOT_FOUND, CONFLICT (50 exist already). webhook includes the secret.
-- name: admin_webhook_add
-- columns: outcome, webhook
SELECT outcome, json AS webhook
  FROM webhook_add(:webhook_id::text, :url::text, :description::text, :event_types::text[], :vendor_id::text, :secret::text,
    :admin_id::text, :audit::jsonb, :idempotency_key::text, :fingerprint::text)

-- NULL leaves a value; an empty description or vendor removes it. Enabling clears the reason of the disabling and the time of
-- the first failure. No row: 404.
-- name: admin_webhook_edit
-- columns: webhook, audit_id
UPDATE webhook_endpoints w
   SET url = coalesce(:url::text, w.url), description = changed(:description::text, w.description),
       event_types = coalesce(:event_types::text[], w.event_types),
       vendor_id = changed(:vendor_id::text, w.vendor_id),
       enabled = coalesce(:enabled?::boolean, w.enabled),
       disabled_reason = CASE :enabled WHEN true THEN NULL WHEN false THEN coalesce(w.disabled_reason, 'ADMIN')
         ELSE w.disabled_reason END,
       failing_since = CASE WHEN :enabled THEN NULL ELSE w.failing_since END, updated_at = now()
 WHERE w.id = :webhook_id::text
   AND (coalesce(:vendor_id, '') = '' OR EXISTS (SELECT FROM vendors WHERE id = :vendor_id)
        OR fail('VENDOR_NOT_FOUND') IS NULL)
RETURNING webhook_json(w) AS webhook, admin_audit_add(:audit::jsonb, w.id) AS audit_id

-- Queued deliveries of a deleted webhook are no longer sent; the clean-up job deletes them.
-- No row: 404.
-- name: admin_webhook_delete
-- columns: audit_id
DELETE FROM webhook_endpoints WHERE id = :webhook_id::text RETURNING admin_audit_add(:audit::jsonb, id) AS audit_id

-- For 24 hours the previous secret signs together with the new one, with those of rotations in the 24 hours before, at most four.
-- Outcomes: DONE, REPLAY (run idempotency_get), NOT_FOUND. webhook includes the secret.
-- name: admin_webhook_rotate
-- columns: outcome, webhook
SELECT outcome, json AS webhook
  FROM webhook_rotate(:webhook_id::text, :secret::text, :admin_id::text, :audit::jsonb, :idempotency_key::text, :fingerprint::text)

-- --- Deliveries --------------------------------------------------------------------------------------------

-- Queues a test delivery. CONFLICT: the endpoint is disabled. No row: 404.
-- name: admin_webhook_test
-- columns: delivery, audit_id
INSERT INTO webhook_deliveries AS d (id, endpoint_id, type, payload, said_at)
SELECT :delivery_id::text, w.id, :type::text,
       webhook_body(:type, now(), json_build_object('webhookId', w.id, 'message', 'It works')::text), now()
  FROM webhook_endpoints w WHERE w.id = :webhook_id::text AND (w.enabled OR fail('CONFLICT') IS NULL)
RETURNING webhook_delivery_json(d) AS delivery, admin_audit_add(:audit::jsonb, d.endpoint_id) AS audit_id

-- Newest first. state NULL: any. No row: 404.
-- name: admin_webhook_deliveries
-- columns: total, rows
SELECT (SELECT count(*) FROM webhook_deliveries
         WHERE endpoint_id = w.id AND state = coalesce(:state::text, state)) AS total,
  (SELECT '[' || coalesce(string_agg(webhook_delivery_json(d), ',' ORDER BY d.said_at DESC, d.id), '') || ']'
     FROM (SELECT id FROM webhook_deliveries WHERE endpoint_id = w.id AND state = coalesce(:state, state)
            ORDER BY said_at DESC, id LIMIT :limit::bigint OFFSET :offset::bigint) page
     JOIN webhook_deliveries d USING (id)) AS rows
  FROM webhook_endpoints w WHERE w.id = :webhook_id::text

-- Queues a delivery again with all its attempts. CONFLICT: it is being sent, or its endpoint is disabled or deleted.
-- No row: 404.
-- name: admin_webhook_replay_one
-- columns: delivery, audit_id
UPDATE webhook_deliveries d SET state = 'QUEUED', tries = 0, next_at = now(), busy_until = NULL
 WHERE d.id = :delivery_id::text
   AND ((d.busy_until IS NULL OR d.busy_until <= now())
        AND EXISTS (SELECT FROM webhook_endpoints w WHERE w.id = d.endpoint_id AND w.enabled)
        OR fail('CONFLICT') IS NULL)
RETURNING webhook_delivery_json(d) AS delivery, admin_audit_add(:audit::jsonb, d.id) AS audit_id

-- Queues the deliveries of an endpoint from since until before until (NULL: now) again, and the events of that period that it has
-- not received. Deliveries are kept for 30 days, events for 72 hours. Deliveries that are being sent do not change. No row: 404.
-- types: the event types on offer. replayed: {"queued","more","next_since"}; when more is true, the rest starts at next_since.
-- name: admin_webhook_replay
-- columns: replayed, audit_id
WITH target AS MATERIALIZED (
  SELECT w FROM webhook_endpoints w WHERE w.id = :webhook_id::text AND (w.enabled OR fail('CONFLICT') IS NULL)
), wanted AS MATERIALIZED (
  SELECT d.id, d.said_at, NULL::bigint AS event
    FROM webhook_deliveries d JOIN target ON d.endpoint_id = (target.w).id
   WHERE d.said_at >= :since::timestamptz AND d.said_at < coalesce(:until::timestamptz, now()) AND d.event_id IS NOT NULL
  UNION ALL
  SELECT webhook_delivery_id((target.w).id, e.id), e.created_at, e.id
    FROM events e JOIN target ON webhook_matches(target.w, e)
   WHERE e.created_at >= :since AND e.created_at < coalesce(:until, now()) AND e.type = ANY (:types::text[])
     AND NOT EXISTS (SELECT FROM webhook_deliveries d WHERE d.id = webhook_delivery_id((target.w).id, e.id))
   ORDER BY said_at, id LIMIT :limit::bigint + 1
), chosen AS MATERIALIZED (
  SELECT * FROM wanted ORDER BY said_at, id LIMIT :limit
), again AS (
  UPDATE webhook_deliveries d SET state = 'QUEUED', tries = 0, next_at = now(), busy_until = NULL
   WHERE d.id IN (SELECT id FROM chosen WHERE event IS NULL) AND (d.busy_until IS NULL OR d.busy_until <= now())
  RETURNING 1
), missed AS (
  INSERT INTO webhook_deliveries (id, endpoint_id, event_id, type, payload, said_at)
  SELECT c.id, :webhook_id, e.id, e.type, webhook_body(e.type, e.created_at, e.payload::text), e.created_at
    FROM chosen c JOIN events e ON e.id = c.event
  ON CONFLICT (id) DO NOTHING
  RETURNING 1
)
SELECT concat('{"queued":', (SELECT count(*) FROM again) + (SELECT count(*) FROM missed), ',"more":',
    json_flag((SELECT count(*) FROM wanted) > :limit), ',"next_since":',
    json_time((SELECT max(said_at) FROM wanted HAVING count(*) > :limit)), '}') AS replayed,
    admin_audit_add(:audit::jsonb, (target.w).id) AS audit_id
  FROM target
