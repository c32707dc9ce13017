-- Log-in, passwords, codes and the end of sessions, for every kind of account.

-- --- Log-in and passwords -----------------------------------------------------------------------------

-- Opens the session of a verified log-in. The statement user_log_in documents the parameters and the lock.
CREATE OR REPLACE FUNCTION account_log_in(kind text, account text, old_hash text, new_hash text, session text, jti text,
  refresh_life bigint)
RETURNS TABLE (shown text, touched boolean) LANGUAGE plpgsql AS $$
DECLARE
  found_one boolean;
BEGIN
  EXECUTE format('SELECT true FROM %s WHERE id = $1 AND password_hash = $2 FOR NO KEY UPDATE', account_table(kind))
     INTO found_one USING account, old_hash;
  IF found_one IS NULL OR NOT EXISTS (
      SELECT 1 FROM accounts a WHERE a.kind = account_log_in.kind AND a.id = account AND a.standing = 'ACTIVE') THEN
    RETURN;
  END IF;
  EXECUTE format('UPDATE %s SET last_login = now(), password_hash = coalesce($2, password_hash) WHERE id = $1
      AND ($2 IS NOT NULL OR last_login IS NULL OR last_login < now() - interval ''5 minutes'')', account_table(kind))
    USING account, new_hash;
  IF kind = 'ADMIN' THEN
    UPDATE admins SET failures = 0, locked_until = NULL WHERE id = account AND failures > 0;
  END IF;
  INSERT INTO sessions (id, account_id, role, jti, expires_at)
  VALUES (session, account, kind, jti, now() + make_interval(secs => refresh_life));
  shown := account_json(kind, account);
  touched := false; -- nothing of these kinds is cached
  RETURN NEXT;
END $$;

-- Sets a password, ends every session but keep_session, and removes the devices of ended sessions. old_hash guards
-- against a concurrent change (NULL: no guard). Returns the ids of the ended sessions, comma separated and at most 200
-- (the rest is read from revocations within a second), or NULL when the guard fails or the account is gone.
CREATE OR REPLACE FUNCTION account_set_password(kind text, account text, old_hash text, new_hash text,
  keep_session text, access_life bigint)
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  life interval := make_interval(secs => access_life);
  changed boolean;
  ended text;
BEGIN
  EXECUTE format('UPDATE %s SET password_hash = $3, updated_at = now() WHERE id = $1 AND status <> ''DELETED''
      AND password_hash = coalesce($2, password_hash) RETURNING true', account_table(kind))
     INTO changed USING account, old_hash, new_hash;
  IF changed IS NULL THEN
    RETURN NULL;
  END IF;
  WITH done AS (
    UPDATE sessions SET ended_at = now(), end_reason = 'password'
     WHERE account_id = account AND id IS DISTINCT FROM keep_session AND ended_at IS NULL
    RETURNING id, refreshed_at
  ), revoked AS (
    INSERT INTO revocations (subject, before, expires_at)
    SELECT id, now() + interval '1 day', now() + life FROM done
     WHERE refreshed_at > now() - life - interval '1 minute'
    RETURNING subject
  )
  SELECT coalesce(string_agg(subject, ','), '') INTO ended FROM (SELECT subject FROM revoked LIMIT 200) r;
  DELETE FROM device_tokens d
   WHERE d.account_id = account AND d.session_id IS NOT NULL AND d.session_id IS DISTINCT FROM keep_session;
  DELETE FROM reset_tokens WHERE account_id = account;
  RETURN ended;
END $$;

-- Uses a reset token. Returns one row (account, ended sessions), or none when the token is not valid.
CREATE OR REPLACE FUNCTION account_reset_password(kind text, hash text, new_hash text, access_life bigint)
RETURNS TABLE (account text, ended text) LANGUAGE plpgsql AS $$
BEGIN
  SELECT account_id INTO account FROM reset_tokens WHERE token_hash = hash AND role = kind;
  EXECUTE format('SELECT 1 FROM %s WHERE id = $1 FOR UPDATE', account_table(kind)) USING account;
  DELETE FROM reset_tokens WHERE token_hash = hash AND role = kind AND used_at IS NULL AND expires_at > now();
  IF FOUND THEN
    ended := account_set_password(kind, account, NULL, new_hash, NULL, access_life);
    IF ended IS NOT NULL THEN
      RETURN NEXT;
    END IF;
  END IF;
END $$;

-- Creates a reset token and voids the previous one. At most `most` tokens in `window_s` seconds for one account, whether
-- by phone or e-mail. Returns the account, or NULL when there is none or the limit is reached.
CREATE OR REPLACE FUNCTION account_create_reset_token(kind text, by_phone text, by_email text, hash text, life bigint, most bigint,
  window_s bigint)
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  account text;
BEGIN
  SELECT a.id INTO account FROM accounts a
   WHERE a.kind = account_create_reset_token.kind AND (a.phone = by_phone OR a.email = by_email) AND a.standing <> 'DELETED';
  IF account IS NULL THEN
    RETURN NULL;
  END IF;
  EXECUTE format('SELECT 1 FROM %s WHERE id = $1 FOR NO KEY UPDATE', account_table(kind)) USING account;
  IF (SELECT count(*) FROM reset_tokens r
       WHERE r.account_id = account AND r.created_at > now() - make_interval(secs => window_s)) >= most THEN
    RETURN NULL;
  END IF;
  UPDATE reset_tokens r SET used_at = now() WHERE r.account_id = account AND r.used_at IS NULL;
  INSERT INTO reset_tokens (token_hash, account_id, role, expires_at)
  VALUES (hash, account, account_create_reset_token.kind, now() + make_interval(secs => life));
  RETURN account;
END $$;

-- --- Codes --------------------------------------------------------------------------------------------

-- The number of tries left.
CREATE OR REPLACE FUNCTION code_tries_left(code one_time_codes) RETURNS integer LANGUAGE sql STABLE AS $$
  SELECT CASE WHEN code.tried_at > now() - interval '15 minutes' THEN 5 - code.tries ELSE 5 END
$$;

-- Verifies PHONE, EMAIL or BOTH with the account's one open code. The code is sent by SMS, to vendors also by e-mail, and
-- is deleted when nothing is left to verify. Five wrong tries void it.
-- Returns VERIFIED (with the account), ALREADY, NONE, EXPIRED or WRONG; no row: no such account.
CREATE OR REPLACE FUNCTION account_verify(kind text, account text, hash text, any_code boolean, what text)
RETURNS TABLE (outcome text, shown text) LANGUAGE plpgsql AS $$
DECLARE
  phone boolean;
  mail boolean;
  code one_time_codes;
BEGIN
  EXECUTE format('SELECT phone_verified, email_verified FROM %s WHERE id = $1 AND status <> ''DELETED'' FOR UPDATE',
    account_table(kind)) INTO phone, mail USING account;
  IF phone IS NULL THEN
    RETURN;
  END IF;
  SELECT * INTO code FROM one_time_codes c WHERE c.account_id = account AND c.purpose = 'VERIFY_PHONE' FOR UPDATE;
  outcome := CASE
    WHEN (phone OR what = 'EMAIL') AND (mail OR what = 'PHONE') THEN 'ALREADY'
    WHEN any_code THEN 'VERIFIED'
    WHEN code.account_id IS NULL THEN 'NONE'
    WHEN code.expires_at <= now() OR code_tries_left(code) <= 0 THEN 'EXPIRED'
    WHEN code.code_hash = hash THEN 'VERIFIED'
    ELSE 'WRONG' END;
  IF outcome = 'WRONG' THEN
    UPDATE one_time_codes c SET tries = 6 - code_tries_left(c), tried_at = now()
     WHERE c.account_id = account AND c.purpose = 'VERIFY_PHONE';
  ELSIF outcome = 'VERIFIED' THEN
    phone := phone OR what <> 'EMAIL';
    mail := mail OR what <> 'PHONE';
    EXECUTE format('UPDATE %s SET phone_verified = $2, email_verified = $3, updated_at = now() WHERE id = $1',
      account_table(kind)) USING account, phone, mail;
    DELETE FROM one_time_codes c WHERE c.account_id = account AND c.purpose = 'VERIFY_PHONE'
       AND (kind <> 'VENDOR' OR (phone AND mail));
    PERFORM account_publish_change(kind, account);
    shown := account_json(kind, account);
  END IF;
  RETURN NEXT;
END $$;

-- --- The end of sessions ------------------------------------------------------------------------------

-- Ends every session of an account whose row the calling statement has locked, so that a concurrent log-in is either
-- visible here or happens later. The cut-off is read from the clock after locking: a later log-in has a later time.
-- Returns the cut-off in milliseconds, then the ids of the sessions, comma separated and at most 200: the rest is read
-- from revocations within a second.
CREATE OR REPLACE FUNCTION account_end_sessions(account text, why text, access_life bigint) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
  life interval := make_interval(secs => access_life);
  cutoff timestamptz := clock_timestamp();
  ended text;
BEGIN
  WITH done AS (
    UPDATE sessions SET ended_at = now(), end_reason = why
     WHERE account_id = account AND ended_at IS NULL
    RETURNING id, refreshed_at
  ), revoked AS (
    INSERT INTO revocations (subject, before, expires_at)
    SELECT id, now() + interval '1 day', now() + life FROM done
     WHERE refreshed_at > now() - life - interval '1 minute'
    RETURNING subject
  )
  SELECT coalesce(string_agg(',' || subject, ''), '') INTO ended FROM (SELECT subject FROM revoked LIMIT 200) r;
  INSERT INTO revocations (subject, before, expires_at) VALUES (account, cutoff, now() + life);
  DELETE FROM reset_tokens WHERE account_id = account;
  RETURN epoch_ms(cutoff) || ended;
END $$;
