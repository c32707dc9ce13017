-- Riders at work: availability, positions, and the orders they can take.

-- Sets a rider online or offline. rider_status_changed is published only when the status changes.
--  $1 rider   $2 online   $3 lat, $4 lng or NULL   $5 an unverified phone is allowed
-- Columns: outcome (CHANGED, or RIDER_NOT_FOUND, PHONE_UNVERIFIED, SUSPENDED, NOT_APPROVED, INACTIVE), {riderId,isOnline,status}.
-- name: rider_set_online
WITH before AS MATERIALIZED (
  SELECT r.id, r.is_online, CASE
      WHEN NOT $2::boolean THEN 'CHANGED'
      WHEN NOT (r.phone_verified OR $5::boolean) THEN 'PHONE_UNVERIFIED'
      WHEN r.approval_status = 'SUSPENDED' THEN 'SUSPENDED'
      WHEN r.approval_status <> 'APPROVED' THEN 'NOT_APPROVED'
      WHEN r.status <> 'ACTIVE' THEN 'INACTIVE'
      ELSE 'CHANGED' END AS outcome
    FROM riders r WHERE r.id = $1::text FOR NO KEY UPDATE
), changed AS (
  UPDATE riders r SET is_online = $2::boolean, lat = coalesce($3::double precision, r.lat),
         lng = coalesce($4::double precision, r.lng),
         located_at = CASE WHEN $3::double precision IS NULL THEN r.located_at ELSE greatest(r.located_at, now()) END,
         last_online = CASE WHEN $2::boolean OR r.is_online THEN now() ELSE r.last_online END, updated_at = now()
    FROM before WHERE r.id = before.id AND before.outcome = 'CHANGED'
  RETURNING r AS now
), published AS (
  INSERT INTO outbox (aggregate, type, rooms, payload)
  SELECT before.id, 'rider_status_changed', ARRAY['admin', 'rider:' || before.id], ('{"riderId":' || json_word(before.id)
    || ',"isOnline":' || json_flag($2::boolean) || ',"timestamp":' || json_time(now()) || '}')::json
    FROM before WHERE before.outcome = 'CHANGED' AND before.is_online <> $2::boolean
)
SELECT coalesce(before.outcome, 'RIDER_NOT_FOUND'), '{"riderId":' || json_word((c.now).id)
    || ',"isOnline":' || json_flag((c.now).is_online) || ',"status":'
    || CASE WHEN (c.now).is_online THEN '"online"' ELSE '"offline"' END || '}'
  FROM (VALUES (true)) one LEFT JOIN before ON true LEFT JOIN changed c ON true

-- A rider's status. $1 rider. Columns: JSON. No row: no such rider.
-- name: rider_availability_get
SELECT '{"riderId":' || json_word(r.id) || ',"isOnline":' || json_flag(r.is_online)
    || ',"status":' || CASE WHEN r.is_online THEN '"online"' ELSE '"offline"' END
    || ',"availability":' || json_word(rider_availability(r))
    || ',"currentLocation":' || coalesce(rider_place_json(r), 'null')
    || ',"lastOnline":' || json_time(CASE WHEN r.is_online THEN now() ELSE r.last_online END)
    || ',"verificationStatus":' || CASE WHEN r.phone_verified THEN '"VERIFIED"' ELSE '"PENDING"' END
    || ',"approvalStatus":' || json_word(r.approval_status) || ',"accountStatus":' || json_word(r.status) || '}'
  FROM riders r WHERE r.id = $1::text

-- A rider's activity today, in the business time zone. $1 rider. Columns: JSON. No row: no such rider.
-- name: rider_activity
WITH day AS MATERIALIZED (
  SELECT date_trunc('day', now() AT TIME ZONE business_zone()) AT TIME ZONE business_zone() AS began,
    to_char(now() AT TIME ZONE business_zone(), 'YYYY-MM-DD') AS date
)
SELECT '{"riderId":' || json_word(r.id) || ',"date":' || json_word(day.date)
    || ',"isOnline":' || json_flag(r.is_online)
    || ',"totalDeliveries":' || r.total_deliveries || ',"completedDeliveries":' || r.completed_deliveries
    || ',"rating":' || mean_rating(r.rating_sum, r.total_ratings)
    || ',"todayDeliveries":' || (SELECT count(*) FROM orders o
         WHERE o.rider_id = r.id AND o.active IS FALSE AND o.status = 'DELIVERED' AND o.delivered_at >= day.began)
    || ',"todayEarnings":' || (SELECT coalesce(sum(l.amount), 0) FROM ledger l
         WHERE l.to_kind = 'RIDER' AND l.to_owner = r.id AND l.category = 'DELIVERY_FEE' AND l.created_at >= day.began)
    || ',"onlineHours":' || (SELECT coalesce(round((sum(extract(epoch FROM
           coalesce(s.ended_at, now()) - greatest(s.began_at, day.began))) / 3600)::numeric, 2), 0)
         FROM online_spans s WHERE s.rider_id = r.id AND coalesce(s.ended_at, now()) > day.began) || '}'
  FROM riders r, day WHERE r.id = $1::text

-- Stores the last known points of many riders; a point that is older than the row's is skipped. Locks in order of id, so
-- that two such statements cannot deadlock.
--  $1 riders text[]   $2 lats, $3 lngs double precision[]   $4 times bigint[] (ms)
-- name: rider_positions_store
UPDATE riders r SET lat = p.lat, lng = p.lng, located_at = p.at
  FROM (SELECT q.id, w.lat, w.lng, to_timestamp(w.ms / 1000.0) AS at
          FROM unnest($1::text[], $2::double precision[], $3::double precision[], $4::bigint[]) AS w(id, lat, lng, ms)
          JOIN riders q ON q.id = w.id ORDER BY q.id FOR NO KEY UPDATE OF q) p
 WHERE r.id = p.id AND (r.located_at IS NULL OR r.located_at < p.at)

