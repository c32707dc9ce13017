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

-- name: admin_order_status_counts
SELECT coalesce(json_agg(json_build_object('status', status, 'count', n) ORDER BY n DESC, status), '[]')::text
  FROM (SELECT admin_order_status(status) AS status, sum(n) AS n
          FROM (SELECT status, count(*) AS n FROM orders_figures
                 WHERE created_at >= (SELECT coalesce($1::timestamptz, period_start($3::text), '-infinity'))
                   AND created_at < coalesce($2::timestamptz, 'infinity')
                 GROUP BY status) raw GROUP BY 1) seen

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

-- name: admin_config_get
SELECT config_json(jsonb_object_agg(key, value)), jsonb_object_agg(key, value)::text FROM settings

-- name: admin_commission_get
SELECT json_build_object('commission_rate', c -> 'commission_rate', 'commission_rate_food', c -> 'commission_rate_food',
    'commission_rate_mart', c -> 'commission_rate_mart', 'package_platform_fee', c -> 'package_platform_fee')::text
  FROM (SELECT config_json(jsonb_object_agg(key, value))::jsonb AS c FROM settings) all_of_it

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

-- name: admin_flag_list
SELECT '[' || coalesce(string_agg(flag_json(f, coalesce((s.value #>> '{}')::boolean, f.enabled)), ',' ORDER BY f.key), '') || ']'
  FROM feature_flags f LEFT JOIN settings s ON s.key = flag_setting(f.key)

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

-- name: admin_flag_delete
WITH gone AS (
  DELETE FROM feature_flags WHERE key = $1::text RETURNING key
)
INSERT INTO admin_audit (admin_id, act, subject, request_id)
SELECT $2::text, $3::text, g.key, $4::text FROM gone g
RETURNING subject

-- name: admin_zone_list
SELECT (SELECT count(*) FROM zones),
  (SELECT '[' || coalesce(string_agg(zone_json(z), ',' ORDER BY z.name, z.id), '') || ']'
     FROM (SELECT * FROM zones ORDER BY name, id LIMIT $1::bigint OFFSET $2::bigint) page JOIN zones z USING (id))

-- name: admin_zone_get
SELECT zone_json(z) FROM zones z WHERE z.id = $1::text

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

-- name: admin_zone_delete
WITH gone AS (
  DELETE FROM zones WHERE id = $1::text RETURNING id
)
INSERT INTO admin_audit (admin_id, act, subject, request_id)
SELECT $2::text, $3::text, g.id, $4::text FROM gone g
RETURNING subject

-- name: finance_platform
SELECT concat('{"balance":', account_balance('PLATFORM'), ',"escrow":', account_balance('ESCROW'), ',"total_commission":', c.amount_in,
    ',"total_payouts":', p.paid, ',"pending_payouts":', p.pending, ',"currency":"XAF"}')
  FROM account_turnover('PLATFORM', 'ORDER_COMMISSION', '-infinity', 'infinity') c,
       (SELECT coalesce(sum(amount) FILTER (WHERE status = 'COMPLETED'), 0) AS paid,
               coalesce(sum(amount) FILTER (WHERE status IN ('PENDING', 'APPROVED', 'PROCESSING')), 0) AS pending
          FROM payouts) p

-- name: cash_hand_in
SELECT outcome, json FROM cash_hand_in($1::text, $2::bigint, $3::text, $4::jsonb, $5::text)

-- name: cash_handin_list
SELECT (SELECT count(*) FROM ledger WHERE to_owner = r.id AND category = 'CASH_HANDIN'),
  (SELECT '[' || coalesce(string_agg(cash_handin_json(l), ',' ORDER BY l.created_at DESC, l.id DESC), '') || ']'
     FROM (SELECT * FROM ledger WHERE to_owner = r.id AND category = 'CASH_HANDIN'
            ORDER BY created_at DESC, id DESC LIMIT $2::bigint OFFSET $3::bigint) l)
  FROM riders r WHERE r.id = $1::text

-- name: admin_dispute_list
SELECT (SELECT count(*) FROM disputes
         WHERE ($1::text IS NULL OR status = $1::text) AND ($2::text IS NULL OR lower(category) = lower($2::text))),
  (SELECT '[' || coalesce(string_agg(dispute_json(d), ',' ORDER BY d.id DESC), '') || ']'
     FROM (SELECT * FROM disputes
            WHERE ($1::text IS NULL OR status = $1::text) AND ($2::text IS NULL OR lower(category) = lower($2::text))
            ORDER BY id DESC LIMIT $3::bigint OFFSET $4::bigint) d)

-- name: admin_dispute_get
SELECT dispute_json(d) FROM disputes d
 WHERE d.id = CASE WHEN substr($1::text, 2, 1) = '-'
   THEN (SELECT n.id FROM disputes n WHERE n.ticket_number = $1::text) ELSE $1::text END

-- name: dispute_decide
SELECT outcome, json FROM dispute_decide($1::text, $2::text, $3::text, $4::bigint, $5::text, $6::jsonb,
  $7::text, $8::text, $9::text)

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

-- name: admin_order_get
SELECT admin_order_json(o, u, v, r), admin_timeline(o)
  FROM orders o LEFT JOIN users u ON u.id = o.user_id
  LEFT JOIN vendors v ON v.id = o.vendor_id LEFT JOIN riders r ON r.id = o.rider_id
 WHERE o.id = CASE WHEN substr($1::text, 2, 1) = '-'
   THEN (SELECT n.id FROM orders n WHERE n.order_number = $1::text) ELSE $1::text END

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

-- name: admin_rider_get
SELECT admin_rider_json(r) FROM riders r WHERE r.id = $1::text

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

-- name: admin_user_get
SELECT admin_user_json(u, true) FROM users u WHERE u.id = $1::text

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

-- name: admin_vendor_get
SELECT admin_vendor_json(v, true) FROM vendors v WHERE v.id = $1::text

-- name: admin_vendor_items
SELECT '[' || coalesce(string_agg(admin_item_json(i), ',' ORDER BY i.category, i.name, i.id)
    FILTER (WHERE i.id IS NOT NULL), '') || ']'
  FROM vendors v LEFT JOIN items i ON i.vendor_id = v.id AND i.deleted_at IS NULL
 WHERE v.id = $1::text GROUP BY v.id

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

-- name: admin_webhook_list
SELECT (SELECT count(*) FROM webhook_endpoints),
  (SELECT '[' || coalesce(string_agg(webhook_json(w), ',' ORDER BY w.id), '') || ']'
     FROM (SELECT id FROM webhook_endpoints ORDER BY id LIMIT $1::bigint OFFSET $2::bigint) page
     JOIN webhook_endpoints w USING (id))

-- name: admin_webhook_get
SELECT webhook_json(w) FROM webhook_endpoints w WHERE w.id = $1::text

-- name: admin_webhook_add
SELECT outcome, json FROM webhook_add($1::text, $2::text, $3::text, $4::text[], $5::text, $6::text, $7::text, $8::jsonb,
  $9::text, $10::text)

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

-- name: admin_webhook_delete
WITH gone AS (
  DELETE FROM webhook_endpoints WHERE id = $1::text RETURNING id
)
INSERT INTO admin_audit (admin_id, act, subject, request_id)
SELECT $2::text, $3::text, g.id, $4::text FROM gone g
RETURNING subject

-- name: admin_webhook_rotate
SELECT outcome, json FROM webhook_rotate($1::text, $2::text, $3::text, $4::jsonb, $5::text, $6::text)

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

-- name: admin_webhook_deliveries
SELECT (SELECT count(*) FROM webhook_deliveries
         WHERE endpoint_id = w.id AND state = coalesce($2::text, state)),
  (SELECT '[' || coalesce(string_agg(webhook_delivery_json(d), ',' ORDER BY d.said_at DESC, d.id), '') || ']'
     FROM (SELECT id FROM webhook_deliveries WHERE endpoint_id = w.id AND state = coalesce($2::text, state)
            ORDER BY said_at DESC, id LIMIT $3::bigint OFFSET $4::bigint) page
     JOIN webhook_deliveries d USING (id))
  FROM webhook_endpoints w WHERE w.id = $1::text

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

-- name: rider_availability_get
SELECT '{"riderId":' || json_word(r.id) || ',"isOnline":' || json_flag(r.is_online)
    || ',"status":' || CASE WHEN r.is_online THEN '"online"' ELSE '"offline"' END
    || ',"availability":' || json_word(rider_availability(r))
    || ',"currentLocation":' || coalesce(rider_place_json(r), 'null')
    || ',"lastOnline":' || json_time(CASE WHEN r.is_online THEN now() ELSE r.last_online END)
    || ',"verificationStatus":' || CASE WHEN r.phone_verified THEN '"VERIFIED"' ELSE '"PENDING"' END
    || ',"approvalStatus":' || json_word(r.approval_status) || ',"accountStatus":' || json_word(r.status) || '}'
  FROM riders r WHERE r.id = $1::text

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

-- name: rider_positions_store
UPDATE riders r SET lat = p.lat, lng = p.lng, located_at = p.at
  FROM (SELECT q.id, w.lat, w.lng, to_timestamp(w.ms / 1000.0) AS at
          FROM unnest($1::text[], $2::double precision[], $3::double precision[], $4::bigint[]) AS w(id, lat, lng, ms)
          JOIN riders q ON q.id = w.id ORDER BY q.id FOR NO KEY UPDATE OF q) p
 WHERE r.id = p.id AND (r.located_at IS NULL OR r.located_at < p.at)

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

-- name: admin_riders_online
WITH page AS (
  SELECT r.id, r.last_online, r AS rider FROM riders r WHERE r.is_online
   ORDER BY r.last_online DESC NULLS LAST, r.id LIMIT $1::bigint OFFSET $2::bigint
)
SELECT (SELECT count(*) FROM riders WHERE is_online),
  '[' || coalesce(string_agg(admin_rider_json(p.rider), ',' ORDER BY p.last_online DESC NULLS LAST, p.id), '') || ']'
  FROM page p

-- name: vendor_get
SELECT vendor_public_json(v, business_zone()) AS vendor,
  hours_hold_ms(v.business_hours, now() AT TIME ZONE business_zone()) AS hold_ms
  FROM vendors v WHERE v.id = :vendor_id::text AND v.approval_status = 'APPROVED'

-- name: menu_get
SELECT '{"items":[' || coalesce(string_agg(item_json(i), ',' ORDER BY i.category, i.name, i.id), '')
  || '],"categories":' || coalesce(array_to_json(array_agg(DISTINCT i.category)
    FILTER (WHERE i.id IS NOT NULL))::text, '[]') || '}'
  FROM vendors v LEFT JOIN items i ON i.vendor_id = v.id AND i.deleted_at IS NULL AND NOT i.hidden
 WHERE v.id = $1::text AND v.approval_status = 'APPROVED'
 GROUP BY v.id

-- name: menu_search
SELECT '{"items":[' || coalesce(string_agg(item_json(i), ',' ORDER BY i.category, i.name, i.id)
    FILTER (WHERE ($2::text IS NULL OR search_fold(i.category) = search_fold($2::text))
      AND ($3::text IS NULL OR search_text(i.name, i.description) LIKE search_like($3::text))), '')
  || '],"categories":' || coalesce(array_to_json(array_agg(DISTINCT i.category)
    FILTER (WHERE i.id IS NOT NULL))::text, '[]') || '}'
  FROM vendors v LEFT JOIN items i ON i.vendor_id = v.id AND i.deleted_at IS NULL AND NOT i.hidden
 WHERE v.id = $1::text AND v.approval_status = 'APPROVED'
 GROUP BY v.id

-- name: vendor_list
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
    ',"currentBalance":', coalesce(w.available, 0), '}') AS earnings
  FROM vendors v LEFT JOIN wallets w ON w.owner_id = v.id CROSS JOIN p
 CROSS JOIN LATERAL (  -- paid for orders cancelled after preparation: not sales, so no commission
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
     FROM (SELECT o.settled_at, o.subtotal, o.vendor_share AS net
             FROM orders o WHERE o.vendor_id = v.id AND o.settled_at >= least(p.week, p.month)) sold) s
 WHERE v.id = :vendor_id::text

-- name: vendor_earnings_daily
WITH z AS MATERIALIZED (
  SELECT business_zone() AS zone, coalesce(:since::timestamptz, period_start(:period::text),
           :before::timestamptz - interval '30 days', period_start('today') - interval '29 days') AS since
)
SELECT '[' || coalesce(string_agg(concat('{"date":"', to_char(d.day, 'YYYY-MM-DD'), '","gross":', d.gross, ',"net":', d.net,
    ',"orders":', d.n, '}'), ',' ORDER BY d.day), '') || ']' AS earnings
  FROM (SELECT (o.settled_at AT TIME ZONE z.zone)::date AS day, count(*) AS n, sum(o.subtotal) AS gross,
               sum(o.vendor_share) AS net
          FROM z, orders o
         WHERE o.vendor_id = :vendor_id::text AND o.settled_at >= z.since
           AND o.settled_at < coalesce(:before, 'infinity')
         GROUP BY 1) d

-- name: vendor_earnings_weekly
WITH z AS MATERIALIZED (
  SELECT business_zone() AS zone
), week AS MATERIALIZED (
  SELECT n, date_trunc('week', now() AT TIME ZONE z.zone) - (4 - n) * interval '1 week' AS start
    FROM z, generate_series(1, 4) n
), sold AS (
  SELECT date_trunc('week', o.settled_at AT TIME ZONE z.zone) AS start, count(*) AS n, sum(o.subtotal) AS gross,
         sum(o.vendor_share) AS net
    FROM z, orders o
   WHERE o.vendor_id = :vendor_id::text AND o.settled_at >= (SELECT min(start) FROM week) AT TIME ZONE z.zone
   GROUP BY 1
)
SELECT '[' || string_agg(concat('{"week":"Week ', w.n, '","weekStart":"', to_char(w.start, 'YYYY-MM-DD'), '","gross":',
    coalesce(s.gross, 0), ',"net":', coalesce(s.net, 0), ',"orders":', coalesce(s.n, 0), '}'), ',' ORDER BY w.n) || ']' AS earnings
  FROM week w LEFT JOIN sold s ON s.start = w.start

-- name: vendor_earnings_monthly
WITH z AS MATERIALIZED (
  SELECT business_zone() AS zone
), year AS MATERIALIZED (
  SELECT make_timestamp(coalesce(:year?::integer, extract(year FROM now() AT TIME ZONE z.zone)::integer), 1, 1, 0, 0, 0) AS start
    FROM z
), sold AS (
  SELECT extract(month FROM o.settled_at AT TIME ZONE z.zone) AS n, count(*) AS orders, sum(o.subtotal) AS gross,
         sum(o.vendor_share) AS net
    FROM z, orders o
   WHERE o.vendor_id = :vendor_id::text AND o.settled_at >= (SELECT start FROM year) AT TIME ZONE z.zone
     AND o.settled_at < (SELECT start + interval '1 year' FROM year) AT TIME ZONE z.zone
   GROUP BY 1
)
SELECT '[' || string_agg(concat('{"month":"', (ARRAY['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct',
    'Nov', 'Dec'])[m], '","gross":', coalesce(s.gross, 0), ',"net":', coalesce(s.net, 0), ',"orders":',
    coalesce(s.orders, 0), '}'), ',' ORDER BY m) || ']' AS earnings
  FROM generate_series(1, 12) m LEFT JOIN sold s ON s.n = m

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

-- name: events_newest
SELECT coalesce((SELECT max(id) FROM events), 0), event_source()

-- name: events_after
SELECT id, aggregate, type, array_to_string(rooms, ','), payload::text
  FROM events WHERE id > $1::bigint ORDER BY id LIMIT $2::bigint

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

-- name: order_participants
SELECT id, user_id, vendor_id, rider_id FROM orders
 WHERE id = CASE WHEN substr($1::text, 2, 1) = '-'
   THEN (SELECT n.id FROM orders n WHERE n.order_number = $1::text) ELSE $1::text END

-- name: user_get
SELECT user_json(u) FROM users u WHERE u.id = $1::text AND u.status <> 'DELETED'

-- name: user_credentials
SELECT u.id, u.password_hash, u.status, u.email, 'USER', 0 FROM users u
 WHERE u.phone = $1::text OR u.email = $2::text

-- name: vendor_credentials
SELECT a.id, a.password_hash, a.standing, a.email, a.role, 0 FROM accounts a
 WHERE a.kind = 'VENDOR' AND (a.phone = $1::text OR a.email = $2::text)

-- name: rider_credentials
SELECT a.id, a.password_hash, a.standing, a.email, a.role, 0 FROM accounts a
 WHERE a.kind = 'RIDER' AND (a.phone = $1::text OR a.email = $2::text)

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

-- name: account_password
SELECT a.password_hash FROM accounts a WHERE a.kind = $1::text AND a.id = $2::text AND a.standing <> 'DELETED'

-- name: vendor_self
SELECT vendor_self_json(v) FROM vendors v WHERE v.id = $1::text

-- name: rider_self
SELECT rider_json(r) FROM riders r WHERE r.id = $1::text

-- name: admin_self
SELECT admin_json(a) FROM admins a WHERE a.id = $1::text

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

-- name: vendor_log_in
SELECT l.shown, l.touched, epoch_ms(clock_timestamp())
  FROM account_log_in('VENDOR', $1::text, $2::text, $3::text, $4::text, $5::text, $6::bigint) l

-- name: rider_log_in
SELECT l.shown, l.touched, epoch_ms(clock_timestamp())
  FROM account_log_in('RIDER', $1::text, $2::text, $3::text, $4::text, $5::text, $6::bigint) l

-- name: admin_log_in
SELECT l.shown, l.touched, epoch_ms(clock_timestamp())
  FROM account_log_in('ADMIN', $1::text, $2::text, $3::text, $4::text, $5::text, $6::bigint) l

-- name: user_change_profile
UPDATE users u
   SET first_name = coalesce($2::text, first_name), last_name = coalesce($3::text, last_name),
       email_verified = email_verified AND ($4::text IS NULL OR $4::text = email),
       email = changed($4::text, email), profile_picture = changed($5::text, profile_picture),
       language = coalesce($6::text, language), updated_at = now()
 WHERE id = $1::text AND status <> 'DELETED'
RETURNING user_json(u)

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

-- name: account_verify
SELECT v.outcome, v.shown FROM account_verify($1::text, $2::text, $3::text, $4::boolean, $5::text) v

-- name: account_contact
SELECT a.phone, a.email FROM accounts a WHERE a.kind = $1::text AND a.id = $2::text AND a.standing <> 'DELETED'

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

-- name: account_change_password
SELECT s.ended FROM account_set_password($1::text, $2::text, $3::text, $4::text, $5::text, $6::bigint) AS s(ended)
 WHERE s.ended IS NOT NULL

-- name: account_forgot_password
SELECT f.account FROM account_create_reset_token($1::text, $2::text, $3::text, $4::text, $5::bigint, $6::bigint, $7::bigint) AS f(account)
 WHERE f.account IS NOT NULL

-- name: account_reset_find
SELECT r.account_id FROM reset_tokens r
 WHERE r.token_hash = $2::text AND r.role = $1::text AND r.used_at IS NULL AND r.expires_at > now()

-- name: account_reset_password
SELECT r.account, r.ended FROM account_reset_password($1::text, $2::text, $3::text, $4::bigint) r

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

-- name: device_remove
DELETE FROM device_tokens d
 WHERE d.account_id = $2::text AND d.role = $1::text AND ($3::text IS NULL OR d.token = $3::text)

-- name: admin_create
SELECT admin_create($1::text, $2::text, $3::text, $4::text, $5::text, $6::boolean, $7::bigint)

-- name: admins_exist
SELECT CASE WHEN EXISTS (SELECT FROM admins) THEN 'THERE' END

-- name: lease_take
UPDATE leases SET holder = $2::text, until = now() + make_interval(secs => $3::bigint)
 WHERE name = $1::text AND (holder = $2::text OR until <= now())
RETURNING true

-- name: orders_active_count
SELECT coalesce(json_object_agg(status, n), '{}')::text
  FROM (SELECT status, count(*) AS n FROM orders WHERE active GROUP BY status ORDER BY status) c

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

-- name: item_get
SELECT i.vendor_id = $1::text, item_json(i) FROM items i WHERE i.id = $2::text AND i.deleted_at IS NULL

-- name: item_list
SELECT '{"items":[' || coalesce(string_agg(item_json(i), ',' ORDER BY i.name, i.id), '')
  || '],"total":' || count(*) || '}'
  FROM items i
 WHERE i.vendor_id = $1::text AND i.deleted_at IS NULL
   AND ($2::text IS NULL OR search_fold(i.category) = search_fold($2::text))
   AND i.available = coalesce($3::boolean, i.available)
   AND ($4::text IS NULL OR search_text(i.name, i.description) LIKE search_like($4::text))

-- name: item_categories
SELECT '{"categories":' || coalesce(array_to_json(array_agg(DISTINCT i.category))::text, '[]')
  || ',"total":' || count(DISTINCT i.category) || '}'
  FROM items i WHERE i.vendor_id = $1::text AND i.deleted_at IS NULL

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

-- name: sweep_messages
WITH gone AS (
  DELETE FROM messages WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM messages
     WHERE (state IN ('SENT', 'SKIPPED') AND created_at < now() - interval '7 days')
        OR (state = 'DEAD' AND created_at < now() - interval '30 days') LIMIT $1::bigint))
  RETURNING 1
)
SELECT count(*) FROM gone

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

-- name: settings_version
SELECT sum(seq)::bigint FROM settings

-- name: settings_get
SELECT sum(s.seq)::bigint, json_object_agg(s.key, s.value)::text,
  (SELECT '[' || coalesce(string_agg('{"id":' || json_word(z.id) || ',"name":' || json_text(z.name)
     || ',"polygon":' || z.polygon::text || ',"fee":' || z.delivery_fee_override || '}', ',' ORDER BY z.id), '') || ']'
     FROM zones z WHERE z.is_active AND z.delivery_fee_override IS NOT NULL)
  FROM settings s

-- name: idempotency_get
SELECT fingerprint, status, body FROM idempotency WHERE account_id = $1::text AND key = $2::text

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

-- name: orders_watch
SELECT order_id, rider_id, released FROM orders_watch($1::text, make_interval(secs => $2::double precision), $3::text[], $4::bigint)

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

-- name: vendor_order_queue
SELECT count(*), '[' || coalesce(string_agg(order_json(o), ',' ORDER BY o.created_at, o.id), '') || ']'
  FROM (SELECT * FROM orders t
         WHERE vendor_id = $1::text AND active IS TRUE AND status = ANY ($2::text[]) AND order_payable(t)
         ORDER BY created_at LIMIT 200) o

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

-- name: order_get_party
SELECT o.vendor_id, o.rider_id, order_payable(o), order_json(o), o.id,
       o.rider_id IS NULL AND (SELECT f.outcome FROM offers f WHERE f.order_id = o.id AND f.rider_id = $2::text
         ORDER BY f.offered_at DESC LIMIT 1) IS DISTINCT FROM 'REJECTED',
       o.order_type, o.status
  FROM orders o
 WHERE o.id = CASE WHEN substr($1::text, 2, 1) = '-'
   THEN (SELECT n.id FROM orders n WHERE n.order_number = $1::text) ELSE $1::text END

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

-- name: rider_order_active
SELECT '[' || coalesce(string_agg(order_json(o), ',' ORDER BY o.created_at DESC, o.id DESC), '') || ']'
  FROM (SELECT * FROM orders WHERE rider_id = $1::text AND active IS TRUE ORDER BY created_at DESC LIMIT 100) o

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

-- name: order_insert
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

-- name: order_get
SELECT o.user_id, order_json_user(o), o.status, o.rider_id FROM orders o WHERE o.id = $1::text

-- name: order_get_numbered
SELECT o.user_id, order_json_user(o), o.status, o.rider_id FROM orders o WHERE o.order_number = $1::text

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

-- name: order_active
SELECT '[' || coalesce(string_agg(order_json_user(o), ',' ORDER BY o.created_at DESC, o.id DESC), '') || ']'
  FROM (SELECT * FROM orders WHERE user_id = $1::text AND active IS TRUE
         ORDER BY created_at DESC LIMIT 100) o

-- name: order_expire
SELECT order_id, vendor_id FROM order_expire(:minutes::integer, :states::text[], :entry::text)

-- name: basket_get
SELECT b.order_id, o.order_number FROM baskets b JOIN orders o ON o.id = b.order_id
 WHERE b.user_id = $1::text AND b.basket = $2::text

-- name: payment_start
SELECT outcome, json AS payment
  FROM payment_start($1::text, $2::text, $3::bigint, $4::text, $5::text, $6::text,
    $7::text, $8::text, $9::text)

-- name: payment_record
SELECT outcome, json AS payment, order_id, vendor_id, order_ended, late
  FROM payment_apply($1::text, $2::text, $3::text[], $4::boolean, $5::text,
    $6::text, $7::text, $8::bigint, $9::text, $10::text, $11::text,
    $12::bigint, $13::text[], $14::text)

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

-- name: payment_clear_reference
UPDATE payment_intents SET gateway_reference = NULL, next_check_at = now() + $1::bigint * interval '1 second'
 WHERE id = $2::text AND gateway_reference = $3::text AND state <> 'SUCCEEDED' AND resolution IS NULL

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

-- name: payments_set_found
UPDATE payment_intents t
   SET gateway_reference = f.reference, state = CASE t.state WHEN 'CREATED' THEN 'PENDING' ELSE t.state END,
       sent_at = now(), next_check_at = now()
  FROM unnest($1::text[], $2::text[]) AS f(id, reference)
 WHERE t.id = f.id AND t.gateway_reference IS NULL AND t.state <> 'SUCCEEDED'

-- name: payments_mark_unanswered
UPDATE payment_intents t
   SET failure = $1::text, reason = payment_text(t.user_id, $2::text, $3::text)
 WHERE t.id = ANY ($4::text[]) AND t.gateway_reference IS NULL AND t.state = 'EXPIRED'
   AND t.failure IS DISTINCT FROM $1

-- name: payments_expire
SELECT id, vendor_id, order_ended
  FROM payments_end_unpaid($1::bigint, $2::bigint, $3::text[], $4::text, $5::text,
    $6::bigint, $7::bigint, $8::text[])

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

-- name: admin_payment_get
SELECT admin_payment_row(i) AS payment FROM payment_intents i WHERE i.id = $1::text

-- name: payment_resolve
SELECT outcome, json AS payment
  FROM payment_resolve($1::text, $2::text, $3::text, $4::text, $5::jsonb, $6::text, $7::text)

-- name: payout_owner_get
SELECT v.phone_verified, v.approval_status = 'SUSPENDED' AS suspended, vendor_destination(v)::text AS bank_details
  FROM vendors v WHERE $1::text = 'VENDOR' AND v.id = $2::text
UNION ALL
SELECT r.phone_verified, r.approval_status = 'SUSPENDED', r.bank_details::text
  FROM riders r WHERE $1 = 'RIDER' AND r.id = $2

-- name: payout_request
SELECT outcome, json AS payout
  FROM payout_request($1::text, $2::text, $3::text, $4::bigint, $5::bigint, $6::text,
    $7::text, $8::jsonb, $9::integer, $10::text, $11::text, $12::text)

-- name: payout_list
SELECT (SELECT count(*) FROM payouts WHERE owner_id = $1::text) AS total,
  (SELECT '[' || coalesce(string_agg(payout_json(p), ',' ORDER BY p.id DESC), '') || ']'
     FROM (SELECT * FROM payouts WHERE owner_id = $1 ORDER BY id DESC LIMIT $2::bigint OFFSET $3::bigint) p)
    AS payouts

-- name: payout_get
SELECT owner_id, payout_json(p) AS payout FROM payouts p WHERE id = $1::text

-- name: payout_balance
SELECT concat('{"availableBalance":', coalesce(max(w.available), 0), ',"withdrawable":',
    coalesce(max(wallet_withdrawable(w)), 0), ',"minimumPayout":', $1::bigint, ',"canRequestPayout":',
    json_flag(coalesce(max(wallet_withdrawable(w)), 0) >= $1), '}') AS balance
  FROM wallets w WHERE w.owner_id = $2::text

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

-- name: payout_apply_ruling
SELECT outcome, json AS payout
  FROM payout_apply_ruling($1::text, $2::text, $3::text, $4::text, $5::text,
    $6::text, $7::text, $8::text, $9::bigint, $10::text, $11::bigint,
    $12::text[], $13::jsonb)

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

-- name: payouts_due
SELECT f.*
  FROM (SELECT p AS payout, p.xmin AS version FROM payouts p
         WHERE next_check_at <= now() AND (gateway_reference IS NULL) = $1::boolean
           AND (gateway_reference IS NOT NULL OR sent_at IS NOT NULL AND status <> 'APPROVED')
         ORDER BY next_check_at LIMIT $2::bigint) due,
    payout_facts(due.payout, due.version) f

-- name: payouts_take
WITH taken AS (
  UPDATE payouts p SET checks = p.checks + 1, next_check_at = now() + nullif(d.delay, -1) * interval '1 second'
    FROM unnest($1::text[], $2::text[], $3::bigint[]) AS d(id, version, delay)
   WHERE p.id = d.id AND p.xmin::text = d.version
  RETURNING p.*::payouts AS payout, p.xmin AS version
)
SELECT f.*, ((taken.payout).sent_at AT TIME ZONE 'UTC')::date - 1 AS first_day, (now() AT TIME ZONE 'UTC')::date + 1 AS last_day
  FROM taken, payout_facts(taken.payout, taken.version) f

-- name: payout_apply_answer
SELECT payout_apply_answer($1::text, $2::text, $3::text, $4::text, $5::text, $6::bigint,
  $7::boolean, $8::bigint, $9::bigint, $10::text, $11::text[]) AS outcome

-- name: payout_note_callback
UPDATE payouts
   SET gateway_reference = coalesce(gateway_reference, (SELECT $1::text
         WHERE NOT EXISTS (SELECT FROM payouts t WHERE t.gateway_reference = $1))),
       checks = 0, next_check_at = now()
 WHERE id = $2::text AND sent_at IS NOT NULL AND (status <> 'COMPLETED' OR next_check_at IS NOT NULL)

-- name: payout_clear_reference
UPDATE payouts SET gateway_reference = NULL, next_check_at = now() + $1::bigint * interval '1 second'
 WHERE id = $2::text AND gateway_reference = $3::text AND (status <> 'COMPLETED' OR next_check_at IS NOT NULL)

-- name: order_rate
SELECT outcome, json, ratings, vendor
  FROM order_rating_store($1::text, $2::text, $3::integer, $4::text, $5::integer, $6::text, $7::integer, $8::text)

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

-- name: dispute_list
SELECT (SELECT count(*) FROM disputes WHERE user_id = $1::text),
  '[' || coalesce(string_agg(dispute_json(d), ',' ORDER BY d.id DESC), '') || ']'
  FROM (SELECT * FROM disputes WHERE user_id = $1::text ORDER BY id DESC LIMIT $2::bigint OFFSET $3::bigint) d

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

-- name: rider_facts
SELECT r.phone_verified, r.approval_status, r.status, r.is_online, (
    SELECT string_agg(concat_ws(',', o.id, o.user_id, coalesce(o.vendor_id, '')), ',' ORDER BY o.created_at)
      FROM (SELECT id, user_id, vendor_id, created_at FROM orders
             WHERE rider_id = r.id AND active IS TRUE ORDER BY created_at LIMIT 6) o)
  FROM riders r WHERE r.id = $1::text

-- name: ledger_roll_up
SELECT ledger_roll_up('10 minutes')

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

-- name: revocations_since
SELECT r.seq, r.subject, epoch_ms(r.before) FROM revocations r
 WHERE r.seq > $1::bigint AND r.expires_at > now() ORDER BY r.seq LIMIT 2000

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

-- name: shop_overview
SELECT '{"orders":' || d.n || ',"revenue":' || d.revenue
    || ',"averageOrderValue":' || coalesce(round(d.revenue::numeric / nullif(d.n, 0)), 0)
    || ',"rating":' || mean_rating(v.rating_sum, v.total_ratings) || '}'
  FROM vendors v, LATERAL (
    SELECT count(*) AS n, coalesce(sum(o.subtotal), 0)::bigint AS revenue FROM orders o
     WHERE o.vendor_id = v.id AND o.active IS FALSE AND o.status = 'DELIVERED'
       AND o.created_at >= period_start($2::text)) d
 WHERE v.id = $1::text

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

-- name: wallet_get
SELECT wallet_json(w) FROM wallets w WHERE w.owner_id = $1::text

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

-- name: webhook_release
UPDATE webhook_deliveries SET tries = tries - 1, busy_until = NULL, next_at = now() + interval '5 seconds'
 WHERE id = $1::text AND tries = $2::bigint AND state = 'QUEUED' AND busy_until IS NOT NULL

-- name: sweep_webhooks
WITH gone AS (
  DELETE FROM webhook_deliveries WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM webhook_deliveries WHERE created_at < now() - interval '30 days' LIMIT $1::bigint)) RETURNING 1
)
SELECT count(*) FROM gone

-- name: vendor_get_near
SELECT vendor_public_members(v, business_zone()) AS vendor, v.service_type, v.lat, v.lng
  FROM vendors v WHERE v.id = :vendor_id::text AND v.approval_status = 'APPROVED'

-- name: rider_location
SELECT rider_place_json(r) FROM riders r WHERE r.id = $1::text
