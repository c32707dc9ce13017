-- Data for measurements, loaded after small.sql in the same session. The setting reeyo.orders is the number of orders.
--
-- Ids follow patterns, so that a load generator can construct them:
--   customers  user_bench_00001 … user_bench_10000, phones +237671000001 … +237671010000, password Test123!@#,
--              one default address each (addr_bench_00001 …), in Douala; wallet 1,000,000,000 XAF
--   vendors    vendor_bench_001 … vendor_bench_130 (FOOD) and … _160 (MART), online
--   items      item_bench_001_01 … item_bench_160_28: 28 per vendor; 5,000 with those of small.sql
--   riders     rider_bench_01 … rider_bench_50, phones +237672000001 …, password RiderPass123!
--   orders     ord_ and 26 digits, numbers F- and 10 digits: 1 is the oldest, the highest is the newest
--
-- No open order waits to be accepted: it would expire while something else is measured.
--
-- The ledger balances: the newest 100,000 orders have their own movements, the movements of older orders are summed into one
-- per pair of accounts, and every wallet equals the sum of its movements.
SET LOCAL synchronous_commit = off;
SET LOCAL work_mem = '128MB';
SET LOCAL maintenance_work_mem = '512MB';

INSERT INTO users (id, phone, first_name, last_name, password_hash, phone_verified, language)
SELECT 'user_bench_' || lpad(u::text, 5, '0'), '+237671' || lpad(u::text, 6, '0'),
  (ARRAY['Awa', 'Brice', 'Carine', 'Didier', 'Edith', 'Franck', 'Gisèle', 'Hervé', 'Inès', 'Joël'])[1 + u % 10],
  (ARRAY['Abega', 'Biya', 'Ekani', 'Fouda', 'Kamdem', 'Mbarga', 'Ndongo', 'Ngassa', 'Tabi'])[1 + u % 9],
  current_setting('reeyo.hash_customer'), true, 'en'
  FROM generate_series(1, 10000) u;

INSERT INTO addresses (id, user_id, label, address, city, lat, lng, is_default)
SELECT 'addr_bench_' || lpad(u::text, 5, '0'), 'user_bench_' || lpad(u::text, 5, '0'), 'Maison',
  'Rue ' || u % 300 + 1 || ', ' || s.quarter, 'Douala',
  round((s.lat + (u % 13 - 6) * 0.0011)::numeric, 4), round((s.lng + (u % 17 - 8) * 0.0011)::numeric, 4), true
  FROM generate_series(1, 10000) u JOIN demo_shop s ON s.n = 1 + u % 24;

INSERT INTO vendors (id, email, phone, password_hash, owner_name, business_name, service_type, business_type,
  description, address, city, zone, region, lat, lng, rating_sum, total_ratings, is_online, business_hours, tags,
  phone_verified, email_verified, approval_status)
SELECT 'vendor_bench_' || lpad(v::text, 3, '0'), 'bench' || lpad(v::text, 3, '0') || '@demo.reeyo.cm',
  '+237673000' || lpad(v::text, 3, '0'), current_setting('reeyo.hash_vendor'), s.owner_name,
  s.name || ' ' || v, CASE WHEN v > 130 THEN 'MART' ELSE 'FOOD' END,
  CASE WHEN v > 130 THEN 'GROCERY' ELSE 'RESTAURANT' END, 'Livraison à ' || s.quarter,
  s.street || ', ' || s.quarter, 'Douala', s.quarter, 'Littoral',
  round((s.lat + (v % 7 - 3) * 0.0013)::numeric, 4), round((s.lng + (v % 5 - 2) * 0.0013)::numeric, 4),
  430, 100, true, '{}', ARRAY[s.quarter], true, true, 'APPROVED'
  FROM generate_series(1, 160) v JOIN demo_shop s ON s.n = 1 + v % 24;

