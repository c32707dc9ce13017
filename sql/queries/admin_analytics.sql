-- Figures of the platform. They read many rows, so they run on the report lane.

-- "Today" is the day in the business time zone. Revenue counts orders placed today and already delivered.
-- active_orders NULL: counted here. Always one row.
-- name: admin_live_figures
-- columns: figures
SELECT json_build_object('active_orders', coalesce(:active_orders?::bigint, (SELECT count(*) FROM orders WHERE active)),
    'online_riders', (SELECT count(*) FROM riders WHERE is_online),
    'online_vendors', (SELECT count(*) FROM vendors WHERE is_online),
    'orders_today', t.orders, 'revenue_today', t.revenue,
    'pending_approvals', p.vendors + p.riders + p.payouts,
    'pending_approvals_detail', json_build_object('vendors', p.vendors, 'riders', p.riders, 'payouts', p.payouts))::text AS figures
  FROM (SELECT count(*) AS orders, coalesce(sum(total) FILTER (WHERE status = 'DELIVERED'), 0) AS revenue
          FROM orders_figures WHERE created_at >= (SELECT period_start('today'))) t,
       (SELECT (SELECT count(*) FROM vendors WHERE approval_status = 'PENDING') AS vendors,
               (SELECT count(*) FROM riders WHERE approval_status = 'PENDING') AS riders,
               (SELECT count(*) FROM payouts WHERE status = 'PENDING') AS payouts) p

-- Figures of a period, or of all time. Revenue and average basket count delivered orders only.
-- since, before, period: NULL does not limit; the first day of the period is used when since is NULL. Always one row.
-- name: admin_platform_figures
-- columns: figures
SELECT json_build_object('total_orders', t.orders, 'total_revenue', t.revenue,
    'total_users', (SELECT count(*) FROM users WHERE status <> 'DELETED'),
    'total_vendors', (SELECT count(*) FROM vendors), 'total_riders', (SELECT count(*) FROM riders),
    'average_basket', coalesce(round(t.revenue / nullif(t.delivered, 0)), 0),
    'cancel_rate', coalesce(round(t.cancelled * 100.0 / nullif(t.orders, 0), 2), 0)::float8)::text AS figures
  FROM (SELECT count(*) AS orders, coalesce(sum(total) FILTER (WHERE status = 'DELIVERED'), 0) AS revenue,
          count(*) FILTER (WHERE status = 'DELIVERED') AS delivered,
          count(*) FILTER (WHERE status = 'CANCELLED') AS cancelled
          FROM orders_figures
         WHERE created_at >= (SELECT coalesce(:since::timestamptz, period_start(:period::text), '-infinity'))
           AND created_at < coalesce(:before::timestamptz, 'infinity')) t

-- Number of orders in each status, in the console's words, for a period or all time.
-- since, before, period: NULL does not limit; the first day of the period is used when since is NULL. Always one row.
-- The result is [{status,count}] as JSON.
-- name: admin_order_status_counts
-- columns: counts
SELECT coalesce(json_agg(json_build_object('status', status, 'count', n) ORDER BY n DESC, status), '[]')::text AS counts
  FROM (SELECT admin_order_status(status) AS status, sum(n) AS n
          FROM (SELECT status, count(*) AS n FROM orders_figures
                 WHERE created_at >= (SELECT coalesce(:since::timestamptz, period_start(:period::text), '-infinity'))
                   AND created_at < coalesce(:before::timestamptz, 'infinity')
                 GROUP BY status) raw GROUP BY 1) seen

-- Number of orders by status, country and payment method. The country is the vendor's; of a parcel, the customer's.
-- since, before, period: NULL does not limit; the first day of the period is used when since is NULL. Always one row.
-- The result is {total,avg_order_value,by_status{},by_country{},by_payment_method{}}.
-- name: admin_order_breakdown
-- columns: breakdown
WITH seen AS MATERIALIZED (
  SELECT status, payment_method, vendor_id, CASE WHEN vendor_id IS NULL THEN user_id END AS customer, count(*) AS n,
         sum(total) AS worth
    FROM orders_figures
   WHERE created_at >= (SELECT coalesce(:since::timestamptz, period_start(:period::text), '-infinity'))
     AND created_at < coalesce(:before::timestamptz, 'infinity')
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
      FROM (SELECT method AS k, sum(n) AS n FROM split GROUP BY 1) g))::text AS breakdown
  FROM split