-- Orders that wait for a rider near a point, nearest first, without those that the rider rejected.
--  $1 rider   $2 lat, $3 lng (NULL: the rider's last position)   $4 radius km   $5 limit
-- Columns: JSON array. Always one row.
-- name: orders_available
WITH origin AS MATERIALIZED (
  SELECT coalesce($2::double precision, r.lat) AS lat, coalesce($3::double precision, r.lng) AS lng
    FROM riders r WHERE r.id = $1::text
), near AS (
  SELECT o.id, k.km FROM origin
    JOIN dispatches d ON true
    JOIN orders o ON o.id = d.order_id
   CROSS JOIN LATERAL (SELECT distance_km(origin.lat, origin.lng, o.pickup_lat, o.pickup_lng) AS km) k
   WHERE order_needs_rider(o)
     AND o.pickup_lat BETWEEN origin.lat - $4::double precision / 110 AND origin.lat + $4::double precision / 110
     AND k.km <= $4::double precision
     AND (SELECT f.outcome FROM offers f WHERE f.order_id = o.id AND f.rider_id = $1::text
           ORDER BY f.offered_at DESC LIMIT 1) IS DISTINCT FROM 'REJECTED'
   ORDER BY k.km, o.id LIMIT $5::bigint
)
SELECT '[' || coalesce(string_agg('{"orderId":' || json_word(o.id) || ',"orderNumber":' || json_word(o.order_number)
    || ',"orderType":' || json_word(o.order_type) || ',"vendorName":' || json_text(o.vendor_name)
    || ',"pickupLocation":{"address":' || json_text(o.pickup_text)
    || ',"coordinates":' || json_point(o.pickup_lat, o.pickup_lng)
    || '},"deliveryLocation":{"address":' || json_text(o.delivery_text)
    || ',"coordinates":' || json_point(o.delivery_lat, o.delivery_lng)
    || '},"deliveryFee":' || o.delivery_fee || ',"distance":' || round(near.km::numeric, 2)
    || ',"estimatedTime":' || ride_minutes(near.km + o.distance)
    || ',"status":' || json_word(o.status) || '}', ',' ORDER BY near.km, o.id), '') || ']'
  FROM near JOIN orders o ON o.id = near.id

-- Sets riders offline that have sent no position for 300 seconds.
--  $1 how many at most
-- Columns: rider id.
-- name: riders_set_silent_offline
WITH silent AS (
  SELECT r.id FROM riders r
   WHERE r.is_online
     AND greatest(r.located_at, r.last_online, CASE WHEN r.last_online IS NULL THEN r.created_at END)
         < now() - interval '300 seconds'
   ORDER BY r.id LIMIT $1::bigint FOR NO KEY UPDATE SKIP LOCKED
), changed AS (
  UPDATE riders r SET is_online = false, updated_at = now() FROM silent WHERE r.id = silent.id
  RETURNING r.id
), published AS (
  INSERT INTO outbox (aggregate, type, rooms, payload)
  SELECT id, 'rider_status_changed', ARRAY['admin', 'rider:' || id], ('{"riderId":' || json_word(id)
    || ',"isOnline":false,"timestamp":' || json_time(now()) || '}')::json FROM changed
)
SELECT id FROM changed

-- Riders for the map of the console: those that are online or carry an order, and have a position.
--  $1 country or NULL   $2 riders text[], $3 lats, $4 lngs double precision[], $5 times bigint[] (ms): newer positions from Redis
-- Columns: JSON array. Always one row.
-- name: riders_live
SELECT '[' || coalesce(string_agg('{"rider_id":' || json_word(r.id)
    || ',"name":' || json_text(btrim(r.first_name || ' ' || r.last_name))
    || ',"lat":' || coalesce(w.lat, r.lat) || ',"lng":' || coalesce(w.lng, r.lng)
    || ',"status":' || json_word(rider_availability(r))
    || ',"current_order_id":' || json_word((SELECT o.order_number FROM orders o
         WHERE o.rider_id = r.id AND o.active IS TRUE AND r.active_orders > 0 ORDER BY o.created_at LIMIT 1))
    || ',"updated_at":' || json_time(greatest(to_timestamp(w.ms / 1000.0), r.located_at)) || '}', ',' ORDER BY r.id), '')
    || ']'
  FROM riders r
  LEFT JOIN unnest($2::text[], $3::double precision[], $4::double precision[], $5::bigint[]) AS w(id, lat, lng, ms)
    ON w.id = r.id
 WHERE (r.is_online OR r.active_orders > 0) AND ($1::text IS NULL OR r.country_code = $1::text)
   AND coalesce(w.lat, r.lat) IS NOT NULL

-- Riders that are online, latest first.
--  $1 limit   $2 offset
-- Columns: total, rows (a JSON array of Riders as the console has them). Always one row.
-- name: admin_riders_online
WITH page AS (
  SELECT r.id, r.last_online, r AS rider FROM riders r WHERE r.is_online
   ORDER BY r.last_online DESC NULLS LAST, r.id LIMIT $1::bigint OFFSET $2::bigint
)
SELECT (SELECT count(*) FROM riders WHERE is_online),
  '[' || coalesce(string_agg(admin_rider_json(p.rider), ',' ORDER BY p.last_online DESC NULLS LAST, p.id), '') || ']'
  FROM page p