INSERT INTO items (id, vendor_id, name, description, category, price, preparation_time)
SELECT 'item_bench_' || lpad(v::text, 3, '0') || '_' || lpad(i::text, 2, '0'),
  'vendor_bench_' || lpad(v::text, 3, '0'),
  d.name || CASE WHEN i > 26 THEN ', portion familiale' WHEN i > 13 THEN ', grande portion' ELSE '' END,
  d.description, d.category, d.price * (10 + (i - 1) / 13 * 4) / 10, d.minutes
  FROM generate_series(1, 160) v CROSS JOIN generate_series(1, 28) i
  JOIN demo_dish d ON d.n = 1 + (i - 1) % 13
   AND d.kind = CASE WHEN v > 130 THEN (ARRAY['super', 'marche'])[1 + v % 2]
     ELSE (ARRAY['littoral', 'grassfield', 'grill', 'rue', 'nord', 'snack'])[1 + v % 6] END;

INSERT INTO riders (id, phone, first_name, last_name, password_hash, vehicle_type, vehicle_details, phone_verified,
  approval_status, status, city)
SELECT 'rider_bench_' || lpad(r::text, 2, '0'), '+237672' || lpad(r::text, 6, '0'), 'Livreur', r::text,
  current_setting('reeyo.hash_rider'), 'MOTORCYCLE',
  json_build_object('brand', 'Bajaj', 'make', 'Bajaj', 'plateNumber', 'LT ' || 100 + r || ' BE'), true,
  'APPROVED', 'ACTIVE', 'Douala'
  FROM generate_series(1, 50) r;

-- Texts that are equal in all orders of a customer or an item are created once.
CREATE TEMP TABLE demo_user ON COMMIT DROP AS
  SELECT row_number() OVER (ORDER BY u.id)::integer AS u, u.id, u.first_name || ' ' || u.last_name AS name,
         u.phone, address_json(a)::json AS place, a.address, a.lat, a.lng
    FROM users u JOIN addresses a ON a.user_id = u.id WHERE u.id LIKE 'user\_bench\_%';
CREATE TEMP TABLE demo_item ON COMMIT DROP AS
  SELECT substr(i.id, 12, 3)::integer AS v, substr(i.id, 16, 2)::integer AS i, i.price,
         '{"itemId":' || json_word(i.id) || ',"name":' || json_text(i.name) || ',"price":' || i.price
           || ',"notes":null,"specialInstructions":null,"image":null,"quantity":' AS line
    FROM items i WHERE i.id LIKE 'item\_bench\_%';
CREATE TEMP TABLE demo_place ON COMMIT DROP AS
  SELECT substr(id, 14, 3)::integer AS v, id, business_name, service_type, address, lat, lng
    FROM vendors WHERE id LIKE 'vendor\_bench\_%';
ANALYZE demo_user; ANALYZE demo_item; ANALYZE demo_place;

-- Customers and items of an order are hashes of its number, so every load gives the same data.
CREATE TEMP TABLE demo_order ON COMMIT DROP AS
SELECT n, pick.u, pick.v, pick.r, i1, i2, d.km, a.price * 2 + b.price AS subtotal, wallet, state,
  CASE WHEN a.price * 2 + b.price >= 10000 THEN 0 ELSE d.fee END AS fee,
  CASE WHEN a.price * 2 + b.price >= 10000 THEN d.fee ELSE 0 END AS funded,
  CASE WHEN pick.v > 130 THEN 1000 ELSE 1500 END AS bps,
  now() - (size.orders - n) * (interval '180 days' / size.orders) AS at
  FROM (SELECT current_setting('reeyo.orders')::bigint AS orders) size
 CROSS JOIN LATERAL generate_series(1, size.orders) n
 CROSS JOIN LATERAL (SELECT hashint8(n) & 2147483647 AS h, hashint8(-n) & 2147483647 AS g) hash
 CROSS JOIN LATERAL (
   SELECT 1 + h % 10000 AS u, 1 + g % 160 AS v, 1 + (g >> 8) % 50 AS r, 1 + (g >> 14) % 28 AS i1,
          1 + ((g >> 14) % 28 + 9) % 28 AS i2, h % 7 < 5 AS wallet,
          CASE WHEN n > size.orders - size.orders / 1000 THEN (ARRAY['ACCEPTED', 'PREPARING'])[1 + n % 2]
               WHEN n % 20 = 0 THEN 'CANCELLED' ELSE 'DELIVERED' END AS state) pick
  JOIN demo_item a ON a.v = pick.v AND a.i = i1
  JOIN demo_item b ON b.v = pick.v AND b.i = i2
 CROSS JOIN LATERAL (SELECT 1 + h % 40 / 10.0 AS km, 1000 + ceil(1 + h % 40 / 10.0)::bigint * 200 AS fee) d;
