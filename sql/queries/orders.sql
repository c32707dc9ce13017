-- Orders of customers: place and read; orders that expire.
-- The comment above each statement describes its parameters, columns and outcomes. An outcome is PLACED, REPLAY or the
-- name of an enum err without E_.

-- Places an order: FOOD and MART (from a vendor's menu) or PACKAGE. It writes everything or nothing.
--  $1 order id            $2 order number       $3 type (FOOD, MART, PACKAGE)
--  $4 user id             $5 vendor id, NULL for PACKAGE
--  $6 the lines as stored and returned, JSON: [{itemId,name,quantity,price,notes,specialInstructions,image,options?}]
--  $7 item ids text[]     $8 quantities int[]   $9 quoted prices bigint[]   (per line; '{}' for PACKAGE)
-- $10 subtotal           $11 delivery fee      $12 service fee    $13 discount    $14 total
-- $15 funded fee: the delivery fee that free delivery waives and the platform pays the rider
-- $16 the commission of the service, basis points (used when the vendor has none of its own)
-- $17 distance km        $18 payment method (CARD is paid by the sandbox; MOBILE_MONEY stays PENDING and writes no event)
-- $19 delivery address JSON, as returned        $20 its text       $21 lat   $22 lng
-- $23 delivery instructions                     $24 notes
-- $25 pickup address JSON, $26 its text, $27 lat, $28 lng: PACKAGE; NULL: the address of the vendor
-- $29 package details JSON, only PACKAGE        $30 estimated minutes until delivery
-- $31 verification code or NULL                 $32 id of the ledger row (txn_…)
-- $33 Idempotency-Key or NULL                   $34 its fingerprint
-- $35 hash of the basket; NULL: no check for duplicates                     $36 seconds in which a basket is a duplicate
-- $37 variants and add-ons per line text[], in the format of item_price; NULL (or a missing element): none
-- $38 id of the payment intent (pay_…) of MOBILE_MONEY and CARD, else NULL    $39 phone that pays    $40 its operator or NULL
-- Columns: outcome, order (the Order object, when PLACED), detail.
-- Outcomes: PLACED; REPLAY: the key is known, run idempotency_get; DUPLICATE_ORDER: detail is the id of the first
--  order (NULL when that one was committed after the snapshot: run basket_get);
--  ACCOUNT_NOT_FOUND, SUSPENDED, INACTIVE, PHONE_UNVERIFIED, VENDOR_NOT_FOUND, VENDOR_OFFLINE, WALLET_SHORT;
--  ITEM_NOT_FOUND, ITEM_UNAVAILABLE, PRICE_CHANGED, OUT_OF_STOCK: detail is the item's id.
--  The last stage may also raise WALLET_SHORT and OUT_OF_STOCK, when another order was first, and TOO_MANY_REQUESTS when
--  20 payments of this customer are already open.
-- The caller has looked the key up before (idempotency_get), so REPLAY occurs only for two concurrent requests with one key.
--
-- Consistency at READ COMMITTED: `checked` reads a snapshot, and nothing is written when a check fails.
-- The inserts `once` and `basket` then wait on their unique index for a concurrent duplicate; only one of the two
-- continues. The guard of the wallet is evaluated again on the latest row after its lock. A failure after these inserts
-- raises an error, which rolls them back too. Locks are taken in this order: key, basket, wallet, items.
-- name: order_insert
WITH lines AS MATERIALIZED (
  SELECT min(CASE WHEN i.id IS NULL OR i.vendor_id <> $5::text OR i.deleted_at IS NOT NULL OR i.hidden
                    THEN 'ITEM_NOT_FOUND ' || l.id
                  WHEN NOT i.available THEN 'ITEM_UNAVAILABLE ' || l.id
                  WHEN CASE WHEN l.chosen IS NULL THEN i.price
                            ELSE item_price(i.price, i.variants, i.add_ons, l.chosen) END IS DISTINCT FROM l.price
                    THEN 'PRICE_CHANGED ' || l.id
                  WHEN i.stock < l.quantity THEN 'OUT_OF_STOCK ' || l.id END) AS broken,
         bool_or(i.stock IS NOT NULL) AS counted
    FROM unnest($7::text[], $8::integer[], $9::bigint[], $37::text[]) AS l(id, quantity, price, chosen)
    LEFT JOIN items i ON i.id = l.id
), checked AS MATERIALIZED (
  SELECT CASE
      WHEN EXISTS (SELECT FROM idempotency WHERE account_id = $4::text AND key = $33::text) THEN 'REPLAY'
      WHEN u.id IS NULL OR u.status = 'DELETED' THEN 'ACCOUNT_NOT_FOUND'
      WHEN u.status <> 'ACTIVE' THEN u.status
      WHEN NOT u.phone_verified THEN 'PHONE_UNVERIFIED'
      WHEN $3::text <> 'PACKAGE' AND (v.id IS NULL OR v.approval_status <> 'APPROVED'
        OR v.service_type <> $3::text) THEN 'VENDOR_NOT_FOUND'
      WHEN $3::text <> 'PACKAGE' AND NOT v.is_online THEN 'VENDOR_OFFLINE'
      WHEN lines.broken IS NOT NULL THEN lines.broken
      WHEN $18::text = 'WALLET' AND w.available IS DISTINCT FROM greatest(w.available, $14::bigint)
        THEN 'WALLET_SHORT'
      ELSE 'PLACED' END AS outcome,
    btrim(u.first_name || ' ' || u.last_name) AS user_name, u.phone AS user_phone,
    v.business_name, v.address, v.lat, v.lng, v.commission_bps, lines.counted
    FROM lines
    LEFT JOIN users u ON u.id = $4::text
    LEFT JOIN wallets w ON w.owner_id = $4::text
    LEFT JOIN vendors v ON v.id = $5::text
), draft AS MATERIALIZED (
  SELECT $1::text COLLATE "C" AS id, $2::text COLLATE "C" AS order_number, $3::text COLLATE "C" AS order_type, 'PENDING' COLLATE "C" AS status,
    true AS active, $4::text COLLATE "C" AS user_id, user_name, user_phone, $5::text COLLATE "C" AS vendor_id,
    business_name AS vendor_name, NULL::text COLLATE "C" AS rider_id, NULL::text AS rider_name,
    NULL::text AS rider_phone, $6::json AS items, $29::json AS package_details,
    $10::bigint AS subtotal, $11::bigint AS delivery_fee, $12::bigint AS service_fee,
    $13::bigint AS discount, $14::bigint AS total, $15::bigint AS funded_fee,
    coalesce(commission_bps, $16::integer) AS commission_bps, $17::double precision AS distance,
    $18::text COLLATE "C" AS payment_method,
    CASE WHEN $18::text IN ('WALLET', 'CARD') THEN 'PAID' ELSE 'PENDING' END COLLATE "C" AS payment_status,
    CASE WHEN $18::text = 'WALLET' THEN $32::text ELSE $38::text END COLLATE "C" AS payment_reference,
    $25::json AS pickup_address, coalesce($26::text, address) AS pickup_text,
    coalesce($27::double precision, lat) AS pickup_lat, coalesce($28::double precision, lng) AS pickup_lng,
    $19::json AS delivery_address, $20::text AS delivery_text, $21::double precision AS delivery_lat,
    $22::double precision AS delivery_lng, $23::text AS delivery_instructions, $24::text AS notes,
    NULL::integer AS preparation_time, now() + $30::integer * interval '1 minute' AS estimated_delivery_at,
    NULL::text AS cancel_reason, NULL::text COLLATE "C" AS cancelled_by, NULL::text AS rejection_reason,
    NULL::json AS rating, '[]'::json AS pickup_photos, '[]'::json AS delivery_photos,
    $31::text AS verification_code, ('[' || timeline_entry('PENDING', now(), 'USER') || ']')::json AS timeline,
    now() AS created_at, now() AS updated_at, NULL::timestamptz AS accepted_at,
    NULL::timestamptz AS preparing_at, NULL::timestamptz AS ready_at, NULL::timestamptz AS rider_assigned_at,
    NULL::timestamptz AS arrived_at_pickup_at, NULL::timestamptz AS picked_up_at,
    NULL::timestamptz AS arrived_at_delivery_at, NULL::timestamptz AS delivered_at,
    NULL::timestamptz AS cancelled_at, NULL::timestamptz AS settled_at, NULL::text COLLATE "C" AS attention
    FROM checked WHERE outcome = 'PLACED'
), made AS MATERIALIZED (
  SELECT members, concat(members, ',"verificationCode":', json_word($31::text), '}') AS json
    FROM (SELECT order_members(ROW(draft.*)::orders) AS members FROM draft OFFSET 0) d
), once AS (
  INSERT INTO idempotency (account_id, key, fingerprint, status, body)
  SELECT $4::text, $33::text, $34::text, 201, '{"success":true,"data":' || json || '}'
    FROM made WHERE $33::text IS NOT NULL
  ON CONFLICT DO NOTHING RETURNING true
), basket AS (
  INSERT INTO baskets (user_id, basket, order_id)
  SELECT $4::text, $35::text, $1::text FROM made WHERE $35::text IS NOT NULL
  ON CONFLICT (user_id, basket) DO UPDATE SET placed_at = excluded.placed_at, order_id = excluded.order_id
    WHERE baskets.placed_at <= now() - $36::integer * interval '1 second'
  RETURNING true
), go AS MATERIALIZED (
  SELECT true FROM made
   WHERE ($33::text IS NULL OR EXISTS (SELECT FROM once))
     AND ($35::text IS NULL OR EXISTS (SELECT FROM basket))
), paid AS (
  UPDATE wallets SET available = available - CASE $18::text WHEN 'WALLET' THEN $14::bigint ELSE 0 END,
         total_spent = total_spent + $14::bigint, updated_at = now()
   WHERE owner_id = $4::text AND (available >= $14::bigint AND $18::text = 'WALLET' OR $18::text = 'CARD')
     AND EXISTS (SELECT FROM go)
  RETURNING available
), booked AS (
  INSERT INTO ledger (id, amount, from_kind, from_owner, from_balance, to_kind, category, order_id, reference, description)
  SELECT $32::text, $14::bigint, CASE $18::text WHEN 'WALLET' THEN 'USER' ELSE 'CLEARING' END,
         CASE $18::text WHEN 'WALLET' THEN $4::text END, CASE $18::text WHEN 'WALLET' THEN available END,
         'ESCROW', 'ORDER_PAYMENT', $1::text, $38::text, 'Order ' || $2::text
    FROM paid
), stocked AS (
  SELECT stock_take($7::text[], $8::integer[]) FROM checked
   WHERE counted AND EXISTS (SELECT FROM go) AND ($18::text NOT IN ('WALLET', 'CARD') OR EXISTS (SELECT FROM paid))
), written AS (
  INSERT INTO orders SELECT draft.* FROM draft WHERE EXISTS (SELECT FROM go)
), event AS (
  INSERT INTO outbox (aggregate, type, rooms, payload)
  SELECT $1::text, 'new_order',
         CASE WHEN $5::text IS NULL THEN '{admin}'::text[] ELSE ARRAY['vendor:' || $5::text, 'admin'] END,
         concat('{"orderId":"', $1::text, '","orderNumber":"', $2::text, '","status":"PENDING","timestamp":',
           json_time(now()), ',"data":', members, '}}')::json
    FROM go, made WHERE $18::text <> 'MOBILE_MONEY'
), queued AS (
  INSERT INTO dispatches (order_id)
  SELECT $1::text FROM go WHERE $3::text = 'PACKAGE' AND $18::text <> 'MOBILE_MONEY'
)
SELECT CASE
    WHEN outcome <> 'PLACED' THEN split_part(outcome, ' ', 1)
    WHEN NOT EXISTS (SELECT FROM go) THEN
      CASE WHEN $33::text IS NOT NULL THEN 'REPLAY' ELSE 'DUPLICATE_ORDER' END
    WHEN $18::text IN ('WALLET', 'CARD') AND NOT EXISTS (SELECT FROM paid) THEN fail('WALLET_SHORT')
    WHEN counted AND NOT EXISTS (SELECT FROM stocked) THEN fail('OUT_OF_STOCK')
    WHEN $38::text IS NOT NULL THEN payment_of_order($38::text, $4::text, $1::text, $14::bigint, $18::text, $39::text,
      $40::text, $32::text, $33::text)
    ELSE 'PLACED' END AS outcome,
  CASE WHEN EXISTS (SELECT FROM go) THEN (SELECT json FROM made) END AS order,
  CASE WHEN outcome = 'PLACED' AND $35::text IS NOT NULL AND NOT EXISTS (SELECT FROM go)
       THEN (SELECT order_id FROM baskets WHERE user_id = $4::text AND basket = $35::text)
       ELSE nullif(split_part(outcome, ' ', 2), '') END AS detail
  FROM checked

-- One order by its id, and by its number (whose second character is a dash, which an id never has). One statement for both
-- would be slower: each read would set up two index scans.
--  $1 id, or number
-- Columns: user id (not the caller's: 403), order (the Order for the customer), status, rider id. No row: 404.
-- name: order_get
SELECT o.user_id, order_json_user(o), o.status, o.rider_id FROM orders o WHERE o.id = $1::text
-- name: order_get_numbered
SELECT o.user_id, order_json_user(o), o.status, o.rider_id FROM orders o WHERE o.order_number = $1::text

-- Orders of a customer, newest first. Active and final orders are one range of the index each; both are read from the end
-- and merged. `active IS TRUE` instead of `active` prevents the planner from using orders_open, the index of all customers.
--  $1 user id   $2 states text[] or NULL for all ('{PENDING,ACCEPTED}')   $3 type or NULL
--  $4 from, $5 before: timestamptz or NULL   $6 limit   $7 offset
-- Columns: total, orders (a JSON array). Always one row.
-- name: order_list
WITH page AS (
  (SELECT id, created_at FROM orders
    WHERE user_id = $1::text AND active IS TRUE
      AND created_at >= coalesce($4::timestamptz, '-infinity') AND created_at < coalesce($5::timestamptz, 'infinity')
      AND ($2::text[] IS NULL OR status = ANY ($2::text[])) AND ($3::text IS NULL OR order_type = $3::text)
    ORDER BY created_at DESC LIMIT $6::bigint + $7::bigint)
  UNION ALL
  (SELECT id, created_at FROM orders
    WHERE user_id = $1::text AND active IS FALSE
      AND ($2::text[] IS NULL OR $2::text[] && '{DELIVERED,CANCELLED}')
      AND created_at >= coalesce($4::timestamptz, '-infinity') AND created_at < coalesce($5::timestamptz, 'infinity')
      AND ($2::text[] IS NULL OR status = ANY ($2::text[])) AND ($3::text IS NULL OR order_type = $3::text)
    ORDER BY created_at DESC LIMIT $6::bigint + $7::bigint)
  ORDER BY created_at DESC, id DESC LIMIT $6::bigint OFFSET $7::bigint
)
SELECT
  CASE WHEN $2::text[] IS NULL AND $3::text IS NULL THEN
    (SELECT count(*) FROM orders
      WHERE user_id = $1::text AND created_at >= coalesce($4::timestamptz, '-infinity')
        AND created_at < coalesce($5::timestamptz, 'infinity'))
  ELSE
    (SELECT count(*) FROM orders
      WHERE user_id = $1::text
        AND active = ANY (CASE WHEN $2::text[] IS NULL THEN '{t,f}'::boolean[]
                               WHEN NOT $2::text[] && '{DELIVERED,CANCELLED}' THEN '{t}'
                               WHEN $2::text[] <@ '{DELIVERED,CANCELLED}' THEN '{f}' ELSE '{t,f}' END)
        AND created_at >= coalesce($4::timestamptz, '-infinity') AND created_at < coalesce($5::timestamptz, 'infinity')
        AND ($2::text[] IS NULL OR status = ANY ($2::text[])) AND ($3::text IS NULL OR order_type = $3::text))
  END,
  (SELECT '[' || coalesce(string_agg(order_json_user(o), ',' ORDER BY o.created_at DESC, o.id DESC), '') || ']'
     FROM page JOIN orders o ON o.id = page.id)

-- Active orders of a customer, newest first, at most 100.
--  $1 user id
-- Columns: orders (a JSON array). Always one row.
-- name: order_active
SELECT '[' || coalesce(string_agg(order_json_user(o), ',' ORDER BY o.created_at DESC, o.id DESC), '') || ']'
  FROM (SELECT * FROM orders WHERE user_id = $1::text AND active IS TRUE
         ORDER BY created_at DESC LIMIT 100) o

-- Cancels orders that were not accepted in time (by SYSTEM), with refund and events as order_move does. The timer calls it
-- with one id until it returns no row. For a PACKAGE that a rider gave back, the time starts again. Locked orders are
-- skipped until the next call.
--  $1 minutes (setting order_accept_minutes)   $2 ids of ledger rows (txn_…) text[]: at most as many orders; more than one
--  locks the wallets and stock of several orders in turn
-- Columns: order id, vendor id (NULL: PACKAGE). The caller invalidates KEY_ORDERS_ACTIVE when there is a row, and for each
-- vendor KEY_MENU and the catalogue (limited stock was returned).
-- name: orders_expire
SELECT order_id, vendor_id FROM orders_expire($1::integer, $2::text[])

-- The latest order with this basket.
--  $1 user id   $2 basket hash
-- Columns: order id, order number.
-- name: basket_get
SELECT b.order_id, o.order_number FROM baskets b JOIN orders o ON o.id = b.order_id
 WHERE b.user_id = $1::text AND b.basket = $2::text
