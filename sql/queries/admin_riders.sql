-- Riders in the admin namespace.

-- Newest first. approval NULL: any; search: in names, phones, e-mails and plates, NULL: all. Always one row.
-- name: admin_rider_list
-- columns: total, rows
WITH found AS MATERIALIZED (
  SELECT r.id FROM riders r
   WHERE :search::text IS NULL AND (:approval::text IS NULL OR r.approval_status = :approval)
  UNION ALL
  SELECT r.id FROM riders r
   WHERE search_text(r.first_name || ' ' || r.last_name, r.phone, r.email, r.vehicle_details ->> 'plateNumber')
         LIKE search_like(:search)
     AND (:approval IS NULL OR r.approval_status = :approval)
), page AS (
  SELECT r.id, r.created_at, r AS rider FROM found JOIN riders r USING (id)
   ORDER BY r.created_at DESC, r.id DESC LIMIT :limit::bigint OFFSET :offset::bigint
)
SELECT (SELECT count(*) FROM found) AS total,
  '[' || coalesce(string_agg(admin_rider_json(p.rider), ',' ORDER BY p.created_at DESC, p.id DESC), '') || ']' AS rows
  FROM page p

-- No row: 404.
-- name: admin_rider_get
-- columns: rider
SELECT admin_rider_json(r) AS rider FROM riders r WHERE r.id = :rider_id::text

-- Approves (also reinstates: the account becomes active), rejects or suspends a rider. A rider who is not approved goes offline;
-- open offers are withdrawn and their orders dispatched again. A suspension ends the sessions.
-- access_life: of access tokens, in seconds. ended: result of account_end_sessions, NULL: no session. No row: 404.
-- name: admin_rider_set_approval
-- columns: rider, ended, went_offline
WITH held AS MATERIALIZED (
  SELECT r.id, r.is_online, r.approval_status FROM riders r WHERE r.id = :rider_id::text FOR UPDATE
), changed AS (
  UPDATE riders r
     SET approval_status = :approval::text, rejected_reason = :reason::text, is_online = r.is_online AND :approval = 'APPROVED',
         status = CASE :approval WHEN 'APPROVED' THEN 'ACTIVE' ELSE r.status END, updated_at = now()
    FROM held h WHERE r.id = h.id
  RETURNING r.id, r AS rider, h.is_online AND NOT r.is_online AS went_offline,
    h.approval_status IS DISTINCT FROM :approval AS approval_changed,
    admin_audit_add(:audit::jsonb, r.id) AS audit_id
), ended AS MATERIALIZED (
  SELECT account_end_sessions(c.id, 'suspended', :access_life::bigint) AS ids FROM changed c WHERE :approval = 'SUSPENDED'
), searching AS MATERIALIZED (  -- locked before the offers, in the order that order transitions use
  SELECT d.order_id FROM changed c JOIN offers f ON f.rider_id = c.id AND f.outcome = 'OPEN'
    JOIN dispatches d ON d.order_id = f.order_id
   WHERE :approval <> 'APPROVED' ORDER BY d.order_id FOR UPDATE OF d
), withdrawn AS (
  UPDATE offers f SET outcome = 'WITHDRAWN', answered_at = now() FROM changed c
   WHERE f.rider_id = c.id AND f.outcome = 'OPEN' AND :approval <> 'APPROVED'
     AND (SELECT count(*) FROM searching) >= 0
  RETURNING f.order_id
), restarted AS (
  UPDATE dispatches d SET next_at = now() FROM withdrawn w WHERE d.order_id = w.order_id
), published AS (
  INSERT INTO event_log (aggregate, type, rooms, payload)
  SELECT c.id, 'rider_changed', ARRAY['rider:' || c.id], json_strip_nulls(json_build_object('riderId', c.id,
         'approval', CASE WHEN c.approval_changed THEN :approval END, 'reason', CASE WHEN c.approval_changed THEN :reason END,
         'timestamp', iso(now()))) FROM changed c
  UNION ALL
  SELECT c.id, 'rider_status_changed', ARRAY['admin', 'rider:' || c.id],
         json_build_object('riderId', c.id, 'isOnline', false, 'timestamp', iso(now())) FROM changed c WHERE c.went_offline
)
SELECT admin_rider_json(c.rider) AS rider, (SELECT ids FROM ended) AS ended, c.went_offline FROM changed c

