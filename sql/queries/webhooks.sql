-- Webhooks of partners on their way; src/jobs/webhooks.c runs these.

-- What was said since the position becomes deliveries, and the position moves on, in one statement: each event once. It locks
-- the lease's row only when there is something, and who had to wait goes on from where the other came to; ids in
-- `events` grow in the order of commit, so what he sees beyond that is complete. Nobody is told what was said before he was
-- registered.
--  $1 types that are offered text[]   $2 limit
-- Columns: events taken, deliveries queued, endpoints that are told anything. Always one row.
-- name: webhooks_fan
WITH place AS MATERIALIZED (
  SELECT position FROM leases
   WHERE name = 'webhooks' AND position < (SELECT max(id) FROM events) FOR NO KEY UPDATE
), said AS MATERIALIZED (
  SELECT e FROM events e WHERE e.id > (SELECT position FROM place) ORDER BY e.id LIMIT $2::bigint
), moved AS (
  UPDATE leases SET position = (SELECT max((s.e).id) FROM said s) WHERE name = 'webhooks' AND EXISTS (SELECT FROM said)
), queued AS (
  INSERT INTO webhook_deliveries (id, endpoint_id, event_id, type, payload, said_at)
  SELECT webhook_delivery_id(w.id, (s.e).id), w.id, (s.e).id, (s.e).type,
         webhook_body((s.e).type, (s.e).created_at, (s.e).payload::text), (s.e).created_at
    FROM said s JOIN webhook_endpoints w ON w.enabled AND webhook_wants(w, s.e) AND (s.e).created_at >= w.created_at
   WHERE (s.e).type = ANY ($1::text[])
  ON CONFLICT (id) DO NOTHING
  RETURNING 1
)
SELECT (SELECT count(*) FROM said), (SELECT count(*) FROM queued), (SELECT count(*) FROM webhook_endpoints WHERE enabled)

-- Takes what is due. The first that is under way to an endpoint only needs a slot; any more do so only while there are not
-- too many of those, at most $2 to one endpoint, and none to one to which nothing comes through. So whoever does not answer
-- leaves room for the others. Who takes and dies leaves them due again when $3 is over.
--  $1 limit   $2 at once of one endpoint   $3 seconds a try may last   $4 how many may be under way beside an endpoint's first
-- Columns: id, endpoint, url, body, tries with this one, the secrets that sign, newest first, with spaces between.
-- name: webhooks_take
WITH room AS MATERIALIZED (
  SELECT w.id, CASE WHEN w.failing_since IS NULL THEN $2::bigint ELSE 1 END AS most,
         (SELECT count(*) FROM webhook_deliveries b WHERE b.endpoint_id = w.id AND b.busy_until > now()) AS busy
    FROM webhook_endpoints w WHERE w.enabled
), due AS MATERIALIZED (
  SELECT f.id, f.next_at, r.busy + row_number() OVER (PARTITION BY r.id ORDER BY f.next_at) AS nth
    FROM room r CROSS JOIN LATERAL (
      SELECT d.id, d.next_at FROM webhook_deliveries d
       WHERE d.endpoint_id = r.id AND d.state = 'QUEUED' AND d.next_at <= now()
       ORDER BY d.next_at LIMIT greatest(0, r.most - r.busy) FOR NO KEY UPDATE SKIP LOCKED) f
), chosen AS MATERIALIZED (
  (SELECT id FROM due WHERE nth = 1 ORDER BY next_at LIMIT $1::bigint)
  UNION ALL
  (SELECT id FROM due WHERE nth > 1 ORDER BY nth, next_at
    LIMIT greatest(0, least($1::bigint - (SELECT count(*) FROM due WHERE nth = 1),
      $4::bigint - (SELECT sum(greatest(busy - 1, 0)) FROM room))))
)
UPDATE webhook_deliveries d
   SET tries = d.tries + 1, next_at = now() + make_interval(secs => $3::bigint),
       busy_until = now() + make_interval(secs => $3::bigint)
  FROM webhook_endpoints w
 WHERE d.id IN (SELECT id FROM chosen) AND w.id = d.endpoint_id
RETURNING d.id, w.id, w.url, d.payload::text, d.tries,
  array_to_string(w.secret || CASE WHEN w.previous_until > now() THEN w.previous_secrets ELSE '{}' END, ' ')

-- What became of a try. It counts for the try that it was of and no other. An endpoint that says 410, or to which nothing
-- has come through for five days, is told nothing more, and the admins hear of it.
--  $1 id   $2 its tries when it was taken   $3 DELIVERED, RETRY, DEAD, or GONE (410)   $4 HTTP status or NULL
--  $5 what went wrong or NULL   $6 RETRY: seconds until the next, to which up to a tenth is added
-- Columns: endpoint, url, why it is disabled. A row only when it has been disabled now.
-- name: webhook_settle
WITH ended AS (
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
    FROM ended
   WHERE w.id = ended.endpoint_id AND w.enabled
     AND CASE $3::text WHEN 'DELIVERED' THEN w.failing_since IS NOT NULL WHEN 'GONE' THEN true
         ELSE w.failing_since IS NULL OR w.failing_since < now() - interval '5 days' END
  RETURNING w.id, w.url, w.enabled, w.disabled_reason
), told AS (
  INSERT INTO outbox (aggregate, type, rooms, payload)
  SELECT m.id, 'webhook_disabled', '{admin}'::text[], json_build_object('webhookId', m.id, 'url', m.url,
    'reason', m.disabled_reason, 'timestamp', iso(now())) FROM marked m WHERE NOT m.enabled
)
SELECT m.id, m.url, m.disabled_reason FROM marked m WHERE NOT m.enabled

-- A try that was not made: it may be made again at once, and counts for nothing.
--  $1 id   $2 its tries when it was taken
-- name: webhook_untake
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
