-- Deliveries of webhooks; used by src/jobs/notify/webhooks.c.

-- Queues deliveries for the events after the position, and moves the position, in one statement: each event once. It locks the
-- row of the lease only when there is a new event. An instance that waited for the lock continues from the position that the
-- other reached; ids in `events` grow in the order of commit, so it sees all events after that. An endpoint receives no event
-- from before its registration.
--  $1 offered types text[]   $2 limit
-- Columns: events read, deliveries queued, enabled endpoints. Always one row.
-- name: webhooks_queue
WITH lease AS MATERIALIZED (
  SELECT position FROM leases
   WHERE name = 'webhooks' AND position < (SELECT max(id) FROM events) FOR NO KEY UPDATE
), page AS MATERIALIZED (
  SELECT e FROM events e WHERE e.id > (SELECT position FROM lease) ORDER BY e.id LIMIT $2::bigint
), moved AS (
  UPDATE leases SET position = (SELECT max((s.e).id) FROM page s) WHERE name = 'webhooks' AND EXISTS (SELECT FROM page)
), queued AS (
  INSERT INTO webhook_deliveries (id, endpoint_id, event_id, type, payload, said_at)
  SELECT webhook_delivery_id(w.id, (s.e).id), w.id, (s.e).id, (s.e).type,
         webhook_body((s.e).type, (s.e).created_at, (s.e).payload::text), (s.e).created_at
    FROM page s JOIN webhook_endpoints w ON w.enabled AND webhook_matches(w, s.e) AND (s.e).created_at >= w.created_at
   WHERE (s.e).type = ANY ($1::text[])
  ON CONFLICT (id) DO NOTHING
  RETURNING 1
)
SELECT (SELECT count(*) FROM page), (SELECT count(*) FROM queued), (SELECT count(*) FROM webhook_endpoints WHERE enabled)

-- Claims deliveries that are due. The first one under way to an endpoint needs only a slot. Further ones are limited: at most $2
-- to one endpoint, one to an endpoint whose last try failed, and $4 in total. So an endpoint that does not answer leaves slots
-- to the others. When an instance dies, its deliveries are due again after $3 seconds.
--  $1 limit   $2 at once for one endpoint   $3 seconds a try may take   $4 total beyond the first of each endpoint
-- Columns: id, endpoint, url, body, tries including this one, signing secrets, newest first, separated by spaces.
-- name: webhooks_claim
WITH endpoint AS MATERIALIZED (
  SELECT w.id, CASE WHEN w.failing_since IS NULL THEN $2::bigint ELSE 1 END AS most,
         (SELECT count(*) FROM webhook_deliveries b WHERE b.endpoint_id = w.id AND b.busy_until > now()) AS busy
    FROM webhook_endpoints w WHERE w.enabled
), due AS MATERIALIZED (
  SELECT f.id, f.next_at, r.busy + row_number() OVER (PARTITION BY r.id ORDER BY f.next_at) AS nth
    FROM endpoint r CROSS JOIN LATERAL (
      SELECT d.id, d.next_at FROM webhook_deliveries d
       WHERE d.endpoint_id = r.id AND d.state = 'QUEUED' AND d.next_at <= now()
       ORDER BY d.next_at LIMIT greatest(0, r.most - r.busy) FOR NO KEY UPDATE SKIP LOCKED) f
), claimed AS MATERIALIZED (
  (SELECT id FROM due WHERE nth = 1 ORDER BY next_at LIMIT $1::bigint)
  UNION ALL
  (SELECT id FROM due WHERE nth > 1 ORDER BY nth, next_at
    LIMIT greatest(0, least($1::bigint - (SELECT count(*) FROM due WHERE nth = 1),
      $4::bigint - (SELECT sum(greatest(busy - 1, 0)) FROM endpoint))))
)
UPDATE webhook_deliveries d
   SET tries = d.tries + 1, next_at = now() + make_interval(secs => $3::bigint),
       busy_until = now() + make_interval(secs => $3::bigint)
  FROM webhook_endpoints w
 WHERE d.id IN (SELECT id FROM claimed) AND w.id = d.endpoint_id
