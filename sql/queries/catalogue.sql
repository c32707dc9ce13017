-- Public vendors and their menus: approved vendors only.

-- The public Vendor object, without distance: the value of `vendor:{id}`. hold_ms: milliseconds until its hours open or close
-- next (NULL: never). No row: 404.
-- name: vendor_get
-- columns: vendor, hold_ms
SELECT vendor_public_json(v, business_zone()) AS vendor,
  hours_hold_ms(v.business_hours, now() AT TIME ZONE business_zone()) AS hold_ms
  FROM vendors v WHERE v.id = :vendor_id::text AND v.approval_status = 'APPROVED'

-- The public Vendor object for a customer with a position. vendor: without its closing brace; the server appends distance
-- and fee, which it computes from lat and lng. No row: 404.
-- name: vendor_get_near
-- columns: vendor, service_type, lat, lng
SELECT vendor_public_members(v, business_zone()) AS vendor, v.service_type, v.lat, v.lng
  FROM vendors v WHERE v.id = :vendor_id::text AND v.approval_status = 'APPROVED'

-- Vendors: nearest first when a position is given, then best rated, then by name. search: in names, descriptions and
-- tags. category: a tag, or a category of the menu. radius: km around lat and lng. total: of all pages. vendor: as in
-- vendor_get_near; NULL in the only row of an empty page.
-- name: vendor_list
-- columns: total, vendor, service_type, lat, lng
WITH near AS MATERIALIZED (
  SELECT v.id, distance_km(:lat?::double precision, :lng?::double precision, v.lat, v.lng) AS km,
         coalesce(v.rating_sum::double precision / nullif(v.total_ratings, 0), 0) AS rating, v.business_name
    FROM vendors v
   WHERE v.approval_status = 'APPROVED' AND v.service_type = coalesce(:service_type::text, v.service_type)
     AND (:search::text IS NULL OR v.id IN (SELECT s.id FROM vendors s
       WHERE search_text(s.business_name, s.description, texts_joined(s.tags)) LIKE search_like(:search::text)))
     AND (:category::text IS NULL
       OR EXISTS (SELECT FROM unnest(v.tags) tag WHERE search_fold(tag) = search_fold(:category::text))
       OR EXISTS (SELECT FROM items i WHERE i.vendor_id = v.id AND i.deleted_at IS NULL AND NOT i.hidden
                     AND search_fold(i.category) = search_fold(:category::text)))
     AND (NOT :open_now::boolean OR vendor_open(v, business_zone()))
), found AS MATERIALIZED (
  SELECT * FROM near
   WHERE :radius?::double precision IS NULL OR km IS NULL OR km <= :radius::double precision
), page AS (
  SELECT * FROM found ORDER BY km, rating DESC, business_name, id LIMIT :limit::bigint OFFSET :offset::bigint
)
SELECT t.total, vendor_public_members(v, business_zone()) AS vendor, v.service_type, v.lat, v.lng
  FROM (SELECT count(*) AS total FROM found) t LEFT JOIN (page p JOIN vendors v ON v.id = p.id) ON true
 ORDER BY p.km, p.rating DESC, p.business_name, p.id

-- The whole menu {items,categories}, by category, then name: the value of `menu:{vendorId}`. No row: 404.
-- name: menu_get
-- columns: menu
SELECT '{"items":[' || coalesce(string_agg(item_json(i), ',' ORDER BY i.category, i.name, i.id), '')
  || '],"categories":' || coalesce(array_to_json(array_agg(DISTINCT i.category)
    FILTER (WHERE i.id IS NOT NULL))::text, '[]') || '}' AS menu
  FROM vendors v LEFT JOIN items i ON i.vendor_id = v.id AND i.deleted_at IS NULL AND NOT i.hidden
 WHERE v.id = :vendor_id::text AND v.approval_status = 'APPROVED'
 GROUP BY v.id

-- A part of the menu: items of a category, or with a text in name or description. The categories are those of the whole
-- menu. No row: 404.
-- name: menu_search
-- columns: menu
SELECT '{"items":[' || coalesce(string_agg(item_json(i), ',' ORDER BY i.category, i.name, i.id)
    FILTER (WHERE (:category::text IS NULL OR search_fold(i.category) = search_fold(:category::text))
      AND (:search::text IS NULL OR search_text(i.name, i.description) LIKE search_like(:search::text))), '')
  || '],"categories":' || coalesce(array_to_json(array_agg(DISTINCT i.category)
    FILTER (WHERE i.id IS NOT NULL))::text, '[]') || '}' AS menu
  FROM vendors v LEFT JOIN items i ON i.vendor_id = v.id AND i.deleted_at IS NULL AND NOT i.hidden
 WHERE v.id = :vendor_id::text AND v.approval_status = 'APPROVED'
 GROUP BY v.id

-- What pricing needs of a vendor, in one row. Each loop of the server keeps it parsed for a short time, and decides whether
-- the vendor is open (src/service/catalogue.c). commission_bps: NULL for the rate of its service. items: a JSON array of
-- {"id","name","price","available","stock","image","variants","addOns"}. No row: no such vendor.
-- name: shop_get
-- columns: service_type, approval_status, is_online, lat, lng, min_order_amount, preparation_minutes, commission_bps
-- columns: business_hours, utc_offset_minutes, items
SELECT v.service_type, v.approval_status, v.is_online, v.lat, v.lng, v.min_order_amount,
  v.average_preparation_time AS preparation_minutes, v.commission_bps, v.business_hours,
  (extract(epoch FROM (now() AT TIME ZONE business_zone()) - (now() AT TIME ZONE 'UTC')) / 60)::bigint AS utc_offset_minutes,
  (SELECT '[' || coalesce(string_agg('{"id":' || json_word(i.id) || ',"name":' || json_text(i.name)
     || ',"price":' || i.price || ',"available":' || json_flag(i.available)
     || ',"stock":' || coalesce(i.stock::text, 'null') || ',"image":' || json_text(i.images[1])
     || ',"variants":' || i.variants || ',"addOns":' || i.add_ons || '}', ',' ORDER BY i.id), '') || ']'
     FROM items i WHERE i.vendor_id = v.id AND i.deleted_at IS NULL AND NOT i.hidden) AS items
  FROM vendors v WHERE v.id = :vendor_id::text
