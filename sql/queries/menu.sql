-- A vendor's menu for the vendor. The public menu is in catalogue.sql.

-- Adds an item, unless the menu is full. item: {name, description?, category, price, originalPrice?, preparationTime,
-- available?, stock?, unit?, images?, tags?, variants?, addOns?}. When additions need approval, the item is hidden and a
-- NEW_ITEM request is made. outcome: CREATED, ITEM_LIMIT or ACCOUNT_GONE.
-- name: item_insert
-- columns: outcome, item
WITH room AS MATERIALIZED (
  SELECT menu_has_room(:vendor_id::text) AS free
), added AS (
  INSERT INTO items (id, vendor_id, name, description, category, price, original_price, preparation_time,
    available, stock, unit, images, tags, variants, add_ons, hidden)
  SELECT :item_id::text, :vendor_id::text, n ->> 'name', coalesce(n ->> 'description', ''), n ->> 'category',
    (n ->> 'price')::bigint, (n ->> 'originalPrice')::bigint, (n ->> 'preparationTime')::integer,
    coalesce((n ->> 'available')::boolean, true), (n ->> 'stock')::integer, n ->> 'unit',
    json_texts(n, 'images', '{}'), json_texts(n, 'tags', '{}'),
    coalesce(n -> 'variants', '[]'), coalesce(n -> 'addOns', '[]'), :needs_approval::boolean
    FROM room, (SELECT :item::jsonb) AS new(n) WHERE room.free
  RETURNING id, price, item_json(items) AS json
), requested AS (
  INSERT INTO menu_requests (id, vendor_id, item_id, change_type, requested_price, reason)
  SELECT :request_id::text, :vendor_id::text, added.id, 'NEW_ITEM', added.price, :reason::text FROM added WHERE :needs_approval::boolean
)
SELECT CASE WHEN added.id IS NOT NULL THEN 'CREATED' WHEN room.free IS NULL THEN 'ACCOUNT_GONE' ELSE 'ITEM_LIMIT' END AS outcome,
  added.json AS item
  FROM room LEFT JOIN added ON true

-- Changes the members of an item that `changes` names (as in item_insert); null clears description, originalPrice, stock
-- (stock is then not counted) and unit. When prices need approval, the old price stays and a PRICE_UPDATE request is made; a
-- request for the present price withdraws it. outcome: CHANGED, ITEM_NOT_FOUND or ITEM_NOT_OWNER.
-- requested: a request was made.
-- name: item_update
-- columns: outcome, item, requested
WITH found AS MATERIALIZED (
  SELECT i.id, i.vendor_id = :vendor_id::text AS own FROM items i WHERE i.id = :item_id::text AND i.deleted_at IS NULL
), changed AS (
  UPDATE items i
     SET name = coalesce(c ->> 'name', i.name), description = coalesce(changed_member(c, 'description', i.description), ''),
         category = coalesce(c ->> 'category', i.category),
         price = CASE WHEN :needs_approval::boolean AND NOT i.hidden THEN i.price
                      ELSE coalesce((c ->> 'price')::bigint, i.price) END,
         original_price = changed_member(c, 'originalPrice', i.original_price::text)::bigint,
         preparation_time = coalesce((c ->> 'preparationTime')::integer, i.preparation_time),
         available = coalesce((c ->> 'available')::boolean, i.available),
         stock = changed_member(c, 'stock', i.stock::text)::integer,
         unit = changed_member(c, 'unit', i.unit),
         images = json_texts(c, 'images', i.images), tags = json_texts(c, 'tags', i.tags),
         variants = coalesce(c -> 'variants', i.variants), add_ons = coalesce(c -> 'addOns', i.add_ons),
         updated_at = now()
    FROM (SELECT :changes::jsonb) AS change(c)
   WHERE i.id = :item_id::text AND i.vendor_id = :vendor_id::text AND i.deleted_at IS NULL
  RETURNING i.id, i.price, i.hidden, (c ->> 'price')::bigint AS wanted, item_json(i) AS json
), withdrawn AS (
  DELETE FROM menu_requests r USING changed
   WHERE r.item_id = changed.id AND r.status = 'PENDING' AND r.change_type = 'PRICE_UPDATE'
     AND changed.wanted = changed.price
), requested AS (
  INSERT INTO menu_requests (id, vendor_id, item_id, change_type, current_price, requested_price, reason)
  SELECT :request_id::text, :vendor_id::text, id, CASE WHEN hidden THEN 'NEW_ITEM' ELSE 'PRICE_UPDATE' END,
    CASE WHEN NOT hidden THEN price END, wanted, :reason::text
    FROM changed WHERE CASE WHEN hidden THEN wanted IS NOT NULL ELSE wanted <> price END
  ON CONFLICT (item_id, change_type) WHERE status = 'PENDING' DO UPDATE
     SET current_price = excluded.current_price, requested_price = excluded.requested_price,
         reason = coalesce(excluded.reason, menu_requests.reason)
  RETURNING true
)
SELECT CASE WHEN changed.id IS NOT NULL THEN 'CHANGED' WHEN NOT found.own THEN 'ITEM_NOT_OWNER'
    ELSE 'ITEM_NOT_FOUND' END AS outcome,
  changed.json AS item, EXISTS (SELECT FROM requested) AS requested
  FROM (SELECT) one LEFT JOIN found ON true LEFT JOIN changed ON true

