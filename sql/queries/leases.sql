-- Work that one copy does for all.

-- Takes or renews the lead. $1 name, $2 who asks, $3 for how long, seconds.
-- Columns: nothing but a row when he leads.
-- name: lease_take
UPDATE leases SET holder = $2::text, until = now() + make_interval(secs => $3::bigint)
 WHERE name = $1::text AND (holder = $2::text OR until <= now())
RETURNING true
