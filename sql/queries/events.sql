-- Events: read from the log in order by the relay (on one instance), and by all instances.

-- One step of the relay; see the function.
-- name: relay_step
-- columns: leads, settled, lag_ms, gap, writers, id, previous, aggregate, type, rooms, payload
SELECT leads, settled, lag_ms, gap, writers, id, previous, aggregate, type, rooms, payload
  FROM relay_step(:holder, :confirmed::bigint, :noted, :settle::bigint, :publish::bigint, :lease_s::bigint,
    :renew_s::double precision)

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

-- The events that a returning subscriber missed in its rooms. Two statements for two plans: the first reads the pages that may
-- have events of the rooms, for the few events of one person; the second (admins, who receive most events) scans by id.
-- after: id of the last event received. oldest, newest: the ids that are kept; id: NULL: nothing missed. Always one row.
-- name: events_missed
-- columns: oldest, newest, id, aggregate, type, payload, at
SELECT b.oldest, b.newest, e.id, e.aggregate, e.type, e.payload::text, iso(e.created_at) AS at
  FROM (SELECT coalesce((SELECT min(id) FROM events), 0) AS oldest,
               coalesce((SELECT max(id) FROM events), 0) AS newest) b
  LEFT JOIN events_in_rooms(:after::bigint, :rooms::text[], :limit::bigint) e ON true
 ORDER BY e.id
-- name: events_missed_scan
-- columns: oldest, newest, id, aggregate, type, payload, at
SELECT b.oldest, b.newest, e.id, e.aggregate, e.type, e.payload::text, iso(e.created_at) AS at
  FROM (SELECT coalesce((SELECT min(id) FROM events), 0) AS oldest,
               coalesce((SELECT max(id) FROM events), 0) AS newest) b
  LEFT JOIN (SELECT * FROM events WHERE rooms && :rooms::text[] AND id > :after::bigint
              ORDER BY id LIMIT :limit::bigint) e ON true
 ORDER BY e.id

-- The participants of an order, by its id or its number. No row: 404.
-- name: order_participants
-- columns: id, user_id, vendor_id, rider_id
SELECT id, user_id, vendor_id, rider_id FROM orders
 WHERE id = CASE WHEN substr(:order, 2, 1) = '-'
   THEN (SELECT n.id FROM orders n WHERE n.order_number = :order) ELSE :order END
