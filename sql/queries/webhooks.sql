-- Deliveries of webhooks; used by src/jobs/notify/webhooks.c.

-- Queues deliveries for the events after the position, and moves the position, in one statement: each event once. It locks the
-- row of the lease only when there is a new event. An instance that waited for the lock continues from the position that the
-- other reached; ids in `events` grow in the order of commit, so it sees all events after that. An endpoint receives no event
-- from before its registration. Without an enabled endpoint the position moves to the last event, and no event is read.
-- types: the offered ones. events: how many were read; queued: deliveries; endpoints: how many are enabled. Always one row.
-- name: webhooks_queue
-- columns: events, queued, endpoints
WITH endpoint AS MATERIALIZED (
  SELECT count(*) AS count FROM webhook_endpoints WHERE enabled
), lease AS MATERIALIZED (
  SELECT position, (SELECT count FROM endpoint) = 0 AS nobody FROM leases
   WHERE name = 'webhooks' AND position < (SELECT max(id) FROM events) FOR NO KEY UPDATE
), page AS MATERIALIZED (
  SELECT e FROM events e WHERE e.id > (SELECT position FROM lease WHERE NOT nobody) ORDER BY e.id LIMIT :limit::bigint
), moved AS (
  UPDATE leases l
     SET position = CASE WHEN s.nobody THEN (SELECT max(id) FROM events) ELSE (SELECT max((p.e).id) FROM page p) END
    FROM lease s WHERE l.name = 'webhooks' AND (s.nobody OR EXISTS (SELECT FROM page))
), queued AS (
  INSERT INTO webhook_deliveries (id, endpoint_id, event_id, type, payload, said_at)
  SELECT webhook_delivery_id(w.id, (s.e).id), w.id, (s.e).id, (s.e).type,
         webhook_body((s.e).type, (s.e).created_at, (s.e).payload::text), (s.e).created_at
    FROM page s JOIN webhook_endpoints w ON w.enabled AND webhook_matches(w, s.e) AND (s.e).created_at >= w.created_at
   WHERE (s.e).type = ANY (:types::text[])
  ON CONFLICT (id) DO NOTHING
  RETURNING 1
)
SELECT (SELECT count(*) FROM page) AS events, (SELECT count(*) FROM queued) AS queued,
  (SELECT count FROM endpoint) AS endpoints

-- Claims at most `limit` deliveries that are due. The first one under way to an endpoint needs only a slot. Further ones are
-- limited: at most per_endpoint to one endpoint, one to an endpoint whose last try failed, and `beyond` in total. So an endpoint
-- that does not answer leaves slots to the others. A claim sets busy_until and leaves next_at, which no index has to follow. So
-- deliveries under way are among the first that are due. When an instance dies, its claims end after claim_s seconds.
-- tries: with this one; secrets: those that sign, newest first, separated by spaces.
-- name: webhooks_claim
-- columns: id, endpoint_id, url, body, tries, secrets
WITH endpoint AS MATERIALIZED (
  SELECT w.id, CASE WHEN w.failing_since IS NULL THEN :per_endpoint::bigint ELSE 1 END AS most, b.busy
    FROM webhook_endpoints w CROSS JOIN LATERAL (
      SELECT count(*) FILTER (WHERE f.busy_until > now()) AS busy FROM (
        SELECT d.busy_until FROM webhook_deliveries d
         WHERE d.endpoint_id = w.id AND d.state = 'QUEUED' AND d.next_at <= now()
         ORDER BY d.next_at, d.id LIMIT 2 * :per_endpoint) f) b
   WHERE w.enabled
), due AS MATERIALIZED (
  SELECT f.id, f.next_at, r.busy + row_number() OVER (PARTITION BY r.id ORDER BY f.next_at, f.id) AS nth
    FROM endpoint r CROSS JOIN LATERAL (
      SELECT d.id, d.next_at FROM webhook_deliveries d
       WHERE d.endpoint_id = r.id AND d.state = 'QUEUED' AND d.next_at <= now() AND (d.busy_until IS NULL OR d.busy_until <= now())
       ORDER BY d.next_at, d.id LIMIT greatest(0, r.most - r.busy) FOR NO KEY UPDATE SKIP LOCKED) f
), claimed AS MATERIALIZED (
  (SELECT id FROM due WHERE nth = 1 ORDER BY next_at LIMIT :limit::bigint)
  UNION ALL
  (SELECT id FROM due WHERE nth > 1 ORDER BY nth, next_at
    LIMIT greatest(0, least(:limit - (SELECT count(*) FROM due WHERE nth = 1),
      :beyond::bigint - (SELECT sum(greatest(busy - 1, 0)) FROM endpoint))))
)
UPDATE webhook_deliveries d
   SET tries = d.tries + 1, busy_until = now() + make_interval(secs => :claim_s::bigint)
  FROM webhook_endpoints w
 WHERE d.id IN (SELECT id FROM claimed) AND w.id = d.endpoint_id
