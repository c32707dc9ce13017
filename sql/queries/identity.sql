-- Accounts and their credentials. A kind is USER, VENDOR, RIDER or ADMIN.

-- name: user_get
-- columns: account
SELECT user_json(u) AS account FROM users u WHERE u.id = :user_id::text AND u.status <> 'DELETED'

-- The account with this phone or e-mail; the other one is NULL. standing: see the view accounts. locked_s: seconds until
-- it is unlocked. The statements of all kinds have the same parameters and columns.
-- name: user_credentials
-- columns: id, password_hash, standing, email, role, locked_s
SELECT u.id, u.password_hash, u.status AS standing, u.email, 'USER' AS role, 0::bigint AS locked_s FROM users u
 WHERE u.phone = :phone::text OR u.email = :email::text

-- name: vendor_credentials
-- columns: id, password_hash, standing, email, role, locked_s
SELECT a.id, a.password_hash, a.standing, a.email, a.role, 0::bigint AS locked_s FROM accounts a
 WHERE a.kind = 'VENDOR' AND (a.phone = :phone::text OR a.email = :email::text)

-- name: rider_credentials
-- columns: id, password_hash, standing, email, role, locked_s
SELECT a.id, a.password_hash, a.standing, a.email, a.role, 0::bigint AS locked_s FROM accounts a
 WHERE a.kind = 'RIDER' AND (a.phone = :phone::text OR a.email = :email::text)

-- An admin is found by e-mail only (phone is ignored). The attempt counts as a failure until it succeeds, so that at
-- most five can run at once; the fifth locks the account for half an hour. An unknown e-mail writes as much to the
-- write-ahead log, so that the response time does not show whether an admin exists. locked_s: seconds for which
-- the account was already locked.
-- name: admin_credentials
-- columns: id, password_hash, standing, email, role, locked_s
WITH was AS (
  SELECT a.id, a.locked_until, CASE WHEN a.locked_until IS NULL THEN a.failures ELSE 0 END AS failures
    FROM admins a WHERE (:phone::text IS NULL OR true) AND a.email = :email::text FOR UPDATE
), counted AS (
  UPDATE admins a
     SET failures = w.failures + 1,
         locked_until = CASE WHEN w.failures + 1 >= 5 THEN now() + interval '30 minutes' END
    FROM was w WHERE a.id = w.id AND (w.locked_until IS NULL OR w.locked_until <= now())
), decoy AS MATERIALIZED (
  SELECT pg_logical_emit_message(true, 'login', '') WHERE NOT EXISTS (SELECT FROM was)
)
SELECT a.id, a.password_hash, a.status AS standing, a.email, a.role,
       greatest(0, coalesce(ceil(extract(epoch FROM w.locked_until - now())), 0))::bigint AS locked_s
  FROM admins a JOIN was w ON w.id = a.id
 WHERE (SELECT count(*) FROM decoy) >= 0

-- name: account_password
-- columns: password_hash
SELECT a.password_hash FROM accounts a WHERE a.kind = :kind::text AND a.id = :account_id::text AND a.standing <>
  'DELETED'

-- The other accounts as they see themselves. One statement per kind: account_json would be planned at each call.
-- name: vendor_self
-- columns: account
SELECT vendor_self_json(v) AS account FROM vendors v WHERE v.id = :account_id::text

-- name: rider_self
-- columns: account
SELECT rider_json(r) AS account FROM riders r WHERE r.id = :account_id::text

-- name: admin_self
-- columns: account
SELECT admin_json(a) AS account FROM admins a WHERE a.id = :account_id::text

-- Registrations share these parameters: account_id, password_hash, phone_verified (no code is needed), code_hash and
-- code_life_s, session_id, jti and refresh_life_s, language, phone, email. issued_ms: time of issue of the tokens.
-- name: user_register
-- columns: account, issued_ms
WITH account AS (
  INSERT INTO users (id, first_name, last_name, phone, email, password_hash, phone_verified, language, last_login)
  VALUES (:account_id::text, :first_name::text, :last_name::text, :phone::text, :email::text, :password_hash::text,
    :phone_verified::boolean, :language::text, now())
  RETURNING users AS u
), code AS (
  INSERT INTO one_time_codes (account_id, purpose, code_hash, expires_at)
  SELECT :account_id::text, 'VERIFY_PHONE', :code_hash::text, now() + make_interval(secs => :code_life_s::bigint)
   WHERE NOT :phone_verified::boolean
), wallet AS (
  INSERT INTO wallets (owner_id, kind) VALUES (:account_id::text, 'USER')
), event AS (
  INSERT INTO event_log (aggregate, type, payload)
  VALUES (:account_id::text, 'user_registered', json_build_object('userId', :account_id::text))
), opened AS (
  INSERT INTO sessions (id, account_id, role, jti, expires_at)
  VALUES (:session_id::text, :account_id::text, 'USER', :jti::text,
    now() + make_interval(secs => :refresh_life_s::bigint))
)
SELECT user_json_with(a.u, '[]') AS account, epoch_ms(clock_timestamp()) AS issued_ms FROM account a

