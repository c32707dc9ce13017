-- A customer's addresses. The writes give the whole User; see 0020_identity.

-- name: address_list
SELECT addresses_json(u.id) FROM users u WHERE u.id = $1::text AND u.status <> 'DELETED'

-- name: address_add
SELECT a.json FROM address_add($1::text, $2::text, $3::text, $4::text, $5::text, $6::float8, $7::float8,
  $8::text, $9::boolean) AS a(json) WHERE a.json IS NOT NULL

-- name: address_change
SELECT a.json FROM address_change($1::text, $2::text, $3::text, $4::text, $5::text, $6::float8, $7::float8,
  $8::text, $9::boolean) AS a(json) WHERE a.json IS NOT NULL

-- name: address_delete
SELECT address_delete($1::text, $2::text)
-- What the platform does now, and has done, in figures. They read much: the reports' lane runs them.

-- "Today" is the business's day; revenue is what was ordered today and has been delivered.
--  $1 how many orders are active, NULL: count them
-- Columns: the figures as JSON. Always one row.
-- name: admin_live_figures
SELECT json_build_object('active_orders', coalesce($1::bigint, (SELECT count(*) FROM orders WHERE active)),
    'online_riders', (SELECT count(*) FROM riders WHERE is_online),
    'online_vendors', (SELECT count(*) FROM vendors WHERE is_online),
    'orders_today', t.orders, 'revenue_today', t.revenue,
    'pending_approvals', p.vendors + p.riders + p.payouts,
    'pending_approvals_detail', json_build_object('vendors', p.vendors, 'riders', p.riders, 'payouts', p.payouts))::text
  FROM (SELECT count(*) AS orders, coalesce(sum(total) FILTER (WHERE status = 'DELIVERED'), 0) AS revenue
          FROM orders_figures WHERE created_at >= (SELECT period_start('today'))) t,
       (SELECT (SELECT count(*) FROM vendors WHERE approval_status = 'PENDING') AS vendors,
               (SELECT count(*) FROM riders WHERE approval_status = 'PENDING') AS riders,
               (SELECT count(*) FROM payouts WHERE status = 'PENDING') AS payouts) p

-- Of a time, or of all. Revenue and basket are of what was delivered.
--  $1 from, $2 before: timestamptz or NULL   $3 period, from whose first day when $1 is NULL, or NULL
-- Columns: the figures as JSON. Always one row.
-- name: admin_platform_figures
SELECT json_build_object('total_orders', t.orders, 'total_revenue', t.revenue,
    'total_users', (SELECT count(*) FROM users WHERE status <> 'DELETED'),
    'total_vendors', (SELECT count(*) FROM vendors), 'total_riders', (SELECT count(*) FROM riders),
    'average_basket', coalesce(round(t.revenue / nullif(t.delivered, 0)), 0),
    'cancel_rate', coalesce(round(t.cancelled * 100.0 / nullif(t.orders, 0), 2), 0)::float8)::text
  FROM (SELECT count(*) AS orders, coalesce(sum(total) FILTER (WHERE status = 'DELIVERED'), 0) AS revenue,
          count(*) FILTER (WHERE status = 'DELIVERED') AS delivered,
          count(*) FILTER (WHERE status = 'CANCELLED') AS cancelled
          FROM orders_figures
         WHERE created_at >= (SELECT coalesce($1::timestamptz, period_start($3::text), '-infinity'))
           AND created_at < coalesce($2::timestamptz, 'infinity')) t

-- How many orders of a time, or of all, are in each state, in the console's words.
--  $1 from, $2 before: timestamptz or NULL   $3 period, from whose first day when $1 is NULL, or NULL
-- Columns: [{status,count}] as JSON. Always one row.
-- name: admin_order_status_counts
SELECT coalesce(json_agg(json_build_object('status', status, 'count', n) ORDER BY n DESC, status), '[]')::text
  FROM (SELECT admin_order_status(status) AS status, sum(n) AS n
          FROM (SELECT status, count(*) AS n FROM orders_figures
                 WHERE created_at >= (SELECT coalesce($1::timestamptz, period_start($3::text), '-infinity'))
                   AND created_at < coalesce($2::timestamptz, 'infinity')
                 GROUP BY status) raw GROUP BY 1) seen

-- The same by state, country and way of payment. The country is the vendor's, and a parcel's is its customer's.
--  $1 from, $2 before: timestamptz or NULL   $3 period, from whose first day when $1 is NULL, or NULL
-- Columns: {total,avg_order_value,by_status{},by_country{},by_payment_method{}}. Always one row.
-- name: admin_order_breakdown
WITH seen AS MATERIALIZED (
  SELECT status, payment_method, vendor_id, CASE WHEN vendor_id IS NULL THEN user_id END AS customer, count(*) AS n,
         sum(total) AS worth
    FROM orders_figures
   WHERE created_at >= (SELECT coalesce($1::timestamptz, period_start($3::text), '-infinity'))
     AND created_at < coalesce($2::timestamptz, 'infinity')
   GROUP BY 1, 2, 3, 4
), split AS MATERIALIZED (
  SELECT admin_order_status(s.status) AS status, s.payment_method AS method, coalesce(v.country_code, u.country_code, 'CM') AS country,
         sum(s.n) AS n, sum(s.n) FILTER (WHERE s.status = 'DELIVERED') AS delivered,
         sum(s.worth) FILTER (WHERE s.status = 'DELIVERED') AS worth
    FROM seen s LEFT JOIN vendors v ON v.id = s.vendor_id LEFT JOIN users u ON u.id = s.customer
   GROUP BY 1, 2, 3
)
SELECT json_build_object('total', coalesce(sum(n), 0), 'avg_order_value', coalesce(round(sum(worth) / sum(delivered)), 0),
    'by_status', (SELECT coalesce(json_object_agg(k, n ORDER BY n DESC, k), '{}')
      FROM (SELECT status AS k, sum(n) AS n FROM split GROUP BY 1) g),
    'by_country', (SELECT coalesce(json_object_agg(k, n ORDER BY n DESC, k), '{}')
      FROM (SELECT country AS k, sum(n) AS n FROM split GROUP BY 1) g),
    'by_payment_method', (SELECT coalesce(json_object_agg(k, n ORDER BY n DESC, k), '{}')
      FROM (SELECT method AS k, sum(n) AS n FROM split GROUP BY 1) g))::text
  FROM split

-- Day by day, week by week (from Monday) or month by month, oldest first, also those in which nothing was delivered: of
-- orders delivered then, what they cost their customers and what the platform was booked of them. The latter comes from
-- what is added up of the ledger, and from entries since. What lies outside of the first and last day is not in it.
--  $1 day, week, month   $2 first day or NULL: the period's, or so that there are $5 of them   $3 last day or NULL: today
--  $4 period or NULL   $5 how many
-- Columns: [{day|week|month,date,orders,revenue,commission,currency}]. Always one row.
-- name: admin_revenue
WITH days AS MATERIALIZED (
  SELECT z.zone, first, last
    FROM (SELECT business_zone() AS zone) z
   CROSS JOIN LATERAL (SELECT coalesce($3::date, (now() AT TIME ZONE z.zone)::date) AS last) l
   CROSS JOIN LATERAL (SELECT coalesce($2::date, (period_start($4::text) AT TIME ZONE z.zone)::date,
     (date_trunc($1::text, last::timestamp) - ($5::bigint - 1) * ('1 ' || $1::text)::interval)::date) AS first) f
), part AS MATERIALIZED (
  SELECT starts, greatest(starts, d.first) AS opens, greatest(starts, d.first) AT TIME ZONE d.zone AS since,
         least(starts + ('1 ' || $1::text)::interval, d.last + interval '1 day') AT TIME ZONE d.zone AS before
    FROM days d CROSS JOIN LATERAL generate_series(date_trunc($1::text, d.first::timestamp), d.last::timestamp,
      ('1 ' || $1::text)::interval) AS starts
)
SELECT '[' || coalesce(string_agg(concat('{"', $1::text, '":"', to_char(p.starts, CASE $1::text WHEN 'day' THEN 'YYYY-MM-DD'
      WHEN 'week' THEN 'IYYY-"W"IW' ELSE 'YYYY-MM' END), '","date":"', to_char(p.opens, 'YYYY-MM-DD'), '","orders":', s.n,
    ',"revenue":', s.revenue, ',"commission":', k.added + k.since, ',"currency":"XAF"}'), ',' ORDER BY p.starts), '') || ']'
  FROM part p
 CROSS JOIN LATERAL (
   SELECT count(*) AS n, coalesce(sum(o.total), 0) AS revenue FROM orders o
    WHERE o.settled_at >= p.since AND o.settled_at < p.before) s
 CROSS JOIN LATERAL (
   SELECT coalesce((SELECT sum(r.amount_in) FROM ledger_rollups r
            WHERE r.kind = 'PLATFORM' AND r.category = 'ORDER_COMMISSION' AND r.starts >= p.since AND r.starts < p.before), 0) AS added,
          coalesce((SELECT sum(l.amount) FROM ledger l
            WHERE l.created_at >= greatest(p.since, (SELECT until FROM ledger_rolled)) AND l.created_at < p.before
              AND l.to_kind = 'PLATFORM' AND l.category = 'ORDER_COMMISSION'), 0) AS since) k

-- Vendors by what they sold, of orders delivered in a time, or of all.
--  $1 limit   $2 from, $3 before: timestamptz or NULL   $4 period, from whose first day when $2 is NULL, or NULL
-- Columns: [{id,name,vendor{id,business_name,city},orders,revenue}]. Always one row.
-- name: admin_top_vendors
WITH t AS MATERIALIZED (
  SELECT coalesce($2::timestamptz, period_start($4::text)) AS since, $3::timestamptz AS before
), sold AS (
  SELECT o.vendor_id AS id, count(*) AS n, sum(o.subtotal) AS revenue
    FROM t JOIN orders o ON o.settled_at >= coalesce(t.since, '-infinity') AND o.settled_at < coalesce(t.before, 'infinity')
   WHERE (t.since IS NOT NULL OR t.before IS NOT NULL) AND o.vendor_id IS NOT NULL
   GROUP BY 1
  UNION ALL
  SELECT v.id, v.total_orders, v.total_revenue
    FROM t JOIN vendors v ON v.total_orders > 0 WHERE t.since IS NULL AND t.before IS NULL
), best AS (
  SELECT * FROM sold ORDER BY revenue DESC, n DESC, id LIMIT $1::bigint
)
SELECT '[' || coalesce(string_agg(concat('{"id":"', v.id, '","name":', json_text(v.business_name), ',"vendor":{"id":"', v.id,
    '","business_name":', json_text(v.business_name), ',"city":', json_text(v.city), '},"orders":', b.n, ',"revenue":',
    b.revenue, '}'), ',' ORDER BY b.revenue DESC, b.n DESC, v.id), '') || ']'
  FROM best b JOIN vendors v USING (id)

-- Riders by how many orders they delivered in a time, or in all; what they were credited for it; and how long they had
-- had the last 200 of those orders, picked up, until they delivered them.
--  $1 limit   $2 from, $3 before: timestamptz or NULL   $4 period, from whose first day when $2 is NULL, or NULL
-- Columns: [{id,name,rider{id,name,vehicle_type},deliveries,earnings,avg_delivery_mins}]. Always one row.
-- name: admin_top_riders
WITH t AS MATERIALIZED (
  SELECT coalesce($2::timestamptz, period_start($4::text)) AS since, $3::timestamptz AS before
), done AS (
  SELECT o.rider_id AS id, count(*) AS n
    FROM t JOIN orders o ON o.settled_at >= coalesce(t.since, '-infinity') AND o.settled_at < coalesce(t.before, 'infinity')
   WHERE (t.since IS NOT NULL OR t.before IS NOT NULL) AND o.rider_id IS NOT NULL
   GROUP BY 1
  UNION ALL
  SELECT r.id, r.completed_deliveries
    FROM t JOIN riders r ON r.completed_deliveries > 0 WHERE t.since IS NULL AND t.before IS NULL
), best AS (
  SELECT * FROM done ORDER BY n DESC, id LIMIT $1::bigint
)
SELECT '[' || coalesce(string_agg(concat('{"id":"', r.id, '","name":', json_text(p.name), ',"rider":{"id":"', r.id, '","name":',
    json_text(p.name), ',"vehicle_type":"', r.vehicle_type, '"},"deliveries":', b.n, ',"earnings":', e.earned,
    ',"avg_delivery_mins":', round(coalesce(m.mins, 0), 1), '}'), ',' ORDER BY b.n DESC, r.id), '') || ']'
  FROM t CROSS JOIN best b JOIN riders r USING (id)
 CROSS JOIN LATERAL (SELECT btrim(r.first_name || ' ' || r.last_name) AS name) p
 CROSS JOIN LATERAL (
   SELECT CASE WHEN t.since IS NULL AND t.before IS NULL
     THEN coalesce((SELECT w.total_earned FROM wallets w WHERE w.owner_id = r.id), 0)
     ELSE (SELECT coalesce(sum(l.amount), 0) FROM ledger l
            WHERE l.to_owner = r.id AND l.category = 'DELIVERY_FEE' AND l.created_at >= coalesce(t.since, '-infinity')
              AND l.created_at < coalesce(t.before, 'infinity')) END AS earned) e
 CROSS JOIN LATERAL (
   SELECT avg(extract(epoch FROM o.delivered_at - o.picked_up_at)) / 60 AS mins
     FROM (SELECT delivered_at, picked_up_at FROM orders
            WHERE rider_id = r.id AND active IS FALSE AND status = 'DELIVERED'
              AND created_at >= coalesce(t.since - interval '1 day', '-infinity') AND delivered_at >= coalesce(t.since, '-infinity')
              AND created_at < coalesce(t.before, 'infinity') AND delivered_at < coalesce(t.before, 'infinity')
            ORDER BY created_at DESC LIMIT 200) o) m
-- The business configuration, flags and zones, as the console reads and writes them.

-- Read on the primary, so that who has just written sees it.
-- Columns: configuration, settings {"key": value, …}. Always one row.
-- name: admin_config_get
SELECT config_json(jsonb_object_agg(key, value)), jsonb_object_agg(key, value)::text FROM settings

-- name: admin_commission_get
SELECT json_build_object('commission_rate', c -> 'commission_rate', 'commission_rate_food', c -> 'commission_rate_food',
    'commission_rate_mart', c -> 'commission_rate_mart', 'package_platform_fee', c -> 'package_platform_fee')::text
  FROM (SELECT config_json(jsonb_object_agg(key, value))::jsonb AS c FROM settings) all_of_it

-- Writes what differs, in order of the key so that two admins cannot wait for each other.
--  $1 {"key": value, …}   $2 admin   $3 act   $4 request id
-- Columns: configuration as it is now. Always one row.
-- name: admin_config_put
WITH given AS MATERIALIZED (
  SELECT key, value FROM jsonb_each($1::jsonb) ORDER BY key COLLATE "C"
), written AS (
  INSERT INTO settings AS s (key, value, updated_by)
  SELECT key, value, $2::text FROM given
  ON CONFLICT (key) DO UPDATE SET value = excluded.value, updated_by = excluded.updated_by
    WHERE s.value IS DISTINCT FROM excluded.value
  RETURNING s.key, s.value
), noted AS (
  INSERT INTO admin_audit (admin_id, act, subject, details, request_id)
  SELECT $2::text, $3::text, 'config', jsonb_object_agg(key, value), $4::text FROM written HAVING count(*) > 0
)
SELECT config_json(jsonb_object_agg(s.key, s.value)
    || coalesce((SELECT jsonb_object_agg(w.key, w.value) FROM written w), '{}')) FROM settings s