RETURNING d.id, w.id AS endpoint_id, w.url, d.payload::text AS body, d.tries,
  array_to_string(w.secret || CASE WHEN w.previous_until > now() THEN w.previous_secrets ELSE '{}' END, ' ') AS secrets

-- Stores the result of a try, if it is still the current try: outcome DELIVERED, RETRY, DEAD, or GONE (410). wait_s: RETRY: seconds
-- until the next. An endpoint that replies 410, or whose deliveries have failed for give_up_s seconds, is disabled; an event
-- informs the admins. attempts_max: how many attempts are kept. A row only when this statement disabled the endpoint.
-- name: webhook_store_result
-- columns: endpoint_id, url, reason
WITH stored AS (
  UPDATE webhook_deliveries d
     SET state = CASE :outcome::text WHEN 'DELIVERED' THEN 'DELIVERED' WHEN 'RETRY' THEN 'QUEUED' ELSE 'DEAD' END,
         busy_until = NULL, next_at = now() + make_interval(secs => :wait_s::double precision),
         last_status = :status?::bigint, last_error = :error::text,
         delivered_at = CASE :outcome WHEN 'DELIVERED' THEN now() ELSE d.delivered_at END,
         attempts = CASE WHEN jsonb_array_length(d.attempts) >= :attempts_max::bigint THEN d.attempts - 0 ELSE d.attempts END
           || jsonb_build_object('at', iso(now()), 'status', :status, 'error', :error::text)
   WHERE d.id = :id::text AND d.tries = :tries::bigint AND d.state = 'QUEUED' AND d.busy_until IS NOT NULL
  RETURNING d.endpoint_id
), marked AS (
  UPDATE webhook_endpoints w
     SET failing_since = CASE WHEN :outcome <> 'DELIVERED' THEN coalesce(w.failing_since, now()) END,
         enabled = :outcome = 'DELIVERED' OR (:outcome <> 'GONE'
           AND coalesce(w.failing_since, now()) >= now() - make_interval(secs => :give_up_s::bigint)),
         disabled_reason = CASE WHEN :outcome = 'GONE' THEN 'GONE'
           WHEN :outcome <> 'DELIVERED' AND w.failing_since < now() - make_interval(secs => :give_up_s::bigint) THEN 'FAILING' END
    FROM stored
   WHERE w.id = stored.endpoint_id AND w.enabled
     AND CASE :outcome WHEN 'DELIVERED' THEN w.failing_since IS NOT NULL WHEN 'GONE' THEN true
         ELSE w.failing_since IS NULL OR w.failing_since < now() - make_interval(secs => :give_up_s::bigint) END
  RETURNING w.id, w.url, w.enabled, w.disabled_reason
), published AS (
  INSERT INTO event_log (aggregate, type, rooms, payload)
  SELECT m.id, 'webhook_disabled', '{admin}'::text[], json_build_object('webhookId', m.id, 'url', m.url,
    'reason', m.disabled_reason, 'timestamp', iso(now())) FROM marked m WHERE NOT m.enabled
)
SELECT m.id AS endpoint_id, m.url, m.disabled_reason AS reason FROM marked m WHERE NOT m.enabled

-- Returns a delivery whose request was not sent: it is due again after wait_s seconds, and the try does not count.
-- name: webhook_release
UPDATE webhook_deliveries
   SET tries = tries - 1, busy_until = NULL, next_at = now() + make_interval(secs => :wait_s::bigint)
 WHERE id = :id::text AND tries = :tries::bigint AND state = 'QUEUED' AND busy_until IS NOT NULL

-- Deletes a batch of deliveries that are 30 days old.
-- name: sweep_webhooks
-- columns: count
WITH gone AS (
  DELETE FROM webhook_deliveries WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM webhook_deliveries WHERE created_at < now() - interval '30 days' LIMIT :limit::bigint)) RETURNING 1
)
SELECT count(*) AS count FROM gone