-- approved: without a decision by an admin.
-- name: vendor_register
-- columns: account, issued_ms
WITH account AS (
  INSERT INTO vendors (id, business_name, owner_name, service_type, business_type, description, address, city, lat, lng,
    bank_details, business_hours, phone, email, password_hash, phone_verified, email_verified, approval_status,
    language, last_login)
  VALUES (:account_id::text, :business_name::text, :owner_name::text, :service_type::text, :business_type::text,
    coalesce(:description::text, ''), :address::text,
    coalesce(:city::text, ''), :lat::float8, :lng::float8, :bank_details::jsonb, coalesce(:business_hours::jsonb,
      '{}'), :phone::text, :email::text,
    :password_hash::text, :phone_verified::boolean, :phone_verified::boolean,
      CASE WHEN :approved::boolean THEN 'APPROVED' ELSE 'PENDING' END, :language::text, now())
  RETURNING vendors AS v
), code AS (
  INSERT INTO one_time_codes (account_id, purpose, code_hash, expires_at)
  SELECT :account_id::text, 'VERIFY_PHONE', :code_hash::text, now() + make_interval(secs => :code_life_s::bigint)
   WHERE NOT :phone_verified::boolean
), wallet AS (
  INSERT INTO wallets (owner_id, kind) VALUES (:account_id::text, 'VENDOR')
), event AS (
  INSERT INTO event_log (aggregate, type, payload)
  VALUES (:account_id::text, 'vendor_registered', json_build_object('vendorId', :account_id::text))
), opened AS (
  INSERT INTO sessions (id, account_id, role, jti, expires_at)
  VALUES (:session_id::text, :account_id::text, 'VENDOR', :jti::text,
    now() + make_interval(secs => :refresh_life_s::bigint))
)
SELECT vendor_self_json(a.v) AS account, epoch_ms(clock_timestamp()) AS issued_ms FROM account a

-- approved: approved and active without a decision by an admin.
-- name: rider_register
-- columns: account, issued_ms
WITH account AS (
  INSERT INTO riders (id, first_name, last_name, vehicle_type, vehicle_details, documents, bank_details,
    emergency_contact, profile_picture, city, phone, email, password_hash, phone_verified, approval_status, status,
    language, last_login)
  VALUES (:account_id::text, :first_name::text, :last_name::text, :vehicle_type::text,
    coalesce(:vehicle_details::jsonb, '{}'), coalesce(:documents::jsonb, '{}'),
    :bank_details::jsonb, :emergency_contact::jsonb, :profile_picture::text, coalesce(:city::text, ''), :phone::text,
      :email::text, :password_hash::text, :phone_verified::boolean,
    CASE WHEN :approved::boolean THEN 'APPROVED' ELSE 'PENDING' END,
      CASE WHEN :approved::boolean THEN 'ACTIVE' ELSE 'INACTIVE' END,
    :language::text, now())
  RETURNING riders AS r
), code AS (
  INSERT INTO one_time_codes (account_id, purpose, code_hash, expires_at)
  SELECT :account_id::text, 'VERIFY_PHONE', :code_hash::text, now() + make_interval(secs => :code_life_s::bigint)
   WHERE NOT :phone_verified::boolean
), wallet AS (
  INSERT INTO wallets (owner_id, kind) VALUES (:account_id::text, 'RIDER')
), event AS (
  INSERT INTO event_log (aggregate, type, payload)
  VALUES (:account_id::text, 'rider_registered', json_build_object('riderId', :account_id::text))
), opened AS (
  INSERT INTO sessions (id, account_id, role, jti, expires_at)
  VALUES (:session_id::text, :account_id::text, 'RIDER', :jti::text,
    now() + make_interval(secs => :refresh_life_s::bigint))
)
SELECT rider_json(a.r) AS account, epoch_ms(clock_timestamp()) AS issued_ms FROM account a

