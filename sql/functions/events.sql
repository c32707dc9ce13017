-- The log of events: what readers see, the relay's step, and rooms. Also the source of events, and stored replies of an
-- Idempotency-Key.

-- --- What readers see -----------------------------------------------------------------------------------

-- The events in the order in which all subscribers receive them. An id is visible here once every smaller one is visible or will
-- never come (see relay_step), so "id > last read" misses nothing.
CREATE OR REPLACE VIEW events AS
SELECT id, aggregate, type, rooms, payload, created_at FROM event_log
 WHERE id <= (SELECT position FROM leases WHERE name = 'events');

-- Statements of the previous release insert here, and its relay finds nothing to move. The next version removes the view.
CREATE OR REPLACE VIEW outbox AS
SELECT id, aggregate, type, payload, created_at, rooms FROM event_log WHERE false;

-- --- The relay ------------------------------------------------------------------------------------------

-- The transactions that have taken an id of an event and have not ended: nextval locks the sequence until then. The lock is
-- released after the rows are visible. A prepared transaction is '-1/...', without pid.
CREATE OR REPLACE FUNCTION event_writers() RETURNS TABLE (transaction text, pid text)
LANGUAGE sql VOLATILE AS $$
  SELECT l.virtualtransaction, coalesce(l.pid::text, 'prepared') FROM pg_locks l
   WHERE l.locktype = 'relation' AND l.relation = 'event_log_id_seq'::regclass AND l.mode = 'RowExclusiveLock' AND l.granted
     AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
$$;

-- One step of the relay: takes or renews the lease `events`, moves its position, and returns the events to publish.
--
-- Ids are given in order, but transactions end in another one. The position moves over ids without a gap. At a gap the step notes
-- the newest id and the transactions that write events at this moment: the missing id belongs to one of them, or was rolled back.
-- A later step finds that all of these have ended. What it reads after that is all there will ever be up to the noted id. So a
-- rolled back event delays the ones behind it by a step, and one that is not yet committed delays them until it is. Transactions
-- that write no event delay nothing.
-- The note is valid for the server process that made it (its start time): after a fail-over the same ids may be given again.
--
-- The row of the lease is locked first, and each statement of this function sees what was committed before it. So a leader that
-- was held up finds its successor's name, and a successor finds all that its predecessor did.
--
-- confirmed: Redis has the events up to this id (0: nothing new). noted: `gap` of the step before ('': none). settle_max,
-- publish_max: how many events to pass and to return (0: none now).
-- settled: events passed; lag_ms: age of the oldest event passed or waiting (NULL: none); gap: pass it to the next step;
-- writers: pids of the transactions that the gap waits for (NULL: not known to wait); id: NULL: nothing to publish; previous: the
-- id published before it; rooms: "a,b". Always one row.
CREATE OR REPLACE FUNCTION relay_step(its_holder text, confirmed bigint, noted text, settle_max bigint, publish_max bigint,
  lease_s bigint, renew_s double precision)
RETURNS TABLE (leads boolean, settled bigint, lag_ms bigint, gap text, writers text,
  id bigint, previous bigint, aggregate text, type text, rooms text, payload text)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  lease leases;
  note text[] := string_to_array(noted, ' ');   -- newest id, start of the server, transactions
  server text := extract(epoch FROM pg_postmaster_start_time())::text;
  closed bigint;                                -- up to this id nothing will come any more
  page record;
BEGIN
  SELECT * INTO lease FROM leases WHERE name = 'events';
  leads := lease.holder = its_holder OR lease.until < now();
  settled := 0;
  IF NOT leads OR lease.holder = its_holder AND lease.until > now() + make_interval(secs => renew_s)
      AND confirmed <= lease.published AND (publish_max = 0 OR lease.published = lease.position)
      AND coalesce((SELECT max(e.id) FROM event_log e), 0) <= lease.position THEN   -- EXISTS would read the whole table
    RETURN NEXT;
    RETURN;
  END IF;

  SELECT * INTO lease FROM leases WHERE name = 'events' AND (holder = its_holder OR until < now()) FOR NO KEY UPDATE;
  leads := FOUND;
  IF NOT leads THEN
    RETURN NEXT;
    RETURN;
  END IF;
  closed := lease.position;
  IF note[2] = server THEN
    writers := (SELECT string_agg(w.pid, ',') FROM event_writers() w
                 WHERE w.transaction = ANY (string_to_array(note[3], ',')) OR w.transaction LIKE '-1/%');
    IF writers IS NULL THEN
      closed := greatest(closed, note[1]::bigint);
    END IF;
  END IF;

  SELECT count(*) FILTER (WHERE p.passed) AS count, coalesce(max(p.id) FILTER (WHERE p.passed), lease.position) AS settled,
         max(p.id) AS newest, min(p.created_at) AS oldest
    INTO page
    FROM (SELECT e.id, e.created_at,
                 e.id <= closed OR e.id = closed + row_number() OVER (PARTITION BY e.id <= closed ORDER BY e.id) AS passed
            FROM (SELECT id, created_at FROM event_log WHERE id > lease.position ORDER BY id LIMIT settle_max) e) p;
  settled := page.count;
  lag_ms := (extract(epoch FROM clock_timestamp() - page.oldest) * 1000)::bigint;
  IF page.newest > page.settled THEN
    gap := CASE WHEN writers IS NOT NULL AND note[1]::bigint > page.settled THEN noted
      ELSE concat_ws(' ', page.newest, server, (SELECT string_agg(w.transaction, ',') FROM event_writers() w)) END;
  END IF;

  confirmed := least(confirmed, lease.position);
  PERFORM event_pages_add(lease.position, page.settled);
  IF page.settled > lease.position OR confirmed > lease.published OR lease.holder <> its_holder
      OR lease.until < now() + make_interval(secs => renew_s) THEN
    UPDATE leases SET holder = its_holder, until = now() + make_interval(secs => lease_s), position = page.settled,
           published = greatest(published, confirmed)
     WHERE name = 'events' RETURNING * INTO lease;
  END IF;

  RETURN QUERY
  SELECT leads, settled, lag_ms, gap, writers, e.id, lag(e.id, 1, lease.published) OVER (ORDER BY e.id), e.aggregate, e.type,
         array_to_string(e.rooms, ','), e.payload::text
    FROM (SELECT * FROM event_log l WHERE l.id > lease.published AND l.id <= lease.position ORDER BY l.id LIMIT publish_max) e
   ORDER BY e.id;
  IF NOT FOUND THEN
    RETURN NEXT;
  END IF;
