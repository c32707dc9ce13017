-- Sessions and revocations.

-- Uses the refresh token jti; next_jti becomes its successor. grace_s: how long a replaced token returns its successor.
-- outcome: ROTATED; REPEATED (the replaced token within the grace: the same successor again); REUSED (an older token: the
-- session and its device's push messages end); GONE; SUSPENDED; INACTIVE. current_jti and issued_ms: the current token
-- and its time of issue. role: the role of the account now.
-- name: session_refresh
-- columns: outcome, current_jti, email, role, issued_ms
WITH held AS (
  SELECT s.id, s.account_id, s.jti, s.previous_jti, s.refreshed_at, s.ended_at, s.expires_at, a.standing, a.email,
    a.role
    FROM sessions s JOIN accounts a ON a.id = s.account_id
   WHERE s.id = :session_id::text AND s.role = :kind::text AND a.kind = :kind::text
     FOR UPDATE OF s
), decision AS (
  SELECT h.id, h.account_id, h.jti, h.email, h.role, h.refreshed_at, CASE
    WHEN h.ended_at IS NOT NULL OR h.expires_at <= now() OR h.standing = 'DELETED' THEN 'GONE'
    WHEN h.standing <> 'ACTIVE' THEN h.standing
    WHEN h.jti = :jti::text THEN 'ROTATED'
    WHEN h.previous_jti = :jti::text AND h.refreshed_at > now() - make_interval(secs => :grace_s::bigint) THEN
      'REPEATED'
    ELSE 'REUSED' END AS outcome
  -- not above: PostgreSQL would search by account, which may have many sessions
  FROM held h WHERE h.account_id = :account_id::text
), rotated AS (
  UPDATE sessions s
     SET previous_jti = s.jti, jti = :next_jti::text, refreshed_at = now(),
         expires_at = now() + make_interval(secs => :refresh_life_s::bigint)
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
  SELECT e.id, now() + interval '1 day', now() + make_interval(secs => :access_life_s::bigint) FROM ended e
)
SELECT j.outcome, CASE j.outcome WHEN 'ROTATED' THEN :next_jti::text ELSE j.jti END AS current_jti, j.email, j.role,
  epoch_ms(CASE j.outcome WHEN 'ROTATED' THEN now() ELSE j.refreshed_at END) AS issued_ms
  FROM decision j

-- Log-out: ends the session and the push messages to its device.
-- name: session_end
WITH ended AS (
  UPDATE sessions s SET ended_at = now(), end_reason = 'logout'
   WHERE s.id = :session_id::text AND s.account_id = :account_id::text AND s.ended_at IS NULL
  RETURNING s.id
), devices AS (
  DELETE FROM device_tokens d WHERE d.account_id = :account_id::text AND d.session_id = :session_id::text
)
INSERT INTO revocations (subject, before, expires_at)
SELECT e.id, now() + interval '1 day', now() + make_interval(secs => :access_life_s::bigint) FROM ended e

-- Every loop reads this each second. after: the number after which to start; before_ms: tokens that are older are revoked.
-- name: revocations_since
-- columns: number, subject, before_ms
SELECT r.seq AS number, r.subject, epoch_ms(r.before) AS before_ms FROM revocations r
 WHERE r.seq > :after::bigint AND r.expires_at > now() ORDER BY r.seq LIMIT :limit::bigint
