-- Writes of identity that need more than one look at the database: each takes the account's row first, so
-- that whatever ran beside it is either seen by the statements after, or comes after the whole.

-- A new password ends every session but keep_session. old_hash guards against a change meanwhile (NULL: none).
-- Gives the ended sessions' ids, comma separated and at most 200 (the rest is read from
-- revocations within a second), or NULL when the account is not as expected.
CREATE FUNCTION user_set_password(account text, old_hash text, new_hash text, keep_session text, access_life bigint)
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  life interval := make_interval(secs => access_life);
  ended text;
BEGIN
  UPDATE users SET password_hash = new_hash, updated_at = now()
   WHERE id = account AND status <> 'DELETED' AND password_hash = coalesce(old_hash, password_hash);
  IF NOT FOUND THEN
    RETURN NULL;
  END IF;
  WITH done AS (
    UPDATE sessions SET ended_at = now(), ended_why = 'password'
     WHERE account_id = account AND id IS DISTINCT FROM keep_session AND ended_at IS NULL
    RETURNING id, refreshed_at
  ), told AS (
    INSERT INTO revocations (subject, before, expires_at)
    SELECT id, now() + interval '1 day', now() + life FROM done
     WHERE refreshed_at > now() - life - interval '1 minute'
    RETURNING subject
  )
  SELECT coalesce(string_agg(subject, ','), '') INTO ended FROM (SELECT subject FROM told LIMIT 200) t;
  DELETE FROM reset_tokens WHERE account_id = account;
  RETURN ended;
END $$;

-- Uses a reset token: one row (account, ended sessions), or none when it no longer counts.
CREATE FUNCTION user_reset_password(hash text, new_hash text, access_life bigint)
RETURNS TABLE (account text, ended text) LANGUAGE plpgsql AS $$
BEGIN
  SELECT account_id INTO account FROM reset_tokens WHERE token_hash = hash AND role = 'USER';
  PERFORM 1 FROM users WHERE id = account FOR UPDATE;
  DELETE FROM reset_tokens WHERE token_hash = hash AND used_at IS NULL AND expires_at > now();
  IF FOUND THEN
    ended := user_set_password(account, NULL, new_hash, NULL, access_life);
    IF ended IS NOT NULL THEN
      RETURN NEXT;
    END IF;
  END IF;
END $$;

-- The account's row, taken; raises ACCOUNT_GONE.
CREATE FUNCTION user_take(account text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  UPDATE users SET updated_at = now() WHERE id = account AND status <> 'DELETED';
  IF NOT FOUND THEN
    PERFORM fail('ACCOUNT_GONE');
  END IF;
END $$;

-- The User with its addresses, or NULL when there are 50 already.
CREATE FUNCTION address_add(owner text, new_id text, new_label text, new_address text, new_city text,
  new_lat double precision, new_lng double precision, new_instructions text, make_default boolean)
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  present bigint;
BEGIN
  PERFORM user_take(owner);
  SELECT count(*) INTO present FROM addresses WHERE user_id = owner;
  IF present >= 50 THEN
    RETURN NULL;
  END IF;
  IF make_default THEN
    UPDATE addresses SET is_default = false WHERE user_id = owner AND is_default;
  END IF;
  INSERT INTO addresses (id, user_id, label, address, city, lat, lng, instructions, is_default)
  VALUES (new_id, owner, new_label, new_address, new_city, new_lat, new_lng, new_instructions,
          make_default OR present = 0);
  RETURN (SELECT user_json(u) FROM users u WHERE u.id = owner);
END $$;

-- NULL values stay as they are. The User, or NULL when the account has no such address.
CREATE FUNCTION address_change(owner text, which text, new_label text, new_address text, new_city text,
  new_lat double precision, new_lng double precision, new_instructions text, make_default boolean)
RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  PERFORM user_take(owner);
  IF make_default THEN
    UPDATE addresses SET is_default = false WHERE user_id = owner AND is_default AND id <> which
       AND EXISTS (SELECT 1 FROM addresses WHERE id = which AND user_id = owner);
  END IF;
  UPDATE addresses
     SET label = coalesce(new_label, label), address = coalesce(new_address, address),
         city = coalesce(new_city, city), lat = coalesce(new_lat, lat), lng = coalesce(new_lng, lng),
         instructions = coalesce(new_instructions, instructions),
         is_default = is_default OR make_default, updated_at = now()
   WHERE id = which AND user_id = owner;
  IF NOT FOUND THEN
    RETURN NULL;
  END IF;
  RETURN (SELECT user_json(u) FROM users u WHERE u.id = owner);
END $$;

-- The User; the newest of the addresses that are left takes a deleted default's place.
CREATE FUNCTION address_delete(owner text, which text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  PERFORM user_take(owner);
  DELETE FROM addresses WHERE id = which AND user_id = owner;
  UPDATE addresses SET is_default = true
   WHERE id = (SELECT id FROM addresses WHERE user_id = owner ORDER BY id DESC LIMIT 1)
     AND NOT EXISTS (SELECT 1 FROM addresses WHERE user_id = owner AND is_default);
  RETURN (SELECT user_json(u) FROM users u WHERE u.id = owner);
END $$;
