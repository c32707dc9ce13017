-- Reports of a vendor's delivered orders that were placed in a period (today, week, month, year: the current one, from its
-- first day). They run on the lane for reports.

-- {orders,revenue,averageOrderValue,rating}. No row: no such vendor.
-- name: shop_overview
-- columns: report
SELECT '{"orders":' || d.n || ',"revenue":' || d.revenue
    || ',"averageOrderValue":' || coalesce(round(d.revenue::numeric / nullif(d.n, 0)), 0)
    || ',"rating":' || mean_rating(v.rating_sum, v.total_ratings) || '}' AS report
  FROM vendors v, LATERAL (
    SELECT count(*) AS n, coalesce(sum(o.subtotal), 0)::bigint AS revenue FROM orders o
     WHERE o.vendor_id = v.id AND o.active IS FALSE AND o.status = 'DELIVERED'
       AND o.created_at >= period_start(:period::text)) d
 WHERE v.id = :vendor_id::text

-- Best-selling items: by number of orders, then by revenue, as [{itemId,name,orders,quantity,revenue}]. The name is the one of
-- the latest sale. Always one row.
-- name: shop_popular
-- columns: report
WITH sold AS (
  SELECT l."itemId" AS id, (array_agg(l.name ORDER BY o.created_at DESC))[1] AS name, count(DISTINCT o.id) AS n,
         sum(l.quantity) AS quantity, sum(l.quantity * l.price) AS revenue
    FROM orders o, json_to_recordset(o.items) AS l("itemId" text, name text, quantity bigint, price bigint)
   WHERE o.vendor_id = :vendor_id::text AND o.active IS FALSE AND o.status = 'DELIVERED'
     AND o.created_at >= period_start(:period::text)
   GROUP BY 1 ORDER BY n DESC, revenue DESC, id LIMIT :limit::bigint
)
SELECT '[' || coalesce(string_agg('{"itemId":' || json_word(id) || ',"name":' || json_text(name)
    || ',"orders":' || n || ',"quantity":' || quantity || ',"revenue":' || revenue || '}',
    ',' ORDER BY n DESC, revenue DESC, id), '') || ']' AS report
  FROM sold

-- Orders and revenue of each day, also of days without orders, as [{date,orders,revenue}]. Always one row.
-- name: shop_revenue
-- columns: report
WITH sold AS (
  SELECT (o.created_at AT TIME ZONE business_zone())::date AS day, count(*) AS n, sum(o.subtotal) AS revenue
    FROM orders o
   WHERE o.vendor_id = :vendor_id::text AND o.active IS FALSE AND o.status = 'DELIVERED'
     AND o.created_at >= period_start(:period::text)
   GROUP BY 1
)
SELECT '[' || string_agg('{"date":"' || to_char(d, 'YYYY-MM-DD') || '","orders":' || coalesce(s.n, 0)
    || ',"revenue":' || coalesce(s.revenue, 0) || '}', ',' ORDER BY d) || ']' AS report
  FROM generate_series(period_start(:period::text) AT TIME ZONE business_zone(),
         now() AT TIME ZONE business_zone(), interval '1 day') AS d
  LEFT JOIN sold s ON s.day = d::date

-- Customers, as {total,new,returning}; a new customer has no delivered order before the period. Always one row.
-- name: shop_customers
-- columns: report
WITH buyer AS (
  SELECT DISTINCT o.user_id FROM orders o
   WHERE o.vendor_id = :vendor_id::text AND o.active IS FALSE AND o.status = 'DELIVERED'
     AND o.created_at >= period_start(:period::text)
), known AS (
  SELECT EXISTS (SELECT FROM orders p
      WHERE p.user_id = b.user_id AND p.active IS FALSE AND p.created_at < period_start(:period::text)
        AND p.vendor_id = :vendor_id::text AND p.status = 'DELIVERED') AS before
    FROM buyer b
)
SELECT '{"total":' || count(*) || ',"new":' || count(*) FILTER (WHERE NOT before)
    || ',"returning":' || count(*) FILTER (WHERE before) || '}' AS report
  FROM known
