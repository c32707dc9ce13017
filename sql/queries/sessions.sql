-- Sessions and revocations.

-- $1 session, $2 account, $3 the refresh token's jti, $4 the next one, $5 refresh life, $6 life of access tokens, $7 kind,
-- $8 grace (s).
-- ROTATED, AGAIN (the token just replaced, within the grace: the same successor once more), REUSED (an older one: the
-- session and its device's push messages end), GONE, SUSPENDED, INACTIVE; the jti that is current; the e-mail; the role
-- as it is now; when the current one was issued (ms).
-- name: session_refresh
WITH held AS (
  SELECT s.id, s.account_id, s.jti, s.previous_jti, s.refreshed_at, s.ended_at, s.expires_at, a.standing, a.email, a.role
    FROM sessions s JOIN accounts a ON a.id = s.account_id
   WHERE s.id = $1::text AND s.role = $7::text AND a.kind = $7::text
     FOR UPDATE OF s
), judged AS (
  SELECT h.id, h.account_id, h.jti, h.email, h.role, h.refreshed_at, CASE
    WHEN h.ended_at IS NOT NULL OR h.expires_at <= now() OR h.standing = 'DELETED' THEN 'GONE'
    WHEN h.standing <> 'ACTIVE' THEN h.standing
    WHEN h.jti = $3::text THEN 'ROTATED'
    WHEN h.previous_jti = $3::text AND h.refreshed_at > now() - make_interval(secs => $8::bigint) THEN 'AGAIN'
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
), devices AS (
  DELETE FROM device_tokens d USING judged j
   WHERE j.outcome = 'REUSED' AND d.account_id = j.account_id AND d.session_id = j.id
), told AS (
  INSERT INTO revocations (subject, before, expires_at)
  SELECT e.id, now() + interval '1 day', now() + make_interval(secs => $6::bigint) FROM ended e
)
SELECT j.outcome, CASE j.outcome WHEN 'ROTATED' THEN $4::text ELSE j.jti END, j.email, j.role,
  epoch_ms(CASE j.outcome WHEN 'ROTATED' THEN now() ELSE j.refreshed_at END)
  FROM judged j

-- Log-out: the session ends, and so do push messages to its device. $1 session, $2 account, $3 life of access tokens.
-- name: session_end
WITH ended AS (
  UPDATE sessions s SET ended_at = now(), ended_why = 'logout'
   WHERE s.id = $1::text AND s.account_id = $2::text AND s.ended_at IS NULL
  RETURNING s.id
), devices AS (
  DELETE FROM device_tokens d WHERE d.account_id = $2::text AND d.session_id = $1::text
)
INSERT INTO revocations (subject, before, expires_at)
SELECT e.id, now() + interval '1 day', now() + make_interval(secs => $3::bigint) FROM ended e

-- What every loop reads each second: number, subject, up to when in milliseconds.
-- name: revocations_since
SELECT r.seq, r.subject, epoch_ms(r.before) FROM revocations r
 WHERE r.seq > $1::bigint AND r.expires_at > now() ORDER BY r.seq LIMIT 2000
