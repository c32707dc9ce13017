-- Accounts and their credentials. A kind is USER, VENDOR, RIDER or ADMIN.

-- name: user_get
SELECT user_json(u) FROM users u WHERE u.id = $1::text AND u.status <> 'DELETED'

-- $1 phone or NULL, $2 e-mail or NULL. Columns: id, hash, standing (see accounts), e-mail, role, seconds
-- until it is unlocked.
-- name: user_credentials
SELECT u.id, u.password_hash, u.status, u.email, 'USER', 0 FROM users u
 WHERE u.phone = $1::text OR u.email = $2::text

-- The same for a vendor and for a rider.
-- name: vendor_credentials
SELECT a.id, a.password_hash, a.standing, a.email, a.role, 0 FROM accounts a
 WHERE a.kind = 'VENDOR' AND (a.phone = $1::text OR a.email = $2::text)

-- name: rider_credentials
SELECT a.id, a.password_hash, a.standing, a.email, a.role, 0 FROM accounts a
 WHERE a.kind = 'RIDER' AND (a.phone = $1::text OR a.email = $2::text)

-- The same for an admin, by e-mail only ($1 is ignored). The attempt counts as a failure until it succeeds, so that at
-- most five can run at once; the fifth locks the account for half an hour. An unknown e-mail writes as much to the
-- write-ahead log, so that the response time does not show whether an admin exists. Last column: seconds for which the
-- account was already locked.
-- name: admin_credentials
WITH was AS (
  SELECT a.id, a.locked_until, CASE WHEN a.locked_until IS NULL THEN a.failures ELSE 0 END AS failures
    FROM admins a WHERE a.email = $2::text AND ($1::text IS NULL OR true) FOR UPDATE
), counted AS (
  UPDATE admins a
     SET failures = w.failures + 1,
         locked_until = CASE WHEN w.failures + 1 >= 5 THEN now() + interval '30 minutes' END
    FROM was w WHERE a.id = w.id AND (w.locked_until IS NULL OR w.locked_until <= now())
), decoy AS MATERIALIZED (
  SELECT pg_logical_emit_message(true, 'login', '') WHERE NOT EXISTS (SELECT FROM was)
)
SELECT a.id, a.password_hash, a.status, a.email, a.role,
       greatest(0, coalesce(ceil(extract(epoch FROM w.locked_until - now())), 0))::bigint
  FROM admins a JOIN was w ON w.id = a.id
 WHERE (SELECT count(*) FROM decoy) >= 0

-- $1 kind, $2 id.
-- name: account_password
SELECT a.password_hash FROM accounts a WHERE a.kind = $1::text AND a.id = $2::text AND a.standing <> 'DELETED'

-- The other accounts as they see themselves; $1 id. One statement per kind: account_json would be planned at each call.
-- name: vendor_self
SELECT vendor_self_json(v) FROM vendors v WHERE v.id = $1::text

-- name: rider_self
SELECT rider_json(r) FROM riders r WHERE r.id = $1::text

-- name: admin_self
SELECT admin_json(a) FROM admins a WHERE a.id = $1::text

-- Registrations begin with the same parameters: $1 id, $2 password hash, $3 the phone counts as verified, $4 code
-- hash, $5 its life, $6 session, $7 jti, $8 refresh life, $9 language, $10 phone, $11 e-mail. Columns: the account, time of
-- issue of its tokens (ms). Customer: $12 first, $13 last name.
-- name: user_register
WITH account AS (
  INSERT INTO users (id, first_name, last_name, phone, email, password_hash, phone_verified, language, last_login)
  VALUES ($1::text, $12::text, $13::text, $10::text, $11::text, $2::text, $3::boolean, $9::text, now())
  RETURNING users AS u
), code AS (
  INSERT INTO one_time_codes (account_id, purpose, code_hash, expires_at)
  SELECT $1::text, 'VERIFY_PHONE', $4::text, now() + make_interval(secs => $5::bigint)
   WHERE NOT $3::boolean
), wallet AS (
  INSERT INTO wallets (owner_id, kind) VALUES ($1::text, 'USER')
), event AS (
  INSERT INTO outbox (aggregate, type, payload)
  VALUES ($1::text, 'user_registered', json_build_object('userId', $1::text))
), opened AS (
  INSERT INTO sessions (id, account_id, role, jti, expires_at)
  VALUES ($6::text, $1::text, 'USER', $7::text, now() + make_interval(secs => $8::bigint))
)
SELECT user_json(a.u, '[]'), epoch_ms(clock_timestamp()) FROM account a

