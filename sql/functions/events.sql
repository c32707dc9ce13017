-- Events through a Redis that several databases may share, and answers that are kept for an Idempotency-Key.

-- Which database an event's id is of: instances follow their own only. Redis pub/sub knows no databases, and a
-- test system beside production must not be heard.
CREATE OR REPLACE FUNCTION event_source() RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT to_hex(s.system_identifier) || '.' || d.oid FROM pg_control_system() s, pg_database d
   WHERE d.datname = current_database()
$$;

-- Keeps what is answered to an Idempotency-Key (NULL: there is none), in the statement that does what was asked. Fails
-- when another request with it was first: then nothing of this one has happened.
CREATE OR REPLACE FUNCTION key_keep(account text, its_key text, its_print text, its_status integer, answer text) RETURNS void
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
