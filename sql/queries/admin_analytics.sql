-- What the platform does now, and has done, in figures. They read much: the reports' lane runs them.

-- "Today" is the business's day; revenue is what was ordered today and has been delivered.
--  $1 how many orders are active, NULL: count them
-- Columns: the figures as JSON. Always one row.
-- name: admin_live
SELECT json_build_object('active_orders', coalesce($1::bigint, (SELECT count(*) FROM orders WHERE active)),
    'online_riders', (SELECT count(*) FROM riders WHERE is_online),
    'online_vendors', (SELECT count(*) FROM vendors WHERE is_online),
    'orders_today', t.orders, 'revenue_today', t.revenue,
    'pending_approvals', p.vendors + p.riders + p.payouts,
    'pending_approvals_detail', json_build_object('vendors', p.vendors, 'riders', p.riders, 'payouts', p.payouts))::text
  FROM (SELECT count(*) AS orders, coalesce(sum(total) FILTER (WHERE status = 'DELIVERED'), 0) AS revenue
          FROM orders
         WHERE created_at >= date_trunc('day', now() AT TIME ZONE business_zone()) AT TIME ZONE business_zone()) t,
       (SELECT (SELECT count(*) FROM vendors WHERE approval_status = 'PENDING') AS vendors,
               (SELECT count(*) FROM riders WHERE approval_status = 'PENDING') AS riders,
               (SELECT count(*) FROM payouts WHERE status = 'PENDING') AS payouts) p

-- Of a time, or of all. Revenue and basket are of what was delivered.
--  $1 from, $2 before: timestamptz or NULL
-- Columns: the figures as JSON. Always one row.
-- name: admin_platform
SELECT json_build_object('total_orders', t.orders, 'total_revenue', t.revenue,
    'total_users', (SELECT count(*) FROM users WHERE status <> 'DELETED'),
    'total_vendors', (SELECT count(*) FROM vendors), 'total_riders', (SELECT count(*) FROM riders),
    'average_basket', coalesce(round(t.revenue / nullif(t.delivered, 0)), 0),
    'cancel_rate', coalesce(round(t.cancelled * 100.0 / nullif(t.orders, 0), 2), 0)::float8)::text
  FROM (SELECT count(*) AS orders, coalesce(sum(total) FILTER (WHERE status = 'DELIVERED'), 0) AS revenue,
          count(*) FILTER (WHERE status = 'DELIVERED') AS delivered,
          count(*) FILTER (WHERE status = 'CANCELLED') AS cancelled
          FROM orders
         WHERE created_at >= coalesce($1::timestamptz, '-infinity')
           AND created_at < coalesce($2::timestamptz, 'infinity')) t

-- How many orders of a time, or of all, are in each state, in the console's words.
--  $1 from, $2 before: timestamptz or NULL
-- Columns: [{status,count}] as JSON. Always one row.
-- name: admin_order_states
SELECT coalesce(json_agg(json_build_object('status', status, 'count', n) ORDER BY n DESC, status), '[]')::text
  FROM (SELECT admin_status(status) AS status, sum(n) AS n
          FROM (SELECT status, count(*) AS n FROM orders
                 WHERE created_at >= coalesce($1::timestamptz, '-infinity')
                   AND created_at < coalesce($2::timestamptz, 'infinity')
                 GROUP BY status) raw GROUP BY 1) seen
