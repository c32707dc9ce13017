-- Customers in the admin namespace.

-- Newest first. status NULL: all except DELETED; search: in names, phones and e-mails, NULL: all. Always one row.
-- name: admin_user_list
-- columns: total, rows
WITH found AS MATERIALIZED (
  SELECT u.id FROM users u
   WHERE search_text(u.first_name || ' ' || u.last_name, u.phone, u.email) LIKE search_like(:search::text)
     AND CASE WHEN :status::text IS NULL THEN u.status <> 'DELETED' ELSE u.status = :status END
), ids AS (
  (SELECT u.id, u.created_at FROM users u
    WHERE :search IS NULL AND CASE WHEN :status IS NULL THEN u.status <> 'DELETED' ELSE u.status = :status END
    ORDER BY u.created_at DESC, u.id DESC LIMIT :limit::bigint OFFSET :offset::bigint)
  UNION ALL
  (SELECT u.id, u.created_at FROM found JOIN users u USING (id)
    ORDER BY u.created_at DESC, u.id DESC LIMIT :limit OFFSET :offset)
), page AS (
  SELECT u.id, u.created_at, u AS person FROM ids JOIN users u USING (id)
)
SELECT (SELECT count(*) FROM found) + (SELECT count(*) FROM users u
    WHERE :search IS NULL AND CASE WHEN :status IS NULL THEN u.status <> 'DELETED' ELSE u.status = :status END) AS total,
  '[' || coalesce(string_agg(admin_user_json(p.person, false), ',' ORDER BY p.created_at DESC, p.id DESC), '') || ']' AS rows
  FROM page p

-- The row with its statistics. No row: 404.
-- name: admin_user_get
-- columns: user
SELECT admin_user_json(u, true) AS user FROM users u WHERE u.id = :user_id::text

-- Sets the status. Any status except ACTIVE ends the sessions; deletion frees the phone and the e-mail.
-- access_life: of access tokens, in seconds. ended: result of account_end_sessions, NULL: no session. No row: unknown or already deleted.
-- name: admin_user_set_status
-- columns: user, ended
WITH changed AS (
  UPDATE users u
     SET status = :status::text, suspended_reason = :reason::text, updated_at = now(),
         phone = CASE :status WHEN 'DELETED' THEN 'deleted_' || u.id ELSE u.phone END,
         email = CASE :status WHEN 'DELETED' THEN lower('deleted_' || u.id || '@reeyo.local') ELSE u.email END
   WHERE u.id = :user_id::text AND u.status <> 'DELETED'
  RETURNING u.id, u AS person, admin_audit_add(:audit::jsonb, u.id) AS audit_id
), ended AS MATERIALIZED (
  SELECT account_end_sessions(c.id, lower(:status), :access_life::bigint) AS ids FROM changed c WHERE :status <> 'ACTIVE'
), devices AS (
  DELETE FROM device_tokens d USING changed c WHERE d.account_id = c.id AND :status = 'DELETED'
)
SELECT admin_user_json(c.person, false) AS user, (SELECT ids FROM ended) AS ended FROM changed c
