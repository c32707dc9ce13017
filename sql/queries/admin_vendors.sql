-- Vendors in the admin namespace. Every write adds an audit row (admin_audit) and an event for the other instances.

--  $1 approval or NULL   $2 text searched in names, phones and e-mails, or NULL   $3 limit   $4 offset
-- Columns: total, rows (a JSON array), newest first. Always one row.
-- name: admin_vendor_list
WITH found AS MATERIALIZED (
  SELECT v.id FROM vendors v
   WHERE $2::text IS NULL AND ($1::text IS NULL OR v.approval_status = $1::text)
  UNION ALL
  SELECT v.id FROM vendors v
   WHERE search_text(v.business_name, v.owner_name, v.phone, v.email, v.city) LIKE search_like($2::text)
     AND ($1::text IS NULL OR v.approval_status = $1::text)
), page AS (
  SELECT v.id, v.created_at, v AS vendor FROM found JOIN vendors v USING (id)
   ORDER BY v.created_at DESC, v.id DESC LIMIT $3::bigint OFFSET $4::bigint
)
SELECT (SELECT count(*) FROM found),
  '[' || coalesce(string_agg(admin_vendor_json(p.vendor, false), ',' ORDER BY p.created_at DESC, p.id DESC), '') || ']'
  FROM page p

-- $1 vendor. The row with its stats. No row: 404.
-- name: admin_vendor_get
SELECT admin_vendor_json(v, true) FROM vendors v WHERE v.id = $1::text

-- All menu items, by category and name. $1 vendor. Columns: rows. No row: the vendor does not exist.
-- name: admin_vendor_items
SELECT '[' || coalesce(string_agg(admin_item_json(i), ',' ORDER BY i.category, i.name, i.id)
    FILTER (WHERE i.id IS NOT NULL), '') || ']'
  FROM vendors v LEFT JOIN items i ON i.vendor_id = v.id AND i.deleted_at IS NULL
 WHERE v.id = $1::text GROUP BY v.id

-- Approves, rejects or suspends a vendor; an event carries a changed approval. A vendor who is not approved goes offline; a
-- suspension ends the sessions.
--  $1 vendor   $2 approval   $3 reason or NULL   $4 life of access tokens
--  $5 admin    $6 act        $7 its details {}   $8 request id
-- Columns: row, ended sessions (comma separated, NULL: none). No row: 404.
-- name: admin_vendor_set_approval
WITH held AS MATERIALIZED (
  SELECT v.id, v.approval_status FROM vendors v WHERE v.id = $1::text FOR UPDATE
), changed AS (
  UPDATE vendors v
     SET approval_status = $2::text, rejected_reason = $3::text, is_online = v.is_online AND $2::text = 'APPROVED',
         status = CASE $2::text WHEN 'APPROVED' THEN 'ACTIVE' ELSE v.status END, updated_at = now()
    FROM held h WHERE v.id = h.id
  RETURNING v.id, v AS vendor, h.approval_status IS DISTINCT FROM $2::text AS approval_changed
), ended AS MATERIALIZED (
  SELECT account_end_sessions(c.id, 'suspended', $4::bigint) AS ids FROM changed c WHERE $2::text = 'SUSPENDED'
), audited AS (
  INSERT INTO admin_audit (admin_id, act, subject, details, request_id)
  SELECT $5::text, $6::text, c.id, $7::jsonb, $8::text FROM changed c
), published AS (
  INSERT INTO outbox (aggregate, type, rooms, payload)
  SELECT c.id, 'vendor_changed', ARRAY['vendor:' || c.id], json_strip_nulls(json_build_object('vendorId', c.id,
         'approval', CASE WHEN c.approval_changed THEN $2::text END, 'reason', CASE WHEN c.approval_changed THEN $3::text END,
         'timestamp', iso(now()))) FROM changed c
)
SELECT admin_vendor_json(c.vendor, false), (SELECT ids FROM ended) FROM changed c

-- Changes the given values; NULL leaves a value.
--  $1 vendor   $2 business name   $3 owner   $4 phone   $5 e-mail   $6 address   $7 city   $8 description
--  $9 mobile money number ('': removed; pay-outs prefer it to the bank account; a new bank account removes it)   $10 its provider
--  $11 bank details to be merged, JSON   $12 featured
--  $13 commission, basis points   $14 admin   $15 act   $16 its details   $17 request id
-- Columns: row. No row: 404.
-- name: admin_vendor_edit
WITH changed AS (
  UPDATE vendors v
     SET business_name = coalesce($2::text, business_name), owner_name = coalesce($3::text, owner_name),
         phone = coalesce($4::text, phone), email_verified = email_verified AND coalesce($5::text = email, true),
         email = coalesce($5::text, email),
         address = coalesce($6::text, address), city = coalesce($7::text, city),
         description = coalesce(changed($8::text, description), ''),
         mobile_money_number = CASE WHEN $9::text IS NULL AND $11::jsonb ? 'accountNumber' THEN NULL
                                    ELSE changed($9::text, mobile_money_number) END,
         mobile_money_provider = CASE WHEN $10::text IS NULL AND ($9::text = '' OR $9::text IS NULL AND $11::jsonb ? 'accountNumber')
                                      THEN NULL ELSE changed($10::text, mobile_money_provider) END,
         bank_details = CASE WHEN $11::jsonb IS NULL THEN bank_details
                             ELSE coalesce(bank_details, '{}') || $11::jsonb END,
         featured = coalesce($12::boolean, featured), commission_bps = coalesce($13::integer, commission_bps),
         updated_at = now()
   WHERE v.id = $1::text
  RETURNING v.id, v AS vendor
), audited AS (
  INSERT INTO admin_audit (admin_id, act, subject, details, request_id)
  SELECT $14::text, $15::text, c.id, $16::jsonb, $17::text FROM changed c
), published AS (
  INSERT INTO outbox (aggregate, type, rooms, payload)
  SELECT c.id, 'vendor_changed', ARRAY['vendor:' || c.id],
         json_build_object('vendorId', c.id, 'timestamp', iso(now())) FROM changed c
)
SELECT admin_vendor_json(c.vendor, false) FROM changed c
