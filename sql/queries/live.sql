-- Live counts of the platform.

-- The value of `orders:active`: how many orders are not yet delivered or cancelled, by status.
-- {"PENDING":3,…}; no key for a status without orders. Always one row.
-- name: orders_active_count
-- columns: counts
SELECT coalesce(json_object_agg(status, n), '{}')::text AS counts
  FROM (SELECT status, count(*) AS n FROM orders WHERE active GROUP BY status ORDER BY status) c
