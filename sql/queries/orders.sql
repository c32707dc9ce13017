-- Orders of customers: place and read; orders that expire.
-- The comment above each statement describes its parameters, columns and outcomes. An outcome is PLACED, REPLAY or the
-- name of an enum err without E_.

-- Places an order: FOOD and MART (from a vendor's menu) or PACKAGE. It writes everything or nothing.
--  lines: the lines as stored and returned, JSON [{itemId,name,quantity,price,notes,specialInstructions,image,options?}].
--  item_ids, quantities, prices (as quoted) and choices (in the format of item_price, NULL: none): one element per line,
--   none for a PACKAGE.
--  vendor_commission_bps: the vendor's own rate that the split was computed with, NULL: none.
--  commission_bps, rider_cut_bps: the rates of the split; commission, vendor_share, rider_earnings: its amounts
--   (domain/split.h; rider_earnings has the subsidy in it).
--  waived_fee: the delivery fee that free delivery waives and the platform pays the rider.
--  method: CARD is paid by the sandbox; MOBILE_MONEY stays PENDING and writes no event. Both have an intent (pay_…).
--  pickup_…: only for a PACKAGE, the others have the address of the vendor. minutes: estimated until delivery.
--  code: delivery code. entry: id of the ledger row (txn_…).
--  basket: hash of the basket, NULL: no check for a duplicate within window_seconds.
-- Columns: order is the Order object when PLACED.
-- Outcomes: PLACED; REPLAY: the key is known, run idempotency_get; DUPLICATE_ORDER: detail is the id of the first
--  order (NULL when that one was committed after the snapshot: run basket_get);
--  ACCOUNT_NOT_FOUND, SUSPENDED, INACTIVE, PHONE_UNVERIFIED, VENDOR_NOT_FOUND, VENDOR_OFFLINE, WALLET_SHORT;
--  CONFLICT: the vendor's commission has changed since the quote;
--  ITEM_NOT_FOUND, ITEM_UNAVAILABLE, PRICE_CHANGED, OUT_OF_STOCK: detail is the item's id.
--  The last stage may also raise WALLET_SHORT and OUT_OF_STOCK, when another order was first, and TOO_MANY_REQUESTS when
--  20 payments of this customer are already open.
-- The caller has looked the key up before (idempotency_get), so REPLAY occurs only for two concurrent requests with one key.
--
-- Consistency at READ COMMITTED: `checked` reads a snapshot, and nothing is written when a check fails.
-- The inserts key_stored and basket_stored then wait on their unique index for a concurrent duplicate; only one of the two
-- is accepted. The guard of the wallet is evaluated again on the latest row after its lock. A failure after these inserts
-- raises an error, which rolls them back too. Locks are taken in this order: key, basket, wallet, items.
-- name: order_insert
-- columns: outcome, order, detail
WITH lines AS MATERIALIZED (
  SELECT min(CASE WHEN i.id IS NULL OR i.vendor_id <> :vendor_id::text OR i.deleted_at IS NOT NULL OR i.hidden
                    THEN 'ITEM_NOT_FOUND ' || l.id
                  WHEN NOT i.available THEN 'ITEM_UNAVAILABLE ' || l.id
                  WHEN CASE WHEN l.chosen IS NULL THEN i.price
                            ELSE item_price(i.price, i.variants, i.add_ons, l.chosen) END IS DISTINCT FROM l.price
                    THEN 'PRICE_CHANGED ' || l.id
                  WHEN i.stock < l.quantity THEN 'OUT_OF_STOCK ' || l.id END) AS fault,
         bool_or(i.stock IS NOT NULL) AS limited
    FROM unnest(:item_ids::text[], :quantities::integer[], :prices::bigint[], :choices::text[]) AS l(id, quantity, price, chosen)
    LEFT JOIN items i ON i.id = l.id
), checked AS MATERIALIZED (
  SELECT CASE
      WHEN EXISTS (SELECT FROM idempotency WHERE account_id = :user_id::text AND key = :key::text) THEN 'REPLAY'
      WHEN u.id IS NULL OR u.status = 'DELETED' THEN 'ACCOUNT_NOT_FOUND'
      WHEN u.status <> 'ACTIVE' THEN u.status
      WHEN NOT u.phone_verified THEN 'PHONE_UNVERIFIED'
      WHEN :type::text <> 'PACKAGE' AND (v.id IS NULL OR v.approval_status <> 'APPROVED'
        OR v.service_type <> :type) THEN 'VENDOR_NOT_FOUND'
      WHEN :type <> 'PACKAGE' AND NOT v.is_online THEN 'VENDOR_OFFLINE'
      WHEN lines.fault IS NOT NULL THEN lines.fault
      WHEN v.commission_bps IS DISTINCT FROM :vendor_commission_bps?::integer THEN 'CONFLICT'
      WHEN :method::text = 'WALLET' AND w.available IS DISTINCT FROM greatest(w.available, :total::bigint)
        THEN 'WALLET_SHORT'
      ELSE 'PLACED' END AS outcome,
    btrim(u.first_name || ' ' || u.last_name) AS user_name, u.phone AS user_phone,
    v.business_name, v.address, v.lat, v.lng, lines.limited
    FROM lines
    LEFT JOIN users u ON u.id = :user_id
    LEFT JOIN wallets w ON w.owner_id = :user_id
    LEFT JOIN vendors v ON v.id = :vendor_id
), draft AS MATERIALIZED (
  SELECT :id::text COLLATE "C" AS id, :number::text COLLATE "C" AS order_number, :type::text COLLATE "C" AS order_type,
    'PENDING' COLLATE "C" AS status, true AS active, :user_id::text COLLATE "C" AS user_id, user_name, user_phone,
    :vendor_id::text COLLATE "C" AS vendor_id, business_name AS vendor_name, NULL::text COLLATE "C" AS rider_id,
    NULL::text AS rider_name, NULL::text AS rider_phone, :lines::json AS items, :package::json AS package_details,
    :subtotal::bigint AS subtotal, :delivery_fee::bigint AS delivery_fee, :service_fee::bigint AS service_fee,
    :discount::bigint AS discount, :total AS total, :waived_fee::bigint AS funded_fee,
    :commission_bps::integer AS commission_bps, :distance_km::double precision AS distance,
    :method::text COLLATE "C" AS payment_method,
    CASE WHEN :method IN ('WALLET', 'CARD') THEN 'PAID' ELSE 'PENDING' END COLLATE "C" AS payment_status,
    CASE WHEN :method = 'WALLET' THEN :entry::text ELSE :intent::text END COLLATE "C" AS payment_reference,
    :pickup_json::json AS pickup_address, coalesce(:pickup_text::text, address) AS pickup_text,
    coalesce(:pickup_lat?::double precision, lat) AS pickup_lat,
    coalesce(:pickup_lng?::double precision, lng) AS pickup_lng,
    :delivery_json::json AS delivery_address, :delivery_text::text AS delivery_text,
    :delivery_lat::double precision AS delivery_lat, :delivery_lng::double precision AS delivery_lng,
    :instructions::text AS delivery_instructions, :notes::text AS notes, NULL::integer AS preparation_time,
    now() + :minutes::integer * interval '1 minute' AS estimated_delivery_at,
    NULL::text AS cancel_reason, NULL::text COLLATE "C" AS cancelled_by, NULL::text AS rejection_reason,
    NULL::json AS rating, '[]'::json AS pickup_photos, '[]'::json AS delivery_photos, :code::text AS verification_code,
    ('[' || timeline_entry('PENDING', now(), 'USER') || ']')::json AS timeline,
    now() AS created_at, now() AS updated_at, NULL::timestamptz AS accepted_at,
    NULL::timestamptz AS preparing_at, NULL::timestamptz AS ready_at, NULL::timestamptz AS rider_assigned_at,
    NULL::timestamptz AS arrived_at_pickup_at, NULL::timestamptz AS picked_up_at,
    NULL::timestamptz AS arrived_at_delivery_at, NULL::timestamptz AS delivered_at,
    NULL::timestamptz AS cancelled_at, NULL::timestamptz AS settled_at, NULL::text COLLATE "C" AS attention,
    :rider_cut_bps::integer AS rider_cut_bps, :commission::bigint AS commission,
    :vendor_share::bigint AS vendor_share, :rider_earnings::bigint AS rider_earnings, later.*
    FROM checked CROSS JOIN orders_later later WHERE outcome = 'PLACED'
), reply AS MATERIALIZED (
  SELECT members, concat(members, ',"verificationCode":', json_word(:code), '}') AS json
    FROM (SELECT order_members(ROW(draft.*)::orders) AS members FROM draft OFFSET 0) d
), key_stored AS (
  INSERT INTO idempotency (account_id, key, fingerprint, status, body)
  SELECT :user_id, :key, :fingerprint::text, 201, '{"success":true,"data":' || json || '}'
    FROM reply WHERE :key IS NOT NULL
  ON CONFLICT DO NOTHING RETURNING true
), basket_stored AS (
  INSERT INTO baskets (user_id, basket, order_id)
  SELECT :user_id, :basket::text, :id FROM reply WHERE :basket IS NOT NULL
  ON CONFLICT (user_id, basket) DO UPDATE SET placed_at = excluded.placed_at, order_id = excluded.order_id
    WHERE baskets.placed_at <= now() - :window_seconds::integer * interval '1 second'
  RETURNING true
), accepted AS MATERIALIZED (
  SELECT true FROM reply
   WHERE (:key IS NULL OR EXISTS (SELECT FROM key_stored))
     AND (:basket IS NULL OR EXISTS (SELECT FROM basket_stored))
), paid AS (
  UPDATE wallets SET available = available - CASE :method WHEN 'WALLET' THEN :total ELSE 0 END,
         total_spent = total_spent + :total, updated_at = now()
   WHERE owner_id = :user_id AND (available >= :total AND :method = 'WALLET' OR :method = 'CARD')
     AND EXISTS (SELECT FROM accepted)
  RETURNING available
), booked AS (
  INSERT INTO ledger (id, amount, from_kind, from_owner, from_balance, to_kind, category, order_id, reference, description)
  SELECT :entry, :total, CASE :method WHEN 'WALLET' THEN 'USER' ELSE 'CLEARING' END,
         CASE :method WHEN 'WALLET' THEN :user_id END, CASE :method WHEN 'WALLET' THEN available END,
         'ESCROW', 'ORDER_PAYMENT', :id, :intent, 'Order ' || :number
    FROM paid
), stocked AS (
  SELECT stock_take(:item_ids, :quantities) FROM checked
   WHERE limited AND EXISTS (SELECT FROM accepted) AND (:method NOT IN ('WALLET', 'CARD') OR EXISTS (SELECT FROM paid))
), written AS (
  INSERT INTO orders SELECT draft.* FROM draft WHERE EXISTS (SELECT FROM accepted)
), event AS (
  INSERT INTO event_log (aggregate, type, rooms, payload)
  SELECT :id, 'new_order',
         CASE WHEN :vendor_id IS NULL THEN '{admin}'::text[] ELSE ARRAY['vendor:' || :vendor_id, 'admin'] END,
         concat('{"orderId":"', :id, '","orderNumber":"', :number, '","status":"PENDING","timestamp":',
           json_time(now()), ',"data":', members, '}}')::json
    FROM accepted, reply WHERE :method <> 'MOBILE_MONEY'
), queued AS (
  INSERT INTO dispatches (order_id)
  SELECT :id FROM accepted WHERE :type = 'PACKAGE' AND :method <> 'MOBILE_MONEY'
)
SELECT CASE
    WHEN outcome <> 'PLACED' THEN split_part(outcome, ' ', 1)
    WHEN NOT EXISTS (SELECT FROM accepted) THEN CASE WHEN :key IS NOT NULL THEN 'REPLAY' ELSE 'DUPLICATE_ORDER' END
    WHEN :method IN ('WALLET', 'CARD') AND NOT EXISTS (SELECT FROM paid) THEN fail('WALLET_SHORT')
    WHEN limited AND NOT EXISTS (SELECT FROM stocked) THEN fail('OUT_OF_STOCK')
    WHEN :intent IS NOT NULL THEN payment_of_order(:intent, :user_id, :id, :total, :method, :phone::text,
      :operator::text, :entry, :key)
    ELSE 'PLACED' END AS outcome,
  CASE WHEN EXISTS (SELECT FROM accepted) THEN (SELECT json FROM reply) END AS order,
  CASE WHEN outcome = 'PLACED' AND :basket IS NOT NULL AND NOT EXISTS (SELECT FROM accepted)
       THEN (SELECT order_id FROM baskets WHERE user_id = :user_id AND basket = :basket)
       ELSE nullif(split_part(outcome, ' ', 2), '') END AS detail
  FROM checked

-- What replies show of an order: to vendors and riders, and to its customer with the code for the rider. A reply renders it
-- by the table order_fields (src/api/schema/order_fields.c). To read and send an order PostgreSQL takes 27 microseconds in this
-- form, 65 as JSON, and 34 as separate columns, each of which it describes in each answer.
-- record: order_row
-- members: id text, order_number text, order_type text, status text, user_id text, user_name text, user_phone text,
-- members: vendor_id text, vendor_name text, rider_id text, rider_name text, rider_phone text,
-- members: items json, package_details json, subtotal bigint, delivery_fee bigint, service_fee bigint, discount bigint,
-- members: total bigint, distance double precision, payment_method text, payment_status text, payment_reference text,
-- members: delivery_address json, delivery_instructions text, pickup_address json, pickup_text text,
-- members: pickup_lat double precision, pickup_lng double precision, delivery_text text, delivery_lat double precision,
-- members: delivery_lng double precision, notes text, preparation_time integer, estimated_delivery_at timestamptz,
-- members: cancel_reason text, cancelled_by text, rejection_reason text, rating json, pickup_photos json,
-- members: delivery_photos json, timeline json, created_at timestamptz, updated_at timestamptz, accepted_at timestamptz,
-- members: preparing_at timestamptz, ready_at timestamptz, rider_assigned_at timestamptz,
-- members: arrived_at_pickup_at timestamptz, picked_up_at timestamptz, arrived_at_delivery_at timestamptz,
-- members: delivered_at timestamptz, cancelled_at timestamptz
-- record: order_user_row
-- members: order_row.*, verification_code text

-- One order by its id, and by its number (whose second character is a dash, which an id never has). One statement for both
-- would be slower: each read would set up two index scans.
-- Another user_id than the caller's: 403. No row: 404.
-- name: order_get
-- columns: order order_user_row
SELECT @order_user_row(o) AS order FROM orders o WHERE o.id = :order_id::text
-- name: order_get_numbered
-- columns: order order_user_row
SELECT @order_user_row(o) AS order FROM orders o WHERE o.order_number = :number::text

-- Orders of a customer, newest first. Active and final orders are one range of the index each; both are read from the end
-- and merged. `active IS TRUE` instead of `active` prevents the planner from using orders_open, the index of all customers.
--  states: NULL for all. type: NULL for all. from, before: timestamptz or NULL
-- Always one row.
-- name: order_list
-- columns: total bigint, orders order_user_row[]
WITH page AS (
  (SELECT id, created_at FROM orders
    WHERE user_id = :user_id::text AND active IS TRUE
      AND created_at >= coalesce(:from::timestamptz, '-infinity') AND created_at < coalesce(:before::timestamptz, 'infinity')
      AND (:states::text[] IS NULL OR status = ANY (:states)) AND (:type::text IS NULL OR order_type = :type)
    ORDER BY created_at DESC LIMIT :limit::bigint + :offset::bigint)
  UNION ALL
  (SELECT id, created_at FROM orders
    WHERE user_id = :user_id AND active IS FALSE
      AND (:states IS NULL OR :states && '{DELIVERED,CANCELLED}')
      AND created_at >= coalesce(:from, '-infinity') AND created_at < coalesce(:before, 'infinity')
      AND (:states IS NULL OR status = ANY (:states)) AND (:type IS NULL OR order_type = :type)
    ORDER BY created_at DESC LIMIT :limit + :offset)
  ORDER BY created_at DESC, id DESC LIMIT :limit OFFSET :offset
)
SELECT
  CASE WHEN :states IS NULL AND :type IS NULL THEN
    (SELECT count(*) FROM orders
      WHERE user_id = :user_id AND created_at >= coalesce(:from, '-infinity')
        AND created_at < coalesce(:before, 'infinity'))
  ELSE
    (SELECT count(*) FROM orders
      WHERE user_id = :user_id
        AND active = ANY (CASE WHEN :states IS NULL THEN '{t,f}'::boolean[]
                               WHEN NOT :states && '{DELIVERED,CANCELLED}' THEN '{t}'
                               WHEN :states <@ '{DELIVERED,CANCELLED}' THEN '{f}' ELSE '{t,f}' END)
        AND created_at >= coalesce(:from, '-infinity') AND created_at < coalesce(:before, 'infinity')
        AND (:states IS NULL OR status = ANY (:states)) AND (:type IS NULL OR order_type = :type))
  END AS total,
  ARRAY(SELECT @order_user_row(o) FROM page JOIN orders o ON o.id = page.id
         ORDER BY o.created_at DESC, o.id DESC) AS orders

-- Active orders of a customer, newest first, at most 100.
-- Always one row.
-- name: order_active
-- columns: orders order_user_row[]
SELECT ARRAY(SELECT @order_user_row(o)
  FROM (SELECT * FROM orders WHERE user_id = :user_id::text AND active IS TRUE
         ORDER BY created_at DESC LIMIT 100) o
 ORDER BY o.created_at DESC, o.id DESC) AS orders

-- Cancels one order that was not accepted in time (by SYSTEM), with refund and events as order_move does. The service calls
-- it again until it returns no row; each order has a transaction of its own, because two of them would lock the wallets
-- and stock of several customers in turn. Locked orders are skipped until the next call. For a PACKAGE that a rider gave
-- back the time starts again.
--  minutes: setting order_accept_minutes. states: the states in which the order may expire (domain/transition.c).
--  entry: id of the ledger row of the refund (txn_…)
-- Columns: restocked_vendor_id: see order_restocked_vendor.
-- name: order_expire
-- columns: order_id, restocked_vendor_id
SELECT order_id, order_restocked_vendor(order_id) AS restocked_vendor_id
  FROM order_expire(:minutes::integer, :states::text[], :entry::text)

-- The latest order with this basket.
-- name: basket_get
-- columns: order_id, order_number
SELECT b.order_id, o.order_number FROM baskets b JOIN orders o ON o.id = b.order_id
 WHERE b.user_id = :user_id::text AND b.basket = :basket::text
