-- Writes of a vendor to its own profile and settings.

-- Changes the members of a vendor that `changes` names: businessName, ownerName, phone (must be verified again), description,
-- logo, coverImage, address, city, lat, lng, minOrderAmount, deliveryRadius, averagePreparationTime, tags, isHighDemand,
-- language, businessHours, bankDetails: each replaces the present value; null clears description, logo, coverImage,
-- minOrderAmount, deliveryRadius; bankDetails also clears the mobile-money number that an admin entered; documents are added
-- to the present ones. No row: no such vendor. A phone in use violates vendors_phone_key.
-- name: vendor_update
-- columns: vendor
WITH changed AS (
  UPDATE vendors v
     SET business_name = coalesce(c ->> 'businessName', v.business_name),
         owner_name = coalesce(c ->> 'ownerName', v.owner_name),
         phone_verified = v.phone_verified AND coalesce(c ->> 'phone' = v.phone, true),
         phone = coalesce(c ->> 'phone', v.phone),
         description = coalesce(changed_member(c, 'description', v.description), ''),
         logo = changed_member(c, 'logo', v.logo),
         cover_image = changed_member(c, 'coverImage', v.cover_image),
         address = coalesce(c ->> 'address', v.address), city = coalesce(c ->> 'city', v.city),
         lat = coalesce((c ->> 'lat')::double precision, v.lat), lng = coalesce((c ->> 'lng')::double precision, v.lng),
         min_order_amount = coalesce(changed_member(c, 'minOrderAmount', v.min_order_amount::text)::bigint, 0),
         delivery_radius = changed_member(c, 'deliveryRadius', v.delivery_radius::text)::double precision,
         average_preparation_time = coalesce((c ->> 'averagePreparationTime')::integer, v.average_preparation_time),
         tags = json_texts(c, 'tags', v.tags),
         is_high_demand = coalesce((c ->> 'isHighDemand')::boolean, v.is_high_demand),
         language = coalesce(c ->> 'language', v.language),
         business_hours = coalesce(c -> 'businessHours', v.business_hours),
         bank_details = coalesce(c -> 'bankDetails', v.bank_details),
         mobile_money_number = CASE WHEN c ? 'bankDetails' THEN NULL ELSE v.mobile_money_number END,
         mobile_money_provider = CASE WHEN c ? 'bankDetails' THEN NULL ELSE v.mobile_money_provider END,
         documents = v.documents || coalesce(c -> 'documents', '{}'), updated_at = now()
    FROM (SELECT :changes::jsonb) AS change(c)
   WHERE v.id = :vendor_id::text
  RETURNING v.id, vendor_self_json(v) AS json
), published AS (
  INSERT INTO event_log (aggregate, type, rooms, payload)
  SELECT id, 'vendor_changed', ARRAY['vendor:' || id], json_build_object('vendorId', id, 'timestamp', iso(now()))
    FROM changed
)
SELECT json AS vendor FROM changed

-- Sets a vendor online or offline. Only an approved vendor can go online. outcome: CHANGED, NOT_APPROVED or ACCOUNT_GONE.
-- name: vendor_set_online
-- columns: outcome, vendor
WITH changed AS (
  UPDATE vendors v SET is_online = :online::boolean, updated_at = now()
   WHERE v.id = :vendor_id::text AND (NOT :online::boolean OR v.approval_status = 'APPROVED')
  RETURNING v.id, vendor_self_json(v) AS json
), published AS (
  INSERT INTO event_log (aggregate, type, rooms, payload)
  SELECT id, 'vendor_changed', ARRAY['vendor:' || id], json_build_object('vendorId', id, 'timestamp', iso(now()))
    FROM changed
)
SELECT CASE WHEN changed.id IS NOT NULL THEN 'CHANGED'
    WHEN EXISTS (SELECT FROM vendors WHERE id = :vendor_id::text) THEN 'NOT_APPROVED' ELSE 'ACCOUNT_GONE' END AS outcome,
  changed.json AS vendor
  FROM (SELECT) one LEFT JOIN changed ON true
