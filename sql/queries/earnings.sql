-- Earnings: of vendors from delivered orders, of riders from credited amounts. Days, weeks and months are in the business
-- time zone. All statements read indexes only. Values that are equal for all rows (the time zone, the start of a period) are
-- materialized, or they would be computed for each row.

-- --- Vendors -----------------------------------------------------------------------------------------------------

-- The figures as JSON. No row: unknown vendor.
-- name: vendor_earnings
-- columns: earnings
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

-- Days with sales, oldest first.
-- since: NULL: the first day of the period (today, week, month, year), or else 30 days before the end; before: NULL: now.
-- [{date,gross,net,orders}]; always one row.
-- name: vendor_earnings_daily
-- columns: earnings
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

-- The last four weeks (from Monday), oldest first; "Week 4" is the current one.
-- [{week,weekStart,gross,net,orders}]; always one row.
-- name: vendor_earnings_weekly
-- columns: earnings
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

-- The months of a year.
-- year: NULL: the current one. [{month,gross,net,orders}], twelve; always one row.
-- name: vendor_earnings_monthly
-- columns: earnings
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

-- --- Riders ------------------------------------------------------------------------------------------------------

-- The figures as JSON; weekly is the last 7 days, monthly the last month. period (today, week, month, year) adds the earnings
-- since its first day; or NULL. No row: unknown rider.
-- name: rider_earnings
-- columns: earnings
SELECT concat('{"currentBalance":', coalesce(w.available, 0), ',"totalEarnings":', coalesce(w.total_earned, 0),
    ',"weeklyEarnings":', e.week, ',"monthlyEarnings":', e.month, ',"totalDeliveries":', r.completed_deliveries,
    CASE WHEN :period::text IS NOT NULL THEN concat(',"period":"', :period, '","periodEarnings":',
      (SELECT coalesce(sum(l.amount), 0) FROM ledger l
        WHERE l.to_owner = r.id AND l.category = 'DELIVERY_FEE' AND l.created_at >= (SELECT period_start(:period)))) END, '}') AS earnings
  FROM riders r LEFT JOIN wallets w ON w.owner_id = r.id
 CROSS JOIN LATERAL (
   SELECT coalesce(sum(l.amount) FILTER (WHERE l.created_at >= now() - interval '7 days'), 0) AS week,
          coalesce(sum(l.amount), 0) AS month
     FROM ledger l
    WHERE l.to_owner = r.id AND l.category = 'DELIVERY_FEE' AND l.created_at >= now() - interval '1 month') e
 WHERE r.id = :rider_id::text

-- The last days, weeks (from Monday) or months with the current one, oldest first, including those without a delivery.
-- unit: day, week or month; count: how many; member, format: name of the JSON member and its format for to_char.
-- [{…,earnings,deliveries}]; always one row.
-- name: rider_earnings_series
-- columns: earnings
WITH z AS MATERIALIZED (
  SELECT business_zone() AS zone
), span AS MATERIALIZED (
  SELECT date_trunc(:unit::text, now() AT TIME ZONE z.zone) - n * ('1 ' || :unit)::interval AS start
    FROM z, generate_series(0, :count::integer - 1) n
), earned AS (
  SELECT date_trunc(:unit, l.created_at AT TIME ZONE z.zone) AS start, sum(l.amount) AS amount,
         count(DISTINCT l.order_id) AS n
    FROM z, ledger l
   WHERE l.to_owner = :rider_id::text AND l.category = 'DELIVERY_FEE'
     AND l.created_at >= (SELECT min(start) FROM span) AT TIME ZONE z.zone
   GROUP BY 1
)
SELECT '[' || string_agg(concat('{"', :member::text, '":"', to_char(s.start, :format::text), '","earnings":', coalesce(e.amount, 0),
    ',"deliveries":', coalesce(e.n, 0), '}'), ',' ORDER BY s.start) || ']' AS earnings
  FROM span s LEFT JOIN earned e ON e.start = s.start
