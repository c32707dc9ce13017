-- Riders in the admin namespace.

--  $1 approval or NULL   $2 text searched in names, phones, e-mails and plates, or NULL   $3 limit   $4 offset
-- Columns: total, rows (a JSON array), newest first. Always one row.
-- name: admin_rider_list
WITH found AS MATERIALIZED (
  SELECT r.id FROM riders r
   WHERE $2::text IS NULL AND ($1::text IS NULL OR r.approval_status = $1::text)
  UNION ALL
  SELECT r.id FROM riders r
   WHERE search_text(r.first_name || ' ' || r.last_name, r.phone, r.email, r.vehicle_details ->> 'plateNumber')
         LIKE search_like($2::text)
     AND ($1::text IS NULL OR r.approval_status = $1::text)
), page AS (
  SELECT r.id, r.created_at, r AS rider FROM found JOIN riders r USING (id)
   ORDER BY r.created_at DESC, r.id DESC LIMIT $3::bigint OFFSET $4::bigint
)
SELECT (SELECT count(*) FROM found),
  '[' || coalesce(string_agg(admin_rider_json(p.rider), ',' ORDER BY p.created_at DESC, p.id DESC), '') || ']'
  FROM page p

-- $1 rider. No row: 404.
-- name: admin_rider_get
SELECT admin_rider_json(r) FROM riders r WHERE r.id = $1::text

-- Approves (also reinstates: the account becomes active), rejects or suspends a rider. A rider who is not approved goes offline;
-- open offers are withdrawn and their orders dispatched again. A suspension ends the sessions.
--  $1 rider   $2 approval   $3 reason or NULL   $4 life of access tokens
--  $5 admin   $6 act        $7 its details      $8 request id
-- Columns: row, ended sessions (comma separated, NULL: none), whether the rider went offline. No row: 404.
-- name: admin_rider_set_approval
WITH held AS MATERIALIZED (
  SELECT r.id, r.is_online, r.approval_status FROM riders r WHERE r.id = $1::text FOR UPDATE
), changed AS (
  UPDATE riders r
     SET approval_status = $2::text, rejected_reason = $3::text, is_online = r.is_online AND $2::text = 'APPROVED',
         status = CASE $2::text WHEN 'APPROVED' THEN 'ACTIVE' ELSE r.status END, updated_at = now()
    FROM held h WHERE r.id = h.id
  RETURNING r.id, r AS rider, h.is_online AND NOT r.is_online AS went_offline,
    h.approval_status IS DISTINCT FROM $2::text AS approval_changed
), ended AS MATERIALIZED (
  SELECT account_end_sessions(c.id, 'suspended', $4::bigint) AS ids FROM changed c WHERE $2::text = 'SUSPENDED'
), searching AS MATERIALIZED (  -- locked before the offers, in the order that order transitions use
  SELECT d.order_id FROM changed c JOIN offers f ON f.rider_id = c.id AND f.outcome = 'OPEN'
    JOIN dispatches d ON d.order_id = f.order_id
   WHERE $2::text <> 'APPROVED' ORDER BY d.order_id FOR UPDATE OF d
), withdrawn AS (
  UPDATE offers f SET outcome = 'WITHDRAWN', answered_at = now() FROM changed c
   WHERE f.rider_id = c.id AND f.outcome = 'OPEN' AND $2::text <> 'APPROVED'
     AND (SELECT count(*) FROM searching) >= 0
  RETURNING f.order_id
), restarted AS (
  UPDATE dispatches d SET next_at = now() FROM withdrawn w WHERE d.order_id = w.order_id
), audited AS (
  INSERT INTO admin_audit (admin_id, act, subject, details, request_id)
  SELECT $5::text, $6::text, c.id, $7::jsonb, $8::text FROM changed c
), published AS (
  INSERT INTO outbox (aggregate, type, rooms, payload)
  SELECT c.id, 'rider_changed', ARRAY['rider:' || c.id], json_strip_nulls(json_build_object('riderId', c.id,
         'approval', CASE WHEN c.approval_changed THEN $2::text END, 'reason', CASE WHEN c.approval_changed THEN $3::text END,
         'timestamp', iso(now()))) FROM changed c
  UNION ALL
  SELECT c.id, 'rider_status_changed', ARRAY['admin', 'rider:' || c.id],
         json_build_object('riderId', c.id, 'isOnline', false, 'timestamp', iso(now())) FROM changed c WHERE c.went_offline
)
SELECT admin_rider_json(c.rider), (SELECT ids FROM ended), c.went_offline FROM changed c