ANALYZE demo_order;

-- Old rows need no space for updates. Building random indexes at the end is faster than row by row.
ALTER TABLE orders SET (fillfactor = 100);
DO $$ BEGIN
  IF current_setting('reeyo.orders')::bigint > 1000000 THEN
    DROP INDEX orders_user, orders_vendor, orders_rider, orders_open;
  END IF;
END $$;

INSERT INTO orders (id, order_number, order_type, status, active, user_id, user_name, user_phone, vendor_id,
  vendor_name, rider_id, rider_name, rider_phone, items, subtotal, delivery_fee, total, funded_fee, commission_bps,
  commission, vendor_share, rider_earnings, distance, payment_method, payment_status, pickup_text, pickup_lat, pickup_lng, delivery_address, delivery_text,
  delivery_lat, delivery_lng, cancel_reason, cancelled_by, preparation_time, estimated_delivery_at, timeline,
  created_at, updated_at, accepted_at, preparing_at, ready_at, rider_assigned_at, picked_up_at, delivered_at,
  settled_at, cancelled_at)
SELECT 'ord_' || lpad(n::text, 26, '0'), CASE WHEN o.v > 130 THEN 'S-' ELSE 'F-' END || lpad(n::text, 10, '0'),
  p.service_type, state, NOT past, c.id, c.name, c.phone, p.id, p.business_name,
  CASE WHEN done THEN 'rider_bench_' || lpad(r::text, 2, '0') END, CASE WHEN done THEN 'Livreur ' || r END,
  CASE WHEN done THEN '+237672' || lpad(r::text, 6, '0') END,
  ('[' || a.line || '2},' || b.line || '1}]')::json, subtotal, fee, subtotal + fee, funded, bps,
  split.commission, subtotal - split.commission, fee + funded, km,
  CASE WHEN wallet THEN 'WALLET' ELSE 'CASH' END,
  CASE WHEN wallet AND state = 'CANCELLED' THEN 'REFUNDED' WHEN wallet OR done THEN 'PAID' ELSE 'PENDING' END,
  p.address, p.lat, p.lng, c.place, c.address, c.lat, c.lng,
  CASE WHEN state = 'CANCELLED' THEN 'Changement de programme' END, CASE WHEN state = 'CANCELLED' THEN 'USER' END,
  CASE WHEN taken THEN 20 END, at + interval '45 minutes',
  ('[' || timeline_entry('PENDING', at, 'USER')
    || CASE WHEN taken THEN ',' || timeline_entry('ACCEPTED', at + interval '3 minutes', 'VENDOR') ELSE '' END
    || CASE WHEN done THEN ',' || timeline_entry('DELIVERED', at + interval '40 minutes', 'RIDER')
            WHEN state = 'CANCELLED' THEN ',' || timeline_entry('CANCELLED', at + interval '2 minutes', 'USER')
            ELSE '' END || ']')::json,
  at, at + CASE WHEN done THEN interval '40 minutes' WHEN past THEN '2 minutes' WHEN taken THEN '3 minutes' ELSE '0' END,
  CASE WHEN taken THEN at + interval '3 minutes' END, CASE WHEN done THEN at + interval '4 minutes' END,
  CASE WHEN done THEN at + interval '20 minutes' END, CASE WHEN done THEN at + interval '12 minutes' END,
  CASE WHEN done THEN at + interval '22 minutes' END, CASE WHEN done THEN at + interval '40 minutes' END,
  CASE WHEN done THEN at + interval '40 minutes' END, CASE WHEN state = 'CANCELLED' THEN at + interval '2 minutes' END
  FROM demo_order o
 CROSS JOIN LATERAL (SELECT (subtotal * bps + 5000) / 10000 AS commission) split
 CROSS JOIN LATERAL (SELECT state = 'DELIVERED' AS done, state IN ('DELIVERED', 'CANCELLED') AS past,
                            state <> 'CANCELLED' AS taken) is_
  JOIN demo_user c ON c.u = o.u
  JOIN demo_place p ON p.v = o.v
  JOIN demo_item a ON a.v = o.v AND a.i = i1
  JOIN demo_item b ON b.v = o.v AND b.i = i2;