-- Flags, by key. Columns: rows. Always one row.
-- name: admin_flag_list
SELECT '[' || coalesce(string_agg(flag_json(f, coalesce((s.value #>> '{}')::boolean, f.enabled)), ',' ORDER BY f.key), '') || ']'
  FROM feature_flags f LEFT JOIN settings s ON s.key = flag_setting(f.key)

-- A new flag, or a change of one; NULL stays as it is, an empty description or country is removed. A switch of the server's own sets the setting.
--  $1 key   $2 enabled   $3 description   $4 rollout   $5 scope   $6 country   $7 metadata
--  $8 admin   $9 act   $10 its details   $11 request id
-- Columns: row. Always one row.
-- name: admin_flag_put
WITH put AS (
  INSERT INTO feature_flags AS f (key, enabled, description, rollout_pct, scope, country_code, metadata)
  VALUES ($1::text, coalesce($2::boolean, false), coalesce($3::text, ''), coalesce($4::integer, 100),
          coalesce($5::text, 'GLOBAL'), nullif($6::text, ''), coalesce($7::jsonb, '{}'))
  ON CONFLICT (key) DO UPDATE
     SET enabled = coalesce($2::boolean, f.enabled), description = coalesce(changed($3::text, f.description), ''),
         rollout_pct = coalesce($4::integer, f.rollout_pct), scope = coalesce($5::text, f.scope),
         country_code = changed($6::text, f.country_code), metadata = coalesce($7::jsonb, f.metadata),
         updated_at = now()
  RETURNING f AS flag, f.enabled
), switched AS (
  INSERT INTO settings AS s (key, value, updated_by)
  SELECT flag_setting($1::text), to_jsonb($2::boolean), $8::text
   WHERE flag_setting($1::text) IS NOT NULL AND $2::boolean IS NOT NULL
  ON CONFLICT (key) DO UPDATE SET value = excluded.value, updated_by = excluded.updated_by
    WHERE s.value IS DISTINCT FROM excluded.value
), noted AS (
  INSERT INTO admin_audit (admin_id, act, subject, details, request_id)
  VALUES ($8::text, $9::text, $1::text, $10::jsonb, $11::text)
)
SELECT flag_json(p.flag, coalesce($2::boolean,
    (SELECT (s.value #>> '{}')::boolean FROM settings s WHERE s.key = flag_setting($1::text)), p.enabled)) FROM put p

-- What it switched stays as it is. $1 key, $2 admin, $3 act, $4 request id. No row: there was none.
-- name: admin_flag_delete
WITH gone AS (
  DELETE FROM feature_flags WHERE key = $1::text RETURNING key
)
INSERT INTO admin_audit (admin_id, act, subject, request_id)
SELECT $2::text, $3::text, g.key, $4::text FROM gone g
RETURNING subject

-- Zones, by name. Columns: total, rows. Always one row. $1 limit, $2 offset.
-- name: admin_zone_list
SELECT (SELECT count(*) FROM zones),
  (SELECT '[' || coalesce(string_agg(zone_json(z), ',' ORDER BY z.name, z.id), '') || ']'
     FROM (SELECT * FROM zones ORDER BY name, id LIMIT $1::bigint OFFSET $2::bigint) page JOIN zones z USING (id))

-- name: admin_zone_get
SELECT zone_json(z) FROM zones z WHERE z.id = $1::text

--  $1 id   $2 name   $3 country   $4 polygon   $5 fee or NULL   $6 active   $7 admin   $8 act   $9 details   $10 request
-- name: admin_zone_add
WITH made AS (
  INSERT INTO zones AS z (id, name, country_code, polygon, delivery_fee_override, is_active)
  VALUES ($1::text, $2::text, $3::text, $4::jsonb, $5::bigint, $6::boolean)
  RETURNING z.id, z AS zone
), noted AS (
  INSERT INTO admin_audit (admin_id, act, subject, details, request_id)
  SELECT $7::text, $8::text, m.id, $9::jsonb, $10::text FROM made m
)
SELECT zone_json(m.zone) FROM made m

-- NULL stays as it is; an empty fee is removed. No row: 404.
--  $1 id   $2 name   $3 country   $4 polygon   $5 fee   $6 active
--  $7 admin   $8 act   $9 details   $10 request id
-- name: admin_zone_edit
WITH changed AS (
  UPDATE zones z
     SET name = coalesce($2::text, name), country_code = coalesce($3::text, country_code),
         polygon = coalesce($4::jsonb, polygon),
         delivery_fee_override = changed($5::text, delivery_fee_override::text)::bigint,
         is_active = coalesce($6::boolean, is_active), updated_at = now()
   WHERE z.id = $1::text
  RETURNING z.id, z AS zone
), noted AS (
  INSERT INTO admin_audit (admin_id, act, subject, details, request_id)
  SELECT $7::text, $8::text, c.id, $9::jsonb, $10::text FROM changed c
)
SELECT zone_json(c.zone) FROM changed c

-- $1 id, $2 admin, $3 act, $4 request id. No row: 404.
-- name: admin_zone_delete
WITH gone AS (
  DELETE FROM zones WHERE id = $1::text RETURNING id
)
INSERT INTO admin_audit (admin_id, act, subject, request_id)
SELECT $2::text, $3::text, g.id, $4::text FROM gone g
RETURNING subject
-- Money as the console sees it: the platform's accounts, cash that riders hand in, disputes.

-- The platform's accounts: what it has, what it holds of others, what it took and paid out, what is asked for.
-- Columns: JSON. Always one row.
-- name: finance_platform
SELECT concat('{"balance":', account_balance('PLATFORM'), ',"escrow":', account_balance('ESCROW'), ',"total_commission":', c.amount_in,
    ',"total_payouts":', p.paid, ',"pending_payouts":', p.pending, ',"currency":"XAF"}')
  FROM account_turnover('PLATFORM', 'ORDER_COMMISSION', '-infinity', 'infinity') c,
       (SELECT coalesce(sum(amount) FILTER (WHERE status = 'COMPLETED'), 0) AS paid,
               coalesce(sum(amount) FILTER (WHERE status IN ('PENDING', 'APPROVED', 'PROCESSING')), 0) AS pending
          FROM payouts) p

-- Books cash that a rider hands in; the same reference again answers with the first.
--  $1 rider   $2 amount   $3 reference   $4 admin   $5 act   $6 its details   $7 request id   $8 id of the ledger row
-- Columns: outcome, hand-in.
-- Outcomes: DONE, AGAIN (it was booked before), HANDIN_OTHER (with another amount), CASH_OVER, RIDER_NOT_FOUND.
-- name: cash_hand_in
SELECT outcome, json FROM cash_hand_in($1::text, $2::bigint, $3::text, $4::jsonb, $5::text)

-- What a rider has handed in, newest first.
--  $1 rider   $2 limit   $3 offset
-- Columns: total, hand-ins (a JSON array). No row: there is no such rider.
-- name: cash_handin_list
SELECT (SELECT count(*) FROM ledger WHERE to_owner = r.id AND category = 'CASH_HANDIN'),
  (SELECT '[' || coalesce(string_agg(cash_handin_json(l), ',' ORDER BY l.created_at DESC, l.id DESC), '') || ']'
     FROM (SELECT * FROM ledger WHERE to_owner = r.id AND category = 'CASH_HANDIN'
            ORDER BY created_at DESC, id DESC LIMIT $2::bigint OFFSET $3::bigint) l)
  FROM riders r WHERE r.id = $1::text

--  $1 status or NULL   $2 category, in any case, or NULL   $3 limit   $4 offset
-- Columns: total, rows (a JSON array), newest first. Always one row.
-- name: admin_dispute_list
SELECT (SELECT count(*) FROM disputes
         WHERE ($1::text IS NULL OR status = $1::text) AND ($2::text IS NULL OR lower(category) = lower($2::text))),
  (SELECT '[' || coalesce(string_agg(dispute_json(d), ',' ORDER BY d.id DESC), '') || ']'
     FROM (SELECT * FROM disputes
            WHERE ($1::text IS NULL OR status = $1::text) AND ($2::text IS NULL OR lower(category) = lower($2::text))
            ORDER BY id DESC LIMIT $3::bigint OFFSET $4::bigint) d)

-- $1 id or ticket number. No row: 404.
-- name: admin_dispute_get
SELECT dispute_json(d) FROM disputes d
 WHERE d.id = CASE WHEN substr($1::text, 2, 1) = '-'
   THEN (SELECT n.id FROM disputes n WHERE n.ticket_number = $1::text) ELSE $1::text END

-- Ends a dispute, with or without a refund from the platform into the customer's wallet.
--  $1 dispute, id or ticket number   $2 RESOLVED or REJECTED   $3 resolution, or reason   $4 refund or NULL
--  $5 admin   $6 act   $7 its details   $8 request id   $9 id of the ledger row
--  $10 Idempotency-Key of the admin or NULL   $11 its fingerprint
-- Columns: outcome, row. Outcomes: DONE, REPLAY (run idempotency_get), NOT_FOUND, DISPUTE_DECIDED, REFUND_UNDELIVERED (nothing
--  can be given back of an order that is not delivered), REFUND_OVER (more than is left of the price).
-- name: dispute_decide
SELECT outcome, json FROM dispute_decide($1::text, $2::text, $3::text, $4::bigint, $5::text, $6::jsonb,
  $7::text, $8::text, $9::text)
-- Orders as the console reads them.

-- Newest first: ids are ULIDs, their order is that of time. Each kind of list is a branch of its own index, and
-- only one of them runs: the others' parameters are NULL. Orders that need attention are few, and have an index.
--  $1 states text[] or NULL   $2 payment status or NULL   $3 vendor   $4 rider   $5 user, each or NULL
--  $6 from   $7 before: timestamptz or NULL   $8 whether they need attention, NULL: both   $9 limit   $10 offset
-- Columns: total, rows (a JSON array). Always one row.
-- name: admin_order_list
WITH page AS (
  (SELECT id FROM orders
    WHERE $8::boolean IS NOT TRUE AND ($8::boolean IS NULL OR attention IS NULL)
      AND $3::text IS NULL AND $4::text IS NULL AND $5::text IS NULL
      AND ($1::text[] IS NULL OR status = ANY ($1::text[])) AND ($2::text IS NULL OR payment_status = $2::text)
      AND created_at >= coalesce($6::timestamptz, '-infinity') AND created_at < coalesce($7::timestamptz, 'infinity')
    ORDER BY id DESC LIMIT $9::bigint + $10::bigint)
  UNION ALL
  (SELECT id FROM orders
    WHERE $8::boolean IS NOT TRUE AND ($8::boolean IS NULL OR attention IS NULL)
      AND vendor_id = $3::text AND active = ANY ('{t,f}') AND ($4::text IS NULL OR rider_id = $4::text)
      AND ($5::text IS NULL OR user_id = $5::text)
      AND ($1::text[] IS NULL OR status = ANY ($1::text[])) AND ($2::text IS NULL OR payment_status = $2::text)
      AND created_at >= coalesce($6::timestamptz, '-infinity') AND created_at < coalesce($7::timestamptz, 'infinity')
    ORDER BY id DESC LIMIT $9::bigint + $10::bigint)
  UNION ALL
  (SELECT id FROM orders
    WHERE $8::boolean IS NOT TRUE AND ($8::boolean IS NULL OR attention IS NULL)
      AND $3::text IS NULL AND rider_id = $4::text AND active = ANY ('{t,f}') AND ($5::text IS NULL OR user_id = $5::text)
      AND ($1::text[] IS NULL OR status = ANY ($1::text[])) AND ($2::text IS NULL OR payment_status = $2::text)
      AND created_at >= coalesce($6::timestamptz, '-infinity') AND created_at < coalesce($7::timestamptz, 'infinity')
    ORDER BY id DESC LIMIT $9::bigint + $10::bigint)
  UNION ALL
  (SELECT id FROM orders
    WHERE $8::boolean IS NOT TRUE AND ($8::boolean IS NULL OR attention IS NULL)
      AND $3::text IS NULL AND $4::text IS NULL AND user_id = $5::text AND active = ANY ('{t,f}')
      AND ($1::text[] IS NULL OR status = ANY ($1::text[])) AND ($2::text IS NULL OR payment_status = $2::text)
      AND created_at >= coalesce($6::timestamptz, '-infinity') AND created_at < coalesce($7::timestamptz, 'infinity')
    ORDER BY id DESC LIMIT $9::bigint + $10::bigint)
  UNION ALL
  (SELECT id FROM orders
    WHERE $8::boolean IS TRUE AND attention IS NOT NULL AND ($3::text IS NULL OR vendor_id = $3::text)
      AND ($4::text IS NULL OR rider_id = $4::text) AND ($5::text IS NULL OR user_id = $5::text)
      AND ($1::text[] IS NULL OR status = ANY ($1::text[])) AND ($2::text IS NULL OR payment_status = $2::text)
      AND created_at >= coalesce($6::timestamptz, '-infinity') AND created_at < coalesce($7::timestamptz, 'infinity')
    ORDER BY id DESC LIMIT $9::bigint + $10::bigint)
  ORDER BY id DESC LIMIT $9::bigint OFFSET $10::bigint
)
SELECT
  (SELECT count(*) FROM orders
    WHERE $8::boolean IS NOT TRUE AND ($8::boolean IS NULL OR attention IS NULL)
      AND $3::text IS NULL AND $4::text IS NULL AND $5::text IS NULL
      AND ($1::text[] IS NULL OR status = ANY ($1::text[])) AND ($2::text IS NULL OR payment_status = $2::text)
      AND created_at >= coalesce($6::timestamptz, '-infinity') AND created_at < coalesce($7::timestamptz, 'infinity'))
  + (SELECT count(*) FROM orders
    WHERE $8::boolean IS NOT TRUE AND ($8::boolean IS NULL OR attention IS NULL)
      AND vendor_id = $3::text AND active = ANY ('{t,f}') AND ($4::text IS NULL OR rider_id = $4::text)
      AND ($5::text IS NULL OR user_id = $5::text)
      AND ($1::text[] IS NULL OR status = ANY ($1::text[])) AND ($2::text IS NULL OR payment_status = $2::text)
      AND created_at >= coalesce($6::timestamptz, '-infinity') AND created_at < coalesce($7::timestamptz, 'infinity'))
  + (SELECT count(*) FROM orders
    WHERE $8::boolean IS NOT TRUE AND ($8::boolean IS NULL OR attention IS NULL)
      AND $3::text IS NULL AND rider_id = $4::text AND active = ANY ('{t,f}') AND ($5::text IS NULL OR user_id = $5::text)
      AND ($1::text[] IS NULL OR status = ANY ($1::text[])) AND ($2::text IS NULL OR payment_status = $2::text)
      AND created_at >= coalesce($6::timestamptz, '-infinity') AND created_at < coalesce($7::timestamptz, 'infinity'))
  + (SELECT count(*) FROM orders
    WHERE $8::boolean IS NOT TRUE AND ($8::boolean IS NULL OR attention IS NULL)
      AND $3::text IS NULL AND $4::text IS NULL AND user_id = $5::text AND active = ANY ('{t,f}')
      AND ($1::text[] IS NULL OR status = ANY ($1::text[])) AND ($2::text IS NULL OR payment_status = $2::text)
      AND created_at >= coalesce($6::timestamptz, '-infinity') AND created_at < coalesce($7::timestamptz, 'infinity'))
  + (SELECT count(*) FROM orders
    WHERE $8::boolean IS TRUE AND attention IS NOT NULL AND ($3::text IS NULL OR vendor_id = $3::text)
      AND ($4::text IS NULL OR rider_id = $4::text) AND ($5::text IS NULL OR user_id = $5::text)
      AND ($1::text[] IS NULL OR status = ANY ($1::text[])) AND ($2::text IS NULL OR payment_status = $2::text)
      AND created_at >= coalesce($6::timestamptz, '-infinity') AND created_at < coalesce($7::timestamptz, 'infinity')),
  (SELECT '[' || coalesce(string_agg(admin_order_json(o, u, v, r), ',' ORDER BY o.id DESC), '') || ']'
     FROM page JOIN orders o ON o.id = page.id LEFT JOIN users u ON u.id = o.user_id
     LEFT JOIN vendors v ON v.id = o.vendor_id LEFT JOIN riders r ON r.id = o.rider_id)

-- The newest orders whose number holds the text, in any case (numbers are in capitals), dashes or not. A whole number is
-- looked up; a part of one is in no index, and is sought in all of them.
--  $1 text   $2 limit   $3 offset
-- Columns: total, rows (a JSON array). Always one row.
-- name: admin_order_search
WITH exact AS MATERIALIZED (
  SELECT order_number FROM orders WHERE order_number = upper($1::text)
), found AS MATERIALIZED (
  SELECT order_number FROM exact
  UNION ALL
  SELECT order_number FROM orders
   WHERE NOT EXISTS (SELECT FROM exact)
     AND CASE WHEN strpos($1::text, '-') > 0 THEN order_number ELSE replace(order_number, '-', '') END
       LIKE like_text(upper($1::text))
), page AS (
  SELECT o.id FROM found JOIN orders o USING (order_number) ORDER BY o.id DESC LIMIT $2::bigint OFFSET $3::bigint
)
SELECT (SELECT count(*) FROM found),
  (SELECT '[' || coalesce(string_agg(admin_order_json(o, u, v, r), ',' ORDER BY o.id DESC), '') || ']'
     FROM page JOIN orders o ON o.id = page.id LEFT JOIN users u ON u.id = o.user_id
     LEFT JOIN vendors v ON v.id = o.vendor_id LEFT JOIN riders r ON r.id = o.rider_id)

-- One order. $1 id, or number. Columns: row, timeline. No row: 404.
-- name: admin_order_get
SELECT admin_order_json(o, u, v, r), admin_timeline(o)
  FROM orders o LEFT JOIN users u ON u.id = o.user_id
  LEFT JOIN vendors v ON v.id = o.vendor_id LEFT JOIN riders r ON r.id = o.rider_id
 WHERE o.id = CASE WHEN substr($1::text, 2, 1) = '-'
   THEN (SELECT n.id FROM orders n WHERE n.order_number = $1::text) ELSE $1::text END

-- What dispatch decided about an order and what came of it, oldest first.
--  $1 id or number
-- Columns: rows (a JSON array). No row: no such order.
-- name: admin_order_dispatch
SELECT '[' || coalesce(string_agg(concat('{"id":', d.id, ',"at":', json_time(d.at), ',"round":', d.round,
      ',"rider":{"id":"', d.rider_id, '","name":', json_text(btrim(r.first_name || ' ' || r.last_name)),
      '},"outcome":', json_word(f.outcome), ',"answered_at":', json_time(f.answered_at),
      ',"reason":', json_text(f.reason), ',"candidates":', d.candidates, '}'), ',' ORDER BY d.id)
    FILTER (WHERE d.id IS NOT NULL), '') || ']'
  FROM orders o
  LEFT JOIN dispatch_decisions d ON d.order_id = o.id
  LEFT JOIN offers f ON f.order_id = d.order_id AND f.rider_id = d.rider_id AND f.offered_at = d.at
  LEFT JOIN riders r ON r.id = d.rider_id
 WHERE o.id = CASE WHEN substr($1::text, 2, 1) = '-'
   THEN (SELECT n.id FROM orders n WHERE n.order_number = $1::text) ELSE $1::text END
 GROUP BY o.id
-- Riders as the console reads and changes them.

--  $1 approval or NULL   $2 text sought in names, phones, e-mails and plates, or NULL   $3 limit   $4 offset
-- Columns: total, rows (a JSON array), newest first. Always one row.
-- name: admin_rider_list
WITH found AS MATERIALIZED (
  SELECT r.id FROM riders r
   WHERE $2::text IS NULL AND ($1::text IS NULL OR r.approval_status = $1::text)
  UNION ALL
  SELECT r.id FROM riders r
   WHERE search_text(r.first_name || ' ' || r.last_name, r.phone, r.email, r.vehicle_details ->> 'plateNumber')
         LIKE search_like($2::text)
     AND ($1::text IS NULL OR r.approval_status = $1::text)
), page AS (
  SELECT r.id, r.created_at, r AS rider FROM found JOIN riders r USING (id)
   ORDER BY r.created_at DESC, r.id DESC LIMIT $3::bigint OFFSET $4::bigint
)
SELECT (SELECT count(*) FROM found),
  '[' || coalesce(string_agg(admin_rider_json(p.rider), ',' ORDER BY p.created_at DESC, p.id DESC), '') || ']'
  FROM page p

-- $1 rider. No row: 404.
-- name: admin_rider_get
SELECT admin_rider_json(r) FROM riders r WHERE r.id = $1::text

-- Approves (also reinstates: the account is active again), rejects or suspends. Who is not approved goes offline, what he
-- was asked is withdrawn and looked for anew; a suspension ends the sessions.
--  $1 rider   $2 approval   $3 reason or NULL   $4 life of access tokens
--  $5 admin   $6 act        $7 its details      $8 request id
-- Columns: row, ended sessions (comma separated, NULL: none were to end), went offline. No row: 404.
-- name: admin_rider_set_approval
WITH held AS MATERIALIZED (
  SELECT r.id, r.is_online, r.approval_status FROM riders r WHERE r.id = $1::text FOR UPDATE
), changed AS (
  UPDATE riders r
     SET approval_status = $2::text, rejected_reason = $3::text, is_online = r.is_online AND $2::text = 'APPROVED',
         status = CASE $2::text WHEN 'APPROVED' THEN 'ACTIVE' ELSE r.status END, updated_at = now()
    FROM held h WHERE r.id = h.id
  RETURNING r.id, r AS rider, h.is_online AND NOT r.is_online AS left_us,
    h.approval_status IS DISTINCT FROM $2::text AS judged
), ended AS MATERIALIZED (
  SELECT account_end_sessions(c.id, 'suspended', $4::bigint) AS ids FROM changed c WHERE $2::text = 'SUSPENDED'
), seeking AS MATERIALIZED (  -- before the offers, as the steps of an order lock them
  SELECT d.order_id FROM changed c JOIN offers f ON f.rider_id = c.id AND f.outcome = 'OPEN'
    JOIN dispatches d ON d.order_id = f.order_id
   WHERE $2::text <> 'APPROVED' ORDER BY d.order_id FOR UPDATE OF d
), withdrawn AS (
  UPDATE offers f SET outcome = 'WITHDRAWN', answered_at = now() FROM changed c
   WHERE f.rider_id = c.id AND f.outcome = 'OPEN' AND $2::text <> 'APPROVED'
     AND (SELECT count(*) FROM seeking) >= 0
  RETURNING f.order_id
), sought AS (
  UPDATE dispatches d SET next_at = now() FROM withdrawn w WHERE d.order_id = w.order_id
), noted AS (
  INSERT INTO admin_audit (admin_id, act, subject, details, request_id)
  SELECT $5::text, $6::text, c.id, $7::jsonb, $8::text FROM changed c
), told AS (
  INSERT INTO outbox (aggregate, type, rooms, payload)
  SELECT c.id, 'rider_changed', ARRAY['rider:' || c.id], json_strip_nulls(json_build_object('riderId', c.id,
         'approval', CASE WHEN c.judged THEN $2::text END, 'reason', CASE WHEN c.judged THEN $3::text END,
         'timestamp', iso(now()))) FROM changed c
  UNION ALL
  SELECT c.id, 'rider_status_changed', ARRAY['admin', 'rider:' || c.id],
         json_build_object('riderId', c.id, 'isOnline', false, 'timestamp', iso(now())) FROM changed c WHERE c.left_us
)
SELECT admin_rider_json(c.rider), (SELECT ids FROM ended), c.left_us FROM changed c

-- Changes what is given; NULL stays as it is.
--  $1 rider   $2 first   $3 last name   $4 phone   $5 e-mail   $6 vehicle type   $7 plate
--  $8 admin   $9 act     $10 its details   $11 request id
-- Columns: row. No row: 404.
-- name: admin_rider_edit
WITH changed AS (
  UPDATE riders r
     SET first_name = coalesce($2::text, first_name), last_name = coalesce($3::text, last_name),
         phone = coalesce($4::text, phone), email_verified = email_verified AND ($5::text IS NULL OR $5::text = email),
         email = changed($5::text, email),
         vehicle_type = coalesce($6::text, vehicle_type),
         vehicle_details = CASE WHEN $7::text IS NULL THEN vehicle_details
                                ELSE vehicle_details || jsonb_build_object('plateNumber', $7::text) END,
         updated_at = now()
   WHERE r.id = $1::text
  RETURNING r.id, r AS rider
), noted AS (
  INSERT INTO admin_audit (admin_id, act, subject, details, request_id)
  SELECT $8::text, $9::text, c.id, $10::jsonb, $11::text FROM changed c
), told AS (
  INSERT INTO outbox (aggregate, type, rooms, payload)
  SELECT c.id, 'rider_changed', ARRAY['rider:' || c.id],
         json_build_object('riderId', c.id, 'timestamp', iso(now())) FROM changed c
)
SELECT admin_rider_json(c.rider) FROM changed c

-- Decides about documents; the approval of the rider stays as it is.
--  $1 rider   $2 decisions [{document_type,status,reason}], of which the last about a document counts
--  $3 admin   $4 act   $5 its details   $6 request id
-- Columns: row, the first type that was not handed in (then nothing is written) or NULL. No row: 404.
-- name: admin_rider_documents
WITH held AS MATERIALIZED (
  SELECT r.id, r AS rider FROM riders r WHERE r.id = $1::text FOR SHARE
), wanted AS MATERIALIZED (
  SELECT DISTINCT ON (w.document_type) h.id, w.document_type, f.url, w.status, w.reason
    FROM held h CROSS JOIN ROWS FROM (
      jsonb_to_recordset($2::jsonb) AS (document_type text, status text, reason text)) WITH ORDINALITY w(document_type, status, reason, n)
    LEFT JOIN LATERAL rider_documents_submitted(h.rider) f ON f.document_type = w.document_type
   ORDER BY w.document_type, w.n DESC
), missing AS MATERIALIZED (
  SELECT min(w.document_type) AS document_type FROM wanted w WHERE w.url IS NULL
), decided AS (
  INSERT INTO rider_documents AS d (rider_id, document_type, url, status, reason, decided_by)
  SELECT w.id, w.document_type, w.url, w.status, w.reason, $3::text FROM wanted w
   WHERE (SELECT m.document_type IS NULL FROM missing m)
  ON CONFLICT (rider_id, document_type) DO UPDATE
     SET url = excluded.url, status = excluded.status, reason = excluded.reason,
         decided_by = excluded.decided_by, decided_at = now()
  RETURNING d AS document
), noted AS (
  INSERT INTO admin_audit (admin_id, act, subject, details, request_id)
  SELECT $3::text, $4::text, h.id, $5::jsonb, $6::text FROM held h WHERE EXISTS (SELECT FROM decided)
), told AS (
  INSERT INTO outbox (aggregate, type, rooms, payload)
  SELECT h.id, 'rider_changed', ARRAY['rider:' || h.id],
         json_build_object('riderId', h.id, 'timestamp', iso(now())) FROM held h WHERE EXISTS (SELECT FROM decided)
)
SELECT admin_rider_json(h.rider, (SELECT coalesce(array_agg(d.document), '{}') FROM decided d)),
  (SELECT m.document_type FROM missing m) FROM held h
-- Customers as the console reads and changes them.

--  $1 status, NULL: all that are not deleted   $2 text sought in names, phones and e-mails, or NULL   $3 limit   $4 offset
-- Columns: total, rows (a JSON array), newest first. Always one row.
-- name: admin_user_list
WITH sought AS MATERIALIZED (
  SELECT u.id FROM users u
   WHERE search_text(u.first_name || ' ' || u.last_name, u.phone, u.email) LIKE search_like($2::text)
     AND CASE WHEN $1::text IS NULL THEN u.status <> 'DELETED' ELSE u.status = $1::text END
), ids AS (
  (SELECT u.id, u.created_at FROM users u
    WHERE $2::text IS NULL AND CASE WHEN $1::text IS NULL THEN u.status <> 'DELETED' ELSE u.status = $1::text END
    ORDER BY u.created_at DESC, u.id DESC LIMIT $3::bigint OFFSET $4::bigint)
  UNION ALL
  (SELECT u.id, u.created_at FROM sought JOIN users u USING (id)
    ORDER BY u.created_at DESC, u.id DESC LIMIT $3::bigint OFFSET $4::bigint)
), page AS (
  SELECT u.id, u.created_at, u AS person FROM ids JOIN users u USING (id)
)
SELECT (SELECT count(*) FROM sought) + (SELECT count(*) FROM users u
    WHERE $2::text IS NULL AND CASE WHEN $1::text IS NULL THEN u.status <> 'DELETED' ELSE u.status = $1::text END),
  '[' || coalesce(string_agg(admin_user_json(p.person, false), ',' ORDER BY p.created_at DESC, p.id DESC), '') || ']'
  FROM page p

-- $1 user. The row with its stats. No row: 404.
-- name: admin_user_get
SELECT admin_user_json(u, true) FROM users u WHERE u.id = $1::text

-- Another status. Who is not active has no sessions; who is deleted leaves his phone and e-mail to others.
--  $1 user   $2 status   $3 reason or NULL   $4 life of access tokens
--  $5 admin  $6 act      $7 its details      $8 request id
-- Columns: row, ended sessions (comma separated, NULL: none were to end). No row: 404, or deleted already.
-- name: admin_user_set_status
WITH changed AS (
  UPDATE users u
     SET status = $2::text, suspended_reason = $3::text, updated_at = now(),
         phone = CASE $2::text WHEN 'DELETED' THEN 'deleted_' || u.id ELSE u.phone END,
         email = CASE $2::text WHEN 'DELETED' THEN lower('deleted_' || u.id || '@reeyo.local') ELSE u.email END
   WHERE u.id = $1::text AND u.status <> 'DELETED'
  RETURNING u.id, u AS person
), ended AS MATERIALIZED (
  SELECT account_end_sessions(c.id, lower($2::text), $4::bigint) AS ids FROM changed c WHERE $2::text <> 'ACTIVE'
), devices AS (
  DELETE FROM device_tokens d USING changed c WHERE d.account_id = c.id AND $2::text = 'DELETED'
), noted AS (
  INSERT INTO admin_audit (admin_id, act, subject, details, request_id)
  SELECT $5::text, $6::text, c.id, $7::jsonb, $8::text FROM changed c
)
SELECT admin_user_json(c.person, false), (SELECT ids FROM ended) FROM changed c
-- Vendors as the console reads and changes them. Every write notes who did it (admin_audit) and tells the copies.

--  $1 approval or NULL   $2 text sought in names, phones and e-mails, or NULL   $3 limit   $4 offset
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

-- The whole menu, by category and name. $1 vendor. Columns: rows. No row: no such vendor.
-- name: admin_vendor_items
SELECT '[' || coalesce(string_agg(admin_item_json(i), ',' ORDER BY i.category, i.name, i.id)
    FILTER (WHERE i.id IS NOT NULL), '') || ']'
  FROM vendors v LEFT JOIN items i ON i.vendor_id = v.id AND i.deleted_at IS NULL
 WHERE v.id = $1::text GROUP BY v.id

-- Approves, rejects or suspends; a vendor whose approval changes by it is told. Who is not approved is not online; a suspension ends the sessions.
--  $1 vendor   $2 approval   $3 reason or NULL   $4 life of access tokens
--  $5 admin    $6 act        $7 its details {}   $8 request id
-- Columns: row, ended sessions (comma separated, NULL: none were to end). No row: 404.
-- name: admin_vendor_set_approval
WITH held AS MATERIALIZED (
  SELECT v.id, v.approval_status FROM vendors v WHERE v.id = $1::text FOR UPDATE
), changed AS (
  UPDATE vendors v
     SET approval_status = $2::text, rejected_reason = $3::text, is_online = v.is_online AND $2::text = 'APPROVED',
         status = CASE $2::text WHEN 'APPROVED' THEN 'ACTIVE' ELSE v.status END, updated_at = now()
    FROM held h WHERE v.id = h.id
  RETURNING v.id, v AS vendor, h.approval_status IS DISTINCT FROM $2::text AS judged
), ended AS MATERIALIZED (
  SELECT account_end_sessions(c.id, 'suspended', $4::bigint) AS ids FROM changed c WHERE $2::text = 'SUSPENDED'
), noted AS (
  INSERT INTO admin_audit (admin_id, act, subject, details, request_id)
  SELECT $5::text, $6::text, c.id, $7::jsonb, $8::text FROM changed c
), told AS (
  INSERT INTO outbox (aggregate, type, rooms, payload)
  SELECT c.id, 'vendor_changed', ARRAY['vendor:' || c.id], json_strip_nulls(json_build_object('vendorId', c.id,
         'approval', CASE WHEN c.judged THEN $2::text END, 'reason', CASE WHEN c.judged THEN $3::text END,
         'timestamp', iso(now()))) FROM changed c
)
SELECT admin_vendor_json(c.vendor, false), (SELECT ids FROM ended) FROM changed c

-- Changes what is given; NULL stays as it is.
--  $1 vendor   $2 business name   $3 owner   $4 phone   $5 e-mail   $6 address   $7 city   $8 description
--  $9 mobile money number ('': none; it goes before the bank account, and ends with a new one of those)   $10 its provider
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
), noted AS (
  INSERT INTO admin_audit (admin_id, act, subject, details, request_id)
  SELECT $14::text, $15::text, c.id, $16::jsonb, $17::text FROM changed c
), told AS (
  INSERT INTO outbox (aggregate, type, rooms, payload)
  SELECT c.id, 'vendor_changed', ARRAY['vendor:' || c.id],
         json_build_object('vendorId', c.id, 'timestamp', iso(now())) FROM changed c
)
SELECT admin_vendor_json(c.vendor, false) FROM changed c
-- Webhooks as admins register them and look after them. Each write is noted in admin_audit.

-- --- Endpoints ---------------------------------------------------------------------------------------------

-- $1 limit, $2 offset. Columns: total, rows.
-- name: admin_webhook_list
SELECT (SELECT count(*) FROM webhook_endpoints),
  (SELECT '[' || coalesce(string_agg(webhook_json(w), ',' ORDER BY w.id), '') || ']'
     FROM (SELECT id FROM webhook_endpoints ORDER BY id LIMIT $1::bigint OFFSET $2::bigint) page
     JOIN webhook_endpoints w USING (id))

-- name: admin_webhook_get
SELECT webhook_json(w) FROM webhook_endpoints w WHERE w.id = $1::text

--  $1 id   $2 url   $3 description   $4 types text[]   $5 vendor or NULL   $6 secret   $7 admin   $8 act   $9 details
--  $10 request id   $11 Idempotency-Key of the admin or NULL   $12 its fingerprint
-- Columns: outcome, row with its secret. Outcomes: DONE, REPLAY (run idempotency_get), VENDOR_NOT_FOUND, CONFLICT (it
--  would be the 51st).
-- name: admin_webhook_add
SELECT outcome, json FROM webhook_add($1::text, $2::text, $3::text, $4::text[], $5::text, $6::text, $7::text, $8::jsonb,
  $9::text, $10::text)

-- NULL stays as it is; an empty description or vendor is removed. Enabling forgets why it was disabled and for how long
-- it failed. No row: 404.
--  $1 id   $2 url   $3 description   $4 types   $5 vendor   $6 enabled
--  $7 admin   $8 act   $9 details   $10 request id
-- name: admin_webhook_edit
WITH changed AS (
  UPDATE webhook_endpoints w
     SET url = coalesce($2::text, w.url), description = changed($3::text, w.description),
         event_types = coalesce($4::text[], w.event_types),
         vendor_id = changed($5::text, w.vendor_id),
         enabled = coalesce($6::boolean, w.enabled),
         disabled_reason = CASE $6::boolean WHEN true THEN NULL WHEN false THEN coalesce(w.disabled_reason, 'ADMIN')
           ELSE w.disabled_reason END,
         failing_since = CASE WHEN $6::boolean THEN NULL ELSE w.failing_since END, updated_at = now()
   WHERE w.id = $1::text
     AND (coalesce($5::text, '') = '' OR EXISTS (SELECT FROM vendors WHERE id = $5::text) OR fail('VENDOR_NOT_FOUND') IS NULL)
  RETURNING w
), noted AS (
  INSERT INTO admin_audit (admin_id, act, subject, details, request_id)
  SELECT $7::text, $8::text, (c.w).id, $9::jsonb, $10::text FROM changed c
)
SELECT webhook_json(c.w) FROM changed c

-- What is queued for it goes nowhere any more, and is swept with the rest.
--  $1 id, $2 admin, $3 act, $4 request id. No row: 404.
-- name: admin_webhook_delete
WITH gone AS (
  DELETE FROM webhook_endpoints WHERE id = $1::text RETURNING id
)
INSERT INTO admin_audit (admin_id, act, subject, request_id)
SELECT $2::text, $3::text, g.id, $4::text FROM gone g
RETURNING subject

-- For 24 hours the secret so far signs beside the new one, and those of rotations in the 24 hours before, at most four.
--  $1 id   $2 secret   $3 admin   $4 act   $5 request id   $6 Idempotency-Key of the admin or NULL   $7 its fingerprint
-- Columns: outcome, row with its secret. Outcomes: DONE, REPLAY (run idempotency_get), NOT_FOUND.
-- name: admin_webhook_rotate
SELECT outcome, json FROM webhook_rotate($1::text, $2::text, $3::text, $4::jsonb, $5::text, $6::text)

-- --- Deliveries --------------------------------------------------------------------------------------------

-- Queues a delivery that says nothing; to a disabled endpoint it is CONFLICT. No row: 404.
--  $1 endpoint   $2 id of the delivery   $3 type   $4 admin   $5 act   $6 request id
-- name: admin_webhook_test
WITH made AS (
  INSERT INTO webhook_deliveries AS d (id, endpoint_id, type, payload, said_at)
  SELECT $2::text, w.id, $3::text,
         webhook_body($3::text, now(), json_build_object('webhookId', w.id, 'message', 'It works')::text), now()
    FROM webhook_endpoints w WHERE w.id = $1::text AND (w.enabled OR fail('CONFLICT') IS NULL)
  RETURNING d
), noted AS (
  INSERT INTO admin_audit (admin_id, act, subject, request_id)
  SELECT $4::text, $5::text, (m.d).endpoint_id, $6::text FROM made m
)
SELECT webhook_delivery_json(m.d) FROM made m

-- $1 endpoint, $2 state or NULL, $3 limit, $4 offset, newest first. Columns: total, rows. No row: 404.
-- name: admin_webhook_deliveries
SELECT (SELECT count(*) FROM webhook_deliveries
         WHERE endpoint_id = w.id AND state = coalesce($2::text, state)),
  (SELECT '[' || coalesce(string_agg(webhook_delivery_json(d), ',' ORDER BY d.said_at DESC, d.id), '') || ']'
     FROM (SELECT id FROM webhook_deliveries WHERE endpoint_id = w.id AND state = coalesce($2::text, state)
            ORDER BY said_at DESC, id LIMIT $3::bigint OFFSET $4::bigint) page
     JOIN webhook_deliveries d USING (id))
  FROM webhook_endpoints w WHERE w.id = $1::text

-- Queues a delivery anew, with all its tries; while one is under way, or its endpoint is disabled or gone, CONFLICT.
--  $1 id   $2 admin   $3 act   $4 request id. No row: 404.
-- name: admin_webhook_replay_one
WITH again AS (
  UPDATE webhook_deliveries d SET state = 'QUEUED', tries = 0, next_at = now(), busy_until = NULL
   WHERE d.id = $1::text
     AND ((d.busy_until IS NULL OR d.busy_until <= now())
          AND EXISTS (SELECT FROM webhook_endpoints w WHERE w.id = d.endpoint_id AND w.enabled)
          OR fail('CONFLICT') IS NULL)
  RETURNING d
), noted AS (
  INSERT INTO admin_audit (admin_id, act, subject, request_id)
  SELECT $2::text, $3::text, (a.d).id, $4::text FROM again a
)
SELECT webhook_delivery_json(a.d) FROM again a

-- Queues anew what an endpoint was told, or would have been told, of what was said from $2 until before $3 (NULL: now): as
-- long as deliveries (30 days) and events (72 hours) are kept. What is under way stays as it is. No row: 404.
--  $1 endpoint   $2 since   $3 until   $4 types that are offered text[]   $5 limit   $6 admin   $7 act   $8 details
--  $9 request id
-- Columns: {"queued","more","next_since"}: with more, the rest begins at next_since.
-- name: admin_webhook_replay
WITH target AS MATERIALIZED (
  SELECT w FROM webhook_endpoints w WHERE w.id = $1::text AND (w.enabled OR fail('CONFLICT') IS NULL)
), wanted AS MATERIALIZED (
  SELECT d.id, d.said_at, NULL::bigint AS event
    FROM webhook_deliveries d JOIN target ON d.endpoint_id = (target.w).id
   WHERE d.said_at >= $2::timestamptz AND d.said_at < coalesce($3::timestamptz, now()) AND d.event_id IS NOT NULL
  UNION ALL
  SELECT webhook_delivery_id((target.w).id, e.id), e.created_at, e.id
    FROM events e JOIN target ON webhook_matches(target.w, e)
   WHERE e.created_at >= $2::timestamptz AND e.created_at < coalesce($3::timestamptz, now()) AND e.type = ANY ($4::text[])
     AND NOT EXISTS (SELECT FROM webhook_deliveries d WHERE d.id = webhook_delivery_id((target.w).id, e.id))
   ORDER BY said_at, id LIMIT $5::bigint + 1
), chosen AS MATERIALIZED (
  SELECT * FROM wanted ORDER BY said_at, id LIMIT $5::bigint
), again AS (
  UPDATE webhook_deliveries d SET state = 'QUEUED', tries = 0, next_at = now(), busy_until = NULL
   WHERE d.id IN (SELECT id FROM chosen WHERE event IS NULL) AND (d.busy_until IS NULL OR d.busy_until <= now())
  RETURNING 1
), missed AS (
  INSERT INTO webhook_deliveries (id, endpoint_id, event_id, type, payload, said_at)
  SELECT c.id, $1::text, e.id, e.type, webhook_body(e.type, e.created_at, e.payload::text), e.created_at
    FROM chosen c JOIN events e ON e.id = c.event
  ON CONFLICT (id) DO NOTHING
  RETURNING 1
), noted AS (
  INSERT INTO admin_audit (admin_id, act, subject, details, request_id)
  SELECT $6::text, $7::text, (target.w).id, $8::jsonb, $9::text FROM target
)
SELECT concat('{"queued":', (SELECT count(*) FROM again) + (SELECT count(*) FROM missed), ',"more":',
    json_flag((SELECT count(*) FROM wanted) > $5::bigint), ',"next_since":',
    json_time((SELECT max(said_at) FROM wanted HAVING count(*) > $5::bigint)), '}')
  FROM target
-- Riders at work: online and offline, where they are, what they may take.

-- Goes online or offline. The rider_status_changed of a change that is none is not told.
--  $1 rider   $2 online   $3 lat, $4 lng or NULL   $5 a phone need not be verified
-- Columns: outcome (CHANGED, or RIDER_NOT_FOUND, PHONE_UNVERIFIED, SUSPENDED, NOT_APPROVED, INACTIVE), {riderId,isOnline,status}.
-- name: rider_set_online
WITH was AS MATERIALIZED (
  SELECT r.id, r.is_online, CASE
      WHEN NOT $2::boolean THEN 'CHANGED'
      WHEN NOT (r.phone_verified OR $5::boolean) THEN 'PHONE_UNVERIFIED'
      WHEN r.approval_status = 'SUSPENDED' THEN 'SUSPENDED'
      WHEN r.approval_status <> 'APPROVED' THEN 'NOT_APPROVED'
      WHEN r.status <> 'ACTIVE' THEN 'INACTIVE'
      ELSE 'CHANGED' END AS outcome
    FROM riders r WHERE r.id = $1::text FOR NO KEY UPDATE
), changed AS (
  UPDATE riders r SET is_online = $2::boolean, lat = coalesce($3::double precision, r.lat),
         lng = coalesce($4::double precision, r.lng),
         located_at = CASE WHEN $3::double precision IS NULL THEN r.located_at ELSE greatest(r.located_at, now()) END,
         last_online = CASE WHEN $2::boolean OR r.is_online THEN now() ELSE r.last_online END, updated_at = now()
    FROM was WHERE r.id = was.id AND was.outcome = 'CHANGED'
  RETURNING r AS now
), told AS (
  INSERT INTO outbox (aggregate, type, rooms, payload)
  SELECT was.id, 'rider_status_changed', ARRAY['admin', 'rider:' || was.id], ('{"riderId":' || json_word(was.id)
    || ',"isOnline":' || json_flag($2::boolean) || ',"timestamp":' || json_time(now()) || '}')::json
    FROM was WHERE was.outcome = 'CHANGED' AND was.is_online <> $2::boolean
)
SELECT coalesce(was.outcome, 'RIDER_NOT_FOUND'), '{"riderId":' || json_word((c.now).id)
    || ',"isOnline":' || json_flag((c.now).is_online) || ',"status":'
    || CASE WHEN (c.now).is_online THEN '"online"' ELSE '"offline"' END || '}'
  FROM (VALUES (true)) one LEFT JOIN was ON true LEFT JOIN changed c ON true

-- $1 rider. Columns: how he is, as JSON. No row: he is gone.
-- name: rider_availability_get
SELECT '{"riderId":' || json_word(r.id) || ',"isOnline":' || json_flag(r.is_online)
    || ',"status":' || CASE WHEN r.is_online THEN '"online"' ELSE '"offline"' END
    || ',"availability":' || json_word(rider_availability(r))
    || ',"currentLocation":' || coalesce(rider_place_json(r), 'null')
    || ',"lastOnline":' || json_time(CASE WHEN r.is_online THEN now() ELSE r.last_online END)
    || ',"verificationStatus":' || CASE WHEN r.phone_verified THEN '"VERIFIED"' ELSE '"PENDING"' END
    || ',"approvalStatus":' || json_word(r.approval_status) || ',"accountStatus":' || json_word(r.status) || '}'
  FROM riders r WHERE r.id = $1::text

-- His day so far, in the business's time zone. $1 rider. Columns: JSON. No row: he is gone.
-- name: rider_activity
WITH day AS MATERIALIZED (
  SELECT date_trunc('day', now() AT TIME ZONE business_zone()) AT TIME ZONE business_zone() AS began,
    to_char(now() AT TIME ZONE business_zone(), 'YYYY-MM-DD') AS date
)
SELECT '{"riderId":' || json_word(r.id) || ',"date":' || json_word(day.date)
    || ',"isOnline":' || json_flag(r.is_online)
    || ',"totalDeliveries":' || r.total_deliveries || ',"completedDeliveries":' || r.completed_deliveries
    || ',"rating":' || mean_rating(r.rating_sum, r.total_ratings)
    || ',"todayDeliveries":' || (SELECT count(*) FROM orders o
         WHERE o.rider_id = r.id AND o.active IS FALSE AND o.status = 'DELIVERED' AND o.delivered_at >= day.began)
    || ',"todayEarnings":' || (SELECT coalesce(sum(l.amount), 0) FROM ledger l
         WHERE l.to_kind = 'RIDER' AND l.to_owner = r.id AND l.category = 'DELIVERY_FEE' AND l.created_at >= day.began)
    || ',"onlineHours":' || (SELECT coalesce(round((sum(extract(epoch FROM
           coalesce(s.ended_at, now()) - greatest(s.began_at, day.began))) / 3600)::numeric, 2), 0)
         FROM online_spans s WHERE s.rider_id = r.id AND coalesce(s.ended_at, now()) > day.began) || '}'
  FROM riders r, day WHERE r.id = $1::text

-- Last known points of many riders; a point that is older than the row's is left out. In order of id, so that two of them
-- cannot wait for each other.
--  $1 riders text[]   $2 lats, $3 lngs double precision[]   $4 times bigint[] (ms)
-- name: rider_positions_store
UPDATE riders r SET lat = p.lat, lng = p.lng, located_at = p.at
  FROM (SELECT q.id, w.lat, w.lng, to_timestamp(w.ms / 1000.0) AS at
          FROM unnest($1::text[], $2::double precision[], $3::double precision[], $4::bigint[]) AS w(id, lat, lng, ms)
          JOIN riders q ON q.id = w.id ORDER BY q.id FOR NO KEY UPDATE OF q) p
 WHERE r.id = p.id AND (r.located_at IS NULL OR r.located_at < p.at)

-- Orders that look for a rider near a point, nearest first: not those he rejected.
--  $1 rider   $2 lat, $3 lng (NULL: where he was last)   $4 radius km   $5 limit
-- Columns: JSON array. Always one row.
-- name: orders_available
WITH spot AS MATERIALIZED (
  SELECT coalesce($2::double precision, r.lat) AS lat, coalesce($3::double precision, r.lng) AS lng
    FROM riders r WHERE r.id = $1::text
), near AS (
  SELECT o.id, k.km FROM spot
    JOIN dispatches d ON true
    JOIN orders o ON o.id = d.order_id
   CROSS JOIN LATERAL (SELECT distance_km(spot.lat, spot.lng, o.pickup_lat, o.pickup_lng) AS km) k
   WHERE order_needs_rider(o)
     AND o.pickup_lat BETWEEN spot.lat - $4::double precision / 110 AND spot.lat + $4::double precision / 110
     AND k.km <= $4::double precision
     AND (SELECT f.outcome FROM offers f WHERE f.order_id = o.id AND f.rider_id = $1::text
           ORDER BY f.offered_at DESC LIMIT 1) IS DISTINCT FROM 'REJECTED'
   ORDER BY k.km, o.id LIMIT $5::bigint
)
SELECT '[' || coalesce(string_agg('{"orderId":' || json_word(o.id) || ',"orderNumber":' || json_word(o.order_number)
    || ',"orderType":' || json_word(o.order_type) || ',"vendorName":' || json_text(o.vendor_name)
    || ',"pickupLocation":{"address":' || json_text(o.pickup_text)
    || ',"coordinates":' || json_point(o.pickup_lat, o.pickup_lng)
    || '},"deliveryLocation":{"address":' || json_text(o.delivery_text)
    || ',"coordinates":' || json_point(o.delivery_lat, o.delivery_lng)
    || '},"deliveryFee":' || o.delivery_fee || ',"distance":' || round(near.km::numeric, 2)
    || ',"estimatedTime":' || ride_minutes(near.km + o.distance)
    || ',"status":' || json_word(o.status) || '}', ',' ORDER BY near.km, o.id), '') || ']'
  FROM near JOIN orders o ON o.id = near.id

-- Takes riders offline who have said nothing for 300 seconds.
--  $1 how many
-- Columns: rider id.
-- name: riders_set_silent_offline
WITH silent AS (
  SELECT r.id FROM riders r
   WHERE r.is_online
     AND greatest(r.located_at, r.last_online, CASE WHEN r.last_online IS NULL THEN r.created_at END)
         < now() - interval '300 seconds'
   ORDER BY r.id LIMIT $1::bigint FOR NO KEY UPDATE SKIP LOCKED
), changed AS (
  UPDATE riders r SET is_online = false, updated_at = now() FROM silent WHERE r.id = silent.id
  RETURNING r.id
), told AS (
  INSERT INTO outbox (aggregate, type, rooms, payload)
  SELECT id, 'rider_status_changed', ARRAY['admin', 'rider:' || id], ('{"riderId":' || json_word(id)
    || ',"isOnline":false,"timestamp":' || json_time(now()) || '}')::json FROM changed
)
SELECT id FROM changed

-- Riders at work as the console's map shows them; riders who are online or carry something and have a place.
--  $1 country or NULL   $2 riders text[], $3 lats, $4 lngs double precision[], $5 times bigint[] (ms): what is known newer
-- Columns: JSON array. Always one row.
-- name: riders_live
SELECT '[' || coalesce(string_agg('{"rider_id":' || json_word(r.id)
    || ',"name":' || json_text(btrim(r.first_name || ' ' || r.last_name))
    || ',"lat":' || coalesce(w.lat, r.lat) || ',"lng":' || coalesce(w.lng, r.lng)
    || ',"status":' || json_word(rider_availability(r))
    || ',"current_order_id":' || json_word((SELECT o.order_number FROM orders o
         WHERE o.rider_id = r.id AND o.active IS TRUE AND r.active_orders > 0 ORDER BY o.created_at LIMIT 1))
    || ',"updated_at":' || json_time(greatest(to_timestamp(w.ms / 1000.0), r.located_at)) || '}', ',' ORDER BY r.id), '')
    || ']'
  FROM riders r
  LEFT JOIN unnest($2::text[], $3::double precision[], $4::double precision[], $5::bigint[]) AS w(id, lat, lng, ms)
    ON w.id = r.id
 WHERE (r.is_online OR r.active_orders > 0) AND ($1::text IS NULL OR r.country_code = $1::text)
   AND coalesce(w.lat, r.lat) IS NOT NULL

-- Riders who are online, who came last first.
--  $1 limit   $2 offset
-- Columns: total, rows (a JSON array of Riders as the console has them). Always one row.
-- name: admin_riders_online
WITH page AS (
  SELECT r.id, r.last_online, r AS rider FROM riders r WHERE r.is_online
   ORDER BY r.last_online DESC NULLS LAST, r.id LIMIT $1::bigint OFFSET $2::bigint
)
SELECT (SELECT count(*) FROM riders WHERE is_online),
  '[' || coalesce(string_agg(admin_rider_json(p.rider), ',' ORDER BY p.last_online DESC NULLS LAST, p.id), '') || ']'
  FROM page p
-- Vendors and menus as everybody may see them: approved ones only.

-- The public Vendor object, without distance: the value of `vendor:{id}`.
--  $1 vendor id
-- Columns: vendor, for how many milliseconds its hours say the same (NULL: longer than it is kept). No row: 404.
-- name: vendor_get
-- columns: vendor, hold_ms
SELECT vendor_public_json(v, business_zone()) AS vendor,
  hours_hold_ms(v.business_hours, now() AT TIME ZONE business_zone()) AS hold_ms
  FROM vendors v WHERE v.id = :vendor_id::text AND v.approval_status = 'APPROVED'

-- The whole menu {items,categories}: the value of `menu:{vendorId}`. By category, then name.
--  $1 vendor id
-- Columns: menu. No row: 404.
-- name: menu_get
SELECT '{"items":[' || coalesce(string_agg(item_json(i), ',' ORDER BY i.category, i.name, i.id), '')
  || '],"categories":' || coalesce(array_to_json(array_agg(DISTINCT i.category)
    FILTER (WHERE i.id IS NOT NULL))::text, '[]') || '}'
  FROM vendors v LEFT JOIN items i ON i.vendor_id = v.id AND i.deleted_at IS NULL AND NOT i.hidden
 WHERE v.id = $1::text AND v.approval_status = 'APPROVED'
 GROUP BY v.id

-- A part of the menu; categories are those of the whole.
--  $1 vendor id   $2 category or NULL   $3 text sought in names and descriptions, or NULL
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
--  $1 service type or NULL   $2 lat, $3 lng: where the customer is, or NULL   $4 radius km or NULL
--  $5 text sought in names, descriptions and tags, or NULL   $6 category: a tag, or a category of the menu, or NULL
--  $7 open now only (boolean)   $8 limit   $9 offset
-- The delivery fee shown needs a point and the rules: $10 fee base, $11 fee per km (ceil of the distance), or a fee that goes
--  before them: $12 for FOOD, $13 for MART (a zone's override or the flat mode), each or NULL
-- Columns: total, vendors (a JSON array). Always one row.
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

-- What pricing needs of a vendor, in one row: C keeps it parsed for a moment.
--  $1 vendor id
-- Columns: service type, approval status, is online, lat, lng, address, min order amount, preparation minutes,
--  commission bps or NULL, business hours, items: [{"id","name","price","available","stock","image","preparationTime",
--   "variants","addOns"}],
--  open by its hours now, for how many milliseconds that holds. No row: unknown.
-- name: catalog_get
SELECT v.service_type, v.approval_status, v.is_online, v.lat, v.lng, v.address, v.min_order_amount,
  v.average_preparation_time, v.commission_bps, v.business_hours,
  (SELECT '[' || coalesce(string_agg('{"id":' || json_word(i.id) || ',"name":' || json_text(i.name)
     || ',"price":' || i.price || ',"available":' || json_flag(i.available)
     || ',"stock":' || coalesce(i.stock::text, 'null') || ',"image":' || json_text(i.images[1])
     || ',"preparationTime":' || i.preparation_time || ',"variants":' || i.variants || ',"addOns":' || i.add_ons
     || '}', ',' ORDER BY i.id), '') || ']'
     FROM items i WHERE i.vendor_id = v.id AND i.deleted_at IS NULL AND NOT i.hidden),
  vendor_open(v, business_zone()), hours_hold_ms(v.business_hours, now() AT TIME ZONE business_zone())
  FROM vendors v WHERE v.id = $1::text
-- Dispatch: riders are asked one after the other whether they carry an order. All of it is here, so that any copy can
-- go on where another stopped.

-- Ends offers that nobody answered, forgets orders that look no longer, and takes what is due. What is taken is not due again
-- for five seconds: should the taker die before he has decided, the next one decides.
--  $1 how many
-- Columns: order id, pickup lat, lng, how far to look (m). As many rows as asked for: there may be more.
-- name: dispatch_claim
WITH expired AS (
  UPDATE offers f SET outcome = 'EXPIRED', answered_at = now()
    FROM (SELECT id FROM offers WHERE outcome = 'OPEN' AND expires_at <= now() FOR UPDATE SKIP LOCKED) late
   WHERE f.id = late.id
), due AS MATERIALIZED (
  SELECT d.order_id FROM dispatches d
   WHERE d.next_at <= now() ORDER BY d.next_at LIMIT $1::bigint FOR UPDATE SKIP LOCKED
), judged AS MATERIALIZED (
  SELECT due.order_id, o.pickup_lat, o.pickup_lng, coalesce(order_needs_rider(o), false) AS seeks,
    (SELECT f.expires_at FROM offers f
      WHERE f.order_id = due.order_id AND f.outcome = 'OPEN' AND f.expires_at > now()) AS open_until
    FROM due LEFT JOIN orders o ON o.id = due.order_id
), gone AS (
  DELETE FROM dispatches d USING judged j WHERE d.order_id = j.order_id AND NOT j.seeks
), claimed AS (
  UPDATE dispatches d SET next_at = coalesce(j.open_until, now() + interval '5 seconds')
    FROM judged j WHERE d.order_id = j.order_id AND j.seeks
)
SELECT order_id, pickup_lat, pickup_lng, coalesce((SELECT (value #>> '{}')::double precision FROM settings
    WHERE key = 'rider_search_radius_m'), 5000)
  FROM judged WHERE seeks AND open_until IS NULL

-- What the scores are made of, for riders in reach. Left out: who may not carry, who rejected the order.
--  $1 order ids text[]   $2 rider ids text[]   $3 km double precision[]   (pairs)
--  $4 a phone need not be verified
-- Columns: order id, rider id, km, completed, total deliveries, mean rating (0: none), active orders, asked in this round.
-- name: dispatch_candidates
SELECT p.order_id, r.id, p.km, r.completed_deliveries, r.total_deliveries,
    coalesce(r.rating_sum::double precision / nullif(r.total_ratings, 0), 0), r.active_orders,
    coalesce(last.offered_at >= d.round_at, false)
  FROM unnest($1::text[], $2::text[], $3::double precision[]) AS p(order_id, rider_id, km)
  JOIN dispatches d ON d.order_id = p.order_id
  JOIN riders r ON r.id = p.rider_id
  LEFT JOIN LATERAL (SELECT f.offered_at, f.outcome FROM offers f
    WHERE f.order_id = p.order_id AND f.rider_id = p.rider_id ORDER BY f.offered_at DESC LIMIT 1) last ON true
 WHERE r.is_online AND r.approval_status = 'APPROVED' AND r.status = 'ACTIVE' AND (r.phone_verified OR $4::boolean)
   AND last.outcome IS DISTINCT FROM 'REJECTED'
 ORDER BY p.order_id, p.km

-- The same while Redis cannot say who is near: by last known points of the last minute.
--  $1 order ids text[]   $2 lats, $3 lngs double precision[]   $4 radius km   $5 a phone need not be verified
-- Columns: as dispatch_candidates.
-- name: dispatch_candidates_near
SELECT p.order_id, r.id, k.km, r.completed_deliveries, r.total_deliveries,
    coalesce(r.rating_sum::double precision / nullif(r.total_ratings, 0), 0), r.active_orders,
    coalesce(last.offered_at >= d.round_at, false)
  FROM unnest($1::text[], $2::double precision[], $3::double precision[]) AS p(order_id, lat, lng)
  JOIN dispatches d ON d.order_id = p.order_id
  JOIN riders r ON r.is_online AND r.located_at > now() - interval '60 seconds'
   AND r.lat BETWEEN p.lat - $4::double precision / 110 AND p.lat + $4::double precision / 110
  CROSS JOIN LATERAL (SELECT distance_km(p.lat, p.lng, r.lat, r.lng) AS km) k
  LEFT JOIN LATERAL (SELECT f.offered_at, f.outcome FROM offers f
    WHERE f.order_id = p.order_id AND f.rider_id = r.id ORDER BY f.offered_at DESC LIMIT 1) last ON true
 WHERE k.km <= $4::double precision AND r.approval_status = 'APPROVED' AND r.status = 'ACTIVE'
   AND (r.phone_verified OR $5::boolean) AND last.outcome IS DISTINCT FROM 'REJECTED'
 ORDER BY p.order_id, k.km

-- Writes down what was decided: the offer, why, and when to look again (when the offer ends; without anybody in reach
-- in five seconds). An order that found its rider meanwhile is passed over.
--  $1 order ids text[]   $2 rider ids text[], NULL where nobody was in reach   $3 offer ids text[]
--  $4 scores double precision[]   $5 km to the pickup double precision[]   $6 candidates text[] (JSON)
--  $7 a new round begins boolean[]
-- Columns: order id, rider id of each offer made.
-- name: dispatch_offers_store
WITH decided AS MATERIALIZED (
  SELECT w.*, d.rounds + w.anew::integer AS round, o.order_number
    FROM unnest($1::text[], $2::text[], $3::text[], $4::double precision[], $5::double precision[], $6::text[],
           $7::boolean[]) AS w(order_id, rider_id, offer_id, score, km, candidates, anew)
    JOIN dispatches d ON d.order_id = w.order_id
    JOIN orders o ON o.id = w.order_id
   WHERE order_needs_rider(o) ORDER BY w.order_id FOR UPDATE OF d
), offered AS (
  INSERT INTO offers (id, order_id, rider_id, score, expires_at)
  SELECT offer_id, order_id, rider_id, score, now() + interval '60 seconds' FROM decided WHERE rider_id IS NOT NULL
  ON CONFLICT (order_id) WHERE outcome = 'OPEN' DO NOTHING
  RETURNING order_id, rider_id, expires_at
), next AS (
  UPDATE dispatches d SET next_at = coalesce(f.expires_at, now() + interval '5 seconds'), rounds = w.round,
         round_at = CASE WHEN w.anew THEN now() ELSE d.round_at END
    FROM decided w LEFT JOIN offered f ON f.order_id = w.order_id
   WHERE d.order_id = w.order_id
), noted AS (
  INSERT INTO dispatch_decisions (order_id, round, rider_id, candidates)
  SELECT w.order_id, w.round, w.rider_id, w.candidates::json FROM decided w JOIN offered f ON f.order_id = w.order_id
), told AS (
  INSERT INTO outbox (aggregate, type, rooms, payload)
  SELECT o.id, 'delivery_request', ARRAY['rider:' || f.rider_id],
    ('{"orderId":"' || o.id || '","orderNumber":"' || o.order_number
     || '","pickupLocation":{"lat":' || o.pickup_lat || ',"lng":' || o.pickup_lng
     || ',"address":' || json_text(o.pickup_text)
     || '},"dropoffLocation":{"lat":' || o.delivery_lat || ',"lng":' || o.delivery_lng
     || ',"address":' || json_text(o.delivery_text)
     || '},"deliveryFee":' || o.delivery_fee || ',"distance":' || o.distance
     || ',"orderType":"' || o.order_type || '","estimatedTime":' || ride_minutes(w.km + o.distance)
     || ',"expiresIn":60,"timestamp":' || json_time(now()) || '}')::json
    FROM offered f JOIN decided w ON w.order_id = f.order_id JOIN orders o ON o.id = f.order_id
)
SELECT order_id, rider_id FROM offered
-- What vendors and riders earn: vendors from their delivered orders, riders from what they were credited. Days, weeks and
-- months are the business's. All of it is read from indexes alone; what is the same for every row (the zone, where a period
-- began) is materialized, or it would be looked up for each.

-- --- Vendors -----------------------------------------------------------------------------------------------------

-- $1 vendor. Columns: the figures as JSON. No row: there is no such vendor.
-- name: vendor_earnings
WITH p AS MATERIALIZED (
  SELECT period_start('today') AS day, period_start('week') AS week, period_start('month') AS month
)
SELECT concat('{"lifetime":{"totalOrders":', v.total_orders, ',"grossEarnings":', v.total_revenue,
    ',"commission":', v.total_revenue - coalesce(w.total_earned, 0) + c.paid,
    ',"netEarnings":', coalesce(w.total_earned, 0), '}',
    ',"today":{"orders":', s.day_n, ',"grossEarnings":', s.day_gross, ',"netEarnings":', s.day_net, '}',
    ',"week":{"orders":', s.week_n, ',"grossEarnings":', s.week_gross, ',"netEarnings":', s.week_net, '}',
    ',"month":{"orders":', s.month_n, ',"grossEarnings":', s.month_gross, ',"netEarnings":', s.month_net, '}',
    ',"commissionRate":', (coalesce(v.commission_bps,
      setting_bps('services.' || lower(v.service_type) || '.commissionBps'))::numeric / 10000)::float8,
    ',"currentBalance":', coalesce(w.available, 0), '}')
  FROM vendors v LEFT JOIN wallets w ON w.owner_id = v.id CROSS JOIN p
 CROSS JOIN LATERAL (  -- for orders that were made and cancelled: no sale, so nothing of it was kept
   SELECT coalesce(sum(l.amount), 0)::bigint AS paid FROM ledger l
    WHERE l.to_owner = v.id AND l.from_kind = 'PLATFORM' AND l.to_kind = 'VENDOR' AND l.category = 'ORDER_PAYMENT') c
 CROSS JOIN LATERAL (
   SELECT count(*) FILTER (WHERE settled_at >= p.day) AS day_n,
          coalesce(sum(subtotal) FILTER (WHERE settled_at >= p.day), 0) AS day_gross,
          coalesce(sum(net) FILTER (WHERE settled_at >= p.day), 0) AS day_net,
          count(*) FILTER (WHERE settled_at >= p.week) AS week_n,
          coalesce(sum(subtotal) FILTER (WHERE settled_at >= p.week), 0) AS week_gross,
          coalesce(sum(net) FILTER (WHERE settled_at >= p.week), 0) AS week_net,
          count(*) FILTER (WHERE settled_at >= p.month) AS month_n,
          coalesce(sum(subtotal) FILTER (WHERE settled_at >= p.month), 0) AS month_gross,
          coalesce(sum(net) FILTER (WHERE settled_at >= p.month), 0) AS month_net
     FROM (SELECT o.settled_at, o.subtotal, o.subtotal - money_share(o.subtotal, o.commission_bps) AS net
             FROM orders o WHERE o.vendor_id = v.id AND o.settled_at >= least(p.week, p.month)) sold) s
 WHERE v.id = $1::text

-- Days with sales, oldest first.
--  $1 vendor   $2 from, timestamptz, NULL: since the first day of the period $4 (today, week, month, year), or else the 30
--  days until then   $3 before, timestamptz, NULL: to now   $4 period or NULL
-- Columns: [{date,gross,net,orders}]. Always one row.
-- name: vendor_earnings_daily
WITH z AS MATERIALIZED (
  SELECT business_zone() AS zone, coalesce($2::timestamptz, period_start($4::text),
           $3::timestamptz - interval '30 days', period_start('today') - interval '29 days') AS since
)
SELECT '[' || coalesce(string_agg(concat('{"date":"', to_char(d.day, 'YYYY-MM-DD'), '","gross":', d.gross, ',"net":', d.net,
    ',"orders":', d.n, '}'), ',' ORDER BY d.day), '') || ']'
  FROM (SELECT (o.settled_at AT TIME ZONE z.zone)::date AS day, count(*) AS n, sum(o.subtotal) AS gross,
               sum(o.subtotal - money_share(o.subtotal, o.commission_bps)) AS net
          FROM z, orders o
         WHERE o.vendor_id = $1::text AND o.settled_at >= z.since
           AND o.settled_at < coalesce($3::timestamptz, 'infinity')
         GROUP BY 1) d

-- The weeks (from Monday) of the last four, oldest first: "Week 4" is this one.
--  $1 vendor
-- Columns: [{week,weekStart,gross,net,orders}]. Always one row.
-- name: vendor_earnings_weekly
WITH z AS MATERIALIZED (
  SELECT business_zone() AS zone
), week AS MATERIALIZED (
  SELECT n, date_trunc('week', now() AT TIME ZONE z.zone) - (4 - n) * interval '1 week' AS start
    FROM z, generate_series(1, 4) n
), sold AS (
  SELECT date_trunc('week', o.settled_at AT TIME ZONE z.zone) AS start, count(*) AS n, sum(o.subtotal) AS gross,
         sum(o.subtotal - money_share(o.subtotal, o.commission_bps)) AS net
    FROM z, orders o
   WHERE o.vendor_id = $1::text AND o.settled_at >= (SELECT min(start) FROM week) AT TIME ZONE z.zone
   GROUP BY 1
)
SELECT '[' || string_agg(concat('{"week":"Week ', w.n, '","weekStart":"', to_char(w.start, 'YYYY-MM-DD'), '","gross":',
    coalesce(s.gross, 0), ',"net":', coalesce(s.net, 0), ',"orders":', coalesce(s.n, 0), '}'), ',' ORDER BY w.n) || ']'
  FROM week w LEFT JOIN sold s ON s.start = w.start

-- The months of a year.
--  $1 vendor   $2 year or NULL: this one
-- Columns: [{month,gross,net,orders}], twelve. Always one row.
-- name: vendor_earnings_monthly
WITH z AS MATERIALIZED (
  SELECT business_zone() AS zone
), year AS MATERIALIZED (
  SELECT make_timestamp(coalesce($2::integer, extract(year FROM now() AT TIME ZONE z.zone)::integer), 1, 1, 0, 0, 0) AS start
    FROM z
), sold AS (
  SELECT extract(month FROM o.settled_at AT TIME ZONE z.zone) AS n, count(*) AS orders, sum(o.subtotal) AS gross,
         sum(o.subtotal - money_share(o.subtotal, o.commission_bps)) AS net
    FROM z, orders o
   WHERE o.vendor_id = $1::text AND o.settled_at >= (SELECT start FROM year) AT TIME ZONE z.zone
     AND o.settled_at < (SELECT start + interval '1 year' FROM year) AT TIME ZONE z.zone
   GROUP BY 1
)
SELECT '[' || string_agg(concat('{"month":"', (ARRAY['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct',
    'Nov', 'Dec'])[m], '","gross":', coalesce(s.gross, 0), ',"net":', coalesce(s.net, 0), ',"orders":',
    coalesce(s.orders, 0), '}'), ',' ORDER BY m) || ']'
  FROM generate_series(1, 12) m LEFT JOIN sold s ON s.n = m

-- --- Riders ------------------------------------------------------------------------------------------------------

-- $1 rider   $2 today, week, month, year, or NULL: also what he earned since its first day
-- Columns: the figures as JSON; weekly is of 7 days, monthly of a month. No row: there is no such rider.
-- name: rider_earnings
SELECT concat('{"currentBalance":', coalesce(w.available, 0), ',"totalEarnings":', coalesce(w.total_earned, 0),
    ',"weeklyEarnings":', e.week, ',"monthlyEarnings":', e.month, ',"totalDeliveries":', r.completed_deliveries,
    CASE WHEN $2::text IS NOT NULL THEN concat(',"period":"', $2::text, '","periodEarnings":',
      (SELECT coalesce(sum(l.amount), 0) FROM ledger l
        WHERE l.to_owner = r.id AND l.category = 'DELIVERY_FEE' AND l.created_at >= (SELECT period_start($2::text)))) END, '}')
  FROM riders r LEFT JOIN wallets w ON w.owner_id = r.id
 CROSS JOIN LATERAL (
   SELECT coalesce(sum(l.amount) FILTER (WHERE l.created_at >= now() - interval '7 days'), 0) AS week,
          coalesce(sum(l.amount), 0) AS month
     FROM ledger l
    WHERE l.to_owner = r.id AND l.category = 'DELIVERY_FEE' AND l.created_at >= now() - interval '1 month') e
 WHERE r.id = $1::text

-- The last days, weeks (from Monday) or months, this one included, oldest first, also those without a delivery.
--  $1 rider   $2 day, week or month   $3 how many   $4 the member's name   $5 its form, as to_char takes it
-- Columns: [{…,earnings,deliveries}]. Always one row.
-- name: rider_earnings_series
WITH z AS MATERIALIZED (
  SELECT business_zone() AS zone
), span AS MATERIALIZED (
  SELECT date_trunc($2::text, now() AT TIME ZONE z.zone) - n * ('1 ' || $2::text)::interval AS start
    FROM z, generate_series(0, $3::integer - 1) n
), earned AS (
  SELECT date_trunc($2::text, l.created_at AT TIME ZONE z.zone) AS start, sum(l.amount) AS amount,
         count(DISTINCT l.order_id) AS n
    FROM z, ledger l
   WHERE l.to_owner = $1::text AND l.category = 'DELIVERY_FEE'
     AND l.created_at >= (SELECT min(start) FROM span) AT TIME ZONE z.zone
   GROUP BY 1
)
SELECT '[' || string_agg(concat('{"', $4::text, '":"', to_char(s.start, $5::text), '","earnings":', coalesce(e.amount, 0),
    ',"deliveries":', coalesce(e.n, 0), '}'), ',' ORDER BY s.start) || ']'
  FROM span s LEFT JOIN earned e ON e.start = s.start
-- Events on their way: from the outbox to `events` (one copy, the relay), and from there to everybody.

-- One step of the relay: takes or renews the lease, moves what the outbox holds to `events`, and tells what is to be
-- published. Nothing moves without the lease's row being updated in the same statement: its lock keeps a relay that was
-- held up from moving rows beside its successor, so ids in `events` grow in the order of commit. A step that takes the
-- lease from another does nothing else: it may have waited for that one's last step, whose rows it does not see. An idle
-- leader writes once in 800 ms.
--  $1 holder   $2 published so far by this holder (0: nothing)   $3 rows to move   $4 rows to publish (0: none now)
-- Columns: leads, position (published), moved, lag (ms, of the oldest moved; NULL: none), source (see events_newest);
--  id (NULL: nothing to publish), previous (the id before it), aggregate, type, rooms ("a,b"), payload. Always one row.
-- name: relay_move
WITH held AS MATERIALIZED (
  SELECT FROM leases WHERE name = 'relay' AND holder = $1::text
), lead AS (
  UPDATE leases
     SET holder = $1::text, until = now() + interval '2 seconds', position = greatest(position, $2::bigint)
   WHERE name = 'relay' AND (holder = $1::text OR until < now())
     AND (holder <> $1::text OR until < now() + interval '1200 milliseconds' OR position < $2::bigint
          OR EXISTS (SELECT FROM outbox))
  RETURNING position
), leader AS MATERIALIZED (
  SELECT position FROM lead
  UNION ALL
  SELECT position FROM leases
   WHERE name = 'relay' AND holder = $1::text AND until >= now() AND NOT EXISTS (SELECT FROM lead)
), taken AS (
  DELETE FROM outbox WHERE id = ANY (ARRAY(
    SELECT id FROM outbox WHERE EXISTS (SELECT FROM lead) AND EXISTS (SELECT FROM held)
     ORDER BY id LIMIT $3::bigint))
  RETURNING id, aggregate, type, rooms, payload, created_at
), said AS (
  INSERT INTO events (aggregate, type, rooms, payload, created_at)
  SELECT aggregate, type, rooms, payload, created_at FROM taken ORDER BY id
  RETURNING id, aggregate, type, rooms, payload
), older AS MATERIALIZED (
  SELECT id, aggregate, type, rooms, payload FROM events
   WHERE id > (SELECT position FROM leader) AND $4::bigint > 0 AND EXISTS (SELECT FROM held)
   ORDER BY id LIMIT $4::bigint
), due AS (
  SELECT * FROM older
  UNION ALL
  SELECT * FROM said WHERE $4::bigint > 0 AND (SELECT count(*) FROM older) < $4::bigint
)
SELECT l.position IS NOT NULL, coalesce(l.position, 0), (SELECT count(*) FROM said),
  (SELECT (extract(epoch FROM clock_timestamp() - min(created_at)) * 1000)::bigint FROM taken), event_source(),
  d.id, lag(d.id, 1, l.position) OVER (ORDER BY d.id), d.aggregate, d.type, array_to_string(d.rooms, ','),
  d.payload::text
  FROM (SELECT) one LEFT JOIN leader l ON true LEFT JOIN due d ON true ORDER BY d.id

-- Where somebody who begins to listen stands.
-- Columns: newest id, source: which database these ids are of. Always one row.
-- name: events_newest
SELECT coalesce((SELECT max(id) FROM events), 0), event_source()

-- What was said after an event.
--  $1 id   $2 limit
-- Columns: id, aggregate, type, rooms ("a,b"), payload.
-- name: events_after
SELECT id, aggregate, type, array_to_string(rooms, ','), payload::text
  FROM events WHERE id > $1::bigint ORDER BY id LIMIT $2::bigint

-- What a returning listener has missed in his rooms. Two statements, for two plans: the first looks his rooms up, as is
-- right for a person's few events; the second (admins, who hear most) goes along the ids.
--  $1 id of the last event heard   $2 rooms text[]   $3 limit
-- Columns: oldest id kept, newest id; id (NULL: nothing missed), aggregate, type, payload, at. Always one row.
-- name: events_missed
SELECT b.oldest, b.newest, e.id, e.aggregate, e.type, e.payload::text, iso(e.created_at)
  FROM (SELECT coalesce((SELECT min(id) FROM events), 0) AS oldest,
               coalesce((SELECT max(id) FROM events), 0) AS newest) b
  LEFT JOIN (SELECT * FROM events WHERE rooms && $2::text[] AND id > $1::bigint
              ORDER BY id LIMIT $3::bigint) e ON true
 ORDER BY e.id
-- name: events_missed_scan
SELECT b.oldest, b.newest, e.id, e.aggregate, e.type, e.payload::text, iso(e.created_at)
  FROM (SELECT coalesce((SELECT min(id) FROM events), 0) AS oldest,
               coalesce((SELECT max(id) FROM events), 0) AS newest) b
  LEFT JOIN (SELECT * FROM events WHERE (rooms || '{}'::text[]) && $2::text[] AND id > $1::bigint
              ORDER BY id LIMIT $3::bigint) e ON true
 ORDER BY e.id

-- Who takes part in an order.
--  $1 id or number
-- Columns: id, user id, vendor id, rider id. No row: 404.
-- name: order_participants
SELECT id, user_id, vendor_id, rider_id FROM orders
 WHERE id = CASE WHEN substr($1::text, 2, 1) = '-'
   THEN (SELECT n.id FROM orders n WHERE n.order_number = $1::text) ELSE $1::text END
-- Accounts: who they are, and what proves it. A kind is USER, VENDOR, RIDER or ADMIN.

-- name: user_get
SELECT user_json(u) FROM users u WHERE u.id = $1::text AND u.status <> 'DELETED'

-- $1 phone or NULL, $2 e-mail or NULL. Columns: id, hash, standing (see accounts), e-mail, role, seconds it is
-- locked for.
-- name: user_credentials
SELECT u.id, u.password_hash, u.status, u.email, 'USER', 0 FROM users u
 WHERE u.phone = $1::text OR u.email = $2::text

-- The same of a vendor, of a rider.
-- name: vendor_credentials
SELECT a.id, a.password_hash, a.standing, a.email, a.role, 0 FROM accounts a
 WHERE a.kind = 'VENDOR' AND (a.phone = $1::text OR a.email = $2::text)

-- name: rider_credentials
SELECT a.id, a.password_hash, a.standing, a.email, a.role, 0 FROM accounts a
 WHERE a.kind = 'RIDER' AND (a.phone = $1::text OR a.email = $2::text)

-- Of an admin, by e-mail alone ($1 is not looked at). The attempt counts as a failure until it succeeds, so that many at
-- once are no more than five; the fifth locks for half an hour. An unknown e-mail writes as much to the log of the
-- database, so that the time does not tell who is an admin. Last column: seconds it was locked for before.
-- name: admin_credentials
WITH was AS (
  SELECT a.id, a.locked_until, CASE WHEN a.locked_until IS NULL THEN a.failures ELSE 0 END AS failures
    FROM admins a WHERE a.email = $2::text AND ($1::text IS NULL OR true) FOR UPDATE
), counted AS (
  UPDATE admins a
     SET failures = w.failures + 1,
         locked_until = CASE WHEN w.failures + 1 >= 5 THEN now() + interval '30 minutes' END
    FROM was w WHERE a.id = w.id AND (w.locked_until IS NULL OR w.locked_until <= now())
), decoy AS MATERIALIZED (
  SELECT pg_logical_emit_message(true, 'login', '') WHERE NOT EXISTS (SELECT FROM was)
)
SELECT a.id, a.password_hash, a.status, a.email, a.role,
       greatest(0, coalesce(ceil(extract(epoch FROM w.locked_until - now())), 0))::bigint
  FROM admins a JOIN was w ON w.id = a.id
 WHERE (SELECT count(*) FROM decoy) >= 0

-- $1 kind, $2 id.
-- name: account_password
SELECT a.password_hash FROM accounts a WHERE a.kind = $1::text AND a.id = $2::text AND a.standing <> 'DELETED'

-- The other accounts as they see themselves; $1 id. One statement each: account_json is planned anew at every call.
-- name: vendor_self
SELECT vendor_self_json(v) FROM vendors v WHERE v.id = $1::text

-- name: rider_self
SELECT rider_json(r) FROM riders r WHERE r.id = $1::text

-- name: admin_self
SELECT admin_json(a) FROM admins a WHERE a.id = $1::text

-- Registrations begin with the same parameters: $1 id, $2 password hash, $3 the phone counts as verified, $4 code
-- hash, $5 its life, $6 session, $7 jti, $8 refresh life, $9 language, $10 phone, $11 e-mail. Columns: the account, when
-- its tokens are issued (ms). A customer's: $12 first, $13 last name.
-- name: user_register
WITH account AS (
  INSERT INTO users (id, first_name, last_name, phone, email, password_hash, phone_verified, language, last_login)
  VALUES ($1::text, $12::text, $13::text, $10::text, $11::text, $2::text, $3::boolean, $9::text, now())
  RETURNING users AS u
), code AS (
  INSERT INTO one_time_codes (account_id, purpose, code_hash, expires_at)
  SELECT $1::text, 'VERIFY_PHONE', $4::text, now() + make_interval(secs => $5::bigint)
   WHERE NOT $3::boolean
), wallet AS (
  INSERT INTO wallets (owner_id, kind) VALUES ($1::text, 'USER')
), event AS (
  INSERT INTO outbox (aggregate, type, payload)
  VALUES ($1::text, 'user_registered', json_build_object('userId', $1::text))
), opened AS (
  INSERT INTO sessions (id, account_id, role, jti, expires_at)
  VALUES ($6::text, $1::text, 'USER', $7::text, now() + make_interval(secs => $8::bigint))
)
SELECT user_json_with(a.u, '[]'), epoch_ms(clock_timestamp()) FROM account a

-- A vendor: $12 business, $13 owner, $14 service type, $15 business type, $16 description, $17 address, $18 city,
-- $19 lat, $20 lng, $21 bank details, $22 business hours (both JSON or NULL), $23 approved at once.
-- name: vendor_register
WITH account AS (
  INSERT INTO vendors (id, business_name, owner_name, service_type, business_type, description, address, city, lat, lng,
    bank_details, business_hours, phone, email, password_hash, phone_verified, email_verified, approval_status,
    language, last_login)
  VALUES ($1::text, $12::text, $13::text, $14::text, $15::text, coalesce($16::text, ''), $17::text,
    coalesce($18::text, ''), $19::float8, $20::float8, $21::jsonb, coalesce($22::jsonb, '{}'), $10::text, $11::text,
    $2::text, $3::boolean, $3::boolean, CASE WHEN $23::boolean THEN 'APPROVED' ELSE 'PENDING' END, $9::text, now())
  RETURNING vendors AS v
), code AS (
  INSERT INTO one_time_codes (account_id, purpose, code_hash, expires_at)
  SELECT $1::text, 'VERIFY_PHONE', $4::text, now() + make_interval(secs => $5::bigint)
   WHERE NOT $3::boolean
), wallet AS (
  INSERT INTO wallets (owner_id, kind) VALUES ($1::text, 'VENDOR')
), event AS (
  INSERT INTO outbox (aggregate, type, payload)
  VALUES ($1::text, 'vendor_registered', json_build_object('vendorId', $1::text))
), opened AS (
  INSERT INTO sessions (id, account_id, role, jti, expires_at)
  VALUES ($6::text, $1::text, 'VENDOR', $7::text, now() + make_interval(secs => $8::bigint))
)
SELECT vendor_self_json(a.v), epoch_ms(clock_timestamp()) FROM account a

-- A rider: $12 first, $13 last name, $14 vehicle type, $15 vehicle details, $16 documents (both JSON), $17 bank details,
-- $18 emergency contact (both JSON or NULL), $19 picture, $20 city, $21 approved and active at once.
-- name: rider_register
WITH account AS (
  INSERT INTO riders (id, first_name, last_name, vehicle_type, vehicle_details, documents, bank_details,
    emergency_contact, profile_picture, city, phone, email, password_hash, phone_verified, approval_status, status,
    language, last_login)
  VALUES ($1::text, $12::text, $13::text, $14::text, coalesce($15::jsonb, '{}'), coalesce($16::jsonb, '{}'),
    $17::jsonb, $18::jsonb, $19::text, coalesce($20::text, ''), $10::text, $11::text, $2::text, $3::boolean,
    CASE WHEN $21::boolean THEN 'APPROVED' ELSE 'PENDING' END, CASE WHEN $21::boolean THEN 'ACTIVE' ELSE 'INACTIVE' END,
    $9::text, now())
  RETURNING riders AS r
), code AS (
  INSERT INTO one_time_codes (account_id, purpose, code_hash, expires_at)
  SELECT $1::text, 'VERIFY_PHONE', $4::text, now() + make_interval(secs => $5::bigint)
   WHERE NOT $3::boolean
), wallet AS (
  INSERT INTO wallets (owner_id, kind) VALUES ($1::text, 'RIDER')
), event AS (
  INSERT INTO outbox (aggregate, type, payload)
  VALUES ($1::text, 'rider_registered', json_build_object('riderId', $1::text))
), opened AS (
  INSERT INTO sessions (id, account_id, role, jti, expires_at)
  VALUES ($6::text, $1::text, 'RIDER', $7::text, now() + make_interval(secs => $8::bigint))
)
SELECT rider_json(a.r), epoch_ms(clock_timestamp()) FROM account a

-- The session of a verified log-in: $1 account, $2 the hash that was verified, $3 its replacement or NULL,
-- $4 session, $5 jti, $6 refresh life. No row when the hash or the status is another by now; the lock makes
-- a new password wait, so that it ends this session too. last_login moves every five minutes, lest a busy
-- account's row and its cached copy change with each log-in. Columns: the account, whether it was touched, when the
-- tokens are issued (ms): read from the clock once the row is locked, so it is after any cut-off before it.
-- name: user_log_in
WITH account AS (
  SELECT u.id, u AS was FROM users u
   WHERE u.id = $1::text AND u.password_hash = $2::text AND u.status = 'ACTIVE'
     FOR SHARE
), touched AS (
  UPDATE users u SET last_login = now(), password_hash = coalesce($3::text, u.password_hash)
    FROM account a
   WHERE u.id = a.id AND ($3::text IS NOT NULL OR u.last_login IS NULL
         OR u.last_login < now() - interval '5 minutes')
  RETURNING u AS now
), opened AS (
  INSERT INTO sessions (id, account_id, role, jti, expires_at)
  SELECT $4::text, a.id, 'USER', $5::text, now() + make_interval(secs => $6::bigint) FROM account a
)
SELECT user_json(coalesce(t.now, a.was)), t.now IS NOT NULL, epoch_ms(clock_timestamp())
  FROM account a LEFT JOIN touched t ON true

-- The same for the other kinds, which log in seldom.
-- name: vendor_log_in
SELECT l.shown, l.touched, epoch_ms(clock_timestamp())
  FROM account_log_in('VENDOR', $1::text, $2::text, $3::text, $4::text, $5::text, $6::bigint) l

-- name: rider_log_in
SELECT l.shown, l.touched, epoch_ms(clock_timestamp())
  FROM account_log_in('RIDER', $1::text, $2::text, $3::text, $4::text, $5::text, $6::bigint) l

-- name: admin_log_in
SELECT l.shown, l.touched, epoch_ms(clock_timestamp())
  FROM account_log_in('ADMIN', $1::text, $2::text, $3::text, $4::text, $5::text, $6::bigint) l

-- NULL stays as it is. $1 id, $2 first, $3 last name, $4 e-mail, $5 picture, $6 language.
-- name: user_change_profile
UPDATE users u
   SET first_name = coalesce($2::text, first_name), last_name = coalesce($3::text, last_name),
       email_verified = email_verified AND ($4::text IS NULL OR $4::text = email),
       email = changed($4::text, email), profile_picture = changed($5::text, profile_picture),
       language = coalesce($6::text, language), updated_at = now()
 WHERE id = $1::text AND status <> 'DELETED'
RETURNING user_json(u)

-- NULL stays as it is; an empty $4 to $6 clears. $1 id, $2 first, $3 last name, $4 e-mail, $5 picture, $6 emergency
-- contact (JSON), $7 language.
-- name: rider_change_profile
WITH changed AS (
  UPDATE riders r
     SET first_name = coalesce($2::text, first_name), last_name = coalesce($3::text, last_name),
         email_verified = email_verified AND ($4::text IS NULL OR $4::text = email),
         email = changed($4::text, email), profile_picture = changed($5::text, profile_picture),
         emergency_contact = changed($6::text, emergency_contact::text)::jsonb, language = coalesce($7::text, language),
         updated_at = now()
   WHERE id = $1::text
  RETURNING r
), told AS (
  INSERT INTO outbox (aggregate, type, rooms, payload)
  SELECT $1::text, 'rider_changed', ARRAY['rider:' || $1::text],
         json_build_object('riderId', $1::text, 'timestamp', iso(now())) FROM changed
)
SELECT rider_json(c.r) FROM changed c

-- $1 kind, $2 account, $3 code hash, $4 accept whatever the code is, $5 what it proves: PHONE, EMAIL, BOTH.
-- name: account_verify
SELECT v.outcome, v.shown FROM account_verify($1::text, $2::text, $3::text, $4::boolean, $5::text) v

-- Where an account's codes go. $1 kind, $2 account. Columns: phone, e-mail.
-- name: account_contact
SELECT a.phone, a.email FROM accounts a WHERE a.kind = $1::text AND a.id = $2::text AND a.standing <> 'DELETED'

-- Another code. Wrong tries are kept: who has used up all five gets no new code until they are forgotten.
-- $1 kind, $2 account, $3 code hash, $4 its life. SENT, ALREADY or TIRED; the seconds until tries are forgotten.
-- name: account_renew_code
WITH account AS (
  SELECT a.id, a.proved FROM accounts a
   WHERE a.kind = $1::text AND a.id = $2::text AND a.standing <> 'DELETED'
), code AS (
  INSERT INTO one_time_codes AS c (account_id, purpose, code_hash, expires_at)
  SELECT a.id, 'VERIFY_PHONE', $3::text, now() + make_interval(secs => $4::bigint)
    FROM account a WHERE NOT a.proved
  ON CONFLICT (account_id, purpose) DO UPDATE
     SET code_hash = excluded.code_hash, tries = 5 - code_tries_left(c), sent_at = now(), expires_at = excluded.expires_at
   WHERE code_tries_left(c) > 0
  RETURNING 1
)
SELECT CASE WHEN a.proved THEN 'ALREADY' WHEN EXISTS (SELECT FROM code) THEN 'SENT' ELSE 'TIRED' END,
  (SELECT greatest(1, ceil(extract(epoch FROM c.tried_at + interval '15 minutes' - now())))::bigint
     FROM one_time_codes c WHERE c.account_id = a.id AND c.purpose = 'VERIFY_PHONE')
  FROM account a

-- $1 kind, $2 account, $3 the hash that was verified, $4 the new one, $5 session that stays, $6 life of access tokens.
-- name: account_change_password
SELECT s.ended FROM account_set_password($1::text, $2::text, $3::text, $4::text, $5::text, $6::bigint) AS s(ended)
 WHERE s.ended IS NOT NULL

-- $1 kind, $2 phone or NULL, $3 e-mail or NULL, $4 token hash, $5 its life, $6 most of them in $7 seconds. A row when the
-- account exists and this one is to be sent.
-- name: account_forgot_password
SELECT f.account FROM account_create_reset_token($1::text, $2::text, $3::text, $4::text, $5::bigint, $6::bigint, $7::bigint) AS f(account)
 WHERE f.account IS NOT NULL

-- $1 kind, $2 token hash.
-- name: account_reset_find
SELECT r.account_id FROM reset_tokens r
 WHERE r.token_hash = $2::text AND r.role = $1::text AND r.used_at IS NULL AND r.expires_at > now()

-- $1 kind, $2 token hash, $3 new password hash, $4 life of access tokens.
-- name: account_reset_password
SELECT r.account, r.ended FROM account_reset_password($1::text, $2::text, $3::text, $4::bigint) r

-- $1 kind, $2 account, $3 token, $4 platform, $5 session. Ten devices an account; the one heard of least lately goes.
-- name: device_add
WITH put AS (
  INSERT INTO device_tokens (token, account_id, role, platform, session_id)
  VALUES ($3::text, $2::text, $1::text, $4::text, $5::text)
  ON CONFLICT (token) DO UPDATE
     SET account_id = excluded.account_id, role = excluded.role, session_id = excluded.session_id,
         platform = coalesce(excluded.platform, device_tokens.platform), updated_at = now()
)
DELETE FROM device_tokens WHERE token IN (
  SELECT d.token FROM device_tokens d
   WHERE d.account_id = $2::text AND d.role = $1::text AND d.token <> $3::text
   ORDER BY d.updated_at DESC OFFSET 9)

-- $1 kind, $2 account, $3 token or NULL for all.
-- name: device_remove
DELETE FROM device_tokens d
 WHERE d.account_id = $2::text AND d.role = $1::text AND ($3::text IS NULL OR d.token = $3::text)

-- --- The command line --------------------------------------------------------------------------------------------

-- Makes an admin, or makes one anew.
--  $1 id   $2 e-mail   $3 name   $4 role   $5 password hash   $6 only while there is no admin (t, f)   $7 life of access
--  tokens (s)
-- Columns: CREATED, CHANGED, or THERE (only while there is none, and there is one).
-- name: admin_create
SELECT admin_create($1::text, $2::text, $3::text, $4::text, $5::text, $6::boolean, $7::bigint)

-- Columns: THERE, or NULL when there is no admin yet.
-- name: admins_exist
SELECT CASE WHEN EXISTS (SELECT FROM admins) THEN 'THERE' END
-- Work that one copy does for all.

-- Takes or renews the lead. $1 name, $2 who asks, $3 for how long, seconds.
-- Columns: nothing but a row when he leads.
-- name: lease_take
UPDATE leases SET holder = $2::text, until = now() + make_interval(secs => $3::bigint)
 WHERE name = $1::text AND (holder = $2::text OR until <= now())
RETURNING true
-- What the platform is doing now.

-- The value of `orders:active`: how many orders are not yet delivered or cancelled, by status.
-- Columns: {"PENDING":3,…} (no key for a status without orders). Always one row.
-- name: orders_active_count
SELECT coalesce(json_object_agg(status, n), '{}')::text
  FROM (SELECT status, count(*) AS n FROM orders WHERE active GROUP BY status ORDER BY status) c
-- A vendor's menu as the vendor keeps it. What customers read of it is in catalogue.sql.

-- Adds an item, unless the menu is full. While additions need approval it is hidden and a NEW_ITEM request stands.
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
), asked AS (
  INSERT INTO menu_requests (id, vendor_id, item_id, change_type, requested_price, reason)
  SELECT $5::text, $2::text, added.id, 'NEW_ITEM', added.price, $6::text FROM added WHERE $4::boolean
)
SELECT CASE WHEN added.id IS NOT NULL THEN 'CREATED' WHEN room.free IS NULL THEN 'ACCOUNT_GONE' ELSE 'ITEM_LIMIT' END,
  added.json
  FROM room LEFT JOIN added ON true

-- Changes what a JSON object names of an item; null clears description, originalPrice, stock (not
-- counted any more) and unit. While prices need approval the old
-- one stays and a PRICE_UPDATE request stands (none when the old one is asked for again).
--  $1 vendor id   $2 item id   $3 the changes, members as in item_insert   $4 prices need approval   $5 id of the request
--  $6 its reason or NULL
-- Columns: outcome (CHANGED, ITEM_NOT_FOUND, ITEM_NOT_OWNER), item, whether a request stands.
-- name: item_update
WITH found AS MATERIALIZED (
  SELECT i.id, i.vendor_id = $1::text AS own FROM items i WHERE i.id = $2::text AND i.deleted_at IS NULL
), changed AS (
  UPDATE items i
     SET name = coalesce(c ->> 'name', i.name), description = coalesce(changed_member(c, 'description', i.description), ''),
         category = coalesce(c ->> 'category', i.category),
         price = CASE WHEN $4::boolean AND NOT i.hidden THEN i.price
                      ELSE coalesce((c ->> 'price')::bigint, i.price) END,
         original_price = changed_member(c, 'originalPrice', i.original_price::text)::bigint,
         preparation_time = coalesce((c ->> 'preparationTime')::integer, i.preparation_time),
         available = coalesce((c ->> 'available')::boolean, i.available),
         stock = changed_member(c, 'stock', i.stock::text)::integer,
         unit = changed_member(c, 'unit', i.unit),
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
), asked AS (
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
  changed.json, EXISTS (SELECT FROM asked)
  FROM (SELECT) one LEFT JOIN found ON true LEFT JOIN changed ON true

-- Takes an item off the menu for good; what it was stays for the orders that name it. Its open requests go with it.
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

-- Makes some items available, or not. Ids of others' items, and unknown ones, are passed over. Locks in order of id, as orders do.
--  $1 vendor id   $2 item ids text[]   $3 available
-- Columns: how many of them are the vendor's.
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

-- One of a vendor's items, also while it is hidden.
--  $1 vendor id   $2 item id
-- Columns: is the vendor's, item. No row: there is none.
-- name: item_get
SELECT i.vendor_id = $1::text, item_json(i) FROM items i WHERE i.id = $2::text AND i.deleted_at IS NULL

-- A vendor's items by name, hidden ones too.
--  $1 vendor id   $2 category or NULL   $3 available, or NULL for both   $4 text sought in names and descriptions, or NULL
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
-- Messages to people: made of events, sent, and looked after.

-- --- Made of events ----------------------------------------------------------------------------------------

-- The next events that may make messages, with what is needed to say them. The reasons that the system gives are in its own
-- words and in one language: they are not said to people.
--  $1 their types text[]   $2 how many events to look at
-- Columns: position, position once these are done (the same: there is nothing new), how many were looked at, id (NULL: none
--  of these types), type, age (s), payload, facts; then of the customer, the vendor and the rider concerned: id (NULL: none), language,
--  name, has a device, has an e-mail. Always one row.
-- name: messages_read_events
WITH lease AS MATERIALIZED (
  SELECT position FROM leases WHERE name = 'messages'
), page AS MATERIALIZED (
  SELECT e.id, e.aggregate, e.type, e.rooms, e.payload, e.created_at
    FROM events e WHERE e.id > (SELECT position FROM lease) ORDER BY e.id LIMIT $2::bigint
), due AS MATERIALIZED (
  SELECT p.*, o.id AS order_id, o.order_number, o.vendor_name, o.rider_name, o.total, o.cancelled_by, o.payment_status,
         o.payment_method, o.pickup_text, o.delivery_text, o.user_id,
         (SELECT substr(r, 6) FROM unnest(p.rooms) r WHERE r LIKE 'user:%' LIMIT 1) AS of_user,
         (SELECT substr(r, 8) FROM unnest(p.rooms) r WHERE r LIKE 'vendor:%' LIMIT 1) AS of_vendor,
         (SELECT substr(r, 7) FROM unnest(p.rooms) r WHERE r LIKE 'rider:%' LIMIT 1) AS of_rider
    FROM page p LEFT JOIN orders o ON o.id = p.payload ->> 'orderId'
   WHERE p.type = ANY ($1::text[])
)
SELECT l.position, coalesce((SELECT max(id) FROM page), l.position), (SELECT count(*) FROM page), d.id, d.type,
  extract(epoch FROM now() - d.created_at)::bigint,
  CASE WHEN d.type = 'order_cancelled' AND d.cancelled_by = 'SYSTEM' THEN (d.payload::jsonb - 'reason')::text
    ELSE d.payload::text END,
  CASE WHEN d.order_id IS NOT NULL THEN json_build_object('orderNumber', d.order_number, 'vendorName', d.vendor_name,
    'riderName', d.rider_name, 'total', d.total,
    'by', CASE WHEN d.cancelled_by = 'SYSTEM' AND d.payment_status = 'FAILED' THEN 'PAYMENT' ELSE d.cancelled_by END,
    'pickup', d.pickup_text, 'dropoff', d.delivery_text,
    'known', CASE WHEN d.payment_status IN ('PAID', 'REFUNDED') OR d.payment_method = 'CASH' THEN 'yes' END,
    'refundAmount', CASE d.payment_status WHEN 'REFUNDED' THEN d.total END)::text END,
  u.id, u.language, btrim(u.first_name || ' ' || u.last_name),
  EXISTS (SELECT FROM device_tokens t WHERE t.account_id = u.id AND t.role = 'USER'), u.email IS NOT NULL,
  v.id, v.language, v.owner_name,
  EXISTS (SELECT FROM device_tokens t WHERE t.account_id = v.id AND t.role = 'VENDOR'), v.email IS NOT NULL,
  r.id, r.language, btrim(r.first_name || ' ' || r.last_name),
  EXISTS (SELECT FROM device_tokens t WHERE t.account_id = r.id AND t.role = 'RIDER'), r.email IS NOT NULL
  FROM lease l LEFT JOIN due d ON true
  LEFT JOIN users u ON u.id = coalesce(d.of_user, d.user_id, d.payload ->> 'userId')
  LEFT JOIN vendors v ON v.id = coalesce(d.of_vendor, d.payload ->> 'vendorId')
  LEFT JOIN riders r ON r.id = coalesce(d.of_rider, d.payload ->> 'riderId')
 ORDER BY d.id

-- Makes the messages of a page of events, and moves the position beyond it: both or neither, and nothing when another copy
-- has moved it meanwhile.
--  $1 position seen   $2 position then   $3 messages [{"event","kind","recipient","channel","template","params","data",
--  "language","life"}] (life in seconds), in order   $4 notifications [{"room","payload"}]
-- Columns: messages made. A row only when the position was as seen.
-- name: messages_insert
WITH moved AS (
  UPDATE leases SET position = $2::bigint WHERE name = 'messages' AND position = $1::bigint RETURNING position
), made AS (
  INSERT INTO messages (event_id, kind, recipient, channel, template, params, data, language, until)
  SELECT m.event, m.kind, m.recipient, m.channel, m.template, m.params, m.data, m.language,
         now() + make_interval(secs => m.life)
    FROM ROWS FROM (json_to_recordset($3::json) AS (event bigint, kind text, recipient text, channel text,
      template text, params json, data json, language text, life bigint)) WITH ORDINALITY
      AS m (event, kind, recipient, channel, template, params, data, language, life, n)
   WHERE EXISTS (SELECT FROM moved) ORDER BY m.n
  RETURNING 1
), told AS (
  INSERT INTO outbox (aggregate, type, rooms, payload)
  SELECT split_part(t.room, ':', 2), 'notification', ARRAY[t.room], t.payload
    FROM ROWS FROM (json_to_recordset($4::json) AS (room text, payload json)) WITH ORDINALITY AS t (room, payload, n)
   WHERE EXISTS (SELECT FROM moved) ORDER BY t.n
)
SELECT (SELECT count(*) FROM made) FROM moved

-- --- Sent --------------------------------------------------------------------------------------------------

-- Takes messages that are due: each recipient's earliest of a channel. They are its taker's for a while; a taker that died
-- leaves them to be taken again. Of each that is due the earliest of its recipient is looked up: that one is taken, if it is
-- due too, and those behind it are put off for minutes, since messages_store_results makes the next one due. So a look at any of a
-- long queue moves its head, and however long it is nobody looks at all of it again and again.
--  $1 channels text[]   $2 bulk boolean[]   $3 how many of each integer[]   $4 seconds that they are its taker's
-- Columns: id (NULL: none is taken), kind, recipient, channel, bulk, template, params, data, language, tries (this one
--  included), seconds it is of use yet (0: too late), where to (JSON array; NULL: nowhere), whether the owner has proved that it is his,
--  how many were looked at. Always one row.
-- name: messages_claim
WITH wanted AS (
  SELECT w.channel, w.bulk, w.room FROM unnest($1::text[], $2::boolean[], $3::integer[]) AS w(channel, bulk, room)
   WHERE w.room > 0
), looked AS MATERIALIZED (
  SELECT d.id, d.head, w.room
    FROM wanted w, LATERAL (
      SELECT m.id,
             (SELECT e.id FROM messages e
               WHERE e.state = 'QUEUED' AND e.recipient = m.recipient AND e.channel = m.channel AND e.bulk = m.bulk
               ORDER BY e.id LIMIT 1) AS head
        FROM messages m
       WHERE m.state = 'QUEUED' AND m.channel = w.channel AND m.bulk = w.bulk AND m.next_at <= now()
       ORDER BY m.next_at LIMIT 2 * w.room + 20
         FOR UPDATE OF m SKIP LOCKED) d
), heads AS MATERIALIZED (
  SELECT m.id, l.room, row_number() OVER (PARTITION BY m.channel, m.bulk ORDER BY m.next_at, m.id) AS n
    FROM (SELECT DISTINCT head, room FROM looked) l JOIN messages m ON m.id = l.head
   WHERE m.state = 'QUEUED' AND m.next_at <= now() AND m.id = ANY (ARRAY(SELECT head FROM looked))
), taken AS (
  UPDATE messages m SET tries = m.tries + 1, next_at = now() + $4::bigint * interval '1 second'
    FROM heads h
   WHERE m.id = h.id AND h.n <= h.room AND m.state = 'QUEUED' AND m.next_at <= now()
     AND m.id = ANY (ARRAY(SELECT id FROM heads))  -- by its key, however many the planner takes them for
  RETURNING m.id, m.kind, m.recipient, m.channel, m.bulk, m.template, m.params, m.data, m.language, m.tries, m.until
), behind AS (
  UPDATE messages m SET next_at = now() + interval '1 minute' * (1 + 4 * random())
    FROM looked l
   WHERE m.id = l.id AND l.head <> l.id AND m.id = ANY (ARRAY(SELECT id FROM looked))
)
SELECT t.id, t.kind, t.recipient, t.channel, t.bulk, t.template, t.params::text, t.data::text, t.language, t.tries,
  greatest(0, ceil(extract(epoch FROM t.until - now())))::bigint, message_address(t.kind, t.recipient, t.channel)::text,
  message_address_proven(t.kind, t.recipient, t.channel), (SELECT count(*) FROM looked)
  FROM (SELECT) one LEFT JOIN taken t ON true ORDER BY t.id

-- Ends tries: SENT, DEAD, SKIPPED, or QUEUED again after some time, but not beyond its life: it would hold up those behind
-- it. Who waited behind an ended one is due at once. What was taken by another meanwhile is his to queue again.
--  $1 [{"id","tries","state","error","wait" (ms),"untried": it counts as no try,"text": a text message goes in its
--  place,"gone": [tokens that are of no use
--  any more]}]
-- name: messages_store_results
WITH told AS MATERIALIZED (
  SELECT t.* FROM json_to_recordset($1::json) AS t(id bigint, tries integer, state text, error text, wait bigint, untried boolean,
    text boolean, gone json)
), ended AS (
  UPDATE messages m
     SET state = t.state, tries = m.tries - coalesce(t.untried, false)::integer, last_error = t.error, sent_at = CASE t.state WHEN 'SENT' THEN now() END,
         next_at = least(now() + coalesce(t.wait, 0) * interval '1 millisecond', m.until)
    FROM told t
   WHERE m.id = t.id AND m.state = 'QUEUED' AND (t.state <> 'QUEUED' OR m.tries = t.tries)
  RETURNING m.*, t.text
), instead AS (
  INSERT INTO messages (event_id, kind, recipient, channel, template, params, language, until)
  SELECT e.event_id, e.kind, e.recipient, 'SMS', e.template, e.params, e.language, e.until
    FROM ended e WHERE e.text AND e.until > now() ORDER BY e.id
), woken AS (
  UPDATE messages m SET next_at = now()
   WHERE m.next_at > now() AND m.id IN (
     SELECT (SELECT min(n.id) FROM messages n
              WHERE n.state = 'QUEUED' AND n.recipient = e.recipient AND n.channel = e.channel AND n.bulk = e.bulk
                AND n.id > e.id)
       FROM ended e WHERE e.state <> 'QUEUED')
     AND m.id NOT IN (SELECT id FROM told)
), forgotten AS (
  DELETE FROM device_tokens d
   WHERE d.token IN (SELECT g.token FROM told t, json_array_elements_text(t.gone) AS g(token) WHERE t.gone IS NOT NULL)
)
SELECT count(*) FROM ended

-- --- Looked after ------------------------------------------------------------------------------------------

-- Newest first. Dead ones are a branch of their own, which their small index serves.
--  $1 status or NULL   $2 channel or NULL   $3 recipient or NULL   $4 limit   $5 offset
-- Columns: total, rows (a JSON array). Always one row.
-- name: message_list
SELECT
  (SELECT count(*) FROM messages m
    WHERE $1::text = 'DEAD' AND m.state = 'DEAD' AND ($2::text IS NULL OR m.channel = $2::text)
      AND ($3::text IS NULL OR m.recipient = $3::text))
  + (SELECT count(*) FROM messages m
    WHERE $1::text IS DISTINCT FROM 'DEAD' AND ($1::text IS NULL OR m.state = $1::text)
      AND ($2::text IS NULL OR m.channel = $2::text) AND ($3::text IS NULL OR m.recipient = $3::text)),
  (SELECT '[' || coalesce(string_agg(message_json(m), ',' ORDER BY m.id DESC), '') || ']' FROM messages m
    WHERE m.id = ANY (ARRAY(
      SELECT id FROM (
        (SELECT m.id FROM messages m
          WHERE $1::text = 'DEAD' AND m.state = 'DEAD' AND ($2::text IS NULL OR m.channel = $2::text)
            AND ($3::text IS NULL OR m.recipient = $3::text)
          ORDER BY m.id DESC LIMIT $4::bigint + $5::bigint)
        UNION ALL
        (SELECT m.id FROM messages m
          WHERE $1::text IS DISTINCT FROM 'DEAD' AND ($1::text IS NULL OR m.state = $1::text)
            AND ($2::text IS NULL OR m.channel = $2::text) AND ($3::text IS NULL OR m.recipient = $3::text)
          ORDER BY m.id DESC LIMIT $4::bigint + $5::bigint)) found
       ORDER BY id DESC LIMIT $4::bigint OFFSET $5::bigint)))

-- A dead message is sent once more, for a day.
--  $1 id   $2 admin   $3 act   $4 request id
-- Columns: outcome (DONE, CONFLICT: it is not dead), row. No row: 404.
-- name: message_retry
WITH was AS MATERIALIZED (
  SELECT m.id, m.state FROM messages m
   WHERE m.id = CASE WHEN $1::text ~ '^msg_[0-9]{1,18}$' THEN substr($1::text, 5)::bigint END FOR UPDATE
), queued AS (
  UPDATE messages m
     SET state = 'QUEUED', tries = 0, next_at = now(), until = greatest(m.until, now() + interval '1 day')
    FROM was w WHERE m.id = w.id AND w.state = 'DEAD'
  RETURNING m AS message
), noted AS (
  INSERT INTO admin_audit (admin_id, act, subject, request_id)
  SELECT $2::text, $3::text, $1::text, $4::text FROM queued
)
SELECT CASE WHEN q.message IS NULL THEN 'CONFLICT' ELSE 'DONE' END, message_json(q.message)
  FROM was w LEFT JOIN queued q ON true

-- Deletes at most $1 that were sent or skipped a week ago, or have been dead for a month.
-- Columns: how many.
-- name: sweep_messages
WITH gone AS (
  DELETE FROM messages WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM messages
     WHERE (state IN ('SENT', 'SKIPPED') AND created_at < now() - interval '7 days')
        OR (state = 'DEAD' AND created_at < now() - interval '30 days') LIMIT $1::bigint))
  RETURNING 1
)
SELECT count(*) FROM gone

-- How many a broadcast is for, and how many of them have a device.
--  $1 kind   $2 ids text[] or NULL for all   $3 country or NULL
-- Columns: {"targeted","sent","failed"}. Always one row.
-- name: broadcast_count
WITH people AS (
  SELECT u.id FROM users u
   WHERE $1::text = 'USER' AND broadcast_targets(u.status, u.id, u.country_code, $2::text[], $3::text)
  UNION ALL
  SELECT v.id FROM vendors v
   WHERE $1::text = 'VENDOR' AND broadcast_targets(v.status, v.id, v.country_code, $2::text[], $3::text)
  UNION ALL
  SELECT r.id FROM riders r
   WHERE $1::text = 'RIDER' AND broadcast_targets(r.status, r.id, r.country_code, $2::text[], $3::text)
)
SELECT json_build_object('targeted', count(*), 'sent', count(d.account_id), 'failed', count(*) - count(d.account_id))::text
  FROM people p
  LEFT JOIN (SELECT DISTINCT account_id FROM device_tokens WHERE role = $1::text) d ON d.account_id = p.id

-- Tells everybody of a kind, or some of them, something: a broadcast, of which broadcast_expand makes a push for each who has a
-- device, and the event `broadcast` to the rooms of those who are named (eight of an event are heard: see EVENT_ROOMS_MAX),
-- or of all. Of a country alone nobody's app is told: it has no room.
--  $1 kind   $2 ids text[] or NULL for all   $3 country or NULL   $4 title   $5 body   $6 data   $7 room of all
--  $8 prefix of one's room   $9 admin   $10 act   $11 details   $12 request id
-- name: message_broadcast
WITH made AS (
  INSERT INTO broadcasts (kind, ids, country, params, data)
  VALUES ($1::text, $2::text[], $3::text, json_build_object('title', $4::text, 'body', $5::text), $6::json)
), people AS (
  SELECT i.id, (row_number() OVER (ORDER BY i.id) - 1) / 8 AS part
    FROM (SELECT DISTINCT unnest($2::text[]) AS id) i
    LEFT JOIN users u ON $1::text = 'USER' AND u.id = i.id
    LEFT JOIN vendors v ON $1::text = 'VENDOR' AND v.id = i.id
    LEFT JOIN riders r ON $1::text = 'RIDER' AND r.id = i.id
   WHERE broadcast_targets(coalesce(u.status, v.status, r.status), i.id,
           coalesce(u.country_code, v.country_code, r.country_code), NULL, $3::text)
), told AS (
  INSERT INTO outbox (aggregate, type, rooms, payload)
  SELECT $7::text, 'broadcast', t.rooms, json_build_object('type', 'BROADCAST', 'title', $4::text, 'body', $5::text,
    'data', $6::json, 'timestamp', iso(now()))
    FROM (SELECT ARRAY[$7::text] AS rooms WHERE $2::text[] IS NULL AND $3::text IS NULL
          UNION ALL
          SELECT array_agg($8::text || ':' || p.id) FROM people p GROUP BY p.part) t
)
INSERT INTO admin_audit (admin_id, act, subject, details, request_id)
VALUES ($9::text, $10::text, $7::text, $11::jsonb, $12::text)

-- Makes the next page of messages of the oldest broadcast that is not done: a push for each account that has a device. What
-- is not sent within a day is of no use.
--  $1 accounts to look at
-- Columns: messages made. No row: all is done, or another copy is at it.
-- name: broadcast_expand
WITH next AS MATERIALIZED (
  SELECT * FROM broadcasts WHERE NOT done ORDER BY id LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED
), page AS MATERIALIZED (
  SELECT d.account_id AS id
    FROM device_tokens d
   WHERE d.account_id > (SELECT position FROM next) AND d.role = (SELECT kind FROM next)
     AND ((SELECT ids FROM next) IS NULL OR d.account_id = ANY ((SELECT ids FROM next)::text[]))
   GROUP BY d.account_id ORDER BY d.account_id LIMIT $1::bigint
), made AS (
  INSERT INTO messages (kind, recipient, channel, bulk, template, params, data, language, until)
  SELECT b.kind, a.id, 'PUSH', true, 'broadcast', b.params, b.data, a.language, b.created_at + interval '1 day'
    FROM next b, page p, LATERAL (
      SELECT u.id, u.language FROM users u
       WHERE b.kind = 'USER' AND u.id = p.id AND broadcast_targets(u.status, u.id, u.country_code, NULL, b.country)
      UNION ALL
      SELECT v.id, v.language FROM vendors v
       WHERE b.kind = 'VENDOR' AND v.id = p.id AND broadcast_targets(v.status, v.id, v.country_code, NULL, b.country)
      UNION ALL
      SELECT r.id, r.language FROM riders r
       WHERE b.kind = 'RIDER' AND r.id = p.id AND broadcast_targets(r.status, r.id, r.country_code, NULL, b.country)) a
   ORDER BY a.id
  RETURNING 1
), moved AS (
  UPDATE broadcasts t
     SET position = coalesce((SELECT max(id) FROM page), t.position), done = (SELECT count(*) FROM page) < $1::bigint
    FROM next b WHERE t.id = b.id
)
SELECT (SELECT count(*) FROM made) FROM next
-- Settings, kept answers, revocations and the sweeps of what has served its time.

-- Asked once a second by every copy; when it differs from the last answer, settings_get is run.
-- Columns: version.
-- name: settings_version
SELECT sum(seq)::bigint FROM settings

-- Columns: version, settings {"key": value, …}, zones [{"id","name","polygon":[[lat,lng],…],"fee"}] (active ones with
--  a fee of their own). Always one row.
-- name: settings_get
SELECT sum(s.seq)::bigint, json_object_agg(s.key, s.value)::text,
  (SELECT '[' || coalesce(string_agg('{"id":' || json_word(z.id) || ',"name":' || json_text(z.name)
     || ',"polygon":' || z.polygon::text || ',"fee":' || z.delivery_fee_override || '}', ',' ORDER BY z.id), '') || ']'
     FROM zones z WHERE z.is_active AND z.delivery_fee_override IS NOT NULL)
  FROM settings s

-- What was answered to an Idempotency-Key.
--  $1 account id   $2 key
-- Columns: fingerprint, status, body (complete). No row: none (any more).
-- name: idempotency_get
SELECT fingerprint, status, body FROM idempotency WHERE account_id = $1::text AND key = $2::text

-- Deletes at most $1 of each kind of row that is of no use any more; call again while it deletes that many.
--  $1 batch
-- Columns: how many in all.
-- name: sweep_expired
WITH keys AS (
  DELETE FROM idempotency WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM idempotency WHERE created_at < now() - interval '24 hours' LIMIT $1::bigint)) RETURNING 1
), gone_baskets AS (
  DELETE FROM baskets WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM baskets WHERE placed_at < now() - interval '1 hour' LIMIT $1::bigint)) RETURNING 1
), codes AS (
  DELETE FROM one_time_codes WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM one_time_codes WHERE expires_at < now() - interval '1 day' LIMIT $1::bigint)) RETURNING 1
), resets AS (
  DELETE FROM reset_tokens WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM reset_tokens WHERE expires_at < now() - interval '1 day' LIMIT $1::bigint)) RETURNING 1
), told AS (
  DELETE FROM revocations WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM revocations WHERE expires_at < now() LIMIT $1::bigint)) RETURNING 1
), ended AS (
  DELETE FROM sessions WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM sessions WHERE expires_at < now() - interval '1 day' LIMIT $1::bigint)) RETURNING 1
), heard AS (
  DELETE FROM events WHERE id = ANY (ARRAY(SELECT id FROM events ORDER BY id LIMIT $1::bigint))
     AND created_at < now() - interval '72 hours' RETURNING 1
), reasons AS (
  DELETE FROM dispatch_decisions WHERE id = ANY (ARRAY(SELECT id FROM dispatch_decisions ORDER BY id LIMIT $1::bigint))
     AND at < now() - interval '90 days' RETURNING 1
)
SELECT (SELECT count(*) FROM keys) + (SELECT count(*) FROM gone_baskets) + (SELECT count(*) FROM codes)
  + (SELECT count(*) FROM resets) + (SELECT count(*) FROM told) + (SELECT count(*) FROM ended)
  + (SELECT count(*) FROM heard) + (SELECT count(*) FROM reasons)