-- Changes the given values; NULL leaves a value.
--  $1 rider   $2 first   $3 last name   $4 phone   $5 e-mail   $6 vehicle type   $7 plate
--  $8 admin   $9 act     $10 its details   $11 request id
-- Columns: row. No row: 404.
-- name: admin_rider_edit
WITH changed AS (
  UPDATE riders r
     SET first_name = coalesce($2::text, first_name), last_name = coalesce($3::text, last_name),
         phone = coalesce($4::text, phone), email_verified = email_verified AND ($5::text IS NULL OR $5::text = email),
         email = changed($5::text, email),
         vehicle_type = coalesce($6::text, vehicle_type),
         vehicle_details = CASE WHEN $7::text IS NULL THEN vehicle_details
                                ELSE vehicle_details || jsonb_build_object('plateNumber', $7::text) END,
         updated_at = now()
   WHERE r.id = $1::text
  RETURNING r.id, r AS rider
), audited AS (
  INSERT INTO admin_audit (admin_id, act, subject, details, request_id)
  SELECT $8::text, $9::text, c.id, $10::jsonb, $11::text FROM changed c
), published AS (
  INSERT INTO outbox (aggregate, type, rooms, payload)
  SELECT c.id, 'rider_changed', ARRAY['rider:' || c.id],
         json_build_object('riderId', c.id, 'timestamp', iso(now())) FROM changed c
)
SELECT admin_rider_json(c.rider) FROM changed c

-- Decides about documents. The approval of the rider does not change.
--  $1 rider   $2 decisions [{document_type,status,reason}], of which the last one for a document is used
--  $3 admin   $4 act   $5 its details   $6 request id
-- Columns: row, the first type that was not submitted (then nothing is written) or NULL. No row: 404.
-- name: admin_rider_documents
WITH held AS MATERIALIZED (
  SELECT r.id, r AS rider FROM riders r WHERE r.id = $1::text FOR SHARE
), wanted AS MATERIALIZED (
  SELECT DISTINCT ON (w.document_type) h.id, w.document_type, f.url, w.status, w.reason
    FROM held h CROSS JOIN ROWS FROM (
      jsonb_to_recordset($2::jsonb) AS (document_type text, status text, reason text)) WITH ORDINALITY w(document_type, status, reason, n)
    LEFT JOIN LATERAL rider_documents_submitted(h.rider) f ON f.document_type = w.document_type
   ORDER BY w.document_type, w.n DESC
), missing AS MATERIALIZED (
  SELECT min(w.document_type) AS document_type FROM wanted w WHERE w.url IS NULL
), decided AS (
  INSERT INTO rider_documents AS d (rider_id, document_type, url, status, reason, decided_by)
  SELECT w.id, w.document_type, w.url, w.status, w.reason, $3::text FROM wanted w
   WHERE (SELECT m.document_type IS NULL FROM missing m)
  ON CONFLICT (rider_id, document_type) DO UPDATE
     SET url = excluded.url, status = excluded.status, reason = excluded.reason,
         decided_by = excluded.decided_by, decided_at = now()
  RETURNING d AS document
), audited AS (
  INSERT INTO admin_audit (admin_id, act, subject, details, request_id)
  SELECT $3::text, $4::text, h.id, $5::jsonb, $6::text FROM held h WHERE EXISTS (SELECT FROM decided)
), published AS (
  INSERT INTO outbox (aggregate, type, rooms, payload)
  SELECT h.id, 'rider_changed', ARRAY['rider:' || h.id],
         json_build_object('riderId', h.id, 'timestamp', iso(now())) FROM held h WHERE EXISTS (SELECT FROM decided)
)
SELECT admin_rider_json(h.rider, (SELECT coalesce(array_agg(d.document), '{}') FROM decided d)),
  (SELECT m.document_type FROM missing m) FROM held h
