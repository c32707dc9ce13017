-- Events through a Redis that several databases may share.

-- Which database an event's id is of: copies follow their own only. Redis pub/sub knows no databases, and a
-- test system beside production must not be heard.
CREATE FUNCTION event_source() RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT to_hex(s.system_identifier) || '.' || d.oid FROM pg_control_system() s, pg_database d
   WHERE d.datname = current_database()
$$;

-- Each row lives for some milliseconds: vacuum by number, or the index's beginning fills with what is gone.
ALTER TABLE outbox SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000,
  autovacuum_vacuum_insert_threshold = -1);
