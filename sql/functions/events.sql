-- The views of events, their source, and stored replies of an Idempotency-Key.

-- Statements of the previous release write to `outbox`.
CREATE OR REPLACE VIEW outbox AS SELECT * FROM event_log;

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