ALTER TABLE orders SET (fillfactor = 70);
DO $$ BEGIN
  IF to_regclass('orders_user') IS NULL THEN
    CREATE INDEX orders_user ON orders (user_id, active, created_at);
    CREATE INDEX orders_vendor ON orders (vendor_id, active, created_at) WHERE vendor_id IS NOT NULL;
    CREATE INDEX orders_rider ON orders (rider_id, active, created_at) WHERE rider_id IS NOT NULL;
    CREATE INDEX orders_open ON orders (created_at) WHERE active;
  END IF;
END $$;

-- The movements of every order: paid into escrow (or collected by the rider), then split or refunded. Accounts are numbers
-- here (a: customer, vendor or rider; b: the rider who holds the cash, or 0), so that millions of rows are summed quickly.
CREATE TEMP VIEW demo_move AS
SELECT n, at, k, wallet, a, CASE WHEN wallet OR k = 5 THEN 0 ELSE r END AS b, amount
  FROM (SELECT *, (subtotal * bps + 5000) / 10000 AS cut, state = 'DELIVERED' AS done FROM demo_order) o
 CROSS JOIN LATERAL (VALUES
    (1, wallet, u, subtotal + fee),                              -- customer to escrow
    (2, done, v, subtotal - cut),                                -- escrow or cash to vendor
    (3, done, r, fee),                                           -- escrow or cash to rider
    (4, done, 0, cut),                                           -- escrow or cash to platform
    (5, done, r, funded),                                        -- platform to rider
    (6, wallet AND state = 'CANCELLED', u, subtotal + fee)       -- escrow to customer
  ) AS move(k, happened, a, amount)
 WHERE happened AND amount > 0;

CREATE TEMP TABLE demo_entry ON COMMIT DROP AS
SELECT 'txn_' || lpad((CASE WHEN n IS NULL THEN 1000000000 + row_number() OVER ()
                            ELSE 1000000000000 + n * 10 + k END)::text, 26, '0') AS id,
  at, amount, CASE k WHEN 1 THEN 'USER' WHEN 5 THEN 'PLATFORM' WHEN 6 THEN 'ESCROW' ELSE source END AS from_kind,
  CASE WHEN k = 1 THEN customer WHEN b > 0 THEN 'rider_bench_' || lpad(b::text, 2, '0') END AS from_owner,
  (ARRAY['ESCROW', 'VENDOR', 'RIDER', 'PLATFORM', 'RIDER', 'USER'])[k] AS to_kind,
  CASE k WHEN 2 THEN 'vendor_bench_' || lpad(a::text, 3, '0') WHEN 6 THEN customer
         WHEN 3 THEN 'rider_bench_' || lpad(a::text, 2, '0') WHEN 5 THEN 'rider_bench_' || lpad(a::text, 2, '0') END AS to_owner,
  (ARRAY['ORDER_PAYMENT', 'ORDER_PAYMENT', 'DELIVERY_FEE', 'ORDER_COMMISSION', 'DELIVERY_FEE', 'REFUND'])[k] AS category,
  'ord_' || lpad(n::text, 26, '0') AS order_id, coalesce('Order ' || n, 'Earlier orders') AS description
  FROM (
    SELECT n, at, k, wallet, a, b, amount FROM demo_move
     WHERE n > current_setting('reeyo.orders')::bigint - 100000
    UNION ALL
    SELECT NULL, max(at), k, wallet, a, b, sum(amount)::bigint FROM demo_move
     WHERE n <= current_setting('reeyo.orders')::bigint - 100000 GROUP BY k, wallet, a, b) m
 CROSS JOIN LATERAL (SELECT 'user_bench_' || lpad(a::text, 5, '0') AS customer,
                            CASE WHEN wallet THEN 'ESCROW' ELSE 'CASH' END AS source) t;

