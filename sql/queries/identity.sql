-- Customers: who they are, and what proves it.

-- name: user_get
SELECT user_json(u) FROM users u WHERE u.id = $1::text AND u.status <> 'DELETED'

-- $1 phone or NULL, $2 e-mail or NULL.
-- name: user_credentials
SELECT u.id, u.password_hash, u.status, u.email FROM users u
 WHERE u.phone = $1::text OR u.email = $2::text

-- name: user_password
SELECT u.password_hash FROM users u WHERE u.id = $1::text AND u.status <> 'DELETED'

-- $1 id, $2 first, $3 last name, $4 phone, $5 e-mail, $6 password hash, $7 phone counts as verified,
-- $8 code hash, $9 code life, $10 session, $11 jti, $12 refresh life, $13 language.
-- name: user_register
WITH account AS (
  INSERT INTO users (id, first_name, last_name, phone, email, password_hash, phone_verified, language, last_login)
  VALUES ($1::text, $2::text, $3::text, $4::text, $5::text, $6::text, $7::boolean, $13::text, now())
  RETURNING users AS u
), code AS (
  INSERT INTO one_time_codes (account_id, purpose, code_hash, expires_at)
  SELECT $1::text, 'VERIFY_PHONE', $8::text, now() + make_interval(secs => $9::bigint)
   WHERE NOT $7::boolean
), wallet AS (
  INSERT INTO wallets (owner_id, kind) VALUES ($1::text, 'USER')
), event AS (
  INSERT INTO outbox (aggregate, type, payload)
  VALUES ($1::text, 'user_registered', json_build_object('userId', $1::text))
), opened AS (
  INSERT INTO sessions (id, account_id, role, jti, expires_at)
  VALUES ($10::text, $1::text, 'USER', $11::text, now() + make_interval(secs => $12::bigint))
)
SELECT user_json(a.u, '[]') FROM account a

-- The session of a verified log-in: $1 account, $2 the hash that was verified, $3 its replacement or NULL,
-- $4 session, $5 jti, $6 refresh life. No row when the hash or the status is another by now; the lock makes
-- a new password wait, so that it ends this session too. last_login moves every five minutes, lest a busy
-- account's row and its cached copy change with each log-in.
-- name: user_log_in
WITH account AS (
  SELECT u.id, u AS was FROM users u
   WHERE u.id = $1::text AND u.password_hash = $2::text AND u.status = 'ACTIVE'
     FOR SHARE
), touched AS (
  UPDATE users u SET last_login = now(), password_hash = coalesce($3::text, u.password_hash)
    FROM account a
   WHERE u.id = a.id AND ($3::text IS NOT NULL OR u.last_login IS NULL
         OR u.last_login < now() - interval '5 minutes')
  RETURNING u AS now
), opened AS (
  INSERT INTO sessions (id, account_id, role, jti, expires_at)
  SELECT $4::text, a.id, 'USER', $5::text, now() + make_interval(secs => $6::bigint) FROM account a
)
SELECT user_json(coalesce(t.now, a.was)), t.now IS NOT NULL
  FROM account a LEFT JOIN touched t ON true

-- NULL stays as it is. $1 id, $2 first, $3 last name, $4 e-mail, $5 picture.
-- name: user_change_profile
UPDATE users u
   SET first_name = coalesce($2::text, first_name), last_name = coalesce($3::text, last_name),
       email_verified = email_verified AND ($4::text IS NULL OR $4::text = email),
       email = coalesce($4::text, email), profile_picture = coalesce($5::text, profile_picture),
       updated_at = now()
 WHERE id = $1::text AND status <> 'DELETED'
RETURNING user_json(u)

