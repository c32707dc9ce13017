-- Identity of all four kinds of account: USER, VENDOR, RIDER, ADMIN (a super-admin is an ADMIN of another role).
-- What runs seldom (a new password, a code) is written once and names its table when it runs; what runs with
-- every log-in and refresh reads the view below.

-- Everybody who can log in. standing: ACTIVE, INACTIVE, SUSPENDED or DELETED, whatever a kind's columns call it; a
-- rider or vendor who waits for approval is ACTIVE here, he may look around. proved: no code is needed any more. A statement that names the
-- kind runs one branch, the others are cut off before they start.
CREATE VIEW accounts AS
SELECT 'USER'::text AS kind, id, phone, email, password_hash, phone_verified AS proved, status AS standing, 'USER'::text AS role
  FROM users
UNION ALL
SELECT 'VENDOR'::text, id, phone, email, password_hash, phone_verified AND email_verified,
       CASE approval_status WHEN 'SUSPENDED' THEN 'SUSPENDED' ELSE status END, 'VENDOR'::text
  FROM vendors
UNION ALL
SELECT 'RIDER'::text, id, phone, email, password_hash, phone_verified,
       CASE approval_status WHEN 'SUSPENDED' THEN 'SUSPENDED' ELSE 'ACTIVE' END, 'RIDER'::text
  FROM riders
UNION ALL
SELECT 'ADMIN'::text, id, NULL::text COLLATE "C", email, password_hash, true, status, role
  FROM admins;

CREATE FUNCTION account_table(kind text) RETURNS regclass LANGUAGE sql STABLE AS $$
  SELECT CASE kind WHEN 'USER' THEN 'users' WHEN 'VENDOR' THEN 'vendors' WHEN 'RIDER' THEN 'riders'
    WHEN 'ADMIN' THEN 'admins' END::regclass
$$;

-- The account as it sees itself.
CREATE FUNCTION account_json(kind text, account text) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT CASE kind
    WHEN 'USER' THEN (SELECT user_json(u) FROM users u WHERE u.id = account)
    WHEN 'VENDOR' THEN (SELECT vendor_self_json(v) FROM vendors v WHERE v.id = account)
    WHEN 'RIDER' THEN (SELECT rider_json(r) FROM riders r WHERE r.id = account)
    WHEN 'ADMIN' THEN (SELECT admin_json(a) FROM admins a WHERE a.id = account) END
$$;

-- Copies forget what they remember of a vendor or rider; of a customer they remember what `user:{id}` holds.
CREATE FUNCTION account_tell(kind text, account text) RETURNS void LANGUAGE sql AS $$
  INSERT INTO outbox (aggregate, type, rooms, payload)
  SELECT account, lower(kind) || '_changed', ARRAY[lower(kind) || ':' || account],
         json_build_object(lower(kind) || 'Id', account, 'timestamp', iso(now()))
   WHERE kind IN ('VENDOR', 'RIDER')
$$;

-- The session of a verified log-in; user_log_in says what the parameters mean and why the row is locked.
CREATE FUNCTION account_log_in(kind text, account text, old_hash text, new_hash text, session text, jti text,
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

-- A new password ends every session but keep_session. old_hash guards against a change meanwhile (NULL: none).
-- Gives the ended sessions' ids, comma separated and at most 200 (the rest is read from
-- revocations within a second), or NULL when the account is not as expected.
CREATE FUNCTION account_set_password(kind text, account text, old_hash text, new_hash text, keep_session text,
  access_life bigint)
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
CREATE FUNCTION account_reset_password(kind text, hash text, new_hash text, access_life bigint)
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

-- Copies of the version before prepare these when they connect, and serve on during a roll-out.
CREATE OR REPLACE FUNCTION user_set_password(account text, old_hash text, new_hash text, keep_session text,
  access_life bigint)
RETURNS text LANGUAGE sql AS $$
  SELECT account_set_password('USER', account, old_hash, new_hash, keep_session, access_life)
$$;
CREATE OR REPLACE FUNCTION user_reset_password(hash text, new_hash text, access_life bigint)
RETURNS TABLE (account text, ended text) LANGUAGE sql AS $$
  SELECT r.account, r.ended FROM account_reset_password('USER', hash, new_hash, access_life) r
$$;

-- What an account's one open code proves: PHONE, EMAIL or BOTH. It goes by SMS, to vendors by e-mail too, and is
-- used up when there is nothing left that it could prove. Five wrong tries void it.
-- VERIFIED (with the account), ALREADY, NONE, EXPIRED, WRONG; no row: no such account.
CREATE FUNCTION account_verify(kind text, account text, hash text, any_code boolean, what text)
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
    WHEN code.expires_at <= now() OR code.tries >= 5 THEN 'EXPIRED'
    WHEN code.code_hash = hash THEN 'VERIFIED'
    ELSE 'WRONG' END;
  IF outcome = 'WRONG' THEN
    UPDATE one_time_codes c SET tries = c.tries + 1 WHERE c.account_id = account AND c.purpose = 'VERIFY_PHONE';
  ELSIF outcome = 'VERIFIED' THEN
    phone := phone OR what <> 'EMAIL';
    mail := mail OR what <> 'PHONE';
    EXECUTE format('UPDATE %s SET phone_verified = $2, email_verified = $3, updated_at = now() WHERE id = $1',
      account_table(kind)) USING account, phone, mail;
    DELETE FROM one_time_codes c WHERE c.account_id = account AND c.purpose = 'VERIFY_PHONE'
       AND (kind <> 'VENDOR' OR (phone AND mail));
    PERFORM account_tell(kind, account);
    shown := account_json(kind, account);
  END IF;
  RETURN NEXT;
END $$;

-- An admin made by the command line, or made anew: a new password and role, unlocked. only_first: only while there is none.
-- CREATED, CHANGED, THERE. One at a time, since many copies may start at once.
CREATE FUNCTION admin_appoint(new_id text, new_email text, new_name text, new_role text, hash text, only_first boolean,
  access_life bigint)
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  known text;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtext('admin_appoint'));
  IF only_first AND EXISTS (SELECT 1 FROM admins) THEN
    RETURN 'THERE';
  END IF;
  SELECT id INTO known FROM admins WHERE email = new_email FOR UPDATE;
  IF known IS NULL THEN
    INSERT INTO admins (id, email, name, role, password_hash) VALUES (new_id, new_email, new_name, new_role, hash);
    RETURN 'CREATED';
  END IF;
  PERFORM account_set_password('ADMIN', known, NULL, hash, NULL, access_life);
  UPDATE admins SET role = new_role, status = 'ACTIVE', failures = 0, locked_until = NULL WHERE id = known;
  RETURN 'CHANGED';
END $$;