-- Top-ups, so that each customer's wallet has its final balance.
INSERT INTO demo_entry
SELECT 'txn_' || lpad((1000000 + c.u)::text, 26, '0'), now() - interval '181 days',
  1000000000 + coalesce(spent.amount, 0), 'CLEARING', NULL, 'USER', c.id, 'WALLET_TOPUP', NULL, 'Demo money'
  FROM demo_user c LEFT JOIN (
    SELECT owner, sum(amount)::bigint AS amount FROM (
      SELECT from_owner AS owner, amount FROM demo_entry WHERE from_kind = 'USER'
      UNION ALL SELECT to_owner, -amount FROM demo_entry WHERE to_kind = 'USER') sides GROUP BY owner
  ) spent ON spent.owner = c.id;

INSERT INTO ledger (id, created_at, amount, from_kind, from_owner, from_balance, to_kind, to_owner, to_balance,
  category, order_id, description)
WITH run AS (
  SELECT id, delta, sum(delta) OVER (PARTITION BY kind, owner ORDER BY id)::bigint AS balance FROM (
    SELECT id, from_kind AS kind, from_owner AS owner, -amount AS delta FROM demo_entry WHERE from_owner IS NOT NULL
    UNION ALL
    SELECT id, to_kind, to_owner, amount FROM demo_entry WHERE to_owner IS NOT NULL) sides
)
SELECT e.id, e.at, e.amount, e.from_kind, e.from_owner, spent.balance, e.to_kind, e.to_owner, got.balance, e.category,
  e.order_id, e.description
  FROM demo_entry e
  LEFT JOIN run spent ON spent.id = e.id AND spent.delta < 0
  LEFT JOIN run got ON got.id = e.id AND got.delta > 0
 ORDER BY e.id;

INSERT INTO wallets (owner_id, kind, available, total_earned, total_spent, cash_in_hand)
SELECT a.id, a.kind, coalesce(sum(s.delta) FILTER (WHERE s.kind = a.kind), 0),
  coalesce(sum(s.delta) FILTER (WHERE s.kind = a.kind AND a.kind <> 'USER'), 0),
  coalesce(-sum(s.delta) FILTER (WHERE a.kind = 'USER' AND s.category <> 'WALLET_TOPUP'), 0),
  coalesce(-sum(s.delta) FILTER (WHERE s.kind = 'CASH'), 0)
  FROM (SELECT id, 'USER' AS kind FROM demo_user UNION ALL SELECT id, 'VENDOR' FROM demo_place
        UNION ALL SELECT id, 'RIDER' FROM riders WHERE id LIKE 'rider\_bench\_%') a
  LEFT JOIN (
    SELECT from_owner AS owner, from_kind AS kind, -amount AS delta, category FROM demo_entry
    UNION ALL SELECT to_owner, to_kind, amount, category FROM demo_entry) s ON s.owner = a.id AND s.kind IN (a.kind, 'CASH')
 GROUP BY a.id, a.kind;

-- MATERIALIZED: otherwise everything is summed again for each vendor.
WITH o AS MATERIALIZED (
  SELECT 'vendor_bench_' || lpad(v::text, 3, '0') AS id, count(*) AS orders, sum(subtotal) AS revenue
    FROM demo_order WHERE state = 'DELIVERED' GROUP BY v
)
UPDATE vendors SET total_orders = o.orders, total_revenue = o.revenue FROM o WHERE vendors.id = o.id;
WITH o AS MATERIALIZED (
  SELECT 'rider_bench_' || lpad(r::text, 2, '0') AS id, count(*) AS orders
    FROM demo_order WHERE state = 'DELIVERED' GROUP BY r
)
UPDATE riders SET total_deliveries = o.orders, completed_deliveries = o.orders FROM o WHERE riders.id = o.id;
DROP VIEW demo_move;
SELECT ledger_roll_up_anew();
