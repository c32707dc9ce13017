-- A vendor's menu for the vendor. The public menu is in catalogue.sql.

-- Adds an item, unless the menu is full. When additions need approval, the item is hidden and a NEW_ITEM request is made.
--  $1 item id   $2 vendor id   $3 the item, JSON: name, description?, category, price, originalPrice?, preparationTime,
--  available?, stock?, unit?, images?, tags?, variants?, addOns?   $4 needs approval   $5 id of the request   $6 its reason or NULL
-- Columns: outcome (CREATED, ITEM_LIMIT, ACCOUNT_GONE), item.
-- name: item_insert
WITH room AS MATERIALIZED (
  SELECT menu_has_room($2::text) AS free
), added AS (
  INSERT INTO items (id, vendor_id, name, description, category, price, original_price, preparation_time,
    available, stock, unit, images, tags, variants, add_ons, hidden)
  SELECT $1::text, $2::text, n ->> 'name', coalesce(n ->> 'description', ''), n ->> 'category',
    (n ->> 'price')::bigint, (n ->> 'originalPrice')::bigint, (n ->> 'preparationTime')::integer,
    coalesce((n ->> 'available')::boolean, true), (n ->> 'stock')::integer, n ->> 'unit',
    json_texts(n, 'images', '{}'), json_texts(n, 'tags', '{}'),
    coalesce(n -> 'variants', '[]'), coalesce(n -> 'addOns', '[]'), $4::boolean
    FROM room, (SELECT $3::jsonb) AS new(n) WHERE room.free
  RETURNING id, price, item_json(items) AS json
), requested AS (
  INSERT INTO menu_requests (id, vendor_id, item_id, change_type, requested_price, reason)
  SELECT $5::text, $2::text, added.id, 'NEW_ITEM', added.price, $6::text FROM added WHERE $4::boolean
)
SELECT CASE WHEN added.id IS NOT NULL THEN 'CREATED' WHEN room.free IS NULL THEN 'ACCOUNT_GONE' ELSE 'ITEM_LIMIT' END,
  added.json
  FROM room LEFT JOIN added ON true

-- Changes the members of an item that a JSON object names; null clears description, originalPrice, stock (stock is then
-- not counted) and unit. When prices need approval, the old price stays and a PRICE_UPDATE request is made; a request for
-- the present price withdraws it.
--  $1 vendor id   $2 item id   $3 the changes, members as in item_insert   $4 prices need approval   $5 id of the request
--  $6 its reason or NULL
-- Columns: outcome (CHANGED, ITEM_NOT_FOUND, ITEM_NOT_OWNER), item, whether a request was made.
-- name: item_update
WITH found AS MATERIALIZED (
  SELECT i.id, i.vendor_id = $1::text AS own FROM items i WHERE i.id = $2::text AND i.deleted_at IS NULL
), changed AS (
  UPDATE items i
     SET name = coalesce(c ->> 'name', i.name), description = coalesce(changed(c, 'description', i.description), ''),
         category = coalesce(c ->> 'category', i.category),
         price = CASE WHEN $4::boolean AND NOT i.hidden THEN i.price
                      ELSE coalesce((c ->> 'price')::bigint, i.price) END,
         original_price = changed(c, 'originalPrice', i.original_price::text)::bigint,
         preparation_time = coalesce((c ->> 'preparationTime')::integer, i.preparation_time),
         available = coalesce((c ->> 'available')::boolean, i.available),
         stock = changed(c, 'stock', i.stock::text)::integer,
         unit = changed(c, 'unit', i.unit),
         images = json_texts(c, 'images', i.images), tags = json_texts(c, 'tags', i.tags),
         variants = coalesce(c -> 'variants', i.variants), add_ons = coalesce(c -> 'addOns', i.add_ons),
         updated_at = now()
    FROM (SELECT $3::jsonb) AS change(c)
   WHERE i.id = $2::text AND i.vendor_id = $1::text AND i.deleted_at IS NULL
  RETURNING i.id, i.price, i.hidden, (c ->> 'price')::bigint AS wanted, item_json(i) AS json
), withdrawn AS (
  DELETE FROM menu_requests r USING changed
   WHERE r.item_id = changed.id AND r.status = 'PENDING' AND r.change_type = 'PRICE_UPDATE'
     AND changed.wanted = changed.price
), requested AS (
  INSERT INTO menu_requests (id, vendor_id, item_id, change_type, current_price, requested_price, reason)
  SELECT $5::text, $1::text, id, CASE WHEN hidden THEN 'NEW_ITEM' ELSE 'PRICE_UPDATE' END,
    CASE WHEN NOT hidden THEN price END, wanted, $6::text
    FROM changed WHERE CASE WHEN hidden THEN wanted IS NOT NULL ELSE wanted <> price END
  ON CONFLICT (item_id, change_type) WHERE status = 'PENDING' DO UPDATE
     SET current_price = excluded.current_price, requested_price = excluded.requested_price,
         reason = coalesce(excluded.reason, menu_requests.reason)
  RETURNING true
)
SELECT CASE WHEN changed.id IS NOT NULL THEN 'CHANGED' WHEN NOT found.own THEN 'ITEM_NOT_OWNER'
    ELSE 'ITEM_NOT_FOUND' END,
  changed.json, EXISTS (SELECT FROM requested)
  FROM (SELECT) one LEFT JOIN found ON true LEFT JOIN changed ON true