-- Revenue by day, week (from Monday) or month, oldest first, including periods without a delivery. Revenue is the total of the
-- orders delivered in the period; commission is the amount booked for the platform. Commission comes from the ledger's roll-ups
-- and, after the last roll-up, from its entries. A week or month is cut at the first and the last day.
-- unit: day, week or month. first_day NULL: that of the period, or `units` back; last_day NULL: today. Always one row.
-- The result is [{day|week|month,date,orders,revenue,commission,currency}].
-- name: admin_revenue
-- columns: series
WITH days AS MATERIALIZED (
  SELECT z.zone, first, last
    FROM (SELECT business_zone() AS zone) z
   CROSS JOIN LATERAL (SELECT coalesce(:last_day::date, (now() AT TIME ZONE z.zone)::date) AS last) l
   CROSS JOIN LATERAL (SELECT coalesce(:first_day::date, (period_start(:period::text) AT TIME ZONE z.zone)::date,
     (date_trunc(:unit::text, last::timestamp) - (:units::bigint - 1) * ('1 ' || :unit)::interval)::date) AS first) f
), part AS MATERIALIZED (
  SELECT starts, greatest(starts, d.first) AS opens, greatest(starts, d.first) AT TIME ZONE d.zone AS since,
         least(starts + ('1 ' || :unit)::interval, d.last + interval '1 day') AT TIME ZONE d.zone AS before
    FROM days d CROSS JOIN LATERAL generate_series(date_trunc(:unit, d.first::timestamp), d.last::timestamp,
      ('1 ' || :unit)::interval) AS starts
)
SELECT '[' || coalesce(string_agg(concat('{"', :unit, '":"', to_char(p.starts, CASE :unit WHEN 'day' THEN 'YYYY-MM-DD'
      WHEN 'week' THEN 'IYYY-"W"IW' ELSE 'YYYY-MM' END), '","date":"', to_char(p.opens, 'YYYY-MM-DD'), '","orders":', s.n,
    ',"revenue":', s.revenue, ',"commission":', k.added + k.since, ',"currency":"XAF"}'), ',' ORDER BY p.starts), '') || ']' AS series
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

-- Vendors by revenue from orders delivered in a period, or in all time.
-- since, before, period: NULL does not limit; the first day of the period is used when since is NULL. Always one row.
-- The result is [{id,name,vendor{id,business_name,city},orders,revenue}].
-- name: admin_top_vendors
-- columns: top_vendors
WITH t AS MATERIALIZED (
  SELECT coalesce(:since::timestamptz, period_start(:period::text)) AS since, :before::timestamptz AS before
), sold AS (
  SELECT o.vendor_id AS id, count(*) AS n, sum(o.subtotal) AS revenue
    FROM t JOIN orders o ON o.settled_at >= coalesce(t.since, '-infinity') AND o.settled_at < coalesce(t.before, 'infinity')
   WHERE (t.since IS NOT NULL OR t.before IS NOT NULL) AND o.vendor_id IS NOT NULL
   GROUP BY 1
  UNION ALL
  SELECT v.id, v.total_orders, v.total_revenue
    FROM t JOIN vendors v ON v.total_orders > 0 WHERE t.since IS NULL AND t.before IS NULL
), best AS (
  SELECT * FROM sold ORDER BY revenue DESC, n DESC, id LIMIT :limit::bigint
)
SELECT '[' || coalesce(string_agg(concat('{"id":"', v.id, '","name":', json_text(v.business_name), ',"vendor":{"id":"', v.id,
    '","business_name":', json_text(v.business_name), ',"city":', json_text(v.city), '},"orders":', b.n, ',"revenue":',
    b.revenue, '}'), ',' ORDER BY b.revenue DESC, b.n DESC, v.id), '') || ']' AS top_vendors
  FROM best b JOIN vendors v USING (id)

-- Riders by number of deliveries in a period, or in all time, with their earnings and the average time from pick-up to
-- delivery over the last 200 of these orders.
-- since, before, period: NULL does not limit; the first day of the period is used when since is NULL. Always one row.
-- The result is [{id,name,rider{id,name,vehicle_type},deliveries,earnings,avg_delivery_mins}].
-- name: admin_top_riders
-- columns: top_riders
WITH t AS MATERIALIZED (
  SELECT coalesce(:since::timestamptz, period_start(:period::text)) AS since, :before::timestamptz AS before
), done AS (
  SELECT o.rider_id AS id, count(*) AS n
    FROM t JOIN orders o ON o.settled_at >= coalesce(t.since, '-infinity') AND o.settled_at < coalesce(t.before, 'infinity')
   WHERE (t.since IS NOT NULL OR t.before IS NOT NULL) AND o.rider_id IS NOT NULL
   GROUP BY 1
  UNION ALL
  SELECT r.id, r.completed_deliveries
    FROM t JOIN riders r ON r.completed_deliveries > 0 WHERE t.since IS NULL AND t.before IS NULL
), best AS (
  SELECT * FROM done ORDER BY n DESC, id LIMIT :limit::bigint
)
SELECT '[' || coalesce(string_agg(concat('{"id":"', r.id, '","name":', json_text(p.name), ',"rider":{"id":"', r.id, '","name":',
    json_text(p.name), ',"vehicle_type":"', r.vehicle_type, '"},"deliveries":', b.n, ',"earnings":', e.earned,
    ',"avg_delivery_mins":', round(coalesce(m.mins, 0), 1), '}'), ',' ORDER BY b.n DESC, r.id), '') || ']'
    AS top_riders
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