-- Opens the session of a verified log-in. old_hash: the verified hash; new_hash: its replacement or NULL. No row when the
-- hash or the status has changed. The lock makes a concurrent password change wait, so that the change ends this session
-- too. last_login is written at most every five minutes, so that the row and its cached copy do not change with each
-- log-in. A concurrent log-in of the same account skips that write; otherwise each would wait for the lock of the other.
-- touched: the account has changed. issued_ms: time of issue of the tokens, read from the clock after locking, so it is
-- later than any earlier cut-off.
-- name: user_log_in
-- columns: account, touched, issued_ms
WITH account AS (
  SELECT u.id, u AS was FROM users u
   WHERE u.id = :account_id::text AND u.password_hash = :old_hash::text AND u.status = 'ACTIVE'
     FOR SHARE
), due AS (
  SELECT u.id FROM users u, account a
   WHERE u.id = a.id AND (:new_hash::text IS NOT NULL OR u.last_login IS NULL
         OR u.last_login < now() - interval '5 minutes')
     FOR NO KEY UPDATE OF u SKIP LOCKED
), touched AS (
  UPDATE users u SET last_login = now(), password_hash = coalesce(:new_hash::text, u.password_hash)
    FROM due d WHERE u.id = d.id
  RETURNING u.id, u AS now
), opened AS (
  INSERT INTO sessions (id, account_id, role, jti, expires_at)
  SELECT :session_id::text, a.id, 'USER', :jti::text,
    now() + make_interval(secs => :refresh_life_s::bigint) FROM account a
)
SELECT user_json(coalesce(t.now, a.was)) AS account, t.id IS NOT NULL AS touched,
       epoch_ms(clock_timestamp()) AS issued_ms
  FROM account a LEFT JOIN touched t ON true

-- The same for the other kinds, which log in rarely.
-- name: vendor_log_in
-- columns: account, touched, issued_ms
SELECT l.shown AS account, l.touched, epoch_ms(clock_timestamp()) AS issued_ms
  FROM account_log_in('VENDOR', :account_id::text, :old_hash::text, :new_hash::text, :session_id::text, :jti::text,
    :refresh_life_s::bigint) l

-- name: rider_log_in
-- columns: account, touched, issued_ms
SELECT l.shown AS account, l.touched, epoch_ms(clock_timestamp()) AS issued_ms
  FROM account_log_in('RIDER', :account_id::text, :old_hash::text, :new_hash::text, :session_id::text, :jti::text,
    :refresh_life_s::bigint) l

-- name: admin_log_in
-- columns: account, touched, issued_ms
SELECT l.shown AS account, l.touched, epoch_ms(clock_timestamp()) AS issued_ms
  FROM account_log_in('ADMIN', :account_id::text, :old_hash::text, :new_hash::text, :session_id::text, :jti::text,
    :refresh_life_s::bigint) l

-- NULL keeps a value; an empty email or profile_picture clears it.
-- name: user_change_profile
-- columns: account
UPDATE users u
   SET first_name = coalesce(:first_name::text, first_name), last_name = coalesce(:last_name::text, last_name),
       email_verified = email_verified AND (:email::text IS NULL OR :email::text = email),
       email = changed(:email::text, email), profile_picture = changed(:profile_picture::text, profile_picture),
       language = coalesce(:language::text, language), updated_at = now()
 WHERE id = :user_id::text AND status <> 'DELETED'
RETURNING user_json(u) AS account

-- NULL keeps a value; an empty email, profile_picture or emergency_contact (JSON) clears it.
-- name: rider_change_profile
-- columns: account
WITH changed AS (
  UPDATE riders r
     SET first_name = coalesce(:first_name::text, first_name), last_name = coalesce(:last_name::text, last_name),
         email_verified = email_verified AND (:email::text IS NULL OR :email::text = email),
         email = changed(:email::text, email), profile_picture = changed(:profile_picture::text, profile_picture),
         emergency_contact = changed(:emergency_contact::text, emergency_contact::text)::jsonb,
           language = coalesce(:language::text, language),
         updated_at = now()
   WHERE id = :rider_id::text
  RETURNING r
), event AS (
  INSERT INTO event_log (aggregate, type, rooms, payload)
  SELECT :rider_id::text, 'rider_changed', ARRAY['rider:' || :rider_id::text],
         json_build_object('riderId', :rider_id::text, 'timestamp', iso(now())) FROM changed
)
SELECT rider_json(c.r) AS account FROM changed c

-- Verifies what: PHONE, EMAIL or BOTH. any_code: the test code was given. No row: no such account. outcome: see the
-- function.
-- name: account_verify
-- columns: outcome, account
SELECT v.outcome, v.shown AS account FROM account_verify(:kind::text, :account_id::text, :code_hash::text,
  :any_code::boolean, :what::text) v

