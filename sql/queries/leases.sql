-- Leases: work that one instance does for all.

-- Takes or renews a lease for so many seconds. A row: the instance holds the lease.
-- name: lease_take
-- columns: held
UPDATE leases SET holder = :holder, until = now() + make_interval(secs => :seconds::bigint)
 WHERE name = :lease AND (holder = :holder OR until <= now())
RETURNING true AS held
