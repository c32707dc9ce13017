-- An event is written once, to `event_log`, which was the table `events`. Its ids and rows stay, so positions and Last-Event-IDs
-- stay valid. The views `events` (what readers see) and `outbox` (where the previous release writes) are functions/events.sql.

LOCK TABLE leases, outbox, events IN ACCESS EXCLUSIVE MODE;
DROP FUNCTION IF EXISTS webhook_matches(webhook_endpoints, events);
ALTER TABLE events RENAME TO event_log;
ALTER TABLE event_log ALTER rooms SET DEFAULT '{}';
ALTER INDEX events_pkey RENAME TO event_log_pkey;
ALTER INDEX events_created RENAME TO event_log_created;
-- The value of a sequence is taken under a lock that ends with the transaction; relay_step relies on it. It must not cache.
ALTER SEQUENCE events_id_seq RENAME TO event_log_id_seq;
-- An index of rooms took 840 bytes of WAL and half as much time as all else for each event; `event_pages` replaces it.
DROP INDEX events_rooms;
INSERT INTO event_log (aggregate, type, rooms, payload, created_at)
SELECT aggregate, type, rooms, payload, created_at FROM outbox ORDER BY id;
DROP TABLE outbox;

-- For each 256 ids that readers see: in which rooms these events are. Some 6 bytes an event.
CREATE TABLE event_pages (
  page  bigint PRIMARY KEY,   -- id >> 8
  rooms integer[] NOT NULL    -- hashes, see event_room_hashes; no row: no event in a room
);
ALTER TABLE event_pages ALTER rooms SET STORAGE EXTERNAL;

-- Lease `events`: position: readers see the events up to this id; published: Redis has confirmed the events up to this id.
ALTER TABLE leases ADD published bigint NOT NULL DEFAULT 0;
INSERT INTO leases (name, position, published)
SELECT 'events', CASE WHEN s.is_called THEN s.last_value ELSE 0 END, l.position
  FROM event_log_id_seq s, leases l WHERE l.name = 'relay';
-- Instances of the previous release never lead again. The next version removes the row.
UPDATE leases SET holder = '', until = 'infinity' WHERE name = 'relay';