-- The addresses to which an account's codes are sent.
-- name: account_contact
-- columns: phone, email
SELECT a.phone,
  a.email FROM accounts a WHERE a.kind = :kind::text AND a.id = :account_id::text AND a.standing <> 'DELETED'

-- A new code. Wrong tries are kept: after five of them there is no new code until they are reset.
-- outcome: SENT, ALREADY (nothing is left to verify) or LOCKED; retry_s: seconds until the tries are reset.
-- name: account_renew_code
-- columns: outcome, retry_s
WITH account AS (
  SELECT a.id, a.proved FROM accounts a
   WHERE a.kind = :kind::text AND a.id = :account_id::text AND a.standing <> 'DELETED'
), code AS (
  INSERT INTO one_time_codes AS c (account_id, purpose, code_hash, expires_at)
  SELECT a.id, 'VERIFY_PHONE', :code_hash::text, now() + make_interval(secs => :code_life_s::bigint)
    FROM account a WHERE NOT a.proved
  ON CONFLICT (account_id, purpose) DO UPDATE
     SET code_hash = excluded.code_hash, tries = 5 - code_tries_left(c), sent_at = now(),
       expires_at = excluded.expires_at
   WHERE code_tries_left(c) > 0
  RETURNING 1
)
SELECT CASE WHEN a.proved THEN 'ALREADY' WHEN EXISTS (SELECT FROM code) THEN 'SENT' ELSE 'LOCKED' END AS outcome,
  (SELECT greatest(1, ceil(extract(epoch FROM c.tried_at + interval '15 minutes' - now())))::bigint
     FROM one_time_codes c WHERE c.account_id = a.id AND c.purpose = 'VERIFY_PHONE') AS retry_s
  FROM account a

-- ended: see account_set_password. No row: the password has changed since it was verified.
-- name: account_change_password
-- columns: ended
SELECT s.ended FROM account_set_password(:kind::text, :account_id::text, :old_hash::text, :new_hash::text,
  :keep_session::text, :access_life_s::bigint) AS s(ended)
 WHERE s.ended IS NOT NULL

-- At most max_tokens tokens in window_s seconds. One row when the account exists and the token is to be sent.
-- name: account_forgot_password
-- columns: account_id
SELECT f.account AS account_id FROM account_create_reset_token(:kind::text, :phone::text, :email::text,
  :token_hash::text, :token_life_s::bigint, :max_tokens::bigint, :window_s::bigint) AS f(account)
 WHERE f.account IS NOT NULL

-- name: account_reset_find
-- columns: account_id
SELECT r.account_id FROM reset_tokens r
 WHERE r.token_hash = :token_hash::text AND r.role = :kind::text AND r.used_at IS NULL AND r.expires_at > now()

-- No row: the token is not valid any more.
-- name: account_reset_password
-- columns: account_id, ended
SELECT r.account AS account_id, r.ended FROM account_reset_password(:kind::text, :token_hash::text, :new_hash::text,
  :access_life_s::bigint) r

-- At most ten devices per account; the one registered longest ago is removed.
-- name: device_add
WITH put AS (
  INSERT INTO device_tokens (token, account_id, role, platform, session_id)
  VALUES (:token::text, :account_id::text, :kind::text, :platform::text, :session_id::text)
  ON CONFLICT (token) DO UPDATE
     SET account_id = excluded.account_id, role = excluded.role, session_id = excluded.session_id,
         platform = coalesce(excluded.platform, device_tokens.platform), updated_at = now()
)
DELETE FROM device_tokens WHERE token IN (
  SELECT d.token FROM device_tokens d
   WHERE d.account_id = :account_id::text AND d.role = :kind::text AND d.token <> :token::text
   ORDER BY d.updated_at DESC OFFSET 9)

-- token: NULL for all.
-- name: device_remove
DELETE FROM device_tokens d
 WHERE d.account_id = :account_id::text AND d.role = :kind::text AND (:token::text IS NULL OR d.token = :token::text)

-- --- The command line --------------------------------------------------------------------------------------------

-- Creates an admin, or resets an existing one.
-- only_first: only when there is no admin yet. outcome: CREATED, CHANGED, or EXISTS (only_first, and there is one).
-- name: admin_create
-- columns: outcome
SELECT admin_create(:admin_id::text, :email::text, :name::text, :role::text, :password_hash::text,
  :only_first::boolean, :access_life_s::bigint) AS outcome

-- outcome: EXISTS, or NULL when there is no admin yet.
-- name: admins_exist
-- columns: outcome
SELECT CASE WHEN EXISTS (SELECT FROM admins) THEN 'EXISTS' END AS outcome