-- A vendor: $12 business, $13 owner, $14 service type, $15 business type, $16 description, $17 address, $18 city,
-- $19 lat, $20 lng, $21 bank details, $22 business hours (both JSON or NULL), $23 approved immediately.
-- name: vendor_register
WITH account AS (
  INSERT INTO vendors (id, business_name, owner_name, service_type, business_type, description, address, city, lat, lng,
    bank_details, business_hours, phone, email, password_hash, phone_verified, email_verified, approval_status,
    language, last_login)
  VALUES ($1::text, $12::text, $13::text, $14::text, $15::text, coalesce($16::text, ''), $17::text,
    coalesce($18::text, ''), $19::float8, $20::float8, $21::jsonb, coalesce($22::jsonb, '{}'), $10::text, $11::text,
    $2::text, $3::boolean, $3::boolean, CASE WHEN $23::boolean THEN 'APPROVED' ELSE 'PENDING' END, $9::text, now())
  RETURNING vendors AS v
), code AS (
  INSERT INTO one_time_codes (account_id, purpose, code_hash, expires_at)
  SELECT $1::text, 'VERIFY_PHONE', $4::text, now() + make_interval(secs => $5::bigint)
   WHERE NOT $3::boolean
), wallet AS (
  INSERT INTO wallets (owner_id, kind) VALUES ($1::text, 'VENDOR')
), event AS (
  INSERT INTO outbox (aggregate, type, payload)
  VALUES ($1::text, 'vendor_registered', json_build_object('vendorId', $1::text))
), opened AS (
  INSERT INTO sessions (id, account_id, role, jti, expires_at)
  VALUES ($6::text, $1::text, 'VENDOR', $7::text, now() + make_interval(secs => $8::bigint))
)
SELECT vendor_self_json(a.v), epoch_ms(clock_timestamp()) FROM account a

-- A rider: $12 first, $13 last name, $14 vehicle type, $15 vehicle details, $16 documents (both JSON), $17 bank details,
-- $18 emergency contact (both JSON or NULL), $19 picture, $20 city, $21 approved and active immediately.
-- name: rider_register
WITH account AS (
  INSERT INTO riders (id, first_name, last_name, vehicle_type, vehicle_details, documents, bank_details,
    emergency_contact, profile_picture, city, phone, email, password_hash, phone_verified, approval_status, status,
    language, last_login)
  VALUES ($1::text, $12::text, $13::text, $14::text, coalesce($15::jsonb, '{}'), coalesce($16::jsonb, '{}'),
    $17::jsonb, $18::jsonb, $19::text, coalesce($20::text, ''), $10::text, $11::text, $2::text, $3::boolean,
    CASE WHEN $21::boolean THEN 'APPROVED' ELSE 'PENDING' END, CASE WHEN $21::boolean THEN 'ACTIVE' ELSE 'INACTIVE' END,
    $9::text, now())
  RETURNING riders AS r
), code AS (
  INSERT INTO one_time_codes (account_id, purpose, code_hash, expires_at)
  SELECT $1::text, 'VERIFY_PHONE', $4::text, now() + make_interval(secs => $5::bigint)
   WHERE NOT $3::boolean
), wallet AS (
  INSERT INTO wallets (owner_id, kind) VALUES ($1::text, 'RIDER')
), event AS (
  INSERT INTO outbox (aggregate, type, payload)
  VALUES ($1::text, 'rider_registered', json_build_object('riderId', $1::text))
), opened AS (
  INSERT INTO sessions (id, account_id, role, jti, expires_at)
  VALUES ($6::text, $1::text, 'RIDER', $7::text, now() + make_interval(secs => $8::bigint))
)
SELECT rider_json(a.r), epoch_ms(clock_timestamp()) FROM account a