-- The steps of an order: what a step is decided on, and the step itself. src/api/order_acts.c runs both.

-- What an act is decided on.
--  $1 id or number   $2 occurredAt or NULL
-- Columns: 0 id, 1 type, 2 status, 3 user id, 4 vendor id, 5 rider id, 6 accepted, 7 preparing, 8 ready (flags),
--  9 payable (paid, or cash), 10 subtotal, 11 delivery fee, 12 service fee, 13 funded fee, 14 commission bps,
--  15 what is wrong with occurredAt: OLD (over 30 minutes), AHEAD (over 60 seconds), BEFORE (the previous act) or NULL.
--  No row: 404.
-- name: order_facts
SELECT o.id, o.order_type, o.status, o.user_id, o.vendor_id, o.rider_id, o.accepted_at IS NOT NULL,
       o.preparing_at IS NOT NULL, o.ready_at IS NOT NULL, order_payable(o), o.subtotal, o.delivery_fee,
       o.service_fee, o.funded_fee, o.commission_bps,
       CASE WHEN $2::timestamptz < now() - interval '30 minutes' THEN 'OLD'
            WHEN $2::timestamptz > now() + interval '60 seconds' THEN 'AHEAD'
            WHEN $2::timestamptz < timeline_last(o.timeline) THEN 'BEFORE' END
  FROM orders o
 WHERE o.id = CASE WHEN substr($1::text, 2, 1) = '-'
   THEN (SELECT n.id FROM orders n WHERE n.order_number = $1::text) ELSE $1::text END