RETURNING d.id, w.id, w.url, d.payload::text, d.tries,
  array_to_string(w.secret || CASE WHEN w.previous_until > now() THEN w.previous_secrets ELSE '{}' END, ' ')

-- Stores the result of a try, if it is still the current try. An endpoint that replies 410, or whose deliveries have failed for
-- five days, is disabled; an event informs the admins.
--  $1 id   $2 its tries when it was claimed   $3 DELIVERED, RETRY, DEAD, or GONE (410)   $4 HTTP status or NULL
--  $5 error or NULL   $6 RETRY: seconds until the next try; up to a tenth is added
-- Columns: endpoint, url, reason. A row only when this statement disabled the endpoint.
-- name: webhook_store_result
WITH stored AS (
  UPDATE webhook_deliveries d
     SET state = CASE $3::text WHEN 'DELIVERED' THEN 'DELIVERED' WHEN 'RETRY' THEN 'QUEUED' ELSE 'DEAD' END,
         busy_until = NULL, next_at = now() + make_interval(secs => coalesce($6::bigint, 0) * (1 + random() / 10)),
         last_status = $4::bigint, last_error = $5::text,
         delivered_at = CASE $3::text WHEN 'DELIVERED' THEN now() ELSE d.delivered_at END,
         attempts = CASE WHEN jsonb_array_length(d.attempts) >= 20 THEN d.attempts - 0 ELSE d.attempts END
           || jsonb_build_object('at', iso(now()), 'status', $4::bigint, 'error', $5::text)
   WHERE d.id = $1::text AND d.tries = $2::bigint AND d.state = 'QUEUED' AND d.busy_until IS NOT NULL
  RETURNING d.endpoint_id
), marked AS (
  UPDATE webhook_endpoints w
     SET failing_since = CASE WHEN $3::text <> 'DELIVERED' THEN coalesce(w.failing_since, now()) END,
         enabled = $3::text = 'DELIVERED'
           OR ($3::text <> 'GONE' AND coalesce(w.failing_since, now()) >= now() - interval '5 days'),
         disabled_reason = CASE WHEN $3::text = 'GONE' THEN 'GONE'
           WHEN $3::text <> 'DELIVERED' AND w.failing_since < now() - interval '5 days' THEN 'FAILING' END
    FROM stored
   WHERE w.id = stored.endpoint_id AND w.enabled
     AND CASE $3::text WHEN 'DELIVERED' THEN w.failing_since IS NOT NULL WHEN 'GONE' THEN true
         ELSE w.failing_since IS NULL OR w.failing_since < now() - interval '5 days' END
  RETURNING w.id, w.url, w.enabled, w.disabled_reason
), published AS (
  INSERT INTO outbox (aggregate, type, rooms, payload)
  SELECT m.id, 'webhook_disabled', '{admin}'::text[], json_build_object('webhookId', m.id, 'url', m.url,
    'reason', m.disabled_reason, 'timestamp', iso(now())) FROM marked m WHERE NOT m.enabled
)
SELECT m.id, m.url, m.disabled_reason FROM marked m WHERE NOT m.enabled

-- Returns a delivery whose request was not sent: it is due again in five seconds, and the try does not count.
--  $1 id   $2 its tries when it was claimed
-- name: webhook_release
UPDATE webhook_deliveries SET tries = tries - 1, busy_until = NULL, next_at = now() + interval '5 seconds'
 WHERE id = $1::text AND tries = $2::bigint AND state = 'QUEUED' AND busy_until IS NOT NULL

-- Deletes at most $1 deliveries that are 30 days old; call again while it deletes that many.
-- Columns: how many.
-- name: sweep_webhooks
WITH gone AS (
  DELETE FROM webhook_deliveries WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM webhook_deliveries WHERE created_at < now() - interval '30 days' LIMIT $1::bigint)) RETURNING 1
)
SELECT count(*) FROM gone
