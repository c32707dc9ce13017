-- Riders.

-- The facts that admission checks; read at most once in ten seconds for a rider and loop. orders: "order,user,vendor,order…" of
-- the oldest six active orders (a package has an empty vendor).
-- name: rider_facts_get
-- columns: phone_verified, approval_status, status, is_online, orders
SELECT r.phone_verified, r.approval_status, r.status, r.is_online, (
    SELECT string_agg(concat_ws(',', o.id, o.user_id, coalesce(o.vendor_id, '')), ',' ORDER BY o.created_at)
      FROM (SELECT id, user_id, vendor_id, created_at FROM orders
             WHERE rider_id = r.id AND active IS TRUE ORDER BY created_at LIMIT 6) o) AS orders
  FROM riders r WHERE r.id = :rider_id::text
