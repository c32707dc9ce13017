-- Public vendors and their menus: approved vendors only.

-- The public Vendor object, without distance: the value of `vendor:{id}`.
--  $1 vendor id
-- Columns: vendor, milliseconds until its hours open or close next (NULL: never). No row: 404.
-- name: vendor_get
SELECT vendor_json(v, business_zone()), hours_hold_ms(v.business_hours, now() AT TIME ZONE business_zone())
  FROM vendors v WHERE v.id = $1::text AND v.approval_status = 'APPROVED'

-- The whole menu {items,categories}, by category, then name: the value of `menu:{vendorId}`.
--  $1 vendor id
-- Columns: menu. No row: 404.
-- name: menu_get
SELECT '{"items":[' || coalesce(string_agg(item_json(i), ',' ORDER BY i.category, i.name, i.id), '')
  || '],"categories":' || coalesce(array_to_json(array_agg(DISTINCT i.category)
    FILTER (WHERE i.id IS NOT NULL))::text, '[]') || '}'
  FROM vendors v LEFT JOIN items i ON i.vendor_id = v.id AND i.deleted_at IS NULL AND NOT i.hidden
 WHERE v.id = $1::text AND v.approval_status = 'APPROVED'
 GROUP BY v.id

-- A part of the menu. The categories are those of the whole menu.
--  $1 vendor id   $2 category or NULL   $3 search text for names and descriptions, or NULL
-- Columns: menu. No row: 404.
-- name: menu_search
SELECT '{"items":[' || coalesce(string_agg(item_json(i), ',' ORDER BY i.category, i.name, i.id)
    FILTER (WHERE ($2::text IS NULL OR search_fold(i.category) = search_fold($2::text))
      AND ($3::text IS NULL OR search_text(i.name, i.description) LIKE search_like($3::text))), '')
  || '],"categories":' || coalesce(array_to_json(array_agg(DISTINCT i.category)
    FILTER (WHERE i.id IS NOT NULL))::text, '[]') || '}'
  FROM vendors v LEFT JOIN items i ON i.vendor_id = v.id AND i.deleted_at IS NULL AND NOT i.hidden
 WHERE v.id = $1::text AND v.approval_status = 'APPROVED'
 GROUP BY v.id

-- Vendors: nearest first when a point is given, then best rated, then by name.
--  $1 service type or NULL   $2 lat, $3 lng: position of the customer, or NULL   $4 radius km or NULL
--  $5 search text for names, descriptions and tags, or NULL   $6 category: a tag, or a category of the menu, or NULL
--  $7 open now only (boolean)   $8 limit   $9 offset
-- The delivery fee needs a position: $10 fee base, $11 fee per km (of the distance rounded up), or a fixed fee that
--  replaces them: $12 for FOOD, $13 for MART (of a zone or of the flat mode), each or NULL
-- Columns: total, vendors (a JSON array). Always one row.
-- name: vendor_list
WITH near AS MATERIALIZED (
  SELECT v.id, distance_km($2::double precision, $3::double precision, v.lat, v.lng) AS km,
         coalesce(v.rating_sum::double precision / nullif(v.total_ratings, 0), 0) AS rating, v.business_name
    FROM vendors v
   WHERE v.approval_status = 'APPROVED' AND v.service_type = coalesce($1::text, v.service_type)
     AND ($5::text IS NULL OR v.id IN (SELECT s.id FROM vendors s
       WHERE search_text(s.business_name, s.description, texts_joined(s.tags)) LIKE search_like($5::text)))
     AND ($6::text IS NULL OR EXISTS (SELECT FROM unnest(v.tags) tag WHERE search_fold(tag) = search_fold($6::text))
       OR EXISTS (SELECT FROM items i WHERE i.vendor_id = v.id AND i.deleted_at IS NULL AND NOT i.hidden
                     AND search_fold(i.category) = search_fold($6::text)))
     AND (NOT $7::boolean OR vendor_open(v, business_zone()))
), found AS MATERIALIZED (
  SELECT * FROM near WHERE $4::double precision IS NULL OR km IS NULL OR km <= $4::double precision
), page AS (
  SELECT * FROM found ORDER BY km, rating DESC, business_name, id LIMIT $8::bigint OFFSET $9::bigint
)
SELECT (SELECT count(*) FROM found),
  '[' || coalesce(string_agg(vendor_json(v, business_zone(), p.km,
      CASE WHEN p.km IS NOT NULL THEN coalesce(
        CASE v.service_type WHEN 'FOOD' THEN $12::bigint ELSE $13::bigint END,
        $10::bigint + ceil(p.km)::bigint * $11::bigint) END),
    ',' ORDER BY p.km, p.rating DESC, p.business_name, p.id), '') || ']'
  FROM page p JOIN vendors v ON v.id = p.id

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
