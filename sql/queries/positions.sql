-- Distances and positions of vendors and riders for customers.

-- A vendor with distance and delivery fee. $1 vendor, $2 lat, $3 lng, $4 fee base, $5 fee per km (of the distance rounded
-- up), or a fixed fee that replaces them: $6 for FOOD, $7 for MART, each or NULL. No row: 404.
-- name: vendor_get_near
SELECT vendor_json(v, business_zone(), d.km, coalesce(
    CASE v.service_type WHEN 'FOOD' THEN $6::bigint ELSE $7::bigint END,
    $4::bigint + ceil(d.km)::bigint * $5::bigint))
  FROM vendors v,
       LATERAL (SELECT distance_km($2::double precision, $3::double precision, v.lat, v.lng) AS km) d
 WHERE v.id = $1::text AND v.approval_status = 'APPROVED'

-- A rider's last position; NULL: never reported. $1 rider.
-- name: rider_location
SELECT rider_place_json(r) FROM riders r WHERE r.id = $1::text
