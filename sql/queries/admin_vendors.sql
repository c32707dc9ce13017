-- Vendors in the admin namespace. Every write publishes an event for the other instances.

-- Newest first. approval NULL: any; search: in names, phones, e-mails and cities, NULL: all. Always one row.
-- name: admin_vendor_list
-- columns: total, rows
WITH found AS MATERIALIZED (
  SELECT v.id FROM vendors v
   WHERE :search::text IS NULL AND (:approval::text IS NULL OR v.approval_status = :approval)
  UNION ALL
  SELECT v.id FROM vendors v
   WHERE search_text(v.business_name, v.owner_name, v.phone, v.email, v.city) LIKE search_like(:search)
     AND (:approval IS NULL OR v.approval_status = :approval)
), page AS (
  SELECT v.id, v.created_at, v AS vendor FROM found JOIN vendors v USING (id)
   ORDER BY v.created_at DESC, v.id DESC LIMIT :limit::bigint OFFSET :offset::bigint
)
SELECT (SELECT count(*) FROM found) AS total,
  '[' || coalesce(string_agg(admin_vendor_json(p.vendor, false), ',' ORDER BY p.created_at DESC, p.id DESC), '') || ']' AS rows
  FROM page p

-- The row with its statistics. No row: 404.
-- name: admin_vendor_get
-- columns: vendor
SELECT admin_vendor_json(v, true) AS vendor FROM vendors v WHERE v.id = :vendor_id::text

-- All menu items, by category and name. No row: the vendor does not exist.
-- name: admin_vendor_items
-- columns: items
SELECT '[' || coalesce(string_agg(admin_item_json(i), ',' ORDER BY i.category, i.name, i.id)
    FILTER (WHERE i.id IS NOT NULL), '') || ']' AS items
  FROM vendors v LEFT JOIN items i ON i.vendor_id = v.id AND i.deleted_at IS NULL
 WHERE v.id = :vendor_id::text GROUP BY v.id

-- Approves, rejects or suspends a vendor; an event carries a changed approval. A vendor who is not approved goes offline; a
-- suspension ends the sessions.
-- access_life: of access tokens, in seconds. ended: result of account_end_sessions, NULL: no session. No row: 404.
-- name: admin_vendor_set_approval
-- columns: vendor, ended
WITH held AS MATERIALIZED (
  SELECT v.id, v.approval_status FROM vendors v WHERE v.id = :vendor_id::text FOR UPDATE
), changed AS (
  UPDATE vendors v
     SET approval_status = :approval::text, rejected_reason = :reason::text, is_online = v.is_online AND :approval = 'APPROVED',
         status = CASE :approval WHEN 'APPROVED' THEN 'ACTIVE' ELSE v.status END, updated_at = now()
    FROM held h WHERE v.id = h.id
  RETURNING v.id, v AS vendor, h.approval_status IS DISTINCT FROM :approval AS approval_changed,
    admin_audit_add(:audit::jsonb, v.id) AS audit_id
), ended AS MATERIALIZED (
  SELECT account_end_sessions(c.id, 'suspended', :access_life::bigint) AS ids FROM changed c WHERE :approval = 'SUSPENDED'
), published AS (
  INSERT INTO event_log (aggregate, type, rooms, payload)
  SELECT c.id, 'vendor_changed', ARRAY['vendor:' || c.id], json_strip_nulls(json_build_object('vendorId', c.id,
         'approval', CASE WHEN c.approval_changed THEN :approval END, 'reason', CASE WHEN c.approval_changed THEN :reason END,
         'timestamp', iso(now()))) FROM changed c
)
SELECT admin_vendor_json(c.vendor, false) AS vendor, (SELECT ids FROM ended) AS ended FROM changed c

-- Changes the given values; NULL leaves a value.
-- mobile_money_number '': removed; pay-outs prefer it to the bank account; a new bank account removes it.
-- bank_details: merged into the stored ones. ended: always NULL, so that both writes have the same columns. No row: 404.
-- name: admin_vendor_edit
-- columns: vendor, ended
WITH changed AS (
  UPDATE vendors v
     SET business_name = coalesce(:business_name::text, business_name), owner_name = coalesce(:owner_name::text, owner_name),
         phone = coalesce(:phone::text, phone), email_verified = email_verified AND coalesce(:email::text = email, true),
         email = coalesce(:email, email),
         address = coalesce(:address::text, address), city = coalesce(:city::text, city),
         description = coalesce(changed(:description::text, description), ''),
         mobile_money_number = CASE WHEN :mobile_money_number::text IS NULL AND :bank_details::jsonb ? 'accountNumber' THEN NULL
                                    ELSE changed(:mobile_money_number, mobile_money_number) END,
         mobile_money_provider = CASE WHEN :mobile_money_provider::text IS NULL AND (:mobile_money_number = '' OR :mobile_money_number IS NULL AND :bank_details ? 'accountNumber')
                                      THEN NULL ELSE changed(:mobile_money_provider, mobile_money_provider) END,
         bank_details = CASE WHEN :bank_details IS NULL THEN bank_details
                             ELSE coalesce(bank_details, '{}') || :bank_details END,
         featured = coalesce(:featured?::boolean, featured), commission_bps = coalesce(:commission_bps?::integer, commission_bps),
         updated_at = now()
   WHERE v.id = :vendor_id::text
  RETURNING v.id, v AS vendor, admin_audit_add(:audit::jsonb, v.id) AS audit_id
), published AS (
  INSERT INTO event_log (aggregate, type, rooms, payload)
  SELECT c.id, 'vendor_changed', ARRAY['vendor:' || c.id],
         json_build_object('vendorId', c.id, 'timestamp', iso(now())) FROM changed c
)
SELECT admin_vendor_json(c.vendor, false) AS vendor, NULL::text AS ended FROM changed c
