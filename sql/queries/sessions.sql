-- Sessions and revocations.

-- $1 session, $2 account, $3 the refresh token's jti, $4 the next one, $5 refresh life, $6 life of access tokens, $7 kind.
-- ROTATED, AGAIN (the token just replaced, within ten seconds: the same successor once more), REUSED
-- (an older one: the session ends), GONE, SUSPENDED, INACTIVE; the jti that is current; the e-mail; the role as it is now.
-- name: session_refresh
WITH held AS (
  SELECT s.id, s.account_id, s.jti, s.previous_jti, s.refreshed_at, s.ended_at, s.expires_at, a.standing, a.email, a.role
    FROM sessions s JOIN accounts a ON a.id = s.account_id
   WHERE s.id = $1::text AND s.role = $7::text AND a.kind = $7::text
     FOR UPDATE OF s
), judged AS (
  SELECT h.id, h.jti, h.email, h.role, CASE
    WHEN h.ended_at IS NOT NULL OR h.expires_at <= now() OR h.standing = 'DELETED' THEN 'GONE'
    WHEN h.standing <> 'ACTIVE' THEN h.standing
    WHEN h.jti = $3::text THEN 'ROTATED'
    WHEN h.previous_jti = $3::text AND h.refreshed_at > now() - interval '10 seconds' THEN 'AGAIN'
    ELSE 'REUSED' END AS outcome
  FROM held h WHERE h.account_id = $2::text -- not above: an account with many sessions would be searched by them
), rotated AS (
  UPDATE sessions s
     SET previous_jti = s.jti, jti = $4::text, refreshed_at = now(),
         expires_at = now() + make_interval(secs => $5::bigint)
    FROM judged j WHERE s.id = j.id AND j.outcome = 'ROTATED'
), ended AS (
  UPDATE sessions s SET ended_at = now(), ended_why = 'reuse'
    FROM judged j WHERE s.id = j.id AND j.outcome = 'REUSED'
  RETURNING s.id
), told AS (
  INSERT INTO revocations (subject, before, expires_at)
  SELECT e.id, now() + interval '1 day', now() + make_interval(secs => $6::bigint) FROM ended e
)
SELECT j.outcome, CASE j.outcome WHEN 'ROTATED' THEN $4::text ELSE j.jti END, j.email, j.role FROM judged j

-- $1 session, $2 account, $3 life of access tokens.
-- name: session_end
WITH ended AS (
  UPDATE sessions s SET ended_at = now(), ended_why = 'logout'
   WHERE s.id = $1::text AND s.account_id = $2::text AND s.ended_at IS NULL
  RETURNING s.id
)
INSERT INTO revocations (subject, before, expires_at)
SELECT e.id, now() + interval '1 day', now() + make_interval(secs => $3::bigint) FROM ended e

-- What every loop reads each second: number, subject, up to when in seconds.
-- name: revocations_since
SELECT r.seq, r.subject, floor(extract(epoch FROM r.before))::bigint FROM revocations r
 WHERE r.seq > $1::bigint AND r.expires_at > now() ORDER BY r.seq LIMIT 2000
