-- Riders.

-- The facts that admission checks; read at most once in ten seconds for a rider and loop. $1 rider.
-- Columns: phone verified, approval, status, online, "order,user,vendor,order…" of the oldest six active orders (a package has an empty vendor).
-- name: rider_facts
SELECT r.phone_verified, r.approval_status, r.status, r.is_online, (
    SELECT string_agg(concat_ws(',', o.id, o.user_id, coalesce(o.vendor_id, '')), ',' ORDER BY o.created_at)
      FROM (SELECT id, user_id, vendor_id, created_at FROM orders
             WHERE rider_id = r.id AND active IS TRUE ORDER BY created_at LIMIT 6) o)
  FROM riders r WHERE r.id = $1::text