-- Opens the session of a verified log-in: $1 account, $2 the verified hash, $3 its replacement or NULL, $4 session,
-- $5 jti, $6 refresh life. No row when the hash or the status has changed. The lock makes a concurrent password change
-- wait, so that the change ends this session too. last_login is written at most every five minutes, so that the row and
-- its cached copy do not change with each log-in. A concurrent log-in of the same account skips that write; otherwise
-- each would wait for the lock of the other. Columns: the account, whether it was changed, the time of issue of the
-- tokens (ms), read from the clock after locking, so it is later than any earlier cut-off.
-- name: user_log_in
WITH account AS (
  SELECT u.id, u AS was FROM users u
   WHERE u.id = $1::text AND u.password_hash = $2::text AND u.status = 'ACTIVE'
     FOR SHARE
), due AS (
  SELECT u.id FROM users u, account a
   WHERE u.id = a.id AND ($3::text IS NOT NULL OR u.last_login IS NULL
         OR u.last_login < now() - interval '5 minutes')
     FOR NO KEY UPDATE OF u SKIP LOCKED
), touched AS (
  UPDATE users u SET last_login = now(), password_hash = coalesce($3::text, u.password_hash)
    FROM due d WHERE u.id = d.id
  RETURNING u.id, u AS now
), opened AS (
  INSERT INTO sessions (id, account_id, role, jti, expires_at)
  SELECT $4::text, a.id, 'USER', $5::text, now() + make_interval(secs => $6::bigint) FROM account a
)
SELECT user_json(coalesce(t.now, a.was)), t.id IS NOT NULL, epoch_ms(clock_timestamp())
  FROM account a LEFT JOIN touched t ON true

-- The same for the other kinds, which log in rarely.
-- name: vendor_log_in
SELECT l.shown, l.touched, epoch_ms(clock_timestamp())
  FROM account_log_in('VENDOR', $1::text, $2::text, $3::text, $4::text, $5::text, $6::bigint) l

-- name: rider_log_in
SELECT l.shown, l.touched, epoch_ms(clock_timestamp())
  FROM account_log_in('RIDER', $1::text, $2::text, $3::text, $4::text, $5::text, $6::bigint) l

-- name: admin_log_in
SELECT l.shown, l.touched, epoch_ms(clock_timestamp())
  FROM account_log_in('ADMIN', $1::text, $2::text, $3::text, $4::text, $5::text, $6::bigint) l

-- NULL keeps a value. $1 id, $2 first, $3 last name, $4 e-mail, $5 picture, $6 language.
-- name: user_change_profile
UPDATE users u
   SET first_name = coalesce($2::text, first_name), last_name = coalesce($3::text, last_name),
       email_verified = email_verified AND ($4::text IS NULL OR $4::text = email),
       email = changed($4::text, email), profile_picture = changed($5::text, profile_picture),
       language = coalesce($6::text, language), updated_at = now()
 WHERE id = $1::text AND status <> 'DELETED'
RETURNING user_json(u)

-- NULL keeps a value; an empty $4 to $6 clears it. $1 id, $2 first, $3 last name, $4 e-mail, $5 picture, $6 emergency
-- contact (JSON), $7 language.
-- name: rider_change_profile
WITH changed AS (
  UPDATE riders r
     SET first_name = coalesce($2::text, first_name), last_name = coalesce($3::text, last_name),
         email_verified = email_verified AND ($4::text IS NULL OR $4::text = email),
         email = changed($4::text, email), profile_picture = changed($5::text, profile_picture),
         emergency_contact = changed($6::text, emergency_contact::text)::jsonb, language = coalesce($7::text, language),
         updated_at = now()
   WHERE id = $1::text
  RETURNING r
), event AS (
  INSERT INTO outbox (aggregate, type, rooms, payload)
  SELECT $1::text, 'rider_changed', ARRAY['rider:' || $1::text],
         json_build_object('riderId', $1::text, 'timestamp', iso(now())) FROM changed
)
SELECT rider_json(c.r) FROM changed c

-- $1 kind, $2 account, $3 code hash, $4 accept any code, $5 what it verifies: PHONE, EMAIL, BOTH.
-- name: account_verify
SELECT v.outcome, v.shown FROM account_verify($1::text, $2::text, $3::text, $4::boolean, $5::text) v

-- The addresses to which an account's codes are sent. $1 kind, $2 account. Columns: phone, e-mail.
-- name: account_contact
SELECT a.phone, a.email FROM accounts a WHERE a.kind = $1::text AND a.id = $2::text AND a.standing <> 'DELETED'

