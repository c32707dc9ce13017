-- Leases: work that one instance does for all.

-- Takes or renews a lease. $1 name, $2 the instance, $3 duration in seconds.
-- A row: the instance holds the lease.
-- name: lease_take
UPDATE leases SET holder = $2::text, until = now() + make_interval(secs => $3::bigint)
 WHERE name = $1::text AND (holder = $2::text OR until <= now())
RETURNING true