-- $1 account, $2 code hash, $3 accept whatever the code is.
-- name: user_verify_phone
WITH account AS (
  SELECT u.id, u.phone_verified FROM users u WHERE u.id = $1::text AND u.status <> 'DELETED' FOR UPDATE
), code AS (
  SELECT c.* FROM one_time_codes c JOIN account a ON c.account_id = a.id
   WHERE c.purpose = 'VERIFY_PHONE' FOR UPDATE OF c
), judged AS (
  SELECT a.id, CASE
    WHEN a.phone_verified THEN 'ALREADY'
    WHEN $3::boolean THEN 'VERIFIED'
    WHEN c.account_id IS NULL THEN 'NONE'
    WHEN c.expires_at <= now() OR c.tries >= 5 THEN 'EXPIRED'
    WHEN c.code_hash = $2::text THEN 'VERIFIED'
    ELSE 'WRONG' END AS outcome
  FROM account a LEFT JOIN code c ON true
), tried AS (
  UPDATE one_time_codes c SET tries = c.tries + 1 FROM judged j
   WHERE c.account_id = j.id AND c.purpose = 'VERIFY_PHONE' AND j.outcome = 'WRONG'
), used AS (
  DELETE FROM one_time_codes c USING judged j
   WHERE c.account_id = j.id AND c.purpose = 'VERIFY_PHONE' AND j.outcome = 'VERIFIED'
), verified AS (
  UPDATE users u SET phone_verified = true, updated_at = now() FROM judged j
   WHERE u.id = j.id AND j.outcome = 'VERIFIED'
  RETURNING user_json(u) AS json
)
SELECT j.outcome, v.json FROM judged j LEFT JOIN verified v ON true

-- $1 account, $2 code hash, $3 its life.
-- name: user_renew_code
WITH account AS (
  SELECT u.id, u.phone, u.phone_verified FROM users u WHERE u.id = $1::text AND u.status <> 'DELETED'
), code AS (
  INSERT INTO one_time_codes (account_id, purpose, code_hash, expires_at)
  SELECT a.id, 'VERIFY_PHONE', $2::text, now() + make_interval(secs => $3::bigint)
    FROM account a WHERE NOT a.phone_verified
  ON CONFLICT (account_id, purpose) DO UPDATE
     SET code_hash = excluded.code_hash, tries = 0, sent_at = now(), expires_at = excluded.expires_at
)
SELECT CASE WHEN a.phone_verified THEN 'ALREADY' ELSE 'SENT' END, a.phone FROM account a

-- $1 account, $2 the hash that was verified, $3 the new one, $4 session that stays, $5 life of access tokens.
-- name: user_change_password
SELECT s.ended FROM user_set_password($1::text, $2::text, $3::text, $4::text, $5::bigint) AS s(ended)
 WHERE s.ended IS NOT NULL

-- $1 phone or NULL, $2 e-mail or NULL, $3 token hash, $4 its life. A row when the account exists.
-- name: user_forgot_password
WITH account AS (
  SELECT u.id FROM users u WHERE (u.phone = $1::text OR u.email = $2::text) AND u.status <> 'DELETED'
), former AS (
  DELETE FROM reset_tokens r USING account a WHERE r.account_id = a.id
)
INSERT INTO reset_tokens (token_hash, account_id, role, expires_at)
SELECT $3::text, a.id, 'USER', now() + make_interval(secs => $4::bigint) FROM account a
RETURNING account_id

-- name: password_reset_find
SELECT r.account_id FROM reset_tokens r
 WHERE r.token_hash = $1::text AND r.role = 'USER' AND r.used_at IS NULL AND r.expires_at > now()

-- $1 token hash, $2 new password hash, $3 life of access tokens.
-- name: user_reset_password
SELECT r.account, r.ended FROM user_reset_password($1::text, $2::text, $3::bigint) r

-- $1 account, $2 token, $3 platform. Ten devices an account; the one heard of least lately goes.
-- name: device_add
WITH put AS (
  INSERT INTO device_tokens (token, account_id, role, platform) VALUES ($2::text, $1::text, 'USER', $3::text)
  ON CONFLICT (token) DO UPDATE
     SET account_id = excluded.account_id, role = excluded.role,
         platform = coalesce(excluded.platform, device_tokens.platform), updated_at = now()
)
DELETE FROM device_tokens WHERE token IN (
  SELECT d.token FROM device_tokens d
   WHERE d.account_id = $1::text AND d.role = 'USER' AND d.token <> $2::text
   ORDER BY d.updated_at DESC OFFSET 9)

-- $1 account, $2 token or NULL for all.
-- name: device_remove
DELETE FROM device_tokens d
 WHERE d.account_id = $1::text AND d.role = 'USER' AND ($2::text IS NULL OR d.token = $2::text)
