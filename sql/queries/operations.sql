-- Stored replies of Idempotency-Keys, and the deletion of expired rows.

-- The stored reply of an Idempotency-Key; body is the complete body. No row: not stored, or expired.
-- name: idempotency_get
-- columns: fingerprint, status, body
SELECT fingerprint, status, body FROM idempotency WHERE account_id = :account_id::text AND key = :key::text

-- Deletes a batch of expired rows of each kind. Call it again while it deletes that many.
-- name: sweep_expired
-- columns: count
WITH keys AS (
  DELETE FROM idempotency WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM idempotency WHERE created_at < now() - interval '24 hours' LIMIT :limit::bigint)) RETURNING 1
), old_baskets AS (
  DELETE FROM baskets WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM baskets WHERE placed_at < now() - interval '1 hour' LIMIT :limit::bigint)) RETURNING 1
), codes AS (
  DELETE FROM one_time_codes WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM one_time_codes WHERE expires_at < now() - interval '1 day' LIMIT :limit::bigint)) RETURNING 1
), resets AS (
  DELETE FROM reset_tokens WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM reset_tokens WHERE expires_at < now() - interval '1 day' LIMIT :limit::bigint)) RETURNING 1
), old_revocations AS (
  DELETE FROM revocations WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM revocations WHERE expires_at < now() LIMIT :limit::bigint)) RETURNING 1
), old_sessions AS (
  DELETE FROM sessions WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM sessions WHERE expires_at < now() - interval '1 day' LIMIT :limit::bigint)) RETURNING 1
), old_events AS (
  DELETE FROM events WHERE id = ANY (ARRAY(SELECT id FROM events ORDER BY id LIMIT :limit::bigint))
     AND created_at < now() - interval '72 hours' RETURNING 1
), old_pages AS (
  DELETE FROM event_pages WHERE page < (SELECT min(id) FROM events) >> 8
), old_decisions AS (
  DELETE FROM dispatch_decisions WHERE id = ANY (ARRAY(SELECT id FROM dispatch_decisions ORDER BY id LIMIT :limit::bigint))
     AND at < now() - interval '90 days' RETURNING 1
)
SELECT (SELECT count(*) FROM keys) + (SELECT count(*) FROM old_baskets) + (SELECT count(*) FROM codes)
  + (SELECT count(*) FROM resets) + (SELECT count(*) FROM old_revocations) + (SELECT count(*) FROM old_sessions)
  + (SELECT count(*) FROM old_events) + (SELECT count(*) FROM old_decisions) AS count