-- One step of an order, with all that goes with it: stamps, timeline, rider and vendor counters, the search for a
-- rider, settlement or refund, stock, events, and the answer to an Idempotency-Key. Compare-and-set: it happens
-- only while the order is as it was seen, so of fifty riders one wins.
--  $1 order id          $2 status seen         $3 rider seen or NULL   $4 act (ACCEPT, REJECT, PREPARE, READY, ASSIGN,
--  RELEASE, ARRIVE_PICKUP, PICK_UP, ARRIVE_DELIVERY, COMPLETE, CANCEL)  $5 the status it leads to
--  $6 by (USER, VENDOR, RIDER, ADMIN)          $7 the rider who gets it (ASSIGN)
--  $8 occurredAt or NULL: now                  $9 note or reason       $10 photo    $11 preparation minutes
-- $12 where it was done, JSON {lat,lng}        $13 the delivery code given          $14 whether one is asked for
-- $15 ids of four ledger rows text[]           $16 id of an offer (off_…)
-- $17 to $20 COMPLETE: the vendor's, rider's and platform's part, and what the platform pays the rider besides
--     CANCEL: what the platform pays the vendor for what was made, 0: nothing (the rest is not looked at)
-- $21 who acts         $22 Idempotency-Key or NULL  $23 its fingerprint  $24 the answer to keep with it, NULL: the order
-- $25 the request's id: what an admin does is noted with it
-- Columns: outcome, order (the Order; the customer's when by USER; when DONE).
-- Outcomes: DONE; MOVED: the order is not as it was seen, look again; WRONG_DELIVERY_CODE (that was one try of five);
--  ASSIGN: RIDER_NOT_FOUND, RIDER_NOT_READY, SUSPENDED, NOT_APPROVED, INACTIVE, RIDER_OFFLINE.
--  Raises IDEMPOTENCY_RUNNING when the key was taken by another act meanwhile.
-- name: order_move
WITH moved AS MATERIALIZED (
  SELECT outcome, json FROM order_move($1::text, $2::text, $3::text, $4::text, $5::text, $6::text, $7::text,
    $8::timestamptz, $9::text, $10::text, $11::integer, $12::json, $13::text, $14::boolean, $15::text[], $16::text,
    $17::bigint, $18::bigint, $19::bigint, $20::bigint, $21::text, $22::text, $23::text, $24::text)
), noted AS (
  INSERT INTO admin_audit (admin_id, act, subject, details, request_id)
  SELECT $21::text, 'order.' || lower($4::text), $1::text,
         jsonb_strip_nulls(jsonb_build_object('riderId', $7::text, 'reason', $9::text,
           'vendorPaid', CASE $4::text WHEN 'CANCEL' THEN nullif($17::bigint, 0) END)), $25::text
    FROM moved WHERE outcome = 'DONE' AND $6::text = 'ADMIN'
)
SELECT outcome, json FROM moved

-- Whether the same actor has done this act before, and what it brought about still holds: then nothing is to be done.
--  $1 order id   $2 act   $3 by (USER, VENDOR, RIDER, ADMIN)   $4 who acts   $5 the state that the act's entry in the
--  timeline names   $6 the states in which its effect can hold text[]
-- Columns: order (as order_move gives it). No row: it is not a repetition.
-- What a rider did counts since he got the order; an admin's acts are told apart by the notes of them.
-- name: order_repeated
WITH held AS MATERIALIZED (
  SELECT o AS seen FROM orders o WHERE o.id = $1::text AND o.status = ANY ($6::text[])
), steps AS MATERIALIZED (
  SELECT e.entry ->> 'status' AS status, e.entry ->> 'by' AS by, e.n
    FROM held h, json_array_elements((h.seen).timeline) WITH ORDINALITY AS e(entry, n)
)
SELECT CASE $3::text WHEN 'USER' THEN order_json_user(h.seen) ELSE order_json(h.seen) END
  FROM held h
 WHERE EXISTS (SELECT FROM steps s WHERE s.status = $5::text AND s.by = $3::text
         AND s.n >= CASE WHEN $3::text = 'RIDER' OR $2::text = 'ASSIGN'
           THEN (SELECT max(g.n) FROM steps g WHERE g.status = 'RIDER_ASSIGNED') ELSE 0 END)
   AND ($3::text <> 'ADMIN' OR (SELECT a.admin_id FROM admin_audit a
         WHERE a.subject = $1::text AND a.act = 'order.' || lower($2::text) ORDER BY a.id DESC LIMIT 1) = $4::text)

-- Looks after orders whose rider may not work any more: those that are not picked up go back to the search for a rider,
-- the others get `attention`, as do those of a rider who has been silent for too long. Clears it when its reason is gone.
--  $1 rider, NULL: all   $2 seconds of silence   $3 states that a release starts from text[]   $4 how many at most
-- Columns: order id, rider id, released. As many rows as asked for: there may be more.
-- name: orders_watch
SELECT order_id, rider_id, released FROM orders_watch($1::text, make_interval(secs => $2::double precision), $3::text[], $4::bigint)

-- A rider does not want an order that he has not got: he is not asked again, and does not see it any more. An offer
-- that he has open is answered, and the next rider is looked for at once.
--  $1 order id   $2 rider id   $3 reason   $4 id of a row (off_…)   $5 states in which it can be had text[]
--  $6 Idempotency-Key or NULL   $7 its fingerprint   $8 the answer to keep with it
-- Columns: hidden (false: the order is no longer to be had).
-- name: offer_reject
WITH target AS MATERIALIZED (
  SELECT id FROM orders WHERE id = $1::text AND rider_id IS NULL AND status = ANY ($5::text[])
), queued AS MATERIALIZED (
  SELECT d.order_id FROM dispatches d JOIN target t ON t.id = d.order_id FOR UPDATE OF d
), answered AS (
  UPDATE offers f SET outcome = 'REJECTED', reason = $3::text, answered_at = now()
    FROM target t WHERE f.order_id = t.id AND f.rider_id = $2::text AND f.outcome = 'OPEN'
     AND (SELECT count(*) FROM queued) >= 0
  RETURNING f.order_id
), unasked AS (
  INSERT INTO offers (id, order_id, rider_id, outcome, reason, answered_at)
  SELECT $4::text, t.id, $2::text, 'REJECTED', $3::text, now() FROM target t WHERE NOT EXISTS (SELECT FROM answered)
     AND (SELECT f.outcome FROM offers f WHERE f.order_id = t.id AND f.rider_id = $2::text
           ORDER BY f.offered_at DESC LIMIT 1) IS DISTINCT FROM 'REJECTED'
), sooner AS (
  UPDATE dispatches d SET next_at = now() FROM answered a WHERE d.order_id = a.order_id
), once AS (
  INSERT INTO idempotency (account_id, key, fingerprint, status, body)
  SELECT $2::text, $6::text, $7::text, 200, $8::text FROM target WHERE $6::text IS NOT NULL
  ON CONFLICT DO NOTHING
)
SELECT EXISTS (SELECT FROM target)

-- A vendor's orders, newest first; those that wait for a payment do not exist for him.
--  $1 vendor id   $2 states text[] or NULL for all   $3 from, $4 before: timestamptz or NULL   $5 limit   $6 offset
-- Columns: total, orders (a JSON array). Always one row.
-- name: vendor_order_list
WITH page AS (
  (SELECT id, created_at FROM orders o
    WHERE vendor_id = $1::text AND active IS TRUE AND order_payable(o)
      AND ($2::text[] IS NULL OR status = ANY ($2::text[]))
      AND created_at >= coalesce($3::timestamptz, '-infinity') AND created_at < coalesce($4::timestamptz, 'infinity')
    ORDER BY created_at DESC LIMIT $5::bigint + $6::bigint)
  UNION ALL
  (SELECT id, created_at FROM orders o
    WHERE vendor_id = $1::text AND active IS FALSE AND order_payable(o)
      AND ($2::text[] IS NULL OR $2::text[] && '{DELIVERED,CANCELLED}')
      AND ($2::text[] IS NULL OR status = ANY ($2::text[]))
      AND created_at >= coalesce($3::timestamptz, '-infinity') AND created_at < coalesce($4::timestamptz, 'infinity')
    ORDER BY created_at DESC LIMIT $5::bigint + $6::bigint)
  ORDER BY created_at DESC, id DESC LIMIT $5::bigint OFFSET $6::bigint
)
SELECT
  CASE WHEN $2::text[] IS NULL THEN
    (SELECT count(*) FROM orders
      WHERE vendor_id = $1::text
        AND created_at >= coalesce($3::timestamptz, '-infinity') AND created_at < coalesce($4::timestamptz, 'infinity'))
    - (SELECT count(*) FROM orders
      WHERE vendor_id = $1::text AND payment_method <> 'CASH' AND payment_status NOT IN ('PAID', 'REFUNDED')
        AND created_at >= coalesce($3::timestamptz, '-infinity') AND created_at < coalesce($4::timestamptz, 'infinity'))
  ELSE
    (SELECT count(*) FROM orders o
      WHERE vendor_id = $1::text AND order_payable(o) AND status = ANY ($2::text[])
        AND active = ANY (CASE WHEN NOT $2::text[] && '{DELIVERED,CANCELLED}' THEN '{t}'::boolean[]
                               WHEN $2::text[] <@ '{DELIVERED,CANCELLED}' THEN '{f}' ELSE '{t,f}' END)
        AND created_at >= coalesce($3::timestamptz, '-infinity') AND created_at < coalesce($4::timestamptz, 'infinity'))
  END,
  (SELECT '[' || coalesce(string_agg(order_json(o), ',' ORDER BY o.created_at DESC, o.id DESC), '') || ']'
     FROM page JOIN orders o ON o.id = page.id)

-- What a vendor has to do now: his orders in some states that are not final, oldest first, at most 200.
--  $1 vendor id   $2 states text[]
-- Columns: total shown, orders (a JSON array). Always one row.
-- name: vendor_order_queue
SELECT count(*), '[' || coalesce(string_agg(order_json(o), ',' ORDER BY o.created_at, o.id), '') || ']'
  FROM (SELECT * FROM orders t
         WHERE vendor_id = $1::text AND active IS TRUE AND status = ANY ($2::text[]) AND order_payable(t)
         ORDER BY created_at LIMIT 200) o

-- A vendor's figures of a period, in the business's days.
--  $1 vendor id   $2 today, week, month or year: this one, from its first day
-- Columns: the figures as JSON.
-- name: vendor_order_stats
SELECT '{"total":' || count(*) || ',"pending":' || count(*) FILTER (WHERE status = 'PENDING')
    || ',"accepted":' || count(*) FILTER (WHERE status = 'ACCEPTED')
    || ',"preparing":' || count(*) FILTER (WHERE status = 'PREPARING')
    || ',"ready":' || count(*) FILTER (WHERE status = 'READY_FOR_PICKUP')
    || ',"completed":' || count(*) FILTER (WHERE status = 'DELIVERED')
    || ',"cancelled":' || count(*) FILTER (WHERE status = 'CANCELLED')
    || ',"totalRevenue":' || coalesce(sum(subtotal) FILTER (WHERE status = 'DELIVERED'), 0)
    || ',"averageOrderValue":' || coalesce(round(avg(subtotal) FILTER (WHERE status = 'DELIVERED')), 0) || '}'
  FROM orders o
 WHERE vendor_id = $1::text AND order_payable(o)
   AND created_at >= date_trunc(CASE $2::text WHEN 'today' THEN 'day' ELSE $2::text END,
     now() AT TIME ZONE business_zone()) AT TIME ZONE business_zone()

-- One order as a vendor or rider sees it.
--  $1 id or number   $2 the rider who asks, NULL for a vendor
-- Columns: vendor id, rider id, payable, order, id, offerable: a rider may have it (it has none, and he did not refuse
--  it), type, status. No row: 404.
-- name: order_get_party
SELECT o.vendor_id, o.rider_id, order_payable(o), order_json(o), o.id,
       o.rider_id IS NULL AND (SELECT f.outcome FROM offers f WHERE f.order_id = o.id AND f.rider_id = $2::text
         ORDER BY f.offered_at DESC LIMIT 1) IS DISTINCT FROM 'REJECTED',
       o.order_type, o.status
  FROM orders o
 WHERE o.id = CASE WHEN substr($1::text, 2, 1) = '-'
   THEN (SELECT n.id FROM orders n WHERE n.order_number = $1::text) ELSE $1::text END

-- A rider's deliveries, newest first.
--  $1 rider id   $2 limit   $3 offset
-- Columns: total, orders (a JSON array). Always one row.
-- name: rider_order_list
WITH page AS (
  (SELECT id, created_at FROM orders WHERE rider_id = $1::text AND active IS TRUE
    ORDER BY created_at DESC LIMIT $2::bigint + $3::bigint)
  UNION ALL
  (SELECT id, created_at FROM orders WHERE rider_id = $1::text AND active IS FALSE
    ORDER BY created_at DESC LIMIT $2::bigint + $3::bigint)
  ORDER BY created_at DESC, id DESC LIMIT $2::bigint OFFSET $3::bigint
)
SELECT (SELECT count(*) FROM orders WHERE rider_id = $1::text),
  (SELECT '[' || coalesce(string_agg(order_json(o), ',' ORDER BY o.created_at DESC, o.id DESC), '') || ']'
     FROM page JOIN orders o ON o.id = page.id)

-- What a rider carries now, newest first.
--  $1 rider id
-- Columns: orders (a JSON array). Always one row.
-- name: rider_order_active
SELECT '[' || coalesce(string_agg(order_json(o), ',' ORDER BY o.created_at DESC, o.id DESC), '') || ']'
  FROM (SELECT * FROM orders WHERE rider_id = $1::text AND active IS TRUE ORDER BY created_at DESC LIMIT 100) o

-- A rider reports what is wrong with an order that is, or was, his.
--  $1 issue id   $2 order, id or number   $3 rider   $4 type   $5 description   $6 photo   $7 occurredAt or NULL
--  $8 Idempotency-Key or NULL   $9 its fingerprint
-- Columns: outcome, issue. Outcomes: REPORTED, REPLAY (run idempotency_get), ORDER_NOT_FOUND, ORDER_NOT_OWNER.
-- name: rider_issue_add
WITH target AS MATERIALIZED (
  SELECT o.id, o.rider_id FROM orders o
   WHERE o.id = CASE WHEN substr($2::text, 2, 1) = '-'
     THEN (SELECT n.id FROM orders n WHERE n.order_number = $2::text) ELSE $2::text END
), draft AS MATERIALIZED (
  SELECT $1::text COLLATE "C" AS id, t.id AS order_id, t.rider_id, $4::text COLLATE "C" AS issue_type, $5::text AS description,
         $6::text AS photo, least(coalesce($7::timestamptz, now()), now()) AS occurred_at, now() AS created_at
    FROM target t WHERE t.rider_id = $3::text
), made AS MATERIALIZED (
  SELECT rider_issue_json(ROW(draft.*)::rider_issues) AS json FROM draft
), once AS (
  INSERT INTO idempotency (account_id, key, fingerprint, status, body)
  SELECT $3::text, $8::text, $9::text, 201, '{"success":true,"data":' || json || '}'
    FROM made WHERE $8::text IS NOT NULL
  ON CONFLICT DO NOTHING RETURNING true
), written AS (
  INSERT INTO rider_issues SELECT draft.* FROM draft WHERE $8::text IS NULL OR EXISTS (SELECT FROM once)
  RETURNING true
)
SELECT CASE WHEN EXISTS (SELECT FROM written) THEN 'REPORTED'
            WHEN EXISTS (SELECT FROM made) THEN 'REPLAY'
            WHEN EXISTS (SELECT FROM target) THEN 'ORDER_NOT_OWNER'
            ELSE 'ORDER_NOT_FOUND' END,
       (SELECT json FROM made)
-- Orders as the customer's side places, reads and cancels them.
-- A comment above each statement names its parameters in order, its columns and its outcomes.
-- An outcome is PLACED / REPLAY or the name of an enum err without E_.

-- Places an order: FOOD and MART (from a vendor's menu) and PACKAGE. Everything or nothing.
--  $1 order id            $2 order number       $3 type (FOOD, MART, PACKAGE)
--  $4 user id             $5 vendor id, NULL for PACKAGE
--  $6 the lines as they are kept and shown, JSON: [{itemId,name,quantity,price,notes,specialInstructions,image,options?}]
--  $7 item ids text[]     $8 quantities int[]   $9 prices quoted bigint[]   (of the lines; '{}' for PACKAGE)
-- $10 subtotal           $11 delivery fee      $12 service fee    $13 discount    $14 total
-- $15 funded fee: what free delivery spares the customer and the platform pays the rider
-- $16 the service's commission, basis points (the vendor's own goes before it)
-- $17 distance km        $18 payment method (WALLET, CASH, CARD: paid in the sandbox; MOBILE_MONEY stays PENDING, no event)
-- $19 delivery address JSON, as shown           $20 its text       $21 lat   $22 lng
-- $23 delivery instructions                     $24 notes
-- $25 pickup address JSON, $26 its text, $27 lat, $28 lng: PACKAGE; NULL takes the vendor's place
-- $29 package details JSON, NULL for food       $30 minutes until the delivery is expected
-- $31 verification code or NULL                 $32 id of the ledger row (txn_…)
-- $33 Idempotency-Key or NULL                   $34 its fingerprint
-- $35 hash of the basket, NULL when a key was sent or the rule is off       $36 its window, seconds
-- $37 what was chosen on the lines text[], as item_price takes it; NULL (or beyond its end): the item alone
-- $38 id of the payment intent (pay_…) of MOBILE_MONEY and CARD, else NULL    $39 phone that pays    $40 its operator or NULL
-- Columns: outcome, order (the Order object, when PLACED), detail.
-- Outcomes: PLACED; REPLAY: the key is known, run idempotency_get; DUPLICATE_ORDER: detail is the first
--  order's id (NULL when it was committed only just now: run basket_get);
--  ACCOUNT_NOT_FOUND, SUSPENDED, INACTIVE, PHONE_UNVERIFIED, VENDOR_NOT_FOUND, VENDOR_OFFLINE, WALLET_SHORT;
--  ITEM_NOT_FOUND, ITEM_UNAVAILABLE, PRICE_CHANGED, OUT_OF_STOCK: detail is the item's id.
--  The last stage may also raise WALLET_SHORT and OUT_OF_STOCK, when another order was first, and TOO_MANY_REQUESTS when
--  20 payments of this customer wait already.
-- The key has been asked about before (idempotency_get): REPLAY is what a twin that came at the same time gets.
--
-- How it stays sound at READ COMMITTED: `checked` reads a snapshot and writes nothing when anything is wrong.
-- The gates `once` and `basket` then wait for a concurrent twin on their unique index; only who passes them goes on. The wallet's guard is
-- evaluated again on the newest row after waiting for its lock. What fails after the gates raises,
-- which takes back the gates' rows too. Locks are taken in one order: key, basket, wallet, items.
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
    :vendor_share::bigint AS vendor_share, :rider_earnings::bigint AS rider_earnings
    FROM checked WHERE outcome = 'PLACED'
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
  INSERT INTO outbox (aggregate, type, rooms, payload)
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

-- One order, by its id; the same by its number, which has a dash in second place as no id has. Two statements: one for
-- both costs each reading the set-up of the other's index scan.
--  $1 id, or number
-- Columns: user id (not the asker's: 403), order (the Order as the customer sees it), status, rider id. No row: 404.
-- name: order_get
SELECT o.user_id, order_json_user(o), o.status, o.rider_id FROM orders o WHERE o.id = $1::text
-- name: order_get_numbered
SELECT o.user_id, order_json_user(o), o.status, o.rider_id FROM orders o WHERE o.order_number = $1::text

-- A customer's orders, newest first: active and past ones are a range of the index each, read from its end and
-- merged. IS TRUE, in place of plain active, keeps the planner from orders_open, which holds everybody's.
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

-- A customer's orders that are not final, newest first, at most 100.
--  $1 user id
-- Columns: orders (a JSON array). Always one row.
-- name: order_active
SELECT '[' || coalesce(string_agg(order_json_user(o), ',' ORDER BY o.created_at DESC, o.id DESC), '') || ']'
  FROM (SELECT * FROM orders WHERE user_id = $1::text AND active IS TRUE
         ORDER BY created_at DESC LIMIT 100) o

-- Cancels orders that nobody accepted in time, by SYSTEM, with refund and events as order_move does; for the timers,
-- which call it with one id until it gives no row. An order that a rider gave back to PENDING
-- (PACKAGE) waits its time anew. Orders that are being changed are left for the next call.
--  $1 minutes (setting order_accept_minutes)   $2 ids of ledger rows (txn_…) text[]: as many orders at most; more than one locks the
--  wallets and stock of several orders in turn
-- Columns: order id, vendor id (NULL: PACKAGE). The caller drops KEY_ORDERS_ACTIVE when there was a row, and each
-- vendor's KEY_MENU and catalogue (counted stock has gone back).
-- name: order_expire
-- columns: order_id, vendor_id
SELECT order_id, vendor_id FROM order_expire(:minutes::integer, :states::text[], :entry::text)

-- The order that a basket was last placed as.
--  $1 user id   $2 basket hash
-- Columns: order id, order number.
-- name: basket_get
SELECT b.order_id, o.order_number FROM baskets b JOIN orders o ON o.id = b.order_id
 WHERE b.user_id = $1::text AND b.basket = $2::text
-- Mobile money in: what customers were asked to pay, and what became of it.

-- Begins a top-up: the intent, before the gateway is called. CARD (sandbox) is credited at once.
--  $1 id (pay_…)   $2 user id   $3 amount   $4 MOBILE_MONEY or CARD   $5 phone or NULL   $6 operator or NULL
--  $7 id of the ledger row (txn_…)   $8 Idempotency-Key or NULL   $9 its fingerprint
-- Columns: outcome, payment (JSON, when STARTED; when PAYMENTS_WAIT, seconds that the oldest has waited).
-- Outcomes: STARTED, REPLAY (run idempotency_get), ACCOUNT_NOT_FOUND, PAYMENTS_WAIT (20 wait already). Raises
--  IDEMPOTENCY_RUNNING.
-- name: payment_start
SELECT outcome, json AS payment
  FROM payment_start($1::text, $2::text, $3::bigint, $4::text, $5::text, $6::text,
    $7::text, $8::text, $9::text)

-- Records what the gateway says of a payment, with everything that follows: money, order, events. Saying it again
-- changes nothing.
--  $1 id   $2 PENDING, SUCCESSFUL, FAILED; REFUSED: the gateway cannot have it (only while it has no reference)
--  $3 the gateway's reference   $4 code to dial   $5 operator   $6 amount, -1: not told   $7 why it failed
--  $8 id of a ledger row (txn_…): the refund of an order that was over when its money came
-- Columns: outcome, payment (JSON), order id, vendor id, whether its order has ended by this, whether it came late.
-- Outcomes: PENDING, SUCCEEDED, FAILED, MISMATCH (paid, but another amount: nothing is booked), KNOWN (nothing new),
--  UNKNOWN (no such payment). A SUCCESSFUL without an amount is as good as PENDING.
-- name: payment_record
SELECT outcome, json AS payment, order_id, vendor_id, order_ended, late
  FROM payment_apply($1::text, $2::text, $3::text[], $4::boolean, $5::text,
    $6::text, $7::text, $8::bigint, $9::text, $10::text, $11::text,
    $12::bigint, $13::text[], $14::text)

-- A payment as its customer sees it; whether the gateway is to be asked before he is answered: not twice in 3 seconds, and
-- not in a minute when it is over for us.
--  $1 id   $2 user id
-- Columns: payment (JSON), ask, the gateway's reference. No row: none of his.
-- name: payment_get
WITH queried AS (
  UPDATE payment_intents SET checked_at = now()
   WHERE id = $1::text AND user_id = $2::text AND state NOT IN ('SUCCEEDED', 'MISMATCH')
     AND gateway_reference IS NOT NULL
     AND checked_at < now() - interval '1 second' * CASE WHEN state IN ('CREATED', 'PENDING') THEN $3::bigint
           ELSE $4::bigint END
  RETURNING true
)
SELECT payment_json(i) AS payment, EXISTS (SELECT FROM queried) AS query, i.gateway_reference, i.amount,
  floor(extract(epoch FROM now() - i.created_at))::bigint AS age_s
  FROM payment_intents i WHERE i.id = $1 AND i.user_id = $2

-- Remembers that a callback has named a payment: if nothing else comes of it, the poller asks.
--  $1 id   $2 the gateway's reference, from the callback   $3 seconds until then
-- Columns: state, the gateway's reference, whether to ask now (not again within a second). No row: unknown.
-- name: payment_note_callback
WITH now_due AS (
  UPDATE payment_intents
     SET gateway_reference = coalesce(gateway_reference, $1::text), sent_at = coalesce(sent_at, now()),
         next_check_at = now() + $2::bigint * interval '1 second', checked_at = now()
   WHERE id = $3::text AND state <> 'SUCCEEDED' AND checked_at < now() - $4::bigint * interval '1 second'
  RETURNING state, gateway_reference, amount, created_at
), later AS (
  UPDATE payment_intents
     SET gateway_reference = coalesce(gateway_reference, $1), sent_at = coalesce(sent_at, now()),
         next_check_at = least(next_check_at, now() + $4 * interval '1 second')
   WHERE id = $3 AND state <> 'SUCCEEDED' AND checked_at >= now() - $4 * interval '1 second'
  RETURNING state, gateway_reference, amount, created_at
)
SELECT state, gateway_reference, query, amount, floor(extract(epoch FROM now() - created_at))::bigint AS age_s
  FROM (SELECT *, true AS query FROM now_due
        UNION ALL SELECT *, false FROM later
        UNION ALL SELECT state, gateway_reference, amount, created_at, false FROM payment_intents
         WHERE id = $3 AND state = 'SUCCEEDED') noted

-- A reference that was told to belong to another payment is forgotten: this one is looked for in the history.
--  $1 id   $2 the reference
-- name: payment_clear_reference
UPDATE payment_intents SET gateway_reference = NULL, next_check_at = now() + $1::bigint * interval '1 second'
 WHERE id = $2::text AND gateway_reference = $3::text AND state <> 'SUCCEEDED' AND resolution IS NULL

-- Takes payments that are due to be asked after, those that wait to be paid before those that are over for us. Taking moves the next time on, so that two copies take different
-- ones and one that dies is followed by a later ask.
--  $1 how many
-- Columns: id, the gateway's reference (NULL: it never told us one), day of its creation (YYYY-MM-DD), whether it is
--  older than 15 minutes.
-- name: payments_due
WITH due AS (
  (SELECT * FROM payment_intents WHERE next_check_at <= now() AND state IN ('CREATED', 'PENDING')
    ORDER BY next_check_at LIMIT $1::bigint)
  UNION ALL
  (SELECT * FROM payment_intents WHERE next_check_at <= now() AND state NOT IN ('CREATED', 'PENDING')
    ORDER BY next_check_at LIMIT $1)
  LIMIT $1
)
SELECT id, gateway_reference, state, checks::bigint AS checks, floor(extract(epoch FROM now() - created_at))::bigint AS age_s,
  amount, to_char(created_at AT TIME ZONE 'UTC' - interval '1 hour', 'YYYY-MM-DD') AS day
  FROM due

-- Found in the gateway's history: they have a reference now, and are due to be asked after.
--  $1 ids text[]   $2 the gateway's references text[]
-- Columns: how many.
-- name: payments_set_found
UPDATE payment_intents t
   SET gateway_reference = f.reference, state = CASE t.state WHEN 'CREATED' THEN 'PENDING' ELSE t.state END,
       sent_at = now(), next_check_at = now()
  FROM unnest($1::text[], $2::text[]) AS f(id, reference)
 WHERE t.id = f.id AND t.gateway_reference IS NULL AND t.state <> 'SUCCEEDED'

-- Looked for in a history that cannot be read: what was given up without a reference stays so, and says why.
--  $1 ids text[]
-- name: payments_mark_unanswered
UPDATE payment_intents t
   SET failure = $1::text, reason = payment_text(t.user_id, $2::text, $3::text)
 WHERE t.id = ANY ($4::text[]) AND t.gateway_reference IS NULL AND t.state = 'EXPIRED'
   AND t.failure IS DISTINCT FROM $1

-- Gives up payments that were not made in time; their orders end. They are asked after still, ever more thinly. For the
-- poller, which calls it until it gives none.
--  $1 seconds (configuration payment_wait)   $2 how many at most (more than one locks the stock of several orders)
-- Columns: id, order id, vendor id, whether its order has ended by this.
-- name: payments_expire
SELECT id, vendor_id, order_ended
  FROM payments_end_unpaid($1::bigint, $2::bigint, $3::text[], $4::text, $5::text,
    $6::bigint, $7::bigint, $8::text[])

-- --- Admins ------------------------------------------------------------------------------------------------------

-- The console's rows, newest first. What people have to decide is found by an index of its own.
--  $1 state or NULL   $2 user id or NULL   $3 order, id or number, or NULL   $4 whether decided (t, f) or NULL   $5 limit   $6 offset
-- Columns: total, rows (a JSON array). Always one row.
-- name: admin_payment_list
WITH found AS NOT MATERIALIZED (
  SELECT * FROM (
    SELECT id, state, user_id, order_id, resolution FROM payment_intents
     WHERE $1::text = 'MISMATCH' AND state = 'MISMATCH'
    UNION ALL
    SELECT id, state, user_id, order_id, resolution FROM payment_intents
     WHERE $1 IS DISTINCT FROM 'MISMATCH' AND ($1 IS NULL OR state = $1)) i
   WHERE ($2::text IS NULL OR user_id = $2)
     AND ($3::text IS NULL OR order_id = CASE WHEN substr($3, 2, 1) = '-'
       THEN (SELECT n.id FROM orders n WHERE n.order_number = $3) ELSE $3 END)
     AND ($4::boolean IS NULL OR state = 'MISMATCH' AND (resolution IS NOT NULL) = $4)
), page AS (
  SELECT id FROM found ORDER BY id DESC LIMIT $5::bigint OFFSET $6::bigint
)
SELECT (SELECT count(*) FROM found) AS total,
  (SELECT '[' || coalesce(string_agg(admin_payment_json(i, u, o), ',' ORDER BY i.id DESC), '') || ']'
     FROM page JOIN payment_intents i ON i.id = page.id
     LEFT JOIN users u ON u.id = i.user_id LEFT JOIN orders o ON o.id = i.order_id) AS payments

-- $1 id. Columns: row. No row: 404.
-- name: admin_payment_get
SELECT admin_payment_row(i) AS payment FROM payment_intents i WHERE i.id = $1::text

-- Decides a payment of another amount than was asked for: it is booked into its customer's wallet as it was paid, or was
-- settled outside the books. Deciding the same again changes nothing.
--  $1 id   $2 BOOKED or SETTLED_OUTSIDE   $3 notes   $4 admin   $5 act   $6 its details   $7 request id
-- Columns: outcome, row. Outcomes: DONE, AGAIN, PAYMENT_NOT_FOUND, PAYMENT_DECIDED (otherwise, or there is nothing to
--  decide).
-- name: payment_resolve
SELECT outcome, json AS payment
  FROM payment_resolve($1::text, $2::text, $3::text, $4::text, $5::jsonb, $6::text, $7::text)

-- Pay-outs: asked for by vendors and riders, decided by admins, sent by the copy that leads `payouts`.

-- --- The owner ---------------------------------------------------------------------------------------------------

-- What a request of an owner is decided by.
--  $1 kind   $2 owner id
-- Columns: phone verified, suspended, stored bank details (JSON or NULL). No row: the account is gone.
-- name: payout_owner_get
SELECT v.phone_verified, v.approval_status = 'SUSPENDED' AS suspended, vendor_destination(v)::text AS bank_details
  FROM vendors v WHERE $1::text = 'VENDOR' AND v.id = $2::text
UNION ALL
SELECT r.phone_verified, r.approval_status = 'SUSPENDED', r.bank_details::text
  FROM riders r WHERE $1 = 'RIDER' AND r.id = $2

-- Holds an amount for a pay-out: from available to pending, with ledger, event and key.
--  $1 payout id   $2 kind   $3 owner id   $4 amount   $5 fee   $6 method   $7 destination   $8 bank details JSON
--  $9 how many may be open at once   $10 id of the ledger row   $11 Idempotency-Key or NULL   $12 its fingerprint
-- Columns: outcome, payout.
-- Outcomes: REQUESTED, REPLAY (run idempotency_get), PAYOUT_SHORT, PAYOUT_MANY (too many are open).
-- name: payout_request
SELECT outcome, json AS payout
  FROM payout_request($1::text, $2::text, $3::text, $4::bigint, $5::bigint, $6::text,
    $7::text, $8::jsonb, $9::integer, $10::text, $11::text, $12::text)

-- An owner's pay-outs, newest first.
--  $1 owner id   $2 limit   $3 offset
-- Columns: total, payouts (a JSON array). Always one row.
-- name: payout_list
SELECT (SELECT count(*) FROM payouts WHERE owner_id = $1::text) AS total,
  (SELECT '[' || coalesce(string_agg(payout_json(p), ',' ORDER BY p.id DESC), '') || ']'
     FROM (SELECT * FROM payouts WHERE owner_id = $1 ORDER BY id DESC LIMIT $2::bigint OFFSET $3::bigint) p)
    AS payouts

-- $1 payout id. Columns: owner id, payout. No row: there is none.
-- name: payout_get
SELECT owner_id, payout_json(p) AS payout FROM payouts p WHERE id = $1::text

-- What an owner may withdraw.
--  $1 owner id   $2 smallest pay-out
-- Columns: JSON. Always one row.
-- name: payout_balance
SELECT concat('{"availableBalance":', coalesce(max(w.available), 0), ',"withdrawable":',
    coalesce(max(wallet_withdrawable(w)), 0), ',"minimumPayout":', $1::bigint, ',"canRequestPayout":',
    json_flag(coalesce(max(wallet_withdrawable(w)), 0) >= $1), '}') AS balance
  FROM wallets w WHERE w.owner_id = $2::text

-- --- Admins ------------------------------------------------------------------------------------------------------

-- The console's rows, newest first.
--  $1 states text[] or NULL   $2 kind or NULL   $3 amount from which two admins are needed (0: never)
--  $4 as history (t, f)   $5 limit   $6 offset
-- Columns: total, rows (a JSON array). Always one row.
-- name: admin_payout_list
WITH page AS (
  SELECT id FROM payouts
   WHERE ($1::text[] IS NULL OR status = ANY ($1)) AND ($2::text IS NULL OR owner_kind = $2)
   ORDER BY id DESC LIMIT $3::bigint OFFSET $4::bigint
)
SELECT (SELECT count(*) FROM payouts
         WHERE ($1 IS NULL OR status = ANY ($1)) AND ($2 IS NULL OR owner_kind = $2)) AS total,
  (SELECT '[' || coalesce(string_agg(admin_payout_json(p, v, r, $5::bigint, $6::boolean), ','
       ORDER BY p.id DESC), '') || ']'
     FROM page JOIN payouts p ON p.id = page.id
     LEFT JOIN vendors v ON v.id = p.owner_id LEFT JOIN riders r ON r.id = p.owner_id) AS payouts

-- The console's rows with a trouble, newest first.
--  $1 states text[] or NULL   $2 kind or NULL   $3 amount from which two admins are needed (0: never)   $4 limit   $5 offset
-- Columns: total, rows (a JSON array). Always one row.
-- name: admin_payout_discrepancies
WITH found AS (
  SELECT id FROM payouts
   WHERE trouble IS NOT NULL AND ($1::text[] IS NULL OR status = ANY ($1))
     AND ($2::text IS NULL OR owner_kind = $2)
), page AS (
  SELECT id FROM found ORDER BY id DESC LIMIT $3::bigint OFFSET $4::bigint
)
SELECT (SELECT count(*) FROM found) AS total,
  (SELECT '[' || coalesce(string_agg(admin_payout_row(p, $5::bigint), ',' ORDER BY p.id DESC), '') || ']'
     FROM page JOIN payouts p ON p.id = page.id) AS payouts

-- Approves: the first of two admins is noted. With a reference it was paid by hand and is completed at once, whether now or
-- after it was approved without, as long as it was not sent; and so is one on its way with a trouble (as payout_resolve, PAID).
--  $1 payout   $2 kind or NULL (else it must be that)   $3 reference or NULL   $4 notes or NULL   $5 amount from
--  which two admins are needed (0: never)   $6 admin   $7 act   $8 its details   $9 request id   $10 ids of four ledger rows
-- Columns: outcome, row. Outcomes: DONE, NOTED (a second admin has to), PAYOUT_NOT_FOUND, PAYOUT_OTHER_KIND, PAYOUT_DECIDED,
--  SAME_ADMIN.
-- name: payout_apply_ruling
SELECT outcome, json AS payout
  FROM payout_apply_ruling($1::text, $2::text, $3::text, $4::text, $5::text,
    $6::text, $7::text, $8::text, $9::bigint, $10::text, $11::bigint,
    $12::text[], $13::jsonb)

-- Gives the amount back, of one that is not on its way, or with a trouble (as payout_resolve, RETURNED).
--  $1 payout   $2 kind or NULL (else it must be that)   $3 reason   $4 amount from which two admins are needed
--  $5 admin   $6 act   $7 its details   $8 request id   $9 ids of four ledger rows
-- Columns: outcome, row. Outcomes: DONE, NOTED (a trouble: a second admin has to), PAYOUT_NOT_FOUND, PAYOUT_OTHER_KIND,
--  PAYOUT_DECIDED, SAME_ADMIN.
-- Ends a trouble, as payout_book says.
--  $1 payout   $2 kind or NULL (else it must be that)   $3 PAID, RETURNED or WRITTEN_OFF   $4 reference or NULL   $5 notes
--  $6 amount from which two admins are needed   $7 admin   $8 act   $9 its details   $10 request id   $11 ids of four ledger rows
-- Columns: outcome, row. Outcomes: DONE, NOTED (a second admin has to say the same), AGAIN (it had ended so), PAYOUT_NOT_FOUND,
--  PAYOUT_OTHER_KIND, NO_TROUBLE, TROUBLE_OTHER (it cannot end so), SAME_ADMIN.
-- --- The gateway -------------------------------------------------------------------------------------------------

-- Takes approved pay-outs to phones that are due: they are PROCESSING before anybody calls the gateway. Two copies that
-- do so at once take different ones.
--  $1 how many   $2 seconds after which a call that nobody answered is looked for
-- Columns: id, phone, what is to be sent.
-- name: payouts_send
WITH due AS (
  SELECT id FROM payouts
   WHERE status = 'APPROVED' AND method = 'MOBILE_MONEY' AND gateway_reference IS NULL AND next_check_at <= now()
   ORDER BY next_check_at LIMIT $1::bigint FOR NO KEY UPDATE SKIP LOCKED
), sent AS (
  UPDATE payouts p
     SET status = 'PROCESSING', sent_at = now(), processed_at = coalesce(p.processed_at, now()),
         next_check_at = now() + $2::bigint * interval '1 second'
    FROM due WHERE p.id = due.id
  RETURNING p.*::payouts AS payout, p.xmin AS version
)
SELECT f.* FROM sent, payout_facts(sent.payout, sent.version) f

-- Takes pay-outs that the gateway is to be asked about, by its reference.
--  $1 how many
-- Columns: id, reference.
-- name: payouts_due
SELECT f.*
  FROM (SELECT p AS payout, p.xmin AS version FROM payouts p
         WHERE next_check_at <= now() AND (gateway_reference IS NULL) = $1::boolean
           AND (gateway_reference IS NOT NULL OR sent_at IS NOT NULL AND status <> 'APPROVED')
         ORDER BY next_check_at LIMIT $2::bigint) due,
    payout_facts(due.payout, due.version) f

-- Takes pay-outs that the gateway may or may not have heard of, to be looked for in its history.
--  $1 how many
-- Columns: id, first and last day of the history, the moment of looking, what was to be sent.
-- name: payouts_take
WITH taken AS (
  UPDATE payouts p SET checks = p.checks + 1, next_check_at = now() + nullif(d.delay, -1) * interval '1 second'
    FROM unnest($1::text[], $2::text[], $3::bigint[]) AS d(id, version, delay)
   WHERE p.id = d.id AND p.xmin::text = d.version
  RETURNING p.*::payouts AS payout, p.xmin AS version
)
SELECT f.*, ((taken.payout).sent_at AT TIME ZONE 'UTC')::date - 1 AS first_day, (now() AT TIME ZONE 'UTC')::date + 1 AS last_day
  FROM taken, payout_facts(taken.payout, taken.version) f

-- Books what the gateway answered, if it changes anything.
--  $1 payout   $2 what: PENDING, SUCCESSFUL, FAILED (told of a transfer); REFUSED, UNREACHED, UNCERTAIN (the call to send
--  it); UNTOLD, UNASKED (asked or looked for: the gateway does not know or cannot say it; was not reached); MISSING (not in
--  the history), UNNAMED (nor is it, but there is one of that amount that names nobody)
--  $3 the gateway's reference   $4 amount it told, or NULL   $5 why   $6 moment of looking, for MISSING   $7 ids of two ledger rows
-- Columns: outcome: COMPLETED, FAILED, LATE (completed after it had failed), TROUBLE (what it told does not fit: a person
--  has to look), KEPT (nothing is final), GONE (there is no such pay-out).
-- name: payout_apply_answer
SELECT payout_apply_answer($1::text, $2::text, $3::text, $4::text, $5::text, $6::bigint,
  $7::boolean, $8::bigint, $9::bigint, $10::text, $11::text[]) AS outcome

-- A callback named a pay-out: it is asked about next.
--  $1 payout   $2 the gateway's reference
-- name: payout_note_callback
UPDATE payouts
   SET gateway_reference = coalesce(gateway_reference, (SELECT $1::text
         WHERE NOT EXISTS (SELECT FROM payouts t WHERE t.gateway_reference = $1))),
       checks = 0, next_check_at = now()
 WHERE id = $2::text AND sent_at IS NOT NULL AND (status <> 'COMPLETED' OR next_check_at IS NOT NULL)

-- What a reference was told to belong to something else: it is forgotten, and the pay-out is looked for in the history.
--  $1 payout   $2 the reference
-- name: payout_clear_reference
UPDATE payouts SET gateway_reference = NULL, next_check_at = now() + $1::bigint * interval '1 second'
 WHERE id = $2::text AND gateway_reference = $3::text AND (status <> 'COMPLETED' OR next_check_at IS NOT NULL)

-- What customers say of a delivered order: stars, and what went wrong.

-- Rates the vendor, the rider or both; saying it again puts the first aside and corrects the means.
--  $1 id or number   $2 the customer   $3, $4 plain stars and review: the vendor's (the rider's of a PACKAGE)
--  $5, $6 the vendor's   $7, $8 the rider's
-- Columns: outcome, order (the Order), said (orderId, vendorRating, riderRating), vendor id if it was rated.
-- Outcomes: RATED, ORDER_NOT_FOUND, ORDER_NOT_OWNER, CANNOT_RATE, VENDOR_NOT_FOUND (a PACKAGE has none).
-- name: order_rate
SELECT outcome, json, ratings, vendor
  FROM order_rating_store($1::text, $2::text, $3::integer, $4::text, $5::integer, $6::text, $7::integer, $8::text)

-- Opens a dispute about one's own order: one of a kind (category, in any case) at a time.
--  $1 dispute id   $2 ticket number   $3 the customer   $4 order, id or number   $5 category   $6 subject
--  $7 description   $8 Idempotency-Key or NULL   $9 its fingerprint
-- Columns: outcome, dispute (the Dispute row).
-- Outcomes: OPENED, REPLAY (run idempotency_get), DISPUTE_OPEN, ORDER_NOT_FOUND, ORDER_NOT_OWNER. Of two at once the second
--  meets the index disputes_open.
-- name: dispute_open
WITH target AS MATERIALIZED (
  SELECT o.id, o.order_number, o.user_id, o.user_name FROM orders o
   WHERE o.id = CASE WHEN substr($4::text, 2, 1) = '-'
     THEN (SELECT n.id FROM orders n WHERE n.order_number = $4::text) ELSE $4::text END
), draft AS MATERIALIZED (
  SELECT $1::text COLLATE "C" AS id, $2::text COLLATE "C" AS ticket_number, t.user_id, t.user_name, t.id AS order_id, t.order_number,
         $5::text AS category, $6::text AS subject, $7::text AS description, 'OPEN' COLLATE "C" AS status,
         'MEDIUM' COLLATE "C" AS priority, NULL::text AS resolution, NULL::bigint AS refund_amount,
         NULL::text COLLATE "C" AS resolved_by, now() AS created_at, NULL::timestamptz AS resolved_at
    FROM target t WHERE t.user_id = $3::text
     AND NOT EXISTS (SELECT FROM disputes d WHERE d.order_id = t.id AND lower(d.category) = lower($5::text) AND d.status = 'OPEN')
), made AS MATERIALIZED (
  SELECT dispute_json(ROW(draft.*)::disputes) AS json FROM draft
), once AS (
  INSERT INTO idempotency (account_id, key, fingerprint, status, body)
  SELECT $3::text, $8::text, $9::text, 201, '{"success":true,"data":' || json || '}'
    FROM made WHERE $8::text IS NOT NULL
  ON CONFLICT DO NOTHING RETURNING true
), written AS (
  INSERT INTO disputes SELECT draft.* FROM draft WHERE $8::text IS NULL OR EXISTS (SELECT FROM once)
  RETURNING true
)
SELECT CASE WHEN EXISTS (SELECT FROM written) THEN 'OPENED'
            WHEN EXISTS (SELECT FROM made) THEN 'REPLAY'
            WHEN EXISTS (SELECT FROM target t WHERE t.user_id = $3::text)
              THEN CASE WHEN EXISTS (SELECT FROM idempotency i WHERE i.account_id = $3::text AND i.key = $8::text)
                THEN 'REPLAY' ELSE 'DISPUTE_OPEN' END
            WHEN EXISTS (SELECT FROM target) THEN 'ORDER_NOT_OWNER'
            ELSE 'ORDER_NOT_FOUND' END,
       (SELECT json FROM made)

-- A customer's disputes, newest first.
--  $1 the customer   $2 limit   $3 offset
-- Columns: total, disputes (a JSON array). Always one row.
-- name: dispute_list
SELECT (SELECT count(*) FROM disputes WHERE user_id = $1::text),
  '[' || coalesce(string_agg(dispute_json(d), ',' ORDER BY d.id DESC), '') || ']'
  FROM (SELECT * FROM disputes WHERE user_id = $1::text ORDER BY id DESC LIMIT $2::bigint OFFSET $3::bigint) d
-- Reconciliation: our payments and pay-outs as `reeyo reconcile` lays them beside the gateway's history.

-- What was asked of the gateway in some days, and three before and after, since it may have its own day for it.
--  $1 first day   $2 last day (YYYY-MM-DD, UTC)
-- Columns: our reference, whether it is money that goes out, side (OPEN: it may still be done; DONE; OVER: given up or failed;
--  AMISS: known to differ, and nobody has decided; ASIDE: people settled it outside the books), amount, whether somebody
--  is to ask the gateway again, whether the ledger has it, whether it was made in those days, state, the gateway's
--  reference ('': none).
-- name: reconcile_ours
WITH ours AS (
  SELECT i.id, false AS goes_out, i.created_at AS at,
         CASE WHEN i.state IN ('CREATED', 'PENDING') THEN 'OPEN'
              WHEN i.state = 'SUCCEEDED' OR i.resolution = 'BOOKED' THEN 'DONE' WHEN i.resolution IS NOT NULL THEN 'ASIDE'
              WHEN i.state = 'MISMATCH' THEN 'AMISS' ELSE 'OVER' END AS side,
         CASE i.resolution WHEN 'BOOKED' THEN i.paid_amount ELSE i.amount END AS amount,
         i.next_check_at IS NOT NULL AS due, EXISTS (SELECT FROM ledger l WHERE l.id = i.entry) AS booked,
         i.state, i.gateway_reference
    FROM payment_intents i
   WHERE i.method = 'MOBILE_MONEY'
  UNION ALL
  SELECT p.id, true, p.sent_at,
         CASE WHEN p.trouble IS NOT NULL THEN 'AMISS' WHEN p.status IN ('APPROVED', 'PROCESSING') THEN 'OPEN'
              WHEN p.status = 'COMPLETED' OR p.resolution = 'WRITTEN_OFF' OR p.resolution = 'RETURNED' AND p.told_amount > 0
                THEN 'DONE' ELSE 'OVER' END,
         CASE WHEN p.resolution IS NULL THEN p.amount - p.fee ELSE coalesce(p.told_amount, p.amount - p.fee) END,
         p.next_check_at IS NOT NULL,
         (SELECT coalesce(sum(CASE 'CLEARING' WHEN l.to_kind THEN l.amount WHEN l.from_kind THEN -l.amount END), 0) > 0
            FROM ledger l WHERE l.reference = p.id AND l.category = 'PAYOUT'),
         p.status, p.gateway_reference
    FROM payouts p
   WHERE p.sent_at IS NOT NULL
)
SELECT id, goes_out, side, amount, due, booked,
  at >= $1::date::timestamp AT TIME ZONE 'UTC' AND at < ($2::date + 1)::timestamp AT TIME ZONE 'UTC', state,
  coalesce(gateway_reference, '')
  FROM ours
 WHERE at >= ($1::date - 3)::timestamp AT TIME ZONE 'UTC' AND at < ($2::date + 4)::timestamp AT TIME ZONE 'UTC'

-- Riders: who they are, and what they may do.

-- Admission, at most once in ten seconds a rider and loop. $1 rider.
-- Columns: phone verified, approval, status, online, "order,user,vendor,order…" of the oldest six active orders (a parcel's vendor is empty).
-- name: rider_facts
SELECT r.phone_verified, r.approval_status, r.status, r.is_online, (
    SELECT string_agg(concat_ws(',', o.id, o.user_id, coalesce(o.vendor_id, '')), ',' ORDER BY o.created_at)
      FROM (SELECT id, user_id, vendor_id, created_at FROM orders
             WHERE rider_id = r.id AND active IS TRUE ORDER BY created_at LIMIT 6) o)
  FROM riders r WHERE r.id = $1::text
-- The ledger added up: what accounts without a row hold, and what went through them.

-- Adds up what has become old, at most a week of it. Any number of copies may ask at once.
-- Columns: whether that was all.
-- name: ledger_roll_up
SELECT ledger_roll_up('10 minutes')
-- Sessions and revocations.

-- $1 session, $2 account, $3 the refresh token's jti, $4 the next one, $5 refresh life, $6 life of access tokens, $7 kind,
-- $8 grace (s).
-- ROTATED, AGAIN (the token just replaced, within the grace: the same successor once more), REUSED (an older one: the
-- session and its device's push messages end), GONE, SUSPENDED, INACTIVE; the jti that is current; the e-mail; the role
-- as it is now; when the current one was issued (ms).
-- name: session_refresh
WITH held AS (
  SELECT s.id, s.account_id, s.jti, s.previous_jti, s.refreshed_at, s.ended_at, s.expires_at, a.standing, a.email, a.role
    FROM sessions s JOIN accounts a ON a.id = s.account_id
   WHERE s.id = $1::text AND s.role = $7::text AND a.kind = $7::text
     FOR UPDATE OF s
), judged AS (
  SELECT h.id, h.account_id, h.jti, h.email, h.role, h.refreshed_at, CASE
    WHEN h.ended_at IS NOT NULL OR h.expires_at <= now() OR h.standing = 'DELETED' THEN 'GONE'
    WHEN h.standing <> 'ACTIVE' THEN h.standing
    WHEN h.jti = $3::text THEN 'ROTATED'
    WHEN h.previous_jti = $3::text AND h.refreshed_at > now() - make_interval(secs => $8::bigint) THEN 'AGAIN'
    ELSE 'REUSED' END AS outcome
  FROM held h WHERE h.account_id = $2::text -- not above: an account with many sessions would be searched by them
), rotated AS (
  UPDATE sessions s
     SET previous_jti = s.jti, jti = $4::text, refreshed_at = now(),
         expires_at = now() + make_interval(secs => $5::bigint)
    FROM judged j WHERE s.id = j.id AND j.outcome = 'ROTATED'
), ended AS (
  UPDATE sessions s SET ended_at = now(), end_reason = 'reuse'
    FROM judged j WHERE s.id = j.id AND j.outcome = 'REUSED'
  RETURNING s.id
), devices AS (
  DELETE FROM device_tokens d USING judged j
   WHERE j.outcome = 'REUSED' AND d.account_id = j.account_id AND d.session_id = j.id
), told AS (
  INSERT INTO revocations (subject, before, expires_at)
  SELECT e.id, now() + interval '1 day', now() + make_interval(secs => $6::bigint) FROM ended e
)
SELECT j.outcome, CASE j.outcome WHEN 'ROTATED' THEN $4::text ELSE j.jti END, j.email, j.role,
  epoch_ms(CASE j.outcome WHEN 'ROTATED' THEN now() ELSE j.refreshed_at END)
  FROM judged j

-- Log-out: the session ends, and so do push messages to its device. $1 session, $2 account, $3 life of access tokens.
-- name: session_end
WITH ended AS (
  UPDATE sessions s SET ended_at = now(), end_reason = 'logout'
   WHERE s.id = $1::text AND s.account_id = $2::text AND s.ended_at IS NULL
  RETURNING s.id
), devices AS (
  DELETE FROM device_tokens d WHERE d.account_id = $2::text AND d.session_id = $1::text
)
INSERT INTO revocations (subject, before, expires_at)
SELECT e.id, now() + interval '1 day', now() + make_interval(secs => $3::bigint) FROM ended e

-- What every loop reads each second: number, subject, up to when in milliseconds.
-- name: revocations_since
SELECT r.seq, r.subject, epoch_ms(r.before) FROM revocations r
 WHERE r.seq > $1::bigint AND r.expires_at > now() ORDER BY r.seq LIMIT 2000
-- A vendor's own settings.

-- Changes what a JSON object names of a vendor. A new phone has to be proved again.
--  $1 vendor id   $2 the changes, JSON: businessName, ownerName, phone, description, logo, coverImage, address, city, lat,
--  lng, minOrderAmount, deliveryRadius, averagePreparationTime, tags, isHighDemand, language, businessHours, bankDetails, each in place of
--  what was, null clears description, logo, coverImage, minOrderAmount, deliveryRadius (bankDetails also of a mobile-money number that an admin noted); documents, beside what was
-- Columns: vendor (as it sees itself). No row: it is gone. A phone that is taken violates vendors_phone_key.
-- name: vendor_update
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
    FROM (SELECT $2::jsonb) AS change(c)
   WHERE v.id = $1::text
  RETURNING v.id, vendor_self_json(v) AS json
), told AS (
  INSERT INTO outbox (aggregate, type, rooms, payload)
  SELECT id, 'vendor_changed', ARRAY['vendor:' || id], json_build_object('vendorId', id, 'timestamp', iso(now()))
    FROM changed
)
SELECT json FROM changed

-- Goes online or offline.
--  $1 vendor id   $2 online
-- Columns: outcome (CHANGED, NOT_APPROVED, ACCOUNT_GONE), vendor (as it sees itself).
-- name: vendor_set_online
WITH changed AS (
  UPDATE vendors v SET is_online = $2::boolean, updated_at = now()
   WHERE v.id = $1::text AND (NOT $2::boolean OR v.approval_status = 'APPROVED')
  RETURNING v.id, vendor_self_json(v) AS json
), told AS (
  INSERT INTO outbox (aggregate, type, rooms, payload)
  SELECT id, 'vendor_changed', ARRAY['vendor:' || id], json_build_object('vendorId', id, 'timestamp', iso(now()))
    FROM changed
)
SELECT CASE WHEN changed.id IS NOT NULL THEN 'CHANGED'
    WHEN EXISTS (SELECT FROM vendors WHERE id = $1::text) THEN 'NOT_APPROVED' ELSE 'ACCOUNT_GONE' END,
  changed.json
  FROM (SELECT) one LEFT JOIN changed ON true
-- How a vendor's shop does, of orders that were placed in a period (today, week, month, year: this one, from its first
-- day) and delivered. On the lane for reports.

--  $1 vendor id   $2 period
-- Columns: {orders,revenue,averageOrderValue,rating}. No row: there is no such vendor.
-- name: shop_overview
SELECT '{"orders":' || d.n || ',"revenue":' || d.revenue
    || ',"averageOrderValue":' || coalesce(round(d.revenue::numeric / nullif(d.n, 0)), 0)
    || ',"rating":' || mean_rating(v.rating_sum, v.total_ratings) || '}'
  FROM vendors v, LATERAL (
    SELECT count(*) AS n, coalesce(sum(o.subtotal), 0)::bigint AS revenue FROM orders o
     WHERE o.vendor_id = v.id AND o.active IS FALSE AND o.status = 'DELIVERED'
       AND o.created_at >= period_start($2::text)) d
 WHERE v.id = $1::text

-- What sold best: by how many orders hold it, then by what it brought. The name is the one it was last sold under.
--  $1 vendor id   $2 period   $3 limit
-- Columns: items (a JSON array of {itemId,name,orders,quantity,revenue}). Always one row.
-- name: shop_popular
WITH sold AS (
  SELECT l."itemId" AS id, (array_agg(l.name ORDER BY o.created_at DESC))[1] AS name, count(DISTINCT o.id) AS n,
         sum(l.quantity) AS quantity, sum(l.quantity * l.price) AS revenue
    FROM orders o, json_to_recordset(o.items) AS l("itemId" text, name text, quantity bigint, price bigint)
   WHERE o.vendor_id = $1::text AND o.active IS FALSE AND o.status = 'DELIVERED'
     AND o.created_at >= period_start($2::text)
   GROUP BY 1 ORDER BY n DESC, revenue DESC, id LIMIT $3::bigint
)
SELECT '[' || coalesce(string_agg('{"itemId":' || json_word(id) || ',"name":' || json_text(name)
    || ',"orders":' || n || ',"quantity":' || quantity || ',"revenue":' || revenue || '}',
    ',' ORDER BY n DESC, revenue DESC, id), '') || ']'
  FROM sold

-- Day by day, also the days without a sale.
--  $1 vendor id   $2 period
-- Columns: days (a JSON array of {date,orders,revenue}). Always one row.
-- name: shop_revenue
WITH sold AS (
  SELECT (o.created_at AT TIME ZONE business_zone())::date AS day, count(*) AS n, sum(o.subtotal) AS revenue
    FROM orders o
   WHERE o.vendor_id = $1::text AND o.active IS FALSE AND o.status = 'DELIVERED'
     AND o.created_at >= period_start($2::text)
   GROUP BY 1
)
SELECT '[' || string_agg('{"date":"' || to_char(d, 'YYYY-MM-DD') || '","orders":' || coalesce(s.n, 0)
    || ',"revenue":' || coalesce(s.revenue, 0) || '}', ',' ORDER BY d) || ']'
  FROM generate_series(period_start($2::text) AT TIME ZONE business_zone(),
         now() AT TIME ZONE business_zone(), interval '1 day') AS d
  LEFT JOIN sold s ON s.day = d::date

-- Who bought: new is who never had before.
--  $1 vendor id   $2 period
-- Columns: {total,new,returning}. Always one row.
-- name: shop_customers
WITH buyer AS (
  SELECT DISTINCT o.user_id FROM orders o
   WHERE o.vendor_id = $1::text AND o.active IS FALSE AND o.status = 'DELIVERED'
     AND o.created_at >= period_start($2::text)
), known AS (
  SELECT EXISTS (SELECT FROM orders p
      WHERE p.user_id = b.user_id AND p.active IS FALSE AND p.created_at < period_start($2::text)
        AND p.vendor_id = $1::text AND p.status = 'DELIVERED') AS before
    FROM buyer b
)
SELECT '{"total":' || count(*) || ',"new":' || count(*) FILTER (WHERE NOT before)
    || ',"returning":' || count(*) FILTER (WHERE before) || '}'
  FROM known
-- Wallets and what moved through them.

--  $1 owner id
-- Columns: wallet (the Wallet object). No row: the account has none.
-- name: wallet_get
SELECT wallet_json(w) FROM wallets w WHERE w.owner_id = $1::text

-- An owner's transactions, newest first. Each side is a range of an index of its own, merged.
--  $1 owner id   $2 CREDIT, DEBIT or NULL   $3 category or NULL   $4 limit   $5 offset
-- Columns: total, transactions (a JSON array). Always one row.
-- name: wallet_transactions
WITH page AS (
  (SELECT id, created_at, false AS credit FROM ledger
    WHERE from_owner = $1::text AND from_kind IN ('USER', 'VENDOR', 'RIDER')
      AND $2::text IS DISTINCT FROM 'CREDIT' AND ($3::text IS NULL OR category = $3::text)
    ORDER BY created_at DESC, id DESC LIMIT $4::bigint + $5::bigint)
  UNION ALL
  (SELECT id, created_at, true FROM ledger
    WHERE to_owner = $1::text AND to_kind IN ('USER', 'VENDOR', 'RIDER')
      AND $2::text IS DISTINCT FROM 'DEBIT' AND ($3::text IS NULL OR category = $3::text)
    ORDER BY created_at DESC, id DESC LIMIT $4::bigint + $5::bigint)
  ORDER BY created_at DESC, id DESC LIMIT $4::bigint OFFSET $5::bigint
)
SELECT
  (SELECT count(*) FROM ledger WHERE from_owner = $1::text AND from_kind IN ('USER', 'VENDOR', 'RIDER')
      AND $2::text IS DISTINCT FROM 'CREDIT' AND ($3::text IS NULL OR category = $3::text))
  + (SELECT count(*) FROM ledger WHERE to_owner = $1::text AND to_kind IN ('USER', 'VENDOR', 'RIDER')
      AND $2::text IS DISTINCT FROM 'DEBIT' AND ($3::text IS NULL OR category = $3::text)),
  (SELECT '[' || coalesce(string_agg(transaction_json(ROW(l.id,
        CASE WHEN p.credit THEN l.to_kind ELSE l.from_kind END, $1::text,
        CASE WHEN p.credit THEN l.amount ELSE -l.amount END,
        CASE WHEN p.credit THEN l.to_balance ELSE l.from_balance END,
        l.category, l.order_id, l.reference, l.description, l.created_at)::ledger_entries),
      ',' ORDER BY l.created_at DESC, l.id DESC), '') || ']'
     FROM page p JOIN ledger l ON l.id = p.id)
-- Webhooks of partners on their way; src/jobs/webhooks.c runs these.

-- What was said since the position becomes deliveries, and the position moves on, in one statement: each event once. It locks
-- the lease's row only when there is something, and who had to wait goes on from where the other came to; ids in
-- `events` grow in the order of commit, so what he sees beyond that is complete. Nobody is told what was said before he was
-- registered.
--  $1 types that are offered text[]   $2 limit
-- Columns: events taken, deliveries queued, endpoints that are told anything. Always one row.
-- name: webhooks_queue
WITH place AS MATERIALIZED (
  SELECT position FROM leases
   WHERE name = 'webhooks' AND position < (SELECT max(id) FROM events) FOR NO KEY UPDATE
), said AS MATERIALIZED (
  SELECT e FROM events e WHERE e.id > (SELECT position FROM place) ORDER BY e.id LIMIT $2::bigint
), moved AS (
  UPDATE leases SET position = (SELECT max((s.e).id) FROM said s) WHERE name = 'webhooks' AND EXISTS (SELECT FROM said)
), queued AS (
  INSERT INTO webhook_deliveries (id, endpoint_id, event_id, type, payload, said_at)
  SELECT webhook_delivery_id(w.id, (s.e).id), w.id, (s.e).id, (s.e).type,
         webhook_body((s.e).type, (s.e).created_at, (s.e).payload::text), (s.e).created_at
    FROM said s JOIN webhook_endpoints w ON w.enabled AND webhook_matches(w, s.e) AND (s.e).created_at >= w.created_at
   WHERE (s.e).type = ANY ($1::text[])
  ON CONFLICT (id) DO NOTHING
  RETURNING 1
)
SELECT (SELECT count(*) FROM said), (SELECT count(*) FROM queued), (SELECT count(*) FROM webhook_endpoints WHERE enabled)

-- Takes what is due. The first that is under way to an endpoint only needs a slot; any more do so only while there are not
-- too many of those, at most $2 to one endpoint, and none to one to which nothing comes through. So whoever does not answer
-- leaves room for the others. Who takes and dies leaves them due again when $3 is over.
--  $1 limit   $2 at once of one endpoint   $3 seconds a try may last   $4 how many may be under way beside an endpoint's first
-- Columns: id, endpoint, url, body, tries with this one, the secrets that sign, newest first, with spaces between.
-- name: webhooks_claim
WITH room AS MATERIALIZED (
  SELECT w.id, CASE WHEN w.failing_since IS NULL THEN $2::bigint ELSE 1 END AS most,
         (SELECT count(*) FROM webhook_deliveries b WHERE b.endpoint_id = w.id AND b.busy_until > now()) AS busy
    FROM webhook_endpoints w WHERE w.enabled
), due AS MATERIALIZED (
  SELECT f.id, f.next_at, r.busy + row_number() OVER (PARTITION BY r.id ORDER BY f.next_at) AS nth
    FROM room r CROSS JOIN LATERAL (
      SELECT d.id, d.next_at FROM webhook_deliveries d
       WHERE d.endpoint_id = r.id AND d.state = 'QUEUED' AND d.next_at <= now()
       ORDER BY d.next_at LIMIT greatest(0, r.most - r.busy) FOR NO KEY UPDATE SKIP LOCKED) f
), chosen AS MATERIALIZED (
  (SELECT id FROM due WHERE nth = 1 ORDER BY next_at LIMIT $1::bigint)
  UNION ALL
  (SELECT id FROM due WHERE nth > 1 ORDER BY nth, next_at
    LIMIT greatest(0, least($1::bigint - (SELECT count(*) FROM due WHERE nth = 1),
      $4::bigint - (SELECT sum(greatest(busy - 1, 0)) FROM room))))
)
UPDATE webhook_deliveries d
   SET tries = d.tries + 1, next_at = now() + make_interval(secs => $3::bigint),
       busy_until = now() + make_interval(secs => $3::bigint)
  FROM webhook_endpoints w
 WHERE d.id IN (SELECT id FROM chosen) AND w.id = d.endpoint_id
RETURNING d.id, w.id, w.url, d.payload::text, d.tries,
  array_to_string(w.secret || CASE WHEN w.previous_until > now() THEN w.previous_secrets ELSE '{}' END, ' ')

-- What became of a try. It counts for the try that it was of and no other. An endpoint that says 410, or to which nothing
-- has come through for five days, is told nothing more, and the admins hear of it.
--  $1 id   $2 its tries when it was taken   $3 DELIVERED, RETRY, DEAD, or GONE (410)   $4 HTTP status or NULL
--  $5 what went wrong or NULL   $6 RETRY: seconds until the next, to which up to a tenth is added
-- Columns: endpoint, url, why it is disabled. A row only when it has been disabled now.
-- name: webhook_store_result
WITH ended AS (
  UPDATE webhook_deliveries d
     SET state = CASE $3::text WHEN 'DELIVERED' THEN 'DELIVERED' WHEN 'RETRY' THEN 'QUEUED' ELSE 'DEAD' END,
         busy_until = NULL, next_at = now() + make_interval(secs => coalesce($6::bigint, 0) * (1 + random() / 10)),
         last_status = $4::bigint, last_error = $5::text,
         delivered_at = CASE $3::text WHEN 'DELIVERED' THEN now() ELSE d.delivered_at END,
         attempts = CASE WHEN jsonb_array_length(d.attempts) >= 20 THEN d.attempts - 0 ELSE d.attempts END
           || jsonb_build_object('at', iso(now()), 'status', $4::bigint, 'error', $5::text)
   WHERE d.id = $1::text AND d.tries = $2::bigint AND d.state = 'QUEUED' AND d.busy_until IS NOT NULL
  RETURNING d.endpoint_id
), marked AS (
  UPDATE webhook_endpoints w
     SET failing_since = CASE WHEN $3::text <> 'DELIVERED' THEN coalesce(w.failing_since, now()) END,
         enabled = $3::text = 'DELIVERED'
           OR ($3::text <> 'GONE' AND coalesce(w.failing_since, now()) >= now() - interval '5 days'),
         disabled_reason = CASE WHEN $3::text = 'GONE' THEN 'GONE'
           WHEN $3::text <> 'DELIVERED' AND w.failing_since < now() - interval '5 days' THEN 'FAILING' END
    FROM ended
   WHERE w.id = ended.endpoint_id AND w.enabled
     AND CASE $3::text WHEN 'DELIVERED' THEN w.failing_since IS NOT NULL WHEN 'GONE' THEN true
         ELSE w.failing_since IS NULL OR w.failing_since < now() - interval '5 days' END
  RETURNING w.id, w.url, w.enabled, w.disabled_reason
), told AS (
  INSERT INTO outbox (aggregate, type, rooms, payload)
  SELECT m.id, 'webhook_disabled', '{admin}'::text[], json_build_object('webhookId', m.id, 'url', m.url,
    'reason', m.disabled_reason, 'timestamp', iso(now())) FROM marked m WHERE NOT m.enabled
)
SELECT m.id, m.url, m.disabled_reason FROM marked m WHERE NOT m.enabled

-- A try that was not made: it may be made again at once, and counts for nothing.
--  $1 id   $2 its tries when it was taken
-- name: webhook_release
UPDATE webhook_deliveries SET tries = tries - 1, busy_until = NULL, next_at = now() + interval '5 seconds'
 WHERE id = $1::text AND tries = $2::bigint AND state = 'QUEUED' AND busy_until IS NOT NULL

-- Deletes at most $1 deliveries that are 30 days old; call again while it deletes that many.
-- Columns: how many.
-- name: sweep_webhooks
WITH gone AS (
  DELETE FROM webhook_deliveries WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM webhook_deliveries WHERE created_at < now() - interval '30 days' LIMIT $1::bigint)) RETURNING 1
)
SELECT count(*) FROM gone
-- Where vendors and riders are, as a customer sees them.

-- $1 vendor, $2 lat, $3 lng, $4 fee base, $5 fee per km (of the distance rounded up), or a fee that goes before
-- them: $6 for FOOD, $7 for MART, each or NULL. No row: 404.
-- name: vendor_get_near
-- columns: vendor, service_type, lat, lng
SELECT vendor_public_members(v, business_zone()) AS vendor, v.service_type, v.lat, v.lng
  FROM vendors v WHERE v.id = :vendor_id::text AND v.approval_status = 'APPROVED'

-- Where a rider was last; NULL when he never said. $1 rider.
-- name: rider_location
SELECT rider_place_json(r) FROM riders r WHERE r.id = $1::text