-- Deletes an item from the menu. The row stays for the orders that refer to it. Its pending requests are deleted.
--  $1 vendor id   $2 item id
-- Columns: outcome (DELETED, ITEM_NOT_FOUND, ITEM_NOT_OWNER).
-- name: item_delete
WITH found AS MATERIALIZED (
  SELECT i.id, i.vendor_id = $1::text AS own FROM items i WHERE i.id = $2::text AND i.deleted_at IS NULL
), deleted AS (
  UPDATE items i SET deleted_at = now(), updated_at = now()
   WHERE i.id = $2::text AND i.vendor_id = $1::text AND i.deleted_at IS NULL
  RETURNING i.id
), withdrawn AS (
  DELETE FROM menu_requests r USING deleted WHERE r.item_id = deleted.id AND r.status = 'PENDING'
)
SELECT CASE WHEN deleted.id IS NOT NULL THEN 'DELETED' WHEN NOT found.own THEN 'ITEM_NOT_OWNER'
    ELSE 'ITEM_NOT_FOUND' END
  FROM (SELECT) one LEFT JOIN found ON true LEFT JOIN deleted ON true

-- Makes items available or unavailable. Unknown ids and items of other vendors are skipped. Locks in order of id, as orders do.
--  $1 vendor id   $2 item ids text[]   $3 available
-- Columns: number of items changed.
-- name: items_set_available
WITH own AS MATERIALIZED (
  SELECT i.id FROM items i
   WHERE i.id = ANY ($2::text[]) AND i.vendor_id = $1::text AND i.deleted_at IS NULL
   ORDER BY i.id FOR NO KEY UPDATE
), changed AS (
  UPDATE items i SET available = $3::boolean, updated_at = now() FROM own WHERE i.id = own.id
  RETURNING i.id
)
SELECT count(*) FROM changed

-- One item, also a hidden one.
--  $1 vendor id   $2 item id
-- Columns: whether the item is the vendor's, item. No row: no such item.
-- name: item_get
SELECT i.vendor_id = $1::text, item_json(i) FROM items i WHERE i.id = $2::text AND i.deleted_at IS NULL

-- A vendor's items by name, also hidden ones.
--  $1 vendor id   $2 category or NULL   $3 available, or NULL for both   $4 search text for names and descriptions, or NULL
-- Columns: {items,total}. Always one row.
-- name: item_list
SELECT '{"items":[' || coalesce(string_agg(item_json(i), ',' ORDER BY i.name, i.id), '')
  || '],"total":' || count(*) || '}'
  FROM items i
 WHERE i.vendor_id = $1::text AND i.deleted_at IS NULL
   AND ($2::text IS NULL OR search_fold(i.category) = search_fold($2::text))
   AND i.available = coalesce($3::boolean, i.available)
   AND ($4::text IS NULL OR search_text(i.name, i.description) LIKE search_like($4::text))

-- The categories of a vendor's menu, by name.
--  $1 vendor id
-- Columns: {categories,total}. Always one row.
-- name: item_categories
SELECT '{"categories":' || coalesce(array_to_json(array_agg(DISTINCT i.category))::text, '[]')
  || ',"total":' || count(DISTINCT i.category) || '}'
  FROM items i WHERE i.vendor_id = $1::text AND i.deleted_at IS NULL