-- A new code. Wrong tries are kept: after five of them there is no new code until they are reset.
-- $1 kind, $2 account, $3 code hash, $4 its life. SENT, ALREADY or LOCKED; seconds until the tries are reset.
-- name: account_renew_code
WITH account AS (
  SELECT a.id, a.proved FROM accounts a
   WHERE a.kind = $1::text AND a.id = $2::text AND a.standing <> 'DELETED'
), code AS (
  INSERT INTO one_time_codes AS c (account_id, purpose, code_hash, expires_at)
  SELECT a.id, 'VERIFY_PHONE', $3::text, now() + make_interval(secs => $4::bigint)
    FROM account a WHERE NOT a.proved
  ON CONFLICT (account_id, purpose) DO UPDATE
     SET code_hash = excluded.code_hash, tries = 5 - code_tries_left(c), sent_at = now(), expires_at = excluded.expires_at
   WHERE code_tries_left(c) > 0
  RETURNING 1
)
SELECT CASE WHEN a.proved THEN 'ALREADY' WHEN EXISTS (SELECT FROM code) THEN 'SENT' ELSE 'LOCKED' END,
  (SELECT greatest(1, ceil(extract(epoch FROM c.tried_at + interval '15 minutes' - now())))::bigint
     FROM one_time_codes c WHERE c.account_id = a.id AND c.purpose = 'VERIFY_PHONE')
  FROM account a

-- $1 kind, $2 account, $3 the hash that was verified, $4 the new one, $5 session to keep, $6 life of access tokens.
-- name: account_change_password
SELECT s.ended FROM account_set_password($1::text, $2::text, $3::text, $4::text, $5::text, $6::bigint) AS s(ended)
 WHERE s.ended IS NOT NULL

-- $1 kind, $2 phone or NULL, $3 e-mail or NULL, $4 token hash, $5 its life, $6 maximum of tokens in $7 seconds. One row when
-- the account exists and the token is to be sent.
-- name: account_forgot_password
SELECT f.account FROM account_create_reset_token($1::text, $2::text, $3::text, $4::text, $5::bigint, $6::bigint, $7::bigint) AS f(account)
 WHERE f.account IS NOT NULL

-- $1 kind, $2 token hash.
-- name: account_reset_find
SELECT r.account_id FROM reset_tokens r
 WHERE r.token_hash = $2::text AND r.role = $1::text AND r.used_at IS NULL AND r.expires_at > now()

-- $1 kind, $2 token hash, $3 new password hash, $4 life of access tokens.
-- name: account_reset_password
SELECT r.account, r.ended FROM account_reset_password($1::text, $2::text, $3::text, $4::bigint) r

-- $1 kind, $2 account, $3 token, $4 platform, $5 session. At most ten devices per account;
-- the one registered longest ago is removed.
-- name: device_add
WITH put AS (
  INSERT INTO device_tokens (token, account_id, role, platform, session_id)
  VALUES ($3::text, $2::text, $1::text, $4::text, $5::text)
  ON CONFLICT (token) DO UPDATE
     SET account_id = excluded.account_id, role = excluded.role, session_id = excluded.session_id,
         platform = coalesce(excluded.platform, device_tokens.platform), updated_at = now()
)
DELETE FROM device_tokens WHERE token IN (
  SELECT d.token FROM device_tokens d
   WHERE d.account_id = $2::text AND d.role = $1::text AND d.token <> $3::text
   ORDER BY d.updated_at DESC OFFSET 9)

-- $1 kind, $2 account, $3 token or NULL for all.
-- name: device_remove
DELETE FROM device_tokens d
 WHERE d.account_id = $2::text AND d.role = $1::text AND ($3::text IS NULL OR d.token = $3::text)

-- --- The command line --------------------------------------------------------------------------------------------

-- Creates an admin, or resets an existing one.
--  $1 id   $2 e-mail   $3 name   $4 role   $5 password hash   $6 only while there is no admin (t, f)   $7 life of access
--  tokens (s)
-- Columns: CREATED, CHANGED, or EXISTS (there is an admin already, and $6 is true).
-- name: admin_create
SELECT admin_create($1::text, $2::text, $3::text, $4::text, $5::text, $6::boolean, $7::bigint)

-- Columns: EXISTS, or NULL when there is no admin yet.
-- name: admins_exist
SELECT CASE WHEN EXISTS (SELECT FROM admins) THEN 'EXISTS' END