END $$;

-- --- Rooms ----------------------------------------------------------------------------------------------

-- Rooms as event_pages stores them. Two rooms may have the same hash: then a page is read in vain.
CREATE OR REPLACE FUNCTION event_room_hashes(rooms text[]) RETURNS integer[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT ARRAY(SELECT DISTINCT hashtext(room COLLATE "C") FROM unnest(rooms) room)
$$;

-- Adds the pages that are complete when the position moves. Only the holder of the lease calls it, in its step.
CREATE OR REPLACE FUNCTION event_pages_add(position_before bigint, position_now bigint) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  ends bigint := position_now + 1 >> 8;
  next bigint;
BEGIN
  IF position_before + 1 >> 8 = ends THEN
    RETURN;
  END IF;
  next := coalesce((SELECT max(p.page) + 1 FROM event_pages p), position_before + 1 >> 8);
  INSERT INTO event_pages (page, rooms)
  SELECT p.page, array_agg(p.hash)
    FROM (SELECT DISTINCT e.id >> 8 AS page, hashtext(room COLLATE "C") AS hash
            FROM event_log e, unnest(e.rooms) room WHERE e.id >= next << 8 AND e.id < ends << 8) p
   GROUP BY p.page;
END $$;

-- The events after an id that are in at least one of the rooms, in order. Reads the pages that may have some, and all ids before
-- the first page and behind the last one.
CREATE OR REPLACE FUNCTION events_in_rooms(after bigint, its_rooms text[], its_limit bigint)
RETURNS SETOF events
LANGUAGE plpgsql STABLE AS $$
DECLARE
  hashes integer[] := event_room_hashes(its_rooms);
  oldest bigint;
  newest bigint;
  found_before bigint;
  span record;
BEGIN
  IF after >= coalesce((SELECT max(e.id) FROM events e), 0) THEN
    RETURN;
  END IF;
  SELECT min(p.page), max(p.page) INTO oldest, newest FROM event_pages p;
  FOR span IN
    SELECT * FROM (
      SELECT oldest - 1 AS page, 0 AS low, (oldest << 8) - 1 AS high WHERE after + 1 < oldest << 8
      UNION ALL
      SELECT p.page, p.page << 8, (p.page << 8) + 255 FROM event_pages p
       WHERE p.page >= after + 1 >> 8 AND p.rooms && hashes
      UNION ALL
      SELECT coalesce(newest + 1, 0), coalesce(newest + 1, 0) << 8, NULL) s
     ORDER BY page
  LOOP
    RETURN QUERY SELECT * FROM events e
     WHERE e.id > after AND e.id >= span.low AND e.id <= coalesce(span.high, 9223372036854775807) AND e.rooms && its_rooms
     ORDER BY e.id LIMIT its_limit;
    GET DIAGNOSTICS found_before = ROW_COUNT;
    its_limit := its_limit - found_before;
    EXIT WHEN its_limit <= 0;
  END LOOP;
END $$;

-- --- Sources and replies --------------------------------------------------------------------------------

-- Identifies the database that the id of an event belongs to. An instance ignores events of other databases: Redis pub/sub has
-- no databases, and a test system may share the Redis of production.
CREATE OR REPLACE FUNCTION event_source() RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT to_hex(s.system_identifier) || '.' || d.oid FROM pg_control_system() s, pg_database d
   WHERE d.datname = current_database()
$$;

-- Stores the reply of a request with an Idempotency-Key (NULL: without one), in the statement that does the work. Fails when
-- another request with this key was first: then the whole statement is rolled back.
CREATE OR REPLACE FUNCTION idempotency_store(account text, its_key text, its_print text, its_status integer, answer text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  IF its_key IS NULL THEN
    RETURN;
  END IF;
  INSERT INTO idempotency (account_id, key, fingerprint, status, body)
  VALUES (account, its_key, its_print, its_status, answer)
  ON CONFLICT DO NOTHING;
  IF NOT FOUND THEN
    PERFORM fail('IDEMPOTENCY_RUNNING');
  END IF;
END $$;
