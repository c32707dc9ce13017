-- Positions of riders for customers.

-- A rider's last position; NULL: never reported.
-- name: rider_location
-- columns: position
SELECT rider_place_json(r) AS position FROM riders r WHERE r.id = :rider_id::text
