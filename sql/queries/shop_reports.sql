-- Reports of a vendor's delivered orders that were placed in a period (today, week, month, year: the current one, from its
-- first day). They run on the lane for reports.

--  $1 vendor id   $2 period
-- Columns: {orders,revenue,averageOrderValue,rating}. No row: no such vendor.
-- name: shop_overview
SELECT '{"orders":' || d.n || ',"revenue":' || d.revenue
    || ',"averageOrderValue":' || coalesce(round(d.revenue::numeric / nullif(d.n, 0)), 0)
    || ',"rating":' || mean_rating(v.rating_sum, v.total_ratings) || '}'
  FROM vendors v, LATERAL (
    SELECT count(*) AS n, coalesce(sum(o.subtotal), 0)::bigint AS revenue FROM orders o
     WHERE o.vendor_id = v.id AND o.active IS FALSE AND o.status = 'DELIVERED'
       AND o.created_at >= period_start($2::text)) d
 WHERE v.id = $1::text

-- Best-selling items: by number of orders, then by revenue. The name is the one of the latest sale.
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

-- Orders and revenue of each day, also of days without orders.
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

-- Customers; a new customer has no delivered order before the period.
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