-- Deletes an item from the menu. The row stays for the orders that refer to it. Its pending requests are deleted.
-- outcome: DELETED, ITEM_NOT_FOUND or ITEM_NOT_OWNER.
-- name: item_delete
-- columns: outcome
WITH found AS MATERIALIZED (
  SELECT i.id, i.vendor_id = :vendor_id::text AS own FROM items i WHERE i.id = :item_id::text AND i.deleted_at IS NULL
), deleted AS (
  UPDATE items i SET deleted_at = now(), updated_at = now()
   WHERE i.id = :item_id::text AND i.vendor_id = :vendor_id::text AND i.deleted_at IS NULL
  RETURNING i.id
), withdrawn AS (
  DELETE FROM menu_requests r USING deleted WHERE r.item_id = deleted.id AND r.status = 'PENDING'
)
SELECT CASE WHEN deleted.id IS NOT NULL THEN 'DELETED' WHEN NOT found.own THEN 'ITEM_NOT_OWNER'
    ELSE 'ITEM_NOT_FOUND' END AS outcome
  FROM (SELECT) one LEFT JOIN found ON true LEFT JOIN deleted ON true

-- Makes items available or unavailable. Unknown ids and items of other vendors are skipped. Locks in order of id, as orders
-- do. changed: how many items.
-- name: items_set_available
-- columns: changed
WITH own AS MATERIALIZED (
  SELECT i.id FROM items i
   WHERE i.id = ANY (:item_ids::text[]) AND i.vendor_id = :vendor_id::text AND i.deleted_at IS NULL
   ORDER BY i.id FOR NO KEY UPDATE
), changed AS (
  UPDATE items i SET available = :available::boolean, updated_at = now() FROM own WHERE i.id = own.id
  RETURNING i.id
)
SELECT count(*) AS changed FROM changed

-- One item, also a hidden one. No row: no such item.
-- name: item_get
-- columns: is_owner, item
SELECT i.vendor_id = :vendor_id::text AS is_owner, item_json(i) AS item FROM items i WHERE i.id = :item_id::text AND i.deleted_at IS NULL

-- A vendor's items by name, also hidden ones: {items,total}. Always one row.
-- name: item_list
-- columns: menu
SELECT '{"items":[' || coalesce(string_agg(item_json(i), ',' ORDER BY i.name, i.id), '')
  || '],"total":' || count(*) || '}' AS menu
  FROM items i
 WHERE i.vendor_id = :vendor_id::text AND i.deleted_at IS NULL
   AND (:category::text IS NULL OR search_fold(i.category) = search_fold(:category::text))
   AND i.available = coalesce(:available?::boolean, i.available)
   AND (:search::text IS NULL OR search_text(i.name, i.description) LIKE search_like(:search::text))

-- The categories of a vendor's menu, by name: {categories,total}. Always one row.
-- name: item_categories
-- columns: categories
SELECT '{"categories":' || coalesce(array_to_json(array_agg(DISTINCT i.category))::text, '[]')
  || ',"total":' || count(DISTINCT i.category) || '}' AS categories
  FROM items i WHERE i.vendor_id = :vendor_id::text AND i.deleted_at IS NULL
