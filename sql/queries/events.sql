-- Events: from the outbox to `events` (by the relay, on one instance), and from there to all instances.

-- One step of the relay: takes or renews the lease, moves rows of the outbox to `events`, and returns the events to publish.
-- Rows move only in a statement that also updates the row of the lease. Its lock stops a relay that was held up from moving
-- rows at the same time as its successor, so ids in `events` grow in the order of commit. A step that takes the lease from
-- another instance does nothing else: it may have waited for that instance's last step, and would not see its rows. An idle
-- leader writes once in 800 ms.
-- published: the id up to which this holder has published (0: nothing); publish: how many events to return (0: none now).
-- position: published; lag_ms: of the oldest moved row (NULL: no row); source: see events_newest; id: NULL: nothing to publish;
-- previous: the id before it; rooms: "a,b". Always one row.
-- name: relay_move
-- columns: leads, position, moved, lag_ms, source, id, previous, aggregate, type, rooms, payload
WITH held AS MATERIALIZED (
  SELECT FROM leases WHERE name = 'relay' AND holder = :holder
), lead AS (
  UPDATE leases
     SET holder = :holder, until = now() + make_interval(secs => :lease_s::bigint), position = greatest(position, :published::bigint)
   WHERE name = 'relay' AND (holder = :holder OR until < now())
     AND (holder <> :holder OR until < now() + make_interval(secs => :renew_s::double precision) OR position < :published::bigint
          OR EXISTS (SELECT FROM outbox))
  RETURNING position
), leader AS MATERIALIZED (
  SELECT position FROM lead
  UNION ALL
  SELECT position FROM leases
   WHERE name = 'relay' AND holder = :holder AND until >= now() AND NOT EXISTS (SELECT FROM lead)
), moved AS (
  DELETE FROM outbox WHERE id = ANY (ARRAY(
    SELECT id FROM outbox WHERE EXISTS (SELECT FROM lead) AND EXISTS (SELECT FROM held)
     ORDER BY id LIMIT :move::bigint))
  RETURNING id, aggregate, type, rooms, payload, created_at
), published AS (
  INSERT INTO events (aggregate, type, rooms, payload, created_at)
  SELECT aggregate, type, rooms, payload, created_at FROM moved ORDER BY id
  RETURNING id, aggregate, type, rooms, payload
), earlier AS MATERIALIZED (
  SELECT id, aggregate, type, rooms, payload FROM events
   WHERE id > (SELECT position FROM leader) AND :publish::bigint > 0 AND EXISTS (SELECT FROM held)
   ORDER BY id LIMIT :publish::bigint
), due AS (
  SELECT * FROM earlier
  UNION ALL
  SELECT * FROM published WHERE :publish::bigint > 0 AND (SELECT count(*) FROM earlier) < :publish::bigint
)
SELECT l.position IS NOT NULL AS leads, coalesce(l.position, 0) AS position, (SELECT count(*) FROM published) AS moved,
  (SELECT (extract(epoch FROM clock_timestamp() - min(created_at)) * 1000)::bigint FROM moved) AS lag_ms,
  event_source() AS source, d.id, lag(d.id, 1, l.position) OVER (ORDER BY d.id) AS previous, d.aggregate, d.type,
  array_to_string(d.rooms, ',') AS rooms, d.payload::text AS payload
  FROM (SELECT) one LEFT JOIN leader l ON true LEFT JOIN due d ON true ORDER BY d.id

-- The position of a new subscriber.
-- source: the database that the ids belong to. Always one row.
-- name: events_newest
-- columns: id, source
SELECT coalesce((SELECT max(id) FROM events), 0) AS id, event_source() AS source

-- The events after an id. rooms: "a,b".
-- name: events_after
-- columns: id, aggregate, type, rooms, payload
SELECT id, aggregate, type, array_to_string(rooms, ',') AS rooms, payload::text
  FROM events WHERE id > :after::bigint ORDER BY id LIMIT :limit::bigint

-- The events that a returning subscriber missed in its rooms. Two statements for two plans: the first uses the index of
-- rooms, for the few events of one person; the second (admins, who receive most events) scans by id.
-- after: id of the last event received. oldest, newest: the ids that are kept; id: NULL: nothing missed. Always one row.
-- name: events_missed
-- columns: oldest, newest, id, aggregate, type, payload, at
SELECT b.oldest, b.newest, e.id, e.aggregate, e.type, e.payload::text, iso(e.created_at) AS at
  FROM (SELECT coalesce((SELECT min(id) FROM events), 0) AS oldest,
               coalesce((SELECT max(id) FROM events), 0) AS newest) b
  LEFT JOIN (SELECT * FROM events WHERE rooms && :rooms::text[] AND id > :after::bigint
              ORDER BY id LIMIT :limit::bigint) e ON true
 ORDER BY e.id
-- name: events_missed_scan
-- columns: oldest, newest, id, aggregate, type, payload, at
SELECT b.oldest, b.newest, e.id, e.aggregate, e.type, e.payload::text, iso(e.created_at) AS at
  FROM (SELECT coalesce((SELECT min(id) FROM events), 0) AS oldest,
               coalesce((SELECT max(id) FROM events), 0) AS newest) b
  LEFT JOIN (SELECT * FROM events WHERE (rooms || '{}'::text[]) && :rooms::text[] AND id > :after::bigint
              ORDER BY id LIMIT :limit::bigint) e ON true
 ORDER BY e.id

-- The participants of an order, by its id or its number. No row: 404.
-- name: order_participants
-- columns: id, user_id, vendor_id, rider_id
SELECT id, user_id, vendor_id, rider_id FROM orders
 WHERE id = CASE WHEN substr(:order, 2, 1) = '-'
   THEN (SELECT n.id FROM orders n WHERE n.order_number = :order) ELSE :order END