-- Changes the given values; NULL leaves a value.
-- No row: 404.
-- name: admin_rider_edit
-- columns: rider
WITH changed AS (
  UPDATE riders r
     SET first_name = coalesce(:first_name::text, first_name), last_name = coalesce(:last_name::text, last_name),
         phone = coalesce(:phone::text, phone), email_verified = email_verified AND (:email::text IS NULL OR :email = email),
         email = changed(:email, email),
         vehicle_type = coalesce(:vehicle_type::text, vehicle_type),
         vehicle_details = CASE WHEN :plate::text IS NULL THEN vehicle_details
                                ELSE vehicle_details || jsonb_build_object('plateNumber', :plate) END,
         updated_at = now()
   WHERE r.id = :rider_id::text
  RETURNING r.id, r AS rider, admin_audit_add(:audit::jsonb, r.id) AS audit_id
), published AS (
  INSERT INTO event_log (aggregate, type, rooms, payload)
  SELECT c.id, 'rider_changed', ARRAY['rider:' || c.id],
         json_build_object('riderId', c.id, 'timestamp', iso(now())) FROM changed c
)
SELECT admin_rider_json(c.rider) AS rider FROM changed c

-- Decides about documents. The approval of the rider does not change.
-- decisions: [{document_type,status,reason}], of which the last one for a document is used. missing: the first type that was not
-- submitted; then nothing is written. No row: 404.
-- name: admin_rider_documents
-- columns: rider, missing, audit_id
WITH held AS MATERIALIZED (
  SELECT r.id, r AS rider FROM riders r WHERE r.id = :rider_id::text FOR SHARE
), wanted AS MATERIALIZED (
  SELECT DISTINCT ON (w.document_type) h.id, w.document_type, f.url, w.status, w.reason
    FROM held h CROSS JOIN ROWS FROM (
      jsonb_to_recordset(:decisions::jsonb) AS (document_type text, status text, reason text)) WITH ORDINALITY w(document_type, status, reason, n)
    LEFT JOIN LATERAL rider_documents_submitted(h.rider) f ON f.document_type = w.document_type
   ORDER BY w.document_type, w.n DESC
), missing AS MATERIALIZED (
  SELECT min(w.document_type) AS document_type FROM wanted w WHERE w.url IS NULL
), decided AS (
  INSERT INTO rider_documents AS d (rider_id, document_type, url, status, reason, decided_by)
  SELECT w.id, w.document_type, w.url, w.status, w.reason, :admin_id::text FROM wanted w
   WHERE (SELECT m.document_type IS NULL FROM missing m)
  ON CONFLICT (rider_id, document_type) DO UPDATE
     SET url = excluded.url, status = excluded.status, reason = excluded.reason,
         decided_by = excluded.decided_by, decided_at = now()
  RETURNING d AS document
), published AS (
  INSERT INTO event_log (aggregate, type, rooms, payload)
  SELECT h.id, 'rider_changed', ARRAY['rider:' || h.id],
         json_build_object('riderId', h.id, 'timestamp', iso(now())) FROM held h WHERE EXISTS (SELECT FROM decided)
)
SELECT admin_rider_json(h.rider, (SELECT coalesce(array_agg(d.document), '{}') FROM decided d)) AS rider,
  (SELECT m.document_type FROM missing m) AS missing,
  CASE WHEN EXISTS (SELECT FROM decided) THEN admin_audit_add(:audit::jsonb, h.id) END AS audit_id
  FROM held h
