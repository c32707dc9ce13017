-- Sessions and revocations.

-- $1 session, $2 account, $3 the refresh token's jti, $4 the next one, $5 refresh life, $6 life of access tokens, $7 kind,
-- $8 grace (s).
-- Columns: the outcome; the current jti; the e-mail; the current role; the time of issue of the current token (ms).
-- Outcomes: ROTATED; REPEATED (the replaced token within the grace: the same successor again); REUSED (an older token:
-- the session and its device's push messages end); GONE; SUSPENDED; INACTIVE.
-- name: session_refresh
WITH held AS (
  SELECT s.id, s.account_id, s.jti, s.previous_jti, s.refreshed_at, s.ended_at, s.expires_at, a.standing, a.email, a.role
    FROM sessions s JOIN accounts a ON a.id = s.account_id
   WHERE s.id = $1::text AND s.role = $7::text AND a.kind = $7::text
     FOR UPDATE OF s
), decision AS (
  SELECT h.id, h.account_id, h.jti, h.email, h.role, h.refreshed_at, CASE
    WHEN h.ended_at IS NOT NULL OR h.expires_at <= now() OR h.standing = 'DELETED' THEN 'GONE'
    WHEN h.standing <> 'ACTIVE' THEN h.standing
    WHEN h.jti = $3::text THEN 'ROTATED'
    WHEN h.previous_jti = $3::text AND h.refreshed_at > now() - make_interval(secs => $8::bigint) THEN 'REPEATED'
    ELSE 'REUSED' END AS outcome
  FROM held h WHERE h.account_id = $2::text -- not above: PostgreSQL would search by account, which may have many sessions
), rotated AS (
  UPDATE sessions s
     SET previous_jti = s.jti, jti = $4::text, refreshed_at = now(),
         expires_at = now() + make_interval(secs => $5::bigint)
    FROM decision j WHERE s.id = j.id AND j.outcome = 'ROTATED'
), ended AS (
  UPDATE sessions s SET ended_at = now(), end_reason = 'reuse'
    FROM decision j WHERE s.id = j.id AND j.outcome = 'REUSED'
  RETURNING s.id
), devices AS (
  DELETE FROM device_tokens d USING decision j
   WHERE j.outcome = 'REUSED' AND d.account_id = j.account_id AND d.session_id = j.id
), revoked AS (
  INSERT INTO revocations (subject, before, expires_at)
  SELECT e.id, now() + interval '1 day', now() + make_interval(secs => $6::bigint) FROM ended e
)
SELECT j.outcome, CASE j.outcome WHEN 'ROTATED' THEN $4::text ELSE j.jti END, j.email, j.role,
  epoch_ms(CASE j.outcome WHEN 'ROTATED' THEN now() ELSE j.refreshed_at END)
  FROM decision j

-- Log-out: ends the session and the push messages to its device. $1 session, $2 account, $3 life of access tokens.
-- name: session_end
WITH ended AS (
  UPDATE sessions s SET ended_at = now(), end_reason = 'logout'
   WHERE s.id = $1::text AND s.account_id = $2::text AND s.ended_at IS NULL
  RETURNING s.id
), devices AS (
  DELETE FROM device_tokens d WHERE d.account_id = $2::text AND d.session_id = $1::text
)
INSERT INTO revocations (subject, before, expires_at)
SELECT e.id, now() + interval '1 day', now() + make_interval(secs => $3::bigint) FROM ended e

-- Every loop reads this each second. after: the number after which to start; before_ms: tokens that are older are revoked.
-- name: revocations_since
-- columns: number, subject, before_ms
SELECT r.seq AS number, r.subject, epoch_ms(r.before) AS before_ms FROM revocations r
 WHERE r.seq > :after::bigint AND r.expires_at > now() ORDER BY r.seq LIMIT :limit::bigint
