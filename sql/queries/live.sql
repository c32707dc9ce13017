-- Live counts of the platform.

-- The value of `orders:active`: how many orders are not yet delivered or cancelled, by status.
-- Columns: {"PENDING":3,…} (no key for a status without orders). Always one row.
-- name: orders_active_count
SELECT coalesce(json_object_agg(status, n), '{}')::text
  FROM (SELECT status, count(*) AS n FROM orders WHERE active GROUP BY status ORDER BY status) c
