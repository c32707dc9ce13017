-- Events: from the outbox to `events` (by the relay, on one instance), and from there to all instances.

-- One step of the relay: takes or renews the lease, moves rows of the outbox to `events`, and returns the events to publish.
-- Rows move only in a statement that also updates the row of the lease. Its lock stops a relay that was held up from moving
-- rows at the same time as its successor, so ids in `events` grow in the order of commit. A step that takes the lease from
-- another instance does nothing else: it may have waited for that instance's last step, and would not see its rows. An idle
-- leader writes once in 800 ms.
--  $1 holder   $2 id published so far by this holder (0: nothing)   $3 rows to move   $4 rows to publish (0: none now)
-- Columns: leads, position (published), moved, lag (ms, of the oldest moved row; NULL: no row), source (see events_newest);
--  id (NULL: nothing to publish), previous (the id before it), aggregate, type, rooms ("a,b"), payload. Always one row.
-- name: relay_move
WITH held AS MATERIALIZED (
  SELECT FROM leases WHERE name = 'relay' AND holder = $1::text
), lead AS (
  UPDATE leases
     SET holder = $1::text, until = now() + interval '2 seconds', position = greatest(position, $2::bigint)
   WHERE name = 'relay' AND (holder = $1::text OR until < now())
     AND (holder <> $1::text OR until < now() + interval '1200 milliseconds' OR position < $2::bigint
          OR EXISTS (SELECT FROM outbox))
  RETURNING position
), leader AS MATERIALIZED (
  SELECT position FROM lead
  UNION ALL
  SELECT position FROM leases
   WHERE name = 'relay' AND holder = $1::text AND until >= now() AND NOT EXISTS (SELECT FROM lead)
), moved AS (
  DELETE FROM outbox WHERE id = ANY (ARRAY(
    SELECT id FROM outbox WHERE EXISTS (SELECT FROM lead) AND EXISTS (SELECT FROM held)
     ORDER BY id LIMIT $3::bigint))
  RETURNING id, aggregate, type, rooms, payload, created_at
), published AS (
  INSERT INTO events (aggregate, type, rooms, payload, created_at)
  SELECT aggregate, type, rooms, payload, created_at FROM moved ORDER BY id
  RETURNING id, aggregate, type, rooms, payload
), earlier AS MATERIALIZED (
  SELECT id, aggregate, type, rooms, payload FROM events
   WHERE id > (SELECT position FROM leader) AND $4::bigint > 0 AND EXISTS (SELECT FROM held)
   ORDER BY id LIMIT $4::bigint
), due AS (
  SELECT * FROM earlier
  UNION ALL
  SELECT * FROM published WHERE $4::bigint > 0 AND (SELECT count(*) FROM earlier) < $4::bigint
)
SELECT l.position IS NOT NULL, coalesce(l.position, 0), (SELECT count(*) FROM published),
  (SELECT (extract(epoch FROM clock_timestamp() - min(created_at)) * 1000)::bigint FROM moved), event_source(),
  d.id, lag(d.id, 1, l.position) OVER (ORDER BY d.id), d.aggregate, d.type, array_to_string(d.rooms, ','),
  d.payload::text
  FROM (SELECT) one LEFT JOIN leader l ON true LEFT JOIN due d ON true ORDER BY d.id

-- The position of a new subscriber.
-- Columns: newest id, source: the database that the ids belong to. Always one row.
-- name: events_newest
SELECT coalesce((SELECT max(id) FROM events), 0), event_source()

-- The events after an id.
--  $1 id   $2 limit
-- Columns: id, aggregate, type, rooms ("a,b"), payload.
-- name: events_after
SELECT id, aggregate, type, array_to_string(rooms, ','), payload::text
  FROM events WHERE id > $1::bigint ORDER BY id LIMIT $2::bigint

-- The events that a returning subscriber missed in its rooms. Two statements for two plans: the first uses the index of
-- rooms, for the few events of one person; the second (admins, who receive most events) scans by id.
--  $1 id of the last event received   $2 rooms text[]   $3 limit
-- Columns: oldest id kept, newest id; id (NULL: nothing missed), aggregate, type, payload, at. Always one row.
-- name: events_missed
SELECT b.oldest, b.newest, e.id, e.aggregate, e.type, e.payload::text, iso(e.created_at)
  FROM (SELECT coalesce((SELECT min(id) FROM events), 0) AS oldest,
               coalesce((SELECT max(id) FROM events), 0) AS newest) b
  LEFT JOIN (SELECT * FROM events WHERE rooms && $2::text[] AND id > $1::bigint
              ORDER BY id LIMIT $3::bigint) e ON true
 ORDER BY e.id
-- name: events_missed_scan
SELECT b.oldest, b.newest, e.id, e.aggregate, e.type, e.payload::text, iso(e.created_at)
  FROM (SELECT coalesce((SELECT min(id) FROM events), 0) AS oldest,
               coalesce((SELECT max(id) FROM events), 0) AS newest) b
  LEFT JOIN (SELECT * FROM events WHERE (rooms || '{}'::text[]) && $2::text[] AND id > $1::bigint
              ORDER BY id LIMIT $3::bigint) e ON true
 ORDER BY e.id

-- The participants of an order.
--  $1 id or number
-- Columns: id, user id, vendor id, rider id. No row: 404.
-- name: order_participants
SELECT id, user_id, vendor_id, rider_id FROM orders
 WHERE id = CASE WHEN substr($1::text, 2, 1) = '-'
   THEN (SELECT n.id FROM orders n WHERE n.order_number = $1::text) ELSE $1::text END
