-- Customers in the admin namespace.

--  $1 status, NULL: all except DELETED   $2 text searched in names, phones and e-mails, or NULL   $3 limit   $4 offset
-- Columns: total, rows (a JSON array), newest first. Always one row.
-- name: admin_user_list
WITH found AS MATERIALIZED (
  SELECT u.id FROM users u
   WHERE search_text(u.first_name || ' ' || u.last_name, u.phone, u.email) LIKE search_like($2::text)
     AND CASE WHEN $1::text IS NULL THEN u.status <> 'DELETED' ELSE u.status = $1::text END
), ids AS (
  (SELECT u.id, u.created_at FROM users u
    WHERE $2::text IS NULL AND CASE WHEN $1::text IS NULL THEN u.status <> 'DELETED' ELSE u.status = $1::text END
    ORDER BY u.created_at DESC, u.id DESC LIMIT $3::bigint OFFSET $4::bigint)
  UNION ALL
  (SELECT u.id, u.created_at FROM found JOIN users u USING (id)
    ORDER BY u.created_at DESC, u.id DESC LIMIT $3::bigint OFFSET $4::bigint)
), page AS (
  SELECT u.id, u.created_at, u AS person FROM ids JOIN users u USING (id)
)
SELECT (SELECT count(*) FROM found) + (SELECT count(*) FROM users u
    WHERE $2::text IS NULL AND CASE WHEN $1::text IS NULL THEN u.status <> 'DELETED' ELSE u.status = $1::text END),
  '[' || coalesce(string_agg(admin_user_json(p.person, false), ',' ORDER BY p.created_at DESC, p.id DESC), '') || ']'
  FROM page p

-- $1 user. The row with its stats. No row: 404.
-- name: admin_user_get
SELECT admin_user_json(u, true) FROM users u WHERE u.id = $1::text

-- Sets the status. Any status except ACTIVE ends the sessions; deletion frees the phone and the e-mail.
--  $1 user   $2 status   $3 reason or NULL   $4 life of access tokens
--  $5 admin  $6 act      $7 its details      $8 request id
-- Columns: row, ended sessions (comma separated, NULL: none). No row: unknown or already deleted.
-- name: admin_user_set_status
WITH changed AS (
  UPDATE users u
     SET status = $2::text, suspended_reason = $3::text, updated_at = now(),
         phone = CASE $2::text WHEN 'DELETED' THEN 'deleted_' || u.id ELSE u.phone END,
         email = CASE $2::text WHEN 'DELETED' THEN lower('deleted_' || u.id || '@reeyo.local') ELSE u.email END
   WHERE u.id = $1::text AND u.status <> 'DELETED'
  RETURNING u.id, u AS person
), ended AS MATERIALIZED (
  SELECT account_end_sessions(c.id, lower($2::text), $4::bigint) AS ids FROM changed c WHERE $2::text <> 'ACTIVE'
), devices AS (
  DELETE FROM device_tokens d USING changed c WHERE d.account_id = c.id AND $2::text = 'DELETED'
), audited AS (
  INSERT INTO admin_audit (admin_id, act, subject, details, request_id)
  SELECT $5::text, $6::text, c.id, $7::jsonb, $8::text FROM changed c
)
SELECT admin_user_json(c.person, false), (SELECT ids FROM ended) FROM changed c
